/* SPDX-License-Identifier: BSD-3-Clause */
/* The library in an edge-triggered epoll loop (Linux): a server in small. A timer plays the clients, each tick is a
 * request with a context of its own, which its last callback frees. All share one queue, and so one descriptor.
 *
 * Run: epoll_loop [URL]    default: sqlite:///epoll_loop.db */
#include <asyncdb.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define N_REQUESTS 20

struct server {
    adb_database *db;
    adb_queue *queue;
    int timer_fd;
    int n_started;
};

static int n_answered;

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void on_done(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop("failed", adb_result_error(result)->message);
}

static void on_answer(adb_result *result, void *ctx)
{
    on_done(result, NULL);
    n_answered++;
    adb_context_free(ctx);
}

static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop("refused", adb_context_error(ctx)->message);
}

static void start_request(struct server *server)
{
    adb_context *ctx = adb_context_new(server->db, server->queue, 0);
    submitted(ctx, adb_execute(ctx, "INSERT INTO visits VALUES (:n)", ADB_PARAMS({"n", adb_int(server->n_started++)}),
                               on_done, NULL));
    submitted(ctx, adb_fetch_val(ctx, "SELECT COUNT(*) FROM visits", NULL, on_answer, ctx));
}

static void on_timer(struct server *server)
{
    uint64_t ticks = 0;
    if (read(server->timer_fd, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
        stop("timer", "cannot be read");
    while (ticks-- > 0 && server->n_started < N_REQUESTS)
        start_request(server);
}

static void make_table(const struct server *server)
{
    adb_context *ctx = adb_context_new(server->db, server->queue, 0);
    submitted(ctx, adb_execute(ctx, "DROP TABLE IF EXISTS visits", NULL, on_done, NULL));
    adb_result *made = adb_wait(ctx, adb_execute(ctx, "CREATE TABLE visits (n INTEGER)", NULL, on_done, NULL), -1);
    on_done(made, NULL);
    adb_result_unref(made);
    adb_context_free(ctx);
}

static void run_loop(struct server *server)
{
    const struct itimerspec tick = {{0, 2000000}, {0, 2000000}};
    const int fds[] = {server->timer_fd, adb_queue_fd(server->queue)};
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fds[i]};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) != 0)
            stop("epoll", "cannot watch a descriptor");
    }
    if (timerfd_settime(server->timer_fd, 0, &tick, NULL) != 0)
        stop("timer", "cannot be set");
    while (n_answered < N_REQUESTS) {
        struct epoll_event event;
        const int n = epoll_wait(epoll_fd, &event, 1, -1);
        if (n < 0 && errno != EINTR)
            stop("epoll", "cannot wait");
        if (n > 0 && event.data.fd == server->timer_fd)
            on_timer(server);
        else if (n > 0)
            adb_queue_dispatch(server->queue, 0);
    }
    close(epoll_fd);
}

int main(int argc, char **argv)
{
    adb_error error;
    struct server server = {.queue = adb_queue_new(), .timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///epoll_loop.db", NULL, &server.db, &error) != ADB_OK)
        stop("cannot open", error.message);
    make_table(&server);
    run_loop(&server);
    printf("requests: %d started, %d answered\n", server.n_started, n_answered);
    close(server.timer_fd);
    adb_queue_free(server.queue);
    const bool closed_well = adb_database_close(server.db, 5000) == ADB_OK;
    adb_database_free(server.db);
    return closed_well ? 0 : 1;
}
