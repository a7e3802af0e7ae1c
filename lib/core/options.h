/* SPDX-License-Identifier: BSD-3-Clause */
/* Options in force: defaults, under what the URL says, under what the caller gives. */
#ifndef ADB_CORE_OPTIONS_H
#define ADB_CORE_OPTIONS_H

#include "base/arena.h"
#include "drivers/driver.h"

/* given may be NULL. Texts and arrays are copied into the arena. url is changed to what the options put in its place
 * (user, password, host, port, database). */
adb_status adb__options_merge(struct adb__arena *arena, const struct adb__driver *driver, adb_url *url,
                              const adb_options *given, adb_options *options_out, adb_error *error);

/* Copy a sized struct of a caller: an older one is filled up with zeros, a newer one must hold nothing that is
 * unknown. */
adb_status adb__options_copy(void *copy, size_t size, const void *given, size_t given_size, const char *what,
                             adb_error *error);

#endif
