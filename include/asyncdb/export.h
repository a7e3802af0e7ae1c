/* SPDX-License-Identifier: BSD-3-Clause */
/* What marks a declaration as public, and the compiler attributes that the other headers use. */
#ifndef ASYNCDB_EXPORT_H
#define ASYNCDB_EXPORT_H

#if defined(__GNUC__)
#define ADB_API __attribute__((visibility("default")))
#define ADB_PRINTF(format, first) __attribute__((format(printf, format, first)))
#else
#define ADB_API
#define ADB_PRINTF(format, first)
#endif

#endif
