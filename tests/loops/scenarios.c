/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of every loop. Turns are counted, and no clock is read. */
#include "tests/loops/loops.h"

#include "tests/lib/rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MANY 20000
#else
#define MANY 1000000
#endif

static const struct loop_kind *kind;

static void turn_until(struct loop_scene *scene, struct tally *tally, size_t n)
{
    while (tally_n(tally) < n)
        kind->turn_fn(scene->loop);
}

TEST(results_arrive_on_the_thread_of_the_loop)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    REQUIRE(rig_quick(scene.rig, tally_done, &tally) != 0);
    turn_until(&scene, &tally, 1);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 1);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).value, 1);
    CU_ASSERT(pthread_equal(tally_seen(&tally, 0).thread, pthread_self()));
    loop_close(&scene);
}

struct sequence {
    int64_t next;
    bool broken;
};

static void in_sequence(adb_result *result, void *data)
{
    struct sequence *sequence = data;
    sequence->broken |= adb_row_int(adb_result_row(result, 0), 0) != sequence->next++;
}

TEST(results_keep_their_order)
{
    enum { N = 1000 };
    char sql[32];
    struct sequence sequence = {0};
    struct loop_scene scene = loop_open(0);
    for (int i = 0; i < N; i++) {
        snprintf(sql, sizeof(sql), "value %d", i);
        REQUIRE(adb_fetch_all(scene.ctx, sql, NULL, in_sequence, &sequence) != 0);
    }
    while (sequence.next < N)
        kind->turn_fn(scene.loop);
    CU_ASSERT_FALSE(sequence.broken);
    loop_close(&scene);
}

struct pace {
    size_t n;           /* outcomes */
    size_t ticks;
    size_t since_tick;  /* outcomes */
    size_t most;        /* of them */
};

static void pace_done(adb_result *result, void *data)
{
    struct pace *pace = data;
    (void)result;
    pace->n++;
    pace->since_tick++;
    if (pace->since_tick > pace->most)
        pace->most = pace->since_tick;
}

static void pace_tick(void *data)
{
    struct pace *pace = data;
    pace->ticks++;
    pace->since_tick = 0;
}

/* However many outcomes wait, a timer of the loop has its turn between two slices of them. */
static void flood_by(size_t slice, size_t expected)
{
    enum { N = 2000 };
    struct pace pace = {0};
    struct loop_scene scene = loop_open(slice);
    loop_flood(&scene, N, pace_done, &pace);
    kind->tick_fn(scene.loop, pace_tick, &pace);
    while (pace.n < N)
        kind->turn_fn(scene.loop);
    CU_ASSERT_EQUAL(pace.n, N);
    CU_ASSERT(pace.most <= expected);
    CU_ASSERT(pace.ticks >= N / expected - 1);
    loop_close(&scene);
}

TEST(a_flood_leaves_timers_their_turns)
{
    flood_by(0, ADB_QUEUE_SLICE);
}

TEST(the_slice_of_a_turn_can_be_chosen)
{
    flood_by(7, 7);
    flood_by(1, 1);
}

/* What callbacks submit anew does not prolong the turn. */
struct chain {
    struct loop_scene *scene;
    struct pace pace;
    size_t left;
};

static void chain_done(adb_result *result, void *data)
{
    struct chain *chain = data;
    pace_done(result, &chain->pace);
    if (chain->left > 0) {
        chain->left--;
        CU_ASSERT(rig_quick(chain->scene->rig, chain_done, chain) != 0);
    }
}

static void chain_tick(void *data)
{
    struct chain *chain = data;
    pace_tick(&chain->pace);
}

TEST(jobs_that_submit_jobs_leave_timers_their_turns)
{
    enum { WIDTH = 500, N = 5000 };
    struct loop_scene scene = loop_open(0);
    struct chain chain = {.scene = &scene, .left = N - WIDTH};
    loop_flood(&scene, WIDTH, chain_done, &chain);
    kind->tick_fn(scene.loop, chain_tick, &chain);
    while (chain.pace.n < N)
        kind->turn_fn(scene.loop);
    CU_ASSERT(chain.pace.most <= ADB_QUEUE_SLICE);
    loop_close(&scene);
}

TEST(a_job_can_be_cancelled)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    const adb_job running = rig_slow(scene.rig, tally_done, &tally);
    const adb_job behind = rig_slow(scene.rig, tally_done, &tally);
    rig_await_slow(scene.rig, 1);
    CU_ASSERT_EQUAL(adb_cancel(scene.ctx, behind), ADB_OK);
    turn_until(&scene, &tally, 1);
    CU_ASSERT_EQUAL(tally_seen(&tally, 0).job, behind);
    CU_ASSERT_EQUAL(adb_cancel(scene.ctx, running), ADB_OK);
    turn_until(&scene, &tally, 2);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_E_CANCELLED), 2);
    loop_close(&scene);
}

TEST(a_database_can_be_closed_while_attached)
{
    enum { N = 100 };
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    for (int i = 0; i < N; i++)
        REQUIRE(rig_quick(scene.rig, tally_done, &tally) != 0);
    CU_ASSERT_EQUAL(adb_database_close(scene.db, PATIENCE_MS), ADB_OK);
    turn_until(&scene, &tally, N);
    CU_ASSERT_EQUAL(tally_n(&tally), N);
    CU_ASSERT_EQUAL(rig_quick(scene.rig, tally_done, &tally), 0);
    loop_close(&scene);
}

/* Outcomes that wait when the first callback changes everything. */
struct turnover {
    struct loop_scene *scene;
    size_t n;
};

static void detach_here(adb_result *result, void *data)
{
    struct turnover *turnover = data;
    (void)result;
    turnover->n++;
    adb_queue_detach(turnover->scene->queue);
}

TEST(detaching_in_a_callback_ends_the_turn)
{
    enum { N = 10 };
    struct loop_scene scene = loop_open(0);
    struct turnover turnover = {.scene = &scene};
    loop_flood(&scene, N, detach_here, &turnover);
    kind->turn_fn(scene.loop);
    CU_ASSERT_EQUAL(turnover.n, 1);
    CU_ASSERT_EQUAL(adb_queue_dispatch(scene.queue, 1), 1);
    CU_ASSERT_EQUAL(kind->attach_fn(scene.loop, scene.queue, 0), ADB_OK);
    while (turnover.n < 3)
        kind->turn_fn(scene.loop);
    CU_ASSERT_EQUAL(turnover.n, 3);
    CU_ASSERT_EQUAL(adb_queue_dispatch(scene.queue, 0), N - 3); /* where no loop watches nothing ends */
    loop_close(&scene);
}

static void free_here(adb_result *result, void *data)
{
    struct turnover *turnover = data;
    adb_queue *queue = turnover->scene->queue;
    (void)result;
    turnover->n++;
    adb_context_free(turnover->scene->ctx);
    turnover->scene->ctx = NULL;
    turnover->scene->queue = NULL;
    adb_queue_free(queue); /* and all others have their callback in here */
}

static void count_tick(void *data)
{
    ++*(size_t *)data;
}

static void turn_a_few_times(void *loop)
{
    size_t ticks = 0;
    kind->tick_fn(loop, count_tick, &ticks);
    while (ticks < 5)
        kind->turn_fn(loop);
}

TEST(a_queue_can_be_freed_in_a_callback)
{
    enum { N = 10 };
    struct loop_scene scene = loop_open(0);
    struct turnover turnover = {.scene = &scene};
    loop_flood(&scene, N, free_here, &turnover);
    kind->turn_fn(scene.loop);
    CU_ASSERT_EQUAL(turnover.n, N);
    turn_a_few_times(scene.loop);
    loop_close(&scene);
}

TEST(the_queue_may_go_first)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    loop_flood(&scene, 3, tally_done, &tally);
    adb_context_free(scene.ctx);
    adb_queue_free(scene.queue);
    scene.ctx = NULL;
    scene.queue = NULL;
    CU_ASSERT_EQUAL(tally_n(&tally), 3);
    turn_a_few_times(scene.loop);
    loop_close(&scene);
}

/* The queue goes on without it, and into another loop. */
TEST(the_loop_may_go_first)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    loop_flood(&scene, 3, tally_done, &tally);
    kind->free_fn(scene.loop);
    adb_queue_detach(scene.queue);
    CU_ASSERT_EQUAL(tally_n(&tally), 0);
    CU_ASSERT_EQUAL(adb_queue_dispatch(scene.queue, 1), 1);
    scene.loop = kind->new_fn();
    CU_ASSERT_EQUAL(kind->attach_fn(scene.loop, scene.queue, 0), ADB_OK);
    turn_until(&scene, &tally, 3);
    kind->free_fn(scene.loop);
    scene.loop = NULL;
    loop_close(&scene); /* and the queue is freed without having been detached */
}

TEST(a_turned_loop_may_go_first)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    loop_flood(&scene, 3, tally_done, &tally);
    turn_until(&scene, &tally, 3);
    kind->free_fn(scene.loop);
    scene.loop = NULL;
    adb_context_free(scene.ctx);
    adb_queue_free(scene.queue);
    scene.ctx = NULL;
    scene.queue = NULL;
    loop_close(&scene);
}

TEST(a_queue_has_one_loop_at_a_time)
{
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    void *other = kind->new_fn();
    CU_ASSERT_EQUAL(kind->attach_fn(scene.loop, scene.queue, 0), ADB_E_STATE);
    CU_ASSERT_EQUAL(kind->attach_fn(other, scene.queue, 0), ADB_E_STATE);
    loop_flood(&scene, 1, tally_done, &tally);
    turn_until(&scene, &tally, 1);
    adb_queue_detach(scene.queue);
    adb_queue_detach(scene.queue);
    CU_ASSERT_EQUAL(kind->attach_fn(other, scene.queue, 0), ADB_OK);
    loop_flood(&scene, 1, tally_done, &tally);
    while (tally_n(&tally) < 2)
        kind->turn_fn(other);
    kind->free_fn(scene.loop);
    scene.loop = other;
    loop_close(&scene);
}

struct stranger {
    struct loop_scene *scene;
    adb_status attached;
};

static void *attach_there(void *data)
{
    struct stranger *stranger = data;
    stranger->attached = kind->attach_fn(stranger->scene->loop, stranger->scene->queue, 0);
    return NULL;
}

/* Before the loop runs; Qt's knows its thread, and refuses. What arrives is delivered where it is turned. */
TEST(another_thread_may_attach_or_is_refused)
{
    pthread_t thread;
    struct tally tally = TALLY_INIT;
    struct loop_scene scene = loop_open(0);
    struct stranger stranger = {.scene = &scene};
    adb_queue_detach(scene.queue);
    REQUIRE(pthread_create(&thread, NULL, attach_there, &stranger) == 0);
    pthread_join(thread, NULL);
    if (stranger.attached == ADB_E_STATE)
        stranger.attached = kind->attach_fn(scene.loop, scene.queue, 0);
    CU_ASSERT_EQUAL(stranger.attached, ADB_OK);
    loop_flood(&scene, 3, tally_done, &tally);
    turn_until(&scene, &tally, 3);
    CU_ASSERT(pthread_equal(tally_seen(&tally, 2).thread, pthread_self()));
    loop_close(&scene);
}

static void dawdle(adb_result *result, void *data)
{
    struct turnover *turnover = data;
    (void)result;
    if (turnover->n++ == 0)
        loop_await(turnover->scene, 1000);
}

/* The workers go on, and what they bring waits until the callback returns. */
TEST(a_callback_that_dawdles_holds_up_its_loop_alone)
{
    enum { N = 1001 };
    struct loop_scene scene = loop_open(0);
    struct turnover turnover = {.scene = &scene};
    for (int i = 0; i < N; i++)
        REQUIRE(rig_quick(scene.rig, dawdle, &turnover) != 0);
    while (turnover.n < N)
        kind->turn_fn(scene.loop);
    CU_ASSERT_EQUAL(turnover.n, N);
    loop_close(&scene);
}

TEST(what_cannot_be_attached_is_refused)
{
    struct loop_scene scene = loop_open(0);
    CU_ASSERT_EQUAL(kind->attach_fn(scene.loop, NULL, 0), ADB_E_INVAL);
    CU_ASSERT_EQUAL(kind->attach_fn(scene.loop, ADB_QUEUE_DIRECT, 0), ADB_E_INVAL);
    if (!kind->takes_null) {
        adb_queue_detach(scene.queue);
        CU_ASSERT_EQUAL(kind->attach_fn(NULL, scene.queue, 0), ADB_E_INVAL);
    }
    loop_close(&scene);
}

TEST(several_queues_share_a_loop)
{
    enum { QUEUES = 5, N = 40 };
    adb_queue *queues[QUEUES];
    adb_context *contexts[QUEUES];
    struct tally tallies[QUEUES];
    struct loop_scene scene = loop_open(0);
    for (size_t i = 0; i < QUEUES; i++) {
        tallies[i] = (struct tally)TALLY_INIT;
        queues[i] = adb_queue_new();
        contexts[i] = adb_context_new(scene.db, queues[i], 0);
        REQUIRE(kind->attach_fn(scene.loop, queues[i], 0) == ADB_OK);
    }
    for (size_t i = 0; i < N * QUEUES; i++)
        REQUIRE(adb_fetch_all(contexts[i % QUEUES], "value 1", NULL, tally_done, &tallies[i % QUEUES]) != 0);
    for (size_t i = 0; i < QUEUES; i++) {
        turn_until(&scene, &tallies[i], N);
        CU_ASSERT_EQUAL(tally_of(&tallies[i], ADB_OK), N);
        adb_context_free(contexts[i]);
        adb_queue_free(queues[i]);
    }
    loop_close(&scene);
}

/* A loop of its own, on a thread of its own, on a database of all. */
struct looper {
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
    size_t sent;
    size_t n;
    size_t total;
    unsigned random;
    size_t strangers; /* outcomes on another thread than that of the loop */
    pthread_t thread;
};

static size_t looper_random(struct looper *looper, size_t below)
{
    looper->random = looper->random * 1103515245u + 12345u;
    return (looper->random >> 16) % below;
}

static void looper_done(adb_result *result, void *data)
{
    struct looper *looper = data;
    (void)result;
    looper->n++;
    looper->strangers += !pthread_equal(looper->thread, pthread_self());
}

/* Bursts of every size: a wake-up is due whenever the queue has been empty. */
static void *looper_run(void *data)
{
    struct looper *looper = data;
    void *loop = kind->new_fn();
    looper->thread = pthread_self();
    looper->queue = adb_queue_new();
    looper->ctx = adb_context_new(looper->db, looper->queue, 0);
    bool well = kind->attach_fn(loop, looper->queue, 0) == ADB_OK;
    while (well && looper->n < looper->total) {
        for (size_t burst = 1 + looper_random(looper, 60); burst > 0 && looper->sent < looper->total; burst--) {
            looper->sent++;
            well = well && adb_fetch_all(looper->ctx, "value 1", NULL, looper_done, looper) != 0;
        }
        const size_t left = looper_random(looper, 3) == 0 ? looper_random(looper, 40) : 0;
        while (well && looper->n + left < looper->sent)
            kind->turn_fn(loop);
    }
    adb_context_free(looper->ctx);
    adb_queue_free(looper->queue);
    kind->free_fn(loop);
    return NULL;
}

TEST(a_process_has_many_loops)
{
    enum { LOOPS = 4, N = 2000 };
    struct looper loopers[LOOPS];
    pthread_t threads[LOOPS];
    struct loop_scene scene = loop_open(0);
    for (size_t i = 0; i < LOOPS; i++) {
        loopers[i] = (struct looper){.db = scene.db, .total = N, .random = (unsigned)i};
        REQUIRE(pthread_create(&threads[i], NULL, looper_run, &loopers[i]) == 0);
    }
    for (size_t i = 0; i < LOOPS; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(loopers[i].n, N);
        CU_ASSERT_EQUAL(loopers[i].strangers, 0);
    }
    loop_close(&scene);
}

TEST(no_wake_up_is_lost)
{
    struct loop_scene scene = loop_open(0);
    struct looper looper = {.db = scene.db, .total = MANY, .random = 42};
    looper_run(&looper);
    CU_ASSERT_EQUAL(looper.n, MANY);
    loop_close(&scene);
}

/* A callback turns the loop until all others have been delivered, those too that wait for it to return. */
struct nest {
    struct loop_scene *scene;
    size_t n;
    size_t total;
    bool nested;
};

static void nest_done(adb_result *result, void *data)
{
    struct nest *nest = data;
    (void)result;
    nest->n++;
    if (nest->nested)
        return;
    nest->nested = true;
    while (nest->n < nest->total)
        kind->turn_fn(nest->scene->loop);
}

TEST(a_callback_may_turn_the_loop)
{
    if (!kind->nests)
        return;
    for (size_t total = 2; total < 1000; total *= 5) {
        struct loop_scene scene = loop_open(0);
        struct nest nest = {.scene = &scene, .total = total};
        loop_flood(&scene, total - 1, nest_done, &nest);
        REQUIRE(rig_quick(scene.rig, nest_done, &nest) != 0);
        while (nest.n < total)
            kind->turn_fn(scene.loop);
        CU_ASSERT_EQUAL(nest.n, total);
        loop_close(&scene);
    }
}

static const struct loop_case scenarios[] = {
    CASE(results_arrive_on_the_thread_of_the_loop),
    CASE(results_keep_their_order),
    CASE(a_flood_leaves_timers_their_turns),
    CASE(the_slice_of_a_turn_can_be_chosen),
    CASE(jobs_that_submit_jobs_leave_timers_their_turns),
    CASE(a_job_can_be_cancelled),
    CASE(a_database_can_be_closed_while_attached),
    CASE(detaching_in_a_callback_ends_the_turn),
    CASE(a_queue_can_be_freed_in_a_callback),
    CASE(the_queue_may_go_first),
    CASE(the_loop_may_go_first),
    CASE(a_turned_loop_may_go_first),
    CASE(a_queue_has_one_loop_at_a_time),
    CASE(another_thread_may_attach_or_is_refused),
    CASE(a_callback_that_dawdles_holds_up_its_loop_alone),
    CASE(what_cannot_be_attached_is_refused),
    CASE(several_queues_share_a_loop),
    CASE(a_process_has_many_loops),
    CASE(no_wake_up_is_lost),
    CASE(a_callback_may_turn_the_loop),
};

/* A loop that is not woken would wait for ever: the program ends instead. */
static void wind_up(void)
{
    alarm(4 * LATCH_PATIENCE_S);
}

int loop_main(const char *suite, const struct loop_kind *tested, const struct loop_case *more, size_t n_more, int argc,
              char **argv)
{
    enum { N = sizeof(scenarios) / sizeof(scenarios[0]), MOST = N + 32 };
    struct harness_case cases[MOST];
    size_t n = 0;
    kind = tested;
    loop_use(tested);
    for (; n < N; n++)
        cases[n] = (struct harness_case){scenarios[n].name, scenarios[n].run};
    for (size_t i = 0; i < n_more && n < MOST; i++, n++)
        cases[n] = (struct harness_case){more[i].name, more[i].run};
    if (argc == 2 && strcmp(argv[1], "--measure") == 0)
        return loop_measure(tested, suite, argv[0]);
    harness_after_each = wind_up;
    wind_up();
    return harness_main(suite, cases, n, argc, argv);
}
