/* SPDX-License-Identifier: BSD-3-Clause */
/* A context handle: a lane, the queue where its outcomes go, and what belongs to one submitting thread. */
#ifndef ADB_CORE_CONTEXT_H
#define ADB_CORE_CONTEXT_H

#include "base/cacheline.h"
#include "base/list.h"
#include "base/ref.h"

#include <asyncdb/context.h>

struct adb__lane;

/* On the first line of the cache is what every job needs, up to the status of the error. */
struct adb_context {
    _Alignas(ADB__CACHE_LINE) struct adb__ref ref;            /* the handle, and its jobs until delivered */
    int timeout_ms;
    adb_database *db;               /* referenced */
    struct adb__lane *lane;         /* referenced */
    adb_queue *queue;               /* referenced */
    unsigned flags;
    bool owns_queue;
    uint8_t slots_stack;            /* the queue's */
    uint16_t granted;               /* references for jobs to come, taken in advance; the submitting thread's */
    struct adb__counter accepted;   /* jobs; written by the submitting thread */
    struct adb__counter delivered;  /* of them */
    adb_error error;                /* of the last submission */
    struct adb__list link;          /* in db->contexts; db->lock */
    struct adb__list thread_link;   /* in the thread's own contexts */
    struct adb__list listeners;     /* adb_listen(); lock of db->listening */
};

/* For jobs, until they are delivered: the submitting thread takes so many at once, and gives back what it does not
 * need. */
#define ADB__CONTEXT_GRANT 32768

static inline void adb__context_grant(adb_context *ctx)
{
    if (ctx->granted == 0) {
        atomic_fetch_add_explicit(&ctx->ref.count, ADB__CONTEXT_GRANT, memory_order_relaxed); /* as adb__ref_take() */
        ctx->granted = ADB__CONTEXT_GRANT;
    }
    ctx->granted--;
}
static inline void adb__context_revoke(adb_context *ctx)
{
    ctx->granted++;
}
void adb__context_unref(adb_context *ctx);
/* Accepted, and not delivered. */
static inline int64_t adb__context_pending(const adb_context *ctx)
{
    return adb__counter_get(&ctx->accepted) - adb__counter_get(&ctx->delivered);
}

#endif
