/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers: which pool serves which role. */
#include "core/server.h"

#include "base/clock.h"
#include "base/machine.h"
#include "core/database.h"
#include "model/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Where neither the options nor the driver's layout say how many connections there may be. */
#define DEFAULT_MAX_SIZE 10

/* While one takes outcomes from the server, another shall have it at work. */
#define LEAST_AT_WORK 2

/* Between attempts to connect. */
#define BACKOFF_MIN_NS (100 * ADB__NS_PER_MS)
#define BACKOFF_MAX_NS (10000 * ADB__NS_PER_MS)

/* However often somebody tries to connect, the log says no sooner that it fails as before. */
#define TELL_AGAIN_NS (1000 * ADB__NS_PER_MS)

/* A server that stays in the wrong role costs the pool its connections once in that time, not with each statement. */
#define DISTRUST_NS (1000 * ADB__NS_PER_MS)

const char *adb__server_password(const adb_url *url)
{
    const char *password = adb_url_password(url);
    return password != NULL ? password : adb_url_option(url, "password");
}

/* By its name it is this machine. NULL: not given. */
static bool host_is_here(const char *host)
{
    return host == NULL || host[0] == '\0' || host[0] == '/' || strcmp(host, "localhost") == 0 ||
           strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

uint32_t adb__server_enough(const struct adb__server *server)
{
    const adb_url *url = server->url;
    const unsigned n_processors = adb__machine_processors();
    if (!server->layout.pipelines || !host_is_here(adb_url_host(url)) || !host_is_here(adb_url_option(url, "host")) ||
        !host_is_here(adb_url_option(url, "hostaddr")))
        return UINT32_MAX;
    const unsigned n_busy = n_processors < LEAST_AT_WORK ? LEAST_AT_WORK : n_processors;
    return server->layout.answers_together ? n_busy : n_busy + 1;
}

adb_status adb__server_init(struct adb__server *server, struct adb_database *db, const adb_url *url, bool read_only,
                            adb_error *error)
{
    const adb_options *options = &db->options;
    server->read_only = read_only;
    if (!adb__gate_init(&server->gate))
        return adb__error_set(error, ADB_E_NOMEM, "no resources for a server");
    if (!adb__quay_init(&server->quay)) {
        adb__gate_fini(&server->gate);
        return adb__error_set(error, ADB_E_NOMEM, "no resources for a server");
    }
    if (pthread_mutex_init(&server->lock, NULL) != 0) {
        adb__quay_fini(&server->quay);
        adb__gate_fini(&server->gate);
        return adb__error_set(error, ADB_E_NOMEM, "no resources for a server");
    }
    server->db = db; /* from here on fini() has something to do */
    server->url = adb_url_dup(url);
    if (server->url == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a URL");
    server->secret = adb__server_password(server->url);
    adb_status status = db->driver->configure(url, options, &server->layout, error);
    if (status != ADB_OK)
        return status;
    unsigned max_size = options->max_size != 0 ? options->max_size : DEFAULT_MAX_SIZE;
    unsigned writers = server->layout.max_writers != 0 ? server->layout.max_writers : max_size;
    unsigned readers = server->layout.max_readers;
    if (options->force_rollback) { /* all share the one connection */
        writers = 1;
        readers = server->layout.max_readers = 0;
    }
    unsigned min_readers = options->min_size > writers ? options->min_size - writers : 0;
    status =
        adb__pool_init(&server->pools[ADB__ROLE_WRITER], server, ADB__ROLE_WRITER, writers, options->min_size, error);
    if (status == ADB_OK)
        status =
            adb__pool_init(&server->pools[ADB__ROLE_READER], server, ADB__ROLE_READER, readers, min_readers, error);
    return status;
}

void adb__server_fini(struct adb__server *server)
{
    if (server->db == NULL)
        return;
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        adb__pool_fini(&server->pools[role]);
    adb_url_free(server->url);
    pthread_mutex_destroy(&server->lock);
    adb__quay_fini(&server->quay);
    adb__gate_fini(&server->gate);
    server->db = NULL;
}

static void server_note_locked(struct adb__server *server, const char *failure)
{
    snprintf(server->failure, sizeof(server->failure), "%s", failure);
}

void adb__server_note(struct adb__server *server, const char *failure)
{
    pthread_mutex_lock(&server->lock);
    server_note_locked(server, failure);
    pthread_mutex_unlock(&server->lock);
}

/* An attempt has failed. True: the log is to be told. */
static bool server_failed(struct adb__server *server, const char *failure, int64_t now)
{
    pthread_mutex_lock(&server->lock);
    const bool is_news = strcmp(server->failure, failure) != 0 || now - server->told_at >= TELL_AGAIN_NS;
    server_note_locked(server, failure);
    if (is_news)
        server->told_at = now;
    pthread_mutex_unlock(&server->lock);
    return is_news;
}

/* Full jitter: anywhere below a bound that doubles with each failure (M. Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015), so that many clients of a server that returns do not come back at once. */
bool adb__server_back_off(struct adb__server *server, const adb_error *error, uint64_t *random)
{
    const int64_t now = adb__clock_now();
    const bool is_news = server_failed(server, error->message, now);
    int64_t bound = BACKOFF_MIN_NS;
    if (!server->layout.backs_off)
        return is_news;
    for (int64_t n = adb__counter_add_get(&server->failures, 1); n > 1 && bound < BACKOFF_MAX_NS; n--)
        bound *= 2;
    bound = adb__deadline_first(bound, BACKOFF_MAX_NS);
    adb__counter_set(&server->retry_at, now + (int64_t)(adb__random(random) % (uint64_t)bound));
    return is_news;
}

void adb__server_recover(struct adb__server *server)
{
    adb__counter_set(&server->failures, 0);
    adb__counter_set(&server->retry_at, 0);
    adb__server_note(server, "");
}

void adb__server_failure(struct adb__server *server, char *text, size_t size)
{
    pthread_mutex_lock(&server->lock);
    bool any = server->failure[0] != '\0';
    snprintf(text, size, "%s%.160s", any ? "; last connect error: " : "", server->failure);
    pthread_mutex_unlock(&server->lock);
}

void adb__server_describe(struct adb__server *server, char *text, size_t size)
{
    unsigned n[ADB__N_WORKER_STATES] = {0};
    char failure[ADB_ERROR_MESSAGE_SIZE];
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        adb__pool_count(&server->pools[role], n);
    unsigned total = n[ADB__WORKER_IDLE] + n[ADB__WORKER_BUSY] + n[ADB__WORKER_HELD] + n[ADB__WORKER_CONNECTING];
    adb__server_failure(server, failure, sizeof(failure));
    snprintf(text, size, "total=%u, busy=%u, held=%u, connecting=%u, idle=%u)%s", total, n[ADB__WORKER_BUSY],
             n[ADB__WORKER_HELD], n[ADB__WORKER_CONNECTING], n[ADB__WORKER_IDLE], failure);
}

void adb__server_want_least(struct adb__server *server)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        adb__pool_want_least(&server->pools[role]);
}

/* Wake all that idle: those whose connection is of an older epoch probe it, or let it go. */
static void server_alert(struct adb__server *server)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        adb__pool_alert(&server->pools[role]);
}

/* Nothing of an epoch up to this one is current any more. True: it was until now. */
static bool server_advance_locked(struct adb__server *server, int64_t epoch)
{
    bool is_news = adb__counter_get(&server->epoch) <= epoch;
    if (is_news)
        adb__counter_set(&server->epoch, epoch + 1);
    return is_news;
}

void adb__server_suspect(struct adb__server *server, int64_t epoch)
{
    if (!server->layout.backs_off)
        return;
    pthread_mutex_lock(&server->lock);
    bool is_news = server_advance_locked(server, epoch);
    pthread_mutex_unlock(&server->lock);
    if (is_news)
        server_alert(server);
}

void adb__server_distrust(struct adb__server *server, int64_t epoch)
{
    int64_t now = adb__clock_now();
    pthread_mutex_lock(&server->lock);
    bool is_news = adb__counter_get(&server->discard) <= epoch &&
                   (adb__counter_get(&server->discard) == 0 || now - server->discarded_at >= DISTRUST_NS);
    if (is_news) {
        server_advance_locked(server, epoch);
        adb__counter_set(&server->discard, epoch + 1);
        server->discarded_at = now;
    }
    pthread_mutex_unlock(&server->lock);
    if (is_news) {
        adb__log(&server->db->log, ADB__LOG_WARN,
                 "%s only reads, although it should write: all connections are replaced",
                 adb_url_redacted(server->url));
        server_alert(server);
    }
}
