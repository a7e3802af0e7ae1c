/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fault tests share: both engines in their own words, a server of the program's own for each, a database on
 * it, and what a healthy pool is. */
#ifndef ADB_TESTS_FAULTS_SCENE_H
#define ADB_TESTS_FAULTS_SCENE_H

#include "tests/lib/harness.h"
#include "tests/lib/latch.h"
#include "tests/lib/server.h"
#include "tests/lib/wait.h"

#include <asyncdb.h>

/* How an engine says what the tests need. */
struct engine {
    const char *kind;            /* of own.sh, and the name of the driver */
    const char *const *settings; /* an acknowledged commit has reached the operating system, if no disk */
    const char *sessions;        /* how many sessions adb_test has */
    const char *running;         /* how many statements of adb_test run that contain "slow" */
    const char *end_sessions;    /* as administrator: end all sessions of adb_test */
    const char *slow;            /* runs for a minute */
    const char *pause;           /* runs for a tenth of a second, and yields a row */
    const char *large;           /* :n rows of a million bytes each */
};

extern const struct engine postgresql, mysql;

/* Whether its tests can run. */
bool engine_available(const struct engine *engine);
/* The server of this program, started when first asked for. */
struct server *engine_server(const struct engine *engine);

/* The fault proxy before it, likewise, as if nothing had been said to it yet. */
struct server *engine_proxy(const struct engine *engine);

/* A database on a server of the program's own. */
struct scene {
    const struct engine *engine;
    struct server *server;
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
};

/* Open; NULL url: that of the program's server, over its Unix socket. */
void scene_open(struct scene *scene, const struct engine *engine, const char *url, const adb_options *options);
/* The same with an empty table t (n BIGINT PRIMARY KEY, x BIGINT). */
void scene_open_table(struct scene *scene, const struct engine *engine, const char *url, const adb_options *options);
/* Run to its end; a failure is printed and counts. */
void scene_must(struct scene *scene, const char *sql);
/* Jobs of several contexts succeed, and nothing is left over. */
void scene_is_at_work(struct scene *scene);
/* And the server agrees with the statistics about the connections. */
void scene_is_healthy(struct scene *scene);
/* As administrator: end all sessions of adb_test. The scene is the data of an action of load_during(). */
void scene_end_sessions(void *scene);
void scene_kill_server(void *scene);
void scene_restart_server(void *scene);
/* Wait until the server counts so many. */
void scene_await(struct scene *scene, const char *sql, int64_t count);
/* Print the first outcomes that are not the expected one. */
void scene_show(struct tally *tally, adb_status expected);
adb_stats scene_stats(const struct scene *scene);
/* The network is well again, the pool becomes healthy, and the scene is closed. */
void scene_heal(struct scene *scene, const struct server *proxy);
/* Frees everything; checks that the database closes by itself. */
void scene_close_with_others(struct scene *scene);
/* The same, and leaves no session of adb_test. */
void scene_close(struct scene *scene);

/* A test on both engines: ON_BOTH(name) { … use engine … } makes the tests name_postgresql and name_mysql. */
#define ON_BOTH(name)                                                                                                  \
    static void name(const struct engine *engine);                                                                     \
    TEST(name##_postgresql)                                                                                            \
    {                                                                                                                  \
        if (engine_available(&postgresql))                                                                             \
            name(&postgresql);                                                                                         \
    }                                                                                                                  \
    TEST(name##_mysql)                                                                                                 \
    {                                                                                                                  \
        if (engine_available(&mysql))                                                                                  \
            name(&mysql);                                                                                              \
    }                                                                                                                  \
    static void name(const struct engine *engine)
/* The same on PostgreSQL alone, where who runs it need not be asked. */
#define ON_POSTGRESQL(name)                                                                                            \
    static void name##_here(const struct engine *engine);                                                              \
    TEST(name)                                                                                                         \
    {                                                                                                                  \
        if (engine_available(&postgresql))                                                                             \
            name##_here(&postgresql);                                                                                  \
    }                                                                                                                  \
    static void name##_here(__attribute__((unused)) const struct engine *engine)
#define BOTH_CASES(name) CASE(name##_postgresql), CASE(name##_mysql)

/* main: runs the cases, and drops the servers. 77 when there is neither engine. */
#define FAULTS(name, ...) FAULTS_AND(name, NULL, __VA_ARGS__)
/* The same with something to be done before the servers go. */
#define FAULTS_AND(name, last, ...)                                                                                    \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        static const struct harness_case cases[] = {__VA_ARGS__};                                                      \
        return faults_main(#name, cases, sizeof(cases) / sizeof(cases[0]), last, argc, argv);                          \
    }
int faults_main(const char *suite, const struct harness_case *cases, size_t n_cases, void (*last)(void), int argc,
                char **argv);

/* Fewer where a sanitizer makes everything slow. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(UNDER_SANITIZER)
#define FEWER(n, fewer) (fewer)
#define SANITIZED       1
#else
#define FEWER(n, fewer) (n)
#define SANITIZED       0
#endif

#endif
