/* SPDX-License-Identifier: BSD-3-Clause */
/* A database of a program's own on a server. */
#include "tests/lib/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

const char *own_variable(const char *variable)
{
    const char *url = getenv(variable);
    if (url != NULL && url[0] != '\0')
        return url;
    printf("%s is not set\n", variable);
    return NULL;
}

static bool went_well(const char *what, const adb_error *error)
{
    if (error->status != ADB_OK)
        printf("# %s: %s: %s\n", what, adb_status_name(error->status), error->message);
    return error->status == ADB_OK;
}

bool own_run(adb_database *db, const char *sql)
{
    adb_context *ctx = adb_context_new(db, NULL, 0);
    adb_result *result = adb_wait(ctx, adb_execute_script(ctx, sql, NULL, NULL), PATIENCE_MS);
    const bool good = went_well(sql, adb_result_error(result));
    adb_result_unref(result);
    adb_context_free(ctx);
    return good;
}

static bool read_url(struct own *own, const char *url)
{
    adb_url *other = NULL;
    adb_error error = {0};
    snprintf(own->name, sizeof(own->name), "adb_own_%ld", (long)getpid());
    if (adb_url_parse(url, &other, &error) == ADB_OK && adb_url_set_database(other, own->name) == ADB_OK)
        snprintf(own->url, sizeof(own->url), "%s", adb_url_text(other));
    adb_url_free(other);
    return went_well("URL", &error) && own->url[0] != '\0';
}

static bool drop(struct own *own)
{
    char sql[96];
    const bool forced = strcmp(adb_database_driver(own->given), "postgresql") == 0;
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s%s", own->name, forced ? " WITH (FORCE)" : "");
    return own_run(own->given, sql);
}

bool own_make(struct own *own, const char *url)
{
    char sql[96];
    adb_error error = {0};
    *own = (struct own){.given = NULL};
    if (!read_url(own, url))
        return false;
    adb_database_open(url, ADB_OPTIONS(.max_size = 1), &own->given, &error);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", own->name);
    return went_well("open", &error) && drop(own) && own_run(own->given, sql);
}

void own_drop(struct own *own)
{
    if (own->given != NULL)
        drop(own);
    adb_database_close(own->given, PATIENCE_MS);
    adb_database_free(own->given);
    *own = (struct own){.given = NULL};
}
