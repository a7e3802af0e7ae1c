/* SPDX-License-Identifier: BSD-3-Clause */
/* A pollable flag: an eventfd, or a pipe where there is none. Signals coalesce. */
#ifndef ADB_QUEUE_NOTIFY_H
#define ADB_QUEUE_NOTIFY_H

#include <stdbool.h>

struct adb__notify {
    int read_fd;                /* readable while signalled; -1 when closed */
    int write_fd;               /* the same as read_fd for an eventfd */
};

/* 0, or the errno of the refusal; then it is closed. */
int adb__notify_open(struct adb__notify *notify);
/* Closing twice is harmless. */
void adb__notify_close(struct adb__notify *notify);
/* Any thread, signal handlers too; keeps errno. Never blocks. */
void adb__notify_signal(const struct adb__notify *notify);
/* Look for what the signals announced only after this: a signal that comes meanwhile then stays. */
void adb__notify_clear(const struct adb__notify *notify);
/* Wait until it is signalled, which stays so; -1 waits for ever. May return early with false. */
bool adb__notify_wait(const struct adb__notify *notify, int timeout_ms);

#endif
