/* SPDX-License-Identifier: BSD-3-Clause */
/* Every verb of the everyday face once, checked by assertion: what a program that links the library can count on.
 * Run: verbs [URL]    default: sqlite:///verbs.db */
#undef NDEBUG
#include <asyncdb.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MAKE_TABLE(blob) \
    "DROP TABLE IF EXISTS v; CREATE TABLE v (id INTEGER PRIMARY KEY, b BOOLEAN, r REAL, t TEXT, x " blob ")"
#define SELECT_IN "SELECT id, b, r, t, x FROM v WHERE id IN (:ids) ORDER BY id"

static adb_context *ctx;
static int n_calls;

static void on_done(adb_result *result, void *user_data)
{
    assert(adb_result_error(result)->status == ADB_OK && adb_result_user_data(result) == user_data);
    n_calls++;
}

static adb_flow on_batch(adb_result *batch, void *n_rows)
{
    *(size_t *)n_rows += adb_result_rows(batch);
    return ADB_CONTINUE;
}

static adb_status work(adb_session *session, void *id)
{
    const adb_params *params = ADB_PARAMS({0, *(adb_value *)id});
    adb_result *result = adb_session_execute(session, "INSERT INTO v (id) VALUES ($1)", params);
    const adb_status status = adb_session_native(session) != NULL ? adb_result_status(result) : ADB_E_INTERNAL;
    adb_result_unref(result);
    return status;
}

/* The outcome of a job, which must be good. */
static adb_result *get(adb_job job)
{
    adb_result *result = adb_wait(ctx, job, 10000);
    assert(job != 0 && adb_result_status(result) == ADB_OK && adb_result_job(result) == job);
    return result;
}

static void finish(adb_job job)
{
    adb_result_unref(get(job));
}

/* The one type here whose name databases do not agree on. */
static const char *table_for(const adb_database *db)
{
    return strcmp(adb_database_driver(db), "postgresql") == 0 ? MAKE_TABLE("BYTEA") : MAKE_TABLE("BLOB");
}

static void write_values(const adb_database *db)
{
    const adb_params one = ADB_SET({"id", adb_int(1)}, {"b", adb_bool(true)}, {"r", adb_double(0.5)},
                                   {"t", adb_text("one")}, {"x", adb_blob("\0\1", 2)});
    const adb_params sets[] = {ADB_SET({0, adb_text_n("two!", 3)}, {0, adb_int(2)}),
                               ADB_SET({0, adb_null()}, {0, adb_int(3)})};
    const adb_value others[] = {adb_decimal("1.50"), adb_json("{}"), adb_date(2024, 2, 29), adb_time(12, 0, 0, 0),
                                adb_timestamp(0), adb_uuid((const uint8_t[16]){1, 2, 3})};
    int64_t id = 1;
    finish(adb_execute_script(ctx, table_for(db), on_done, NULL));
    adb_result *written = get(adb_execute(ctx, "INSERT INTO v VALUES (:id, :b, :r, :t, :x)", &one, on_done, &id));
    assert(adb_result_affected(written) == 1 && (!adb_result_last_insert_id(written, &id) || id == 1));
    adb_result_unref(written);
    finish(adb_execute_many(ctx, "INSERT INTO v (t, id) VALUES (?, ?)", sets, 2, on_done, NULL));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        finish(adb_execute(ctx, "UPDATE v SET t = ? WHERE id = 3", ADB_PARAMS({0, others[i]}), on_done, NULL));
}

static void read_values(void)
{
    size_t n = 0;
    adb_value name;
    const adb_value ids[] = {adb_int(1), adb_int(2)};
    adb_result *found = get(adb_fetch_all(ctx, SELECT_IN, ADB_PARAMS({"ids", adb_list(ids, 2)}), on_done, NULL));
    const adb_row row = adb_result_row(adb_result_ref(found), 0);
    adb_result_unref(found); /* one reference is left */
    assert(adb_result_rows(found) == 2 && adb_result_columns(found) == 5 && adb_row_value(row, 0).as.integer == 1);
    assert(strcmp(adb_result_column_name(found, 3), "t") == 0 && adb_result_column_index(found, "t") == 3);
    assert(adb_row_int(row, 0) == 1 && adb_row_bool(row, 1) && adb_row_double(row, 2) == 0.5);
    assert(memcmp(adb_row_blob(row, 4, &n), "\0\1", 2) == 0 && n == 2 && strcmp(adb_row_text(row, 3), "one") == 0);
    assert(adb_row_get(row, "t", &name) == ADB_OK && name.size == 3 && adb_row_is_null(adb_result_row(found, 1), 1));
    adb_result_unref(found);
    finish(adb_fetch_one(ctx, "SELECT * FROM v", NULL, on_done, NULL));
    finish(adb_fetch_val(ctx, "SELECT t FROM v", NULL, on_done, NULL));
    finish(adb_fetch_many(ctx, "SELECT * FROM v", NULL, 2, on_done, NULL));
    finish(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "SELECT 1", .timeout_ms = 5000)));
    n = 0;
    finish(adb_iterate(ctx, "SELECT * FROM v", NULL, on_batch, on_done, &n));
    assert(n == 3);
}

static void use_transactions(void)
{
    adb_value four = adb_int(4), five = adb_int(5);
    finish(adb_acquire(ctx, on_done, NULL));
    finish(adb_begin(ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), on_done, NULL));
    finish(adb_begin(ctx, NULL, on_done, NULL));
    finish(adb_run(ctx, work, on_done, &four));
    assert(adb_context_depth(ctx) == 2);
    finish(adb_rollback(ctx, on_done, NULL));
    finish(adb_commit(ctx, on_done, NULL));
    finish(adb_release(ctx, on_done, NULL));
    finish(adb_transact(ctx, NULL, work, on_done, &five));
    assert(adb_context_depth(ctx) == 0 && adb_cancel(ctx, 12345) == ADB_E_NOT_FOUND);
}

static void use_queue(adb_queue *queue, adb_context *shared)
{
    assert(adb_queue_fd(queue) >= 0 && adb_context_queue(ctx) == queue && adb_context_queue(shared) != queue);
    adb_context_free(shared);
    adb_queue_wake(queue);
    assert(adb_queue_wait(queue, -1) == ADB_OK && adb_queue_next(queue) == NULL);
    adb_context_set_timeout(ctx, 5000);
    n_calls = 0;
    assert(adb_fetch_val(ctx, "SELECT :a", NULL, on_done, NULL) == 0);
    assert(adb_context_error(ctx)->status == ADB_E_PARAMETER);
    assert(adb_fetch_val(ctx, "SELECT COUNT(*) FROM v", NULL, on_done, NULL) != 0);
    while (adb_context_pending(ctx) > 0 && adb_queue_wait(queue, 5000) == ADB_OK)
        adb_queue_dispatch(queue, 0);
    assert(n_calls == 1);
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    assert(adb_database_open(argc > 1 ? argv[1] : "sqlite:///verbs.db", NULL, &db, &error) == ADB_OK);
    assert(adb_database_connect(db, 5000, &error) == ADB_OK);
    adb_queue *queue = adb_queue_new();
    ctx = adb_context_new(db, queue, 0);
    finish(adb_connect(ctx, on_done, NULL));
    write_values(db);
    read_values();
    use_transactions();
    use_queue(queue, adb_context_share(ctx, NULL));
    adb_context_free(ctx);
    assert(adb_thread_context(db) != NULL && adb_thread_context(db) == adb_thread_context(db));
    adb_queue_free(queue);
    assert(adb_database_close(db, 5000) == ADB_OK);
    adb_database_free(db);
    puts("every verb works");
    return 0;
}
