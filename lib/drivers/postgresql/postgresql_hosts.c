/* SPDX-License-Identifier: BSD-3-Clause */
/* The hosts of a URL: one, or a list of them, before the path or in the options host and port. */
#include "drivers/postgresql/postgresql.h"

#include "model/error.h"
#include "model/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the list comes from: before the path it is still encoded, and the URL has checked its ports. */
struct source {
    const char *hosts;
    bool is_encoded;
};

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return (byte | 0x20) - 'a' + 10;
}

/* In place; the URL has checked every escape. */
static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        *to = *from;
        if (*from == '%') {
            *to = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            from += 2;
        }
        to++;
    }
    *to = '\0';
}

static bool is_port(const char *text, size_t size)
{
    const unsigned long number = strtoul(text, NULL, 10);
    return size > 0 && size <= 5 && strspn(text, "0123456789") >= size && number <= 65535;
}

/* Where the name ends in a piece of the list. An address of IPv6 stands in brackets, or else has no port. */
static size_t name_end(const char *piece, size_t size)
{
    const char *first = memchr(piece, ':', size);
    if (piece[0] == '[') {
        const char *close = memchr(piece, ']', size);
        return close != NULL ? (size_t)(close + 1 - piece) : size;
    }
    if (piece[0] == '/' || first == NULL)
        return size;
    const size_t end = (size_t)(first - piece);
    return memchr(first + 1, ':', size - end - 1) == NULL ? end : size;
}

static adb_status host_read(const struct source *source, const char *piece, size_t size, struct adb__arena *arena,
                            struct adb__pg_host *host_out, adb_error *error)
{
    const size_t end = name_end(piece, size);
    const size_t bracket = size > 0 && piece[0] == '[' ? 1 : 0;
    const char *port = piece + end + 1;
    const size_t port_size = end < size ? size - end - 1 : 0;
    char *name = adb__arena_bytes(arena, piece + bracket, end - 2 * bracket);
    if (name == NULL)
        return adb__pg_no_memory(error);
    if (source->is_encoded)
        decode(name);
    host_out->name = name[0] != '\0' ? name : NULL;
    if (port_size == 0)
        return ADB_OK;
    if (piece[end] != ':' || !is_port(port, port_size))
        return adb__error_set(error, ADB_E_URL, "the port of host \"%.60s\" is not a number from 0 to 65535", name);
    host_out->port = adb__arena_bytes(arena, port, port_size);
    return host_out->port != NULL ? ADB_OK : adb__pg_no_memory(error);
}

static size_t count_pieces(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

static adb_status hosts_split(const struct source *source, struct adb__pg_settings *settings, adb_error *error)
{
    const size_t count = count_pieces(source->hosts);
    const char *piece = source->hosts;
    settings->hosts = adb__arena_alloc(&settings->arena, count * sizeof(*settings->hosts));
    if (settings->hosts == NULL)
        return adb__pg_no_memory(error);
    for (settings->n_hosts = 0; settings->n_hosts < count; settings->n_hosts++) {
        const size_t size = strcspn(piece, ",");
        struct adb__pg_host *host = &settings->hosts[settings->n_hosts];
        *host = (struct adb__pg_host){.name = NULL};
        const adb_status status = host_read(source, piece, size, &settings->arena, host, error);
        if (status != ADB_OK)
            return status;
        piece += size + 1;
    }
    return ADB_OK;
}

/* The option port: one for all hosts that have none of their own, or one for each. */
static adb_status ports_give(const char *list, struct adb__pg_settings *settings, adb_error *error)
{
    const size_t count = count_pieces(list);
    if (count != 1 && count != settings->n_hosts)
        return adb__error_set(error, ADB_E_OPTION, "option \"port\" has %zu ports for %zu hosts", count,
                              settings->n_hosts);
    for (size_t i = 0; i < settings->n_hosts; i++) {
        const size_t size = strcspn(list, ",");
        if (!is_port(list, size))
            return adb__error_set(error, ADB_E_OPTION, "option \"port\" must be numbers from 0 to 65535, not \"%.60s\"",
                                  list);
        char *port = adb__arena_bytes(&settings->arena, list, size);
        if (port == NULL)
            return adb__pg_no_memory(error);
        if (settings->hosts[i].port == NULL)
            settings->hosts[i].port = port;
        if (count > 1)
            list += size + 1;
    }
    return ADB_OK;
}

static adb_status port_of_url(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    char *port = adb__arena_alloc(&settings->arena, 8);
    if (port == NULL)
        return adb__pg_no_memory(error);
    snprintf(port, 8, "%d", adb_url_port(url));
    for (size_t i = 0; i < settings->n_hosts; i++) {
        if (settings->hosts[i].port == NULL)
            settings->hosts[i].port = port;
    }
    return ADB_OK;
}

/* What stands before the path, without user and password. */
static const char *hosts_of_netloc(const adb_url *url)
{
    const char *netloc = adb_url_netloc(url);
    const char *at = strrchr(netloc, '@');
    return at != NULL ? at + 1 : netloc;
}

static adb_status one_host(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    settings->hosts = adb__arena_alloc(&settings->arena, sizeof(*settings->hosts));
    if (settings->hosts == NULL)
        return adb__pg_no_memory(error);
    settings->hosts[0] = (struct adb__pg_host){.name = adb_url_host(url)};
    settings->n_hosts = 1;
    return ADB_OK;
}

adb_status adb__pg_hosts_read(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    const char *host = adb_url_host(url);
    const char *ports = adb_url_option(url, "port");
    const char *netloc = hosts_of_netloc(url);
    const bool is_list = strchr(netloc, ',') != NULL;
    const bool is_option = netloc[0] == '\0' || netloc[0] == ':';
    adb_status status;
    if (host != NULL && (is_list || is_option))
        status = hosts_split(&(struct source){.hosts = host, .is_encoded = is_list}, settings, error);
    else
        status = one_host(url, settings, error); /* decoded, and a ',' or ':' in it is its own */
    if (status == ADB_OK && adb_url_port(url) >= 0)
        status = port_of_url(url, settings, error);
    if (status == ADB_OK && ports != NULL && ports[0] != '\0')
        status = ports_give(ports, settings, error);
    return status;
}
