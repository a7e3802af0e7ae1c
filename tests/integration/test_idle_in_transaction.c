/* SPDX-License-Identifier: BSD-3-Clause */
/* A transaction whose context has forgotten it gives its connection back, and its later jobs are told. */
#include "tests/lib/latch.h"
#include "tests/lib/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static adb_status execute(adb_context *ctx, const char *sql)
{
    return status_of(ctx, adb_execute(ctx, sql, NULL, NULL, NULL));
}

static adb_status wait_at(adb_session *session, void *latch)
{
    (void)session;
    latch_wait(latch);
    return ADB_OK;
}

/* Rolled back in the database, and the only connection serves others at once; the lane learns of it by its next job,
 * and is as new when it has unwound. */
BOTH(forgotten_transaction_gives_its_connection_back)
{
    RIG(rig, kind, ADB_OPTIONS(.max_size = 1, .idle_in_transaction_ms = 5));
    struct latch both_wait = LATCH_INIT;
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_run(other, wait_at, NULL, &both_wait); /* so that nothing is forgotten between the next two */
    latch_expect(&both_wait, 1);
    const adb_job begun = adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_job written = rig_insert(&rig, 1, NULL, NULL);
    latch_open(&both_wait);
    CU_ASSERT_EQUAL(status_of(rig.ctx, begun), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, written), ADB_OK);
    CU_ASSERT_EQUAL(status_of(other, adb_execute(other, kind->insert, ADB_PARAMS({"n", adb_int(2)}), NULL, NULL)), ADB_OK);
    const adb_error error = error_of(rig.ctx, rig_insert(&rig, 3, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_TRANSACTION_LOST);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "idle_in_transaction_ms"));
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, rig_insert(&rig, 4, NULL, NULL)), ADB_OK);
    CU_ASSERT(rig_holds(&rig, "2 4"));
    adb_context_free(other);
    rig_close(&rig);
}

/* Keep the only connection busy, so that what is submitted until latch_open() comes to it in one go. */
static adb_context *keep_busy(struct rig *rig)
{
    adb_context *other = adb_context_new(rig->db, rig->queue, 0);
    adb_execute(other, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    return other;
}

static bool nothing_is_held(void *data)
{
    const struct rig *rig = data;
    return rig_stats(rig).held == 0;
}

/* All levels are lost at once, and each is unwound by its own end; levels begun meanwhile are lost too. */
TEST(all_levels_are_lost)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&idle_in_transaction_ms=5", NULL);
    adb_context *other = keep_busy(&rig);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_job inner = adb_begin(rig.ctx, NULL, NULL, NULL);
    latch_open(latch_named("start"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, inner), ADB_OK);
    await(nothing_is_held, &rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 3);
    for (int level = 0; level < 3; level++)
        CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    CU_ASSERT_STRING_EQUAL(fake_texts(), "block start; BEGIN; SAVEPOINT adb_2; ROLLBACK; insert 1; ");
    CU_ASSERT_EQUAL(rig_stats(&rig).dirty_returns, 0);
    adb_context_free(other);
    rig_close(&rig);
}

/* An acquired connection goes with its transaction, reset; the release finds it gone. */
TEST(acquired_connection_goes_along)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&idle_in_transaction_ms=5", NULL);
    adb_acquire(rig.ctx, NULL, NULL);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL)), ADB_OK);
    await(nothing_is_held, &rig);
    CU_ASSERT_EQUAL(fake_count(FAKE_CHECK, "reset"), 1);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 1);
    rig_close(&rig);
}

/* The transaction of force_rollback is the database's: only what the context has begun in it is undone. */
TEST(transaction_of_force_rollback_stays)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?force_rollback=true&idle_in_transaction_ms=5", NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    adb_context *other = keep_busy(&rig);
    adb_begin(rig.ctx, NULL, NULL, NULL);
    const adb_job written = adb_execute(rig.ctx, "insert 2", NULL, NULL, NULL);
    latch_open(latch_named("start"));
    CU_ASSERT_EQUAL(status_of(rig.ctx, written), ADB_OK);
    await(nothing_is_held, &rig);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT(rows_are(rig.ctx, adb_fetch_all(rig.ctx, "table", NULL, NULL, NULL), "1"));
    adb_context_free(other);
    rig_close(&rig);
}

/* The context is freed after that: nothing is left of it. */
TEST(forgotten_context_can_be_freed)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1&idle_in_transaction_ms=5", NULL);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    CU_ASSERT_EQUAL(status_of(other, adb_begin(other, NULL, NULL, NULL)), ADB_OK);
    await(nothing_is_held, &rig);
    adb_context_free(other);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_close(&rig);
}

struct line {
    pthread_mutex_t lock;
    char text[256];
};

static void note(adb_log_level level, const char *text, void *user_data)
{
    struct line *line = user_data;
    (void)level;
    pthread_mutex_lock(&line->lock);
    snprintf(line->text, sizeof(line->text), "%s", text);
    pthread_mutex_unlock(&line->lock);
}

static bool was_noted(void *data)
{
    struct line *line = data;
    pthread_mutex_lock(&line->lock);
    const bool noted = line->text[0] != '\0';
    pthread_mutex_unlock(&line->lock);
    return noted;
}

/* The log names the job that had begun it. */
TEST(log_says_who_forgot)
{
    struct rig rig;
    struct line line = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char expected[128];
    rig_open_fake(&rig, "fake://?idle_in_transaction_ms=5", ADB_OPTIONS(.log = note, .log_data = &line));
    const adb_job job = adb_begin(rig.ctx, NULL, NULL, NULL);
    await(was_noted, &line);
    snprintf(expected, sizeof(expected),
             "a transaction idled for 5 ms and was rolled back; job %#" PRIx64 " had begun it", (uint64_t)job);
    CU_ASSERT_STRING_EQUAL(line.text, expected);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    rig_close(&rig);
}

/* Jobs that come while the time runs out are either in time or told, never lost, and nothing runs outside. */
TEST(jobs_that_race_with_the_limit_are_told)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=2&idle_in_transaction_ms=1", NULL);
    for (int i = 0; i < 100; i++) {
        adb_begin(rig.ctx, NULL, NULL, NULL);
        const adb_status first = execute(rig.ctx, "insert 1");
        const adb_status second = status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL));
        CU_ASSERT(first == ADB_OK || first == ADB_E_TRANSACTION_LOST);
        CU_ASSERT(second == ADB_OK || second == ADB_E_TRANSACTION_LOST);
        CU_ASSERT(first == ADB_OK || second != ADB_OK);
    }
    CU_ASSERT(fake_table_is(""));
    CU_ASSERT_EQUAL(adb_context_depth(rig.ctx), 0);
    rig_close(&rig);
}

SUITE(idle_in_transaction, CASES(forgotten_transaction_gives_its_connection_back), CASE(all_levels_are_lost),
      CASE(acquired_connection_goes_along), CASE(transaction_of_force_rollback_stays),
      CASE(forgotten_context_can_be_freed), CASE(log_says_who_forgot), CASE(jobs_that_race_with_the_limit_are_told))
