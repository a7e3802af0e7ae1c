/* SPDX-License-Identifier: BSD-3-Clause */
/* Channels of the fake driver: who listens, and what is on its way to them. */
#include "tests/lib/fake_parts.h"

#include "model/error.h"
#include "tests/lib/latch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_message {
    struct fake_message *next;
    char channel[64];
    int pid;
    size_t size;
    char payload[];
};

/* Guards all that follows, and inbox and channels of those who listen. */
static pthread_mutex_t listen_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_conn *listening;

static struct fake_message *message_new(const char *channel, const char *payload, size_t size, int pid)
{
    struct fake_message *message = malloc(sizeof(*message) + size + 1);
    if (message == NULL)
        latch_hang("no memory for a notification");
    *message = (struct fake_message){.pid = pid, .size = size};
    snprintf(message->channel, sizeof(message->channel), "%s", channel);
    memcpy(message->payload, payload, size);
    message->payload[size] = '\0';
    return message;
}

static unsigned channel_index(const struct fake_conn *conn, const char *channel)
{
    unsigned i = 0;
    while (i < conn->n_channels && strcmp(conn->channels[i], channel) != 0)
        i++;
    return i;
}

static void broadcast(const char *channel, const char *payload, size_t size, int pid)
{
    pthread_mutex_lock(&listen_lock);
    for (struct fake_conn *conn = listening; conn != NULL; conn = conn->next_listening) {
        if (channel_index(conn, channel) == conn->n_channels)
            continue;
        struct fake_message *message = message_new(channel, payload, size, pid);
        *conn->inbox_end = message;
        conn->inbox_end = &message->next;
        adb__notify_signal(&conn->arrived);
    }
    pthread_mutex_unlock(&listen_lock);
}

void fake_notify(const char *channel, const char *payload)
{
    broadcast(channel, payload, strlen(payload), 4711);
}

unsigned fake_listening(const char *channel)
{
    unsigned n = 0;
    pthread_mutex_lock(&listen_lock);
    for (struct fake_conn *conn = listening; conn != NULL; conn = conn->next_listening)
        n += channel_index(conn, channel) < conn->n_channels;
    pthread_mutex_unlock(&listen_lock);
    return n;
}

/* The name behind the verb, as an identifier in quotes. */
static void channel_name(const char *sql, char *name, size_t size)
{
    const char *at = strchr(sql, '"');
    size_t n = 0;
    for (at += at != NULL; at != NULL && *at != '\0' && n + 1 < size; at++) {
        if (*at == '"' && *++at != '"')
            break;
        name[n++] = *at;
    }
    name[n] = '\0';
}

/* With the lock. */
static void conn_start(struct fake_conn *conn)
{
    if (conn->listens)
        return;
    if (adb__notify_open(&conn->arrived) != 0)
        latch_hang("no descriptor for notifications");
    conn->listens = true;
    conn->inbox_end = &conn->inbox;
    conn->next_listening = listening;
    listening = conn;
}

/* With the lock: all that is on its way arrives. */
static void receive(struct fake_conn *conn)
{
    struct fake_message **end = &conn->received;
    while (*end != NULL)
        end = &(*end)->next;
    *end = conn->inbox;
    conn->inbox = NULL;
    conn->inbox_end = &conn->inbox;
    adb__notify_clear(&conn->arrived);
}

adb_status fake_listen(struct fake_conn *conn, const char *sql, bool listens, adb_error *error)
{
    char name[64];
    channel_name(sql, name, sizeof(name));
    pthread_mutex_lock(&listen_lock);
    conn_start(conn);
    const unsigned i = channel_index(conn, name);
    const bool full = listens && i == FAKE_MAX_CHANNELS;
    if (listens && i == conn->n_channels && !full)
        memcpy(conn->channels[conn->n_channels++], name, sizeof(name));
    else if (!listens && i < conn->n_channels)
        memcpy(conn->channels[i], conn->channels[--conn->n_channels], sizeof(name));
    receive(conn); /* all that came before the answer */
    pthread_mutex_unlock(&listen_lock);
    return full ? adb__error_set(error, ADB_E_TOO_BIG, "too many channels") : ADB_OK;
}

static struct fake_message *take(struct fake_conn *conn)
{
    struct fake_message *message = conn->received;
    if (message != NULL)
        conn->received = message->next;
    return message;
}

static adb_status give(struct fake_message *message, struct adb__sink *sink, adb_error *error)
{
    adb_status status = adb__sink_row_begin(sink, error);
    if (status == ADB_OK)
        status = adb__sink_bytes(sink, 0, ADB_TYPE_TEXT, message->channel, strlen(message->channel), error);
    if (status == ADB_OK)
        status = adb__sink_bytes(sink, 1, ADB_TYPE_TEXT, message->payload, message->size, error);
    if (status == ADB_OK) {
        adb__sink_int(sink, 2, message->pid);
        status = adb__sink_row_end(sink, error);
    }
    free(message);
    return status;
}

adb_status fake_hear(struct fake_conn *conn, struct adb__sink *sink, adb_error *error)
{
    static const struct adb__column columns[] = {{.name = "channel", .type = ADB_TYPE_TEXT},
                                                 {.name = "payload", .type = ADB_TYPE_TEXT},
                                                 {.name = "pid", .type = ADB_TYPE_INT}};
    adb_status status = adb__sink_columns(sink, columns, 3, error);
    while (status == ADB_OK) {
        struct pollfd fds[] = {{.fd = adb__notify_fd(&conn->arrived), .events = POLLIN},
                               {.fd = conn->open->wake_fd, .events = POLLIN}};
        if (atomic_load(&conn->lost))
            return fake_lose(conn, 0, error);
        struct fake_message *message = take(conn);
        if (message != NULL) {
            status = give(message, sink, error);
            continue;
        }
        if (fake_should_stop(conn))
            return adb__error_set(error, ADB_E_CANCELLED, "interrupted");
        poll(fds, 2, 100);
        pthread_mutex_lock(&listen_lock);
        receive(conn);
        pthread_mutex_unlock(&listen_lock);
    }
    return status == ADB__SINK_ENOUGH ? ADB_OK : status;
}

adb_status fake_send(struct fake_conn *conn, const struct adb__statement *statement, adb_error *error)
{
    if (statement->n_values != 2)
        return adb__error_set(error, ADB_E_PARAMETER, "a channel and a payload");
    const adb_value *payload = &statement->values[1];
    struct fake_message *message =
        message_new(statement->values[0].as.text, payload->as.text, payload->size, (int)conn->number);
    message->next = conn->outbox;
    conn->outbox = message;
    if (!conn->in_transaction)
        fake_outbox_end(conn, true);
    return ADB_OK;
}

void fake_outbox_end(struct fake_conn *conn, bool commits)
{
    struct fake_message *ordered = NULL;
    while (conn->outbox != NULL) {
        struct fake_message *message = conn->outbox;
        conn->outbox = message->next;
        message->next = ordered;
        ordered = message;
    }
    while (ordered != NULL) {
        struct fake_message *message = ordered;
        ordered = message->next;
        if (commits)
            broadcast(message->channel, message->payload, message->size, message->pid);
        free(message);
    }
}

void fake_listen_wake(void)
{
    pthread_mutex_lock(&listen_lock);
    for (struct fake_conn *conn = listening; conn != NULL; conn = conn->next_listening)
        adb__notify_signal(&conn->arrived);
    pthread_mutex_unlock(&listen_lock);
}

void fake_listen_end(struct fake_conn *conn)
{
    fake_outbox_end(conn, false);
    if (!conn->listens)
        return;
    pthread_mutex_lock(&listen_lock);
    for (struct fake_conn **at = &listening; *at != NULL; at = &(*at)->next_listening) {
        if (*at == conn) {
            *at = conn->next_listening;
            break;
        }
    }
    receive(conn);
    pthread_mutex_unlock(&listen_lock);
    for (struct fake_message *message = take(conn); message != NULL; message = take(conn))
        free(message);
    adb__notify_close(&conn->arrived);
    conn->listens = false;
}
