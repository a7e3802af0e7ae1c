/* SPDX-License-Identifier: BSD-3-Clause */
/* Statements in the log: values are secrets until the options say otherwise. */
#include "core/trace.h"

#include "base/buf.h"
#include "core/database.h"

#define VALUE_BYTES 64

static void trace_value(struct adb__buf *line, const adb_value *value)
{
    char text[VALUE_BYTES + 1];
    size_t size = adb_value_format(value, text, sizeof(text));
    adb__buf_puts(line, text);
    if (size >= sizeof(text))
        adb__buf_puts(line, "...");
}

void adb__trace_statement(const adb_database *db, const struct adb__statement *statement)
{
    if (db->log.level < ADB__LOG_DEBUG || db->log.write == NULL)
        return;
    struct adb__buf values = ADB__BUF_INIT;
    for (size_t i = 0; db->options.log_values && i < statement->n_values; i++) {
        adb__buf_puts(&values, i == 0 ? " [" : ", ");
        trace_value(&values, &statement->values[i]);
    }
    if (values.size > 0)
        adb__buf_putc(&values, ']');
    adb__log(&db->log, ADB__LOG_DEBUG, "%s%s", statement->sql, values.bytes == NULL ? "" : values.bytes);
    adb__buf_fini(&values);
}
