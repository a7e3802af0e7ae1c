/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of drivers: those of the build, and those that tests add. */
#include "drivers/registry.h"

#include "config.h"
#include "model/error.h"
#include "model/url.h"

#ifdef ADB_HAVE_MYSQL
#include "drivers/mysql/mysql_driver.h"
#endif
#ifdef ADB_HAVE_POSTGRESQL
#include "drivers/postgresql/postgresql.h"
#endif
#ifdef ADB_HAVE_SQLITE
#include "drivers/sqlite/sqlite.h"
#endif

#include <assert.h>
#include <string.h>

#define MAX_ADDED 8

/* Ended by NULL, so that a build without any driver has a table too. */
static const struct adb__driver *const built_in[] = {
#ifdef ADB_HAVE_SQLITE
    &adb__sqlite_driver,
#endif
#ifdef ADB_HAVE_POSTGRESQL
    &adb__postgresql_driver,
#endif
#ifdef ADB_HAVE_MYSQL
    &adb__mysql_driver,
#endif
    NULL,
};

static const struct adb__driver *added[MAX_ADDED + 1];

static const struct adb__driver *find(const struct adb__driver *const *drivers, const char *scheme)
{
    for (; *drivers != NULL; drivers++) {
        if (strcmp((*drivers)->scheme, scheme) == 0)
            return *drivers;
    }
    return NULL;
}

static size_t count(const struct adb__driver *const *drivers)
{
    size_t n = 0;
    while (drivers[n] != NULL)
        n++;
    return n;
}

static bool is_complete(const struct adb__driver *driver)
{
    return driver->scheme != NULL && driver->conn_size > 0 && driver->options != NULL &&
           driver->dialect.empty_list != NULL && driver->configure != NULL && driver->open != NULL &&
           driver->close != NULL && driver->execute != NULL && driver->execute_many != NULL && driver->check != NULL &&
           driver->cancel != NULL && driver->transaction_state != NULL && driver->dialect.begin_text != NULL &&
           driver->native != NULL;
}

adb_status adb__registry_find(const adb_url *url, const struct adb__driver **driver_out, adb_error *error)
{
    const char *scheme = adb__url_scheme(url);
    const char *name = adb_url_driver(url);
    const struct adb__driver *driver = NULL;
    if (scheme != NULL)
        driver = find(built_in, scheme);
    else if (name[0] == '\0')
        driver = find(added, adb_url_dialect(url));
    if (driver != NULL) {
        assert(is_complete(driver));
        *driver_out = driver;
        return ADB_OK;
    }
    if (scheme != NULL)
        return adb__error_set(error, ADB_E_DRIVER, "the %s driver is not built in", scheme);
    return adb__error_set(error, ADB_E_DRIVER,
                          "unknown scheme \"%.60s%s%.60s\"; there are sqlite, postgresql and mysql",
                          adb_url_dialect(url), name[0] != '\0' ? "+" : "", name);
}

void adb__registry_add(const struct adb__driver *driver)
{
    assert(is_complete(driver));
    if (find(added, driver->scheme) == driver)
        return;
    const size_t n = count(added);
    assert(n < MAX_ADDED);
    added[n] = driver;
}

const char *adb_driver_name(size_t index)
{
    const size_t n_built_in = count(built_in);
    if (index < n_built_in)
        return built_in[index]->scheme;
    return index - n_built_in < count(added) ? added[index - n_built_in]->scheme : NULL;
}
