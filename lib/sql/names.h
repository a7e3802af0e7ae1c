/* SPDX-License-Identifier: BSD-3-Clause */
/* The distinct names of a statement's placeholders, numbered by first use. */
#ifndef ADB_SQL_NAMES_H
#define ADB_SQL_NAMES_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

#define ADB__NAME_NONE SIZE_MAX

/* Begin with all zero. All memory is the arena's. */
struct adb__sql_names {
    const char **items;   /* by number, each ended by a NUL */
    size_t n_items;
    size_t capacity;
    uint32_t *slots;      /* open addressing: number + 1, or 0 when free; NULL while the names are few */
    size_t n_slots;       /* a power of two */
};

/* The name's number, ADB__NAME_NONE when there is no such name. */
size_t adb__sql_names_find(const struct adb__sql_names *names, const char *name, size_t size);
/* The name's number, a new one at need; ADB__NAME_NONE when there is no memory. */
size_t adb__sql_names_add(struct adb__sql_names *names, struct adb__arena *arena, const char *name, size_t size);

#endif
