/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver contract: one blocking client library behind ten slots.
 *
 * The core allocates conn_size zeroed bytes per connection and passes them as conn. Calls on one connection never
 * overlap and always come from the worker that opened it, except cancel(). No call is made with a lock held. A slot is
 * never NULL, but for pipeline. A driver knows one database and no thread: it blocks, and it asks stop_fn whenever it
 * can. */
#ifndef ADB_DRIVERS_DRIVER_H
#define ADB_DRIVERS_DRIVER_H

#include "base/buf.h"
#include "base/log.h"
#include "model/dialect.h"
#include "model/sink.h"
#include "model/statement.h"

#include <asyncdb/database.h>
#include <asyncdb/url.h>

/* Which of a database's connections this is. A database without roles has only ADB__ROLE_WRITER. */
enum adb__role { ADB__ROLE_WRITER = 0, ADB__ROLE_READER = 1, ADB__N_ROLES = 2 };

enum adb__cancel_how {
    ADB__CANCEL_ASK,    /* ask the database to stop the running statement */
    ADB__CANCEL_SEVER   /* break the connection under it, so that the call returns: the last resort */
};

enum adb__txn_state {
    ADB__TXN_NONE,      /* not inside a transaction */
    ADB__TXN_OPEN,
    ADB__TXN_FAILED,    /* open, and only a rollback is possible (PostgreSQL) */
    ADB__TXN_UNKNOWN    /* cannot be told: the connection is lost */
};

enum adb__check_how {
    ADB__CHECK_PING,    /* is an idle connection still good? */
    ADB__CHECK_RESET    /* the same, and drop session state left by the lane that had it, unless that ended a transaction */
};

/* Everything a connection is opened with. All of it outlives the connection. */
struct adb__open {
    const adb_url *url;             /* options of the caller already merged in */
    const adb_options *options;
    enum adb__role role;
    bool read_only;                 /* a replica or read-only database: refuse writes in the session itself */
    const char *anchor;             /* a name that is unique to the database handle ("adb-17-3"): for shared memory databases */
    const struct adb__log *log;
    int64_t deadline;               /* for open(); base/clock.h */
    bool (*stop_fn)(void *stop_data); /* true: the running call should give up soon. From any point of the driver. */
    void *stop_data;
    int wake_fd;                    /* readable when stop_fn is to be asked at once; -1: none. Only a listener has one */
};

/* How several autocommit writes share what a commit costs. */
enum adb__group_kind {
    ADB__GROUP_NONE,
    ADB__GROUP_SAVEPOINTS, /* they are savepoints of one transaction: nobody else writes meanwhile anyway */
    ADB__GROUP_FLUSH       /* each is a transaction, and the log is flushed once for all: pipeline() takes writes */
};

/* What the core may know of a database before it has a connection. */
struct adb__layout {
    unsigned max_writers;   /* 0: as many as the options allow */
    unsigned max_readers;   /* 0: the database has no roles, the writers do all */
    enum adb__group_kind group_commit; /* a commit costs so much that several autocommit writes had better share it */
    bool shared_reads;      /* a snapshot costs so much that several selects had better share it */
    bool pipelines;         /* a round trip costs so much that several reads had better be sent together: pipeline() */
    bool answers_together;  /* the answers of a pipeline come in one go, and not one by one */
    bool tells_in_pipeline; /* to tell the server there that a read must not write costs no round trip: even one by
                             * itself is sent so */
    bool backs_off;         /* a server on a network, that others use too: attempts to connect are few and spaced, calls
                             * that nobody waits for are guarded, cancels may block, what one connection learns all do */
    bool keep_open;         /* the data lives in the connection (SQLite :memory:): never close it when idle */
};

/* What a database has beyond the ten slots, in the flags of a statement. */
enum {
    ADB__CAN_COPY = 1u << 0,  /* COPY FROM STDIN and TO STDOUT: statement->source, ADB__STMT_COPY_OUT */
    ADB__CAN_LISTEN = 1u << 1, /* LISTEN: ADB__STMT_LISTEN */
    ADB__CAN_WHOLE = 1u << 2  /* a transaction around many sets costs no round trip: ADB__STMT_WHOLE */
};

/* One statement of a pipeline, and what has become of it. */
struct adb__call {
    bool follows;                           /* of writes: not to be sent before all calls before it have ended */
    const struct adb__statement *statement; /* NULL after some wait_fn or stop_fn: it is not to be sent any more */
    struct adb__sink *sink;                 /* to be touched only after begin_fn */
    adb_status status; /* as of execute(), or ADB__RUN_ALONE; set before end_fn */
    adb_error *error;
};

/* Statements that are sent together and answered one by one. The functions are the core's: the driver calls them from
 * within pipeline(), and they may deliver outcomes, but make no call on the connection. */
struct adb__pipeline {
    struct adb__call *calls;
    size_t n_calls;
    /* The answer of this call is the next one to be read; of the first call, before anything is sent. From here on
     * stop_fn and cancel() are about it. False: nobody wants it any more; it is not sent, or its answer is read and
     * dropped. Its sink is gone. */
    bool (*begin_fn)(struct adb__pipeline *pipeline, struct adb__call *call);
    /* A call that was begun and wanted is over. */
    void (*end_fn)(struct adb__pipeline *pipeline, struct adb__call *call);
    /* The driver is about to wait for the server. */
    void (*wait_fn)(struct adb__pipeline *pipeline);
    bool glances; /* wait_fn is to be called once more when an answer takes longer than a millisecond */

    /* Writes: each is a transaction of its own, whose commit is not waited for until it is durable; in the end one
     * flush makes all of them so. Each is taken before it is sent, and what was taken is begun and ended, whatever
     * happens. */
    bool writes;
    /* The call is about to be sent. False: nobody wants it, and it may be gone. Asked once of each. */
    bool (*take_fn)(struct adb__pipeline *pipeline, struct adb__call *call);
    bool refused;          /* the driver's: not on this connection; nothing was taken */
    adb_status durable;    /* the driver's: what came of the flush. Not ADB_OK: calls that ended well may be lost yet */
    adb_error flush_error;
};

struct adb__driver {
    const char *scheme;     /* canonical: "sqlite" */
    size_t conn_size;
    unsigned can;           /* ADB__CAN_… */
    struct adb__dialect dialect;
    const char *const *options; /* URL keys that this driver knows beyond the common ones, ended by NULL; "server." stands
                                   for all that begin so */

    /* Check URL and options without I/O (bad values: ADB_E_OPTION, ADB_E_URL), and say how many connections of which
     * role. */
    adb_status (*configure)(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                            adb_error *error);

    /* Connect. On failure fill *error; close() is still called. */
    adb_status (*open)(void *conn, const struct adb__open *open, adb_error *error);

    /* Release everything. Safe on zeroed and half-opened state. Cannot fail. */
    void (*close)(void *conn);

    /* Run one statement and give what it yields to the sink: columns, rows, and in sink->result affected and
     * last_insert_id. ADB__NEED_WRITER, before any effect: this connection may not run it, the writer may. A lost
     * connection is ADB_E_CONNECTION with ADB_ERROR_CONNECTION_LOST, and _OUTCOME_UNKNOWN when the statement may have
     * run. After any return the connection can take the next call, or says so in transaction_state(). */
    adb_status (*execute)(void *conn, const struct adb__statement *statement, struct adb__sink *sink, adb_error *error);

    /* Run one statement with each of n_sets value arrays, in order, stopping at the first failure; *failed_out is its
     * index. result->affected is the sum. The core has opened a transaction or savepoint around it when it must be
     * atomic, or says so (ADB__STMT_WHOLE); it also says when each set stands for itself inside a transaction that one
     * would fail (ADB__STMT_APART). */
    adb_status (*execute_many)(void *conn, const struct adb__statement *statement, const adb_value *const *sets,
                               size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error);

    /* Run the calls of a pipeline in their order, sending many before the first is answered. Each is a statement with
     * ADB__STMT_PURE, outside any transaction and one of its own, or of several where nobody can tell; none changes
     * what becomes of another. What cannot be sent together, or would need more than its own answer, ends with
     * ADB__RUN_ALONE. When the connection is lost, the call that was begun ends with that, and the rest is not begun.
     * Writes (pipeline->writes) have ADB__STMT_WRITES instead, and none may keep the outcomes of the others back for
     * long: one that is slow is undone, and ends with ADB__RUN_ALONE. NULL where no layout has pipelines. */
    void (*pipeline)(void *conn, struct adb__pipeline *pipeline);

    /* Cheap check between two lanes. ADB_E_CONNECTION means reconnect. */
    adb_status (*check)(void *conn, enum adb__check_how how, adb_error *error);

    /* From any thread, while a call runs on conn. A late, lost or repeated request is harmless. To ask may block, for a
     * few seconds at most. To sever may not block at all, comes from a thread that holds a lock, and may come while
     * open() runs: a driver publishes the descriptor of a new connection to cancel() as soon as it has one. */
    void (*cancel)(void *conn, enum adb__cancel_how how);

    /* The true state, from the client library. */
    enum adb__txn_state (*transaction_state)(void *conn);

    /* The client library's own handle, for adb_session_native(). */
    void *(*native)(void *conn);
};

/* execute() on a reader: nothing has happened, give the statement to the writer. */
#define ADB__NEED_WRITER ((adb_status)2)

/* A call of a pipeline: nothing has come of it (it was not sent, its plan is out of date, or a cancel that was meant
 * for the call before has hit it). It is to be executed by itself. */
#define ADB__RUN_ALONE ((adb_status)3)

#endif
