/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads CSV byte by byte where it must and run by run where it can, and writes what it reads. */
#include "model/csv.h"

#include "base/alloc.h"
#include "model/calendar.h"
#include "model/convert.h"
#include "model/error.h"
#include "model/number.h"
#include "model/value.h"

#include <inttypes.h>
#include <string.h>

#define QUOTE '"'

/* Digits that any 64-bit integer can hold. */
#define SAFE_DIGITS 18

static const char hex_digits[] = "0123456789abcdef";

/* Reading ---------------------------------------------------------------------------------------------------------- */

void adb__csv_init(struct adb__csv *csv, const struct adb__csv_format *format)
{
    memset(csv, 0, sizeof(*csv));
    csv->format = *format;
    csv->record = format->header ? 0 : 1;
    csv->special[(unsigned char)format->delimiter] = 1;
    csv->special[QUOTE] = csv->special['\n'] = csv->special['\r'] = 1;
}

void adb__csv_fini(struct adb__csv *csv)
{
    adb__buf_fini(&csv->bytes);
    adb__free(csv->fields);
    csv->fields = NULL;
}

void adb__csv_clear(struct adb__csv *csv)
{
    adb__buf_clear(&csv->bytes);
    csv->n_fields = csv->first_field = csv->start = 0;
}

static adb_status csv_fail(const struct adb__csv *csv, adb_error *error, const char *what, uint64_t offset)
{
    adb_status status =
        csv->record == 0
            ? adb__error_set(error, ADB_E_DATA, "header: %s at offset %" PRIu64, what, offset)
            : adb__error_set(error, ADB_E_DATA, "record %" PRIu64 ": %s at offset %" PRIu64, csv->record, what, offset);
    if (error != NULL)
        memcpy(error->sqlstate, "22P04", sizeof(error->sqlstate));
    return status;
}

static adb_status csv_nomem(const struct adb__csv *csv, adb_error *error)
{
    return adb__error_set(error, ADB_E_NOMEM, "record %" PRIu64 ": no memory for it", csv->record);
}

/* The length of the UTF-8 sequence that begins here, 0 when there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char lead_mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t extra = 0; extra < 4; extra++) {
        if ((at[0] & forms[extra].lead_mask) != forms[extra].lead)
            continue;
        if (left <= extra)
            return 0;
        uint32_t point = at[0] & (unsigned char)~forms[extra].lead_mask;
        for (size_t i = 1; i <= extra; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (at[i] & 0x3f);
        }
        bool sound = point >= forms[extra].least && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        return sound ? extra + 1 : 0;
    }
    return 0;
}

static bool utf8_is_sound(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    while (size > 0) {
        uint64_t eight;
        size_t length;
        if (size >= sizeof(eight)) {
            memcpy(&eight, at, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(eight);
                size -= sizeof(eight);
                continue;
            }
        }
        length = utf8_length(at, size);
        if (length == 0)
            return false;
        at += length;
        size -= length;
    }
    return true;
}

/* Is the field under way the null text? */
static bool field_is_null(const struct adb__csv *csv, size_t size)
{
    return !csv->quoted && size == csv->format.null_size &&
           (size == 0 || memcmp(csv->bytes.bytes + csv->start, csv->format.null_text, size) == 0);
}

static adb_status field_end(struct adb__csv *csv, adb_error *error)
{
    if (csv->n_fields == csv->capacity) {
        size_t capacity = csv->capacity == 0 ? 64 : csv->capacity * 2;
        struct adb__csv_field *fields = adb__realloc_array(csv->fields, capacity, sizeof(*fields));
        if (fields == NULL)
            return csv_nomem(csv, error);
        csv->fields = fields;
        csv->capacity = capacity;
    }
    const size_t size = csv->bytes.size - csv->start;
    csv->fields[csv->n_fields++] =
        (struct adb__csv_field){.offset = csv->start, .size = size, .is_null = field_is_null(csv, size)};
    adb__buf_putc(&csv->bytes, '\0');
    csv->start = csv->bytes.size;
    csv->quoted = false;
    return csv->bytes.failed ? csv_nomem(csv, error) : ADB_OK;
}

/* The header is read like any record, and forgotten. */
static adb_status record_end(struct adb__csv *csv, adb_error *error)
{
    adb_status status = field_end(csv, error);
    if (status != ADB_OK)
        return status;
    size_t first = csv->fields[csv->first_field].offset;
    if (!utf8_is_sound(csv->bytes.bytes + first, csv->bytes.size - first))
        return csv_fail(csv, error, "the text is not UTF-8, in what ends", csv->offset);
    csv->state = ADB__CSV_RECORD;
    csv->complete = csv->record > 0;
    if (!csv->complete) {
        adb__csv_clear(csv);
        csv->record = 1;
    }
    return ADB_OK;
}

/* The next record is under way. */
static void record_begin(struct adb__csv *csv)
{
    if (csv->state != ADB__CSV_RECORD)
        return;
    if (csv->complete)
        csv->record++;
    csv->complete = false;
    csv->first_field = csv->n_fields;
    csv->state = ADB__CSV_FIELD;
}

/* Take a run of bytes that mean nothing, as far as there is one. */
static size_t read_run(struct adb__csv *csv, const char *bytes, size_t size)
{
    size_t n = 0;
    if (csv->state == ADB__CSV_QUOTED) {
        const char *quote = memchr(bytes, QUOTE, size);
        n = quote == NULL ? size : (size_t)(quote - bytes);
    } else if (csv->state == ADB__CSV_FIELD) {
        while (n < size && csv->special[(unsigned char)bytes[n]] == 0)
            n++;
    }
    if (n > 0)
        adb__buf_append(&csv->bytes, bytes, n);
    return n;
}

/* A byte outside quotes that means something. */
static adb_status read_special(struct adb__csv *csv, char byte, adb_error *error)
{
    if (byte == '\n')
        return record_end(csv, error);
    if (byte == '\r') {
        csv->state = ADB__CSV_RETURN;
    } else if (byte == QUOTE) {
        csv->state = ADB__CSV_QUOTED;
        csv->quoted = true;
        csv->opened_at = csv->offset;
    } else if (byte == csv->format.delimiter) {
        return field_end(csv, error);
    } else {
        adb__buf_putc(&csv->bytes, byte);
    }
    return ADB_OK;
}

static adb_status read_byte(struct adb__csv *csv, char byte, adb_error *error)
{
    switch (csv->state) {
    case ADB__CSV_QUOTED:
        csv->state = ADB__CSV_QUOTE; /* nothing else ends a run inside quotes */
        return ADB_OK;
    case ADB__CSV_QUOTE:
        csv->state = byte == QUOTE ? ADB__CSV_QUOTED : ADB__CSV_FIELD;
        if (byte != QUOTE)
            return read_special(csv, byte, error);
        adb__buf_putc(&csv->bytes, byte);
        return ADB_OK;
    case ADB__CSV_RETURN:
        if (byte != '\n')
            return csv_fail(csv, error, "a carriage return without a line feed", csv->offset);
        return record_end(csv, error);
    case ADB__CSV_RECORD:
    case ADB__CSV_FIELD:
        break;
    }
    return read_special(csv, byte, error);
}

adb_status adb__csv_read(struct adb__csv *csv, const char *bytes, size_t size, size_t *used_out, adb_error *error)
{
    adb_status status = ADB_OK;
    size_t used = 0;
    if (size > 0)
        record_begin(csv);
    while (used < size && status == ADB_OK && !csv->complete) {
        record_begin(csv); /* anew behind the header */
        size_t n = read_run(csv, bytes + used, size - used);
        used += n;
        csv->offset += n;
        if (csv->bytes.size - csv->start >= ADB__VALUE_MAX_BYTES)
            return adb__error_set(error, ADB_E_TOO_BIG, "record %" PRIu64 ": a field of %zu bytes and more", csv->record,
                                  csv->bytes.size - csv->start);
        if (csv->bytes.failed)
            return csv_nomem(csv, error);
        if (used < size) {
            status = read_byte(csv, bytes[used], error);
            used++;
            csv->offset++;
        }
    }
    *used_out = used;
    return status;
}

adb_status adb__csv_end(struct adb__csv *csv, adb_error *error)
{
    switch (csv->state) {
    case ADB__CSV_QUOTED:
        return csv_fail(csv, error, "the stream ends inside quotes, which opened", csv->opened_at);
    case ADB__CSV_RETURN:
        return csv_fail(csv, error, "a carriage return without a line feed", csv->offset);
    case ADB__CSV_RECORD:
        csv->complete = false; /* it was told already */
        return ADB_OK;
    case ADB__CSV_FIELD:
    case ADB__CSV_QUOTE:
        break;
    }
    return record_end(csv, error);
}

adb_value adb__csv_value(const struct adb__csv *csv, size_t field)
{
    const struct adb__csv_field *found = &csv->fields[field];
    if (found->is_null)
        return adb_null();
    return adb_text_n(csv->bytes.bytes + found->offset, found->size);
}

/* Types ------------------------------------------------------------------------------------------------------------ */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Each byte comes to stand before the digits that it is made of. */
static bool typed_blob(char *text, size_t size, adb_value *value)
{
    size_t n_bytes = 0;
    if (size < 2 || text[0] != '\\' || text[1] != 'x')
        return true;
    if (size % 2 != 0)
        return false;
    for (size_t i = 2; i < size; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[n_bytes++] = (char)(high << 4 | low);
    }
    *value = adb_blob(text, n_bytes);
    return true;
}

static bool is_plain_integer(const char *text, size_t size)
{
    size_t i = size > 0 && text[0] == '-';
    if (size == i || size - i > SAFE_DIGITS)
        return false;
    while (i < size && text[i] >= '0' && text[i] <= '9')
        i++;
    return i == size;
}

static bool typed_moment(const char *text, size_t size, adb_type type, int64_t *moment_out)
{
    if (type == ADB_TYPE_DATE)
        return adb__calendar_read_date(text, size, moment_out) == ADB_OK;
    if (type == ADB_TYPE_TIME)
        return adb__calendar_read_time(text, size, moment_out) == ADB_OK;
    return adb__calendar_read_timestamp(text, size, moment_out) == ADB_OK;
}

bool adb__csv_typed(const struct adb__csv *csv, size_t field, adb_type type, adb_value *value_out)
{
    *value_out = adb__csv_value(csv, field);
    if (value_out->type == ADB_TYPE_NULL)
        return true;
    char *text = csv->bytes.bytes + csv->fields[field].offset;
    const size_t size = value_out->size;
    bool truth;
    int64_t number;
    double real;
    switch (type) {
    case ADB_TYPE_BLOB:
        return typed_blob(text, size, value_out);
    case ADB_TYPE_BOOL:
        if (adb__number_read_bool(text, size, &truth) == ADB_OK)
            *value_out = adb_bool(truth);
        return true;
    case ADB_TYPE_INT:
        if (is_plain_integer(text, size) && adb__number_read_int(text, size, &number) == ADB_OK)
            *value_out = adb_int(number);
        return true;
    case ADB_TYPE_DOUBLE:
        if (adb__number_read_double(text, size, &real) == ADB_OK)
            *value_out = adb_double(real);
        return true;
    case ADB_TYPE_DATE:
    case ADB_TYPE_TIME:
    case ADB_TYPE_TIMESTAMP:
        if (typed_moment(text, size, type, &number))
            *value_out = (adb_value){.type = type, .as.integer = number};
        return true;
    default:
        return true;
    }
}

/* Writing ---------------------------------------------------------------------------------------------------------- */

/* The same rules as PostgreSQL's. */
static bool needs_quotes(const struct adb__csv_format *format, const char *text, size_t size, bool lone)
{
    if (size == format->null_size && (size == 0 || memcmp(text, format->null_text, size) == 0))
        return true;
    if (lone && size == 2 && memcmp(text, "\\.", 2) == 0)
        return true; /* it would end the stream */
    for (size_t i = 0; i < size; i++) {
        if (text[i] == format->delimiter || text[i] == QUOTE || text[i] == '\n' || text[i] == '\r')
            return true;
    }
    return false;
}

void adb__csv_write_text(struct adb__buf *buf, const struct adb__csv_format *format, const char *text, size_t size,
                         bool lone)
{
    if (!needs_quotes(format, text, size, lone)) {
        adb__buf_append(buf, text, size);
        return;
    }
    adb__buf_putc(buf, QUOTE);
    while (size > 0) {
        const char *quote = memchr(text, QUOTE, size);
        const size_t n = quote == NULL ? size : (size_t)(quote - text) + 1;
        adb__buf_append(buf, text, n);
        if (quote != NULL)
            adb__buf_putc(buf, QUOTE);
        text += n;
        size -= n;
    }
    adb__buf_putc(buf, QUOTE);
}

static void write_blob(struct adb__buf *buf, const adb_value *value)
{
    const unsigned char *bytes = value->as.blob;
    char pairs[256];
    size_t n = 0;
    adb__buf_puts(buf, "\\x");
    for (size_t i = 0; i < value->size; i++) {
        pairs[n++] = hex_digits[bytes[i] >> 4];
        pairs[n++] = hex_digits[bytes[i] & 15];
        if (n == sizeof(pairs)) {
            adb__buf_append(buf, pairs, n);
            n = 0;
        }
    }
    adb__buf_append(buf, pairs, n);
}

/* What most fields are: worth more than a printf. */
static size_t integer_text(int64_t number, char *text)
{
    char digits[24];
    size_t n = 0;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        digits[n++] = '-';
    for (size_t i = 0; i < n; i++)
        text[i] = digits[n - 1 - i];
    return n;
}

/* Numbers and the like, in the server's words: they need no quotes but for a delimiter of their own kind. */
static size_t plain_text(const adb_value *value, adb_type type, char *text, size_t size)
{
    const bool truth = value->type == ADB_TYPE_BOOL ? value->as.boolean : value->as.integer != 0;
    if (value->type == ADB_TYPE_BOOL || (value->type == ADB_TYPE_INT && type == ADB_TYPE_BOOL &&
                                         (value->as.integer == 0 || value->as.integer == 1))) {
        text[0] = truth ? 't' : 'f';
        return 1;
    }
    if (value->type == ADB_TYPE_INT)
        return integer_text(value->as.integer, text);
    return adb_value_format(value, text, size);
}

void adb__csv_write(struct adb__buf *buf, const struct adb__csv_format *format, const adb_value *value, adb_type type,
                    bool lone)
{
    char text[64]; /* more than any of them takes */
    switch (value->type) {
    case ADB_TYPE_NULL:
        adb__buf_append(buf, format->null_text, format->null_size);
        return;
    case ADB_TYPE_TEXT:
    case ADB_TYPE_DECIMAL:
    case ADB_TYPE_JSON:
        adb__csv_write_text(buf, format, value->as.text, value->size, lone);
        return;
    case ADB_TYPE_BLOB:
        write_blob(buf, value);
        return;
    default:
        adb__csv_write_text(buf, format, text, plain_text(value, type, text, sizeof(text)), lone);
    }
}
