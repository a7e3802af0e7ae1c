/* SPDX-License-Identifier: BSD-3-Clause */
/* Promise 4: the descriptor is a hint, readable when something may wait; level and edge triggers work alike. */
#include "tests/lib/rig.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool is_readable(const adb_queue *queue, int timeout_ms)
{
    struct pollfd fd = {.fd = adb_queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void await_undelivered(struct rig *rig, size_t n)
{
    while (rig_stats(rig).jobs_undelivered < n)
        is_readable(rig->queue, 1);
}

/* Not readable before, readable with an outcome, not readable when all is taken. */
BOTH(descriptor_follows_the_queue)
{
    RIG(rig, kind, NULL);
    CU_ASSERT_FALSE(is_readable(rig.queue, 0));
    rig_quick(&rig, NULL, NULL);
    CU_ASSERT_TRUE(is_readable(rig.queue, PATIENCE_MS));
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 1);
    CU_ASSERT_FALSE(is_readable(rig.queue, 0));
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), 0);
    rig_close(&rig);
}

/* As long as something is left, the descriptor says so. */
BOTH(bounded_dispatch_keeps_the_descriptor_readable)
{
    enum { N = 5 };
    RIG(rig, kind, NULL);
    for (int i = 0; i < N; i++)
        rig_quick(&rig, NULL, NULL);
    await_undelivered(&rig, N);
    for (int i = 0; i < N; i++) {
        CU_ASSERT_TRUE(is_readable(rig.queue, 0));
        CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 1), 1);
    }
    CU_ASSERT_FALSE(is_readable(rig.queue, 0));
    rig_close(&rig);
}

/* The same for pulling. */
BOTH(pulling_keeps_the_descriptor_readable)
{
    RIG(rig, kind, NULL);
    rig_quick(&rig, NULL, NULL);
    rig_quick(&rig, NULL, NULL);
    await_undelivered(&rig, 2);
    adb_result_unref(adb_queue_next(rig.queue));
    CU_ASSERT_TRUE(is_readable(rig.queue, 0));
    adb_result_unref(adb_queue_next(rig.queue));
    CU_ASSERT_FALSE(is_readable(rig.queue, 0));
    rig_close(&rig);
}

/* Many outcomes that nobody has taken are one write: what the descriptor holds is one signal. */
BOTH(signals_once_for_many_outcomes)
{
    enum { N = 20 };
    char bytes[64];
    RIG(rig, kind, NULL);
    for (int i = 0; i < N; i++)
        rig_quick(&rig, NULL, NULL);
    await_undelivered(&rig, N);
    const ssize_t size = read(adb_queue_fd(rig.queue), bytes, sizeof(bytes));
    CU_ASSERT(size == 1 || (size == sizeof(uint64_t) && *(const uint64_t *)(const void *)bytes == 1));
    CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 0), N);
    rig_close(&rig);
}

/* A loop that dispatches only when epoll says so sees every outcome. */
static void epoll_loop(const struct kind *kind, uint32_t trigger)
{
    enum { N = 200 };
    struct tally tally = TALLY_INIT;
    RIG(rig, kind, NULL);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | trigger};
    CU_ASSERT_EQUAL(epoll_ctl(epoll, EPOLL_CTL_ADD, adb_queue_fd(rig.queue), &event), 0);
    size_t sent = 0;
    while (tally_n(&tally) < N) {
        for (size_t burst = 0; burst < 7 && sent < N; burst++)
            sent += rig_quick(&rig, tally_done, &tally) != 0;
        REQUIRE(epoll_wait(epoll, &event, 1, PATIENCE_MS) == 1);
        adb_queue_dispatch(rig.queue, 0);
    }
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), N);
    close(epoll);
    rig_close(&rig);
}

/* Level-triggered. */
BOTH(level_triggered_epoll_sees_every_outcome)
{
    epoll_loop(kind, 0);
}

/* Edge-triggered: one edge per change from empty to non-empty must be enough. */
BOTH(edge_triggered_epoll_sees_every_outcome)
{
    epoll_loop(kind, (uint32_t)EPOLLET);
}

/* With edges, what a bounded dispatch has left is announced anew. */
BOTH(edge_triggered_epoll_sees_what_a_bounded_dispatch_left)
{
    enum { N = 6 };
    struct epoll_event event = {.events = EPOLLIN | (uint32_t)EPOLLET};
    RIG(rig, kind, NULL);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    CU_ASSERT_EQUAL(epoll_ctl(epoll, EPOLL_CTL_ADD, adb_queue_fd(rig.queue), &event), 0);
    for (int i = 0; i < N; i++)
        rig_quick(&rig, NULL, NULL);
    await_undelivered(&rig, N);
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
        CU_ASSERT_EQUAL(adb_queue_dispatch(rig.queue, 1), 1);
    }
    CU_ASSERT_EQUAL(epoll_wait(epoll, &event, 1, 0), 0);
    close(epoll);
    rig_close(&rig);
}

static adb_queue *woken;

static void wake_it(int signal)
{
    (void)signal;
    adb_queue_wake(woken);
}

/* A signal handler may end a wait, once. */
TEST(wake_from_a_signal_handler)
{
    struct sigaction action = {.sa_handler = wake_it}, before;
    woken = adb_queue_new();
    REQUIRE(sigaction(SIGUSR1, &action, &before) == 0);
    raise(SIGUSR1);
    CU_ASSERT_TRUE(is_readable(woken, 0));
    CU_ASSERT_EQUAL(adb_queue_wait(woken, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_queue_wait(woken, 0), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(adb_queue_dispatch(woken, 0), 0);
    sigaction(SIGUSR1, &before, NULL);
    adb_queue_free(woken);
}

static void *wake_from_here(void *queue)
{
    adb_queue_wake(queue);
    return NULL;
}

/* Another thread ends a wait without an end. */
TEST(wake_from_another_thread)
{
    pthread_t waker;
    adb_queue *queue = adb_queue_new();
    pthread_create(&waker, NULL, wake_from_here, queue);
    CU_ASSERT_EQUAL(adb_queue_wait(queue, -1), ADB_OK);
    pthread_join(waker, NULL);
    adb_queue_free(queue);
    CU_ASSERT_EQUAL(adb_queue_fd(NULL), -1);
    CU_ASSERT_EQUAL(adb_queue_wait(NULL, 0), ADB_E_INVAL);
    adb_queue_wake(NULL);
    adb_queue_free(NULL);
}

SUITE(poll_fd, CASES(descriptor_follows_the_queue), CASES(bounded_dispatch_keeps_the_descriptor_readable),
      CASES(pulling_keeps_the_descriptor_readable), CASES(signals_once_for_many_outcomes),
      CASES(level_triggered_epoll_sees_every_outcome), CASES(edge_triggered_epoll_sees_every_outcome),
      CASES(edge_triggered_epoll_sees_what_a_bounded_dispatch_left), CASE(wake_from_a_signal_handler),
      CASE(wake_from_another_thread))
