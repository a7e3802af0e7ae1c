/* SPDX-License-Identifier: BSD-3-Clause */
/* Group commit on the writer: gather, run each under a savepoint, commit once, deliver. */
#include "core/group.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/perform.h"
#include "core/post.h"
#include "core/server.h"
#include "core/session.h"
#include "model/error.h"

/* After a transaction could not be begun (another process holds the lock) jobs wait one by one for a while. */
#define PAUSE_NS (1000 * ADB__NS_PER_MS)

/* No more is taken in after so long: those that are in wait for the commit. */
#define GATHER_NS (5 * ADB__NS_PER_MS)

/* Jobs of one lane in a row, so that one lane cannot keep the others out of the group. */
#define LANE_SHARE 16

struct member {
    struct adb__lane *lane;
    struct adb__job *job;
};

struct group {
    struct adb__worker *worker;
    struct member members[ADB__GROUP_MAX]; /* ran well, wait for the commit */
    size_t n_members;
    struct adb__lane *others[ADB__GROUP_MAX]; /* attended besides the caller's */
    size_t n_others;
    int64_t until;                            /* when to stop gathering */
    bool broken;                              /* the shared transaction is gone */
};

static bool group_is_full(const struct group *group)
{
    return group->n_members == ADB__GROUP_MAX || group->n_others == ADB__GROUP_MAX || group->broken ||
           adb__clock_now() >= group->until;
}

static bool job_suits(const struct adb__job *job)
{
    return job->kind == ADB_REQUEST_EXECUTE &&
           (job->statement.flags & (ADB__STMT_NO_CACHE | ADB__STMT_READS | ADB__STMT_MUST_READ)) == 0;
}

static bool worker_suits(const struct adb__worker *worker)
{
    return worker->pool->server->layout.group_commit == ADB__GROUP_SAVEPOINTS && adb__group_is_allowed(worker);
}

bool adb__group_is_allowed(const struct adb__worker *worker)
{
    return worker->pool->role == ADB__ROLE_WRITER && worker->is_open && !worker->base_open && !worker->in_group &&
           !worker->db->options.ungrouped && !worker->db->options.unpooled &&
           !adb__database_has_checkouts(worker->db) && adb__clock_now() >= worker->group_not_before;
}

void adb__group_pause(struct adb__worker *worker)
{
    worker->group_not_before = adb__clock_now() + PAUSE_NS;
}

static bool lane_suits(const struct adb__lane *lane)
{
    return !lane->read_only && !adb__lane_is_held(lane);
}

/* Is there another job to share a commit with? */
static bool has_company(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    struct adb__mail *next = job->mail.next;
    if (adb__pool_has_more(worker))
        return true;
    return next != NULL && next != &lane->farewell && job_suits(ADB__CONTAINER_OF(next, struct adb__job, mail));
}

bool adb__group_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return job_suits(job) && has_company(worker, lane, job) && worker_suits(worker) && lane_suits(lane);
}

static bool transaction_is_open(const struct adb__worker *worker)
{
    return worker->is_open && worker->db->driver->transaction_state(worker->conn) != ADB__TXN_NONE;
}

static bool group_begin(struct adb__worker *worker)
{
    const adb_transaction_options options = {.size = sizeof(options)};
    const adb_status status = adb__session_begin(worker, &options, NULL);
    worker->in_group = status == ADB_OK && transaction_is_open(worker);
    if (!worker->in_group)
        adb__group_pause(worker);
    return worker->in_group;
}

/* The statement of one job, within its savepoint. */
static adb_status member_execute(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job)
{
    struct adb__sink sink = {.result = &job->result, .max_rows = 1};
    return adb__session_run(worker, lane, &job->statement, &sink, &job->result.error);
}

/* Undo one job; the others stay. */
static void member_undo(struct group *group)
{
    struct adb__worker *worker = group->worker;
    if (!transaction_is_open(worker) ||
        adb__worker_send(worker, "ROLLBACK TO SAVEPOINT adb_group;RELEASE SAVEPOINT adb_group", NULL) != ADB_OK)
        group->broken = true;
}

/* Run one claimed job. When it fails its outcome is final at once; when it succeeds it waits for the commit, in a state
 * in which no cancel can reach the connection. */
static void group_member(struct group *group, struct adb__lane *lane, struct adb__job *job)
{
    struct adb__worker *worker = group->worker;
    adb_error *error = &job->result.error;
    adb_status status = adb__worker_send(worker, "SAVEPOINT adb_group", error);
    if (status == ADB_OK)
        status = member_execute(worker, lane, job);
    if (status == ADB_OK && !transaction_is_open(worker))
        group->broken = true;
    if (status == ADB_OK && !adb__job_settle(job))
        status = adb__job_reason_error(error, adb__job_stop_reason(job));
    if (status == ADB_OK && !group->broken && adb__worker_send(worker, "RELEASE SAVEPOINT adb_group", NULL) != ADB_OK)
        group->broken = true;
    worker->job = NULL;
    if (status == ADB_OK) {
        group->members[group->n_members++] = (struct member){.lane = lane, .job = job};
        return;
    }
    member_undo(group);
    adb__perform_end(worker, lane, job, status);
}

/* Take what suits from the front of a lane. */
static void group_gather(struct group *group, struct adb__lane *lane)
{
    struct adb__worker *worker = group->worker;
    for (unsigned n = 0; n < LANE_SHARE && !group_is_full(group); n++) {
        struct adb__mail *mail = adb__lane_peek(lane);
        if (mail == NULL || mail == &lane->farewell)
            return;
        struct adb__job *job = ADB__CONTAINER_OF(mail, struct adb__job, mail);
        if (!job_suits(job) || !lane_suits(lane))
            return;
        if (!adb__job_claim(job, worker)) {
            adb__perform_skipped(worker, lane, job);
            continue;
        }
        worker->job = job;
        adb__worker_set_state(worker, ADB__WORKER_BUSY);
        adb__lane_pop(lane);
        group_member(group, lane, job);
    }
}

/* The shared transaction did not hold: each job by itself. */
static void group_repeat(struct group *group)
{
    struct adb__worker *worker = group->worker;
    if (transaction_is_open(worker))
        adb__worker_send(worker, "ROLLBACK", NULL);
    for (size_t i = 0; i < group->n_members; i++) {
        struct member *member = &group->members[i];
        adb__result_discard(&member->job->result);
        worker->job = member->job;
        adb_status status = adb__job_unsettle(member->job)
                                ? member_execute(worker, member->lane, member->job)
                                : adb__job_reason_error(&member->job->result.error, ADB__STOP_CLOSE);
        adb__perform_end(worker, member->lane, member->job, status);
    }
}

/* The connection was lost under the shared commit: nobody knows what became of it, so nothing is repeated. */
static void group_lose(struct group *group, const adb_error *error)
{
    for (size_t i = 0; i < group->n_members; i++) {
        struct member *member = &group->members[i];
        member->job->result.error = *error;
        member->job->result.error.flags |= ADB_ERROR_OUTCOME_UNKNOWN;
        adb__perform_end(group->worker, member->lane, member->job, error->status);
    }
}

/* It is kept: tell all of them, with one signal. */
static void group_deliver(const struct group *group)
{
    struct adb__worker *worker = group->worker;
    adb__counter_add(&worker->db->figures.group_commits, group->n_members > 1);
    worker->gathers = true;
    for (size_t i = 0; i < group->n_members; i++)
        adb__perform_end(worker, group->members[i].lane, group->members[i].job, ADB_OK);
    worker->gathers = false;
    adb__outbox_flush(&worker->outbox);
}

static void group_end(struct group *group)
{
    struct adb__worker *worker = group->worker;
    adb_error error = {0};
    bool sent = !group->broken;
    bool kept = sent && adb__worker_send(worker, "COMMIT", &error) == ADB_OK;
    worker->in_group = false;
    if (sent && !kept && worker->is_broken) {
        group_lose(group, &error);
        return;
    }
    if (kept)
        group_deliver(group);
    else
        group_repeat(group);
}

bool adb__group_run(struct adb__worker *worker, struct adb__lane *lane)
{
    struct group group = {.worker = worker};
    if (!group_begin(worker))
        return false;
    group.until = adb__clock_now() + GATHER_NS; /* the lock is there: it may have taken its time */
    group_gather(&group, lane);
    while (!group_is_full(&group)) {
        struct adb__lane *other = adb__pool_pop(worker);
        if (other == NULL)
            break;
        group.others[group.n_others++] = other;
        adb__lane_collect(other);
        group_gather(&group, other);
    }
    group_end(&group);
    for (size_t i = 0; i < group.n_others; i++)
        adb__worker_put_back(worker, group.others[i]);
    return true;
}
