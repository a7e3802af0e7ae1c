/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library itself needs of a URL beyond asyncdb/url.h. */
#ifndef ADB_MODEL_URL_H
#define ADB_MODEL_URL_H

#include <asyncdb/url.h>

#include <stdint.h>

/* Canonical dialect after aliases: "sqlite", "postgresql", "mysql"; NULL when it is none of them. Takes
 * dialect[+driver][+pool] ("postgres+asyncpg") and driver[+pool] ("asyncpg+pool"); a driver that is not one of its
 * dialect gives NULL, never the dialect's default. */
const char *adb__url_scheme(const adb_url *url);
/* Typed options: ADB_E_OPTION names the key, the byte offset in the URL and the value, and refuses a key that is there
 * twice. Untouched *_out when the key is absent. */
adb_status adb__url_option_int(const adb_url *url, const char *key, int64_t min, int64_t max, int64_t *value_out,
                               adb_error *error);
/* true, yes, on, 1 and false, no, off, 0, in any case. */
adb_status adb__url_option_bool(const adb_url *url, const char *key, bool *value_out, adb_error *error);
/* Byte offset of the option's key in adb_url_text(). */
size_t adb__url_option_offset(const adb_url *url, size_t index);

#endif
