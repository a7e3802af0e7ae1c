/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log says of statements. */
#ifndef ADB_CORE_TRACE_H
#define ADB_CORE_TRACE_H

#include "model/statement.h"

#include <asyncdb/database.h>

/* At debug level: the text in one line, and its values when adb_options.log_values asks for them. */
void adb__trace_statement(const adb_database *db, const struct adb__statement *statement);

#endif
