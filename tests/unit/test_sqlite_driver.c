/* SPDX-License-Identifier: BSD-3-Clause */
/* The SQLite driver's connections: what a URL may say, layouts, opening and its failures, roles, waiting, cancelling,
 * checking, transactions. */
#include "tests/unit/sqlite_fixture.h"

#include "tests/lib/fault.h"

#include <pthread.h>
#include <sched.h>

static adb_status configure(const char *text, const adb_options *options, struct adb__layout *layout, adb_error *error)
{
    adb_url *url = url_of(text);
    const adb_status status = DRIVER->configure(url, options, layout, error);
    adb_url_free(url);
    return status;
}

static struct adb__layout layout_for(const char *text, const adb_options *options)
{
    struct adb__layout layout = {.max_writers = 99};
    adb_error error;
    REQUIRE(configure(text, options, &layout, &error) == ADB_OK);
    return layout;
}

static bool refused(const char *text, adb_status status, const char *words)
{
    struct adb__layout layout = {.max_writers = 99};
    adb_error error = {.status = ADB_OK};
    const adb_status got = configure(text, ADB_OPTIONS(), &layout, &error);
    if (got != status || strstr(error.message, words) == NULL)
        printf("# %s: %s: %s\n", text, adb_status_name(got), error.message);
    return got == status && error.status == status && strstr(error.message, words) != NULL && layout.max_writers == 99;
}

/* Every key takes its words in any case, and its numbers. OPT-18 */
TEST(known_options_are_accepted)
{
    const struct adb__layout layout =
        layout_for("sqlite:///x.db?journal_mode=WAL&synchronous=Normal&foreign_keys=off&busy_timeout=0&cache_size=-4000"
                   "&mmap_size=268435456&temp_store=memory&journal_size_limit=-1&wal_autocheckpoint=1000&mode=rwc"
                   "&cache=private&immutable=false&sqlite_path=relative&uri=false",
                   ADB_OPTIONS());
    CU_ASSERT_EQUAL(layout.max_writers, 1);
}

/* A bad word or number names key, offset and value, and nothing is opened. OPT-05 OPT-20 OPT-21 */
TEST(bad_option_values_name_key_offset_and_value)
{
    CU_ASSERT(refused("sqlite:///x?journal_mode=wall", ADB_E_OPTION, "\"journal_mode\" at offset 12"));
    CU_ASSERT(refused("sqlite:///x?a=b&synchronous=4", ADB_E_OPTION, "\"synchronous\" at offset 16"));
    CU_ASSERT(refused("sqlite:///x?busy_timeout=soon", ADB_E_OPTION, "a number of milliseconds, not \"soon\""));
    CU_ASSERT(refused("sqlite:///x?busy_timeout=-1", ADB_E_OPTION, "not \"-1\""));
    CU_ASSERT(refused("sqlite:///x?busy_timeout=2147483648", ADB_E_OPTION, "busy_timeout"));
    CU_ASSERT(refused("sqlite:///x?cache_size=1k", ADB_E_OPTION, "cache_size"));
    CU_ASSERT(refused("sqlite:///x?foreign_keys=", ADB_E_OPTION, "true or false"));
    CU_ASSERT(refused("sqlite:///x?mode=w", ADB_E_OPTION, "ro, rw, rwc or memory"));
    CU_ASSERT(refused("sqlite:///x?cache=yes", ADB_E_OPTION, "shared or private"));
}

/* A key that is there twice is a mistake, not a choice. URL-15 */
TEST(a_repeated_option_is_refused)
{
    CU_ASSERT(refused("sqlite:///x?mode=ro&mode=rw", ADB_E_OPTION, "there again at offset 20"));
}

/* There is nothing to connect or log in to, and the password is not repeated. (A host in its own place is refused by
 * the URL parser.) URL-13 */
TEST(host_user_port_and_password_are_refused)
{
    CU_ASSERT(refused("sqlite:///x?host=example.org", ADB_E_URL, "\"example.org\""));
    CU_ASSERT(refused("sqlite://me@/x", ADB_E_URL, "no user"));
    adb_error error;
    struct adb__layout layout;
    CU_ASSERT_EQUAL(configure("sqlite://me:hunter2@/x", ADB_OPTIONS(), &layout, &error), ADB_E_URL);
    CU_ASSERT_PTR_NULL(strstr(error.message, "hunter2"));
}

/* One writer and as many readers as the caller leaves. POOL-02 */
TEST(a_wal_file_has_one_writer_and_readers)
{
    struct adb__layout layout = layout_for("sqlite:///x.db", ADB_OPTIONS(.max_size = 8));
    CU_ASSERT_EQUAL(layout.max_writers, 1);
    CU_ASSERT_EQUAL(layout.max_readers, 7);
    CU_ASSERT_FALSE(layout.keep_open);
    layout = layout_for("sqlite:///x.db", ADB_OPTIONS());
    CU_ASSERT(layout.max_readers >= 1 && layout.max_readers <= 4);
    CU_ASSERT_EQUAL(layout_for("sqlite:///x.db", ADB_OPTIONS(.max_size = 1)).max_readers, 0);
}

/* Where readers would stand in the writer's way there are none. POOL-04 FR-11 */
TEST(other_journals_shared_cache_and_forced_rollback_have_one_connection)
{
    const adb_pragma journal = {"JOURNAL_MODE", "delete"};
    const struct adb__layout layouts[] = {
        layout_for("sqlite:///x.db?journal_mode=delete", ADB_OPTIONS()),
        layout_for("sqlite:///x.db?cache=shared", ADB_OPTIONS()),
        layout_for("sqlite:///x.db", ADB_OPTIONS(.force_rollback = true)),
        layout_for("sqlite:///x.db?journal_mode=wal", ADB_OPTIONS(.pragmas = &journal, .n_pragmas = 1)),
    };
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        CU_ASSERT_EQUAL(layouts[i].max_writers, 1);
        CU_ASSERT_EQUAL(layouts[i].max_readers, 0);
        CU_ASSERT_FALSE(layouts[i].keep_open);
    }
}

/* All spellings of memory are one connection that is never closed when idle. POOL-03 URL-14 */
TEST(memory_has_one_connection_that_stays_open)
{
    static const char *const urls[] = {
        "sqlite://", "sqlite:///:memory:", "sqlite:///name?mode=memory", "sqlite:///name?mode=memory&cache=shared",
        "sqlite:///file::memory:?cache=shared", "sqlite:///file:name%3Fmode=memory", "sqlite:///file:",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const struct adb__layout layout = layout_for(urls[i], ADB_OPTIONS(.max_size = 5));
        CU_ASSERT_EQUAL(layout.max_writers, 1);
        CU_ASSERT_EQUAL(layout.max_readers, 0);
        CU_ASSERT_TRUE(layout.keep_open);
    }
    CU_ASSERT_FALSE(layout_for("sqlite:///a:memory:b", ADB_OPTIONS()).keep_open);
    CU_ASSERT_FALSE(layout_for("sqlite:///file::memory:?uri=false", ADB_OPTIONS()).keep_open);
}

/* Nobody writes: all connections are alike. */
TEST(a_read_only_file_has_equal_connections)
{
    static const char *const urls[] = {"sqlite:///x?mode=ro", "sqlite:///x?immutable=1", "sqlite:///x"};
    for (size_t i = 0; i < 3; i++) {
        const struct adb__layout layout = layout_for(urls[i], ADB_OPTIONS(.max_size = 6, .read_only = i == 2));
        CU_ASSERT_EQUAL(layout.max_writers, 6);
        CU_ASSERT_EQUAL(layout.max_readers, 0);
    }
}

/* Pragmas and functions that could never work are found before anything is opened. OPT-26 */
TEST(unusable_pragmas_and_functions_are_refused)
{
    const adb_pragma pragmas[] = {{"a b", "1"}, {NULL, "1"}, {"busy_timeout", "soon"}, {"synchronous", NULL}};
    const adb_function functions[] = {{.name = "f"}, {.name = ""}, {.name = "f", .n_arguments = 128}};
    struct adb__layout layout;
    adb_error error;
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(configure("sqlite://", ADB_OPTIONS(.pragmas = &pragmas[i], .n_pragmas = 1), &layout, &error),
                        ADB_E_OPTION);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(configure("sqlite://", ADB_OPTIONS(.functions = &functions[i], .n_functions = 1), &layout, &error),
                        ADB_E_OPTION);
}

/* The defaults of design.md section 6 are in force on a fresh file. */
TEST(a_new_file_is_wal_synchronous_full_with_foreign_keys)
{
    struct session writer = {0}, reader = {0};
    folder_make();
    file_open(&writer);
    reader_open(&reader);
    CU_ASSERT_TRUE(answer_is(&writer, "PRAGMA journal_mode", "wal"));
    CU_ASSERT_TRUE(answer_is(&reader, "PRAGMA journal_mode", "wal"));
    CU_ASSERT_EQUAL(answer_int(&writer, "PRAGMA synchronous"), 2);
    CU_ASSERT_EQUAL(answer_int(&writer, "PRAGMA foreign_keys"), 1);
    CU_ASSERT_EQUAL(answer_int(&reader, "PRAGMA foreign_keys"), 1);
    CU_ASSERT_EQUAL(answer_int(&reader, "PRAGMA query_only"), 1);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* What the URL says reaches SQLite. OPT-18 OPT-19 REG-04 */
TEST(url_options_reach_the_connection)
{
    struct session s = {0};
    folder_make();
    session_open(&s,
                 "sqlite:///%s/t.db?journal_mode=truncate&synchronous=normal&foreign_keys=off&cache_size=-4000"
                 "&temp_store=memory&journal_size_limit=4096&wal_autocheckpoint=7&mmap_size=65536",
                 ADB__ROLE_WRITER);
    CU_ASSERT_TRUE(answer_is(&s, "PRAGMA journal_mode", "truncate"));
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA synchronous"), 1);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA foreign_keys"), 0);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA cache_size"), -4000);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA temp_store"), 2);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA journal_size_limit"), 4096);
    CU_ASSERT_EQUAL(answer_int(&s, "PRAGMA mmap_size"), 65536);
    session_close(&s);
    CU_ASSERT_EQUAL(access(folder_path("t.db"), F_OK), 0); /* and not "t.db?journal_mode=..." */
    folder_remove();
}

/* The caller's pragmas hold on every connection, in order, and win over the URL. OPT-26 REG-61 */
TEST(pragmas_hold_on_every_connection)
{
    const adb_pragma pragmas[] = {{"page_size", "8192"}, {"user_version", "5"}, {"application_id", "7"},
                                  {"user_version", "6"}, {"cache_size", "123"}, {"encoding", "UTF-8"}};
    struct session writer = {.options = {.pragmas = pragmas, .n_pragmas = 6}};
    struct session reader = {.options = {.pragmas = pragmas, .n_pragmas = 6}};
    folder_make();
    session_open(&writer, "sqlite:///%s/t.db?cache_size=9", ADB__ROLE_WRITER);
    session_open(&reader, "sqlite:///%s/t.db?cache_size=9", ADB__ROLE_READER);
    CU_ASSERT_EQUAL(answer_int(&writer, "PRAGMA page_size"), 8192);
    CU_ASSERT_EQUAL(answer_int(&writer, "PRAGMA user_version"), 6);
    CU_ASSERT_EQUAL(answer_int(&writer, "PRAGMA cache_size"), 123);
    CU_ASSERT_EQUAL(answer_int(&reader, "PRAGMA cache_size"), 123);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* A path is a path, whatever bytes are in it. URL-11 URL-12 OPT-19 REG-41 */
TEST(odd_file_names_are_taken_literally)
{
    static const char *const urls[] = {"a%3Fmode=ro", "a%23b", "a%2525b", "a b", "file:x?uri=false", "%C3%A9.db"};
    static const char *const names[] = {"a?mode=ro", "a#b", "a%25b", "a b", "file:x", "\xc3\xa9.db"};
    folder_make();
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char url[256];
        snprintf(url, sizeof(url), "sqlite:///%s/%s", folder, urls[i]);
        struct session s = {0};
        session_open(&s, url, ADB__ROLE_WRITER);
        must(&s, "CREATE TABLE t (a)");
        session_close(&s);
        CU_ASSERT_EQUAL(access(folder_path(names[i]), F_OK), 0);
    }
    folder_remove();
}

/* K's rule for paths, by option: three slashes are absolute. CFL-01 REG-54 */
TEST(sqlite_path_absolute_opens_the_path_as_written)
{
    struct session s = {0};
    folder_make();
    char url[256];
    snprintf(url, sizeof(url), "sqlite://%s/t.db?sqlite_path=absolute", folder);
    session_open(&s, url, ADB__ROLE_WRITER);
    session_close(&s);
    CU_ASSERT_EQUAL(access(folder_path("t.db"), F_OK), 0);
    folder_remove();
}

/* A name that begins with "file:" is SQLite's own URI. OPT-18 */
TEST(a_sqlite_uri_is_passed_on)
{
    struct session s = {0};
    folder_make();
    session_open(&s, "sqlite:///file:%s/t.db%3Fpsow=1", ADB__ROLE_WRITER);
    must(&s, "CREATE TABLE t (a)");
    session_close(&s);
    CU_ASSERT_EQUAL(access(folder_path("t.db"), F_OK), 0);
    session_open(&s, "sqlite:///file:%s/t.db%3Fpsow=1?immutable=1", ADB__ROLE_WRITER);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT count(*) FROM t"), 0);
    session_close(&s);
    folder_remove();
}

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

/* In a shared cache a lock on a table is waited for like any other, and given up on like any other. */
TEST(a_lock_in_a_shared_cache_is_waited_for)
{
    struct session a = {0}, b = {0};
    session_open(&a, "sqlite://?cache=shared", ADB__ROLE_WRITER);
    session_open(&b, "sqlite://?cache=shared&busy_timeout=20", ADB__ROLE_WRITER);
    must(&a, "CREATE TABLE t (x)");
    must(&a, "BEGIN IMMEDIATE");
    must(&a, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(run(&b, "SELECT * FROM t"), ADB_E_LOCKED);
    CU_ASSERT(b.looks > 2);
    must(&a, "COMMIT");
    CU_ASSERT_EQUAL(answer_int(&b, "SELECT x FROM t"), 1);
    session_close(&b);
    session_close(&a);
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
          "................................................................", file);
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
    CU_ASSERT(opens_not("sqlite:///file:%s/t.db%3Fvfs=unix-none?journal_mode=wal", ADB__ROLE_WRITER,
                        ADB_E_UNSUPPORTED, "journal_mode wal is not possible here"));
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
        "INSERT INTO t VALUES (1)", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "UPDATE t SET x = 2",
        "DELETE FROM t", "CREATE TABLE u (x)", "CREATE TEMP TABLE u (x)", "DROP TABLE t", "VACUUM", "ANALYZE",
        "REINDEX", "BEGIN", "BEGIN IMMEDIATE", "/* so */ -- that\n begin exclusive", "SAVEPOINT s",
        "ATTACH ':memory:' AS m", "DETACH m", "PRAGMA user_version = 3", "PRAGMA main.foreign_keys(off)",
        "PRAGMA cache_size=5", "PRAGMA query_only = 0", "PRAGMA wal_checkpoint", "PRAGMA optimize",
        "INSERT INTO t VALUES (1) RETURNING x", "SELECT * FROM not_here_but_perhaps_temporary",
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
        "SELECT * FROM t", "VALUES (1)", "WITH a AS (SELECT 1) SELECT * FROM a", "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN QUERY PLAN DELETE FROM t", "PRAGMA table_info(t)", "PRAGMA main.index_list = 't'",
        "PRAGMA journal_mode", "PRAGMA user_version", "PRAGMA integrity_check(5)", " ; ; SELECT 1 ; -- done",
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

/* The core's transactions on a reader: a snapshot; a write inside is told by the text that began it. */
TEST(a_read_only_transaction_runs_on_a_reader)
{
    struct session writer = {0}, reader = {0};
    struct adb__buf text = ADB__BUF_INIT;
    folder_make();
    file_open(&writer);
    must(&writer, "CREATE TABLE t (x)");
    reader_open(&reader);
    REQUIRE(DRIVER->begin_text(ADB_TRANSACTION(.read_only = true), &text, NULL) == ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, text.bytes), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 0);
    must(&writer, "INSERT INTO t VALUES (1)");
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 0);
    CU_ASSERT_EQUAL(run(&reader, "INSERT INTO t VALUES (2)"), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(run(&reader, "SELECT * FROM nowhere"), ADB_E_UNDEFINED);
    CU_ASSERT_EQUAL(run_control(&reader, "SAVEPOINT adb_2"), ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, "RELEASE SAVEPOINT adb_2"), ADB_OK);
    CU_ASSERT_EQUAL(run_control(&reader, "COMMIT"), ADB_OK);
    CU_ASSERT_EQUAL(answer_int(&reader, "SELECT count(*) FROM t"), 1);
    CU_ASSERT_EQUAL(run(&reader, "INSERT INTO t VALUES (2)"), ADB__NEED_WRITER);
    adb__buf_fini(&text);
    session_close(&reader);
    session_close(&writer);
    folder_remove();
}

/* The same on the one connection that a database in memory has: the promise does not depend on readers. */
TEST(a_read_only_transaction_refuses_writes_on_the_writer_too)
{
    struct session s = {0};
    memory_open(&s);
    must(&s, "CREATE TABLE t (x)");
    CU_ASSERT_EQUAL(run_control(&s, ADB__SQLITE_BEGIN_READ_ONLY), ADB_OK);
    CU_ASSERT_EQUAL(run(&s, "INSERT INTO t VALUES (1)"), ADB_E_READ_ONLY);
    CU_ASSERT(failed_as(&s, ADB_E_READ_ONLY, "25006", "read-only transaction"));
    must(&s, "COMMIT");
    must(&s, "INSERT INTO t VALUES (1)");
    session_close(&s);
}

static bool begins_as(const adb_transaction_options *options, const char *expected)
{
    struct adb__buf text = ADB__BUF_INIT;
    const adb_status status = DRIVER->begin_text(options, &text, NULL);
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
    CU_ASSERT(begins_as(ADB_TRANSACTION(.lock = ADB_LOCK_EXCLUSIVE), "BEGIN EXCLUSIVE"));
    const adb_transaction_options *const unsupported[] = {
        ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED), ADB_TRANSACTION(.deferrable = true),
        ADB_TRANSACTION(.read_only = true, .lock = ADB_LOCK_IMMEDIATE)};
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(DRIVER->begin_text(unsupported[i], &text, &error), ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(DRIVER->begin_text(ADB_TRANSACTION(.lock = (adb_lock)9), &text, &error), ADB_E_INVAL);
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

/* Another connection holds the write lock: tried again and again, then given up with advice. ERR-02 PAIN-22 */
TEST(a_lock_is_waited_for_until_the_timeout)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=30", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_LOCKED);
    CU_ASSERT(b.looks > 3);
    CU_ASSERT(failed_as(&b, ADB_E_LOCKED, "55P03", "locked"));
    CU_ASSERT_EQUAL(b.error.flags, ADB_ERROR_RETRY_STATEMENT | ADB_ERROR_RETRY_TRANSACTION);
    must(&a, "COMMIT");
    must(&b, "CREATE TABLE t (x)");
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* With busy_timeout=0 nobody waits. */
TEST(a_busy_timeout_of_zero_does_not_wait)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=0", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_LOCKED);
    CU_ASSERT(b.looks <= 1);
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* Cancel and deadline end a wait: the handler asks each time. */
TEST(a_wait_for_a_lock_ends_when_told_to_stop)
{
    struct session a = {0}, b = {0};
    folder_make();
    file_open(&a);
    session_open(&b, "sqlite:///%s/t.db?busy_timeout=600000", ADB__ROLE_WRITER);
    must(&a, "BEGIN IMMEDIATE");
    b.stop_after = 3;
    CU_ASSERT_EQUAL(run(&b, "CREATE TABLE t (x)"), ADB_E_CANCELLED);
    CU_ASSERT(failed_as(&b, ADB_E_CANCELLED, "57014", "interrupted"));
    CU_ASSERT_EQUAL(b.looks, 3);
    b.stop_after = 0;
    must(&a, "COMMIT");
    must(&b, "CREATE TABLE t (x)");
    session_close(&b);
    session_close(&a);
    folder_remove();
}

/* A connection that waits while it is being opened has the deadline of the attempt. */
TEST(opening_waits_no_longer_than_its_deadline)
{
    struct session a = {0}, b = {0};
    folder_make();
    session_open(&a, "sqlite:///%s/t.db?journal_mode=delete", ADB__ROLE_WRITER);
    must(&a, "CREATE TABLE t (x)");
    must(&a, "BEGIN EXCLUSIVE");
    session_try(&b, "sqlite://", ADB__ROLE_WRITER);
    session_close(&b);
    b.url = url_of("sqlite:///%s/t.db?busy_timeout=600000");
    b.open.url = b.url;
    b.open.deadline = adb__clock_now() + 20 * ADB__NS_PER_MS;
    struct adb__sqlite conn = {0};
    CU_ASSERT_EQUAL(DRIVER->open(&conn, &b.open, &b.error), ADB_E_LOCKED);
    DRIVER->close(&conn);
    adb_url_free(b.url);
    session_close(&a);
    folder_remove();
}

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

/* A statement that never waits is stopped too: SQLite's steps are counted. */
TEST(a_running_statement_asks_whether_to_stop)
{
    struct session s = {0};
    memory_open(&s);
    s.stop_after = 4;
    CU_ASSERT_EQUAL(run(&s, ENDLESS), ADB_E_CANCELLED);
    CU_ASSERT(failed_as(&s, ADB_E_CANCELLED, "57014", "interrupted"));
    CU_ASSERT_EQUAL(s.looks, 4);
    s.stop_after = 0;
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

struct canceller {
    struct session *session;
    pthread_mutex_t lock;
    bool done;
};

static bool is_done(struct canceller *canceller)
{
    pthread_mutex_lock(&canceller->lock);
    const bool done = canceller->done;
    pthread_mutex_unlock(&canceller->lock);
    return done;
}

/* Requests may come early, late and often. */
static void *cancel_until_done(void *data)
{
    struct canceller *canceller = data;
    while (!is_done(canceller)) {
        DRIVER->cancel(canceller->session->conn, ADB__CANCEL_ASK);
        sched_yield();
    }
    DRIVER->cancel(canceller->session->conn, ADB__CANCEL_SEVER);
    return NULL;
}

/* From another thread, while the statement runs; afterwards the connection works. */
TEST(cancel_from_another_thread_interrupts)
{
    struct session s = {0};
    struct canceller canceller = {.session = &s, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    memory_open(&s);
    REQUIRE(pthread_create(&thread, NULL, cancel_until_done, &canceller) == 0);
    CU_ASSERT_EQUAL(run(&s, ENDLESS), ADB_E_CANCELLED);
    pthread_mutex_lock(&canceller.lock);
    canceller.done = true;
    pthread_mutex_unlock(&canceller.lock);
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    session_close(&s);
}

/* Nothing runs, nothing is open yet, nothing is open any more: no harm. */
TEST(a_stray_cancel_is_harmless)
{
    struct session s = {0};
    struct adb__sqlite conn = {0};
    DRIVER->cancel(&conn, ADB__CANCEL_ASK);
    memory_open(&s);
    DRIVER->cancel(s.conn, ADB__CANCEL_ASK);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT 7"), 7);
    DRIVER->close(s.conn);
    DRIVER->cancel(s.conn, ADB__CANCEL_ASK);
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
    FAULT_EACH(n) {
        struct session s = {.options = {.functions = &function, .n_functions = 1}};
        fault_arm(1000000);
        s.url = url_of("sqlite:///%s/t.db");
        session_close(&s);
        struct adb__sqlite conn = {0};
        const size_t lent = fault_live_blocks();
        adb_url *url = url_of("sqlite:///%s/t.db");
        const struct adb__open open = {.url = url, .options = &s.options, .anchor = "a", .log = &s.log,
                                       .deadline = ADB__NEVER};
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

SUITE(sqlite_driver, CASE(known_options_are_accepted), CASE(bad_option_values_name_key_offset_and_value),
      CASE(a_repeated_option_is_refused), CASE(host_user_port_and_password_are_refused),
      CASE(a_wal_file_has_one_writer_and_readers),
      CASE(other_journals_shared_cache_and_forced_rollback_have_one_connection),
      CASE(memory_has_one_connection_that_stays_open), CASE(a_read_only_file_has_equal_connections),
      CASE(unusable_pragmas_and_functions_are_refused), CASE(a_new_file_is_wal_synchronous_full_with_foreign_keys),
      CASE(url_options_reach_the_connection), CASE(pragmas_hold_on_every_connection),
      CASE(odd_file_names_are_taken_literally), CASE(sqlite_path_absolute_opens_the_path_as_written),
      CASE(a_sqlite_uri_is_passed_on), CASE(memory_is_private_to_the_handle), CASE(a_file_can_be_attached_to_memory),
      CASE(shared_memory_is_shared_by_anchor_or_name_and_ends_with_its_connections),
      CASE(a_lock_in_a_shared_cache_is_waited_for), CASE(failures_to_open_say_why_and_which_file),
      CASE(missing_permissions_are_told_apart), CASE(a_file_without_write_permission_can_be_read),
      CASE(an_impossible_journal_mode_is_refused), CASE(read_only_sessions_refuse_writes),
      CASE(a_reader_hands_writes_to_the_writer), CASE(a_reader_runs_what_only_reads),
      CASE(a_read_only_transaction_runs_on_a_reader), CASE(a_read_only_transaction_refuses_writes_on_the_writer_too),
      CASE(begin_takes_the_write_lock_unless_told_otherwise), CASE(transaction_state_is_sqlites_own),
      CASE(a_lock_is_waited_for_until_the_timeout), CASE(a_busy_timeout_of_zero_does_not_wait),
      CASE(a_wait_for_a_lock_ends_when_told_to_stop), CASE(opening_waits_no_longer_than_its_deadline),
      CASE(a_running_statement_asks_whether_to_stop), CASE(cancel_from_another_thread_interrupts),
      CASE(a_stray_cancel_is_harmless), CASE(check_notices_a_file_that_was_replaced_or_deleted),
      CASE(reset_puts_the_settings_back), CASE(no_journal_is_left_behind_whoever_closes_last),
      CASE(close_copes_with_statements_of_the_callers), CASE(running_out_of_memory_leaks_nothing))
