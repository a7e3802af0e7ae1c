/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection of the PostgreSQL driver with a pipeline, and the core's side of it: what each call ends with is noted.
 * For one program's use: everything is static. */
#ifndef ADB_TESTS_POSTGRESQL_SCENE_H
#define ADB_TESTS_POSTGRESQL_SCENE_H

#include "drivers/postgresql/postgresql.h"
#include "model/error.h"
#include "base/clock.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"

#include <stdio.h>
#include <string.h>

#define DRIVER (&adb__postgresql_driver)

#define N_CALLS 16
#define MOST    100
#define MEBI    (1024u * 1024u)

/* Never by itself: as what the statement says, with its digits as text in between. */
#define ECHO "SELECT $1::bigint, 'item ' || $1"
/* Fails where the value is 0. */
#define INVERSE "SELECT 12 / $1::int"
/* Runs until it is stopped where the value is not 0. */
#define WAIT "SELECT CASE WHEN $1::int = 0 THEN 0 ELSE (SELECT 1 FROM pg_sleep(600)) END"
/* As many rows as the value says. */
#define SERIES "SELECT generate_series(1, $1::bigint)"

static struct own own;

/* A connection, and a pipeline with all that it borrows. */
struct scene {
    adb_url *url;
    adb_options options;
    struct adb__open open;
    struct adb__pg conn;
    adb_error error;
    struct adb__pipeline pipeline;
    struct adb__call calls[MOST];
    struct adb__statement statements[MOST];
    struct adb__sink sinks[MOST];
    struct adb_result results[MOST];
    adb_value values[MOST];
    adb_status statuses[MOST]; /* as they ended */
    size_t n_begun, n_ended, n_waits;
    bool out_of_order;
    bool dropped[MOST];                   /* nobody wants it any more */
    bool stops;                           /* what stop_fn says, until a call has ended */
    bool glances;                         /* as of the pipeline */
    void (*at_wait)(struct scene *scene); /* called once, at the next wait */
};

static struct scene scene; /* the one that is tried */
static struct scene other; /* looks on */

/* What a statement is sent as. */
enum manner { APART, TOGETHER };

/* Whether the server is to be told that what is sent must not write. */
static bool reading;

/* The core's side ---------------------------------------------------------------------------------------------------
 */

static struct scene *scene_of(struct adb__pipeline *pipeline)
{
    return (struct scene *)(void *)((char *)pipeline - offsetof(struct scene, pipeline));
}

static bool on_begin(struct adb__pipeline *pipeline, struct adb__call *call)
{
    struct scene *s = scene_of(pipeline);
    const size_t i = (size_t)(call - s->calls);
    s->out_of_order = s->out_of_order || i != s->n_begun;
    s->n_begun++;
    if (s->dropped[i])
        s->n_ended++;
    return !s->dropped[i];
}

static void on_end(struct adb__pipeline *pipeline, struct adb__call *call)
{
    struct scene *s = scene_of(pipeline);
    const size_t i = (size_t)(call - s->calls);
    s->out_of_order = s->out_of_order || i != s->n_ended;
    s->n_ended++;
    s->statuses[i] = call->status;
    s->stops = false;
}

static void on_wait(struct adb__pipeline *pipeline)
{
    struct scene *s = scene_of(pipeline);
    void (*const hook)(struct scene *) = s->at_wait;
    s->n_waits++;
    s->at_wait = NULL;
    if (hook != NULL)
        hook(s);
}

static bool on_stop(void *data)
{
    return ((struct scene *)data)->stops;
}

/* Scenes ----------------------------------------------------------------------------------------------------------- */

static void scene_open(struct scene *s, const char *key, const char *value)
{
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < MOST; i++)
        adb__result_init(&s->results[i], NULL, 0, NULL);
    REQUIRE(adb_url_parse(own.url, &s->url, NULL) == ADB_OK);
    REQUIRE(key == NULL || adb_url_set_option(s->url, key, value) == ADB_OK);
    s->options = (adb_options){.size = sizeof(adb_options)};
    s->open = (struct adb__open){.url = s->url,
                                 .options = &s->options,
                                 .deadline = ADB__NEVER,
                                 .wake_fd = -1,
                                 .stop_fn = on_stop,
                                 .stop_data = s};
    REQUIRE(DRIVER->open(&s->conn, &s->open, &s->error) == ADB_OK);
}

static void scene_close(struct scene *s)
{
    if (s->url == NULL)
        return;
    DRIVER->close(&s->conn);
    for (size_t i = 0; i < MOST; i++)
        adb__result_fini(&s->results[i]);
    adb_url_free(s->url);
    s->url = NULL;
}

static void close_both(void)
{
    scene_close(&scene);
    scene_close(&other);
}

/* Make the i-th call, for its first row. */
static void scene_call(struct scene *s, size_t i, const char *sql, adb_value value)
{
    s->values[i] = value;
    s->statements[i] = (struct adb__statement){.sql = sql,
                                               .sql_size = strlen(sql),
                                               .values = &s->values[i],
                                               .n_values = 1,
                                               .flags = ADB__STMT_READS | ADB__STMT_PURE};
    adb__result_fini(&s->results[i]);
    adb__result_init(&s->results[i], NULL, 0, NULL);
    s->sinks[i] = (struct adb__sink){.result = &s->results[i], .max_rows = 1};
    s->calls[i] = (struct adb__call){
        .statement = &s->statements[i], .sink = &s->sinks[i], .status = 99, .error = &s->results[i].error};
    s->statuses[i] = 99;
}

/* All of one statement, the i-th with the number i + 1. */
static void scene_calls(struct scene *s, const char *sql)
{
    for (size_t i = 0; i < N_CALLS; i++)
        scene_call(s, i, sql, adb_int((int64_t)i + 1));
}

static void scene_run(struct scene *s, size_t n_calls)
{
    s->n_begun = s->n_ended = 0;
    s->out_of_order = false;
    for (size_t i = 0; i < n_calls && reading; i++)
        s->statements[i].flags |= ADB__STMT_MUST_READ;
    s->pipeline = (struct adb__pipeline){
        .calls = s->calls, .n_calls = n_calls, .begin_fn = on_begin, .end_fn = on_end, .wait_fn = on_wait};
    s->pipeline.glances = s->glances;
    DRIVER->pipeline(&s->conn, &s->pipeline);
    CU_ASSERT_FALSE(s->out_of_order);
    CU_ASSERT_EQUAL(s->n_begun, s->n_ended);
}

/* The number in the first row, -1 when there is none. */
static int64_t number(struct scene *s, const char *sql, adb_value value)
{
    scene_call(s, 0, sql, value);
    if (strstr(sql, "$1") == NULL)
        s->statements[0].n_values = 0;
    if (DRIVER->execute(&s->conn, &s->statements[0], &s->sinks[0], &s->error) != ADB_OK ||
        adb_result_rows(&s->results[0]) == 0)
        return -1;
    return adb_row_int(adb_result_row(&s->results[0], 0), 0);
}

static void run(struct scene *s, const char *sql)
{
    scene_call(s, 0, sql, adb_null());
    s->statements[0].n_values = 0;
    CU_ASSERT_EQUAL(DRIVER->execute(&s->conn, &s->statements[0], &s->sinks[0], &s->error), ADB_OK);
}

/* Twice by itself, so that it is prepared and known; and as if it had a history that lets it share, or none. */
static void prove(struct scene *s, const char *sql, adb_value value, enum manner manner)
{
    number(s, sql, value);
    CU_ASSERT(number(s, sql, value) >= 0);
    struct adb__pg_prepared *prepared = adb__cache_find(&s->conn.cache, sql, strlen(sql));
    REQUIRE(prepared != NULL);
    prepared->is_small = true;
    prepared->n_smooth = manner == TOGETHER ? 1000 : 0;
}

static bool is_good(struct scene *s)
{
    return DRIVER->transaction_state(&s->conn) == ADB__TXN_NONE && number(s, "SELECT 1", adb_null()) == 1;
}

/* The i-th has ended well, with the answer to ECHO. */
static bool is_echo(const struct scene *s, size_t i)
{
    char text[32];
    snprintf(text, sizeof(text), "item %d", (int)s->values[i].as.integer);
    const adb_row row = adb_result_row(&s->results[i], 0);
    return s->statuses[i] == ADB_OK && adb_result_rows(&s->results[i]) == 1 &&
           adb_row_int(row, 0) == s->values[i].as.integer && strcmp(adb_row_text(row, 1), text) == 0;
}

static size_t n_with(const struct scene *s, adb_status status)
{
    size_t n = 0;
    for (size_t i = 0; i < s->pipeline.n_calls; i++)
        n += s->statuses[i] == status;
    return n;
}

static void in_both_manners(void (*claim)(enum manner manner))
{
    claim(APART);
    close_both();
    claim(TOGETHER);
}

static void in_all_manners(void (*claim)(enum manner manner))
{
    in_both_manners(claim);
    close_both();
    reading = true;
    in_both_manners(claim);
    reading = false;
}

#endif
