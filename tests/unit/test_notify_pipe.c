/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of the pollable flag once more, on a pipe: notify.c is compiled here as where there is no eventfd. */
#define ADB__NOTIFY_PIPE

#include "queue/notify.c"

#include "tests/unit/test_notify.c"
