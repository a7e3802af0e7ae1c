/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 11: a lost connection heals, a statement that may have run is never repeated, a pool never stays empty. */
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#include <limits.h>
#include <string.h>

static adb_status execute(struct rig *rig, const char *sql)
{
    return status_of(rig->ctx, adb_execute(rig->ctx, sql, NULL, NULL, NULL));
}

static bool is_later(void *data)
{
    return adb__clock_now() > *(const int64_t *)data;
}

/* Connections count as idle for long from here on (the rigs below have check_after_ms=1). */
static void grow_idle(void)
{
    int64_t until = adb__deadline_in(adb__clock_now(), 3);
    await(is_later, &until);
}

/* Found dead before the statement is sent: the job does not see it. (POOL-16, PAIN-14) */
TEST(idle_loss_is_healed_silently)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&check_after_ms=1", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    rig_await_sleep(&rig);
    fake_lose_idle();
    grow_idle();
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT(fake_table_is("1 2"));
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    rig_close(&rig);
}

/* A connection that is in use all the time is not checked for every job. */
TEST(busy_connection_is_not_checked)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&check_after_ms=30000", NULL);
    for (int i = 0; i < 10; i++)
        CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, ""), 0);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    rig_close(&rig);
}

/* Lost under a statement: it may have run, so it says so and is not repeated; the next one is served. */
TEST(lost_statement_is_outcome_unknown)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "lose", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(error.flags & ADB_ERROR_OUTCOME_UNKNOWN, ADB_ERROR_OUTCOME_UNKNOWN);
    CU_ASSERT_EQUAL(error.flags & ADB_ERROR_CONNECTION_LOST, ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "lose"), 1);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    rig_close(&rig);
}

/* Promise 11: what never reached the server runs on a new connection, also what begins a transaction; once it holds
 * one, the loss is its own. */
TEST(what_was_never_sent_is_run_on_a_new_connection)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&check_after_ms=600000", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    fake_lose_idle();
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    fake_lose_idle();
    adb_job begun = adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begun), ADB_OK);
    fake_lose_idle();
    CU_ASSERT_EQUAL(execute(&rig, "insert 4"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT(fake_table_is("1 2"));
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 3);
    rig_close(&rig);
}

/* Lost right behind a job that went well: no business of the job, nor a transaction that nobody owns. */
TEST(loss_behind_a_job_is_a_lost_connection)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "last"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 0);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "ROLLBACK"), 0);
    rig_close(&rig);
}

/* The server is away, and comes back: jobs fail meanwhile, no place in the pool is lost. (REG-19, LIFE-06, LIFE-24) */
TEST(open_that_fails_is_tried_again)
{
    struct rig rig;
    adb_error error;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    fake_open_fails(4, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_E_CONNECTION);
    CU_ASSERT_FALSE(adb_database_is_connected(rig.db));
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, &error), ADB_OK);
    CU_ASSERT(fake_table_is("2"));
    CU_ASSERT_EQUAL(rig_stats(&rig).open_failures, 4);
    rig_close(&rig);
}

/* Promise 11: attempts to connect to a server that is away are spaced, at random below a bound that doubles. */
TEST(attempts_to_connect_back_off_with_full_jitter)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    const struct adb__server *server = &rig.db->servers[0];
    fake_open_fails(3, ADB_E_CONNECTION);
    for (int64_t n = 1; n <= 3; n++) {
        CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_E_CONNECTION);
        CU_ASSERT_EQUAL(adb__counter_get(&server->failures), n);
        CU_ASSERT(adb__counter_get(&server->retry_at) < adb__deadline_in(adb__clock_now(), 50 << n));
    }
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    CU_ASSERT_EQUAL(adb__counter_get(&server->failures), 0);
    CU_ASSERT_EQUAL(adb__counter_get(&server->retry_at), 0);
    rig_close(&rig);
}

/* A worker that waits for its turn to connect goes home when the database closes; the job's deadline holds as well. */
TEST(close_and_deadlines_end_a_back_off)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    fake_open_fails(1, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_E_CONNECTION);
    adb__counter_set(&rig.db->servers[0].retry_at, adb__deadline_in(adb__clock_now(), 600000));
    adb_job hurried = adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "write", .timeout_ms = 20));
    CU_ASSERT_EQUAL(status_of(rig.ctx, hurried), ADB_E_TIMEOUT);
    adb_execute(rig.ctx, "write", NULL, tally_done, &tally);
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), 1);
    rig_close(&rig);
}

/* Refused credentials are what the job says, not a timeout. */
TEST(refused_credentials_are_the_outcome)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    fake_open_fails(1, ADB_E_AUTH);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_connect(rig.ctx, NULL, NULL)), ADB_E_AUTH);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_connect(rig.ctx, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* All connections of a pool die at once, while idle: each is replaced when it is needed. */
TEST(whole_pool_is_healed)
{
    enum { N = 3 };
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[N];
    rig_open_fake(&rig, "fake://?max_size=3&check_after_ms=1", NULL);
    for (int i = 0; i < N; i++)
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
    for (int round = 0; round < 2; round++) {
        const char *sql = round == 0 ? "block one" : "block two";
        for (int i = 0; i < N; i++)
            adb_execute(contexts[i], sql, NULL, tally_done, &tally);
        latch_expect(latch_named(sql + 6), N);
        latch_open(latch_named(sql + 6));
        for (int i = 0; i < N; i++)
            run_all(contexts[i]);
        fake_lose_idle();
        grow_idle();
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 2 * N);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2 * N);
    for (int i = 0; i < N; i++)
        adb_context_free(contexts[i]);
    rig_close(&rig);
}

/* Several writes share a commit, and the connection dies under it: each outcome is unknown, none is repeated. */
TEST(lost_group_commit_is_outcome_unknown_for_all)
{
    enum { N = 3 };
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1&group=1", NULL);
    adb_execute(rig.ctx, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    for (int i = 0; i < N; i++)
        adb_execute(rig.ctx, "insert 1", NULL, tally_done, &tally);
    fake_text_fails("COMMIT", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 1);
    latch_open(latch_named("start"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "COMMIT"), 1);
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "insert"), N);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(tally_seen(&tally, i).status, ADB_E_CONNECTION);
        CU_ASSERT(tally_seen(&tally, i).flags & ADB_ERROR_OUTCOME_UNKNOWN);
    }
    rig_close(&rig);
}

/* A commit that the database refuses is another matter: nothing was kept, so each write is made by itself. */
TEST(refused_group_commit_is_repeated_one_by_one)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    rig_open_fake(&rig, "fake://?max_size=1&group=1", NULL);
    adb_execute(rig.ctx, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    for (int i = 1; i <= 3; i++)
        adb_execute(rig.ctx, "insert :n", ADB_PARAMS({"n", adb_int(i)}), tally_done, &tally);
    fake_text_fails("COMMIT", ADB_E_LOCKED, 0, 1);
    latch_open(latch_named("start"));
    run_all(rig.ctx);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 3);
    CU_ASSERT(fake_table_is("1 2 3"));
    rig_close(&rig);
}

/* The gate and the wait
 * ---------------------------------------------------------------------------------------------- */

#define CROWD 8

/* So many contexts want a connection each, at the same time. */
static void crowd_comes(struct rig *rig, adb_context **contexts, struct tally *tally)
{
    for (int i = 0; i < CROWD; i++) {
        contexts[i] = adb_context_new(rig->db, rig->queue, 0);
        adb_execute(contexts[i], "block all", NULL, tally_done, tally);
    }
}

static void crowd_goes(adb_context **contexts)
{
    for (int i = 0; i < CROWD; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
}

static bool two_connect(void *data)
{
    const struct rig *rig = data;
    return rig_stats(rig).connecting == 2 && fake_count(FAKE_OPEN, "") == 2;
}

/* However many want a connection: two are made at a time, and all are made. */
TEST(two_at_most_connect_at_a_time)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[CROWD];
    rig_open_fake(&rig, "fake://?max_size=8&backoff=1", NULL);
    fake_open_blocks("door");
    crowd_comes(&rig, contexts, &tally);
    await(two_connect, &rig);
    latch_expect(latch_named("door"), 2);
    latch_open(latch_named("door"));
    latch_expect(latch_named("all"), CROWD);
    CU_ASSERT_EQUAL(fake_connections(), CROWD);
    latch_open(latch_named("all"));
    crowd_goes(contexts);
    CU_ASSERT_EQUAL(fake_most_opening(), 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), CROWD);
    rig_close(&rig);
}

/* All connections are lost while each of the workers has a lane: they connect two at a time, those that find another's
 * connection before their turn leave their lane to it, and each job is served. */
TEST(crowd_that_has_lost_its_connections_stands_in_line)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[CROWD];
    rig_open_fake(&rig, "fake://?max_size=8&backoff=1", NULL);
    crowd_comes(&rig, contexts, &tally);
    latch_expect(latch_named("all"), CROWD);
    fake_lose_idle();
    for (int i = 0; i < CROWD; i++)
        adb_execute(contexts[i], "write", NULL, tally_done, &tally);
    latch_open(latch_named("all"));
    crowd_goes(contexts);
    CU_ASSERT(fake_most_opening() <= 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 2 * CROWD);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, CROWD);
    rig_close(&rig);
}

/* The server gives fewer connections than the pool may have: those there are serve all, and no job fails or waits for
 * an attempt to connect. */
TEST(pool_works_with_the_connections_that_it_gets)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[CROWD];
    rig_open_fake(&rig, "fake://?max_size=4&min_size=3&backoff=1", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    fake_open_fails(UINT_MAX, ADB_E_CONNECTION);
    for (int i = 0; i < CROWD; i++)
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
    for (int i = 0; i < 20 * CROWD; i++)
        adb_execute(contexts[i % CROWD], "write", NULL, tally_done, &tally);
    for (int i = 0; i < CROWD; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 20 * CROWD);
    fake_open_fails(0, ADB_OK);
    rig_close(&rig);
}

/* The only connection is kept by another lane, and no second one is to be had: the wait has its usual end. */
TEST(lane_that_is_given_back_does_not_wait_for_ever)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=2&backoff=1&wait_timeout_ms=50", NULL);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(other, adb_begin(other, NULL, NULL, NULL)), ADB_OK);
    fake_open_fails(UINT_MAX, ADB_E_CONNECTION);
    for (int i = 0; i < 3; i++) {
        const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "write", NULL, NULL, NULL));
        CU_ASSERT(error.status == ADB_E_TIMEOUT || error.status == ADB_E_CONNECTION);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "cannot open fake://"));
    }
    fake_open_fails(0, ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, adb_rollback(other, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    adb_context_free(other);
    rig_close(&rig);
}

/* Who waits while others connect is told so by its deadline, and goes home when the database closes. */
TEST(close_and_deadlines_end_the_wait_for_connects)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[CROWD];
    rig_open_fake(&rig, "fake://?max_size=8&backoff=1", NULL);
    fake_open_blocks("door");
    crowd_comes(&rig, contexts, &tally);
    await(two_connect, &rig);
    adb_job hurried = adb_submit(rig.ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "write", .timeout_ms = 20));
    const adb_error error = error_of(rig.ctx, hurried);
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "before it ran (total=2, busy=0, held=0, connecting=2, idle=0)"));
    CU_ASSERT_EQUAL(adb_database_close(rig.db, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CLOSED), CROWD);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    for (int i = 0; i < CROWD; i++)
        adb_context_free(contexts[i]);
    rig_drop(&rig);
}

/* What a lane is told that has waited too long: of which database, how its pool is, why it does not get better.
 * (PAIN-13) */
TEST(wait_that_was_too_long_is_explained)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://me:secret@far.example/db?max_size=1&wait_timeout_ms=20", NULL);
    fake_open_fails(1, ADB_E_AUTH);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_E_AUTH);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(other, "block long", NULL, NULL, NULL);
    latch_expect(latch_named("long"), 1);
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "write", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "no connection to fake://"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "@far.example/db"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, " within 20 ms (waiting=1, oldest="));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "total=1, busy=1, held=0, connecting=0, idle=0)"));
    CU_ASSERT_PTR_NULL(strstr(error.message, "secret"));
    latch_open(latch_named("long"));
    run_all(other);
    adb_context_free(other);
    rig_close(&rig);
}

/* Why the server cannot be reached is told also to those who could not even try. */
TEST(last_connect_error_is_told)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1&wait_timeout_ms=20", NULL);
    fake_open_fails(1, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_E_CONNECTION);
    adb__counter_set(&rig.db->servers[0].retry_at, adb__deadline_in(adb__clock_now(), 600000));
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "write", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_CONNECTION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "was not due in time; last connect error: cannot open fake://"));
    adb__counter_set(&rig.db->servers[0].retry_at, 0);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    rig_close(&rig);
}

/* However long the server was away, the next attempt is at most ten seconds off. */
TEST(back_off_has_a_limit)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&backoff=1", NULL);
    struct adb__server *server = &rig.db->servers[0];
    for (int64_t n = 1; n < 200; n += 7) {
        adb__counter_set(&server->failures, n);
        adb__counter_set(&server->retry_at, 0);
        fake_open_fails(1, ADB_E_CONNECTION);
        CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_E_CONNECTION);
        CU_ASSERT(adb__counter_get(&server->retry_at) <= adb__deadline_in(adb__clock_now(), 10000));
    }
    adb__counter_set(&server->retry_at, 0);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    rig_close(&rig);
}

/* Connections that were opened together do not end together: neither by age nor by idling. */
TEST(limits_of_connections_have_jitter)
{
    struct rig rig;
    struct tally tally = TALLY_INIT;
    adb_context *contexts[CROWD];
    unsigned same_age = 0, same_idle = 0;
    rig_open_fake(&rig, "fake://?max_size=8&lifetime_ms=100000000&idle_timeout_ms=100000000", NULL);
    crowd_comes(&rig, contexts, &tally);
    latch_expect(latch_named("all"), CROWD);
    latch_open(latch_named("all"));
    crowd_goes(contexts);
    rig_await_sleep(&rig);
    struct adb__worker *const *workers = rig.db->servers[0].pools[ADB__ROLE_WRITER].workers;
    for (int i = 1; i < CROWD; i++) {
        int64_t apart = workers[i]->expires_at - workers[0]->expires_at;
        same_age += apart < 1000 * ADB__NS_PER_MS && apart > -1000 * ADB__NS_PER_MS;
        same_idle += workers[i]->idle_ns == workers[0]->idle_ns;
        CU_ASSERT(workers[i]->idle_ns >= 100000000 * ADB__NS_PER_MS);
    }
    CU_ASSERT(same_age < 2);
    CU_ASSERT(same_idle < 2);
    rig_close(&rig);
}

SUITE(healing, CASE(idle_loss_is_healed_silently), CASE(busy_connection_is_not_checked),
      CASE(lost_statement_is_outcome_unknown),
      CASE(what_was_never_sent_is_run_on_a_new_connection), CASE(loss_behind_a_job_is_a_lost_connection),
      CASE(open_that_fails_is_tried_again), CASE(attempts_to_connect_back_off_with_full_jitter),
      CASE(close_and_deadlines_end_a_back_off), CASE(refused_credentials_are_the_outcome), CASE(whole_pool_is_healed),
      CASE(lost_group_commit_is_outcome_unknown_for_all), CASE(refused_group_commit_is_repeated_one_by_one),
      CASE(two_at_most_connect_at_a_time), CASE(crowd_that_has_lost_its_connections_stands_in_line),
      CASE(pool_works_with_the_connections_that_it_gets), CASE(lane_that_is_given_back_does_not_wait_for_ever),
      CASE(close_and_deadlines_end_the_wait_for_connects),
      CASE(wait_that_was_too_long_is_explained), CASE(last_connect_error_is_told), CASE(back_off_has_a_limit),
      CASE(limits_of_connections_have_jitter))
