/* SPDX-License-Identifier: BSD-3-Clause */
/* NULL in place of each pointer of each public function: a status, or the answer that stands for nothing; never a
 * crash. */
#include "tests/lib/harness.h"

#include <asyncdb.h>

#include <string.h>

static adb_database *db;
static adb_context *ctx;

static void start(void)
{
    REQUIRE(adb_database_open("sqlite://", NULL, &db, NULL) == ADB_OK);
    ctx = adb_context_new(db, NULL, 0);
    REQUIRE(ctx != NULL);
}

static void finish(void)
{
    adb_context_free(ctx);
    adb_database_free(db);
    ctx = NULL;
    db = NULL;
}

/* The submission was refused because of an argument. */
static bool refused(adb_job job)
{
    return job == 0 && adb_context_error(ctx)->status == ADB_E_INVAL && adb_context_error(ctx)->message[0] != '\0';
}

static adb_status ended(adb_context *by, adb_job job)
{
    adb_result *result = adb_wait(by, job, 20000);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* free, close and unref of nothing do nothing. */
TEST(nothing_can_be_freed)
{
    adb_database_free(NULL);
    CU_ASSERT_EQUAL(adb_database_close(NULL, 0), ADB_OK);
    adb_context_free(NULL);
    adb_queue_free(NULL);
    adb_url_free(NULL);
    adb_result_unref(NULL);
    CU_ASSERT_PTR_NULL(adb_result_ref(NULL));
}

/* Open without URL or place for the handle; the error is optional. */
TEST(open_needs_a_url_and_a_place)
{
    adb_database *none = NULL;
    adb_error error = {0};
    CU_ASSERT_EQUAL(adb_database_open(NULL, NULL, &none, &error), ADB_E_INVAL);
    CU_ASSERT_EQUAL(error.status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_open("sqlite://", NULL, NULL, &error), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_open("nowhere://", NULL, &none, NULL), ADB_E_DRIVER);
    CU_ASSERT_PTR_NULL(none);
}

/* No database: nothing is known of it. */
TEST(no_database_answers_nothing)
{
    adb_error error = {0};
    adb_stats stats = {.size = sizeof(stats)};
    CU_ASSERT_EQUAL(adb_database_connect(NULL, 0, &error), ADB_E_INVAL);
    CU_ASSERT_EQUAL(error.status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_database_connect(NULL, 0, NULL), ADB_E_INVAL);
    CU_ASSERT_FALSE(adb_database_is_connected(NULL));
    CU_ASSERT_PTR_NULL(adb_database_url(NULL));
    CU_ASSERT_PTR_NULL(adb_database_options(NULL));
    CU_ASSERT_PTR_NULL(adb_database_driver(NULL));
    CU_ASSERT_EQUAL(adb_database_stats(NULL, &stats), ADB_E_INVAL);
    start();
    CU_ASSERT_EQUAL(adb_database_stats(db, NULL), ADB_E_INVAL);
    stats.size = 0;
    CU_ASSERT_EQUAL(adb_database_stats(db, &stats), ADB_E_INVAL);
    finish();
}

/* No queue: nothing waits in it. */
TEST(no_queue_answers_nothing)
{
    CU_ASSERT_EQUAL(adb_queue_fd(NULL), -1);
    CU_ASSERT_EQUAL(adb_queue_dispatch(NULL, 0), 0);
    CU_ASSERT_PTR_NULL(adb_queue_next(NULL));
    CU_ASSERT_EQUAL(adb_queue_wait(NULL, 0), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_queue_attach(NULL, NULL, NULL), ADB_E_INVAL);
    adb_queue_detach(NULL);
    adb_queue_wake(NULL);
}

/* The queue of callbacks on the worker is not for waiting or pulling. */
TEST(the_direct_queue_answers_nothing)
{
    CU_ASSERT_EQUAL(adb_queue_fd(ADB_QUEUE_DIRECT), -1);
    CU_ASSERT_EQUAL(adb_queue_dispatch(ADB_QUEUE_DIRECT, 0), 0);
    CU_ASSERT_PTR_NULL(adb_queue_next(ADB_QUEUE_DIRECT));
    CU_ASSERT_EQUAL(adb_queue_wait(ADB_QUEUE_DIRECT, 0), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_queue_attach(ADB_QUEUE_DIRECT, NULL, NULL), ADB_E_INVAL);
    adb_queue_detach(ADB_QUEUE_DIRECT);
    adb_queue_wake(ADB_QUEUE_DIRECT);
    adb_queue_free(ADB_QUEUE_DIRECT);
}

/* No context: nothing can be submitted, and its error says so. */
TEST(no_context_answers_nothing)
{
    CU_ASSERT_PTR_NULL(adb_context_new(NULL, NULL, 0));
    CU_ASSERT_PTR_NULL(adb_context_share(NULL, NULL));
    CU_ASSERT_PTR_NULL(adb_thread_context(NULL));
    CU_ASSERT_PTR_NULL(adb_context_queue(NULL));
    CU_ASSERT_PTR_NULL(adb_context_database(NULL));
    CU_ASSERT_EQUAL(adb_context_error(NULL)->status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_context_depth(NULL) + adb_context_pending(NULL), 0);
    adb_context_set_timeout(NULL, 5);
    CU_ASSERT_EQUAL(adb_cancel(NULL, 1), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_resume(NULL, 1), ADB_E_INVAL);
    CU_ASSERT_EQUAL(ended(NULL, 1), ADB_E_INVAL);
}

static adb_status do_nothing(adb_session *session, void *user_data)
{
    (void)session;
    (void)user_data;
    return ADB_OK;
}

/* Every kind of submission without a context. */
TEST(nothing_is_submitted_without_a_context)
{
    CU_ASSERT_EQUAL(adb_execute(NULL, "SELECT 1", NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_execute_many(NULL, "SELECT 1", NULL, 0, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_execute_script(NULL, "SELECT 1", NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_fetch_all(NULL, "SELECT 1", NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_fetch_one(NULL, "SELECT 1", NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_fetch_val(NULL, "SELECT 1", NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_fetch_many(NULL, "SELECT 1", NULL, 1, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_iterate(NULL, "SELECT 1", NULL, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_submit(NULL, NULL) + adb_connect(NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_begin(NULL, NULL, NULL, NULL) + adb_commit(NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_rollback(NULL, NULL, NULL) + adb_acquire(NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_release(NULL, NULL, NULL) + adb_run(NULL, do_nothing, NULL, NULL), 0);
    CU_ASSERT_EQUAL(adb_transact(NULL, NULL, do_nothing, NULL, NULL), 0);
}

/* Every kind of submission without a statement, request or function. */
TEST(submissions_need_their_arguments)
{
    start();
    CU_ASSERT(refused(adb_execute(ctx, NULL, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_execute_many(ctx, NULL, NULL, 0, NULL, NULL)));
    CU_ASSERT(refused(adb_execute_many(ctx, "SELECT 1", NULL, 2, NULL, NULL)));
    CU_ASSERT(refused(adb_execute_script(ctx, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_fetch_all(ctx, NULL, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_fetch_one(ctx, NULL, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_fetch_val(ctx, NULL, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_fetch_many(ctx, NULL, NULL, 1, NULL, NULL)));
    CU_ASSERT(refused(adb_iterate(ctx, NULL, NULL, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_submit(ctx, NULL)));
    CU_ASSERT(refused(adb_run(ctx, NULL, NULL, NULL)));
    CU_ASSERT(refused(adb_transact(ctx, NULL, NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(adb_context_pending(ctx), 0);
    finish();
}

/* Parameters whose array is missing. */
TEST(parameters_need_their_array)
{
    const adb_params missing = {NULL, 3};
    start();
    CU_ASSERT_EQUAL(adb_fetch_all(ctx, "SELECT ?", &missing, NULL, NULL), 0);
    CU_ASSERT_NOT_EQUAL(adb_context_error(ctx)->status, ADB_OK);
    CU_ASSERT_EQUAL(adb_execute_many(ctx, "SELECT ?", &missing, 1, NULL, NULL), 0);
    CU_ASSERT_NOT_EQUAL(adb_context_error(ctx)->status, ADB_OK);
    finish();
}

/* Of a URL that is not there every part is missing, and none can be set. */
TEST(no_url_answers_nothing)
{
    adb_url *url = NULL;
    CU_ASSERT_EQUAL(adb_url_parse(NULL, &url, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_parse("sqlite://", NULL, NULL), ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_url_dup(NULL));
    CU_ASSERT_EQUAL(adb_url_port(NULL), -1);
    CU_ASSERT_EQUAL(adb_url_options(NULL), 0);
    CU_ASSERT_PTR_NULL(adb_url_option(NULL, "x"));
    CU_ASSERT_PTR_NULL(adb_url_option_key(NULL, 0));
    CU_ASSERT_PTR_NULL(adb_url_option_value(NULL, 0));
    CU_ASSERT_FALSE(adb_url_equal(NULL, url) && adb_url_user(NULL) != NULL);
    CU_ASSERT_PTR_NULL(adb_url_user(NULL));
    CU_ASSERT_PTR_NULL(adb_url_password(NULL));
    CU_ASSERT_PTR_NULL(adb_url_userinfo(NULL));
    CU_ASSERT_PTR_NULL(adb_url_host(NULL));
}

/* Texts of no URL: NULL or empty, but to be read. */
TEST(texts_of_no_url_can_be_read)
{
    const char *(*const readers[])(const adb_url *) = {adb_url_dialect,  adb_url_driver, adb_url_netloc,
                                                       adb_url_database, adb_url_text,   adb_url_redacted};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        const char *text = readers[i](NULL);
        CU_ASSERT(text == NULL || text[0] == '\0');
    }
}

/* Setting a part of nothing, or a key that is none. */
TEST(no_url_can_be_changed)
{
    adb_url *url = NULL;
    CU_ASSERT_EQUAL(adb_url_set_dialect(NULL, "mysql"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_driver(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_user(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_password(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_host(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_port(NULL, 1), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_database(NULL, "x"), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(NULL, "a", "b"), ADB_E_INVAL);
    REQUIRE(adb_url_parse("sqlite:///x", &url, NULL) == ADB_OK);
    CU_ASSERT_EQUAL(adb_url_set_dialect(url, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_url_set_option(url, NULL, "b"), ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_url_option(url, NULL));
    adb_url_free(url);
}

/* Of a result that is not there everything can be asked. */
TEST(no_result_answers_nothing)
{
    CU_ASSERT_EQUAL(adb_result_status(NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_result_error(NULL)->status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_result_job(NULL), 0);
    CU_ASSERT_PTR_NULL(adb_result_user_data(NULL));
    CU_ASSERT_FALSE(adb_result_more(NULL) || adb_result_last_insert_id(NULL, NULL));
    CU_ASSERT_EQUAL(adb_result_rows(NULL) + adb_result_columns(NULL), 0);
    CU_ASSERT_PTR_NULL(adb_result_column_name(NULL, 0));
    CU_ASSERT_PTR_NULL(adb_result_column_table(NULL, 0));
    CU_ASSERT_PTR_NULL(adb_result_column_decltype(NULL, 0));
    CU_ASSERT_EQUAL(adb_result_column_type(NULL, 0), ADB_TYPE_NULL);
    CU_ASSERT_EQUAL(adb_result_column_index(NULL, "x"), -1);
    CU_ASSERT_EQUAL(adb_result_column_find(NULL, NULL, "x"), -1);
    CU_ASSERT_EQUAL(adb_result_column_count(NULL, "x"), 0);
    CU_ASSERT_EQUAL(adb_result_affected(NULL), -1);
    CU_ASSERT_EQUAL(adb_result_value(NULL).type, ADB_TYPE_NULL);
    CU_ASSERT_EQUAL(adb_result_get(NULL, 0, 0, NULL), ADB_E_INVAL);
}

/* And so can a row of it. */
TEST(no_row_answers_nothing)
{
    size_t size = 7;
    adb_value value;
    char text[8] = "x";
    const adb_row row = adb_result_row(NULL, 0);
    CU_ASSERT_EQUAL(adb_row_value(row, 0).type, ADB_TYPE_NULL);
    CU_ASSERT_EQUAL(adb_row_get(row, "x", &value), ADB_E_INVAL);
    CU_ASSERT(adb_row_is_null(row, 0) && !adb_row_bool(row, 0));
    CU_ASSERT_EQUAL(adb_row_int(row, 0), 0);
    CU_ASSERT_EQUAL(adb_row_double(row, 0), 0.0);
    CU_ASSERT_PTR_NULL(adb_row_text(row, 0));
    CU_ASSERT_PTR_NULL(adb_row_blob(row, 0, &size));
    CU_ASSERT_EQUAL(size, 0);
    CU_ASSERT(adb_row_equal(row, row));
    CU_ASSERT_EQUAL(adb_row_hash(row), adb_row_hash(row));
    CU_ASSERT_EQUAL(adb_row_format(row, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(adb_row_format(row, NULL, 0), 0);
}

/* Names and places that are NULL, of a result that is there. */
TEST(a_result_takes_no_name_for_none)
{
    adb_value value = adb_int(7);
    start();
    adb_result *one = adb_wait(ctx, adb_fetch_one(ctx, "SELECT 1 AS a", NULL, NULL, NULL), 20000);
    CU_ASSERT_EQUAL(adb_result_column_index(one, NULL), -1);
    CU_ASSERT_EQUAL(adb_result_column_find(one, NULL, NULL), -1);
    CU_ASSERT_EQUAL(adb_result_column_count(one, NULL), 0);
    CU_ASSERT_EQUAL(adb_row_get(adb_result_row(one, 0), NULL, &value), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_row_get(adb_result_row(one, 0), "a", NULL), ADB_E_INVAL);
    CU_ASSERT_PTR_NULL(adb_row_blob(adb_result_row(one, 0), 0, NULL));
    CU_ASSERT_EQUAL(value.as.integer, 7);
    adb_result_unref(one);
    finish();
}

/* Values made of NULL are SQL's NULL, and a value that is not there converts to nothing. */
TEST(values_of_nothing_are_null)
{
    const adb_value nulls[] = {adb_text(NULL),    adb_text_n(NULL, 3), adb_blob(NULL, 3),
                               adb_decimal(NULL), adb_json(NULL),      adb_uuid(NULL)};
    bool truth;
    int64_t number;
    double real;
    int day;
    uint8_t uuid[16];
    for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
        CU_ASSERT_EQUAL(nulls[i].type, ADB_TYPE_NULL);
    CU_ASSERT_EQUAL(adb_value_to_bool(NULL, &truth), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_int(NULL, &number), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_double(NULL, &real), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_date(NULL, &day, &day, &day), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_time(NULL, &number), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_timestamp(NULL, &number), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_uuid(NULL, uuid), ADB_E_INVAL);
}

/* A value that is there, and no place for what it converts to. */
TEST(conversions_need_a_place)
{
    const adb_value one = adb_int(1), day = adb_date(2024, 1, 1);
    int part;
    CU_ASSERT_EQUAL(adb_value_to_bool(&one, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_int(&one, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_double(&one, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_date(&day, &part, NULL, &part), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_time(&one, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_timestamp(&day, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_value_to_uuid(&one, NULL), ADB_E_INVAL);
    CU_ASSERT(adb_value_equal(NULL, NULL) && !adb_value_equal(NULL, &one));
    CU_ASSERT_EQUAL(adb_value_format(NULL, NULL, 0), strlen("NULL"));
}

/* Numbers outside every set have names all the same. */
TEST(unknown_numbers_have_names)
{
    CU_ASSERT_STRING_EQUAL(adb_status_name((adb_status)-9999), "ADB_E_UNKNOWN");
    CU_ASSERT_PTR_NOT_NULL(adb_status_text((adb_status)77));
    CU_ASSERT_STRING_EQUAL(adb_type_name((adb_type)99), "unknown");
    CU_ASSERT_PTR_NULL(adb_driver_name(SIZE_MAX));
}

static bool is_refusal(adb_result *result)
{
    const bool refusal = adb_result_status(result) == ADB_E_INVAL;
    adb_result_unref(result);
    return refusal;
}

static adb_status ask_for_nothing(adb_session *session, void *user_data)
{
    (void)user_data;
    CU_ASSERT(is_refusal(adb_session_execute(session, NULL, NULL)));
    CU_ASSERT(is_refusal(adb_session_execute_many(session, NULL, NULL, 0)));
    CU_ASSERT(is_refusal(adb_session_execute_many(session, "SELECT 1", NULL, 2)));
    CU_ASSERT(is_refusal(adb_session_execute_script(session, NULL)));
    CU_ASSERT(is_refusal(adb_session_fetch_all(session, NULL, NULL)));
    CU_ASSERT(is_refusal(adb_session_fetch_one(session, NULL, NULL)));
    CU_ASSERT(is_refusal(adb_session_fetch_val(session, NULL, NULL)));
    CU_ASSERT(is_refusal(adb_session_iterate(session, NULL, NULL, NULL, NULL)));
    CU_ASSERT(is_refusal(adb_session_iterate(session, "SELECT 1", NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(adb_session_error(session)->status, ADB_E_INVAL);
    adb_session_return(session, NULL);
    return adb_session_fail(session, ADB_E_CHECK, NULL);
}

/* A function on the worker that asks for nothing gets a status each time. */
TEST(sessions_need_their_arguments)
{
    start();
    CU_ASSERT_EQUAL(ended(ctx, adb_run(ctx, ask_for_nothing, NULL, NULL)), ADB_E_CHECK);
    finish();
}

/* No session: no statement, no transaction. */
TEST(no_session_answers_nothing)
{
    CU_ASSERT(is_refusal(adb_session_execute(NULL, "SELECT 1", NULL)));
    CU_ASSERT(is_refusal(adb_session_execute_many(NULL, "SELECT 1", NULL, 0)));
    CU_ASSERT(is_refusal(adb_session_execute_script(NULL, "SELECT 1")));
    CU_ASSERT(is_refusal(adb_session_fetch_all(NULL, "SELECT 1", NULL)));
    CU_ASSERT(is_refusal(adb_session_fetch_one(NULL, "SELECT 1", NULL)));
    CU_ASSERT(is_refusal(adb_session_fetch_val(NULL, "SELECT 1", NULL)));
    CU_ASSERT(is_refusal(adb_session_iterate(NULL, "SELECT 1", NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(adb_session_begin(NULL, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_session_commit(NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_session_rollback(NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_session_depth(NULL), 0);
    CU_ASSERT(adb_session_stopped(NULL));
    CU_ASSERT_EQUAL(adb_session_error(NULL)->status, ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_session_fail(NULL, ADB_E_CHECK, "x"), ADB_E_CHECK);
    CU_ASSERT_PTR_NULL(adb_session_native(NULL));
    adb_session_return(NULL, NULL);
    adb_function_return(NULL, adb_int(1));
    adb_function_fail(NULL, "x");
}

SUITE(null_arguments, CASE(nothing_can_be_freed), CASE(open_needs_a_url_and_a_place), CASE(no_database_answers_nothing),
      CASE(no_queue_answers_nothing), CASE(the_direct_queue_answers_nothing), CASE(no_context_answers_nothing),
      CASE(nothing_is_submitted_without_a_context), CASE(submissions_need_their_arguments),
      CASE(parameters_need_their_array), CASE(no_url_answers_nothing), CASE(texts_of_no_url_can_be_read),
      CASE(no_url_can_be_changed), CASE(no_result_answers_nothing), CASE(no_row_answers_nothing),
      CASE(a_result_takes_no_name_for_none), CASE(values_of_nothing_are_null), CASE(conversions_need_a_place),
      CASE(unknown_numbers_have_names), CASE(sessions_need_their_arguments), CASE(no_session_answers_nothing))
