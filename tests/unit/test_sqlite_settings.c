/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL and its options say to the SQLite driver: refused or accepted, the layout that follows, and that it
 * reaches the connections. */
#include "tests/unit/sqlite_fixture.h"

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
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///name?mode=memory",
        "sqlite:///name?mode=memory&cache=shared",
        "sqlite:///file::memory:?cache=shared",
        "sqlite:///file:name%3Fmode=memory",
        "sqlite:///file:",
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
        CU_ASSERT_EQUAL(
            configure("sqlite://", ADB_OPTIONS(.functions = &functions[i], .n_functions = 1), &layout, &error),
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

SUITE(sqlite_settings, CASE(known_options_are_accepted), CASE(bad_option_values_name_key_offset_and_value),
      CASE(a_repeated_option_is_refused), CASE(host_user_port_and_password_are_refused),
      CASE(a_wal_file_has_one_writer_and_readers),
      CASE(other_journals_shared_cache_and_forced_rollback_have_one_connection),
      CASE(memory_has_one_connection_that_stays_open), CASE(a_read_only_file_has_equal_connections),
      CASE(unusable_pragmas_and_functions_are_refused), CASE(a_new_file_is_wal_synchronous_full_with_foreign_keys),
      CASE(url_options_reach_the_connection), CASE(pragmas_hold_on_every_connection),
      CASE(odd_file_names_are_taken_literally), CASE(sqlite_path_absolute_opens_the_path_as_written),
      CASE(a_sqlite_uri_is_passed_on))
