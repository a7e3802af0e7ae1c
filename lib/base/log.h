/* SPDX-License-Identifier: BSD-3-Clause */
/* One log sink per database: levels, one line per event, never a password. */
#ifndef ADB_BASE_LOG_H
#define ADB_BASE_LOG_H

#include <stddef.h>

/* The numbers of the public adb_log_level (asyncdb/database.h). */
enum { ADB__LOG_ERROR = 1, ADB__LOG_WARN = 2, ADB__LOG_INFO = 3, ADB__LOG_DEBUG = 4 };

struct adb__log {
    void (*write)(int level, const char *line, void *user_data);  /* NULL: errors and warnings go nowhere */
    void *user_data;
    int level;                 /* events above it are dropped; 0 drops all */
    const char *secret;        /* replaced by ******** wherever it appears; NULL or "" when none */
};

/* Format one line of at most 1 KiB: control bytes become spaces, the secret is masked, also where the line is cut off.
 * Never allocates. log may be NULL. */
void adb__log(const struct adb__log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Replace every occurrence of secret in text, in place, by asterisks: as many as it has bytes, at most eight, with the
 * rest closed up. NULL and "" are no secret. */
void adb__log_mask(char *text, const char *secret);

#endif
