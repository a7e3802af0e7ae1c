/* SPDX-License-Identifier: BSD-3-Clause */
/* One call of a user's SQL function, as the public functions see it: a driver that has functions embeds this. */
#ifndef ADB_DRIVERS_FUNCTION_H
#define ADB_DRIVERS_FUNCTION_H

#include <asyncdb/database.h>

struct adb_function_call {
    void (*return_fn)(struct adb_function_call *call, const adb_value *value);
    void (*fail_fn)(struct adb_function_call *call, const char *message);
};

#endif
