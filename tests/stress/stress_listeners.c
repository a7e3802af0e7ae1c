/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners that come and go: several threads make and end them, with their contexts and queues, while messages pour in
 * and the connection is lost. Each hears all that was sent after it was told that it listens, in order and once, but
 * for what lies before a gap that it was told of; and nothing when it has ended. */
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#include "base/clock.h"

#include <asyncdb/listen.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define N_THREADS  4
#define N_CHANNELS 3
#define ROUNDS     120
#define MOST       4 /* listeners of a round */

static const char *const channels[N_CHANNELS] = {"a", "b", "c"};
static _Atomic long sent[N_CHANNELS]; /* or about to be: the last number of each; by one thread */
static atomic_bool over;

/* One listener's. Callbacks of one listener come one after the other. */
struct ear_note {
    unsigned channel;
    bool listens;
    bool gap;           /* since the last message */
    long first_at_most; /* what was sent after it was told that it listens */
    long last;
    bool ended;
    const char *wrong;  /* what was */
};

static void hear_number(struct ear_note *note, long number)
{
    if (!note->listens)
        note->wrong = "a message before the word";
    else if (note->last == 0 && !note->gap && number > note->first_at_most)
        note->wrong = "the first was missed";
    else if (note->last != 0 && number <= note->last)
        note->wrong = "twice, or out of order";
    else if (note->last != 0 && !note->gap && number != note->last + 1)
        note->wrong = "one was missed";
    note->last = number;
    note->gap = false;
}

static void hear(const adb_notification *notification, void *user_data)
{
    struct ear_note *note = user_data;
    if (note->ended)
        note->wrong = "a callback after the end";
    switch (notification->kind) {
    case ADB_NOTIFY_LISTENING:
        note->wrong = note->listens ? "told twice that it listens" : note->wrong;
        note->listens = true;
        note->first_at_most = atomic_load(&sent[note->channel]) + 1;
        break;
    case ADB_NOTIFY_MESSAGE:
        hear_number(note, strtol(notification->payload, NULL, 10));
        break;
    case ADB_NOTIFY_GAP:
        note->gap = true;
        break;
    case ADB_NOTIFY_LOST:
        break;
    }
}

/* Senders ---------------------------------------------------------------------------------------------------------- */

static void send_next(unsigned channel)
{
    char text[32];
    snprintf(text, sizeof(text), "%ld", atomic_fetch_add(&sent[channel], 1) + 1);
    fake_notify(channels[channel], text);
}

static void *send_all(void *argument)
{
    (void)argument;
    while (!atomic_load(&over)) {
        for (unsigned i = 0; i < N_CHANNELS; i++)
            send_next(i);
        sched_yield();
    }
    return NULL;
}

/* Listeners -------------------------------------------------------------------------------------------------------- */

struct life {
    pthread_t thread;
    adb_database *db;
    adb_queue *queue;
    uint64_t random;
    size_t n_heard; /* listeners that have heard anything */
    const char *wrong;
};

static unsigned choose(struct life *life, unsigned n)
{
    return (unsigned)(adb__random(&life->random) % n);
}

static void listen_for_a_while(struct life *life)
{
    struct ear_note notes[MOST] = {0};
    adb_listener *listeners[MOST];
    const bool direct = choose(life, 4) == 0;
    adb_context *ctx = adb_context_new(life->db, direct ? ADB_QUEUE_DIRECT : life->queue, 0);
    const unsigned n = 1 + choose(life, MOST);
    for (unsigned i = 0; i < n; i++) {
        notes[i].channel = choose(life, N_CHANNELS);
        listeners[i] = adb_listen(ctx, channels[notes[i].channel], hear, &notes[i]);
    }
    for (unsigned turns = choose(life, 4); turns > 0; turns--) {
        adb_queue_wait(life->queue, (int)choose(life, 4));
        adb_queue_dispatch(life->queue, choose(life, 2) * 5);
    }
    for (unsigned i = choose(life, n + 1); i < n; i++) {
        adb_unlisten(listeners[i]);
        notes[i].ended = true;
    }
    if (choose(life, 2) == 0)
        adb_queue_dispatch(life->queue, 0);
    adb_context_free(ctx); /* and the others with it */
    for (unsigned i = 0; i < n; i++) {
        notes[i].ended = true;
        life->n_heard += notes[i].last != 0;
        life->wrong = notes[i].wrong != NULL ? notes[i].wrong : life->wrong;
    }
    adb_queue_dispatch(life->queue, 0);
}

static void *live(void *argument)
{
    struct life *life = argument;
    for (int i = 0; i < ROUNDS; i++) {
        listen_for_a_while(life);
        if (choose(life, 8) == 0) {
            adb_queue_free(life->queue);
            life->queue = adb_queue_new();
        }
    }
    return NULL;
}

/* All of it ---------------------------------------------------------------------------------------------------------- */

static void begin_lives(struct life *lives, adb_database *db)
{
    const char *seed = getenv("ADB_TEST_SEED");
    const uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    for (size_t i = 0; i < N_THREADS; i++) {
        lives[i] = (struct life){.db = db, .queue = adb_queue_new(), .random = first * N_THREADS + i};
        REQUIRE(lives[i].queue != NULL && pthread_create(&lives[i].thread, NULL, live, &lives[i]) == 0);
    }
}

/* Returns how many listeners have heard anything. */
static size_t end_lives(struct life *lives)
{
    size_t n_heard = 0;
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(lives[i].thread, NULL);
        adb_queue_free(lives[i].queue);
        n_heard += lives[i].n_heard;
        CU_ASSERT_PTR_NULL(lives[i].wrong);
        if (lives[i].wrong != NULL)
            printf("%s\n", lives[i].wrong);
    }
    return n_heard;
}

/* Who stays hears of every trouble, and what comes after it. */
static void hear_the_next(struct rig *rig, const struct ear_note *note)
{
    const long last = note->last;
    while (note->last == last) {
        adb_queue_wait(rig->queue, 5);
        adb_queue_dispatch(rig->queue, 0);
    }
}

TEST(listeners_come_and_go_while_messages_pour_in)
{
    struct rig rig;
    struct life lives[N_THREADS];
    struct ear_note note = {.channel = 0};
    pthread_t sender;
    fault_watch();
    const size_t before = fault_live_blocks();
    rig_open_fake(&rig, "fake://?backoff=1", NULL);
    atomic_store(&over, false);
    adb_listener *listener = adb_listen(rig.ctx, channels[0], hear, &note);
    REQUIRE(listener != NULL && pthread_create(&sender, NULL, send_all, NULL) == 0);
    begin_lives(lives, rig.db);
    for (int troubles = 0; troubles < 4; troubles++) {
        hear_the_next(&rig, &note);
        fake_lose_idle();
        hear_the_next(&rig, &note);
    }
    CU_ASSERT(end_lives(lives) > 0);
    hear_the_next(&rig, &note);
    atomic_store(&over, true);
    pthread_join(sender, NULL);
    adb_unlisten(listener);
    CU_ASSERT_PTR_NULL(note.wrong);
    rig_close(&rig);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(listeners_stress, CASE(listeners_come_and_go_while_messages_pour_in))
