/* SPDX-License-Identifier: BSD-3-Clause */
/* What a listener has heard, for tests of LISTEN and NOTIFY. */
#ifndef ADB_TESTS_HEARD_H
#define ADB_TESTS_HEARD_H

#include <asyncdb/listen.h>

#include <pthread.h>
#include <stdbool.h>

#define HEARD_KINDS 8

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n;                       /* notifications */
    size_t n_kind[HEARD_KINDS];
    adb_notification_kind first;
    adb_error error;                /* of the last gap or loss */
    size_t n_rows;                  /* messages that are numbers */
    bool in_order;                  /* each is one more than the one before; a gap may skip some */
    long last_number;
    char last[8192];                /* the last message */
    char channel[64];
    int pid;
    int64_t gap_ms;
    pthread_t thread;
    adb_listener *unlisten;         /* end this inside the next message's callback */
    adb_context *free_ctx;          /* free this there */
    struct latch *block;            /* wait there for this */
};

#define HEARD_INIT {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .in_order = true}

/* An adb_notification_cb; user_data is the struct. */
void heard_note(const adb_notification *notification, void *heard);
size_t heard_n(struct heard *heard, adb_notification_kind kind);
long heard_last(struct heard *heard);
/* Dispatch until so many of a kind have come. */
void heard_run(adb_queue *queue, struct heard *heard, adb_notification_kind kind, size_t n);
/* Wait until so many have come on another thread. */
void heard_await(struct heard *heard, adb_notification_kind kind, size_t n);

#endif
