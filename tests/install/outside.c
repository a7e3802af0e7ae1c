/* SPDX-License-Identifier: BSD-3-Clause */
#include <asyncdb.h> /* Every verb of the library in thirty lines: built by tests/check-install.sh with pkg-config alone. */
static adb_context *ctx;
static int64_t bad, n_rows;
static void check(adb_result *r) { bad += adb_result_status(r) != ADB_OK || adb_result_error(r)->status; adb_result_unref(r); }
static void on_done(adb_result *r, void *p) { adb_result_unref(adb_result_ref(r)); bad += adb_result_user_data(r) != p || !adb_result_job(r); }
static ptrdiff_t on_give(void *c, size_t n, void *p) { int *left = p; return n && (*left)-- > 0 ? (((char *)c)[0] = '7', ((char *)c)[1] = '\n', 2) : 0; }
static adb_flow on_take(const void *c, size_t n, void *p) { bad += n != 4 || ((const char *)c)[2] != '7'; (void)p; return ADB_CONTINUE; }
static void on_news(const adb_notification *n, void *p) { bad += n->kind == ADB_NOTIFY_LOST || p; }
static adb_flow on_batch(adb_result *r, void *p) { (void)p; n_rows += (int64_t)adb_result_rows(r); return ADB_CONTINUE; }
static adb_status work(adb_session *s, void *p) { (void)p; check(adb_session_execute(s, "UPDATE v SET n = 2", NULL)); return adb_session_native(s) ? ADB_OK : ADB_E_STATE; }
#define WAIT(job) check(adb_wait(ctx, job, -1))
int main(void) {
    adb_database *db; adb_error e; adb_value v; int64_t id; size_t size; adb_result *r; adb_queue *q = adb_queue_new(); const uint8_t u[16] = {1};
    if (adb_database_open("sqlite://", ADB_OPTIONS(.min_size = 1), &db, &e) || adb_database_connect(db, 5000, &e)) return 1;
    ctx = adb_context_new(db, q, 0); adb_context_set_timeout(ctx, 60000); WAIT(adb_connect(ctx, on_done, &e));
    WAIT(adb_execute_script(ctx, "CREATE TABLE v (n INTEGER, t TEXT, x BLOB); CREATE TABLE w (d)", NULL, NULL));
    WAIT(adb_begin(ctx, NULL, NULL, NULL)); bad += adb_context_depth(ctx) != 1;
    WAIT(adb_execute(ctx, "INSERT INTO v VALUES (:n, :t, :x)", ADB_PARAMS({"n", adb_bool(true)}, {"t", adb_text("one")}, {"x", adb_blob(u, 16)}), NULL, NULL));
    WAIT(adb_commit(ctx, NULL, NULL)); WAIT(adb_begin(ctx, NULL, NULL, NULL)); WAIT(adb_rollback(ctx, NULL, NULL)); WAIT(adb_acquire(ctx, NULL, NULL)); WAIT(adb_release(ctx, NULL, NULL));
    const adb_params sets[] = {ADB_SET({0, adb_null()}), ADB_SET({0, adb_double(1.5)}), ADB_SET({0, adb_text_n("ab", 1)}), ADB_SET({0, adb_decimal("1.10")}), ADB_SET({0, adb_json("{}")}),
        ADB_SET({0, adb_date(2024, 2, 29)}), ADB_SET({0, adb_time(1, 2, 3, 4)}), ADB_SET({0, adb_timestamp(5)}), ADB_SET({0, adb_uuid(u)})};
    WAIT(adb_execute_many(ctx, "INSERT INTO w VALUES (?)", sets, 9, NULL, NULL)); WAIT(adb_run(ctx, work, NULL, NULL)); WAIT(adb_transact(ctx, NULL, work, NULL, NULL));
    WAIT(adb_fetch_val(ctx, "SELECT count(*) FROM v WHERE n IN (:ids)", ADB_PARAMS({"ids", adb_list((adb_value[]){adb_int(2)}, 1)}), NULL, NULL)); WAIT(adb_fetch_many(ctx, "SELECT * FROM w", NULL, 3, NULL, NULL));
    WAIT(adb_iterate(ctx, "SELECT * FROM w", NULL, on_batch, NULL, NULL)); WAIT(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ONE, .sql = "SELECT 1"))); WAIT(adb_fetch_one(ctx, "SELECT 1", NULL, NULL, NULL));
    r = adb_wait(ctx, adb_execute(ctx, "INSERT INTO w VALUES (1)", NULL, NULL, NULL), -1); bad += adb_result_affected(r) != 1 || !adb_result_last_insert_id(r, &id); adb_result_unref(r);
    adb_fetch_all(ctx, "SELECT * FROM v", NULL, NULL, NULL); for (r = NULL; !r; r = adb_queue_next(q)) adb_queue_wait(q, 100);
    adb_row row = adb_result_row(r, 0); v = adb_row_value(row, 0); bad += v.as.integer != 2 || adb_row_int(row, 0) != 2 || adb_row_double(row, 0) != 2 || !adb_row_bool(row, 0) || adb_row_get(row, "t", &v) || adb_row_text(row, 1)[0] != 'o';
    bad += !adb_row_blob(row, 2, &size) || size != 16 || adb_row_is_null(row, 1) || adb_result_columns(r) != 3 || adb_result_column_name(r, 1)[0] != 't' || adb_result_column_index(r, "x") != 2; adb_result_unref(r);
    adb_context *other = adb_context_share(ctx, NULL), *own = adb_thread_context(db); adb_queue_wake(adb_context_queue(other)); bad += adb_queue_fd(q) < 0 || adb_cancel(own, 1) != ADB_E_NOT_FOUND || adb_context_error(own)->status;
    adb_execute(ctx, "DELETE FROM w", NULL, on_done, &e); while (adb_context_pending(ctx)) { adb_queue_wait(q, -1); adb_queue_dispatch(q, 0); }
    int left = 2; WAIT(adb_copy_in(ctx, "w (d)", on_give, NULL, &left)); WAIT(adb_copy_out(ctx, "SELECT d FROM w", on_take, NULL, NULL));
    adb_listener *ear = adb_listen(ctx, "news", on_news, NULL); bad += ear || adb_context_error(ctx)->status != ADB_E_UNSUPPORTED || adb_notify(ctx, "news", "!", NULL, NULL); adb_unlisten(ear);
    r = adb_wait(ctx, adb_resolve(ctx, "1", NULL, NULL), -1); bad += adb_result_status(r) != ADB_E_UNSUPPORTED || adb_result_transaction_id(r); adb_result_unref(r);
    adb_context_free(other); adb_context_free(ctx); adb_queue_free(q); bad += adb_database_close(db, 5000) != ADB_OK; adb_database_free(db); return bad != 0 || n_rows != 9;
}
