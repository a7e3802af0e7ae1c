/* SPDX-License-Identifier: BSD-3-Clause */
/* A crowd of listeners: several threads make and end them, with their contexts and queues. Each must hear all that was
 * sent after it was told that it listens, in order and once, but for what lies before a gap that it was told of; and
 * nothing when it has ended. Messages are numbers: who sends takes them from crowd_number(). */
#ifndef ADB_TESTS_CROWD_H
#define ADB_TESTS_CROWD_H

#include <asyncdb.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CROWD_THREADS  4
#define CROWD_CHANNELS 3

struct crowd;

/* What one listener has heard. Its callbacks come one after the other. */
struct crowd_ear {
    struct crowd *crowd;
    unsigned channel;
    bool listens;
    bool gap;           /* since the last message */
    long first_at_most; /* what was sent after it was told that it listens */
    _Atomic long last;
    bool ended;
    const char *wrong;  /* what was */
};

struct crowd_life {
    pthread_t thread;
    struct crowd *crowd;
    adb_queue *queue;
    uint64_t random;
    size_t n_heard;     /* listeners that have heard anything */
    const char *wrong;
};

struct crowd {
    adb_database *db;
    int rounds;                         /* of each thread */
    atomic_size_t n_through;            /* threads that have lived them */
    _Atomic long sent[CROWD_CHANNELS];  /* or about to be */
    struct crowd_life lives[CROWD_THREADS];
};

const char *crowd_channel(unsigned channel);
/* Let them loose on the database; ADB_TEST_SEED makes them others. */
void crowd_begin(struct crowd *crowd, adb_database *db, int rounds);
/* The next message of a channel, just before it is sent. By one thread for each channel. */
long crowd_number(struct crowd *crowd, unsigned channel);
/* One that stays: outside the crowd, held to the same. */
adb_listener *crowd_listen(struct crowd *crowd, adb_context *ctx, unsigned channel, struct crowd_ear *ear);
/* Dispatch until it has heard something that was sent after this call: there is a connection. */
void crowd_hear(adb_queue *queue, const struct crowd_ear *ear);
/* Dispatch until they are through, as one who does not come for his messages holds up all; check what they have heard.
 * Returns how many listeners have heard anything. */
size_t crowd_end(struct crowd *crowd, adb_queue *queue);

#endif
