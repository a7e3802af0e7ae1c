/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on a SQLite file: one writer and readers on WAL. */
#include "tests/conformance/driver_suite.h"

static const struct suite_database database = {
    .name = "sqlite_file",
    .url = "sqlite:///%s/suite.db",
    .dialect = &suite_sqlite,
    .can = SUITE_SQLITE | SUITE_PERSISTENT | SUITE_READERS | SUITE_REPLICAS,
};

int main(int argc, char **argv)
{
    return suite_main(&database, argc, argv);
}
