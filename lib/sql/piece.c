/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes placeholders the way a database wants them. Text is copied byte by byte; a blank is added only where a
 * placeholder would grow together with a word beside it (LIMIT? is no LIMIT$1). */
#include "sql/piece.h"

#include "model/error.h"
#include "model/value.h"

#include <assert.h>
#include <string.h>

static void write_bytes(struct adb__sql_writer *w, const char *bytes, size_t size)
{
    if (w->out != NULL && size > 0)
        memcpy(w->out + w->size, bytes, size);
    w->size += size;
}

static void write_number(struct adb__sql_writer *w, size_t number)
{
    char digits[3 * sizeof(number)];
    size_t start = sizeof(digits);
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    write_bytes(w, digits + start, sizeof(digits) - start);
}

static void write_placeholder(struct adb__sql_writer *w, enum adb__placeholder style, size_t number)
{
    write_bytes(w, style == ADB__PLACEHOLDER_DOLLAR ? "$" : "?", 1);
    if (style != ADB__PLACEHOLDER_QUESTION)
        write_number(w, number);
}

/* PostgreSQL compares types before it counts rows, and the column of an empty query would be text. An empty array takes
 * the type of what it is compared with. */
static bool is_empty_array(const struct adb__dialect *dialect, const struct adb__sql_piece *piece,
                           const struct adb__sql_slot *slot)
{
    return slot->width == 0 && piece->in_size > 0 && dialect->placeholder == ADB__PLACEHOLDER_DOLLAR;
}

static void write_empty_array(struct adb__sql_writer *w, const struct adb__sql_piece *piece)
{
    static const char in[] = "= ANY ('{}'";
    static const char not_in[] = "<> ALL ('{}'";
    write_bytes(w, piece->text, piece->text_size - piece->in_size);
    if (piece->flags & ADB__PIECE_NOT_IN)
        write_bytes(w, not_in, sizeof(not_in) - 1);
    else
        write_bytes(w, in, sizeof(in) - 1);
    if ((piece->flags & ADB__PIECE_AFTER_OPEN) == 0)
        write_bytes(w, ")", 1);
}

static void write_list(struct adb__sql_writer *w, const struct adb__dialect *dialect,
                       const struct adb__sql_piece *piece, const struct adb__sql_slot *slot)
{
    const bool bare = (piece->flags & (ADB__PIECE_AFTER_OPEN | ADB__PIECE_AFTER_COMMA)) == 0;
    assert(dialect->empty_list != NULL);
    if (bare)
        write_bytes(w, "(", 1);
    if (slot->width == 0)
        write_bytes(w, dialect->empty_list, strlen(dialect->empty_list));
    for (size_t i = 0; i < slot->width; i++) {
        if (i > 0)
            write_bytes(w, ", ", 2);
        write_placeholder(w, dialect->placeholder, slot->first + i + 1);
    }
    if (bare)
        write_bytes(w, ")", 1);
}

void adb__sql_write_piece(struct adb__sql_writer *writer, const struct adb__dialect *dialect,
                          const struct adb__sql_piece *piece, const struct adb__sql_slot *slot)
{
    if (piece->slot != ADB__SLOT_NONE && is_empty_array(dialect, piece, slot)) {
        write_empty_array(writer, piece);
        return;
    }
    write_bytes(writer, piece->text, piece->text_size);
    if (piece->slot == ADB__SLOT_NONE)
        return;
    if (piece->flags & ADB__PIECE_GLUED_BEFORE)
        write_bytes(writer, " ", 1);
    if (slot->given != NULL && slot->given->type == ADB_TYPE_LIST)
        write_list(writer, dialect, piece, slot);
    else
        write_placeholder(writer, dialect->placeholder, slot->first + 1);
    if (piece->flags & ADB__PIECE_GLUED_AFTER)
        write_bytes(writer, " ", 1);
}

bool adb__sql_piece_is_shared(const struct adb__sql_piece *piece)
{
    if (piece->flags & ADB__PIECE_AFTER_OPEN)
        return (piece->flags & ADB__PIECE_BEFORE_CLOSE) == 0;
    return (piece->flags & ADB__PIECE_AFTER_COMMA) != 0;
}

adb_status adb__sql_check_count(const struct adb__dialect *dialect, size_t n_values, adb_error *error)
{
    if (dialect->max_parameters == 0 || n_values <= dialect->max_parameters)
        return ADB_OK;
    return adb__error_set(error, ADB_E_PARAMETER, "%zu values in one statement, the database takes at most %zu",
                          n_values, dialect->max_parameters);
}

adb_status adb__sql_check_size(size_t sql_size, adb_error *error)
{
    if (sql_size < ADB__VALUE_MAX_BYTES)
        return ADB_OK;
    return adb__error_set(error, ADB_E_TOO_BIG, "the statement has %zu bytes, at most %zu are possible", sql_size,
                          ADB__VALUE_MAX_BYTES - 1);
}
