/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on MariaDB over its unix socket. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "mysql",
    .dialect = &suite_mysql,
    .can = SUITE_MARIADB | SUITE_SESSION,
};

int main(int argc, char **argv)
{
    return suite_server_main(&database, "ADB_TEST_MYSQL_URL", argc, argv);
}
