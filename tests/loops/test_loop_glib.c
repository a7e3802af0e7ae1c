/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/glib.h in main loops of GLib; jobs awaited the way of GIO. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/glib.h>

#include <stdlib.h>

struct loop {
    GMainContext *context;
    void (*tick)(void *data);
    void *data;
};

static void *loop_new(void)
{
    struct loop *loop = g_new0(struct loop, 1);
    loop->context = g_main_context_new();
    return loop;
}

static void loop_free(void *data)
{
    struct loop *loop = data;
    g_main_context_unref(loop->context);
    g_free(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_glib_attach(((struct loop *)loop)->context, queue, slice);
}

static void loop_turn(void *data)
{
    struct loop *loop = data;
    g_main_context_iteration(loop->context, TRUE);
}

static gboolean on_timer(gpointer data)
{
    const struct loop *loop = data;
    loop->tick(loop->data);
    return G_SOURCE_CONTINUE;
}

static void tick_each(struct loop *loop, guint ms, gint priority, void (*tick)(void *), void *user_data)
{
    GSource *timer = g_timeout_source_new(ms);
    loop->tick = tick;
    loop->data = user_data;
    g_source_set_priority(timer, priority);
    g_source_set_callback(timer, on_timer, loop, NULL);
    g_source_attach(timer, loop->context);
    g_source_unref(timer);
}

static void loop_tick(void *loop, void (*tick)(void *), void *user_data)
{
    tick_each(loop, 0, G_PRIORITY_DEFAULT, tick, user_data);
}

static void loop_pace(void *loop, unsigned ms, void (*tick)(void *), void *user_data)
{
    tick_each(loop, ms, G_PRIORITY_DEFAULT, tick, user_data);
}

struct pace {
    size_t n;
    size_t ticks;
    size_t since_tick;
    size_t most;
};

static void pace_done(adb_result *result, void *data)
{
    struct pace *pace = data;
    (void)result;
    pace->n++;
    pace->since_tick++;
    pace->most = MAX(pace->most, pace->since_tick);
}

static void pace_tick(void *data)
{
    struct pace *pace = data;
    pace->ticks++;
    pace->since_tick = 0;
}

/* GLib serves the highest priority only, and redraws windows at a lower one: the source stands back for it. */
static void a_flood_leaves_lower_priorities_their_turns(void)
{
    struct pace pace = {0};
    struct loop_scene scene = loop_open(0);
    loop_flood(&scene, 2000, pace_done, &pace);
    tick_each(scene.loop, 0, G_PRIORITY_LOW, pace_tick, &pace);
    while (pace.n < 2000)
        loop_turn(scene.loop);
    LOOP_CHECK(pace.most <= ADB_QUEUE_SLICE);
    LOOP_CHECK(pace.ticks >= 2000 / ADB_QUEUE_SLICE);
    loop_close(&scene);
}

static void a_source_can_have_a_priority(void)
{
    struct pace pace = {0};
    struct loop_scene scene = loop_open(0);
    adb_queue_detach(scene.queue);
    GSource *source = adb_glib_source_new(scene.queue, 3);
    LOOP_CHECK(source != NULL && adb_glib_source_new(scene.queue, 3) == NULL);
    g_source_set_priority(source, G_PRIORITY_LOW);
    g_source_attach(source, ((struct loop *)scene.loop)->context);
    loop_flood(&scene, 5, pace_done, &pace);
    loop_turn(scene.loop);
    LOOP_CHECK(pace.n == 3);
    g_source_destroy(source);
    LOOP_CHECK(adb_glib_attach(NULL, scene.queue, 0) == ADB_E_STATE); /* until its last reference goes */
    g_source_unref(source);
    LOOP_CHECK(adb_glib_attach(NULL, scene.queue, 0) == ADB_OK);
    while (pace.n < 5)
        g_main_context_iteration(NULL, TRUE);
    loop_close(&scene);
}

static void a_source_may_never_be_attached(void)
{
    struct loop_scene scene = loop_open(0);
    adb_queue_detach(scene.queue);
    GSource *source = adb_glib_source_new(scene.queue, 0);
    g_source_unref(source);
    source = adb_glib_source_new(scene.queue, 0);
    LOOP_CHECK(source != NULL);
    adb_queue_detach(scene.queue);
    g_source_unref(source);
    loop_close(&scene);
}

/* What a GAsyncReadyCallback has seen. */
struct awaited {
    unsigned n;
    int64_t value;
    GError *error;
    GThread *thread;
};

static void on_ready(GObject *object, GAsyncResult *async, gpointer data)
{
    struct awaited *awaited = data;
    (void)object;
    adb_result *result = adb_glib_submit_finish(async, &awaited->error);
    awaited->n++;
    awaited->thread = g_thread_self();
    awaited->value = result == NULL ? -1 : adb_row_int(adb_result_row(result, 0), 0);
    adb_result_unref(result);
}

/* The caller's thread-default context is where the callback runs. */
static struct loop_scene await_open(void)
{
    struct loop_scene scene = loop_open(0);
    g_main_context_push_thread_default(((struct loop *)scene.loop)->context);
    return scene;
}

static void await_close(struct loop_scene *scene, struct awaited *awaited)
{
    g_main_context_pop_thread_default(((struct loop *)scene->loop)->context);
    g_clear_error(&awaited->error);
    loop_close(scene);
}

static void await_one(struct loop_scene *scene, struct awaited *awaited)
{
    while (awaited->n == 0)
        loop_turn(scene->loop);
}

static void ask(struct loop_scene *scene, const char *sql, GCancellable *cancellable, struct awaited *awaited)
{
    adb_glib_submit_async(scene->ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = sql), cancellable, on_ready,
                          awaited);
}

static void a_job_can_be_awaited(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    GCancellable *cancellable = g_cancellable_new();
    ask(&scene, "value 42", cancellable, &awaited);
    LOOP_CHECK(awaited.n == 0);
    await_one(&scene, &awaited);
    LOOP_CHECK(awaited.n == 1 && awaited.value == 42 && awaited.error == NULL);
    g_cancellable_cancel(cancellable); /* too late, and nothing of it is left to be told */
    g_object_unref(cancellable);
    await_close(&scene, &awaited);
}

static void a_failure_is_a_gerror(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    ask(&scene, "fail unique", NULL, &awaited);
    await_one(&scene, &awaited);
    LOOP_CHECK(g_error_matches(awaited.error, ADB_GLIB_ERROR, ADB_E_UNIQUE));
    await_close(&scene, &awaited);
}

static void a_refusal_is_a_gerror_too(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    ask(&scene, "value :missing", NULL, &awaited);
    LOOP_CHECK(awaited.n == 0);
    await_one(&scene, &awaited);
    LOOP_CHECK(g_error_matches(awaited.error, ADB_GLIB_ERROR, ADB_E_PARAMETER));
    await_close(&scene, &awaited);
}

static gpointer cancel_there(gpointer cancellable)
{
    g_cancellable_cancel(cancellable);
    return NULL;
}

/* From this thread, and from another. */
static void a_cancellable_cancels_the_job(void)
{
    for (int here = 0; here <= 1; here++) {
        struct awaited awaited = {0};
        struct loop_scene scene = await_open();
        GCancellable *cancellable = g_cancellable_new();
        ask(&scene, "block slow", cancellable, &awaited);
        GThread *thread = here ? NULL : g_thread_new("cancel", cancel_there, cancellable);
        if (here)
            g_cancellable_cancel(cancellable);
        await_one(&scene, &awaited);
        LOOP_CHECK(g_error_matches(awaited.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
        if (thread != NULL)
            g_thread_join(thread);
        g_object_unref(cancellable);
        await_close(&scene, &awaited);
    }
}

static void what_is_cancelled_already_is_not_submitted(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    GCancellable *cancellable = g_cancellable_new();
    g_cancellable_cancel(cancellable);
    ask(&scene, "block slow", cancellable, &awaited);
    LOOP_CHECK(adb_context_pending(scene.ctx) == 0);
    await_one(&scene, &awaited);
    LOOP_CHECK(g_error_matches(awaited.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    g_object_unref(cancellable);
    await_close(&scene, &awaited);
}

/* What was done was done: its outcome is not hidden by a cancel that comes before the callback. */
static void an_outcome_is_not_lost_to_a_late_cancel(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    GCancellable *cancellable = g_cancellable_new();
    ask(&scene, "value 7", cancellable, &awaited);
    loop_await(&scene, 1);
    g_cancellable_cancel(cancellable);
    await_one(&scene, &awaited);
    LOOP_CHECK(awaited.value == 7 && awaited.error == NULL);
    g_object_unref(cancellable);
    await_close(&scene, &awaited);
}

/* The context is freed while the job runs, which cancels it; the cancellable has nobody to cancel any more. */
static void a_context_may_go_before_its_job(void)
{
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    GCancellable *cancellable = g_cancellable_new();
    ask(&scene, "block slow", cancellable, &awaited);
    adb_context_free(scene.ctx);
    scene.ctx = NULL;
    g_cancellable_cancel(cancellable);
    await_one(&scene, &awaited);
    LOOP_CHECK(g_error_matches(awaited.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    g_object_unref(cancellable);
    await_close(&scene, &awaited);
}

/* Without a loop for the queue: the job's end comes on the worker, the callback in the caller's loop, here the default.
 * (What GLib hands from thread to thread is under locks that ThreadSanitizer does not see: it has to look away.) */
#ifndef __SANITIZE_THREAD__
static void a_worker_hands_over_to_the_loop(void)
{
    enum { N = 200 };
    struct awaited awaited = {0};
    struct loop_scene scene = loop_open(0);
    adb_context *direct = adb_context_new(scene.db, ADB_QUEUE_DIRECT, 0);
    for (unsigned i = 1; i <= N; i++) {
        GCancellable *cancellable = g_cancellable_new();
        adb_glib_submit_async(direct, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ALL, .sql = "value 5"), cancellable,
                              on_ready, &awaited);
        g_object_unref(cancellable);
        while (i % 2 == 0 && awaited.n < i)
            g_main_context_iteration(NULL, TRUE);
    }
    LOOP_CHECK(awaited.n == N && awaited.value == 5 && awaited.thread == g_thread_self());
    adb_context_free(direct);
    loop_close(&scene);
}
#endif

static adb_flow on_batch(adb_result *batch, void *data)
{
    *(size_t *)data += adb_result_rows(batch);
    return ADB_CONTINUE;
}

static adb_status work(adb_session *session, void *data)
{
    ++*(size_t *)data;
    adb_session_return(session, adb_session_fetch_all(session, "value 9", NULL));
    return ADB_OK;
}

/* The other callbacks of the request have the user_data of the request. */
static void other_callbacks_have_their_own_data(void)
{
    size_t rows = 0, calls = 0;
    struct awaited awaited = {0};
    struct loop_scene scene = await_open();
    adb_glib_submit_async(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = "rows 1000", .batch = on_batch,
                                                 .user_data = &rows), NULL, on_ready, &awaited);
    await_one(&scene, &awaited);
    LOOP_CHECK(rows == 1000 && awaited.error == NULL);
    adb_glib_submit_async(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_RUN, .work = work, .user_data = &calls), NULL,
                          on_ready, &awaited);
    while (awaited.n < 2)
        loop_turn(scene.loop);
    LOOP_CHECK(calls == 1 && awaited.value == 9);
    await_close(&scene, &awaited);
}

int main(int argc, char **argv)
{
    static const struct loop_kind kind = {
        .new_fn = loop_new,
        .free_fn = loop_free,
        .attach_fn = loop_attach,
        .turn_fn = loop_turn,
        .tick_fn = loop_tick,
        .pace_fn = loop_pace,
        .takes_null = true,
        .nests = true,
    };
    static const struct loop_case more[] = {
        {"a_flood_leaves_lower_priorities_their_turns", a_flood_leaves_lower_priorities_their_turns},
        {"a_source_can_have_a_priority", a_source_can_have_a_priority},
        {"a_source_may_never_be_attached", a_source_may_never_be_attached},
        {"a_job_can_be_awaited", a_job_can_be_awaited},
        {"a_failure_is_a_gerror", a_failure_is_a_gerror},
        {"a_refusal_is_a_gerror_too", a_refusal_is_a_gerror_too},
        {"a_cancellable_cancels_the_job", a_cancellable_cancels_the_job},
        {"what_is_cancelled_already_is_not_submitted", what_is_cancelled_already_is_not_submitted},
        {"an_outcome_is_not_lost_to_a_late_cancel", an_outcome_is_not_lost_to_a_late_cancel},
        {"a_context_may_go_before_its_job", a_context_may_go_before_its_job},
#ifndef __SANITIZE_THREAD__
        {"a_worker_hands_over_to_the_loop", a_worker_hands_over_to_the_loop},
#endif
        {"other_callbacks_have_their_own_data", other_callbacks_have_their_own_data},
    };
    return loop_main("loop_glib", &kind, more, sizeof(more) / sizeof(more[0]), argc, argv);
}
