/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite on each database of ADB_TEST_URLS: URLs split by blanks or commas. What is in them is not spared. MIG-05 */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of each driver beyond its dialect. */
static const struct suite_database known[] = {
    {.name = "sqlite",
     .dialect = &suite_sqlite,
     .can = SUITE_SQL | SUITE_RETURNING | SUITE_DEFERRED | SUITE_UNDOES_DDL},
};

static const struct suite_database *find(const char *url)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(url, known[i].dialect->driver, strlen(known[i].dialect->driver)) == 0)
            return &known[i];
    }
    return NULL;
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
        failed |= suite_main(&database, argc, argv);
    }
    free(urls);
    return failed;
}
