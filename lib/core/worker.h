/* SPDX-License-Identifier: BSD-3-Clause */
/* One thread, one blocking connection, one loop: take a ready lane, run its jobs in order, give it back. */
#ifndef ADB_CORE_WORKER_H
#define ADB_CORE_WORKER_H

#include "base/log.h"
#include "base/ref.h"
#include "core/gate.h"
#include "core/guard.h"
#include "core/job.h"
#include "core/pool.h"
#include "core/post.h"
#include "drivers/driver.h"
#include "queue/gather.h"
#include "queue/park.h"
#include "queue/spin.h"

/* Jobs of one lane in a row while other lanes wait. */
#define ADB__WORKER_RUN 16

enum adb__worker_state {
    ADB__WORKER_GONE, /* no thread */
    ADB__WORKER_IDLE, /* between two jobs, searching or asleep: lanes that are ready will be seen */
    ADB__WORKER_BUSY,
    ADB__WORKER_HELD, /* by a lane, between its jobs */
    ADB__WORKER_CONNECTING,
    ADB__N_WORKER_STATES
};

/* Why a connection was closed, for the statistics. */
enum adb__close_reason {
    ADB__CLOSED_IDLE,
    ADB__CLOSED_LIFETIME,
    ADB__CLOSED_LOST,
    ADB__CLOSED_DIRTY,
    ADB__CLOSED_UNPOOLED,
    ADB__CLOSED_CLOSE,
    ADB__CLOSED_ROLE,
    ADB__N_CLOSE_REASONS
};

/* What it costs to wake another worker. Less work than that is done sooner without. */
#define ADB__WORKER_WAKE_NS 10000

struct adb__ear;
struct adb__pipelining;

struct adb__worker {
    struct adb__pool *pool;
    struct adb_database *db;        /* referenced while the thread lives */
    pthread_t thread;
    bool joinable;                  /* lock of the pool */
    bool retired;                   /* has left the count of the pool already; lock of the pool */
    struct adb__counter eager;      /* connect without waiting for a job: one of the least number of connections */
    struct adb__worker *next_orphan; /* lock of the pool */
    struct adb__counter orphaned;   /* left behind by close: go home as soon as possible */
    struct adb__parker parker;
    struct adb__sleeper sleeper;
    struct adb__spin spin;          /* for the next lane; the thread's own */
    struct adb__gather gather;      /* lanes; the thread's own */
    struct adb__spin hold_spin;     /* for the next job of a lane that it holds; the thread's own */
    bool deals;                     /* it counts as one that deals; see core/deal.h; the thread's own */
    bool roves;                     /* it counts as searching while it runs quick lanes; the thread's own */
    bool searches;                  /* it is the searcher, between two lanes; the thread's own */
    bool stays;                     /* its park counts on it, as it runs nothing but quick pipelines; the thread's own */
    int64_t took_at;                /* the thread's own: when it got the first lane since it looked at the clock, */
    unsigned n_lanes;               /* how many it has attended since, */
    uint64_t head_before;           /* how many all had attended then, */
    bool in_company;                /* whether others attended as many since, the time before, */
    int64_t pace_ns;                /* and how long each takes */
    long n_waits;                   /* adb__machine_waits(), when it looked last; the thread's own */
    struct adb__counter state;      /* enum adb__worker_state */
    struct adb__counter completed;  /* jobs that ended well; the thread's own */
    struct adb__place place;        /* at the gate of the server */
    struct adb__guard guard;

    /* The thread's own */
    void *conn;                     /* conn_size bytes; also read by who is inside CANCELLING, when it cannot change */
    struct adb__open open;          /* what conn was opened with: the driver keeps a pointer to it */
    adb_url *own_url;               /* the one that before_connect has changed; NULL: the server's is open.url */
    struct adb__log log;            /* the database's, and masks the password of open.url */
    int64_t epoch;                  /* of the connection; core/server.h */
    bool is_guarded;
    bool is_checked_out;            /* on_acquire has run, on_release is still to run */
    bool may_give_way;              /* its lane can be served by those of its pool that have a connection */
    bool gives_way;                 /* it has none and gets none now: it gives the lane back, and goes */
    bool is_open;
    bool is_broken;                 /* lost: to be closed when the job is over */
    bool is_clean;                  /* adb__worker_clean() has looked since the last job */
    bool acted;                     /* the connection was used for the lane that is attended */
    bool base_open;                 /* the transaction of force_rollback */
    bool in_group;                  /* a transaction that several jobs share is open */
    bool in_share;                  /* that transaction is a snapshot of selects; see core/share.c */
    unsigned share_left;
    uint64_t share_number;          /* of that; see queue/snapshots.h */
    int64_t group_not_before;
    int64_t used_at;
    int64_t idle_ns;                /* that long it may idle: the option, and up to 10 % at random; ADB__NEVER */
    int64_t expires_at;             /* of the connection: lifetime */
    struct adb__job *job;           /* running */
    int64_t answer_ns;              /* how long the database takes for each of several that are on their way, */
    int64_t way_ns;                 /* and how long the way is, there and back */
    struct adb__pipelining *pipeline; /* several are on their way; NULL: not. See core/pipeline.c */
    bool gathers;                   /* several outcomes are delivered together */
    struct adb__outbox outbox;      /* outcomes of those */
    struct adb__poster poster;      /* where its outcomes go at present, and how */
    const struct adb__lane *last_lane; /* the one before, to compare; it may be gone */
    struct adb__lane *next_lane;    /* the next one, popped and attended already; NULL: ask the ready queue */
    uint64_t random;

    /* A worker that is in no pool: the connection of a listener; see core/ear.h */
    struct adb__ear *ear;           /* NULL: a pool's worker */
    int wake_fd;                    /* for the driver; -1: none */
};

struct adb__worker *adb__worker_new(struct adb__pool *pool);
void adb__worker_free(struct adb__worker *worker);
/* Start its thread; 0 or an errno. */
int adb__worker_start(struct adb__worker *worker);

static inline void adb__worker_set_state(struct adb__worker *worker, enum adb__worker_state state)
{
    adb__counter_set(&worker->state, state);
}

/* Any thread: end whatever the worker rests for; it looks again. */
void adb__worker_wake(struct adb__worker *worker);

/* The worker's own thread: rest until woken or the deadline. */
void adb__worker_rest(struct adb__worker *worker, int64_t deadline);
bool adb__worker_is_stopping(const struct adb__worker *worker);

/* The next lane, sleeping until there is one. NULL: go home. */
struct adb__lane *adb__worker_next_lane(struct adb__worker *worker);
/* The lanes since the last look at the clock were timed. */
void adb__worker_learn_pace(struct adb__worker *worker);
/* It is about to leave its lane and to ask for the next. Who submits in that moment is to find a searcher, or would wake
 * somebody else. */
void adb__worker_search_early(struct adb__worker *worker);
/* It does not leave its lane after all. */
void adb__worker_search_no_more(struct adb__worker *worker);
/* It will be away from the ready queue: somebody else is to search, and its outcomes are to be seen. */
void adb__worker_stop_searching(struct adb__worker *worker);
/* Will it soon have more outcomes, so that nobody need be woken for this one? */
bool adb__worker_may_whisper(struct adb__worker *worker);
/* From one quick pipeline to the next it stays with its park. Before anything else it strays: others are called, if
 * lanes are ready. Each may be said again and again. */
void adb__worker_stay(struct adb__worker *worker);
void adb__worker_stray(struct adb__worker *worker);
/* Should the running job end? ADB_OK: no. */
adb_status adb__worker_check_stop(struct adb__worker *worker, adb_error *error);

/* Give back a lane that this worker attends and that is not held: to the ready queue, or to nobody. */
void adb__worker_put_back(struct adb__worker *worker, struct adb__lane *lane);

/* Instead of a failure to connect, or a long wait for it: let others have the lane. */
#define ADB__GIVE_WAY ((adb_status)4)

/* Connection, by the worker's own thread and never while a job of its is RUNNING. */
adb_status adb__worker_connect(struct adb__worker *worker, int64_t deadline, adb_error *error);
/* One of the least number of connections. A failure is in the log; a server that is away is tried again whenever an
 * attempt is due, one that refuses the credentials when a job comes. */
void adb__worker_connect_eagerly(struct adb__worker *worker);
void adb__worker_disconnect(struct adb__worker *worker, enum adb__close_reason reason);
/* Before a lane: close what is too old, check what was idle for long, or whose siblings were lost. */
void adb__worker_refresh(struct adb__worker *worker, int64_t now);
/* Is there a connection that may be closed and opened anew between two lanes, without anybody's noticing? */
bool adb__worker_is_replaceable(const struct adb__worker *worker);
/* Is it of an older epoch than its server? */
bool adb__worker_is_suspect(const struct adb__worker *worker);
/* What a failure tells of the connection, and of others. */
void adb__worker_learn(struct adb__worker *worker, const adb_error *error);
/* No password in a text of the driver. */
void adb__worker_mask(const struct adb__worker *worker, char *text);
/* A lane gets the connection, and gives it back: the hooks. Checking out twice, or in twice, is harmless. Not ADB_OK:
 * the connection was closed. */
adb_status adb__worker_check_out(struct adb__worker *worker, adb_error *error);
void adb__worker_check_in(struct adb__worker *worker);
/* Drop what a lane that had acquired the connection has left in its session; if that fails, it is broken. */
void adb__worker_reset(struct adb__worker *worker);
/* After a lane: nothing dirty goes back. */
void adb__worker_clean(struct adb__worker *worker);
/* Send statements split by ';' that yield nothing and belong to no job. */
adb_status adb__worker_send(struct adb__worker *worker, const char *text, adb_error *error);

#endif
