/* SPDX-License-Identifier: BSD-3-Clause */
/* What of the suite needs no SQL, on the driver that tests play themselves. */
#include "tests/conformance/driver_suite.h"
#include "tests/lib/fake_driver.h"

static const struct suite_dialect dialect = {
    .driver = "fake",
    .one = "select value 1",
    .write = "insert 1",
    .written = "select table",
    .slow = "block never_opened",
    .wrong = "fail unique",
};

static const struct suite_database database = {
    .name = "fake",
    .url = "fake://",
    .dialect = &dialect,
    .prepare = fake_reset,
};

int main(int argc, char **argv)
{
    return suite_main(&database, argc, argv);
}
