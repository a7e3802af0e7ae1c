/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the CSV reader: however a stream is cut it reads the same, what is read and written again reads the same, and
 * what is refused is refused in the same words.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... && ./fuzz_csv -max_len=300 corpus/ */
#include "model/csv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came of a stream: its records, written again, and the failure that ended it. */
struct reading {
    struct adb__buf text;
    uint64_t n_records;
    adb_error error;
};

/* Each field must be a value of any type, or be refused; touched byte by byte. */
static void touch(struct adb__csv *csv, size_t field)
{
    for (adb_type type = ADB_TYPE_NULL; type < ADB_TYPE_LIST; type++) {
        char text[64];
        adb_value value;
        if (type != ADB_TYPE_BLOB && adb__csv_typed(csv, field, type, &value))
            MUST(adb_value_format(&value, text, sizeof(text)) <= csv->fields[field].size * 4 + 64);
    }
    MUST(csv->bytes.bytes[csv->fields[field].offset + csv->fields[field].size] == '\0');
}

/* A record, written in the same format; that may differ from how it stood there, but not in what it says. */
static void write_record(struct adb__csv *csv, struct reading *reading)
{
    const size_t n_fields = csv->n_fields - csv->first_field;
    MUST(n_fields > 0);
    for (size_t i = csv->first_field; i < csv->n_fields; i++) {
        const adb_value value = adb__csv_value(csv, i);
        touch(csv, i);
        if (i > csv->first_field)
            adb__buf_putc(&reading->text, csv->format.delimiter);
        adb__csv_write(&reading->text, &csv->format, &value, ADB_TYPE_TEXT, n_fields == 1);
    }
    adb__buf_putc(&reading->text, '\n');
    reading->n_records++;
    MUST(csv->record == reading->n_records);
}

/* Read in pieces; every few records are forgotten. */
static void read_all(const struct adb__csv_format *format, const char *bytes, size_t size, size_t piece,
                     struct reading *reading)
{
    struct adb__csv csv;
    adb_status status = ADB_OK;
    *reading = (struct reading){.text = ADB__BUF_INIT};
    adb__buf_puts(&reading->text, "");
    adb__csv_init(&csv, format);
    while (size > 0 && status == ADB_OK) {
        const size_t given = piece < size ? piece : size;
        size_t used = 0;
        status = adb__csv_read(&csv, bytes, given, &used, &reading->error);
        MUST(used <= given && (status != ADB_OK || used > 0));
        MUST(status != ADB_OK || csv.complete || used == given);
        if (status == ADB_OK && csv.complete) {
            write_record(&csv, reading);
            if (reading->n_records % 3 == 0)
                adb__csv_clear(&csv);
        }
        bytes += used;
        size -= used;
    }
    if (status == ADB_OK)
        status = adb__csv_end(&csv, &reading->error);
    if (status == ADB_OK && csv.complete)
        write_record(&csv, reading);
    MUST(status == ADB_OK || status == ADB_E_DATA);
    MUST(!reading->text.failed && reading->error.status == status);
    adb__csv_fini(&csv);
}

static void must_equal(const struct reading *one, const struct reading *other)
{
    MUST(one->n_records == other->n_records && one->text.size == other->text.size);
    MUST(memcmp(one->text.bytes, other->text.bytes, one->text.size) == 0);
    MUST(one->error.status == other->error.status && strcmp(one->error.message, other->error.message) == 0);
}

/* The first byte says the format and how the stream behind it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct adb__csv_format format = {.delimiter = data[0] & 1 ? ';' : ',',
                                           .header = (data[0] & 2) != 0,
                                           .null_text = data[0] & 4 ? "\\N" : "",
                                           .null_size = data[0] & 4 ? 2 : 0};
    const size_t piece = 1 + (data[0] >> 3);
    const char *bytes = (const char *)data + 1;
    struct reading whole, cut, again;
    read_all(&format, bytes, size - 1, size, &whole);
    read_all(&format, bytes, size - 1, piece, &cut);
    must_equal(&whole, &cut);

    struct adb__csv_format headless = format;
    headless.header = false;
    read_all(&headless, whole.text.bytes, whole.text.size, piece, &again);
    MUST(again.error.status == ADB_OK && again.n_records == whole.n_records);
    MUST(again.text.size == whole.text.size && memcmp(again.text.bytes, whole.text.bytes, whole.text.size) == 0);
    adb__buf_fini(&whole.text);
    adb__buf_fini(&cut.text);
    adb__buf_fini(&again.text);
    return 0;
}
