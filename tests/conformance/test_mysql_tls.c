/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on MariaDB over TLS with a verified host. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "mysql_tls",
    .dialect = &suite_mysql,
    .can = SUITE_MARIADB | SUITE_SESSION | SUITE_TLS,
};

int main(int argc, char **argv)
{
    return suite_server_main(&database, "ADB_TEST_MYSQL_TLS_URL", argc, argv);
}
