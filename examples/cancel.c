/* SPDX-License-Identifier: BSD-3-Clause */
/* Three ways for a job to end early: a running query is cancelled, a deadline passes, and a job that still waits for
 * its turn is cancelled. Each outcome arrives exactly once, as ever, and the lane goes on.
 *
 * Run: cancel [URL]    default: sqlite:///cancel.db */
#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define N_DIGITS 10

/* Ten thousand million combinations: nobody wants to wait for this. */
#define ENDLESS_QUERY "SELECT COUNT(*) FROM digits a, digits b, digits c, digits d, digits e, digits f, digits g, " \
                      "digits h, digits i, digits j WHERE a.n + b.n + c.n + d.n + e.n + f.n + g.n + h.n + i.n + j.n = 9"

struct outcomes {
    adb_status cancelled, timed_out, never_run, last;
};

static void stop(const adb_error *error)
{
    fprintf(stderr, "%s: %s\n", adb_status_name(error->status), error->message);
    exit(1);
}

static void on_outcome(adb_result *result, void *status)
{
    *(adb_status *)status = adb_result_status(result);
    printf("job ended: %s\n", adb_status_name(adb_result_status(result)));
}

static adb_job submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop(adb_context_error(ctx));
    return job;
}

static void make_digits(adb_context *ctx)
{
    adb_param digits[N_DIGITS];
    adb_params sets[N_DIGITS];
    for (int i = 0; i < N_DIGITS; i++) {
        digits[i] = (adb_param){"digit", adb_int(i)};
        sets[i] = (adb_params){&digits[i], 1};
    }
    submitted(ctx, adb_execute_script(ctx, "DROP TABLE IF EXISTS digits; CREATE TABLE digits (n INTEGER)", NULL, NULL));
    const adb_job filled = adb_execute_many(ctx, "INSERT INTO digits VALUES (:digit)", sets, N_DIGITS, NULL, NULL);
    adb_result *result = adb_wait(ctx, submitted(ctx, filled), -1);
    if (adb_result_status(result) != ADB_OK)
        stop(adb_result_error(result));
    adb_result_unref(result);
}

static void submit_all(adb_context *ctx, struct outcomes *outcomes, adb_job *endless_out)
{
    /* A deadline counts from the submission: waiting for the jobs before it is part of it. */
    *endless_out = submitted(ctx, adb_fetch_val(ctx, ENDLESS_QUERY, NULL, on_outcome, &outcomes->cancelled));
    submitted(ctx, adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = ENDLESS_QUERY, .done = on_outcome,
                                               .user_data = &outcomes->timed_out, .timeout_ms = 300)));
    const adb_job waiting = submitted(ctx, adb_execute(ctx, "DELETE FROM digits", NULL, on_outcome,
                                                       &outcomes->never_run));
    submitted(ctx, adb_fetch_val(ctx, "SELECT COUNT(*) FROM digits", NULL, on_outcome, &outcomes->last));
    if (adb_cancel(ctx, waiting) != ADB_OK)
        fprintf(stderr, "the job that waits could not be cancelled\n");
}

/* ADB_E_NOT_FOUND would be harmless: then the job was quicker. */
static void run_loop(adb_context *ctx, adb_job endless)
{
    adb_queue *queue = adb_context_queue(ctx);
    while (adb_context_pending(ctx) > 0) {
        const adb_status waited = adb_queue_wait(queue, 100);
        if (waited == ADB_E_TIMEOUT && adb_cancel(ctx, endless) == ADB_OK)
            printf("cancelling the endless query\n");
        adb_queue_dispatch(queue, 0);
    }
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    adb_job endless;
    struct outcomes outcomes = {ADB_OK, ADB_OK, ADB_OK, ADB_E_STATE};
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///cancel.db", NULL, &db, &error) != ADB_OK)
        stop(&error);

    adb_context *ctx = adb_context_new(db, NULL, 0);
    make_digits(ctx);
    submit_all(ctx, &outcomes, &endless);
    run_loop(ctx, endless);
    adb_context_free(ctx);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    return closed_well && outcomes.cancelled == ADB_E_CANCELLED && outcomes.timed_out == ADB_E_TIMEOUT &&
                   outcomes.never_run == ADB_E_CANCELLED && outcomes.last == ADB_OK
               ? 0
               : 1;
}
