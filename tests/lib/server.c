/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of a test's own: each call is one of own.sh, run by posix_spawn so that threads and sockets do not matter. */
#include "tests/lib/server.h"

#include <asyncdb.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 24

static _Noreturn void give_up(const char *const words[], const char *why)
{
    fprintf(stderr, "own.sh");
    for (size_t i = 1; words[i] != NULL; i++)
        fprintf(stderr, " %s", words[i]);
    fprintf(stderr, ": %s\n", why);
    fflush(NULL);
    abort();
}

static pid_t spawn(const char *const words[], int out)
{
    posix_spawn_file_actions_t files;
    char *argv[MAX_WORDS + 1] = {NULL};
    pid_t pid = -1;
    for (size_t i = 0; words[i] != NULL && i < MAX_WORDS; i++)
        argv[i] = strdup(words[i]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    const int refusal = posix_spawn(&pid, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; argv[i] != NULL; i++)
        free(argv[i]);
    if (refusal != 0)
        give_up(words, strerror(refusal));
    return pid;
}

/* All that fits, without the line breaks at its end. */
static void read_all(int fd, char *out, size_t size)
{
    size_t n = 0;
    ssize_t got;
    do {
        got = read(fd, out + n, size - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < size - 1) || (got < 0 && errno == EINTR));
    while (n > 0 && out[n - 1] == '\n')
        n--;
    out[n] = '\0';
}

/* Run own.sh with these words; words[0] is left for its path. False when it failed. */
static bool call(const char *words[], char *out, size_t size)
{
    char path[SERVER_TEXT];
    int ends[2], status = 0;
    snprintf(path, sizeof(path), "%s/own.sh", getenv("ADB_TEST_SERVERS"));
    words[0] = path;
    if (pipe2(ends, O_CLOEXEC) != 0)
        give_up(words, strerror(errno));
    const pid_t pid = spawn(words, ends[1]);
    close(ends[1]);
    read_all(ends[0], out, size);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    words[0] = NULL;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *must(const char *verb, const char *name, const char *rest)
{
    static _Thread_local char out[4096];
    const char *words[] = {NULL, verb, name, rest, NULL};
    if (!call(words, out, sizeof(out)))
        give_up(words, "failed");
    return out;
}

/* The value of a line name=value; "" when there is none. */
static void take(const char *lines, const char *name, char *out, size_t size)
{
    const size_t n = strlen(name);
    out[0] = '\0';
    for (const char *line = lines; line != NULL; line = strchr(line, '\n')) {
        line += line != lines;
        if (strncmp(line, name, n) == 0 && line[n] == '=') {
            snprintf(out, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
            return;
        }
    }
}

static void learn(struct server *server, const char *lines)
{
    char port[16];
    take(lines, "url", server->url, sizeof(server->url));
    take(lines, "tcp_url", server->tcp_url, sizeof(server->tcp_url));
    take(lines, "tls_url", server->tls_url, sizeof(server->tls_url));
    take(lines, "admin_url", server->admin_url, sizeof(server->admin_url));
    take(lines, "dir", server->dir, sizeof(server->dir));
    take(lines, "port", port, sizeof(port));
    server->port = atoi(port);
}

bool driver_built(const char *name)
{
    for (size_t i = 0; adb_driver_name(i) != NULL; i++) {
        if (strcmp(adb_driver_name(i), name) == 0)
            return true;
    }
    return false;
}

bool server_available(const char *kind)
{
    const char *run = getenv("ADB_TEST_SERVERS");
    const bool bouncer = strcmp(kind, "pgbouncer") == 0;
    char path[SERVER_TEXT];
    if (run == NULL)
        return false;
    snprintf(path, sizeof(path), "%s/%s%s", run, bouncer ? "" : "template/", kind);
    return access(path, F_OK) == 0 && driver_built(bouncer ? "postgresql" : kind);
}

int server_none(const char *what)
{
    if (getenv("ADB_TEST_SERVERS") == NULL)
        puts("ADB_TEST_SERVERS is not set: no servers to be hurt");
    else
        printf("no %s: the server or the driver for it is missing\n", what);
    return 77;
}

/* What a run that was killed has left goes first. */
static void begin(struct server *server, const char *kind, const char *name)
{
    char out[256], path[SERVER_TEXT * 2];
    *server = (struct server){.kind = kind};
    snprintf(server->name, sizeof(server->name), "%s", name);
    snprintf(path, sizeof(path), "%s/own/%s", getenv("ADB_TEST_SERVERS"), name);
    const char *words[] = {NULL, "drop", server->name, NULL};
    if (access(path, F_OK) == 0)
        call(words, out, sizeof(out));
}

void server_start(struct server *server, const char *kind, const char *name, const char *const settings[])
{
    char out[4096];
    const char *words[MAX_WORDS] = {NULL, "start", kind, name};
    begin(server, kind, name);
    for (size_t i = 0; settings != NULL && settings[i] != NULL && i + 5 < MAX_WORDS; i++)
        words[4 + i] = settings[i];
    if (!call(words, out, sizeof(out)))
        give_up(words, "failed");
    learn(server, out);
}

void server_start_before(struct server *server, const char *kind, const char *name, const struct server *target)
{
    server_start(server, kind, name, (const char *[]){target->name, NULL});
}

void server_standby(struct server *server, const char *name, const struct server *primary)
{
    char out[4096];
    const char *words[] = {NULL, "standby", primary->name, name, NULL};
    begin(server, "postgresql", name);
    if (!call(words, out, sizeof(out)))
        give_up(words, "failed");
    learn(server, out);
}

void server_kill(struct server *server)
{
    must("kill", server->name, NULL);
}

void server_stop(struct server *server)
{
    must("stop", server->name, NULL);
}

void server_again(struct server *server, const char *setting)
{
    must("start", server->name, setting);
}

void server_promote(struct server *server)
{
    must("promote", server->name, NULL);
}

void server_freeze(struct server *server)
{
    must("freeze", server->name, NULL);
}

void server_thaw(struct server *server)
{
    must("thaw", server->name, NULL);
}

void server_certificate(struct server *server, const char *which)
{
    must("certificate", server->name, which);
}

void server_drop(struct server *server)
{
    if (server->name[0] != '\0')
        must("drop", server->name, NULL);
    server->name[0] = '\0';
}

const char *server_sql(const struct server *server, const char *sql)
{
    return must("sql", server->name, sql);
}

int64_t server_number(const struct server *server, const char *sql)
{
    return strtoll(server_sql(server, sql), NULL, 10);
}

void proxy_tell(const struct server *proxy, const char *command)
{
    char verb[32], out[1024];
    const char *argument = strchr(command, ' ');
    snprintf(verb, sizeof(verb), "%.*s", (int)strcspn(command, " "), command);
    const char *words[] = {NULL, "tell", proxy->name, verb, argument != NULL ? argument + 1 : NULL, NULL};
    if (!call(words, out, sizeof(out)))
        give_up(words, out);
}
