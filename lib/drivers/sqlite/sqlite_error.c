/* SPDX-License-Identifier: BSD-3-Clause */
/* SQLite's result codes, and the messages of its catch-all code, as status, SQLSTATE and advice. */
#include "drivers/sqlite/sqlite.h"

#include "model/error.h"

#include <stdio.h>
#include <string.h>

struct meaning {
    adb_status status;
    char sqlstate[6];
    unsigned flags;
};

struct code_meaning {
    int code;
    struct meaning meaning;
};

/* Extended codes before their primary ones, which stand for the rest of their family. */
static const struct code_meaning codes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, {ADB_E_UNIQUE, "23505", 0}},
    {SQLITE_CONSTRAINT_PRIMARYKEY, {ADB_E_UNIQUE, "23505", 0}},
    {SQLITE_CONSTRAINT_ROWID, {ADB_E_UNIQUE, "23505", 0}},
    {SQLITE_CONSTRAINT_FOREIGNKEY, {ADB_E_FOREIGN_KEY, "23503", 0}},
    {SQLITE_CONSTRAINT_NOTNULL, {ADB_E_NOT_NULL, "23502", 0}},
    {SQLITE_CONSTRAINT_CHECK, {ADB_E_CHECK, "23514", 0}},
#ifdef SQLITE_CONSTRAINT_DATATYPE
    {SQLITE_CONSTRAINT_DATATYPE, {ADB_E_DATA, "42804", 0}},
#endif
    {SQLITE_CONSTRAINT, {ADB_E_CONSTRAINT, "23000", 0}},
    {SQLITE_BUSY_SNAPSHOT, {ADB_E_SERIALIZATION, "40001", ADB_ERROR_RETRY_TRANSACTION}},
    {SQLITE_BUSY, {ADB_E_LOCKED, "55P03", ADB_ERROR_RETRY_TRANSACTION}},
    {SQLITE_LOCKED, {ADB_E_LOCKED, "55P03", ADB_ERROR_RETRY_TRANSACTION}},
    {SQLITE_PROTOCOL, {ADB_E_LOCKED, "55P03", ADB_ERROR_RETRY_TRANSACTION}},
    {SQLITE_INTERRUPT, {ADB_E_CANCELLED, "57014", 0}},
    {SQLITE_READONLY_DBMOVED, {ADB_E_CONNECTION, "08006", ADB_ERROR_CONNECTION_LOST}},
    {SQLITE_READONLY, {ADB_E_READ_ONLY, "25006", 0}},
    {SQLITE_FULL, {ADB_E_FULL, "53100", 0}},
    {SQLITE_CORRUPT, {ADB_E_CORRUPT, "XX001", 0}},
    {SQLITE_NOTADB, {ADB_E_CORRUPT, "XX001", 0}},
    {SQLITE_FORMAT, {ADB_E_CORRUPT, "XX001", 0}},
    {SQLITE_CANTOPEN, {ADB_E_CONNECTION, "08001", 0}},
    {SQLITE_IOERR_NOMEM, {ADB_E_NOMEM, "53200", 0}},
    {SQLITE_IOERR, {ADB_E_IO, "58030", 0}},
    {SQLITE_NOLFS, {ADB_E_IO, "58030", 0}},
    {SQLITE_NOMEM, {ADB_E_NOMEM, "53200", 0}},
    {SQLITE_TOOBIG, {ADB_E_TOO_BIG, "54000", 0}},
    {SQLITE_AUTH, {ADB_E_PERMISSION, "42501", 0}},
    {SQLITE_PERM, {ADB_E_PERMISSION, "42501", 0}},
    {SQLITE_MISMATCH, {ADB_E_DATA, "42804", 0}},
    {SQLITE_RANGE, {ADB_E_DATA, "22000", 0}},
    {SQLITE_MISUSE, {ADB_E_INTERNAL, "", 0}},
};

/* SQLITE_ERROR says everything else in words. The first match counts. */
static const struct {
    const char *words;
    struct meaning meaning;
} texts[] = {
    {"no such table", {ADB_E_UNDEFINED, "42P01", 0}},
    {"no such view", {ADB_E_UNDEFINED, "42P01", 0}},
    {"no such column", {ADB_E_UNDEFINED, "42703", 0}},
    {"has no column named", {ADB_E_UNDEFINED, "42703", 0}},
    {"no such function", {ADB_E_UNDEFINED, "42883", 0}},
    {"wrong number of arguments to function", {ADB_E_UNDEFINED, "42883", 0}},
    {"no such savepoint", {ADB_E_UNDEFINED, "3B001", 0}},
    {"unknown database", {ADB_E_UNDEFINED, "3D000", 0}},
    {"no such database", {ADB_E_UNDEFINED, "3D000", 0}},
    {"no such ", {ADB_E_UNDEFINED, "42704", 0}},
    {"already exists", {ADB_E_EXISTS, "42P07", 0}},
    {"there is already", {ADB_E_EXISTS, "42P07", 0}},
    {"duplicate column name", {ADB_E_EXISTS, "42701", 0}},
    {"is already in use", {ADB_E_EXISTS, "42P04", 0}},
    {"syntax error", {ADB_E_SYNTAX, "42601", 0}},
    {"unrecognized token", {ADB_E_SYNTAX, "42601", 0}},
    {"incomplete input", {ADB_E_SYNTAX, "42601", 0}},
    {"values were supplied", {ADB_E_SYNTAX, "42601", 0}},
    {"no transaction is active", {ADB_E_NO_TRANSACTION, "25P01", 0}},
    {"within a transaction", {ADB_E_SQL, "25001", 0}},
    {"ambiguous column name", {ADB_E_SQL, "42702", 0}},
    {"foreign key mismatch", {ADB_E_SQL, "42830", 0}},
    {"too many ", {ADB_E_TOO_BIG, "54000", 0}},
    {"too large", {ADB_E_TOO_BIG, "54000", 0}},
    {"parser stack overflow", {ADB_E_TOO_BIG, "54001", 0}},
    {"malformed JSON", {ADB_E_DATA, "22032", 0}},
    {"integer overflow", {ADB_E_DATA, "22003", 0}},
};

static const struct meaning other = {ADB_E_SQL, "", 0};
static const struct meaning by_function = {ADB_E_SQL, "38000", 0};

static const struct meaning *meaning_of_text(const char *text)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strstr(text, texts[i].words) != NULL)
            return &texts[i].meaning;
    }
    return &other;
}

static const struct meaning *meaning_of_code(int code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].code == code || codes[i].code == (code & 0xff))
            return &codes[i].meaning;
    }
    return &other;
}

static bool is_lock(int code)
{
    const int primary = code & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL;
}

/* What the operating system said, which SQLite's message leaves out. 0: nothing. (Of a failed write SQLite rolls back
 * before it looks, and has lost it by then.) */
static int reason_of(sqlite3 *db, int code)
{
    return (code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(db) : 0;
}

adb_status adb__sqlite_error(struct adb__sqlite *conn, int code, adb_error *error)
{
    char told[ADB_ERROR_MESSAGE_SIZE];
    /* The handle's message belongs to its last failure, which this may not be: bad bindings, our own codes. */
    const bool is_last = conn->db != NULL && sqlite3_extended_errcode(conn->db) == code;
    const char *text = is_last ? sqlite3_errmsg(conn->db) : sqlite3_errstr(code);
    const struct meaning *meaning = meaning_of_code(code);
    const int reason = is_last ? reason_of(conn->db, code) : 0;
    if (reason != 0) {
        snprintf(told, sizeof(told), "%s: %s", text, strerror(reason));
        text = told;
    }
    if (conn->stopped && is_lock(code)) {
        meaning = meaning_of_code(SQLITE_INTERRUPT);
        text = "interrupted while waiting for a lock";
    } else if ((code & 0xff) == SQLITE_ERROR) {
        meaning = conn->function_failed ? &by_function : meaning_of_text(text);
    }

    unsigned flags = meaning->flags;
    if (meaning->status == ADB_E_LOCKED && sqlite3_get_autocommit(conn->db))
        flags |= ADB_ERROR_RETRY_STATEMENT; /* no transaction has to be begun again first */
    return adb__error_native(error, meaning->status, flags, code, meaning->sqlstate, text);
}
