/* SPDX-License-Identifier: BSD-3-Clause */
/* Thread rendezvous for tests: a latch is shut until it is opened, and counts who has come to it.
 *
 * Nothing here waits for ever: after half a minute the whole program ends, loudly. */
#ifndef ADB_TESTS_LATCH_H
#define ADB_TESTS_LATCH_H

#include <pthread.h>
#include <stdbool.h>

#define LATCH_PATIENCE_S 30

struct latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned arrived;   /* how many have come so far, whether they had to wait or not */
};

#define LATCH_INIT {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}

/* True: give up. Asked with no lock of the latch held by others, again and again. */
typedef bool (*latch_stop_fn)(void *data);

void latch_open(struct latch *latch);
/* Arrive, and wait until it is open. */
void latch_wait(struct latch *latch);
/* The same, but false as soon as stop says so. */
bool latch_wait_unless(struct latch *latch, latch_stop_fn stop, void *data);
/* Wait until so many have arrived. */
void latch_expect(struct latch *latch, unsigned arrivals);
unsigned latch_arrived(struct latch *latch);

/* The latch of that name, made when it is first asked for. */
struct latch *latch_named(const char *name);
/* Forget all names: every latch is shut again and nobody has come. While no thread waits. */
void latch_reset(void);

/* End the program with a message: something did not happen in time. */
_Noreturn void latch_hang(const char *what);

#endif
