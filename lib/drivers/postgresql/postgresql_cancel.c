/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking the server to stop a statement: over a connection of its own, from another thread, and never for long.
 *
 * libpq 17 can do that (PQcancelStart). Before it there is PQcancel(), which waits for the server without any limit: on
 * a silent network the thread that keeps the deadlines would hang with it. So with an older libpq the request is sent
 * from here. It takes the secret key of the session, which that libpq hands out in its trace of the start only; without
 * one, PQcancel() is what remains. */
#include "drivers/postgresql/postgresql.h"

#include "base/clock.h"
#include "config.h"
#include "drivers/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For connecting, asking and seeing the server hang up. */
#define LONGEST_ASK_MS 1000

#ifdef HAVE_PQCANCELCREATE

void adb__pg_eavesdrop(struct adb__pg_eavesdropper *ear, PGconn *pg)
{
    (void)pg;
    ear->stream = NULL;
}

void adb__pg_eavesdrop_end(struct adb__pg_eavesdropper *ear, PGconn *pg, struct adb__pg_canceller *canceller)
{
    (void)ear;
    (void)pg;
    (void)canceller;
}

void adb__pg_canceller_init(struct adb__pg_canceller *canceller, PGconn *pg)
{
    canceller->handle = PQcancelCreate(pg);
}

void adb__pg_canceller_fini(struct adb__pg_canceller *canceller)
{
    PQcancelFinish(canceller->handle);
    canceller->handle = NULL;
}

bool adb__pg_canceller_ask(const struct adb__pg_canceller *canceller)
{
    const struct adb__patience patience = {.deadline = adb__deadline_in(adb__clock_now(), LONGEST_ASK_MS),
                                           .wake_fd = -1};
    PGcancelConn *request = canceller->handle;
    enum adb__socket_event event = ADB__SOCKET_READY;
    if (request == NULL || !PQcancelStart(request))
        return true;
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
    while (event == ADB__SOCKET_READY && (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING)) {
        event = adb__socket_wait(PQcancelSocket(request),
                                 wanted == PGRES_POLLING_READING ? ADB__SOCKET_READ : ADB__SOCKET_WRITE, &patience);
        wanted = PQcancelPoll(request);
    }
    PQcancelReset(request);
    return event == ADB__SOCKET_READY;
}

#else

/* What begins a request to cancel, in place of a version of the protocol. */
#define CANCEL_REQUEST_CODE ((1234u << 16) | 5678u)

/* Not a byte of it is wanted but the key, and some of it may be a password. */
static void forget(struct adb__pg_eavesdropper *ear)
{
    volatile char *text = ear->text;
    for (size_t i = 0; i < sizeof(ear->text); i++)
        text[i] = '\0';
}

void adb__pg_eavesdrop(struct adb__pg_eavesdropper *ear, PGconn *pg)
{
    ear->stream = NULL;
    forget(ear);
    FILE *stream = fmemopen(ear->text, sizeof(ear->text), "w");
    if (stream == NULL)
        return;
    setvbuf(stream, NULL, _IONBF, 0); /* no second copy of it anywhere */
    ear->stream = stream;
    PQtrace(pg, stream);
    PQsetTraceFlags(pg, PQTRACE_SUPPRESS_TIMESTAMPS); /* made with localtime(), which is for one thread only */
}

void adb__pg_eavesdrop_end(struct adb__pg_eavesdropper *ear, PGconn *pg, struct adb__pg_canceller *canceller)
{
    static const char word[] = "BackendKeyData";
    if (ear->stream == NULL)
        return;
    PQuntrace(pg);
    fclose(ear->stream);
    ear->stream = NULL;
    ear->text[sizeof(ear->text) - 1] = '\0';
    const char *key = strstr(ear->text, word);
    if (key != NULL)
        canceller->has_key = sscanf(key + strlen(word), "%d %d", &canceller->pid, &canceller->key) == 2;
    forget(ear);
}

void adb__pg_canceller_init(struct adb__pg_canceller *canceller, PGconn *pg)
{
    socklen_t size = sizeof(canceller->address);
    if (getpeername(PQsocket(pg), (struct sockaddr *)&canceller->address, &size) == 0 &&
        size <= sizeof(canceller->address))
        canceller->address_size = size;
    canceller->has_key = canceller->has_key && canceller->address_size > 0;
    if (!canceller->has_key)
        canceller->handle = PQgetCancel(pg);
}

void adb__pg_canceller_fini(struct adb__pg_canceller *canceller)
{
    PQfreeCancel(canceller->handle);
    canceller->handle = NULL;
}

/* Sixteen bytes out; then the server, when it has sent the signal, hangs up. False: it may send it yet. */
static bool converse(const struct adb__pg_canceller *canceller, int fd)
{
    const struct adb__patience patience = {.deadline = adb__deadline_in(adb__clock_now(), LONGEST_ASK_MS),
                                           .wake_fd = -1};
    const uint32_t request[] = {htonl(16), htonl(CANCEL_REQUEST_CODE), htonl((uint32_t)canceller->pid),
                                htonl((uint32_t)canceller->key)};
    if (connect(fd, (const struct sockaddr *)&canceller->address, canceller->address_size) != 0 &&
        adb__socket_wait(fd, ADB__SOCKET_WRITE, &patience) != ADB__SOCKET_READY)
        return true;
    if (send(fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        return true;
    return adb__socket_wait(fd, ADB__SOCKET_READ, &patience) == ADB__SOCKET_READY;
}

bool adb__pg_canceller_ask(const struct adb__pg_canceller *canceller)
{
    if (!canceller->has_key) {
        char words[256];
        if (canceller->handle != NULL)
            PQcancel(canceller->handle, words, sizeof(words));
        return true;
    }
    const int fd = socket(canceller->address.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return true;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    const bool is_settled = converse(canceller, fd);
    close(fd);
    return is_settled;
}

#endif

void adb__pg_stop(struct adb__pg *conn)
{
    struct adb__pg_canceller own = conn->canceller;
    own.handle = NULL; /* that one belongs to the other thread */
    adb__pg_canceller_init(&own, conn->pg);
    conn->stop_is_loose = !adb__pg_canceller_ask(&own) || conn->stop_is_loose;
    adb__pg_canceller_fini(&own);
}
