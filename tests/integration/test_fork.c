/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 13: after a fork the child's handles fail at once and touch nothing; the parent goes on. */
#include "tests/lib/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer does not know threads that start behind a fork of several. */
#if defined(__SANITIZE_THREAD__)
#define CHILD_MAY_START_THREADS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_MAY_START_THREADS 0
#endif
#endif
#ifndef CHILD_MAY_START_THREADS
#define CHILD_MAY_START_THREADS 1
#endif

/* The child reports the first claim that does not hold by its exit code. */
#define CLAIM(number, condition)                                                                                       \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            _exit(number);                                                                                             \
    } while (0)

static int outcome_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static adb_status waited(adb_context *ctx, adb_job job)
{
    adb_result *result = adb_wait(ctx, job, 0);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* Every call says that the handle is another process's. */
static void claim_refusals(struct rig *rig, adb_job job)
{
    adb_stats stats = {.size = sizeof(stats)};
    CLAIM(1, rig_quick(rig, NULL, NULL) == 0 && adb_context_error(rig->ctx)->status == ADB_E_FORKED);
    CLAIM(2, adb_begin(rig->ctx, NULL, NULL, NULL) == 0);
    CLAIM(3, adb_cancel(rig->ctx, job) == ADB_E_FORKED);
    CLAIM(4, waited(rig->ctx, job) == ADB_E_FORKED);
    CLAIM(5, adb_resume(rig->ctx, job) == ADB_E_FORKED);
    CLAIM(6, adb_database_connect(rig->db, 0, NULL) == ADB_E_FORKED);
    CLAIM(7, adb_database_close(rig->db, 0) == ADB_E_FORKED);
    CLAIM(8, adb_database_stats(rig->db, &stats) == ADB_E_FORKED);
    CLAIM(9, adb_context_new(rig->db, NULL, 0) == NULL && errno == ECHILD);
    CLAIM(10, adb_context_share(rig->ctx, NULL) == NULL && errno == ECHILD);
    CLAIM(11, adb_queue_wait(rig->queue, 0) == ADB_E_FORKED);
    CLAIM(12, adb_queue_dispatch(rig->queue, 0) == 0 && adb_queue_next(rig->queue) == NULL);
    CLAIM(13, adb_queue_fd(rig->queue) == -1);
    CLAIM(14, !adb_database_is_connected(rig->db));
}

/* Also while a job runs and an outcome waits; then the parent's job ends as if nothing had been. */
BOTH(handles_of_the_parent_are_refused)
{
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    const adb_job slow = rig_slow(&rig, tally_done, &tally);
    rig_await_slow(&rig, 1);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        claim_refusals(&rig, slow);
        _exit(0);
    }
    CU_ASSERT_EQUAL(outcome_of(child), 0);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, slow), ADB_OK);
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 1);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* The child may free what it has got: that gives back memory, and nothing else happens. */
BOTH(handles_of_the_parent_may_be_freed)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    const size_t calls = fake_n_calls();
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        adb_context_free(rig.ctx);
        adb_queue_free(rig.queue);
        adb_database_free(rig.db);
        _exit(fake_n_calls() == calls ? 0 : 1);
    }
    CU_ASSERT_EQUAL(outcome_of(child), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

/* A handle that the child makes itself is as good as any. (LIFE-23) */
TEST(child_makes_handles_of_its_own)
{
    struct rig rig;
    if (!CHILD_MAY_START_THREADS)
        return;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        struct rig own = {.kind = &kind_fake, .queue = adb_queue_new()};
        CLAIM(1, adb_database_open("fake://", NULL, &own.db, NULL) == ADB_OK);
        own.ctx = adb_context_new(own.db, own.queue, 0);
        CLAIM(2, status_of(own.ctx, rig_insert(&own, 2, NULL, NULL)) == ADB_OK);
        CLAIM(3, adb_database_close(own.db, PATIENCE_MS) == ADB_OK);
        _exit(0);
    }
    CU_ASSERT_EQUAL(outcome_of(child), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 3, NULL, NULL)), ADB_OK);
    CU_ASSERT(fake_table_is("1 3"));
    rig_close(&rig);
}

/* A child that ends by exit() does not run the exit of the parent's databases. */
BOTH(exit_of_the_child_leaves_the_parent_alone)
{
    RIG(rig, kind, NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 1, NULL, NULL)), ADB_OK);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        exit(0);
    CU_ASSERT_EQUAL(outcome_of(child), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "1"));
    rig_close(&rig);
}

SUITE(fork, CASES(handles_of_the_parent_are_refused), CASES(handles_of_the_parent_may_be_freed),
      CASE(child_makes_handles_of_its_own), CASES(exit_of_the_child_leaves_the_parent_alone))
