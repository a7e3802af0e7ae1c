/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines of the PostgreSQL driver on a real server, straight from its struct and without any core: what each call
 * ends with, whatever becomes of its neighbours. */
#include "tests/integration/postgresql_scene.h"
#include "tests/lib/fault.h"

#include <stdlib.h>

/* Answers ---------------------------------------------------------------------------------------------------------- */

static void answers_in_order(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), manner);
    for (int round = 0; round < 50; round++) {
        scene_calls(&scene, ECHO);
        scene_run(&scene, N_CALLS);
        for (size_t i = 0; i < N_CALLS; i++)
            CU_ASSERT(is_echo(&scene, i));
    }
    CU_ASSERT(scene.n_waits > 0);
    CU_ASSERT(is_good(&scene));
}

TEST(answers_come_in_order_and_each_is_right)
{
    in_all_manners(answers_in_order);
}

/* More than are sent in one go, and different ones among each other. */
TEST(a_long_pipeline_of_many_statements_is_answered_too)
{
    static const char *const sql[] = {ECHO, INVERSE, ECHO " LIMIT 1"};
    scene_open(&scene, NULL, NULL);
    for (size_t i = 0; i < 3; i++)
        prove(&scene, sql[i], adb_int(1), TOGETHER);
    for (size_t i = 0; i < MOST; i++)
        scene_call(&scene, i, sql[i / 2 % 3], adb_int((int64_t)i + 1));
    scene_run(&scene, MOST);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), MOST);
    for (size_t i = 0; i < MOST; i++)
        CU_ASSERT(i / 2 % 3 == 1 ? adb_row_int(adb_result_row(&scene.results[i], 0), 0) == 12 / ((int64_t)i + 1)
                                 : is_echo(&scene, i));
    CU_ASSERT(is_good(&scene));
}

/* It could need more than its own answer, or be huge. */
TEST(what_was_never_run_alone_runs_alone_first)
{
    scene_open(&scene, NULL, NULL);
    scene_calls(&scene, ECHO);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB__RUN_ALONE), N_CALLS);
    prove(&scene, ECHO, adb_int(1), APART);
    scene_calls(&scene, ECHO);
    scene_call(&scene, 3, "SELECT $1::text", adb_int(3));
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.statuses[3], ADB__RUN_ALONE);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), N_CALLS - 1);
}

/* Rows that nobody asked for are dropped; all that were asked for are there. */
TEST(as_many_rows_as_are_wanted)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, SERIES, adb_int(10), TOGETHER);
    for (size_t i = 0; i < N_CALLS; i++) {
        scene_call(&scene, i, SERIES, adb_int(5));
        scene.sinks[i].max_rows = i % 8;
    }
    scene_run(&scene, N_CALLS);
    for (size_t i = 0; i < N_CALLS; i++) {
        CU_ASSERT_EQUAL(scene.statuses[i], ADB_OK);
        CU_ASSERT_EQUAL(adb_result_rows(&scene.results[i]), i % 8 == 0 || i % 8 > 5 ? 5 : i % 8);
    }
}

/* Equal statements that are known to be quick are one transaction, others are one each. */
static void equal_statements(enum manner manner)
{
    static const char sql[] = "SELECT 1, now()::text || $1";
    scene_open(&scene, NULL, NULL);
    prove(&scene, sql, adb_text("x"), manner);
    for (size_t i = 0; i < N_CALLS; i++)
        scene_call(&scene, i, sql, adb_text("x"));
    scene_run(&scene, N_CALLS);
    REQUIRE(n_with(&scene, ADB_OK) == N_CALLS);
    const char *first = adb_row_text(adb_result_row(&scene.results[0], 0), 1);
    const char *last = adb_row_text(adb_result_row(&scene.results[N_CALLS - 1], 0), 1);
    CU_ASSERT_EQUAL(strcmp(first, last) == 0, manner == TOGETHER);
}

TEST(equal_statements_share_a_transaction_once_they_are_known)
{
    in_all_manners(equal_statements);
}

/* Pairs that must not write, and pairs that may, of a function that does: each of the former fails, or has shared with
 * one that did, and only the latter have written. Afterwards the session writes as ever. */
static void forbidden_writes(enum manner manner)
{
    static const char sql[] = "SELECT $1::int * leave_note()";
    scene_open(&scene, NULL, NULL);
    run(&scene, "CREATE TABLE notes (a INTEGER)");
    run(&scene, "CREATE FUNCTION leave_note() RETURNS INTEGER LANGUAGE sql VOLATILE AS "
                "'INSERT INTO notes VALUES (1) RETURNING a'");
    prove(&scene, sql, adb_int(1), manner);
    run(&scene, "DELETE FROM notes");
    scene_calls(&scene, sql);
    for (size_t i = 0; i < N_CALLS; i++)
        scene.statements[i].flags |= i / 2 % 2 == 0 ? ADB__STMT_MUST_READ : 0;
    scene_run(&scene, N_CALLS);
    for (size_t i = 0; i < N_CALLS; i++) {
        const bool skipped = manner == TOGETHER && i % 2 == 1;
        const adb_status refused = skipped ? ADB__RUN_ALONE : ADB_E_READ_ONLY;
        CU_ASSERT_EQUAL(scene.statuses[i], i / 2 % 2 == 0 ? refused : ADB_OK);
    }
    CU_ASSERT_EQUAL(number(&scene, "SELECT count(*) FROM notes", adb_null()), N_CALLS / 2);
    run(&scene, "DROP FUNCTION leave_note()");
    run(&scene, "DROP TABLE notes");
}

TEST(what_must_not_write_is_told_so)
{
    in_both_manners(forbidden_writes);
}

/* There an answer counts only when its transaction has ended. */
TEST(serializable_statements_share_nothing)
{
    static const char sql[] = "SELECT 1, now()::text || $1";
    scene_open(&scene, "server.default_transaction_isolation", "serializable");
    prove(&scene, sql, adb_text("x"), TOGETHER);
    for (size_t i = 0; i < N_CALLS; i++)
        scene_call(&scene, i, sql, adb_text("x"));
    scene_run(&scene, N_CALLS);
    REQUIRE(n_with(&scene, ADB_OK) == N_CALLS);
    CU_ASSERT_STRING_NOT_EQUAL(adb_row_text(adb_result_row(&scene.results[0], 0), 1),
                               adb_row_text(adb_result_row(&scene.results[N_CALLS - 1], 0), 1));
}

/* The setting is looked at again when it may have changed. */
TEST(a_session_that_becomes_serializable_shares_no_more)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), TOGETHER);
    scene_calls(&scene, ECHO);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.conn.sharing, ADB__PG_SHARES);
    run(&scene, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    scene_calls(&scene, ECHO);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.conn.sharing, ADB__PG_SHARES_NOT);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), N_CALLS);
}

/* The server is stuck in megabytes of answers when the last value is sent: neither side may wait for the other to read.
 */
static void large_values(enum manner manner)
{
    static const char sql[] = "SELECT 1, $1::text || repeat('b', 1048576)";
    char *text = malloc(MEBI);
    REQUIRE(text != NULL);
    scene_open(&scene, NULL, NULL);
    prove(&scene, sql, adb_text("x"), manner);
    for (size_t i = 0; i < N_CALLS; i++)
        scene_call(&scene, i, sql, adb_text_n(memset(text, 'a', MEBI), i + 1 < N_CALLS ? i : MEBI));
    scene_run(&scene, N_CALLS);
    for (size_t i = 0; i < N_CALLS; i++) {
        const adb_value echo = adb_row_value(adb_result_row(&scene.results[i], 0), 1);
        CU_ASSERT_EQUAL(scene.statuses[i], ADB_OK);
        CU_ASSERT(echo.size == scene.values[i].size + MEBI && memcmp(echo.as.text, text, scene.values[i].size) == 0);
    }
    CU_ASSERT(is_good(&scene));
    free(text);
}

TEST(large_values_both_ways_do_not_stop_each_other)
{
    in_all_manners(large_values);
}

/* Neighbours ------------------------------------------------------------------------------------------------------- */

/* Those that shared its transaction have not been answered, so they run alone; none fails with it. */
static void failing_neighbour(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, INVERSE, adb_int(1), manner);
    scene_calls(&scene, INVERSE);
    scene.values[5] = adb_int(0);
    scene_run(&scene, N_CALLS);
    for (size_t i = 0; i < N_CALLS; i++) {
        const adb_status behind = manner == TOGETHER ? ADB__RUN_ALONE : ADB_OK;
        CU_ASSERT_EQUAL(scene.statuses[i], i == 5 ? ADB_E_DATA : i < 5 ? ADB_OK : behind);
    }
    CU_ASSERT_STRING_EQUAL(scene.results[5].error.sqlstate, "22012");
    scene_calls(&scene, INVERSE);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), N_CALLS); /* who has failed does not share for a while */
    CU_ASSERT(is_good(&scene));
}

TEST(a_failing_statement_leaves_its_neighbours_alone)
{
    in_all_manners(failing_neighbour);
}

/* A value that no server would take, a wrong number of values, and one that is not worth keeping. */
TEST(what_cannot_be_sent_runs_alone)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), TOGETHER);
    scene_calls(&scene, ECHO);
    scene.values[0] = adb_text_n("1\0", 2);
    scene.values[4] = adb_text_n("1\0", 2);
    scene.statements[7].n_values = 0;
    scene.statements[9].flags |= ADB__STMT_NO_CACHE;
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB__RUN_ALONE), 4);
    for (size_t i = 0; i < N_CALLS; i++)
        CU_ASSERT(i == 0 || i == 4 || i == 7 || i == 9 ? scene.statuses[i] == ADB__RUN_ALONE : is_echo(&scene, i));
    CU_ASSERT(is_good(&scene));
}

/* Whoever was dropped before anything was sent, and whose answer is on its way already. */
static void dropped_followers(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), manner);
    for (size_t pattern = 1; pattern < 64; pattern++) {
        scene_calls(&scene, ECHO);
        for (size_t i = 0; i < N_CALLS; i++)
            scene.dropped[i] = (pattern >> i % 6 & 1) != 0;
        scene_run(&scene, N_CALLS);
        CU_ASSERT_EQUAL(scene.n_begun, N_CALLS);
        for (size_t i = 0; i < N_CALLS; i++)
            CU_ASSERT(scene.dropped[i] ? adb_result_rows(&scene.results[i]) == 0 : is_echo(&scene, i));
    }
    memset(scene.dropped, 0, sizeof(scene.dropped));
    CU_ASSERT(is_good(&scene));
}

TEST(dropped_followers_do_not_disturb)
{
    in_all_manners(dropped_followers);
}

/* Its statement may be gone by then. */
static void take_statements(struct scene *s)
{
    for (size_t i = 70; i < MOST; i++) {
        s->calls[i].statement = NULL;
        s->dropped[i] = true;
    }
}

TEST(statements_that_were_taken_back_are_not_sent)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), APART);
    for (size_t i = 0; i < MOST; i++)
        scene_call(&scene, i, ECHO, adb_int((int64_t)i));
    scene.at_wait = take_statements;
    scene_run(&scene, MOST);
    for (size_t i = 0; i < 70; i++)
        CU_ASSERT(is_echo(&scene, i));
    memset(scene.dropped, 0, sizeof(scene.dropped));
    CU_ASSERT(is_good(&scene));
}

/* A hundred million rows where there were few before: nobody waits for them, and memory does not hold them. */
static void surprise(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, SERIES, adb_int(1), manner);
    scene_calls(&scene, SERIES);
    scene.values[6] = adb_int(100000000);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.statuses[6], ADB__RUN_ALONE);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK) + n_with(&scene, ADB__RUN_ALONE), N_CALLS);
    CU_ASSERT(n_with(&scene, ADB_OK) >= 6);
    scene_calls(&scene, SERIES);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB__RUN_ALONE), N_CALLS); /* it may come again */
    CU_ASSERT_EQUAL(number(&scene, SERIES, adb_int(100000000)), 1);
    CU_ASSERT(is_good(&scene));
}

TEST(a_surprisingly_large_answer_is_left)
{
    in_all_manners(surprise);
}

/* Stopping --------------------------------------------------------------------------------------------------------- */

/* All are WAIT; only the i-th waits. */
static void call_sleeper(size_t i, enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    scene_open(&other, NULL, NULL);
    prove(&scene, WAIT, adb_int(0), manner);
    scene.conn.sharing = ADB__PG_SHARES; /* so that the first wait is not for this */
    scene_calls(&scene, WAIT);
    for (size_t k = 0; k < N_CALLS; k++)
        scene.values[k] = adb_int(k == i);
}

static void await_sleep(struct scene *s)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event = 'PgSleep'",
             PQbackendPID(s->conn.pg));
    while (number(&other, sql, adb_null()) != 1) {
    }
}

static void cancel_when_asleep(struct scene *s)
{
    await_sleep(s);
    DRIVER->cancel(&s->conn, ADB__CANCEL_ASK);
}

static int64_t looked_at, looked_again_ns;

static void look_again(struct scene *s)
{
    (void)s;
    looked_again_ns = adb__clock_now() - looked_at;
}

static void look(struct scene *s)
{
    looked_at = adb__clock_now();
    s->at_wait = look_again;
}

/* The least time of some that passes before the core gets another look, while an answer takes 40 ms. */
static int64_t look_time(const char *sql, bool glances)
{
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < 10; i++) {
        scene.glances = glances;
        scene_call(&scene, 0, sql, adb_int(1));
        scene.at_wait = look;
        scene_run(&scene, 1);
        CU_ASSERT_EQUAL(scene.statuses[0], ADB_OK);
        REQUIRE(scene.at_wait == NULL);
        least_ns = looked_again_ns < least_ns ? looked_again_ns : least_ns;
    }
    return least_ns;
}

/* Who relies on quick answers is told soon that one is not. */
TEST(a_slow_answer_is_glanced_at)
{
    static const char *const sql = "SELECT $1::int FROM pg_sleep(0.04)";
    scene_open(&scene, NULL, NULL);
    prove(&scene, sql, adb_int(1), APART);
    scene.conn.sharing = ADB__PG_SHARES; /* so that the first wait is not for this */
    CU_ASSERT(look_time(sql, false) >= 19 * ADB__NS_PER_MS);
    CU_ASSERT(look_time(sql, true) < 15 * ADB__NS_PER_MS);
}

/* As the core does: whoever stops the call says so first. */
static void stop_when_asleep(struct scene *s)
{
    s->stops = true;
    cancel_when_asleep(s);
}

static void end_backend_when_asleep(struct scene *s)
{
    char sql[80];
    await_sleep(s);
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)::int", PQbackendPID(s->conn.pg));
    CU_ASSERT_EQUAL(number(&other, sql, adb_null()), 1);
}

static void sever_when_asleep(struct scene *s)
{
    await_sleep(s);
    DRIVER->cancel(&s->conn, ADB__CANCEL_SEVER);
}

/* It was meant for the first, which was over when it came. */
static void cancelled_neighbour(enum manner manner)
{
    call_sleeper(4, manner);
    scene.at_wait = cancel_when_asleep;
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.n_ended, N_CALLS);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(scene.statuses[i], ADB_OK);
    CU_ASSERT_EQUAL(scene.statuses[4], ADB__RUN_ALONE);
    CU_ASSERT_EQUAL(scene.results[4].error.status, ADB_OK);
    for (size_t i = 5; i < N_CALLS; i++)
        CU_ASSERT_EQUAL(scene.statuses[i], manner == TOGETHER ? ADB__RUN_ALONE : ADB_OK);
    CU_ASSERT(is_good(&scene));
}

TEST(a_cancel_that_hits_a_follower_has_it_run_alone)
{
    in_all_manners(cancelled_neighbour);
}

static void cancelled_first(enum manner manner)
{
    call_sleeper(0, manner);
    scene.at_wait = stop_when_asleep;
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.statuses[0], ADB_E_CANCELLED);
    for (size_t i = 1; i < N_CALLS; i++)
        CU_ASSERT_EQUAL(scene.statuses[i], manner == TOGETHER ? ADB__RUN_ALONE : ADB_OK);
    CU_ASSERT(is_good(&scene));
}

TEST(a_cancel_that_hits_whom_it_was_meant_for_stops_it_alone)
{
    in_all_manners(cancelled_first);
}

/* What was answered is good, who waited is told, and the rest was never begun. */
static void ended_backend(enum manner manner)
{
    call_sleeper(4, manner);
    scene.at_wait = end_backend_when_asleep;
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.n_ended, 5);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(scene.statuses[i], ADB_OK);
    CU_ASSERT_EQUAL(scene.statuses[4], ADB_E_CONNECTION);
    CU_ASSERT((scene.results[4].error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&scene.conn), ADB__TXN_UNKNOWN);
    scene_calls(&scene, WAIT);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(scene.n_begun, 1);
    CU_ASSERT_EQUAL(scene.statuses[0], ADB_E_CONNECTION);
    CU_ASSERT((scene.results[0].error.flags & ADB_ERROR_OUTCOME_UNKNOWN) == 0); /* nothing was sent */
}

TEST(a_backend_that_ends_takes_one_call_with_it)
{
    in_all_manners(ended_backend);
}

static void severed(enum manner manner)
{
    call_sleeper(2, manner);
    scene.at_wait = sever_when_asleep;
    scene_run(&scene, N_CALLS);
    CU_ASSERT(scene.n_ended <= 3);
    CU_ASSERT_EQUAL(scene.statuses[scene.n_ended - 1], ADB_E_CONNECTION);
    CU_ASSERT((scene.results[scene.n_ended - 1].error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
}

TEST(a_severed_pipeline_ends)
{
    in_all_manners(severed);
}

/* What changes ----------------------------------------------------------------------------------------------------- */

/* Alone it is prepared again, and takes part again. */
static void heals(const char *sql, enum manner manner)
{
    scene_calls(&scene, sql);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB__RUN_ALONE), N_CALLS);
    prove(&scene, sql, adb_int(1), manner);
    scene_calls(&scene, sql);
    scene_run(&scene, N_CALLS);
    CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), N_CALLS);
    CU_ASSERT(is_good(&scene));
}

static void forgotten(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), manner);
    PQclear(PQexec(DRIVER->native(&scene.conn), "DEALLOCATE ALL"));
    heals(ECHO, manner);
}

TEST(what_the_server_has_forgotten_runs_alone)
{
    in_all_manners(forgotten);
}

static void changed(enum manner manner)
{
    static const char sql[] = "SELECT * FROM pipelined WHERE a = $1";
    scene_open(&scene, NULL, NULL);
    scene_open(&other, NULL, NULL);
    run(&other, "CREATE TABLE pipelined AS SELECT generate_series(1, 100) AS a");
    prove(&scene, sql, adb_int(1), manner);
    run(&other, "ALTER TABLE pipelined ADD b TEXT");
    heals(sql, manner);
    CU_ASSERT_EQUAL(adb_result_columns(&scene.results[0]), 1); /* of SELECT 1, the last */
    run(&other, "DROP TABLE pipelined");
}

TEST(what_was_changed_meanwhile_runs_alone)
{
    in_all_manners(changed);
}

/* Only its own call, wherever memory ends. */
static void no_memory(enum manner manner)
{
    scene_open(&scene, NULL, NULL);
    prove(&scene, ECHO, adb_int(1), manner);
    CU_ASSERT(is_good(&scene) && is_good(&scene)); /* prepared, too */
    scene_calls(&scene, ECHO);
    const size_t live = fault_live_blocks();
    FAULT_EACH(n)
    {
        scene_calls(&scene, ECHO);
        fault_arm_once(n);
        scene_run(&scene, N_CALLS);
        const bool failed = FAULT_DONE();
        CU_ASSERT_EQUAL(n_with(&scene, ADB_OK), failed ? N_CALLS - 1 : N_CALLS);
        CU_ASSERT_EQUAL(n_with(&scene, ADB_E_NOMEM) + n_with(&scene, ADB__RUN_ALONE), failed ? 1 : 0);
        CU_ASSERT(is_good(&scene));
        scene_calls(&scene, ECHO);
        CU_ASSERT_EQUAL(fault_live_blocks(), live);
    }
}

TEST(want_of_memory_fails_one_call)
{
    in_all_manners(no_memory);
}

static const struct harness_case cases[] = {
    CASE(answers_come_in_order_and_each_is_right),
    CASE(a_long_pipeline_of_many_statements_is_answered_too),
    CASE(what_was_never_run_alone_runs_alone_first),
    CASE(as_many_rows_as_are_wanted),
    CASE(equal_statements_share_a_transaction_once_they_are_known),
    CASE(what_must_not_write_is_told_so),
    CASE(serializable_statements_share_nothing),
    CASE(a_session_that_becomes_serializable_shares_no_more),
    CASE(large_values_both_ways_do_not_stop_each_other),
    CASE(a_failing_statement_leaves_its_neighbours_alone),
    CASE(what_cannot_be_sent_runs_alone),
    CASE(dropped_followers_do_not_disturb),
    CASE(statements_that_were_taken_back_are_not_sent),
    CASE(a_surprisingly_large_answer_is_left),
    CASE(a_slow_answer_is_glanced_at),
    CASE(a_cancel_that_hits_a_follower_has_it_run_alone),
    CASE(a_cancel_that_hits_whom_it_was_meant_for_stops_it_alone),
    CASE(a_backend_that_ends_takes_one_call_with_it),
    CASE(a_severed_pipeline_ends),
    CASE(what_the_server_has_forgotten_runs_alone),
    CASE(what_was_changed_meanwhile_runs_alone),
    CASE(want_of_memory_fails_one_call),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_POSTGRESQL_URL");
    int failed = 1;
    if (url == NULL)
        return 77;
    harness_after_each = close_both;
    fault_watch(); /* before any thread of the library is there */
    if (own_make(&own, url))
        failed = harness_main("postgresql_pipeline", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
