/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables as CSV, in the form of PostgreSQL's COPY … (FORMAT csv): fields between delimiters, "" for a quote inside
 * quotes, records ended by LF or CRLF, an unquoted null text for NULL. The reader is a state machine that may be fed in
 * pieces cut anywhere; the writer appends to a buffer. */
#ifndef ADB_MODEL_CSV_H
#define ADB_MODEL_CSV_H

#include "base/buf.h"

#include <asyncdb/value.h>

/* How a stream is written. */
struct adb__csv_format {
    char delimiter;
    bool header;           /* the first record is no row */
    const char *null_text; /* "" : an empty field without quotes */
    size_t null_size;
};

/* One field of a record that was read. */
struct adb__csv_field {
    size_t offset; /* in bytes */
    size_t size;
    bool is_null;
};

enum adb__csv_state {
    ADB__CSV_RECORD, /* before a record */
    ADB__CSV_FIELD,  /* outside quotes */
    ADB__CSV_QUOTED, /* inside quotes */
    ADB__CSV_QUOTE,  /* behind a quote that ends them, or is the first of two */
    ADB__CSV_RETURN  /* behind CR: LF must follow */
};

/* Reads records and keeps them, one behind the other, until adb__csv_clear(). */
struct adb__csv {
    struct adb__csv_format format;
    struct adb__buf bytes;         /* of all fields, without their quotes, each with a NUL behind it */
    struct adb__csv_field *fields;
    size_t n_fields;               /* those of a record under way included */
    size_t capacity;
    size_t first_field;            /* of the last record, complete or under way */
    uint64_t record;               /* its number, from 1; the header is no record, and 0 */
    bool complete;                 /* the last read ended at the end of a record, which is not the header */

    enum adb__csv_state state;
    size_t start;                  /* of the field under way, in bytes */
    bool quoted;                   /* it has had a quote */
    uint64_t offset;               /* in the stream */
    uint64_t opened_at;            /* the offset of the last opening quote */
    unsigned char special[256];    /* bytes that mean something outside quotes */
};

/* The format's text must outlive the reader. */
void adb__csv_init(struct adb__csv *csv, const struct adb__csv_format *format);
void adb__csv_fini(struct adb__csv *csv);
/* Forget the records that were read. Only between two records. */
void adb__csv_clear(struct adb__csv *csv);
/* Read up to the end of a record or of the bytes, whichever comes first; *used_out says how far. ADB_E_DATA for what is
 * no CSV or no UTF-8 (the message names record and offset), ADB_E_TOO_BIG, ADB_E_NOMEM; after a failure only fini. */
adb_status adb__csv_read(struct adb__csv *csv, const char *bytes, size_t size, size_t *used_out, adb_error *error);
/* The stream has ended: complete the last record, if it had no line end. */
adb_status adb__csv_end(struct adb__csv *csv, adb_error *error);
/* A field, by its number from the first that is kept: a NULL, or text that ends in a NUL. Valid until the next read. */
adb_value adb__csv_value(const struct adb__csv *csv, size_t field);
/* A field as a value of a column of that type: truth values, integers, doubles, dates, times and blobs (\x and
 * hexadecimal digits, decoded in place) as such where they are one, else the text as it stands, for the database to
 * judge. False: hexadecimal digits that are none. */
bool adb__csv_typed(const struct adb__csv *csv, size_t field, adb_type type, adb_value *value_out);

/* Append a value as a field: as the last of its record (a line end follows) or not. lone: the only one of its record.
 * type is that of the column, to tell truth values that a database stores as numbers. */
void adb__csv_write(struct adb__buf *buf, const struct adb__csv_format *format, const adb_value *value, adb_type type,
                    bool lone);
void adb__csv_write_text(struct adb__buf *buf, const struct adb__csv_format *format, const char *text, size_t size,
                         bool lone);

#endif
