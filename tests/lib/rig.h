/* SPDX-License-Identifier: BSD-3-Clause */
/* A database to try a promise on, with a queue and a context: the fake driver, or SQLite on a file of its own. The same
 * test runs on both with the statements of its kind. */
#ifndef ADB_TESTS_RIG_H
#define ADB_TESTS_RIG_H

#include "tests/lib/fake_driver.h"
#include "tests/lib/harness.h"
#include "tests/lib/latch.h"
#include "tests/lib/wait.h"

/* How one kind of database says what the tests need. */
struct kind {
    const char *name;
    const char *quick;  /* one row: 1 */
    const char *slow;   /* runs until it is stopped */
    const char *insert; /* writes :n; a negative number is refused with ADB_E_CHECK */
    const char *rows;   /* what was written, in order */
    const char *wrong;  /* cannot succeed */
};

extern const struct kind kind_fake, kind_sqlite;

struct rig {
    const struct kind *kind;
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
    char folder[64];    /* of the file; "" when there is none */
};

/* Open, with a fresh table. False: this build has not that kind. Options may be NULL. */
bool rig_open(struct rig *rig, const struct kind *kind, const adb_options *options);
/* The fake driver by its URL. */
void rig_open_fake(struct rig *rig, const char *url, const adb_options *options);
/* Free everything; checks that the database closes by itself and that no connection and no thread is left. */
void rig_close(struct rig *rig);
/* The same where a close by force is in order. */
void rig_drop(struct rig *rig);
/* Its part in that of a process which ends without. Harmless where there is no folder. */
void rig_remove_folder(const struct rig *rig);

/* Jobs in words of the kind. */
adb_job rig_insert(struct rig *rig, int64_t n, adb_done_cb done, void *user_data);
adb_job rig_quick(struct rig *rig, adb_done_cb done, void *user_data);
adb_job rig_slow(struct rig *rig, adb_done_cb done, void *user_data);
/* Wait until so many slow statements run (the fake knows; elsewhere until so many jobs run). */
void rig_await_slow(struct rig *rig, unsigned n);
/* This very job runs: what was submitted before it on its context is over, and its outcome is in the queue. */
void rig_await_running(struct rig *rig, adb_job job);
/* Wait until every worker has gone to sleep: figures that say idle may mean between two jobs. */
void rig_await_sleep(struct rig *rig);
/* What was written, seen through the rig's own context. */
bool rig_holds(struct rig *rig, const char *rows);
adb_stats rig_stats(const struct rig *rig);

/* In a test: a rig of that kind, or no test where this build has not that kind. */
#define RIG(rig, kind, ...)                   \
    struct rig rig;                           \
    if (!rig_open(&(rig), kind, __VA_ARGS__)) \
    return

/* A test on both kinds: BOTH(name) { … use kind … } makes the tests name_fake and name_sqlite. */
#define BOTH(name)                          \
    static void name(const struct kind *kind); \
    TEST(name##_fake)                       \
    {                                       \
        name(&kind_fake);                   \
    }                                       \
    TEST(name##_sqlite)                     \
    {                                       \
        name(&kind_sqlite);                 \
    }                                       \
    static void name(const struct kind *kind)
#define CASES(name) CASE(name##_fake), CASE(name##_sqlite)

#endif
