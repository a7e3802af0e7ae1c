/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines of the MySQL driver as the core would run them, but call by call: what was begun, what has ended and how,
 * and something that happens while the driver waits for one of the answers. For the programs that test them. */
#ifndef ADB_TESTS_MYSQL_SCENE_H
#define ADB_TESTS_MYSQL_SCENE_H

#include "drivers/mysql/mysql_driver.h"
#include "model/error.h"
#include "model/result.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&adb__mysql_driver)

#define MOST_CALLS  200
#define MOST_VALUES 4

/* What a lock that a test holds keeps waiting. */
#define BLOCKED "SELECT GET_LOCK('gate', 60)"

/* The number after the given one, and a text. */
#define NEXT "SELECT next, CONCAT('item ', next) FROM item WHERE id = ?"

static struct own own;

/* A connection, with all that its open borrows. */
struct session {
    adb_url *url;
    adb_options options;
    struct adb__log log;
    struct adb__open open;
    struct adb__mysql conn;
    struct adb_result result; /* of the last single statement */
    adb_error error;
};

/* A call, and what the driver has said of it. */
struct scene_call {
    struct adb__statement statement;
    adb_value values[MOST_VALUES];
    struct adb__sink sink;
    struct adb_result result;
    adb_error error;
    bool dropped;
    bool begun;
    bool over;
};

/* A pipeline as the core would have it. */
struct scene {
    struct adb__pipeline base;
    struct adb__call calls[MOST_CALLS];
    struct scene_call members[MOST_CALLS];
    size_t turn;
    bool in_order;
    bool stops;                           /* what stop_fn says */
    void (*at_wait)(struct scene *scene); /* once, when the driver waits for the answer of at_call */
    size_t at_call;
    size_t n_waits;
};

static struct session first;
static struct session second;
static struct scene scene;

/* Sessions --------------------------------------------------------------------------------------------------------- */

static inline bool stop(void *data)
{
    (void)data;
    return scene.stops;
}

/* With an option of the URL more; "" is none. */
static inline void session_open_with(struct session *session, const char *option, int statement_cache)
{
    struct adb__layout layout;
    char url[sizeof(own.url) + 64];
    memset(session, 0, sizeof(*session));
    adb__result_init(&session->result, NULL, 0, NULL);
    snprintf(url, sizeof(url), "%s%c%s", own.url, strchr(own.url, '?') == NULL ? '?' : '&', option);
    REQUIRE(adb_url_parse(url, &session->url, NULL) == ADB_OK);
    session->options = (adb_options){.size = sizeof(adb_options), .statement_cache = statement_cache};
    session->open = (struct adb__open){.url = session->url, .options = &session->options, .log = &session->log};
    session->open.deadline = INT64_MAX;
    session->open.wake_fd = -1;
    session->open.stop_fn = stop;
    REQUIRE(DRIVER->configure(session->url, &session->options, &layout, NULL) == ADB_OK);
    REQUIRE(DRIVER->open(&session->conn, &session->open, &session->error) == ADB_OK);
}

static inline void session_open(struct session *session, int statement_cache)
{
    session_open_with(session, "", statement_cache);
}

static inline void session_close(struct session *session)
{
    if (session->url == NULL)
        return;
    DRIVER->close(&session->conn);
    adb__result_fini(&session->result);
    adb_url_free(session->url);
    session->url = NULL;
}

static inline adb_status run_statement(struct session *session, const struct adb__statement *statement)
{
    struct adb__sink sink = {.result = &session->result};
    adb__result_fini(&session->result);
    adb__result_init(&session->result, NULL, 0, NULL);
    return DRIVER->execute(&session->conn, statement, &sink, &session->error);
}

static inline void must(struct session *session, const char *sql)
{
    const struct adb__statement statement = {.sql = sql, .sql_size = strlen(sql)};
    const adb_status status = run_statement(session, &statement);
    if (status != ADB_OK)
        printf("# %s: %s\n", sql, session->error.message);
    REQUIRE(status == ADB_OK);
}

static inline int64_t number(struct session *session, const char *sql)
{
    must(session, sql);
    return adb_row_int(adb_result_row(&session->result, 0), 0);
}

/* The scene -------------------------------------------------------------------------------------------------------- */

static inline bool scene_begin(struct adb__pipeline *base, struct adb__call *call)
{
    const size_t i = (size_t)(call - scene.calls);
    (void)base;
    scene.in_order = scene.in_order && i == scene.turn;
    scene.turn = i + 1;
    if (scene.members[i].dropped)
        return false;
    scene.members[i].begun = true;
    return true;
}

static inline void scene_end(struct adb__pipeline *base, struct adb__call *call)
{
    struct scene_call *member = &scene.members[call - scene.calls];
    (void)base;
    scene.in_order = scene.in_order && member->begun && !member->over;
    member->over = true;
}

static inline void scene_wait(struct adb__pipeline *base)
{
    void (*act)(struct scene *) = scene.at_wait;
    (void)base;
    scene.n_waits++;
    if (act == NULL || scene.turn != scene.at_call + 1)
        return;
    scene.at_wait = NULL;
    act(&scene);
}

static inline void scene_new(void)
{
    for (size_t i = 0; i < scene.base.n_calls; i++)
        adb__result_fini(&scene.members[i].result);
    memset(&scene, 0, sizeof(scene));
    scene.base = (struct adb__pipeline){
        .calls = scene.calls, .begin_fn = scene_begin, .end_fn = scene_end, .wait_fn = scene_wait};
    scene.in_order = true;
}

static inline size_t add_with(const char *sql, const adb_value *values, size_t n_values)
{
    const size_t i = scene.base.n_calls++;
    struct scene_call *member = &scene.members[i];
    for (size_t j = 0; j < n_values; j++)
        member->values[j] = values[j];
    adb__result_init(&member->result, NULL, 0, NULL);
    member->sink = (struct adb__sink){.result = &member->result};
    member->statement = (struct adb__statement){.sql = sql, .sql_size = strlen(sql), .flags = ADB__STMT_PURE};
    member->statement.values = member->values;
    member->statement.n_values = n_values;
    scene.calls[i] = (struct adb__call){
        .statement = &member->statement, .sink = &member->sink, .error = &member->error, .status = ADB_E_INTERNAL};
    return i;
}

static inline size_t add(const char *sql, int64_t value)
{
    const adb_value number = adb_int(value);
    return add_with(sql, &number, strchr(sql, '?') != NULL);
}

static inline void drop(size_t i)
{
    scene.members[i].dropped = true;
    scene.calls[i].sink = NULL;
    scene.calls[i].error = NULL;
}

static inline void scene_run(void)
{
    DRIVER->pipeline(&first.conn, &scene.base);
    CU_ASSERT(scene.in_order);
}

/* A pipeline has only what has run before. */
static inline void prepare_with(const char *sql, const adb_value *values, size_t n_values)
{
    const struct adb__statement statement = {
        .sql = sql, .sql_size = strlen(sql), .values = values, .n_values = n_values};
    run_statement(&first, &statement);
}

static inline void prepare(const char *sql)
{
    const adb_value one = adb_int(1);
    prepare_with(sql, &one, strchr(sql, '?') != NULL);
}

/* The number that call i has yielded, -1 when it has none. */
static inline int64_t got(size_t i)
{
    const struct adb_result *result = &scene.members[i].result;
    if (!scene.members[i].over || scene.calls[i].status != ADB_OK || adb_result_rows(result) != 1)
        return -1;
    return adb_row_int(adb_result_row(result, 0), 0);
}

/* One session with a table of the numbers to 1000, another that holds the gate shut, and nothing in the scene. */
static inline void set_up(void)
{
    session_open(&first, 0);
    session_open(&second, 0);
    must(&first, "CREATE TABLE IF NOT EXISTS item (id INT PRIMARY KEY, next INT)");
    must(&first, "REPLACE INTO item SELECT seq, seq + 1 FROM seq_1_to_1000");
    prepare(NEXT);
    must(&first, BLOCKED);
    must(&first, "SELECT RELEASE_LOCK('gate')");
    must(&second, BLOCKED);
    scene_new();
}

static inline void tear_down(void)
{
    scene_new();
    session_close(&first);
    session_close(&second);
}

static inline void open_gate(struct scene *now)
{
    (void)now;
    must(&second, "SELECT RELEASE_LOCK('gate')");
}

#endif
