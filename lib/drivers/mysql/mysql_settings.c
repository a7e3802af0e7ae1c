/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL and its options say to the MySQL driver: where the server is, who asks, and how the session is to be.
 * No I/O. */
#include "drivers/mysql/mysql_driver.h"

#include "model/error.h"
#include "model/url.h"

#include <sched.h>
#include <string.h>
#include <strings.h>

/* An iteration may pause longer than the minute that servers wait for a reader by default. */
#define NET_WRITE_TIMEOUT_S 3600

#define MOST_SECONDS (INT32_MAX / 1000)

const char *const adb__mysql_keys[] = {
    [ADB__MYSQL_SOCKET] = "socket",
    [ADB__MYSQL_CHARSET] = "charset",
    [ADB__MYSQL_INIT_COMMAND] = "init_command",
    [ADB__MYSQL_SQL_MODE] = "sql_mode",
    [ADB__MYSQL_TIME_ZONE] = "time_zone",
    [ADB__MYSQL_COMPRESS] = "compress",
    [ADB__MYSQL_READ_TIMEOUT] = "read_timeout",
    [ADB__MYSQL_WRITE_TIMEOUT] = "write_timeout",
    [ADB__MYSQL_NET_WRITE_TIMEOUT] = "net_write_timeout",
    [ADB__MYSQL_LOCAL_INFILE] = "local_infile",
    [ADB__MYSQL_DEFAULT_AUTH] = "default_auth",
    [ADB__MYSQL_PLUGIN_DIR] = "plugin_dir",
    [ADB__MYSQL_SERVER_PUBLIC_KEY] = "server_public_key",
    [ADB__MYSQL_APPLICATION_NAME] = "application_name",
    [ADB__MYSQL_READ_DEFAULT_FILE] = "read_default_file",
    [ADB__MYSQL_READ_DEFAULT_GROUP] = "read_default_group",
    ADB__TLS_KEYS,
    NULL,
};

/* The client library ---------------------------------------------------------------------------------------------- */

/* Databases may be opened by several threads at once, and the library can only be readied by one. */
static bool ready_library(void)
{
    static struct adb__counter attempts;
    static struct adb__counter ready;
    while (adb__counter_add_get(&ready, 0) == 0) {
        const bool is_first = adb__counter_add_get(&attempts, 1) == 1;
        const bool failed = is_first && mysql_library_init(0, NULL, NULL) != 0;
        if (is_first && !failed)
            adb__counter_add_get(&ready, 1);
        adb__counter_add_get(&attempts, -1);
        if (failed)
            return false;
        sched_yield();
    }
    return true;
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

static adb_status refuse(const adb_url *url, const char *key, const char *expected, adb_error *error)
{
    size_t index = 0;
    while (strcmp(adb_url_option_key(url, index), key) != 0)
        index++;
    return adb__error_set(error, ADB_E_OPTION, "option \"%s\" at offset %zu of the URL must be %s, not \"%.60s\"", key,
                          adb__url_option_offset(url, index), expected, adb_url_option_value(url, index));
}

static adb_status refuse_twice(const adb_url *url, const char *key, adb_error *error)
{
    const size_t n_options = adb_url_options(url);
    bool seen = false;
    for (size_t i = 0; i < n_options; i++) {
        if (strcmp(adb_url_option_key(url, i), key) != 0)
            continue;
        if (seen)
            return adb__error_set(error, ADB_E_OPTION, "option \"%s\" is there again at offset %zu of the URL", key,
                                  adb__url_option_offset(url, i));
        seen = true;
    }
    return ADB_OK;
}

static adb_status read_texts(const adb_url *url, struct adb__mysql_settings *settings, adb_error *error)
{
    adb_status status = ADB_OK;
    for (size_t key = 0; key < ADB__MYSQL_N_KEYS && status == ADB_OK; key++) {
        settings->values[key] = adb_url_option(url, adb__mysql_keys[key]);
        if (settings->values[key] != NULL)
            status = refuse_twice(url, adb__mysql_keys[key], error);
    }
    return status;
}

static adb_status read_seconds(const adb_url *url, enum adb__mysql_key key, unsigned *seconds_out, adb_error *error)
{
    int64_t seconds = *seconds_out;
    const adb_status status = adb__url_option_int(url, adb__mysql_keys[key], 0, MOST_SECONDS, &seconds, error);
    *seconds_out = (unsigned)seconds;
    return status;
}

static adb_status read_numbers(const adb_url *url, struct adb__mysql_settings *settings, adb_error *error)
{
    settings->net_write_timeout_s = NET_WRITE_TIMEOUT_S;
    adb_status status = read_seconds(url, ADB__MYSQL_READ_TIMEOUT, &settings->read_timeout_s, error);
    if (status == ADB_OK)
        status = read_seconds(url, ADB__MYSQL_WRITE_TIMEOUT, &settings->write_timeout_s, error);
    if (status == ADB_OK)
        status = read_seconds(url, ADB__MYSQL_NET_WRITE_TIMEOUT, &settings->net_write_timeout_s, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, adb__mysql_keys[ADB__MYSQL_COMPRESS], &settings->compress, error);
    return status;
}

/* Is the word one of the comma-separated ones? */
static bool has_word(const char *list, const char *word)
{
    const size_t size = strlen(word);
    while (*list != '\0') {
        const size_t length = strcspn(list, ",");
        if (length == size && strncasecmp(list, word, size) == 0)
            return true;
        list += length + (list[length] == ',');
    }
    return false;
}

/* The tokenizer takes "text" for a literal, and the backslash in it for an escape. */
static adb_status check_sql_mode(const adb_url *url, const char *sql_mode, adb_error *error)
{
    static const char *const words[] = {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI",  "DB2", "MAXDB",
                                        "MSSQL",       "POSTGRESQL",           "ORACLE"};
    for (size_t i = 0; sql_mode != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (has_word(sql_mode, words[i]))
            return refuse(url, "sql_mode", "without ANSI_QUOTES and NO_BACKSLASH_ESCAPES, which some modes imply",
                          error);
    }
    return ADB_OK;
}

/* Text is UTF-8 in the whole library, and a server must not ask for the files of its clients. */
static adb_status check_words(const adb_url *url, const struct adb__mysql_settings *settings, adb_error *error)
{
    const char *charset = settings->values[ADB__MYSQL_CHARSET];
    bool local_infile = false;
    if (charset != NULL && strcasecmp(charset, "utf8mb4") != 0 && strcasecmp(charset, "utf8") != 0)
        return refuse(url, "charset", "utf8mb4", error);
    const adb_status status = adb__url_option_bool(url, "local_infile", &local_infile, error);
    if (status != ADB_OK)
        return status;
    if (local_infile)
        return refuse(url, "local_infile", "false", error);
    return check_sql_mode(url, settings->values[ADB__MYSQL_SQL_MODE], error);
}

/* Without a CA of its own a library may well check against none. */
static adb_status check_tls(const adb_url *url, const struct adb__tls *tls, adb_error *error)
{
    if (tls->mode != ADB__TLS_VERIFY_CA || tls->ca != NULL)
        return ADB_OK;
    return refuse(url, adb_url_option(url, "ssl") != NULL ? "ssl" : "sslmode", "used together with ssl_ca", error);
}

static const char *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* A host that is a path is a socket, and so is what comes from one of the three options. */
static adb_status read_place(const adb_url *url, struct adb__mysql_settings *settings, adb_error *error)
{
    const char *socket = text_or_null(adb_url_option(url, "unix_socket"));
    settings->host = text_or_null(adb_url_host(url));
    settings->socket = text_or_null(settings->values[ADB__MYSQL_SOCKET]);
    if (socket != NULL)
        settings->socket = socket;
    if (settings->host != NULL && settings->host[0] == '/')
        settings->socket = settings->host;
    if (settings->socket != NULL)
        settings->host = NULL;
    else if (settings->host != NULL && strchr(settings->host, ',') != NULL)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "the mysql driver takes one host, not \"%.60s\"",
                              settings->host);
    settings->port = adb_url_port(url) > 0 ? (unsigned)adb_url_port(url) : 0;
    return ADB_OK;
}

adb_status adb__mysql_settings_read(const adb_url *url, const adb_options *options,
                                    struct adb__mysql_settings *settings_out, adb_error *error)
{
    struct adb__mysql_settings settings = {.host = NULL};
    (void)options;
    adb_status status = read_texts(url, &settings, error);
    if (status == ADB_OK)
        status = read_numbers(url, &settings, error);
    if (status == ADB_OK)
        status = check_words(url, &settings, error);
    if (status == ADB_OK)
        status = adb__tls_read(url, &settings.tls, error);
    if (status == ADB_OK)
        status = check_tls(url, &settings.tls, error);
    if (status == ADB_OK)
        status = read_place(url, &settings, error);
    if (status != ADB_OK)
        return status;
    settings.user = text_or_null(adb_url_user(url));
    settings.password = text_or_null(adb_url_password(url));
    settings.database = text_or_null(adb_url_database(url));
    *settings_out = settings;
    return ADB_OK;
}

adb_status adb__mysql_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                adb_error *error)
{
    struct adb__mysql_settings settings;
    const adb_status status = adb__mysql_settings_read(url, options, &settings, error);
    if (status != ADB_OK)
        return status;
    if (options->n_pragmas > 0 || options->n_functions > 0)
        return adb__error_set(error, ADB_E_OPTION, "pragmas and functions are for SQLite only");
    if (!ready_library())
        return adb__error_set(error, ADB_E_NOMEM, "the client library cannot be initialised");
    *layout_out = (struct adb__layout){.backs_off = true,
                                       .pipelines = adb__mysql_pipeline_possible(&settings, options)};
    return ADB_OK;
}
