/* SPDX-License-Identifier: BSD-3-Clause */
/* Commits whose answer was lost. Nobody knows what became of them, unless the transaction was traced and the server can
 * tell: then a job carries the transaction's id, which is asked for right before the commit. */
#ifndef ADB_CORE_RESOLVE_H
#define ADB_CORE_RESOLVE_H

#include "core/session.h"

/* perform: the job is to run again, on a new connection, when the lost one is gone. */
#define ADB__AGAIN ((adb_status)3)

/* Is the job's commit in doubt? Then job->transaction_id says which. */
bool adb__resolve_in_doubt(const struct adb__job *job);
/* Before the COMMIT of the lane's outermost level: get the transaction's id for the running job, if it is traced. Not
 * ADB_OK: nothing was committed. */
adb_status adb__resolve_prepare(struct adb__worker *worker, const struct adb__lane *lane, adb_error *error);
/* That COMMIT has had this status: in the end it is known, or ADB_E_OUTCOME_UNKNOWN. */
adb_status adb__resolve_judge(struct adb__worker *worker, adb_status status, adb_error *error);
/* The commit stays in doubt, for the reason that is in *error: ADB_E_OUTCOME_UNKNOWN. */
adb_status adb__resolve_give_up(adb_error *error);
/* The job has lost its connection: may it go on with another one? It then has until job->again_until to get it. */
bool adb__resolve_again(struct adb_session *session);
/* On a new connection, ask what became of it. ADB_OK: it was committed. ADB_E_TRANSACTION_LOST: it was not.
 * ADB__AGAIN: this connection was lost too. ADB_E_OUTCOME_UNKNOWN: the server cannot tell, or time is up. */
adb_status adb__resolve_ask(struct adb_session *session);

#endif
