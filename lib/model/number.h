/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as text, whatever the locale. The forms of text that are read are those of the table in asyncdb/value.h. */
#ifndef ADB_MODEL_NUMBER_H
#define ADB_MODEL_NUMBER_H

#include <asyncdb/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any double, the NUL included. */
#define ADB__NUMBER_TEXT_SIZE 32

bool adb__number_valid(const char *text, size_t size);
/* Exact, fraction cut off. ADB_E_TYPE for what is no number, ADB_E_RANGE beyond 64 bits and for NaN. */
adb_status adb__number_read_int(const char *text, size_t size, int64_t *number_out);
/* Rounded to the nearest, however many digits there are. ADB_E_TYPE for what is no number, ADB_E_RANGE if too large. */
adb_status adb__number_read_double(const char *text, size_t size, double *number_out);
/* A word for truth (true, t, yes, y, on and their contraries, in any case), or a number that is zero or is not. */
adb_status adb__number_read_bool(const char *text, size_t size, bool *truth_out);
/* The shortest of %.15g, %.16g and %.17g that reads back equal; NaN, Infinity, -Infinity. Returns the length. */
size_t adb__number_write_double(double number, char buffer[ADB__NUMBER_TEXT_SIZE]);

#endif
