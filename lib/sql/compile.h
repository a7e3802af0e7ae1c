/* SPDX-License-Identifier: BSD-3-Clause */
/* SQL text with placeholders into what a driver takes. A template is parsed once and bound as often as there are
 * parameter sets. All memory comes from the caller's arena. Never does I/O, never changes text outside placeholders. */
#ifndef ADB_SQL_COMPILE_H
#define ADB_SQL_COMPILE_H

#include "base/arena.h"
#include "model/dialect.h"
#include "model/statement.h"

/* Placeholders are :name, or ? one after the other, or ?1 and $1 by number; one style in one statement. They are not
 * looked for in literals, quoted names and comments. \: and \? stand for the mark itself. A colon behind a letter,
 * digit or colon (a:b, ::) starts no name, and neither does one before anything but a letter or underscore (:=, [1:2]).
 * A name that SQLite would bind by its own rules (@name, $name, a:b) is refused there: unbound, it would be NULL.
 *
 * A list becomes as many placeholders as it has items, with parentheses where IN has none. An empty one becomes the
 * dialect's empty_list; behind IN, where PostgreSQL would compare that with text, = ANY ('{}') or <> ALL ('{}'). */
enum {
    ADB__SQL_FORMAT = 1u << 0,   /* %s is a placeholder like ?, and %% is a percent sign */
    ADB__SQL_NO_COPY = 1u << 1,  /* values point at the caller's memory: for work that ends before the call returns;
                                    their text ends in a NUL only if the caller's does */
    ADB__SQL_RAW = 1u << 2       /* no placeholders and no escapes: for scripts, which have no values */
};

struct adb__sql_piece;
struct adb__sql_names;

struct adb__sql_template {
    struct adb__sql_piece *pieces;   /* text and placeholders, in order */
    size_t n_pieces;
    size_t n_names;                  /* distinct names, or positions */
    const char *const *names;        /* NULL elements when positional */
    const struct adb__sql_names *index;  /* from name to number; NULL when positional */
    size_t n_uses;                   /* placeholders in the text */
    bool in_order;                   /* each name or position is used once, one after the other */
    bool positional;
    unsigned flags;                  /* of the statement: ADB__STMT_… */
    const struct adb__dialect *dialect;
    const char *sql;                 /* rewritten text when no list is bound */
    size_t sql_size;
};

/* The text goes from behind empty statements up to the semicolon that ends it.
 * ADB_E_PARAMETER (mixed styles, too many), ADB_E_MULTI (a second statement), ADB_E_SYNTAX (unterminated literal, NUL
 * byte, empty text), ADB_E_TOO_BIG, ADB_E_NOMEM; messages give the byte offset, from 0. */
adb_status adb__sql_parse(struct adb__arena *arena, const struct adb__dialect *dialect, unsigned flags, const char *sql,
                          size_t sql_size, struct adb__sql_template *template_out, adb_error *error);
/* Check and copy the values. ADB_E_PARAMETER names what is missing, extra or misplaced. params may be NULL. The
 * template must outlive the statement: text without lists is shared. */
adb_status adb__sql_bind(struct adb__arena *arena, const struct adb__sql_template *sql_template, unsigned flags,
                         const adb_params *params, struct adb__statement *statement_out, adb_error *error);
/* The same for many sets of values, none of them with a list: *sets_out is an array of value arrays. A complaint names
 * the set, from 0. Without sets there is only text. */
adb_status adb__sql_bind_sets(struct adb__arena *arena, const struct adb__sql_template *sql_template, unsigned flags,
                              const adb_params *sets, size_t n_sets, struct adb__statement *statement_out,
                              const adb_value *const **sets_out, adb_error *error);
/* Split a script: the size of the first statement in sql (its semicolon included), skipping leading blanks, comments
 * and empty statements into *skipped_out; 0 when nothing is left. CREATE TRIGGER … BEGIN … END is one statement. What
 * is never terminated is a statement up to the end, for adb__sql_parse() or the database to refuse. */
size_t adb__sql_next_statement(const struct adb__dialect *dialect, const char *sql, size_t sql_size,
                               size_t *skipped_out);

#endif
