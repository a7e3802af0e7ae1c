/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of a URL: parsing the query, and reading values untyped and typed. */
#include "model/url_parts.h"

#include "model/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Parsing ---------------------------------------------------------------------------------------------------------- */

/* From *start_io on, the next piece of the query between two '&' that is not empty; moves *start_io behind it. */
static bool next_option(const adb_url *url, size_t *start_io, struct adb__url_span *piece_out)
{
    for (size_t start = *start_io; start < url->at.query.end;) {
        const size_t end = adb__url_span_find(url->text, (struct adb__url_span){start, url->at.query.end}, '&');
        *start_io = end + 1;
        if (end > start) {
            *piece_out = (struct adb__url_span){start, end};
            return true;
        }
        start = end + 1;
    }
    return false;
}

static adb_status read_option(adb_url *url, struct adb__url_span piece, adb_error *error)
{
    const size_t equals = adb__url_span_find(url->text, piece, '=');
    if (equals == piece.start)
        return adb__url_refuse(error, piece.start, "a value without the name of an option");

    const size_t value_start = equals < piece.end ? equals + 1 : equals;
    struct adb__url_option *option = &url->options[url->n_options];
    *option = (struct adb__url_option){.start = piece.start, .equals = equals, .end = piece.end};
    option->key = adb__url_decode(url, piece.start, equals, ' ');
    option->value = adb__url_decode(url, value_start, piece.end, ' ');
    if (option->key == NULL || option->value == NULL)
        return adb__url_refuse_memory(error);
    url->n_options++;
    return ADB_OK;
}

adb_status adb__url_read_options(adb_url *url, adb_error *error)
{
    struct adb__url_span piece;
    size_t count = 0;
    size_t start = url->at.query.start + 1;
    while (next_option(url, &start, &piece))
        count++;
    if (count == 0)
        return ADB_OK;
    if (count > SIZE_MAX / sizeof(url->options[0]))
        return adb__url_refuse_memory(error);
    url->options = adb__arena_alloc(&url->arena, count * sizeof(url->options[0]));
    if (url->options == NULL)
        return adb__url_refuse_memory(error);

    start = url->at.query.start + 1;
    while (next_option(url, &start, &piece)) {
        const adb_status status = read_option(url, piece, error);
        if (status != ADB_OK)
            return status;
    }
    return ADB_OK;
}

adb_status adb__url_apply_sqlite_path(adb_url *url, adb_error *error)
{
    const size_t index = adb__url_option_find(url, "sqlite_path");
    if (url->scheme == NULL || strcmp(url->scheme, "sqlite") != 0 || index == url->n_options)
        return ADB_OK;
    if (strcmp(url->options[index].value, "relative") == 0)
        return ADB_OK;
    if (strcmp(url->options[index].value, "absolute") != 0)
        return adb__url_option_refuse(url, index, "absolute or relative", error);

    const char *name = url->database;
    if (name[0] == '\0' || name[0] == '/' || strcmp(name, ":memory:") == 0 || strncmp(name, "file:", 5) == 0)
        return ADB_OK;
    url->database = adb__url_decode(url, url->at.path.start, url->at.path.end, '+');
    return url->database != NULL ? ADB_OK : adb__url_refuse_memory(error);
}

/* Reading ---------------------------------------------------------------------------------------------------------- */

const char *adb_url_option(const adb_url *url, const char *key)
{
    return url != NULL && key != NULL ? adb_url_option_value(url, adb__url_option_find(url, key)) : NULL;
}

size_t adb_url_options(const adb_url *url)
{
    return url == NULL ? 0 : url->n_options;
}

const char *adb_url_option_key(const adb_url *url, size_t index)
{
    return url != NULL && index < url->n_options ? url->options[index].key : NULL;
}

const char *adb_url_option_value(const adb_url *url, size_t index)
{
    return url != NULL && index < url->n_options ? url->options[index].value : NULL;
}

size_t adb__url_option_offset(const adb_url *url, size_t index)
{
    assert(index < url->n_options);
    return url->options[index].start;
}

size_t adb__url_option_find(const adb_url *url, const char *key)
{
    for (size_t i = url->n_options; i > 0; i--) {
        if (strcmp(url->options[i - 1].key, key) == 0)
            return i - 1;
    }
    return url->n_options;
}

/* The offset stands before the value, which may be long enough to be cut off. */
adb_status adb__url_option_refuse(const adb_url *url, size_t index, const char *expected, adb_error *error)
{
    const struct adb__url_option *option = &url->options[index];
    return adb__error_set(error, ADB_E_OPTION, "option \"%.40s\" at offset %zu of the URL must be %s, not \"%.60s\"",
                          option->key, option->start, expected, option->value);
}

/* The one option of that key, n_options when there is none; a second one is an error. */
static adb_status option_find_single(const adb_url *url, const char *key, size_t *index_out, adb_error *error)
{
    const size_t last = adb__url_option_find(url, key);
    for (size_t i = 0; i < last && last < url->n_options; i++) {
        if (strcmp(url->options[i].key, key) == 0)
            return adb__error_set(error, ADB_E_OPTION, "option \"%.40s\" is there again at offset %zu of the URL", key,
                                  url->options[last].start);
    }
    *index_out = last;
    return ADB_OK;
}

bool adb__url_digits(const char *digits, size_t size, uint64_t limit, uint64_t *number_out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        const uint64_t digit = (uint64_t)(digits[i] - '0');
        if (number > limit / 10 || digit > limit - number * 10)
            return false;
        number = number * 10 + digit;
    }
    *number_out = number;
    return size > 0;
}

/* Not strtoll(): that takes spaces, a '+', and the beginning of a word. */
static bool text_to_int(const char *text, int64_t *number_out)
{
    const bool negative = text[0] == '-';
    const char *digits = negative ? text + 1 : text;
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t number;
    if (!adb__url_digits(digits, strlen(digits), limit, &number))
        return false;
    *number_out = (int64_t)(negative ? 0 - number : number);
    return true;
}

adb_status adb__url_option_int(const adb_url *url, const char *key, int64_t min, int64_t max, int64_t *value_out,
                               adb_error *error)
{
    size_t index;
    const adb_status status = option_find_single(url, key, &index, error);
    if (status != ADB_OK || index == url->n_options)
        return status;

    int64_t value;
    if (!text_to_int(url->options[index].value, &value) || value < min || value > max) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a number from %" PRId64 " to %" PRId64, min, max);
        return adb__url_option_refuse(url, index, expected, error);
    }
    *value_out = value;
    return ADB_OK;
}

bool adb__url_same_word(const char *a, const char *b)
{
    while (*a != '\0' && adb__url_lower(*a) == adb__url_lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool is_one_of(const char *text, const char *const words[], size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        if (adb__url_same_word(text, words[i]))
            return true;
    }
    return false;
}

adb_status adb__url_option_bool(const adb_url *url, const char *key, bool *value_out, adb_error *error)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    size_t index;
    const adb_status status = option_find_single(url, key, &index, error);
    if (status != ADB_OK || index == url->n_options)
        return status;

    const char *text = url->options[index].value;
    const bool is_yes = is_one_of(text, yes, sizeof(yes) / sizeof(yes[0]));
    if (!is_yes && !is_one_of(text, no, sizeof(no) / sizeof(no[0])))
        return adb__url_option_refuse(url, index, "true or false", error);
    *value_out = is_yes;
    return ADB_OK;
}
