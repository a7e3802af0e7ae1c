/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications, the caller's side: the handles of adb_listen() and the way of a notification to its callback. The
 * thread and the connection that hear them are in core/ear.h.
 *
 * One lock per database guards it all; it is held for a few steps only, and never across a callback or a driver
 * call. */
#ifndef ADB_CORE_LISTEN_H
#define ADB_CORE_LISTEN_H

#include "base/list.h"
#include "base/ref.h"
#include "core/completion.h"

#include <asyncdb/listen.h>

struct adb__ear;

/* Of one database. */
struct adb__listening {
    pthread_mutex_t lock;           /* all that follows, and the listeners */
    pthread_cond_t changed;         /* a callback has returned, there is room, the ear is told something or is home; lock */
    struct adb__ear *ear;           /* NULL: nobody listens */
    struct adb__ear *leaving;       /* was dismissed by close, which joins it */
    unsigned calls;                 /* callbacks that are running */
    size_t most_undelivered;        /* of one listener; then the ear waits */
    int64_t patience;               /* so long, and then the listener has a gap; ns */
    int64_t heartbeat;              /* a connection that was silent for so long is checked: a dead network says nothing; ns */
};

struct adb_listener {
    struct adb__ref ref;            /* the handle, its notices under way, the ear for a moment */
    adb_database *db;               /* referenced */
    adb_queue *queue;               /* referenced */
    adb_notification_cb callback;
    void *user_data;
    char channel[ADB_CHANNEL_MAX_BYTES + 1];

    /* Lock of db->listening */
    struct adb__list link;          /* in its channel of the ear; alone when ended */
    struct adb__list context_link;  /* in ctx->listeners */
    bool ended;                     /* no callback of it starts any more */
    unsigned calls;                 /* its callbacks that are running: one inside the other */
    pthread_t caller;               /* where they run */
    size_t undelivered;             /* notices under way */

    /* Lock of db->listening; for the ear only */
    bool told;                      /* that it listens: since then nothing is missed without a word */
    bool overflowed;                /* its gap is its own: the consumer was too slow */
    int64_t gap_since;              /* something was missed since then, and it does not know yet; 0: nothing */
    adb_error gap_error;            /* why */
    adb_status failure;             /* the last that it was told of while there is no connection */

    struct adb__list turn;          /* in a list of the ear's while it goes round; the ear's */
};

/* A notification on its way to one listener. */
struct adb__notice {
    struct adb__event event;
    struct adb_listener *listener;  /* referenced */
    adb_notification notification;
    adb_error error;
    char payload[];
};

bool adb__listening_init(struct adb__listening *listening);
void adb__listening_fini(struct adb__listening *listening);
/* A context is freed: its listeners end. */
void adb__listening_forget(adb_context *ctx);
/* Closing: all listeners end, and the ear is sent home. */
void adb__listening_dismiss(adb_database *db);
/* Wait for the ear, and for callbacks that run on other threads. False: at the deadline not all were back. */
bool adb__listening_join(adb_database *db, int64_t deadline);

/* The ear's. Memory for a notice; NULL: there is none. */
struct adb__notice *adb__notice_new(adb_notification_kind kind, const char *payload, size_t size);
void adb__notice_free(struct adb__notice *notice);
/* Hand it over to a listener whose count of undelivered ones has it already. */
void adb__notice_post(struct adb__notice *notice, struct adb_listener *listener);
void adb__listener_unref(struct adb_listener *listener);

#endif
