/* SPDX-License-Identifier: BSD-3-Clause */
/* Gather, have the driver send and flush, tell all of them. */
#include "core/convoy.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/group.h"
#include "core/perform.h"
#include "core/pipeline.h"
#include "core/post.h"
#include "core/server.h"
#include "core/session.h"
#include "core/trace.h"
#include "model/error.h"

/* Jobs of one lane: each of them waits for the answer to the one before. */
#define LANE_SHARE 16

/* One after the other, before the worker looks after itself. */
#define MOST_TRIPS 64

/* When it has heard nothing for so long, nobody waits for it on the quay. */
#define PATIENCE_NS (20 * ADB__NS_PER_MS)

struct member {
    struct adb__lane *lane;
    struct adb__job *job;
    struct adb__statement statement;
    struct adb__sink sink;
    bool given_up; /* the job before it is to run again, and must come first */
    bool kept;     /* it has run, or was lost: off its lane, and its outcome waits for the end */
};

struct convoy {
    struct adb__pipeline base; /* what the driver sees */
    struct adb__call calls[ADB__CONVOY_MAX];
    struct member members[ADB__CONVOY_MAX]; /* one for each call */
    struct adb__worker *worker;
    struct adb__lane *lanes[ADB__CONVOY_MAX]; /* attended */
    struct adb__mail *next[ADB__CONVOY_MAX];  /* of each lane: what is not in the convoy yet */
    size_t n_lanes;
    int64_t since;    /* when it first waited for what it waits for now; 0: not yet */
    int64_t deadline; /* the first of those that have run */
    bool guarded;     /* no job is RUNNING: none covers what the driver waits for */
    bool quit;        /* it has no place at sea any more */
};

static bool job_suits(const struct adb__job *job)
{
    return job->kind == ADB_REQUEST_EXECUTE && !job->alone &&
           (job->statement.flags & (ADB__STMT_WRITES | ADB__STMT_NO_CACHE)) == ADB__STMT_WRITES;
}

/* Gathering -------------------------------------------------------------------------------------------------------- */

/* NULL: the mail is no job that suits. */
static struct adb__job *mail_job(const struct adb__lane *lane, struct adb__mail *mail)
{
    if (mail == NULL || mail == &lane->farewell)
        return NULL;
    struct adb__job *job = ADB__CONTAINER_OF(mail, struct adb__job, mail);
    return job_suits(job) ? job : NULL;
}

static struct adb__quay *quay_of(const struct adb__worker *worker)
{
    return &worker->pool->server->quay;
}

bool adb__convoy_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return worker->pool->server->layout.group_commit == ADB__GROUP_FLUSH && job_suits(job) &&
           !adb__lane_is_held(lane) && !adb__session_must_read(lane) && adb__group_is_allowed(worker) &&
           (adb__pool_has_more(worker) || mail_job(lane, job->mail.next) != NULL ||
            adb__quay_at_sea(quay_of(worker)) > 0);
}

/* False: the lane's first job does not suit. */
static bool convoy_join(struct convoy *convoy, struct adb__lane *lane)
{
    struct adb__mail *mail = adb__lane_peek(lane);
    if (adb__lane_is_held(lane) || adb__session_must_read(lane) || mail_job(lane, mail) == NULL)
        return false;
    convoy->lanes[convoy->n_lanes] = lane;
    convoy->next[convoy->n_lanes] = mail;
    convoy->n_lanes++;
    return true;
}

static void convoy_add(struct convoy *convoy, struct adb__lane *lane, struct adb__job *job)
{
    const size_t i = convoy->base.n_calls++;
    struct member *member = &convoy->members[i];
    *member = (struct member){
        .lane = lane, .job = job, .statement = job->statement, .sink = {.result = &job->result, .max_rows = 1}};
    convoy->calls[i] =
        (struct adb__call){.statement = &member->statement, .sink = &member->sink, .error = &job->result.error};
}

/* The next job of each lane that has one; they follow those of the round before. False: there is none. */
static bool convoy_add_round(struct convoy *convoy)
{
    const size_t first = convoy->base.n_calls;
    for (size_t i = 0; i < convoy->n_lanes && convoy->base.n_calls < ADB__CONVOY_MAX; i++) {
        struct adb__job *job = mail_job(convoy->lanes[i], convoy->next[i]);
        if (job == NULL)
            continue;
        convoy_add(convoy, convoy->lanes[i], job);
        convoy->next[i] = convoy->next[i]->next;
    }
    if (convoy->base.n_calls == first)
        return false;
    convoy->calls[first].follows = first > 0;
    return convoy->base.n_calls < ADB__CONVOY_MAX;
}

/* Of the lanes that are ready, what falls to one of those who may still go to sea. */
static size_t convoy_share(const struct adb__worker *worker)
{
    const size_t n_at_sea = adb__quay_at_sea(quay_of(worker)); /* with this one */
    const size_t n_left = adb__quay_places() > n_at_sea ? adb__quay_places() - n_at_sea : 0;
    const size_t share = adb__pool_ready(worker) / (n_left + 1) + 1;
    const size_t of_pool = adb__pipeline_share(worker);
    return share > of_pool ? share : of_pool;
}

static void convoy_gather(struct convoy *convoy)
{
    struct adb__worker *worker = convoy->worker;
    for (size_t n = convoy_share(worker); n > 0 && convoy->n_lanes < ADB__CONVOY_MAX; n--) {
        struct adb__lane *lane = adb__pool_pop(worker);
        if (lane == NULL)
            break;
        adb__lane_collect(lane);
        if (convoy_join(convoy, lane))
            continue;
        adb__worker_put_back(worker, lane);
        break;
    }
    for (unsigned n = 0; n < LANE_SHARE && convoy_add_round(convoy); n++) {
    }
}

/* Turn by turn ----------------------------------------------------------------------------------------------------- */

static struct convoy *convoy_of(struct adb__pipeline *base)
{
    return ADB__CONTAINER_OF(base, struct convoy, base);
}

static struct member *member_of(struct convoy *convoy, const struct adb__call *call)
{
    return &convoy->members[call - convoy->calls];
}

/* While no job is RUNNING, the deadlines of those that have run are heeded; without any, the wait may last as long as
 * that of a statement may. */
static void convoy_guard(struct convoy *convoy)
{
    struct adb__worker *worker = convoy->worker;
    const int64_t deadline = convoy->deadline;
    if (convoy->guarded || worker->job != NULL)
        return;
    if (deadline == 0)
        convoy->guarded = adb__guard_call(worker); /* nothing has been sent yet */
    else
        convoy->guarded =
            adb__guard_set(worker, deadline == ADB__NEVER ? deadline : deadline + worker->db->watchdog.sever_after);
}

static void convoy_unguard(struct convoy *convoy)
{
    if (convoy->guarded)
        adb__guard_clear(convoy->worker);
    convoy->guarded = false;
}

/* All before it in its lane are over, so that it is the first there. */
static bool convoy_take(struct adb__pipeline *base, struct adb__call *call)
{
    struct convoy *convoy = convoy_of(base);
    const struct member *member = member_of(convoy, call);
    convoy_unguard(convoy);
    if (member->given_up)
        return false;
    if (adb__job_claim(member->job, convoy->worker))
        return true;
    adb__perform_skipped(convoy->worker, member->lane, member->job);
    return false;
}

static bool convoy_begin(struct adb__pipeline *base, struct adb__call *call)
{
    struct convoy *convoy = convoy_of(base);
    struct adb__worker *worker = convoy->worker;
    const struct member *member = member_of(convoy, call);
    convoy->since = 0;
    worker->job = member->job;
    adb__worker_set_state(worker, ADB__WORKER_BUSY);
    adb__trace_statement(worker->db, &member->statement);
    return true;
}

/* Whatever was asked of it meanwhile came too late; a cancel that is under way is waited for. */
static void member_keep(struct convoy *convoy, struct member *member)
{
    struct adb__worker *worker = convoy->worker;
    while (adb__job_keep(member->job) == ADB_E_BUSY)
        adb__worker_rest(worker, ADB__NEVER);
    adb__lane_pop(member->lane);
    convoy->deadline =
        adb__deadline_first(convoy->deadline == 0 ? ADB__NEVER : convoy->deadline, member->job->deadline);
    member->kept = true;
    worker->job = NULL;
}

/* Nothing has come of it: back to the front of its lane, to run by itself, and what is behind it in the lane after it.
 * False: it is to stop. */
static bool member_go_back(struct convoy *convoy, struct member *member)
{
    if (!adb__perform_retract(convoy->worker, member->job))
        return false;
    for (size_t i = (size_t)(member - convoy->members) + 1; i < convoy->base.n_calls; i++)
        convoy->members[i].given_up = convoy->members[i].given_up || convoy->members[i].lane == member->lane;
    return true;
}

static void convoy_end(struct adb__pipeline *base, struct adb__call *call)
{
    struct convoy *convoy = convoy_of(base);
    struct adb__worker *worker = convoy->worker;
    struct member *member = member_of(convoy, call);
    adb_error *error = call->error;
    const unsigned loss = call->status < 0 ? error->flags & (ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN) : 0;
    if (loss == ADB_ERROR_CONNECTION_LOST) { /* not one byte has left */
        adb__worker_learn(worker, error);
        call->status = ADB__RUN_ALONE;
    }
    if (call->status == ADB__RUN_ALONE && member_go_back(convoy, member))
        return;
    if (call->status == ADB__RUN_ALONE)
        call->status = adb__job_reason_error(error, adb__job_stop_reason(member->job));
    call->status = adb__session_judge(worker, call->status, error);
    member_keep(convoy, member);
}

static void lanes_put_back(struct adb__worker *worker, struct adb__lane *const *lanes, size_t n_lanes)
{
    for (size_t i = 0; i < n_lanes; i++)
        adb__worker_put_back(worker, lanes[i]);
}

static void convoy_quit(struct convoy *convoy)
{
    struct adb__lane *lanes[ADB__QUAY_MAX];
    convoy->quit = true;
    lanes_put_back(convoy->worker, lanes, adb__quay_quit(quay_of(convoy->worker), lanes));
}

static void convoy_wait(struct adb__pipeline *base)
{
    struct convoy *convoy = convoy_of(base);
    convoy_guard(convoy);
    const int64_t now = adb__clock_now();
    if (convoy->since == 0)
        convoy->since = now;
    else if (now - convoy->since >= PATIENCE_NS && !convoy->quit)
        convoy_quit(convoy);
}

/* The whole -------------------------------------------------------------------------------------------------------- */

/* What has run, and was not made durable, may be there or not. */
static void convoy_conclude(struct convoy *convoy)
{
    const struct adb__pipeline *base = &convoy->base;
    size_t n_durable = 0;
    for (size_t i = 0; i < base->n_calls; i++) {
        struct adb__call *call = &convoy->calls[i];
        if (!convoy->members[i].kept || call->status != ADB_OK)
            continue;
        n_durable += base->durable == ADB_OK;
        if (base->durable == ADB_OK)
            continue;
        call->status = base->durable;
        *call->error = base->flush_error;
        call->error->flags |= ADB_ERROR_OUTCOME_UNKNOWN;
    }
    adb__counter_add(&convoy->worker->db->figures.group_commits, n_durable > 1);
}

/* Tell all of them, with one signal. */
static void convoy_deliver(struct convoy *convoy)
{
    struct adb__worker *worker = convoy->worker;
    worker->gathers = true;
    for (size_t i = 0; i < convoy->base.n_calls; i++) {
        const struct member *member = &convoy->members[i];
        if (member->kept)
            adb__perform_end(worker, member->lane, member->job, convoy->calls[i].status);
    }
    worker->gathers = false;
    adb__outbox_flush(&worker->outbox);
}

static void convoy_sail(struct convoy *convoy)
{
    struct adb__worker *worker = convoy->worker;
    adb__counter_add(&worker->pool->n_pipelining, 1);
    worker->in_group = true; /* the connection is the driver's until it returns */
    worker->db->driver->pipeline(worker->conn, &convoy->base);
    worker->in_group = false;
    adb__counter_add(&worker->pool->n_pipelining, -1);
    convoy_unguard(convoy);
    if (convoy->base.durable != ADB_OK)
        adb__session_judge(worker, convoy->base.durable, &convoy->base.flush_error);
    if (convoy->base.refused)
        adb__group_pause(worker);
    convoy_conclude(convoy);
    convoy_deliver(convoy);
    if (worker->is_broken)
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
    else
        adb__worker_clean(worker);
}

/* With these lanes, and others that are ready. False: it has no place at sea any more. */
static bool convoy_run(struct adb__worker *worker, struct adb__lane *const *lanes, size_t n_lanes)
{
    struct convoy convoy;
    convoy.worker = worker;
    convoy.n_lanes = 0;
    convoy.since = convoy.deadline = 0;
    convoy.guarded = convoy.quit = false;
    convoy.base = (struct adb__pipeline){.calls = convoy.calls,
                                         .writes = true,
                                         .take_fn = convoy_take,
                                         .begin_fn = convoy_begin,
                                         .end_fn = convoy_end,
                                         .wait_fn = convoy_wait};
    for (size_t i = 0; i < n_lanes; i++) {
        if (!convoy_join(&convoy, lanes[i]))
            adb__worker_put_back(worker, lanes[i]);
    }
    convoy_gather(&convoy);
    if (convoy.base.n_calls > 0)
        convoy_sail(&convoy);
    lanes_put_back(worker, convoy.lanes, convoy.n_lanes);
    return !convoy.quit;
}

void adb__convoy_run(struct adb__worker *worker, struct adb__lane *lane)
{
    struct adb__quay *quay = quay_of(worker);
    struct adb__lane *lanes[ADB__QUAY_MAX] = {lane};
    size_t n_lanes = 1;
    if (!adb__quay_enter(quay, lane))
        return;
    for (unsigned n = 0; n < MOST_TRIPS && adb__group_is_allowed(worker); n++) {
        if (!convoy_run(worker, lanes, n_lanes))
            return;
        n_lanes = adb__quay_return(quay, lanes);
        if (n_lanes == 0)
            return;
    }
    lanes_put_back(worker, lanes, n_lanes);
    lanes_put_back(worker, lanes, adb__quay_quit(quay, lanes));
}
