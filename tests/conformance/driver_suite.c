/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the suite share: a database of their own, and helpers that wait, keep and give back. */
#include "tests/conformance/driver_suite.h"

#include "tests/lib/own.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far more than any job here takes; a test that hangs fails by it. */
#define PATIENCE_MS 20000

#define MOST_KEPT  256
#define MOST_LANES 64

extern const struct suite_group suite_jobs, suite_queries, suite_execute, suite_parameters, suite_records, suite_types,
    suite_transactions, suite_nesting, suite_force_rollback, suite_iterate, suite_contexts, suite_lifecycle, suite_pool,
    suite_replicas, suite_log, suite_errors, suite_raw, suite_copy, suite_listen, suite_servers, suite_gives;

static const struct suite_group *const groups[] = {
    &suite_jobs,     &suite_queries,      &suite_execute, &suite_parameters,     &suite_records, &suite_types,
    &suite_contexts, &suite_transactions, &suite_nesting, &suite_force_rollback, &suite_iterate, &suite_lifecycle,
    &suite_pool,     &suite_replicas,     &suite_log,     &suite_errors,         &suite_raw,     &suite_copy,
    &suite_listen,   &suite_servers,      &suite_gives,
};

const struct suite_database *suite;
adb_database *db;
adb_context *ctx;

static char folder[64];
static struct own home;     /* the program's own database on a server */
static adb_database *wiper; /* empties it */
static adb_result *kept[MOST_KEPT];
static size_t n_kept;
static adb_context *lanes[MOST_LANES];
static size_t n_lanes;

/* The folder ------------------------------------------------------------------------------------------------------- */

static void folder_make(void)
{
    if (strstr(suite->url, "%s") == NULL)
        return;
    /* in memory where there is such a place: the suite commits a lot */
    strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/adb-suite-XXXXXX" : "/tmp/adb-suite-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
}

static int folder_remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void folder_remove(void)
{
    if (folder[0] != '\0')
        nftw(folder, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

/* The server ------------------------------------------------------------------------------------------------------- */

static bool server_prepare(const char *url)
{
    return own_make(&home, url) && adb_database_open(home.url, ADB_OPTIONS(.max_size = 1), &wiper, NULL) == ADB_OK;
}

static void server_wipe(void)
{
    char sql[256];
    suite_expand(sql, sizeof(sql), suite->dialect->wipe);
    REQUIRE(own_run(wiper, sql));
}

static void server_finish(void)
{
    adb_database_close(wiper, PATIENCE_MS);
    adb_database_free(wiper);
    wiper = NULL;
    own_drop(&home);
}

/* The database ----------------------------------------------------------------------------------------------------- */

const char *suite_url(void)
{
    static char url[512];
    const char *mark = strstr(suite->url, "%s");
    if (mark == NULL)
        return suite->url;
    snprintf(url, sizeof(url), "%.*s%s%s", (int)(mark - suite->url), suite->url, folder, mark + 2);
    return url;
}

const char *suite_url_with(const char *query)
{
    static char url[1024];
    const char *plain = suite_url();
    snprintf(url, sizeof(url), "%s%c%s", plain, strchr(plain, '?') == NULL ? '?' : '&', query);
    return url;
}

/* Tests fail on purpose: what that leaves in the log is no news. */
static void log_nothing(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

static void database_open(const adb_options *options)
{
    adb_options own = {.size = sizeof(own)};
    adb_error error = {0};
    if (options != NULL)
        own = *options;
    if (own.max_size == 0)
        own.max_size = suite->max_size;
    if (own.log == NULL)
        own.log = log_nothing;
    if (adb_database_open(suite_url(), &own, &db, &error) != ADB_OK)
        printf("# %s: %s\n", suite_url(), error.message);
    REQUIRE(db != NULL);
    ctx = adb_context_new(db, NULL, 0);
    REQUIRE(ctx != NULL);
}

static void database_close(void)
{
    while (n_kept > 0)
        adb_result_unref(kept[--n_kept]);
    while (n_lanes > 0)
        adb_context_free(lanes[--n_lanes]);
    adb_context_free(ctx);
    adb_database_free(db);
    ctx = NULL;
    db = NULL;
}

void suite_open(const adb_options *options)
{
    suite_close();
    if (suite->prepare != NULL)
        suite->prepare();
    if (suite->dialect->wipe != NULL)
        server_wipe();
    folder_make();
    database_open(options);
}

void suite_reopen(const adb_options *options)
{
    database_close();
    database_open(options);
}

void suite_close(void)
{
    database_close();
    folder_remove();
}

adb_context *lane_with(unsigned flags)
{
    REQUIRE(n_lanes < MOST_LANES);
    adb_context *made = adb_context_new(db, NULL, flags);
    REQUIRE(made != NULL);
    lanes[n_lanes++] = made;
    return made;
}

adb_context *lane(void)
{
    return lane_with(0);
}

/* Outcomes --------------------------------------------------------------------------------------------------------- */

adb_result *keep(adb_result *result)
{
    REQUIRE(n_kept < MOST_KEPT);
    kept[n_kept++] = result;
    return result;
}

adb_result *outcome_in(adb_context *by, adb_job job)
{
    return keep(adb_wait(by, job, PATIENCE_MS));
}

adb_result *outcome(adb_job job)
{
    return outcome_in(ctx, job);
}

adb_status ended_in(adb_context *by, adb_job job)
{
    adb_result *result = adb_wait(by, job, PATIENCE_MS);
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

adb_status ended(adb_job job)
{
    return ended_in(ctx, job);
}

static bool went_well(const adb_result *result, const char *what)
{
    if (adb_result_status(result) != ADB_OK)
        printf("# %s: %s: %s\n", what, adb_status_name(adb_result_status(result)), adb_result_error(result)->message);
    return adb_result_status(result) == ADB_OK;
}

bool ended_well(adb_job job)
{
    return went_well(outcome(job), "job");
}

void must_in(adb_context *by, const char *sql)
{
    adb_result *result = adb_wait(by, adb_execute(by, sql, NULL, NULL, NULL), PATIENCE_MS);
    const bool good = went_well(result, sql);
    adb_result_unref(result);
    REQUIRE(good);
}

void must(const char *sql)
{
    must_in(ctx, sql);
}

adb_result *rows_in(adb_context *by, const char *sql)
{
    adb_result *result = outcome_in(by, adb_fetch_all(by, sql, NULL, NULL, NULL));
    REQUIRE(went_well(result, sql));
    return result;
}

adb_result *rows(const char *sql)
{
    return rows_in(ctx, sql);
}

int64_t number_in(adb_context *by, const char *sql)
{
    return adb_row_int(adb_result_row(rows_in(by, sql), 0), 0);
}

int64_t number(const char *sql)
{
    return number_in(ctx, sql);
}

adb_value answer(const char *sql, const adb_params *params)
{
    adb_result *result = outcome(adb_fetch_val(ctx, sql, params, NULL, NULL));
    REQUIRE(went_well(result, sql));
    return adb_result_value(result);
}

adb_stats figures(void)
{
    adb_stats stats = {.size = sizeof(stats)};
    REQUIRE(adb_database_stats(db, &stats) == ADB_OK);
    return stats;
}

void until_running(size_t n_jobs)
{
    while (figures().jobs_running < n_jobs)
        sched_yield();
}

void until_held(unsigned n_held)
{
    while (figures().held != n_held)
        sched_yield();
}

void deliver(adb_context *by)
{
    while (adb_context_pending(by) > 0) {
        REQUIRE(adb_queue_wait(adb_context_queue(by), PATIENCE_MS) == ADB_OK);
        adb_queue_dispatch(adb_context_queue(by), 0);
    }
}

bool is_text(adb_row row, size_t column, const char *text)
{
    const char *got = adb_row_text(row, column);
    if (got == NULL || strcmp(got, text) != 0)
        printf("# \"%s\", not \"%s\"\n", got == NULL ? "(none)" : got, text);
    return got != NULL && strcmp(got, text) == 0;
}

/* Tables ----------------------------------------------------------------------------------------------------------- */

static const char *word_of(const char *name, size_t size)
{
    if (strlen("database") == size && strncmp("database", name, size) == 0)
        return home.name;
    for (const struct suite_word *word = suite->dialect->words; word->name != NULL; word++) {
        if (strlen(word->name) == size && strncmp(word->name, name, size) == 0)
            return word->text;
    }
    printf("# no word for %.*s\n", (int)size, name);
    return NULL;
}

void suite_expand(char *text, size_t size, const char *form)
{
    while (*form != '\0') {
        const size_t plain = strcspn(form, "$");
        const size_t mark = form[plain] == '$';
        const size_t length = mark * strspn(form + plain + mark, "abcdefghijklmnopqrstuvwxyz");
        const char *word = mark > 0 ? word_of(form + plain + mark, length) : "";
        REQUIRE(word != NULL);
        const int written = snprintf(text, size, "%.*s%s", (int)plain, form, word);
        REQUIRE(written >= 0 && (size_t)written < size);
        text += written;
        size -= (size_t)written;
        form += plain + mark + length;
    }
}

void table(const char *name, const char *columns)
{
    char sql[1024];
    snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %s", name);
    must(sql);
    const int size = snprintf(sql, sizeof(sql), "CREATE TABLE %s (", name);
    suite_expand(sql + size, sizeof(sql) - (size_t)size - 1, columns);
    strcat(sql, ")");
    must(sql);
}

bool add_note(adb_context *by, const char *text)
{
    return ended_in(by, adb_execute(by, "INSERT INTO notes (text, completed) VALUES (:text, :completed)",
                                    ADB_PARAMS({"text", adb_text(text)}, {"completed", adb_bool(true)}), NULL, NULL)) ==
           ADB_OK;
}

int64_t count_notes(adb_context *by)
{
    return number_in(by, "SELECT count(*) FROM notes");
}

void notes(const char *const *texts, size_t n_texts)
{
    if (db == NULL)
        suite_open(NULL);
    table("notes", "id $key, text $text, completed $boolean");
    for (size_t i = 0; i < n_texts; i++)
        REQUIRE(add_note(ctx, texts[i]));
}

void board(const adb_options *options)
{
    suite_open(options);
    if (suite->can & SUITE_SQL)
        notes(NULL, 0);
}

size_t written_in(adb_context *by)
{
    return adb_result_rows(rows_in(by, suite->dialect->written));
}

size_t written(void)
{
    return written_in(ctx);
}

/* The program ------------------------------------------------------------------------------------------------------ */

static bool only_gives(const struct suite_database *database, int argc, char **argv)
{
    const bool only = argc == 2 && strcmp(argv[1], "--gives") == 0;
    if (only)
        suite_print_gives(database);
    return only;
}

int suite_server_main(const struct suite_database *database, const char *variable, int argc, char **argv)
{
    struct suite_database there = *database;
    if (only_gives(database, argc, argv))
        return 0;
    there.url = own_variable(variable);
    return there.url == NULL ? 77 : suite_main(&there, argc, argv);
}

int suite_main(const struct suite_database *database, int argc, char **argv)
{
    static struct harness_case cases[512];
    static struct suite_database own;
    size_t n_cases = 0;
    if (only_gives(database, argc, argv))
        return 0;
    own = *database;
    suite = &own;
    if (own.dialect->wipe != NULL)
        own.url = server_prepare(database->url) ? home.url : NULL;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (size_t j = 0; j < groups[i]->n_cases && n_cases < sizeof(cases) / sizeof(cases[0]); j++) {
            const struct suite_case *one = &groups[i]->cases[j];
            if ((one->needs & ~database->can) == 0)
                cases[n_cases++] = one->test;
        }
    }
    harness_after_each = suite_close;
    const int failed = own.url != NULL ? harness_main(own.name, cases, n_cases, argc, argv) : 1;
    suite_close();
    server_finish();
    return failed;
}
