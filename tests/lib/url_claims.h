/* SPDX-License-Identifier: BSD-3-Clause */
/* What the URL tests claim in one line: how a text reads, what it becomes, where it is refused. */
#ifndef ADB_TESTS_URL_CLAIMS_H
#define ADB_TESTS_URL_CLAIMS_H

#include "model/url.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Texts are equal, or both NULL. */
static inline int same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A mismatch is printed: a table row has no line of its own. */
static inline int shown_same(const char *about, const char *found, const char *wanted)
{
    if (!same(found, wanted))
        printf("%s: found %s, wanted %s\n", about, found ? found : "(null)", wanted ? wanted : "(null)");
    return same(found, wanted);
}

static inline adb_url *url_of(const char *text)
{
    adb_url *url = NULL;
    adb_error error;
    const adb_status status = adb_url_parse(text, &url, &error);
    if (status != ADB_OK)
        printf("%s: %s\n", text, error.message);
    REQUIRE(status == ADB_OK && url != NULL);
    return url;
}

/* The text is refused with that status, and the message names the offset. */
static inline int refused_at(const char *text, adb_status status, size_t offset)
{
    adb_url *url = NULL;
    adb_error error = {.status = ADB_OK};
    char place[40];
    snprintf(place, sizeof(place), "at offset %zu of the URL", offset);
    const adb_status found = adb_url_parse(text, &url, &error);
    const int ok = found == status && error.status == status && url == NULL && strstr(error.message, place) != NULL;
    if (!ok)
        printf("%s: status %d, message %s\n", text, found, error.message);
    adb_url_free(url);
    return ok;
}

/* Takes the URL: checks its text and frees it. */
static inline int becomes(adb_url *url, adb_status status, const char *wanted)
{
    const int ok = status == ADB_OK && shown_same("text", adb_url_text(url), wanted);
    adb_url_free(url);
    return ok;
}

typedef const char *(*read_fn)(const adb_url *url);

static inline int reads(const char *text, read_fn read, const char *wanted)
{
    adb_url *url = url_of(text);
    const int ok = shown_same(text, read(url), wanted);
    adb_url_free(url);
    return ok;
}

/* Each part is so long, and the options are so many, that the arena allocates for each alone. */
static inline const char *big_url(void)
{
    enum { PART = 17000 };
    static char text[8 * PART];
    char part[PART + 1];
    memset(part, 'x', PART);
    part[PART] = '\0';
    size_t size = (size_t)snprintf(text, sizeof(text), "postgres+%s://%s:%s@%s:5432/%s?%s=1&password=%s", part, part,
                                   part, part, part, part, part);
    for (int i = 0; i < 400; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "&k%d=1", i);
    return text;
}

#endif
