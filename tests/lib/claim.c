/* SPDX-License-Identifier: BSD-3-Clause */
/* Claims about what goes in wrong. */
#include "tests/lib/claim.h"

#include "tests/lib/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 30000
#define MAX_URL     1024

adb_database *claim_db;
adb_context *claim_ctx;

static adb_error last;

/* The log: kept to see that no password is in it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[65536];
static size_t lines_size;

static void take_line(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)user_data;
    pthread_mutex_lock(&lock);
    const int size = snprintf(lines + lines_size, sizeof(lines) - lines_size, "%s\n", line);
    if (size > 0 && lines_size + (size_t)size < sizeof(lines))
        lines_size += (size_t)size;
    pthread_mutex_unlock(&lock);
}

static bool log_has(const char *text)
{
    pthread_mutex_lock(&lock);
    const bool has = strstr(lines, text) != NULL;
    pthread_mutex_unlock(&lock);
    return has;
}

static adb_options options_of(const adb_options *options)
{
    adb_options own = {.size = sizeof(own)};
    if (options != NULL)
        own = *options;
    own.max_size = 1;
    own.log = take_line;
    own.log_level = ADB_LOG_DEBUG;
    return own;
}

void claim_open(const char *url, const adb_options *options)
{
    const adb_options own = options_of(options);
    adb_error error = {0};
    claim_close();
    if (adb_database_open(url, &own, &claim_db, &error) != ADB_OK)
        printf("# %s\n", error.message);
    REQUIRE(claim_db != NULL);
    claim_ctx = adb_context_new(claim_db, NULL, 0);
    REQUIRE(claim_ctx != NULL);
}

void claim_close(void)
{
    adb_context_free(claim_ctx);
    adb_database_free(claim_db);
    claim_ctx = NULL;
    claim_db = NULL;
    pthread_mutex_lock(&lock);
    lines[0] = '\0';
    lines_size = 0;
    pthread_mutex_unlock(&lock);
}

/* URLs ------------------------------------------------------------------------------------------------------------- */

static adb_url *parsed(const char *url)
{
    adb_url *made = NULL;
    REQUIRE(adb_url_parse(url, &made, NULL) == ADB_OK);
    return made;
}

static const char *text_of(adb_url *url)
{
    static char texts[8][MAX_URL];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, MAX_URL, "%s", adb_url_text(url));
    adb_url_free(url);
    return text;
}

const char *claim_url(const char *url, const char *user, const char *password, const char *database)
{
    adb_url *made = parsed(url);
    if (user != NULL)
        REQUIRE(adb_url_set_user(made, user) == ADB_OK);
    if (password != NULL)
        REQUIRE(adb_url_set_password(made, password) == ADB_OK);
    if (database != NULL)
        REQUIRE(adb_url_set_database(made, database) == ADB_OK);
    return text_of(made);
}

const char *claim_url_at(const char *url, const char *host, int port)
{
    adb_url *made = parsed(url);
    if (host != NULL)
        REQUIRE(adb_url_set_host(made, host) == ADB_OK);
    if (port != 0)
        REQUIRE(adb_url_set_port(made, port) == ADB_OK);
    return text_of(made);
}

const char *claim_url_option(const char *url, const char *key, const char *value)
{
    adb_url *made = parsed(url);
    REQUIRE(adb_url_set_option(made, key, value) == ADB_OK);
    return text_of(made);
}

int claim_silent_port(int *fd_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    *fd_out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(*fd_out >= 0 && bind(*fd_out, (struct sockaddr *)&address, size) == 0 && listen(*fd_out, 8) == 0);
    REQUIRE(getsockname(*fd_out, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

/* Claims ----------------------------------------------------------------------------------------------------------- */

static bool is_so(const adb_error *error, adb_status status, const char *words)
{
    const bool good = error->status == status && (words == NULL || strstr(error->message, words) != NULL) &&
                      (status == ADB_OK || error->message[0] != '\0') && strchr(error->message, '\n') == NULL;
    if (!good)
        printf("# %s [%s %d]: %s\n", adb_status_name(error->status), error->sqlstate, error->native_code,
               error->message);
    return good;
}

bool open_fails(const char *url, adb_status status, const char *words)
{
    adb_database *opened = NULL;
    adb_error error = {0};
    adb_database_open(url, NULL, &opened, &error);
    const bool good = opened == NULL && is_so(&error, status, words);
    adb_database_free(opened);
    return good;
}

static adb_result *ended(adb_job job)
{
    adb_result *result = adb_wait(claim_ctx, job, PATIENCE_MS);
    last = *adb_result_error(result);
    return result;
}

bool connect_fails(const char *url, adb_status status, const char *words)
{
    adb_error error = {0};
    adb_url *read = parsed(url);
    claim_open(url, NULL);
    adb_database_connect(claim_db, PATIENCE_MS, &error);
    bool good = is_so(&error, status, words) && !adb_database_is_connected(claim_db);
    adb_result_unref(ended(adb_fetch_all(claim_ctx, "SELECT 1", NULL, NULL, NULL)));
    good = is_so(&last, status, words) && good;
    const char *secret = adb_url_password(read);
    if (secret != NULL && secret[0] != '\0' && (log_has(secret) || strstr(error.message, secret) != NULL)) {
        printf("# the password was told\n");
        good = false;
    }
    adb_url_free(read);
    claim_close();
    return good;
}

bool run_fails(const char *sql, const adb_params *params, adb_status status, const char *words)
{
    adb_result_unref(ended(adb_fetch_all(claim_ctx, sql, params, NULL, NULL)));
    return is_so(&last, status, words);
}

bool run_refused(const char *sql, const adb_params *params, adb_status status, const char *words)
{
    return adb_fetch_all(claim_ctx, sql, params, NULL, NULL) == 0 && is_so(adb_context_error(claim_ctx), status, words);
}

bool runs(const char *sql, const adb_params *params)
{
    return run_fails(sql, params, ADB_OK, NULL);
}

bool gives(const char *sql, const adb_params *params, int64_t value)
{
    adb_result *result = ended(adb_fetch_val(claim_ctx, sql, params, NULL, NULL));
    const bool good = is_so(&last, ADB_OK, NULL) && adb_row_int(adb_result_row(result, 0), 0) == value;
    adb_result_unref(result);
    return good;
}

const adb_error *last_error(void)
{
    return &last;
}

bool still_connected(void)
{
    adb_stats stats = {.size = sizeof(stats)};
    const bool good = gives("SELECT 1", NULL, 1) && adb_database_stats(claim_db, &stats) == ADB_OK && stats.opened == 1;
    if (!good)
        printf("# %d connections were opened\n", (int)stats.opened);
    return good;
}
