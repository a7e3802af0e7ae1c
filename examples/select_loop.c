/* SPDX-License-Identifier: BSD-3-Clause */
/* The library in a select() loop that has its own work to do: the program draws a spinner every 20 ms, whatever the
 * database is busy with. A GUI's main loop does the same.
 *
 * Run: select_loop [URL]    default: sqlite:///select_loop.db */
#include <asyncdb.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

#define N_DIGITS 10

/* A million combinations to be looked at: a tenth of a second or so. */
#define SLOW_QUERY "SELECT COUNT(*) FROM digits a, digits b, digits c, digits d, digits e, digits f " \
                   "WHERE a.d + b.d + c.d + d.d + e.d + f.d = 27"

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

static void on_answer(adb_result *result, void *user_data)
{
    on_done(result, user_data);
    *(int64_t *)user_data = adb_row_int(adb_result_row(result, 0), 0);
}

static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop("refused", adb_context_error(ctx)->message);
}

static void ask(adb_context *ctx, int64_t *answer)
{
    adb_param digits[N_DIGITS];
    adb_params sets[N_DIGITS];
    for (int i = 0; i < N_DIGITS; i++) {
        digits[i] = (adb_param){"digit", adb_int(i)};
        sets[i] = (adb_params){&digits[i], 1};
    }
    submitted(ctx, adb_execute(ctx, "DROP TABLE IF EXISTS digits", NULL, on_done, NULL));
    submitted(ctx, adb_execute(ctx, "CREATE TABLE digits (d INTEGER)", NULL, on_done, NULL));
    submitted(ctx, adb_execute_many(ctx, "INSERT INTO digits VALUES (:digit)", sets, N_DIGITS, on_done, NULL));
    submitted(ctx, adb_fetch_val(ctx, SLOW_QUERY, NULL, on_answer, answer));
}

/* Returns how often the program came to its own work. */
static int run_loop(adb_context *ctx, adb_queue *queue)
{
    int turns = 0;
    const int fd = adb_queue_fd(queue);
    while (adb_context_pending(ctx) > 0) {
        fd_set readable;
        struct timeval pause = {.tv_usec = 20000};
        FD_ZERO(&readable);
        FD_SET(fd, &readable);
        const int n = select(fd + 1, &readable, NULL, NULL, &pause);
        if (n < 0 && errno != EINTR)
            stop("select", "failed");
        if (n > 0)
            adb_queue_dispatch(queue, 0);
        if (n == 0 && isatty(STDOUT_FILENO))
            printf("%c\r", "|/-\\"[turns % 4]);
        if (n == 0)
            turns++;
        fflush(stdout);
    }
    return turns;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    int64_t answer = -1;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///select_loop.db", NULL, &db, &error) != ADB_OK)
        stop("cannot open", error.message);

    adb_context *ctx = adb_context_new(db, NULL, 0);
    ask(ctx, &answer);
    const int turns = run_loop(ctx, adb_context_queue(ctx));
    printf("%" PRId64 " of 1000000 numbers have the digit sum 27; the program worked %d times meanwhile\n", answer,
           turns);

    adb_context_free(ctx);
    adb_status closed = adb_database_close(db, 5000);
    adb_database_free(db);
    return closed == ADB_OK && answer >= 0 ? 0 : 1;
}
