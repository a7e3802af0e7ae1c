/* SPDX-License-Identifier: BSD-3-Clause */
/* A database is not alone: another process writes to the same file, and the machine has other work than an idle
 * pool. */
#include "tests/lib/harness.h"

#include <asyncdb.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS_EACH 150

static char folder[64];
static char path[96];
static char url[192];

static void make_folder(void)
{
    strcpy(folder, "/tmp/adb-neighbours-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/x.db", folder);
    snprintf(url, sizeof(url), "sqlite:///%s?synchronous=off&busy_timeout=20000", path);
}

static void remove_folder(void)
{
    char file[128];
    const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(file, sizeof(file), "%s%s", path, endings[i]);
        unlink(file);
    }
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* The other process: plain SQLite, one durable row after the other. Exits with 0 when all were written. */
static int write_as_a_neighbour(int go)
{
    sqlite3 *db;
    char byte;
    if (read(go, &byte, 1) != 1 || sqlite3_open(path, &db) != SQLITE_OK)
        return 1;
    sqlite3_busy_timeout(db, 20000);
    for (int i = 0; i < ROWS_EACH; i++) {
        if (sqlite3_exec(db, "INSERT INTO t (who) VALUES ('neighbour')", NULL, NULL, NULL) != SQLITE_OK)
            return 2;
    }
    return sqlite3_close(db) == SQLITE_OK ? 0 : 3;
}

static void count_ok(adb_result *result, void *n_ok)
{
    *(int *)n_ok += adb_result_status(result) == ADB_OK;
}

static int64_t count_rows(adb_context *ctx, const char *sql)
{
    adb_result *result = adb_wait(ctx, adb_fetch_val(ctx, sql, NULL, NULL, NULL), -1);
    const int64_t n = adb_row_int(adb_result_row(result, 0), 0);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    adb_result_unref(result);
    return n;
}

static void run_all(adb_context *ctx)
{
    while (adb_context_pending(ctx) > 0) {
        adb_queue_wait(adb_context_queue(ctx), -1);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
}

/* PAIN-22: two processes write to one file at the same time; both wait for each other, and every row is there. */
TEST(neighbour_that_writes_the_same_file_is_waited_for)
{
    int go[2], n_ok = 0, status = -1;
    make_folder();
    REQUIRE(pipe(go) == 0);
    const pid_t neighbour = fork(); /* before this process has any thread or connection */
    if (neighbour == 0)
        _exit(write_as_a_neighbour(go[0]));
    adb_database *db;
    REQUIRE(adb_database_open(url, NULL, &db, NULL) == ADB_OK);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    adb_execute(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, who TEXT)", NULL, NULL, NULL);
    run_all(ctx);
    REQUIRE(write(go[1], "!", 1) == 1);
    for (int i = 0; i < ROWS_EACH; i++)
        CU_ASSERT(adb_execute(ctx, "INSERT INTO t (who) VALUES ('self')", NULL, count_ok, &n_ok) != 0);
    run_all(ctx);
    CU_ASSERT_EQUAL(n_ok, ROWS_EACH);
    REQUIRE(waitpid(neighbour, &status, 0) == neighbour);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(count_rows(ctx, "SELECT count(*) FROM t"), 2 * ROWS_EACH);
    adb_context_free(ctx);
    adb_database_close(db, 10000);
    adb_database_free(db);
    close(go[0]);
    close(go[1]);
    remove_folder();
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

/* An open database with nothing to do wakes no thread, also while a context holds a transaction. */
TEST(idle_database_uses_no_processor)
{
    adb_database *db;
    make_folder();
    REQUIRE(adb_database_open(url, NULL, &db, NULL) == ADB_OK);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    adb_execute(ctx, "CREATE TABLE t (who TEXT)", NULL, NULL, NULL);
    CU_ASSERT_EQUAL(count_rows(ctx, "SELECT count(*) FROM t"), 0);
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(count_rows(ctx, "SELECT count(*) FROM t"), 0);
    while (adb_queue_wait(adb_context_queue(ctx), 100) == ADB_OK) /* until all is quiet */
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    const long before = switches();
    CU_ASSERT_EQUAL(adb_queue_wait(adb_context_queue(ctx), 500), ADB_E_TIMEOUT);
    CU_ASSERT(switches() - before < 10); /* this wait is one of them */
    adb_context_free(ctx);
    adb_database_close(db, 10000);
    adb_database_free(db);
    remove_folder();
}

SUITE(neighbours, CASE(neighbour_that_writes_the_same_file_is_waited_for), CASE(idle_database_uses_no_processor))
