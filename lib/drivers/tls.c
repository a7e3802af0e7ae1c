/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads what a URL says about encryption. */
#include "drivers/tls.h"

#include "model/error.h"
#include "model/url.h"

#include <string.h>
#include <strings.h>

struct word {
    const char *word;
    enum adb__tls_mode mode;
};

/* The first word for a mode is its own. */
static const struct word words[] = {
    {"", ADB__TLS_DEFAULT},
    {"disable", ADB__TLS_DISABLE},
    {"allow", ADB__TLS_ALLOW},
    {"prefer", ADB__TLS_PREFER},
    {"require", ADB__TLS_REQUIRE},
    {"verify-ca", ADB__TLS_VERIFY_CA},
    {"verify-full", ADB__TLS_VERIFY_FULL},
    {"true", ADB__TLS_REQUIRE},
    {"yes", ADB__TLS_REQUIRE},
    {"on", ADB__TLS_REQUIRE},
    {"1", ADB__TLS_REQUIRE},
    {"false", ADB__TLS_DISABLE},
    {"no", ADB__TLS_DISABLE},
    {"off", ADB__TLS_DISABLE},
    {"0", ADB__TLS_DISABLE},
};

/* A thing that can be said, and its two names. */
static const struct {
    const char *names[2];
} things[] = {
    {{"ssl", "sslmode"}},    {{"ssl_ca", "sslrootcert"}}, {{"ssl_cert", "sslcert"}},
    {{"ssl_key", "sslkey"}}, {{"ssl_crl", "sslcrl"}},
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *adb__tls_word(enum adb__tls_mode mode)
{
    for (size_t i = 0; i < N_OF(words); i++) {
        if (words[i].mode == mode)
            return words[i].word;
    }
    return "";
}

/* Index of the thing that goes by that name, N_OF(things) when there is none. */
static size_t thing_find(const char *name)
{
    size_t thing = 0;
    while (thing < N_OF(things) && strcmp(things[thing].names[0], name) != 0 &&
           strcmp(things[thing].names[1], name) != 0)
        thing++;
    return thing;
}

static adb_status refuse(const adb_url *url, size_t index, const char *expected, adb_error *error)
{
    return adb__error_set(error, ADB_E_OPTION, "option \"%s\" at offset %zu of the URL must be %s, not \"%.60s\"",
                          adb_url_option_key(url, index), adb__url_option_offset(url, index), expected,
                          adb_url_option_value(url, index));
}

static adb_status read_mode(const adb_url *url, size_t index, enum adb__tls_mode *mode_out, adb_error *error)
{
    for (size_t i = 1; i < N_OF(words); i++) {
        if (strcasecmp(words[i].word, adb_url_option_value(url, index)) == 0) {
            *mode_out = words[i].mode;
            return ADB_OK;
        }
    }
    return refuse(url, index, "disable, allow, prefer, require, verify-ca or verify-full", error);
}

static adb_status read_file(const adb_url *url, size_t index, const char **file_out, adb_error *error)
{
    *file_out = adb_url_option_value(url, index);
    return (*file_out)[0] != '\0' ? ADB_OK : refuse(url, index, "the name of a file", error);
}

adb_status adb__tls_read(const adb_url *url, struct adb__tls *tls_out, adb_error *error)
{
    struct adb__tls tls = {.mode = ADB__TLS_DEFAULT};
    const char **files[] = {NULL, &tls.ca, &tls.cert, &tls.key, &tls.crl};
    bool seen[N_OF(things)] = {false};
    for (size_t i = 0; i < adb_url_options(url); i++) {
        const size_t thing = thing_find(adb_url_option_key(url, i));
        adb_status status = ADB_OK;
        if (thing == N_OF(things))
            continue;
        if (seen[thing])
            return adb__error_set(error, ADB_E_OPTION, "option \"%s\" is there again at offset %zu of the URL",
                                  adb_url_option_key(url, i), adb__url_option_offset(url, i));
        seen[thing] = true;
        if (files[thing] == NULL)
            status = read_mode(url, i, &tls.mode, error);
        else
            status = read_file(url, i, files[thing], error);
        if (status != ADB_OK)
            return status;
    }
    *tls_out = tls;
    return ADB_OK;
}
