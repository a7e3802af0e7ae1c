/* SPDX-License-Identifier: BSD-3-Clause */
/* The PostgreSQL driver's private state, and what its files offer each other. Only registry.c needs more than this
 * folder: the driver itself.
 *
 *     postgresql://user:password@host:port/database?key=value
 *
 * Several hosts are tried in turn, each with its share of the time: postgresql://a:5432,b:5433/database. A host that
 * begins with '/' is the directory of a unix socket, best given as host=/directory. Keys of the URL, beyond those that
 * every database knows:
 *
 *   host, port                 instead of those before the path; lists are divided by commas
 *   ssl, ssl_ca, ssl_cert, ssl_key, ssl_crl (drivers/tls.h), sslpassword, channel_binding, sslnegotiation
 *   target_session_attrs       any, read-write, read-only, primary, standby, prefer-standby
 *   load_balance_hosts         random: hosts are tried from a random one on; disable
 *   application_name           default: the program's name
 *   passfile, service, krbsrvname, gssencmode, require_auth    as in libpq
 *   keepalives, keepalives_idle, keepalives_interval, keepalives_count, tcp_user_timeout
 *                              as in libpq; by default a silent peer is given up after 90 s, or when it has not
 *                              acknowledged what was sent for 30 s
 *   options                    command-line options for the server, as in libpq
 *   server.NAME                a setting of the session, such as server.search_path=app or server.work_mem=64MB
 *   statement_cache            0: nothing is ever prepared under a name, there are no pipelines, and read_only is kept
 *                              up statement by statement instead of in the session: as PgBouncer wants it
 *   prepare_threshold          a statement is prepared at its so many-th use on a connection; default 2
 *
 * Text is UTF-8 on every connection. What the URL leaves open, libpq takes from its environment (PGHOST, ~/.pgpass). */
#ifndef ADB_DRIVERS_POSTGRESQL_POSTGRESQL_H
#define ADB_DRIVERS_POSTGRESQL_POSTGRESQL_H

#include "base/arena.h"
#include "base/ref.h"
#include "drivers/cache.h"
#include "drivers/driver.h"
#include "drivers/socket.h"

#include <libpq-fe.h>
#include <sys/socket.h>

extern const struct adb__driver adb__postgresql_driver;

/* Settings (postgresql_settings.c) --------------------------------------------------------------------------------- */

/* Room for what is said to libpq, with host, port, target_session_attrs, the session's options and the end. */
#define ADB__PG_MAX_WORDS 48

struct adb__pg_host {
    const char *name; /* NULL: libpq's default */
    const char *port;
};

/* What URL and options say, checked. Texts are borrowed from the URL, or in the arena. */
struct adb__pg_settings {
    struct adb__arena arena;
    struct adb__pg_host *hosts;
    size_t n_hosts; /* one at least */
    bool shuffle;
    const char *target;                      /* target_session_attrs; NULL: any */
    const char *keywords[ADB__PG_MAX_WORDS]; /* for libpq, but for the host */
    const char *values[ADB__PG_MAX_WORDS];
    size_t n_words;
    unsigned prepare_threshold;
};

extern const char *const adb__pg_keys[]; /* ended by NULL */

/* With session_reads the session is to refuse writes. settings_out needs adb__pg_settings_fini() whatever the outcome.
 */
adb_status adb__pg_settings_read(const adb_url *url, bool session_reads, struct adb__pg_settings *settings_out,
                                 adb_error *error);
void adb__pg_settings_fini(struct adb__pg_settings *settings);
/* The driver slot. */
adb_status adb__pg_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                             adb_error *error);
/* The hosts of a list as it stands before the path of a URL, or in its option host: into the arena. */
adb_status adb__pg_hosts_read(const adb_url *url, struct adb__pg_settings *settings, adb_error *error);

/* Connections (postgresql_conn.c, postgresql_connect.c) ------------------------------------------------------------ */

/* What it takes to cancel from another thread, without any object of libpq that two threads would share. */
struct adb__pg_canceller {
    struct sockaddr_storage address; /* of the server */
    socklen_t address_size;          /* 0: unknown */
    int pid;
    int key;
    bool has_key;
    void *handle; /* PGcancelConn * where libpq has it, else PGcancel *; for another thread's use only */
};

/* What is known of an object of the database by its OID. */
struct adb__pg_name {
    Oid oid;
    bool is_table;
    char *name;
};

struct adb__pg_names {
    struct adb__pg_name *items;
    size_t count;
    size_t capacity;
};

/* Texts that were used, but are not prepared: as many as the bits of their hash, newer ones overwriting older. */
#define ADB__PG_SEEN 256

struct adb__pg_seen {
    uint32_t hash;
    uint32_t uses;
};

#define ADB__PG_SCRATCH 2048

/* May statements that are not in a transaction share one? Where its end can fail, they may not. */
enum adb__pg_sharing { ADB__PG_SHARING_UNKNOWN, ADB__PG_SHARES, ADB__PG_SHARES_NOT };

/* How this session lets several transactions wait for the disk together. */
struct adb__pg_wal {
    enum adb__pg_sharing may;
    bool is_due;       /* commits are not waited for, and have not been flushed */
    bool is_warned;    /* of something, since it was last false */
    char commit[16];   /* what synchronous_commit is to be again: "" for its default */
    char timeout[16];  /* and statement_timeout */
    char patience[16]; /* what that is meanwhile */
};

struct adb__pg {
    PGconn *pg; /* NULL before open() */
    const struct adb__open *open;
    struct adb__pg_settings settings;
    struct adb__lifeline lifeline;
    struct adb__pg_canceller canceller;
    struct adb__cache cache; /* of struct adb__pg_prepared */
    struct adb__pg_seen seen[ADB__PG_SEEN];
    struct adb__pg_names names;
    unsigned n_prepared; /* ever, on this connection: makes names */
    unsigned *doomed;    /* numbers of prepared statements that the server is still to forget */
    size_t n_doomed;
    size_t doomed_capacity;
    struct adb__arena scratch;      /* of one statement */
    struct adb__pipeline *pipeline; /* under way; NULL: none */
    bool drops; /* the answer that is being read is nobody's */
    enum adb__pg_sharing sharing;
    struct adb__pg_wal wal;
    int64_t quickest_ns; /* what was sent in one go and answered without a failure; 0: nothing yet */
    int64_t used_at;     /* when the last call began */
    unsigned n_vain;     /* waits for the server that nothing came of, one after the other */
    bool is_encrypted;
    bool session_reads;  /* the session is read-only by itself */
    bool in_transaction; /* when the present call began */
    bool must_read;      /* the present call must not write */
    bool answered;       /* the present statement has had a result */
    bool out_of_step;    /* answers cannot be told from those to earlier statements: the connection is of no use */
    struct adb__counter loose_asks; /* cancels from other threads that may still be on their way: of no use any more */
    bool stop_is_loose;             /* one of our own */
    bool sent;                      /* something of the present call has been sent: the server may have acted */
    bool touched;                   /* the session may not be as it was at its beginning */
    bool listens;                   /* notifications are for somebody, and wait with libpq until they are asked for */
    max_align_t lent[ADB__PG_SCRATCH / sizeof(max_align_t)];
};

/* Connect conn->pg to the first host that will do, by the deadline. */
adb_status adb__pg_connect(struct adb__pg *conn, adb_error *error);

/* Cancelling (postgresql_cancel.c) --------------------------------------------------------------------------------- */

/* Listen to the start of a connection for what cancelling takes; between PQconnectStart and its end. */
struct adb__pg_eavesdropper {
    void *stream; /* FILE *; NULL: not needed, or not possible */
    char text[8192];
};
void adb__pg_eavesdrop(struct adb__pg_eavesdropper *ear, PGconn *pg);
void adb__pg_eavesdrop_end(struct adb__pg_eavesdropper *ear, PGconn *pg, struct adb__pg_canceller *canceller);
/* The rest, when the connection is there. */
void adb__pg_canceller_init(struct adb__pg_canceller *canceller, PGconn *pg);
void adb__pg_canceller_fini(struct adb__pg_canceller *canceller);
/* Ask the server to stop what runs; returns when it has been told, or after a second or two. False: it was asked, but
 * has not said that it has heard, and may stop something later. */
bool adb__pg_canceller_ask(const struct adb__pg_canceller *canceller);
/* The same from the connection's own thread, while another may be asking too. */
void adb__pg_stop(struct adb__pg *conn);

/* Waiting and reading (postgresql_wait.c) -------------------------------------------------------------------------- */

/* Wait for the socket, with this patience; where something may be with libpq already, or a pipeline has more to do than
 * to wait, no longer than it takes to see: then ADB__SOCKET_TIMEOUT, and the input is to be consumed in any case. */
enum adb__socket_event adb__pg_wait(struct adb__pg *conn, unsigned directions, const struct adb__patience *patience);
/* Send what libpq still has, reading meanwhile so that the server can go on. False: the connection is lost. */
bool adb__pg_flush(struct adb__pg *conn);
/* Wait for more from the server, and take it in; there may be nothing. False: the connection is lost. */
bool adb__pg_read(struct adb__pg *conn);
/* The next result; NULL when there is none left, or the connection is lost. */
PGresult *adb__pg_next(struct adb__pg *conn);
/* The same for all that lies before the next synchronisation of a pipeline of libpq: that is the NULL here. */
PGresult *adb__pg_next_in_pipeline(struct adb__pg *conn);
/* Read the results of the present statement to their end. Gives the first failure; NULL when there is none. Copies that
 * the server begins are ended. */
PGresult *adb__pg_drain(struct adb__pg *conn);
bool adb__pg_is_failure(const PGresult *result);
/* Has the server ended the connection while nobody asked it anything? Does not wait. */
bool adb__pg_has_hung_up(struct adb__pg *conn);
/* Run texts of our own (simple protocol) that yield nothing of interest. */
adb_status adb__pg_run(struct adb__pg *conn, const char *sql, adb_error *error);

/* Values (postgresql_value.c) and types (postgresql_type.c, postgresql_numeric.c) ---------------------------------- */

/* Values as libpq takes them. */
struct adb__pg_values {
    int count;
    const char **texts;
    int *sizes;
    int *formats; /* NULL: all are text */
};

/* Into the arena. ADB_E_DATA for what no server would take, ADB_E_PARAMETER, ADB_E_NOMEM. */
adb_status adb__pg_values_encode(const adb_value *values, size_t n_values, struct adb__arena *arena,
                                 struct adb__pg_values *values_out, adb_error *error);

/* Put one value into the sink, from bytes that end in a NUL. */
typedef adb_status (*adb__pg_decode_fn)(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                        adb_error *error);

struct adb__pg_type {
    Oid oid;
    const char *name; /* as PostgreSQL writes it in SQL */
    adb_type type;
    adb__pg_decode_fn text;
    adb__pg_decode_fn binary; /* NULL: only text can be read */
};

/* A day as PostgreSQL writes it, with rest behind it: years before 1 are counted backwards, and their era ends it all.
 */
size_t adb__pg_date_write(int64_t days, const char *rest, char *text, size_t text_size);
/* A type of PostgreSQL's own; one with oid 0 and no name for any other. Never NULL. */
const struct adb__pg_type *adb__pg_type_find(Oid oid);
/* The decoder of binary numeric. */
adb_status adb__pg_numeric_decode(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                  adb_error *error);

/* Names (postgresql_name.c) ---------------------------------------------------------------------------------------- */

/* NULL when it is not known, or not yet. */
const char *adb__pg_name_find(const struct adb__pg_names *names, Oid oid, bool is_table);
/* Ask the server for the names that the columns of a result need and that are not known. Nothing else may be under way.
 * What cannot be told stays unknown; a failure only where it has failed a transaction. */
adb_status adb__pg_names_learn(struct adb__pg *conn, const PGresult *result, adb_error *error);
void adb__pg_names_fini(struct adb__pg_names *names);

/* Statements (postgresql_statement.c, postgresql_prepare.c) -------------------------------------------------------- */

/* The columns of a result, and how to read them. */
struct adb__pg_shape {
    struct adb__column *columns;
    const struct adb__pg_type **types;
    Oid *oids;
    size_t n_columns;
    size_t bytes;
    bool binary; /* every type can be read so */
};

/* Room for the name of a prepared statement. */
#define ADB__PG_NAME_SIZE 40

struct adb__pg_prepared {
    unsigned number; /* its name is made of it */
    char name[ADB__PG_NAME_SIZE];
    size_t n_parameters;
    unsigned n_smooth;          /* batches that it was in without trouble, less those with */
    bool is_small;              /* the answers that it has had were */
    unsigned n_alone;           /* so often it is to run by itself, as it has been too slow for others to wait for */
    struct adb__pg_shape shape; /* its one piece of memory is at columns */
};

bool adb__pg_cache_open(struct adb__pg *conn);
void adb__pg_cache_close(struct adb__pg *conn);
/* Find the statement prepared, or prepare it when it is worth it. *prepared_out NULL: to be run without. With
 * must_describe it is prepared at once, so that its columns are known before it runs. */
adb_status adb__pg_prepare(struct adb__pg *conn, const struct adb__statement *statement, bool must_describe,
                           struct adb__pg_prepared **prepared_out, adb_error *error);
/* Give up a prepared statement that the server does not honour any more, as it has said so. */
void adb__pg_prepared_forget(struct adb__pg *conn, struct adb__pg_prepared *prepared, const PGresult *failure);
/* Is an answer so small that it may be held whole? */
bool adb__pg_is_small(size_t n_rows, size_t n_bytes);
/* Forget what a statement with this tag may have changed: give up all that is prepared where it may be stale, which
 * costs a transaction to find out. */
void adb__pg_prepared_doubt(struct adb__pg *conn, const char *tag);
/* What a failure says of the prepared statement that it is of. */
enum adb__pg_staleness {
    ADB__PG_FRESH,    /* nothing */
    ADB__PG_DOUBTFUL, /* the types of its parameters may be those of a table that has changed since */
    ADB__PG_STALE     /* the server does not know it any more, or not with these columns */
};
enum adb__pg_staleness adb__pg_staleness_of(const PGresult *failure);

/* Describe a result. In the arena, or as one piece of memory when arena is NULL. ADB_E_NOMEM. */
adb_status adb__pg_shape_init(struct adb__pg_shape *shape, const struct adb__pg_names *names, const PGresult *result,
                              struct adb__arena *arena, adb_error *error);
/* Has the result the columns that were described? */
bool adb__pg_shape_fits(const struct adb__pg_shape *shape, const PGresult *result);

/* Results (postgresql_result.c) ------------------------------------------------------------------------------------ */

/* Give the rows of a result to the sink. As adb__sink_row_end(). */
adb_status adb__pg_rows_give(const struct adb__pg_shape *shape, const PGresult *result, struct adb__sink *sink,
                             adb_error *error);
/* What a statement says at its end: adds the rows that it changed, if it is one that changes. */
void adb__pg_count(const PGresult *result, struct adb_result *total);

/* The driver slots, and the parts of execute (postgresql_statement.c, _pipeline.c, _wal.c, _many.c, _copy.c, _listen.c)
 * ---- */

/* Reset what the last call has left in conn, note what this one does to the session, and notice a connection that was
 * lost meanwhile: nothing has been sent then. */
adb_status adb__pg_begin_call(struct adb__pg *conn, const struct adb__statement *statement, adb_error *error);
adb_status adb__pg_execute(void *conn, const struct adb__statement *statement, struct adb__sink *sink,
                           adb_error *error);
adb_status adb__pg_execute_many(void *conn, const struct adb__statement *statement, const adb_value *const *sets,
                                size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error);
void adb__pg_pipeline(void *conn, struct adb__pipeline *pipeline);
/* Parts of a pipeline of libpq: from here on the transaction is read-only, until it ends; and its end. Without that no
 * answer would ever come, so the connection goes when it cannot be sent. */
bool adb__pg_send_telling(struct adb__pg *conn);
void adb__pg_send_sync(struct adb__pg *conn);
/* One flush for several transactions (postgresql_wal.c): may they on this connection? Asks the server the first
 * time. */
bool adb__pg_wal_is_shared(struct adb__pg *conn);
/* Parts of a pipeline: commits are not waited for from here on; they are again; and one that is waited for. */
bool adb__pg_wal_send_begin(struct adb__pg *conn);
bool adb__pg_wal_send_end(struct adb__pg *conn);
bool adb__pg_wal_send_flush(struct adb__pg *conn);
/* The last two without a pipeline. A failure leaves the connection of no use. */
adb_status adb__pg_wal_flush(struct adb__pg *conn, adb_error *error);
/* Feed a COPY … FROM STDIN that the server has begun; what it says of it is the next result. */
adb_status adb__pg_copy_in(struct adb__pg *conn, struct adb__source *source, adb_error *error);
/* Read a COPY … TO STDOUT that the server has begun. */
adb_status adb__pg_copy_out(struct adb__pg *conn, struct adb__sink *sink, adb_error *error);
/* End a copy that nobody feeds or reads. */
void adb__pg_end_copy(struct adb__pg *conn, ExecStatusType kind);
adb_status adb__pg_listen(struct adb__pg *conn, struct adb__sink *sink, adb_error *error);

/* Errors (postgresql_error.c) -------------------------------------------------------------------------------------- */

/* The status for an SQLSTATE of a server that is there, and the flags in a transaction. */
adb_status adb__pg_sqlstate(const char *sqlstate, unsigned *flags_out);
/* What became of the present call. failure NULL: libpq itself refused, or the connection is lost. Call it when all
 * results have been read: only then is it known whether the connection is there. */
adb_status adb__pg_error(struct adb__pg *conn, const PGresult *failure, adb_error *error);
/* As adb__pg_error(), and clears the failure. */
adb_status adb__pg_error_take(struct adb__pg *conn, PGresult *failure, adb_error *error);
/* Why an attempt to connect failed; pg may be NULL. */
adb_status adb__pg_connect_error(PGconn *pg, adb_error *error);
adb_status adb__pg_no_memory(adb_error *error);
/* The server has ended a statement without a word of what became of it: this answer is to something else, and the
 * connection is given up. */
adb_status adb__pg_out_of_step(struct adb__pg *conn, adb_error *error);

#endif
