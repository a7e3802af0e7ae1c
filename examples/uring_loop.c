/* SPDX-License-Identifier: BSD-3-Clause */
/* The library in a loop of io_uring (Linux, liburing): the ring is asked to say when the queue's descriptor is
 * readable, and beside it to say when 10 ms have passed. Each tick submits a query; when all are answered, the program
 * ends.
 *
 * Run: uring_loop [URL]    default: sqlite:// (in memory) */
#include <asyncdb.h>

#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define N_QUERIES     20
#define CALLBACKS_MAX 64 /* in one turn of the loop */

enum source { QUEUE = 1, TIMER };

static int n_sent, n_answered;

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void on_answer(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop("failed", adb_result_error(result)->message);
    n_answered++;
}

/* A poll is reported once. Asked for again after each dispatch, it reports what that has left, too. */
static void ask_for_queue(struct io_uring *ring, const adb_queue *queue)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    io_uring_prep_poll_add(entry, adb_queue_fd(queue), POLLIN);
    io_uring_sqe_set_data64(entry, QUEUE);
}

static void ask_for_tick(struct io_uring *ring)
{
    static struct __kernel_timespec tick = {.tv_nsec = 10000000};
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);
    io_uring_prep_timeout(entry, &tick, 0, 0);
    io_uring_sqe_set_data64(entry, TIMER);
}

static void on_tick(adb_context *ctx, struct io_uring *ring)
{
    if (adb_fetch_val(ctx, "SELECT :n", ADB_PARAMS({"n", adb_int(n_sent)}), on_answer, NULL) == 0)
        stop("refused", adb_context_error(ctx)->message);
    if (++n_sent < N_QUERIES)
        ask_for_tick(ring);
}

static void run_loop(struct io_uring *ring, adb_context *ctx, adb_queue *queue)
{
    ask_for_queue(ring, queue);
    ask_for_tick(ring);
    while (n_answered < N_QUERIES) {
        struct io_uring_cqe *done;
        if (io_uring_submit_and_wait(ring, 1) < 0 || io_uring_peek_cqe(ring, &done) != 0)
            continue; /* a signal */
        const enum source source = (enum source)io_uring_cqe_get_data64(done);
        io_uring_cqe_seen(ring, done);
        if (source == TIMER) {
            on_tick(ctx, ring);
        } else {
            adb_queue_dispatch(queue, CALLBACKS_MAX);
            ask_for_queue(ring, queue);
        }
    }
}

int main(int argc, char **argv)
{
    struct io_uring ring;
    adb_error error;
    adb_database *db;
    if (io_uring_queue_init(8, &ring, 0) < 0)
        return fprintf(stderr, "this kernel has no io_uring for us\n"), 77;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite://", NULL, &db, &error) != ADB_OK)
        stop("cannot open", error.message);
    adb_queue *queue = adb_queue_new();
    adb_context *ctx = adb_context_new(db, queue, 0);
    if (ctx == NULL)
        stop("no context", "out of memory or descriptors");
    run_loop(&ring, ctx, queue);
    printf("queries: %d sent, %d answered\n", n_sent, n_answered);
    io_uring_queue_exit(&ring);
    adb_context_free(ctx);
    adb_queue_free(queue);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    return closed_well ? 0 : 1;
}
