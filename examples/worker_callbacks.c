/* SPDX-License-Identifier: BSD-3-Clause */
/* No loop at all: with ADB_QUEUE_DIRECT callbacks run on the worker, right after their job. Each callback submits the
 * next job; the main thread only waits for a semaphore. What callbacks and main share must be safe for threads: here a
 * context is used by one callback at a time, and the semaphore hands the outcome over.
 *
 * Run: worker_callbacks [URL]    default: sqlite:///worker_callbacks.db */
#include <asyncdb.h>

#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>

struct chain {
    adb_context *ctx;
    sem_t ended;
    int64_t total;
    adb_error error; /* of the first failure */
};

static void chain_end(struct chain *chain, const adb_error *error)
{
    chain->error = *error;
    sem_post(&chain->ended);
}

/* Go on with the chain? A refusal ends it here, as no callback will. */
static void chain_submitted(struct chain *chain, adb_job job)
{
    if (job == 0)
        chain_end(chain, adb_context_error(chain->ctx));
}

static bool chain_may_go_on(struct chain *chain, const adb_result *result)
{
    if (adb_result_status(result) != ADB_OK)
        chain_end(chain, adb_result_error(result));
    return adb_result_status(result) == ADB_OK;
}

static void on_sum(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    chain->total = adb_row_int(adb_result_row(result, 0), 0);
    chain_end(chain, adb_result_error(result));
}

static void on_written(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    if (chain_may_go_on(chain, result))
        chain_submitted(chain, adb_fetch_val(chain->ctx, "SELECT SUM(n) FROM numbers", NULL, on_sum, chain));
}

static void on_table(adb_result *result, void *user_data)
{
    struct chain *chain = user_data;
    const adb_params sets[] = {ADB_SET({0, adb_int(20)}), ADB_SET({0, adb_int(21)}), ADB_SET({0, adb_int(1)})};
    if (chain_may_go_on(chain, result))
        chain_submitted(chain,
                        adb_execute_many(chain->ctx, "INSERT INTO numbers VALUES (?)", sets, 3, on_written, chain));
}

static void run_chain(struct chain *chain)
{
    const char *make_table = "DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (n INTEGER)";
    chain_submitted(chain, adb_execute_script(chain->ctx, make_table, on_table, chain));
    while (sem_wait(&chain->ended) != 0 && errno == EINTR)
        continue;
    if (chain->error.status == ADB_OK)
        printf("the sum is %" PRId64 "\n", chain->total);
    else
        fprintf(stderr, "%s\n", chain->error.message);
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    struct chain chain = {.total = 0};
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///worker_callbacks.db", NULL, &db, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;
    if (sem_init(&chain.ended, 0, 0) != 0)
        return perror("semaphore"), 1;

    chain.ctx = adb_context_new(db, ADB_QUEUE_DIRECT, 0);
    run_chain(&chain);

    /* Afterwards no callback runs any more, so that what they use may go. */
    adb_status closed = adb_database_close(db, 5000);
    adb_context_free(chain.ctx);
    adb_database_free(db);
    sem_destroy(&chain.ended);
    return chain.error.status == ADB_OK && closed == ADB_OK ? 0 : 1;
}
