/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications between the clients of a server: LISTEN and NOTIFY (PostgreSQL). */
#ifndef ASYNCDB_LISTEN_H
#define ASYNCDB_LISTEN_H

#include <asyncdb/job.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest name of a channel, in bytes. */
#define ADB_CHANNEL_MAX_BYTES 63

/** One listener on one channel. */
typedef struct adb_listener adb_listener;

/** What a listener is told. */
typedef enum adb_notification_kind {
    ADB_NOTIFY_LISTENING = 1, /**< From here on nothing is missed. Comes once, first. */
    ADB_NOTIFY_MESSAGE,       /**< Somebody has notified the channel. */
    ADB_NOTIFY_GAP,           /**< Listening works again; what was sent in the last gap_ms may be missed. */
    ADB_NOTIFY_LOST           /**< There is no connection; error says why. It is tried again, for as long as it takes. */
} adb_notification_kind;

/** One notification. Plain data that ends with the callback. */
typedef struct adb_notification {
    size_t size;                /**< sizeof this struct in the library. */
    adb_notification_kind kind; /**< What it is. */
    const char *channel;        /**< Where it was heard. */
    const char *payload;        /**< Message: its text, "" when there is none. */
    size_t payload_size;        /**< Its bytes, without the NUL. */
    int pid;                    /**< Message: the server process that sent it; one's own come too. */
    int64_t gap_ms;             /**< Gap: how long nothing was heard. */
    const adb_error *error;     /**< Lost, gap: why. NULL otherwise. */
} adb_notification;

/**
 * Takes one notification.
 *
 * Which thread: the one that called adb_queue_dispatch(), adb_queue_next() or adb_wait(); the listener's own for
 * ADB_QUEUE_DIRECT. How often: once per notification, in order; never after adb_unlisten(). Locks: none held. May call:
 * anything, adb_unlisten() and every free included. Lifetime: notification, and all that it points at, end with the call.
 */
typedef void (*adb_notification_cb)(const adb_notification *notification, void *user_data);

/**
 * Listen on a channel.
 *
 * Notifications arrive in the queue of the context, beside the outcomes of jobs, but they are no jobs:
 * adb_context_pending() does not count them, and adb_queue_next() runs the callback on its way. The first is
 * ADB_NOTIFY_LISTENING. Listening has one connection per database, to the primary server and outside the pool; it starts
 * with the first listener, and ends a moment after the last one. Transactions of the context have nothing to do with it.
 *
 * When the connection is lost or cannot be made, or the server refuses the channel, the listener is told
 * ADB_NOTIFY_LOST, once for each reason. It is tried again with back-off for as long as it takes, whatever the
 * reason: also wrong credentials may be put right. When that worked it is told ADB_NOTIFY_GAP: look now at whatever
 * the messages are about, as some may be missed.
 *
 * At most 4096 notifications of a listener wait in the queue. Then the connection is not read any more, and the server
 * keeps what comes; after ten seconds without room this listener misses messages, and is told ADB_NOTIFY_GAP when its
 * consumer has caught up: one that stands still stops neither the other listeners nor the server, whose own queue of
 * notifications is one for all.
 *
 * Behind a pooler that gives each transaction another connection (PgBouncer in transaction mode) nothing is heard.
 *
 * @param ctx        A context.
 * @param channel    The channel's name, in UTF-8, taken as it is: upper and lower case differ. 1 to 63 bytes.
 * @param callback   Called with each notification.
 * @param user_data  Handed to @p callback untouched.
 *
 * @return The listener, or NULL when refused: adb_context_error() says why: ADB_E_UNSUPPORTED for a database without
 *         notifications, ADB_E_INVAL, ADB_E_TOO_BIG (the name), ADB_E_CLOSED, ADB_E_FORKED, ADB_E_NOMEM.
 *
 * Ownership: copies @p channel. The caller owns the listener until adb_unlisten(); adb_context_free() frees those that
 *            are left. Closing the database ends it without a word; opened again, listen again. @p user_data must live
 *            until then.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_listener *adb_listen(adb_context *ctx, const char *channel, adb_notification_cb callback, void *user_data);

/**
 * End a listener. After this returns no callback of it runs.
 *
 * Legal inside its own callback, which is then the last one. What waits for it in the queue is dropped.
 *
 * @param listener  A listener or NULL.
 *
 * Ownership: the listener is freed.
 * Blocking:  never on the thread that consumes the queue; on another one until a callback of it that is running there
 *            has returned: so hold no lock that the callback takes.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API void adb_unlisten(adb_listener *listener);

/**
 * Notify all who listen on a channel.
 *
 * A job like any other. Inside a transaction the notification is sent when that commits, and never when it rolls back.
 *
 * @param ctx        A context.
 * @param channel    The channel's name, as for adb_listen().
 * @param payload    A text; NULL: none. PostgreSQL takes up to 7999 bytes.
 * @param done       Called once with the outcome; NULL to pull it, or to leave it to dispatch.
 * @param user_data  Handed to the callbacks untouched.
 *
 * @return The job's id, or 0 when refused; then adb_context_error() says why, as for adb_listen(): ADB_E_UNSUPPORTED,
 *         ADB_E_INVAL, ADB_E_TOO_BIG, ADB_E_BUSY, ADB_E_CLOSED, ADB_E_FORKED, ADB_E_NOMEM.
 *
 * Ownership: copies what it is given; @p user_data must live until the outcome is delivered.
 * Blocking:  never.
 * Threads:   the handle's own, also from inside a callback.
 * Since:     0.1
 */
ADB_API adb_job adb_notify(adb_context *ctx, const char *channel, const char *payload, adb_done_cb done,
                           void *user_data);

#ifdef __cplusplus
}
#endif

#endif
