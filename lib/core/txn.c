/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction stack: which levels are open, which have failed, and what SQL ends them. */
#include "core/txn.h"

#include "base/alloc.h"
#include "model/error.h"

struct adb__level *adb__level_new(const adb_transaction_options *options)
{
    struct adb__level *level = adb__alloc_zeroed(sizeof(*level));
    if (level == NULL)
        return NULL;
    level->on_error = options->on_error;
    level->force_rollback = options->force_rollback;
    return level;
}

static bool fits(int inner, int outer)
{
    return inner == 0 || inner == outer;
}

adb_status adb__txn_check(const struct adb__txn *txn, const adb_transaction_options *options, adb_error *error)
{
    const adb_transaction_options *outer = &txn->outermost;
    if (txn->depth == 0)
        return ADB_OK;
    if (fits(options->isolation, outer->isolation) && fits(options->read_only, outer->read_only) &&
        fits(options->deferrable, outer->deferrable) && fits(options->lock, outer->lock))
        return ADB_OK;
    return adb__error_set(error, ADB_E_STATE,
                          "a nested transaction takes isolation, read_only, deferrable and lock from the outermost");
}

adb_status adb__txn_usable(const struct adb__txn *txn, adb_error *error)
{
    if (txn->lost)
        return adb__error_set(error, ADB_E_TRANSACTION_LOST, "the transaction was lost: %s",
                              txn->top != NULL ? txn->top->error.message : "the connection is gone");
    if (txn->top != NULL && txn->top->failed)
        return adb__error_set(error, ADB_E_TRANSACTION_FAILED, "an earlier job of this transaction failed: %s",
                              txn->top->error.message);
    return ADB_OK;
}

bool adb__txn_nests(const struct adb__txn *txn)
{
    return txn->depth + txn->base > 0;
}

void adb__txn_push(struct adb__txn *txn, struct adb__level *level, const adb_transaction_options *options)
{
    level->below = txn->top;
    if (txn->depth == 0)
        txn->outermost = *options;
    txn->top = level;
    txn->depth++;
}

struct adb__level *adb__txn_withdraw(struct adb__txn *txn)
{
    struct adb__level *level = txn->top;
    txn->top = level->below;
    txn->depth--;
    level->failed = level->hollow = false;
    return level;
}

void adb__txn_pop(struct adb__txn *txn)
{
    adb__free(adb__txn_withdraw(txn));
}

static void level_fail(struct adb__level *level, const adb_error *error)
{
    if (level->failed)
        return;
    level->failed = true;
    level->error = *error;
}

void adb__txn_fail(struct adb__txn *txn, const adb_error *error)
{
    if (txn->top != NULL && txn->top->on_error == ADB_ON_ERROR_FAIL)
        level_fail(txn->top, error);
}

void adb__txn_hollow(struct adb__txn *txn, const adb_error *error)
{
    txn->top->hollow = true;
    level_fail(txn->top, error);
}

void adb__txn_lose(struct adb__txn *txn, const adb_error *error)
{
    txn->lost = true;
    adb__txn_void(txn, error);
}

void adb__txn_void(struct adb__txn *txn, const adb_error *error)
{
    for (struct adb__level *level = txn->top; level != NULL; level = level->below) {
        level_fail(level, error);
        level->hollow = true;
    }
}

void adb__txn_fini(struct adb__txn *txn)
{
    while (txn->top != NULL)
        adb__txn_pop(txn);
}

void adb__txn_savepoint_text(const struct adb__txn *txn, struct adb__buf *text)
{
    adb__buf_printf(text, "SAVEPOINT adb_%zu", txn->depth + txn->base + 1);
}

void adb__txn_commit_text(const struct adb__txn *txn, struct adb__buf *text)
{
    size_t depth = txn->depth + txn->base;
    if (txn->top->hollow)
        return;
    if (depth > 1)
        adb__buf_printf(text, "RELEASE SAVEPOINT adb_%zu", depth);
    else
        adb__buf_puts(text, "COMMIT");
}

void adb__txn_rollback_text(const struct adb__txn *txn, struct adb__buf *text)
{
    size_t depth = txn->depth + txn->base;
    if (txn->top->hollow)
        return;
    if (depth > 1)
        adb__buf_printf(text, "ROLLBACK TO SAVEPOINT adb_%zu;RELEASE SAVEPOINT adb_%zu", depth, depth);
    else
        adb__buf_puts(text, "ROLLBACK");
}

void adb__txn_undo_text(const struct adb__txn *txn, struct adb__buf *text)
{
    const struct adb__level *outermost = txn->top;
    while (outermost != NULL && outermost->below != NULL)
        outermost = outermost->below;
    if (outermost == NULL || outermost->hollow)
        return;
    if (txn->base > 0)
        adb__buf_printf(text, "ROLLBACK TO SAVEPOINT adb_%zu;RELEASE SAVEPOINT adb_%zu", txn->base + 1, txn->base + 1);
    else
        adb__buf_puts(text, "ROLLBACK");
}
