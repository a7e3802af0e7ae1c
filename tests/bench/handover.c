/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of an empty job through the library's own queues, and whatever its promises need of each: a number that anybody
 * may take and give back, a word that decides its end once, a lane that keeps the order, a ready queue for any worker, and
 * an inbox for its outcome. No request, session, deadline, statistics, and no end: one thread works, on a processor of its
 * own, and nobody sleeps. On the other processor one submits and takes the outcomes; or several do, each for itself, and
 * after what is there for it each lets the next one have the processor. */
#include "tests/bench/handover.h"
#include "base/cacheline.h"
#include "base/list.h"
#include "queue/mailbox.h"
#include "queue/ready.h"
#include "queue/slots.h"
#include "queue/spin.h"
#include "queue/trail.h"
#include "tests/bench/bench.h"
#include "tests/bench/processors.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

/* Where a job's outcome is when it is asked for, as in core/completion.c. */
#define AHEAD 8

/* Between two looks: 0.2 to 0.4 us. */
#define PAUSES 16

enum { FREE, QUEUED, RUNNING, DONE };

/* One gives its number back after its callback has submitted the next. */
#define MOST_JOBS (BENCH_HANDOVER_MOST + BENCH_HANDOVER_THREADS)

struct lane {
    _Alignas(ADB__CACHE_LINE) struct adb__mailbox mailbox;
};

/* A line that goes there and back, one for the function, and one for what comes of it. */
struct job {
    _Alignas(ADB__CACHE_LINE) struct adb__mail mail;
    struct lane *lane;
    struct submitter *submitter;
    uint32_t number;
    _Alignas(ADB__CACHE_LINE) int (*work)(struct job *job);
    void (*done)(struct job *job);
    _Alignas(ADB__CACHE_LINE) _Atomic uint64_t word;
    int outcome;
};

struct submitter {
    _Alignas(ADB__CACHE_LINE) struct adb__mailbox inbox;
    struct adb__trail trail;
    _Alignas(ADB__CACHE_LINE) pthread_t thread;
    unsigned stack; /* of numbers */
    struct lane *lanes;
    size_t n_lanes, in_flight, total, n_submitted, n_done;
};

static struct {
    struct job jobs[MOST_JOBS];
    struct lane lanes[BENCH_HANDOVER_MOST];
    struct submitter submitters[BENCH_HANDOVER_THREADS];
    struct adb__slots slots;
    struct adb__ready ready;
    _Alignas(ADB__CACHE_LINE) atomic_bool over;
    bool crowded; /* several submit */
} h;

static int do_nothing(struct job *job)
{
    (void)job;
    return 0;
}

static void submit(struct submitter *submitter);

static void on_done(struct job *job)
{
    struct submitter *submitter = job->submitter;
    BENCH_CHECK(job->outcome == 0);
    submitter->n_done++;
    if (submitter->n_submitted < submitter->total)
        submit(submitter);
}

static void submit(struct submitter *submitter)
{
    struct job *job = &h.jobs[adb__slots_take(&h.slots, submitter->stack)];
    job->number = (uint32_t)(job - h.jobs);
    job->submitter = submitter;
    job->lane = &submitter->lanes[submitter->n_submitted++ % submitter->n_lanes];
    job->work = do_nothing;
    job->done = on_done;
    job->outcome = -1;
    atomic_store_explicit(&job->word, QUEUED, memory_order_release);
    if (adb__mailbox_push(&job->lane->mailbox, &job->mail))
        adb__ready_push(&h.ready, job->number);
}

static void step(struct job *job, uint64_t from, uint64_t to)
{
    BENCH_CHECK(atomic_compare_exchange_strong_explicit(&job->word, &from, to, memory_order_acq_rel,
                                                        memory_order_acquire));
}

static void run(struct job *job)
{
    step(job, QUEUED, RUNNING);
    job->outcome = job->work(job);
    step(job, RUNNING, DONE);
    adb__trail_note(&job->submitter->trail, job);
    adb__mailbox_push(&job->submitter->inbox, &job->mail);
}

static void attend(struct lane *lane)
{
    do {
        struct adb__mail *mail = adb__mailbox_take(&lane->mailbox);
        while (mail != NULL) {
            struct job *job = ADB__CONTAINER_OF(mail, struct job, mail);
            mail = mail->next;
            run(job);
        }
    } while (!adb__mailbox_leave(&lane->mailbox));
}

/* Who looks all the time takes the line that the other one is about to write to. */
static void wait_a_moment(void)
{
    for (int i = 0; i < PAUSES; i++)
        adb__spin_relax();
}

static void *work(void *argument)
{
    uint32_t number;
    (void)argument;
    while (!atomic_load_explicit(&h.over, memory_order_relaxed)) {
        if (!adb__ready_glance(&h.ready))
            wait_a_moment();
        else if (adb__ready_pop(&h.ready, &number))
            attend(h.jobs[number].lane);
    }
    return NULL;
}

/* What has come, oldest first, while its lines are on their way. */
static struct adb__mail *collect(struct submitter *submitter, _Atomic uint32_t *seen)
{
    struct adb__mail *oldest = NULL;
    struct adb__mail *mail = adb__mailbox_empty(&submitter->inbox, ADB__MAILBOX_IDLE);
    struct adb__retrace retrace = adb__trail_retrace(&submitter->trail, seen);
    for (unsigned i = 0; i < AHEAD; i++)
        adb__retrace_fetch(&retrace, sizeof(struct job));
    while (adb__mail_is_some(mail)) {
        struct adb__mail *next = mail->next;
        adb__retrace_fetch(&retrace, sizeof(struct job));
        mail->next = oldest;
        oldest = mail;
        mail = next;
    }
    return oldest;
}

static void *submit_and_take(void *argument)
{
    struct submitter *submitter = argument;
    _Atomic uint32_t seen = 0;
    for (size_t i = 0; i < submitter->in_flight; i++)
        submit(submitter);
    while (submitter->n_done < submitter->total) {
        if (h.crowded)
            sched_yield();
        else if (!adb__mailbox_waiting(&submitter->inbox))
            wait_a_moment();
        struct adb__mail *mail = collect(submitter, &seen);
        while (mail != NULL) {
            struct job *job = ADB__CONTAINER_OF(mail, struct job, mail);
            mail = mail->next;
            job->done(job);
            atomic_store_explicit(&job->word, FREE, memory_order_release);
            adb__slots_give(&h.slots, submitter->stack, job->number);
        }
    }
    return NULL;
}

bool bench_handover_here(void)
{
    return bench_processor(1) >= 0;
}

static void submitter_start(struct submitter *submitter, const struct bench_handover *task)
{
    const size_t index = (size_t)(submitter - h.submitters);
    adb__mailbox_init(&submitter->inbox);
    submitter->stack = index % ADB__SLOT_STACKS;
    submitter->lanes = &h.lanes[index * task->n_lanes];
    submitter->n_lanes = task->n_lanes;
    submitter->in_flight = task->in_flight;
    submitter->total = task->total / task->n_threads;
    submitter->n_submitted = submitter->n_done = 0;
    submitter->thread = bench_start_on(0, submit_and_take, submitter);
}

size_t bench_handover_run(const struct bench_handover *task)
{
    const size_t n_threads = task->n_threads;
    const size_t n_jobs = n_threads * (task->in_flight + 1);
    BENCH_CHECK(n_threads <= BENCH_HANDOVER_THREADS && n_threads * task->n_lanes <= BENCH_HANDOVER_MOST);
    BENCH_CHECK(n_jobs <= MOST_JOBS && task->in_flight <= task->total / n_threads);
    BENCH_CHECK(adb__slots_init(&h.slots, (uint32_t)n_jobs) && adb__ready_init(&h.ready, n_jobs));
    for (size_t i = 0; i < n_threads * task->n_lanes; i++)
        adb__mailbox_init(&h.lanes[i].mailbox);
    atomic_store(&h.over, false);
    h.crowded = n_threads > 1;
    pthread_t worker = bench_start_on(1, work, NULL);
    for (size_t i = 0; i < n_threads; i++)
        submitter_start(&h.submitters[i], task);
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(h.submitters[i].thread, NULL);
    atomic_store_explicit(&h.over, true, memory_order_relaxed);
    pthread_join(worker, NULL);
    adb__ready_fini(&h.ready);
    adb__slots_fini(&h.slots);
    return task->total;
}
