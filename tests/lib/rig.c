/* SPDX-License-Identifier: BSD-3-Clause */
/* Rigs: made for a test, taken apart behind it. */
#include "tests/lib/rig.h"

#include "core/database.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct kind kind_fake = {
    .name = "fake",
    .quick = "value 1",
    .slow = "block slow",
    .insert = "insert :n",
    .rows = "table",
    .wrong = "fail syntax",
};

const struct kind kind_sqlite = {
    .name = "sqlite",
    .quick = "SELECT 1",
    .slow = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    .insert = "INSERT INTO t VALUES (:n)",
    .rows = "SELECT n FROM t ORDER BY rowid",
    .wrong = "SELECT no_such_column FROM t",
};

/* Read by ThreadSanitizer where there is one: the many children of a test shall end at once. */
const char *__tsan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}

/* A log that is seen only when a test prints it: failures are what the tests are about. */
static void no_log(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

static bool has_driver(const char *name)
{
    for (size_t i = 0; adb_driver_name(i) != NULL; i++) {
        if (strcmp(adb_driver_name(i), name) == 0)
            return true;
    }
    return false;
}

static void open_url(struct rig *rig, const char *url, const adb_options *options)
{
    adb_error error;
    adb_options own = {.size = sizeof(own)};
    if (options != NULL)
        own = *options;
    if (own.log == NULL)
        own.log = no_log;
    const adb_status status = adb_database_open(url, &own, &rig->db, &error);
    if (status != ADB_OK)
        printf("%s: %s\n", url, error.message);
    REQUIRE(status == ADB_OK);
    rig->queue = adb_queue_new();
    rig->ctx = adb_context_new(rig->db, rig->queue, 0);
    REQUIRE(rig->ctx != NULL);
}

void rig_open_fake(struct rig *rig, const char *url, const adb_options *options)
{
    *rig = (struct rig){.kind = &kind_fake};
    fake_reset();
    open_url(rig, url, options);
}

static void open_file(struct rig *rig, const adb_options *options)
{
    char url[128];
    const char *parent = getenv("TMPDIR");
    snprintf(rig->folder, sizeof(rig->folder), "%s/adb-test-XXXXXX",
             parent != NULL && strlen(parent) < 32 && parent[0] == '/' ? parent : "/tmp");
    REQUIRE(mkdtemp(rig->folder) != NULL);
    snprintf(url, sizeof(url), "sqlite:///%s/t.db?synchronous=off", rig->folder);
    adb_database *maker;
    REQUIRE(adb_database_open(url, NULL, &maker, NULL) == ADB_OK);
    adb_context *ctx = adb_context_new(maker, NULL, 0);
    REQUIRE(status_of(ctx, adb_execute(ctx, "CREATE TABLE t (n INTEGER CHECK (n >= 0))", NULL, NULL, NULL)) == ADB_OK);
    adb_context_free(ctx);
    adb_database_close(maker, PATIENCE_MS);
    adb_database_free(maker);
    open_url(rig, url, options);
}

bool rig_open(struct rig *rig, const struct kind *kind, const adb_options *options)
{
    if (kind == &kind_fake) {
        rig_open_fake(rig, "fake://", options);
        return true;
    }
    *rig = (struct rig){.kind = kind};
    if (!has_driver(kind->name))
        return false;
    fake_reset();
    open_file(rig, options);
    return true;
}

void rig_remove_folder(const struct rig *rig)
{
    const char *folder = rig->folder;
    DIR *dir = folder[0] == '\0' ? NULL : opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[384];
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        unlink(path); /* "." and ".." stay by themselves */
    }
    closedir(dir);
    rmdir(folder);
}

void rig_drop(struct rig *rig)
{
    adb_context_free(rig->ctx);
    adb_queue_free(rig->queue);
    adb_database_free(rig->db);
    fake_await_connections(0);
    rig_remove_folder(rig);
    CU_ASSERT_EQUAL(fake_breaches(), 0);
}

/* Workers that nobody has waited for. */
static unsigned count_unjoined(struct adb__pool *pool)
{
    unsigned n = 0;
    if (pool->max == 0)
        return 0;
    pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->max; i++)
        n += pool->workers[i] != NULL && pool->workers[i]->joinable;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

void rig_close(struct rig *rig)
{
    CU_ASSERT_EQUAL(adb_database_close(rig->db, PATIENCE_MS), ADB_OK);
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        CU_ASSERT_EQUAL(count_unjoined(&rig->db->servers[0].pools[role]), 0);
    rig_drop(rig);
}

adb_job rig_insert(struct rig *rig, int64_t n, adb_done_cb done, void *user_data)
{
    return adb_execute(rig->ctx, rig->kind->insert, ADB_PARAMS({"n", adb_int(n)}), done, user_data);
}

adb_job rig_quick(struct rig *rig, adb_done_cb done, void *user_data)
{
    return adb_fetch_all(rig->ctx, rig->kind->quick, NULL, done, user_data);
}

adb_job rig_slow(struct rig *rig, adb_done_cb done, void *user_data)
{
    return adb_fetch_all(rig->ctx, rig->kind->slow, NULL, done, user_data);
}

struct running {
    const struct rig *rig;
    unsigned n;
};

static bool so_many_run(void *data)
{
    const struct running *running = data;
    return rig_stats(running->rig).jobs_running >= running->n;
}

void rig_await_slow(struct rig *rig, unsigned n)
{
    struct running running = {.rig = rig, .n = n};
    if (rig->kind == &kind_fake)
        latch_expect(latch_named("slow"), n);
    await(so_many_run, &running);
}

struct one_running {
    const struct rig *rig;
    adb_job job;
};

static bool job_runs(void *data)
{
    const struct one_running *one = data;
    uint32_t index;
    uint64_t word;
    return adb__jobs_find(&one->rig->db->jobs, one->job, &index, &word) && adb__word_state(word) == ADB__JOB_RUNNING;
}

void rig_await_running(struct rig *rig, adb_job job)
{
    struct one_running one = {.rig = rig, .job = job};
    await(job_runs, &one);
}

static bool all_sleep(void *data)
{
    adb_database *db = data;
    for (size_t i = 0; i < db->n_servers; i++) {
        for (unsigned role = 0; role < ADB__N_ROLES; role++) {
            const struct adb__pool *pool = &db->servers[i].pools[role];
            if (pool->max > 0 && adb__park_sleeping(&pool->park) < adb__counter_get(&pool->n_workers))
                return false;
        }
    }
    return true;
}

void rig_await_sleep(struct rig *rig)
{
    await(all_sleep, rig->db);
}

bool rig_holds(struct rig *rig, const char *rows)
{
    return rows_are(rig->ctx, adb_fetch_all(rig->ctx, rig->kind->rows, NULL, NULL, NULL), rows);
}

adb_stats rig_stats(const struct rig *rig)
{
    adb_stats stats = {.size = sizeof(stats)};
    CU_ASSERT_EQUAL(adb_database_stats(rig->db, &stats), ADB_OK);
    return stats;
}
