/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes in wrong comes out as a status: URLs, options, files, statements, values, and calls out of place. NULL in
 * place of every pointer is in test_null_arguments.c. */
#include "tests/lib/harness.h"

#include <asyncdb.h>

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static char folder[64];
static adb_database *db;
static adb_context *ctx;

/* The fixture ------------------------------------------------------------------------------------------------------ */

static atomic_int n_logged;

static void log_count(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
    n_logged++;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void finish(void)
{
    adb_context_free(ctx);
    adb_database_free(db);
    ctx = NULL;
    db = NULL;
    if (folder[0] != '\0')
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

static const char *path_of(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *const slot = path[next++ % 4];
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/adb-bad-XXXXXX");
        REQUIRE(mkdtemp(folder) != NULL);
    }
    snprintf(slot, sizeof(path[0]), "%s/%s", folder, name);
    return slot;
}

static void open_with(const char *url, const adb_options *options)
{
    adb_options own = {.size = sizeof(own)};
    if (options != NULL)
        own = *options;
    own.log = log_count;
    adb_context_free(ctx);
    adb_database_free(db);
    ctx = NULL;
    db = NULL;
    REQUIRE(adb_database_open(url, &own, &db, NULL) == ADB_OK);
    ctx = adb_context_new(db, NULL, 0);
    REQUIRE(ctx != NULL);
}

static void open_memory(void)
{
    open_with("sqlite://", NULL);
}

static void open_file(const char *name, const char *query)
{
    char url[256];
    snprintf(url, sizeof(url), "sqlite:///%s%s", path_of(name), query);
    open_with(url, NULL);
}

static adb_status ended(adb_job job)
{
    adb_result *result = adb_wait(ctx, job, PATIENCE_MS);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

static adb_status run(const char *sql, const adb_params *params)
{
    return ended(adb_fetch_all(ctx, sql, params, NULL, NULL));
}

/* The job fails so, in a message with those words. */
static bool fails(adb_job job, adb_status status, const char *words)
{
    adb_result *result = adb_wait(ctx, job, PATIENCE_MS);
    const adb_error *error = adb_result_error(result);
    const bool good = error->status == status && strstr(error->message, words) != NULL;
    if (!good)
        printf("# %s: %s\n", adb_status_name(error->status), error->message);
    adb_result_unref(result);
    return good;
}

/* URLs and options ------------------------------------------------------------------------------------------------- */

/* Open refuses the URL so, in a message with those words, and touches nothing. */
static bool refuses_with(const char *url, const adb_options *options, adb_status status, const char *words)
{
    adb_database *untouched = NULL;
    adb_error error = {0};
    const adb_status got = adb_database_open(url, options, &untouched, &error);
    const bool good =
        got == status && error.status == status && untouched == NULL && strstr(error.message, words) != NULL;
    if (!good)
        printf("# %s: %s: %s\n", url, adb_status_name(got), error.message);
    adb_database_free(untouched);
    return good;
}

static bool refuses(const char *url, adb_status status, const char *words)
{
    return refuses_with(url, NULL, status, words);
}

/* A text that is no URL is told where it stops being one. URL-02 URL-09 ERR-07 */
TEST(what_is_no_url_is_refused)
{
    CU_ASSERT(refuses("", ADB_E_URL, "offset"));
    CU_ASSERT(refuses("notes.db", ADB_E_URL, "offset"));
    CU_ASSERT(refuses("sqlite", ADB_E_URL, "offset"));
    CU_ASSERT(refuses("postgresql://localhost:port/x", ADB_E_URL, "port"));
    CU_ASSERT(refuses("postgresql://localhost:65536/x", ADB_E_URL, "port"));
    CU_ASSERT(refuses("sqlite:///x%zz", ADB_E_URL, "offset"));
}

/* An unknown database is told from one that was not built in, and neither gives another. CFL-17 URL-30 URL-31 ERR-04
 * DRV-11 */
TEST(unknown_databases_and_drivers_are_refused)
{
    CU_ASSERT(refuses("oracle://x", ADB_E_DRIVER, "oracle"));
    CU_ASSERT(refuses("sqlite+nonsense:///x", ADB_E_DRIVER, "nonsense"));
    CU_ASSERT(refuses("SQLITEX:///x", ADB_E_DRIVER, "sqlitex"));
}

/* Options that nobody knows, or with values that cannot be, name the key. OPT-02 OPT-05 OPT-20 OPT-21 OPT-33 */
TEST(bad_options_of_a_url_are_refused)
{
    CU_ASSERT(refuses("sqlite:///x?max_sise=5", ADB_E_OPTION, "max_sise"));
    CU_ASSERT(refuses("sqlite:///x?max_size=many", ADB_E_OPTION, "max_size"));
    CU_ASSERT(refuses("sqlite:///x?max_size=-1", ADB_E_OPTION, "max_size"));
    CU_ASSERT(refuses("sqlite:///x?max_size=257", ADB_E_OPTION, "max_size"));
    CU_ASSERT(refuses("sqlite:///x?min_size=5&max_size=2", ADB_E_OPTION, "min_size"));
    CU_ASSERT(refuses("sqlite:///x?force_rollback=perhaps", ADB_E_OPTION, "force_rollback"));
    CU_ASSERT(refuses("sqlite:///x?pool=maybe", ADB_E_OPTION, "pool"));
    CU_ASSERT(refuses("sqlite:///x?ssl=maybe", ADB_E_OPTION, "ssl"));
    CU_ASSERT(refuses("sqlite:///x?busy_timeout=soon", ADB_E_OPTION, "busy_timeout"));
}

/* The same for options that are given in the struct. OPT-33 */
TEST(bad_options_of_a_struct_are_refused)
{
    static const char newer[sizeof(adb_options) + 8] = {[sizeof(adb_options) + 7] = 1};
    adb_options *larger = (adb_options *)calloc(1, sizeof(newer));
    REQUIRE(larger != NULL);
    memcpy(larger, newer, sizeof(newer));
    larger->size = sizeof(newer);
    CU_ASSERT(refuses_with("sqlite:///x", larger, ADB_E_UNSUPPORTED, "newer"));
    larger->size = 0;
    CU_ASSERT(refuses_with("sqlite:///x", larger, ADB_E_INVAL, "size"));
    free(larger);
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.max_size = 257), ADB_E_OPTION, "max_size"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.min_size = 3, .max_size = 2), ADB_E_OPTION, "min_size"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.queue_capacity = 1048577), ADB_E_OPTION, "queue_capacity"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.port = 65536), ADB_E_OPTION, "port"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.n_pragmas = 1), ADB_E_INVAL, "NULL"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.n_functions = 1), ADB_E_INVAL, "NULL"));
    CU_ASSERT(refuses_with("sqlite:///x", ADB_OPTIONS(.n_replicas = 1), ADB_E_INVAL, "NULL"));
}

/* Files ------------------------------------------------------------------------------------------------------------ */

static void write_file(const char *path, const char *text, size_t times)
{
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    for (size_t i = 0; i < times; i++)
        fputs(text, file);
    fclose(file);
}

/* Connect says why, and so does the first job. LIFE-24 */
TEST(a_file_that_cannot_be_opened_is_told)
{
    adb_error error = {0};
    open_file("no_such_folder/x.db", "");
    CU_ASSERT_EQUAL(adb_database_connect(db, PATIENCE_MS, &error), ADB_E_CONNECTION);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "folder"));
    CU_ASSERT(fails(adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL), ADB_E_CONNECTION, "folder"));
    open_file("", "");
    CU_ASSERT(fails(adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL), ADB_E_CONNECTION, "directory"));
    open_file("missing.db", "?mode=rw");
    CU_ASSERT(fails(adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL), ADB_E_CONNECTION, "exist"));
    finish();
}

/* Each job is told, and the log once a second. */
TEST(a_file_that_cannot_be_opened_does_not_fill_the_log)
{
    struct timespec begun, now;
    open_file("no_such_folder/x.db", "");
    n_logged = 0;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < 300; i++)
        CU_ASSERT(fails(adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL), ADB_E_CONNECTION, "folder"));
    clock_gettime(CLOCK_MONOTONIC, &now);
    CU_ASSERT(n_logged >= 1);
    CU_ASSERT(n_logged <= 2 + (int)(now.tv_sec - begun.tv_sec));
    finish();
}

/* A file that is no database, and one that is damaged. */
TEST(a_corrupt_file_is_told)
{
    write_file(path_of("text.db"), "this is no database, only text that is long enough\n", 100);
    open_file("text.db", "");
    CU_ASSERT_EQUAL(run("SELECT * FROM sqlite_master", NULL), ADB_E_CORRUPT);
    open_file("damaged.db", "?journal_mode=delete");
    CU_ASSERT_EQUAL(
        ended(adb_execute_script(ctx, "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(50000))", NULL, NULL)),
        ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    const int fd = open(path_of("damaged.db"), O_WRONLY);
    REQUIRE(fd >= 0 && pwrite(fd, "garbage garbage garbage", 23, 4096) == 23);
    close(fd);
    CU_ASSERT_EQUAL(adb_database_connect(db, PATIENCE_MS, NULL), ADB_OK);
    CU_ASSERT_EQUAL(run("SELECT * FROM t", NULL), ADB_E_CORRUPT);
    finish();
}

/* A database that may only be read refuses writes, by option and by URL. */
TEST(a_read_only_database_refuses_writes)
{
    char url[256];
    open_file("ro.db", "");
    CU_ASSERT_EQUAL(run("CREATE TABLE t (x)", NULL), ADB_OK);
    snprintf(url, sizeof(url), "sqlite:///%s", path_of("ro.db"));
    open_with(url, ADB_OPTIONS(.read_only = true));
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (1)", NULL), ADB_E_READ_ONLY);
    open_file("ro.db", "?mode=ro");
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (1)", NULL), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(run("SELECT * FROM t", NULL), ADB_OK);
    CU_ASSERT_EQUAL(ended(adb_begin(ctx, NULL, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(run("DROP TABLE t", NULL), ADB_E_READ_ONLY);
    finish();
}

/* A database that may grow no more says so, the statement is undone, and reading goes on. */
TEST(a_full_database_is_told)
{
    open_file("full.db", "?journal_mode=delete");
    CU_ASSERT_EQUAL(run("CREATE TABLE t (x)", NULL), ADB_OK);
    CU_ASSERT_EQUAL(ended(adb_acquire(ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(run("PRAGMA max_page_count = 10", NULL), ADB_OK);
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (zeroblob(100000))", NULL), ADB_E_FULL);
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (1)", NULL), ADB_OK);
    CU_ASSERT(fails(adb_fetch_val(ctx, "SELECT count(*) FROM t", NULL, NULL, NULL), ADB_OK, ""));
    finish();
}

/* The same when it is the disk that is full. */
TEST(a_full_disk_is_told)
{
    const char *disk = path_of("disk");
    REQUIRE(mkdir(disk, 0700) == 0);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=256k") != 0) {
        puts("# no small disk without the right to mount one: see a_full_database_is_told");
        finish();
        return;
    }
    open_file("disk/full.db", "?journal_mode=delete");
    CU_ASSERT_EQUAL(run("CREATE TABLE t (x)", NULL), ADB_OK);
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (randomblob(1000000))", NULL), ADB_E_FULL);
    CU_ASSERT_EQUAL(run("INSERT INTO t VALUES (1)", NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_EQUAL(umount(disk), 0);
    finish();
}

/* Statements and parameters ---------------------------------------------------------------------------------------- */

/* Wrong SQL is the database's to say. */
TEST(wrong_sql_is_told)
{
    open_memory();
    CU_ASSERT(fails(adb_execute(ctx, "SELEKT 1", NULL, NULL, NULL), ADB_E_SYNTAX, "SELEKT"));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT 'open", NULL, NULL, NULL), ADB_E_SYNTAX, ""));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT * FROM nowhere", NULL, NULL, NULL), ADB_E_UNDEFINED, "nowhere"));
    CU_ASSERT_NOT_EQUAL(run("", NULL), ADB_OK);
    CU_ASSERT_NOT_EQUAL(run("  -- nothing\n", NULL), ADB_OK);
    CU_ASSERT_NOT_EQUAL(run(";", NULL), ADB_OK);
    finish();
}

/* Missing, extra, misnamed, mixed and impossible parameters name themselves. PAR-05 PAR-06 PAR-22 */
TEST(parameters_that_do_not_fit_are_told)
{
    open_memory();
    CU_ASSERT(fails(adb_execute(ctx, "SELECT :a", NULL, NULL, NULL), ADB_E_PARAMETER, "a"));
    CU_ASSERT(
        fails(adb_execute(ctx, "SELECT :name", ADB_PARAMS({"nmae", adb_int(1)}), NULL, NULL), ADB_E_PARAMETER, "n"));
    CU_ASSERT(
        fails(adb_execute(ctx, "SELECT 1", ADB_PARAMS({"spare", adb_int(1)}), NULL, NULL), ADB_E_PARAMETER, "spare"));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT ?, ?", ADB_PARAMS({0, adb_int(1)}), NULL, NULL), ADB_E_PARAMETER, "2"));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT ?, :a", ADB_PARAMS({"a", adb_int(1)}), NULL, NULL), ADB_E_PARAMETER, ""));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT :a", ADB_PARAMS({"a", adb_date(2024, 13, 1)}), NULL, NULL),
                    ADB_E_PARAMETER, "a"));
    CU_ASSERT(fails(adb_execute(ctx, "SELECT :a", ADB_PARAMS({"a", adb_decimal("1.2.3")}), NULL, NULL), ADB_E_PARAMETER,
                    "a"));
    CU_ASSERT(
        fails(adb_execute(ctx, "SELECT :a", ADB_PARAMS({"a", adb_list(NULL, 3)}), NULL, NULL), ADB_E_PARAMETER, "a"));
    finish();
}

/* Two statements in one text are refused before the first runs. QRY-28 */
TEST(two_statements_in_one_text_are_refused)
{
    open_memory();
    CU_ASSERT(fails(adb_execute(ctx, "CREATE TABLE t (x); DROP TABLE t", NULL, NULL, NULL), ADB_E_MULTI, ""));
    CU_ASSERT_EQUAL(run("SELECT 1;", NULL), ADB_OK);
    CU_ASSERT_EQUAL(run("SELECT ';'", NULL), ADB_OK);
    CU_ASSERT_EQUAL(run("SELECT * FROM t", NULL), ADB_E_UNDEFINED);
    finish();
}

/* A value of 2 GB and more is refused by its size: not one byte of it may be read, or this would never end. */
TEST(a_value_of_gigabytes_is_refused_unread)
{
    const size_t size = (size_t)3 << 30;
    char *large = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(large != MAP_FAILED);
    open_memory();
    CU_ASSERT_EQUAL(run("SELECT :v", ADB_PARAMS({"v", adb_text_n(large, size)})), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(run("SELECT :v", ADB_PARAMS({"v", adb_blob(large, (size_t)1 << 31)})), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(run("SELECT :v", ADB_PARAMS({"v", adb_blob(large, SIZE_MAX - 1)})), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(ended(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = large, .sql_size = size))),
                    ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    munmap(large, size);
    finish();
}

/* A result that a database cannot build is its refusal, and the connection goes on. */
TEST(a_result_that_is_too_large_is_told)
{
    open_memory();
    CU_ASSERT_EQUAL(run("SELECT zeroblob(2147483647)", NULL), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    finish();
}

/* Requests that are none, or of a newer version. */
TEST(requests_that_are_none_are_refused)
{
    open_memory();
    CU_ASSERT(fails(adb_submit(ctx, ADB_REQUEST(.kind = 0, .sql = "SELECT 1")), ADB_E_INVAL, ""));
    CU_ASSERT(fails(adb_submit(ctx, ADB_REQUEST(.kind = 99, .sql = "SELECT 1")), ADB_E_INVAL, "99"));
    CU_ASSERT(fails(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE, .sql = "SELECT 1", .flags = 1u << 9)),
                    ADB_E_INVAL, "flags"));
    CU_ASSERT(
        fails(adb_submit(ctx, &(adb_request){.kind = ADB_REQUEST_EXECUTE, .sql = "SELECT 1"}), ADB_E_INVAL, "size"));
    CU_ASSERT(fails(adb_begin(ctx, &(adb_transaction_options){.read_only = true}, NULL, NULL), ADB_E_INVAL, "size"));
    CU_ASSERT(fails(adb_begin(ctx, ADB_TRANSACTION(.retries = 1001), NULL, NULL), ADB_E_INVAL, "range"));
    CU_ASSERT(fails(adb_begin(ctx, ADB_TRANSACTION(.lock = 7), NULL, NULL), ADB_E_INVAL, "range"));
    CU_ASSERT_EQUAL(adb_context_pending(ctx), 0);
    finish();
}

/* Calls out of place ----------------------------------------------------------------------------------------------- */

static size_t n_calls;

static void count_call(adb_result *result, void *user_data)
{
    (void)result;
    (void)user_data;
    n_calls++;
}

/* A full queue refuses at once, and takes jobs again when some were delivered. Promise 2. */
TEST(a_full_queue_refuses_at_once)
{
    n_calls = 0;
    open_with("sqlite://", ADB_OPTIONS(.queue_capacity = 4));
    for (int i = 0; i < 4; i++)
        CU_ASSERT_NOT_EQUAL(adb_fetch_one(ctx, "SELECT 1", NULL, count_call, NULL), 0);
    CU_ASSERT_EQUAL(adb_fetch_one(ctx, "SELECT 1", NULL, count_call, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_BUSY);
    while (adb_context_pending(ctx) > 0) {
        adb_queue_wait(adb_context_queue(ctx), PATIENCE_MS);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    CU_ASSERT_EQUAL(n_calls, 4);
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    finish();
}

/* An id that never was, that is over, or that is another database's, is a status. Promise 15. */
TEST(job_ids_that_never_were_are_told)
{
    adb_database *other = NULL;
    open_memory();
    REQUIRE(adb_database_open("sqlite://", NULL, &other, NULL) == ADB_OK);
    adb_context *there = adb_context_new(other, NULL, 0);
    const adb_job theirs = adb_fetch_one(there, "SELECT 1", NULL, NULL, NULL);
    const adb_job ours = adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(ended(ours), ADB_OK);
    const adb_job wrong[] = {1, ours, ours + 1, theirs, UINT64_MAX, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CU_ASSERT_EQUAL(adb_cancel(ctx, wrong[i]), ADB_E_NOT_FOUND);
        CU_ASSERT_EQUAL(adb_resume(ctx, wrong[i]), ADB_E_NOT_FOUND);
        CU_ASSERT_EQUAL(ended(wrong[i]), ADB_E_NOT_FOUND);
    }
    CU_ASSERT_EQUAL(ended(0), ADB_E_NOT_FOUND);
    adb_context_free(there);
    adb_database_free(other);
    finish();
}

/* Ends without a beginning. */
TEST(ends_without_a_beginning_are_told)
{
    open_memory();
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(ended(adb_rollback(ctx, NULL, NULL)), ADB_E_NO_TRANSACTION);
    CU_ASSERT_EQUAL(ended(adb_release(ctx, NULL, NULL)), ADB_E_STATE);
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    finish();
}

/* After close everything is refused, and everything may still be asked and freed, in any order. */
TEST(a_closed_database_may_be_used_and_freed)
{
    open_memory();
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(db, 1000), ADB_OK);
    CU_ASSERT_EQUAL(adb_execute(ctx, "SELECT 1", NULL, count_call, NULL), 0);
    CU_ASSERT_EQUAL(adb_context_error(ctx)->status, ADB_E_CLOSED);
    CU_ASSERT_EQUAL(adb_begin(ctx, NULL, NULL, NULL), 0);
    adb_context *late = adb_context_new(db, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL(late);
    adb_database_free(db);
    db = NULL;
    CU_ASSERT_EQUAL(adb_execute(late, "SELECT 1", NULL, count_call, NULL), 0);
    CU_ASSERT_STRING_EQUAL(adb_database_driver(adb_context_database(ctx)), "sqlite");
    adb_context_free(late);
    finish();
}

#define ENDLESS "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"

/* Freeing while jobs wait and run ends them, each with one call. Promise 1. */
TEST(freeing_with_jobs_under_way_ends_them)
{
    adb_stats stats = {.size = sizeof(stats)};
    n_calls = 0;
    open_memory();
    for (int i = 0; i < 5; i++)
        CU_ASSERT_NOT_EQUAL(adb_fetch_all(ctx, ENDLESS, NULL, count_call, NULL), 0);
    while (stats.jobs_running == 0) {
        CU_ASSERT_EQUAL(adb_database_stats(db, &stats), ADB_OK);
        sched_yield();
    }
    adb_database_free(db);
    CU_ASSERT_EQUAL(n_calls, 5);
    db = NULL;
    finish();
}

/* The same when the context goes first, and when its queue does. */
TEST(freeing_a_context_with_jobs_under_way_ends_them)
{
    n_calls = 0;
    open_memory();
    adb_queue *queue = adb_queue_new();
    adb_context *first = adb_context_new(db, queue, 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_NOT_EQUAL(adb_fetch_all(first, ENDLESS, NULL, count_call, NULL), 0);
    adb_context_free(first);
    adb_queue_free(queue);
    CU_ASSERT_EQUAL(run("SELECT 1", NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(db, 5000), ADB_OK);
    CU_ASSERT_EQUAL(n_calls, 3);
    finish();
}

SUITE(bad_input, CASE(what_is_no_url_is_refused), CASE(unknown_databases_and_drivers_are_refused),
      CASE(bad_options_of_a_url_are_refused), CASE(bad_options_of_a_struct_are_refused),
      CASE(a_file_that_cannot_be_opened_is_told), CASE(a_file_that_cannot_be_opened_does_not_fill_the_log),
      CASE(a_corrupt_file_is_told),
      CASE(a_read_only_database_refuses_writes), CASE(a_full_database_is_told), CASE(a_full_disk_is_told),
      CASE(wrong_sql_is_told), CASE(parameters_that_do_not_fit_are_told), CASE(two_statements_in_one_text_are_refused),
      CASE(a_value_of_gigabytes_is_refused_unread), CASE(a_result_that_is_too_large_is_told),
      CASE(requests_that_are_none_are_refused), CASE(a_full_queue_refuses_at_once),
      CASE(job_ids_that_never_were_are_told), CASE(ends_without_a_beginning_are_told),
      CASE(a_closed_database_may_be_used_and_freed), CASE(freeing_with_jobs_under_way_ends_them),
      CASE(freeing_a_context_with_jobs_under_way_ends_them))
