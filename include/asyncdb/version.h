/* SPDX-License-Identifier: BSD-3-Clause */
/* The version: that of the headers as macros, that of the library which is running as functions. */
#ifndef ASYNCDB_VERSION_H
#define ASYNCDB_VERSION_H

#include <asyncdb/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The only place that says which version this is: configure reads these three lines. */
#define ADB_VERSION_MAJOR 0 /**< The first part of the version of the headers. */
#define ADB_VERSION_MINOR 1 /**< Its second part. */
#define ADB_VERSION_PATCH 0 /**< Its third part. */

/** The three parts as one number that grows with every release: 1002003 is version 1.2.3. */
#define ADB_VERSION (ADB_VERSION_MAJOR * 1000000 + ADB_VERSION_MINOR * 1000 + ADB_VERSION_PATCH)

/** The three parts as text, such as "0.1.0". */
#define ADB_VERSION_STRING ADB__VERSION_JOIN(ADB_VERSION_MAJOR, ADB_VERSION_MINOR, ADB_VERSION_PATCH)

#define ADB__VERSION_JOIN(major, minor, patch) ADB__VERSION_QUOTE(major, minor, patch)
#define ADB__VERSION_QUOTE(major, minor, patch) #major "." #minor "." #patch

/**
 * Get the version of the library that is running, as text.
 *
 * It differs from ADB_VERSION_STRING when the program was compiled with the headers of another release.
 *
 * @return Such as "0.1.0".
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_version(void);

/**
 * Get the version of the library that is running, as a number to compare with ADB_VERSION.
 *
 * @return Such as 1000 for version 0.1.0.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int adb_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
