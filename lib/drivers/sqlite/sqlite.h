/* SPDX-License-Identifier: BSD-3-Clause */
/* The SQLite driver's private state, and what its files offer each other. Only registry.c needs more than this folder:
 * the driver itself. */
#ifndef ADB_DRIVERS_SQLITE_SQLITE_H
#define ADB_DRIVERS_SQLITE_SQLITE_H

#include "drivers/cache.h"
#include "drivers/driver.h"

#include <sqlite3.h>

extern const struct adb__driver adb__sqlite_driver;

/* Settings (sqlite_settings.c) ------------------------------------------------------------------------------------- */

/* The URL keys of this driver. Those before ADB__SQLITE_N_PRAGMAS are pragmas of the same name, in the order in which a
 * new connection runs them. */
enum adb__sqlite_key {
    ADB__SQLITE_JOURNAL_MODE,
    ADB__SQLITE_SYNCHRONOUS,
    ADB__SQLITE_FOREIGN_KEYS,
    ADB__SQLITE_CACHE_SIZE,
    ADB__SQLITE_MMAP_SIZE,
    ADB__SQLITE_TEMP_STORE,
    ADB__SQLITE_JOURNAL_SIZE_LIMIT,
    ADB__SQLITE_WAL_AUTOCHECKPOINT,
    ADB__SQLITE_N_PRAGMAS,
    ADB__SQLITE_BUSY_TIMEOUT = ADB__SQLITE_N_PRAGMAS, /* our own busy handler, never the pragma */
    ADB__SQLITE_MODE,
    ADB__SQLITE_CACHE,
    ADB__SQLITE_IMMUTABLE,
    ADB__SQLITE_URI,
    ADB__SQLITE_PATH, /* carried out by the URL parser */
    ADB__SQLITE_N_KEYS
};

/* What URL and options say, checked. Texts are borrowed from them. */
struct adb__sqlite_settings {
    const char *values[ADB__SQLITE_N_KEYS]; /* NULL: SQLite's own default */
    bool asked_journal_mode; /* by the caller, not by our default */
    bool uri;                /* the database's name is a SQLite URI ("file:...") */
    bool memory;
    bool shared;             /* shared cache */
    bool immutable;
    bool read_only;
    int busy_timeout_ms;
};

extern const char *const adb__sqlite_keys[ADB__SQLITE_N_KEYS + 1]; /* ended by NULL */

adb_status adb__sqlite_settings_read(const adb_url *url, const adb_options *options,
                                     struct adb__sqlite_settings *settings_out, adb_error *error);
/* The driver slot. */
adb_status adb__sqlite_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                 adb_error *error);
/* Is this pragma one of the settings, so that it is not run a second time? */
bool adb__sqlite_is_setting(const char *pragma);

/* Connections (sqlite_conn.c) -------------------------------------------------------------------------------------- */

struct adb__sqlite_bound; /* sqlite_function.c */

enum adb__sqlite_verb {
    ADB__SQLITE_OTHER,
    ADB__SQLITE_INSERT, /* REPLACE too, and a WITH that writes: it may insert */
    ADB__SQLITE_CHANGE, /* UPDATE, DELETE */
    ADB__SQLITE_BEGIN,  /* SAVEPOINT too */
    ADB__SQLITE_ATTACH, /* DETACH too */
    ADB__SQLITE_PRAGMA
};

/* A prepared statement and what is known of it. */
struct adb__sqlite_statement {
    sqlite3_stmt *stmt;
    enum adb__sqlite_verb verb;
    bool writes; /* refused where only reading is allowed */
    bool locks;  /* takes the lock for writing, and writes nothing */
    bool sets;   /* changes settings of the session */
    struct adb__column *columns; /* described once; SQLite keeps their texts as long as it does not prepare anew */
    size_t n_columns;
    int described_at;            /* how often it had been prepared anew then; negative: never */
};

struct adb__sqlite {
    sqlite3 *db; /* written under the mutex that cancel() takes; see sqlite_conn.c */
    const struct adb__open *open;
    struct adb__sqlite_settings settings;
    struct adb__cache cache; /* of struct adb__sqlite_statement */
    struct adb__sqlite_bound *functions;
    struct adb__sqlite_statement uncached; /* the one in use that is not in the cache */
    int64_t deadline;                /* of open(); ADB__NEVER afterwards */
    int64_t busy_until;              /* of the present wait for a lock */
    int64_t rowid_before;            /* last_insert_rowid when the statement began */
    bool rowid_again;                /* the statement inserted a row with that same id */
    bool read_only;                  /* the session refuses writes */
    bool stopped;                    /* stop_fn ended the present call */
    bool function_failed;            /* adb_function_fail() ended the present call */
    bool touched;                    /* a pragma or the native handle may have changed the session */
};

/* Set or clear conn->db, which cancel() may be reading. */
void adb__sqlite_publish(struct adb__sqlite *conn, sqlite3 *db);
/* Does the core want the present call to end? Remembers it. */
bool adb__sqlite_stop(struct adb__sqlite *conn);
/* The busy handler: wait a little for a lock; 0 when it has been long enough. For the n-th time (from 0) in a row. */
int adb__sqlite_wait(void *conn, int n_waits);

/* Files (sqlite_file.c) -------------------------------------------------------------------------------------------- */

/* Open conn->db as URL, settings and role say. ADB_E_CONNECTION tells which file, and why not. */
adb_status adb__sqlite_file_open(struct adb__sqlite *conn, adb_error *error);
/* A failure of SQLite's while the connection is being set up: names the file. */
adb_status adb__sqlite_file_error(struct adb__sqlite *conn, int code, adb_error *error);
/* Was the file moved, deleted or replaced under the connection? */
bool adb__sqlite_file_moved(struct adb__sqlite *conn);

/* Statements (sqlite_statement.c) ---------------------------------------------------------------------------------- */

/* Prepare, or find prepared; one at a time. ADB__NEED_WRITER when a reader cannot even tell. */
adb_status adb__sqlite_prepare(struct adb__sqlite *conn, const struct adb__statement *statement,
                               struct adb__sqlite_statement **prepared_out, adb_error *error);
/* Give the statement back, reset and without values. */
void adb__sqlite_release(struct adb__sqlite *conn, struct adb__sqlite_statement *prepared);
/* End a statement for good; what the cache does with those that have to go. */
void adb__sqlite_drop(void *prepared, void *conn);

/* Results (sqlite_result.c): the driver slots ---------------------------------------------------------------------- */

adb_status adb__sqlite_execute(void *conn, const struct adb__statement *statement, struct adb__sink *sink,
                               adb_error *error);
adb_status adb__sqlite_execute_many(void *conn, const struct adb__statement *statement, const adb_value *const *sets,
                                    size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error);

/* Errors (sqlite_error.c) and user functions (sqlite_function.c) --------------------------------------------------- */

/* What became of the present call, from SQLite's result code and its message. */
adb_status adb__sqlite_error(struct adb__sqlite *conn, int code, adb_error *error);

/* ADB_E_OPTION when one cannot be defined at all. */
adb_status adb__sqlite_functions_check(const adb_options *options, adb_error *error);
/* Define the user's functions on the connection. */
adb_status adb__sqlite_functions_define(struct adb__sqlite *conn, adb_error *error);

#endif
