/* SPDX-License-Identifier: BSD-3-Clause */
/* The id of a transaction before its commit, and its fate after the answer was lost. */
#include "core/resolve.h"

#include "base/clock.h"
#include "core/context.h"
#include "core/database.h"
#include "model/error.h"

#include <stdio.h>
#include <string.h>

/* Between two questions whether a commit has ended that was still under way. */
#define PAUSE_MIN_NS (10 * ADB__NS_PER_MS)
#define PAUSE_MAX_NS (1000 * ADB__NS_PER_MS)

bool adb__resolve_in_doubt(const struct adb__job *job)
{
    return job->transaction_id[0] != '\0';
}

/* The first value of a statement, as text; "" when there is none, or NULL. */
static adb_status ask(struct adb__worker *worker, const char *sql, const char *parameter, char *text_out, size_t size,
                      adb_error *error)
{
    const adb_value value = adb_text(parameter);
    const struct adb__statement statement = {
        .sql = sql, .sql_size = strlen(sql), .values = &value, .n_values = parameter != NULL, .flags = ADB__STMT_READS};
    struct adb_result result;
    adb__result_init(&result, NULL, 0, NULL);
    struct adb__sink sink = {.result = &result, .max_rows = 1};
    adb_status status = adb__session_run(worker, NULL, &statement, &sink, error);
    text_out[0] = '\0';
    if (status == ADB_OK && result.n_rows > 0 && !adb_row_is_null(adb_result_row(&result, 0), 0))
        snprintf(text_out, size, "%s", adb_row_text(adb_result_row(&result, 0), 0));
    adb__result_fini(&result);
    return status;
}

adb_status adb__resolve_prepare(struct adb__worker *worker, const struct adb__lane *lane, adb_error *error)
{
    const struct adb__driver *driver = worker->db->driver;
    struct adb__job *job = worker->job;
    if (!lane->txn.outermost.traced || driver->dialect.transaction_id == NULL || job == NULL ||
        driver->transaction_state(worker->conn) != ADB__TXN_OPEN)
        return ADB_OK;
    /* One that has written nothing has no id, and nothing to be in doubt of. */
    adb_status status =
        ask(worker, driver->dialect.transaction_id, NULL, job->transaction_id, sizeof(job->transaction_id), error);
    if (status != ADB_OK)
        error->flags &= ~(unsigned)ADB_ERROR_OUTCOME_UNKNOWN; /* of the question, which changes nothing */
    return status;
}

adb_status adb__resolve_give_up(adb_error *error)
{
    const adb_error reason = *error;
    adb__error_native(error, ADB_E_OUTCOME_UNKNOWN, reason.flags | ADB_ERROR_OUTCOME_UNKNOWN, reason.native_code,
                      reason.sqlstate, NULL);
    snprintf(error->message, sizeof(error->message), "the commit may have taken effect or not: %.160s", reason.message);
    return ADB_E_OUTCOME_UNKNOWN;
}

adb_status adb__resolve_judge(struct adb__worker *worker, adb_status status, adb_error *error)
{
    if (status != ADB_OK && (error->flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0)
        return adb__resolve_give_up(error);
    if (worker->job != NULL)
        worker->job->transaction_id[0] = '\0';
    return status;
}

bool adb__resolve_again(struct adb_session *session)
{
    struct adb__job *job = session->job;
    const struct adb__worker *worker = session->worker;
    if (!worker->is_broken || adb__lane_is_held(session->lane)) /* whoever holds it has more on that connection */
        return false;
    if (job->again_until == 0)
        job->again_until =
            adb__deadline_first(job->deadline, adb__deadline_in(adb__clock_now(), worker->db->options.wait_timeout_ms));
    return true;
}

/* ADB_OK, or why there is no more time. */
static adb_status resolve_pause(struct adb_session *session, int64_t pause)
{
    struct adb__worker *worker = session->worker;
    int64_t until = adb__deadline_first(adb__clock_now() + pause, session->job->again_until);
    for (int64_t now = adb__clock_now(); now < until; now = adb__clock_now()) {
        adb_status status = adb__worker_check_stop(worker, &session->error);
        if (status != ADB_OK)
            return status;
        adb__worker_rest(worker, until);
    }
    if (until < session->job->again_until)
        return ADB_OK;
    return adb__error_set(&session->error, ADB_E_TIMEOUT, "the server is still at it");
}

adb_status adb__resolve_ask(struct adb_session *session)
{
    struct adb__job *job = session->job;
    const struct adb__dialect *dialect = &session->worker->db->driver->dialect;
    adb_error *error = &session->error;
    char word[32];
    for (int64_t pause = PAUSE_MIN_NS;; pause = adb__deadline_first(2 * pause, PAUSE_MAX_NS)) {
        adb_status status =
            ask(session->worker, dialect->transaction_status, job->transaction_id, word, sizeof(word), error);
        if (status != ADB_OK && session->worker->is_broken && adb__clock_now() < job->again_until)
            return ADB__AGAIN;
        if (status != ADB_OK)
            return adb__resolve_give_up(error);
        if (strcmp(word, "in progress") != 0)
            break;
        if (resolve_pause(session, pause) != ADB_OK)
            return adb__resolve_give_up(error);
    }
    bool committed = strcmp(word, "committed") == 0;
    if (!committed && strcmp(word, "aborted") != 0) {
        adb__error_set(error, ADB_E_NOT_FOUND, "the server does not remember the transaction");
        return adb__resolve_give_up(error);
    }
    job->transaction_id[0] = '\0';
    if (committed)
        return ADB_OK;
    return adb__error_native(error, ADB_E_TRANSACTION_LOST, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_RETRY_TRANSACTION, 0,
                             "08006", "the connection was lost before the commit, which did not take effect");
}

adb_job adb_resolve(adb_context *ctx, const char *transaction_id, adb_done_cb done, void *user_data)
{
    if (ctx == NULL)
        return 0;
    const struct adb__driver *driver = ctx->db->driver;
    if (driver->dialect.transaction_status == NULL) {
        adb__error_set(&ctx->error, ADB_E_UNSUPPORTED, "%s cannot tell what became of a transaction", driver->scheme);
        return 0;
    }
    if (transaction_id == NULL || transaction_id[0] == '\0') {
        adb__error_set(&ctx->error, ADB_E_INVAL, "the id of a transaction is NULL or empty");
        return 0;
    }
    return adb_fetch_val(ctx, driver->dialect.transaction_status, ADB_PARAMS({0, adb_text(transaction_id)}), done,
                         user_data);
}
