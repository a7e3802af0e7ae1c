/* SPDX-License-Identifier: BSD-3-Clause */
/* Gather, send, take the answers in their order, give the lanes back. */
#include "core/pipeline.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/perform.h"
#include "core/post.h"
#include "core/server.h"
#include "core/session.h"
#include "core/trace.h"
#include "model/error.h"

/* So long a job may keep those that were sent behind it from other workers. */
#define PATIENCE_NS (20 * ADB__NS_PER_MS)

/* So long the answers behind the first may take, or as long as the way to the database and back: whoever comes
 * meanwhile stands behind all that has been sent. */
#define ANSWERS_NS (1 * ADB__NS_PER_MS)

/* So few are sent when their answers take long: then lanes are given back as soon as they have theirs. */
#define FEW 4

/* An answer that takes longer than that is not quick: others are called for what waits. */
#define GLANCE_NS (1 * ADB__NS_PER_MS)

/* Who stays leaves one in so many to the next one that comes back, which need not sleep then. */
#define LEAVES 8

/* Quick is what is no further away, and takes no longer each. */
#define NEAR_NS  (1 * ADB__NS_PER_MS)
#define QUICK_NS (200 * 1000)

/* No answer counts for more: one that was very slow is soon forgotten. */
#define SLOWEST_NS (8 * ADB__NS_PER_MS)

/* So much of it what is known changes with a pipeline that was slower, or faster: as answers that were there at once
 * when this thread came to them say little of the database. */
#define SLOWER_STEP 4
#define FASTER_STEP 8

/* So much longer the way may have become. */
#define WAY_STEP 64

/* A job on its way. It is the first of its lane when its turn comes. */
struct member {
    struct adb__lane *lane;
    struct adb__job *job;
    struct adb__statement statement;
    struct adb__sink sink;
    bool given_up; /* not for this pipeline any more: its lane has been given back, or the job before must come first */
};

struct adb__pipelining {
    struct adb__pipeline base; /* what the driver sees */
    struct adb__call calls[ADB__PIPELINE_MAX];
    struct member members[ADB__PIPELINE_MAX]; /* one for each call */
    struct adb__worker *worker;
    struct adb__lane *lanes[ADB__PIPELINE_MAX]; /* attended */
    size_t n_lanes;
    size_t most;                /* jobs to send */
    size_t n_answers;
    int64_t began_at, first_answer_at;
    size_t turn;                /* whose answer is read */
    int64_t since;              /* when it was first waited for; 0: not yet */
    const struct member *loser; /* whose answer was that the connection is lost; NULL: none */
};

static bool job_suits(const struct adb__job *job)
{
    switch (job->kind) {
    case ADB_REQUEST_EXECUTE:
    case ADB_REQUEST_FETCH_ALL:
    case ADB_REQUEST_FETCH_ONE:
    case ADB_REQUEST_FETCH_VAL:
    case ADB_REQUEST_FETCH_MANY:
        return (job->statement.flags & (ADB__STMT_PURE | ADB__STMT_NO_CACHE)) == ADB__STMT_PURE && !job->alone;
    default:
        return false;
    }
}

static bool worker_suits(const struct adb__worker *worker)
{
    return worker->pool->server->layout.pipelines && worker->is_open && !worker->base_open && !worker->in_group &&
           !worker->db->options.unpooled && !adb__database_has_checkouts(worker->db);
}

bool adb__pipeline_is_quick(const struct adb__worker *worker)
{
    return worker->pool->park.enough != UINT32_MAX && worker->way_ns > 0 && worker->way_ns < NEAR_NS &&
           worker->answer_ns < QUICK_NS;
}

/* NULL: the mail is no job that suits. */
static struct adb__job *mail_job(const struct adb__lane *lane, struct adb__mail *mail)
{
    if (mail == NULL || mail == &lane->farewell)
        return NULL;
    struct adb__job *job = ADB__CONTAINER_OF(mail, struct adb__job, mail);
    return job_suits(job) ? job : NULL;
}

bool adb__pipeline_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return job_suits(job) && worker_suits(worker) && !adb__lane_is_held(lane) &&
           (worker->stays || adb__pool_has_more(worker) || mail_job(lane, job->mail.next) != NULL ||
            (lane->read_only && worker->pool->server->layout.tells_in_pipeline));
}

/* Gathering -------------------------------------------------------------------------------------------------------- */

static size_t rows_wanted(const struct adb__job *job)
{
    switch (job->kind) {
    case ADB_REQUEST_FETCH_ALL:
        return 0;
    case ADB_REQUEST_FETCH_MANY:
        return job->limit;
    default:
        return 1;
    }
}

static void pipeline_add(struct adb__pipelining *pipeline, struct adb__lane *lane, struct adb__job *job)
{
    const size_t i = pipeline->base.n_calls++;
    struct member *member = &pipeline->members[i];
    *member = (struct member){.lane = lane,
                              .job = job,
                              .statement = job->statement,
                              .sink = {.result = &job->result, .max_rows = rows_wanted(job)}};
    if (adb__session_must_read(lane))
        member->statement.flags |= ADB__STMT_MUST_READ;
    pipeline->calls[i] = (struct adb__call){
        .statement = &member->statement, .sink = &member->sink, .error = &job->result.error};
}

/* Take what suits from the front of a lane. False: nothing does. */
static bool pipeline_take(struct adb__pipelining *pipeline, struct adb__lane *lane)
{
    struct adb__mail *mail = adb__lane_peek(lane);
    struct adb__job *job = adb__lane_is_held(lane) ? NULL : mail_job(lane, mail);
    const bool any = job != NULL;
    for (unsigned n = 0; job != NULL && n < ADB__WORKER_RUN && pipeline->base.n_calls < pipeline->most; n++) {
        pipeline_add(pipeline, lane, job);
        mail = mail->next;
        job = mail_job(lane, mail);
    }
    if (any)
        pipeline->lanes[pipeline->n_lanes++] = lane;
    return any;
}

/* As many as are likely to be answered in time, to judge by the last ones. */
static size_t pipeline_most(const struct adb__worker *worker)
{
    const int64_t most = 1 + (worker->way_ns > ANSWERS_NS ? worker->way_ns : ANSWERS_NS) / (worker->answer_ns + 1);
    return most < ADB__PIPELINE_MAX ? (size_t)most : ADB__PIPELINE_MAX;
}

/* How long an answer takes after the one before, when they were sent together, is the database's time. The first one
 * has the way to go too, which is no longer than the fastest of them; of one that was sent alone that is taken off. */
static void pipeline_learn(const struct adb__pipelining *pipeline)
{
    struct adb__worker *worker = pipeline->worker;
    const int64_t n_more = (int64_t)pipeline->n_answers - 1;
    if (n_more < 0)
        return;
    const int64_t way = pipeline->first_answer_at - pipeline->began_at;
    if (worker->way_ns == 0 || way < worker->way_ns)
        worker->way_ns = way;
    else if (n_more > 0)
        worker->way_ns += worker->way_ns / WAY_STEP;
    const int64_t one = way > worker->way_ns ? way - worker->way_ns : 0;
    const int64_t answer = n_more > 0 ? (adb__clock_now() - pipeline->first_answer_at) / n_more : one;
    const int64_t change = adb__deadline_first(answer, SLOWEST_NS) - worker->answer_ns;
    worker->answer_ns += change / (change > 0 ? SLOWER_STEP : FASTER_STEP);
}

size_t adb__pipeline_share(const struct adb__worker *worker)
{
    const struct adb__pool *pool = worker->pool;
    const int64_t n_open = adb__counter_get(&pool->n_open);
    const int64_t n_most = worker->stays && n_open > pool->park.enough ? pool->park.enough : n_open;
    const int64_t n_takers = n_most - adb__counter_get(&pool->n_pipelining);
    const size_t n_ready = adb__pool_ready(worker);
    if (n_takers > 1)
        return (n_ready + (size_t)n_takers - 1) / (size_t)n_takers;
    return worker->stays ? n_ready - n_ready / LEAVES : n_ready;
}

static void pipeline_gather(struct adb__pipelining *pipeline, struct adb__lane *first)
{
    struct adb__worker *worker = pipeline->worker;
    pipeline->most = pipeline_most(worker);
    pipeline_take(pipeline, first);
    for (size_t n = adb__pipeline_share(worker); n > 0 && pipeline->base.n_calls < pipeline->most; n--) {
        struct adb__lane *lane = adb__pool_pop(worker);
        if (lane == NULL)
            return;
        adb__lane_collect(lane);
        if (!pipeline_take(pipeline, lane)) {
            worker->next_lane = lane; /* it was its turn, and will be */
            return;
        }
    }
}

/* Turn by turn ----------------------------------------------------------------------------------------------------- */

static struct adb__pipelining *pipeline_of(struct adb__pipeline *base)
{
    return ADB__CONTAINER_OF(base, struct adb__pipelining, base);
}

static bool pipeline_begin(struct adb__pipeline *base, struct adb__call *call)
{
    struct adb__pipelining *pipeline = pipeline_of(base);
    struct adb__worker *worker = pipeline->worker;
    pipeline->turn = (size_t)(call - pipeline->calls);
    pipeline->since = 0;
    const struct member *member = &pipeline->members[pipeline->turn];
    if (member->given_up)
        return false;
    if (!adb__job_claim(member->job, worker)) {
        adb__perform_skipped(worker, member->lane, member->job);
        return false;
    }
    worker->job = member->job;
    adb__worker_set_state(worker, ADB__WORKER_BUSY);
    adb__trace_statement(worker->db, &member->statement);
    return true;
}

/* The job goes back to the front of its lane, to run by itself; what was sent of this lane behind it comes after it.
 * False: it is to stop. */
static bool member_go_back(struct adb__pipelining *pipeline, const struct member *member)
{
    if (!adb__perform_retract(pipeline->worker, member->job))
        return false;
    for (size_t i = pipeline->turn + 1; i < pipeline->base.n_calls; i++)
        pipeline->members[i].given_up = pipeline->members[i].given_up || pipeline->members[i].lane == member->lane;
    return true;
}

static void member_end(struct adb__pipelining *pipeline, const struct member *member, adb_status status)
{
    struct adb__worker *worker = pipeline->worker;
    struct adb__job *job = member->job;
    adb_error *error = &job->result.error;
    status = status == ADB__RUN_ALONE ? adb__job_reason_error(error, adb__job_stop_reason(job))
                                      : adb__session_judge(worker, status, error);
    if (status == ADB_OK && job->kind == ADB_REQUEST_FETCH_VAL)
        status = adb__result_reduce(&job->result, job->column, job->column_name, error);
    adb__lane_pop(member->lane);
    adb__perform_end(worker, member->lane, job, status);
}

static void pipeline_end(struct adb__pipeline *base, struct adb__call *call)
{
    struct adb__pipelining *pipeline = pipeline_of(base);
    const struct member *member = &pipeline->members[call - pipeline->calls];
    if (pipeline->n_answers++ == 0)
        pipeline->first_answer_at = adb__clock_now();
    if (call->status < 0 && (call->error->flags & ADB_ERROR_CONNECTION_LOST) != 0)
        pipeline->loser = member; /* closed when the driver has returned */
    else if (call->status != ADB__RUN_ALONE || !member_go_back(pipeline, member))
        member_end(pipeline, member, call->status);
}

/* Is an answer still to come for one of the lane's jobs? */
static bool lane_is_awaited(const struct adb__pipelining *pipeline, const struct adb__lane *lane)
{
    for (size_t i = pipeline->turn; i < pipeline->base.n_calls; i++) {
        if (pipeline->members[i].lane == lane)
            return true;
    }
    return false;
}

/* Give back the lanes that have all their answers: what is submitted there next shall not wait for those of others. */
static void pipeline_return(struct adb__pipelining *pipeline)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < pipeline->n_lanes; i++) {
        if (lane_is_awaited(pipeline, pipeline->lanes[i]))
            pipeline->lanes[n_kept++] = pipeline->lanes[i];
        else
            adb__worker_put_back(pipeline->worker, pipeline->lanes[i]);
    }
    pipeline->n_lanes = n_kept;
}

/* Hand over the outcomes so far. Where answers come one by one, and quickly, nobody is woken for each: who dozes will
 * find some more of them. */
static void pipeline_post(struct adb__worker *worker)
{
    if (worker->answer_ns < QUICK_NS && !worker->pool->server->layout.answers_together)
        adb__outbox_whisper(&worker->outbox, &worker->poster);
    else
        adb__outbox_flush(&worker->outbox);
}

static void pipeline_wait(struct adb__pipeline *base)
{
    struct adb__pipelining *pipeline = pipeline_of(base);
    pipeline_post(pipeline->worker);
    if (pipeline->most <= FEW && pipeline->n_lanes > 1)
        pipeline_return(pipeline);
    adb__pipeline_relieve(pipeline->worker);
}

/* Is there anybody who could take what waits? Else the database would do it twice for nothing. */
static bool others_are_free(const struct adb__pool *pool)
{
    return adb__park_sleeping(&pool->park) > 0 || adb__counter_get(&pool->n_workers) < (int64_t)pool->max;
}

void adb__pipeline_relieve(struct adb__worker *worker)
{
    struct adb__pipelining *pipeline = worker->pipeline;
    if (pipeline == NULL || pipeline->n_lanes == 0)
        return;
    const int64_t now = adb__clock_now();
    if (pipeline->since == 0)
        pipeline->since = now;
    if (now - pipeline->since >= GLANCE_NS)
        adb__worker_stray(worker);
    if (now - pipeline->since < PATIENCE_NS || !others_are_free(worker->pool))
        return;
    const struct adb__lane *busy = pipeline->members[pipeline->turn].lane;
    size_t n_kept = 0;
    for (size_t i = pipeline->turn + 1; i < pipeline->base.n_calls; i++) {
        if (pipeline->members[i].lane == busy)
            continue;
        pipeline->members[i].given_up = true;
        pipeline->calls[i].statement = NULL; /* in the memory of a job that may be over soon */
    }
    for (size_t i = 0; i < pipeline->n_lanes; i++) {
        if (pipeline->lanes[i] == busy)
            pipeline->lanes[n_kept++] = pipeline->lanes[i];
        else
            adb__worker_put_back(worker, pipeline->lanes[i]);
    }
    pipeline->n_lanes = n_kept;
    if (worker->next_lane != NULL)
        adb__worker_put_back(worker, worker->next_lane);
    worker->next_lane = NULL;
}

/* The whole -------------------------------------------------------------------------------------------------------- */

/* The job whose answer the connection was lost under. Not one byte of it has left, or its outcome is unknown. */
static void pipeline_lose(struct adb__pipelining *pipeline)
{
    struct adb__worker *worker = pipeline->worker;
    const struct member *member = pipeline->loser;
    const struct adb_error lost = member->job->result.error;
    if ((lost.flags & ADB_ERROR_OUTCOME_UNKNOWN) == 0 && adb__worker_check_stop(worker, NULL) == ADB_OK &&
        member_go_back(pipeline, member)) {
        adb__worker_learn(worker, &lost);
        adb__worker_disconnect(worker, ADB__CLOSED_LOST);
        return;
    }
    member->job->result.error = lost;
    member_end(pipeline, member, lost.status);
}

void adb__pipeline_run(struct adb__worker *worker, struct adb__lane *lane)
{
    struct adb__pipelining pipeline = {.worker = worker};
    pipeline.base = (struct adb__pipeline){
        .calls = pipeline.calls, .begin_fn = pipeline_begin, .end_fn = pipeline_end, .wait_fn = pipeline_wait};
    pipeline_gather(&pipeline, lane);
    pipeline.began_at = adb__clock_now();
    adb__counter_add(&worker->pool->n_pipelining, 1);
    if (adb__pipeline_is_quick(worker))
        adb__worker_stay(worker);
    else
        adb__worker_stray(worker);
    adb__counter_add(&worker->db->figures.pipelined, (int64_t)pipeline.base.n_calls);
    pipeline.base.glances = worker->stays;
    worker->pipeline = &pipeline;
    worker->in_group = true; /* the connection is the driver's until it returns */
    worker->db->driver->pipeline(worker->conn, &pipeline.base);
    worker->in_group = false;
    worker->pipeline = NULL;
    adb__counter_add(&worker->pool->n_pipelining, -1);
    pipeline_post(worker);
    pipeline_learn(&pipeline);
    if (pipeline.loser != NULL)
        pipeline_lose(&pipeline);
    for (size_t i = 0; i < pipeline.n_lanes; i++)
        adb__worker_put_back(worker, pipeline.lanes[i]);
}
