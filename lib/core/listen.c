/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: made, ended, and told. */
#include "core/listen.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/condition.h"
#include "core/context.h"
#include "core/database.h"
#include "core/ear.h"
#include "core/post.h"
#include "model/error.h"

#include <string.h>

#define MOST_UNDELIVERED 4096
#define PATIENCE_NS      (10000 * ADB__NS_PER_MS)
#define HEARTBEAT_NS     (30000 * ADB__NS_PER_MS)

/* The callbacks of listeners that are running on this thread, innermost first: who waits for callbacks must not wait
 * for those that it is called in. */
struct call {
    const struct adb_database *db;
    struct call *outer;
};

static _Thread_local struct call *calls;

static unsigned calls_here(const struct adb_database *db)
{
    unsigned n = 0;
    for (const struct call *call = calls; call != NULL; call = call->outer)
        n += call->db == db;
    return n;
}

bool adb__listening_init(struct adb__listening *listening)
{
    listening->most_undelivered = MOST_UNDELIVERED;
    listening->patience = PATIENCE_NS;
    listening->heartbeat = HEARTBEAT_NS;
    if (pthread_mutex_init(&listening->lock, NULL) != 0)
        return false;
    if (adb__condition_init(&listening->changed))
        return true;
    pthread_mutex_destroy(&listening->lock);
    return false;
}

void adb__listening_fini(struct adb__listening *listening)
{
    pthread_cond_destroy(&listening->changed);
    pthread_mutex_destroy(&listening->lock);
}

void adb__listener_unref(struct adb_listener *listener)
{
    if (!adb__ref_drop(&listener->ref))
        return;
    adb_database *db = listener->db;
    adb__queue_unref(listener->queue);
    adb__free(listener);
    adb__database_unref(db);
}

/* Notices ---------------------------------------------------------------------------------------------------------- */

struct adb__notice *adb__notice_new(adb_notification_kind kind, const char *payload, size_t size)
{
    struct adb__notice *notice = adb__alloc(sizeof(*notice) + size + 1);
    if (notice == NULL)
        return NULL;
    if (size > 0)
        memcpy(notice->payload, payload, size);
    notice->payload[size] = '\0';
    notice->listener = NULL;
    notice->notification = (adb_notification){
        .size = sizeof(notice->notification), .kind = kind, .payload = notice->payload, .payload_size = size};
    return notice;
}

void adb__notice_free(struct adb__notice *notice)
{
    adb__free(notice);
}

/* Whether its callback is to run; then it counts as running. */
static bool notice_begin(struct adb_listener *listener)
{
    struct adb__listening *listening = &listener->db->listening;
    pthread_mutex_lock(&listening->lock);
    bool wanted = !listener->ended && !adb__database_is_muted(listener->db);
    if (wanted) {
        listener->calls++;
        listener->caller = pthread_self();
        listening->calls++;
    }
    listener->undelivered--;
    bool has_room = listener->undelivered + 1 == listening->most_undelivered;
    bool caught_up = listener->overflowed && listener->undelivered == listening->most_undelivered / 2;
    if (has_room)
        pthread_cond_broadcast(&listening->changed);
    if (caught_up && !listener->ended)
        adb__ear_poke(listening->ear);
    pthread_mutex_unlock(&listening->lock);
    return wanted;
}

static void notice_end(struct adb_listener *listener)
{
    struct adb__listening *listening = &listener->db->listening;
    pthread_mutex_lock(&listening->lock);
    listener->calls--;
    listening->calls--;
    if (listener->ended)
        pthread_cond_broadcast(&listening->changed); /* somebody may wait for this callback */
    pthread_mutex_unlock(&listening->lock);
}

static void notice_deliver(struct adb__event *event)
{
    struct adb__notice *notice = ADB__CONTAINER_OF(event, struct adb__notice, event);
    struct adb_listener *listener = notice->listener;
    adb__list_remove(&event->link);
    if (notice_begin(listener)) {
        struct call here = {.db = listener->db, .outer = calls};
        calls = &here;
        listener->callback(&notice->notification, listener->user_data);
        calls = here.outer;
        notice_end(listener);
    }
    adb__notice_free(notice);
    adb__listener_unref(listener);
}

static struct adb_result *notice_pull(struct adb__event *event)
{
    notice_deliver(event);
    return NULL;
}

static const struct adb_database *notice_database(const struct adb__event *event)
{
    return ADB__CONTAINER_OF((struct adb__event *)(uintptr_t)event, struct adb__notice, event)->listener->db;
}

static const struct adb__event_kind notice_kind = {
    .deliver_fn = notice_deliver, .pull_fn = notice_pull, .database_fn = notice_database};

void adb__notice_post(struct adb__notice *notice, struct adb_listener *listener)
{
    adb__ref_take(&listener->ref);
    notice->listener = listener;
    notice->notification.channel = listener->channel;
    notice->event.kind = &notice_kind;
    notice->event.job = NULL;
    notice->event.result = NULL;
    adb__queue_post(listener->queue, &notice->event);
}

/* Listeners -------------------------------------------------------------------------------------------------------- */

/* A channel is named, and this database has such. */
static adb_status channel_check(adb_context *ctx, const char *channel)
{
    const adb_database *db = ctx->db;
    if (adb__database_is_forked(db))
        return adb__error_set(&ctx->error, ADB_E_FORKED, "this handle was made by a parent process");
    if (db->driver->dialect.notify == NULL)
        return adb__error_set(&ctx->error, ADB_E_UNSUPPORTED, "%s has no LISTEN and NOTIFY", db->driver->scheme);
    if (channel == NULL || channel[0] == '\0')
        return adb__error_set(&ctx->error, ADB_E_INVAL, "a channel without a name");
    if (strlen(channel) > ADB_CHANNEL_MAX_BYTES)
        return adb__error_set(&ctx->error, ADB_E_TOO_BIG, "a channel's name of %zu bytes, at most %d", strlen(channel),
                              ADB_CHANNEL_MAX_BYTES);
    return ADB_OK;
}

static struct adb_listener *listener_new(adb_context *ctx, const char *channel, adb_notification_cb callback,
                                         void *user_data)
{
    struct adb_listener *listener = adb__alloc_zeroed(sizeof(*listener));
    if (listener == NULL)
        return NULL;
    adb__ref_init(&listener->ref, 1);
    listener->db = ctx->db;
    listener->queue = ctx->queue;
    listener->callback = callback;
    listener->user_data = user_data;
    memcpy(listener->channel, channel, strlen(channel));
    adb__list_init(&listener->link);
    adb__list_init(&listener->context_link);
    adb__list_init(&listener->turn);
    adb__database_ref(ctx->db);
    adb__queue_ref(ctx->queue);
    return listener;
}

/* With the lock, and a new ear for the case that there is none: one that was not needed is left to the caller. */
static adb_status listener_start(struct adb_listener *listener, struct adb__ear **spare, adb_error *error)
{
    adb_database *db = listener->db;
    struct adb__listening *listening = &db->listening;
    /* Close shuts the gate, and then dismisses the ear under this lock: either it sees this listener, or we the
     * gate. */
    if (!atomic_load_explicit(&db->jobs.open, memory_order_seq_cst))
        return adb__error_set(error, ADB_E_CLOSED, "the database is closed");
    struct adb__ear *ear = listening->ear != NULL ? listening->ear : *spare;
    if (!adb__ear_add(ear, listener))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a channel");
    if (ear != *spare)
        return ADB_OK;
    int refusal = adb__ear_start(ear);
    if (refusal != 0) {
        adb__ear_remove(ear, listener);
        return adb__error_set(error, ADB_E_NOMEM, "no thread to listen: %s", strerror(refusal));
    }
    listening->ear = ear;
    *spare = NULL;
    return ADB_OK;
}

static adb_status listener_open(struct adb_listener *listener, adb_context *ctx)
{
    struct adb__listening *listening = &ctx->db->listening;
    struct adb__ear *spare = NULL;
    pthread_mutex_lock(&listening->lock);
    bool needs_ear = listening->ear == NULL;
    pthread_mutex_unlock(&listening->lock);
    /* The ear may go meanwhile: then a spare is made after all. */
    for (;;) {
        if (needs_ear) {
            spare = adb__ear_new(ctx->db, &ctx->error);
            if (spare == NULL)
                return ctx->error.status;
        }
        pthread_mutex_lock(&listening->lock);
        if (spare != NULL || listening->ear != NULL)
            break;
        pthread_mutex_unlock(&listening->lock);
        needs_ear = true;
    }
    adb_status status = listener_start(listener, &spare, &ctx->error);
    if (status == ADB_OK)
        adb__list_append(&ctx->listeners, &listener->context_link);
    pthread_mutex_unlock(&listening->lock);
    if (spare != NULL)
        adb__ear_free(spare);
    return status;
}

adb_listener *adb_listen(adb_context *ctx, const char *channel, adb_notification_cb callback, void *user_data)
{
    if (ctx == NULL)
        return NULL;
    adb_status status = channel_check(ctx, channel);
    if (status == ADB_OK && callback == NULL)
        status = adb__error_set(&ctx->error, ADB_E_INVAL, "the callback is NULL");
    if (status == ADB_OK && (ctx->db->driver->can & ADB__CAN_LISTEN) == 0)
        status = adb__error_set(&ctx->error, ADB_E_UNSUPPORTED, "%s has no LISTEN and NOTIFY", ctx->db->driver->scheme);
    if (status == ADB_OK)
        status = adb__database_start(ctx->db, &ctx->error); /* whose watchdog guards the calls of the ear */
    if (status != ADB_OK)
        return NULL;
    struct adb_listener *listener = listener_new(ctx, channel, callback, user_data);
    if (listener == NULL) {
        adb__error_set(&ctx->error, ADB_E_NOMEM, "no memory for a listener");
        return NULL;
    }
    if (listener_open(listener, ctx) != ADB_OK) {
        adb__listener_unref(listener);
        return NULL;
    }
    ctx->error.status = ADB_OK;
    return listener;
}

void adb_unlisten(adb_listener *listener)
{
    if (listener == NULL || adb__database_is_forked(listener->db))
        return; /* of the parent: the lock is as its threads left it */
    struct adb__listening *listening = &listener->db->listening;
    pthread_mutex_lock(&listening->lock);
    if (!listener->ended)
        adb__ear_remove(listening->ear, listener);
    listener->ended = true;
    adb__list_remove(&listener->context_link);
    while (listener->calls > 0 && !pthread_equal(listener->caller, pthread_self()))
        adb__condition_wait(&listening->changed, &listening->lock, ADB__NEVER);
    pthread_mutex_unlock(&listening->lock);
    adb__listener_unref(listener);
}

void adb__listening_forget(adb_context *ctx)
{
    /* Unlocked: who else ends listeners of a context that is being freed ends them twice. */
    while (!adb__list_empty(&ctx->listeners))
        adb_unlisten(ADB__CONTAINER_OF(ctx->listeners.next, struct adb_listener, context_link));
}

adb_job adb_notify(adb_context *ctx, const char *channel, const char *payload, adb_done_cb done, void *user_data)
{
    if (ctx == NULL || channel_check(ctx, channel) != ADB_OK)
        return 0;
    return adb_execute(ctx, ctx->db->driver->dialect.notify,
                       ADB_PARAMS({0, adb_text(channel)}, {0, adb_text(payload == NULL ? "" : payload)}), done,
                       user_data);
}

/* Closing ---------------------------------------------------------------------------------------------------------- */

void adb__listening_dismiss(adb_database *db)
{
    struct adb__listening *listening = &db->listening;
    pthread_mutex_lock(&listening->lock);
    if (listening->ear != NULL)
        adb__ear_dismiss(listening->ear);
    listening->leaving = listening->ear;
    listening->ear = NULL;
    pthread_mutex_unlock(&listening->lock);
}

bool adb__listening_join(adb_database *db, int64_t deadline)
{
    struct adb__listening *listening = &db->listening;
    bool in_time = true;
    pthread_mutex_lock(&listening->lock);
    struct adb__ear *ear = listening->leaving;
    listening->leaving = NULL;
    while (in_time && ((ear != NULL && !adb__ear_is_home(ear)) || listening->calls > calls_here(db)))
        in_time = adb__condition_wait(&listening->changed, &listening->lock, deadline);
    bool home = ear == NULL || adb__ear_is_home(ear);
    if (!home)
        adb__ear_leave_behind(ear);
    bool quiet = listening->calls <= calls_here(db);
    pthread_mutex_unlock(&listening->lock);
    if (ear != NULL && home)
        adb__ear_join(ear);
    else if (!home)
        adb__log(&db->log, ADB__LOG_ERROR, "the listener did not come back from the client library");
    return home && quiet;
}
