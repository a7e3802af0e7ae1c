/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells which statements can be run twice, or in vain, and nobody will know. Knows few, and is sure of them. It goes by
 * the text: what a view, a cast or an operator of the user does is not in it. */
#ifndef ADB_SQL_PURE_H
#define ADB_SQL_PURE_H

#include "sql/tokenize.h"

struct adb__sql_purity {
    const struct adb__dialect *dialect;
    bool begun;
    bool refused;               /* by one of the tokens so far */
    struct adb__token last;     /* ADB__TOKEN_END when there was none */
    struct adb__token previous; /* the one before it */
};

void adb__sql_purity_init(struct adb__sql_purity *purity, const struct adb__dialect *dialect);
/* Follow one token, in order, blanks and comments left out. */
void adb__sql_purity_feed(struct adb__sql_purity *purity, const char *sql, const struct adb__token *token);
/* Whether what was fed is pure, if it is a whole statement. */
bool adb__sql_purity_holds(const struct adb__sql_purity *purity);

#endif
