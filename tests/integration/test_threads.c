/* SPDX-License-Identifier: BSD-3-Clause */
/* A system that has no threads to give: what there are serve all, and it is not asked again and again. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/lib/heard.h"
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* More than there are addresses for. */
#define IMPOSSIBLE_STACK ((size_t)1 << 60)

static size_t usual_stack;

/* Of threads to come. Returns what it was. */
static size_t set_stack(size_t size)
{
    pthread_attr_t attributes;
    size_t before;
    REQUIRE(pthread_getattr_default_np(&attributes) == 0);
    REQUIRE(pthread_attr_getstacksize(&attributes, &before) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, size) == 0);
    REQUIRE(pthread_setattr_default_np(&attributes) == 0);
    pthread_attr_destroy(&attributes);
    return before;
}

static void refuse_threads(void)
{
    usual_stack = set_stack(IMPOSSIBLE_STACK);
}

static void grant_threads(void)
{
    set_stack(usual_stack);
}

static void count_errors(adb_log_level level, const char *line, void *user_data)
{
    atomic_uint *n_errors = user_data;
    if (level == ADB_LOG_ERROR && strstr(line, "no thread for a worker") != NULL)
        atomic_fetch_add(n_errors, 1);
}

/* Each time somebody looks for a worker: nobody else ends such a job. */
static void time_out(struct rig *rig)
{
    adb_context *ctx = adb_context_new(rig->db, rig->queue, 0);
    const adb_job job = adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "write", .timeout_ms = 1));
    CU_ASSERT_EQUAL(status_of(ctx, job), ADB_E_TIMEOUT);
    adb_context_free(ctx);
}

/* One worker is busy, and for no other there is a thread: an error in the log once a second, not with each job. */
TEST(system_without_threads_is_left_in_peace)
{
    struct rig rig;
    atomic_uint n_errors = 0;
    rig_open_fake(&rig, "fake://?max_size=2", ADB_OPTIONS(.log = count_errors, .log_data = &n_errors));
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(rig.ctx, "block busy", NULL, NULL, NULL);
    latch_expect(latch_named("busy"), 1);
    refuse_threads();
    const int64_t since = adb__clock_now();
    for (int i = 0; i < 20; i++)
        time_out(&rig);
    const unsigned seconds = (unsigned)((adb__clock_now() - since) / (1000 * ADB__NS_PER_MS));
    CU_ASSERT(atomic_load(&n_errors) > 0);
    CU_ASSERT(atomic_load(&n_errors) <= 1 + seconds);
    grant_threads();
    CU_ASSERT_EQUAL(status_of(other, adb_execute(other, "write", NULL, NULL, NULL)), ADB_OK); /* it is asked again */
    latch_open(latch_named("busy"));
    run_all(rig.ctx);
    adb_context_free(other);
    rig_close(&rig);
}

/* And who waits in vain meanwhile is told why nobody else came. */
TEST(job_that_nobody_took_says_why)
{
    struct rig rig;
    atomic_uint n_errors = 0;
    rig_open_fake(&rig, "fake://?max_size=2", ADB_OPTIONS(.log = count_errors, .log_data = &n_errors));
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(rig.ctx, "block busy", NULL, NULL, NULL);
    latch_expect(latch_named("busy"), 1);
    refuse_threads();
    const adb_error error =
        error_of(other, adb_submit(other, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "write", .timeout_ms = 40)));
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "no thread for a worker: "));
    grant_threads();
    latch_open(latch_named("busy"));
    run_all(rig.ctx);
    adb_context_free(other);
    rig_close(&rig);
}

/* A database without any thread takes jobs and fails them. */
TEST(database_without_any_thread_fails_its_jobs)
{
    RIG(rig, &kind_fake, NULL);
    refuse_threads();
    const adb_error error = error_of(rig.ctx, rig_quick(&rig, NULL, NULL));
    grant_threads();
    CU_ASSERT_EQUAL(error.status, ADB_E_NOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "no thread for the watchdog: "));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* The one thread that a listener needs. */
TEST(listener_without_a_thread_is_refused)
{
    RIG(rig, &kind_fake, NULL);
    struct heard heard = HEARD_INIT;
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    refuse_threads();
    CU_ASSERT_PTR_NULL(adb_listen(rig.ctx, "news", heard_note, &heard));
    grant_threads();
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_NOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(adb_context_error(rig.ctx)->message, "no thread to listen: "));
    adb_listener *listener = adb_listen(rig.ctx, "news", heard_note, &heard);
    REQUIRE(listener != NULL);
    heard_run(rig.queue, &heard, ADB_NOTIFY_LISTENING, 1);
    adb_unlisten(listener);
    rig_close(&rig);
}

/* Who asks a server to stop a job is a thread of its own. Where there is none, the job loses its connection. */
TEST(job_that_nobody_can_ask_to_stop_loses_its_connection)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    rig.db->watchdog.sever_cancel = 50 * ADB__NS_PER_MS;
    const adb_job job = adb_execute(rig.ctx, "deaf job", NULL, NULL, NULL);
    latch_expect(latch_named("job"), 1);
    refuse_threads();
    adb_cancel(rig.ctx, job);
    CU_ASSERT_EQUAL(status_of(rig.ctx, job), ADB_E_CANCELLED);
    grant_threads();
    CU_ASSERT(fake_count(FAKE_CANCEL, "sever") >= 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

SUITE(threads, CASE(system_without_threads_is_left_in_peace), CASE(job_that_nobody_took_says_why),
      CASE(database_without_any_thread_fails_its_jobs), CASE(listener_without_a_thread_is_refused),
      CASE(job_that_nobody_can_ask_to_stop_loses_its_connection))
