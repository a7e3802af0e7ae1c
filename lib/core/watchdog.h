/* SPDX-License-Identifier: BSD-3-Clause */
/* One thread per database that looks after time: deadlines, cancels, lanes that wait too long, workers to be started.
 * It sleeps until the earliest of them, and without work for ever. */
#ifndef ADB_CORE_WATCHDOG_H
#define ADB_CORE_WATCHDOG_H

#include "base/ref.h"
#include "core/helpers.h"
#include "queue/park.h"

struct adb_database;

struct adb__watchdog {
    struct adb_database *db;
    pthread_t thread;
    struct adb__parker parker;
    struct adb__helpers helpers;
    struct adb__counter stopping;
    bool away;                      /* its thread lives; lock of the database */
    struct adb__counter severing;   /* closing, and time is nearly up: break connections to get workers back */
    int64_t sever_after, sever_cancel; /* see watchdog.c; shorter in tests */
};

bool adb__watchdog_init(struct adb__watchdog *watchdog, struct adb_database *db);
void adb__watchdog_fini(struct adb__watchdog *watchdog);
int adb__watchdog_start(struct adb__watchdog *watchdog);
/* Send it home, and wait for it. False: at the deadline it was still inside a driver's cancel(), and is left behind. */
void adb__watchdog_dismiss(struct adb__watchdog *watchdog);
bool adb__watchdog_join(struct adb__watchdog *watchdog, int64_t deadline);
/* Look now. */
void adb__watchdog_poke(struct adb__watchdog *watchdog);
/* Look not later than that. What the watchdog is to see must have been written with seq_cst order before. */
void adb__watchdog_by(struct adb__watchdog *watchdog, int64_t when);

#endif
