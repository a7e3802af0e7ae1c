/* SPDX-License-Identifier: BSD-3-Clause */
/* Connecting: options of the client library, encryption in the words of the house, and waiting for the server without
 * being deaf to the core. Used for connections, and for those that only KILL. */
#include "drivers/mysql/mysql_driver.h"

#include "base/clock.h"
#include "config.h"
#include "model/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A column may be as large as the library can read, and the server has a limit of its own. */
#define MOST_PACKET ((unsigned long)1 << 30)

/* How many of this thread's connections are open: the library keeps something for each thread that has any. */
static _Thread_local unsigned n_in_thread;

bool adb__mysql_thread_enter(void)
{
    if (n_in_thread == 0 && mysql_thread_init() != 0)
        return false;
    n_in_thread++;
    return true;
}

void adb__mysql_thread_leave(void)
{
    n_in_thread--;
    if (n_in_thread == 0)
        mysql_thread_end();
}

int adb__mysql_socket(MYSQL *mysql)
{
#ifdef HAVE_MYSQL_GET_SOCKET
    return (int)mysql_get_socket(mysql);
#else
    return (int)mysql->net.fd;
#endif
}

/* Encryption ------------------------------------------------------------------------------------------------------- */

/* One attempt is either plain or encrypted; or, where the server decides, whatever it can. */
enum attempt { PLAIN, EITHER, ENCRYPTED };

static void set_flag(MYSQL *mysql, enum mysql_option option, bool flag)
{
    const adb__mysql_bool value = flag;
    mysql_options(mysql, option, &value);
}

#if defined(HAVE_DECL_MYSQL_OPT_SSL_MODE) && HAVE_DECL_MYSQL_OPT_SSL_MODE
static void set_mode(MYSQL *mysql, const struct adb__mysql_settings *settings, enum attempt attempt)
{
    unsigned mode = SSL_MODE_REQUIRED;
    if (attempt != ENCRYPTED)
        mode = attempt == PLAIN ? SSL_MODE_DISABLED : SSL_MODE_PREFERRED;
    else if (settings->tls.mode == ADB__TLS_VERIFY_CA)
        mode = SSL_MODE_VERIFY_CA;
    else if (settings->tls.mode == ADB__TLS_VERIFY_FULL)
        mode = SSL_MODE_VERIFY_IDENTITY;
    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
}
#else
/* Connector/C verifies the host's name whenever it verifies; a CA it has been given it always checks against. */
static void set_mode(MYSQL *mysql, const struct adb__mysql_settings *settings, enum attempt attempt)
{
    set_flag(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, settings->tls.mode == ADB__TLS_VERIFY_FULL);
    set_flag(mysql, MYSQL_OPT_SSL_ENFORCE, attempt != PLAIN);
}
#endif

static void set_encryption(MYSQL *mysql, const struct adb__mysql_settings *settings, enum attempt attempt)
{
    const struct adb__tls *tls = &settings->tls;
    set_mode(mysql, settings, attempt);
    if (attempt == PLAIN)
        return;
    if (tls->ca != NULL)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, tls->ca);
    if (tls->cert != NULL)
        mysql_options(mysql, MYSQL_OPT_SSL_CERT, tls->cert);
    if (tls->key != NULL)
        mysql_options(mysql, MYSQL_OPT_SSL_KEY, tls->key);
    if (tls->crl != NULL)
        mysql_options(mysql, MYSQL_OPT_SSL_CRL, tls->crl);
}

/* Options ---------------------------------------------------------------------------------------------------------- */

static void set_text(MYSQL *mysql, enum mysql_option option, const char *text)
{
    if (text != NULL)
        mysql_options(mysql, option, text);
}

static void set_seconds(MYSQL *mysql, enum mysql_option option, unsigned seconds)
{
    if (seconds > 0)
        mysql_options(mysql, option, &seconds);
}

/* Whole seconds, rounded up: the library knows no less. */
static void set_connect_timeout(MYSQL *mysql, int64_t deadline)
{
    const int left_ms = adb__deadline_left_ms(deadline, adb__clock_now());
    if (left_ms >= 0)
        set_seconds(mysql, MYSQL_OPT_CONNECT_TIMEOUT, (unsigned)left_ms / 1000 + 1);
}

static void set_place(MYSQL *mysql, const struct adb__mysql_settings *settings)
{
    unsigned protocol = MYSQL_PROTOCOL_SOCKET;
    if (settings->host != NULL)
        protocol = MYSQL_PROTOCOL_TCP; /* also for localhost, which means the socket to the library */
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
}

static void set_options(MYSQL *mysql, const struct adb__mysql_settings *settings, int64_t deadline)
{
    const char *const *values = settings->values;
    const unsigned local_infile = 0;
    const unsigned long max_packet = MOST_PACKET;
    set_text(mysql, MYSQL_READ_DEFAULT_FILE, values[ADB__MYSQL_READ_DEFAULT_FILE]);
    set_text(mysql, MYSQL_READ_DEFAULT_GROUP, values[ADB__MYSQL_READ_DEFAULT_GROUP]);
    set_text(mysql, MYSQL_DEFAULT_AUTH, values[ADB__MYSQL_DEFAULT_AUTH]);
    set_text(mysql, MYSQL_PLUGIN_DIR, values[ADB__MYSQL_PLUGIN_DIR]);
    set_text(mysql, MYSQL_SERVER_PUBLIC_KEY, values[ADB__MYSQL_SERVER_PUBLIC_KEY]);
    set_text(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
    mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &max_packet);
    set_connect_timeout(mysql, deadline);
    set_seconds(mysql, MYSQL_OPT_READ_TIMEOUT, settings->read_timeout_s);
    set_seconds(mysql, MYSQL_OPT_WRITE_TIMEOUT, settings->write_timeout_s);
    if (settings->compress)
        mysql_options(mysql, MYSQL_OPT_COMPRESS, NULL);
    if (values[ADB__MYSQL_APPLICATION_NAME] != NULL)
        mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", values[ADB__MYSQL_APPLICATION_NAME]);
    set_place(mysql, settings);
}

/* Waiting ---------------------------------------------------------------------------------------------------------- */

/* An UPDATE tells how many rows it found, as in the other databases, not how many of them it changed; and a procedure
 * may give several results. */
#define CLIENT_FLAGS (CLIENT_FOUND_ROWS | CLIENT_MULTI_RESULTS)

static adb_status give_up(enum adb__socket_event event, adb_error *error)
{
    if (event == ADB__SOCKET_STOPPED)
        return adb__error_set(error, ADB_E_CANCELLED, "stopped while connecting");
    return adb__error_native(error, ADB_E_CONNECTION, 0, 0, "08001", "the server did not answer in time");
}

#ifdef HAVE_MYSQL_REAL_CONNECT_START
/* What the library connects to when nobody has said another path. */
static const char *socket_path(const struct adb__mysql_settings *settings)
{
    const bool is_in_file = settings->values[ADB__MYSQL_READ_DEFAULT_FILE] != NULL ||
                            settings->values[ADB__MYSQL_READ_DEFAULT_GROUP] != NULL;
    if (settings->socket != NULL || is_in_file)
        return settings->socket;
#ifdef MARIADB_UNIX_ADDR
    return MARIADB_UNIX_ADDR;
#else
    return NULL;
#endif
}

/* Why nobody can be reached at this path; 0: somebody is there. The server sees nothing of it: a socket of another type
 * than its own is told so (EPROTOTYPE, POSIX connect()), if there is a server. */
static int absence_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return 0; /* not what was asked: the library will say */
    const int failure = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    close(fd);
    return failure == EPROTOTYPE ? 0 : failure;
}

/* When a unix socket refuses, MariaDB Connector/C (3.3) that does not block closes its descriptor twice, and the second
 * time that may be another thread's already. So it is not asked where nobody is. What is left is a server that goes
 * away, or whose backlog fills, at this very moment. */
static adb_status find_server(const struct adb__mysql_settings *settings, adb_error *error)
{
    const char *path = settings->host == NULL ? socket_path(settings) : NULL;
    const int failure = path == NULL ? 0 : absence_at(path);
    char text[ADB_ERROR_MESSAGE_SIZE];
    if (failure == 0)
        return ADB_OK;
    snprintf(text, sizeof(text), "Can't connect to local server through socket '%s' (%d)", path, failure);
    return adb__error_native(error, ADB_E_CONNECTION, 0, 2002, "08001", text);
}

static unsigned directions_of(int wanted)
{
    const unsigned in = (wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT)) != 0 ? ADB__SOCKET_READ : 0;
    const unsigned out = (wanted & MYSQL_WAIT_WRITE) != 0 ? ADB__SOCKET_WRITE : 0;
    return in | out;
}

static adb_status log_in(MYSQL *mysql, const struct adb__mysql_settings *settings, const struct adb__patience *patience,
                         adb_error *error)
{
    MYSQL *connected = NULL;
    adb_status status = ADB_OK;
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
    int wanted = mysql_real_connect_start(&connected, mysql, settings->host, settings->user, settings->password,
                                          settings->database, settings->port, settings->socket, CLIENT_FLAGS);
    while (wanted != 0) {
        int came = MYSQL_WAIT_TIMEOUT;
        if (status == ADB_OK) {
            const enum adb__socket_event event =
                adb__socket_wait(adb__mysql_socket(mysql), directions_of(wanted), patience);
            if (event == ADB__SOCKET_READY)
                came = wanted & ~MYSQL_WAIT_TIMEOUT;
            else
                status = give_up(event, error);
        }
        /* The library has to unwind what it has begun: once we have given up, all that it waits for times out. */
        wanted = mysql_real_connect_cont(&connected, mysql, came);
    }
    if (status == ADB_OK && connected == NULL)
        status = adb__mysql_connect_error(mysql, error);
    return status;
}
#else
/* It blocks, and closes what it has opened once. */
static adb_status find_server(const struct adb__mysql_settings *settings, adb_error *error)
{
    (void)settings;
    (void)error;
    return ADB_OK;
}

/* The library can only be told how many seconds it has. */
static adb_status log_in(MYSQL *mysql, const struct adb__mysql_settings *settings, const struct adb__patience *patience,
                         adb_error *error)
{
    if (mysql_real_connect(mysql, settings->host, settings->user, settings->password, settings->database,
                           settings->port, settings->socket, CLIENT_FLAGS) != NULL)
        return ADB_OK;
    const adb_status status = adb__mysql_connect_error(mysql, error);
    if (patience->stop_fn != NULL && patience->stop_fn(patience->stop_data))
        return give_up(ADB__SOCKET_STOPPED, error);
    return status;
}
#endif

static adb_status attempt_once(const struct adb__mysql_settings *settings, enum attempt attempt,
                               const struct adb__patience *patience, MYSQL **mysql_out, adb_error *error)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a connection");
    set_options(mysql, settings, patience->deadline);
    set_encryption(mysql, settings, attempt);
    adb_status status = find_server(settings, error);
    if (status == ADB_OK)
        status = log_in(mysql, settings, patience, error);
    /* Not every version of the library takes its own option for an order. */
    if (status == ADB_OK && attempt == ENCRYPTED && mysql_get_ssl_cipher(mysql) == NULL)
        status = adb__error_native(error, ADB_E_CONNECTION, 0, 2026, "08001", "the server does not offer TLS");
    if (status != ADB_OK) {
        mysql_close(mysql);
        return status;
    }
    *mysql_out = mysql;
    return ADB_OK;
}

adb_status adb__mysql_connect(const struct adb__mysql_settings *settings, const struct adb__patience *patience,
                              MYSQL **mysql_out, adb_error *error)
{
    enum attempt first = ENCRYPTED;
    switch (settings->tls.mode) {
    case ADB__TLS_DEFAULT: /* nobody listens on a unix socket */
        first = settings->host != NULL ? EITHER : PLAIN;
        break;
    case ADB__TLS_DISABLE:
    case ADB__TLS_ALLOW:
        first = PLAIN;
        break;
    case ADB__TLS_PREFER:
        first = EITHER;
        break;
    default:
        break;
    }
    adb_status status = attempt_once(settings, first, patience, mysql_out, error);
    /* A server that insists on encryption for this user refuses as if the password were wrong. */
    if (status == ADB_E_AUTH && settings->tls.mode == ADB__TLS_ALLOW)
        status = attempt_once(settings, ENCRYPTED, patience, mysql_out, error);
    return status;
}
