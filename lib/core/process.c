/* SPDX-License-Identifier: BSD-3-Clause */
/* Fork, exit, and threads that end: what happens to handles that nobody has freed. */
#include "core/process.h"

#include "base/alloc.h"
#include "core/context.h"
#include "core/database.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static struct adb__list process_databases = {&process_databases, &process_databases}; /* process_lock */
struct adb__counter adb__process_number = {1};
static pthread_key_t thread_key;
static bool thread_key_is_good;

static _Thread_local bool this_is_worker;

/* The only thread of the child. The parent's databases are not its to touch, nor may its exit close them. */
static void process_forked(void)
{
    adb__counter_add(&adb__process_number, 1);
    pthread_mutex_init(&process_lock, NULL);
    adb__list_init(&process_databases);
    this_is_worker = false;
}

static void thread_ended(void *data);

/* exit() runs no destructors of the thread's own data, so its contexts are freed here. Their databases are muted. */
static void process_free_own_contexts(void)
{
    void *contexts = thread_key_is_good ? pthread_getspecific(thread_key) : NULL;
    if (contexts == NULL)
        return;
    pthread_setspecific(thread_key, NULL);
    thread_ended(contexts);
}

/* exit() while jobs run: no callback runs any more, and no thread is inside a client library whose own exit handlers
 * are about to run. */
static void process_exiting(void)
{
    pthread_mutex_lock(&process_lock);
    struct adb__list *link = adb__list_take_first(&process_databases);
    while (link != NULL) {
        adb_database *db = ADB__CONTAINER_OF(link, adb_database, process_link);
        adb__database_ref(db);
        pthread_mutex_unlock(&process_lock);
        adb__database_quit(db);
        adb__database_unref(db);
        pthread_mutex_lock(&process_lock);
        link = adb__list_take_first(&process_databases);
    }
    pthread_mutex_unlock(&process_lock);
    process_free_own_contexts();
}

/* A thread has ended: its own contexts go, and what they hold is rolled back. */
static void thread_ended(void *data)
{
    struct adb__list *contexts = data;
    struct adb__list *link = adb__list_take_first(contexts);
    while (link != NULL) {
        adb_context_free(ADB__CONTAINER_OF(link, adb_context, thread_link));
        link = adb__list_take_first(contexts);
    }
    adb__free(contexts);
}

static void process_start(void)
{
    thread_key_is_good = pthread_key_create(&thread_key, thread_ended) == 0;
    pthread_atfork(NULL, NULL, process_forked);
    atexit(process_exiting);
}

void adb__process_begin(void)
{
    pthread_once(&process_once, process_start);
}

void adb__process_add(struct adb__list *link)
{
    pthread_mutex_lock(&process_lock);
    adb__list_append(&process_databases, link);
    pthread_mutex_unlock(&process_lock);
}

void adb__process_remove(struct adb__list *link)
{
    pthread_mutex_lock(&process_lock);
    adb__list_remove(link);
    pthread_mutex_unlock(&process_lock);
}

void adb__process_enter_worker(void)
{
    this_is_worker = true;
}

bool adb__process_is_worker(void)
{
    return this_is_worker;
}

struct adb__list *adb__process_thread_contexts(void)
{
    pthread_once(&process_once, process_start);
    if (!thread_key_is_good)
        return NULL;
    struct adb__list *contexts = pthread_getspecific(thread_key);
    if (contexts != NULL)
        return contexts;
    contexts = adb__alloc(sizeof(*contexts));
    if (contexts == NULL)
        return NULL;
    adb__list_init(contexts);
    if (pthread_setspecific(thread_key, contexts) != 0) {
        adb__free(contexts);
        return NULL;
    }
    return contexts;
}
