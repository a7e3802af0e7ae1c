/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of values that are not text, for drivers that bind or send it. The public conversions live here too. */
#ifndef ADB_MODEL_CONVERT_H
#define ADB_MODEL_CONVERT_H

#include <asyncdb/value.h>

/* Room for any date, time, timestamp or UUID in text, the NUL included. */
#define ADB__VALUE_TEXT_SIZE 48

/* DATE, TIME, TIMESTAMP and UUID only: "2024-02-29", "23:59:59.000001" (a fraction only when there is one, without
 * zeros at its end), "2024-02-29 23:59:59.5" (UTC, without a zone), UUID in lower case. Returns the length. */
size_t adb__value_text(const adb_value *value, char buffer[ADB__VALUE_TEXT_SIZE]);

#endif
