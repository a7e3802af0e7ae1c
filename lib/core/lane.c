/* SPDX-License-Identifier: BSD-3-Clause */
/* Lanes: from mailbox to backlog, from producer to worker, and from one role's workers to the other's. */
#include "core/lane.h"

#include "base/alloc.h"
#include "core/database.h"
#include "core/deal.h"
#include "core/job.h"
#include "core/server.h"
#include "core/worker.h"

void adb__lane_init(struct adb__lane *lane, struct adb__server *server, bool read_only, struct adb__job *embedded_in)
{
    adb__mailbox_init(&lane->mailbox);
    adb__ref_init(&lane->ref, 1);
    lane->server = server;
    lane->read_only = read_only;
    lane->over = embedded_in != NULL; /* it has but one job */
    lane->snapshots = 0;
    lane->embedded_in = embedded_in;
    lane->deals_for = NULL;
    lane->home = NULL;
    atomic_init(&lane->called, false);
    lane->opener = 0;
    lane->backlog = lane->backlog_end = NULL;
    lane->txn = (struct adb__txn){.base = server->db->options.force_rollback};
    lane->acquired = 0;
    lane->given_back_at = 0;
    adb__counter_set(&lane->depth, 0);
    adb__counter_set(&lane->planned_levels, 0);
    adb__counter_set(&lane->planned_holds, 0);
    atomic_init(&lane->delivering, NULL);
}

struct adb__lane *adb__lane_new(struct adb__server *server, bool read_only)
{
    struct adb__lane *lane = adb__alloc_lines(1, sizeof(*lane));
    if (lane == NULL)
        return NULL;
    adb__lane_init(lane, server, read_only, NULL);
    lane->memory = lane;
    return lane;
}

void adb__lane_ref(struct adb__lane *lane)
{
    adb__ref_take(&lane->ref);
}

void adb__lane_unref(struct adb__lane *lane)
{
    if (lane == NULL || !adb__ref_drop(&lane->ref))
        return;
    adb__txn_fini(&lane->txn);
    if (lane->embedded_in != NULL) {
        adb__job_drop(lane->embedded_in); /* the lane's hold of its one job */
        return;
    }
    adb__deal_fini(lane);
    adb__free_lines(lane->memory);
}

/* The worker is touched last: what it does when it is called may be its end. */
static void lane_call_home(struct adb__lane *lane)
{
    struct adb__worker *home = lane->home;
    /* release: pairs with adb__lane_is_called(). The lane is the home's from here on. */
    atomic_store_explicit(&lane->called, true, memory_order_release);
    adb__worker_wake(home);
}

/* The caller has found the mailbox idle, so nobody else attends: see to it that a worker does. */
static void lane_call(struct adb__lane *lane, struct adb__job *first)
{
    if (lane->home != NULL) {
        lane_call_home(lane); /* it has kept its reference */
        return;
    }
    if (lane->deals_for != NULL)
        adb__lane_ref(lane);
    adb__lane_send(lane, first, adb__job_accepted_at(first));
}

void adb__lane_submit(struct adb__lane *lane, struct adb__job *job)
{
    if (adb__mailbox_push(&lane->mailbox, &job->mail))
        lane_call(lane, job);
}

void adb__lane_farewell(struct adb__lane *lane)
{
    /* No handle is left, so nobody else submits. Who attends will come to it. Only who has found the mailbox idle may
     * look at home, which might be about to attend by itself; without one nothing is open, and nobody will attend any
     * more. */
    if (!adb__mailbox_push(&lane->mailbox, &lane->farewell))
        return;
    if (lane->home != NULL)
        lane_call_home(lane);
    else
        adb__lane_unref(lane);
}

size_t adb__lane_collect(struct adb__lane *lane)
{
    struct adb__mail *mail = adb__mailbox_take(&lane->mailbox);
    size_t n = 1;
    if (mail == NULL)
        return 0;
    if (lane->backlog == NULL)
        lane->backlog = mail;
    else
        lane->backlog_end->next = mail;
    for (; mail->next != NULL; n++)
        mail = mail->next;
    lane->backlog_end = mail;
    return n;
}

void adb__lane_unpop(struct adb__lane *lane, struct adb__mail *mail)
{
    mail->next = lane->backlog;
    if (lane->backlog == NULL)
        lane->backlog_end = mail;
    lane->backlog = mail;
}

bool adb__lane_is_called(struct adb__lane *lane)
{
    /* acquire: pairs with lane_call_home() */
    return atomic_exchange_explicit(&lane->called, false, memory_order_acquire);
}

void adb__lane_send(struct adb__lane *lane, struct adb__job *first, int64_t now)
{
    adb__pool_push(adb__server_pool(lane->server, first->role), lane, first->index, now);
}
