/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction stack, without any database: levels, failures, and the texts that end them. */
#include "tests/lib/harness.h"

#include "core/txn.h"
#include "model/error.h"
#include "tests/lib/fault.h"

#include <string.h>

static const adb_transaction_options plain = {.size = sizeof(plain)};

static void push(struct adb__txn *txn, const adb_transaction_options *options)
{
    struct adb__level *level = adb__level_new(options);
    REQUIRE(level != NULL);
    adb__txn_push(txn, level, options);
}

static void fail(struct adb__txn *txn, const char *message)
{
    adb_error error;
    adb__error_set(&error, ADB_E_UNIQUE, "%s", message);
    adb__txn_fail(txn, &error);
}

/* Compares what a text function writes. */
static bool text_is(void (*write)(const struct adb__txn *, struct adb__buf *), const struct adb__txn *txn,
                    const char *expected)
{
    struct adb__buf text = ADB__BUF_INIT;
    write(txn, &text);
    bool same = strcmp(text.bytes == NULL ? "" : text.bytes, expected) == 0;
    adb__buf_fini(&text);
    return same;
}

/* TX-04, TX-05: the outermost level is a transaction. */
TEST(outermost_level_commits_and_rolls_back)
{
    struct adb__txn txn = {0};
    CU_ASSERT(!adb__txn_nests(&txn));
    push(&txn, &plain);
    CU_ASSERT(text_is(adb__txn_commit_text, &txn, "COMMIT"));
    CU_ASSERT(text_is(adb__txn_rollback_text, &txn, "ROLLBACK"));
    adb__txn_fini(&txn);
    CU_ASSERT_EQUAL(txn.depth, 0);
}

/* TX-04, TX-05: an inner level is a savepoint with a name of its own, and is released after it was rolled back to. */
TEST(inner_level_is_a_named_savepoint)
{
    struct adb__txn txn = {0};
    push(&txn, &plain);
    CU_ASSERT(adb__txn_nests(&txn));
    CU_ASSERT(text_is(adb__txn_savepoint_text, &txn, "SAVEPOINT adb_2"));
    push(&txn, &plain);
    CU_ASSERT(text_is(adb__txn_commit_text, &txn, "RELEASE SAVEPOINT adb_2"));
    CU_ASSERT(text_is(adb__txn_rollback_text, &txn, "ROLLBACK TO SAVEPOINT adb_2;RELEASE SAVEPOINT adb_2"));
    adb__txn_fini(&txn);
}

/* FR-03: on a connection that already is inside a transaction the first level is a savepoint too. */
TEST(base_makes_the_first_level_a_savepoint)
{
    struct adb__txn txn = {.base = 1};
    CU_ASSERT(adb__txn_nests(&txn));
    push(&txn, &plain);
    CU_ASSERT(text_is(adb__txn_commit_text, &txn, "RELEASE SAVEPOINT adb_2"));
    adb__txn_fini(&txn);
}

/* Promise 7: a failed level refuses everything, with the first failure's message. */
TEST(failed_level_is_unusable_and_keeps_the_first_error)
{
    struct adb__txn txn = {0};
    adb_error error;
    push(&txn, &plain);
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, &error), ADB_OK);
    fail(&txn, "first");
    fail(&txn, "second");
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, &error), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT(strstr(error.message, "first") != NULL);
    adb__txn_fini(&txn);
}

/* TX-06: an inner failure leaves the outer level usable once the inner one is closed. */
TEST(inner_failure_leaves_the_outer_level_usable)
{
    struct adb__txn txn = {0};
    push(&txn, &plain);
    push(&txn, &plain);
    fail(&txn, "inner");
    adb__txn_pop(&txn);
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, NULL), ADB_OK);
    adb__txn_fini(&txn);
}

/* on_error: a level may leave failures to the database. */
TEST(level_that_continues_ignores_failures)
{
    struct adb__txn txn = {0};
    push(&txn, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE));
    fail(&txn, "ignored");
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, NULL), ADB_OK);
    adb__txn_fini(&txn);
}

/* A level whose begin did not run has nothing to end in the database. */
TEST(hollow_level_sends_nothing)
{
    struct adb__txn txn = {0};
    adb_error error;
    adb__error_set(&error, ADB_E_CANCELLED, "cancelled");
    push(&txn, &plain);
    adb__txn_hollow(&txn, &error);
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, NULL), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT(text_is(adb__txn_commit_text, &txn, ""));
    CU_ASSERT(text_is(adb__txn_rollback_text, &txn, ""));
    adb__txn_fini(&txn);
}

/* Promise 6: a lost transaction stays lost until every level is closed. */
TEST(lost_transaction_stays_lost_on_every_level)
{
    struct adb__txn txn = {0};
    adb_error error;
    adb__error_set(&error, ADB_E_TRANSACTION_LOST, "gone");
    push(&txn, &plain);
    push(&txn, &plain);
    adb__txn_lose(&txn, &error);
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, NULL), ADB_E_TRANSACTION_LOST);
    adb__txn_pop(&txn);
    CU_ASSERT_EQUAL(adb__txn_usable(&txn, NULL), ADB_E_TRANSACTION_LOST);
    CU_ASSERT(text_is(adb__txn_rollback_text, &txn, ""));
    adb__txn_fini(&txn);
}

/* All levels at once: by the outermost, unless that is only in the books. */
TEST(undo_ends_all_levels)
{
    struct adb__txn txn = {0};
    const adb_error error = {.status = ADB_E_CANCELLED, .message = "cancelled"};
    CU_ASSERT(text_is(adb__txn_undo_text, &txn, ""));
    push(&txn, &plain);
    push(&txn, &plain);
    CU_ASSERT(text_is(adb__txn_undo_text, &txn, "ROLLBACK"));
    txn.base = 1;
    CU_ASSERT(text_is(adb__txn_undo_text, &txn, "ROLLBACK TO SAVEPOINT adb_2;RELEASE SAVEPOINT adb_2"));
    adb__txn_fini(&txn);
    txn = (struct adb__txn){0};
    push(&txn, &plain);
    adb__txn_hollow(&txn, &error);
    CU_ASSERT(text_is(adb__txn_undo_text, &txn, ""));
    adb__txn_fini(&txn);
}

/* TX-22: a nested level takes its options from the outermost, or says the same. */
TEST(nested_options_must_fit_the_outermost)
{
    struct adb__txn txn = {0};
    const adb_transaction_options *serializable = ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE);
    CU_ASSERT_EQUAL(adb__txn_check(&txn, serializable, NULL), ADB_OK);
    push(&txn, serializable);
    CU_ASSERT_EQUAL(adb__txn_check(&txn, &plain, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb__txn_check(&txn, serializable, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb__txn_check(&txn, ADB_TRANSACTION(.read_only = true), NULL), ADB_E_STATE);
    CU_ASSERT_EQUAL(adb__txn_check(&txn, ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED), NULL),
                    ADB_E_STATE);
    adb__txn_fini(&txn);
}

/* No memory for a level is told where it is allocated: at submission. */
TEST(level_without_memory_is_null)
{
    fault_arm(0);
    struct adb__level *level = adb__level_new(&plain);
    fault_disarm();
    CU_ASSERT_PTR_NULL(level);
    CU_ASSERT_EQUAL(fault_live_blocks(), 0);
}

SUITE(txn, CASE(outermost_level_commits_and_rolls_back), CASE(inner_level_is_a_named_savepoint),
      CASE(base_makes_the_first_level_a_savepoint), CASE(failed_level_is_unusable_and_keeps_the_first_error),
      CASE(inner_failure_leaves_the_outer_level_usable), CASE(level_that_continues_ignores_failures),
      CASE(hollow_level_sends_nothing), CASE(lost_transaction_stays_lost_on_every_level),
      CASE(undo_ends_all_levels), CASE(nested_options_must_fit_the_outermost),
      CASE(level_without_memory_is_null))
