/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines of the MySQL driver on a real server, straight from its struct and without any core: answers are those of
 * single statements, in order; what fails, is dropped, changed, killed or too large leaves its neighbours alone. */
#include "drivers/mysql/mysql_driver.h"
#include "model/error.h"
#include "model/result.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&adb__mysql_driver)

#define MOST_CALLS  200
#define MOST_VALUES 4

/* What a lock that a test holds keeps waiting. */
#define BLOCKED "SELECT GET_LOCK('gate', 60)"

/* The number after the given one, and a text. */
#define NEXT "SELECT next, CONCAT('item ', next) FROM item WHERE id = ?"

static struct own own;

/* A connection, with all that its open borrows. */
struct session {
    adb_url *url;
    adb_options options;
    struct adb__log log;
    struct adb__open open;
    struct adb__mysql conn;
    struct adb_result result; /* of the last single statement */
    adb_error error;
};

/* A call, and what the driver has said of it. */
struct scene_call {
    struct adb__statement statement;
    adb_value values[MOST_VALUES];
    struct adb__sink sink;
    struct adb_result result;
    adb_error error;
    bool dropped;
    bool begun;
    bool over;
};

/* A pipeline as the core would have it. */
struct scene {
    struct adb__pipeline base;
    struct adb__call calls[MOST_CALLS];
    struct scene_call members[MOST_CALLS];
    size_t turn;
    bool in_order;
    bool stops;                           /* what stop_fn says */
    void (*at_wait)(struct scene *scene); /* once, when the driver waits for the answer of at_call */
    size_t at_call;
    size_t n_waits;
};

static struct session first;
static struct session second;
static struct scene scene;

/* Sessions --------------------------------------------------------------------------------------------------------- */

static bool stop(void *data)
{
    (void)data;
    return scene.stops;
}

static void session_open(struct session *session, int statement_cache)
{
    struct adb__layout layout;
    memset(session, 0, sizeof(*session));
    adb__result_init(&session->result, NULL, 0, NULL);
    REQUIRE(adb_url_parse(own.url, &session->url, NULL) == ADB_OK);
    session->options = (adb_options){.size = sizeof(adb_options), .statement_cache = statement_cache};
    session->open = (struct adb__open){.url = session->url, .options = &session->options, .log = &session->log};
    session->open.deadline = INT64_MAX;
    session->open.wake_fd = -1;
    session->open.stop_fn = stop;
    REQUIRE(DRIVER->configure(session->url, &session->options, &layout, NULL) == ADB_OK);
    REQUIRE(DRIVER->open(&session->conn, &session->open, &session->error) == ADB_OK);
}

static void session_close(struct session *session)
{
    if (session->url == NULL)
        return;
    DRIVER->close(&session->conn);
    adb__result_fini(&session->result);
    adb_url_free(session->url);
    session->url = NULL;
}

static adb_status run_statement(struct session *session, const struct adb__statement *statement)
{
    struct adb__sink sink = {.result = &session->result};
    adb__result_fini(&session->result);
    adb__result_init(&session->result, NULL, 0, NULL);
    return DRIVER->execute(&session->conn, statement, &sink, &session->error);
}

static void must(struct session *session, const char *sql)
{
    const struct adb__statement statement = {.sql = sql, .sql_size = strlen(sql)};
    const adb_status status = run_statement(session, &statement);
    if (status != ADB_OK)
        printf("# %s: %s\n", sql, session->error.message);
    REQUIRE(status == ADB_OK);
}

static int64_t number(struct session *session, const char *sql)
{
    must(session, sql);
    return adb_row_int(adb_result_row(&session->result, 0), 0);
}

/* The scene -------------------------------------------------------------------------------------------------------- */

static bool scene_begin(struct adb__pipeline *base, struct adb__call *call)
{
    const size_t i = (size_t)(call - scene.calls);
    (void)base;
    scene.in_order = scene.in_order && i == scene.turn;
    scene.turn = i + 1;
    if (scene.members[i].dropped)
        return false;
    scene.members[i].begun = true;
    return true;
}

static void scene_end(struct adb__pipeline *base, struct adb__call *call)
{
    struct scene_call *member = &scene.members[call - scene.calls];
    (void)base;
    scene.in_order = scene.in_order && member->begun && !member->over;
    member->over = true;
}

static void scene_wait(struct adb__pipeline *base)
{
    void (*act)(struct scene *) = scene.at_wait;
    (void)base;
    scene.n_waits++;
    if (act == NULL || scene.turn != scene.at_call + 1)
        return;
    scene.at_wait = NULL;
    act(&scene);
}

static void scene_new(void)
{
    for (size_t i = 0; i < scene.base.n_calls; i++)
        adb__result_fini(&scene.members[i].result);
    memset(&scene, 0, sizeof(scene));
    scene.base = (struct adb__pipeline){
        .calls = scene.calls, .begin_fn = scene_begin, .end_fn = scene_end, .wait_fn = scene_wait};
    scene.in_order = true;
}

static size_t add_with(const char *sql, const adb_value *values, size_t n_values)
{
    const size_t i = scene.base.n_calls++;
    struct scene_call *member = &scene.members[i];
    for (size_t j = 0; j < n_values; j++)
        member->values[j] = values[j];
    adb__result_init(&member->result, NULL, 0, NULL);
    member->sink = (struct adb__sink){.result = &member->result};
    member->statement = (struct adb__statement){.sql = sql, .sql_size = strlen(sql), .flags = ADB__STMT_PURE};
    member->statement.values = member->values;
    member->statement.n_values = n_values;
    scene.calls[i] = (struct adb__call){
        .statement = &member->statement, .sink = &member->sink, .error = &member->error, .status = ADB_E_INTERNAL};
    return i;
}

static size_t add(const char *sql, int64_t value)
{
    const adb_value number = adb_int(value);
    return add_with(sql, &number, strchr(sql, '?') != NULL);
}

static void drop(size_t i)
{
    scene.members[i].dropped = true;
    scene.calls[i].sink = NULL;
    scene.calls[i].error = NULL;
}

static void scene_run(void)
{
    DRIVER->pipeline(&first.conn, &scene.base);
    CU_ASSERT(scene.in_order);
}

/* A pipeline has only what has run before. */
static void prepare_with(const char *sql, const adb_value *values, size_t n_values)
{
    const struct adb__statement statement = {
        .sql = sql, .sql_size = strlen(sql), .values = values, .n_values = n_values};
    run_statement(&first, &statement);
}

static void prepare(const char *sql)
{
    const adb_value one = adb_int(1);
    prepare_with(sql, &one, strchr(sql, '?') != NULL);
}

/* The number that call i has yielded, -1 when it has none. */
static int64_t got(size_t i)
{
    const struct adb_result *result = &scene.members[i].result;
    if (!scene.members[i].over || scene.calls[i].status != ADB_OK || adb_result_rows(result) != 1)
        return -1;
    return adb_row_int(adb_result_row(result, 0), 0);
}

/* One session with a table of the numbers to 1000, another that holds the gate shut, and nothing in the scene. */
static void set_up(void)
{
    session_open(&first, 0);
    session_open(&second, 0);
    must(&first, "CREATE TABLE IF NOT EXISTS item (id INT PRIMARY KEY, next INT)");
    must(&first, "REPLACE INTO item SELECT seq, seq + 1 FROM seq_1_to_1000");
    prepare(NEXT);
    must(&first, BLOCKED);
    must(&first, "SELECT RELEASE_LOCK('gate')");
    must(&second, BLOCKED);
    scene_new();
}

static void tear_down(void)
{
    scene_new();
    session_close(&first);
    session_close(&second);
}

static void open_gate(struct scene *now)
{
    (void)now;
    must(&second, "SELECT RELEASE_LOCK('gate')");
}

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
    CASE(answers_come_in_order),
    CASE(all_are_sent_before_the_first_is_answered),
    CASE(a_failure_is_of_one_call_only),
    CASE(dropped_calls_leave_no_trace),
    CASE(what_needs_more_than_its_answer_runs_alone),
    CASE(not_every_session_has_pipelines),
    CASE(a_small_cache_is_no_danger),
    CASE(large_values_do_not_stand_in_the_way),
    CASE(answers_are_those_of_single_statements),
    CASE(hostile_text_is_text),
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
        failed = harness_main("mysql_pipeline", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    own_drop(&own);
    return failed;
}
