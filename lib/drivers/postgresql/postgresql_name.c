/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of types and tables by their OIDs, which is all that a result tells: asked for once per connection. */
#include "drivers/postgresql/postgresql.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* More than that, and the names are learnt anew: temporary tables come and go. */
#define MOST_NAMES 1024

const char *adb__pg_name_find(const struct adb__pg_names *names, Oid oid, bool is_table)
{
    for (size_t i = names->count; i > 0; i--) {
        const struct adb__pg_name *item = &names->items[i - 1];
        if (item->oid == oid && item->is_table == is_table)
            return item->name;
    }
    return NULL;
}

static void names_clear(struct adb__pg_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        adb__free(names->items[i].name);
    names->count = 0;
}

void adb__pg_names_fini(struct adb__pg_names *names)
{
    names_clear(names);
    adb__free(names->items);
    *names = (struct adb__pg_names){.items = NULL};
}

/* What cannot be kept is asked for again. */
static void name_add(struct adb__pg_names *names, Oid oid, bool is_table, const char *text)
{
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity == 0 ? 16 : names->capacity * 2;
        struct adb__pg_name *items = adb__realloc_array(names->items, capacity, sizeof(*items));
        if (items == NULL)
            return;
        names->items = items;
        names->capacity = capacity;
    }
    char *name = adb__strdup(text);
    if (name != NULL)
        names->items[names->count++] = (struct adb__pg_name){.oid = oid, .is_table = is_table, .name = name};
}

static void ask_for(struct adb__buf *list, Oid oid)
{
    adb__buf_printf(list, "%s%u", list->size > 0 ? "," : "", oid);
}

/* The OIDs of a result that have no name yet: of types, and of tables. */
static void find_unknown(const struct adb__pg_names *names, const PGresult *result, struct adb__buf lists[2])
{
    for (int i = 0; i < PQnfields(result); i++) {
        const Oid type = PQftype(result, i);
        const Oid table = PQftable(result, i);
        if (adb__pg_type_find(type)->name == NULL && adb__pg_name_find(names, type, false) == NULL)
            ask_for(&lists[0], type);
        if (table != InvalidOid && adb__pg_name_find(names, table, true) == NULL)
            ask_for(&lists[1], table);
    }
}

static void write_question(const struct adb__buf lists[2], struct adb__buf *sql)
{
    if (lists[0].size > 0)
        adb__buf_printf(
            sql, "SELECT false, oid, pg_catalog.format_type(oid, NULL) FROM pg_catalog.pg_type WHERE oid IN (%s)",
            lists[0].bytes);
    if (lists[0].size > 0 && lists[1].size > 0)
        adb__buf_puts(sql, " UNION ALL ");
    if (lists[1].size > 0)
        adb__buf_printf(sql, "SELECT true, oid, relname::text FROM pg_catalog.pg_class WHERE oid IN (%s)",
                        lists[1].bytes);
}

static void take_answer(struct adb__pg_names *names, const PGresult *answer)
{
    if (names->count > MOST_NAMES)
        names_clear(names);
    for (int i = 0; i < PQntuples(answer); i++)
        name_add(names, (Oid)strtoul(PQgetvalue(answer, i, 1), NULL, 10), PQgetvalue(answer, i, 0)[0] == 't',
                 PQgetvalue(answer, i, 2));
}

/* Outside a transaction a failure costs nothing but the names. Inside, it has failed the transaction too. */
static adb_status ask(struct adb__pg *conn, const char *sql, adb_error *error)
{
    const bool is_inside = PQtransactionStatus(conn->pg) == PQTRANS_INTRANS;
    if (!PQsendQuery(conn->pg, sql))
        return ADB_OK;
    adb__pg_flush(conn);
    PGresult *answer = adb__pg_next(conn);
    if (answer != NULL && PQresultStatus(answer) == PGRES_TUPLES_OK)
        take_answer(&conn->names, answer);
    PGresult *failure = adb__pg_drain(conn);
    if (failure == NULL && answer != NULL && adb__pg_is_failure(answer)) {
        failure = answer;
        answer = NULL;
    }
    adb_status status = ADB_OK;
    if (is_inside && (failure != NULL || PQstatus(conn->pg) == CONNECTION_BAD))
        status = adb__pg_error(conn, failure, error);
    PQclear(failure);
    PQclear(answer);
    return status;
}

adb_status adb__pg_names_learn(struct adb__pg *conn, const PGresult *result, adb_error *error)
{
    const PGTransactionStatusType state = PQtransactionStatus(conn->pg);
    struct adb__buf lists[2] = {ADB__BUF_INIT, ADB__BUF_INIT};
    struct adb__buf sql = ADB__BUF_INIT;
    adb_status status = ADB_OK;
    if (state != PQTRANS_IDLE && state != PQTRANS_INTRANS)
        return ADB_OK;
    find_unknown(&conn->names, result, lists);
    write_question(lists, &sql);
    if (sql.size > 0 && !sql.failed)
        status = ask(conn, sql.bytes, error);
    adb__buf_fini(&lists[0]);
    adb__buf_fini(&lists[1]);
    adb__buf_fini(&sql);
    return status;
}
