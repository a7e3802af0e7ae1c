/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners that come and go, and what each is held to. */
#include "tests/lib/crowd.h"

#include "base/clock.h"
#include "tests/lib/harness.h"
#include "tests/lib/wait.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST 4 /* listeners of a round */

const char *crowd_channel(unsigned channel)
{
    static const char *const channels[CROWD_CHANNELS] = {"crowd_a", "crowd_b", "crowd_c"};
    return channels[channel];
}

/* Hearing ---------------------------------------------------------------------------------------------------------- */

static void hear_number(struct crowd_ear *ear, long number)
{
    if (!ear->listens)
        ear->wrong = "a message before the word";
    else if (ear->last == 0 && !ear->gap && number > ear->first_at_most)
        ear->wrong = "the first was missed";
    else if (ear->last != 0 && number <= ear->last)
        ear->wrong = "twice, or out of order";
    else if (ear->last != 0 && !ear->gap && number != ear->last + 1)
        ear->wrong = "one was missed";
    ear->last = number;
    ear->gap = false;
}

static void hear(const adb_notification *notification, void *user_data)
{
    struct crowd_ear *ear = user_data;
    if (ear->ended)
        ear->wrong = "a callback after the end";
    switch (notification->kind) {
    case ADB_NOTIFY_LISTENING:
        ear->wrong = ear->listens ? "told twice that it listens" : ear->wrong;
        ear->listens = true;
        ear->first_at_most = atomic_load(&ear->crowd->sent[ear->channel]) + 1;
        break;
    case ADB_NOTIFY_MESSAGE:
        hear_number(ear, strtol(notification->payload, NULL, 10));
        break;
    case ADB_NOTIFY_GAP:
        ear->gap = true;
        break;
    case ADB_NOTIFY_LOST:
        break;
    }
}

adb_listener *crowd_listen(struct crowd *crowd, adb_context *ctx, unsigned channel, struct crowd_ear *ear)
{
    *ear = (struct crowd_ear){.crowd = crowd, .channel = channel};
    return adb_listen(ctx, crowd_channel(channel), hear, ear);
}

struct news {
    const struct crowd_ear *ear;
    long first;
};

static bool has_news(void *data)
{
    const struct news *news = data;
    return news->ear->last >= news->first;
}

void crowd_hear(adb_queue *queue, const struct crowd_ear *ear)
{
    struct news news = {.ear = ear, .first = atomic_load(&ear->crowd->sent[ear->channel]) + 1};
    run_until(queue, has_news, &news);
}

long crowd_number(struct crowd *crowd, unsigned channel)
{
    return atomic_fetch_add(&crowd->sent[channel], 1) + 1;
}

/* Lives ------------------------------------------------------------------------------------------------------------ */

static unsigned choose(struct crowd_life *life, unsigned n)
{
    return (unsigned)(adb__random(&life->random) % n);
}

static bool has_heard(void *data)
{
    const struct crowd_ear *ear = data;
    return ear->last != 0;
}

/* A moment, mostly; until this one has heard something, at times. */
static void dispatch_at_times(struct crowd_life *life, struct crowd_ear *ear)
{
    if (choose(life, 16) == 0)
        run_until(life->queue, has_heard, ear);
    for (unsigned turns = choose(life, 4); turns > 0; turns--) {
        adb_queue_wait(life->queue, (int)choose(life, 4));
        adb_queue_dispatch(life->queue, choose(life, 2) * 5);
    }
}

static void listen_for_a_while(struct crowd_life *life)
{
    struct crowd_ear ears[MOST];
    adb_listener *listeners[MOST];
    const bool direct = choose(life, 4) == 0;
    const unsigned n = 1 + choose(life, MOST);
    adb_context *ctx = adb_context_new(life->crowd->db, direct ? ADB_QUEUE_DIRECT : life->queue, 0);
    for (unsigned i = 0; i < n; i++)
        listeners[i] = crowd_listen(life->crowd, ctx, choose(life, CROWD_CHANNELS), &ears[i]);
    dispatch_at_times(life, &ears[0]);
    for (unsigned i = choose(life, n + 1); i < n; i++) {
        adb_unlisten(listeners[i]);
        ears[i].ended = true;
    }
    if (choose(life, 2) == 0)
        adb_queue_dispatch(life->queue, 0);
    adb_context_free(ctx); /* and the others with it */
    for (unsigned i = 0; i < n; i++) {
        ears[i].ended = true;
        life->n_heard += ears[i].last != 0;
        life->wrong = ears[i].wrong != NULL ? ears[i].wrong : life->wrong;
    }
    adb_queue_dispatch(life->queue, 0);
}

static void *live(void *argument)
{
    struct crowd_life *life = argument;
    for (int i = 0; i < life->crowd->rounds; i++) {
        listen_for_a_while(life);
        if (choose(life, 8) == 0) {
            adb_queue_free(life->queue);
            life->queue = adb_queue_new();
        }
    }
    atomic_fetch_add(&life->crowd->n_through, 1);
    return NULL;
}

void crowd_begin(struct crowd *crowd, adb_database *db, int rounds)
{
    const char *seed = getenv("ADB_TEST_SEED");
    const uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    crowd->db = db;
    crowd->rounds = rounds;
    atomic_store(&crowd->n_through, 0);
    for (size_t i = 0; i < CROWD_THREADS; i++) {
        struct crowd_life *life = &crowd->lives[i];
        *life = (struct crowd_life){.crowd = crowd, .queue = adb_queue_new(), .random = first * CROWD_THREADS + i};
        REQUIRE(life->queue != NULL && pthread_create(&life->thread, NULL, live, life) == 0);
    }
}

static bool is_through(void *data)
{
    const struct crowd *crowd = data;
    return atomic_load(&crowd->n_through) == CROWD_THREADS;
}

size_t crowd_end(struct crowd *crowd, adb_queue *queue)
{
    size_t n_heard = 0;
    run_until(queue, is_through, crowd);
    for (size_t i = 0; i < CROWD_THREADS; i++) {
        struct crowd_life *life = &crowd->lives[i];
        pthread_join(life->thread, NULL);
        adb_queue_free(life->queue);
        n_heard += life->n_heard;
        CU_ASSERT_PTR_NULL(life->wrong);
        if (life->wrong != NULL)
            printf("%s\n", life->wrong);
    }
    return n_heard;
}
