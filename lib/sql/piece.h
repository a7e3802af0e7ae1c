/* SPDX-License-Identifier: BSD-3-Clause */
/* The pieces of a template, and how they become text in the placeholders of one database. */
#ifndef ADB_SQL_PIECE_H
#define ADB_SQL_PIECE_H

#include "model/dialect.h"

#include <asyncdb/value.h>

#define ADB__SLOT_NONE SIZE_MAX

/* What surrounds a placeholder. */
enum {
    ADB__PIECE_AFTER_OPEN = 1u << 0,
    ADB__PIECE_AFTER_COMMA = 1u << 1,
    ADB__PIECE_BEFORE_CLOSE = 1u << 2,
    ADB__PIECE_GLUED_BEFORE = 1u << 3, /* no blank between it and a word: LIMIT? */
    ADB__PIECE_GLUED_AFTER = 1u << 4,
    ADB__PIECE_NOT_IN = 1u << 5        /* the IN of in_size is a NOT IN */
};

/* Text as it is, then a placeholder or nothing. */
struct adb__sql_piece {
    const char *text;
    size_t text_size;
    size_t in_size;     /* how much of the text's end is [NOT] IN [(], 0 when it does not end so */
    size_t slot;        /* number of the name or position, from 0; ADB__SLOT_NONE when no placeholder follows */
    unsigned flags;
};

/* The value of one name or position. */
struct adb__sql_slot {
    const adb_value *given;
    size_t first;       /* how many values come before it */
    size_t width;       /* values it stands for: the items of a list, else 1 */
};

/* Counts, and writes when there is memory to write to. */
struct adb__sql_writer {
    char *out;          /* NULL: only count */
    size_t size;
};

/* Write one piece. slot is not used when no placeholder follows. */
void adb__sql_write_piece(struct adb__sql_writer *writer, const struct adb__dialect *dialect,
                          const struct adb__sql_piece *piece, const struct adb__sql_slot *slot);

/* Whether a list at this place would share its parentheses with other items, so that an empty one cannot be said. */
bool adb__sql_piece_is_shared(const struct adb__sql_piece *piece);

/* ADB_E_PARAMETER when the database does not take that many values, ADB_E_TOO_BIG for the text. */
adb_status adb__sql_check_count(const struct adb__dialect *dialect, size_t n_values, adb_error *error);
adb_status adb__sql_check_size(size_t sql_size, adb_error *error);

#endif
