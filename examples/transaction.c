/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions: all or nothing, submitted in one go; what a failed job does to its level; a level inside another; and a
 * whole transaction as a function on the worker, tried again when the database says so.
 *
 * Run: transaction [URL]    default: sqlite:///transaction.db */
#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOVE "UPDATE accounts SET balance = balance + :amount WHERE id = :id"
#define AMOUNT(number, cents) ADB_PARAMS({"amount", adb_int(cents)}, {"id", adb_int(number)})

static void stop(const adb_error *error)
{
    fprintf(stderr, "%s: %s\n", adb_status_name(error->status), error->message);
    exit(1);
}

static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop(adb_context_error(ctx));
}

/* Wait for the last job of several: all before it have ended then, and dispatch runs their callbacks. */
static adb_status finish(adb_context *ctx, adb_job job)
{
    submitted(ctx, job);
    adb_result *result = adb_wait(ctx, job, -1);
    adb_queue_dispatch(adb_context_queue(ctx), 0);
    const adb_status status = adb_result_status(result);
    if (status != ADB_OK)
        printf("  in the end: %s: %s\n", adb_status_name(status), adb_result_error(result)->message);
    adb_result_unref(result);
    return status;
}

static void print_balances(adb_context *ctx, const char *title)
{
    const adb_job job = adb_fetch_all(ctx, "SELECT balance FROM accounts ORDER BY id", NULL, NULL, NULL);
    adb_result *rows = adb_wait(ctx, job, -1);
    if (adb_result_status(rows) != ADB_OK)
        stop(adb_result_error(rows));
    printf("%s: %" PRId64 " and %" PRId64 "\n", title, adb_row_int(adb_result_row(rows, 0), 0),
           adb_row_int(adb_result_row(rows, 1), 0));
    adb_result_unref(rows);
}

static void on_moved(adb_result *result, void *user_data)
{
    (void)user_data;
    printf("  account changed: %s\n", adb_status_name(adb_result_status(result)));
}

/* Nobody waits between begin and commit: when one of the jobs fails, those after it are not run, and commit rolls back
 * and says so. */
static adb_status move(adb_context *ctx, int64_t from, int64_t to, int64_t cents)
{
    submitted(ctx, adb_begin(ctx, NULL, NULL, NULL));
    submitted(ctx, adb_execute(ctx, MOVE, AMOUNT(to, cents), on_moved, NULL));
    submitted(ctx, adb_execute(ctx, MOVE, AMOUNT(from, -cents), on_moved, NULL));
    return finish(ctx, adb_commit(ctx, NULL, NULL));
}

static adb_status move_and_think_twice(adb_context *ctx)
{
    submitted(ctx, adb_begin(ctx, NULL, NULL, NULL));
    submitted(ctx, adb_execute(ctx, MOVE, AMOUNT(1, 1), NULL, NULL));
    submitted(ctx, adb_begin(ctx, NULL, NULL, NULL));
    submitted(ctx, adb_execute(ctx, "DELETE FROM accounts", NULL, NULL, NULL));
    submitted(ctx, adb_rollback(ctx, NULL, NULL)); /* of the inner level only */
    submitted(ctx, adb_execute(ctx, MOVE, AMOUNT(2, -1), NULL, NULL));
    return finish(ctx, adb_commit(ctx, NULL, NULL));
}

/* On the worker, so it may look before it writes without a hop in between. It may run several times. */
static adb_status share_evenly(adb_session *session, void *user_data)
{
    (void)user_data;
    adb_result *sum = adb_session_fetch_val(session, "SELECT SUM(balance) FROM accounts", NULL);
    adb_status status = adb_result_status(sum);
    if (status == ADB_OK) {
        const int64_t half = adb_row_int(adb_result_row(sum, 0), 0) / 2;
        adb_result *set = adb_session_execute(session, "UPDATE accounts SET balance = :half",
                                              ADB_PARAMS({"half", adb_int(half)}));
        status = adb_result_status(set);
        adb_result_unref(set);
    }
    adb_result_unref(sum);
    return status;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///transaction.db", NULL, &db, &error) != ADB_OK)
        stop(&error);

    adb_context *ctx = adb_context_new(db, NULL, 0);
    bool good = finish(ctx, adb_execute_script(ctx, "DROP TABLE IF EXISTS accounts;"
                           "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER, CHECK (balance >= 0));"
                           "INSERT INTO accounts VALUES (1, 100), (2, 0)", NULL, NULL)) == ADB_OK;
    good = good && move(ctx, 1, 2, 30) == ADB_OK;
    print_balances(ctx, "30 moved");
    good = good && move(ctx, 1, 2, 300) == ADB_E_TRANSACTION_FAILED;
    print_balances(ctx, "300 refused");
    good = good && move_and_think_twice(ctx) == ADB_OK;
    print_balances(ctx, "1 moved back");
    good = good && finish(ctx, adb_transact(ctx, ADB_TRANSACTION(.retries = 5), share_evenly, NULL, NULL)) == ADB_OK;
    print_balances(ctx, "shared evenly");

    adb_context_free(ctx);
    good = adb_database_close(db, 5000) == ADB_OK && good;
    adb_database_free(db);
    return good ? 0 : 1;
}
