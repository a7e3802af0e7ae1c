/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on PostgreSQL over its unix socket. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "postgresql",
    .dialect = &suite_postgresql,
    .can = SUITE_POSTGRESQL | SUITE_SESSION | SUITE_LISTEN,
};

int main(int argc, char **argv)
{
    return suite_server_main(&database, "ADB_TEST_POSTGRESQL_URL", argc, argv);
}
