/* SPDX-License-Identifier: BSD-3-Clause */
/* Preparing statements, and telling from text and program what a statement is: which connection may run it, whether it
 * inserts, whether it changes the session. */
#include "drivers/sqlite/sqlite.h"

#include "base/alloc.h"
#include "model/error.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

/* Words ------------------------------------------------------------------------------------------------------------ */

static const char *skip_comment(const char *sql)
{
    const bool is_line = sql[0] == '-';
    const char *end = strstr(sql + 2, is_line ? "\n" : "*/");
    return end == NULL ? sql + strlen(sql) : end + (is_line ? 1 : 2);
}

/* Empty statements are blank too. */
static const char *skip_blanks(const char *sql)
{
    for (;;) {
        if (isspace((unsigned char)*sql) || *sql == ';')
            sql++;
        else if ((sql[0] == '-' && sql[1] == '-') || (sql[0] == '/' && sql[1] == '*'))
            sql = skip_comment(sql);
        else
            return sql;
    }
}

/* Where the word ends that begins here: at once when there is none. */
static const char *word_end(const char *sql)
{
    while (isalnum((unsigned char)*sql) || *sql == '_')
        sql++;
    return sql;
}

static bool word_is(const char *sql, const char *word)
{
    const size_t size = strlen(word);
    return (size_t)(word_end(sql) - sql) == size && sqlite3_strnicmp(sql, word, (int)size) == 0;
}

static enum adb__sqlite_verb verb_of(const char *first_word)
{
    static const struct {
        const char *word;
        enum adb__sqlite_verb verb;
    } verbs[] = {
        {"INSERT", ADB__SQLITE_INSERT},   {"REPLACE", ADB__SQLITE_INSERT}, {"WITH", ADB__SQLITE_INSERT},
        {"UPDATE", ADB__SQLITE_CHANGE},   {"DELETE", ADB__SQLITE_CHANGE},  {"BEGIN", ADB__SQLITE_BEGIN},
        {"SAVEPOINT", ADB__SQLITE_BEGIN}, {"ATTACH", ADB__SQLITE_ATTACH},  {"DETACH", ADB__SQLITE_ATTACH},
        {"PRAGMA", ADB__SQLITE_PRAGMA},
    };
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (word_is(first_word, verbs[i].word))
            return verbs[i].verb;
    }
    return ADB__SQLITE_OTHER;
}

static bool word_is_one_of(const char *sql, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        if (word_is(sql, words[i]))
            return true;
    }
    return false;
}

/* Kinds ------------------------------------------------------------------------------------------------------------ */

/* PRAGMA [schema.]name, then more when it is given a value. SQLite cannot be asked: it calls some pragmas that only
 * look (journal_mode) writes, and does not tell that others change the session. */
static void classify_pragma(const char *sql, struct adb__sqlite_statement *prepared)
{
    static const char *const act[] = {"incremental_vacuum", "optimize", "wal_checkpoint"};
    static const char *const look[] = {
        "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo",
        "integrity_check",   "quick_check",      "table_info", "table_list", "table_xinfo",
    };
    const char *name = skip_blanks(word_end(sql));
    const char *rest = skip_blanks(word_end(name));
    if (*rest == '.') {
        name = skip_blanks(rest + 1);
        rest = skip_blanks(word_end(name));
    }
    const bool acts = word_is_one_of(name, act, sizeof(act) / sizeof(act[0]));
    const bool has_value = *rest != '\0';
    prepared->sets = has_value && !acts && !word_is_one_of(name, look, sizeof(look) / sizeof(look[0]));
    prepared->writes = acts || (prepared->sets && !sqlite3_stmt_readonly(prepared->stmt));
}

/* SQLite cannot be asked: with a file that is open for reading only it takes no lock here. */
static bool takes_lock(const char *sql)
{
    const char *mode = skip_blanks(word_end(sql));
    return word_is(sql, "BEGIN") && (word_is(mode, "IMMEDIATE") || word_is(mode, "EXCLUSIVE"));
}

static void classify(const char *sql, struct adb__sqlite_statement *prepared)
{
    sql = skip_blanks(sql);
    if (sqlite3_stmt_isexplain(prepared->stmt))
        return;

    prepared->verb = verb_of(sql);
    prepared->writes = !sqlite3_stmt_readonly(prepared->stmt);
    switch (prepared->verb) {
    case ADB__SQLITE_INSERT:
        if (!prepared->writes) /* WITH ... SELECT */
            prepared->verb = ADB__SQLITE_OTHER;
        break;
    case ADB__SQLITE_BEGIN:
        prepared->writes = false;
        prepared->locks = takes_lock(sql);
        break;
    case ADB__SQLITE_PRAGMA:
        classify_pragma(sql, prepared);
        break;
    case ADB__SQLITE_ATTACH:
    case ADB__SQLITE_CHANGE:
    case ADB__SQLITE_OTHER:
        break;
    }
}

/* Preparing -------------------------------------------------------------------------------------------------------- */

/* A reader may simply not know what a statement names: temporary tables and attached databases are the writer's. Inside
 * a transaction, and where only reading is allowed, there is no other connection to ask. */
static adb_status refuse(struct adb__sqlite *conn, const struct adb__statement *statement, int code, adb_error *error)
{
    if (conn->open->role == ADB__ROLE_READER && (code & 0xff) == SQLITE_ERROR && sqlite3_get_autocommit(conn->db) &&
        (statement->flags & ADB__STMT_MUST_READ) == 0)
        return ADB__NEED_WRITER;
    return adb__sqlite_error(conn, code, error);
}

/* In a shared cache another connection's lock on the schema does not call the busy handler. */
static int prepare(struct adb__sqlite *conn, const struct adb__statement *statement, unsigned flags,
                   sqlite3_stmt **stmt_out, const char **tail_out)
{
    int code;
    int n_waits = 0;
    do {
        code = sqlite3_prepare_v3(conn->db, statement->sql, (int)statement->sql_size + 1, flags, stmt_out, tail_out);
    } while (code == SQLITE_LOCKED_SHAREDCACHE && adb__sqlite_wait(conn, n_waits++));
    return code;
}

static adb_status prepare_fresh(struct adb__sqlite *conn, const struct adb__statement *statement, bool keep,
                                struct adb__sqlite_statement *prepared, adb_error *error)
{
    if (statement->sql_size >= INT_MAX)
        return adb__error_set(error, ADB_E_TOO_BIG, "a statement of %zu bytes", statement->sql_size);

    const char *tail;
    const int code = prepare(conn, statement, keep ? SQLITE_PREPARE_PERSISTENT : 0, &prepared->stmt, &tail);
    if (code != SQLITE_OK)
        return refuse(conn, statement, code, error);
    if (prepared->stmt == NULL)
        return adb__error_set(error, ADB_E_SYNTAX, "there is no statement in the text");
    tail = skip_blanks(tail);
    if (tail != statement->sql + statement->sql_size) {
        sqlite3_finalize(prepared->stmt);
        return adb__error_set(error, ADB_E_MULTI, "a second statement begins at byte %zu",
                              (size_t)(tail - statement->sql));
    }
    classify(statement->sql, prepared);
    return ADB_OK;
}

adb_status adb__sqlite_prepare(struct adb__sqlite *conn, const struct adb__statement *statement,
                               struct adb__sqlite_statement **prepared_out, adb_error *error)
{
    const bool keep =
        (statement->flags & ADB__STMT_NO_CACHE) == 0 && adb__cache_takes(&conn->cache, statement->sql_size);
    struct adb__sqlite_statement *prepared = NULL;
    if (keep)
        prepared = adb__cache_find(&conn->cache, statement->sql, statement->sql_size);
    if (prepared != NULL) {
        *prepared_out = prepared;
        return ADB_OK;
    }

    struct adb__sqlite_statement fresh = {.described_at = -1};
    const adb_status status = prepare_fresh(conn, statement, keep, &fresh, error);
    if (status != ADB_OK)
        return status;
    if (keep)
        prepared = adb__cache_add(&conn->cache, statement->sql, statement->sql_size, &fresh);
    if (prepared == NULL) {
        conn->uncached = fresh;
        prepared = &conn->uncached;
    }
    *prepared_out = prepared;
    return ADB_OK;
}

void adb__sqlite_drop(void *payload, void *conn)
{
    struct adb__sqlite_statement *prepared = payload;
    (void)conn;
    sqlite3_finalize(prepared->stmt);
    adb__free(prepared->columns);
}

void adb__sqlite_release(struct adb__sqlite *conn, struct adb__sqlite_statement *prepared)
{
    if (prepared == &conn->uncached) {
        adb__sqlite_drop(prepared, conn);
        return;
    }
    sqlite3_reset(prepared->stmt); /* repeats the code of the last step, which was seen */
    sqlite3_clear_bindings(prepared->stmt);
}
