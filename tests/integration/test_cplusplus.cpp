/* SPDX-License-Identifier: BSD-3-Clause */
/* The library from C++: what is made in place, callbacks without a name, and no warning for a careful program. */
#include <asyncdb.h>

#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "tests/lib/harness.h"
}

/* CUnit's own macros have casts of C in them. */
#define EXPECT(condition) \
    CU_assertImplementation((condition) ? CU_TRUE : CU_FALSE, __LINE__, #condition, __FILE__, "", CU_FALSE)

namespace
{

struct closing {
    void operator()(adb_database *db) const
    {
        adb_database_close(db, 5000);
        adb_database_free(db);
    }

    void operator()(adb_context *ctx) const
    {
        adb_context_free(ctx);
    }

    void operator()(adb_result *result) const
    {
        adb_result_unref(result);
    }
};

using database = std::unique_ptr<adb_database, closing>;
using context = std::unique_ptr<adb_context, closing>;
using outcome = std::unique_ptr<adb_result, closing>;

database open(const adb_options *options = nullptr)
{
    adb_database *db = nullptr;
    adb_error error;
    if (adb_database_open("sqlite://", options, &db, &error) != ADB_OK)
        CU_FAIL("no database");
    return database(db);
}

outcome wait(const context &ctx, adb_job job)
{
    return outcome(adb_wait(ctx.get(), job, -1));
}

bool well(const context &ctx, adb_job job)
{
    return adb_result_status(wait(ctx, job).get()) == ADB_OK;
}

std::string text(const outcome &rows, size_t row = 0, size_t column = 0)
{
    const char *found = adb_row_text(adb_result_row(rows.get(), row), column);
    return found == nullptr ? "(null)" : found;
}

} // namespace

TEST(options_in_place_open_a_database)
{
    const database some = open(ADB_OPTIONS(.timeout_ms = 60000, .read_only = false, .batch_rows = 7));
    EXPECT(adb_database_options(some.get())->timeout_ms == 60000);
    EXPECT(adb_database_options(some.get())->batch_rows == 7);
    const database none = open(ADB_OPTIONS());
    EXPECT(adb_database_options(none.get())->batch_rows == 4096);
}

TEST(parameters_of_every_kind_are_made_in_place)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    const adb_value ids[] = {adb_int(1), adb_int(7)};
    const uint8_t uuid[16] = {0xab};
    const outcome named = wait(ctx, adb_fetch_all(ctx.get(),
        "SELECT :null, :bool, :int, :double, :text, :blob, :decimal, :json, :date, :time, :stamp, :uuid, 7 IN (:ids)",
        ADB_PARAMS({"null", adb_null()}, {"bool", adb_bool(true)}, {"int", adb_int(-5)}, {"double", adb_double(0.5)},
                   {"text", adb_text("grüß")}, {"blob", adb_blob("\0x", 2)}, {"decimal", adb_decimal("1.50")},
                   {"json", adb_json("[1]")}, {"date", adb_date(2024, 2, 29)}, {"time", adb_time(1, 2, 3, 4)},
                   {"stamp", adb_timestamp(0)}, {"uuid", adb_uuid(uuid)}, {"ids", adb_list(ids, 2)}),
        nullptr, nullptr));
    EXPECT(adb_result_status(named.get()) == ADB_OK);
    EXPECT(text(named, 0, 0) == "(null)" && text(named, 0, 1) == "1" && text(named, 0, 2) == "-5");
    EXPECT(text(named, 0, 3) == "0.5" && text(named, 0, 4) == "grüß" && text(named, 0, 6) == "1.50");
    EXPECT(text(named, 0, 7) == "[1]" && text(named, 0, 8) == "2024-02-29" && text(named, 0, 12) == "1");
    size_t size = 0;
    EXPECT(std::memcmp(adb_row_blob(adb_result_row(named.get(), 0), 5, &size), "\0x", 2) == 0 && size == 2);

    const std::string kept = "kept until the call returns";
    const outcome positional = wait(ctx, adb_fetch_val(ctx.get(), "SELECT ? || ?",
        ADB_PARAMS({nullptr, adb_text_n(kept.data(), 4)}, {nullptr, adb_text(" so")}), nullptr, nullptr));
    EXPECT(text(positional) == "kept so");
}

TEST(an_expression_may_choose_between_parameters_and_none)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    for (const bool with : {true, false}) {
        const outcome found = wait(ctx, adb_fetch_val(ctx.get(), with ? "SELECT :n" : "SELECT 2",
            with ? ADB_PARAMS({"n", adb_int(1)}) : nullptr, nullptr, nullptr));
        EXPECT(text(found) == (with ? "1" : "2"));
    }
}

TEST(sets_of_parameters_are_arrays)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    EXPECT(well(ctx, adb_execute(ctx.get(), "CREATE TABLE t (n INTEGER)", nullptr, nullptr, nullptr)));
    std::vector<adb_param> items;
    for (int n = 0; n < 100; n++)
        items.push_back({"n", adb_int(n)});
    std::vector<adb_params> sets;
    for (const adb_param &item : items)
        sets.push_back({&item, 1});
    const adb_job job =
        adb_execute_many(ctx.get(), "INSERT INTO t VALUES (:n)", sets.data(), sets.size(), nullptr, nullptr);
    EXPECT(well(ctx, job));
    EXPECT(text(wait(ctx, adb_fetch_val(ctx.get(), "SELECT SUM(n) FROM t", nullptr, nullptr, nullptr))) == "4950");
}

TEST(a_request_in_place_is_submitted_with_a_lambda)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    std::string said;
    const adb_job job = adb_submit(ctx.get(), ADB_REQUEST(.kind = ADB_REQUEST_FETCH_VAL, .sql = "SELECT :a, :b",
        .params = ADB_PARAMS({"a", adb_int(1)}, {"b", adb_text("two")}), .column = 1,
        .done = [](adb_result *result, void *data) {
            *static_cast<std::string *>(data) = adb_row_text(adb_result_row(result, 0), 0);
        },
        .user_data = &said, .timeout_ms = 60000));
    EXPECT(job != 0);
    EXPECT(well(ctx, job));
    EXPECT(said == "two");
}

TEST(a_lambda_takes_batches)
{
    const database db = open(ADB_OPTIONS(.batch_rows = 10));
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    int64_t sum = 0;
    const adb_job job = adb_iterate(ctx.get(),
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100) SELECT n FROM c", nullptr,
        [](adb_result *batch, void *data) {
            for (size_t i = 0; i < adb_result_rows(batch); i++)
                *static_cast<int64_t *>(data) += adb_row_int(adb_result_row(batch, i), 0);
            return ADB_CONTINUE;
        },
        nullptr, &sum);
    EXPECT(well(ctx, job));
    EXPECT(sum == 5050);
}

TEST(transactions_roll_back_and_commit)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    EXPECT(well(ctx, adb_execute(ctx.get(), "CREATE TABLE t (n INTEGER)", nullptr, nullptr, nullptr)));
    adb_begin(ctx.get(), ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), nullptr, nullptr);
    adb_execute(ctx.get(), "INSERT INTO t VALUES (1)", nullptr, nullptr, nullptr);
    EXPECT(well(ctx, adb_rollback(ctx.get(), nullptr, nullptr)));

    const auto work = [](adb_session *session, void *data) {
        const outcome inserted(
            adb_session_execute(session, "INSERT INTO t VALUES (:n)", ADB_PARAMS({"n", adb_int(2)})));
        ++*static_cast<int *>(data);
        adb_session_return(session, adb_session_fetch_val(session, "SELECT SUM(n) FROM t", nullptr));
        return adb_result_status(inserted.get());
    };
    int runs = 0;
    const adb_job job = adb_transact(ctx.get(), ADB_TRANSACTION(.retries = 3, .backoff_ms = 1), work, nullptr, &runs);
    const outcome done = wait(ctx, job);
    EXPECT(runs == 1 && text(done) == "2");
}

TEST(a_table_is_unloaded_into_a_string)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), nullptr, 0));
    const char *script = "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x')";
    EXPECT(well(ctx, adb_execute_script(ctx.get(), script, nullptr, nullptr)));
    std::string csv;
    EXPECT(well(ctx, adb_submit(ctx.get(), ADB_REQUEST(.kind = ADB_REQUEST_COPY_OUT, .sql = "t", .user_data = &csv,
        .copy = ADB_COPY_OPTIONS(.header = true, .delimiter = ';'),
        .consume = [](const void *chunk, size_t size, void *data) {
            static_cast<std::string *>(data)->append(static_cast<const char *>(chunk), size);
            return ADB_CONTINUE;
        }))));
    EXPECT(csv == "a;b\n1;x\n");
}

TEST(a_worker_keeps_a_promise)
{
    const database db = open();
    const context ctx(adb_context_new(db.get(), ADB_QUEUE_DIRECT, 0));
    std::promise<std::string> promise;
    EXPECT(adb_fetch_val(ctx.get(), "SELECT 'kept'", nullptr,
        [](adb_result *result, void *data) {
            static_cast<std::promise<std::string> *>(data)->set_value(adb_row_text(adb_result_row(result, 0), 0));
        },
        &promise) != 0);
    EXPECT(promise.get_future().get() == "kept");
}

SUITE(cplusplus, CASE(options_in_place_open_a_database), CASE(parameters_of_every_kind_are_made_in_place),
      CASE(an_expression_may_choose_between_parameters_and_none), CASE(sets_of_parameters_are_arrays),
      CASE(a_request_in_place_is_submitted_with_a_lambda), CASE(a_lambda_takes_batches),
      CASE(transactions_roll_back_and_commit), CASE(a_table_is_unloaded_into_a_string), CASE(a_worker_keeps_a_promise))
