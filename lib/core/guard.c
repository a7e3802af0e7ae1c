/* SPDX-License-Identifier: BSD-3-Clause */
/* Guarded calls: which are under way, and what happens to those that last too long. */
#include "core/guard.h"

#include "base/clock.h"
#include "core/database.h"

#define CALL_NS  (5000 * ADB__NS_PER_MS)
#define PROBE_NS (1000 * ADB__NS_PER_MS)
#define SPARE_NS (1000 * ADB__NS_PER_MS)
/* A call that has not returned when its connection was severed is severed again: perhaps it had no socket yet. */
#define AGAIN_NS (500 * ADB__NS_PER_MS)

bool adb__guards_init(struct adb__guards *guards)
{
    adb__list_init(&guards->list);
    guards->limit = ADB__NEVER;
    guards->call_ns = CALL_NS;
    guards->probe_ns = PROBE_NS;
    guards->spare_ns = SPARE_NS;
    return pthread_mutex_init(&guards->lock, NULL) == 0;
}

void adb__guards_fini(struct adb__guards *guards)
{
    pthread_mutex_destroy(&guards->lock);
}

bool adb__guard_set(struct adb__worker *worker, int64_t deadline)
{
    struct adb_database *db = worker->db;
    struct adb__guards *guards = &db->guards;
    if (worker->is_guarded || !worker->pool->server->layout.backs_off)
        return false;
    worker->is_guarded = true;
    pthread_mutex_lock(&guards->lock);
    worker->guard.deadline = deadline;
    worker->guard.severed_at = INT64_MIN / 2;
    adb__list_append(&guards->list, &worker->guard.link);
    deadline = adb__deadline_first(deadline, guards->limit);
    pthread_mutex_unlock(&guards->lock);
    /* The lock stands in for seq_cst order: a round of the watchdog that has not seen the guard had begun before. */
    adb__watchdog_by(&db->watchdog, deadline);
    return true;
}

bool adb__guard_call(struct adb__worker *worker)
{
    return adb__guard_set(worker, adb__clock_now() + worker->db->guards.call_ns);
}

void adb__guard_clear(struct adb__worker *worker)
{
    struct adb__guards *guards = &worker->db->guards;
    pthread_mutex_lock(&guards->lock);
    adb__list_remove(&worker->guard.link);
    pthread_mutex_unlock(&guards->lock);
    worker->is_guarded = false;
}

bool adb__guard_has_passed(struct adb__worker *worker)
{
    struct adb__guards *guards = &worker->db->guards;
    if (!worker->is_guarded)
        return false;
    pthread_mutex_lock(&guards->lock);
    int64_t deadline = adb__deadline_first(worker->guard.deadline, guards->limit);
    pthread_mutex_unlock(&guards->lock);
    return deadline != ADB__NEVER && adb__clock_now() >= deadline;
}

int64_t adb__guards_enforce(struct adb_database *db, int64_t now)
{
    struct adb__guards *guards = &db->guards;
    int64_t next = ADB__NEVER;
    pthread_mutex_lock(&guards->lock);
    ADB__LIST_FOR_EACH(link, &guards->list) {
        struct adb__worker *worker = ADB__CONTAINER_OF(link, struct adb__worker, guard.link);
        struct adb__guard *guard = &worker->guard;
        int64_t due = adb__deadline_first(guard->deadline, guards->limit);
        if (now >= due && now >= guard->severed_at + AGAIN_NS) {
            db->driver->cancel(worker->conn, ADB__CANCEL_SEVER);
            guard->severed_at = now;
        }
        next = adb__deadline_first(next, now >= due ? guard->severed_at + AGAIN_NS : due);
    }
    pthread_mutex_unlock(&guards->lock);
    return next;
}

void adb__guards_limit(struct adb_database *db, int64_t deadline)
{
    struct adb__guards *guards = &db->guards;
    pthread_mutex_lock(&guards->lock);
    guards->limit = deadline;
    pthread_mutex_unlock(&guards->lock);
    adb__watchdog_by(&db->watchdog, deadline);
}
