/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that make one driver's cancel() at a time. */
#include "core/helpers.h"

#include "base/clock.h"
#include "core/condition.h"
#include "core/database.h"
#include "core/process.h"

#include <signal.h>

bool adb__helpers_init(struct adb__helpers *helpers, struct adb_database *db)
{
    helpers->db = db;
    for (unsigned i = 0; i < ADB__HELPERS; i++)
        helpers->helpers[i].all = helpers;
    if (pthread_mutex_init(&helpers->lock, NULL) != 0)
        return false;
    if (adb__condition_init(&helpers->changed))
        return true;
    pthread_mutex_destroy(&helpers->lock);
    return false;
}

void adb__helpers_fini(struct adb__helpers *helpers)
{
    pthread_cond_destroy(&helpers->changed);
    pthread_mutex_destroy(&helpers->lock);
}

/* The job is CANCELLING: its worker waits, and the connection cannot change. */
static void helper_ask(struct adb_database *db, struct adb__worker *worker, uint32_t slot)
{
    if (worker->is_open)
        db->driver->cancel(worker->conn, ADB__CANCEL_ASK);
    adb__jobs_cancel_end(&db->jobs, slot);
}

static void *helper_main(void *argument)
{
    struct adb__helper *helper = argument;
    struct adb__helpers *all = helper->all;
    struct adb_database *db = all->db;
    pthread_mutex_lock(&all->lock);
    while (helper->busy || !all->stopping) {
        if (!helper->busy) {
            adb__condition_wait(&all->changed, &all->lock, ADB__NEVER);
            continue;
        }
        struct adb__worker *worker = helper->worker;
        uint32_t slot = helper->slot;
        pthread_mutex_unlock(&all->lock);
        helper_ask(db, worker, slot);
        pthread_mutex_lock(&all->lock);
        helper->busy = false;
    }
    helper->home = true;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    adb__database_unref(db);
    return NULL;
}

static bool helper_start_locked(struct adb__helper *helper)
{
    struct adb_database *db = helper->all->db;
    sigset_t all, before;
    adb__database_ref(db);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    helper->home = helper->busy = false;
    helper->started = pthread_create(&helper->thread, NULL, helper_main, helper) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!helper->started)
        adb__database_unref(db);
    return helper->started;
}

/* One that is free, or NULL. */
static struct adb__helper *helpers_free_locked(struct adb__helpers *helpers)
{
    for (unsigned i = 0; i < ADB__HELPERS; i++) {
        struct adb__helper *helper = &helpers->helpers[i];
        if (!helper->started)
            return helper_start_locked(helper) ? helper : NULL;
        if (!helper->busy)
            return helper;
    }
    return NULL;
}

bool adb__helpers_can(struct adb__helpers *helpers)
{
    pthread_mutex_lock(&helpers->lock);
    bool can = helpers_free_locked(helpers) != NULL;
    pthread_mutex_unlock(&helpers->lock);
    return can;
}

void adb__helpers_give(struct adb__helpers *helpers, struct adb__worker *worker, uint32_t slot)
{
    pthread_mutex_lock(&helpers->lock);
    struct adb__helper *helper = helpers_free_locked(helpers);
    helper->worker = worker;
    helper->slot = slot;
    helper->busy = true;
    pthread_cond_broadcast(&helpers->changed);
    pthread_mutex_unlock(&helpers->lock);
}

void adb__helpers_dismiss(struct adb__helpers *helpers)
{
    pthread_mutex_lock(&helpers->lock);
    helpers->stopping = true;
    pthread_cond_broadcast(&helpers->changed);
    pthread_mutex_unlock(&helpers->lock);
}

bool adb__helpers_join(struct adb__helpers *helpers, int64_t deadline)
{
    bool all_home = true;
    pthread_mutex_lock(&helpers->lock);
    for (unsigned i = 0; i < ADB__HELPERS; i++) {
        struct adb__helper *helper = &helpers->helpers[i];
        bool in_time = true;
        while (helper->started && !helper->home && in_time)
            in_time = adb__condition_wait(&helpers->changed, &helpers->lock, deadline);
        if (!helper->started)
            continue;
        if (helper->home) { /* but for its last instructions, which take no lock */
            pthread_join(helper->thread, NULL);
            helper->started = false;
        } else {
            pthread_detach(helper->thread);
            all_home = false;
        }
    }
    pthread_mutex_unlock(&helpers->lock);
    return all_home;
}

bool adb__helpers_return(struct adb__helpers *helpers)
{
    bool away = false;
    pthread_mutex_lock(&helpers->lock);
    for (unsigned i = 0; i < ADB__HELPERS; i++) {
        struct adb__helper *helper = &helpers->helpers[i];
        helper->started = helper->started && !helper->home;
        away = away || helper->started;
    }
    helpers->stopping = away;
    pthread_mutex_unlock(&helpers->lock);
    return !away;
}
