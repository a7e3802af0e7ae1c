/* SPDX-License-Identifier: BSD-3-Clause */
/* What listeners are told: that they listen, messages, losses and gaps. Each notice is made and handed over with no
 * lock held; whether it still goes, and what the listener knows then, is settled in one step under the lock. */
#include "base/clock.h"
#include "core/condition.h"
#include "core/ear_parts.h"
#include "model/error.h"

#include <string.h>

typedef bool (*wants_fn)(const struct adb__channel *channel, const struct adb_listener *listener, const void *data);

/* Those that want it take their turn. Nothing is told with the lock held, and a listener may end meanwhile. */
static void ear_gather(struct adb__ear *ear, wants_fn wants, const void *data)
{
    adb__ear_lock(ear);
    ADB__LIST_FOR_EACH(at, &ear->channels) {
        struct adb__channel *channel = ADB__CONTAINER_OF(at, struct adb__channel, link);
        ADB__LIST_FOR_EACH(link, &channel->listeners) {
            struct adb_listener *listener = ADB__CONTAINER_OF(link, struct adb_listener, link);
            if (!wants(channel, listener, data))
                continue;
            adb__ref_take(&listener->ref);
            adb__list_append(&ear->turns, &listener->turn);
        }
    }
    adb__ear_unlock(ear);
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

void adb__listener_misses(struct adb_listener *listener, const adb_error *error)
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
static bool wants_word(const struct adb__channel *channel, const struct adb_listener *listener, const void *data)
{
    const struct adb__listening *listening = data;
    size_t room = listener->overflowed ? listening->most_undelivered / 2 : listening->most_undelivered - 1;
    return channel->heard && (!listener->told || listener->gap_since != 0) && listener->undelivered <= room;
}

static void tell_word(struct adb__ear *ear, struct adb_listener *listener)
{
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_LISTENING, NULL, 0);
    ear->owes = ear->owes || notice == NULL;
    adb__ear_lock(ear);
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
    adb__ear_unlock(ear);
    turn_end(listener, notice, goes);
}

void adb__ear_tell_words(struct adb__ear *ear)
{
    ear->owes = false;
    ear_gather(ear, wants_word, &ear->db->listening);
    for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
        tell_word(ear, listener);
}

struct loss {
    const struct adb__channel *channel; /* NULL: all */
    const adb_error *error;
};

static bool wants_loss(const struct adb__channel *channel, const struct adb_listener *listener, const void *data)
{
    const struct loss *loss = data;
    return (loss->channel == NULL || loss->channel == channel) && listener->failure != loss->error->status;
}

/* A listener whose queue is full hears of the gap later. */
static void tell_loss(struct adb__ear *ear, struct adb_listener *listener, const adb_error *error)
{
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_LOST, NULL, 0);
    adb__ear_lock(ear);
    bool goes = !listener->ended && notice != NULL && listener->undelivered < ear->db->listening.most_undelivered;
    if (goes) {
        listener->failure = error->status;
        listener->undelivered++;
        notice_explain(notice, error);
    }
    adb__ear_unlock(ear);
    turn_end(listener, notice, goes);
}

static bool wants_message(const struct adb__channel *channel, const struct adb_listener *listener, const void *data)
{
    const struct adb__hearing *hearing = data;
    return listener->told && listener->gap_since == 0 && strcmp(channel->name, hearing->channel) == 0;
}

/* With the lock: wait for room, for as long as there is patience. False: there is none. */
static bool message_has_room(struct adb__ear *ear, struct adb_listener *listener)
{
    struct adb__listening *listening = &ear->db->listening;
    int64_t until = adb__clock_now() + listening->patience;
    bool in_time = true;
    while (in_time && !listener->ended && !adb__ear_is_stopping(ear) &&
           listener->undelivered >= listening->most_undelivered)
        in_time = adb__condition_wait(&listening->changed, &listening->lock, until);
    return listener->undelivered < listening->most_undelivered;
}

static void tell_message(struct adb__ear *ear, struct adb_listener *listener, const struct adb__hearing *hearing)
{
    adb_error error;
    struct adb__notice *notice = adb__notice_new(ADB_NOTIFY_MESSAGE, hearing->payload, hearing->payload_size);
    adb__ear_lock(ear);
    bool has_room = message_has_room(ear, listener);
    bool goes = !listener->ended && notice != NULL && has_room;
    if (goes) {
        notice->notification.pid = hearing->pid;
        listener->undelivered++;
    } else if (!has_room) {
        adb__error_set(&error, ADB_E_BUSY, "%zu notifications wait in the queue of this listener",
                       listener->undelivered);
        listener->overflowed = true;
        adb__listener_misses(listener, &error);
    } else {
        adb__error_set(&error, ADB_E_NOMEM, "no memory for a notification");
        ear->owes = true;
        adb__listener_misses(listener, &error);
    }
    adb__ear_unlock(ear);
    turn_end(listener, notice, goes);
}

void adb__ear_tell_loss(struct adb__ear *ear, const struct adb__channel *channel, const adb_error *error)
{
    const struct loss loss = {.channel = channel, .error = error};
    ear_gather(ear, wants_loss, &loss);
    for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
        tell_loss(ear, listener, error);
}

void adb__ear_tell_message(struct adb__ear *ear, const struct adb__hearing *hearing)
{
    ear_gather(ear, wants_message, hearing);
    for (struct adb_listener *listener = ear_next_turn(ear); listener != NULL; listener = ear_next_turn(ear))
        tell_message(ear, listener, hearing);
}
