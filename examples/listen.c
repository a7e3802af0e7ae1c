/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening: one context hears what another says, beside the outcomes of its jobs and in the same loop. What is said in
 * a transaction is heard when that commits, and never when it rolls back.
 *
 * Run: listen [URL]    of a PostgreSQL database; there is no default. It ends with 77 where nothing can be listened to. */
#include <asyncdb.h>

#include <stdio.h>
#include <stdlib.h>

struct office {
    adb_context *clerk; /* who says what has come */
    adb_listener *ears;
    int n_heard;
    bool said;
};

static void stop(const adb_error *error)
{
    fprintf(stderr, "%s: %s\n", adb_status_name(error->status), error->message);
    exit(1);
}

static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop(adb_context_error(ctx));
}

static void on_done(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop(adb_result_error(result));
}

/* All of it can be submitted at once: the second transaction is undone, and nobody hears of it. */
static void say(adb_context *clerk)
{
    static const char *const orders[] = {"two chairs", "one table"};
    submitted(clerk, adb_begin(clerk, NULL, on_done, NULL));
    for (size_t i = 0; i < 2; i++)
        submitted(clerk, adb_notify(clerk, "orders", orders[i], on_done, NULL));
    submitted(clerk, adb_commit(clerk, on_done, NULL));
    submitted(clerk, adb_begin(clerk, NULL, on_done, NULL));
    submitted(clerk, adb_notify(clerk, "orders", "a mistake", on_done, NULL));
    submitted(clerk, adb_rollback(clerk, on_done, NULL));
    submitted(clerk, adb_notify(clerk, "orders", "closing time", on_done, NULL));
}

static void on_notification(const adb_notification *notification, void *user_data)
{
    struct office *office = user_data;
    switch (notification->kind) {
    case ADB_NOTIFY_LISTENING:
        printf("listening on %s\n", notification->channel);
        if (!office->said)
            say(office->clerk); /* nothing is missed from here on */
        office->said = true;
        break;
    case ADB_NOTIFY_MESSAGE:
        printf("%s: %s\n", notification->channel, notification->payload);
        if (++office->n_heard == 3) {
            adb_unlisten(office->ears);
            office->ears = NULL;
        }
        break;
    case ADB_NOTIFY_GAP: /* a real program now looks into its tables for what it may have missed */
        printf("nothing was heard for %lld ms\n", (long long)notification->gap_ms);
        break;
    case ADB_NOTIFY_LOST: /* it is tried again for as long as it takes */
        fprintf(stderr, "not listening: %s\n", notification->error->message);
        break;
    }
}

/* 77: there is nothing to listen to. */
static int listen_in(adb_database *db, adb_queue *queue)
{
    adb_context *ctx = adb_context_new(db, queue, 0);
    struct office office = {.clerk = adb_context_new(db, queue, 0)};
    office.ears = adb_listen(ctx, "orders", on_notification, &office);
    const bool can_listen = office.ears != NULL || adb_context_error(ctx)->status != ADB_E_UNSUPPORTED;
    if (office.ears == NULL)
        fprintf(stderr, "%s\n", adb_context_error(ctx)->message);

    while ((office.ears != NULL || adb_context_pending(office.clerk) > 0) && adb_queue_wait(queue, 30000) == ADB_OK)
        adb_queue_dispatch(queue, 0);

    adb_context_free(office.clerk);
    adb_context_free(ctx);
    if (!can_listen)
        return 77;
    return office.n_heard == 3 ? 0 : 1;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (argc < 2)
        return fprintf(stderr, "listen URL, such as postgresql://user@host/database\n"), 77;
    if (adb_database_open(argv[1], NULL, &db, &error) != ADB_OK)
        stop(&error);
    adb_queue *queue = adb_queue_new();
    const int outcome = listen_in(db, queue);
    adb_queue_free(queue);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    return closed_well ? outcome : 1;
}
