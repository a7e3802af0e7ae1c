/* SPDX-License-Identifier: BSD-3-Clause */
/* The ear's thread: connect, listen on the channels that are wanted, hear, tell; and again after a loss. */
#include "core/ear.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/condition.h"
#include "core/ear_parts.h"
#include "core/guard.h"
#include "core/process.h"
#include "core/session.h"
#include "model/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* How long it stays when nobody listens any more. */
#define LINGER_NS (1000 * ADB__NS_PER_MS)
/* When something could not be told for want of memory. */
#define OWING_NS (1000 * ADB__NS_PER_MS)
/* Pauses after failures; a connection that lasted so long has been none. */
#define PAUSE_MIN_NS (100 * ADB__NS_PER_MS)
#define PAUSE_MAX_NS (10000 * ADB__NS_PER_MS)
#define LASTING_NS   (1000 * ADB__NS_PER_MS)

bool adb__ear_should_stop(struct adb__ear *ear)
{
    adb__notify_clear(&ear->wake); /* before looking: a poke that comes later signals anew */
    if (adb__ear_is_stopping(ear))
        return true;
    switch (ear->phase) {
    case ADB__EAR_CONNECTING:
        return !adb__ear_has_listeners(ear);
    case ADB__EAR_SENDING:
        return adb__clock_now() >= ear->limit;
    case ADB__EAR_HEARING:
        return adb__counter_get(&ear->changed) != 0 || adb__clock_now() >= ear->limit;
    case ADB__EAR_DRAINING:
        return true;
    }
    return false;
}

static void ear_enter(struct adb__ear *ear, enum adb__ear_phase phase, int64_t ns)
{
    ear->limit = adb__clock_now() + ns;
    ear->phase = phase;
}

/* The sink's: one notification. */
static adb_status ear_flush(struct adb__sink *sink, adb_error *error)
{
    struct adb__ear *ear = sink->owner;
    for (size_t i = 0; i < sink->result->n_rows; i++) {
        const adb_row row = adb_result_row(sink->result, i);
        const adb_value payload = adb_row_value(row, 1);
        const struct adb__hearing hearing = {.channel = adb_row_text(row, 0),
                                             .payload = adb_row_text(row, 1),
                                             .payload_size = payload.size,
                                             .pid = (int)adb_row_int(row, 2)};
        adb__ear_tell_message(ear, &hearing);
    }
    struct adb_result *next = ear->other_rows;
    adb__result_discard(next);
    if (adb__result_share_columns(next, sink->result) != ADB_OK)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a notification");
    ear->other_rows = sink->result;
    ear->rows = sink->result = next;
    bool has_chores = ear->phase == ADB__EAR_HEARING && (ear->owes || adb__counter_get(&ear->changed) != 0);
    return has_chores || adb__ear_is_stopping(ear) ? ADB__SINK_ENOUGH : ADB_OK;
}

/* Hear until the driver is to stop, in this phase. */
static adb_status ear_run(struct adb__ear *ear, enum adb__ear_phase phase, adb_error *error)
{
    const struct adb__statement statement = {
        .sql = "LISTEN", .sql_size = 6, .flags = ADB__STMT_LISTEN | ADB__STMT_NO_CACHE};
    struct adb__sink sink = {.result = ear->rows, .batch_rows = 1, .flush_fn = ear_flush, .owner = ear};
    adb__result_discard(ear->rows);
    ear->phase = phase;
    adb_status status = adb__session_run(ear->worker, NULL, &statement, &sink, error);
    return status == ADB_E_CANCELLED ? ADB_OK : status;
}

/* The connection --------------------------------------------------------------------------------------------------- */

static adb_status ear_connect(struct adb__ear *ear, adb_error *error)
{
    if (ear->worker->is_open)
        return ADB_OK;
    ear_enter(ear, ADB__EAR_CONNECTING, 0);
    adb_status status = adb__worker_connect(ear->worker, ADB__NEVER, error);
    ear->since = adb__clock_now();
    ear->check_at = ear->since + ear->db->listening.heartbeat;
    return status;
}

/* LISTEN "channel": the name is taken as it is. */
static void channel_text(const struct adb__channel *channel, const char *verb, char *text)
{
    text += sprintf(text, "%s \"", verb);
    for (const char *at = channel->name; *at != '\0'; at++) {
        *text++ = *at;
        if (*at == '"')
            *text++ = '"';
    }
    strcpy(text, "\"");
}

/* With the lock: the first channel to be listened on, or no longer. Those that never were, and need not be, go. */
static struct adb__channel *ear_next_channel(struct adb__ear *ear)
{
    int64_t now = adb__clock_now();
    struct adb__list *link = ear->channels.next;
    while (link != &ear->channels) {
        struct adb__channel *channel = ADB__CONTAINER_OF(link, struct adb__channel, link);
        bool wanted = !adb__list_empty(&channel->listeners);
        link = link->next;
        if (channel->heard != wanted && now >= channel->retry_at)
            return channel;
        if (wanted || channel->heard)
            continue;
        adb__list_remove(&channel->link);
        adb__free(channel);
    }
    return NULL;
}

/* A random time below a bound that doubles with each failure: full jitter. */
static int64_t ear_jitter(struct adb__ear *ear, unsigned failures)
{
    int64_t bound = PAUSE_MIN_NS;
    for (unsigned i = 1; i < failures && bound < PAUSE_MAX_NS; i++)
        bound *= 2;
    bound = adb__deadline_first(bound, PAUSE_MAX_NS);
    return (int64_t)(adb__random(&ear->worker->random) % (uint64_t)bound);
}

static void channel_misses(struct adb__channel *channel, const adb_error *error)
{
    channel->heard = false;
    ADB__LIST_FOR_EACH(link, &channel->listeners)
        adb__listener_misses(ADB__CONTAINER_OF(link, struct adb_listener, link), error);
}

/* The server refuses one channel, on a good connection: that is tried again later, and the others do not suffer. */
static void ear_refused(struct adb__ear *ear, struct adb__channel *channel, const adb_error *error)
{
    channel->refusals++;
    channel->retry_at = adb__clock_now() + ear_jitter(ear, channel->refusals);
    adb__ear_lock(ear);
    channel_misses(channel, error);
    adb__ear_unlock(ear);
    adb__ear_tell_loss(ear, channel, error);
}

/* Is it the connection that is of no use, and not the channel? */
static bool ear_is_useless(const struct adb__ear *ear, adb_status status, const adb_error *error)
{
    return ear->worker->is_broken || (error->flags & ADB_ERROR_WRONG_ROLE) != 0 || status == ADB_E_CANCELLED ||
           status == ADB_E_TIMEOUT || status == ADB_E_NOMEM;
}

/* Tell the server which channels are wanted. */
static adb_status ear_tune(struct adb__ear *ear, adb_error *error)
{
    char text[2 * ADB_CHANNEL_MAX_BYTES + 16];
    for (;;) {
        adb__ear_lock(ear);
        adb__counter_set(&ear->changed, 0);
        struct adb__channel *channel = ear_next_channel(ear); /* stays: only this thread takes channels away */
        bool listen = channel != NULL && !channel->heard;
        adb__ear_unlock(ear);
        if (channel == NULL)
            return ADB_OK;
        channel_text(channel, listen ? "LISTEN" : "UNLISTEN", text);
        ear_enter(ear, ADB__EAR_SENDING, ear->db->guards.call_ns);
        adb_status status = adb__session_send(ear->worker, text, 0, error);
        if (status != ADB_OK && (!listen || ear_is_useless(ear, status, error)))
            return status;
        if (status != ADB_OK) {
            ear_refused(ear, channel, error);
            continue;
        }
        channel->refusals = 0;
        adb__ear_lock(ear);
        channel->heard = listen;
        adb__ear_unlock(ear);
        /* What the client library has of a channel that is left is old: whoever listens on it again would take that for
         * what follows the word, and not see that something is missing behind it. */
        status = listen ? ADB_OK : ear_run(ear, ADB__EAR_DRAINING, error);
        if (status != ADB_OK)
            return status;
    }
}

/* Is a connection that was silent still there? */
static adb_status ear_check(struct adb__ear *ear, adb_error *error)
{
    ear_enter(ear, ADB__EAR_SENDING, ear->db->guards.call_ns);
    ear->check_at = adb__clock_now() + ear->db->listening.heartbeat;
    bool guarded = adb__guard_call(ear->worker);
    adb_status status = ear->db->driver->check(ear->worker->conn, ADB__CHECK_PING, error);
    if (guarded)
        adb__guard_clear(ear->worker);
    return status;
}

/* When it is to look up from hearing, if nobody pokes it. */
static int64_t ear_next_chore(struct adb__ear *ear)
{
    int64_t next = ear->owes ? adb__deadline_first(ear->check_at, adb__clock_now() + OWING_NS) : ear->check_at;
    adb__ear_lock(ear);
    ADB__LIST_FOR_EACH(link, &ear->channels) {
        const struct adb__channel *channel = ADB__CONTAINER_OF(link, struct adb__channel, link);
        next = channel->heard ? next : adb__deadline_first(next, channel->retry_at);
    }
    adb__ear_unlock(ear);
    return next;
}

/* Until something is to be done other than to hear. */
static adb_status ear_hear(struct adb__ear *ear, adb_error *error)
{
    ear->limit = ear_next_chore(ear);
    adb_status status = ear_run(ear, ADB__EAR_HEARING, error);
    if (status != ADB_OK)
        return status;
    if (adb__ear_is_stopping(ear) || adb__clock_now() < ear->check_at)
        return ADB_OK;
    return ear_check(ear, error);
}

/* Pause before the next attempt. */
static void ear_pause(struct adb__ear *ear)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t until = adb__clock_now() + ear_jitter(ear, ear->failures);
    bool in_time = ear->failures > 0;
    adb__ear_lock(ear);
    while (in_time && !adb__ear_is_stopping(ear) && adb__ear_has_listeners(ear))
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    adb__ear_unlock(ear);
}

/* With the lock: nothing is heard any more. */
static void ear_deafen(struct adb__ear *ear, const adb_error *error)
{
    ADB__LIST_FOR_EACH(at, &ear->channels) {
        struct adb__channel *channel = ADB__CONTAINER_OF(at, struct adb__channel, link);
        channel_misses(channel, error);
        channel->retry_at = 0;
    }
}

/* There is no connection, or none that is of use. */
static void ear_lose(struct adb__ear *ear, const adb_error *error)
{
    adb_database *db = ear->db;
    if (ear->worker->is_open) {
        if (!adb__ear_is_stopping(ear))
            adb__log(&db->log, ADB__LOG_WARN, "listening was interrupted: %s", error->message);
        adb__worker_disconnect(ear->worker, ADB__CLOSED_LOST);
        if (adb__clock_now() - ear->since > LASTING_NS)
            ear->failures = 0;
    }
    adb__ear_lock(ear);
    ear_deafen(ear, error);
    adb__ear_unlock(ear);
    if (adb__ear_is_stopping(ear) || !adb__ear_has_listeners(ear))
        return;
    adb__ear_tell_loss(ear, NULL, error);
    ear_pause(ear);
    ear->failures++;
}

/* The thread ------------------------------------------------------------------------------------------------------- */

/* With the lock: wait a moment for a listener. */
static bool ear_linger(struct adb__ear *ear)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t until = adb__clock_now() + LINGER_NS;
    bool in_time = true;
    while (in_time && !adb__ear_is_stopping(ear) && !adb__ear_has_listeners(ear))
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    return adb__ear_has_listeners(ear);
}

/* Is there anything to listen for? If not, it leaves: with the connection closed, and in one step with the look that
 * nobody has come meanwhile. */
static bool ear_is_wanted(struct adb__ear *ear)
{
    adb__ear_lock(ear);
    bool wanted = ear_linger(ear);
    adb__ear_unlock(ear);
    if (wanted && !adb__ear_is_stopping(ear))
        return true;
    adb__worker_disconnect(ear->worker, ADB__CLOSED_CLOSE);
    adb__ear_lock(ear);
    ear_deafen(ear, &(adb_error){.status = ADB_E_CLOSED});
    wanted = adb__ear_has_listeners(ear) && !adb__ear_is_stopping(ear);
    if (!wanted && !adb__ear_is_stopping(ear)) {
        ear->db->listening.ear = NULL;
        ear->left = true;
    }
    adb__ear_unlock(ear);
    return wanted;
}

static void *ear_main(void *argument)
{
    struct adb__ear *ear = argument;
    adb_database *db = ear->db;
    adb__process_enter_worker(); /* a direct callback on this thread must not wait */
    while (ear_is_wanted(ear)) {
        adb_error error = {0};
        adb_status status = ear_connect(ear, &error);
        if (status == ADB_OK)
            status = ear_tune(ear, &error);
        if (status == ADB_OK) {
            adb__ear_tell_words(ear);
            status = ear_hear(ear, &error);
        }
        if (status != ADB_OK)
            ear_lose(ear, &error);
    }
    adb__ear_lock(ear);
    bool left = ear->left;
    ear->home = true;
    pthread_cond_broadcast(&db->listening.changed);
    adb__ear_unlock(ear);
    if (left) {
        pthread_detach(pthread_self());
        adb__ear_free(ear);
    }
    adb__database_unref(db);
    return NULL;
}

/* The others' side ------------------------------------------------------------------------------------------------- */

struct adb__ear *adb__ear_new(adb_database *db, adb_error *error)
{
    struct adb__ear *ear = adb__alloc_zeroed(sizeof(*ear));
    if (ear == NULL) {
        adb__error_set(error, ADB_E_NOMEM, "no memory to listen");
        return NULL;
    }
    ear->db = db;
    adb__list_init(&ear->channels);
    adb__list_init(&ear->turns);
    int refusal = adb__notify_open(&ear->wake);
    ear->worker = adb__worker_new(&db->servers[0].pools[ADB__ROLE_WRITER]);
    ear->rows = adb__result_new();
    ear->other_rows = adb__result_new();
    if (refusal != 0 || ear->worker == NULL || ear->rows == NULL || ear->other_rows == NULL) {
        adb__error_set(error, ADB_E_NOMEM, "no memory or descriptor to listen");
        adb__ear_free(ear);
        return NULL;
    }
    ear->worker->ear = ear;
    ear->worker->wake_fd = adb__notify_fd(&ear->wake);
    return ear;
}

void adb__ear_free(struct adb__ear *ear)
{
    struct adb__list *link = adb__list_take_first(&ear->channels);
    while (link != NULL) {
        adb__free(ADB__CONTAINER_OF(link, struct adb__channel, link));
        link = adb__list_take_first(&ear->channels);
    }
    adb_result_unref(ear->rows);
    adb_result_unref(ear->other_rows);
    adb__worker_free(ear->worker);
    adb__notify_close(&ear->wake);
    adb__free(ear);
}

int adb__ear_start(struct adb__ear *ear)
{
    sigset_t all, before;
    adb__database_ref(ear->db);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread takes no signal of the program */
    int refusal = pthread_create(&ear->thread, NULL, ear_main, ear);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (refusal != 0)
        adb__database_unref(ear->db);
    return refusal;
}

static struct adb__channel *ear_channel(struct adb__ear *ear, const char *name)
{
    ADB__LIST_FOR_EACH(link, &ear->channels) {
        struct adb__channel *channel = ADB__CONTAINER_OF(link, struct adb__channel, link);
        if (strcmp(channel->name, name) == 0)
            return channel;
    }
    struct adb__channel *channel = adb__alloc_zeroed(sizeof(*channel));
    if (channel == NULL)
        return NULL;
    adb__list_init(&channel->listeners);
    memcpy(channel->name, name, strlen(name));
    adb__list_append(&ear->channels, &channel->link);
    return channel;
}

bool adb__ear_add(struct adb__ear *ear, struct adb_listener *listener)
{
    struct adb__channel *channel = ear_channel(ear, listener->channel);
    if (channel == NULL)
        return false;
    adb__list_append(&channel->listeners, &listener->link);
    adb__counter_add(&ear->n_listeners, 1);
    adb__ear_poke(ear);
    return true;
}

void adb__ear_poke(struct adb__ear *ear)
{
    adb__counter_set(&ear->changed, 1);
    adb__notify_signal(&ear->wake);
    adb__worker_wake(ear->worker);
    pthread_cond_broadcast(&ear->db->listening.changed);
}

void adb__ear_remove(struct adb__ear *ear, struct adb_listener *listener)
{
    adb__list_remove(&listener->link);
    adb__counter_add(&ear->n_listeners, -1);
    adb__ear_poke(ear);
}

void adb__ear_dismiss(struct adb__ear *ear)
{
    ADB__LIST_FOR_EACH(at, &ear->channels) {
        struct adb__channel *channel = ADB__CONTAINER_OF(at, struct adb__channel, link);
        while (!adb__list_empty(&channel->listeners)) {
            struct adb_listener *listener = ADB__CONTAINER_OF(channel->listeners.next, struct adb_listener, link);
            listener->ended = true;
            adb__list_remove(&listener->link);
        }
    }
    adb__counter_set(&ear->n_listeners, 0);
    adb__counter_set(&ear->stopping, 1);
    adb__ear_poke(ear);
}

bool adb__ear_is_home(const struct adb__ear *ear)
{
    return ear->home;
}

void adb__ear_leave_behind(struct adb__ear *ear)
{
    ear->left = true;
}

void adb__ear_join(struct adb__ear *ear)
{
    pthread_join(ear->thread, NULL);
    adb__ear_free(ear);
}
