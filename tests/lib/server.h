/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of a test's own, to be hurt: PostgreSQL, MariaDB, PgBouncer, and the fault proxy in front of one of them.
 * They are those of tests/servers/own.sh, which ADB_TEST_SERVERS leads to. What own.sh refuses ends the program with
 * its reason. */
#ifndef ADB_TESTS_SERVER_H
#define ADB_TESTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_TEXT 320

struct server {
    const char *kind; /* postgresql, mysql, pgbouncer, chaos */
    char name[48];
    char url[SERVER_TEXT]; /* over the Unix socket; of a proxy or pooler over TCP */
    char tcp_url[SERVER_TEXT];
    char tls_url[SERVER_TEXT];
    char admin_url[SERVER_TEXT];
    char dir[SERVER_TEXT];
    int port;
};

/* Whether this build has the driver of that name. */
bool driver_built(const char *name);
/* Whether this run can start servers of that kind, and this build has the driver for it. */
bool server_available(const char *kind);
/* What main returns when no test of the program can run: says so, 77. */
int server_none(const char *what);

/* Start a new one with settings ("max_connections=10", a NULL at the end; NULL: none); one of that name is dropped
 * before. */
void server_start(struct server *server, const char *kind, const char *name, const char *const settings[]);
/* One in front of target: a proxy or a pooler. */
void server_start_before(struct server *server, const char *kind, const char *name, const struct server *target);
/* A hot standby of a PostgreSQL server. */
void server_standby(struct server *server, const char *name, const struct server *primary);

/* kill -9 of all its processes; it is dead on return. */
void server_kill(struct server *server);
void server_stop(struct server *server);
/* The same server again after kill or stop. A further setting may be NULL. */
void server_again(struct server *server, const char *setting);
void server_promote(struct server *server);
/* All its processes stand still; and go on. */
void server_freeze(struct server *server);
void server_thaw(struct server *server);
/* From its next start on: server, expired, wrong_host, revoked, unknown. */
void server_certificate(struct server *server, const char *which);
/* Stop it and remove its folder; also of what was never started. */
void server_drop(struct server *server);

/* Run as administrator, not through the library: what it printed, valid until the next call of the thread. */
const char *server_sql(const struct server *server, const char *sql);
int64_t server_number(const struct server *server, const char *sql);
/* A command for the fault proxy (tests/servers/chaos.c), such as "reset" or "delay_us 500". */
void proxy_tell(const struct server *proxy, const char *command);

#endif
