/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the SQLite driver share: a folder of their own, connections straight from the driver struct without
 * any core, and statements in one line. A failing step ends the test. */
#ifndef ADB_TESTS_UNIT_SQLITE_FIXTURE_H
#define ADB_TESTS_UNIT_SQLITE_FIXTURE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/sqlite/sqlite.h"
#include "model/error.h"
#include "model/sink.h"
#include "tests/lib/harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRIVER (&adb__sqlite_driver)

/* The folder that "%s" in a URL stands for, made by folder_make(). */
static char folder[64];

/* One connection with all that its open borrows, and the result of its last statement. */
struct session {
    adb_url *url;
    adb_options options;
    struct adb__open open;
    struct adb__log log;
    void *conn;
    struct adb_result result;
    struct adb__sink sink;
    adb_error error;
    int looks;      /* how often stop_fn was asked */
    int stop_after; /* stop_fn says yes after so many looks; 0: never */
};

static inline void folder_make(void)
{
    strcpy(folder, "/tmp/adb-sqlite-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
}

static inline int folder_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void folder_remove(void)
{
    nftw(folder, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *folder_path(const char *name)
{
    static char path[4][128];
    static unsigned next;
    char *const slot = path[next++ % 4];
    snprintf(slot, sizeof(path[0]), "%s/%s", folder, name);
    return slot;
}

/* Parse a URL that may have the folder in it. */
static inline adb_url *url_of(const char *format)
{
    char text[512];
    adb_url *url = NULL;
    const char *mark = strstr(format, "%s");
    if (mark == NULL)
        snprintf(text, sizeof(text), "%s", format);
    else
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - format), format, folder, mark + 2);
    REQUIRE(adb_url_parse(text, &url, NULL) == ADB_OK);
    return url;
}

static inline bool session_stop(void *data)
{
    struct session *session = data;
    session->looks++;
    return session->stop_after != 0 && session->looks >= session->stop_after;
}

static inline void session_close(struct session *session)
{
    if (session->conn != NULL) {
        DRIVER->close(session->conn);
        adb__result_fini(&session->result);
    }
    adb__free(session->conn);
    adb_url_free(session->url);
    session->conn = NULL;
    session->url = NULL;
}

/* Open with session->options (and looks, log) as set before; the rest is filled in here. */
static inline adb_status session_try(struct session *session, const char *url, enum adb__role role)
{
    session->options.size = sizeof(adb_options);
    session->url = url_of(url);
    session->open = (struct adb__open){
        .url = session->url,
        .options = &session->options,
        .role = role,
        .read_only = session->options.read_only,
        .anchor = "adb-1-1",
        .log = &session->log,
        .deadline = ADB__NEVER,
        .stop_fn = session_stop,
        .stop_data = session,
    };
    session->conn = adb__alloc_zeroed(DRIVER->conn_size);
    REQUIRE(session->conn != NULL);
    adb__result_init(&session->result, NULL, 0, NULL);
    adb__error_clear(&session->error);
    return DRIVER->open(session->conn, &session->open, &session->error);
}

static inline void session_open(struct session *session, const char *url, enum adb__role role)
{
    const adb_status status = session_try(session, url, role);
    if (status != ADB_OK)
        printf("# %s: %s\n", url, session->error.message);
    REQUIRE(status == ADB_OK);
}

static inline void memory_open(struct session *session)
{
    session_open(session, "sqlite://", ADB__ROLE_WRITER);
}

static inline void file_open(struct session *session)
{
    session_open(session, "sqlite:///%s/t.db", ADB__ROLE_WRITER);
}

static inline void reader_open(struct session *session)
{
    session_open(session, "sqlite:///%s/t.db", ADB__ROLE_READER);
}

/* Run a statement into session->result and session->error. */
static inline adb_status bind_flags(struct session *session, unsigned flags, const char *sql, const adb_value *values,
                                    size_t n_values)
{
    const struct adb__statement statement = {
        .sql = sql, .sql_size = strlen(sql), .values = values, .n_values = n_values, .flags = flags};
    adb__result_discard(&session->result);
    session->sink = (struct adb__sink){.result = &session->result,
                                       .max_rows = session->sink.max_rows,
                                       .batch_rows = session->sink.batch_rows,
                                       .flush_fn = session->sink.flush_fn};
    adb__error_clear(&session->error);
    session->looks = 0;
    return DRIVER->execute(session->conn, &statement, &session->sink, &session->error);
}

#define BIND(session, sql, ...)                                                                                        \
    bind_flags(session, 0, sql, (const adb_value[]){__VA_ARGS__},                                                      \
               sizeof((const adb_value[]){__VA_ARGS__}) / sizeof(adb_value))

static inline adb_status run(struct session *session, const char *sql)
{
    return bind_flags(session, 0, sql, NULL, 0);
}

/* As the core's own transaction control. */
static inline adb_status run_control(struct session *session, const char *sql)
{
    return bind_flags(session, ADB__STMT_CONTROL, sql, NULL, 0);
}

/* As in a read-only context or transaction. */
static inline adb_status run_reading(struct session *session, const char *sql)
{
    return bind_flags(session, ADB__STMT_MUST_READ, sql, NULL, 0);
}

static inline void must(struct session *session, const char *sql)
{
    const adb_status status = run(session, sql);
    if (status != ADB_OK)
        printf("# %s: %s (%d)\n", sql, session->error.message, (int)status);
    REQUIRE(status == ADB_OK);
}

/* The first column of the first row. */
static inline adb_value answer(struct session *session, const char *sql)
{
    must(session, sql);
    return adb_result_value(&session->result);
}

static inline int64_t answer_int(struct session *session, const char *sql)
{
    const adb_value value = answer(session, sql);
    return value.type == ADB_TYPE_INT ? value.as.integer : INT64_MIN;
}

static inline bool answer_is(struct session *session, const char *sql, const char *text)
{
    const adb_value value = answer(session, sql);
    return value.type == ADB_TYPE_TEXT && strcmp(value.as.text, text) == 0;
}

/* The last statement failed as expected: status, SQLSTATE and words of the message. */
static inline bool failed_as(const struct session *session, adb_status status, const char *sqlstate, const char *words)
{
    const adb_error *error = &session->error;
    const bool same = error->status == status && strcmp(error->sqlstate, sqlstate) == 0 &&
                      strstr(error->message, words) != NULL;
    if (!same)
        printf("# %s, SQLSTATE %s, native %d: %s\n", adb_status_name(error->status), error->sqlstate,
               error->native_code, error->message);
    return same;
}

#endif
