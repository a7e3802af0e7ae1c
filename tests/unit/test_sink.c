/* SPDX-License-Identifier: BSD-3-Clause */
/* Sinks: rows as drivers give them, limits, batches, and what they cost. */
#include "model/sink.h"
#include "model/value.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/unit/rows.h"

#include <stdalign.h>
#include <string.h>

static const struct adb__column note_columns[] = {
    {.name = "id", .table = "notes", .decltype = "INTEGER", .type = ADB_TYPE_INT},
    {.name = "text", .table = "notes", .decltype = "TEXT", .type = ADB_TYPE_TEXT},
    {.name = "done", .table = "notes", .decltype = "BOOLEAN", .type = ADB_TYPE_BOOL},
    {.name = "weight", .type = ADB_TYPE_NULL},
};

/* One row of the four columns; the status that ended it. */
static adb_status put_note(struct adb__sink *sink, int64_t id, const char *text, adb_error *error)
{
    const adb_value values[] = {adb_int(id), adb_text(text), adb_bool(id % 2 == 0), adb_double((double)id / 2)};
    return rows_put(sink, values, 4, error);
}

static adb_status put_notes(struct adb__sink *sink, size_t n_rows, adb_error *error)
{
    adb_status status = adb__sink_columns(sink, note_columns, 4, error);
    for (size_t i = 0; i < n_rows && status == ADB_OK; i++)
        status = put_note(sink, (int64_t)i, "buy some milk", error);
    return status;
}

static void keep_memory(struct adb_result *result)
{
    (void)result;
}

/* A small result in a kilobyte of lent memory takes nothing from the heap, its columns included. */
TEST(small_result_allocates_nothing)
{
    alignas(max_align_t) char lent[1024];
    struct adb_result result;
    struct adb__sink sink = {.result = &result};
    adb__result_init(&result, lent, sizeof(lent), keep_memory);
    fault_arm(0);
    CU_ASSERT_EQUAL(put_notes(&sink, 4, NULL), ADB_OK);
    CU_ASSERT_FALSE(fault_disarm());
    CU_ASSERT_EQUAL(adb_result_rows(&result), 4);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(&result, 3), 1), "buy some milk");
    adb_result_unref(&result);
}

/* TYP-10, REC-24, REG-02: each kind of value is read as it was given; columns that were not set are NULL. */
TEST(row_takes_every_type)
{
    static const struct adb__column columns[12] = {{.name = "a"}};
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    const uint8_t uuid[16] = {1, 2, 3};
    const adb_value expected[12] = {adb_null(),           adb_bool(true),    adb_int(-5),
                                    adb_double(0.5),      adb_text("\"1\""), adb_blob("a\0b", 3),
                                    adb_decimal("1.50"),  adb_json("\"1\""), adb_date(2024, 2, 29),
                                    adb_time(1, 2, 3, 4), adb_timestamp(-1), adb_uuid(uuid)};
    CU_ASSERT_EQUAL(adb__sink_columns(&sink, columns, 12, NULL), ADB_OK);
    CU_ASSERT_EQUAL(rows_put(&sink, expected, 12, NULL), ADB_OK);
    for (size_t i = 0; i < 12; i++) {
        const adb_value value = adb_row_value(adb_result_row(result, 0), i);
        CU_ASSERT(adb_value_equal(&value, &expected[i]));
    }
    adb_result_unref(result);
}

/* Reserved bytes are filled in place, and have their NUL already. */
TEST(reserved_bytes_are_the_cell)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    void *bytes = NULL;
    adb__sink_columns(&sink, note_columns, 4, NULL);
    adb__sink_row_begin(&sink, NULL);
    REQUIRE(adb__sink_reserve(&sink, 1, ADB_TYPE_TEXT, 3, &bytes, NULL) == ADB_OK);
    memcpy(bytes, "abc", 3);
    adb__sink_row_end(&sink, NULL);
    CU_ASSERT_PTR_EQUAL(adb_row_text(adb_result_row(result, 0), 1), bytes);
    CU_ASSERT_STRING_EQUAL((char *)bytes, "abc");
    adb_result_unref(result);
}

/* A value over the limit is refused before any memory is asked for, and the message gives its size. */
TEST(value_over_the_limit_is_too_big)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    adb_error error = {0};
    void *bytes = NULL;
    adb__sink_columns(&sink, note_columns, 4, NULL);
    adb__sink_row_begin(&sink, NULL);
    CU_ASSERT_EQUAL(adb__sink_bytes(&sink, 1, ADB_TYPE_TEXT, "", ADB__VALUE_MAX_BYTES, &error), ADB_E_TOO_BIG);
    CU_ASSERT(error.status == ADB_E_TOO_BIG && strstr(error.message, "2147483647") != NULL);
    CU_ASSERT_EQUAL(adb__sink_reserve(&sink, 1, ADB_TYPE_TEXT, SIZE_MAX, &bytes, &error), ADB_E_TOO_BIG);
    CU_ASSERT_PTR_NULL(bytes);
    adb_result_unref(result);
}

/* QRY-07: with a limit the last wanted row already says enough, and so does every attempt after it. */
TEST(max_rows_says_enough_with_the_last_row)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result, .max_rows = 2};
    adb__sink_columns(&sink, note_columns, 4, NULL);
    CU_ASSERT_EQUAL(put_note(&sink, 1, "a", NULL), ADB_OK);
    CU_ASSERT_FALSE(sink.stopped);
    CU_ASSERT_EQUAL(put_note(&sink, 2, "b", NULL), ADB__SINK_ENOUGH);
    CU_ASSERT(sink.stopped);
    CU_ASSERT_EQUAL(put_note(&sink, 3, "c", NULL), ADB__SINK_ENOUGH);
    CU_ASSERT(adb_result_rows(result) == 2 && sink.n_rows == 2);
    adb_result_unref(result);
}

/* Of several result sets the first with columns wins; sets without columns neither win nor harm. */
TEST(first_result_set_with_columns_wins)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    CU_ASSERT_EQUAL(adb__sink_columns(&sink, NULL, 0, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_columns(result), 0);
    CU_ASSERT_EQUAL(put_notes(&sink, 2, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb__sink_columns(&sink, note_columns, 1, NULL), ADB__SINK_ENOUGH);
    CU_ASSERT_EQUAL(adb__sink_columns(&sink, NULL, 0, NULL), ADB_OK);
    CU_ASSERT(adb_result_columns(result) == 4 && adb_result_rows(result) == 2 && !sink.stopped);
    adb_result_unref(result);
}

struct collector {
    size_t rows[8];
    size_t n_batches;
    int64_t last_id;
    adb_status answer;
};

/* As the core does it: take the batch, put a new one there that has the columns. */
static adb_status collect(struct adb__sink *sink, adb_error *error)
{
    struct collector *collector = sink->owner;
    struct adb_result *batch = sink->result;
    struct adb_result *next = adb__result_new();
    (void)error;
    if (next == NULL || adb__result_share_columns(next, batch) != ADB_OK) {
        adb_result_unref(next);
        return ADB_E_NOMEM;
    }
    collector->rows[collector->n_batches++] = adb_result_rows(batch);
    collector->last_id = adb_row_int(adb_result_row(batch, adb_result_rows(batch) - 1), 0);
    adb_result_unref(batch);
    sink->result = next;
    return collector->answer;
}

/* Full batches are handed over by rows; the rest, with its columns, stays for the core. */
TEST(batches_are_handed_over_by_rows)
{
    struct collector collector = {.answer = ADB_OK};
    struct adb__sink sink = {.result = adb__result_new(), .batch_rows = 3, .flush_fn = collect, .owner = &collector};
    CU_ASSERT_EQUAL(put_notes(&sink, 8, NULL), ADB_OK);
    CU_ASSERT(collector.n_batches == 2 && collector.rows[0] == 3 && collector.rows[1] == 3);
    CU_ASSERT_EQUAL(collector.last_id, 5);
    CU_ASSERT(adb_result_rows(sink.result) == 2 && sink.n_rows == 8);
    CU_ASSERT_EQUAL(adb_result_column_index(sink.result, "weight"), 3);
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(sink.result, 1), 0), 7);
    adb_result_unref(sink.result);
}

/* A batch is full by bytes, too: one large value makes one, and the count starts anew after it. */
TEST(batches_are_handed_over_by_bytes)
{
    struct collector collector = {.answer = ADB_OK};
    struct adb__sink sink = {
        .result = adb__result_new(), .batch_bytes = 4096, .flush_fn = collect, .owner = &collector};
    static char big[5001];
    memset(big, 'x', sizeof(big) - 1);
    adb__sink_columns(&sink, note_columns, 4, NULL);
    put_note(&sink, 0, "small", NULL);
    CU_ASSERT_EQUAL(collector.n_batches, 0);
    put_note(&sink, 1, big, NULL);
    CU_ASSERT(collector.n_batches == 1 && collector.rows[0] == 2);
    put_note(&sink, 2, "small", NULL);
    CU_ASSERT(collector.n_batches == 1 && adb_result_rows(sink.result) == 1);
    adb_result_unref(sink.result);
}

/* What the flush answers ends the row: enough is told to the core, an error is handed through. */
TEST(flush_can_end_the_rows)
{
    struct collector collector = {.answer = ADB__SINK_ENOUGH};
    struct adb__sink sink = {.result = adb__result_new(), .batch_rows = 1, .flush_fn = collect, .owner = &collector};
    CU_ASSERT_EQUAL(put_notes(&sink, 5, NULL), ADB__SINK_ENOUGH);
    CU_ASSERT(collector.n_batches == 1 && sink.stopped);
    collector.answer = ADB_E_CANCELLED;
    CU_ASSERT_EQUAL(put_note(&sink, 6, "more", NULL), ADB_E_CANCELLED);
    adb_result_unref(sink.result);
}

/* The last of max_rows is not flushed, even when it fills a batch: the core hands the end over itself. */
TEST(limit_comes_before_batch)
{
    struct collector collector = {.answer = ADB_OK};
    struct adb__sink sink = {
        .result = adb__result_new(), .max_rows = 4, .batch_rows = 2, .flush_fn = collect, .owner = &collector};
    CU_ASSERT_EQUAL(put_notes(&sink, 9, NULL), ADB__SINK_ENOUGH);
    CU_ASSERT(collector.n_batches == 1 && adb_result_rows(sink.result) == 2);
    adb_result_unref(sink.result);
}

/* Out of memory at any point is ADB_E_NOMEM with a message; rows that were complete stay readable, nothing leaks. */
TEST(no_memory_leaves_complete_rows)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    FAULT_EACH(n)
    {
        struct adb_result result;
        struct adb__sink sink = {.result = &result};
        adb_error error = {0};
        adb__result_init(&result, NULL, 0, keep_memory);
        fault_arm(n);
        const adb_status status = put_notes(&sink, 300, &error);
        FAULT_DONE();
        CU_ASSERT_EQUAL(status, fault_more ? ADB_E_NOMEM : ADB_OK);
        CU_ASSERT(error.status == status && (status == ADB_OK || error.message[0] != '\0'));
        CU_ASSERT_EQUAL(adb_result_rows(&result), sink.n_rows);
        for (size_t i = 0; i < sink.n_rows; i++)
            CU_ASSERT_EQUAL(adb_row_int(adb_result_row(&result, i), 0), (int64_t)i);
        adb_result_unref(&result);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

/* A value that finds no memory is ADB_E_NOMEM and leaves its cell NULL. */
TEST(value_without_memory_stays_null)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    static const char big[20000];
    adb_error error = {0};
    void *bytes = NULL;
    adb__sink_columns(&sink, note_columns, 4, NULL);
    adb__sink_row_begin(&sink, NULL);
    fault_arm(0);
    CU_ASSERT_EQUAL(adb__sink_bytes(&sink, 1, ADB_TYPE_BLOB, big, sizeof(big), &error), ADB_E_NOMEM);
    CU_ASSERT_EQUAL(adb__sink_reserve(&sink, 1, ADB_TYPE_BLOB, sizeof(big), &bytes, &error), ADB_E_NOMEM);
    CU_ASSERT(fault_disarm() && error.status == ADB_E_NOMEM && bytes == NULL);
    CU_ASSERT_EQUAL(adb__sink_row_end(&sink, NULL), ADB_OK);
    CU_ASSERT(adb_row_is_null(adb_result_row(result, 0), 1));
    adb_result_unref(result);
}

/* Rows beyond what a result can hold are ADB_E_TOO_BIG; the message says what to do. */
TEST(too_many_rows_are_too_big)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    adb_error error = {0};
    adb__sink_columns(&sink, note_columns, 4, NULL);
    result->n_rows = (size_t)1 << 31; /* as if */
    CU_ASSERT_EQUAL(adb__sink_row_begin(&sink, &error), ADB_E_TOO_BIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "iterate"));
    result->n_rows = 0;
    adb_result_unref(result);
}

/* A row that was given up half-way, as after an error, is begun anew in the same place. */
TEST(unfinished_row_leaves_no_trace)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    adb__sink_columns(&sink, note_columns, 4, NULL);
    adb__sink_row_begin(&sink, NULL);
    adb__sink_int(&sink, 3, 99);
    adb__sink_row_begin(&sink, NULL);
    adb__sink_row_end(&sink, NULL);
    CU_ASSERT(adb_result_rows(result) == 1 && adb_row_is_null(adb_result_row(result, 0), 3));
    adb_result_unref(result);
}

/* A batch that comes back from its reader is empty, and soon takes all its rows without any allocation. */
TEST(batch_that_comes_back_is_filled_anew)
{
    struct adb_result *batch = adb__result_new();
    for (int round = 0; round < 6; round++) {
        if (round == 5)
            fault_arm(0);
        struct adb__sink sink = {.result = batch};
        CU_ASSERT_EQUAL(put_notes(&sink, 200, NULL), ADB_OK);
        CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(batch, 199), 1), "buy some milk");
        REQUIRE(adb__result_recycle(batch) == batch);
        CU_ASSERT(adb_result_rows(batch) == 0 && adb_result_columns(batch) == 0);
    }
    CU_ASSERT_FALSE(fault_disarm());
    adb_result_unref(batch);
}

/* What the reader keeps does not come back: it stays as it is. */
TEST(batch_that_is_kept_does_not_come_back)
{
    struct adb_result *batch = adb__result_new();
    struct adb__sink sink = {.result = batch};
    CU_ASSERT_EQUAL(put_notes(&sink, 3, NULL), ADB_OK);
    struct adb_result *kept = adb_result_ref(batch);
    CU_ASSERT_PTR_NULL(adb__result_recycle(batch));
    CU_ASSERT_EQUAL(adb_result_rows(kept), 3);
    CU_ASSERT_EQUAL(adb_row_int(adb_result_row(kept, 2), 0), 2);
    adb_result_unref(kept);
}

SUITE(sink, CASE(small_result_allocates_nothing), CASE(row_takes_every_type), CASE(reserved_bytes_are_the_cell),
      CASE(value_over_the_limit_is_too_big), CASE(max_rows_says_enough_with_the_last_row),
      CASE(first_result_set_with_columns_wins), CASE(batches_are_handed_over_by_rows),
      CASE(batches_are_handed_over_by_bytes), CASE(flush_can_end_the_rows), CASE(limit_comes_before_batch),
      CASE(no_memory_leaves_complete_rows), CASE(value_without_memory_stays_null), CASE(too_many_rows_are_too_big),
      CASE(unfinished_row_leaves_no_trace), CASE(batch_that_comes_back_is_filled_anew),
      CASE(batch_that_is_kept_does_not_come_back))
