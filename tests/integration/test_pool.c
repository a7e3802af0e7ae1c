/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool: grows on demand, shrinks when idle, replaces what is old, and sets up what is new; readers and writers. */
#include "tests/lib/rig.h"

#include "base/clock.h"
#include "core/database.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define MAX 4

static adb_status execute(struct rig *rig, const char *sql)
{
    return status_of(rig->ctx, adb_execute(rig->ctx, sql, NULL, NULL, NULL));
}

static adb_status fetch(adb_context *ctx, const char *sql)
{
    return status_of(ctx, adb_fetch_all(ctx, sql, NULL, NULL, NULL));
}

/* So many lanes block at the same time, each on a connection of its own; then all is over. */
static void use_at_once(struct rig *rig, unsigned n)
{
    adb_context *contexts[MAX];
    for (unsigned i = 0; i < n; i++) {
        contexts[i] = adb_context_new(rig->db, rig->queue, 0);
        adb_execute(contexts[i], "block all", NULL, NULL, NULL);
    }
    latch_expect(latch_named("all"), n);
    latch_open(latch_named("all"));
    for (unsigned i = 0; i < n; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
}

/* Every lane gets a worker at once though all others block, also when nothing else ever wakes the watchdog. (POOL-07)
 * */
TEST(pool_grows_while_its_workers_block)
{
    for (int round = 0; round < 20; round++) {
        struct rig rig;
        rig_open_fake(&rig, "fake://?max_size=4&wait_timeout_ms=-1", NULL);
        use_at_once(&rig, MAX);
        CU_ASSERT_EQUAL(fake_connections(), MAX);
        rig_close(&rig);
    }
}

/* And not beyond max_size: the others wait in turn. (POOL-08, POOL-20) */
TEST(pool_does_not_grow_beyond_its_size)
{
    enum { N = 8 };
    struct rig rig;
    adb_context *contexts[N];
    rig_open_fake(&rig, "fake://?max_size=2", NULL);
    for (int i = 0; i < N; i++) {
        contexts[i] = adb_context_new(rig.db, rig.queue, 0);
        adb_execute(contexts[i], "block all", NULL, NULL, NULL);
    }
    latch_expect(latch_named("all"), 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).jobs_waiting, N - 2);
    latch_open(latch_named("all"));
    for (int i = 0; i < N; i++) {
        run_all(contexts[i]);
        adb_context_free(contexts[i]);
    }
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    rig_close(&rig);
}

/* Without competition the same connection serves again and again. (POOL-10) */
TEST(idle_connection_is_used_again)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=4", NULL);
    for (int i = 0; i < 20; i++) {
        adb_context *ctx = adb_context_new(rig.db, rig.queue, 0);
        CU_ASSERT_EQUAL(fetch(ctx, "value 1"), ADB_OK);
        adb_context_free(ctx);
        rig_await_sleep(&rig);
    }
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    rig_close(&rig);
}

struct expected {
    struct rig *rig;
    unsigned connections;
};

static bool is_as_expected(void *data)
{
    const struct expected *expected = data;
    return rig_stats(expected->rig).connections == expected->connections;
}

/* What nobody needs is closed, down to min_size. (POOL-14) */
TEST(pool_shrinks_when_idle)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=4&min_size=2&idle_timeout_ms=5", NULL);
    struct expected expected = {.rig = &rig, .connections = 2};
    use_at_once(&rig, MAX);
    await(is_as_expected, &expected);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_idle, 2);
    CU_ASSERT_EQUAL(rig_stats(&rig).workers, 2);
    rig_close(&rig);
}

struct leaver {
    struct rig *rig;
    atomic_uint n_errors;
    atomic_bool leaves;
};

/* Who is about to leave takes its time. */
static void log_leaver(adb_log_level level, const char *message, void *user_data)
{
    struct leaver *leaver = user_data;
    atomic_fetch_add(&leaver->n_errors, level == ADB_LOG_ERROR);
    if (strncmp(message, "disconnected", 12) == 0 && !atomic_exchange(&leaver->leaves, true))
        latch_wait(latch_named("leaver"));
}

/* As one that gives way to others says it is when it leaves. */
static void mark_busy(struct adb__pool *pool)
{
    for (unsigned i = 0; i < pool->max; i++) {
        if (pool->workers[i]->retired)
            adb__counter_set(&pool->workers[i]->state, ADB__WORKER_BUSY);
    }
}

/* Somebody has looked after the job that waits, and will look again. */
static bool is_looked_after(void *data)
{
    struct leaver *leaver = data;
    const int64_t soon = adb__clock_now() + 100 * ADB__NS_PER_MS;
    return atomic_load(&leaver->rig->db->jobs.next_wake) < soon || atomic_load(&leaver->n_errors) > 0;
}

/* A job that comes while one worker is about to leave, which takes it long, and the others are busy, waits for that
 * one's place. This was taken for a refusal of the system: an error in the log, and a second of waiting. */
TEST(job_waits_for_the_place_of_a_worker_that_leaves)
{
    struct rig rig;
    struct leaver leaver = {.rig = &rig};
    rig_open_fake(&rig, "fake://?max_size=2&idle_timeout_ms=1",
                  ADB_OPTIONS(.log = log_leaver, .log_data = &leaver, .log_level = ADB_LOG_INFO));
    use_at_once(&rig, 2);
    latch_expect(latch_named("leaver"), 1);
    mark_busy(&rig.db->servers[0].pools[ADB__ROLE_WRITER]);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(other, "block busy", NULL, NULL, NULL);
    latch_expect(latch_named("busy"), 1);
    adb_execute(rig.ctx, "write", NULL, NULL, NULL);
    await(is_looked_after, &leaver);
    latch_open(latch_named("leaver"));
    run_all(rig.ctx);
    latch_open(latch_named("busy"));
    run_all(other);
    adb_context_free(other);
    CU_ASSERT_EQUAL(atomic_load(&leaver.n_errors), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).failed, 0);
    rig_close(&rig);
}

/* Connect opens min_size connections, so that others need not wait for theirs. (LIFE-24) */
TEST(connect_opens_the_minimum)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=4&min_size=3", NULL);
    struct expected expected = {.rig = &rig, .connections = 3};
    CU_ASSERT_EQUAL(adb_database_connect(rig.db, PATIENCE_MS, NULL), ADB_OK);
    await(is_as_expected, &expected);
    rig_close(&rig);
}

static bool is_later(void *data)
{
    return adb__clock_now() > *(const int64_t *)data;
}

/* An old connection is replaced between two lanes, not under one. (POOL-15) */
TEST(old_connection_is_replaced)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&lifetime_ms=2", NULL);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    int64_t until = adb__deadline_in(adb__clock_now(), 5);
    await(is_later, &until);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    rig_await_sleep(&rig);
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_OK);
    CU_ASSERT(fake_table_is("1 2 3"));
    CU_ASSERT(rig_stats(&rig).closed_lifetime >= 1);
    rig_close(&rig);
}

struct relay {
    struct rig *rig;
    atomic_uint n_run;
    atomic_bool over;
};

#define RELAY_MOST 1000

/* The next is there before this one is over, so that its lane is never left. */
static adb_status pass_on(adb_session *session, void *user_data)
{
    struct relay *relay = user_data;
    (void)session;
    usleep(100);
    if (++relay->n_run == RELAY_MOST || rig_stats(relay->rig).closed_lifetime > 0)
        relay->over = true;
    else
        CU_ASSERT_NOT_EQUAL(adb_run(relay->rig->ctx, pass_on, NULL, relay), 0);
    return ADB_OK;
}

static bool is_over(void *data)
{
    return ((struct relay *)data)->over;
}

/* Nor does a lane that always has a next job keep one for ever. (POOL-15) */
TEST(old_connection_of_a_busy_lane_is_replaced)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&lifetime_ms=2", NULL);
    struct relay relay = {.rig = &rig};
    CU_ASSERT_NOT_EQUAL(adb_run(rig.ctx, pass_on, NULL, &relay), 0);
    await(is_over, &relay);
    CU_ASSERT(relay.n_run < RELAY_MOST);
    CU_ASSERT(rig_stats(&rig).closed_lifetime >= 1);
    rig_close(&rig);
}

/* pool=none: a connection for each run of a lane. (POOL-01, CFL-06, LIFE-14, REG-58) */
TEST(unpooled_database_closes_after_each_run)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?pool=none", NULL);
    struct expected expected = {.rig = &rig, .connections = 0};
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    await(is_as_expected, &expected);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    await(is_as_expected, &expected);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_unpooled, 2);
    CU_ASSERT(fake_table_is("1 2"));
    rig_close(&rig);
}

/* Where the data lives in the connection it is never closed for idling or age. (POOL-03, PAIN-10) */
TEST(connection_that_is_the_database_stays)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?memory=1&idle_timeout_ms=1&lifetime_ms=1&pool=none&check_after_ms=1", NULL);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
        int64_t until = adb__deadline_in(adb__clock_now(), 3);
        await(is_later, &until);
    }
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    CU_ASSERT_EQUAL(fake_connections(), 1);
    rig_close(&rig);
}

struct hook {
    atomic_uint runs, failures_left;
};

static adb_status on_connect(adb_session *session, void *user_data)
{
    struct hook *hook = user_data;
    hook->runs++;
    if (hook->failures_left > 0) {
        hook->failures_left--;
        return adb_session_fail(session, ADB_E_PERMISSION, "not today");
    }
    adb_result *result = adb_session_execute(session, "write setup", NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* Once per physical connection, before its first job. (POOL-17, REG-57, REG-61, REG-33) */
TEST(hook_runs_once_per_connection)
{
    struct rig rig;
    struct hook hook = {.runs = 0};
    rig_open_fake(&rig, "fake://?max_size=4", ADB_OPTIONS(.on_connect = on_connect, .on_connect_data = &hook));
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    CU_ASSERT_EQUAL(hook.runs, fake_count(FAKE_OPEN, ""));
    CU_ASSERT_EQUAL(strncmp(fake_texts(), "write setup; write; ", 20), 0);
    use_at_once(&rig, MAX);
    CU_ASSERT_EQUAL(hook.runs, MAX);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), MAX);
    rig_close(&rig);
}

/* A hook that refuses closes the connection and fails the job with its own words; the next one is tried anew. */
TEST(hook_that_fails_fails_the_job)
{
    struct rig rig;
    struct hook hook = {.failures_left = 1};
    rig_open_fake(&rig, "fake://", ADB_OPTIONS(.on_connect = on_connect, .on_connect_data = &hook));
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_PERMISSION);
    CU_ASSERT_STRING_EQUAL(error.message, "not today");
    CU_ASSERT_EQUAL(fake_count(FAKE_CLOSE, ""), 1);
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(hook.runs, 2);
    CU_ASSERT(fake_table_is("2"));
    rig_close(&rig);
}

/* Roles ------------------------------------------------------------------------------------------------------------ */

static const char *role_of(const char *text)
{
    unsigned conn = 0;
    for (size_t i = 0; i < fake_n_calls(); i++) {
        if (fake_call(i).kind == FAKE_EXECUTE && strcmp(fake_call(i).text, text) == 0)
            conn = fake_call(i).conn;
    }
    for (size_t i = 0; i < fake_n_calls(); i++) {
        if (fake_call(i).kind == FAKE_OPEN && fake_call(i).conn == conn)
            return strcmp(fake_call(i).text, "reader") == 0 ? "reader" : "writer";
    }
    return "nobody";
}

/* What says that it only reads goes to a reader, the rest to the writer, in the order of the lane. (POOL-02, PAIN-22)
 * */
TEST(reads_go_to_readers)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?readers=2", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    CU_ASSERT(rows_are(rig.ctx, adb_fetch_all(rig.ctx, "select table", NULL, NULL, NULL), "1"));
    CU_ASSERT_EQUAL(execute(&rig, "insert 2"), ADB_OK);
    CU_ASSERT_STRING_EQUAL(role_of("select table"), "reader");
    CU_ASSERT_STRING_EQUAL(role_of("insert 1"), "writer");
    CU_ASSERT_STRING_EQUAL(role_of("insert 2"), "writer");
    rig_close(&rig);
}

/* A reader that finds a write in it passes it on to the writer, once, and the lane's order holds. */
TEST(write_in_a_read_moves_to_the_writer)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?readers=2", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 1"), ADB_OK);
    adb_fetch_all(rig.ctx, "select insert 2", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_OK);
    CU_ASSERT(fake_table_is("1 2 3"));
    CU_ASSERT_EQUAL(fake_count(FAKE_EXECUTE, "select insert 2"), 2);
    rig_close(&rig);
}

/* A transaction stays where it began: reads inside are the writer's, a read-only one is a reader's. */
TEST(transaction_keeps_its_role)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?readers=2", NULL);
    CU_ASSERT_EQUAL(execute(&rig, "write"), ADB_OK);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    adb_fetch_all(rig.ctx, "select value 1", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_STRING_EQUAL(role_of("select value 1"), "writer");
    adb_begin(rig.ctx, ADB_TRANSACTION(.read_only = true), NULL, NULL);
    adb_fetch_all(rig.ctx, "select value 2", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(&rig, "select write"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_STRING_EQUAL(role_of("select value 2"), "reader");
    rig_close(&rig);
}

/* A read-only context is refused each write, and its lane stays usable. */
BOTH(read_only_context_refuses_writes)
{
    RIG(rig, kind, NULL);
    adb_context *ctx = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_READ_ONLY);
    CU_ASSERT_EQUAL(status_of(ctx, adb_execute(ctx, kind->insert, ADB_PARAMS({"n", adb_int(1)}), NULL, NULL)),
                    ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(fetch(ctx, kind->rows), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 2, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "2"));
    adb_context_free(ctx);
    rig_close(&rig);
}

/* Replicas are read, never written. (REP-01, REP-03, REP-04, REP-06, REP-07, REP-09, REP-10) */
TEST(replica_context_reads_a_replica)
{
    struct rig rig;
    const char *const replicas[] = {"fake://one"};
    rig_open_fake(&rig, "fake://", ADB_OPTIONS(.replicas = replicas, .n_replicas = 1));
    adb_context *ctx = adb_context_new(rig.db, rig.queue, ADB_CONTEXT_REPLICA);
    REQUIRE(ctx != NULL);
    CU_ASSERT_EQUAL(fetch(ctx, "table"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(ctx, adb_execute(ctx, "insert 1", NULL, NULL, NULL)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(fetch(ctx, "select insert 2"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(execute(&rig, "insert 3"), ADB_OK);
    CU_ASSERT(fake_table_is("3"));
    CU_ASSERT(fake_connections() >= 2);
    adb_context_free(ctx);
    rig_close(&rig);
}

/* Without one configured it is refused where it is asked for. (REP-04, ERR-06) */
TEST(replica_context_needs_a_replica)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://", NULL);
    CU_ASSERT_PTR_NULL(adb_context_new(rig.db, rig.queue, ADB_CONTEXT_REPLICA));
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_PTR_NULL(adb_context_new(rig.db, rig.queue, 1u << 20));
    CU_ASSERT_EQUAL(errno, EINVAL);
    CU_ASSERT_PTR_NULL(adb_context_new(NULL, rig.queue, 0));
    rig_close(&rig);
}

SUITE(pool, CASE(pool_grows_while_its_workers_block), CASE(pool_does_not_grow_beyond_its_size),
      CASE(idle_connection_is_used_again), CASE(pool_shrinks_when_idle),
      CASE(job_waits_for_the_place_of_a_worker_that_leaves), CASE(old_connection_is_replaced),
      CASE(old_connection_of_a_busy_lane_is_replaced),
      CASE(unpooled_database_closes_after_each_run), CASE(connection_that_is_the_database_stays),
      CASE(hook_runs_once_per_connection), CASE(hook_that_fails_fails_the_job), CASE(reads_go_to_readers),
      CASE(write_in_a_read_moves_to_the_writer), CASE(transaction_keeps_its_role),
      CASES(read_only_context_refuses_writes), CASE(replica_context_reads_a_replica),
      CASE(replica_context_needs_a_replica), CASE(connect_opens_the_minimum))
