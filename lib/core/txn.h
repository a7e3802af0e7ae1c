/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction stack: pure bookkeeping, and the SQL text of each step. Depth 0 begins a transaction, deeper levels
 * are savepoints. Knows no connection, so it is tested without any. */
#ifndef ADB_CORE_TXN_H
#define ADB_CORE_TXN_H

#include "base/buf.h"

#include <asyncdb/database.h>

/* One open level. Allocated when its begin is submitted, so that opening it cannot fail for want of memory. */
struct adb__level {
    struct adb__level *below;
    adb_on_error on_error;
    bool force_rollback;
    bool failed;        /* nothing more runs in it */
    bool hollow;        /* its begin did not run: there is nothing in the database to end */
    adb_error error;    /* the first failure */
};

struct adb__txn {
    struct adb__level *top;
    size_t depth;
    size_t base;        /* levels that somebody else holds open below (force_rollback): 0 or 1 */
    bool lost;          /* the connection is gone, and all levels with it; until the lane lets go of it */
    adb_transaction_options outermost;
};

struct adb__level *adb__level_new(const adb_transaction_options *options);

/* May a level with these options be opened now? Nested ones must fit the outermost. */
adb_status adb__txn_check(const struct adb__txn *txn, const adb_transaction_options *options, adb_error *error);
/* Why nothing may run now; ADB_OK when it may. */
adb_status adb__txn_usable(const struct adb__txn *txn, adb_error *error);
/* Is the next begin a savepoint? */
bool adb__txn_nests(const struct adb__txn *txn);

void adb__txn_push(struct adb__txn *txn, struct adb__level *level, const adb_transaction_options *options);
/* The level is freed. */
void adb__txn_pop(struct adb__txn *txn);
/* Take the top level off as if it had never been there. */
struct adb__level *adb__txn_withdraw(struct adb__txn *txn);
/* A job of the top level has failed; ADB_ON_ERROR_CONTINUE levels ignore it. */
void adb__txn_fail(struct adb__txn *txn, const adb_error *error);
/* The begin of the top level did not run, or failed. */
void adb__txn_hollow(struct adb__txn *txn, const adb_error *error);
/* The connection is gone, or the database has ended the transaction. */
void adb__txn_lose(struct adb__txn *txn, const adb_error *error);
/* The database has rolled all back for that failure: all levels have failed, and there is nothing to undo. */
void adb__txn_void(struct adb__txn *txn, const adb_error *error);
void adb__txn_fini(struct adb__txn *txn);

/* Statements, split by ';', that end the top level (or open a savepoint as the next one). Empty when nothing is to be
 * sent. */
void adb__txn_savepoint_text(const struct adb__txn *txn, struct adb__buf *text);
void adb__txn_commit_text(const struct adb__txn *txn, struct adb__buf *text);
void adb__txn_rollback_text(const struct adb__txn *txn, struct adb__buf *text);
/* The same for all levels. */
void adb__txn_undo_text(const struct adb__txn *txn, struct adb__buf *text);

#endif
