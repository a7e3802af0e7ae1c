/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loop adds to a completion, beside the bare pattern of poll(): runs of both by turns, in one process.
 *
 * test_loop_NAME --measure. The thread's own time says more than the clock's where others use the machine too. */
#include "tests/loops/loops.h"

#include "tests/lib/rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TOTAL = 10000, ROUNDS = 15, FLOOD = 1000000, FLOOD_WIDTH = 4000, FRAME_MS = 16, LATE_MS = 10 };

struct stream {
    struct loop_scene *scene;
    size_t sent;
    size_t n;
    size_t total;
};

struct cost {
    double wall_ns;
    double thread_ns;
};

static double now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void stream_done(adb_result *result, void *data)
{
    struct stream *stream = data;
    (void)result;
    stream->n++;
    if (stream->sent < stream->total) {
        stream->sent++;
        REQUIRE(rig_quick(stream->scene->rig, stream_done, stream) != 0);
    }
}

static void stream_begin(struct stream *stream, size_t width)
{
    while (stream->sent < width) {
        stream->sent++;
        REQUIRE(rig_quick(stream->scene->rig, stream_done, stream) != 0);
    }
}

static struct cost run(const struct loop_kind *kind, struct loop_scene *scene, size_t width)
{
    struct stream stream = {.scene = scene, .total = TOTAL};
    struct pollfd fd = {.fd = adb_queue_fd(scene->queue), .events = POLLIN};
    const double wall = now_ns(CLOCK_MONOTONIC), thread = now_ns(CLOCK_THREAD_CPUTIME_ID);
    stream_begin(&stream, width);
    while (stream.n < TOTAL) {
        if (kind != NULL) {
            kind->turn_fn(scene->loop);
        } else {
            poll(&fd, 1, -1);
            adb_queue_dispatch(scene->queue, ADB_QUEUE_SLICE);
        }
    }
    return (struct cost){(now_ns(CLOCK_MONOTONIC) - wall) / TOTAL, (now_ns(CLOCK_THREAD_CPUTIME_ID) - thread) / TOTAL};
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), by_size);
    return values[ROUNDS / 2];
}

static void compare(const struct loop_kind *kind, const char *name, size_t width)
{
    double wall[ROUNDS], thread[ROUNDS], bare[ROUNDS];
    struct loop_scene scene = loop_open(0);
    run(kind, &scene, width);
    run(NULL, &scene, width);
    for (size_t i = 0; i < ROUNDS; i++) {
        const struct cost ours = run(kind, &scene, width), poll_ = run(NULL, &scene, width);
        wall[i] = ours.wall_ns / poll_.wall_ns;
        thread[i] = ours.thread_ns / poll_.thread_ns;
        bare[i] = poll_.thread_ns;
    }
    printf("%s, %zu in flight: %.2f times the thread's time of poll() (%.0f ns), %.2f times the clock's\n", name, width,
           median(thread), median(bare), median(wall));
    loop_close(&scene);
}

struct ticks {
    size_t n;
};

static void count_tick(void *data)
{
    ((struct ticks *)data)->n++;
}

/* Results come as fast as they can, and a timer is due in every turn: how long is a turn? */
static void flood(const struct loop_kind *kind, const char *name)
{
    struct ticks ticks = {0};
    double longest = 0;
    struct loop_scene scene = loop_open(0);
    struct stream stream = {.scene = &scene, .total = FLOOD};
    kind->tick_fn(scene.loop, count_tick, &ticks);
    stream_begin(&stream, FLOOD_WIDTH);
    while (stream.n < FLOOD) {
        const double began = now_ns(CLOCK_THREAD_CPUTIME_ID);
        kind->turn_fn(scene.loop);
        const double turn = now_ns(CLOCK_THREAD_CPUTIME_ID) - began;
        longest = turn > longest ? turn : longest;
    }
    printf("%s, %d results: %zu turns of the timer, the longest turn %.3f ms of the thread's time\n", name, FLOOD,
           ticks.n, longest / 1e6);
    loop_close(&scene);
}

/* Frames of a window, some 60 a second: how late is the latest by the clock, and the longest turn of the loop? */
struct frames {
    size_t n;
    size_t late;
    double last_ns;
    double latest_ns;
    double longest_turn_ns;
};

static void count_frame(void *data)
{
    struct frames *frames = data;
    const double now = now_ns(CLOCK_MONOTONIC), late = now - frames->last_ns - FRAME_MS * 1e6;
    frames->n++;
    frames->late += late > LATE_MS * 1e6;
    frames->latest_ns = late > frames->latest_ns ? late : frames->latest_ns;
    frames->last_ns = now;
}

static void frames_turn(struct frames *frames, const struct loop_kind *kind, void *loop)
{
    const double began = now_ns(CLOCK_THREAD_CPUTIME_ID);
    kind->turn_fn(loop);
    const double turn = now_ns(CLOCK_THREAD_CPUTIME_ID) - began;
    frames->longest_turn_ns = turn > frames->longest_turn_ns ? turn : frames->longest_turn_ns;
}

/* Beside a flood, or as many frames without. */
static struct frames draw(const struct loop_kind *kind, size_t flooded_by, size_t n)
{
    struct frames frames = {0};
    struct loop_scene scene = loop_open(0);
    struct stream stream = {.scene = &scene, .total = flooded_by};
    stream_begin(&stream, flooded_by > 0 ? FLOOD_WIDTH : 0);
    frames.last_ns = now_ns(CLOCK_MONOTONIC);
    kind->pace_fn(scene.loop, FRAME_MS, count_frame, &frames);
    while (stream.n < flooded_by || frames.n < n)
        frames_turn(&frames, kind, scene.loop);
    loop_close(&scene);
    return frames;
}

static void paced_flood(const struct loop_kind *kind, const char *name)
{
    const struct frames flooded = draw(kind, FLOOD, 0), quiet = draw(kind, 0, flooded.n);
    printf("%s, a frame each %d ms, %d results: of %zu frames %zu were more than %d ms late, the latest %.1f ms, the longest "
           "turn %.3f ms of the thread's time; without results %zu, %.1f ms, %.3f ms\n",
           name, FRAME_MS, FLOOD, flooded.n, flooded.late, LATE_MS, flooded.latest_ns / 1e6,
           flooded.longest_turn_ns / 1e6, quiet.late, quiet.latest_ns / 1e6, quiet.longest_turn_ns / 1e6);
}

static const struct loop_kind *measured;
static const char *measured_name;

static void figures(void)
{
    compare(measured, measured_name, 1);
    compare(measured, measured_name, 32);
    compare(measured, measured_name, 1000);
    flood(measured, measured_name);
    if (measured->pace_fn != NULL)
        paced_flood(measured, measured_name);
}

int loop_measure(const struct loop_kind *kind, const char *name, char *program)
{
    static const struct harness_case cases[] = {{"figures", figures}};
    measured = kind;
    measured_name = name;
    return harness_main(name, cases, 1, 1, &program);
}
