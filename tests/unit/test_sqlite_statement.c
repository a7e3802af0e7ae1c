/* SPDX-License-Identifier: BSD-3-Clause */
/* The SQLite driver's statements: rows and batches, counts and ids, the statement cache, parameter sets. */
#include "tests/unit/sqlite_fixture.h"

#include "tests/lib/fault.h"

/* SELECT * from the cache sees a column that was added since. */
TEST(a_cached_statement_follows_the_schema)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a)");
    must(&s, "INSERT INTO t VALUES (1)");
    must(&s, "SELECT * FROM t");
    CU_ASSERT_EQUAL(adb_result_columns(&s.result), 1);
    must(&s, "ALTER TABLE t ADD COLUMN b DEFAULT 2");
    must(&s, "SELECT * FROM t");
    REQUIRE(adb_result_columns(&s.result) == 2);
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(&s.result, 0), 1), 2);
    session_close(&s);
}

#define HUNDRED "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n"

/* The sink's limit ends the statement early and well. QRY-02 QRY-24 */
TEST(enough_rows_end_a_statement)
{
    struct session s = {0};
    memory_open(&s);
    s.sink.max_rows = 3;
    must(&s, HUNDRED);
    CU_ASSERT_EQUAL(adb_result_rows(&s.result), 3);
    s.sink.max_rows = 0;
    must(&s, HUNDRED);
    CU_ASSERT_EQUAL(adb_result_rows(&s.result), 100);
    session_close(&s);
}

static size_t flushed_rows;

static adb_status count_batch(struct adb__sink *sink, adb_error *error)
{
    (void)error;
    flushed_rows += sink->result->n_rows;
    struct adb_result *copy = adb__result_new();
    if (copy == NULL || adb__result_share_columns(copy, sink->result) != ADB_OK)
        return ADB_E_NOMEM;
    adb__result_discard(sink->result);
    const adb_status status = adb__result_set_columns(sink->result, copy->columns, copy->n_columns);
    adb_result_unref(copy);
    return status;
}

/* Batches are handed over while the statement runs. ITER-01 */
TEST(rows_are_handed_over_in_batches)
{
    struct session s = {.sink = {.batch_rows = 30, .flush_fn = count_batch}};
    memory_open(&s);
    flushed_rows = 0;
    must(&s, HUNDRED);
    CU_ASSERT_EQUAL(flushed_rows, 90);
    CU_ASSERT_EQUAL(adb_result_rows(&s.result), 10);
    session_close(&s);
}

static adb_status fail_batch(struct adb__sink *sink, adb_error *error)
{
    (void)sink;
    return adb__error_set(error, ADB_E_CANCELLED, "not wanted any more");
}

/* A write whose rows could not be handed over has failed, and so it has not happened. */
TEST(a_write_with_rows_that_found_no_room_is_undone)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    s.sink.flush_fn = fail_batch;
    s.sink.batch_rows = 1;
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1) RETURNING x"), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1), (2), (3) RETURNING x"), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(run(&s, HUNDRED), ADB_E_CANCELLED);
    s.sink.flush_fn = NULL;
    s.sink.batch_rows = 0;
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
    session_close(&s);
}

/* Counts and ids --------------------------------------------------------------------------------------------------- */

static bool gave(struct session *s, const char *sql, int64_t affected, int64_t id)
{
    int64_t got = 0;
    must(s, sql);
    const bool has_id = adb_result_last_insert_id(&s->result, &got);
    const bool same = adb_result_affected(&s->result) == affected && has_id == (id != 0) && (!has_id || got == id);
    if (!same)
        printf("# %s: %lld rows, id %lld\n", sql, (long long)adb_result_affected(&s->result), (long long)got);
    return same;
}

#define NO_ID 0

/* Both fields, separate; the id only when this very statement inserted. QRY-09 QRY-10 QRY-14 REG-38 */
TEST(an_id_is_given_only_by_a_statement_that_inserted)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE)");
    CU_ASSERT(gave(&s, "INSERT INTO t (x) VALUES ('a')", 1, 1));
    CU_ASSERT(gave(&s, "INSERT INTO t (x) VALUES ('b'), ('c')", 2, 3));
    CU_ASSERT(gave(&s, "UPDATE t SET x = x || '!'", 3, NO_ID));
    CU_ASSERT(gave(&s, "DELETE FROM t WHERE id = 3", 1, NO_ID));
    CU_ASSERT(gave(&s, "DELETE FROM t WHERE id = 3", 0, NO_ID));
    CU_ASSERT(gave(&s, "INSERT INTO t VALUES (1, 'a!') ON CONFLICT DO NOTHING", 0, NO_ID));
    CU_ASSERT(gave(&s, "INSERT OR IGNORE INTO t VALUES (1, 'a!')", 0, NO_ID));
    CU_ASSERT(gave(&s, "INSERT INTO t VALUES (2, 'z') ON CONFLICT (id) DO UPDATE SET x = 'z'", 1, NO_ID));
    CU_ASSERT(gave(&s, "REPLACE INTO t VALUES (3, 'c')", 1, 3));
    CU_ASSERT(gave(&s, "INSERT INTO t SELECT 9, 'q' WHERE 0", 0, NO_ID));
    CU_ASSERT(gave(&s, "/* so */ WITH a AS (SELECT 9 AS n) INSERT INTO t SELECT n, 'q' FROM a", 1, 9));
    CU_ASSERT(gave(&s, "WITH a AS (SELECT 9 AS n) UPDATE t SET x = 'r' WHERE id IN a", 1, NO_ID));
    CU_ASSERT(gave(&s, "INSERT INTO t VALUES (-5, 'neg') RETURNING id", 1, -5));
    session_close(&s);
}

/* The same id as the insert before, in another table or after a delete, is an id all the same. QRY-10 */
TEST(an_id_that_repeats_is_noticed)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE a (id INTEGER PRIMARY KEY)");
    must(&s, "CREATE TABLE b (id INTEGER PRIMARY KEY, a)");
    CU_ASSERT(gave(&s, "INSERT INTO a DEFAULT VALUES", 1, 1));
    CU_ASSERT(gave(&s, "INSERT INTO b (a) VALUES (last_insert_rowid())", 1, 1));
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT a FROM b"), 1);
    CU_ASSERT(gave(&s, "REPLACE INTO b VALUES (1, 2)", 1, 1));
    session_close(&s);
}

/* What triggers insert, and tables that have no ids, give none. QRY-10 */
TEST(ids_of_others_are_not_given)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE log (id INTEGER PRIMARY KEY, what)");
    must(&s, "CREATE TABLE t (k TEXT PRIMARY KEY, v) WITHOUT ROWID");
    must(&s, "CREATE TRIGGER i AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (new.k); END");
    must(&s, "CREATE TRIGGER u AFTER UPDATE ON t BEGIN INSERT INTO log (what) VALUES (new.k); END");
    must(&s, "CREATE VIEW v AS SELECT * FROM t");
    must(&s, "CREATE TRIGGER w INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.k, new.v); END");
    CU_ASSERT(gave(&s, "INSERT INTO t VALUES ('a', 1)", 1, NO_ID));
    CU_ASSERT(gave(&s, "UPDATE t SET v = 2", 1, NO_ID));
    CU_ASSERT(gave(&s, "INSERT INTO v VALUES ('b', 1)", 0, NO_ID));
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM log"), 3);
    session_close(&s);
}

/* Unknown, not 0 and not what an earlier statement did. QRY-11 QRY-14 QRY-29 */
TEST(statements_that_change_no_rows_have_no_count)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    CU_ASSERT(gave(&s, "INSERT INTO t VALUES (1), (2)", 2, 2));
    CU_ASSERT(gave(&s, "CREATE TABLE u AS SELECT * FROM t", -1, NO_ID));
    CU_ASSERT(gave(&s, "SELECT * FROM t", -1, NO_ID));
    CU_ASSERT(gave(&s, "WITH a AS (SELECT 1) SELECT * FROM a", -1, NO_ID));
    CU_ASSERT(gave(&s, "EXPLAIN DELETE FROM t", -1, NO_ID));
    CU_ASSERT(gave(&s, "PRAGMA user_version = 4", -1, NO_ID));
    CU_ASSERT(gave(&s, "BEGIN", -1, NO_ID));
    CU_ASSERT(gave(&s, "COMMIT", -1, NO_ID));
    CU_ASSERT(gave(&s, "DROP TABLE u", -1, NO_ID));
    session_close(&s);
}

/* Statement cache and text ----------------------------------------------------------------------------------------- */

static size_t n_cached(const struct session *s)
{
    return ((const struct adb__sqlite *)s->conn)->cache.count;
}

/* The least recently used goes; what is used again stays. QRY-33 */
TEST(the_cache_keeps_what_was_used_last)
{
    struct session s = {.options = {.statement_cache = 2}};
    memory_open(&s);
    must(&s, "SELECT 1");
    must(&s, "SELECT 2");
    sqlite3_stmt *first = sqlite3_next_stmt(DRIVER->native(s.conn), NULL);
    REQUIRE(first != NULL);
    must(&s, "SELECT 1");
    must(&s, "SELECT 3");
    CU_ASSERT_EQUAL(n_cached(&s), 2);
    size_t seen = 0;
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(DRIVER->native(s.conn), stmt)) != NULL; seen++)
        CU_ASSERT_STRING_NOT_EQUAL(sqlite3_sql(stmt), "SELECT 2");
    CU_ASSERT_EQUAL(seen, 2);
    session_close(&s);
}

/* Hundreds of texts through a small cache, each still right. */
TEST(many_texts_go_through_the_cache)
{
    struct session s = {.options = {.statement_cache = 10}};
    memory_open(&s);
    for (int i = 0; i < 500; i++) {
        char sql[40];
        snprintf(sql, sizeof(sql), "SELECT %d", i % 17 == 0 ? 0 : i);
        CU_ASSERT_EQUAL(answer_int(&s, sql), i % 17 == 0 ? 0 : i);
    }
    CU_ASSERT_EQUAL(n_cached(&s), 10);
    session_close(&s);
}

/* OPT-18: by default 128; negative: none at all. */
TEST(the_cache_can_be_switched_off_and_bypassed)
{
    struct session s = {.options = {.statement_cache = -1}};
    memory_open(&s);
    must(&s, "SELECT 1");
    CU_ASSERT_EQUAL(n_cached(&s), 0);
    CU_ASSERT_PTR_NULL(sqlite3_next_stmt(DRIVER->native(s.conn), NULL));
    session_close(&s);
    s.options.statement_cache = 0;
    memory_open(&s);
    CU_ASSERT_EQUAL(bind_flags(&s, ADB__STMT_NO_CACHE, "SELECT 1", NULL, 0), ADB_OK);
    CU_ASSERT_EQUAL(n_cached(&s), 0);
    must(&s, "SELECT 1");
    CU_ASSERT_EQUAL(n_cached(&s), 1);
    CU_ASSERT_EQUAL(((const struct adb__sqlite *)s.conn)->cache.max_count, 128);
    session_close(&s);
}

/* A failed statement stays usable, and keeps nothing of the caller's memory. QRY-32 QRY-36 */
TEST(a_cached_statement_works_again_after_a_failure)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x UNIQUE)");
    CU_ASSERT_EQUAL(BIND(&s, "INSERT INTO t VALUES (?1)", adb_text("a")), ADB_OK);
    CU_ASSERT_EQUAL(BIND(&s, "INSERT INTO t VALUES (?1)", adb_text("a")), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(BIND(&s, "INSERT INTO t VALUES (?1)", adb_text("b")), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 2);
    session_close(&s);
}

/* One statement a text, whatever blanks and comments surround it; a NUL is not its end. QRY-28 */
TEST(a_second_statement_is_refused)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(answer_int(&s, " ;/**/ SELECT 1 ; ; -- over /* \n /* done */ "), 1);
    CU_ASSERT_EQUAL(run(&s, "SELECT 1; SELECT 2"), ADB_E_MULTI);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.error.message, "byte 10"));
    CU_ASSERT_EQUAL(run(&s, " -- nothing"), ADB_E_SYNTAX);
    const struct adb__statement hidden = {.sql = "SELECT 1\0; DROP", .sql_size = 15};
    CU_ASSERT_EQUAL(DRIVER->execute(s.conn, &hidden, &s.sink, &s.error), ADB_E_MULTI);
    session_close(&s);
}

/* Parameter sets --------------------------------------------------------------------------------------------------- */

struct many {
    struct session *session;
    const char *sql;
    size_t failed;
};

static adb_status run_many(struct many *many, size_t n_values, const adb_value *const *sets, size_t n_sets)
{
    struct session *s = many->session;
    const struct adb__statement statement = {.sql = many->sql, .sql_size = strlen(many->sql), .n_values = n_values};
    adb__result_discard(&s->result);
    s->sink = (struct adb__sink){.result = &s->result};
    s->looks = 0;
    many->failed = 99;
    return DRIVER->execute_many(s->conn, &statement, sets, n_sets, &s->sink, &many->failed, &s->error);
}

#define N_SETS 100

static const adb_value *const *hundred_sets(void)
{
    static adb_value values[N_SETS][1];
    static const adb_value *sets[N_SETS];
    for (int i = 0; i < N_SETS; i++) {
        values[i][0] = adb_int(i);
        sets[i] = values[i];
    }
    return sets;
}

/* In order, the rows counted together, what they return dropped. QRY-18 QRY-22 */
TEST(execute_many_runs_every_set)
{
    struct session s = {0};
    struct many many = {.session = &s, .sql = "INSERT INTO t VALUES (?1) RETURNING x"};
    int64_t id = 0;
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    CU_ASSERT_EQUAL(run_many(&many, 1, hundred_sets(), N_SETS), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(&s.result), N_SETS);
    CU_ASSERT_EQUAL(adb_result_rows(&s.result), 0);
    CU_ASSERT_TRUE(adb_result_last_insert_id(&s.result, &id));
    CU_ASSERT_EQUAL(id, N_SETS);
    CU_ASSERT_EQUAL(many.failed, 99);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t WHERE x = rowid - 1"), N_SETS);
    session_close(&s);
}

/* The first failure ends it and is told by its place; the rest is the core's, which began a transaction. CFL-10 QRY-19
 */
TEST(execute_many_stops_at_the_first_failure)
{
    struct session s = {0};
    struct many many = {.session = &s, .sql = "INSERT INTO t VALUES (?1)"};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x CHECK (x <> 42))");
    must(&s, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run_many(&many, 1, hundred_sets(), N_SETS), ADB_E_CHECK);
    CU_ASSERT_EQUAL(many.failed, 42);
    must(&s, "ROLLBACK");
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
    many.sql = "INSERT INTO nowhere VALUES (?1)";
    CU_ASSERT_EQUAL(run_many(&many, 1, hundred_sets(), N_SETS), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(many.failed, 0);
    session_close(&s);
}

/* It asks between the sets. */
TEST(execute_many_ends_when_told_to_stop)
{
    struct session s = {0};
    struct many many = {.session = &s, .sql = "INSERT INTO t VALUES (?1)"};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    s.stop_after = 3;
    CU_ASSERT_EQUAL(run_many(&many, 1, hundred_sets(), N_SETS), ADB_E_CANCELLED);
    CU_ASSERT(many.failed > 0 && many.failed < N_SETS);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), (int64_t)many.failed);
    session_close(&s);
}

/* QRY-21 QRY-23 */
TEST(execute_many_of_nothing_does_nothing)
{
    struct session s = {0};
    struct many many = {.session = &s, .sql = "INSERT INTO t VALUES (?1)"};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    CU_ASSERT_EQUAL(run_many(&many, 1, hundred_sets(), 0), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
    session_close(&s);
}

/* Memory runs out at each point of a statement: with or without a cache entry, the connection works on. */
TEST(running_out_of_memory_leaves_the_connection_usable)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a, b)");
    FAULT_EACH(n)
    {
        char sql[80];
        snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (%zu, zeroblob(9000)) RETURNING a, b", n);
        fault_arm(n);
        const adb_status status = run(&s, sql);
        FAULT_DONE();
        const bool inserted = answer_int(&s, "SELECT count(*) FROM t") == 1;
        CU_ASSERT((status == ADB_OK && inserted) || (status == ADB_E_NOMEM && !inserted));
        must(&s, "DELETE FROM t");
    }
    session_close(&s);
}

SUITE(sqlite_statement, CASE(a_cached_statement_follows_the_schema), CASE(enough_rows_end_a_statement),
      CASE(rows_are_handed_over_in_batches), CASE(a_write_with_rows_that_found_no_room_is_undone),
      CASE(an_id_is_given_only_by_a_statement_that_inserted), CASE(an_id_that_repeats_is_noticed),
      CASE(ids_of_others_are_not_given), CASE(statements_that_change_no_rows_have_no_count),
      CASE(the_cache_keeps_what_was_used_last), CASE(many_texts_go_through_the_cache),
      CASE(the_cache_can_be_switched_off_and_bypassed), CASE(a_cached_statement_works_again_after_a_failure),
      CASE(a_second_statement_is_refused), CASE(execute_many_runs_every_set),
      CASE(execute_many_stops_at_the_first_failure), CASE(execute_many_ends_when_told_to_stop),
      CASE(execute_many_of_nothing_does_nothing), CASE(running_out_of_memory_leaves_the_connection_usable))
