/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for sockets, guarding and breaking them. */
#include "drivers/socket.h"

#include "base/clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between two questions to stop_fn. */
#define LONGEST_POLL_MS 100

/* A peer that is gone is noticed after a minute of silence and three questions, or when it has not acknowledged what
 * was sent for half a minute. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT      3
#define USER_TIMEOUT_MS      30000

static short poll_events(unsigned directions)
{
    const int in = (directions & ADB__SOCKET_READ) != 0 ? POLLIN : 0;
    const int out = (directions & ADB__SOCKET_WRITE) != 0 ? POLLOUT : 0;
    return (short)(in | out);
}

enum adb__socket_event adb__socket_wait(int fd, unsigned directions, const struct adb__patience *patience)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = fd, .events = poll_events(directions)},
                               {.fd = patience->wake_fd, .events = POLLIN}};
        int left_ms = -1;
        if (patience->stop_fn != NULL && patience->stop_fn(patience->stop_data))
            return ADB__SOCKET_STOPPED;
        if (patience->deadline != ADB__NEVER)
            left_ms = adb__deadline_left_ms(patience->deadline, adb__clock_now());
        const int pause_ms = left_ms < 0 || left_ms > LONGEST_POLL_MS ? LONGEST_POLL_MS : left_ms;
        if (poll(fds, patience->wake_fd < 0 ? 1 : 2, pause_ms) > 0 && fds[0].revents != 0)
            return ADB__SOCKET_READY; /* a signal is no event: poll() says -1 then */
        if (left_ms == 0)
            return ADB__SOCKET_TIMEOUT;
    }
}

static void set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value)); /* refused where it does not apply */
}

void adb__socket_guard(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
#endif
#ifdef TCP_USER_TIMEOUT
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
#endif
}

void adb__socket_sever(int fd)
{
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

bool adb__lifeline_tie(struct adb__lifeline *lifeline, int fd)
{
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    adb__counter_set(&lifeline->place, own < 0 ? 0 : own + 1);
    return own >= 0;
}

void adb__lifeline_sever(const struct adb__lifeline *lifeline)
{
    adb__socket_sever(adb__lifeline_fd(lifeline));
}

void adb__lifeline_untie(struct adb__lifeline *lifeline)
{
    const int own = adb__lifeline_fd(lifeline);
    adb__counter_set(&lifeline->place, 0);
    if (own >= 0)
        close(own);
}

int adb__lifeline_fd(const struct adb__lifeline *lifeline)
{
    return (int)adb__counter_get(&lifeline->place) - 1;
}
