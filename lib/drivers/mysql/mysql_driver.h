/* SPDX-License-Identifier: BSD-3-Clause */
/* The MySQL and MariaDB driver's private state, and what its files offer each other. Only registry.c, outside of this
 * folder, needs any of it: the driver itself.
 *
 * Two client libraries have this interface, libmysqlclient and MariaDB Connector/C. What only one of them has is found
 * by configure, symbol by symbol, and used where it is. */
#ifndef ADB_DRIVERS_MYSQL_MYSQL_DRIVER_H
#define ADB_DRIVERS_MYSQL_MYSQL_DRIVER_H

#include "base/ref.h"
#include "drivers/cache.h"
#include "drivers/driver.h"
#include "drivers/socket.h"
#include "drivers/tls.h"

#include <mysql.h>

extern const struct adb__driver adb__mysql_driver;

/* What MYSQL_BIND has for a truth: my_bool in one library, bool in the other. */
typedef __typeof__(((MYSQL_BIND *)0)->is_unsigned) adb__mysql_bool;

/* Settings (mysql_settings.c) -------------------------------------------------------------------------------------- */

/* The URL keys of this driver, but for those of drivers/tls.h. */
enum adb__mysql_key {
    ADB__MYSQL_SOCKET,
    ADB__MYSQL_CHARSET,
    ADB__MYSQL_INIT_COMMAND,
    ADB__MYSQL_SQL_MODE,
    ADB__MYSQL_TIME_ZONE,
    ADB__MYSQL_COMPRESS,
    ADB__MYSQL_READ_TIMEOUT,
    ADB__MYSQL_WRITE_TIMEOUT,
    ADB__MYSQL_NET_WRITE_TIMEOUT,
    ADB__MYSQL_LOCAL_INFILE,
    ADB__MYSQL_DEFAULT_AUTH,
    ADB__MYSQL_PLUGIN_DIR,
    ADB__MYSQL_SERVER_PUBLIC_KEY,
    ADB__MYSQL_APPLICATION_NAME,
    ADB__MYSQL_READ_DEFAULT_FILE,
    ADB__MYSQL_READ_DEFAULT_GROUP,
    ADB__MYSQL_N_KEYS
};

/* What URL and options say, checked. Texts are borrowed from them. */
struct adb__mysql_settings {
    const char *values[ADB__MYSQL_N_KEYS]; /* NULL: not said */
    struct adb__tls tls;
    const char *host;     /* NULL: by the socket */
    const char *socket;   /* NULL with a host, or for the library's own default */
    const char *user;     /* NULL: the login name of the process */
    const char *password; /* NULL: none */
    const char *database; /* NULL: none */
    unsigned port;        /* 0: the default */
    unsigned read_timeout_s;
    unsigned write_timeout_s;
    unsigned net_write_timeout_s; /* the server's patience with a reader that pauses */
    bool compress;
};

extern const char *const adb__mysql_keys[]; /* ended by NULL */

adb_status adb__mysql_settings_read(const adb_url *url, const adb_options *options,
                                    struct adb__mysql_settings *settings_out, adb_error *error);
/* The driver slot. Also readies the client library, which no two threads may do at once. */
adb_status adb__mysql_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                adb_error *error);

/* Connections (mysql_conn.c, mysql_connect.c, mysql_session.c) ----------------------------------------------------- */

/* How a statement begins, which tells what its figures mean. */
enum adb__mysql_verb {
    ADB__MYSQL_OTHER,
    ADB__MYSQL_READ,   /* SELECT and its kin; a WITH may write after all */
    ADB__MYSQL_INSERT, /* REPLACE too */
    ADB__MYSQL_CHANGE, /* UPDATE, DELETE */
    ADB__MYSQL_CALL
};

struct adb__mysql_slot; /* mysql_values.c */
struct adb__mysql_room; /* mysql_bind.c */

/* What is known of the columns of a result set, and where the binary protocol puts a row of it. */
struct adb__mysql_columns {
    size_t count;
    struct adb__column *descriptions;
    struct adb__mysql_slot *slots;
    MYSQL_BIND *binds; /* NULL: the text protocol */
};

/* A prepared statement and what is known of it. */
struct adb__mysql_statement {
    MYSQL_STMT *stmt; /* NULL: it goes by the text protocol */
    enum adb__mysql_verb verb;
    bool is_stale; /* not to be used again: its table has changed */
    unsigned n_ahead; /* executions in a pipeline that are not over */
    size_t n_parameters;
    MYSQL_BIND *parameters;
    struct adb__mysql_room *rooms; /* for values that need to be converted, one per parameter */
    struct adb__mysql_columns columns;
};

struct adb__mysql {
    MYSQL *mysql; /* NULL: not open */
    const struct adb__open *open;
    struct adb__mysql_settings settings;
    struct adb__cache cache;              /* of struct adb__mysql_statement */
    struct adb__mysql_statement uncached; /* the one in use that is not in the cache */
    uint64_t id;                          /* the server's number of the connection: whom to KILL */
    struct adb__lifeline lifeline;
    struct adb__counter kills;            /* asked for, ever */
    int64_t kills_seen;                   /* of them, those that can no longer hit a statement */
    size_t max_packet;                    /* the server's limit for a statement */
    bool in_thread;                       /* counts among the connections of its thread */
    bool lost;
    bool reads_only;                      /* the session, as it is now */
    bool must_read;                       /* the present statement */
};

/* Connect and log in: a handle on which nothing has run. Gives up when patience says so. */
adb_status adb__mysql_connect(const struct adb__mysql_settings *settings, const struct adb__patience *patience,
                              MYSQL **mysql_out, adb_error *error);
/* The socket under a handle, -1 when there is none. */
int adb__mysql_socket(MYSQL *mysql);
/* Ready the client library for this thread, and give that up: once for each connection that the thread has. */
bool adb__mysql_thread_enter(void);
void adb__mysql_thread_leave(void);

/* Make the session what URL and options want: also what a used connection is put back to. */
adb_status adb__mysql_session_set_up(struct adb__mysql *conn, adb_error *error);
/* Before a statement: a session that may write, or may not, and no KILL left over that was meant for another. */
adb_status adb__mysql_session_ready(struct adb__mysql *conn, const struct adb__statement *statement,
                                    enum adb__mysql_verb verb, adb_error *error);
/* Ask the server what became of the transaction: an error does not tell. */
void adb__mysql_session_learn(struct adb__mysql *conn);
/* Run a statement of our own, before the caller's; nobody wants its rows. Not ADB_OK: as adb__mysql_error(). */
adb_status adb__mysql_run(struct adb__mysql *conn, const char *sql, adb_error *error);
/* KILL QUERY by a connection of its own. */
void adb__mysql_kill(struct adb__mysql *conn);

/* Statements (mysql_statement.c) ----------------------------------------------------------------------------------- */

enum adb__mysql_verb adb__mysql_verb_of(const char *sql);
/* Find or prepare; one at a time. Its stmt is NULL when it is to go by the text protocol. */
adb_status adb__mysql_prepare(struct adb__mysql *conn, const struct adb__statement *statement,
                              struct adb__mysql_statement **prepared_out, adb_error *error);
/* Give the statement back, to be kept or not. */
void adb__mysql_release(struct adb__mysql *conn, struct adb__mysql_statement *prepared);
/* Give it back never to be used again: the server does not know it any more. */
void adb__mysql_forget(struct adb__mysql *conn, struct adb__mysql_statement *prepared);
/* End a statement for good; what the cache does with those that have to go. */
void adb__mysql_drop(void *prepared, void *conn);

/* Parameters (mysql_bind.c) ---------------------------------------------------------------------------------------- */

/* Bind the values, which stay where they are. ADB_E_PARAMETER, ADB_E_DATA, ADB_E_TOO_BIG. */
adb_status adb__mysql_bind(struct adb__mysql *conn, struct adb__mysql_statement *prepared, const adb_value *values,
                           size_t n_values, adb_error *error);

/* Columns and rows (mysql_columns.c, mysql_values.c) --------------------------------------------------------------- */

/* Describe the fields, unless that is what columns says already. With binds for the binary protocol if wanted. */
adb_status adb__mysql_columns_describe(struct adb__mysql_columns *columns, const MYSQL_FIELD *fields, size_t n_fields,
                                       bool with_binds, adb_error *error);
void adb__mysql_columns_fini(struct adb__mysql_columns *columns);
/* Memory held, for the cache to know. */
size_t adb__mysql_columns_bytes(const struct adb__mysql_columns *columns);

/* Give one row to the sink: as fetched by mysql_stmt_fetch(), or by mysql_fetch_row(). */
adb_status adb__mysql_row_binary(MYSQL_STMT *stmt, const struct adb__mysql_columns *columns, struct adb__sink *sink,
                                 adb_error *error);
adb_status adb__mysql_row_text(const struct adb__mysql_columns *columns, MYSQL_ROW row, const unsigned long *sizes,
                               struct adb__sink *sink, adb_error *error);

/* Results (mysql_execute.c, mysql_many.c) -------------------------------------------------------------------------- */

/* The driver slots. */
adb_status adb__mysql_execute(void *conn, const struct adb__statement *statement, struct adb__sink *sink,
                              adb_error *error);
adb_status adb__mysql_execute_many(void *conn, const struct adb__statement *statement, const adb_value *const *sets,
                                   size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error);
/* What mysql_stmt_execute() has left to be read; code is what it has returned. Without a sink nobody wants the rows. */
adb_status adb__mysql_read_answer(struct adb__mysql *conn, struct adb__mysql_statement *prepared, struct adb__sink *sink,
                                  int code, adb_error *error);
/* Of a failure's number: is the statement to be prepared anew? */
bool adb__mysql_is_stale(int code);
/* Run a statement with the values that are bound. What it yields goes nowhere, its figures add to the result's. */
adb_status adb__mysql_run_for_figures(struct adb__mysql *conn, struct adb__mysql_statement *prepared,
                                      const struct adb__statement *statement, struct adb_result *result,
                                      adb_error *error);
/* Add the figures of a statement that has yielded no columns. */
void adb__mysql_count(struct adb_result *result, enum adb__mysql_verb verb, my_ulonglong affected,
                      my_ulonglong insert_id);

/* A server of MariaDB's own, or its proxy: it takes many sets of values in one message. */
bool adb__mysql_is_mariadb(const struct adb__mysql *conn);

/* Pipelines (mysql_pipeline.c) ------------------------------------------------------------------------------------- */

/* May a command be sent before the one in front of it is answered? */
bool adb__mysql_may_send_ahead(const struct adb__mysql *conn);
/* From now on mysql_stmt_execute() leaves the answer to be read later, or no longer does. */
void adb__mysql_leave_answers(struct adb__mysql *conn, bool leaves);
/* Is there a client library that can, and is anything kept prepared? */
bool adb__mysql_pipeline_possible(const struct adb__mysql_settings *settings, const adb_options *options);
/* The driver slot. */
void adb__mysql_pipeline(void *conn, struct adb__pipeline *pipeline);

/* Errors (mysql_error.c) ------------------------------------------------------------------------------------------- */

/* Had the statement been sent when it failed? */
enum adb__mysql_phase { ADB__MYSQL_BEFORE, ADB__MYSQL_RUNNING };

/* What became of the present call, from the handle or from a statement. Notes a connection that is lost, and finds out
 * what became of the transaction. */
adb_status adb__mysql_error(struct adb__mysql *conn, enum adb__mysql_phase phase, adb_error *error);
adb_status adb__mysql_stmt_error(struct adb__mysql *conn, MYSQL_STMT *stmt, enum adb__mysql_phase phase,
                                 adb_error *error);
/* The number of a statement's failure. */
unsigned adb__mysql_stmt_code(const struct adb__mysql *conn, MYSQL_STMT *stmt);
/* The same of any number, with nothing noted. */
adb_status adb__mysql_error_fill(unsigned code, const char *sqlstate, const char *text, adb_error *error);
/* A failed attempt to connect. */
adb_status adb__mysql_connect_error(MYSQL *mysql, adb_error *error);

#endif
