/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on each database of ADB_TEST_URLS: URLs split by blanks or commas. What is in them is not spared. MIG-05 */
#include "config.h"
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static adb_url *file;

/* A server's database is emptied before each test; a file is made anew. */
static void file_remove(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[1024];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", adb_url_database(file), suffixes[i]);
        remove(path);
    }
}

/* What is known of each driver beyond its dialect. */
static const struct suite_database known[] = {
#ifdef ADB_HAVE_SQLITE
    {.name = "sqlite", .dialect = &suite_sqlite, .can = SUITE_SQLITE, .at_least = true},
#endif
#ifdef ADB_HAVE_POSTGRESQL
    {.name = "postgresql", .dialect = &suite_postgresql, .can = SUITE_POSTGRESQL | SUITE_SESSION | SUITE_LISTEN},
#endif
#ifdef ADB_HAVE_MYSQL
    {.name = "mysql", .dialect = &suite_mysql, .can = SUITE_MYSQL | SUITE_SESSION, .at_least = true},
#endif
    {.name = NULL},
};

/* By the driver that the library finds, so that every alias leads to it. */
static const struct suite_database *find(const char *url)
{
    adb_database *opened = NULL;
    const struct suite_database *found = NULL;
    if (adb_database_open(url, NULL, &opened, NULL) != ADB_OK)
        return NULL;
    for (size_t i = 0; known[i].name != NULL; i++) {
        if (strcmp(adb_database_driver(opened), known[i].dialect->driver) == 0)
            found = &known[i];
    }
    adb_database_free(opened);
    return found;
}

int main(int argc, char **argv)
{
    char *urls = getenv("ADB_TEST_URLS");
    int failed = 0;
    char *rest = NULL;
    if (urls == NULL || urls[0] == '\0') {
        puts("ADB_TEST_URLS is not set");
        return 77;
    }
    urls = strdup(urls);
    for (char *url = strtok_r(urls, " ,\n", &rest); url != NULL; url = strtok_r(NULL, " ,\n", &rest)) {
        const struct suite_database *like = find(url);
        if (like == NULL) {
            printf("no dialect for a URL of ADB_TEST_URLS\n");
            failed = 1;
            continue;
        }
        struct suite_database database = *like;
        database.url = url;
        if (strncmp(url, "mariadb", strlen("mariadb")) == 0)
            database.can |= SUITE_MARIADB;
        if (strcmp(database.dialect->driver, "sqlite") == 0 && adb_url_parse(url, &file, NULL) == ADB_OK)
            database.prepare = file_remove;
        failed |= suite_main(&database, argc, argv);
        adb_url_free(file);
        file = NULL;
    }
    free(urls);
    return failed;
}
