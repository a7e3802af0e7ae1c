/* SPDX-License-Identifier: BSD-3-Clause */
/* How one database writes SQL: what the tokenizer and the transaction stack need to know of it. */
#ifndef ADB_MODEL_DIALECT_H
#define ADB_MODEL_DIALECT_H

#include "base/buf.h"

#include <asyncdb/database.h>

#include <stdbool.h>
#include <stddef.h>

enum adb__placeholder {
    ADB__PLACEHOLDER_NUMBERED_QUESTION, /* ?1 ?2: one number per name (SQLite) */
    ADB__PLACEHOLDER_DOLLAR,            /* $1 $2: one number per name (PostgreSQL) */
    ADB__PLACEHOLDER_QUESTION           /* ?: one value per use (MySQL) */
};

struct adb__dialect {
    enum adb__placeholder placeholder;
    bool backslash_escapes;      /* '\'' in plain literals (MySQL) */
    bool escape_strings;         /* E'\'' (PostgreSQL) */
    bool dollar_quotes;          /* $tag$ … $tag$ (PostgreSQL) */
    bool nested_comments;        /* slash-star comments nest (PostgreSQL) */
    bool hash_comments;          /* # to the end of the line (MySQL) */
    bool brackets;               /* [identifier] (SQLite) */
    bool backticks;              /* `identifier` (MySQL, SQLite) */
    bool double_quoted_literals; /* "text" follows the literals' escape rules too (MySQL) */
    bool fails_whole;            /* a failed statement fails its transaction, up to a savepoint (PostgreSQL) */
    size_t max_parameters;
    const char *empty_list;      /* stands for an empty list inside IN ( ): selects no row */
    /* What became of a transaction: both or neither, NULL: cannot be told. The first yields what names the open one
     * after its end (a text of less than 80 bytes), or no row, or NULL. The second, with that as its one parameter:
     * "committed", "aborted", "in progress", or NULL when it cannot be told for sure. */
    const char *transaction_id;
    const char *transaction_status;
    const char *notify;          /* sends a notification: channel and payload; NULL: has none */
    /* The text that begins an outermost transaction (one statement, or several split by ';'). ADB_E_UNSUPPORTED for
     * options that this database has not. options is never NULL. */
    adb_status (*begin_text)(const adb_transaction_options *options, struct adb__buf *text, adb_error *error);
};

#endif
