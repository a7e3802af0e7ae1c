/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trips of types as a property: random values go into a column as parameters, by the thousand through a prepared
 * statement and one by one without any, and are read by fetch and by iterate. Each comes back equal, and equal to what
 * the server itself says of it. */
#ifndef ADB_TESTS_ROUNDTRIP_ROUND_H
#define ADB_TESTS_ROUNDTRIP_ROUND_H

#include "tests/roundtrip/values.h"

enum {
    ROUND_CONVERTED = 1u << 0, /* the database has not that type: what comes back converts to the value */
    ROUND_FEW = 1u << 1,       /* a handful of values, for large ones */
    ROUND_OPTIONAL = 1u << 2   /* not every server has that type (UUID of MariaDB) */
};

/* One kind of column. */
struct subject {
    const char *name;   /* the test's: a claim */
    const char *column; /* its type */
    const char *render; /* what the server says of x, as text */
    make_fn make;
    said_fn said;
    unsigned flags;
};

/* All subjects on the database at that URL, or at that of an environment variable; not set: 77. Arguments name
 * subjects. */
int round_main(const char *at, const struct subject *subjects, size_t n_subjects, int argc, char **argv);

#endif
