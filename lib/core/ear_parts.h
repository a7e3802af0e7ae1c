/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the ear share: its thread and connection (ear.c), and what it tells the listeners (tell.c). */
#ifndef ADB_CORE_EAR_PARTS_H
#define ADB_CORE_EAR_PARTS_H

#include "core/database.h"
#include "core/ear.h"

struct adb__channel {
    struct adb__list link;      /* in ear->channels */
    struct adb__list listeners;
    bool heard;                 /* LISTEN was sent on this connection */
    unsigned refusals;          /* of the server, one after the other; the ear's */
    int64_t retry_at;           /* not before then; the ear's */
    char name[ADB_CHANNEL_MAX_BYTES + 1];
};

/* What the driver is doing, which says when it is to stop. */
enum adb__ear_phase { ADB__EAR_CONNECTING, ADB__EAR_SENDING, ADB__EAR_HEARING, ADB__EAR_DRAINING };

/* One notification, as the driver gives it. */
struct adb__hearing {
    const char *channel, *payload;
    size_t payload_size;
    int pid;
};

struct adb__ear {
    adb_database *db;               /* referenced while the thread lives */
    struct adb__worker *worker;     /* its connection */
    struct adb__notify wake;        /* the worker's wake_fd */
    pthread_t thread;
    struct adb__counter stopping;   /* go home */
    struct adb__counter changed;    /* look at channels and listeners */
    struct adb__counter n_listeners;

    /* Lock of db->listening */
    struct adb__list channels;      /* only the thread takes one away */
    bool home;                      /* the thread has done all but end */
    bool left;                      /* nobody joins it */

    /* The thread's own */
    enum adb__ear_phase phase;
    int64_t limit;                  /* of the phase */
    int64_t since;                  /* it listens on this connection */
    int64_t check_at;               /* when it has been silent for too long */
    unsigned failures;              /* one after the other */
    bool owes;                      /* something could not be told */
    struct adb__list turns;         /* listeners whose turn it is, referenced */
    struct adb_result *rows;        /* where the driver puts notifications */
    struct adb_result *other_rows;
};

static inline void adb__ear_lock(const struct adb__ear *ear)
{
    pthread_mutex_lock(&ear->db->listening.lock);
}

static inline void adb__ear_unlock(const struct adb__ear *ear)
{
    pthread_mutex_unlock(&ear->db->listening.lock);
}

static inline bool adb__ear_is_stopping(const struct adb__ear *ear)
{
    return adb__counter_get(&ear->stopping) != 0;
}

static inline bool adb__ear_has_listeners(const struct adb__ear *ear)
{
    return adb__counter_get(&ear->n_listeners) > 0;
}

/* With the lock: something of the listener is missed from now on, unless that was so before. */
void adb__listener_misses(struct adb_listener *listener, const adb_error *error);

/* By the ear's thread, with no lock held. All is heard that was asked for: those who do not know are told that they
 * listen, or of their gap. */
void adb__ear_tell_words(struct adb__ear *ear);
/* There is no connection, or the server refuses the channel (NULL: all of them), for this reason. */
void adb__ear_tell_loss(struct adb__ear *ear, const struct adb__channel *channel, const adb_error *error);
/* Somebody has notified a channel. Waits for a listener that is behind, for as long as there is patience. */
void adb__ear_tell_message(struct adb__ear *ear, const struct adb__hearing *hearing);

#endif
