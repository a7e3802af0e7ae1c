/* SPDX-License-Identifier: BSD-3-Clause */
/* The flag is one word; who sleeps, sleeps on it (queue/futex.h). The descriptor is an eventfd(2), else a pipe that is
 * not empty while signalled. Where nobody can sleep on a word, the descriptor always follows, and who waits polls it
 * too. tests/models/queue.pml has all of this. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "queue/notify.h"

#include "base/clock.h"
#include "queue/futex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#define SIGNALLED UINT32_C(1)
#define ASLEEP    UINT32_C(2) /* somebody has gone to sleep since the last signal */
#define WATCHED   UINT32_C(4) /* the descriptor follows; never taken back */
#define DOZING    ADB__NOTIFY_DOZING /* with ASLEEP: all who have, doze, and will look by themselves */

#if defined(HAVE_EVENTFD) && !defined(ADB__NOTIFY_PIPE) /* the latter for the tests */

#include <sys/eventfd.h>

static int fds_open(struct adb__notify *notify)
{
    notify->read_fd = notify->write_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return notify->read_fd >= 0 ? 0 : errno;
}

#else

static bool fd_prepare(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static int fds_open(struct adb__notify *notify)
{
    int fds[2];
    if (pipe(fds) != 0)
        return errno;
    notify->read_fd = fds[0];
    notify->write_fd = fds[1];
    return fd_prepare(fds[0]) && fd_prepare(fds[1]) ? 0 : errno;
}

#endif

static void fd_signal(const struct adb__notify *notify)
{
    const int saved = errno;
    const uint64_t one = 1;
    ssize_t written;
    /* Full (EAGAIN) is signalled already, so the only failure to act on is an interruption. */
    do {
        written = write(notify->write_fd, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
    errno = saved;
}

static void fd_clear(const struct adb__notify *notify)
{
    uint64_t drained[32];
    ssize_t size;
    /* An eventfd gives its count at once; a pipe has more when the buffer was filled. */
    do {
        size = read(notify->read_fd, drained, sizeof(drained));
    } while (size == (ssize_t)sizeof(drained) || (size < 0 && errno == EINTR));
}

int adb__notify_open(struct adb__notify *notify)
{
    atomic_init(&notify->word, ADB__HAVE_FUTEX ? 0 : WATCHED);
    notify->read_fd = notify->write_fd = -1;
    int error = fds_open(notify);
    if (error != 0)
        adb__notify_close(notify);
    return error;
}

void adb__notify_close(struct adb__notify *notify)
{
    if (notify->write_fd >= 0 && notify->write_fd != notify->read_fd)
        (void)close(notify->write_fd);
    if (notify->read_fd >= 0)
        (void)close(notify->read_fd);
    notify->read_fd = notify->write_fd = -1;
}

int adb__notify_fd(struct adb__notify *notify)
{
    /* One word orders this against a signal: it sees that the descriptor is watched, or this sees that it came. */
    uint32_t before = atomic_fetch_or_explicit(&notify->word, WATCHED, memory_order_acq_rel);
    if ((before & (WATCHED | SIGNALLED)) == SIGNALLED)
        fd_signal(notify);
    return notify->read_fd;
}

void adb__notify_signal(struct adb__notify *notify)
{
    uint32_t before = atomic_load_explicit(&notify->word, memory_order_relaxed);
    /* release: pairs with the acquire of whoever waits, glances or clears: what was pushed before is seen. */
    while (!atomic_compare_exchange_weak_explicit(&notify->word, &before, (before | SIGNALLED) & ~(ASLEEP | DOZING),
                                                  memory_order_acq_rel, memory_order_relaxed))
        continue;
#if ADB__HAVE_FUTEX
    if ((before & ASLEEP) != 0)
        adb__futex_wake(&notify->word, INT_MAX);
#endif
    if ((before & WATCHED) != 0)
        fd_signal(notify);
}

void adb__notify_whisper(struct adb__notify *notify)
{
    uint32_t before = atomic_load_explicit(&notify->word, memory_order_relaxed);
    while ((before & (DOZING | WATCHED)) == DOZING) {
        /* release: as in adb__notify_signal(). A dozer that has not reached the kernel yet finds another word there. */
        if (atomic_compare_exchange_weak_explicit(&notify->word, &before, before | SIGNALLED, memory_order_acq_rel,
                                                  memory_order_relaxed))
            return;
    }
    adb__notify_signal(notify);
}

void adb__notify_clear(struct adb__notify *notify)
{
    uint32_t before = atomic_load_explicit(&notify->word, memory_order_relaxed);
    /* acquire: pairs with the release in adb__notify_signal(): what the signal announced is seen by the look after
     * this. A signal that is not seen here is not taken away either. */
    if ((before & SIGNALLED) != 0)
        before = atomic_fetch_and_explicit(&notify->word, ~SIGNALLED, memory_order_acq_rel);
    /* Always: the signaller writes after its step on the word, so that the write may be of a signal cleared before. */
    if ((before & WATCHED) != 0)
        fd_clear(notify);
}

#if ADB__HAVE_FUTEX

void adb__notify_rouse(struct adb__notify *notify)
{
    uint32_t before = atomic_load_explicit(&notify->word, memory_order_relaxed);
    while ((before & (DOZING | SIGNALLED)) == (DOZING | SIGNALLED)) {
        /* It publishes nothing: the whisper has. */
        if (!atomic_compare_exchange_weak_explicit(&notify->word, &before, before & ~(ASLEEP | DOZING),
                                                   memory_order_relaxed, memory_order_relaxed))
            continue;
        adb__futex_wake(&notify->word, INT_MAX);
        return;
    }
}

/* Sleep on the word while it is as it was seen, without SIGNALLED. */
static bool word_sleep(struct adb__notify *notify, uint32_t seen, int64_t deadline)
{
    if ((seen & SIGNALLED) != 0)
        return true;
    (void)adb__futex_wait(&notify->word, seen, deadline);
    return adb__notify_is_signalled(notify);
}

bool adb__notify_wait(struct adb__notify *notify, int64_t deadline)
{
    uint32_t seen = atomic_load_explicit(&notify->word, memory_order_acquire);
    /* Beside those who doze there is now one who does not: a whisper is to be heard. */
    while ((seen & SIGNALLED) == 0 && (seen & (ASLEEP | DOZING)) != ASLEEP) {
        /* It publishes nothing; the kernel compares the word again when it lets the thread sleep. */
        if (atomic_compare_exchange_weak_explicit(&notify->word, &seen, (seen | ASLEEP) & ~DOZING,
                                                  memory_order_acquire, memory_order_acquire))
            seen = (seen | ASLEEP) & ~DOZING;
    }
    return word_sleep(notify, seen, deadline);
}

bool adb__notify_doze(struct adb__notify *notify, int64_t until)
{
    uint32_t seen = atomic_load_explicit(&notify->word, memory_order_acquire);
    /* Beside one who sleeps it is woken with that one. */
    while ((seen & (SIGNALLED | ASLEEP)) == 0) {
        if (atomic_compare_exchange_weak_explicit(&notify->word, &seen, seen | ASLEEP | DOZING, memory_order_acquire,
                                                  memory_order_acquire))
            seen |= ASLEEP | DOZING;
    }
    bool signalled = word_sleep(notify, seen, until);
    /* Nobody need rouse it any more. Another one that dozes is not woken then: it looks by itself. */
    seen = atomic_load_explicit(&notify->word, memory_order_relaxed);
    while ((seen & DOZING) != 0 &&
           !atomic_compare_exchange_weak_explicit(&notify->word, &seen, seen & ~(ASLEEP | DOZING),
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
    return signalled;
}

#else

void adb__notify_rouse(struct adb__notify *notify)
{
    (void)notify;
}

/* Nobody does: the descriptor is signalled by a system call anyway. */
bool adb__notify_doze(struct adb__notify *notify, int64_t until)
{
    (void)until;
    return adb__notify_is_signalled(notify);
}

bool adb__notify_wait(struct adb__notify *notify, int64_t deadline)
{
    struct pollfd fd = {.fd = notify->read_fd, .events = POLLIN};
    int left_ms = adb__deadline_left_ms(deadline, adb__clock_now());
    return poll(&fd, 1, left_ms) == 1 && (fd.revents & POLLIN) != 0;
}

#endif
