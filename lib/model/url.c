/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a URL that has been parsed: its parts, and which database it means. */
#include "model/url.h"

#include "base/alloc.h"
#include "model/url_parts.h"

#include <string.h>

adb_url *adb_url_dup(const adb_url *url)
{
    adb_url *copy = NULL;
    if (url != NULL)
        adb_url_parse(url->text, &copy, NULL); /* was read before: only memory can fail, and leaves NULL */
    return copy;
}

void adb_url_free(adb_url *url)
{
    if (url == NULL)
        return;
    adb__arena_reset(&url->arena);
    adb__free(url);
}

const char *adb_url_dialect(const adb_url *url)
{
    return url == NULL ? NULL : url->dialect;
}

const char *adb_url_driver(const adb_url *url)
{
    return url == NULL ? NULL : url->driver;
}

const char *adb_url_user(const adb_url *url)
{
    return url == NULL ? NULL : url->user;
}

const char *adb_url_password(const adb_url *url)
{
    return url == NULL ? NULL : url->password;
}

const char *adb_url_userinfo(const adb_url *url)
{
    return url == NULL ? NULL : url->userinfo;
}

const char *adb_url_host(const adb_url *url)
{
    return url == NULL ? NULL : url->host;
}

int adb_url_port(const adb_url *url)
{
    return url == NULL ? -1 : url->port;
}

const char *adb_url_netloc(const adb_url *url)
{
    return url == NULL ? NULL : url->netloc;
}

const char *adb_url_database(const adb_url *url)
{
    return url == NULL ? NULL : url->database;
}

const char *adb_url_text(const adb_url *url)
{
    return url == NULL ? NULL : url->text;
}

const char *adb_url_redacted(const adb_url *url)
{
    return url == NULL ? NULL : url->redacted;
}

bool adb_url_equal(const adb_url *a, const adb_url *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a->text, b->text) == 0;
}

/* Schemes ---------------------------------------------------------------------------------------------------------- */

struct scheme_name {
    const char *name;
    const char *scheme;
};

static const struct scheme_name dialects[] = {
    {"sqlite", "sqlite"},          {"sqllite", "sqlite"}, {"postgresql", "postgresql"}, {"postgres", "postgresql"},
    {"postgressql", "postgresql"}, {"mysql", "mysql"},    {"mariadb", "mysql"},
};

/* The drivers of the Python libraries, so that their URLs go on working. Each may also stand for its dialect. */
static const struct scheme_name drivers[] = {
    {"aiosqlite", "sqlite"}, {"asyncpg", "postgresql"}, {"aiopg", "postgresql"},
    {"aiomysql", "mysql"},   {"asyncmy", "mysql"},      {"trio-mysql", "mysql"},
};

#define N_DIALECTS (sizeof(dialects) / sizeof(dialects[0]))
#define N_DRIVERS  (sizeof(drivers) / sizeof(drivers[0]))

static const char *scheme_find(const struct scheme_name *names, size_t n_names, const char *name, size_t size)
{
    for (size_t i = 0; i < n_names; i++) {
        if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0)
            return names[i].scheme;
    }
    return NULL;
}

/* The length of a driver without its "pool": every database has a pool anyway. */
static size_t size_without_pool(const char *driver)
{
    const size_t size = strlen(driver);
    if (strcmp(driver, "pool") == 0)
        return 0;
    if (size > 5 && strcmp(driver + size - 5, "+pool") == 0)
        return size - 5;
    return size;
}

const char *adb__url_scheme_of(const char *dialect, const char *driver)
{
    const size_t driver_size = size_without_pool(driver);
    const char *scheme = scheme_find(dialects, N_DIALECTS, dialect, strlen(dialect));
    if (driver_size == 0)
        return scheme != NULL ? scheme : scheme_find(drivers, N_DRIVERS, dialect, strlen(dialect));
    const char *driver_scheme = scheme_find(drivers, N_DRIVERS, driver, driver_size);
    return scheme == driver_scheme ? scheme : NULL;
}

const char *adb__url_scheme(const adb_url *url)
{
    return url->scheme;
}
