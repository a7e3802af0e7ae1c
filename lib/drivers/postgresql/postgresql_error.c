/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server and libpq say of a failure, as status, flags and one line. */
#include "drivers/postgresql/postgresql.h"

#include "model/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RETRY_TRANSACTION ADB_ERROR_RETRY_TRANSACTION

/* Whole codes before the classes, which stand for the rest of their family. */
static const struct meaning {
    const char *sqlstate;
    adb_status status;
    unsigned flags;
} meanings[] = {
    {"08P01", ADB_E_PARAMETER, 0}, /* of a server that is still there: values that do not fit the statement */
    {"0A", ADB_E_UNSUPPORTED, 0},
    {"22", ADB_E_DATA, 0},
    {"23502", ADB_E_NOT_NULL, 0},
    {"23503", ADB_E_FOREIGN_KEY, 0},
    {"23001", ADB_E_FOREIGN_KEY, 0},
    {"23505", ADB_E_UNIQUE, 0},
    {"23514", ADB_E_CHECK, 0},
    {"23", ADB_E_CONSTRAINT, 0},
    {"25006", ADB_E_READ_ONLY, 0},
    {"25P01", ADB_E_NO_TRANSACTION, 0},
    {"25P02", ADB_E_TRANSACTION_FAILED, 0},
    {"28", ADB_E_AUTH, 0},
    {"26", ADB_E_UNDEFINED, 0}, /* no such prepared statement, cursor, savepoint, database, schema */
    {"34", ADB_E_UNDEFINED, 0},
    {"3B", ADB_E_UNDEFINED, 0},
    {"3D", ADB_E_UNDEFINED, 0},
    {"3F", ADB_E_UNDEFINED, 0},
    {"40002", ADB_E_CONSTRAINT, 0},
    {"40", ADB_E_SERIALIZATION, RETRY_TRANSACTION},
    {"42501", ADB_E_PERMISSION, 0},
    {"42601", ADB_E_SYNTAX, 0},
    {"42P02", ADB_E_PARAMETER, 0},
    {"42P18", ADB_E_PARAMETER, 0},
    {"42P01", ADB_E_UNDEFINED, 0},
    {"42703", ADB_E_UNDEFINED, 0},
    {"42704", ADB_E_UNDEFINED, 0},
    {"42883", ADB_E_UNDEFINED, 0},
    {"42P03", ADB_E_EXISTS, 0},
    {"42P04", ADB_E_EXISTS, 0},
    {"42P05", ADB_E_EXISTS, 0},
    {"42P06", ADB_E_EXISTS, 0},
    {"42P07", ADB_E_EXISTS, 0},
    {"42701", ADB_E_EXISTS, 0},
    {"42710", ADB_E_EXISTS, 0},
    {"42723", ADB_E_EXISTS, 0},
    {"42804", ADB_E_DATA, 0},
    {"42846", ADB_E_DATA, 0},
    {"44", ADB_E_CHECK, 0},
    {"53100", ADB_E_FULL, 0},
    {"53200", ADB_E_NOMEM, 0},
    {"53300", ADB_E_CONNECTION, 0},
    {"54", ADB_E_TOO_BIG, 0},
    {"55P03", ADB_E_LOCKED, RETRY_TRANSACTION},
    {"55006", ADB_E_LOCKED, RETRY_TRANSACTION},
    {"57014", ADB_E_CANCELLED, 0},
    {"57P", ADB_E_CONNECTION, 0},
    {"58", ADB_E_IO, 0},
    {"XX001", ADB_E_CORRUPT, 0},
    {"XX002", ADB_E_CORRUPT, 0},
};

static const struct meaning *meaning_of(const char *sqlstate)
{
    static const struct meaning other = {"", ADB_E_SQL, 0};
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strncmp(sqlstate, meanings[i].sqlstate, strlen(meanings[i].sqlstate)) == 0)
            return &meanings[i];
    }
    return &other;
}

adb_status adb__pg_sqlstate(const char *sqlstate, unsigned *flags_out)
{
    const struct meaning *meaning = meaning_of(sqlstate);
    *flags_out = meaning->flags;
    return meaning->status;
}

adb_status adb__pg_no_memory(adb_error *error)
{
    return adb__error_set(error, ADB_E_NOMEM, "no memory for a statement");
}

/* A standby, or a server whose sessions read only by default: both report it. Older ones do not report. */
static bool server_reads_only(PGconn *pg)
{
    const char *standby = PQparameterStatus(pg, "in_hot_standby");
    const char *by_default = PQparameterStatus(pg, "default_transaction_read_only");
    if (standby == NULL || by_default == NULL)
        return true;
    return strcmp(standby, "on") == 0 || strcmp(by_default, "on") == 0;
}

/* "line 3: " of a COPY from the client, "" otherwise. */
static void place_of(const PGresult *failure, char place[32])
{
    const char *context = PQresultErrorField(failure, PG_DIAG_CONTEXT);
    const char *line = context != NULL && strncmp(context, "COPY ", 5) == 0 ? strstr(context, ", line ") : NULL;
    const size_t n_digits = line != NULL ? strspn(line + 7, "0123456789") : 0;
    place[0] = '\0';
    if (n_digits > 0 && n_digits <= 20)
        snprintf(place, 32, "line %.*s: ", (int)n_digits, line + 7);
}

/* The server's one line, and its detail where there is room for it. */
static void words_of(const PGresult *failure, char words[ADB_ERROR_MESSAGE_SIZE])
{
    const char *primary = PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(failure, PG_DIAG_MESSAGE_DETAIL);
    char place[32];
    place_of(failure, place);
    const int size = snprintf(words, ADB_ERROR_MESSAGE_SIZE, "%s%s", place,
                              primary != NULL ? primary : PQresultErrorMessage(failure));
    if (detail != NULL && size > 0 && (size_t)size + strlen(detail) + 4 < ADB_ERROR_MESSAGE_SIZE)
        snprintf(words + size, ADB_ERROR_MESSAGE_SIZE - (size_t)size, " (%s)", detail);
}

/* libpq explains at length what a closed connection may mean: its first line says it. */
static void first_line(const char *text, char words[ADB_ERROR_MESSAGE_SIZE])
{
    snprintf(words, ADB_ERROR_MESSAGE_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
}

static adb_status lost(struct adb__pg *conn, const PGresult *failure, adb_error *error)
{
    const char *sqlstate = failure != NULL ? PQresultErrorField(failure, PG_DIAG_SQLSTATE) : NULL;
    const unsigned doubt = conn->sent ? ADB_ERROR_OUTCOME_UNKNOWN : 0;
    char words[ADB_ERROR_MESSAGE_SIZE];
    if (sqlstate != NULL)
        words_of(failure, words);
    else
        first_line(failure != NULL ? PQresultErrorMessage(failure) : PQerrorMessage(conn->pg), words);
    if (words[0] == '\0')
        snprintf(words, sizeof(words), "the connection to the server was lost");
    return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | doubt, 0,
                             sqlstate != NULL ? sqlstate : "08006", words);
}

/* A statement that failed outside a transaction can be tried again alone. */
static unsigned flags_in(const struct adb__pg *conn, const struct meaning *meaning)
{
    unsigned flags = meaning->flags;
    if ((flags & RETRY_TRANSACTION) != 0 && !conn->in_transaction)
        flags |= ADB_ERROR_RETRY_STATEMENT;
    if (meaning->status == ADB_E_READ_ONLY && !conn->must_read && server_reads_only(conn->pg))
        flags |= ADB_ERROR_WRONG_ROLE;
    return flags;
}

/* libpq itself refused: it has no status of its own for that, only words. */
static adb_status refused(struct adb__pg *conn, adb_error *error)
{
    const char *words = PQerrorMessage(conn->pg);
    if (strstr(words, "number of parameters") != NULL)
        return adb__error_set(error, ADB_E_PARAMETER, "%s", words);
    if (words[0] == '\0' || strstr(words, "out of memory") != NULL || strstr(words, "cannot allocate memory") != NULL)
        return adb__error_set(error, ADB_E_NOMEM, "libpq has no memory for the statement");
    return adb__error_set(error, ADB_E_SQL, "%s", words);
}

adb_status adb__pg_error(struct adb__pg *conn, const PGresult *failure, adb_error *error)
{
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return lost(conn, failure, error);
    if (failure == NULL)
        return refused(conn, error);

    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL)
        return refused(conn, error);
    const struct meaning *meaning = meaning_of(sqlstate);
    char words[ADB_ERROR_MESSAGE_SIZE];
    words_of(failure, words);
    adb_status status = meaning->status;
    if (status == ADB_E_CANCELLED && strstr(words, "statement timeout") != NULL)
        status = ADB_E_TIMEOUT;
    return adb__error_native(error, status, flags_in(conn, meaning), (int)PQresultStatus(failure), sqlstate, words);
}

adb_status adb__pg_error_take(struct adb__pg *conn, PGresult *failure, adb_error *error)
{
    const adb_status status = adb__pg_error(conn, failure, error);
    PQclear(failure);
    return status;
}

adb_status adb__pg_out_of_step(struct adb__pg *conn, adb_error *error)
{
    conn->out_of_step = true;
    return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN, 0, "08007",
                             "the server ended a statement without saying what became of it");
}

/* Connecting ------------------------------------------------------------------------------------------------------- */

/* libpq tells the SQLSTATE of a refused connection in its words only, and only when these are verbose: the last
 * "SEVERITY:  28P01: " in them. */
static const char *find_sqlstate(const char *words)
{
    const char *found = NULL;
    for (const char *at = strstr(words, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        size_t n = 0;
        while (n < 5 && (isupper((unsigned char)at[3 + n]) || isdigit((unsigned char)at[3 + n])))
            n++;
        if (n == 5 && strncmp(at + 8, ": ", 2) == 0)
            found = at + 3;
    }
    return found;
}

/* Where, and what the server says: the line that has the SQLSTATE, without that and without the severity. */
static void connect_words(const char *all, const char *sqlstate, char words[ADB_ERROR_MESSAGE_SIZE])
{
    const char *line = sqlstate;
    while (line > all && line[-1] != '\n')
        line--;
    const char *failed = strstr(line, " failed: ");
    const int where = failed != NULL && failed < sqlstate ? (int)(failed + 9 - line) : 0;
    const int what = (int)strcspn(sqlstate + 7, "\n");
    snprintf(words, ADB_ERROR_MESSAGE_SIZE, "%.*s%.*s", where, line, what, sqlstate + 7);
}

/* Without what libpq asks back, which stands in lines that begin with a tab. */
static void connect_lines(const char *all, char words[ADB_ERROR_MESSAGE_SIZE])
{
    size_t size = 0;
    words[0] = '\0';
    while (*all != '\0' && size < ADB_ERROR_MESSAGE_SIZE) {
        const size_t line = strcspn(all, "\n");
        if (all[0] != '\t' && line > 0)
            size += (size_t)snprintf(words + size, ADB_ERROR_MESSAGE_SIZE - size, "%s%.*s", size > 0 ? "; " : "",
                                     (int)line, all);
        all += line + (all[line] == '\n');
    }
}

/* Who is told apart: a user who may not, and a database that is not there. */
static adb_status connect_status(const char *sqlstate)
{
    if (strncmp(sqlstate, "28", 2) == 0 || strcmp(sqlstate, "42501") == 0)
        return ADB_E_AUTH;
    return strcmp(sqlstate, "3D000") == 0 ? ADB_E_UNDEFINED : ADB_E_CONNECTION;
}

adb_status adb__pg_connect_error(PGconn *pg, adb_error *error)
{
    if (pg == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a connection");
    const char *all = PQerrorMessage(pg);
    const char *sqlstate = find_sqlstate(all);
    char words[ADB_ERROR_MESSAGE_SIZE];
    char code[6] = "08001";
    adb_status status = ADB_E_CONNECTION;
    if (sqlstate != NULL) {
        connect_words(all, sqlstate, words);
        snprintf(code, sizeof(code), "%.5s", sqlstate);
        status = connect_status(code);
    } else {
        connect_lines(all, words);
        status = PQconnectionNeedsPassword(pg) ? ADB_E_AUTH : ADB_E_CONNECTION;
    }
    return adb__error_native(error, status, 0, 0, code, words);
}
