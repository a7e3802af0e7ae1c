/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets of client libraries: waiting for one without being deaf to the core, and breaking one from another thread. */
#ifndef ADB_DRIVERS_SOCKET_H
#define ADB_DRIVERS_SOCKET_H

#include "base/ref.h"

#include <stdbool.h>
#include <stdint.h>

enum { ADB__SOCKET_READ = 1u << 0, ADB__SOCKET_WRITE = 1u << 1 };

/* What ends a wait before the socket is ready. */
struct adb__patience {
    int64_t deadline;                 /* base/clock.h; ADB__NEVER: none */
    int wake_fd;                      /* readable: ask stop_fn at once; -1: none */
    bool (*stop_fn)(void *stop_data); /* NULL: nobody asks to stop */
    void *stop_data;
};

enum adb__socket_event { ADB__SOCKET_READY, ADB__SOCKET_STOPPED, ADB__SOCKET_TIMEOUT };

/* Wait until the socket is ready for one of the directions, or broken: the client library finds out which. Asks stop_fn
 * first, and at least every 100 ms. */
enum adb__socket_event adb__socket_wait(int fd, unsigned directions, const struct adb__patience *patience);
/* So that a peer that is gone is noticed: keepalive, and a limit on how long sent bytes may stay unacknowledged. Does
 * nothing where it does not apply, such as to unix sockets. */
void adb__socket_guard(int fd);
/* Shut down both directions: whoever waits for the socket wakes up. From any thread; negative fd is none. */
void adb__socket_sever(int fd);

/* A descriptor of our own for the socket of a client library, which may close its own at any moment. The owner ties and
 * unties it; any thread may sever, also before and meanwhile, but the core sees to it that none does when it is
 * untied. */
struct adb__lifeline {
    struct adb__counter place; /* the descriptor plus one; 0: none, as in zeroed storage */
};

/* False: no descriptor is left. */
bool adb__lifeline_tie(struct adb__lifeline *lifeline, int fd);
void adb__lifeline_sever(const struct adb__lifeline *lifeline);
void adb__lifeline_untie(struct adb__lifeline *lifeline);
/* -1: none. */
int adb__lifeline_fd(const struct adb__lifeline *lifeline);

#endif
