/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared reads. A job may read a snapshot that was numbered after the job was submitted, and after its lane's last run on
 * a worker: then it sees every commit that its submitter can have known of, and never less than the lane saw before. */
#include "core/share.h"

#include "core/database.h"
#include "core/server.h"

/* Jobs in one snapshot: while it is open, no checkpoint can pass it. */
#define SHARE_MOST 64

static bool job_suits(const struct adb__job *job)
{
    switch (job->kind) {
    case ADB_REQUEST_FETCH_ALL:
    case ADB_REQUEST_FETCH_ONE:
    case ADB_REQUEST_FETCH_VAL:
    case ADB_REQUEST_FETCH_MANY:
        return (job->statement.flags & (ADB__STMT_READS | ADB__STMT_NO_CACHE)) == ADB__STMT_READS;
    default:
        return false;
    }
}

static bool worker_suits(const struct adb__worker *worker)
{
    return worker->pool->server->layout.shared_reads && worker->pool->role == ADB__ROLE_READER && worker->is_open &&
           !worker->base_open && !worker->db->options.unpooled && !adb__database_has_checkouts(worker->db);
}

static bool share_covers(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return worker->share_left > 0 && job->snapshots < worker->share_number && lane->snapshots < worker->share_number;
}

static void share_begin(struct adb__worker *worker)
{
    worker->share_number = adb__snapshots_next(&worker->db->snapshots); /* before it is taken, by the first select */
    worker->share_left = SHARE_MOST;
    worker->in_share = worker->in_group = adb__worker_send(worker, "BEGIN", NULL) == ADB_OK;
}

void adb__share_end(struct adb__worker *worker)
{
    if (!worker->in_share)
        return;
    worker->in_share = worker->in_group = false;
    if (worker->is_open)
        adb__worker_send(worker, "COMMIT", NULL); /* what this leaves open, adb__worker_clean() closes */
}

bool adb__share_retry(struct adb__worker *worker)
{
    if (!worker->in_share || worker->is_broken || adb__worker_check_stop(worker, NULL) != ADB_OK)
        return false;
    adb__share_end(worker);
    return true;
}

bool adb__share_breaks(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    return worker->in_share && !(job_suits(job) && !adb__lane_is_held(lane) && worker_suits(worker) &&
                                 share_covers(worker, lane, job));
}

void adb__share_prepare(struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job)
{
    bool suits = job_suits(job) && !adb__lane_is_held(lane) && worker_suits(worker);
    if (adb__share_breaks(worker, lane, job))
        adb__share_end(worker);
    if (suits && !worker->in_share && adb__pool_has_more(worker))
        share_begin(worker);
    if (worker->in_share)
        worker->share_left--;
}
