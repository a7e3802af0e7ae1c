/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines of the MySQL driver on a real server: answers are those of single statements, in their order, and what
 * fails, is dropped or is large leaves its neighbours alone. */
#include "tests/integration/mysql_scene.h"

#include "base/clock.h"

/* Answers ---------------------------------------------------------------------------------------------------------- */

/* More than can be under way at once, each answered with its own. */
TEST(answers_come_in_order)
{
    set_up();
    for (int i = 0; i < MOST_CALLS; i++)
        add(NEXT, i + 1);
    scene_run();
    for (size_t i = 0; i < MOST_CALLS; i++)
        CU_ASSERT_EQUAL(got(i), (int64_t)i + 2);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* While one runs, those behind it have been sent: the server finds them when it has ended. */
TEST(all_are_sent_before_the_first_is_answered)
{
    set_up();
    add(BLOCKED, 0);
    for (int i = 0; i < 20; i++)
        add(NEXT, i + 1);
    scene.at_wait = open_gate;
    scene_run();
    for (size_t i = 1; i <= 20; i++)
        CU_ASSERT_EQUAL(got(i), (int64_t)i + 1);
    CU_ASSERT(scene.n_waits > 0 && scene.at_wait == NULL);
}

static int64_t looked_at, looked_again_ns;

static void look_again(struct scene *now)
{
    (void)now;
    looked_again_ns = adb__clock_now() - looked_at;
}

static void look(struct scene *now)
{
    looked_at = adb__clock_now();
    now->at_wait = look_again;
}

/* The least time of some that passes before the core gets another look, while an answer takes 40 ms. */
static int64_t look_time(const char *sql, bool glances)
{
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < 10; i++) {
        scene_new();
        scene.base.glances = glances;
        add(sql, 0);
        scene.at_wait = look;
        scene_run();
        CU_ASSERT_EQUAL(got(0), 0);
        REQUIRE(scene.at_wait == NULL);
        least_ns = looked_again_ns < least_ns ? looked_again_ns : least_ns;
    }
    return least_ns;
}

/* Who relies on quick answers is told soon that one is not. */
TEST(a_slow_answer_is_glanced_at)
{
    static const char *const sql = "SELECT SLEEP(0.04)";
    set_up();
    prepare(sql);
    CU_ASSERT(look_time(sql, false) >= 19 * ADB__NS_PER_MS);
    CU_ASSERT(look_time(sql, true) < 15 * ADB__NS_PER_MS);
}

/* An error in the middle is that call's, and of none else. */
TEST(a_failure_is_of_one_call_only)
{
    static const char *const sql = "SELECT (SELECT next FROM item WHERE id >= ? AND id < 11)";
    set_up();
    prepare(sql);
    for (int i = 0; i < 9; i++)
        add(i % 3 == 1 ? sql : NEXT, i % 2 == 0 ? 10 : 9);
    scene_run();
    for (size_t i = 0; i < 9; i++) {
        const bool fails = i % 3 == 1 && i % 2 == 1;
        CU_ASSERT_EQUAL(scene.calls[i].status, fails ? ADB_E_SQL : ADB_OK);
        CU_ASSERT_EQUAL(got(i), fails ? -1 : i % 2 == 0 ? 11 : 10);
    }
}

/* Nobody wants them any more: the first is not sent, the answers of the others go nowhere. */
TEST(dropped_calls_leave_no_trace)
{
    set_up();
    for (int i = 0; i < 30; i++)
        add(NEXT, i + 1);
    for (size_t i = 0; i < 30; i++) {
        if (i < 2 || i % 3 == 0 || i == 29)
            drop(i);
    }
    scene_run();
    for (size_t i = 0; i < 30; i++)
        CU_ASSERT_EQUAL(got(i), scene.members[i].dropped ? -1 : (int64_t)i + 2);
    CU_ASSERT_EQUAL(number(&first, "SELECT 1"), 1);
}

/* What is not prepared yet, or is refused for its value, is left for later; those around it are answered. */
TEST(what_needs_more_than_its_answer_runs_alone)
{
    const adb_value nan = adb_double(strtod("nan", NULL));
    set_up();
    for (int i = 0; i < 2; i++) {
        add("SELECT 17", 0);
        add(NEXT, 1);
        add_with(NEXT, &nan, 1);
        add(NEXT, 2);
    }
    scene_run();
    for (size_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(scene.calls[i].status, i % 2 == 0 ? ADB__RUN_ALONE : ADB_OK);
    CU_ASSERT_EQUAL(got(7), 3);
}

/* Without autocommit each would be part of a transaction; and warnings are asked for between two statements. */
TEST(not_every_session_has_pipelines)
{
    set_up();
    must(&first, "SET autocommit = 0");
    add(NEXT, 1);
    scene_run();
    CU_ASSERT_EQUAL(scene.calls[0].status, ADB__RUN_ALONE);
    must(&first, "SET autocommit = 1");
    first.log.level = ADB__LOG_DEBUG;
    scene_new();
    add(NEXT, 1);
    scene_run();
    CU_ASSERT_EQUAL(scene.calls[0].status, ADB__RUN_ALONE);
}

/* A cache that is smaller than what is sent together drops nothing that is under way. */
TEST(a_small_cache_is_no_danger)
{
    static const char *const sql[] = {NEXT, "SELECT 1", "SELECT 2", "SELECT 3"};
    set_up();
    session_close(&first);
    session_open(&first, 2);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++)
            prepare(sql[i]);
        for (size_t i = 0; i < 12; i++)
            add(sql[i % 4], 1);
        scene_run();
        for (size_t i = 0; i < 12; i++)
            CU_ASSERT_EQUAL(got(i), i % 4 < 2 ? -1 : (int64_t)(i % 4));
        scene_new();
    }
}

/* Values ----------------------------------------------------------------------------------------------------------- */

/* Large values there and back, more than any socket holds: neither side waits for the other for ever. */
TEST(large_values_do_not_stand_in_the_way)
{
    static const char *const sql = "SELECT CONCAT(?, REPEAT('x', 300000)), ?";
    const size_t size = (size_t)1 << 20;
    char *bytes = calloc(1, size);
    REQUIRE(bytes != NULL);
    const adb_value values[] = {adb_blob(bytes, size), adb_int(7)};
    set_up();
    prepare_with(sql, values, 2);
    for (int i = 0; i < 20; i++) {
        add_with(sql, (adb_value[]){i % 2 == 0 ? values[0] : adb_text("'\"\\"), adb_int(i)}, 2);
        add(NEXT, i + 1);
    }
    scene_run();
    for (size_t i = 0; i < 20; i++) {
        const adb_row row = adb_result_row(&scene.members[2 * i].result, 0);
        REQUIRE(scene.calls[2 * i].status == ADB_OK);
        CU_ASSERT_EQUAL(adb_row_value(row, 0).size, 300000 + (i % 2 == 0 ? size : 3));
        CU_ASSERT_EQUAL(adb_row_int(row, 1), (int64_t)i);
        CU_ASSERT_EQUAL(got(2 * i + 1), (int64_t)i + 2);
    }
    free(bytes);
}

static bool same_value(const adb_value *a, const adb_value *b)
{
    char texts[2][400];
    adb_value_format(a, texts[0], sizeof(texts[0]));
    adb_value_format(b, texts[1], sizeof(texts[1]));
    return a->type == b->type && strcmp(texts[0], texts[1]) == 0;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void check_same(const struct adb_result *a, const struct adb_result *b)
{
    REQUIRE(adb_result_rows(a) == adb_result_rows(b) && adb_result_columns(a) == adb_result_columns(b));
    for (size_t i = 0; i < adb_result_columns(a); i++) {
        CU_ASSERT(same_text(a->columns[i].name, b->columns[i].name));
        CU_ASSERT(same_text(a->columns[i].table, b->columns[i].table));
        CU_ASSERT(same_text(a->columns[i].decltype, b->columns[i].decltype));
        CU_ASSERT_EQUAL(a->columns[i].type, b->columns[i].type);
        for (size_t row = 0; row < adb_result_rows(a); row++) {
            const adb_value values[] = {adb_row_value(adb_result_row(a, row), i),
                                        adb_row_value(adb_result_row(b, row), i)};
            CU_ASSERT(same_value(&values[0], &values[1]));
        }
    }
}

static void fill_every(void)
{
    must(&first, "SET sql_mode = ''");
    must(&first, "CREATE OR REPLACE TABLE every (id INT PRIMARY KEY, a BOOLEAN, b TINYINT UNSIGNED, c BIGINT UNSIGNED, "
                 "d DECIMAL(30, 20), e FLOAT, f DOUBLE, g DATE, h TIME(6), i DATETIME(6), j TIMESTAMP(3) NULL, k YEAR, "
                 "l JSON, m BIT(10), n ENUM('x', 'y'), o SET('x', 'y'), p BINARY(4), q VARCHAR(200), r LONGTEXT, "
                 "s INT(5) ZEROFILL, t TIME, u DATE, v MEDIUMINT, w BLOB, x UUID, y INET6, z POINT)");
    must(&first,
         "INSERT INTO every SELECT seq, RAND() < 0.5, RAND() * 255, RAND() * 18446744073709551615, "
         "(RAND() - 0.5) * 1e9, (RAND() - 0.5) * POW(10, RAND() * 60 - 30), RAND() * POW(10, RAND() * 600 - 300), "
         "'1000-01-01' + INTERVAL RAND() * 3000000 DAY, SEC_TO_TIME((RAND() - 0.5) * 6000000), "
         "'1000-01-01' + INTERVAL RAND() * 200000000000 SECOND, FROM_UNIXTIME(RAND() * 2147483647), "
         "1901 + RAND() * 254, JSON_OBJECT('a', RAND()), RAND() * 1023, 1 + RAND(), RAND() * 3, "
         "UNHEX(HEX(RAND() * 65535)), CONCAT(seq, '''\"\\\\\\0;-- ', CHAR(RAND() * 127)), "
         "REPEAT('é', RAND() * 9000), RAND() * 99999, '-838:59:59', '0000-00-00', (RAND() - 0.5) * 16777215, "
         "UNHEX(MD5(RAND())), UUID(), '::1', POINT(RAND(), RAND()) FROM seq_1_to_300");
    must(&first, "UPDATE every SET b = NULL, d = NULL, h = NULL, q = NULL, w = NULL WHERE id % 7 = 0");
}

/* Each type, and random values: columns and values are those of single statements. */
TEST(answers_are_those_of_single_statements)
{
    static const char *const sql = "SELECT * FROM every WHERE id BETWEEN ? AND ? + 2";
    set_up();
    fill_every();
    prepare_with(sql, (adb_value[]){adb_int(1), adb_int(1)}, 2);
    for (int i = 0; i < 99; i++)
        add_with(sql, (adb_value[]){adb_int(3 * i), adb_int(3 * i)}, 2);
    scene_run();
    for (size_t i = 0; i < scene.base.n_calls; i++) {
        REQUIRE(scene.calls[i].status == ADB_OK);
        REQUIRE(run_statement(&first, &scene.members[i].statement) == ADB_OK);
        check_same(&scene.members[i].result, &first.result);
    }
}

/* Text is data, whatever is in it, and whatever the server takes for a literal. */
TEST(hostile_text_is_text)
{
    static const char *const texts[] = {"'", "\"", "\\'; DROP TABLE item; -- ", "?", "\xe2\x82", "*/ ; \n#", ""};
    static const char *const sql = "SELECT HEX(?), LENGTH(?)";
    set_up();
    must(&first, "SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'");
    prepare_with(sql, (adb_value[]){adb_text("'"), adb_text("'")}, 2);
    for (size_t i = 0; i < 7; i++) {
        const adb_value value = adb_blob(texts[i], strlen(texts[i]) + 1); /* with its NUL */
        add_with(sql, (adb_value[]){value, value}, 2);
    }
    scene_run();
    for (size_t i = 0; i < 7; i++) {
        REQUIRE(run_statement(&first, &scene.members[i].statement) == ADB_OK);
        check_same(&scene.members[i].result, &first.result);
        CU_ASSERT_EQUAL(adb_row_int(adb_result_row(&first.result, 0), 1), (int64_t)strlen(texts[i]) + 1);
    }
}

static const struct harness_case cases[] = {
    CASE(answers_come_in_order),
    CASE(all_are_sent_before_the_first_is_answered),
    CASE(a_slow_answer_is_glanced_at),
    CASE(a_failure_is_of_one_call_only),
    CASE(dropped_calls_leave_no_trace),
    CASE(what_needs_more_than_its_answer_runs_alone),
    CASE(not_every_session_has_pipelines),
    CASE(a_small_cache_is_no_danger),
    CASE(large_values_do_not_stand_in_the_way),
    CASE(answers_are_those_of_single_statements),
    CASE(hostile_text_is_text),
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
        failed = harness_main("mysql_pipeline", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
