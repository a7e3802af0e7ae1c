/* SPDX-License-Identifier: BSD-3-Clause */
/* One list of scenarios for every event loop: each program says how to use its loop, and runs them all. */
#ifndef ADB_TESTS_LOOPS_H
#define ADB_TESTS_LOOPS_H

#include <asyncdb.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A loop of the kind that is tested. A program may have many, on any thread. */
struct loop_kind {
    void *(*new_fn)(void);
    /* As its users do it, whether something is attached or not. */
    void (*free_fn)(void *loop);
    adb_status (*attach_fn)(void *loop, adb_queue *queue, size_t slice);
    /* One turn, which waits until there is something to do. */
    void (*turn_fn)(void *loop);
    /* Have a timer of the loop call this in each turn from now on. */
    void (*tick_fn)(void *loop, void (*tick)(void *data), void *data);
    /* The same each so many milliseconds, as frames are drawn. NULL: not a loop of windows. */
    void (*pace_fn)(void *loop, unsigned ms, void (*tick)(void *data), void *data);
    bool takes_null;    /* NULL is a loop */
    bool nests;         /* a callback may turn it */
};

/* A further scenario, of this loop alone. */
struct loop_case {
    const char *name;
    void (*run)(void);
};

/* The main function: all scenarios, then these; with --measure figures instead. */
int loop_main(const char *suite, const struct loop_kind *kind, const struct loop_case *more, size_t n_more, int argc,
              char **argv);

int loop_measure(const struct loop_kind *kind, const char *name, char *program);

/* From now on loops are of this kind. */
void loop_use(const struct loop_kind *used);

/* For further scenarios: a database of the fake driver, its queue attached to a loop. */
struct loop_scene {
    void *loop;
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
    struct rig *rig;
};

/* With the default slice when that is 0. */
struct loop_scene loop_open(size_t slice);
/* Either may be gone already, and NULL. */
void loop_close(struct loop_scene *scene);
/* Quick jobs whose outcomes wait before this returns. */
void loop_flood(struct loop_scene *scene, size_t n, adb_done_cb done, void *user_data);
/* Wait, without a turn, until so many outcomes wait. */
void loop_await(struct loop_scene *scene, size_t n);

/* A check of CUnit, from C++ too. */
void loop_check(bool holds, const char *what, const char *file, unsigned line);
#define LOOP_CHECK(condition) loop_check((condition), #condition, __FILE__, __LINE__)

#ifdef __cplusplus
}
#endif

#endif
