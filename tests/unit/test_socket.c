/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for sockets: what ends a wait, and how it is broken from outside. */
#include "drivers/socket.h"

#include "base/clock.h"
#include "tests/lib/harness.h"

#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static void open_pair(void)
{
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static void close_pair(void)
{
    close(ends[0]);
    close(ends[1]);
}

struct stopper {
    int asked;
    int stop_at; /* says yes from this question on */
};

static bool should_stop(void *data)
{
    struct stopper *stopper = data;
    return ++stopper->asked >= stopper->stop_at;
}

static struct adb__patience patience_until(int64_t deadline)
{
    return (struct adb__patience){.deadline = deadline, .wake_fd = -1};
}

/* A socket that has something to read, or room to write, ends the wait. */
TEST(a_ready_socket_ends_the_wait)
{
    open_pair();
    const struct adb__patience patience = patience_until(ADB__NEVER);
    REQUIRE(write(ends[1], "x", 1) == 1);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_READY);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_WRITE, &patience), ADB__SOCKET_READY);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[1], ADB__SOCKET_READ | ADB__SOCKET_WRITE, &patience), ADB__SOCKET_READY);
    close_pair();
}

/* A deadline ends it, also one that has passed before. */
TEST(a_deadline_ends_the_wait)
{
    open_pair();
    struct adb__patience patience = patience_until(adb__clock_now() - 1);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_TIMEOUT);
    patience = patience_until(adb__deadline_in(adb__clock_now(), 2));
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_TIMEOUT);
    CU_ASSERT(adb__clock_now() >= patience.deadline);
    close_pair();
}

/* Whoever is ready although the deadline has passed is ready. */
TEST(readiness_counts_before_the_deadline)
{
    open_pair();
    const struct adb__patience patience = patience_until(adb__clock_now() - 1);
    REQUIRE(write(ends[1], "x", 1) == 1);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_READY);
    close_pair();
}

/* It is asked first, and again and again while nothing happens. */
TEST(stopping_is_asked_for_again_and_again)
{
    open_pair();
    struct stopper stopper = {.stop_at = 1};
    struct adb__patience patience = patience_until(ADB__NEVER);
    patience.stop_fn = should_stop;
    patience.stop_data = &stopper;
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_STOPPED);
    stopper = (struct stopper){.stop_at = 3};
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_STOPPED);
    CU_ASSERT_EQUAL(stopper.asked, 3);
    close_pair();
}

/* A readable wake_fd does not end the wait, but has the question asked at once. */
TEST(a_call_has_the_question_asked)
{
    int call[2];
    open_pair();
    REQUIRE(pipe(call) == 0 && write(call[1], "x", 1) == 1);
    struct stopper stopper = {.stop_at = 1000};
    struct adb__patience patience = patience_until(ADB__NEVER);
    patience.wake_fd = call[0];
    patience.stop_fn = should_stop;
    patience.stop_data = &stopper;
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_STOPPED);
    CU_ASSERT_EQUAL(stopper.asked, 1000);
    close(call[0]);
    close(call[1]);
    close_pair();
}

/* A severed socket is ready: reading finds its end. */
TEST(a_severed_socket_ends_the_wait)
{
    char byte;
    open_pair();
    const struct adb__patience patience = patience_until(ADB__NEVER);
    adb__socket_sever(ends[0]);
    CU_ASSERT_EQUAL(adb__socket_wait(ends[0], ADB__SOCKET_READ, &patience), ADB__SOCKET_READY);
    CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 0);
    adb__socket_sever(-1);
    close_pair();
}

/* Guarding is for TCP, and harmless elsewhere. */
TEST(any_socket_can_be_guarded)
{
    int value = 0;
    socklen_t size = sizeof(value);
    open_pair();
    adb__socket_guard(ends[0]);
    close_pair();
    const int tcp = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(tcp >= 0);
    adb__socket_guard(tcp);
    CU_ASSERT(getsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &value, &size) == 0 && value != 0);
    close(tcp);
}

SUITE(socket, CASE(a_ready_socket_ends_the_wait), CASE(a_deadline_ends_the_wait),
      CASE(readiness_counts_before_the_deadline), CASE(stopping_is_asked_for_again_and_again),
      CASE(a_call_has_the_question_asked), CASE(a_severed_socket_ends_the_wait), CASE(any_socket_can_be_guarded))
