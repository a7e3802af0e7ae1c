/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading CSV into a database that has no COPY: rows are read from the stream, converted by the types of the columns,
 * and inserted in runs, all as one unit. */
#ifndef ADB_CORE_LOAD_H
#define ADB_CORE_LOAD_H

#include "core/copy.h"
#include "core/session.h"

/* result->affected is the number of rows. Failures name the record. */
adb_status adb__load_run(struct adb__worker *worker, struct adb__lane *lane, const struct adb__copy *copy,
                         struct adb__source *source, struct adb_result *result, adb_error *error);

#endif
