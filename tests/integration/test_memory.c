/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 15: out of memory is a status, every object is as it was, nothing leaks, and jobs still complete exactly
 * once. */
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#include <errno.h>

static void no_log(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

/* Each allocation of open in turn. */
TEST(open_without_memory_is_a_status)
{
    const adb_pragma pragma = {.name = "a", .value = "b"};
    const char *const replicas[] = {"fake://replica"};
    adb_error error;
    fake_reset();
    fault_watch();
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        adb_database *db = NULL;
        fault_arm(n);
        const adb_status status =
            adb_database_open("fake://user:secret@host/name?readers=1",
                              ADB_OPTIONS(.log = no_log, .pragmas = &pragma, .n_pragmas = 1, .replicas = replicas,
                                          .n_replicas = 1, .queue_capacity = 16),
                              &db, &error);
        FAULT_DONE();
        CU_ASSERT(status == (db == NULL ? ADB_E_NOMEM : ADB_OK));
        adb_database_free(db);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
}

/* Contexts and queues. */
BOTH(context_without_memory_is_errno)
{
    fault_watch();
    RIG(rig, kind, NULL);
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        errno = 0;
        fault_arm(n);
        adb_context *ctx = adb_context_new(rig.db, NULL, 0);
        adb_context *shared = ctx == NULL ? NULL : adb_context_share(ctx, NULL);
        const int refusal = errno;
        FAULT_DONE();
        CU_ASSERT((ctx != NULL && shared != NULL) || refusal == ENOMEM);
        adb_context_free(shared);
        adb_context_free(ctx);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
    rig_close(&rig);
}

static adb_status work(adb_session *session, void *user_data)
{
    const struct rig *rig = user_data;
    adb_result *result = adb_session_fetch_all(session, rig->kind->quick, NULL);
    const adb_status status = adb_result_status(result);
    adb_session_return(session, result);
    return status;
}

static adb_flow take(adb_result *batch, void *user_data)
{
    (void)batch;
    (void)user_data;
    return ADB_CONTINUE;
}

#define N_KINDS 12

/* A job of each kind. */
static adb_job submit(struct rig *rig, int which, struct tally *tally)
{
    static const char text[2000] = "more than a job holds by itself";
    const struct kind *kind = rig->kind;
    const adb_params sets[] = {*ADB_PARAMS({"n", adb_int(1)}), *ADB_PARAMS({"n", adb_int(2)})};
    switch (which) {
    case 0:
        return rig_quick(rig, tally_done, tally);
    case 1:
        return adb_begin(rig->ctx, NULL, tally_done, tally);
    case 2:
        return rig_insert(rig, 1, tally_done, tally);
    case 3:
        return adb_execute_many(rig->ctx, kind->insert, sets, 2, tally_done, tally);
    case 4:
        return adb_fetch_val(rig->ctx, kind->quick, NULL, tally_done, tally);
    case 5:
        return adb_commit(rig->ctx, tally_done, tally);
    case 6:
        return adb_execute_script(rig->ctx, kind->quick, tally_done, tally);
    case 7:
        return adb_iterate(rig->ctx, kind->rows, NULL, take, tally_done, tally);
    case 8:
        return adb_acquire(rig->ctx, tally_done, tally);
    case 9:
        return adb_release(rig->ctx, tally_done, tally);
    case 10:
        return adb_transact(rig->ctx, NULL, work, NULL, rig);
    default:
        return adb_execute(rig->ctx, kind->insert, ADB_PARAMS({"n", adb_text_n(text, sizeof(text))}), tally_done,
                           tally);
    }
}

/* Allocation fails while jobs are submitted: each is refused with ADB_E_NOMEM, or completes. */
BOTH(submission_without_memory_is_refused)
{
    fault_watch();
    RIG(rig, kind, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    for (int which = 0; which < N_KINDS; which++) {
        FAULT_EACH(n)
        {
            struct tally tally = TALLY_INIT;
            fault_arm(n);
            const adb_job job = submit(&rig, which, &tally);
            FAULT_DONE();
            const adb_status refusal = adb_context_error(rig.ctx)->status;
            CU_ASSERT(job != 0 ? refusal == ADB_OK : refusal == ADB_E_NOMEM);
            run_all(rig.ctx);
            CU_ASSERT_EQUAL(tally_n(&tally), job != 0 && which != 10);
        }
        while (adb_context_depth(rig.ctx) > 0)
            CU_ASSERT_NOT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_NOMEM);
    }
    rig_close(&rig);
}

/* Everything once, with one allocation failing somewhere, on whichever thread. Returns whether one was refused. */
static bool run_with_a_fault(const struct kind *kind, size_t n)
{
    struct tally tally = TALLY_INIT;
    size_t accepted = 0;
    struct rig rig;
    if (!rig_open(&rig, kind, ADB_OPTIONS(.max_size = 1)))
        return false;
    adb_database_connect(rig.db, PATIENCE_MS, NULL);
    fault_arm_once(n);
    for (int which = 0; which < N_KINDS; which++)
        accepted += submit(&rig, which, &tally) != 0 && which != 10;
    run_all(rig.ctx);
    const bool refused = fault_disarm();
    CU_ASSERT_EQUAL(tally_n(&tally), accepted);
    while (adb_context_depth(rig.ctx) > 0)
        status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL));
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_quick(&rig, NULL, NULL)), ADB_OK);
    adb_database_close(rig.db, PATIENCE_MS);
    rig_drop(&rig);
    return refused;
}

/* A whole run, again and again, each time with a later allocation failing: jobs complete exactly once, the database
 * goes on, and nothing is left behind. */
BOTH(whole_run_survives_any_failing_allocation)
{
    fault_watch();
    run_with_a_fault(kind, SIZE_MAX / 4);
    const size_t live = fault_live_blocks();
    for (size_t n = 0; n < 400 && run_with_a_fault(kind, n); n++)
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    CU_ASSERT_EQUAL(fault_live_blocks(), live);
}

/* No memory at all for a while: jobs fail, and work again when there is some. */
TEST(jobs_work_again_when_there_is_memory)
{
    struct tally tally = TALLY_INIT;
    struct rig rig;
    fault_watch();
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    adb_database_connect(rig.db, PATIENCE_MS, NULL);
    const adb_job job = adb_execute(rig.ctx, "block start", NULL, tally_done, &tally);
    adb_fetch_all(rig.ctx, "rows 5000", NULL, tally_done, &tally);
    latch_expect(latch_named("start"), 1);
    fault_arm(0);
    latch_open(latch_named("start"));
    run_all(rig.ctx);
    fault_disarm();
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).job, job);
    CU_ASSERT_EQUAL(tally_seen(&tally, 1).status, ADB_E_NOMEM);
    CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
    rig_close(&rig);
}

SUITE(memory, CASE(open_without_memory_is_a_status), CASES(context_without_memory_is_errno),
      CASES(submission_without_memory_is_refused), CASES(whole_run_survives_any_failing_allocation),
      CASE(jobs_work_again_when_there_is_memory))
