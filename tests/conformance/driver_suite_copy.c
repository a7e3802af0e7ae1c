/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading and unloading: the same stream on every database, and what one gives another takes. How the callbacks
 * run is tested in tests/integration/test_copy.c and test_copy_out.c, what a stream may look like in
 * tests/unit/test_csv.c. */
#include "tests/conformance/driver_suite.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stream in memory: filled by one copy, read by another. */
struct stream {
    char *bytes;
    size_t size;
    size_t capacity;
    size_t at;
    size_t piece;       /* most bytes of an answer; 0: as many as there is room for */
    size_t n_chunks;
    size_t most_chunks; /* stop after so many; 0: never */
};

static adb_flow take(const void *chunk, size_t size, void *user_data)
{
    struct stream *stream = user_data;
    if (stream->size + size + 1 > stream->capacity) {
        stream->capacity = 2 * (stream->size + size + 1);
        stream->bytes = realloc(stream->bytes, stream->capacity);
        REQUIRE(stream->bytes != NULL);
    }
    memcpy(stream->bytes + stream->size, chunk, size);
    stream->size += size;
    stream->bytes[stream->size] = '\0';
    return ++stream->n_chunks == stream->most_chunks ? ADB_STOP : ADB_CONTINUE;
}

static ptrdiff_t give(void *chunk, size_t size, void *user_data)
{
    struct stream *stream = user_data;
    size_t n = stream->size - stream->at;
    n = n < size ? n : size;
    n = stream->piece == 0 || n < stream->piece ? n : stream->piece;
    if (n > 0)
        memcpy(chunk, stream->bytes + stream->at, n);
    stream->at += n;
    return (ptrdiff_t)n;
}

static struct stream text_stream(const char *text)
{
    struct stream stream = {0};
    take(text, strlen(text), &stream);
    return stream;
}

/* Load a text; the outcome lives to the end of the test. */
static adb_result *load_with(const char *target, const char *text, const adb_copy_options *options)
{
    struct stream stream = text_stream(text);
    adb_result *result = outcome(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_IN, .sql = target,
                                                             .produce = give, .copy = options, .user_data = &stream)));
    free(stream.bytes);
    return result;
}

static bool loads(const char *target, const char *text, int64_t n_rows)
{
    const adb_result *result = load_with(target, text, NULL);
    if (adb_result_status(result) != ADB_OK)
        printf("# %s\n", adb_result_error(result)->message);
    return adb_result_status(result) == ADB_OK && adb_result_affected(result) == n_rows;
}

/* Unload into a stream that the caller frees. */
static struct stream unload_with(const char *source, int64_t n_rows, const adb_copy_options *options)
{
    struct stream stream = {0};
    const adb_result *result =
        outcome(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_COPY_OUT, .sql = source, .consume = take,
                                            .copy = options, .user_data = &stream)));
    if (adb_result_status(result) != ADB_OK)
        printf("# %s\n", adb_result_error(result)->message);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_affected(result), n_rows);
    CU_ASSERT_EQUAL(adb_result_rows(result), 0);
    return stream;
}

/* A source unloads as that text. */
static bool unloads_with(const char *source, const char *text, int64_t n_rows, const adb_copy_options *options)
{
    struct stream stream = unload_with(source, n_rows, options);
    const char *found = stream.bytes == NULL ? "" : stream.bytes;
    const bool same = strcmp(found, text) == 0;
    if (!same)
        printf("# %s, not %s\n", found, text);
    free(stream.bytes);
    return same;
}

static bool unloads(const char *source, const char *text, int64_t n_rows)
{
    return unloads_with(source, text, n_rows, NULL);
}

/* A table of the plain types has the same stream everywhere: what one database gives, another takes. RAW-04 */
TEST(the_stream_is_the_same_on_every_database)
{
    static const char text[] = "1,plain,1.5,t,\\x00ff,2024-02-29,23:59:59.5,2024-02-29 12:30:00\n"
                               "2,\"a,b\",-0.1,f,\\x,1969-12-31,00:00:00,1999-12-31 23:59:59.999999\n"
                               "3,\"\",1e-05,t,\\x5c78,9999-12-31,12:00:00,2000-01-01 00:00:00\n"
                               "4,,,,,,,\n"
                               "9223372036854775807,\"say \"\"hi\"\"\nthere\",0.30000000000000004,f,\\x0a,1000-01-01,"
                               "01:02:03.000004,1970-01-01 00:00:00\n"
                               "-9223372036854775808,\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80,100,t,\\x22,2000-02-29,"
                               "23:00:00,2038-01-19 03:14:08\n";
    suite_open(NULL);
    table("plain", "a $int, b $text, c $real, d $boolean, e $blob, f $date, g $time, h $timestamp");
    CU_ASSERT(loads("plain", text, 6));
    CU_ASSERT(unloads("plain", text, 6));
    CU_ASSERT(answer("SELECT d FROM plain WHERE a = 1", NULL).type != ADB_TYPE_TEXT);
    CU_ASSERT_EQUAL(answer("SELECT e FROM plain WHERE a = 1", NULL).size, 2);
    suite_close();
}

static bool tables_are_equal(const char *one, const char *other)
{
    const adb_result *a = rows(one), *b = rows(other);
    bool equal = adb_result_rows(a) == adb_result_rows(b);
    for (size_t i = 0; equal && i < adb_result_rows(a); i++)
        equal = adb_row_equal(adb_result_row(a, i), adb_result_row(b, i));
    return equal;
}

/* A row of every type; the text stands for all that CSV might stumble over. */
static bool add_row(int64_t id, const char *text)
{
    static const uint8_t uuid[16] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const double real = id % 2 == 0 ? 1.0 / (double)(3 + id) : -1e300 / (double)(7 + id);
    return ended_well(adb_execute(
        ctx, "INSERT INTO one VALUES (:id, :a, :b, :c, :d, :e, :f, :g, :h, :i, :j)",
        ADB_PARAMS({"id", adb_int(id)}, {"a", adb_text(text)}, {"b", adb_double(real)}, {"c", adb_bool(id % 3 == 0)},
                   {"d", adb_blob(text, strlen(text))}, {"e", adb_decimal("-12345678901234567890.0123456")},
                   {"f", adb_json("{\"a\": [1, \"b\", null]}")}, {"g", adb_date(2024, 2, 1 + (int)id)},
                   {"h", adb_time(23, 59, (int)id, 999999)}, {"i", adb_timestamp(id * 1234567890123)},
                   {"j", adb_uuid(uuid)}),
        NULL, NULL));
}

/* Every type comes back as it was, by its text, NULL, quotes, line ends and all. RAW-04 */
TEST(a_table_goes_out_and_comes_in)
{
    static const char columns[] = "id $int, a $text, b $real, c $boolean, d $blob, e $decimal, f $json, g $date, h $time, "
                                  "i $timestamp, j $uuid";
    static const char *const texts[] = {"", "NULL", "\\.", "\\N", " blank ", "a\r\nb", "\"", "\t", ",", "\\x00"};
    suite_open(NULL);
    table("one", columns);
    table("other", columns);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        REQUIRE(add_row((int64_t)i, texts[i]));
    must("INSERT INTO one (id) VALUES (100)");
    struct stream stream = unload_with("one", 11, NULL);
    const adb_result *loaded = outcome(adb_copy_in(ctx, "other", give, NULL, &stream));
    if (adb_result_status(loaded) != ADB_OK)
        printf("# %s\n", adb_result_error(loaded)->message);
    CU_ASSERT_EQUAL(adb_result_affected(loaded), 11);
    CU_ASSERT(tables_are_equal("SELECT * FROM one ORDER BY id", "SELECT * FROM other ORDER BY id"));
    CU_ASSERT(unloads("SELECT * FROM other ORDER BY id", stream.bytes, 11));
    free(stream.bytes);
    suite_close();
}

/* A list of columns says what the fields are for; the others get their defaults. */
TEST(columns_can_be_named)
{
    suite_open(NULL);
    table("notes", "id $key, text $text, n $int");
    CU_ASSERT(loads("notes (n, text)", "1,one\n2,two\n", 2));
    CU_ASSERT(unloads("notes ( text,n )", "one,1\ntwo,2\n", 2));
    CU_ASSERT_EQUAL(number("SELECT count(DISTINCT id) FROM notes"), 2);
    suite_close();
}

/* A query without parameters is a source too. */
TEST(queries_can_be_unloaded)
{
    suite_open(NULL);
    table("notes", "id $int, text $text");
    CU_ASSERT(loads("notes", "1,one\n2,two\n3,three\n", 3));
    CU_ASSERT(unloads("SELECT text FROM notes WHERE id > 1 ORDER BY id DESC;", "three\ntwo\n", 2));
    CU_ASSERT(unloads("WITH n AS (SELECT id FROM notes) SELECT count(*) FROM n -- all", "3\n", 1));
    CU_ASSERT(unloads("SELECT id FROM notes WHERE id > 3", "", 0));
    suite_close();
}

/* Header, delimiter and the text for NULL, both ways. */
TEST(the_format_has_options)
{
    const adb_copy_options *options = ADB_COPY_OPTIONS(.header = true, .delimiter = ';', .null_text = "it's \\N");
    suite_open(NULL);
    table("notes", "id $int, text $text");
    CU_ASSERT_EQUAL(
        adb_result_affected(load_with("notes", "any;thing\n1;it's \\N\n2;\n3;\"it's \\N\"\n4;a,b\n", options)), 4);
    CU_ASSERT_EQUAL(number("SELECT id FROM notes WHERE text IS NULL"), 1);
    CU_ASSERT_EQUAL(number("SELECT id FROM notes WHERE text = ''"), 2);
    CU_ASSERT(unloads_with("SELECT id, text FROM notes ORDER BY id",
                           "id;text\n1;it's \\N\n2;\n3;\"it's \\N\"\n4;a,b\n", 4, options));
    CU_ASSERT(unloads_with("SELECT id, text FROM notes WHERE id > 9", "id;text\n", 0, options));
    suite_close();
}

/* The status of loading a text, and whether the message names the record. */
static adb_status refused(const char *target, const char *text, int record)
{
    char place[16];
    const adb_result *result = load_with(target, text, NULL);
    snprintf(place, sizeof(place), " %d: ", record);
    if (strstr(adb_result_error(result)->message, place) == NULL)
        printf("# no record %d: %s\n", record, adb_result_error(result)->message);
    CU_ASSERT(strstr(adb_result_error(result)->message, place) != NULL);
    return adb_result_status(result);
}

/* A bad record, or one that the table refuses, ends it all and is named; nothing stays. */
TEST(a_load_is_all_or_nothing)
{
    suite_open(NULL);
    table("notes", "id $key, text $text NOT NULL");
    CU_ASSERT(loads("notes", "1,one\n", 1));
    CU_ASSERT_EQUAL(refused("notes", "2,two\n3,three\n1,one\n4,four\n", 3), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(refused("notes", "2,two\n3,\n", 2), ADB_E_NOT_NULL);
    CU_ASSERT_EQUAL(refused("notes", "2,two\n3\n", 2), ADB_E_DATA);
    CU_ASSERT_EQUAL(refused("notes", "2,two\n3,three,more\n", 2), ADB_E_DATA);
    CU_ASSERT_EQUAL(refused("notes", "2,two\n3,\"three", 2), ADB_E_DATA);
    CU_ASSERT_EQUAL(adb_result_status(load_with("notes", "2,\xff\n", NULL)), ADB_E_DATA);
    CU_ASSERT_EQUAL(adb_result_status(load_with("nowhere", "2,two\n", NULL)), ADB_E_UNDEFINED);
    CU_ASSERT(unloads("notes", "1,one\n", 1));
    CU_ASSERT_EQUAL(figures().held, 0);
    suite_close();
}

/* A load belongs to the transaction that is open, and fails its level when it fails. */
TEST(a_load_is_part_of_its_transaction)
{
    suite_open(NULL);
    table("notes", "id $key, text $text");
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(loads("notes", "1,one\n2,two\n", 2));
    CU_ASSERT(unloads("SELECT * FROM notes ORDER BY id", "1,one\n2,two\n", 2));
    CU_ASSERT(ended_well(adb_rollback(ctx, NULL, NULL)));
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT(loads("notes", "3,three\n", 1));
    adb_begin(ctx, NULL, NULL, NULL);
    CU_ASSERT_EQUAL(adb_result_status(load_with("notes", "4,four\n3,three\n", NULL)), ADB_E_UNIQUE);
    CU_ASSERT_EQUAL(ended(adb_commit(ctx, NULL, NULL)), ADB_E_TRANSACTION_FAILED);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT(unloads("notes", "3,three\n", 1));
    suite_close();
}

/* A rollback that was asked for from the start undoes a load too. */
TEST(forced_rollbacks_undo_loads)
{
    suite_open(NULL);
    table("notes", "id $key, text $text");
    struct stream stream = text_stream("1,one\n");
    adb_begin(ctx, &(adb_transaction_options){.size = sizeof(adb_transaction_options), .force_rollback = true}, NULL,
              NULL);
    CU_ASSERT(ended_well(adb_copy_in(ctx, "notes", give, NULL, &stream)));
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 1);
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 0);
    free(stream.bytes);
    suite_close();
}

/* Where only reading is allowed tables are unloaded, and nothing is loaded. */
TEST(readers_unload_and_do_not_load)
{
    struct stream stream = {0};
    suite_open(NULL);
    table("notes", "id $int, text $text");
    CU_ASSERT(loads("notes", "1,one\n", 1));
    adb_context *reader = lane_with(ADB_CONTEXT_READ_ONLY);
    CU_ASSERT_EQUAL(ended_in(reader, adb_copy_out(reader, "notes", take, NULL, &stream)), ADB_OK);
    CU_ASSERT_EQUAL(stream.size, 6);
    CU_ASSERT_EQUAL(ended_in(reader, adb_copy_in(reader, "notes", give, NULL, &stream)), ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(stream.at, 0);
    free(stream.bytes);
    suite_close();
}

/* Many rows go through in pieces cut anywhere, and come back in chunks. PAIN-11 */
TEST(a_long_stream_is_loaded)
{
    struct stream stream = {.piece = 4999};
    char row[64];
    suite_open(NULL);
    table("notes", "id $int, text $text");
    for (int i = 0; i < 30000; i++)
        take(row, (size_t)snprintf(row, sizeof(row), "%d,\"row, number %d\"\n", i, i), &stream);
    CU_ASSERT_EQUAL(adb_result_affected(outcome(adb_copy_in(ctx, "notes", give, NULL, &stream))), 30000);
    struct stream back = unload_with("SELECT id, text FROM notes ORDER BY id", 30000, NULL);
    CU_ASSERT(back.n_chunks > 5 && back.size == stream.size);
    CU_ASSERT(back.size == stream.size && memcmp(back.bytes, stream.bytes, back.size) == 0);
    free(back.bytes);
    free(stream.bytes);
    suite_close();
}

/* A consumer that has enough ends it early, and that is no failure. */
TEST(an_unload_can_be_stopped)
{
    struct stream stream = {.most_chunks = 1};
    suite_open(NULL);
    table("notes", "id $int");
    must("INSERT INTO notes VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)");
    const adb_result *result = outcome(adb_copy_out(
        ctx, "SELECT a.id FROM notes a, notes b, notes c, notes d, notes e, notes f, notes g, notes h", take, NULL,
        &stream));
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    CU_ASSERT(stream.n_chunks == 1 && adb_result_affected(result) == -1);
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 10);
    CU_ASSERT_EQUAL(figures().connections, figures().opened);
    free(stream.bytes);
    suite_close();
}

/* Inside a transaction it leaves that open and well. */
TEST(an_unload_can_be_stopped_in_a_transaction)
{
    struct stream stream = {.most_chunks = 1};
    suite_open(NULL);
    table("notes", "id $int");
    must("INSERT INTO notes VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)");
    adb_begin(ctx, NULL, NULL, NULL);
    must("INSERT INTO notes VALUES (11)");
    CU_ASSERT(ended_well(adb_copy_out(ctx, "SELECT a.id FROM notes a, notes b, notes c, notes d, notes e", take, NULL,
                                      &stream)));
    must("INSERT INTO notes VALUES (12)");
    CU_ASSERT(ended_well(adb_commit(ctx, NULL, NULL)));
    CU_ASSERT_EQUAL(stream.n_chunks, 1);
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 12);
    free(stream.bytes);
    suite_close();
}

static size_t n_given;

/* Goes on for ever, but for a pause at its 5000th row. */
static ptrdiff_t give_for_ever(void *chunk, size_t size, void *user_data)
{
    (void)user_data;
    n_given++;
    memset(chunk, 'x', size < 100 ? size : 100);
    memcpy(chunk, "1,", 2);
    ((char *)chunk)[99] = '\n';
    return n_given == 5000 ? ADB_COPY_PAUSE : 100;
}

/* A cancel ends a load, whether its producer has paused or not; nothing stays, and the connection does. PAIN-05 */
TEST(a_load_can_be_cancelled)
{
    suite_open(NULL);
    table("notes", "id $int, text $text");
    for (size_t n_first = 0; n_first <= 5000; n_first += 5000) { /* the second goes on without a pause */
        n_given = n_first;
        const adb_job job = adb_copy_in(ctx, "notes", give_for_ever, NULL, NULL);
        while (n_given < n_first + 5000) {
            adb_queue_wait(adb_context_queue(ctx), 20000);
            adb_queue_dispatch(adb_context_queue(ctx), 0);
        }
        CU_ASSERT_EQUAL(adb_cancel(ctx, job), ADB_OK);
        CU_ASSERT_EQUAL(ended(job), ADB_E_CANCELLED);
    }
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 0);
    suite_close();
}

/* From another database handle. */
static void end_connection_of(int64_t id)
{
    char sql[128];
    adb_database *other = NULL;
    REQUIRE(adb_database_open(suite_url(), ADB_OPTIONS(.max_size = 1), &other, NULL) == ADB_OK);
    adb_context *there = adb_context_new(other, NULL, 0);
    snprintf(sql, sizeof(sql), "%s%lld%s", suite->dialect->end[0], (long long)id, suite->dialect->end[1]);
    rows_in(there, sql);
    snprintf(sql, sizeof(sql), "%s%lld", suite->dialect->alive, (long long)id);
    while (number_in(there, sql) > 0)
        sched_yield();
    adb_context_free(there);
    adb_database_free(other);
}

/* A server that ends the connection in the midst of a load: that fails, once, nothing stays, and others go on. */
TEST(a_load_whose_connection_ends_leaves_nothing)
{
    suite_open(NULL);
    table("notes", "id $int, text $text");
    adb_acquire(ctx, NULL, NULL);
    const int64_t id = number(suite->dialect->id);
    n_given = 0;
    const adb_job job = adb_copy_in(ctx, "notes", give_for_ever, NULL, NULL);
    while (n_given < 5000) {
        adb_queue_wait(adb_context_queue(ctx), 20000);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    end_connection_of(id);
    CU_ASSERT_EQUAL(adb_resume(ctx, job), ADB_OK);
    const adb_result *lost = outcome(job);
    CU_ASSERT_EQUAL(adb_result_status(lost), ADB_E_CONNECTION);
    CU_ASSERT((adb_result_error(lost)->flags & ADB_ERROR_CONNECTION_LOST) != 0);
    CU_ASSERT_EQUAL(ended(adb_release(ctx, NULL, NULL)), ADB_E_TRANSACTION_LOST);
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 0);
    CU_ASSERT(loads("notes", "1,one\n", 1));
    suite_close();
}

static ptrdiff_t give_up(void *chunk, size_t size, void *user_data)
{
    const size_t *n_before = user_data;
    return n_given++ < *n_before ? (ptrdiff_t)snprintf(chunk, size, "%zu,x\n", n_given) : ADB_COPY_ABORT;
}

/* A producer that gives up, at once or late, leaves nothing. */
TEST(producers_can_give_up)
{
    static const size_t befores[] = {0, 1, 20000};
    suite_open(NULL);
    table("notes", "id $int, text $text");
    for (size_t i = 0; i < sizeof(befores) / sizeof(befores[0]); i++) {
        size_t before = befores[i];
        n_given = 0;
        CU_ASSERT_EQUAL(ended(adb_copy_in(ctx, "notes", give_up, NULL, &before)), ADB_E_CANCELLED);
    }
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes"), 0);
    CU_ASSERT(loads("notes", "1,one\n", 1));
    suite_close();
}

/* What a function on the worker copies, and whether it fails afterwards. */
struct move {
    struct stream stream;
    bool fails;
};

/* From one table to another on one connection. */
static adb_status move_notes(adb_session *session, void *user_data)
{
    struct move *move = user_data;
    adb_result *out = adb_session_copy_out(session, "notes", NULL, take, &move->stream);
    adb_result *in = adb_session_copy_in(session, "moved", NULL, give, &move->stream);
    CU_ASSERT_EQUAL(adb_result_affected(out), 2);
    CU_ASSERT_EQUAL(adb_result_affected(in), 2);
    adb_result_unref(out);
    adb_result_unref(in);
    return move->fails ? adb_session_fail(session, ADB_E_RANGE, "not this time") : ADB_OK;
}

/* A function on the worker copies both ways, inside its transaction. */
TEST(sessions_copy)
{
    struct move failing = {.fails = true}, move = {.fails = false};
    suite_open(NULL);
    table("notes", "id $int, text $text");
    table("moved", "id $int, text $text");
    CU_ASSERT(loads("notes", "1,one\n2,two\n", 2));
    CU_ASSERT_EQUAL(ended(adb_transact(ctx, NULL, move_notes, NULL, &failing)), ADB_E_RANGE);
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM moved"), 0);
    CU_ASSERT(ended_well(adb_transact(ctx, NULL, move_notes, NULL, &move)));
    CU_ASSERT(unloads("moved", "1,one\n2,two\n", 2));
    free(failing.stream.bytes);
    free(move.stream.bytes);
    suite_close();
}

GROUP(copy, SQL(the_stream_is_the_same_on_every_database), SQL(a_table_goes_out_and_comes_in),
      SQL(columns_can_be_named), SQL(queries_can_be_unloaded), SQL(the_format_has_options),
      SQL(a_load_is_all_or_nothing), SQL(a_load_is_part_of_its_transaction), SQL(forced_rollbacks_undo_loads),
      SQL(readers_unload_and_do_not_load), SQL(a_long_stream_is_loaded), SQL(an_unload_can_be_stopped),
      SQL(an_unload_can_be_stopped_in_a_transaction), SQL(a_load_can_be_cancelled),
      NEEDS(SUITE_SQL | SUITE_REMOTE | SUITE_SESSION, a_load_whose_connection_ends_leaves_nothing),
      SQL(producers_can_give_up), SQL(sessions_copy));
