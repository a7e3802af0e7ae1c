/* SPDX-License-Identifier: BSD-3-Clause */
/* A database of the program's own on a server: made before the first test, emptied before each, dropped after the last.
 * So programs run side by side on one server, and leave nothing there. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static char name[32];     /* of the database */
static char url[1024];
static adb_database *given; /* where the URL of the instance leads: makes and drops it */
static adb_database *made;  /* the new one: empties it */

const char *suite_server_database(void)
{
    return name;
}

static bool complain(const char *what, const adb_error *error)
{
    if (error->status != ADB_OK)
        printf("# %s: %s: %s\n", what, adb_status_name(error->status), error->message);
    return error->status == ADB_OK;
}

static bool run(adb_database *on, const char *form)
{
    char sql[256];
    suite_expand(sql, sizeof(sql), form);
    adb_context *lane = adb_context_new(on, NULL, 0);
    adb_result *result = adb_wait(lane, adb_execute_script(lane, sql, NULL, NULL), PATIENCE_MS);
    const bool good = complain(sql, adb_result_error(result));
    adb_result_unref(result);
    adb_context_free(lane);
    return good;
}

static adb_database *open_one(const char *at)
{
    adb_error error = {0};
    adb_database *opened = NULL;
    adb_database_open(at, ADB_OPTIONS(.max_size = 1, .wait_timeout_ms = PATIENCE_MS), &opened, &error);
    complain("open", &error);
    return opened;
}

/* The same URL with the other database. */
static bool url_of(const char *at)
{
    adb_url *parsed = NULL;
    adb_error error = {0};
    if (adb_url_parse(at, &parsed, &error) != ADB_OK)
        return complain("URL", &error);
    snprintf(name, sizeof(name), "adb_suite_%ld", (long)getpid());
    const bool good = adb_url_set_database(parsed, name) == ADB_OK;
    snprintf(url, sizeof(url), "%s", adb_url_text(parsed));
    adb_url_free(parsed);
    return good;
}

const char *suite_server_make(const char *at)
{
    if (!url_of(at))
        return NULL;
    given = open_one(at);
    if (given == NULL || !run(given, suite->dialect->drop) || !run(given, suite->dialect->create))
        return NULL;
    made = open_one(url);
    return made != NULL ? url : NULL;
}

void suite_server_wipe(void)
{
    REQUIRE(run(made, suite->dialect->wipe));
}

void suite_server_drop(void)
{
    if (made != NULL) {
        adb_database_close(made, PATIENCE_MS);
        adb_database_free(made);
        run(given, suite->dialect->drop);
    }
    adb_database_free(given);
    given = made = NULL;
}

int suite_server_main(const struct suite_database *database, const char *variable, int argc, char **argv)
{
    struct suite_database server = *database;
    server.url = getenv(variable);
    if (server.url == NULL || server.url[0] == '\0') {
        printf("%s is not set\n", variable);
        return 77;
    }
    return suite_main(&server, argc, argv);
}
