/* SPDX-License-Identifier: BSD-3-Clause */
/* A database: a URL, its options and its pool of workers. Open, connect, close, and look at the figures. */
#ifndef ASYNCDB_DATABASE_H
#define ASYNCDB_DATABASE_H

#include <asyncdb/in_place.h>
#include <asyncdb/url.h>
#include <asyncdb/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A database handle. Any thread may use it. */
typedef struct adb_database adb_database;

/** The blocking face of a connection; see asyncdb/session.h. */
typedef struct adb_session adb_session;

/** Levels of the log; an event is written when its level is not above adb_options.log_level. */
typedef enum adb_log_level {
    ADB_LOG_ERROR = 1, /**< Something was lost or broke; errors that nobody looked at. */
    ADB_LOG_WARN = 2,  /**< It went on, but somebody should know. */
    ADB_LOG_INFO = 3,  /**< Connect, disconnect. */
    ADB_LOG_DEBUG = 4  /**< Each statement. */
} adb_log_level;

/**
 * Receives one line of the log.
 *
 * Which thread: any, also several at once. How often: once a line. Locks: none held. May call: nothing that waits.
 * Lifetime: line ends with the call; it has no line break and never a password.
 */
typedef void (*adb_log_cb)(adb_log_level level, const char *line, void *user_data);

/**
 * Works on a connection of the pool at a turn of its life: on_connect, on_acquire, on_release.
 *
 * Which thread: the worker that owns it. How often: once per turn. Locks: none held. May call: the adb_session_…
 * functions, but nothing that waits for other jobs of this database. Lifetime: session ends with the call. Anything but
 * ADB_OK closes the connection; see the option for what becomes of the job. A transaction that it leaves open is rolled
 * back. On a server no statement of it may take longer than seconds: then the connection is broken.
 */
typedef adb_status (*adb_connect_cb)(adb_session *session, void *user_data);

/**
 * Says how this one attempt to connect is to be made: with a password that expires, to a host that was just looked up.
 *
 * Which thread: the worker that connects, two at once for one server. How often: once per attempt, after the wait for its
 * turn; also for the connection of adb_listen() and for replicas. Locks: none held. May call: adb_url_set_user() and the
 * others that change a URL, and what takes its time (a token service), but nothing that waits for this database.
 * Lifetime: url is a copy for this attempt and the connection that comes of it: what it is set to is copied, and the
 * password masked wherever the connection is logged. The dialect stays. Anything but ADB_OK is a failed attempt with that
 * status, and with the message put into error, if any.
 */
typedef adb_status (*adb_before_connect_cb)(adb_url *url, adb_error *error, void *user_data);

/** A setting to be run on each new SQLite connection as PRAGMA name = value. */
typedef struct adb_pragma {
    const char *name;  /**< Such as "synchronous". */
    const char *value; /**< Such as "full". */
} adb_pragma;

/** One call of a user's SQL function; see adb_function. */
typedef struct adb_function_call adb_function_call;

/**
 * Computes a scalar SQL function (SQLite).
 *
 * Which thread: the worker that runs the statement, several at once. How often: once per use in a row. Locks: none held.
 * May call: adb_function_return() and adb_function_fail(), nothing else of the library. Lifetime: arguments end with the
 * call. Without a call of adb_function_return() the result is NULL.
 */
typedef void (*adb_function_cb)(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data);

/** A scalar SQL function to be defined on each new SQLite connection. */
typedef struct adb_function {
    const char *name;         /**< As SQL calls it. */
    int n_arguments;          /**< -1: any number. */
    bool deterministic;       /**< Same arguments, same result: may be used in indexes. */
    adb_function_cb function; /**< Computes it. */
    void *user_data;          /**< Handed to function untouched. */
} adb_function;

/**
 * How a database is opened. Build it with ADB_OPTIONS(); a zero field means its default.
 *
 * Options given here win over the same keys in the URL. Texts and arrays are copied by adb_database_open().
 * Milliseconds: 0 is the default, negative is for ever (or never, for limits).
 */
typedef struct adb_options {
    size_t size;             /**< sizeof this struct; set by ADB_OPTIONS(). */

    /* The pool */
    unsigned max_size;       /**< Most connections, and so threads. Default 10, at most 256. SQLite: one writer, and
                                  the rest readers; default 1 + min(4, CPUs). */
    unsigned min_size;       /**< Connections opened by connect and kept when idle. Default 1. */
    unsigned queue_capacity; /**< Jobs accepted and not yet delivered. Default 4096, at most 1048576. */
    bool unpooled;           /**< pool=none: open and close a connection for each run of a lane. */
    bool ungrouped;          /**< group_commit=off: no write waits for the disk together with others. */
    int wait_timeout_ms;     /**< Longest wait of a lane for a worker, and of that for its turn to connect. Default
                                  30000. */
    int connect_timeout_ms;  /**< Per attempt to connect. Default 10000. */
    int timeout_ms;          /**< Default deadline of a job, from submission to its end. Default: none. */
    int idle_timeout_ms;     /**< Close connections above min_size that were idle for so long, and up to 10 % more at
                                  random. Default 600000. */
    int lifetime_ms;         /**< Replace connections of this age, less up to 10 % at random. Default 1800000. */
    int check_after_ms;      /**< Check a connection before use when it was idle for so long. Default 1000. */
    int idle_in_transaction_ms; /**< Roll back a transaction of a context that has had no job for so long, and give its
                                  connection back: its later jobs fail with ADB_E_TRANSACTION_LOST. Default: never. */
    int statement_cache;     /**< Prepared statements kept per connection. Default 128; negative: none. */

    /* Sessions */
    bool read_only;          /**< Refuse writes in the session itself. */
    bool force_rollback;     /**< One connection for all contexts, inside a transaction that close rolls back. */
    adb_before_connect_cb before_connect; /**< Before each attempt to connect: credentials that expire. */
    void *before_connect_data; /**< Handed to before_connect untouched. */
    adb_connect_cb on_connect; /**< Once per connection, before its first job, which fails when this does. */
    void *on_connect_data;     /**< Handed to on_connect untouched. */
    adb_connect_cb on_acquire; /**< Whenever a lane gets a connection (for a run of jobs, or until its transaction or
                                    acquire ends), before its first job there, which fails when this does. With one of
                                    these two, contexts share no snapshots and no commits. */
    void *on_acquire_data;     /**< Handed to on_acquire untouched. */
    adb_connect_cb on_release; /**< Whenever a lane gives a connection back that is still good, with no transaction open.
                                    No job fails by it. */
    void *on_release_data;     /**< Handed to on_release untouched. */
    const adb_pragma *pragmas;     /**< SQLite only. Run in order, before on_connect. */
    size_t n_pragmas;              /**< How many. */
    const adb_function *functions; /**< SQLite only. */
    size_t n_functions;            /**< How many. */

    /* In place of what the URL says; NULL or 0: as in the URL */
    const char *user;        /**< Not encoded, like those below. */
    const char *password;    /**< Kept out of the log. */
    const char *host;        /**< A name, an address, or a socket's folder. */
    unsigned port;           /**< 1 to 65535. */
    const char *database;    /**< The name or file. */

    /* Replicas: URLs of read-only copies, for contexts with ADB_CONTEXT_REPLICA */
    const char *const *replicas; /**< Copied; each of the same kind as the database itself. */
    size_t n_replicas;           /**< How many. */

    /* Log */
    adb_log_cb log;          /**< Default: errors and warnings to stderr. */
    void *log_data;          /**< Handed to log untouched. */
    adb_log_level log_level; /**< Default ADB_LOG_WARN. */
    bool log_values;         /**< Write the values of parameters too, cut at 64 bytes each. They may be secrets. */

    /* Iterate */
    size_t batch_rows;       /**< Most rows of a batch. Default 4096; it begins with 1024, and grows while rows come and
                                  go quickly. */
    size_t batch_bytes;      /**< Hand over a batch of this size. Default 262144; likewise from 65536 on. */
} adb_options;

/**
 * Options in place: ADB_OPTIONS(.max_size = 20, .force_rollback = true).
 *
 * Like all that is made in place, they are valid to the end of the enclosing block in C, and of the whole expression in
 * C++, where fields stand in their order.
 */
#define ADB_OPTIONS(...) ADB__IN_PLACE(adb_options, __VA_ARGS__)

/** Isolation of a transaction, weakest first. */
typedef enum adb_isolation {
    ADB_ISOLATION_DEFAULT = 0,      /**< The database's own. */
    ADB_ISOLATION_READ_UNCOMMITTED, /**< Sees what others have not committed. */
    ADB_ISOLATION_READ_COMMITTED,   /**< Each statement sees what was committed before it. */
    ADB_ISOLATION_REPEATABLE_READ,  /**< What was read once reads the same again. */
    ADB_ISOLATION_SERIALIZABLE      /**< As if transactions ran one after the other. */
} adb_isolation;

/** What a failed job does to its transaction level. */
typedef enum adb_on_error {
    ADB_ON_ERROR_FAIL = 0, /**< It fails the level: later jobs of it are not run, and commit rolls back and says so. */
    ADB_ON_ERROR_CONTINUE  /**< The database's own way. */
} adb_on_error;

/** When a SQLite transaction takes its locks. */
typedef enum adb_lock {
    ADB_LOCK_DEFAULT = 0, /**< Immediate, or deferred when read-only. */
    ADB_LOCK_DEFERRED,    /**< Each lock when first needed. */
    ADB_LOCK_IMMEDIATE,   /**< That of writers at once. */
    ADB_LOCK_EXCLUSIVE    /**< All at once; without WAL nobody else reads either. */
} adb_lock;

/**
 * How a transaction begins, fails and ends. A zero field means its default.
 *
 * A nested level (a savepoint) takes isolation, read_only, deferrable and lock from the outermost: they must be zero
 * there, or the same.
 */
typedef struct adb_transaction_options {
    size_t size;             /**< sizeof this struct; set by ADB_TRANSACTION(). */
    adb_isolation isolation; /**< What the database has not is ADB_E_UNSUPPORTED. */
    bool read_only;          /**< Refuse writes. */
    bool deferrable;         /**< PostgreSQL: a serializable read-only transaction that never fails but may wait. */
    adb_lock lock;           /**< SQLite only. */
    adb_on_error on_error;   /**< What a failed job does to it. */
    bool force_rollback;     /**< Roll back at the end in any case; commit then is ADB_OK all the same. */
    unsigned retries;        /**< adb_transact(): further attempts after a failure that allows one, also after the loss of
                                  the connection when no commit was sent. At most 1000. */
    int backoff_ms;          /**< Pause before the first retry, doubled each time up to 1 s, full jitter. Default 10. */
    bool traced;             /**< The outermost level asks for its id before it commits, which costs a short statement, so
                                  that a commit whose answer was lost can be resolved: adb_transact() does so by itself,
                                  else adb_result_transaction_id() and adb_resolve(). PostgreSQL; no effect elsewhere. */
} adb_transaction_options;

/** Transaction options in place: ADB_TRANSACTION(.read_only = true). */
#define ADB_TRANSACTION(...) ADB__IN_PLACE(adb_transaction_options, __VA_ARGS__)

/** The figures of one database at one moment. Set size, then call adb_database_stats(). */
typedef struct adb_stats {
    size_t size;             /**< sizeof this struct; set by the caller. */

    /* Now */
    unsigned workers;        /**< Threads: idle, busy, held and connecting ones together. */
    unsigned idle;           /**< With a connection and nothing to do. */
    unsigned busy;           /**< Running a job. */
    unsigned held;           /**< Kept by a lane between its jobs: open transaction, acquired, paused iterate. */
    unsigned connecting;     /**< Opening a connection, or waiting for their turn to. */
    unsigned connections;    /**< Open ones. */
    unsigned listening;      /**< Open beside them, for adb_listen(): 0 or 1. */
    size_t contexts;         /**< Open handles. */
    size_t jobs_waiting;     /**< Accepted and not begun. */
    size_t jobs_running;     /**< On a worker. */
    size_t jobs_undelivered; /**< Done, and waiting for their thread. */
    int64_t oldest_wait_ms;  /**< Of the waiting jobs; 0 when none waits. */

    /* Since open */
    uint64_t accepted;       /**< Submissions that became jobs. */
    uint64_t refused;        /**< Submissions that were not accepted. */
    uint64_t completed;      /**< Jobs that ended well. */
    uint64_t failed;         /**< Jobs that ended otherwise, cancelled and timed out ones not counted. */
    uint64_t cancelled;      /**< Jobs that ended as ADB_E_CANCELLED. */
    uint64_t timed_out;      /**< Jobs that ended as ADB_E_TIMEOUT. */
    uint64_t dirty_returns;  /**< Transactions that nobody owned, rolled back. */
    uint64_t retries;        /**< Attempts of adb_transact() after the first. */
    uint64_t opened;         /**< Connections opened. */
    uint64_t open_failures;  /**< Attempts to open one that failed. */
    uint64_t closed_idle;    /**< Connections closed, by reason: above min_size, and idle for idle_timeout_ms. */
    uint64_t closed_lifetime; /**< Older than lifetime_ms. */
    uint64_t closed_lost;    /**< Found dead, or lost under a job. */
    uint64_t closed_dirty;   /**< Could not be rolled back, or refused by on_acquire or on_release. */
    uint64_t closed_unpooled; /**< Used once, as adb_options.unpooled wants it. */
    uint64_t closed_close;   /**< By adb_database_close(). */
    uint64_t closed_role;    /**< The server only reads, although it should write. */
    uint64_t group_commits;  /**< Waits for the disk that several jobs shared (SQLite, PostgreSQL). */
    uint64_t pipelined;      /**< Reads that were sent together with others (PostgreSQL, MySQL). */
} adb_stats;

/**
 * Return a value from a SQL function.
 *
 * @param call   What the function was called with.
 * @param value  Not a list. Text and blobs are copied.
 *
 * Ownership: copies the value.
 * Blocking:  never.
 * Threads:   only inside the adb_function_cb.
 * Since:     0.1
 */
ADB_API void adb_function_return(adb_function_call *call, adb_value value);

/**
 * Let a SQL function fail, and its statement with it.
 *
 * @param call     What the function was called with.
 * @param message  One line; becomes the error's message.
 *
 * Ownership: copies the message.
 * Blocking:  never.
 * Threads:   only inside the adb_function_cb.
 * Since:     0.1
 */
ADB_API void adb_function_fail(adb_function_call *call, const char *message);

/**
 * Make a database handle.
 *
 * Parses and checks the URL and the options. Nothing is opened and no thread started before the first job or
 * adb_database_connect().
 *
 * @param url      Such as "sqlite:///relative.db", "sqlite:////absolute.db", "sqlite://" (in memory).
 * @param options  NULL for the defaults; else with size set, as ADB_OPTIONS() does.
 * @param db_out   Receives the handle; untouched on failure.
 * @param error    Receives the detail of a failure; may be NULL.
 *
 * @return ADB_OK, ADB_E_URL, ADB_E_OPTION, ADB_E_DRIVER, ADB_E_INVAL, ADB_E_NOMEM.
 *
 * Ownership: copies @p url and @p options; the caller owns the handle.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_database_open(const char *url, const adb_options *options, adb_database **db_out,
                                     adb_error *error);

/**
 * Open min_size connections now, so that wrong credentials or paths show here. Optional; idempotent.
 *
 * After adb_database_close() it opens the database for use again.
 *
 * @param db          A database.
 * @param timeout_ms  Milliseconds; negative waits for ever.
 * @param error       Receives the detail of a failure; may be NULL.
 *
 * @return ADB_OK, or why the first connection could not be opened; ADB_E_TIMEOUT; ADB_E_DEADLOCK on a worker thread;
 *         ADB_E_STATE while the database is closing.
 *
 * Ownership: nothing changes hands.
 * Blocking:  up to timeout_ms.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_database_connect(adb_database *db, int timeout_ms, adb_error *error);

/**
 * Tell whether the database is open for jobs and has a connection.
 *
 * @param db  A database.
 * @return true when both are so at this moment.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_database_is_connected(const adb_database *db);

/**
 * Stop: refuse new jobs, let accepted ones end, then cancel what is left, and join the workers.
 *
 * Half of the time is for letting jobs end. What remains then is cancelled and ends as ADB_E_CLOSED; a worker that does
 * not come back from its client library is left behind, its job completed with ADB_ERROR_OUTCOME_UNKNOWN. Outcomes that
 * nobody has dispatched are delivered here, on the calling thread. Open transactions are rolled back. Idempotent.
 *
 * @param db          A database or NULL.
 * @param timeout_ms  Milliseconds; 0 cancels at once, negative lets jobs end for ever, and then gives the workers ten
 *                    seconds to come home.
 *
 * @return ADB_OK when everything ended by itself; ADB_E_TIMEOUT when jobs had to be cancelled or a worker was left
 *         behind: either way the database is closed and none of its callbacks will run any more.
 * @return ADB_E_DEADLOCK on a worker thread, ADB_E_STATE when another thread is closing it at this moment, ADB_E_FORKED:
 *         nothing was done.
 *
 * Ownership: nothing changes hands.
 * Blocking:  up to timeout_ms (and what the callbacks take); what has to be cancelled gets a quarter of a second at least.
 * Threads:   any but workers, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_status adb_database_close(adb_database *db, int timeout_ms);

/**
 * Give up the handle; closes with a timeout of 0 when that was not done.
 *
 * Contexts keep what they need: they may be freed before or after.
 *
 * @param db  A database or NULL.
 *
 * Ownership: the caller's handle ends.
 * Blocking:  as adb_database_close(db, 0) when still open.
 * Threads:   any but workers.
 * Since:     0.1
 */
ADB_API void adb_database_free(adb_database *db);

/**
 * Get the URL that the database was opened with, options merged in.
 *
 * @param db  A database.
 * @return The URL; NULL for NULL.
 *
 * Ownership: borrowed; valid as long as the handle.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const adb_url *adb_database_url(const adb_database *db);

/**
 * Get the options in force: defaults, URL and what was given to open, merged.
 *
 * @param db  A database.
 * @return The options; those that nobody gave have their defaults. NULL for NULL.
 *
 * Ownership: borrowed; valid as long as the handle.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const adb_options *adb_database_options(const adb_database *db);

/**
 * Name the database's driver: "sqlite", "postgresql", "mysql".
 *
 * @param db  A database.
 * @return The name; NULL for NULL.
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_database_driver(const adb_database *db);

/**
 * List the drivers of this build.
 *
 * @param index  From 0.
 * @return The driver's name, or NULL beyond the last.
 *
 * Ownership: static text.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_driver_name(size_t index);

/**
 * Take a snapshot of the figures.
 *
 * Each figure is true at some moment of the call; together they need not add up.
 *
 * @param db         A database.
 * @param stats_out  With size set to sizeof(adb_stats).
 * @return ADB_OK; ADB_E_INVAL for NULL, and for a size that this library does not know; ADB_E_FORKED.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_database_stats(const adb_database *db, adb_stats *stats_out);

#ifdef __cplusplus
}
#endif

#endif
