/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepared statements: when one is worth it, what it is called, and how the server is told to forget it.
 *
 * A text is prepared at its second use (prepare_threshold), or when its columns must be known before it runs. Names are
 * unique to the session, so that a pooler in between cannot mix them up. A statement that left the cache is closed
 * together with the next one that is prepared, in the same round trip. */
#include "drivers/postgresql/postgresql.h"

#include "base/alloc.h"
#include "config.h"
#include "model/error.h"

#include <stdio.h>
#include <string.h>

/* An answer that may be held whole. */
#define SMALL_ROWS  256
#define SMALL_BYTES 65536

/* Shapes ----------------------------------------------------------------------------------------------------------- */

/* One piece of memory holds the columns, their types, their OIDs and all names. */
static size_t shape_bytes(const struct adb__pg_names *names, const PGresult *result)
{
    size_t bytes = 0;
    for (int i = 0; i < PQnfields(result); i++) {
        const char *table = adb__pg_name_find(names, PQftable(result, i), true);
        const char *type = adb__pg_name_find(names, PQftype(result, i), false);
        bytes += sizeof(struct adb__column) + sizeof(struct adb__pg_type *) + sizeof(Oid);
        bytes += strlen(PQfname(result, i)) + 1;
        bytes += table != NULL ? strlen(table) + 1 : 0;
        bytes += type != NULL ? strlen(type) + 1 : 0;
    }
    return bytes;
}

static const char *put_text(char **cursor, const char *text)
{
    if (text == NULL)
        return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = memcpy(*cursor, text, size);
    *cursor += size;
    return copy;
}

static void shape_fill(struct adb__pg_shape *shape, const struct adb__pg_names *names, const PGresult *result,
                       char *cursor)
{
    for (size_t i = 0; i < shape->n_columns; i++) {
        struct adb__column *column = &shape->columns[i];
        const Oid table = PQftable(result, (int)i);
        shape->oids[i] = PQftype(result, (int)i);
        shape->types[i] = adb__pg_type_find(shape->oids[i]);
        shape->binary = shape->binary && shape->types[i]->binary != NULL;
        column->name = put_text(&cursor, PQfname(result, (int)i));
        column->table = table == InvalidOid ? NULL : put_text(&cursor, adb__pg_name_find(names, table, true));
        column->decltype = shape->types[i]->name;
        if (column->decltype == NULL)
            column->decltype = put_text(&cursor, adb__pg_name_find(names, shape->oids[i], false));
        column->type = shape->types[i]->type;
    }
}

adb_status adb__pg_shape_init(struct adb__pg_shape *shape, const struct adb__pg_names *names, const PGresult *result,
                              struct adb__arena *arena, adb_error *error)
{
    const size_t n_columns = (size_t)PQnfields(result);
    const size_t bytes = shape_bytes(names, result);
    *shape = (struct adb__pg_shape){.n_columns = n_columns, .bytes = bytes};
    if (n_columns == 0)
        return ADB_OK;
    char *memory = arena != NULL ? adb__arena_alloc(arena, bytes) : adb__alloc(bytes);
    if (memory == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu columns", n_columns);
    shape->binary = true;
    shape->columns = (struct adb__column *)(void *)memory;
    shape->types = (const struct adb__pg_type **)(void *)(shape->columns + n_columns);
    shape->oids = (Oid *)(void *)(shape->types + n_columns);
    shape_fill(shape, names, result, (char *)(shape->oids + n_columns));
    return ADB_OK;
}

bool adb__pg_shape_fits(const struct adb__pg_shape *shape, const PGresult *result)
{
    if ((size_t)PQnfields(result) != shape->n_columns)
        return false;
    for (size_t i = 0; i < shape->n_columns; i++) {
        if (PQftype(result, (int)i) != shape->oids[i] || strcmp(PQfname(result, (int)i), shape->columns[i].name) != 0)
            return false;
    }
    return true;
}

/* The cache -------------------------------------------------------------------------------------------------------- */

static void name_of(const struct adb__pg *conn, unsigned number, char name[ADB__PG_NAME_SIZE])
{
    snprintf(name, ADB__PG_NAME_SIZE, "adb_%d_%u", PQbackendPID(conn->pg), number);
}

/* Want of memory leaves a statement with the server until the connection ends. */
static void doom(struct adb__pg *conn, unsigned number)
{
    if (conn->n_doomed == conn->doomed_capacity) {
        const size_t capacity = conn->doomed_capacity == 0 ? 8 : conn->doomed_capacity * 2;
        unsigned *doomed = adb__realloc_array(conn->doomed, capacity, sizeof(*doomed));
        if (doomed == NULL)
            return;
        conn->doomed = doomed;
        conn->doomed_capacity = capacity;
    }
    conn->doomed[conn->n_doomed++] = number;
}

static void on_drop(void *payload, void *owner)
{
    struct adb__pg_prepared *prepared = payload;
    adb__free(prepared->shape.columns);
    doom(owner, prepared->number);
}

bool adb__pg_cache_open(struct adb__pg *conn)
{
    return adb__cache_open(&conn->cache, &(struct adb__cache_config){.count = conn->open->options->statement_cache,
                                                                     .payload_size = sizeof(struct adb__pg_prepared),
                                                                     .drop_fn = on_drop,
                                                                     .owner = conn});
}

void adb__pg_cache_close(struct adb__pg *conn)
{
    adb__cache_close(&conn->cache);
    adb__free(conn->doomed);
    conn->doomed = NULL;
    conn->n_doomed = conn->doomed_capacity = 0;
}

void adb__pg_prepared_forget(struct adb__pg *conn, struct adb__pg_prepared *prepared, const PGresult *failure)
{
    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    adb__cache_remove(&conn->cache, prepared);
    if (conn->n_doomed > 0 && sqlstate != NULL && strcmp(sqlstate, "26000") == 0)
        conn->n_doomed--; /* the server has forgotten it already */
}

bool adb__pg_is_small(size_t n_rows, size_t n_bytes)
{
    return n_rows <= SMALL_ROWS && n_bytes <= SMALL_BYTES;
}

static bool is_one_of(const char *tag, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strncmp(tag, *words, strlen(*words)) == 0)
            return true;
    }
    return false;
}

void adb__pg_prepared_doubt(struct adb__pg *conn, const char *tag)
{
    static const char *const schema[] = {"ALTER ", "DROP ", "CREATE ", NULL};
    static const char *const everything[] = {"DEALLOCATE ALL", "DISCARD ALL", NULL};
    static const char *const settings[] = {"SET", "RESET", "DISCARD ALL", NULL};
    if (is_one_of(tag, schema) || is_one_of(tag, everything))
        adb__cache_clear(&conn->cache);
    if (is_one_of(tag, everything))
        conn->n_doomed = 0;
    if (is_one_of(tag, settings) || is_one_of(tag, everything))
        conn->sharing = conn->wal.may = ADB__PG_SHARING_UNKNOWN;
}

static bool contains(const char *text, const char *words)
{
    return text != NULL && strstr(text, words) != NULL;
}

enum adb__pg_staleness adb__pg_staleness_of(const PGresult *failure)
{
    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    const char *routine = PQresultErrorField(failure, PG_DIAG_SOURCE_FUNCTION);
    if (sqlstate == NULL)
        return ADB__PG_FRESH;
    if (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "42P05") == 0)
        return ADB__PG_STALE;
    if (strcmp(sqlstate, "0A000") == 0)
        return contains(routine, "RevalidateCachedQuery") ? ADB__PG_STALE : ADB__PG_FRESH;
    if (strncmp(sqlstate, "42", 2) == 0)
        return ADB__PG_DOUBTFUL;
    if (strncmp(sqlstate, "22", 2) == 0 && contains(PQresultErrorField(failure, PG_DIAG_CONTEXT), "portal"))
        return ADB__PG_DOUBTFUL;
    return ADB__PG_FRESH;
}

/* FNV-1a. */
static uint32_t hash_of(const char *sql, size_t sql_size)
{
    uint32_t hash = 0x811c9dc5u;
    for (size_t i = 0; i < sql_size; i++)
        hash = (hash ^ (unsigned char)sql[i]) * 0x01000193u;
    return hash;
}

/* Has the text been used often enough, this time included? */
static bool is_due(struct adb__pg *conn, const struct adb__statement *statement)
{
    const uint32_t hash = hash_of(statement->sql, statement->sql_size);
    struct adb__pg_seen *seen = &conn->seen[hash % ADB__PG_SEEN];
    if (seen->hash != hash)
        *seen = (struct adb__pg_seen){.hash = hash};
    seen->uses++;
    return seen->uses >= conn->settings.prepare_threshold;
}

/* Preparing -------------------------------------------------------------------------------------------------------- */

/* Close what left the cache. Within a synchronisation of its own, since it may fail; and DEALLOCATE, of a libpq that
 * has nothing better, must not fail inside a transaction. */
static bool send_closes(struct adb__pg *conn)
{
    char name[ADB__PG_NAME_SIZE];
    bool good = true;
    if (conn->n_doomed == 0 || PQtransactionStatus(conn->pg) != PQTRANS_IDLE)
        return true;
    while (good && conn->n_doomed > 0) {
        name_of(conn, conn->doomed[--conn->n_doomed], name);
#ifdef HAVE_PQSENDCLOSEPREPARED
        good = PQsendClosePrepared(conn->pg, name);
#else
        char sql[ADB__PG_NAME_SIZE + 16];
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", name);
        good = PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 0);
#endif
        good = good && PQpipelineSync(conn->pg);
    }
    return good;
}

/* Read the pipeline to its n_syncs-th end: the description of the statement, or the failure that counts. */
static PGresult *read_description(struct adb__pg *conn, size_t n_syncs)
{
    PGresult *kept = NULL;
    size_t n_seen = 0;
    size_t n_nothing = 0; /* two in a row: there is no more to come */
    while (n_seen < n_syncs && n_nothing < 2) {
        PGresult *result = adb__pg_next(conn);
        const ExecStatusType status = result != NULL ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        n_nothing = result == NULL ? n_nothing + 1 : 0;
        n_seen += status == PGRES_PIPELINE_SYNC;
        const bool is_ours = n_seen + 1 == n_syncs && status != PGRES_PIPELINE_SYNC && result != NULL;
        if (is_ours && status != PGRES_PIPELINE_ABORTED && (kept == NULL || !adb__pg_is_failure(kept))) {
            PQclear(kept);
            kept = result;
        } else {
            PQclear(result);
        }
        if (PQstatus(conn->pg) == CONNECTION_BAD && result == NULL)
            break;
    }
    return kept;
}

/* What the server says of the statement, prepared under this number; NULL when the connection is lost. */
static PGresult *prepare_and_describe(struct adb__pg *conn, const char *sql, unsigned number)
{
    char name[ADB__PG_NAME_SIZE];
    PGresult *description = NULL;
    const size_t n_closes = PQtransactionStatus(conn->pg) == PQTRANS_IDLE ? conn->n_doomed : 0;
    name_of(conn, number, name);
    if (!PQenterPipelineMode(conn->pg))
        return NULL;
    const bool good = send_closes(conn) && PQsendPrepare(conn->pg, name, sql, 0, NULL) &&
                      PQsendDescribePrepared(conn->pg, name) && PQpipelineSync(conn->pg);
    if (good && adb__pg_flush(conn))
        description = read_description(conn, n_closes + 1);
    PQexitPipelineMode(conn->pg);
    return description;
}

/* What cannot be kept for want of memory is run without: *prepared_out stays NULL. */
static adb_status keep(struct adb__pg *conn, const struct adb__statement *statement, const PGresult *description,
                       unsigned number, struct adb__pg_prepared **prepared_out, adb_error *error)
{
    struct adb__pg_prepared prepared = {.number = number, .n_parameters = (size_t)PQnparams(description)};
    name_of(conn, number, prepared.name);
    adb_status status = adb__pg_names_learn(conn, description, error);
    if (status == ADB_OK)
        status = adb__pg_shape_init(&prepared.shape, &conn->names, description, NULL, error);
    if (status != ADB_OK) {
        doom(conn, number);
        return status;
    }
    *prepared_out = adb__cache_add(&conn->cache, statement->sql, statement->sql_size, &prepared);
    if (*prepared_out != NULL)
        adb__cache_weigh(&conn->cache, *prepared_out, prepared.shape.bytes);
    else
        on_drop(&prepared, conn);
    return ADB_OK;
}

static adb_status prepare_now(struct adb__pg *conn, const struct adb__statement *statement,
                              struct adb__pg_prepared **prepared_out, adb_error *error)
{
    const unsigned number = ++conn->n_prepared;
    adb_status status;
    PGresult *description = prepare_and_describe(conn, statement->sql, number);
    if (description == NULL || adb__pg_is_failure(description))
        return adb__pg_error_take(conn, description, error);
    status = keep(conn, statement, description, number, prepared_out, error);
    PQclear(description);
    return status;
}

adb_status adb__pg_prepare(struct adb__pg *conn, const struct adb__statement *statement, bool must_describe,
                           struct adb__pg_prepared **prepared_out, adb_error *error)
{
    *prepared_out = NULL;
    if ((statement->flags & ADB__STMT_NO_CACHE) != 0 || !adb__cache_takes(&conn->cache, statement->sql_size))
        return ADB_OK;
    *prepared_out = adb__cache_find(&conn->cache, statement->sql, statement->sql_size);
    if (*prepared_out != NULL || !(must_describe || is_due(conn, statement)))
        return ADB_OK;
    return prepare_now(conn, statement, prepared_out, error);
}
