/* SPDX-License-Identifier: BSD-3-Clause */
/* Values inside the library: checks, deep copies, hashes, and the text of dates, times and UUIDs. */
#ifndef ADB_MODEL_VALUE_H
#define ADB_MODEL_VALUE_H

#include "base/arena.h"
#include "model/convert.h"

#include <asyncdb/value.h>

/* Sizes from here on are refused (ADB_E_TOO_BIG): no database takes them. */
#define ADB__VALUE_MAX_BYTES ((size_t)INT32_MAX)

/* Is this a value that can be bound? ADB_E_PARAMETER for one that its constructor could not make, such as
 * adb_date(2024, 13, 1), for a type outside the set and for a list inside a list; ADB_E_TOO_BIG. */
adb_status adb__value_check(const adb_value *value);
/* Copy text, bytes and items into the arena (text and bytes get a NUL). As adb__value_check(), or ADB_E_NOMEM. */
adb_status adb__value_copy(struct adb__arena *arena, const adb_value *value, adb_value *copy_out);
/* Mix a value into a hash: values that adb_value_equal() calls equal do the same to it. */
uint64_t adb__value_hash(uint64_t hash, const adb_value *value);

#endif
