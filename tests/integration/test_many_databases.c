/* SPDX-License-Identifier: BSD-3-Clause */
/* Two SQLite databases, PostgreSQL and MySQL at once, in one completion queue: their jobs are interleaved, and each
 * database succeeds and fails by itself. */
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#include <asyncdb.h>

#include <pthread.h>
#include <stdlib.h>

#define N_ROUNDS 200

/* One database among them. */
struct member {
    const char *variable; /* where its server is; NULL: url says all */
    const char *url;
    const char *slow; /* runs until it is stopped */
    struct own own;
    adb_database *db;
    adb_context *ctx;
    struct tally tally;
    size_t n_in_order;
};

#define SQLITE_SLOW "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"
#define MYSQL_SLOW  "SELECT count(*) FROM (SELECT 1 AS i UNION ALL SELECT 2) AS r WHERE SLEEP(600) = 0"

static struct member members[] = {
    {.url = "sqlite://", .slow = SQLITE_SLOW, .tally = TALLY_INIT},
    {.url = "sqlite://", .slow = SQLITE_SLOW, .tally = TALLY_INIT},
    {.variable = "ADB_TEST_POSTGRESQL_URL", .slow = "SELECT pg_sleep(600)", .tally = TALLY_INIT},
    {.variable = "ADB_TEST_MYSQL_URL", .slow = MYSQL_SLOW, .tally = TALLY_INIT},
};

enum { N_MEMBERS = sizeof(members) / sizeof(members[0]) };
static struct member *const end = members + N_MEMBERS;

static adb_queue *queue;

/* The fixture ------------------------------------------------------------------------------------------------------ */

/* Failures are what these tests are about. */
static void log_nothing(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

static void member_open(struct member *m)
{
    const struct tally none = TALLY_INIT;
    m->tally = none;
    m->n_in_order = 0;
    REQUIRE(adb_database_open(m->url, ADB_OPTIONS(.max_size = 4, .log = log_nothing), &m->db, NULL) == ADB_OK);
    m->ctx = adb_context_new(m->db, queue, 0);
    CU_ASSERT_EQUAL(status_of(m->ctx, adb_execute(m->ctx, "DROP TABLE IF EXISTS t", NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(status_of(m->ctx, adb_execute(m->ctx, "CREATE TABLE t (n INTEGER)", NULL, NULL, NULL)), ADB_OK);
}

static void open_all(void)
{
    queue = adb_queue_new();
    for (struct member *m = members; m < end; m++)
        member_open(m);
}

static void close_all(void)
{
    for (struct member *m = members; m < end; m++) {
        adb_context_free(m->ctx);
        CU_ASSERT_EQUAL(adb_database_close(m->db, PATIENCE_MS), ADB_OK);
        adb_database_free(m->db);
    }
    adb_queue_free(queue);
}

static bool all_delivered(void *unused)
{
    (void)unused;
    for (struct member *m = members; m < end; m++) {
        if (adb_context_pending(m->ctx) > 0)
            return false;
    }
    return true;
}

static adb_job insert(struct member *m, int64_t n, adb_done_cb done)
{
    return adb_execute(m->ctx, "INSERT INTO t (n) VALUES (:n)", ADB_PARAMS({"n", adb_int(n)}), done, m);
}

static int64_t count(struct member *m)
{
    return value_of(m->ctx, adb_fetch_val(m->ctx, "SELECT count(*) FROM t", NULL, NULL, NULL));
}

/* An outcome that carries its member and its turn. */
static void note_turn(adb_result *result, void *user_data)
{
    struct member *m = user_data;
    tally_done(result, &m->tally);
    if (adb_result_rows(result) > 0 && adb_row_int(adb_result_row(result, 0), 0) == (int64_t)m->n_in_order)
        m->n_in_order++;
}

static void note(adb_result *result, void *user_data)
{
    tally_done(result, &((struct member *)user_data)->tally);
}

static void until_slow(struct member *m)
{
    adb_stats stats = {.size = sizeof(stats)};
    while (adb_database_stats(m->db, &stats) == ADB_OK && stats.jobs_running == 0)
        continue;
}

/* The tests -------------------------------------------------------------------------------------------------------- */

/* Hundreds of jobs of each, submitted in turn: each comes back once, on this thread, and those of one database in their
 * order. */
TEST(jobs_of_all_databases_end_in_one_queue)
{
    open_all();
    for (int64_t i = 0; i < N_ROUNDS; i++) {
        for (struct member *m = members; m < end; m++)
            REQUIRE(adb_fetch_val(m->ctx, "SELECT count(*) FROM t", NULL, note_turn, m) != 0 &&
                    insert(m, i, note) != 0);
    }
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++) {
        CU_ASSERT_EQUAL(m->tally.n, 2 * N_ROUNDS);
        CU_ASSERT_EQUAL(m->tally.n_status[0], 2 * N_ROUNDS);
        CU_ASSERT_EQUAL(m->n_in_order, N_ROUNDS);
        CU_ASSERT(pthread_equal(m->tally.seen[0].thread, pthread_self()));
        CU_ASSERT_EQUAL(count(m), N_ROUNDS);
    }
    close_all();
}

/* In each round another database is asked for what it has not: the failure is its own. */
TEST(a_failure_is_one_databases_own)
{
    open_all();
    for (int64_t i = 0; i < N_ROUNDS; i++) {
        for (struct member *m = members; m < end; m++) {
            if (i % N_MEMBERS == m - members)
                adb_fetch_all(m->ctx, "SELECT n FROM nowhere", NULL, note, m);
            else
                insert(m, i, note);
        }
    }
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++) {
        CU_ASSERT_EQUAL(tally_of(&m->tally, ADB_E_UNDEFINED), N_ROUNDS / N_MEMBERS);
        CU_ASSERT_EQUAL(tally_of(&m->tally, ADB_OK), N_ROUNDS - N_ROUNDS / N_MEMBERS);
        CU_ASSERT_EQUAL(count(m), N_ROUNDS - N_ROUNDS / N_MEMBERS);
    }
    close_all();
}

/* All are busy with something slow: a cancel ends the one, and the others go on until theirs. */
TEST(a_cancel_ends_one_databases_job)
{
    adb_job slow[N_MEMBERS];
    open_all();
    for (struct member *m = members; m < end; m++)
        slow[m - members] = adb_fetch_all(m->ctx, m->slow, NULL, note, m);
    for (struct member *m = members; m < end; m++)
        until_slow(m);
    for (struct member *m = members; m < end; m++) {
        CU_ASSERT_EQUAL(m->tally.n, 0);
        CU_ASSERT_EQUAL(adb_cancel(m->ctx, slow[m - members]), ADB_OK);
        CU_ASSERT_EQUAL(status_of(m->ctx, slow[m - members]), ADB_E_CANCELLED);
    }
    for (struct member *m = members; m < end; m++)
        CU_ASSERT_EQUAL(count(m), 0);
    close_all();
}

/* Transactions side by side: one is committed, the next rolled back. */
TEST(transactions_end_each_in_its_own_way)
{
    open_all();
    for (struct member *m = members; m < end; m++)
        adb_begin(m->ctx, NULL, NULL, NULL);
    for (struct member *m = members; m < end; m++)
        insert(m, 1, NULL);
    for (struct member *m = members; m < end; m++) {
        if ((m - members) % 2 == 0)
            adb_commit(m->ctx, NULL, NULL);
        else
            adb_rollback(m->ctx, NULL, NULL);
    }
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++)
        CU_ASSERT_EQUAL(count(m), (m - members) % 2 == 0 ? 1 : 0);
    close_all();
}

/* One is closed while the others have work: its jobs end first, and theirs come all the same. */
TEST(closing_one_leaves_the_others)
{
    open_all();
    for (struct member *closed = members; closed < end; closed++) {
        for (struct member *m = members; m < end; m++)
            insert(m, 1, note);
        CU_ASSERT_EQUAL(adb_database_close(closed->db, PATIENCE_MS), ADB_OK);
        CU_ASSERT_EQUAL(insert(closed, 2, note), 0);
        CU_ASSERT_EQUAL(adb_context_error(closed->ctx)->status, ADB_E_CLOSED);
        run_until(queue, all_delivered, NULL);
        CU_ASSERT_EQUAL(adb_database_connect(closed->db, PATIENCE_MS, NULL), ADB_OK);
        if (closed->variable == NULL) /* its memory went with its connection */
            REQUIRE(status_of(closed->ctx, adb_execute(closed->ctx, "CREATE TABLE t (n INTEGER)", NULL, NULL, NULL)) ==
                    ADB_OK);
    }
    for (struct member *m = members; m < end; m++)
        CU_ASSERT_EQUAL(tally_of(&m->tally, ADB_OK), N_MEMBERS);
    close_all();
}

/* A server that is not there fails alone, and in time. */
TEST(a_server_that_is_not_there_fails_alone)
{
    static const char *const urls[] = {"postgresql://nobody@127.0.0.1:1/none", "mysql://nobody@127.0.0.1:1/none"};
    open_all();
    for (size_t i = 0; i < 2; i++) {
        adb_database *nowhere = NULL;
        REQUIRE(adb_database_open(urls[i], ADB_OPTIONS(.log = log_nothing), &nowhere, NULL) == ADB_OK);
        adb_context *ctx = adb_context_new(nowhere, queue, 0);
        const adb_job job = adb_fetch_all(ctx, "SELECT 1", NULL, NULL, NULL);
        for (struct member *m = members; m < end; m++)
            insert(m, 1, note);
        CU_ASSERT_EQUAL(status_of(ctx, job), ADB_E_CONNECTION);
        adb_context_free(ctx);
        adb_database_free(nowhere);
    }
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++)
        CU_ASSERT_EQUAL(tally_of(&m->tally, ADB_OK), 2);
    close_all();
}

/* What is iterated in one database is written into the next as it comes: user_data is where to. */
static adb_flow copy_batch(adb_result *batch, void *user_data)
{
    for (size_t i = 0; i < adb_result_rows(batch); i++)
        CU_ASSERT_NOT_EQUAL(insert(user_data, adb_row_int(adb_result_row(batch, i), 0), note), 0);
    return ADB_CONTINUE;
}

/* Rows go round: from each database into the next, all at once, from inside the callbacks. */
TEST(rows_stream_from_one_database_into_the_next)
{
    open_all();
    for (int64_t i = 0; i < 50; i++) {
        for (struct member *m = members; m < end; m++)
            insert(m, i, NULL);
    }
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++)
        adb_iterate(m->ctx, "SELECT n FROM t", NULL, copy_batch, note, &members[(m - members + 1) % N_MEMBERS]);
    run_until(queue, all_delivered, NULL);
    for (struct member *m = members; m < end; m++) {
        CU_ASSERT_EQUAL(count(m), 100);
        CU_ASSERT_EQUAL(tally_of(&m->tally, ADB_OK), m->tally.n);
    }
    close_all();
}

static const struct harness_case cases[] = {
    CASE(jobs_of_all_databases_end_in_one_queue),
    CASE(a_failure_is_one_databases_own),
    CASE(a_cancel_ends_one_databases_job),
    CASE(transactions_end_each_in_its_own_way),
    CASE(closing_one_leaves_the_others),
    CASE(a_server_that_is_not_there_fails_alone),
    CASE(rows_stream_from_one_database_into_the_next),
};

int main(int argc, char **argv)
{
    bool made = true;
    int failed = 1;
    for (struct member *m = members; m < end; m++) {
        const char *url = m->variable != NULL ? own_variable(m->variable) : m->url;
        if (url == NULL)
            return 77;
    }
    for (struct member *m = members; m < end; m++) {
        if (m->variable == NULL)
            continue;
        made = made && own_make(&m->own, getenv(m->variable));
        m->url = m->own.url;
    }
    if (made)
        failed = harness_main("many_databases", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    for (struct member *m = members; m < end; m++)
        own_drop(&m->own);
    return failed;
}
