/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on PostgreSQL behind PgBouncer, which gives each transaction another session: no statement stays prepared,
 * no temporary table is there in the next transaction, and no session can be ended by its number. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "postgresql_pgbouncer",
    .dialect = &suite_postgresql,
    .at_least = true, /* who listens is not refused, but hears nothing */
    .can = SUITE_POSTGRESQL & ~SUITE_REMOTE,
};

int main(int argc, char **argv)
{
    return suite_server_main(&database, "ADB_TEST_PGBOUNCER_URL", argc, argv);
}
