/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of the pollable flag once more, on a pipe: notify.c is compiled here as where there is no eventfd, and no
 * sleeping on a word. */
#define ADB__NOTIFY_PIPE
#define ADB__NO_FUTEX

#include "queue/notify.c"

#include "tests/unit/test_notify.c"
