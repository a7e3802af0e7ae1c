/* SPDX-License-Identifier: BSD-3-Clause */
/* Several databases at once, of any kind: each has its own pool and its own context, and all of them report to one queue
 * and one loop. Rows are read from the first database and written to the others as they come, batch by batch.
 *
 * Run: databases [URL…]    default: sqlite:///databases-1.db and sqlite:///databases-2.db; a single URL is joined by the
 *                          first of these */
#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DATABASES 8
#define N_ROWS        1000
#define MAKE_TABLE    "DROP TABLE IF EXISTS primes; CREATE TABLE primes (n INTEGER, prime INTEGER)"
#define INSERT        "INSERT INTO primes (n, prime) VALUES (:n, :prime)"

struct site {
    const char *url;
    adb_database *db;
    adb_context *ctx;
};

struct world {
    adb_queue *queue;
    struct site sites[MAX_DATABASES];
    int n_sites;
};

static void stop(const adb_error *error)
{
    fprintf(stderr, "%s: %s\n", adb_status_name(error->status), error->message);
    exit(1);
}

static adb_job submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop(adb_context_error(ctx));
    return job;
}

static void on_done(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop(adb_result_error(result));
}

static void open_site(struct world *world, const char *url)
{
    adb_error error;
    struct site *site = &world->sites[world->n_sites++];
    site->url = url;
    if (adb_database_open(url, NULL, &site->db, &error) != ADB_OK)
        stop(&error);
    site->ctx = adb_context_new(site->db, world->queue, 0);
    submitted(site->ctx, adb_execute_script(site->ctx, MAKE_TABLE, on_done, NULL));
}

static int64_t next_prime(int64_t after)
{
    for (int64_t n = after + 1;; n++) {
        int64_t divisor = 2;
        while (divisor * divisor <= n && n % divisor != 0)
            divisor++;
        if (divisor * divisor > n)
            return n;
    }
}

/* Into the first database, in one transaction; nobody waits for it: its lane keeps the order. */
static void fill(const struct site *first)
{
    int64_t prime = 1;
    submitted(first->ctx, adb_begin(first->ctx, NULL, on_done, NULL));
    for (int i = 1; i <= N_ROWS; i++) {
        prime = next_prime(prime);
        const adb_params *row = ADB_PARAMS({"n", adb_int(i)}, {"prime", adb_int(prime)});
        submitted(first->ctx, adb_execute(first->ctx, INSERT, row, on_done, NULL));
    }
    submitted(first->ctx, adb_commit(first->ctx, on_done, NULL));
}

/* A batch of the first database goes to all others as one job each. */
static adb_flow on_batch(adb_result *batch, void *user_data)
{
    struct world *world = user_data;
    const size_t n_rows = adb_result_rows(batch);
    adb_params *sets = calloc(n_rows, sizeof(*sets));
    adb_param *params = calloc(2 * n_rows, sizeof(*params));
    for (size_t i = 0; sets != NULL && params != NULL && i < n_rows; i++) {
        const adb_row row = adb_result_row(batch, i);
        params[2 * i] = (adb_param){"n", adb_row_value(row, 0)};
        params[2 * i + 1] = (adb_param){"prime", adb_row_value(row, 1)};
        sets[i] = (adb_params){params + 2 * i, 2};
    }
    for (int i = 1; sets != NULL && params != NULL && i < world->n_sites; i++)
        submitted(world->sites[i].ctx,
                  adb_execute_many(world->sites[i].ctx, INSERT, sets, n_rows, on_done, NULL));
    const bool failed = sets == NULL || params == NULL;
    free(sets);
    free(params);
    return failed ? ADB_STOP : ADB_CONTINUE;
}

static void run(const struct world *world)
{
    for (int i = 0; i < world->n_sites; i++) {
        while (adb_context_pending(world->sites[i].ctx) > 0 && adb_queue_wait(world->queue, -1) == ADB_OK)
            adb_queue_dispatch(world->queue, 0);
    }
}

/* The same question to all of them at once. */
static int compare(const struct world *world)
{
    adb_job asked[MAX_DATABASES];
    int64_t sums[MAX_DATABASES] = {0};
    int n_equal = 0;
    for (int i = 0; i < world->n_sites; i++)
        asked[i] = submitted(world->sites[i].ctx, adb_fetch_val(world->sites[i].ctx, "SELECT SUM(prime) FROM primes",
                                                                NULL, NULL, NULL));
    for (int i = 0; i < world->n_sites; i++) {
        adb_result *sum = adb_wait(world->sites[i].ctx, asked[i], -1);
        on_done(sum, NULL);
        sums[i] = adb_row_int(adb_result_row(sum, 0), 0);
        adb_result_unref(sum);
        printf("%s: the first %d primes add up to %" PRId64 "\n", adb_database_driver(world->sites[i].db), N_ROWS, sums[i]);
        n_equal += sums[i] == sums[0];
    }
    return n_equal;
}

int main(int argc, char **argv)
{
    struct world world = {.queue = adb_queue_new()};
    for (int i = 1; i < argc && i <= MAX_DATABASES; i++)
        open_site(&world, argv[i]);
    if (argc < 3)
        open_site(&world, "sqlite:///databases-1.db");
    if (argc < 2)
        open_site(&world, "sqlite:///databases-2.db");

    const struct site *first = &world.sites[0];
    fill(first);
    submitted(first->ctx, adb_iterate(first->ctx, "SELECT n, prime FROM primes ORDER BY n", NULL, on_batch, on_done, &world));
    run(&world);
    const int n_equal = compare(&world);
    for (int i = 0; i < world.n_sites; i++) {
        adb_context_free(world.sites[i].ctx);
        adb_database_close(world.sites[i].db, 5000);
        adb_database_free(world.sites[i].db);
    }
    adb_queue_free(world.queue);
    return n_equal == world.n_sites ? 0 : 1;
}
