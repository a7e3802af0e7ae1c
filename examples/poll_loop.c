/* SPDX-License-Identifier: BSD-3-Clause */
/* The library in a poll() loop, beside another descriptor: a small shell that never waits for the database. Each line
 * of standard input is a statement; its rows are printed when they come, while the next lines are being read.
 *
 * Run: poll_loop [URL]    default: sqlite:// (in memory)    try: echo "SELECT 6 * 7 AS answer" | poll_loop */
#include <asyncdb.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct input {
    char text[4096];
    size_t size;
    bool ended;
};

static void on_rows(adb_result *rows, void *user_data)
{
    char line[512];
    (void)user_data;
    if (adb_result_status(rows) != ADB_OK)
        printf("%s: %s\n", adb_status_name(adb_result_status(rows)), adb_result_error(rows)->message);
    for (size_t i = 0; i < adb_result_rows(rows); i++) {
        adb_row_format(adb_result_row(rows, i), line, sizeof(line));
        printf("%s\n", line);
    }
}

static void submit(adb_context *ctx, const char *sql)
{
    if (adb_fetch_all(ctx, sql, NULL, on_rows, NULL) == 0)
        printf("refused: %s\n", adb_context_error(ctx)->message);
}

/* Submit the whole lines that are there, keep the rest. */
static void submit_lines(adb_context *ctx, struct input *input)
{
    char *start = input->text;
    for (char *end = strchr(start, '\n'); end != NULL; end = strchr(start, '\n')) {
        *end = '\0';
        if (end > start)
            submit(ctx, start);
        start = end + 1;
    }
    input->size -= (size_t)(start - input->text);
    memmove(input->text, start, input->size + 1);
}

/* What is left when no more comes, or when a line is longer than there is room, is a line too. */
static void read_input(adb_context *ctx, struct input *input)
{
    const ssize_t n = read(STDIN_FILENO, input->text + input->size, sizeof(input->text) - 2 - input->size);
    if (n < 0 && errno == EINTR)
        return;
    input->ended = n <= 0;
    input->size += n > 0 ? (size_t)n : 0;
    if (input->ended || input->size == sizeof(input->text) - 2)
        input->text[input->size++] = '\n';
    input->text[input->size] = '\0';
    submit_lines(ctx, input);
}

/* The loop of any program that polls. It ends with the input, when the last outcome was delivered. */
static int run_loop(adb_context *ctx, adb_queue *queue)
{
    struct input input = {.ended = false};
    while (!input.ended || adb_context_pending(ctx) > 0) {
        struct pollfd fds[] = {
            {.fd = adb_queue_fd(queue), .events = POLLIN},
            {.fd = input.ended ? -1 : STDIN_FILENO, .events = POLLIN},
        };
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return perror("poll"), 1;
        if (fds[0].revents != 0)
            adb_queue_dispatch(queue, 0);
        if (fds[1].revents != 0)
            read_input(ctx, &input);
    }
    return 0;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite://", NULL, &db, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;

    int status = 1;
    adb_queue *queue = adb_queue_new();
    adb_context *ctx = queue == NULL ? NULL : adb_context_new(db, queue, 0);
    if (ctx == NULL) {
        perror("no context");
    } else {
        submit(ctx, "SELECT 'ready' AS shell");
        status = run_loop(ctx, queue);
    }
    adb_context_free(ctx);
    adb_queue_free(queue);
    if (adb_database_close(db, 5000) != ADB_OK)
        status = 1;
    adb_database_free(db);
    return status;
}
