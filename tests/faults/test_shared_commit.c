/* SPDX-License-Identifier: BSD-3-Clause */
/* The commit that several writes share on SQLite, when the disk is full at that moment, and when the process is killed
 * in the middle of it: each write that was reported is there, each that was said to have failed is not, and the file is
 * whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tests/lib/harness.h"

#include <asyncdb.h>

#include <sqlite3.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

#define N_CONTEXTS  64
#define N_ROUNDS    6
#define MOST_IDS    100000
#define LIMIT_BYTES (1024 * 1024)

static char folder[64];

/* What became of each id: of no other number. */
enum fate { UNKNOWN, WRITTEN, FAILED };
static unsigned char fates[MOST_IDS];
static size_t n_written, n_failed;

static const char *file_path(const char *suffix)
{
    static char path[96];
    snprintf(path, sizeof(path), "%s/x.db%s", folder, suffix);
    return path;
}

static void folder_make(void)
{
    strcpy(folder, "/tmp/adb-commit-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    memset(fates, UNKNOWN, sizeof(fates));
    n_written = n_failed = 0;
}

static void files_remove(void)
{
    unlink(file_path(""));
    unlink(file_path("-wal"));
    unlink(file_path("-shm"));
}

static adb_database *open_here(void)
{
    char url[128];
    adb_database *db = NULL;
    adb_error error;
    snprintf(url, sizeof(url), "sqlite:///%s/x.db", folder); /* synchronous=full is the default */
    return adb_database_open(url, NULL, &db, &error) == ADB_OK ? db : NULL;
}

/* A flood of inserts --------------------------------------------------------------------------------------------- */

struct writer {
    adb_database *db;
    adb_queue *queue;
    adb_context *contexts[N_CONTEXTS];
    adb_done_cb done;
    int64_t next_id;
    int64_t last_id;
};

struct insert {
    struct writer *writer;
    adb_context *ctx;
    int64_t id;
};

static struct insert inserts[N_CONTEXTS];

static void insert_next(struct insert *insert)
{
    static char filling[3000]; /* so that a few hundred of them are a megabyte */
    struct writer *writer = insert->writer;
    if (writer->next_id > writer->last_id)
        return;
    insert->id = writer->next_id++;
    adb_execute(insert->ctx, "INSERT INTO t VALUES (?, ?)",
                ADB_PARAMS({0, adb_int(insert->id)}, {0, adb_blob(filling, sizeof(filling))}), writer->done, insert);
}

static void writer_run(struct writer *writer)
{
    for (size_t i = 0; i < N_CONTEXTS; i++) {
        while (adb_context_pending(writer->contexts[i]) > 0) {
            adb_queue_wait(writer->queue, -1);
            adb_queue_dispatch(writer->queue, 0);
        }
    }
}

static bool writer_open(struct writer *writer, adb_done_cb done)
{
    *writer = (struct writer){.db = open_here(), .queue = adb_queue_new(), .done = done, .next_id = 1};
    for (size_t i = 0; i < N_CONTEXTS; i++) {
        writer->contexts[i] = adb_context_new(writer->db, writer->queue, 0);
        inserts[i] = (struct insert){.writer = writer, .ctx = writer->contexts[i]};
    }
    adb_execute(writer->contexts[0], "CREATE TABLE t (id INTEGER PRIMARY KEY, filling BLOB)", NULL, NULL, NULL);
    writer_run(writer);
    return writer->db != NULL;
}

static void writer_insert(struct writer *writer, int64_t n)
{
    writer->last_id = writer->next_id + n - 1;
    for (size_t i = 0; i < N_CONTEXTS; i++)
        insert_next(&inserts[i]);
    writer_run(writer);
}

static uint64_t writer_close(struct writer *writer)
{
    adb_stats stats = {.size = sizeof(stats)};
    for (size_t i = 0; i < N_CONTEXTS; i++)
        adb_context_free(writer->contexts[i]);
    adb_database_stats(writer->db, &stats);
    CU_ASSERT_EQUAL(adb_database_close(writer->db, 10000), ADB_OK);
    adb_database_free(writer->db);
    adb_queue_free(writer->queue);
    return stats.group_commits;
}

/* What the file says, by SQLite's own hand ------------------------------------------------------------------------ */

static bool file_is_whole(sqlite3 *file)
{
    sqlite3_stmt *stmt = NULL;
    const bool whole = sqlite3_prepare_v2(file, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
                       sqlite3_step(stmt) == SQLITE_ROW &&
                       strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    return whole;
}

/* Each that was reported is there, none that has failed; returns how many are there of which nothing was heard. */
static size_t check_file(void)
{
    sqlite3 *file = NULL;
    sqlite3_stmt *stmt = NULL;
    size_t n_there = 0, n_unheard = 0;
    REQUIRE(sqlite3_open(file_path(""), &file) == SQLITE_OK);
    CU_ASSERT_TRUE(file_is_whole(file));
    REQUIRE(sqlite3_prepare_v2(file, "SELECT id FROM t", -1, &stmt, NULL) == SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const unsigned char fate = fates[sqlite3_column_int64(stmt, 0)];
        CU_ASSERT_NOT_EQUAL(fate, FAILED);
        n_there += fate == WRITTEN;
        n_unheard += fate == UNKNOWN;
    }
    CU_ASSERT_EQUAL(n_there, n_written);
    sqlite3_finalize(stmt);
    sqlite3_close(file);
    return n_unheard;
}

/* A full disk ----------------------------------------------------------------------------------------------------- */

static void on_fate(adb_result *result, void *user_data)
{
    struct insert *insert = user_data;
    const adb_status status = adb_result_status(result);
    CU_ASSERT(status == ADB_OK || status == ADB_E_FULL || status == ADB_E_IO);
    CU_ASSERT_EQUAL(fates[insert->id], UNKNOWN);
    fates[insert->id] = status == ADB_OK ? WRITTEN : FAILED;
    n_written += status == ADB_OK;
    n_failed += status != ADB_OK;
    insert_next(insert);
}

/* Fill the disk, make room again, and write on. */
static void write_until_full_and_on(bool (*set_limit)(bool full))
{
    struct writer writer;
    REQUIRE(writer_open(&writer, on_fate));
    REQUIRE(set_limit(true));
    writer_insert(&writer, 1000);
    CU_ASSERT(n_written > 0 && n_failed > 0);
    CU_ASSERT_EQUAL(n_written + n_failed, 1000);
    REQUIRE(set_limit(false));
    const size_t before = n_failed;
    writer_insert(&writer, 1000);
    CU_ASSERT_EQUAL(n_failed, before);
    CU_ASSERT_EQUAL(n_written + n_failed, 2000);
    CU_ASSERT(writer_close(&writer) > 0);
    CU_ASSERT_EQUAL(check_file(), 0);
}

static bool limit_files(bool full)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return false;
    limit.rlim_cur = full ? LIMIT_BYTES : limit.rlim_max;
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/* A file that cannot grow any more: what is written behind its limit is cut off, and then an error. */
TEST(file_that_cannot_grow_fails_those_it_has_no_room_for)
{
    struct rlimit before;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    folder_make();
    write_until_full_and_on(limit_files);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    files_remove();
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

#ifdef __linux__
static bool resize_disk(bool full)
{
    return mount(NULL, folder, NULL, MS_REMOUNT, full ? "size=1m" : "size=64m") == 0;
}

/* In a name space of this process's own; not everybody may. */
static bool mount_disk(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", folder, "tmpfs", 0, "size=64m") == 0;
}

static void unmount_disk(void)
{
    CU_ASSERT_EQUAL(umount(folder), 0);
}
#else
static bool resize_disk(bool full)
{
    (void)full;
    return false;
}

static bool mount_disk(void)
{
    return false;
}

static void unmount_disk(void)
{
}
#endif

/* The real thing, on a disk in memory. */
TEST(full_disk_fails_those_it_has_no_room_for)
{
    folder_make();
    if (mount_disk()) {
        write_until_full_and_on(resize_disk);
        unmount_disk();
    } else {
        printf("  skipped: no disk may be mounted here\n");
    }
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* A killed process ------------------------------------------------------------------------------------------------- */

enum when { BEFORE_COMMIT, BEHIND_COMMIT, AT_ANY_TIME };

/* In the child: where ids go that are known to be written. */
static int report_fd;
static int64_t changes_before, commits_left;
static sqlite3 *writers_handle;

static void on_report(adb_result *result, void *user_data)
{
    struct insert *insert = user_data;
    if (adb_result_status(result) == ADB_OK && write(report_fd, &insert->id, sizeof(insert->id)) != sizeof(insert->id))
        _exit(3);
    insert_next(insert);
}

/* The n-th commit that several writes share is the end. */
static void die_in_shared_commit(void)
{
    const int64_t now = sqlite3_total_changes(writers_handle);
    if (now - changes_before > 1 && --commits_left == 0)
        kill(getpid(), SIGKILL);
}

static int on_commit(void *nothing)
{
    (void)nothing;
    die_in_shared_commit();
    changes_before = sqlite3_total_changes(writers_handle);
    return 0;
}

static int on_wal(void *nothing, sqlite3 *handle, const char *schema, int n_pages)
{
    (void)nothing;
    (void)handle;
    (void)schema;
    (void)n_pages;
    die_in_shared_commit();
    changes_before = sqlite3_total_changes(writers_handle);
    return SQLITE_OK;
}

static adb_status set_trap(adb_session *session, void *user_data)
{
    const enum when *when = user_data;
    writers_handle = adb_session_native(session);
    changes_before = sqlite3_total_changes(writers_handle);
    if (*when == BEFORE_COMMIT)
        sqlite3_commit_hook(writers_handle, on_commit, NULL);
    if (*when == BEHIND_COMMIT)
        sqlite3_wal_hook(writers_handle, on_wal, NULL);
    return ADB_OK;
}

/* The life of the child: it inserts until it is killed, one way or the other. */
static void child_main(int fd, enum when when, int round)
{
    struct writer writer;
    report_fd = fd;
    commits_left = round + 1;
    if (!writer_open(&writer, on_report))
        _exit(4);
    adb_run(writer.contexts[0], set_trap, NULL, &when);
    writer_run(&writer);
    writer_insert(&writer, MOST_IDS - 1);
    _exit(5);
}

static bool read_id(int fd, int64_t *id_out)
{
    ssize_t size;
    do {
        size = read(fd, id_out, sizeof(*id_out)); /* writes of eight bytes to a pipe come whole */
    } while (size < 0 && errno == EINTR);
    return size == sizeof(*id_out);
}

/* Returns how many were written and not reported. */
static size_t kill_one(enum when when, int round)
{
    int fds[2], end = 0;
    int64_t id;
    folder_make();
    REQUIRE(pipe(fds) == 0);
    const pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        child_main(fds[1], when, round);
    }
    close(fds[1]);
    while (read_id(fds[0], &id)) {
        REQUIRE(id > 0 && id < MOST_IDS);
        fates[id] = WRITTEN;
        n_written++;
        if (when == AT_ANY_TIME && n_written == 100 + 77 * (size_t)round)
            kill(child, SIGKILL);
    }
    close(fds[0]);
    REQUIRE(waitpid(child, &end, 0) == child);
    CU_ASSERT_TRUE(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL);
    const size_t n_unheard = check_file();
    files_remove();
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    return n_unheard;
}

/* Killed when the commit is about to be written: nobody of those who share it was told anything. */
TEST(killed_before_a_shared_commit_was_written)
{
    for (int round = 0; round < N_ROUNDS; round++)
        kill_one(BEFORE_COMMIT, round);
}

/* Killed when it was written and nobody has heard of it yet: all of them are there. */
TEST(killed_behind_a_shared_commit)
{
    for (int round = 0; round < N_ROUNDS; round++)
        CU_ASSERT(kill_one(BEHIND_COMMIT, round) > 1);
}

/* Killed by another process, anywhere. */
TEST(killed_at_any_time)
{
    for (int round = 0; round < N_ROUNDS; round++)
        kill_one(AT_ANY_TIME, round);
}

/* The killed ones come first: a child is made while this process has no other thread. */
SUITE(shared_commit, CASE(killed_before_a_shared_commit_was_written), CASE(killed_behind_a_shared_commit),
      CASE(killed_at_any_time), CASE(file_that_cannot_grow_fails_those_it_has_no_room_for),
      CASE(full_disk_fails_those_it_has_no_room_for))
