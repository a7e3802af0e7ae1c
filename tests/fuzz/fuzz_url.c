/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the URL parser and its rewriting: what is parsed reads back, what is set reads back, what is secret is hidden.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... && ./fuzz_url -max_len=300 corpus/ */
#include "model/url.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    MUST(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* Touch every reader, so that the sanitizers see every byte. */
static size_t read_all(const adb_url *url)
{
    size_t n = strlen(adb_url_dialect(url)) + strlen(adb_url_driver(url)) + strlen(adb_url_netloc(url)) +
               strlen(adb_url_database(url)) + strlen(adb_url_redacted(url));
    const char *const maybe[] = {adb_url_user(url), adb_url_password(url), adb_url_userinfo(url), adb_url_host(url)};
    for (size_t i = 0; i < sizeof(maybe) / sizeof(maybe[0]); i++)
        n += maybe[i] != NULL ? strlen(maybe[i]) : 0;
    MUST(adb_url_port(url) >= -1 && adb_url_port(url) <= 65535);
    for (size_t i = 0; i < adb_url_options(url); i++) {
        const char *key = adb_url_option_key(url, i);
        int64_t number = 0;
        bool flag = false;
        adb_error error;
        MUST(adb_url_option(url, key) != NULL);
        MUST(adb__url_option_offset(url, i) < strlen(adb_url_text(url)));
        n += strlen(key) + strlen(adb_url_option_value(url, i));
        adb__url_option_int(url, key, -5, 500, &number, &error);
        adb__url_option_bool(url, key, &flag, &error);
        MUST(number >= -5 && number <= 500);
    }
    return n;
}

/* The text is kept, and parsing it again gives the same. */
static void check_round_trip(const adb_url *url, const char *text)
{
    MUST(same(adb_url_text(url), text));
    adb_url *again = adb_url_dup(url);
    MUST(again != NULL && adb_url_equal(url, again));
    MUST(same(adb_url_redacted(url), adb_url_redacted(again)));
    MUST(adb__url_scheme(url) == adb__url_scheme(again));
    adb_url_free(again);
}

/* The redacted URL shows asterisks exactly where the text has the password. */
static void check_redacted(const adb_url *url)
{
    const char *password = adb_url_password(url);
    const char *netloc = strstr(adb_url_redacted(url), "://") + 3;
    if (password == NULL || password[0] == '\0') {
        MUST(strncmp(netloc, adb_url_netloc(url), strlen(adb_url_netloc(url))) == 0);
        return;
    }
    const size_t user_size = strcspn(adb_url_netloc(url), ":");
    MUST(strncmp(netloc, adb_url_netloc(url), user_size) == 0);
    MUST(strncmp(netloc + user_size, ":********@", 10) == 0);
}

/* A password that occurs nowhere else is nowhere in the redacted URL. */
static void check_password_hidden(const adb_url *url)
{
    static const char secret[] = "N0t-4nywhere-else~";
    adb_url *copy = adb_url_dup(url);
    MUST(copy != NULL);
    if (strstr(adb_url_text(url), secret) == NULL && adb_url_set_password(copy, secret) == ADB_OK) {
        MUST(same(adb_url_password(copy), secret));
        MUST(strstr(adb_url_text(copy), secret) != NULL);
        MUST(strstr(adb_url_redacted(copy), secret) == NULL);
    }
    adb_url_free(copy);
}

typedef adb_status (*set_fn)(adb_url *url, const char *value);
typedef const char *(*read_fn)(const adb_url *url);

static int same_but_for_case(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        const int lower = *b >= 'A' && *b <= 'Z' ? *b - 'A' + 'a' : *b;
        if (*a != *b && *a != lower)
            return 0;
    }
    return *a == *b;
}

/* What is set reads back; what is refused leaves the URL as it was. */
static void check_set(const adb_url *url, const char *value, set_fn set, read_fn read)
{
    adb_url *copy = adb_url_dup(url);
    MUST(copy != NULL);
    const adb_status status = set(copy, value);
    MUST(status == ADB_OK || status == ADB_E_INVAL);
    if (status == ADB_OK) {
        const char *found = read(copy);
        MUST(found != NULL ? same_but_for_case(found, value) : value[0] == '\0');
        check_round_trip(copy, adb_url_text(copy));
        check_redacted(copy);
    } else {
        MUST(adb_url_equal(copy, url));
    }
    adb_url_free(copy);
}

static void check_set_option(const adb_url *url, const char *key, const char *value)
{
    adb_url *copy = adb_url_dup(url);
    MUST(copy != NULL);
    if (adb_url_set_option(copy, key, value) == ADB_OK) {
        MUST(same(adb_url_option(copy, key), value));
        MUST(adb_url_set_option(copy, key, NULL) == ADB_OK);
        MUST(adb_url_option(copy, key) == NULL);
    }
    adb_url_free(copy);
}

static const char *host_before_path(const adb_url *url)
{
    return adb_url_netloc(url)[0] != '\0' ? adb_url_host(url) : NULL;
}

/* The first line is the URL, what follows it a value to set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t url_size = line_end != NULL ? (size_t)(line_end - data) : size;
    char *text = text_of(data, url_size);
    char *value = line_end != NULL ? text_of(line_end + 1, size - url_size - 1) : text_of(data, size);
    adb_url *url = NULL;
    adb_error error;
    if (adb_url_parse(text, &url, &error) == ADB_OK) {
        MUST(read_all(url) >= 1);
        check_round_trip(url, text);
        check_redacted(url);
        check_password_hidden(url);
        check_set(url, value, adb_url_set_dialect, adb_url_dialect);
        check_set(url, value, adb_url_set_driver, adb_url_driver);
        check_set(url, value, adb_url_set_user, adb_url_user);
        check_set(url, value, adb_url_set_password, adb_url_password);
        if (value[0] != '\0')
            check_set(url, value, adb_url_set_host, host_before_path);
        check_set(url, value, adb_url_set_database, adb_url_database);
        check_set_option(url, value, text);
        check_set_option(url, "max_size", value);
    } else {
        MUST(url == NULL && (error.status == ADB_E_URL || error.status == ADB_E_OPTION));
        MUST(strstr(error.message, "offset") != NULL);
    }
    adb_url_free(url);
    free(value);
    free(text);
    return 0;
}
