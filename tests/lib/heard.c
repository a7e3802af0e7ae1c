/* SPDX-License-Identifier: BSD-3-Clause */
/* Notes of notifications, under a lock: they may come on any thread. */
#include "tests/lib/heard.h"

#include "tests/lib/latch.h"
#include "tests/lib/wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void note_message(struct heard *heard, const adb_notification *notification)
{
    const long number = strtol(notification->payload, NULL, 10);
    const bool after_gap = heard->n_kind[ADB_NOTIFY_GAP] > 0;
    if (heard->n_rows > 0 && number != heard->last_number + 1 && !(after_gap && number > heard->last_number))
        heard->in_order = false;
    if (notification->payload_size != strlen(notification->payload))
        heard->in_order = false;
    heard->last_number = number;
    heard->n_rows++;
    heard->pid = notification->pid;
    snprintf(heard->last, sizeof(heard->last), "%s", notification->payload);
}

void heard_note(const adb_notification *notification, void *user_data)
{
    struct heard *heard = user_data;
    pthread_mutex_lock(&heard->lock);
    if (heard->n++ == 0)
        heard->first = notification->kind;
    snprintf(heard->channel, sizeof(heard->channel), "%s", notification->channel);
    heard->thread = pthread_self();
    if (notification->error != NULL)
        heard->error = *notification->error;
    if (notification->kind == ADB_NOTIFY_GAP)
        heard->gap_ms = notification->gap_ms;
    heard->n_kind[notification->kind]++;
    const bool message = notification->kind == ADB_NOTIFY_MESSAGE;
    if (message)
        note_message(heard, notification);
    adb_listener *ends = message ? heard->unlisten : NULL;
    adb_context *ctx = message ? heard->free_ctx : NULL;
    struct latch *block = message ? heard->block : NULL;
    pthread_cond_broadcast(&heard->changed);
    pthread_mutex_unlock(&heard->lock);
    if (block != NULL)
        latch_wait(block);
    adb_unlisten(ends);
    adb_context_free(ctx);
}

size_t heard_n(struct heard *heard, adb_notification_kind kind)
{
    pthread_mutex_lock(&heard->lock);
    const size_t n = heard->n_kind[kind];
    pthread_mutex_unlock(&heard->lock);
    return n;
}

long heard_last(struct heard *heard)
{
    pthread_mutex_lock(&heard->lock);
    const long number = heard->last_number;
    pthread_mutex_unlock(&heard->lock);
    return number;
}

struct wish {
    struct heard *heard;
    adb_notification_kind kind;
    size_t n;
};

static bool is_fulfilled(void *data)
{
    const struct wish *wish = data;
    return heard_n(wish->heard, wish->kind) >= wish->n;
}

void heard_run(adb_queue *queue, struct heard *heard, adb_notification_kind kind, size_t n)
{
    struct wish wish = {.heard = heard, .kind = kind, .n = n};
    run_until(queue, is_fulfilled, &wish);
}

void heard_await(struct heard *heard, adb_notification_kind kind, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LATCH_PATIENCE_S;
    pthread_mutex_lock(&heard->lock);
    while (heard->n_kind[kind] < n) {
        if (pthread_cond_timedwait(&heard->changed, &heard->lock, &until) == ETIMEDOUT)
            latch_hang("notifications have not come");
    }
    pthread_mutex_unlock(&heard->lock);
}
