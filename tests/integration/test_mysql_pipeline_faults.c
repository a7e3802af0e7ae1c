/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines of the MySQL driver on a real server, when a table changes, a statement is killed, the connection is lost
 * or no memory is left while answers are under way. */
#include "tests/integration/mysql_scene.h"

/* Changes ---------------------------------------------------------------------------------------------------------- */

static const char *change;

static void change_table(struct scene *now)
{
    must(&second, change);
    open_gate(now);
}

/* A table that another session changes when its answers are under way. */
static void set_up_change(const char *sql)
{
    set_up();
    must(&first, "CREATE OR REPLACE TABLE changing (a INT, b INT)");
    must(&first, "INSERT INTO changing VALUES (1, 2)");
    prepare("SELECT * FROM changing");
    change = sql;
    add(BLOCKED, 0);
    for (int i = 0; i < 4; i++) {
        add("SELECT * FROM changing", 0);
        add(NEXT, i + 1);
    }
    drop(7);
    scene.at_wait = change_table;
    scene_run();
    for (size_t i = 1; i < 5; i++)
        CU_ASSERT_EQUAL(got(2 * i), (int64_t)i + 1);
}

/* With other columns than it was prepared with, a statement runs alone, and is prepared anew. QRY-33 */
TEST(a_table_with_other_columns_is_read_alone)
{
    set_up_change("ALTER TABLE changing ADD c INT DEFAULT 7");
    CU_ASSERT_EQUAL(scene.calls[1].status, ADB__RUN_ALONE);
    CU_ASSERT_EQUAL(scene.calls[3].status, ADB__RUN_ALONE);
    CU_ASSERT_EQUAL(scene.calls[5].status, ADB__RUN_ALONE);
    must(&first, "SELECT * FROM changing");
    CU_ASSERT_EQUAL(adb_result_columns(&first.result), 3);
}

/* A new name comes with the first answer; what comes without is not given an old one. */
TEST(a_column_with_a_new_name_has_it)
{
    set_up_change("ALTER TABLE changing CHANGE b c VARCHAR(10)");
    CU_ASSERT_EQUAL(scene.calls[1].status, ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(&scene.members[1].result, 1), "c");
    CU_ASSERT_EQUAL(scene.calls[3].status, ADB__RUN_ALONE);
    must(&first, "SELECT * FROM changing");
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(&first.result, 1), "c");
}

/* A table that is gone is an error for each that reads it, and for none else. */
TEST(a_dropped_table_is_undefined)
{
    set_up_change("DROP TABLE changing");
    for (size_t i = 1; i < 7; i += 2)
        CU_ASSERT_EQUAL(scene.calls[i].status, ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* Stopping --------------------------------------------------------------------------------------------------------- */

/* A KILL that comes before the statement has begun is lost. */
static void await_block(void)
{
    char sql[160];
    snprintf(sql, sizeof(sql),
             "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %llu AND state LIKE 'Waiting%%lock'",
             (unsigned long long)first.conn.id);
    while (number(&second, sql) == 0)
        continue;
}

static void cancel(struct scene *now)
{
    (void)now;
    await_block();
    DRIVER->cancel(&first.conn, ADB__CANCEL_ASK);
}

static void cancel_and_stop(struct scene *now)
{
    cancel(now);
    now->stops = true;
}

/* A call that is under way when a cancel comes; behind it are others. */
static void set_up_cancel(void (*act)(struct scene *))
{
    static const char *const sql = "SELECT a FROM locked";
    set_up();
    must(&first, "CREATE OR REPLACE TABLE locked (a INT)");
    prepare(sql);
    must(&second, "LOCK TABLES locked WRITE");
    for (int i = 0; i < 5; i++)
        add(i == 2 ? sql : NEXT, i + 1);
    scene.at_wait = act;
    scene.at_call = 2;
    scene_run();
    CU_ASSERT_EQUAL(got(0), 2);
    CU_ASSERT_EQUAL(got(1), 3);
    CU_ASSERT_EQUAL(got(3), 5);
    CU_ASSERT_EQUAL(got(4), 6);
    scene.stops = false;
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* The one that was to stop is cancelled, and those behind it are answered. */
TEST(a_cancel_ends_one_call)
{
    set_up_cancel(cancel_and_stop);
    CU_ASSERT_EQUAL(scene.calls[2].status, ADB_E_CANCELLED);
}

/* One that was not to stop has been hit instead of another: it is to run again. */
TEST(what_a_cancel_hits_by_mistake_runs_alone)
{
    set_up_cancel(cancel);
    CU_ASSERT_EQUAL(scene.calls[2].status, ADB__RUN_ALONE);
}

/* The administrator's KILL QUERY is no mistake of ours. */
static void kill_query(struct scene *now)
{
    char sql[64];
    (void)now;
    await_block();
    snprintf(sql, sizeof(sql), "KILL QUERY %llu", (unsigned long long)first.conn.id);
    must(&second, sql);
}

TEST(a_statement_that_was_killed_by_others_is_told)
{
    set_up_cancel(kill_query);
    CU_ASSERT_EQUAL(scene.calls[2].status, ADB_E_CANCELLED);
}

/* Nobody wants the answer, and the server would work on it for hours. */
TEST(what_nobody_wants_is_stopped)
{
    static const char *const sql =
        "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b WHERE a.seq + b.seq > ?";
    set_up();
    must(&first, "SET max_statement_time = 0.1");
    prepare(sql);
    must(&first, "SET max_statement_time = 0");
    for (int i = 0; i < 5; i++)
        add(i == 2 ? sql : NEXT, i + 1);
    drop(2);
    scene_run();
    CU_ASSERT_EQUAL(got(1), 3);
    CU_ASSERT_EQUAL(got(3), 5);
    CU_ASSERT_EQUAL(got(4), 6);
}

/* Lost connections ------------------------------------------------------------------------------------------------- */

static void kill_connection(struct scene *now)
{
    char sql[64];
    (void)now;
    snprintf(sql, sizeof(sql), "KILL %llu", (unsigned long long)first.conn.id);
    must(&second, sql);
}

/* The call whose turn it was is told, those before it are answered, those behind it are not begun. PAIN-07 */
TEST(a_lost_connection_is_told_to_one_call)
{
    set_up();
    for (int i = 0; i < 5; i++)
        add(i == 2 ? BLOCKED : NEXT, i + 1);
    scene.at_wait = kill_connection;
    scene.at_call = 2;
    scene_run();
    CU_ASSERT_EQUAL(got(1), 3);
    CU_ASSERT_EQUAL(scene.calls[2].status, ADB_E_CONNECTION);
    CU_ASSERT((scene.members[2].error.flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT(!scene.members[3].begun && !scene.members[4].begun);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&first.conn), ADB__TXN_UNKNOWN);
}

/* When nobody wanted that answer, the next one hears of it. */
TEST(a_loss_that_nobody_saw_is_told_to_the_next)
{
    set_up();
    for (int i = 0; i < 5; i++)
        add(i == 1 ? BLOCKED : NEXT, i + 1);
    drop(1);
    drop(2);
    scene.at_wait = kill_connection;
    scene.at_call = 1;
    scene_run();
    CU_ASSERT_EQUAL(got(0), 2);
    CU_ASSERT_EQUAL(scene.calls[3].status, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(scene.members[3].error.flags, ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT(!scene.members[4].begun);
}

/* Severed before anything was sent: the first is told, and that it has not run. */
TEST(a_severed_connection_has_run_nothing)
{
    set_up();
    DRIVER->cancel(&first.conn, ADB__CANCEL_SEVER);
    add(NEXT, 1);
    add(NEXT, 2);
    scene_run();
    CU_ASSERT_EQUAL(scene.calls[0].status, ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(scene.members[0].error.flags, ADB_ERROR_CONNECTION_LOST);
    CU_ASSERT(!scene.members[1].begun);
}

/* Memory ----------------------------------------------------------------------------------------------------------- */

/* No memory at any point: the call that has met it fails, its neighbours do not, and nothing leaks. */
TEST(want_of_memory_is_of_one_call_only)
{
    static const char *const sql = "SELECT ?, REPEAT('x', 20000)";
    set_up();
    prepare(sql);
    FAULT_EACH(n)
    {
        const size_t before = fault_live_blocks();
        for (int i = 0; i < 3; i++)
            add(sql, i);
        fault_arm_once(n);
        scene_run();
        FAULT_DONE();
        size_t n_failed = 0;
        for (size_t i = 0; i < 3; i++)
            n_failed += got(i) == -1 && scene.calls[i].status == ADB_E_NOMEM;
        CU_ASSERT(n_failed <= 1 && (n_failed == 1 || got(0) + got(1) + got(2) == 3));
        scene_new();
        CU_ASSERT(fault_live_blocks() <= before + 1);
    }
}

static const struct harness_case cases[] = {
    CASE(a_table_with_other_columns_is_read_alone),
    CASE(a_column_with_a_new_name_has_it),
    CASE(a_dropped_table_is_undefined),
    CASE(a_cancel_ends_one_call),
    CASE(what_a_cancel_hits_by_mistake_runs_alone),
    CASE(a_statement_that_was_killed_by_others_is_told),
    CASE(what_nobody_wants_is_stopped),
    CASE(a_lost_connection_is_told_to_one_call),
    CASE(a_loss_that_nobody_saw_is_told_to_the_next),
    CASE(a_severed_connection_has_run_nothing),
    CASE(want_of_memory_is_of_one_call_only),
};

int main(int argc, char **argv)
{
    const char *url = own_variable("ADB_TEST_MYSQL_URL");
    int failed = 1;
    if (url == NULL)
        return 77;
    harness_after_each = tear_down;
    fault_watch(); /* before any thread of the library is there */
    if (own_make(&own, url))
        failed = harness_main("mysql_pipeline_faults", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
