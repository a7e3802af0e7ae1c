/* SPDX-License-Identifier: BSD-3-Clause */
/* The ear's thread: connect, listen on the channels that are wanted, hear, tell; and again after a loss. */
#include "core/ear.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/condition.h"
#include "core/database.h"
#include "core/process.h"
#include "core/session.h"
#include "model/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* How long it stays when nobody listens any more. */
#define LINGER_NS    (1000 * ADB__NS_PER_MS)
/* A connection that was silent for so long is checked: a network that is gone says nothing by itself. */
#define HEARTBEAT_NS (30000 * ADB__NS_PER_MS)
/* When something could not be told for want of memory. */
#define OWING_NS     (1000 * ADB__NS_PER_MS)
/* Pauses after failures; a connection that lasted longer than the longest of them has been a good one. */
#define PAUSE_MIN_NS (100 * ADB__NS_PER_MS)
#define PAUSE_MAX_NS (10000 * ADB__NS_PER_MS)

struct channel {
    struct adb__list link;      /* in ear->channels */
    struct adb__list listeners;
    bool heard;                 /* LISTEN was sent on this connection */
    char name[ADB_CHANNEL_MAX_BYTES + 1];
};

/* What the driver is doing, which says when it is to stop. */
enum phase { CONNECTING, SENDING, HEARING };

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
    enum phase phase;
    int64_t limit;                  /* of the phase */
    int64_t since;                  /* it listens on this connection */
    unsigned failures;              /* one after the other */
    bool owes;                      /* something could not be told */
    struct adb__list turns;         /* listeners whose turn it is, referenced */
    struct adb_result *rows;        /* where the driver puts notifications */
    struct adb_result *other_rows;
};

static void ear_lock(const struct adb__ear *ear)
{
    pthread_mutex_lock(&ear->db->listening.lock);
}

static void ear_unlock(const struct adb__ear *ear)
{
    pthread_mutex_unlock(&ear->db->listening.lock);
}

static bool ear_is_stopping(const struct adb__ear *ear)
{
    return adb__counter_get(&ear->stopping) != 0;
}

static bool ear_has_listeners(const struct adb__ear *ear)
{
    return adb__counter_get(&ear->n_listeners) > 0;
}

bool adb__ear_should_stop(struct adb__ear *ear)
{
    adb__notify_clear(&ear->wake); /* before looking: a poke that comes later signals anew */
    if (ear_is_stopping(ear))
        return true;
    switch (ear->phase) {
    case CONNECTING:
        return !ear_has_listeners(ear);
    case SENDING:
        return adb__clock_now() >= ear->limit;
    case HEARING:
        return adb__counter_get(&ear->changed) != 0 || adb__clock_now() >= ear->limit;
    }
    return false;
}

static void ear_enter(struct adb__ear *ear, enum phase phase, int64_t ns)
{
    ear->limit = adb__clock_now() + ns;
    ear->phase = phase;
}

/* Listeners and their turns ---------------------------------------------------------------------------------------- */

typedef bool (*wants_fn)(const struct channel *channel, const struct adb_listener *listener, const void *data);

/* Those that want it take their turn. Nothing is told with the lock held, and a listener may end meanwhile. */
static void ear_gather(struct adb__ear *ear, wants_fn wants, const void *data)
{
    ear_lock(ear);
    ADB__LIST_FOR_EACH(at, &ear->channels) {
        struct channel *channel = ADB__CONTAINER_OF(at, struct channel, link);
        ADB__LIST_FOR_EACH(link, &channel->listeners) {
            struct adb_listener *listener = ADB__CONTAINER_OF(link, struct adb_listener, link);
            if (!wants(channel, listener, data))
                continue;
            adb__ref_take(&listener->ref);
            adb__list_append(&ear->turns, &listener->turn);
        }
    }
    ear_unlock(ear);
}

static struct adb_listener *ear_next_turn(struct adb__ear *ear)
{
    struct adb__list *turn = adb__list_take_first(&ear->turns);
    return turn == NULL ? NULL : ADB__CONTAINER_OF(turn, struct adb_listener, turn);
}

/* The end of a turn: post the notice if it is to go, and let the listener go. */
static void turn_end(struct adb_listener *listener, struct adb__notice *notice, bool goes)
{
    if (goes)
        adb__notice_post(notice, listener);
    else
        adb__notice_free(notice);
    adb__listener_unref(listener);
}

/* With the lock. Something of the listener is missed from now on, unless that was so before. */
static void listener_misses(struct adb_listener *listener, const adb_error *error)
{
    if (!listener->told || listener->gap_since != 0)
        return;
    listener->gap_since = adb__clock_now();
    listener->gap_error = *error;
}

static void notice_explain(struct adb__notice *notice, const adb_error *error)
{
    notice->error = *error;
    notice->notification.error = &notice->error;
}

/* Not told yet that it listens, or of a gap; and its queue has room. */
static bool wants_word(const struct channel *channel, const struct adb_listener *listener, const void *data)
{
    const struct adb__listening *listening = data;
    size_t room = listener->overflowed ? listening->most_undelivered / 2 : listening->most_undelivered - 1;
    return channel->heard && (!listener->told || listener->gap_since != 0) && listener->undelivered <= room;
}

static void tell_word(struct adb__ear *ear, struct adb_listener *listener)
{
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_LISTENING, NULL, 0);
    ear->owes = ear->owes || notice == NULL;
    ear_lock(ear);
    bool goes = !listener->ended && notice != NULL;
    if (goes && listener->told) {
        notice->notification.kind = ADB_NOTIFY_GAP;
        notice->notification.gap_ms = (adb__clock_now() - listener->gap_since) / ADB__NS_PER_MS;
        notice_explain(notice, &listener->gap_error);
    }
    if (goes) {
        listener->told = true;
        listener->overflowed = false;
        listener->gap_since = 0;
        listener->failure = ADB_OK;
        listener->undelivered++;
    }
    ear_unlock(ear);
    turn_end(listener, notice, goes);
}

/* All is heard that was asked for: tell those who do not know. */
static void ear_tell_words(struct adb__ear *ear)
{
    ear->owes = false;
    ear_gather(ear, wants_word, &ear->db->listening);
    for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
        tell_word(ear, listener);
}

static bool wants_loss(const struct channel *channel, const struct adb_listener *listener, const void *data)
{
    const adb_error *error = data;
    (void)channel;
    return listener->failure != error->status;
}

/* A listener whose queue is full hears of the gap later. */
static void tell_loss(struct adb__ear *ear, struct adb_listener *listener, const adb_error *error)
{
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_LOST, NULL, 0);
    ear_lock(ear);
    bool goes = !listener->ended && notice != NULL &&
                listener->undelivered < ear->db->listening.most_undelivered;
    if (goes) {
        listener->failure = error->status;
        listener->undelivered++;
        notice_explain(notice, error);
    }
    ear_unlock(ear);
    turn_end(listener, notice, goes);
}

struct hearing {
    const char *channel, *payload;
    size_t payload_size;
    int pid;
};

static bool wants_message(const struct channel *channel, const struct adb_listener *listener, const void *data)
{
    const struct hearing *hearing = data;
    return listener->told && listener->gap_since == 0 && strcmp(channel->name, hearing->channel) == 0;
}

/* With the lock: wait for room, for as long as there is patience. False: there is none. */
static bool message_has_room(struct adb__ear *ear, struct adb_listener *listener)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t until = adb__clock_now() + listening->patience;
    bool in_time = true;
    while (in_time && !listener->ended && !ear_is_stopping(ear) && listener->undelivered >= listening->most_undelivered)
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    return listener->undelivered < listening->most_undelivered;
}

static void tell_message(struct adb__ear *ear, struct adb_listener *listener, const struct hearing *hearing)
{
    adb_error error;
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_MESSAGE, hearing->payload, hearing->payload_size);
    ear_lock(ear);
    bool has_room = message_has_room(ear, listener);
    bool goes = !listener->ended && notice != NULL && has_room;
    if (goes) {
        notice->notification.pid = hearing->pid;
        listener->undelivered++;
    } else if (!has_room) {
        adb__error_set(&error, ADB_E_BUSY, "%zu notifications wait in the queue of this listener", listener->undelivered);
        listener->overflowed = true;
        listener_misses(listener, &error);
    } else {
        adb__error_set(&error, ADB_E_NOMEM, "no memory for a notification");
        ear->owes = true;
        listener_misses(listener, &error);
    }
    ear_unlock(ear);
    turn_end(listener, notice, goes);
}

/* The sink's: one notification. */
static adb_status ear_flush(struct adb__sink *sink, adb_error *error)
{
    struct adb__ear *ear = sink->owner;
    for (size_t i = 0; i < sink->result->n_rows; i++) {
        const adb_row row = adb_result_row(sink->result, i);
        const adb_value payload = adb_row_value(row, 1);
        const struct hearing hearing = {.channel = adb_row_text(row, 0),
                                        .payload = adb_row_text(row, 1),
                                        .payload_size = payload.size,
                                        .pid = (int)adb_row_int(row, 2)};
        ear_gather(ear, wants_message, &hearing);
        for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
            tell_message(ear, listener, &hearing);
    }
    struct adb_result *next = ear->other_rows;
    adb__result_discard(next);
    if (adb__result_share_columns(next, sink->result) != ADB_OK)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a notification");
    ear->other_rows = sink->result;
    ear->rows = sink->result = next;
    bool enough = ear_is_stopping(ear) || ear->owes || adb__counter_get(&ear->changed) != 0;
    return enough ? ADB__SINK_ENOUGH : ADB_OK;
}

/* The connection ---------------------------------------------------------------------------------------------------- */

static adb_status ear_connect(struct adb__ear *ear, adb_error *error)
{
    if (ear->worker->is_open)
        return ADB_OK;
    ear_enter(ear, CONNECTING, 0);
    adb_status status = adb__worker_connect(ear->worker, ADB__NEVER, error);
    ear->since = adb__clock_now();
    return status;
}

/* LISTEN "channel": the name is taken as it is. */
static void channel_text(const struct channel *channel, const char *verb, char *text)
{
    text += sprintf(text, "%s \"", verb);
    for (const char *at = channel->name; *at != '\0'; at++) {
        *text++ = *at;
        if (*at == '"')
            *text++ = '"';
    }
    strcpy(text, "\"");
}

/* With the lock: the first channel that is to be listened on, or no longer; those that never were and need not be go. */
static struct channel *ear_next_channel(struct adb__ear *ear)
{
    struct adb__list *link = ear->channels.next;
    while (link != &ear->channels) {
        struct channel *channel = ADB__CONTAINER_OF(link, struct channel, link);
        bool wanted = !adb__list_empty(&channel->listeners);
        link = link->next;
        if (channel->heard != wanted)
            return channel;
        if (wanted)
            continue;
        adb__list_remove(&channel->link);
        adb__free(channel);
    }
    return NULL;
}

/* Tell the server which channels are wanted. */
static adb_status ear_tune(struct adb__ear *ear, adb_error *error)
{
    char text[2 * ADB_CHANNEL_MAX_BYTES + 16];
    for (;;) {
        ear_lock(ear);
        adb__counter_set(&ear->changed, 0);
        struct channel *channel = ear_next_channel(ear); /* stays: only this thread takes channels away */
        bool listen = channel != NULL && !channel->heard;
        ear_unlock(ear);
        if (channel == NULL)
            return ADB_OK;
        channel_text(channel, listen ? "LISTEN" : "UNLISTEN", text);
        ear_enter(ear, SENDING, PAUSE_MAX_NS);
        adb_status status = adb__session_send(ear->worker, text, error);
        if (status != ADB_OK)
            return status;
        ear_lock(ear);
        channel->heard = listen;
        ear_unlock(ear);
    }
}

/* Is a connection that was silent still there? */
static adb_status ear_check(struct adb__ear *ear, adb_error *error)
{
    ear_enter(ear, SENDING, PAUSE_MAX_NS);
    return ear->db->driver->check(ear->worker->conn, ADB__CHECK_PING, error);
}

/* Until something is to be done other than to hear. */
static adb_status ear_hear(struct adb__ear *ear, adb_error *error)
{
    const struct adb__statement statement = {.sql = "LISTEN", .sql_size = 6, .flags = ADB__STMT_LISTEN | ADB__STMT_NO_CACHE};
    struct adb__sink sink = {.result = ear->rows, .batch_rows = 1, .flush_fn = ear_flush, .owner = ear};
    adb__result_discard(ear->rows);
    ear_enter(ear, HEARING, ear->owes ? OWING_NS : HEARTBEAT_NS);
    adb_status status = adb__session_run(ear->worker, NULL, &statement, &sink, error);
    if (status != ADB_OK && status != ADB_E_CANCELLED)
        return status;
    if (ear_is_stopping(ear) || ear->owes || adb__clock_now() < ear->limit)
        return ADB_OK;
    return ear_check(ear, error);
}

/* Pause before the next attempt, with full jitter below a bound that doubles. */
static void ear_pause(struct adb__ear *ear)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t bound = PAUSE_MIN_NS;
    for (unsigned i = 1; i < ear->failures && bound < PAUSE_MAX_NS; i++)
        bound *= 2;
    bound = adb__deadline_first(bound, PAUSE_MAX_NS);
    int64_t until = adb__clock_now() + (int64_t)(adb__random(&ear->worker->random) % (uint64_t)bound);
    bool in_time = ear->failures > 0;
    ear_lock(ear);
    while (in_time && !ear_is_stopping(ear) && ear_has_listeners(ear))
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    ear_unlock(ear);
}

/* With the lock: nothing is heard any more. */
static void ear_deafen(struct adb__ear *ear, const adb_error *error)
{
    ADB__LIST_FOR_EACH(at, &ear->channels) {
        struct channel *channel = ADB__CONTAINER_OF(at, struct channel, link);
        channel->heard = false;
        ADB__LIST_FOR_EACH(link, &channel->listeners)
            listener_misses(ADB__CONTAINER_OF(link, struct adb_listener, link), error);
    }
}

/* There is no connection, or none that is of use. */
static void ear_lose(struct adb__ear *ear, const adb_error *error)
{
    adb_database *db = ear->db;
    if (ear->worker->is_open) {
        if (!ear_is_stopping(ear))
            adb__log(&db->log, ADB__LOG_WARN, "listening was interrupted: %s", error->message);
        adb__worker_disconnect(ear->worker, ADB__CLOSED_LOST);
        if (adb__clock_now() - ear->since > PAUSE_MAX_NS)
            ear->failures = 0;
    }
    ear_lock(ear);
    ear_deafen(ear, error);
    ear_unlock(ear);
    if (ear_is_stopping(ear) || !ear_has_listeners(ear))
        return;
    ear_gather(ear, wants_loss, error);
    for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
        tell_loss(ear, listener, error);
    ear_pause(ear);
    ear->failures++;
}

/* The thread -------------------------------------------------------------------------------------------------------- */

/* With the lock: wait a moment for a listener. */
static bool ear_linger(struct adb__ear *ear)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t until = adb__clock_now() + LINGER_NS;
    bool in_time = true;
    while (in_time && !ear_is_stopping(ear) && !ear_has_listeners(ear))
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    return ear_has_listeners(ear);
}

/* Is there anything to listen for? If not, it leaves: with the connection closed, and in one step with the look that
 * nobody has come meanwhile. */
static bool ear_is_wanted(struct adb__ear *ear)
{
    ear_lock(ear);
    bool wanted = ear_linger(ear);
    ear_unlock(ear);
    if (wanted && !ear_is_stopping(ear))
        return true;
    adb__worker_disconnect(ear->worker, ADB__CLOSED_CLOSE);
    ear_lock(ear);
    ear_deafen(ear, &(adb_error){.status = ADB_E_CLOSED});
    wanted = ear_has_listeners(ear) && !ear_is_stopping(ear);
    if (!wanted && !ear_is_stopping(ear)) {
        ear->db->listening.ear = NULL;
        ear->left = true;
    }
    ear_unlock(ear);
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
            ear_tell_words(ear);
            status = ear_hear(ear, &error);
        }
        if (status != ADB_OK)
            ear_lose(ear, &error);
    }
    ear_lock(ear);
    bool left = ear->left;
    ear->home = true;
    pthread_cond_broadcast(&db->listening.changed);
    ear_unlock(ear);
    if (left) {
        pthread_detach(pthread_self());
        adb__ear_free(ear);
    }
    adb__database_unref(db);
    return NULL;
}

/* The others' side -------------------------------------------------------------------------------------------------- */

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
    ear->worker->wake_fd = ear->wake.read_fd;
    return ear;
}

void adb__ear_free(struct adb__ear *ear)
{
    struct adb__list *link = adb__list_take_first(&ear->channels);
    while (link != NULL) {
        adb__free(ADB__CONTAINER_OF(link, struct channel, link));
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

static struct channel *ear_channel(struct adb__ear *ear, const char *name)
{
    ADB__LIST_FOR_EACH(link, &ear->channels) {
        struct channel *channel = ADB__CONTAINER_OF(link, struct channel, link);
        if (strcmp(channel->name, name) == 0)
            return channel;
    }
    struct channel *channel = adb__alloc_zeroed(sizeof(*channel));
    if (channel == NULL)
        return NULL;
    adb__list_init(&channel->listeners);
    memcpy(channel->name, name, strlen(name));
    adb__list_append(&ear->channels, &channel->link);
    return channel;
}

bool adb__ear_add(struct adb__ear *ear, struct adb_listener *listener)
{
    struct channel *channel = ear_channel(ear, listener->channel);
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
        struct channel *channel = ADB__CONTAINER_OF(at, struct channel, link);
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
