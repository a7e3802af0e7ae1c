/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocking face of a worker's connection: every statement of the library goes to the driver through here. */
#ifndef ADB_CORE_SESSION_H
#define ADB_CORE_SESSION_H

#include "core/worker.h"
#include "model/error.h"

#include <asyncdb/session.h>

struct adb_session {
    struct adb__worker *worker;
    struct adb__lane *lane;         /* NULL in the on_connect hook */
    struct adb__job *job;           /* NULL in the on_connect hook */
    size_t base_depth;              /* levels that the function has not begun */
    adb_error error;                /* of the last failure */
    struct adb_result *returned;    /* for the job's outcome; adb_session_return() */
};

/* The session of a job's function. */
static inline void adb__session_init(struct adb_session *session, struct adb__worker *worker, struct adb__lane *lane,
                                     struct adb__job *job)
{
    session->worker = worker;
    session->lane = lane;
    session->job = job;
    session->base_depth = lane->txn.depth;
    session->returned = NULL;
    adb__error_clear(&session->error);
}

/* Run one statement for the worker's running job. ADB__NEED_WRITER is passed on. */
adb_status adb__session_run(struct adb__worker *worker, const struct adb__lane *lane,
                            const struct adb__statement *statement, struct adb__sink *sink, adb_error *error);
/* What the driver says of the end of a statement, in the words of the worker's running job: why it was interrupted, is
 * the connection gone. */
adb_status adb__session_judge(struct adb__worker *worker, adb_status status, adb_error *error);

/* Run one statement with many sets, as one unit if atomic. */
adb_status adb__session_run_many(struct adb__worker *worker, const struct adb__lane *lane,
                                 const struct adb__statement *statement, const adb_value *const *sets, size_t n_sets,
                                 bool atomic, struct adb_result *result, adb_error *error);
/* The driver's execute_many() for the worker's running job; *failed_out is the index of the failing set. */
adb_status adb__session_run_sets(struct adb__worker *worker, const struct adb__lane *lane,
                                 const struct adb__statement *statement, const adb_value *const *sets, size_t n_sets,
                                 struct adb_result *result, size_t *failed_out, adb_error *error);
/* The unit around many statements that are to be one: a transaction, or a savepoint inside one. Closing it returns the
 * outcome, or the failure to keep it. */
adb_status adb__session_open_unit(struct adb__worker *worker, const struct adb__lane *lane, bool *nested_out,
                                  adb_error *error);
adb_status adb__session_close_unit(struct adb__worker *worker, bool nested, adb_status outcome, adb_error *error);
/* Is the lane, or its transaction, one that may not write? The lane may be NULL. */
bool adb__session_must_read(const struct adb__lane *lane);
/* Run a script; the last statement's outcome is in result. */
adb_status adb__session_run_script(struct adb__worker *worker, const struct adb__lane *lane, const char *sql,
                                   size_t sql_size, struct adb_result *result, adb_error *error);
/* One statement of the library's own, which yields nothing of interest. flags: beyond ADB__STMT_CONTROL. */
adb_status adb__session_send(struct adb__worker *worker, const char *sql, unsigned flags, adb_error *error);
/* A transaction, not a level of anybody's stack. */
adb_status adb__session_begin(struct adb__worker *worker, const adb_transaction_options *options, adb_error *error);
adb_status adb__session_hook(struct adb__worker *worker, adb_connect_cb hook, void *user_data, adb_error *error);

/* Levels of the lane's stack. */
adb_status adb__session_open_level(struct adb__worker *worker, struct adb__lane *lane, struct adb__level *level,
                                   const adb_transaction_options *options, adb_error *error);
adb_status adb__session_commit_level(struct adb__worker *worker, struct adb__lane *lane, adb_error *error);
adb_status adb__session_rollback_level(struct adb__worker *worker, struct adb__lane *lane, adb_error *error);

/* Undo all levels at once: they are lost for that reason, and with them what an acquired connection had kept. */
void adb__session_give_up(struct adb__worker *worker, struct adb__lane *lane, const adb_error *reason);

/* The functions of adb_run() and adb_transact(). */
adb_status adb__session_work(struct adb_session *session, adb_work_fn work, void *user_data);
/* ADB__AGAIN (core/resolve.h): call it again on a new connection. */
adb_status adb__session_transact(struct adb_session *session, const adb_transaction_options *options, adb_work_fn work,
                                 void *user_data);

/* A result that is only a failure; never NULL. */
struct adb_result *adb__result_failed(const adb_error *error);

#endif
