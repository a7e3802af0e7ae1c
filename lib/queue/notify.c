/* SPDX-License-Identifier: BSD-3-Clause */
/* The pollable flag on eventfd(2), else on a pipe that is not empty while signalled. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "queue/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

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

int adb__notify_open(struct adb__notify *notify)
{
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

void adb__notify_signal(const struct adb__notify *notify)
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

void adb__notify_clear(const struct adb__notify *notify)
{
    uint64_t drained[32];
    ssize_t size;
    /* An eventfd gives its count at once; a pipe has more when the buffer was filled. */
    do {
        size = read(notify->read_fd, drained, sizeof(drained));
    } while (size == (ssize_t)sizeof(drained) || (size < 0 && errno == EINTR));
}

bool adb__notify_wait(const struct adb__notify *notify, int timeout_ms)
{
    struct pollfd fd = {.fd = notify->read_fd, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1 && (fd.revents & POLLIN) != 0;
}
