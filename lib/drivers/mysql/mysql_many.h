/* SPDX-License-Identifier: BSD-3-Clause */
/* One statement with many sets of values: set by set, or many sets in one message. */
#ifndef ADB_DRIVERS_MYSQL_MYSQL_MANY_H
#define ADB_DRIVERS_MYSQL_MYSQL_MANY_H

#include "drivers/mysql/mysql_bind.h"

struct adb__mysql_many {
    struct adb__mysql *conn;
    const struct adb__statement *statement;
    struct adb__mysql_statement *prepared;
    const adb_value *const *sets;
    size_t n_sets;
    size_t n_done; /* the rest is still to do; after a failure, the index of what failed */
    struct adb_result *result;
};

/* Run set by set, up to the one at end. */
adb_status adb__mysql_many_one_by_one(struct adb__mysql_many *many, size_t end, adb_error *error);

/* Can client library and server take many sets in one message, and does the statement lend itself to it? */
bool adb__mysql_bulk_possible(const struct adb__mysql_many *many);
/* Run all sets so. */
adb_status adb__mysql_bulk(struct adb__mysql_many *many, adb_error *error);

#endif
