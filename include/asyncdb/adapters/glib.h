/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a main loop of GLib, and so of GTK; jobs awaited as GIO's own are. The program links gio-2.0, or glib-2.0. */
#ifndef ASYNCDB_ADAPTERS_GLIB_H
#define ASYNCDB_ADAPTERS_GLIB_H

#include <asyncdb/context.h>
#include <asyncdb/job.h>
#include <asyncdb/queue.h>

#include <gio/gio.h>
#include <glib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Begins with the GSource that GLib knows. */
struct adb__glib_source {
    GSource source;
    adb_queue *queue;     /* NULL: detached */
    gsize slice;
    GPollFD poll;
    guint depth;          /* of dispatches in dispatches: a callback may run a loop of its own, as a dialogue does */
    gboolean some_left;   /* taken by the dispatch around such a loop: the descriptor is silent of it */
    gboolean stands_back; /* for one turn after a full slice, in which sources of lower priorities get theirs */
};

static inline gboolean adb__glib_prepare(GSource *source, gint *timeout_ms)
{
    const struct adb__glib_source *self = (const struct adb__glib_source *)source;
    *timeout_ms = self->stands_back ? 0 : -1;
    return self->some_left && !self->stands_back;
}

static inline gboolean adb__glib_check(GSource *source)
{
    struct adb__glib_source *self = (struct adb__glib_source *)source;
    const gboolean ready = !self->stands_back && (self->some_left || self->poll.revents != 0);
    self->stands_back = FALSE;
    return ready;
}

static inline gboolean adb__glib_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    struct adb__glib_source *self = (struct adb__glib_source *)source;
    (void)callback;
    (void)user_data;
    self->depth++;
    self->some_left = TRUE;
    self->stands_back = FALSE;
    const gsize n = adb_queue_dispatch(self->queue, self->slice);
    self->depth--;
    self->stands_back = n == self->slice;
    self->some_left = self->depth > 0 && n == self->slice;
    return G_SOURCE_CONTINUE;
}

static inline void adb__glib_finalize(GSource *source)
{
    struct adb__glib_source *self = (struct adb__glib_source *)source;
    if (self->queue != NULL)
        adb_queue_detach(self->queue);
}

static inline void adb__glib_detach(void *data)
{
    struct adb__glib_source *self = (struct adb__glib_source *)data;
    self->queue = NULL;
    g_source_destroy(&self->source); /* once more does no harm */
}

static inline adb_status adb__glib_source_make(adb_queue *queue, gsize slice, GSource **source_out)
{
    static GSourceFuncs functions = {adb__glib_prepare,  adb__glib_check, adb__glib_dispatch,
                                     adb__glib_finalize, NULL,            NULL};
    GSource *source = g_source_new(&functions, sizeof(struct adb__glib_source));
    struct adb__glib_source *self = (struct adb__glib_source *)source;
    const adb_status status = adb_queue_attach(queue, adb__glib_detach, self);
    if (status != ADB_OK) {
        g_source_unref(source);
        return status;
    }
    self->queue = queue;
    self->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
    self->poll.fd = adb_queue_fd(queue);
    self->poll.events = G_IO_IN;
    g_source_add_poll(source, &self->poll);
    g_source_set_can_recurse(source, TRUE);
    g_source_set_name(source, "asyncdb");
    *source_out = source;
    return ADB_OK;
}

/**
 * Make a source that delivers what arrives in a queue, to be given to g_source_attach().
 *
 * adb_glib_attach() does all of it. This is for another priority than G_PRIORITY_DEFAULT: g_source_set_priority().
 *
 * @param queue  A queue that no loop watches. It is watched until adb_queue_detach(), adb_queue_free(), or the end of
 *               the source, which is when its last reference goes.
 * @param slice  Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return The source; NULL when a loop watches the queue already, and for NULL, ADB_QUEUE_DIRECT or the queue of a
 *         parent process.
 *
 * Ownership: the caller owns a reference, which g_source_unref() drops once the source was attached.
 * Blocking:  never.
 * Threads:   that of the loop, or any before it runs; callbacks run on that of the loop.
 * Since:     0.1
 */
static inline GSource *adb_glib_source_new(adb_queue *queue, gsize slice)
{
    GSource *source = NULL;
    return adb__glib_source_make(queue, slice, &source) == ADB_OK ? source : NULL;
}

/**
 * Have a main loop deliver what arrives in a queue, until adb_queue_detach(), adb_queue_free() or the end of the loop.
 *
 * After a full slice it stands back for one turn, so that sources of any priority, such as the redrawing of windows,
 * get theirs. When a callback runs a loop of its own, as a dialogue does, outcomes are delivered there too.
 *
 * @param loop   NULL for the default, which is that of GTK.
 * @param queue  A queue that no loop watches.
 * @param slice  Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return ADB_OK; ADB_E_STATE when a loop watches the queue already; ADB_E_INVAL; ADB_E_FORKED.
 *
 * Ownership: both stay the caller's, and either may go first.
 * Blocking:  never.
 * Threads:   that of the loop, or any before it runs; callbacks run on that of the loop.
 * Since:     0.1
 */
static inline adb_status adb_glib_attach(GMainContext *loop, adb_queue *queue, gsize slice)
{
    GSource *source = NULL;
    const adb_status status = adb__glib_source_make(queue, slice, &source);
    if (status != ADB_OK)
        return status;
    g_source_attach(source, loop);
    g_source_unref(source);
    return ADB_OK;
}

/** The domain of errors; their code is an adb_status. */
#define ADB_GLIB_ERROR adb_glib_error_quark()

/**
 * Get the domain of errors: use ADB_GLIB_ERROR.
 *
 * @return The domain.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
static inline GQuark adb_glib_error_quark(void)
{
    return g_quark_from_static_string("adb-glib-error-quark");
}

/**
 * Make a GError of a failure.
 *
 * ADB_E_CANCELLED is G_IO_ERROR_CANCELLED, as GIO has it; anything else has its status as its code, in ADB_GLIB_ERROR.
 *
 * @param error  A failure.
 * @return The error.
 *
 * Ownership: the caller owns it.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
static inline GError *adb_glib_error_new(const adb_error *error)
{
    if (error->status == ADB_E_CANCELLED)
        return g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, error->message);
    return g_error_new_literal(ADB_GLIB_ERROR, (gint)error->status, error->message);
}

/* A job that is awaited. The job and its cancellable have a reference each. */
struct adb__glib_task {
    gint refs;
    adb_request request;       /* as it was given */
    GTask *task;
    GRecMutex lock;            /* of what follows; adb_cancel() may bring the outcome on the spot */
    adb_context *ctx;          /* NULL: the outcome has come */
    adb_job job;
    gulong cancel_handler;     /* of the task's cancellable */
};

static inline void adb__glib_task_unref(gpointer data)
{
    struct adb__glib_task *self = (struct adb__glib_task *)data;
    if (!g_atomic_int_dec_and_test(&self->refs))
        return;
    g_object_unref(self->task);
    g_rec_mutex_clear(&self->lock);
    g_free(self);
}

static inline void adb__glib_result_unref(gpointer result)
{
    adb_result_unref((adb_result *)result);
}

static inline void adb__glib_done(adb_result *result, void *data)
{
    struct adb__glib_task *self = (struct adb__glib_task *)data;
    g_rec_mutex_lock(&self->lock);
    const gulong handler = self->cancel_handler;
    self->ctx = NULL;
    self->cancel_handler = 0;
    g_rec_mutex_unlock(&self->lock);
    if (handler != 0)
        g_signal_handler_disconnect(g_task_get_cancellable(self->task), handler);
    if (adb_result_status(result) == ADB_OK)
        g_task_return_pointer(self->task, adb_result_ref(result), adb__glib_result_unref);
    else
        g_task_return_error(self->task, adb_glib_error_new(adb_result_error(result)));
    adb__glib_task_unref(self);
}

static inline void adb__glib_cancelled(GCancellable *cancellable, gpointer data)
{
    struct adb__glib_task *self = (struct adb__glib_task *)data;
    (void)cancellable;
    g_rec_mutex_lock(&self->lock);
    if (self->ctx != NULL)
        adb_cancel(self->ctx, self->job);
    g_rec_mutex_unlock(&self->lock);
}

static inline void adb__glib_listen(struct adb__glib_task *self, GCancellable *cancellable)
{
    g_atomic_int_inc(&self->refs);
    const gulong handler =
        g_cancellable_connect(cancellable, G_CALLBACK(adb__glib_cancelled), self, adb__glib_task_unref);
    g_rec_mutex_lock(&self->lock);
    const gboolean over = self->ctx == NULL;
    self->cancel_handler = over ? 0 : handler;
    g_rec_mutex_unlock(&self->lock);
    if (over && handler != 0)
        g_signal_handler_disconnect(cancellable, handler);
}

static inline adb_flow adb__glib_batch(adb_result *batch, void *data)
{
    const adb_request *request = &((const struct adb__glib_task *)data)->request;
    return request->batch(batch, request->user_data);
}

static inline adb_status adb__glib_work(adb_session *session, void *data)
{
    const adb_request *request = &((const struct adb__glib_task *)data)->request;
    return request->work(session, request->user_data);
}

static inline ptrdiff_t adb__glib_produce(void *chunk, size_t size, void *data)
{
    const adb_request *request = &((const struct adb__glib_task *)data)->request;
    return request->produce(chunk, size, request->user_data);
}

static inline adb_flow adb__glib_consume(const void *chunk, size_t size, void *data)
{
    const adb_request *request = &((const struct adb__glib_task *)data)->request;
    return request->consume(chunk, size, request->user_data);
}

/* The same request, by way of the task. */
static inline adb_job adb__glib_submit(adb_context *ctx, struct adb__glib_task *self)
{
    adb_request request = self->request;
    request.done = adb__glib_done;
    request.batch = request.batch != NULL ? adb__glib_batch : NULL;
    request.work = request.work != NULL ? adb__glib_work : NULL;
    request.produce = request.produce != NULL ? adb__glib_produce : NULL;
    request.consume = request.consume != NULL ? adb__glib_consume : NULL;
    request.user_data = self;
    return adb_submit(ctx, &request);
}

/**
 * Submit a job that is awaited as GIO's own asynchronous calls are.
 *
 * When the cancellable is cancelled the job is, as by adb_cancel(): it ends as G_IO_ERROR_CANCELLED, or with its real
 * outcome if that was quicker. A job that is refused has its callback too, with the error.
 *
 * @param ctx          A context whose queue a loop watches, or ADB_QUEUE_DIRECT.
 * @param request      What is to be done. Its done is not used; its other callbacks have its user_data.
 * @param cancellable  Ends the job early; NULL for none.
 * @param callback     Called once, in the thread-default main context of the caller; adb_glib_submit_finish() there.
 * @param user_data    Handed to @p callback.
 *
 * Ownership: copies what it is given, and keeps the cancellable as long as it needs it.
 * Blocking:  never.
 * Threads:   the context's own.
 * Since:     0.1
 */
static inline void adb_glib_submit_async(adb_context *ctx, const adb_request *request, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    g_task_set_check_cancellable(task, FALSE); /* what has been done is not said to be cancelled */
    if (g_task_return_error_if_cancelled(task)) {
        g_object_unref(task);
        return;
    }
    struct adb__glib_task *self = g_new0(struct adb__glib_task, 1);
    self->refs = 2; /* this call's and the job's */
    g_rec_mutex_init(&self->lock);
    self->request = *request;
    self->task = task;
    self->ctx = ctx;
    g_rec_mutex_lock(&self->lock);
    const adb_job job = self->job = adb__glib_submit(ctx, self);
    g_rec_mutex_unlock(&self->lock);
    if (job == 0) {
        g_task_return_error(task, adb_glib_error_new(adb_context_error(ctx)));
        adb__glib_task_unref(self);
    } else if (cancellable != NULL) {
        adb__glib_listen(self, cancellable);
    }
    adb__glib_task_unref(self);
}

/**
 * Take the outcome of adb_glib_submit_async(), in its callback.
 *
 * @param async  What the callback was given.
 * @param error  Where the failure goes; NULL when nobody asks.
 *
 * @return The outcome of a job that succeeded, else NULL.
 *
 * Ownership: the caller releases the result with adb_result_unref().
 * Blocking:  never.
 * Threads:   that of the callback.
 * Since:     0.1
 */
static inline adb_result *adb_glib_submit_finish(GAsyncResult *async, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(async, NULL), NULL);
    return (adb_result *)g_task_propagate_pointer(G_TASK(async), error);
}

#ifdef __cplusplus
}
#endif

#endif
