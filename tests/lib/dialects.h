/* SPDX-License-Identifier: BSD-3-Clause */
/* The dialects of the three databases, for tests of what is written in SQL without any driver. */
#ifndef ADB_TESTS_DIALECTS_H
#define ADB_TESTS_DIALECTS_H

#include "model/dialect.h"

static const struct adb__dialect sqlite_dialect = {
    .placeholder = ADB__PLACEHOLDER_NUMBERED_QUESTION,
    .brackets = true,
    .backticks = true,
    .max_parameters = 32766,
    .empty_list = "SELECT NULL WHERE 0",
};

static const struct adb__dialect postgresql_dialect = {
    .placeholder = ADB__PLACEHOLDER_DOLLAR,
    .escape_strings = true,
    .dollar_quotes = true,
    .nested_comments = true,
    .max_parameters = 65535,
    .empty_list = "SELECT NULL WHERE FALSE",
};

static const struct adb__dialect mysql_dialect = {
    .placeholder = ADB__PLACEHOLDER_QUESTION,
    .backslash_escapes = true,
    .hash_comments = true,
    .backticks = true,
    .double_quoted_literals = true,
    .max_parameters = 65535,
    .empty_list = "SELECT NULL FROM DUAL WHERE 0",
};

#endif
