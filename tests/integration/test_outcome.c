/* SPDX-License-Identifier: BSD-3-Clause */
/* A commit whose answer was lost: its outcome says that nobody knows, and a traced one is resolved, never repeated
 * blindly. */
#include "tests/lib/rig.h"

#include <stdio.h>
#include <string.h>

/* Before the commit takes effect, or after: the caller sees the same. */
static void lose_before(void)
{
    fake_text_fails("COMMIT", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
}

static void lose_after(void)
{
    fake_commit_answer_lost(1);
}

static adb_result *commit_of(struct rig *rig, bool traced)
{
    adb_begin(rig->ctx, ADB_TRANSACTION(.traced = traced), NULL, NULL);
    adb_execute(rig->ctx, "insert 1", NULL, NULL, NULL);
    return adb_wait(rig->ctx, adb_commit(rig->ctx, NULL, NULL), PATIENCE_MS);
}

/* What the server says of it. */
static void fate_of(struct rig *rig, const char *id, char *word, size_t size)
{
    adb_result *result = adb_wait(rig->ctx, adb_resolve(rig->ctx, id, NULL, NULL), PATIENCE_MS);
    const adb_row row = adb_result_row(result, 0);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    snprintf(word, size, "%s", adb_row_is_null(row, 0) ? "forgotten" : adb_row_text(row, 0));
    adb_result_unref(result);
}

/* A status of its own, and no id where none was asked for. */
TEST(lost_commit_has_a_status_of_its_own)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    lose_after();
    adb_result *result = commit_of(&rig, false);
    const adb_error *error = adb_result_error(result);
    CU_ASSERT_EQUAL(error->status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(error->flags, ADB_ERROR_OUTCOME_UNKNOWN | ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT_STRING_EQUAL(error->sqlstate, "08006");
    CU_ASSERT_PTR_NULL(adb_result_transaction_id(result));
    CU_ASSERT_PTR_NULL(adb_result_transaction_id(NULL));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "xid"), 0);
    adb_result_unref(result);
    rig_close(&rig);
}

/* The id is asked for right before the commit, and names what the server knows. */
TEST(traced_commit_can_be_resolved_by_its_id)
{
    static void (*const ways[])(void) = {lose_before, lose_after};
    static const char *const fates[] = {"aborted", "committed"};
    for (int i = 0; i < 2; i++) {
        char word[32];
        struct rig rig;
        rig_open_fake(&rig, "fake://", NULL);
        ways[i]();
        adb_result *result = commit_of(&rig, true);
        CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_OUTCOME_UNKNOWN);
        REQUIRE(adb_result_transaction_id(result) != NULL);
        fate_of(&rig, adb_result_transaction_id(result), word, sizeof(word));
        CU_ASSERT_STRING_EQUAL(word, fates[i]);
        CU_ASSERT(fake_table_is(i == 0 ? "" : "1"));
        adb_result_unref(result);
        rig_close(&rig);
    }
}

/* What has written nothing has no id; a commit that is answered has none to give. */
TEST(nothing_written_and_nothing_lost_have_no_id)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.traced = true), NULL, NULL);
    lose_before();
    adb_result *result = adb_wait(rig.ctx, adb_commit(rig.ctx, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_PTR_NULL(adb_result_transaction_id(result));
    adb_result_unref(result);
    result = commit_of(&rig, true);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_PTR_NULL(adb_result_transaction_id(result));
    adb_result_unref(result);
    rig_close(&rig);
}

/* A connection that dies under the question before the commit has committed nothing, for sure. */
TEST(loss_before_the_commit_was_sent_is_no_doubt)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("xid", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
    adb_result *result = commit_of(&rig, true);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(adb_result_error(result)->flags, ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 0);
    adb_result_unref(result);
    rig_close(&rig);
}

/* Savepoints end inside their transaction: only the outermost level is traced. */
TEST(savepoints_are_not_traced)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.traced = true), NULL, NULL);
    adb_begin(rig.ctx, ADB_TRANSACTION(.traced = true), NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "xid"), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "xid"), 1);
    rig_close(&rig);
}

/* Autocommit writes have no transaction to ask about: the flag says it. */
TEST(lost_autocommit_write_has_the_flag)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_text_fails("insert", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_CONNECTION);
    CU_ASSERT(error.flags & ADB_ERROR_OUTCOME_UNKNOWN);
    rig_close(&rig);
}

/* Refusals name what is wrong. */
TEST(resolve_refuses_what_it_cannot_do)
{
    char word[32];
    struct rig fake;
    rig_open_fake(&fake, "fake://", NULL);
    CU_ASSERT_EQUAL(adb_resolve(NULL, "1", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_resolve(fake.ctx, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(fake.ctx)->status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_resolve(fake.ctx, "", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(fake.ctx)->status, ADB_E_INVAL);
    fate_of(&fake, "999", word, sizeof(word));
    CU_ASSERT_STRING_EQUAL(word, "forgotten");
    rig_close(&fake);
    RIG(rig, &kind_sqlite, NULL);
    CU_ASSERT_EQUAL(adb_resolve(rig.ctx, "1", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(rig.ctx)->status, ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, ADB_TRANSACTION(.traced = true), NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* adb_transact() ------------------------------------------------------------------------------------------------------
 */

struct work {
    unsigned runs;
    bool returns;
};

static adb_status insert_one(adb_session *session, void *user_data)
{
    struct work *work = user_data;
    adb_result *result = adb_session_execute(session, "insert 1", NULL);
    const adb_status status = adb_result_status(result);
    work->runs++;
    if (work->returns)
        adb_session_return(session, result);
    else
        adb_result_unref(result);
    return status;
}

static adb_job transact(struct rig *rig, struct work *work, unsigned retries, adb_done_cb done, void *user_data)
{
    return adb_submit(rig->ctx, ADB_REQUEST(.kind = ADB_REQUEST_TRANSACT, .work = insert_one, .done = done,
                                            .user_data = done == NULL ? (void *)work : user_data,
                                            .transaction = ADB_TRANSACTION(.traced = true, .retries = retries)));
}

/* It took effect: the job succeeds with what its function has returned, on a new connection, and runs nothing twice. */
TEST(transact_finds_out_that_it_was_committed)
{
    struct rig rig;
    struct work work = {.returns = true};
    rig_open_fake(&rig, "fake://", NULL);
    lose_after();
    fake_commit_lingers(3);
    adb_result *result = adb_wait(rig.ctx, transact(&rig, &work, 5, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(result), 1);
    CU_ASSERT_EQUAL(work.runs, 1);
    CU_ASSERT(fake_table_is("1"));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "xidstatus"), 4);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    adb_result_unref(result);
    rig_close(&rig);
}

/* It did not: it is retried, with the next attempt's result; without retries that is known all the same. */
TEST(transact_finds_out_that_it_was_not)
{
    struct rig rig;
    struct work work = {.returns = true};
    rig_open_fake(&rig, "fake://", NULL);
    lose_before();
    CU_ASSERT_EQUAL(status_of(rig.ctx, transact(&rig, &work, 1, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(work.runs, 2);
    CU_ASSERT(fake_table_is("1"));
    CU_ASSERT_EQUAL(rig_stats(&rig).retries, 1);
    lose_before();
    const adb_error error = error_of(rig.ctx, transact(&rig, &work, 0, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(error.flags, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_RETRY_TRANSACTION);
    CU_ASSERT_EQUAL(work.runs, 3);
    CU_ASSERT(fake_table_is("1"));
    rig_close(&rig);
}

/* A connection that dies under the work has committed nothing: the whole is tried again on another one, if retries
 * allow. */
TEST(transact_is_retried_after_a_loss_before_its_commit)
{
    static const char *const starts[] = {"BEGIN", "insert", "xid"};
    for (int i = 0; i < 3; i++) {
        struct rig rig;
        struct work work = {.returns = true};
        rig_open_fake(&rig, "fake://", NULL);
        fake_text_fails(starts[i], ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
        CU_ASSERT_EQUAL(status_of(rig.ctx, transact(&rig, &work, 1, NULL, NULL)), ADB_OK);
        CU_ASSERT_EQUAL(work.runs, i == 0 ? 1 : 2);
        CU_ASSERT(fake_table_is("1"));
        CU_ASSERT_EQUAL(rig_stats(&rig).retries, 1);
        fake_text_fails(starts[i], ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
        CU_ASSERT_EQUAL(status_of(rig.ctx, transact(&rig, &work, 0, NULL, NULL)), ADB_E_CONNECTION);
        CU_ASSERT(fake_table_is("1"));
        rig_close(&rig);
    }
}

/* Whatever goes wrong on the way, it asks again: the server away for a while, the question itself lost. */
TEST(transact_asks_until_it_has_an_answer)
{
    struct rig rig;
    struct work work = {.returns = false};
    rig_open_fake(&rig, "fake://?backoff=1", NULL);
    lose_after();
    CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
    fake_open_fails(2, ADB_E_CONNECTION);
    fake_text_fails("xidstatus", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 2);
    CU_ASSERT_EQUAL(status_of(rig.ctx, transact(&rig, &work, 0, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(work.runs, 1);
    CU_ASSERT(fake_table_is("1"));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "xidstatus"), 3);
    rig_close(&rig);
}

/* A server that does not come back in time: doubt is the outcome, with the id to ask later. */
TEST(transact_gives_up_in_doubt_at_its_deadline)
{
    char word[32];
    struct rig rig;
    struct work work = {.returns = true};
    rig_open_fake(&rig, "fake://", ADB_OPTIONS(.wait_timeout_ms = 500));
    lose_after();
    CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
    fake_open_fails(100000, ADB_E_CONNECTION);
    adb_result *result = adb_wait(rig.ctx, transact(&rig, &work, 3, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(work.runs, 1);
    fake_open_fails(0, ADB_OK);
    REQUIRE(adb_result_transaction_id(result) != NULL);
    fate_of(&rig, adb_result_transaction_id(result), word, sizeof(word));
    CU_ASSERT_STRING_EQUAL(word, "committed");
    adb_result_unref(result);
    rig_close(&rig);
}

/* One that is still under way when time is up, or that the server has forgotten, stays in doubt. */
TEST(transact_gives_up_on_a_server_that_cannot_tell)
{
    struct rig rig;
    struct work work = {.returns = true};
    rig_open_fake(&rig, "fake://", ADB_OPTIONS(.wait_timeout_ms = 500));
    CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
    lose_after();
    fake_commit_lingers(100000);
    CU_ASSERT_EQUAL(status_of(rig.ctx, transact(&rig, &work, 3, NULL, NULL)), ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(work.runs, 1);
    fake_commit_lingers(0);
    lose_after();
    fake_text_fails("xidstatus", ADB_E_DATA, 0, 1);
    const adb_error error = error_of(rig.ctx, transact(&rig, &work, 3, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "failed on demand"));
    CU_ASSERT_EQUAL(work.runs, 2);
    rig_close(&rig);
}

struct doubt {
    unsigned n;
    adb_status status;
    char id[64];
};

static void note_doubt(adb_result *result, void *user_data)
{
    struct doubt *doubt = user_data;
    const char *id = adb_result_transaction_id(result);
    doubt->n++;
    doubt->status = adb_result_status(result);
    snprintf(doubt->id, sizeof(doubt->id), "%s", id == NULL ? "" : id);
}

static adb_status insert_and_go(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result *result = adb_session_execute(session, "insert 1", NULL);
    const adb_status status = adb_result_status(result);
    adb_session_return(session, result);
    return status;
}

static adb_job doubtful(struct rig *rig, struct doubt *doubt)
{
    return adb_transact(rig->ctx, ADB_TRANSACTION(.traced = true, .retries = 3), insert_and_go, note_doubt, doubt);
}

static bool is_over(void *data)
{
    return ((struct doubt *)data)->n > 0;
}

/* Cancelled, or closed, while it waits for a connection to ask: doubt is the outcome, once. */
TEST(cancel_and_close_leave_the_doubt)
{
    for (int closes = 0; closes < 2; closes++) {
        struct rig rig;
        struct doubt doubt = {.n = 0};
        rig_open_fake(&rig, "fake://", NULL);
        CU_ASSERT_EQUAL(value_of(rig.ctx, rig_quick(&rig, NULL, NULL)), 1);
        lose_after();
        fake_open_blocks("open");
        const adb_job job = doubtful(&rig, &doubt);
        latch_expect(latch_named("open"), 1);
        if (closes)
            adb_database_close(rig.db, 0);
        else
            CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
        latch_open(latch_named("open"));
        fake_open_blocks(NULL);
        run_until(rig.queue, is_over, &doubt);
        CU_ASSERT_EQUAL(doubt.n, 1);
        CU_ASSERT_EQUAL(doubt.status, ADB_E_OUTCOME_UNKNOWN);
        CU_ASSERT_STRING_EQUAL(doubt.id, "1");
        rig_drop(&rig);
    }
}

/* While the server asks for patience a cancel ends it too. */
TEST(cancel_ends_the_questions)
{
    struct rig rig;
    struct doubt doubt = {.n = 0};
    rig_open_fake(&rig, "fake://", NULL);
    lose_after();
    fake_commit_lingers(100000);
    const adb_job job = doubtful(&rig, &doubt);
    while (fake_count(FAKE_EXECUTE, "xidstatus") < 2)
        adb_queue_dispatch(rig.queue, 0);
    CU_ASSERT_EQUAL(adb_cancel(rig.ctx, job), ADB_OK);
    run_until(rig.queue, is_over, &doubt);
    CU_ASSERT_EQUAL(doubt.status, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_STRING_EQUAL(doubt.id, "1");
    rig_close(&rig);
}

/* In a lane that keeps its connection there is no other one to ask on: the caller is told, and asks. */
TEST(acquired_connection_leaves_the_question_to_the_caller)
{
    struct rig rig;
    struct work work = {.returns = true};
    rig_open_fake(&rig, "fake://", NULL);
    adb_acquire(rig.ctx, NULL, NULL);
    lose_after();
    adb_result *result = adb_wait(rig.ctx, transact(&rig, &work, 3, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_PTR_NOT_NULL(adb_result_transaction_id(result));
    CU_ASSERT_EQUAL(work.runs, 1);
    adb_result_unref(result);
    adb_release(rig.ctx, NULL, NULL);
    run_all(rig.ctx);
    rig_close(&rig);
}

#define STORM_JOBS 200

/* Half of all commits lose their answer, before or after, and connections die in between: each insert is there once. */
TEST(storm_of_lost_answers_commits_each_once)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=4", NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_PARALLEL);
    for (int i = 0; i < STORM_JOBS; i++) {
        if (i % 4 == 0)
            lose_after();
        else if (i % 4 == 1)
            lose_before();
        CU_ASSERT_NOT_EQUAL(adb_transact(ctx, ADB_TRANSACTION(.traced = true, .retries = 1000, .backoff_ms = 1),
                                         insert_and_go, tally_done, &tally),
                            0);
        if (i % 7 == 0)
            adb_queue_dispatch(rig.queue, 0);
    }
    run_all(ctx);
    const size_t unknown = tally_of(&tally, ADB_E_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), STORM_JOBS);
    CU_ASSERT_EQUAL(unknown, 0);
    adb_result *rows = adb_wait(rig.ctx, adb_fetch_all(rig.ctx, "table", NULL, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_rows(rows), STORM_JOBS);
    adb_result_unref(rows);
    adb_context_free(ctx);
    rig_close(&rig);
}

SUITE(outcome, CASE(lost_commit_has_a_status_of_its_own), CASE(traced_commit_can_be_resolved_by_its_id),
      CASE(nothing_written_and_nothing_lost_have_no_id), CASE(loss_before_the_commit_was_sent_is_no_doubt),
      CASE(savepoints_are_not_traced), CASE(lost_autocommit_write_has_the_flag),
      CASE(resolve_refuses_what_it_cannot_do), CASE(transact_finds_out_that_it_was_committed),
      CASE(transact_finds_out_that_it_was_not), CASE(transact_is_retried_after_a_loss_before_its_commit),
      CASE(transact_asks_until_it_has_an_answer), CASE(transact_gives_up_in_doubt_at_its_deadline),
      CASE(transact_gives_up_on_a_server_that_cannot_tell), CASE(cancel_and_close_leave_the_doubt),
      CASE(cancel_ends_the_questions), CASE(acquired_connection_leaves_the_question_to_the_caller),
      CASE(storm_of_lost_answers_commits_each_once))
