/* SPDX-License-Identifier: BSD-3-Clause */
/* Preparing statements, and telling from its first word what a statement is. */
#include "drivers/mysql/mysql_bind.h"

#include "base/alloc.h"
#include "model/error.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define CANNOT_BE_PREPARED 1295
#define TOO_MANY_PREPARED  1461

/* What the client library holds for a prepared statement, about. */
#define LIBRARY_BYTES 4096

/* Words ------------------------------------------------------------------------------------------------------------ */

static const char *skip_line(const char *sql)
{
    const char *end = strchr(sql, '\n');
    return end == NULL ? sql + strlen(sql) : end + 1;
}

static const char *skip_comment(const char *sql)
{
    const char *end = strstr(sql + 2, "*/");
    return end == NULL ? sql + strlen(sql) : end + 2;
}

/* Also brackets: (SELECT …) UNION (SELECT …). What a comment with an exclamation mark says, the server runs. */
static const char *first_word(const char *sql)
{
    for (;;) {
        if (isspace((unsigned char)*sql) || *sql == '(')
            sql++;
        else if (sql[0] == '#' || (sql[0] == '-' && sql[1] == '-'))
            sql = skip_line(sql);
        else if (sql[0] == '/' && sql[1] == '*' && sql[2] != '!' && sql[2] != 'M')
            sql = skip_comment(sql);
        else
            return sql;
    }
}

static bool word_is(const char *sql, const char *word)
{
    const size_t size = strlen(word);
    return strncasecmp(sql, word, size) == 0 && !isalnum((unsigned char)sql[size]) && sql[size] != '_';
}

enum adb__mysql_verb adb__mysql_verb_of(const char *sql)
{
    static const struct {
        const char *word;
        enum adb__mysql_verb verb;
    } verbs[] = {
        {"SELECT", ADB__MYSQL_READ},   {"INSERT", ADB__MYSQL_INSERT},  {"UPDATE", ADB__MYSQL_CHANGE},
        {"DELETE", ADB__MYSQL_CHANGE}, {"REPLACE", ADB__MYSQL_INSERT}, {"WITH", ADB__MYSQL_READ},
        {"VALUES", ADB__MYSQL_READ},   {"TABLE", ADB__MYSQL_READ},     {"CALL", ADB__MYSQL_CALL},
    };
    const char *word = first_word(sql);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (word_is(word, verbs[i].word))
            return verbs[i].verb;
    }
    return ADB__MYSQL_OTHER;
}

/* Preparing -------------------------------------------------------------------------------------------------------- */

static adb_status make_rooms(struct adb__mysql_statement *prepared, adb_error *error)
{
    const size_t n_parameters = prepared->n_parameters;
    if (n_parameters == 0)
        return ADB_OK;
    char *block = adb__alloc_array(n_parameters, sizeof(MYSQL_BIND) + sizeof(struct adb__mysql_room));
    if (block == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu parameters", n_parameters);
    prepared->parameters = (MYSQL_BIND *)(void *)block;
    prepared->rooms = (struct adb__mysql_room *)(void *)(block + n_parameters * sizeof(MYSQL_BIND));
    return ADB_OK;
}

/* Not ADB_OK with the number of the failure in *code_out: the statement may go another way. */
static adb_status prepare_stmt(struct adb__mysql *conn, const struct adb__statement *statement,
                               struct adb__mysql_statement *prepared, unsigned *code_out, adb_error *error)
{
    *code_out = 0;
    prepared->stmt = mysql_stmt_init(conn->mysql);
    if (prepared->stmt == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a statement");
    if (mysql_stmt_prepare(prepared->stmt, statement->sql, (unsigned long)statement->sql_size) == 0) {
        prepared->n_parameters = mysql_stmt_param_count(prepared->stmt);
        return make_rooms(prepared, error);
    }
    *code_out = mysql_stmt_errno(prepared->stmt);
    const bool goes_another_way = *code_out == TOO_MANY_PREPARED || *code_out == CANNOT_BE_PREPARED;
    if (goes_another_way)
        return adb__mysql_error_fill(*code_out, mysql_stmt_sqlstate(prepared->stmt), mysql_stmt_error(prepared->stmt),
                                     error);
    return adb__mysql_stmt_error(conn, prepared->stmt, ADB__MYSQL_BEFORE, error);
}

static adb_status prepare_fresh(struct adb__mysql *conn, const struct adb__statement *statement,
                                struct adb__mysql_statement *prepared, adb_error *error)
{
    unsigned code;
    adb_status status = prepare_stmt(conn, statement, prepared, &code, error);
    if (code == TOO_MANY_PREPARED && conn->cache.count > 0) {
        adb__mysql_drop(prepared, conn);
        adb__cache_clear(&conn->cache);
        status = prepare_stmt(conn, statement, prepared, &code, error);
    }
    if (status == ADB_OK)
        return ADB_OK;
    adb__mysql_drop(prepared, conn);
    if ((code == CANNOT_BE_PREPARED || code == TOO_MANY_PREPARED) && statement->n_values == 0)
        return ADB_OK; /* by the text protocol */
    return status;
}

/* Preparing costs a round trip. It pays for what comes again, and it is the only way to send values. */
static bool is_to_be_prepared(const struct adb__mysql *conn, const struct adb__statement *statement,
                              enum adb__mysql_verb verb)
{
    if (statement->n_values > 0)
        return true;
    return verb != ADB__MYSQL_OTHER && (statement->flags & (ADB__STMT_NO_CACHE | ADB__STMT_CONTROL)) == 0 &&
           adb__cache_takes(&conn->cache, statement->sql_size);
}

adb_status adb__mysql_prepare(struct adb__mysql *conn, const struct adb__statement *statement,
                              struct adb__mysql_statement **prepared_out, adb_error *error)
{
    const bool keep = (statement->flags & (ADB__STMT_NO_CACHE | ADB__STMT_CONTROL)) == 0;
    struct adb__mysql_statement *prepared = NULL;
    if (keep)
        prepared = adb__cache_find(&conn->cache, statement->sql, statement->sql_size);
    if (prepared != NULL) {
        *prepared_out = prepared;
        return ADB_OK;
    }

    struct adb__mysql_statement fresh = {.verb = adb__mysql_verb_of(statement->sql)};
    adb_status status = adb__mysql_check_size(conn, statement->sql_size + 1, error);
    const bool is_prepared = status == ADB_OK && is_to_be_prepared(conn, statement, fresh.verb);
    if (is_prepared)
        status = prepare_fresh(conn, statement, &fresh, error);
    if (status != ADB_OK)
        return status;
    if (keep && is_prepared)
        prepared = adb__cache_add(&conn->cache, statement->sql, statement->sql_size, &fresh);
    if (prepared == NULL) {
        conn->uncached = fresh;
        prepared = &conn->uncached;
    }
    *prepared_out = prepared;
    return ADB_OK;
}

void adb__mysql_drop(void *payload, void *conn)
{
    struct adb__mysql_statement *prepared = payload;
    const enum adb__mysql_verb verb = prepared->verb;
    (void)conn;
    if (prepared->stmt != NULL)
        mysql_stmt_close(prepared->stmt);
    adb__free(prepared->parameters);
    adb__mysql_columns_fini(&prepared->columns);
    *prepared = (struct adb__mysql_statement){.verb = verb};
}

void adb__mysql_forget(struct adb__mysql *conn, struct adb__mysql_statement *prepared)
{
    if (prepared == &conn->uncached)
        adb__mysql_drop(prepared, conn);
    else
        adb__cache_remove(&conn->cache, prepared);
}

void adb__mysql_release(struct adb__mysql *conn, struct adb__mysql_statement *prepared)
{
    if (prepared == &conn->uncached || prepared->is_stale) {
        adb__mysql_forget(conn, prepared);
        return;
    }
    adb__cache_weigh(&conn->cache, prepared,
                     LIBRARY_BYTES + adb__mysql_columns_bytes(&prepared->columns) +
                         prepared->n_parameters * (sizeof(MYSQL_BIND) + sizeof(struct adb__mysql_room)));
}
