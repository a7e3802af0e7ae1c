/* SPDX-License-Identifier: BSD-3-Clause */
/* Many threads, one database: each has a context of its own from adb_thread_context(), which ends with the thread. They
 * share nothing else, so they need no lock. In the end all rows are there.
 *
 * Run: threads [URL]    default: sqlite:///threads.db */
#include <asyncdb.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define N_THREADS 8
#define N_ROWS    100
#define MAKE_TABLE "DROP TABLE IF EXISTS entries; CREATE TABLE entries (writer INTEGER, n INTEGER)"

struct writer {
    pthread_t thread;
    adb_database *db;
    int number;
    int n_written;
};

/* Runs on the writer's own thread, inside its dispatch. */
static void on_written(adb_result *result, void *user_data)
{
    struct writer *writer = user_data;
    if (adb_result_status(result) == ADB_OK)
        writer->n_written++;
    else
        fprintf(stderr, "writer %d: %s\n", writer->number, adb_result_error(result)->message);
}

static void *write_rows(void *user_data)
{
    struct writer *writer = user_data;
    adb_context *ctx = adb_thread_context(writer->db);
    for (int i = 0; i < N_ROWS; i++) {
        const adb_job job = adb_execute(ctx, "INSERT INTO entries (writer, n) VALUES (:writer, :n)",
                                        ADB_PARAMS({"writer", adb_int(writer->number)}, {"n", adb_int(i)}),
                                        on_written, writer);
        if (job == 0)
            fprintf(stderr, "writer %d: refused: %s\n", writer->number, adb_context_error(ctx)->message);
    }
    while (adb_context_pending(ctx) > 0 && adb_queue_wait(adb_context_queue(ctx), -1) == ADB_OK)
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    return NULL;
}

static int run_writers(adb_database *db)
{
    struct writer writers[N_THREADS];
    int n_started = 0;
    int n_written = 0;
    for (; n_started < N_THREADS; n_started++) {
        writers[n_started] = (struct writer){.db = db, .number = n_started};
        if (pthread_create(&writers[n_started].thread, NULL, write_rows, &writers[n_started]) != 0)
            break;
    }
    for (int i = 0; i < n_started; i++) {
        pthread_join(writers[i].thread, NULL);
        n_written += writers[i].n_written;
    }
    return n_written;
}

/* Wait for one job of the main thread; its value, or -1. */
static int64_t finish(adb_context *ctx, adb_job job)
{
    adb_result *result = adb_wait(ctx, job, -1);
    const int64_t value = adb_result_status(result) == ADB_OK ? adb_row_int(adb_result_row(result, 0), 0) : -1;
    if (value < 0)
        fprintf(stderr, "%s\n", adb_result_error(result)->message);
    adb_result_unref(result);
    return value;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///threads.db", NULL, &db, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    int n_written = 0;
    int64_t n_found = -1;
    adb_context *ctx = adb_context_new(db, NULL, 0);
    if (finish(ctx, adb_execute_script(ctx, MAKE_TABLE, NULL, NULL)) >= 0) {
        n_written = run_writers(db);
        n_found = finish(ctx, adb_fetch_val(ctx, "SELECT COUNT(*) FROM entries", NULL, NULL, NULL));
    }
    printf("%d threads wrote %d rows, the table has %" PRId64 "\n", N_THREADS, n_written, n_found);

    adb_context_free(ctx);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    return closed_well && n_written == N_THREADS * N_ROWS && n_found == n_written ? 0 : 1;
}
