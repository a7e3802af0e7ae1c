/* SPDX-License-Identifier: BSD-3-Clause */
/* The watchdog's helpers: to ask a server to stop a statement may take a connection of its own, and so seconds when the
 * network is silent. A few threads do the asking, so that one that hangs keeps no other job from its deadline. They
 * start when they are needed, and stay. What they cannot take on waits for the watchdog's next look. */
#ifndef ADB_CORE_HELPERS_H
#define ADB_CORE_HELPERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct adb_database;
struct adb__worker;

#define ADB__HELPERS 4

struct adb__helper {
    struct adb__helpers *all;
    pthread_t thread;
    bool started;                   /* lock */
    bool home;                      /* has done all but end; lock */
    bool busy;                      /* lock */
    struct adb__worker *worker;     /* whose connection; lock */
    uint32_t slot;                  /* of the job that is CANCELLING; lock */
};

struct adb__helpers {
    struct adb_database *db;
    pthread_mutex_t lock;
    pthread_cond_t changed;         /* something to do, or one is home; lock */
    bool stopping;                  /* lock */
    struct adb__helper helpers[ADB__HELPERS];
};

bool adb__helpers_init(struct adb__helpers *helpers, struct adb_database *db);
void adb__helpers_fini(struct adb__helpers *helpers);

/* The watchdog's: is there one to give something to? It is still there for the next adb__helpers_give(). */
bool adb__helpers_can(struct adb__helpers *helpers);
/* A job that the watchdog has brought to CANCELLING: call the driver's cancel(), and bring it back. */
void adb__helpers_give(struct adb__helpers *helpers, struct adb__worker *worker, uint32_t slot);

/* Closing: send them home; wait for them. False: at the deadline one was still inside a driver. It finds its way
 * alone. */
void adb__helpers_dismiss(struct adb__helpers *helpers);
bool adb__helpers_join(struct adb__helpers *helpers, int64_t deadline);
/* Opening again after a close. False: one that was left behind is still inside a driver. */
bool adb__helpers_return(struct adb__helpers *helpers);

#endif
