/* SPDX-License-Identifier: BSD-3-Clause */
/* The network goes silent: nothing that the library does may hang for ever, whether a job's deadline covers it or
 * not. */
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#include <string.h>

#define SOON (20 * ADB__NS_PER_MS)

static adb_status execute(adb_context *ctx, const char *sql)
{
    return status_of(ctx, adb_execute(ctx, sql, NULL, NULL, NULL));
}

static bool is_later(void *data)
{
    return adb__clock_now() > *(const int64_t *)data;
}

static void pass_ms(int ms)
{
    int64_t until = adb__deadline_in(adb__clock_now(), ms);
    await(is_later, &until);
}

/* A server on a network that will be silent; guarded calls are given up soon. */
static void open_rig(struct rig *rig, const char *url, const adb_options *options)
{
    rig_open_fake(rig, url, options);
    rig->db->guards.call_ns = rig->db->guards.spare_ns = SOON;
    rig->db->watchdog.sever_after = rig->db->watchdog.sever_cancel = SOON;
}

/* The check of an idle connection gets no answer: it is broken, and the job is served by a new one. (PAIN-14) */
TEST(silent_check_is_given_up)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1&check_after_ms=1", NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_await_sleep(&rig);
    fake_check_hangs("never");
    pass_ms(3);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, "sever"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    fake_check_hangs(NULL);
    rig_close(&rig);
}

/* The roll back of a transaction that nobody owns gets no answer. */
TEST(silent_roll_back_is_given_up)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1", NULL);
    fake_text_hangs("ROLLBACK", "never");
    CU_ASSERT_EQUAL(execute(rig.ctx, "dirty"), ADB_OK);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, "sever"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

/* The connection is dropped with the session state of a lane that had acquired it, when the reset gets no answer. */
TEST(silent_reset_is_given_up)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1", NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_acquire(rig.ctx, NULL, NULL)), ADB_OK);
    fake_check_hangs("never");
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_OK);
    fake_check_hangs(NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, "sever"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

/* Nobody answers while connecting, and the driver does not look at the clock: the attempt ends all the same. */
TEST(silent_connect_is_given_up)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1&connect_timeout_ms=20", NULL);
    fake_open_hangs("never");
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(error.message, "nobody answered");
    CU_ASSERT(fake_count(FAKE_CANCEL, "sever") >= 1);
    fake_open_hangs(NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    rig_close(&rig);
}

static adb_status deaf_hook(adb_session *session, void *user_data)
{
    adb_result *result = adb_session_execute(session, user_data, NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* A statement of a hook gets no answer. */
TEST(silent_hooks_are_given_up)
{
    struct rig rig;
    static char setup[] = "deaf setup", checkout[] = "deaf checkout";
    open_rig(&rig, "fake://?max_size=1&backoff=1&connect_timeout_ms=20",
             ADB_OPTIONS(.on_connect = deaf_hook, .on_connect_data = setup, .on_acquire = deaf_hook,
                         .on_acquire_data = checkout));
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_CONNECTION);
    latch_open(latch_named("setup"));
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_E_CONNECTION);
    latch_open(latch_named("checkout"));
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 3"), ADB_OK);
    CU_ASSERT(fake_table_is("3"));
    rig_close(&rig);
}

/* A statement gets no answer: its deadline comes first, then the request to stop, then the end of the connection. What
 * became of it is not known. (PAIN-14) */
TEST(silent_job_ends_after_its_deadline)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1", NULL);
    rig.db->watchdog.sever_after = 25 * SOON; /* it is asked before, on a busy machine too */
    rig.db->watchdog.sever_cancel = 100 * SOON;
    adb_error error = {0};
    while (latch_arrived(latch_named("x")) == 0) /* on a busy machine its deadline may pass before it has begun */
        error = error_of(rig.ctx, adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "deaf x",
                                                                  .timeout_ms = 20)));
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(error.flags, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT(fake_count(FAKE_CANCEL, "ask") >= 1);
    CU_ASSERT(fake_count(FAKE_CANCEL, "sever") >= 1);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_close(&rig);
}

/* The same for a job without a deadline that is cancelled. */
TEST(silent_job_ends_after_a_cancel)
{
    struct rig rig;
    open_rig(&rig, "fake://?max_size=1&backoff=1", NULL);
    const adb_job job = adb_execute(rig.ctx, "deaf x", NULL, NULL, NULL);
    latch_expect(latch_named("x"), 1);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    const adb_error error = error_of(rig.ctx, job);
    CU_ASSERT_EQUAL(error.status, ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(error.flags & ADB_ERROR_OUTCOME_UNKNOWN, ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT(fake_count(FAKE_CANCEL, "sever") >= 1);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_close(&rig);
}

struct enough {
    struct tally *tally;
    size_t n;
};

static bool has_enough(void *data)
{
    const struct enough *enough = data;
    return tally_n(enough->tally) >= enough->n;
}

/* To ask a silent server hangs as well: the other jobs that are to end do not wait for that. */
TEST(hanging_requests_to_stop_delay_no_other_job)
{
    enum { N = ADB__HELPERS + 2 };
    struct rig rig;
    struct tally tally = TALLY_INIT;
    struct enough enough = {.tally = &tally, .n = N - ADB__HELPERS};
    adb_context *contexts[N];
    adb_job jobs[N];
    open_rig(&rig, "fake://?max_size=6&backoff=1", NULL);
    fake_cancel_blocks("ask");
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        jobs[i] = adb_execute(contexts[i], "deaf x", NULL, tally_done, &tally);
    }
    latch_expect(latch_named("x"), N);
    for (int i = 0; i < N; i++)
        adb_cancel(contexts[i], jobs[i]);
    run_until(rig.queue, has_enough, &enough);
    CU_ASSERT(latch_arrived(latch_named("ask")) >= ADB__HELPERS);
    latch_open(latch_named("ask"));
    for (int i = 0; i < N; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), N);
    rig_close(&rig);
}

/* A worker that hangs in a check when the database closes is brought home, not left behind. */
TEST(close_ends_a_silent_check)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1&check_after_ms=1", NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_await_sleep(&rig);
    fake_check_hangs("never");
    pass_ms(3);
    adb_execute(rig.ctx, "insert 2", NULL, tally_done, &tally);
    latch_expect(latch_named("never"), 1);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 1);
    CU_ASSERT_EQUAL(fake_connections(), 0);
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, "sever"), 1);
    rig_drop(&rig);
}

/* So is one that hangs while it connects. */
TEST(close_ends_a_silent_connect)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    fake_open_hangs("never");
    adb_execute(rig.ctx, "insert 2", NULL, tally_done, &tally);
    latch_expect(latch_named("never"), 1);
    adb_database_close(rig.db, 0);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, "sever"), 1);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, 20, NULL), ADB_E_TIMEOUT);
    rig_drop(&rig);
}

SUITE(silence, CASE(silent_check_is_given_up), CASE(silent_roll_back_is_given_up), CASE(silent_reset_is_given_up),
      CASE(silent_connect_is_given_up), CASE(silent_hooks_are_given_up), CASE(silent_job_ends_after_its_deadline),
      CASE(silent_job_ends_after_a_cancel), CASE(hanging_requests_to_stop_delay_no_other_job),
      CASE(close_ends_a_silent_check), CASE(close_ends_a_silent_connect))
