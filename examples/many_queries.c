/* SPDX-License-Identifier: BSD-3-Clause */
/* Back-pressure: more queries than the queue takes. A full queue refuses at once with ADB_E_BUSY; the program delivers
 * what has come, and goes on. Memory stays bounded, nothing blocks by surprise.
 *
 * Run: many_queries [URL]    default: sqlite:///many_queries.db */
#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>

#define N_QUERIES 10000
#define CAPACITY  64

struct tally {
    int n_done;
    int n_failed;
    int64_t sum;
};

static void on_value(adb_result *result, void *user_data)
{
    struct tally *tally = user_data;
    tally->n_done++;
    tally->n_failed += adb_result_status(result) != ADB_OK;
    tally->sum += adb_row_int(adb_result_row(result, 0), 0);
}

/* Deliver until there is room again: one job at least has to end. */
static bool make_room(adb_queue *queue)
{
    while (adb_queue_dispatch(queue, 0) == 0) {
        if (adb_queue_wait(queue, -1) != ADB_OK)
            return false;
    }
    return true;
}

/* Returns how often the queue was full, or -1 when a query was refused for another reason. */
static int submit_all(adb_context *ctx, struct tally *tally)
{
    int n_busy = 0;
    for (int i = 1; i <= N_QUERIES; i++) {
        const adb_params *params = ADB_PARAMS({"n", adb_int(i)});
        while (adb_fetch_val(ctx, "SELECT n FROM numbers WHERE n = :n", params, on_value, tally) == 0) {
            if (adb_context_error(ctx)->status != ADB_E_BUSY || !make_room(adb_context_queue(ctx))) {
                fprintf(stderr, "refused: %s\n", adb_context_error(ctx)->message);
                return -1;
            }
            n_busy++;
        }
    }
    return n_busy;
}

/* The numbers from 1 to N_QUERIES, made by a function on the worker. */
static adb_status fill(adb_session *session, void *user_data)
{
    adb_status status = ADB_OK;
    (void)user_data;
    for (int i = 1; i <= N_QUERIES && status == ADB_OK; i++) {
        adb_result *result =
            adb_session_execute(session, "INSERT INTO numbers VALUES (:n)", ADB_PARAMS({"n", adb_int(i)}));
        status = adb_result_status(result);
        adb_result_unref(result);
    }
    return status;
}

/* In a context that keeps its jobs in order, as the one for the queries does not. */
static bool make_numbers(adb_database *db)
{
    adb_context *ctx = adb_context_new(db, NULL, 0);
    const adb_job made = adb_execute_script(
        ctx, "DROP TABLE IF EXISTS numbers; CREATE TABLE numbers (n INTEGER PRIMARY KEY)", NULL, NULL);
    adb_result *filled = adb_wait(ctx, made == 0 ? 0 : adb_transact(ctx, NULL, fill, NULL, NULL), -1);
    const bool well = adb_result_status(filled) == ADB_OK;
    if (!well)
        fprintf(stderr, "%s\n", adb_result_error(filled)->message);
    adb_result_unref(filled);
    adb_context_free(ctx);
    return well;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    struct tally tally = {0};
    int n_busy = -1;
    const char *url = argc > 1 ? argv[1] : "sqlite:///many_queries.db";
    if (adb_database_open(url, ADB_OPTIONS(.queue_capacity = CAPACITY), &db, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    adb_context *ctx = adb_context_new(db, NULL, ADB_CONTEXT_PARALLEL);
    if (make_numbers(db))
        n_busy = submit_all(ctx, &tally);
    while (adb_context_pending(ctx) > 0 && adb_queue_wait(adb_context_queue(ctx), -1) == ADB_OK)
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    printf("%d queries, %d failed, sum %" PRId64 "; the queue of %d was full %s\n", tally.n_done, tally.n_failed,
           tally.sum, CAPACITY, n_busy > 0 ? "many times" : "never");

    adb_context_free(ctx);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    const bool all_there = tally.n_failed == 0 && tally.sum == (int64_t)N_QUERIES * (N_QUERIES + 1) / 2;
    return closed_well && n_busy >= 0 && all_there ? 0 : 1;
}
