/* SPDX-License-Identifier: BSD-3-Clause */
/* One server (or file) of a database: the primary or a replica, with a pool of workers per role. */
#ifndef ADB_CORE_SERVER_H
#define ADB_CORE_SERVER_H

#include "core/gate.h"
#include "core/pool.h"
#include "core/quay.h"
#include "drivers/driver.h"

struct adb_database;

struct adb__server {
    struct adb_database *db;
    adb_url *url;
    const char *secret;             /* the password, NULL when none: masked in whatever a driver says */
    bool read_only;                 /* in the session itself */
    struct adb__layout layout;
    struct adb__gate gate;          /* before connecting */
    struct adb__quay quay;          /* for durable writes */
    struct adb__counter failures;   /* to connect, one after the other */
    struct adb__counter retry_at;   /* not before then (base/clock.h) */

    /* Epochs: what is wrong with one connection may be wrong with all that are as old. */
    pthread_mutex_t lock;           /* writes of all that follows, and the text */
    struct adb__counter epoch;      /* of connections that are opened, or probed, from now on */
    struct adb__counter discard;    /* connections of an epoch below this one are not to be used again */
    int64_t discarded_at;
    char failure[ADB_ERROR_MESSAGE_SIZE]; /* the last attempt to connect; "" when it succeeded */
    int64_t told_at;                /* when the log was told of it */

    struct adb__counter ready;      /* the writer has been open: readers may open too */
    struct adb__pool pools[ADB__N_ROLES];
};

/* So many workers with quick pipelines keep the server busy, as it is on this machine; UINT32_MAX: nobody knows. Where
 * answers come one by one, a worker waits for its server a little before each, and one more has the processor then. */
uint32_t adb__server_enough(const struct adb__server *server);
adb_status adb__server_init(struct adb__server *server, struct adb_database *db, const adb_url *url, bool read_only,
                            adb_error *error);
void adb__server_fini(struct adb__server *server);

/* Have each pool open its least number of connections. */
void adb__server_want_least(struct adb__server *server);
/* An attempt to connect has failed: space the next one. random is for the jitter. True: that is worth a line in the log, as
 * it has failed otherwise before, or the last line was a while ago. Who wanted the connection is told each time. */
bool adb__server_back_off(struct adb__server *server, const adb_error *error, uint64_t *random);
/* An attempt has succeeded. */
void adb__server_recover(struct adb__server *server);
/* What the workers are at, up to a closing parenthesis, and why the last attempt failed. */
void adb__server_describe(struct adb__server *server, char *text, size_t size);
/* Why there is no connection, for those who ask below; "": there is no reason any more. */
void adb__server_note(struct adb__server *server, const char *failure);
/* Why the last attempt failed, as "; last connect error: …", or "". */
void adb__server_failure(struct adb__server *server, char *text, size_t size);

/* A connection of that epoch was lost: those that are as old are checked before they are used again, those that idle
 * all at once, each on its own thread. */
void adb__server_suspect(struct adb__server *server, int64_t epoch);
/* A connection of that epoch is with a server of the wrong role: none that is as old is used again. */
void adb__server_distrust(struct adb__server *server, int64_t epoch);

/* The password of a URL, wherever it stands; NULL when there is none. */
const char *adb__server_password(const adb_url *url);
/* The pool that serves a role now: the writers', as long as there are no readers. */
static inline struct adb__pool *adb__server_pool(struct adb__server *server, enum adb__role role)
{
    if (server->layout.max_readers == 0 || adb__counter_get(&server->ready) == 0)
        return &server->pools[ADB__ROLE_WRITER];
    return &server->pools[role];
}

#endif
