/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV: what is read of it, in pieces cut anywhere, and that what is written reads back. */
#include "model/csv.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct adb__csv_format plain = {.delimiter = ',', .null_text = "", .null_size = 0};

/* One record in words: fields between bars, NULL as a tilde, a semicolon behind. */
static void tell_record(struct adb__buf *told, const struct adb__csv *csv)
{
    for (size_t i = csv->first_field; i < csv->n_fields; i++) {
        const adb_value value = adb__csv_value(csv, i);
        if (i > csv->first_field)
            adb__buf_putc(told, '|');
        if (value.type == ADB_TYPE_NULL)
            adb__buf_putc(told, '~');
        else
            adb__buf_append(told, value.as.text, value.size);
    }
    adb__buf_putc(told, ';');
}

/* Read a stream in pieces of a size; records in words, as far as they are good. */
static adb_status tell(const struct adb__csv_format *format, const char *bytes, size_t size, size_t piece,
                       struct adb__buf *told, adb_error *error)
{
    struct adb__csv csv;
    adb_status status = ADB_OK;
    adb__csv_init(&csv, format);
    while (size > 0 && status == ADB_OK) {
        size_t used = 0;
        status = adb__csv_read(&csv, bytes, piece < size ? piece : size, &used, error);
        if (status == ADB_OK && csv.complete)
            tell_record(told, &csv);
        bytes += used;
        size -= used;
    }
    if (status == ADB_OK)
        status = adb__csv_end(&csv, error);
    if (status == ADB_OK && csv.complete)
        tell_record(told, &csv);
    adb__csv_fini(&csv);
    return status;
}

/* A text reads as told, whole, byte by byte, and in pieces in between. */
static bool reads_in(const struct adb__csv_format *format, const char *text, const char *wanted)
{
    bool well = true;
    for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
        struct adb__buf told = ADB__BUF_INIT;
        adb_error error = {0};
        adb__buf_puts(&told, "");
        well = tell(format, text, strlen(text), piece, &told, &error) == ADB_OK && strcmp(told.bytes, wanted) == 0;
        if (!well)
            printf("# in pieces of %zu: %s %s\n", piece, told.bytes, error.message);
        adb__buf_fini(&told);
        if (!well)
            break;
    }
    return well;
}

static bool reads(const char *text, const char *wanted)
{
    return reads_in(&plain, text, wanted);
}

/* A text is refused, in whatever pieces it comes, and the message holds the words. */
static bool refused(const char *text, const char *words)
{
    bool well = true;
    for (size_t piece = 1; piece <= strlen(text) + 1 && well; piece++) {
        struct adb__buf told = ADB__BUF_INIT;
        adb_error error = {0};
        well = tell(&plain, text, strlen(text), piece, &told, &error) == ADB_E_DATA &&
               strstr(error.message, words) != NULL && strcmp(error.sqlstate, "22P04") == 0;
        if (!well)
            printf("# in pieces of %zu: %s\n", piece, error.message);
        adb__buf_fini(&told);
    }
    return well;
}

/* Fields between commas, records between line feeds, and the last may go without. */
TEST(fields_and_records_are_split)
{
    CU_ASSERT(reads("", ""));
    CU_ASSERT(reads("a,b\nc,d\n", "a|b;c|d;"));
    CU_ASSERT(reads("a,b\nc,d", "a|b;c|d;"));
    CU_ASSERT(reads("a\r\nb\r\n", "a;b;"));
    CU_ASSERT(reads(" a , b \n", " a | b ;"));
}

/* An empty field is NULL, unless it is in quotes; so is a blank line of a table of one column. */
TEST(empty_is_null_unless_quoted)
{
    CU_ASSERT(reads(",\n", "~|~;"));
    CU_ASSERT(reads("\"\",\n", "|~;"));
    CU_ASSERT(reads("\n\na\n", "~;~;a;"));
    CU_ASSERT(reads("a,", "a|~;"));
    CU_ASSERT(reads("\"\"", ";"));
}

/* Inside quotes anything may stand, a quote doubled; quotes may also begin and end in the midst of a field. */
TEST(quotes_protect)
{
    CU_ASSERT(reads("\"a,b\",\"c\nd\"\n", "a,b|c\nd;"));
    CU_ASSERT(reads("\"say \"\"hi\"\"\"\r\n", "say \"hi\";"));
    CU_ASSERT(reads("\"\"\"\"\n", "\";"));
    CU_ASSERT(reads("a\"b,c\"d\n", "ab,cd;"));
    CU_ASSERT(reads("\"a\r\nb\"\r\n", "a\r\nb;"));
}

/* A backslash means nothing, not even before a dot. */
TEST(backslashes_are_plain)
{
    CU_ASSERT(reads("\\.\n\\N,\\\n", "\\.;\\N|\\;"));
}

/* The text for NULL, the delimiter and the header are options. */
TEST(format_is_heeded)
{
    const struct adb__csv_format format = {.delimiter = ';', .header = true, .null_text = "nil", .null_size = 3};
    CU_ASSERT(reads_in(&format, "x;\"y\nz\"\nnil;\"nil\";;a,b\n", "~|nil||a,b;"));
    CU_ASSERT(reads_in(&format, "only;a;header", ""));
    CU_ASSERT(reads_in(&format, "", ""));
}

/* What is no CSV is refused with the number of its record and the place. */
TEST(bad_input_names_its_place)
{
    CU_ASSERT(refused("a\nb,\"c\n", "record 2: the stream ends inside quotes, which opened at offset 4"));
    CU_ASSERT(refused("a\rb\n", "record 1: a carriage return without a line feed at offset 2"));
    CU_ASSERT(refused("a\nb\r", "record 2: a carriage return without a line feed at offset 4"));
    CU_ASSERT(refused("a\nok\n\xff\n", "record 3: the text is not UTF-8"));
    CU_ASSERT(refused("\xc0\x80\n", "not UTF-8"));
    CU_ASSERT(refused("\xed\xa0\x80\n", "not UTF-8"));
    CU_ASSERT(refused("\xf4\x90\x80\x80\n", "not UTF-8"));
    CU_ASSERT(refused("abcdefghijkl\xe2\x82\n", "not UTF-8"));
    CU_ASSERT(reads("\xe2\x82\xac,\xf0\x9f\x98\x80,\xc3\xa9\n", "\xe2\x82\xac|\xf0\x9f\x98\x80|\xc3\xa9;"));
}

/* Records that were read stay until they are cleared, and are counted on. */
TEST(records_are_kept_until_cleared)
{
    struct adb__csv csv;
    size_t used;
    adb__csv_init(&csv, &plain);
    CU_ASSERT_EQUAL(adb__csv_read(&csv, "a,b\nc,d\ne", 9, &used, NULL), ADB_OK);
    CU_ASSERT(used == 4 && csv.complete && csv.record == 1);
    CU_ASSERT_EQUAL(adb__csv_read(&csv, "c,d\ne", 5, &used, NULL), ADB_OK);
    CU_ASSERT(used == 4 && csv.record == 2 && csv.n_fields == 4 && csv.first_field == 2);
    CU_ASSERT_STRING_EQUAL(adb__csv_value(&csv, 0).as.text, "a");
    adb__csv_clear(&csv);
    CU_ASSERT_EQUAL(adb__csv_read(&csv, "e", 1, &used, NULL), ADB_OK);
    CU_ASSERT(used == 1 && !csv.complete);
    CU_ASSERT_EQUAL(adb__csv_end(&csv, NULL), ADB_OK);
    CU_ASSERT(csv.complete && csv.record == 3 && csv.n_fields == 1);
    adb__csv_fini(&csv);
}

/* The value of a column of that type; *well is whether it was one. */
static adb_value typed(struct adb__csv *csv, adb_type type, const char *text, bool *well)
{
    size_t used;
    adb_value value = adb_null();
    adb__csv_init(csv, &plain);
    CU_ASSERT_EQUAL(adb__csv_read(csv, text, strlen(text), &used, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb__csv_end(csv, NULL), ADB_OK);
    *well = adb__csv_typed(csv, 0, type, &value);
    return value;
}

/* A text becomes a value of that type, which reads as told. */
static bool becomes(adb_type type, const char *text, adb_type wanted, const char *words)
{
    struct adb__csv csv;
    char told[64];
    bool well;
    const adb_value value = typed(&csv, type, text, &well);
    adb_value_format(&value, told, sizeof(told));
    well = well && value.type == wanted && strcmp(told, words) == 0;
    if (!well)
        printf("# %s: %s %s\n", text, adb_type_name(value.type), told);
    adb__csv_fini(&csv);
    return well;
}

/* Columns of a type get values of it; what does not look like one stays text, for the database to judge. */
TEST(fields_follow_the_types_of_columns)
{
    CU_ASSERT(becomes(ADB_TYPE_BOOL, "t", ADB_TYPE_BOOL, "true"));
    CU_ASSERT(becomes(ADB_TYPE_BOOL, "0", ADB_TYPE_BOOL, "false"));
    CU_ASSERT(becomes(ADB_TYPE_BOOL, "perhaps", ADB_TYPE_TEXT, "perhaps"));
    CU_ASSERT(becomes(ADB_TYPE_INT, "-42", ADB_TYPE_INT, "-42"));
    CU_ASSERT(becomes(ADB_TYPE_INT, "9223372036854775807", ADB_TYPE_TEXT, "9223372036854775807"));
    CU_ASSERT(becomes(ADB_TYPE_INT, "1.5", ADB_TYPE_TEXT, "1.5"));
    CU_ASSERT(becomes(ADB_TYPE_INT, "-", ADB_TYPE_TEXT, "-"));
    CU_ASSERT(becomes(ADB_TYPE_DOUBLE, "1e3", ADB_TYPE_DOUBLE, "1000"));
    CU_ASSERT(becomes(ADB_TYPE_DATE, "2024-02-29", ADB_TYPE_DATE, "2024-02-29"));
    CU_ASSERT(becomes(ADB_TYPE_DATE, "infinity", ADB_TYPE_TEXT, "infinity"));
    CU_ASSERT(becomes(ADB_TYPE_TIMESTAMP, "2024-02-29 12:00:00.5+01", ADB_TYPE_TIMESTAMP, "2024-02-29 11:00:00.5"));
    CU_ASSERT(becomes(ADB_TYPE_TIME, "23:59:59", ADB_TYPE_TIME, "23:59:59"));
    CU_ASSERT(becomes(ADB_TYPE_DECIMAL, "1.10", ADB_TYPE_TEXT, "1.10"));
    CU_ASSERT(becomes(ADB_TYPE_INT, "\n", ADB_TYPE_NULL, "NULL"));
}

/* Hexadecimal digits behind \x are bytes in a binary column, and only there; other text stays as it is. */
TEST(hexadecimal_digits_become_bytes)
{
    struct adb__csv csv;
    bool well;
    adb_value value = typed(&csv, ADB_TYPE_BLOB, "\\x00fFa1", &well);
    CU_ASSERT(well && value.type == ADB_TYPE_BLOB && value.size == 3);
    CU_ASSERT(memcmp(value.as.blob, "\x00\xff\xa1", 3) == 0);
    adb__csv_fini(&csv);
    value = typed(&csv, ADB_TYPE_BLOB, "\\x", &well);
    CU_ASSERT(well && value.type == ADB_TYPE_BLOB && value.size == 0);
    adb__csv_fini(&csv);
    typed(&csv, ADB_TYPE_BLOB, "\\x0", &well);
    CU_ASSERT_FALSE(well);
    adb__csv_fini(&csv);
    typed(&csv, ADB_TYPE_BLOB, "\\x0g", &well);
    CU_ASSERT_FALSE(well);
    adb__csv_fini(&csv);
    CU_ASSERT(becomes(ADB_TYPE_TEXT, "\\x00", ADB_TYPE_TEXT, "\\x00"));
    CU_ASSERT(becomes(ADB_TYPE_BLOB, "plain", ADB_TYPE_TEXT, "plain"));
}

static bool writes(adb_value value, adb_type type, const char *wanted)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_puts(&buf, "");
    adb__csv_write(&buf, &plain, &value, type, false);
    const bool well = strcmp(buf.bytes, wanted) == 0;
    if (!well)
        printf("# %s, not %s\n", buf.bytes, wanted);
    adb__buf_fini(&buf);
    return well;
}

/* Values are written as PostgreSQL writes them. */
TEST(values_are_written)
{
    CU_ASSERT(writes(adb_null(), ADB_TYPE_TEXT, ""));
    CU_ASSERT(writes(adb_text(""), ADB_TYPE_TEXT, "\"\""));
    CU_ASSERT(writes(adb_text("a,\"b\"\n"), ADB_TYPE_TEXT, "\"a,\"\"b\"\"\n\""));
    CU_ASSERT(writes(adb_bool(true), ADB_TYPE_BOOL, "t"));
    CU_ASSERT(writes(adb_int(0), ADB_TYPE_BOOL, "f"));
    CU_ASSERT(writes(adb_int(7), ADB_TYPE_BOOL, "7"));
    CU_ASSERT(writes(adb_int(INT64_MIN), ADB_TYPE_INT, "-9223372036854775808"));
    CU_ASSERT(writes(adb_double(0.1), ADB_TYPE_DOUBLE, "0.1"));
    CU_ASSERT(writes(adb_double(-INFINITY), ADB_TYPE_DOUBLE, "-Infinity"));
    CU_ASSERT(writes(adb_blob("\x01\xfe", 2), ADB_TYPE_BLOB, "\\x01fe"));
    CU_ASSERT(writes(adb_timestamp(1500000), ADB_TYPE_TIMESTAMP, "1970-01-01 00:00:01.5"));
    CU_ASSERT(writes(adb_date(2024, 2, 29), ADB_TYPE_DATE, "2024-02-29"));
    CU_ASSERT(writes(adb_json("{\"a\": 1}"), ADB_TYPE_JSON, "\"{\"\"a\"\": 1}\""));
}

/* A dot behind a backslash, alone in its record, would end a stream for PostgreSQL: it goes in quotes. */
TEST(lone_end_mark_is_quoted)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__csv_write_text(&buf, &plain, "\\.", 2, true);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "\"\\.\"");
    adb__buf_clear(&buf);
    adb__csv_write_text(&buf, &plain, "\\.", 2, false);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "\\.");
    adb__buf_fini(&buf);
}

/* A number from 0 up to and without a limit, always the same series. */
static size_t pick(uint64_t *seed, size_t limit)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (size_t)(*seed >> 33) % limit;
}

/* A random field of pieces that mean something to CSV; NULL now and then. */
static void put_random(uint64_t *seed, const struct adb__csv_format *format, struct adb__buf *stream,
                       struct adb__buf *told, bool lone)
{
    static const char *const pieces[] = {"", "\"", ",", ";", "\n", "\r", "\r\n", "a", "\xc3\xa9", "\\.", "nil", "  "};
    struct adb__buf text = ADB__BUF_INIT;
    adb__buf_puts(&text, "");
    if (pick(seed, 6) == 0) {
        const adb_value null = adb_null();
        adb__csv_write(stream, format, &null, ADB_TYPE_TEXT, lone);
        adb__buf_putc(told, '~');
    } else {
        for (size_t n = pick(seed, 5); n > 0; n--)
            adb__buf_puts(&text, pieces[pick(seed, sizeof(pieces) / sizeof(pieces[0]))]);
        adb__csv_write_text(stream, format, text.bytes, text.size, lone);
        adb__buf_append(told, text.bytes, text.size);
    }
    adb__buf_fini(&text);
}

/* A random table, as a stream and in words. */
static void make_random(uint64_t *seed, const struct adb__csv_format *format, struct adb__buf *stream,
                        struct adb__buf *told)
{
    const size_t n_columns = 1 + pick(seed, 4);
    const char *end = pick(seed, 2) == 0 ? "\n" : "\r\n";
    adb__buf_puts(stream, "");
    adb__buf_puts(told, "");
    for (size_t n_rows = pick(seed, 6); n_rows > 0; n_rows--) {
        for (size_t i = 0; i < n_columns; i++) {
            if (i > 0) {
                adb__buf_putc(stream, format->delimiter);
                adb__buf_putc(told, '|');
            }
            put_random(seed, format, stream, told, n_columns == 1);
        }
        adb__buf_puts(stream, end);
        adb__buf_putc(told, ';');
    }
}

/* Whatever is written reads back the same, however the stream is cut. */
TEST(random_tables_read_back)
{
    static const struct adb__csv_format formats[] = {
        {.delimiter = ',', .null_text = "", .null_size = 0}, {.delimiter = ';', .null_text = "nil", .null_size = 3}};
    uint64_t seed = 20240229;
    for (size_t i = 0; i < 5000; i++) {
        const struct adb__csv_format *format = &formats[i % 2];
        struct adb__buf stream = ADB__BUF_INIT, wanted = ADB__BUF_INIT, told = ADB__BUF_INIT;
        make_random(&seed, format, &stream, &wanted);
        adb__buf_puts(&told, "");
        REQUIRE(tell(format, stream.bytes, stream.size, 1 + pick(&seed, 9), &told, NULL) == ADB_OK);
        if (strcmp(told.bytes, wanted.bytes) != 0)
            printf("# %s became %s\n", wanted.bytes, told.bytes);
        REQUIRE(strcmp(told.bytes, wanted.bytes) == 0);
        adb__buf_fini(&stream);
        adb__buf_fini(&wanted);
        adb__buf_fini(&told);
    }
}

/* No memory is a status, and nothing is left behind. */
TEST(out_of_memory_is_told)
{
    static const char text[] = "a,\"b\"\"\",,d\ne,f,g,h\n";
    const size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        struct adb__buf told = ADB__BUF_INIT;
        fault_arm(n);
        const adb_status status = tell(&plain, text, strlen(text), 7, &told, NULL);
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        FAULT_DONE();
        adb__buf_fini(&told);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(csv, CASE(fields_and_records_are_split), CASE(empty_is_null_unless_quoted), CASE(quotes_protect),
      CASE(backslashes_are_plain), CASE(format_is_heeded), CASE(bad_input_names_its_place),
      CASE(records_are_kept_until_cleared), CASE(fields_follow_the_types_of_columns),
      CASE(hexadecimal_digits_become_bytes), CASE(values_are_written), CASE(lone_end_mark_is_quoted),
      CASE(random_tables_read_back), CASE(out_of_memory_is_told))
