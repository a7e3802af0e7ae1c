/* SPDX-License-Identifier: BSD-3-Clause */
/* Every class of failure that SQLite has, made for real: its status, SQLSTATE, native number and advice. */
#include "tests/unit/sqlite_fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* A statement, and how it fails. */
struct failure {
    const char *sql;
    adb_status status;
    const char *sqlstate;
    const char *words;
};

static void check_failures(struct session *s, const struct failure *failures, size_t n_failures)
{
    for (size_t i = 0; i < n_failures; i++) {
        const adb_status status = run(s, failures[i].sql);
        if (status != failures[i].status)
            printf("# %s\n", failures[i].sql);
        CU_ASSERT_EQUAL(status, failures[i].status);
        CU_ASSERT(failed_as(s, failures[i].status, failures[i].sqlstate, failures[i].words));
        CU_ASSERT_NOT_EQUAL(s->error.native_code, 0);
        CU_ASSERT_EQUAL(s->error.flags, 0);
    }
}

#define CHECK_FAILURES(session, failures) check_failures(session, failures, sizeof(failures) / sizeof(failures[0]))

/* What cannot be parsed. ERR-02 QRY-29 */
TEST(syntax_errors_are_told)
{
    static const struct failure failures[] = {
        {"SELEC 1", ADB_E_SYNTAX, "42601", "near \"SELEC\": syntax error"},
        {"SELECT (1", ADB_E_SYNTAX, "42601", "incomplete input"},
        {"SELECT 'open", ADB_E_SYNTAX, "42601", "unrecognized token"},
        {"SELECT #", ADB_E_SYNTAX, "42601", "unrecognized token"},
        {"INSERT INTO t VALUES (1, 2, 3, 4, 5, 6)", ADB_E_SYNTAX, "42601", "values were supplied"},
    };
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a, b)");
    CHECK_FAILURES(&s, failures);
    session_close(&s);
}

/* What is not there. ERR-02 */
TEST(undefined_objects_are_told)
{
    static const struct failure failures[] = {
        {"SELECT * FROM nowhere", ADB_E_UNDEFINED, "42P01", "no such table: nowhere"},
        {"SELECT zilch FROM t", ADB_E_UNDEFINED, "42703", "no such column: zilch"},
        {"INSERT INTO t (zz) VALUES (1)", ADB_E_UNDEFINED, "42703", "has no column named zz"},
        {"SELECT nofun(1)", ADB_E_UNDEFINED, "42883", "no such function: nofun"},
        {"SELECT abs(1, 2)", ADB_E_UNDEFINED, "42883", "wrong number of arguments"},
        {"DROP INDEX noidx", ADB_E_UNDEFINED, "42704", "no such index"},
        {"DROP TRIGGER notrig", ADB_E_UNDEFINED, "42704", "no such trigger"},
        {"DROP VIEW noview", ADB_E_UNDEFINED, "42P01", "no such view"},
        {"SELECT a FROM t ORDER BY a COLLATE klingon", ADB_E_UNDEFINED, "42704", "no such collation sequence"},
        {"ROLLBACK TO nosave", ADB_E_UNDEFINED, "3B001", "no such savepoint"},
        {"DETACH nodb", ADB_E_UNDEFINED, "3D000", "no such database"},
    };
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a, b)");
    CHECK_FAILURES(&s, failures);
    session_close(&s);
}

/* What is there already, and what else SQLite puts into words only. ERR-02 */
TEST(other_refusals_are_classed_by_their_words)
{
    static const struct failure failures[] = {
        {"CREATE TABLE t (x)", ADB_E_EXISTS, "42P07", "already exists"},
        {"CREATE INDEX i ON t (a)", ADB_E_EXISTS, "42P07", "already exists"},
        {"CREATE INDEX t ON t (a)", ADB_E_EXISTS, "42P07", "there is already a table"},
        {"ALTER TABLE t ADD COLUMN a", ADB_E_EXISTS, "42701", "duplicate column name"},
        {"ATTACH ':memory:' AS main", ADB_E_EXISTS, "42P04", "already in use"},
        {"COMMIT", ADB_E_NO_TRANSACTION, "25P01", "no transaction is active"},
        {"ROLLBACK", ADB_E_NO_TRANSACTION, "25P01", "no transaction is active"},
        {"SELECT a FROM t, t AS u", ADB_E_SQL, "42702", "ambiguous column name"},
        {"INSERT INTO c VALUES (1)", ADB_E_SQL, "42830", "foreign key mismatch"},
        {"SELECT json('{')", ADB_E_DATA, "22032", "malformed JSON"},
        {"SELECT abs(-9223372036854775808)", ADB_E_DATA, "22003", "integer overflow"},
        {"SELECT count(*) FROM t GROUP BY sum(a)", ADB_E_SQL, "", "aggregate"},
    };
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (a, b)");
    must(&s, "CREATE INDEX i ON t (a)");
    must(&s, "CREATE TABLE c (a REFERENCES t (b))");
    CHECK_FAILURES(&s, failures);
    must(&s, "BEGIN");
    CU_ASSERT_EQUAL(run(&s, "BEGIN"), ADB_E_SQL);
    CU_ASSERT(failed_as(&s, ADB_E_SQL, "25001", "within a transaction"));
    session_close(&s);
}

/* Each constraint has its own status. ERR-02 */
TEST(constraints_are_told_apart)
{
    static const struct failure failures[] = {
        {"INSERT INTO t VALUES (1, 'n', 'b', 1)", ADB_E_UNIQUE, "23505", "UNIQUE constraint failed: t.id"},
        {"INSERT INTO t VALUES (2, 'n', 'a', 1)", ADB_E_UNIQUE, "23505", "t.u"},
        {"INSERT INTO w VALUES ('k')", ADB_E_UNIQUE, "23505", "w.k"},
        {"INSERT INTO t VALUES (2, NULL, 'b', 1)", ADB_E_NOT_NULL, "23502", "t.n"},
        {"INSERT INTO t VALUES (2, 'n', 'b', -1)", ADB_E_CHECK, "23514", "CHECK"},
        {"INSERT INTO c VALUES (9)", ADB_E_FOREIGN_KEY, "23503", "FOREIGN KEY"},
        {"DELETE FROM t WHERE id = 1", ADB_E_FOREIGN_KEY, "23503", "FOREIGN KEY"},
        {"UPDATE w SET k = 'never'", ADB_E_CONSTRAINT, "23000", "not this one"},
        {"INSERT INTO t VALUES ('x', 'n', 'b', 1)", ADB_E_DATA, "42804", "datatype mismatch"},
    };
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (id INTEGER PRIMARY KEY, n NOT NULL, u UNIQUE, p CHECK (p > 0))");
    must(&s, "CREATE TABLE c (id REFERENCES t)");
    must(&s, "CREATE TABLE w (k PRIMARY KEY) WITHOUT ROWID");
    must(&s, "CREATE TRIGGER g BEFORE UPDATE ON w BEGIN SELECT RAISE(ABORT, 'not this one'); END");
    must(&s, "INSERT INTO t VALUES (1, 'n', 'a', 1)");
    must(&s, "INSERT INTO c VALUES (1)");
    must(&s, "INSERT INTO w VALUES ('k')");
    CHECK_FAILURES(&s, failures);
    CU_ASSERT_EQUAL(run(&s, failures[0].sql), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(s.error.native_code, SQLITE_CONSTRAINT_PRIMARYKEY);
    session_close(&s);
}

/* A STRICT table takes no other type (SQLite 3.37). */
TEST(a_strict_table_refuses_other_types)
{
    struct session s = {0};
    if (sqlite3_libversion_number() < 3037000)
        return;
    memory_open(&s);
    must(&s, "CREATE TABLE s (x INT) STRICT");
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO s VALUES ('x')"), ADB_E_DATA);
    CU_ASSERT(failed_as(&s, ADB_E_DATA, "42804", "cannot store TEXT value in INT column"));
    session_close(&s);
}

/* A foreign key that is checked at the end fails the commit. */
TEST(a_deferred_foreign_key_fails_the_commit)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    must(&s, "CREATE TABLE c (id REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
    must(&s, "BEGIN");
    must(&s, "INSERT INTO c VALUES (9)");
    CU_ASSERT_EQUAL(run(&s, "COMMIT"), ADB_E_FOREIGN_KEY);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(s.conn), ADB__TXN_OPEN);
    must(&s, "ROLLBACK");
    session_close(&s);
}

/* Limits of values, texts and terms: SQLite's own, lowered here, and that of a size in an int. ERR-02 */
TEST(what_is_too_big_is_told)
{
    static const struct failure failures[] = {
        {"SELECT zeroblob(2000000000)", ADB_E_TOO_BIG, "54000", "too big"},
        {"SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1", ADB_E_TOO_BIG, "54000", ""},
    };
    static const char text[200];
    const struct adb__statement huge = {.sql = "SELECT 1", .sql_size = INT32_MAX};
    struct session s = {0};
    memory_open(&s);
    sqlite3_limit(DRIVER->native(s.conn), SQLITE_LIMIT_COMPOUND_SELECT, 2);
    CHECK_FAILURES(&s, failures);
    sqlite3_limit(DRIVER->native(s.conn), SQLITE_LIMIT_SQL_LENGTH, 10);
    CU_ASSERT_EQUAL(run(&s, "SELECT 1 + 1 + 1"), ADB_E_TOO_BIG);
    sqlite3_limit(DRIVER->native(s.conn), SQLITE_LIMIT_LENGTH, 100);
    CU_ASSERT_EQUAL(BIND(&s, "SELECT ?1", adb_text_n(text, sizeof(text))), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(DRIVER->execute(s.conn, &huge, &s.sink, &s.error), ADB_E_TOO_BIG);
    session_close(&s);
}

/* In a transaction its own statement cannot be tried again alone. ERR-02 TX-39 */
TEST(a_lock_inside_a_transaction_asks_to_retry_it_all)
{
    struct session a = {0}, b = {0};
    folder_make();
    session_open(&a, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&a, "CREATE TABLE t (x)");
    session_open(&b, "sqlite:///%s/t.db?journal_mode=delete&busy_timeout=0", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run(&b, "BEGIN IMMEDIATE"), ADB_E_LOCKED);
    CU_ASSERT_EQUAL(b.error.flags, ADB_ERROR_RETRY_STATEMENT | ADB_ERROR_RETRY_TRANSACTION);
    must(&b, "BEGIN");
    must(&b, "SELECT * FROM t");
    CU_ASSERT_EQUAL(run(&b, "INSERT INTO t VALUES (1)"), ADB_E_LOCKED);
    CU_ASSERT_EQUAL(b.error.flags, ADB_ERROR_RETRY_TRANSACTION);
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* A snapshot that others have written past cannot be written to: SQLite's serialization failure. TX-39 */
TEST(a_stale_snapshot_is_a_serialization_failure)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    must(&a, "CREATE TABLE t (x)");
    file_open(&b);
    must(&a, "BEGIN");
    must(&a, "SELECT * FROM t");
    must(&b, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(run(&a, "INSERT INTO t VALUES (2)"), ADB_E_SERIALIZATION);
    CU_ASSERT(failed_as(&a, ADB_E_SERIALIZATION, "40001", "locked"));
    CU_ASSERT_EQUAL(a.error.native_code, SQLITE_BUSY_SNAPSHOT);
    CU_ASSERT_EQUAL(a.error.flags, ADB_ERROR_RETRY_TRANSACTION);
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* A lock within the connection itself: the caller's own statement reads what is to be dropped. */
TEST(a_lock_within_the_connection_is_told)
{
    struct session s = {0};
    sqlite3_stmt *stmt = NULL;
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    must(&s, "INSERT INTO t VALUES (1), (2)");
    REQUIRE(sqlite3_prepare_v2(DRIVER->native(s.conn), "SELECT x FROM t", -1, &stmt, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
    CU_ASSERT_EQUAL(run(&s, "DROP TABLE t"), ADB_E_LOCKED);
    CU_ASSERT(failed_as(&s, ADB_E_LOCKED, "55P03", "locked"));
    sqlite3_finalize(stmt);
    must(&s, "DROP TABLE t");
    session_close(&s);
}

static int deny(void *data, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)data;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_DELETE ? SQLITE_DENY : SQLITE_OK;
}

/* An authorizer on the native handle. */
TEST(what_is_not_authorized_is_told)
{
    static const struct failure failures[] = {{"DELETE FROM t", ADB_E_PERMISSION, "42501", "not authorized"}};
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    sqlite3_set_authorizer(DRIVER->native(s.conn), deny, NULL);
    CHECK_FAILURES(&s, failures);
    session_close(&s);
}

/* SQLite's own memory, of which the library knows nothing. */
TEST(sqlite_out_of_memory_is_told)
{
    struct session s = {0};
    memory_open(&s);
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + 100000);
    CU_ASSERT_EQUAL(run(&s, "SELECT hex(zeroblob(1000000))"), ADB_E_NOMEM);
    sqlite3_hard_heap_limit64(0);
    CU_ASSERT(failed_as(&s, ADB_E_NOMEM, "53200", "out of memory"));
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

/* Fill the table until something gives. */
static adb_status fill(struct session *s)
{
    must(s, "CREATE TABLE t (x)");
    adb_status status = ADB_OK;
    for (int i = 0; i < 1000 && status == ADB_OK; i++)
        status = run(s, "INSERT INTO t VALUES (randomblob(50000))");
    return status;
}

/* A database that may not grow. */
TEST(a_full_database_is_told)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "PRAGMA max_page_count = 50");
    CU_ASSERT_EQUAL(fill(&s), ADB_E_FULL);
    CU_ASSERT(failed_as(&s, ADB_E_FULL, "53100", "full"));
    session_close(&s);
}

/* A disk that is really full, where a small one can be mounted. */
TEST(a_full_disk_is_told)
{
    struct session s = {0};
    folder_make();
    if (geteuid() != 0 || mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        folder_remove();
        return;
    }
    file_open(&s);
    CU_ASSERT_EQUAL(fill(&s), ADB_E_FULL);
    CU_ASSERT(failed_as(&s, ADB_E_FULL, "53100", "full"));
    must(&s, "SELECT count(*) FROM t");
    session_close(&s);
    CU_ASSERT_EQUAL(umount(folder), 0);
    folder_remove();
}

/* The operating system refuses to write on. */
TEST(an_io_error_is_told)
{
    struct session s = {0};
    struct rlimit old, small;
    folder_make();
    file_open(&s);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
    small = (struct rlimit){.rlim_cur = 200000, .rlim_max = old.rlim_max};
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CU_ASSERT_EQUAL(fill(&s), ADB_E_IO);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    CU_ASSERT(failed_as(&s, ADB_E_IO, "58030", "I/O error"));
    CU_ASSERT_EQUAL(s.error.native_code & 0xff, SQLITE_IOERR);
    session_close(&s);
    folder_remove();
}

/* No file can be opened, and that is why; not what else might have been. */
TEST(a_lack_of_descriptors_is_told)
{
    struct session s = {0};
    struct rlimit old, none;
    folder_make();
    REQUIRE(getrlimit(RLIMIT_NOFILE, &old) == 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const adb_status status = session_try(&s, "sqlite:///%s/new.db", ADB__ROLE_WRITER);
    setrlimit(RLIMIT_NOFILE, &old);
    CU_ASSERT_EQUAL(status, ADB_E_CONNECTION);
    CU_ASSERT(failed_as(&s, ADB_E_CONNECTION, "08001", "unable to open database file: Too many open files"));
    session_close(&s);
    folder_remove();
}

/* A file whose pages make no sense. */
TEST(a_damaged_file_is_told)
{
    struct session s = {0};
    folder_make();
    session_open(&s, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&s, "CREATE TABLE t (x)");
    must(&s, "INSERT INTO t VALUES (1)");
    session_close(&s);
    FILE *file = fopen(folder_path("t.db"), "r+");
    REQUIRE(file != NULL && fseek(file, 4096, SEEK_SET) == 0);
    for (int i = 0; i < 4096; i++)
        fputc(0xee, file);
    fclose(file);
    session_open(&s, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    CU_ASSERT_EQUAL(run(&s, "SELECT * FROM t"), ADB_E_CORRUPT);
    CU_ASSERT(failed_as(&s, ADB_E_CORRUPT, "XX001", "malformed"));
    session_close(&s);
    folder_remove();
}

/* A path that cannot be attached is no loss of the connection. */
TEST(a_failed_attach_does_not_lose_the_connection)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(run(&s, "ATTACH '/nowhere/at/all.db' AS a"), ADB_E_CONNECTION);
    CU_ASSERT(failed_as(&s, ADB_E_CONNECTION, "08001", "unable to open database"));
    CU_ASSERT_EQUAL(s.error.flags, 0);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

/* A write to a file that is no longer there: this connection is of no use. */
TEST(writing_to_a_deleted_file_loses_the_connection)
{
    struct session s = {0};
    folder_make();
    session_open(&s, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&s, "CREATE TABLE t (x)");
    unlink(folder_path("t.db"));
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1)"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(s.error.flags, ADB_ERROR_CONNECTION_LOST);
    session_close(&s);
    folder_remove();
}

/* Messages are one line, whatever is in the text that they quote. LOG-01 */
TEST(messages_are_one_line)
{
    struct session s = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(run(&s, "SELECT * FROM \"two\nlines\tand a tab\""), ADB_E_UNDEFINED);
    CU_ASSERT_PTR_NULL(strpbrk(s.error.message, "\n\r\t"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.error.message, "two lines"));
    session_close(&s);
}

SUITE(sqlite_errors, CASE(syntax_errors_are_told), CASE(undefined_objects_are_told),
      CASE(other_refusals_are_classed_by_their_words), CASE(constraints_are_told_apart),
      CASE(a_strict_table_refuses_other_types), CASE(a_deferred_foreign_key_fails_the_commit),
      CASE(what_is_too_big_is_told), CASE(a_lock_inside_a_transaction_asks_to_retry_it_all),
      CASE(a_stale_snapshot_is_a_serialization_failure), CASE(a_lock_within_the_connection_is_told),
      CASE(what_is_not_authorized_is_told), CASE(sqlite_out_of_memory_is_told), CASE(a_full_database_is_told),
      CASE(a_full_disk_is_told), CASE(an_io_error_is_told), CASE(a_lack_of_descriptors_is_told),
      CASE(a_damaged_file_is_told), CASE(a_failed_attach_does_not_lose_the_connection),
      CASE(writing_to_a_deleted_file_loses_the_connection), CASE(messages_are_one_line))
