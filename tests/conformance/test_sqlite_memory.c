/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on SQLite in memory: one connection, which is the database. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "sqlite_memory",
    .url = "sqlite://",
    .dialect = &suite_sqlite,
    .can = SUITE_SQLITE,
};

int main(int argc, char **argv)
{
    return suite_main(&database, argc, argv);
}
