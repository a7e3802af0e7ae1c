/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads that are sent together never see that they are: each has its own error and its own cancel, a lane keeps its
 * order, and nothing waits for long behind somebody else's slow statement. */
#include "base/clock.h"
#include "tests/lib/rig.h"

#include <asyncdb.h>

#include <stdio.h>
#include <string.h>

#define N_READERS 5
#define N_ROUNDS  12

/* A worker that is busy, so that what is submitted meanwhile waits and is sent together; and contexts to submit on. */
struct scene {
    struct rig rig;
    adb_context *readers[N_READERS];
    struct tally tally;
};

static void scene_open(struct scene *scene, const char *url, const adb_options *options)
{
    *scene = (struct scene){.tally = TALLY_INIT};
    rig_open_fake(&scene->rig, url, options);
    for (size_t i = 0; i < N_READERS; i++) {
        scene->readers[i] = adb_context_new(scene->rig.db, scene->rig.queue, 0);
        REQUIRE(scene->readers[i] != NULL);
    }
    adb_execute(scene->rig.ctx, "block busy", NULL, NULL, NULL);
    latch_expect(latch_named("busy"), 1);
}

static void scene_close(struct scene *scene)
{
    run_all(scene->rig.ctx);
    for (size_t i = 0; i < N_READERS; i++) {
        run_all(scene->readers[i]);
        adb_context_free(scene->readers[i]);
    }
    rig_close(&scene->rig);
}

static adb_job read_on(struct scene *scene, size_t reader, const char *sql)
{
    return adb_fetch_all(scene->readers[reader], sql, NULL, tally_done, &scene->tally);
}

/* Deliver until so many of the readers' outcomes have come. */
static void deliver(struct scene *scene, size_t n)
{
    while (tally_n(&scene->tally) < n) {
        REQUIRE(adb_queue_wait(scene->rig.queue, PATIENCE_MS) == ADB_OK);
        adb_queue_dispatch(scene->rig.queue, 0);
    }
}

static bool saw(struct scene *scene, size_t index, adb_job job, adb_status status, int64_t value)
{
    const struct seen seen = tally_seen(&scene->tally, index);
    return seen.job == job && seen.status == status && seen.value == value;
}

/* What waits for the one worker goes out in one go, and each job gets its own answer. */
TEST(reads_that_wait_are_sent_together)
{
    static const char *const reads[N_READERS] = {"select value 0", "select value 1", "select value 2",
                                                 "select value 3", "select value 4"};
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    for (size_t i = 0; i < N_READERS; i++)
        read_on(&scene, i, reads[i]);
    latch_open(latch_named("busy"));
    deliver(&scene, N_READERS);
    for (size_t i = 0; i < N_READERS; i++)
        CU_ASSERT_EQUAL(tally_seen(&scene.tally, i).value, (int64_t)i);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, "select value"), N_READERS);
    CU_ASSERT_EQUAL(rig_stats(&scene.rig).pipelined, N_READERS);
    scene_close(&scene);
}

/* Reads of one context are sent together, too, and come back in their order. */
TEST(reads_of_one_context_keep_their_order)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    const adb_job jobs[] = {read_on(&scene, 0, "select value 7"), read_on(&scene, 0, "select alone"),
                            read_on(&scene, 0, "select value 8"), read_on(&scene, 0, "select fail unique"),
                            read_on(&scene, 0, "select value 9")};
    latch_open(latch_named("busy"));
    deliver(&scene, 5);
    CU_ASSERT(saw(&scene, 0, jobs[0], ADB_OK, 7));
    CU_ASSERT(saw(&scene, 1, jobs[1], ADB_OK, 0));
    CU_ASSERT(saw(&scene, 2, jobs[2], ADB_OK, 8));
    CU_ASSERT(saw(&scene, 3, jobs[3], ADB_E_UNIQUE, 0));
    CU_ASSERT(saw(&scene, 4, jobs[4], ADB_OK, 9));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "select alone"), 1);
    scene_close(&scene);
}

/* Where that is how the server is told that it must not write, one by itself is sent so too; if it cannot be, it runs
 * as it always did. */
TEST(a_read_of_a_read_only_context_is_sent_even_by_itself)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&pipeline=1&tells=1", NULL);
    adb_context *reader = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_READ_ONLY);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_fetch_all(rig.ctx, "select value 1", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, ""), 0);
    CU_ASSERT_EQUAL(status_of(reader, adb_fetch_all(reader, "select value 2", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, "select value 2"), 1);
    CU_ASSERT_EQUAL(status_of(reader, adb_fetch_all(reader, "select alone", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "select alone"), 1);
    CU_ASSERT_EQUAL(status_of(reader, adb_execute(reader, "insert 1", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, "insert"), 0);
    run_all(reader);
    adb_context_free(reader);
    rig_close(&rig);
}

/* What writes, or may, is never sent with others: nor is anything inside a transaction. */
TEST(nothing_but_reads_outside_transactions_is_sent_together)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    adb_execute(scene.readers[0], "insert 1", NULL, tally_done, &scene.tally);
    adb_begin(scene.readers[1], NULL, tally_done, &scene.tally);
    read_on(&scene, 1, "select value 1");
    read_on(&scene, 1, "select value 2");
    adb_rollback(scene.readers[1], tally_done, &scene.tally);
    read_on(&scene, 2, "select value f(3)");
    latch_open(latch_named("busy"));
    deliver(&scene, 6);
    CU_ASSERT_EQUAL(tally_of(&scene.tally, ADB_OK), 6);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, ""), 0);
    scene_close(&scene);
}

/* A job that has been sent behind a slow one is cancelled at once, and its neighbours do not notice. */
TEST(what_was_sent_behind_a_slow_read_is_cancelled_at_once)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    const adb_job slow = read_on(&scene, 0, "select block slow");
    const adb_job behind = read_on(&scene, 1, "select value 1");
    const adb_job last = read_on(&scene, 2, "select value 2");
    latch_open(latch_named("busy"));
    latch_expect(latch_named("slow"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_SENT, "select"), 3);
    CU_ASSERT_EQUAL(adb_cancel(scene.readers[1], behind), ADB_OK);
    deliver(&scene, 1);
    CU_ASSERT(saw(&scene, 0, behind, ADB_E_CANCELLED, 0));
    latch_open(latch_named("slow"));
    deliver(&scene, 3);
    CU_ASSERT(saw(&scene, 1, slow, ADB_OK, 0));
    CU_ASSERT(saw(&scene, 2, last, ADB_OK, 2));
    CU_ASSERT_EQUAL(fake_count(FAKE_CANCEL, ""), 0);
    scene_close(&scene);
}

/* A cancel of the one whose answer is awaited reaches the database, and hits no other. */
TEST(cancel_hits_the_one_that_runs)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    const adb_job slow = read_on(&scene, 0, "select block slow");
    const adb_job behind = read_on(&scene, 1, "select value 1");
    latch_open(latch_named("busy"));
    latch_expect(latch_named("slow"), 1);
    CU_ASSERT_EQUAL(adb_cancel(scene.readers[0], slow), ADB_OK);
    deliver(&scene, 2);
    CU_ASSERT(saw(&scene, 0, slow, ADB_E_CANCELLED, 0));
    CU_ASSERT(saw(&scene, 1, behind, ADB_OK, 1));
    scene_close(&scene);
}

/* The deadline of a job holds behind a slow read, too. */
TEST(deadline_holds_behind_a_slow_read)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    const adb_job slow = read_on(&scene, 0, "select block slow");
    const adb_job behind = adb_submit(scene.readers[1],
                                      ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "select value 1",
                                                  .timeout_ms = 30, .done = tally_done, .user_data = &scene.tally));
    latch_open(latch_named("busy"));
    deliver(&scene, 1);
    CU_ASSERT(saw(&scene, 0, behind, ADB_E_TIMEOUT, 0));
    latch_open(latch_named("slow"));
    deliver(&scene, 2);
    CU_ASSERT(saw(&scene, 1, slow, ADB_OK, 0));
    scene_close(&scene);
}

/* Who takes many outcomes may doze (core/completion.h), and is not woken for each of a quick pipeline: what has been
 * answered comes all the same, while the worker waits for an answer that is slow. */
TEST(outcomes_come_while_a_slow_read_is_awaited)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    adb_context *gate = adb_context_new(scene.rig.db, ADB_QUEUE_DIRECT, 0);
    latch_open(latch_named("busy"));
    const int64_t began_at = adb__clock_now();
    for (size_t round = 1; round <= N_ROUNDS; round++) {
        const bool last = round == N_ROUNDS;
        char sql[32];
        snprintf(sql, sizeof(sql), "block %zu", round);
        adb_execute(gate, sql, NULL, NULL, NULL);
        latch_expect(latch_named(sql + strlen("block ")), 1); /* so the worker has let go of the readers' lanes */
        for (size_t i = 0; i < N_READERS; i++) /* long enough to doze meanwhile */
            read_on(&scene, i, last && i + 1 == N_READERS ? "select block slow" : "select spin");
        latch_open(latch_named(sql + strlen("block ")));
        deliver(&scene, round * N_READERS - last);
    }
    CU_ASSERT(adb__clock_now() - began_at < PATIENCE_MS * ADB__NS_PER_MS); /* no wait has lasted until its end */
    latch_open(latch_named("slow"));
    deliver(&scene, N_ROUNDS * N_READERS);
    CU_ASSERT_EQUAL(tally_of(&scene.tally, ADB_OK), N_ROUNDS * N_READERS);
    run_all(gate);
    adb_context_free(gate);
    scene_close(&scene);
}

/* While a read takes long, a worker that becomes free runs what was sent behind it. */
TEST(other_workers_take_over_what_waits_behind_a_slow_read)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=2&min_size=2&pipeline=1", NULL);
    adb_execute(scene.readers[4], "block second", NULL, NULL, NULL);
    latch_expect(latch_named("second"), 1);
    const adb_job slow = read_on(&scene, 0, "select block slow");
    read_on(&scene, 1, "select value 1");
    read_on(&scene, 2, "select value 2");
    latch_open(latch_named("busy"));
    latch_expect(latch_named("slow"), 1);
    latch_open(latch_named("second"));
    deliver(&scene, 2);
    CU_ASSERT_EQUAL(tally_of(&scene.tally, ADB_OK), 2);
    latch_open(latch_named("slow"));
    deliver(&scene, 3);
    CU_ASSERT(saw(&scene, 2, slow, ADB_OK, 0));
    scene_close(&scene);
}

/* Under the loss of the connection one job is hit, the one that ran: the others run on the next connection. */
TEST(loss_of_the_connection_hits_the_one_that_runs)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    const adb_job first = read_on(&scene, 0, "select value 1");
    const adb_job lost = read_on(&scene, 1, "select lose");
    const adb_job behind = read_on(&scene, 2, "select value 2");
    latch_open(latch_named("busy"));
    deliver(&scene, 3);
    CU_ASSERT(saw(&scene, 0, first, ADB_OK, 1));
    CU_ASSERT(saw(&scene, 1, lost, ADB_E_CONNECTION, 0));
    CU_ASSERT_EQUAL(tally_seen(&scene.tally, 1).flags & ADB_ERROR_OUTCOME_UNKNOWN, ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT(saw(&scene, 2, behind, ADB_OK, 2));
    CU_ASSERT_EQUAL(rig_stats(&scene.rig).closed_lost, 1);
    scene_close(&scene);
}

/* A connection that was lost before anything was sent costs nobody anything. */
TEST(loss_before_anything_was_sent_is_nobodys)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    for (size_t i = 0; i < N_READERS; i++)
        read_on(&scene, i, "select value 1");
    fake_lose_idle();
    latch_open(latch_named("busy"));
    deliver(&scene, N_READERS);
    CU_ASSERT_EQUAL(tally_of(&scene.tally, ADB_OK), N_READERS);
    scene_close(&scene);
}

/* Close ends what was sent and not answered, each job once. */
TEST(close_ends_a_pipeline)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    read_on(&scene, 0, "select block slow");
    for (size_t i = 1; i < N_READERS; i++)
        read_on(&scene, i, "select value 1");
    latch_open(latch_named("busy"));
    latch_expect(latch_named("slow"), 1);
    adb_database_close(scene.rig.db, 0);
    deliver(&scene, N_READERS);
    CU_ASSERT_EQUAL(tally_n(&scene.tally), N_READERS);
    for (size_t i = 0; i < N_READERS; i++) {
        CU_ASSERT_NOT_EQUAL(tally_seen(&scene.tally, i).status, ADB_OK);
        adb_context_free(scene.readers[i]);
    }
    rig_drop(&scene.rig);
}

/* A callback on the worker's own thread may submit: nothing of the pipeline is disturbed. */
static void read_more(adb_result *result, void *data)
{
    struct scene *scene = data;
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    tally_done(result, &scene->tally);
    if (tally_n(&scene->tally) <= N_READERS)
        adb_fetch_one(scene->readers[0], "select value 1", NULL, read_more, scene);
}

TEST(direct_callbacks_may_submit_from_within_a_pipeline)
{
    struct scene scene;
    scene_open(&scene, "fake://?max_size=1&pipeline=1", NULL);
    for (size_t i = 0; i < N_READERS; i++) {
        adb_context_free(scene.readers[i]);
        scene.readers[i] = adb_context_new(scene.rig.db, ADB_QUEUE_DIRECT, 0);
        adb_fetch_one(scene.readers[i], "select value 1", NULL, read_more, &scene);
    }
    latch_open(latch_named("busy"));
    tally_await(&scene.tally, 2 * N_READERS);
    CU_ASSERT_EQUAL(tally_of(&scene.tally, ADB_OK), 2 * N_READERS);
    run_all(scene.rig.ctx);
    for (size_t i = 0; i < N_READERS; i++)
        adb_context_free(scene.readers[i]);
    rig_close(&scene.rig);
}

SUITE(pipeline, CASE(reads_that_wait_are_sent_together), CASE(reads_of_one_context_keep_their_order),
      CASE(a_read_of_a_read_only_context_is_sent_even_by_itself),
      CASE(nothing_but_reads_outside_transactions_is_sent_together),
      CASE(what_was_sent_behind_a_slow_read_is_cancelled_at_once), CASE(cancel_hits_the_one_that_runs),
      CASE(deadline_holds_behind_a_slow_read),
      CASE(outcomes_come_while_a_slow_read_is_awaited), CASE(other_workers_take_over_what_waits_behind_a_slow_read),
      CASE(loss_of_the_connection_hits_the_one_that_runs), CASE(loss_before_anything_was_sent_is_nobodys),
      CASE(close_ends_a_pipeline), CASE(direct_callbacks_may_submit_from_within_a_pipeline))
