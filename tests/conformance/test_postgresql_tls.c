/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on PostgreSQL over TLS with a verified host and a password by SCRAM. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "postgresql_tls",
    .dialect = &suite_postgresql,
    .can = SUITE_POSTGRESQL | SUITE_SESSION | SUITE_LISTEN | SUITE_TLS,
};

int main(int argc, char **argv)
{
    return suite_server_main(&database, "ADB_TEST_POSTGRESQL_TLS_URL", argc, argv);
}
