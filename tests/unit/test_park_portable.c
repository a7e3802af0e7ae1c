/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of parks and parkers once more, compiled here as where nobody can sleep on a word. */
#define ADB__NO_FUTEX

#include "queue/park.c"
#include "queue/parker.c"

#include "tests/unit/test_park.c"
