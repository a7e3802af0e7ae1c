/* SPDX-License-Identifier: BSD-3-Clause */
/* A database of a program's own on a server: made before its first test, dropped after its last. So programs run side
 * by side on one server, and leave nothing there. */
#ifndef ADB_TESTS_OWN_H
#define ADB_TESTS_OWN_H

#include <asyncdb.h>

struct own {
    char name[32];       /* of the database; "" before it is made */
    char url[1024];      /* the given one with that name in place of its database */
    adb_database *given; /* where the given URL leads: makes and drops it */
};

/* The URL in an environment variable; NULL, and a line that says so, when it is not set. */
const char *own_variable(const char *variable);

/* False, and a line that says why, when there is no such server or it refuses. */
bool own_make(struct own *own, const char *url);
/* Also of what was never made. */
void own_drop(struct own *own);

/* Run a script; a failure is printed. */
bool own_run(adb_database *db, const char *sql);

#endif
