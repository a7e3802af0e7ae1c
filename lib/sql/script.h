/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells which semicolons end a statement: not those between parentheses (rules of PostgreSQL), and not those of the
 * compound body of a trigger, routine or event. Splitting a script is declared in sql/compile.h. */
#ifndef ADB_SQL_SCRIPT_H
#define ADB_SQL_SCRIPT_H

#include "sql/tokenize.h"

enum adb__sql_stage {
    ADB__STAGE_START,     /* nothing significant yet */
    ADB__STAGE_BEGIN,     /* BEGIN as first word: a block when NOT ATOMIC follows (MariaDB) */
    ADB__STAGE_CREATE,    /* CREATE or ALTER: of what, the next words say */
    ADB__STAGE_DEFINER,   /* the same, behind a user's name */
    ADB__STAGE_HEADER,    /* of something that may have a body */
    ADB__STAGE_BODY,      /* inside BEGIN … END */
    ADB__STAGE_PLAIN      /* no body can come any more */
};

/* Where in a body the next token stands. */
enum adb__sql_position { ADB__POSITION_INSIDE, ADB__POSITION_AFTER_THEN, ADB__POSITION_AFTER_SEMICOLON };

struct adb__sql_blocks {
    bool nesting;         /* a block may stand inside another */
    enum adb__sql_stage stage;
    enum adb__sql_position position;
    size_t parentheses;
    size_t depth;         /* of BEGIN … END */
    bool end_pending;     /* END has come: of a block, unless the next word is IF, LOOP or the like */
    bool declaring;       /* inside DECLARE, where a handler may have a block */
};

void adb__sql_blocks_init(struct adb__sql_blocks *blocks, const struct adb__dialect *dialect);
/* Follow one token, in order; blanks and comments may be left out. True when it is a semicolon that ends the
 * statement. */
bool adb__sql_blocks_feed(struct adb__sql_blocks *blocks, const char *sql, const struct adb__token *token);

#endif
