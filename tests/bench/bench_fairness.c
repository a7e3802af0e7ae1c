/* SPDX-License-Identifier: BSD-3-Clause */
/* A probe, one small query at a time, while another context floods the same database with longer statements, a thousand
 * of them in flight: how long the probe takes then, beside what it takes alone; and what both would take by hand, on
 * bare threads with a connection each (flood_bare.h).
 *
 * Its goal is five times what 99 of 100 probes need alone, and one statement of the flood, as long as that takes while
 * the flood goes on. */
#include "tests/bench/bench.h"
#include "tests/bench/contest.h"
#include "tests/bench/flood_bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define N_FLOOD     1000 /* in flight */
#define CONNECTIONS 4
#define MOST_ROUNDS 21

/* One contest, and what came of its rounds, shared with the processes that measure. */
struct contest {
    const char *id;
    const char *name;
    const char *url;
    const char *where;                 /* for the bare client */
    const struct flood_client *client; /* the bare one */
    unsigned flags;                    /* of the context that floods */
    unsigned at_once;                  /* so many of its statements run while the probe is there, */
    unsigned n_bare;                   /* and so many by hand */
    size_t round;
    struct flood_outcome ours[MOST_ROUNDS], bare[MOST_ROUNDS];
};

struct bench {
    const struct contest *contest;
    adb_database *db;
    adb_queue *queue;
    adb_context *probe, *flood;
    size_t to_probe, flooded, flying;
    bool flooding, probing;
    double probe_until;
    int64_t begun;
};

static void check(adb_result *result)
{
    if (adb_result_status(result) != ADB_OK)
        fprintf(stderr, "%s\n", adb_result_error(result)->message);
    BENCH_CHECK(adb_result_status(result) == ADB_OK);
}

static void turn(const struct bench *bench)
{
    BENCH_CHECK(adb_queue_wait(bench->queue, 60000) == ADB_OK);
    adb_queue_dispatch(bench->queue, 0);
}

/* The flood ------------------------------------------------------------------------------------------------------- */

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
    BENCH_CHECK(adb_fetch_all(bench->flood, FLOOD_LONG, NULL, on_flooded, bench) != 0);
}

static void flood_begin(struct bench *bench)
{
    bench->flooding = true;
    for (size_t i = 0; i < N_FLOOD; i++)
        flood_next(bench);
}

static void flood_end(struct bench *bench)
{
    bench->flooding = false;
    while (bench->flying > 0)
        turn(bench);
}

/* With nobody else there: statements in a second. */
static double flood_alone(struct bench *bench)
{
    const double start = bench_seconds();
    bench->flooded = 0;
    while (bench_seconds() - start < FLOOD_ALONE_NS / 1e9)
        turn(bench);
    return (double)bench->flooded / (bench_seconds() - start);
}

/* The probe ------------------------------------------------------------------------------------------------------- */

static void probe_next(struct bench *bench);

static void on_probed(adb_result *result, void *user_data)
{
    struct bench *bench = user_data;
    check(result);
    bench_latency_end(bench->begun);
    bench->probing = --bench->to_probe > 0 && bench_seconds() < bench->probe_until;
    if (bench->probing)
        probe_next(bench);
}

static void probe_next(struct bench *bench)
{
    const adb_params *params = ADB_PARAMS({0, adb_int((int64_t)bench_random(FLOOD_ROWS) + 1)});
    bench->begun = bench_latency_begin();
    BENCH_CHECK(adb_fetch_one(bench->probe, FLOOD_SHORT "?", params, on_probed, bench) != 0);
}

static struct bench_latency probe_all(struct bench *bench, size_t n)
{
    bench->to_probe = n;
    bench->probing = true;
    bench->probe_until = bench_seconds() + FLOOD_SECONDS;
    bench_latency_start(n);
    probe_next(bench);
    while (bench->probing)
        turn(bench);
    return bench_latency_stop();
}

/* Both ways ------------------------------------------------------------------------------------------------------- */

static void measure(struct bench *bench, struct flood_outcome *outcome)
{
    probe_all(bench, FLOOD_PROBES); /* for warmth */
    outcome->alone = probe_all(bench, FLOOD_PROBES);
    flood_begin(bench);
    outcome->rate_alone = flood_alone(bench);
    const double start = bench_seconds();
    bench->flooded = 0;
    outcome->flooded = probe_all(bench, FLOOD_MOST);
    outcome->rate = (double)bench->flooded / (bench_seconds() - start);
    flood_end(bench);
}

static void measure_ours(void *argument)
{
    struct contest *contest = argument;
    struct bench bench = {.contest = contest};
    bench.db = bench_open(contest->url, ADB_OPTIONS(.max_size = CONNECTIONS, .min_size = CONNECTIONS));
    bench.queue = adb_queue_new();
    bench.probe = adb_context_new(bench.db, bench.queue, 0);
    bench.flood = adb_context_new(bench.db, bench.queue, contest->flags);
    measure(&bench, &contest->ours[contest->round]);
    adb_context_free(bench.probe);
    adb_context_free(bench.flood);
    adb_queue_free(bench.queue);
    bench_close(bench.db);
}

static void measure_bare(void *argument)
{
    struct contest *contest = argument;
    contest->bare[contest->round] = flood_bare(contest->client, contest->where, contest->n_bare);
}

/* Medians --------------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of all rounds, figure by figure: outcomes are made of doubles. */
static struct flood_outcome median(const struct flood_outcome *outcomes, size_t n)
{
    enum { N_FIGURES = sizeof(struct flood_outcome) / sizeof(double) };
    struct flood_outcome outcome;
    double figures[N_FIGURES];
    for (size_t figure = 0; figure < N_FIGURES; figure++) {
        double sorted[MOST_ROUNDS];
        for (size_t i = 0; i < n; i++) {
            memcpy(figures, &outcomes[i], sizeof(figures));
            sorted[i] = figures[figure];
        }
        qsort(sorted, n, sizeof(*sorted), compare_doubles);
        ((double *)&outcome)[figure] = sorted[n / 2];
    }
    return outcome;
}

static void print_way(const char *name, const struct flood_outcome *outcome, unsigned at_once)
{
    printf("  %-15s the probe alone: p50 %.0f p99 %.0f p99.9 %.0f us, in the flood: p50 %.0f p99 %.0f p99.9 %.0f us; "
           "the flood: %.0f/s, alone %.0f/s, a statement %.0f us\n",
           name, outcome->alone.p50, outcome->alone.p99, outcome->alone.p999, outcome->flooded.p50,
           outcome->flooded.p99, outcome->flooded.p999, outcome->rate, outcome->rate_alone,
           1e6 * at_once / outcome->rate);
}

static void print_contest(const struct contest *contest, size_t n)
{
    char threads[32];
    const struct flood_outcome ours = median(contest->ours, n);
    const struct flood_outcome bare = median(contest->bare, n);
    snprintf(threads, sizeof(threads), "%u + 1 threads", contest->n_bare);
    printf("%s  %s\n", contest->id, contest->name);
    print_way("asyncdb", &ours, contest->at_once);
    if (contest->client->open != NULL)
        print_way(threads, &bare, contest->n_bare);
    bench_goal("F1", contest->name, "us at p99", ours.flooded.p99, 5 * ours.alone.p99 + 1e6 * contest->at_once / ours.rate,
               true);
    printf("\n");
}

static void compare(const struct contest *setup)
{
    if (!bench_wanted(setup->id))
        return;
    const size_t n = bench_pairs() < MOST_ROUNDS ? bench_pairs() : MOST_ROUNDS;
    struct contest *contest = mmap(NULL, sizeof(*contest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BENCH_CHECK(contest != MAP_FAILED);
    *contest = *setup;
    for (; contest->round < n; contest->round++) {
        bench_isolate(measure_ours, contest);
        if (contest->client->open != NULL)
            bench_isolate(measure_bare, contest);
    }
    print_contest(contest, n);
    munmap(contest, sizeof(*contest));
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

static void compare_floods(struct contest *setup, const char *const ids[2], const char *const names[2], unsigned workers)
{
    setup->id = ids[0];
    setup->name = names[0];
    setup->at_once = setup->n_bare = 1;
    compare(setup);
    setup->id = ids[1];
    setup->name = names[1];
    setup->flags = ADB_CONTEXT_PARALLEL;
    setup->n_bare = workers;
    setup->at_once = workers > 1 ? workers - 1 : 1; /* one of them is left to the probe */
    compare(setup);
}

int main(void)
{
    char *postgresql = getenv("ADB_TEST_POSTGRESQL_URL");
    static const char *const sqlite_ids[] = {"flood-sqlite", "flood-sqlite-parallel"};
    static const char *const sqlite_names[] = {"SQLite: a probe, and a context that floods",
                                               "SQLite: a probe, and a parallel context that floods"};
    static const char *const postgresql_ids[] = {"flood-postgresql", "flood-postgresql-parallel"};
    static const char *const postgresql_names[] = {"PostgreSQL: a probe, and a context that floods",
                                                   "PostgreSQL: a probe, and a parallel context that floods"};
    bench_fill(FLOOD_ROWS);
    struct contest sqlite = {.url = bench_url(""), .where = bench_path(), .client = &flood_sqlite};
    compare_floods(&sqlite, sqlite_ids, sqlite_names, CONNECTIONS - 1); /* the writer does not read */
    if (postgresql == NULL)
        return 0;
    bench_isolate(make_table, postgresql);
    struct contest server = {.url = postgresql, .where = postgresql, .client = &flood_postgresql};
    compare_floods(&server, postgresql_ids, postgresql_names, CONNECTIONS);
    return 0;
}
