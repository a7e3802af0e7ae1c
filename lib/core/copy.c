/* SPDX-License-Identifier: BSD-3-Clause */
/* What a copy says to the database, and who fills or empties its stream. */
#include "core/copy.h"

#include "base/alloc.h"
#include "core/database.h"
#include "core/load.h"
#include "core/options.h"
#include "core/session.h"
#include "model/error.h"
#include "sql/compile.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Planning --------------------------------------------------------------------------------------------------------- */

static adb_status plan_format(struct adb__arena *arena, const adb_copy_options *given, struct adb__csv_format *format,
                              adb_error *error)
{
    adb_copy_options options = {.size = sizeof(options)};
    if (given != NULL) {
        adb_status status =
            adb__options_copy(&options, sizeof(options), given, given->size, "adb_copy_options", error);
        if (status != ADB_OK)
            return status;
    }
    const char *null_text = options.null_text != NULL ? options.null_text : "";
    char never[] = {'"', '\n', '\r', options.delimiter != '\0' ? options.delimiter : ',', '\0'};
    if (options.delimiter < 0 || options.delimiter == '"' || options.delimiter == '\n' || options.delimiter == '\r')
        return adb__error_set(error, ADB_E_INVAL, "the delimiter is not ASCII, a quote or a line end");
    if (strpbrk(null_text, never) != NULL)
        return adb__error_set(error, ADB_E_INVAL, "a delimiter, quote or line end in the text for NULL");
    *format = (struct adb__csv_format){.delimiter = never[3], .header = options.header,
                                       .null_text = adb__arena_strdup(arena, null_text),
                                       .null_size = strlen(null_text)};
    return format->null_text != NULL ? ADB_OK : adb__error_set(error, ADB_E_NOMEM, "no memory for the text for NULL");
}

/* Where the list of columns begins, or the end: a parenthesis outside quoted names. */
static const char *find_columns(const struct adb__dialect *dialect, const char *target)
{
    char quote = '\0';
    for (; *target != '\0'; target++) {
        if (quote != '\0')
            quote = *target == quote ? '\0' : quote;
        else if (*target == '"' || (*target == '`' && dialect->backticks))
            quote = *target;
        else if (*target == '[' && dialect->brackets)
            quote = ']';
        else if (*target == '(')
            break;
    }
    return target;
}

static size_t trim(const char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return size;
}

/* "notes (text, completed)" */
static adb_status plan_table(struct adb__arena *arena, const struct adb__dialect *dialect, const char *target,
                             size_t size, struct adb__copy *copy, adb_error *error)
{
    const char *list = find_columns(dialect, target);
    const size_t name_size = trim(target, (size_t)(list - target));
    size = trim(target, size);
    if (name_size == 0)
        return adb__error_set(error, ADB_E_SYNTAX, "the copy names no table");
    if (*list == '(' && target[size - 1] != ')')
        return adb__error_set(error, ADB_E_SYNTAX, "the list of columns at byte %zu has no end",
                              (size_t)(list - target));
    copy->table = adb__arena_bytes(arena, target, name_size);
    if (*list == '(')
        copy->columns = adb__arena_bytes(arena, list + 1, size - (size_t)(list - target) - 2);
    if (copy->table == NULL || (*list == '(' && copy->columns == NULL))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the names of table and columns");
    return ADB_OK;
}

static bool is_query(const struct adb__sql_template *compiled)
{
    static const char word[] = "TABLE";
    const size_t size = sizeof(word) - 1;
    if ((compiled->flags & ADB__STMT_READS) != 0 || compiled->sql[0] == '(')
        return true;
    return compiled->sql_size > size && strncasecmp(compiled->sql, word, size) == 0 &&
           isspace((unsigned char)compiled->sql[size]);
}

/* A text between quotes, whatever the server thinks of backslashes. */
static void append_literal(struct adb__buf *text, const char *literal, size_t size)
{
    const bool escape = memchr(literal, '\\', size) != NULL;
    adb__buf_puts(text, escape ? "E'" : "'");
    for (size_t i = 0; i < size; i++) {
        if (literal[i] == '\'' || literal[i] == '\\')
            adb__buf_putc(text, literal[i]);
        adb__buf_putc(text, literal[i]);
    }
    adb__buf_putc(text, '\'');
}

static void append_format(struct adb__buf *text, const struct adb__csv_format *format)
{
    adb__buf_puts(text, " (FORMAT csv");
    if (format->header)
        adb__buf_puts(text, ", HEADER true");
    if (format->delimiter != ',') {
        adb__buf_puts(text, ", DELIMITER ");
        append_literal(text, &format->delimiter, 1);
    }
    if (format->null_size > 0) {
        adb__buf_puts(text, ", NULL ");
        append_literal(text, format->null_text, format->null_size);
    }
    adb__buf_putc(text, ')');
}

static void append_select(struct adb__buf *text, const struct adb__copy *copy)
{
    adb__buf_printf(text, "SELECT %s FROM %s", copy->columns != NULL ? copy->columns : "*", copy->table);
}

/* For a database that has COPY. A select, since COPY itself takes no views. */
static void append_copy(struct adb__buf *text, const struct adb__copy *copy, const char *query)
{
    adb__buf_puts(text, "COPY ");
    if (copy->produce != NULL) {
        adb__buf_puts(text, copy->table);
        if (copy->columns != NULL)
            adb__buf_printf(text, " (%s)", copy->columns);
        adb__buf_puts(text, " FROM STDIN");
    } else {
        adb__buf_putc(text, '(');
        if (copy->table != NULL)
            append_select(text, copy);
        else
            adb__buf_printf(text, "%s\n", query); /* which may end in a comment */
        adb__buf_puts(text, ") TO STDOUT");
    }
    append_format(text, &copy->format);
}

static adb_status plan_statement(struct adb__arena *arena, const struct adb__driver *driver,
                                 const struct adb__sql_template *source, struct adb__copy *copy, adb_error *error)
{
    struct adb__sql_template compiled;
    struct adb__buf text = ADB__BUF_INIT;
    const bool native = (driver->can & ADB__CAN_COPY) != 0;
    if (native)
        append_copy(&text, copy, source->sql);
    else if (copy->table != NULL)
        append_select(&text, copy);
    else
        adb__buf_append(&text, source->sql, source->sql_size);
    if (!native && copy->produce != NULL)
        adb__buf_puts(&text, " WHERE 1 = 0");
    if (text.failed) {
        adb__buf_fini(&text);
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the statement of a copy");
    }
    adb_status status =
        adb__sql_parse(arena, &driver->dialect, ADB__SQL_RAW, text.bytes, text.size, &compiled, error);
    if (status == ADB_OK)
        copy->statement = (struct adb__statement){.sql = compiled.sql, .sql_size = compiled.sql_size,
                                                  .flags = compiled.flags | ADB__STMT_NO_CACHE};
    if (status == ADB_OK && native && copy->consume != NULL)
        copy->statement.flags |= ADB__STMT_COPY_OUT | ADB__STMT_READS;
    adb__buf_fini(&text);
    return status;
}

adb_status adb__copy_plan(struct adb__arena *arena, const struct adb__driver *driver, const char *sql, size_t sql_size,
                          const adb_copy_options *options, struct adb__copy *copy, adb_error *error)
{
    struct adb__sql_template source;
    if (copy->produce == NULL && copy->consume == NULL)
        return adb__error_set(error, ADB_E_INVAL, "the function of a copy is NULL");
    adb_status status = plan_format(arena, options, &copy->format, error);
    if (status == ADB_OK)
        status = adb__sql_parse(arena, &driver->dialect, ADB__SQL_RAW, sql, sql_size, &source, error);
    if (status == ADB_OK && (copy->produce != NULL || !is_query(&source)))
        status = plan_table(arena, &driver->dialect, source.sql, source.sql_size, copy, error);
    return status == ADB_OK ? plan_statement(arena, driver, &source, copy, error) : status;
}

/* In --------------------------------------------------------------------------------------------------------------- */

static adb_status copy_in(struct adb__worker *worker, struct adb__lane *lane, const struct adb__copy *copy,
                          struct adb__source *source, struct adb_result *result, adb_error *error)
{
    if (adb__session_must_read(lane))
        return adb__error_native(error, ADB_E_READ_ONLY, 0, 0, "25006",
                                 "a copy into a table in a read-only context or transaction");
    if ((worker->db->driver->can & ADB__CAN_COPY) == 0)
        return adb__load_run(worker, lane, copy, source, result, error);
    struct adb__statement statement = copy->statement;
    struct adb__sink sink = {.result = result, .max_rows = 1};
    statement.source = source;
    return adb__session_run(worker, lane, &statement, &sink, error);
}

/* A source that calls the producer on the spot. */
struct here {
    struct adb__source source;
    const struct adb__copy *copy;
    struct adb__worker *worker;
    void *user_data;
    char *chunk;
};

static adb_status here_read(struct adb__source *source, const void **bytes_out, size_t *size_out, adb_error *error)
{
    const struct here *here = source->owner;
    adb_status status = adb__worker_check_stop(here->worker, error);
    if (status != ADB_OK)
        return status;
    const ptrdiff_t answer = here->copy->produce(here->chunk, ADB__FEED_BYTES, here->user_data);
    status = adb__feed_judge(answer, ADB__FEED_BYTES, error);
    if (status == ADB_OK) {
        *bytes_out = here->chunk;
        *size_out = (size_t)answer;
    }
    return status;
}

static adb_status copy_in_here(struct adb__worker *worker, struct adb__lane *lane, const struct adb__copy *copy,
                               void *user_data, struct adb_result *result, adb_error *error)
{
    struct here here = {.source = {.read_fn = here_read}, .copy = copy, .worker = worker, .user_data = user_data};
    here.source.owner = &here;
    here.chunk = adb__alloc(ADB__FEED_BYTES);
    if (here.chunk == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for the stream");
    adb_status status = copy_in(worker, lane, copy, &here.source, result, error);
    adb__free(here.chunk);
    return status;
}

/* Out -------------------------------------------------------------------------------------------------------------- */

/* Where the rows go. */
struct outlet {
    const struct adb__copy *copy;
    struct adb__job *job;       /* NULL: the consumer is called on the spot */
    void *user_data;
    struct adb__buf bytes;      /* on the spot */
    bool raw;                   /* rows are pieces of the stream already */
    bool headed;
};

static void append_header(struct adb__buf *bytes, const struct adb__csv_format *format, const struct adb_result *rows)
{
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (i > 0)
            adb__buf_putc(bytes, format->delimiter);
        adb__csv_write_text(bytes, format, rows->columns[i].name, strlen(rows->columns[i].name), rows->n_columns == 1);
    }
    adb__buf_putc(bytes, '\n');
}

static void append_row(struct adb__buf *bytes, const struct adb__csv_format *format, adb_row row)
{
    const size_t n_columns = row.result->n_columns;
    for (size_t i = 0; i < n_columns; i++) {
        const adb_value value = adb_row_value(row, i);
        if (i > 0)
            adb__buf_putc(bytes, format->delimiter);
        adb__csv_write(bytes, format, &value, row.result->columns[i].type, n_columns == 1);
    }
    adb__buf_putc(bytes, '\n');
}

static void append_piece(struct adb__buf *bytes, adb_row row)
{
    size_t size;
    const void *piece = adb_row_blob(row, 0, &size);
    adb__buf_append(bytes, piece, size);
}

static void append_batch(struct outlet *outlet, struct adb__buf *bytes, const struct adb_result *rows)
{
    const struct adb__csv_format *format = &outlet->copy->format;
    if (format->header && !outlet->headed && !outlet->raw)
        append_header(bytes, format, rows);
    outlet->headed = true;
    for (size_t i = 0; i < rows->n_rows && !bytes->failed; i++) {
        if (outlet->raw)
            append_piece(bytes, adb_result_row(rows, i));
        else
            append_row(bytes, format, adb_result_row(rows, i));
    }
}

static adb_status outlet_send(struct outlet *outlet, adb_error *error)
{
    if (outlet->job != NULL)
        return adb__feed_send(outlet->job);
    switch (outlet->copy->consume(outlet->bytes.bytes, outlet->bytes.size, outlet->user_data)) {
    case ADB_CONTINUE:
        return ADB_OK;
    case ADB_STOP:
        return ADB__SINK_ENOUGH;
    default:
        return adb__error_set(error, ADB_E_INVAL, "a consumer on the worker cannot pause");
    }
}

/* The sink's flush_fn: a batch of rows is a chunk. */
static adb_status outlet_flush(struct adb__sink *sink, adb_error *error)
{
    struct outlet *outlet = sink->owner;
    struct adb__buf *bytes = &outlet->bytes;
    struct adb_result *next = adb__result_new();
    adb_status status = next != NULL ? adb__result_share_columns(next, sink->result) : ADB_E_NOMEM;
    if (status != ADB_OK) {
        adb_result_unref(next);
        return adb__error_set(error, status, "no memory for a batch");
    }
    adb__buf_clear(bytes);
    if (outlet->job != NULL)
        status = adb__feed_chunk(outlet->job, &bytes, error);
    if (status == ADB_OK) {
        append_batch(outlet, bytes, sink->result);
        status = bytes->failed ? adb__error_set(error, ADB_E_NOMEM, "no memory for a chunk") : ADB_OK;
    }
    adb_result_unref(sink->result);
    sink->result = next;
    return status == ADB_OK ? outlet_send(outlet, error) : status;
}

static adb_status copy_out(struct adb__worker *worker, struct adb__lane *lane, struct outlet *outlet,
                           struct adb_result *result, adb_error *error)
{
    struct adb__sink sink = {.result = adb__result_new(),
                             .batch_bytes = ADB__FEED_BYTES,
                             .flush_fn = outlet_flush,
                             .owner = outlet};
    if (sink.result == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a batch");
    outlet->raw = (worker->db->driver->can & ADB__CAN_COPY) != 0;
    adb_status status = adb__session_run(worker, lane, &outlet->copy->statement, &sink, error);
    bool headless = outlet->copy->format.header && !outlet->headed && !outlet->raw;
    result->affected = sink.stopped ? -1 : outlet->raw ? sink.result->affected : (int64_t)sink.n_rows;
    if (status == ADB_OK && !sink.stopped && (sink.result->n_rows > 0 || headless))
        status = outlet_flush(&sink, error);
    adb_result_unref(sink.result);
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}

/* Both ------------------------------------------------------------------------------------------------------------- */

adb_status adb__copy_perform(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    struct adb__copy *copy = job->copy;
    adb_error *error = &job->result.error;
    if (copy->consume != NULL) {
        struct outlet outlet = {.copy = copy, .job = job};
        adb_status status = copy_out(worker, lane, &outlet, &job->result, error);
        /* what a cancel kept from a consumer that has paused must not pass for delivered */
        return status == ADB_OK ? adb__worker_check_stop(worker, error) : status;
    }
    adb_status status = adb__feed_open(job, error);
    if (status == ADB_OK)
        status = copy_in(worker, lane, copy, &copy->feed.source, &job->result, error);
    adb__feed_close(job);
    return status;
}

adb_status adb__copy_here(struct adb__worker *worker, struct adb__lane *lane, struct adb__copy *copy, void *user_data,
                          struct adb_result *result, adb_error *error)
{
    if (copy->produce != NULL)
        return copy_in_here(worker, lane, copy, user_data, result, error);
    struct outlet outlet = {.copy = copy, .user_data = user_data};
    adb_status status = copy_out(worker, lane, &outlet, result, error);
    adb__buf_fini(&outlet.bytes);
    return status;
}
