/* SPDX-License-Identifier: BSD-3-Clause */
/* A TCP proxy that does to its connections what networks do.
 *
 *     chaos PORT TARGET CONTROL      listen on 127.0.0.1:PORT, and pass all on to 127.0.0.1:TARGET
 *     chaos CONTROL COMMAND…         give a proxy a command, and print its answer
 *
 * CONTROL is the path of a Unix socket, beginning with a slash; it is there once the proxy listens. A connection to it
 * carries one command, a line, and its answer, a line that begins with "ok" or "bad":
 *
 *     delay MICROSECONDS     hold back what arrives from now on, either way
 *     stall [up|down]        pass nothing on, keep everything; up is to the server, down is to the client, else both
 *     drop [up|down]         take all that comes and pass nothing on
 *     cut BYTES [up|down]    reset a connection when so many more bytes have passed; down when nothing is said
 *     refuse                 stop listening
 *     reset                  reset all connections
 *     close                  close all connections in good order
 *     clear                  from now on as if nothing had been said
 *     stat                   nothing
 *
 * An answer ends with live=CONNECTIONS accepted=CONNECTIONS up=BYTES down=BYTES, bytes being those passed on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES   65536
#define QUEUE_BYTES  (8u << 20) /* per direction; then nothing more is read */
#define ANSWER_BYTES 256
#define NEVER        INT64_MAX

enum { UP, DOWN, BOTH };

/* Bytes on their way; none are the end of the stream. */
struct chunk {
    struct chunk *next;
    int64_t due;
    size_t at, size;
    char bytes[];
};

struct way {
    int from, to;
    struct chunk *first, *last;
    size_t queued;
    int64_t left; /* bytes until the connection is cut */
    bool ended;   /* nothing more to read */
    bool shut;    /* and the reader knows */
};

struct connection {
    struct connection *next;
    struct way way[2];
    bool dead;
};

struct proxy {
    int port, target;
    int listener; /* -1 while it refuses */
    int control;
    int64_t delay; /* ns */
    bool stalled[2], dropping[2];
    int64_t cut[2];
    struct connection *connections;
    uint64_t live, accepted, passed[2];
};

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        give_up("calloc");
    return memory;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Sockets ---------------------------------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_un unix_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        give_up(path);
    }
    strcpy(address.sun_path, path);
    return address;
}

static void make_prompt(int fd)
{
    const int on = 1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int listen_on_port(int port)
{
    const struct sockaddr_in address = loopback(port);
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, SOMAXCONN) != 0)
        give_up("listen");
    return fd;
}

static int listen_on_path(const char *path)
{
    const struct sockaddr_un address = unix_path(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, SOMAXCONN) != 0)
        give_up(path);
    return fd;
}

static int dial(int port)
{
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    make_prompt(fd);
    return fd;
}

/* The next close() of this socket is a reset. */
static void arm_reset(int fd)
{
    const struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* Connections ------------------------------------------------------------------------------------------------------ */

static void way_clear(struct way *way)
{
    while (way->first != NULL) {
        struct chunk *chunk = way->first;
        way->first = chunk->next;
        free(chunk);
    }
}

static void connection_close(struct connection *connection)
{
    if (connection->dead)
        return;
    connection->dead = true;
    close(connection->way[UP].from);
    close(connection->way[UP].to);
    way_clear(&connection->way[UP]);
    way_clear(&connection->way[DOWN]);
}

static void connection_reset(struct connection *connection)
{
    if (connection->dead)
        return;
    arm_reset(connection->way[UP].from);
    arm_reset(connection->way[UP].to);
    connection_close(connection);
}

static void proxy_accept(struct proxy *proxy)
{
    const int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    const int server = dial(proxy->target);
    if (server < 0) {
        arm_reset(client);
        close(client);
        return;
    }
    make_prompt(client);
    struct connection *connection = allocate(sizeof(*connection));
    connection->way[UP] = (struct way){.from = client, .to = server, .left = proxy->cut[UP]};
    connection->way[DOWN] = (struct way){.from = server, .to = client, .left = proxy->cut[DOWN]};
    connection->next = proxy->connections;
    proxy->connections = connection;
    proxy->accepted++;
    proxy->live++;
}

static void proxy_bury(struct proxy *proxy)
{
    struct connection **link = &proxy->connections;
    while (*link != NULL) {
        struct connection *connection = *link;
        if (connection->way[UP].shut && connection->way[DOWN].shut)
            connection_close(connection);
        if (connection->dead) {
            *link = connection->next;
            free(connection);
            proxy->live--;
        } else {
            link = &connection->next;
        }
    }
}

/* Bytes ------------------------------------------------------------------------------------------------------------ */

static void way_append(struct way *way, const char *bytes, size_t size, int64_t due)
{
    struct chunk *chunk = allocate(sizeof(*chunk) + size);
    memcpy(chunk->bytes, bytes, size);
    chunk->size = size;
    chunk->due = way->first != NULL && way->last->due > due ? way->last->due : due;
    if (way->first == NULL)
        way->first = chunk;
    else
        way->last->next = chunk;
    way->last = chunk;
    way->queued += size;
}

static void way_read(struct proxy *proxy, struct connection *connection, int direction)
{
    static char bytes[READ_BYTES];
    struct way *way = &connection->way[direction];
    if (way->ended)
        return;
    const ssize_t size = read(way->from, bytes, sizeof(bytes));
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR)
            connection_reset(connection);
        return;
    }
    way->ended = size == 0;
    if (!proxy->dropping[direction])
        way_append(way, bytes, (size_t)size, now() + proxy->delay);
}

static void way_shift(struct way *way)
{
    struct chunk *chunk = way->first;
    if (chunk->at < chunk->size)
        return;
    if (chunk->size == 0) {
        shutdown(way->to, SHUT_WR);
        way->shut = true;
    }
    way->first = chunk->next;
    free(chunk);
}

/* Pass on what is due. True when the reader takes no more for now. */
static bool way_write(struct proxy *proxy, struct connection *connection, int direction)
{
    struct way *way = &connection->way[direction];
    const int64_t time = now();
    while (way->first != NULL && way->first->due <= time) {
        struct chunk *chunk = way->first;
        const size_t rest = chunk->size - chunk->at;
        const size_t wanted = (int64_t)rest < way->left ? rest : (size_t)way->left;
        const ssize_t sent = wanted == 0 ? 0 : send(way->to, chunk->bytes + chunk->at, wanted, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return true;
        if (sent < 0 || (rest > 0 && way->left == sent)) {
            proxy->passed[direction] += sent < 0 ? 0 : (uint64_t)sent;
            connection_reset(connection);
            return false;
        }
        way->left -= way->left == NEVER ? 0 : sent;
        way->queued -= (size_t)sent;
        chunk->at += (size_t)sent;
        proxy->passed[direction] += (uint64_t)sent;
        way_shift(way);
    }
    return false;
}

/* Commands --------------------------------------------------------------------------------------------------------- */

static void proxy_refuse(struct proxy *proxy)
{
    if (proxy->listener >= 0)
        close(proxy->listener);
    proxy->listener = -1;
}

static void proxy_cut(struct proxy *proxy, int direction, int64_t bytes)
{
    proxy->cut[direction] = bytes;
    for (struct connection *each = proxy->connections; each != NULL; each = each->next)
        each->way[direction].left = bytes;
}

static void proxy_clear(struct proxy *proxy)
{
    proxy->delay = 0;
    for (int direction = UP; direction < BOTH; direction++) {
        proxy->stalled[direction] = false;
        proxy->dropping[direction] = false;
        proxy_cut(proxy, direction, NEVER);
    }
    if (proxy->listener < 0)
        proxy->listener = listen_on_port(proxy->port);
}

static void proxy_end(struct proxy *proxy, void (*end)(struct connection *))
{
    for (struct connection *each = proxy->connections; each != NULL; each = each->next)
        end(each);
    proxy_bury(proxy);
}

static void set_ways(bool ways[2], int direction)
{
    ways[UP] |= direction != DOWN;
    ways[DOWN] |= direction != UP;
}

static int direction_of(const char *word)
{
    return strcmp(word, "up") == 0 ? UP : strcmp(word, "down") == 0 ? DOWN : BOTH;
}

static bool proxy_obey(struct proxy *proxy, const char *line)
{
    char verb[16] = "", word[24] = "", way[8] = "";
    sscanf(line, "%15s %23s %7s", verb, word, way);
    if (strcmp(verb, "delay") == 0)
        proxy->delay = strtoll(word, NULL, 10) * 1000;
    else if (strcmp(verb, "stall") == 0)
        set_ways(proxy->stalled, direction_of(word));
    else if (strcmp(verb, "drop") == 0)
        set_ways(proxy->dropping, direction_of(word));
    else if (strcmp(verb, "cut") == 0)
        proxy_cut(proxy, direction_of(way) == UP ? UP : DOWN, (int64_t)(strtoull(word, NULL, 10) & INT64_MAX));
    else if (strcmp(verb, "refuse") == 0)
        proxy_refuse(proxy);
    else if (strcmp(verb, "reset") == 0)
        proxy_end(proxy, connection_reset);
    else if (strcmp(verb, "close") == 0)
        proxy_end(proxy, connection_close);
    else if (strcmp(verb, "clear") == 0)
        proxy_clear(proxy);
    else
        return strcmp(verb, "stat") == 0;
    return true;
}

/* Who dawdles over a command is not waited for. */
static void proxy_listen(struct proxy *proxy)
{
    char line[ANSWER_BYTES] = "";
    const struct timeval patience = {.tv_sec = 1};
    const int fd = accept4(proxy->control, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (recv(fd, line, sizeof(line) - 1, 0) > 0) {
        const char *answer = proxy_obey(proxy, line) ? "ok" : "bad";
        const int size =
            snprintf(line, sizeof(line), "%s live=%" PRIu64 " accepted=%" PRIu64 " up=%" PRIu64 " down=%" PRIu64 "\n",
                     answer, proxy->live, proxy->accepted, proxy->passed[UP], proxy->passed[DOWN]);
        send(fd, line, (size_t)size, MSG_NOSIGNAL);
    }
    close(fd);
}

/* The loop --------------------------------------------------------------------------------------------------------- */

/* Two for each connection, the reader's end of each way, behind the two listeners. */
static struct pollfd *polls;
static nfds_t n_polls;

static void watch(int fd, short events)
{
    static nfds_t capacity;
    if (n_polls == capacity) {
        capacity = capacity == 0 ? 64 : capacity * 2;
        polls = realloc(polls, capacity * sizeof(*polls));
        if (polls == NULL)
            give_up("realloc");
    }
    polls[n_polls++] = (struct pollfd){.fd = events == 0 ? -1 : fd, .events = events};
}

/* Pass on what can be, and watch for what else could. Gives the time when the next bytes are due. */
static int64_t connection_turn(struct proxy *proxy, struct connection *connection)
{
    short events[2] = {0, 0}; /* of the ends that up and down read from */
    int64_t due = NEVER;
    for (int direction = UP; direction < BOTH && !connection->dead; direction++) {
        const struct way *way = &connection->way[direction];
        if (proxy->stalled[direction])
            continue;
        if (way_write(proxy, connection, direction))
            events[!direction] |= POLLOUT;
        else if (!connection->dead && way->first != NULL && way->first->due < due)
            due = way->first->due;
        if (!way->ended && way->queued < QUEUE_BYTES)
            events[direction] |= POLLIN;
    }
    watch(connection->way[UP].from, connection->dead ? 0 : events[UP]);
    watch(connection->way[DOWN].from, connection->dead ? 0 : events[DOWN]);
    return connection->dead ? 0 : due;
}

static void wait_until(int64_t due)
{
    const int64_t rest = due - now();
    const struct timespec time = {.tv_sec = rest / 1000000000, .tv_nsec = rest % 1000000000};
    const struct timespec none = {.tv_sec = 0};
    if (ppoll(polls, n_polls, due == NEVER ? NULL : rest > 0 ? &time : &none, NULL) < 0 && errno != EINTR)
        give_up("ppoll");
}

static void proxy_turn(struct proxy *proxy)
{
    int64_t due = NEVER;
    n_polls = 0;
    watch(proxy->listener, proxy->listener < 0 ? 0 : POLLIN);
    watch(proxy->control, POLLIN);
    for (struct connection *each = proxy->connections; each != NULL; each = each->next) {
        const int64_t next = connection_turn(proxy, each);
        due = next < due ? next : due;
    }
    wait_until(due);
    const struct pollfd *poll = &polls[2];
    for (struct connection *each = proxy->connections; each != NULL; each = each->next) {
        for (int direction = UP; direction < BOTH; direction++, poll++) {
            if (!each->dead && (poll->revents & ~POLLOUT) != 0)
                way_read(proxy, each, direction);
        }
    }
    proxy_bury(proxy);
    if (polls[1].revents != 0)
        proxy_listen(proxy);
    if (polls[0].revents != 0 && proxy->listener >= 0)
        proxy_accept(proxy);
}

/* The programs ----------------------------------------------------------------------------------------------------- */

static int tell(const char *path, int n_words, char **words)
{
    char line[ANSWER_BYTES] = "";
    const struct sockaddr_un address = unix_path(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < n_words; i++) {
        strncat(line, words[i], sizeof(line) - strlen(line) - 2);
        strcat(line, i + 1 < n_words ? " " : "\n");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        give_up(path);
    ssize_t size = send(fd, line, strlen(line), MSG_NOSIGNAL);
    size = size > 0 ? recv(fd, line, sizeof(line) - 1, MSG_WAITALL) : size;
    if (size <= 0)
        give_up(path);
    line[size] = '\0';
    fputs(line, stdout);
    return strncmp(line, "ok", 2) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && argv[1][0] == '/')
        return tell(argv[1], argc - 2, argv + 2);
    if (argc != 4) {
        fprintf(stderr, "usage: chaos PORT TARGET CONTROL, or chaos CONTROL COMMAND…\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct proxy proxy = {.port = atoi(argv[1]), .target = atoi(argv[2]), .listener = -1};
    proxy_clear(&proxy);
    proxy.control = listen_on_path(argv[3]);
    for (;;)
        proxy_turn(&proxy);
}
