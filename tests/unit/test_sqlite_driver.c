/* SPDX-License-Identifier: BSD-3-Clause */
/* The SQLite driver's connections: memory, opening and its failures, roles, transactions, checking, closing. */
#include "tests/unit/sqlite_fixture.h"

#include "tests/lib/fault.h"

/* Two handles are two databases. POOL-03 PAIN-10 */
TEST(memory_is_private_to_the_handle)
{
    struct session a = {0}, b = {0};
    memory_open(&a);
    memory_open(&b);
    must(&a, "CREATE TABLE t (x)");
    CU_ASSERT_EQUAL(run(&b, "SELECT * FROM t"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(DRIVER->check(a.conn, ADB__CHECK_RESET, &a.error), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&a, "SELECT count(*) FROM t"), 0);
    session_close(&b);
    session_close(&a);
}

/* What is attached to a database in memory is a file all the same. */
TEST(a_file_can_be_attached_to_memory)
{
    struct session s = {0};
    char sql[160];
    folder_make();
    memory_open(&s);
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS f", folder_path("t.db"));
    must(&s, sql);
    must(&s, "CREATE TABLE f.t (x)");
    session_close(&s);
    struct stat info;
    CU_ASSERT(stat(folder_path("t.db"), &info) == 0 && info.st_size > 0);
    folder_remove();
}

/* Shared memory belongs to the handle's anchor, or to the name in the URL, and goes with its last connection.
 * POOL-04 POOL-05 POOL-06 REG-04 REG-05 */
TEST(shared_memory_is_shared_by_anchor_or_name_and_ends_with_its_connections)
{
    static const char *const urls[] = {"sqlite://?cache=shared", "sqlite:///file::memory:?cache=shared",
                                       "sqlite:///:memory:?cache=shared", "sqlite:///n?mode=memory&cache=shared",
                                       "sqlite:///file:n%3Fmode=memory?cache=shared"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct session a = {0}, b = {0};
        session_open(&a, urls[i], ADB__ROLE_WRITER);
        must(&a, "CREATE TABLE t (x)");
        session_open(&b, urls[i], ADB__ROLE_WRITER);
        CU_ASSERT_EQUAL(answer_int(&b, "SELECT count(*) FROM t"), 0);
        session_close(&a);
        must(&b, "DROP TABLE t");
        session_close(&b);
    }
}

static bool opens_not(const char *url, enum adb__role role, adb_status status, const char *words)
{
    struct session s = {0};
    const adb_status got = session_try(&s, url, role);
    const bool as_expected = got == status && strstr(s.error.message, words) != NULL &&
                             (strstr(s.error.message, folder) != NULL || status == ADB_E_UNSUPPORTED);
    if (!as_expected)
        printf("# %s: %s: %s\n", url, adb_status_name(got), s.error.message);
    session_close(&s);
    return as_expected;
}

/* The reason in plain words, and the path. LIFE-06 LIFE-24 */
TEST(failures_to_open_say_why_and_which_file)
{
    folder_make();
    FILE *file = fopen(folder_path("text"), "w");
    REQUIRE(file != NULL);
    fputs("this is no database, but long enough to look at its header: "
          "................................................................",
          file);
    fclose(file);
    CU_ASSERT(opens_not("sqlite:///%s", ADB__ROLE_WRITER, ADB_E_CONNECTION, "it is a directory"));
    CU_ASSERT(opens_not("sqlite:///%s/none/t.db", ADB__ROLE_WRITER, ADB_E_CONNECTION, "its folder does not exist"));
    CU_ASSERT(opens_not("sqlite:///%s/text/t.db", ADB__ROLE_WRITER, ADB_E_CONNECTION, "is a file"));
    CU_ASSERT(opens_not("sqlite:///%s/t.db?mode=rw", ADB__ROLE_WRITER, ADB_E_CONNECTION, "it does not exist"));
    CU_ASSERT(opens_not("sqlite:///%s/t.db?mode=ro", ADB__ROLE_WRITER, ADB_E_CONNECTION, "it does not exist"));
    CU_ASSERT(opens_not("sqlite:///%s/t.db", ADB__ROLE_READER, ADB_E_CONNECTION, "it does not exist"));
    CU_ASSERT(opens_not("sqlite:///%s/text", ADB__ROLE_WRITER, ADB_E_CORRUPT, "not a database"));
    CU_ASSERT_NOT_EQUAL(access(folder_path("t.db"), F_OK), 0);
    folder_remove();
}

/* Without permission to read, or to keep a journal: as a user that has none. */
TEST(missing_permissions_are_told_apart)
{
    struct session s = {0};
    folder_make();
    file_open(&s);
    must(&s, "CREATE TABLE t (x)");
    session_close(&s);
    const bool root = geteuid() == 0;
    REQUIRE(!root || chown(folder, 65534, 65534) == 0);
    REQUIRE(!root || chown(folder_path("t.db"), 65534, 65534) == 0);
    REQUIRE(!root || seteuid(65534) == 0);

    chmod(folder_path("t.db"), 0);
    CU_ASSERT(opens_not("sqlite:///%s/t.db", ADB__ROLE_WRITER, ADB_E_CONNECTION, "permission denied"));
    chmod(folder_path("t.db"), 0600);
    chmod(folder, 0500);
    CU_ASSERT(opens_not("sqlite:///%s/t.db", ADB__ROLE_WRITER, ADB_E_CONNECTION, "its folder cannot be written"));
    CU_ASSERT(opens_not("sqlite:///%s/u.db", ADB__ROLE_WRITER, ADB_E_CONNECTION, "it does not exist, and its folder"));
    chmod(folder, 0700);
    REQUIRE(!root || seteuid(0) == 0);
    folder_remove();
}

/* A file that may only be read opens; only a write is refused. ERR-05 */
TEST(a_file_without_write_permission_can_be_read)
{
    struct session s = {0};
    folder_make();
    session_open(&s, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&s, "CREATE TABLE t (x)");
    session_close(&s);
    const bool root = geteuid() == 0;
    REQUIRE(!root || chown(folder, 65534, 65534) == 0);
    chmod(folder_path("t.db"), 0444);
    REQUIRE(!root || seteuid(65534) == 0);

    file_open(&s);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1)"), ADB_E_READ_ONLY);
    CU_ASSERT(failed_as(&s, ADB_E_READ_ONLY, "25006", "readonly"));
    session_close(&s);
    REQUIRE(!root || seteuid(0) == 0);
    folder_remove();
}

/* A journal mode that was asked for and is not possible is an error, not a surprise. */
TEST(an_impossible_journal_mode_is_refused)
{
    folder_make();
    CU_ASSERT(opens_not("sqlite:///file:%s/t.db%3Fvfs=unix-none?journal_mode=wal", ADB__ROLE_WRITER, ADB_E_UNSUPPORTED,
                        "journal_mode wal is not possible here"));
    folder_remove();
}

/* mode=ro, immutable and read_only refuse writes, temporary ones too, before they begin. REG-04 REP-01 ERR-05 */
TEST(read_only_sessions_refuse_writes)
{
    static const char *const urls[] = {"sqlite:///%s/t.db?mode=ro", "sqlite:///%s/t.db?immutable=1",
                                       "sqlite:///%s/t.db"};
    struct session writer = {0};
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    session_close(&writer);
    for (size_t i = 0; i < 3; i++) {
        struct session s = {.options = {.read_only = i == 2}};
        session_open(&s, urls[i], ADB__ROLE_WRITER);
        CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
        CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1)"), ADB_E_READ_ONLY);
        CU_ASSERT(failed_as(&s, ADB_E_READ_ONLY, "25006", "reading only"));
        CU_ASSERT_EQUAL(run(&s, "CREATE TEMP TABLE u (x)"), ADB_E_READ_ONLY);
        CU_ASSERT_EQUAL(run(&s, "PRAGMA user_version = 1"), ADB_E_READ_ONLY);
        CU_ASSERT_EQUAL(run(&s, "PRAGMA journal_mode"), ADB_OK);
        CU_ASSERT_EQUAL(run(&s, "EXPLAIN INSERT INTO t VALUES (1)"), ADB_OK);
        CU_ASSERT_EQUAL(run_control(&s, "BEGIN IMMEDIATE"), ADB_OK);
        CU_ASSERT_EQUAL(run_control(&s, "COMMIT"), ADB_OK);
        session_close(&s);
    }
    folder_remove();
}

/* What writes, and what changes the session, is the writer's; nothing has happened yet when the reader says so. */
TEST(a_reader_hands_writes_to_the_writer)
{
    static const char *const wanted[] = {
        "INSERT INTO t VALUES (1)",
        "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
        "UPDATE t SET x = 2",
        "DELETE FROM t",
        "CREATE TABLE u (x)",
        "CREATE TEMP TABLE u (x)",
        "DROP TABLE t",
        "VACUUM",
        "ANALYZE",
        "REINDEX",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "/* so */ -- that\n begin exclusive",
        "SAVEPOINT s",
        "ATTACH ':memory:' AS m",
        "DETACH m",
        "PRAGMA user_version = 3",
        "PRAGMA main.foreign_keys(off)",
        "PRAGMA cache_size=5",
        "PRAGMA query_only = 0",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "INSERT INTO t VALUES (1) RETURNING x",
        "SELECT * FROM not_here_but_perhaps_temporary",
    };
    struct session writer = {0}, reader = {0};
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x UNIQUE)");
    reader_open(&reader);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const adb_status status = run(&reader, wanted[i]);
        if (status != ADB__NEED_WRITER)
            printf("# %s: %d\n", wanted[i], (int)status);
        CU_ASSERT_EQUAL(status, ADB__NEED_WRITER);
        CU_ASSERT_EQUAL(reader.error.status, ADB_OK);
    }
    CU_ASSERT_EQUAL(run(&reader, wanted[0]), ADB__NEED_WRITER); /* from the cache now */
    CU_ASSERT_EQUAL(run_control(&reader, "BEGIN IMMEDIATE"), ADB__NEED_WRITER);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(reader.conn), ADB__TXN_NONE);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* What only looks runs where it is. */
TEST(a_reader_runs_what_only_reads)
{
    static const char *const reads[] = {
        "SELECT * FROM t",
        "VALUES (1)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN QUERY PLAN DELETE FROM t",
        "PRAGMA table_info(t)",
        "PRAGMA main.index_list = 't'",
        "PRAGMA journal_mode",
        "PRAGMA user_version",
        "PRAGMA integrity_check(5)",
        " ; ; SELECT 1 ; -- done",
    };
    struct session writer = {0}, reader = {0};
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    reader_open(&reader);
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
        must(&reader, reads[i]);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* The core's transactions on a reader are a snapshot. */
TEST(a_read_only_transaction_runs_on_a_reader)
{
    struct session writer = {0}, reader = {0};
    struct adb__buf text = ADB__BUF_INIT;
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    reader_open(&reader);
    REQUIRE(DRIVER->dialect.begin_text(ADB_TRANSACTION(.read_only = true), &text, NULL) == ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, text.bytes), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 0);
    must(&writer, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 0);
    CU_ASSERT_EQUAL(run(&reader, "SELECT * FROM nowhere"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(run_control(&reader, "SAVEPOINT adb_2"), ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, "RELEASE SAVEPOINT adb_2"), ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, "COMMIT"), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 1);
    CU_ASSERT_EQUAL(run(&reader, text.bytes), ADB__NEED_WRITER); /* the same text, but a user's */
    adb__buf_fini(&text);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* Where only reading is allowed a write is refused, on either kind of connection, and a mistake is called by its name.
 */
TEST(what_must_read_is_refused_to_write)
{
    struct session writer = {0}, reader = {0};
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    reader_open(&reader);
    struct session *const both[] = {&writer, &reader};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(run_reading(both[i], "SELECT * FROM t"), ADB_OK);
        CU_ASSERT_EQUAL(run_reading(both[i], "PRAGMA cache_size = 50"), ADB_OK);
        CU_ASSERT_EQUAL(run_reading(both[i], "INSERT INTO t VALUES (1)"), ADB_E_READ_ONLY);
        CU_ASSERT(failed_as(both[i], ADB_E_READ_ONLY, "25006", "read-only"));
        CU_ASSERT_EQUAL(run_reading(both[i], "SELECT * FROM nowhere"), ADB_E_UNDEFINED);
    }
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 0);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

static bool begins_as(const adb_transaction_options *options, const char *expected)
{
    struct adb__buf text = ADB__BUF_INIT;
    const adb_status status = DRIVER->dialect.begin_text(options, &text, NULL);
    const bool same = status == ADB_OK && strcmp(text.bytes, expected) == 0;
    adb__buf_fini(&text);
    return same;
}

/* Immediate unless it only reads; what SQLite has not is refused. TX-21 TX-39 */
TEST(begin_takes_the_write_lock_unless_told_otherwise)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_error error;
    CU_ASSERT(begins_as(ADB_TRANSACTION(.retries = 0), "BEGIN IMMEDIATE"));
    CU_ASSERT(begins_as(ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE), "BEGIN IMMEDIATE"));
    CU_ASSERT(begins_as(ADB_TRANSACTION(.lock = ADB_LOCK_DEFERRED), "BEGIN DEFERRED"));
    CU_ASSERT(begins_as(ADB_TRANSACTION(.read_only = true), "BEGIN DEFERRED"));
    CU_ASSERT(begins_as(ADB_TRANSACTION(.lock = ADB_LOCK_EXCLUSIVE), "BEGIN EXCLUSIVE"));
    const adb_transaction_options *const unsupported[] = {
        ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED), ADB_TRANSACTION(.deferrable = true),
        ADB_TRANSACTION(.read_only = true, .lock = ADB_LOCK_IMMEDIATE)};
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(DRIVER->dialect.begin_text(unsupported[i], &text, &error), ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(DRIVER->dialect.begin_text(ADB_TRANSACTION(.lock = (adb_lock)9), &text, &error), ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(text.bytes);
}

/* The state comes from SQLite, also when it has rolled back by itself. TX-41 */
TEST(transaction_state_is_sqlites_own)
{
    struct session s = {0};
    struct adb__sqlite never_opened = {0};
    memory_open(&s);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(s.conn), ADB__TXN_NONE);
    must(&s, "SAVEPOINT a");
    CU_ASSERT_EQUAL(DRIVER->transaction_state(s.conn), ADB__TXN_OPEN);
    must(&s, "RELEASE a");
    must(&s, "CREATE TABLE t (x UNIQUE ON CONFLICT ROLLBACK)");
    must(&s, "BEGIN");
    must(&s, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1)"), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(s.conn), ADB__TXN_NONE);
    CU_ASSERT_EQUAL(DRIVER->transaction_state(&never_opened), ADB__TXN_UNKNOWN);
    DRIVER->close(&never_opened);
    session_close(&s);
}

/* A file that went away, or another one in its place, is noticed between two lanes. */
TEST(check_notices_a_file_that_was_replaced_or_deleted)
{
    struct session s = {0};
    folder_make();
    for (int replaced = 0; replaced < 2; replaced++) {
        file_open(&s);
        must(&s, "CREATE TABLE t (x)");
        CU_ASSERT_EQUAL(DRIVER->check(s.conn, ADB__CHECK_PING, &s.error), ADB_OK);
        unlink(folder_path("t.db"));
        if (replaced)
            fclose(fopen(folder_path("t.db"), "w"));
        CU_ASSERT_EQUAL(DRIVER->check(s.conn, ADB__CHECK_PING, &s.error), ADB_E_CONNECTION);
        CU_ASSERT_EQUAL(s.error.flags, ADB_ERROR_CONNECTION_LOST);
        session_close(&s);
        unlink(folder_path("t.db"));
        unlink(folder_path("t.db-wal"));
        unlink(folder_path("t.db-shm"));
    }
    folder_remove();
}

/* What a lane changed by a pragma is put back; temporary tables stay. POOL-10 POOL-11 */
TEST(reset_puts_the_settings_back)
{
    struct session s = {0};
    folder_make();
    file_open(&s);
    must(&s, "CREATE TEMP TABLE t (x)");
    must(&s, "PRAGMA foreign_keys = off");
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA foreign_keys"), 0);
    CU_ASSERT_EQUAL(DRIVER->check(s.conn, ADB__CHECK_PING, &s.error), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA foreign_keys"), 0);
    CU_ASSERT_EQUAL(DRIVER->check(s.conn, ADB__CHECK_RESET, &s.error), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA foreign_keys"), 1);
    sqlite3_exec(DRIVER->native(s.conn), "PRAGMA synchronous = off", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(DRIVER->check(s.conn, ADB__CHECK_RESET, &s.error), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA synchronous"), 2);
    must(&s, "SELECT * FROM t");
    session_close(&s);
    folder_remove();
}

/* The last connection to close tidies up, even when it is a reader. */
TEST(no_journal_is_left_behind_whoever_closes_last)
{
    struct session writer = {0}, reader = {0};
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    reader_open(&reader);
    must(&reader, "SELECT * FROM t");
    session_close(&writer);
    session_close(&reader);
    CU_ASSERT_NOT_EQUAL(access(folder_path("t.db-wal"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(folder_path("t.db-shm"), F_OK), 0);
    folder_remove();
}

/* What the caller left on the native handle does not keep close from ending. RAW-01 */
TEST(close_copes_with_statements_of_the_callers)
{
    struct session s = {0};
    sqlite3_stmt *stmt = NULL;
    memory_open(&s);
    REQUIRE(sqlite3_prepare_v2(DRIVER->native(s.conn), "SELECT 1", -1, &stmt, NULL) == SQLITE_OK);
    session_close(&s);
    CU_ASSERT_EQUAL(sqlite3_finalize(stmt), SQLITE_OK);
}

static void ignore(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)call;
    (void)arguments;
    (void)n_arguments;
    (void)user_data;
}

/* Each allocation of open, execute and reset fails once: a status, nothing lost, and close frees all. */
TEST(running_out_of_memory_leaks_nothing)
{
    const adb_function function = {.name = "f", .function = ignore};
    folder_make();
    fault_watch();
    const size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        struct session s = {.options = {.functions = &function, .n_functions = 1}};
        fault_arm(1000000);
        s.url = url_of("sqlite:///%s/t.db");
        session_close(&s);
        struct adb__sqlite conn = {0};
        const size_t lent = fault_live_blocks();
        adb_url *url = url_of("sqlite:///%s/t.db");
        const struct adb__open open = {
            .url = url, .options = &s.options, .anchor = "a", .log = &s.log, .deadline = ADB__NEVER};
        adb__result_init(&s.result, NULL, 0, NULL);
        s.conn = &conn;
        fault_arm(n);
        adb_status status = DRIVER->open(&conn, &open, &s.error);
        if (status == ADB_OK)
            status = run(&s, "SELECT 1 AS a, 'text' AS b UNION SELECT 2, zeroblob(5000)");
        FAULT_DONE();
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        if (status != ADB_OK)
            CU_ASSERT_EQUAL(s.error.status, ADB_E_NOMEM);
        DRIVER->close(&conn);
        adb__result_fini(&s.result);
        adb_url_free(url);
        CU_ASSERT_EQUAL(fault_live_blocks(), lent);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
    folder_remove();
}

SUITE(sqlite_driver, CASE(memory_is_private_to_the_handle), CASE(a_file_can_be_attached_to_memory),
      CASE(shared_memory_is_shared_by_anchor_or_name_and_ends_with_its_connections),
      CASE(failures_to_open_say_why_and_which_file), CASE(missing_permissions_are_told_apart),
      CASE(a_file_without_write_permission_can_be_read), CASE(an_impossible_journal_mode_is_refused),
      CASE(read_only_sessions_refuse_writes), CASE(a_reader_hands_writes_to_the_writer),
      CASE(a_reader_runs_what_only_reads), CASE(a_read_only_transaction_runs_on_a_reader),
      CASE(what_must_read_is_refused_to_write), CASE(begin_takes_the_write_lock_unless_told_otherwise),
      CASE(transaction_state_is_sqlites_own), CASE(check_notices_a_file_that_was_replaced_or_deleted),
      CASE(reset_puts_the_settings_back), CASE(no_journal_is_left_behind_whoever_closes_last),
      CASE(close_copes_with_statements_of_the_callers), CASE(running_out_of_memory_leaks_nothing))
