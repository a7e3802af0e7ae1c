/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading and unloading: the same stream on every database. What a stream may look like, and how its callbacks run, is
 * tested in tests/unit/test_csv.c and tests/integration/test_copy.c. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* A stream on its way in or out. */
struct stream {
    char text[4096];
    size_t size;
    size_t offset;
    int64_t n_rows; /* instead of a text: so many records of one number */
    int64_t next;
    bool pauses; /* after the text, instead of its end */
};

static ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct stream *stream = user_data;
    size_t written = 0;
    while (stream->next < stream->n_rows && size - written > 24)
        written += (size_t)snprintf((char *)chunk + written, size - written, "%lld\n", (long long)stream->next++);
    if (stream->n_rows > 0)
        return (ptrdiff_t)written;
    if (stream->offset == stream->size && stream->pauses)
        return ADB_COPY_PAUSE;
    written = stream->size - stream->offset;
    memcpy(chunk, stream->text + stream->offset, written);
    stream->offset += written;
    return (ptrdiff_t)written;
}

static adb_flow consume(const void *chunk, size_t size, void *user_data)
{
    struct stream *stream = user_data;
    if (stream->size + size < sizeof(stream->text))
        memcpy(stream->text + stream->size, chunk, size);
    stream->size += size;
    return stream->pauses ? ADB_STOP : ADB_CONTINUE;
}

static adb_job load(struct stream *stream, const char *target, const char *text)
{
    snprintf(stream->text, sizeof(stream->text), "%s", text);
    stream->size = strlen(stream->text);
    return adb_copy_in(ctx, target, produce, NULL, stream);
}

/* What goes out comes in again, NULL, quotes, line ends and all, and is the same text on every database. RAW-04 */
TEST(a_table_goes_out_and_comes_in)
{
    static const char text[] = "a,t\n,t\n\"\",t\n\"it's \"\"x\"\", y\nz\",t\nGr\xc3\xbc\xc3\x9f"
                               "e,t\n";
    static struct stream out, in;
    out = in = (struct stream){.size = 0};
    NOTES("a", NULL, "", "it's \"x\", y\nz",
          "Gr\xc3\xbc\xc3\x9f"
          "e");
    adb_result *gone = outcome(adb_copy_out(ctx, "SELECT text, completed FROM notes ORDER BY id", consume, NULL, &out));
    CU_ASSERT_EQUAL(adb_result_status(gone), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(gone), 5);
    CU_ASSERT_STRING_EQUAL(out.text, text);
    must("DELETE FROM notes");
    adb_result *come = outcome(load(&in, "notes (text, completed)", text));
    CU_ASSERT_EQUAL(adb_result_status(come), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(come), 5);
    adb_result *all = rows("SELECT text, completed FROM notes ORDER BY id");
    CU_ASSERT(adb_row_is_null(adb_result_row(all, 1), 0));
    CU_ASSERT(is_text(adb_result_row(all, 2), 0, ""));
    CU_ASSERT(is_text(adb_result_row(all, 3), 0, "it's \"x\", y\nz"));
    CU_ASSERT(adb_row_bool(adb_result_row(all, 4), 1));
    suite_close();
}

/* Rows by the ten thousand, in chunks as they are asked for. PAIN-11 */
TEST(a_long_stream_is_loaded)
{
    static struct stream stream;
    stream = (struct stream){.n_rows = 20000};
    suite_open(NULL);
    table("numbers", "n $int");
    adb_result *loaded = outcome(adb_copy_in(ctx, "numbers", produce, NULL, &stream));
    CU_ASSERT_EQUAL(adb_result_status(loaded), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(loaded), 20000);
    CU_ASSERT_EQUAL(number("SELECT sum(n) FROM numbers"), 19999 * 10000);
    suite_close();
}

/* One record that the database refuses takes the others with it, and the failure says which it was. */
TEST(a_load_is_all_or_nothing)
{
    static struct stream stream;
    stream = (struct stream){.size = 0};
    NOTES("a");
    const adb_error *error = adb_result_error(outcome(load(&stream, "notes (id, text)", "11,b\n12,c\n11,d\n13,e\n")));
    CU_ASSERT_EQUAL(error->status, ADB_E_UNIQUE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "record 3"));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* A load belongs to the transaction that is open, and fails it when it fails. */
TEST(a_load_is_part_of_its_transaction)
{
    static struct stream stream;
    stream = (struct stream){.size = 0};
    NOTES("a");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(ended_well(load(&stream, "notes (text)", "b\nc\n")));
    CU_ASSERT_EQUAL(count_notes(ctx), 3);
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    stream = (struct stream){.size = 0};
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT_NOT_EQUAL(ended(load(&stream, "notes (text, nothing)", "b,1\n")), ADB_OK);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* A load that is cancelled in its midst leaves nothing, and the connection can be used. */
TEST(a_load_can_be_cancelled)
{
    static struct stream stream;
    stream = (struct stream){.pauses = true};
    NOTES("a");
    const adb_job job = load(&stream, "notes (text)", "b\nc\n");
    while (stream.offset < stream.size) {
        adb_queue_wait(adb_context_queue(ctx), 20000);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    CU_ASSERT_EQUAL(adb_cancel(ctx, job), ADB_OK);
    CU_ASSERT_EQUAL(ended(job), ADB_E_CANCELLED);
    CU_ASSERT_EQUAL(count_notes(ctx), 1);
    suite_close();
}

/* Who has seen enough of an unload says so, and that is no failure. */
TEST(an_unload_can_be_stopped)
{
    static struct stream in, out;
    in = (struct stream){.n_rows = 100000};
    out = (struct stream){.pauses = true};
    suite_open(NULL);
    table("numbers", "n $int");
    CU_ASSERT(ended_well(adb_copy_in(ctx, "numbers (n)", produce, NULL, &in)));
    adb_result *stopped = outcome(adb_copy_out(ctx, "numbers", consume, NULL, &out));
    CU_ASSERT_EQUAL(adb_result_status(stopped), ADB_OK);
    CU_ASSERT(out.size > 0 && out.size < 500000);
    CU_ASSERT(ended_well(adb_fetch_one(ctx, suite->dialect->one, NULL, NULL, NULL)));
    CU_ASSERT_EQUAL(figures().connections, figures().opened);
    suite_close();
}

GROUP(copy, SQL(a_table_goes_out_and_comes_in), SQL(a_long_stream_is_loaded), SQL(a_load_is_all_or_nothing),
      SQL(a_load_is_part_of_its_transaction), SQL(a_load_can_be_cancelled), SQL(an_unload_can_be_stopped));
