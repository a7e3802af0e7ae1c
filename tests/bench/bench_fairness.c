/* SPDX-License-Identifier: BSD-3-Clause */
/* A probe, one small query at a time, while another context floods the same database with longer statements, a thousand
 * of them in flight: how long the probe takes then, beside what it takes alone.
 *
 * Its goal is five times what 99 of 100 probes need alone, and one statement of the flood, as long as that takes while
 * the flood goes on. */
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/counters.h"

#include <stdio.h>
#include <stdlib.h>

#define N_ROWS       100000
#define N_PROBES     2000
#define MOST_SECONDS 3    /* then there are fewer probes */
#define N_FLOOD      1000 /* in flight */
#define CONNECTIONS  4

struct bench {
    const char *id;
    const char *name;
    const char *url;
    unsigned flags;   /* of the context that floods */
    unsigned at_once; /* so many of its statements run */
    adb_database *db;
    adb_queue *queue;
    adb_context *probe, *flood;
    size_t probed, flooded, flying;
    bool flooding, probing;
    double probe_until;
    int64_t begun;
};

/* A millisecond's work, more or less. */
static const char *const long_sql = "SELECT COUNT(*), MAX(name) FROM item WHERE id <= 5000";
static const char *const short_sql = "SELECT id, name FROM item WHERE id = ?";

static void check(adb_result *result)
{
    if (adb_result_status(result) != ADB_OK)
        fprintf(stderr, "%s\n", adb_result_error(result)->message);
    BENCH_CHECK(adb_result_status(result) == ADB_OK);
}

static void flood_next(struct bench *bench);

static void on_flooded(adb_result *result, void *user_data)
{
    struct bench *bench = user_data;
    check(result);
    bench->flooded++;
    bench->flying--;
    if (bench->flooding)
        flood_next(bench);
}

static void flood_next(struct bench *bench)
{
    bench->flying++;
    BENCH_CHECK(adb_fetch_all(bench->flood, long_sql, NULL, on_flooded, bench) != 0);
}

static void probe_next(struct bench *bench);

static void on_probed(adb_result *result, void *user_data)
{
    struct bench *bench = user_data;
    check(result);
    bench_latency_end(bench->begun);
    bench->probing = ++bench->probed < N_PROBES && bench_seconds() < bench->probe_until;
    if (bench->probing)
        probe_next(bench);
}

static void probe_next(struct bench *bench)
{
    const adb_params *params = ADB_PARAMS({0, adb_int((int64_t)bench_random(N_ROWS) + 1)});
    bench->begun = bench_latency_begin();
    BENCH_CHECK(adb_fetch_one(bench->probe, short_sql, params, on_probed, bench) != 0);
}

static struct bench_latency probe_all(struct bench *bench)
{
    bench->probed = 0;
    bench->probing = true;
    bench->probe_until = bench_seconds() + MOST_SECONDS;
    bench_latency_start(N_PROBES);
    probe_next(bench);
    while (bench->probing) {
        BENCH_CHECK(adb_queue_wait(bench->queue, 60000) == ADB_OK);
        adb_queue_dispatch(bench->queue, 0);
    }
    return bench_latency_stop();
}

static void flood_end(struct bench *bench)
{
    bench->flooding = false;
    while (bench->flying > 0) {
        BENCH_CHECK(adb_queue_wait(bench->queue, 60000) == ADB_OK);
        adb_queue_dispatch(bench->queue, 0);
    }
}

/* Microseconds that a statement of the flood took, with so many at once. */
static double statement_us(const struct bench *bench, double seconds)
{
    return seconds * 1e6 * bench->at_once / (double)bench->flooded;
}

static void print_probe(const char *when, const struct bench_latency *latency)
{
    printf("  the probe %-12s  p50 %.0f p99 %.0f p99.9 %.0f us\n", when, latency->p50, latency->p99, latency->p999);
}

static void measure_flood(struct bench *bench)
{
    probe_all(bench); /* for warmth */
    const struct bench_latency alone = probe_all(bench);
    bench->flooding = true;
    bench->flooded = 0;
    for (size_t i = 0; i < N_FLOOD; i++)
        flood_next(bench);
    const double start = bench_seconds();
    const struct bench_latency flooded = probe_all(bench);
    const double statement = statement_us(bench, bench_seconds() - start);
    flood_end(bench);
    printf("%s  %s\n", bench->id, bench->name);
    print_probe("alone", &alone);
    print_probe("in the flood", &flooded);
    printf("  a statement of the flood %.0f us\n", statement);
    bench_goal("F1", bench->name, "us at p99", flooded.p99, 5 * alone.p99 + statement, true);
    printf("\n");
}

static void measure(void *argument)
{
    struct bench *bench = argument;
    bench->db = bench_open(bench->url, ADB_OPTIONS(.max_size = CONNECTIONS, .min_size = CONNECTIONS));
    bench->queue = adb_queue_new();
    bench->probe = adb_context_new(bench->db, bench->queue, 0);
    bench->flood = adb_context_new(bench->db, bench->queue, bench->flags);
    measure_flood(bench);
    adb_context_free(bench->probe);
    adb_context_free(bench->flood);
    adb_queue_free(bench->queue);
    bench_close(bench->db);
}

static void compare(const char *id, const char *name, const char *url, unsigned flags,
                    unsigned at_once)
{
    struct bench bench = {.id = id, .name = name, .url = url, .flags = flags, .at_once = at_once};
    if (bench_wanted(id))
        bench_isolate(measure, &bench);
}

static void make_table(void *argument)
{
    adb_database *db = bench_open(argument, NULL);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    bench_execute(ctx, "DROP TABLE IF EXISTS item; CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT);"
                       "INSERT INTO item SELECT i, 'the item called ' || i FROM generate_series(1, 100000) AS i;"
                       "VACUUM ANALYZE item");
    adb_context_free(ctx);
    bench_close(db);
}

int main(void)
{
    char *postgresql = getenv("ADB_TEST_POSTGRESQL_URL");
    bench_fill(N_ROWS);
    compare("flood-sqlite", "SQLite: a probe, and a context that floods", bench_url(""), 0, 1);
    compare("flood-sqlite-parallel", "SQLite: a probe, and a parallel context that floods", bench_url(""),
            ADB_CONTEXT_PARALLEL, CONNECTIONS - 1); /* the writer does not read */
    if (postgresql == NULL)
        return 0;
    bench_isolate(make_table, postgresql);
    compare("flood-postgresql", "PostgreSQL: a probe, and a context that floods", postgresql, 0, 1);
    compare("flood-postgresql-parallel", "PostgreSQL: a probe, and a parallel context that floods", postgresql,
            ADB_CONTEXT_PARALLEL, CONNECTIONS);
    return 0;
}
