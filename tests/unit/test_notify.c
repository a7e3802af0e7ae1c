/* SPDX-License-Identifier: BSD-3-Clause */
/* The pollable flag, as the system has it; test_notify_pipe.c has these tests for the pipe. */
#include "tests/lib/harness.h"

#include "base/clock.h"
#include "queue/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

static struct adb__notify notify;

static bool readable(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

static bool signalled(void)
{
    return adb__notify_wait(&notify, 0);
}

/* It is not signalled before the first signal. */
TEST(opens_unsignalled)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    CU_ASSERT(notify.read_fd >= 0);
    CU_ASSERT(!signalled());
    adb__notify_close(&notify);
}

/* A signal stays, also for those who wait twice, until it is cleared. */
TEST(signal_stays_until_cleared)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    adb__notify_signal(&notify);
    CU_ASSERT(signalled());
    CU_ASSERT(signalled());
    adb__notify_clear(&notify);
    CU_ASSERT(!signalled());
    adb__notify_close(&notify);
}

/* Any number of signals is one: more than a pipe holds neither block nor need a second clear. */
TEST(signals_coalesce)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    for (int i = 0; i < 100000; i++)
        adb__notify_signal(&notify);
    CU_ASSERT(signalled());
    adb__notify_clear(&notify);
    CU_ASSERT(!signalled());
    adb__notify_clear(&notify);
    CU_ASSERT(!signalled());
    adb__notify_close(&notify);
}

/* A signal handler may interrupt code that is about to read errno. */
TEST(signal_keeps_errno)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    for (int i = 0; i < 20000; i++) {
        errno = ENOTTY;
        adb__notify_signal(&notify);
        CU_ASSERT_EQUAL(errno, ENOTTY);
    }
    adb__notify_close(&notify);
}

/* The descriptors are not inherited by programs that are started, and nothing ever blocks on them. */
TEST(descriptors_close_on_exec_and_never_block)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    const int fds[] = {notify.read_fd, notify.write_fd};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        CU_ASSERT(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
    }
    adb__notify_close(&notify);
}

/* Closing leaves no descriptor open, and a second time does nothing. */
TEST(close_twice_is_harmless)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    const int fd = notify.read_fd;
    adb__notify_close(&notify);
    CU_ASSERT_EQUAL(notify.read_fd, -1);
    CU_ASSERT_EQUAL(notify.write_fd, -1);
    CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
    adb__notify_close(&notify);
}

/* Without descriptors left, open gives the reason, and nothing is open. */
TEST(open_says_why_it_was_refused)
{
    struct rlimit limit;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    int error = adb__notify_open(&notify);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CU_ASSERT_EQUAL(error, EMFILE);
    CU_ASSERT_EQUAL(notify.read_fd, -1);
    CU_ASSERT_EQUAL(notify.write_fd, -1);
}

static void *signal_it(void *arg)
{
    adb__notify_signal(arg);
    return NULL;
}

/* Whoever asks for the descriptor only after the signal finds it readable. */
TEST(descriptor_follows_the_flag)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    adb__notify_signal(&notify);
    const int fd = adb__notify_fd(&notify);
    CU_ASSERT(readable(fd));
    adb__notify_clear(&notify);
    CU_ASSERT(!readable(fd));
    adb__notify_signal(&notify);
    CU_ASSERT(readable(fd) && signalled());
    CU_ASSERT_EQUAL(adb__notify_fd(&notify), fd);
    adb__notify_clear(&notify);
    CU_ASSERT(!readable(fd) && !signalled());
    adb__notify_close(&notify);
}

/* A wait that nothing ends lasts until its deadline. */
TEST(wait_ends_at_the_deadline)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    const int64_t deadline = adb__clock_now() + ADB__NS_PER_MS;
    while (adb__clock_now() < deadline)
        CU_ASSERT(!adb__notify_wait(&notify, deadline));
    CU_ASSERT(!adb__notify_wait(&notify, deadline));
    adb__notify_close(&notify);
}

static void *await_it(void *arg)
{
    while (!adb__notify_wait(arg, ADB__NEVER))
        continue;
    return NULL;
}

/* However many wait, one signal ends all their waits. */
TEST(one_signal_ends_all_waits)
{
    pthread_t threads[4];
    REQUIRE(adb__notify_open(&notify) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, await_it, &notify) == 0);
    adb__notify_signal(&notify);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    adb__notify_close(&notify);
}

/* A signal from another thread ends the wait, however long that was to be. */
TEST(wait_ends_with_a_signal_from_another_thread)
{
    pthread_t thread;
    REQUIRE(adb__notify_open(&notify) == 0);
    REQUIRE(pthread_create(&thread, NULL, signal_it, &notify) == 0);
    CU_ASSERT(adb__notify_wait(&notify, ADB__NEVER));
    pthread_join(thread, NULL);
    adb__notify_close(&notify);
}

static void *doze_it(void *arg)
{
    while (!adb__notify_doze(arg, ADB__NEVER))
        continue;
    return NULL;
}

static void *doze_again_and_again(void *arg)
{
    while (!adb__notify_doze(arg, adb__clock_now() + ADB__NS_PER_MS / 10))
        continue;
    return NULL;
}

/* To who is awake, or comes later, a whisper is a signal. */
TEST(whisper_is_a_signal)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    adb__notify_whisper(&notify);
    CU_ASSERT(adb__notify_is_signalled(&notify));
    CU_ASSERT(adb__notify_wait(&notify, ADB__NEVER));
    CU_ASSERT(adb__notify_doze(&notify, ADB__NEVER));
    adb__notify_clear(&notify);
    CU_ASSERT(!signalled());
    adb__notify_close(&notify);
}

/* Nobody need rouse who dozes: it looks by itself. */
TEST(whisper_is_seen_when_the_doze_is_over)
{
    pthread_t thread;
    REQUIRE(adb__notify_open(&notify) == 0);
    REQUIRE(pthread_create(&thread, NULL, doze_again_and_again, &notify) == 0);
    adb__notify_whisper(&notify);
    pthread_join(thread, NULL);
    adb__notify_close(&notify);
}

/* However long the doze was to be. */
TEST(doze_ends_when_roused_after_a_whisper)
{
    pthread_t thread;
    for (int i = 0; i < 100; i++) {
        REQUIRE(adb__notify_open(&notify) == 0);
        REQUIRE(pthread_create(&thread, NULL, doze_it, &notify) == 0);
        adb__notify_whisper(&notify);
        adb__notify_rouse(&notify);
        pthread_join(thread, NULL);
        adb__notify_close(&notify);
    }
}

/* A signal is for those who doze, too. */
TEST(doze_ends_with_a_signal)
{
    pthread_t thread;
    for (int i = 0; i < 100; i++) {
        REQUIRE(adb__notify_open(&notify) == 0);
        REQUIRE(pthread_create(&thread, NULL, doze_it, &notify) == 0);
        adb__notify_signal(&notify);
        pthread_join(thread, NULL);
        adb__notify_close(&notify);
    }
}

/* Who sleeps for longer hears a whisper, also beside one who dozes. */
TEST(whisper_ends_the_wait_beside_a_doze)
{
    pthread_t sleeper, dozer;
    for (int i = 0; i < 100; i++) {
        REQUIRE(adb__notify_open(&notify) == 0);
        REQUIRE(pthread_create(&dozer, NULL, doze_again_and_again, &notify) == 0);
        REQUIRE(pthread_create(&sleeper, NULL, await_it, &notify) == 0);
        adb__notify_whisper(&notify);
        pthread_join(sleeper, NULL);
        pthread_join(dozer, NULL);
        adb__notify_close(&notify);
    }
}

/* Who polls hears it too. */
TEST(whisper_makes_the_descriptor_readable_beside_a_doze)
{
    pthread_t dozer;
    REQUIRE(adb__notify_open(&notify) == 0);
    const int fd = adb__notify_fd(&notify);
    REQUIRE(pthread_create(&dozer, NULL, doze_again_and_again, &notify) == 0);
    adb__notify_whisper(&notify);
    CU_ASSERT(readable(fd));
    pthread_join(dozer, NULL);
    adb__notify_close(&notify);
}

/* A doze in which nothing comes is over at its end. */
TEST(doze_ends_in_time)
{
    REQUIRE(adb__notify_open(&notify) == 0);
    CU_ASSERT(!adb__notify_doze(&notify, adb__clock_now() + ADB__NS_PER_MS / 10));
    adb__notify_rouse(&notify);
    CU_ASSERT(!signalled());
    adb__notify_close(&notify);
}

SUITE(notify, CASE(whisper_is_a_signal), CASE(whisper_is_seen_when_the_doze_is_over),
      CASE(doze_ends_when_roused_after_a_whisper), CASE(doze_ends_with_a_signal),
      CASE(whisper_ends_the_wait_beside_a_doze), CASE(whisper_makes_the_descriptor_readable_beside_a_doze),
      CASE(doze_ends_in_time), CASE(opens_unsignalled), CASE(signal_stays_until_cleared), CASE(signals_coalesce),
      CASE(signal_keeps_errno), CASE(descriptors_close_on_exec_and_never_block), CASE(close_twice_is_harmless),
      CASE(open_says_why_it_was_refused), CASE(descriptor_follows_the_flag),
      CASE(wait_ends_at_the_deadline), CASE(one_signal_ends_all_waits),
      CASE(wait_ends_with_a_signal_from_another_thread))
