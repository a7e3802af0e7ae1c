/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers that do not let one in: credentials, databases, too many connections, certificates. */
#include "tests/faults/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One try to connect, and one job: what both say. */
static adb_error try(const char *url, const adb_options *options)
{
    adb_database *db = NULL;
    adb_error error = {0}, job_error = {0};
    CU_ASSERT_EQUAL(adb_database_open(url, options, &db, &error), ADB_OK);
    if (db == NULL) {
        printf("# %s\n", error.message);
        return error;
    }
    adb_database_connect(db, PATIENCE_MS, &error);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    job_error = error_of(ctx, adb_fetch_all(ctx, "SELECT 1", NULL, NULL, NULL));
    CU_ASSERT_EQUAL(job_error.status, error.status);
    adb_context_free(ctx);
    CU_ASSERT_EQUAL(adb_database_close(db, PATIENCE_MS), ADB_OK);
    adb_database_free(db);
    return error;
}

/* It failed with that status, and the message has that word and no password. */
static bool says(const adb_error *error, adb_status status, const char *word)
{
    const bool right = error->status == status && strcasestr(error->message, word) != NULL &&
                       strstr(error->message, "s3:cret") == NULL && strstr(error->message, "wrong-one") == NULL;
    if (!right)
        printf("# %s (%s, %d): %s\n", adb_status_name(error->status), error->sqlstate, error->native_code,
               error->message);
    return right;
}

static void no_log(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)user_data;
    CU_ASSERT_PTR_NULL(strstr(line, "s3:cret"));
    CU_ASSERT_PTR_NULL(strstr(line, "wrong-one"));
}

#define TRY(url, ...) try(url, ADB_OPTIONS(.log = no_log, .wait_timeout_ms = 2000, __VA_ARGS__))

/* ADB_E_AUTH, at once and with the user's name; and never a password in text or log. */
ON_BOTH(wrong_password_is_an_error_of_its_own)
{
    const struct server *server = engine_server(engine);
    const adb_error error = TRY(server->tcp_url, .user = "password_user", .password = "wrong-one");
    CU_ASSERT(says(&error, ADB_E_AUTH, "password_user"));
    const adb_error fine = TRY(server->tcp_url, .user = "password_user", .password = "s3:cret");
    CU_ASSERT_EQUAL(fine.status, ADB_OK);
}

ON_BOTH(unknown_user_is_an_error_of_its_own)
{
    const adb_error error = TRY(engine_server(engine)->tcp_url, .user = "nobody_at_all", .password = "wrong-one");
    CU_ASSERT(says(&error, ADB_E_AUTH, "nobody_at_all"));
}

ON_POSTGRESQL(user_refused_by_the_access_file_is_an_error_of_its_own)
{
    const adb_error error = TRY(engine_server(engine)->tcp_url, .user = "reject_user");
    CU_ASSERT(says(&error, ADB_E_AUTH, "reject_user"));
}

/* Names the database. */
ON_BOTH(unknown_database_is_an_error_of_its_own)
{
    const struct server *server = engine_server(engine);
    const adb_error error = TRY(engine == &mysql ? server->admin_url : server->tcp_url, .database = "nowhere");
    CU_ASSERT(says(&error, ADB_E_UNDEFINED, "nowhere"));
}

/* Too many connections
 * ---------------------------------------------------------------------------------------------------------- */

/* A pool that the server allows one connection does all its work with it. (It has it already: of two that come at the
 * same moment PostgreSQL may turn both away.) POOL-07 PAIN-13 */
ON_BOTH(pool_over_the_servers_limit_works_with_what_it_gets)
{
    struct scene scene;
    struct tally tally = TALLY_INIT;
    adb_context *lanes[8];
    scene_open(&scene, engine, engine_server(engine)->tcp_url,
               ADB_OPTIONS(.user = "single_user", .password = "s3:cret", .max_size = 4));
    scene_must(&scene, "SELECT 1");
    for (size_t i = 0; i < 8; i++)
        lanes[i] = adb_context_new(scene.db, scene.queue, 0);
    for (size_t i = 0; i < 80; i++)
        adb_fetch_all(lanes[i % 8], i % 16 == 0 ? engine->pause : "SELECT 1", NULL, tally_done, &tally);
    for (size_t i = 0; i < 8; i++) {
        run_all(lanes[i]);
        adb_context_free(lanes[i]);
    }
    printf("# over the limit, %s: 80 jobs, %zu outcomes, %zu ok\n", engine->kind, tally_n(&tally),
           tally_of(&tally, ADB_OK));
    CU_ASSERT_EQUAL(tally_n(&tally), 80);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 80);
    for (size_t i = 0; i < TALLY_SEEN && tally_of(&tally, ADB_OK) < 80; i++) {
        if (tally_seen(&tally, i).status != ADB_OK)
            printf("# %s: %s\n", adb_status_name(tally_seen(&tally, i).status), tally_seen(&tally, i).message);
    }
    CU_ASSERT_EQUAL(scene_stats(&scene).connections, 1);
    scene_close(&scene);
}

/* The administrator is there before the server is full. */
static void limit_connections(struct scene *admin, bool on)
{
    if (admin->engine == &mysql)
        scene_must(admin, on ? "SET GLOBAL max_connections = 10" : "SET GLOBAL max_connections = 60");
    else
        scene_must(admin,
                   on ? "ALTER DATABASE adb_test CONNECTION LIMIT 3" : "ALTER DATABASE adb_test CONNECTION LIMIT -1");
}

/* The same when the limit is that of all users together: no job pays for the pool's wish to grow. */
ON_BOTH(full_server_is_no_failure_of_jobs)
{
    struct scene scene, admin;
    struct tally tally = TALLY_INIT;
    adb_context *lanes[30];
    scene_open(&admin, engine, engine_server(engine)->admin_url, ADB_OPTIONS(.max_size = 1));
    scene_open(&scene, engine, NULL, ADB_OPTIONS(.max_size = 30));
    scene_must(&scene, "SELECT 1");
    limit_connections(&admin, true);
    for (size_t i = 0; i < 30; i++)
        lanes[i] = adb_context_new(scene.db, scene.queue, 0);
    for (size_t i = 0; i < 120; i++)
        adb_fetch_all(lanes[i % 30], i % 4 == 0 ? engine->pause : "SELECT 1", NULL, tally_done, &tally);
    for (size_t i = 0; i < 30; i++) {
        run_all(lanes[i]);
        adb_context_free(lanes[i]);
    }
    printf("# full server, %s: 120 jobs, %zu outcomes, %zu ok, %u connections, %llu attempts failed\n", engine->kind,
           tally_n(&tally), tally_of(&tally, ADB_OK), scene_stats(&scene).connections,
           (unsigned long long)scene_stats(&scene).open_failures);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), 120);
    scene_show(&tally, ADB_OK);
    CU_ASSERT(scene_stats(&scene).open_failures > 0);
    limit_connections(&admin, false);
    scene_close_with_others(&admin);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

/* Without any connection it says why; and has one as soon as the server can. REG-19 */
ON_BOTH(too_many_connections_heal_when_one_is_free)
{
    struct scene holder, scene;
    const adb_options *single =
        ADB_OPTIONS(.user = "single_user", .password = "s3:cret", .max_size = 2, .wait_timeout_ms = 400);
    scene_open(&holder, engine, engine_server(engine)->tcp_url, single);
    scene_open(&scene, engine, engine_server(engine)->tcp_url, single);
    scene_must(&holder, "SELECT 1");
    const adb_error error = error_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT 1", NULL, NULL, NULL));
    CU_ASSERT(says(&error, ADB_E_CONNECTION, engine == &mysql ? "single_user" : "too many connections"));
    scene_close(&holder);
    scene_await(&scene,
                engine == &mysql ? "SELECT count(*) FROM information_schema.processlist WHERE user = 'single_user'"
                                 : "SELECT count(*) FROM pg_stat_activity WHERE usename = 'single_user'",
                0);
    scene_must(&scene, "SELECT 1");
    scene_close(&scene);
}

/* TLS
 * ---------------------------------------------------------------------------------------------------------- */

/* The server's TLS URL with another mode in place of verify-full. */
static const char *tls_url(const struct server *server, const char *mode)
{
    static char url[SERVER_TEXT + 32];
    const char *at = strstr(server->tls_url, "verify-full");
    REQUIRE(at != NULL);
    snprintf(url, sizeof(url), "%.*s%s%s", (int)(at - server->tls_url), server->tls_url, mode,
             at + strlen("verify-full"));
    return url;
}

static struct server tls_servers[2];

/* The server for these tests, with that certificate. */
static const struct server *server_with(const struct engine *engine, const char *certificate)
{
    struct server *server = &tls_servers[engine == &mysql];
    char name[48];
    snprintf(name, sizeof(name), "refused_tls_%s", engine->kind);
    if (server->name[0] == '\0')
        server_start(server, engine->kind, name, NULL);
    server_stop(server);
    server_certificate(server, certificate);
    server_again(server, NULL);
    return server;
}

/* How connecting ends, with the message checked for the word "certificate" when it is refused. */
static adb_status meet(const struct server *server, const char *mode)
{
    const adb_error error = TRY(tls_url(server, mode), .max_size = 1);
    if (error.status != ADB_OK)
        CU_ASSERT(says(&error, ADB_E_CONNECTION, "certificate"));
    return error.status;
}

/* Without an authority that would tell. */
static adb_status meet_blindly(const struct server *server)
{
    char url[SERVER_TEXT + 32];
    snprintf(url, sizeof(url), "%s", tls_url(server, "require"));
    char *authority = strstr(url, "&ssl_ca=");
    REQUIRE(authority != NULL);
    *authority = '\0';
    const adb_error error = TRY(url, .max_size = 1);
    if (error.status != ADB_OK)
        printf("# require: %s: %s\n", adb_status_name(error.status), error.message);
    return error.status;
}

/* One certificate in all modes. require with an authority checks it, as libpq does; without one it is encrypted, but
 * with whom nobody knows. */
static void show(const struct engine *engine, const char *certificate, adb_status full, adb_status ca)
{
    const struct server *server = server_with(engine, certificate);
    const adb_status met[4] = {meet(server, "verify-full"), meet(server, "verify-ca"), meet(server, "require"),
                               meet_blindly(server)};
    printf("# certificate %s, %s: verify-full %s, verify-ca %s, require %s, without authority %s\n", certificate,
           engine->kind, adb_status_name(met[0]), adb_status_name(met[1]), adb_status_name(met[2]),
           adb_status_name(met[3]));
    CU_ASSERT_EQUAL(met[0], full);
    CU_ASSERT_EQUAL(met[1], ca);
    CU_ASSERT_EQUAL(met[3], ADB_OK);
}

/* PAIN-17 */
ON_BOTH(good_certificate_is_accepted)
{
    show(engine, "server", ADB_OK, ADB_OK);
}

ON_BOTH(expired_certificate_is_refused)
{
    show(engine, "expired", ADB_E_CONNECTION, ADB_E_CONNECTION);
}

/* verify-ca does not ask for the name. */
ON_BOTH(certificate_of_another_host_is_refused)
{
    show(engine, "wrong_host", ADB_E_CONNECTION, ADB_OK);
}

ON_BOTH(certificate_of_an_unknown_authority_is_refused)
{
    show(engine, "unknown", ADB_E_CONNECTION, ADB_E_CONNECTION);
}

/* Good but for the list of those that are not any more. */
ON_BOTH(revoked_certificate_is_refused)
{
    const struct server *server = server_with(engine, "revoked");
    char url[SERVER_TEXT * 2 + 64];
    CU_ASSERT_EQUAL(meet(server, "verify-full"), ADB_OK);
    snprintf(url, sizeof(url), "%s&ssl_crl=%s/ca.crl", tls_url(server, "verify-full"), server->dir);
    const adb_error error = TRY(url, .max_size = 1);
    CU_ASSERT(says(&error, ADB_E_CONNECTION, "certificate"));
}

/* TLS required, and not offered. */
ON_BOTH(server_without_tls_is_refused_when_tls_is_required)
{
    struct server server;
    char name[48];
    const char *without[] = {engine == &mysql ? "skip-ssl" : "ssl=off", NULL};
    snprintf(name, sizeof(name), "refused_plain_%s", engine->kind);
    server_start(&server, engine->kind, name, without);
    const char *url = tls_url(&server, "require");
    const adb_error error = TRY(url, .max_size = 1, .user = "password_user", .password = "s3:cret");
    CU_ASSERT(says(&error, ADB_E_CONNECTION, engine == &mysql ? "TLS" : "SSL"));
    const adb_error full =
        TRY(tls_url(&server, "verify-full"), .max_size = 1, .user = "password_user", .password = "s3:cret");
    CU_ASSERT(says(&full, ADB_E_CONNECTION, engine == &mysql ? "TLS" : "SSL"));
    server_drop(&server);
}

static void drop_tls_servers(void)
{
    server_drop(&tls_servers[0]);
    server_drop(&tls_servers[1]);
}

FAULTS_AND(refused, drop_tls_servers, BOTH_CASES(wrong_password_is_an_error_of_its_own),
           BOTH_CASES(unknown_user_is_an_error_of_its_own),
           CASE(user_refused_by_the_access_file_is_an_error_of_its_own),
           BOTH_CASES(unknown_database_is_an_error_of_its_own),
           BOTH_CASES(pool_over_the_servers_limit_works_with_what_it_gets),
           BOTH_CASES(full_server_is_no_failure_of_jobs), BOTH_CASES(too_many_connections_heal_when_one_is_free),
           BOTH_CASES(good_certificate_is_accepted), BOTH_CASES(expired_certificate_is_refused),
           BOTH_CASES(certificate_of_another_host_is_refused),
           BOTH_CASES(certificate_of_an_unknown_authority_is_refused), BOTH_CASES(revoked_certificate_is_refused),
           BOTH_CASES(server_without_tls_is_refused_when_tls_is_required))
