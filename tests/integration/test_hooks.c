/* SPDX-License-Identifier: BSD-3-Clause */
/* Hooks: before each attempt to connect, whenever a lane gets a connection, whenever it gives it back. */
#include "tests/lib/rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static adb_status execute(adb_context *ctx, const char *sql)
{
    return status_of(ctx, adb_execute(ctx, sql, NULL, NULL, NULL));
}

/* before_connect --------------------------------------------------------------------------------------------------- */

/* A token service: each password is good for one attempt. */
struct tokens {
    atomic_uint given;
    atomic_int failure; /* an adb_status */
    const char *message;
    const char *dialect;
};

static adb_status before_connect(adb_url *url, adb_error *error, void *user_data)
{
    struct tokens *tokens = user_data;
    char password[32];
    snprintf(password, sizeof(password), "token%u", ++tokens->given);
    if (adb_url_set_user(url, "me") != ADB_OK || adb_url_set_password(url, password) != ADB_OK ||
        adb_url_set_host(url, "new.example") != ADB_OK || adb_url_set_port(url, 77) != ADB_OK)
        return ADB_E_NOMEM;
    if (tokens->dialect != NULL && adb_url_set_dialect(url, tokens->dialect) != ADB_OK)
        return ADB_E_NOMEM;
    if (tokens->message != NULL)
        snprintf(error->message, sizeof(error->message), "%s", tokens->message);
    return (adb_status)tokens->failure;
}

static void open_rig(struct rig *rig, struct tokens *tokens)
{
    rig_open_fake(rig, "fake://old.example/db?max_size=1",
                  ADB_OPTIONS(.before_connect = before_connect, .before_connect_data = tokens));
}

/* Each attempt has the credentials and the place of its moment; the database's own URL stays. */
TEST(before_connect_fills_in_each_attempt)
{
    struct rig rig;
    struct tokens tokens = {.given = 0};
    open_rig(&rig, &tokens);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    CU_ASSERT(fake_url_is("fake://me:token1@new.example:77/db?max_size=1"));
    CU_ASSERT_EQUAL(execute(rig.ctx, "lose"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    CU_ASSERT(fake_url_is("fake://me:token2@new.example:77/db?max_size=1"));
    CU_ASSERT_STRING_EQUAL(adb_url_text(adb_database_url(rig.db)), "fake://old.example/db?max_size=1");
    CU_ASSERT_EQUAL(tokens.given, 2);
    rig_close(&rig);
}

/* What the driver says of the URL has no password in it, though the database never knew that one. */
TEST(password_of_an_attempt_is_masked)
{
    struct rig rig;
    struct tokens tokens = {.given = 0};
    open_rig(&rig, &tokens);
    fake_open_fails(1, ADB_E_AUTH);
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "write", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_AUTH);
    CU_ASSERT_PTR_NULL(strstr(error.message, "token"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "new.example"));
    fake_text_fails("write", ADB_E_SQL, 0, 1);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_E_SQL);
    rig_close(&rig);
}

/* An attempt that the hook refuses is a failed one, with the words of the hook, and the next one is tried anew. */
TEST(before_connect_can_refuse)
{
    struct rig rig;
    struct tokens tokens = {.failure = ADB_E_AUTH, .message = "no token today"};
    open_rig(&rig, &tokens);
    adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "write", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_AUTH);
    CU_ASSERT_STRING_EQUAL(error.message, "no token today");
    tokens.message = NULL;
    error = error_of(rig.ctx, adb_begin(rig.ctx, NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_AUTH);
    CU_ASSERT_STRING_EQUAL(error.message, "before_connect refused the attempt");
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_rollback(rig.ctx, NULL, NULL)), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 0);
    CU_ASSERT_EQUAL(rig_stats(&rig).open_failures, 2);
    tokens.failure = ADB_OK;
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    rig_close(&rig);
}

/* Another kind of database is not what the jobs were written for. */
TEST(before_connect_keeps_the_dialect)
{
    struct rig rig;
    struct tokens tokens = {.dialect = "other"};
    open_rig(&rig, &tokens);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_E_OPTION);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 0);
    rig_close(&rig);
}

/* An acquire whose connection cannot be opened says so. */
TEST(acquire_tells_why_there_is_no_connection)
{
    struct rig rig;
    rig_open_fake(&rig, "fake://?max_size=1", NULL);
    fake_open_fails(1, ADB_E_AUTH);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_acquire(rig.ctx, NULL, NULL)), ADB_E_AUTH);
    CU_ASSERT_EQUAL(execute(rig.ctx, "write"), ADB_OK);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_release(rig.ctx, NULL, NULL)), ADB_OK);
    rig_close(&rig);
}

/* on_acquire and on_release ---------------------------------------------------------------------------------------- */

/* One hook: what it sends, and how it ends. */
struct turn {
    const char *sql;
    atomic_int failure;
    atomic_uint runs;
};

static adb_status on_turn(adb_session *session, void *user_data)
{
    struct turn *turn = user_data;
    turn->runs++;
    adb_result *result = adb_session_execute(session, turn->sql, NULL);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    if (turn->failure != ADB_OK)
        return adb_session_fail(session, (adb_status)turn->failure, "not this one");
    return status;
}

#define TURNS(in, out)                                                                                       \
    ADB_OPTIONS(.on_acquire = on_turn, .on_acquire_data = (in), .on_release = on_turn, .on_release_data = (out))

static bool has_returned(void *data)
{
    const struct turn *out = data;
    return out->runs >= 1;
}

/* One pair around a lane's stay on a connection: a single job, or all of a transaction. (REG-57) */
TEST(checkout_is_one_pair)
{
    struct rig rig;
    struct turn in = {.sql = "write in"}, out = {.sql = "write out"};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    adb_begin(rig.ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(out.runs, 0);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_commit(rig.ctx, NULL, NULL)), ADB_OK);
    await(has_returned, &out);
    rig_await_sleep(&rig);
    CU_ASSERT_EQUAL(in.runs, 1);
    CU_ASSERT_STRING_EQUAL(fake_texts(), "write in; BEGIN; insert 1; insert 2; COMMIT; write out; ");
    rig_close(&rig);
    CU_ASSERT_EQUAL(out.runs, 1);
}

/* Lanes that follow each other on a connection each have a pair of their own, one after the other. */
TEST(each_lane_has_its_own_checkout)
{
    struct rig rig;
    struct turn in = {.sql = "write in"}, out = {.sql = "write out"};
    rig_open_fake(&rig, "fake://?max_size=1&group=1", TURNS(&in, &out));
    adb_execute(rig.ctx, "block start", NULL, NULL, NULL);
    latch_expect(latch_named("start"), 1);
    adb_context *other = adb_context_new(rig.db, rig.queue, 0);
    adb_execute(other, "insert 1", NULL, NULL, NULL);
    latch_open(latch_named("start"));
    run_all(rig.ctx);
    run_all(other);
    rig_await_sleep(&rig);
    CU_ASSERT_STRING_EQUAL(fake_texts(), "write in; block start; write out; write in; insert 1; write out; ");
    adb_context_free(other);
    rig_close(&rig);
}

/* A connection that on_acquire refuses is closed, and the job fails with the hook's words; the next has a new one. */
TEST(on_acquire_can_refuse)
{
    struct rig rig;
    struct turn in = {.sql = "write in", .failure = ADB_E_PERMISSION}, out = {.sql = "write out"};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    const adb_error error = error_of(rig.ctx, adb_execute(rig.ctx, "insert 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(error.status, ADB_E_PERMISSION);
    CU_ASSERT_STRING_EQUAL(error.message, "not this one");
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_dirty, 1);
    CU_ASSERT_EQUAL(out.runs, 0);
    in.failure = ADB_OK;
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(fake_count(FAKE_OPEN, ""), 2);
    CU_ASSERT(fake_table_is("2"));
    rig_close(&rig);
}

/* One that on_release refuses is closed, and no job suffers. */
TEST(on_release_can_refuse)
{
    struct rig rig;
    struct turn in = {.sql = "write in"}, out = {.sql = "write out", .failure = ADB_E_PERMISSION};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_await_sleep(&rig);
    CU_ASSERT(fake_count(FAKE_OPEN, "") >= 1);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_dirty, out.runs);
    CU_ASSERT_EQUAL(rig_stats(&rig).failed, 0);
    rig_close(&rig);
}

/* A hook that leaves a transaction open does not pass it on to the job. */
TEST(hooks_leave_no_transaction_open)
{
    struct rig rig;
    struct turn in = {.sql = "dirty"}, out = {.sql = "dirty"};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_OK);
    rig_await_sleep(&rig);
    CU_ASSERT(fake_table_is("1"));
    CU_ASSERT_STRING_EQUAL(fake_texts(), "dirty; ROLLBACK; insert 1; dirty; ROLLBACK; ");
    rig_close(&rig);
}

/* What the lane left open is rolled back before on_release; a connection that was lost has none. */
TEST(on_release_gets_a_clean_connection)
{
    struct rig rig;
    struct turn in = {.sql = "write in"}, out = {.sql = "write out"};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    CU_ASSERT_EQUAL(execute(rig.ctx, "dirty"), ADB_OK);
    rig_await_sleep(&rig);
    CU_ASSERT_STRING_EQUAL(fake_texts(), "write in; dirty; ROLLBACK; write out; ");
    CU_ASSERT_EQUAL(execute(rig.ctx, "lose"), ADB_E_CONNECTION);
    rig_await_sleep(&rig);
    CU_ASSERT_EQUAL(in.runs, 2);
    CU_ASSERT_EQUAL(out.runs, 1);
    rig_close(&rig);
}

/* A connection that is lost in the hook fails the job like any lost one. */
TEST(on_acquire_can_lose_the_connection)
{
    struct rig rig;
    struct turn in = {.sql = "lose"}, out = {.sql = "write out"};
    rig_open_fake(&rig, "fake://?max_size=1", TURNS(&in, &out));
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 1"), ADB_E_CONNECTION);
    in.sql = "write in";
    CU_ASSERT_EQUAL(execute(rig.ctx, "insert 2"), ADB_OK);
    CU_ASSERT_EQUAL(rig_stats(&rig).closed_lost, 1);
    rig_close(&rig);
}

SUITE(hooks, CASE(before_connect_fills_in_each_attempt), CASE(password_of_an_attempt_is_masked),
      CASE(before_connect_can_refuse), CASE(before_connect_keeps_the_dialect),
      CASE(acquire_tells_why_there_is_no_connection), CASE(checkout_is_one_pair), CASE(each_lane_has_its_own_checkout),
      CASE(on_acquire_can_refuse), CASE(on_release_can_refuse), CASE(hooks_leave_no_transaction_open),
      CASE(on_release_gets_a_clean_connection), CASE(on_acquire_can_lose_the_connection))
