/* SPDX-License-Identifier: BSD-3-Clause */
/* The tour: a table, statements with parameters, each way to fetch, a transaction inside a transaction.
 *
 * Everything is submitted at once: a context runs its jobs in order, and the loop at the end hands out what they bring.
 * Run: quickstart [URL]    default: sqlite:///quickstart.db */
#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CREATE "CREATE TABLE notes (id INTEGER PRIMARY KEY, text VARCHAR(100), completed BOOLEAN)"
#define INSERT "INSERT INTO notes (id, text, completed) VALUES (:id, :text, :completed)"
#define SELECT "SELECT id, text, completed FROM notes "
#define NOTE(number, words, done) {"id", adb_int(number)}, {"text", adb_text(words)}, {"completed", adb_bool(done)}

static void stop(const adb_error *error)
{
    fprintf(stderr, "%s: %s\n", adb_status_name(error->status), error->message);
    exit(1);
}

/* A refused job never calls back: its context says why. */
static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop(adb_context_error(ctx));
}

static void on_done(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop(adb_result_error(result));
}

/* What was handed over with the job comes back with its outcome: here, what to call it. */
static void on_written(adb_result *result, void *title)
{
    on_done(result, title);
    printf("%s: %" PRId64 " written\n", (char *)title, adb_result_affected(result));
}

static void on_notes(adb_result *notes, void *title)
{
    on_done(notes, title);
    printf("%s:\n", (char *)title);
    for (size_t i = 0; i < adb_result_rows(notes); i++) {
        const adb_row row = adb_result_row(notes, i);
        const char *state = adb_row_bool(row, 2) ? "completed" : "open";
        printf("  %" PRId64 " %s, %s\n", adb_row_int(row, 0), adb_row_text(row, 1), state);
    }
}

static void on_count(adb_result *result, void *title)
{
    on_done(result, title);
    printf("%s: %" PRId64 " notes\n", (char *)title, adb_row_int(adb_result_row(result, 0), 0));
}

/* A long result comes in batches, and memory stays bounded; ADB_STOP would end it early. */
static adb_flow on_batch(adb_result *batch, void *title)
{
    on_notes(batch, title);
    return ADB_CONTINUE;
}

static void write_notes(adb_context *ctx)
{
    static char one[] = "execute", many[] = "execute_many";
    const adb_params more[] = {ADB_SET(NOTE(2, "example2", false)), ADB_SET(NOTE(3, "example3", true))};
    submitted(ctx, adb_execute(ctx, "DROP TABLE IF EXISTS notes", NULL, on_done, NULL));
    submitted(ctx, adb_execute(ctx, CREATE, NULL, on_done, NULL));
    submitted(ctx, adb_execute(ctx, INSERT, ADB_PARAMS(NOTE(1, "example1", true)), on_written, one));
    submitted(ctx, adb_execute_many(ctx, INSERT, more, 2, on_written, many));
}

static void read_notes(adb_context *ctx)
{
    static char all[] = "fetch_all, completed", one[] = "fetch_one, number 2", val[] = "fetch_val", each[] = "iterate";
    submitted(ctx, adb_fetch_all(ctx, SELECT "WHERE completed = :completed ORDER BY id",
                                 ADB_PARAMS({"completed", adb_bool(true)}), on_notes, all));
    submitted(ctx, adb_fetch_one(ctx, SELECT "WHERE id = :id", ADB_PARAMS({"id", adb_int(2)}), on_notes, one));
    submitted(ctx, adb_fetch_val(ctx, "SELECT COUNT(*) FROM notes", NULL, on_count, val));
    submitted(ctx, adb_iterate(ctx, SELECT "ORDER BY id", NULL, on_batch, on_done, each));
}

/* The inner level is undone, the outer one stays. */
static void nest_transactions(adb_context *ctx)
{
    static char outer[] = "in a transaction", inner[] = "in one inside it, undone", after[] = "after both";
    submitted(ctx, adb_begin(ctx, NULL, on_done, NULL));
    submitted(ctx, adb_execute(ctx, INSERT, ADB_PARAMS(NOTE(4, "example4", false)), on_written, outer));
    submitted(ctx, adb_begin(ctx, NULL, on_done, NULL));
    submitted(ctx, adb_execute(ctx, "DELETE FROM notes", NULL, on_written, inner));
    submitted(ctx, adb_rollback(ctx, on_done, NULL));
    submitted(ctx, adb_commit(ctx, on_done, NULL));
    submitted(ctx, adb_fetch_val(ctx, "SELECT COUNT(*) FROM notes", NULL, on_count, after));
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///quickstart.db", NULL, &db, &error) != ADB_OK)
        stop(&error);

    adb_context *ctx = adb_context_new(db, NULL, 0);
    write_notes(ctx);
    read_notes(ctx);
    nest_transactions(ctx);
    while (adb_context_pending(ctx) > 0 && adb_queue_wait(adb_context_queue(ctx), -1) == ADB_OK)
        adb_queue_dispatch(adb_context_queue(ctx), 0);

    adb_context_free(ctx);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    return closed_well ? 0 : 1;
}
