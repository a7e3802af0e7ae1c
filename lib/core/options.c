/* SPDX-License-Identifier: BSD-3-Clause */
/* Merging and checking of options; one table says which URL key sets which field. */
#include "core/options.h"

#include "base/clock.h"
#include "model/error.h"
#include "model/url.h"

#include <stddef.h>
#include <string.h>

#define MAX_SIZE           256
#define MAX_QUEUE_CAPACITY 1048576
#define MAX_MS             INT32_MAX

enum option_kind { OPTION_INT, OPTION_UNSIGNED, OPTION_SIZE, OPTION_BOOL, OPTION_SECONDS, OPTION_CACHE };

struct option_key {
    const char *key;
    enum option_kind kind;
    size_t offset;      /* of the field */
    int64_t min, max;
};

#define FIELD(name) offsetof(adb_options, name)

static const struct option_key option_keys[] = {
    {"max_size", OPTION_UNSIGNED, FIELD(max_size), 1, MAX_SIZE},
    {"maxsize", OPTION_UNSIGNED, FIELD(max_size), 1, MAX_SIZE},
    {"pool_size", OPTION_UNSIGNED, FIELD(max_size), 1, MAX_SIZE},
    {"min_size", OPTION_UNSIGNED, FIELD(min_size), 0, MAX_SIZE},
    {"minsize", OPTION_UNSIGNED, FIELD(min_size), 0, MAX_SIZE},
    {"queue_capacity", OPTION_UNSIGNED, FIELD(queue_capacity), 1, MAX_QUEUE_CAPACITY},
    {"wait_timeout_ms", OPTION_INT, FIELD(wait_timeout_ms), -1, MAX_MS},
    {"connect_timeout_ms", OPTION_INT, FIELD(connect_timeout_ms), -1, MAX_MS},
    {"connect_timeout", OPTION_SECONDS, FIELD(connect_timeout_ms), -1, MAX_MS / 1000},
    {"timeout_ms", OPTION_INT, FIELD(timeout_ms), -1, MAX_MS},
    {"idle_timeout_ms", OPTION_INT, FIELD(idle_timeout_ms), -1, MAX_MS},
    {"pool_recycle", OPTION_SECONDS, FIELD(idle_timeout_ms), -1, MAX_MS / 1000},
    {"lifetime_ms", OPTION_INT, FIELD(lifetime_ms), -1, MAX_MS},
    {"idle_in_transaction_ms", OPTION_INT, FIELD(idle_in_transaction_ms), -1, MAX_MS},
    {"check_after_ms", OPTION_INT, FIELD(check_after_ms), -1, MAX_MS},
    {"statement_cache", OPTION_CACHE, FIELD(statement_cache), 0, 1000000},
    {"read_only", OPTION_BOOL, FIELD(read_only), 0, 0},
    {"force_rollback", OPTION_BOOL, FIELD(force_rollback), 0, 0},
    {"log_values", OPTION_BOOL, FIELD(log_values), 0, 0},
    {"batch_rows", OPTION_SIZE, FIELD(batch_rows), 1, INT32_MAX},
    {"batch_bytes", OPTION_SIZE, FIELD(batch_bytes), 1, INT32_MAX},
};

/* Keys that are read elsewhere: pool and group_commit here below, the others by the URL itself. */
static const char *const other_keys[] = {"pool", "group_commit", "host", "unix_sock", "unix_socket", "password"};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool key_is_known(const struct adb__driver *driver, const char *key)
{
    for (size_t i = 0; i < N_OF(option_keys); i++) {
        if (strcmp(option_keys[i].key, key) == 0)
            return true;
    }
    for (size_t i = 0; i < N_OF(other_keys); i++) {
        if (strcmp(other_keys[i], key) == 0)
            return true;
    }
    for (const char *const *known = driver->options; *known != NULL; known++) {
        const size_t size = strlen(*known);
        const bool is_prefix = size > 0 && (*known)[size - 1] == '.'; /* of keys that the driver judges */
        if (is_prefix ? strncmp(*known, key, size) == 0 : strcmp(*known, key) == 0)
            return true;
    }
    return false;
}

static adb_status options_check_keys(const struct adb__driver *driver, const adb_url *url, adb_error *error)
{
    for (size_t i = 0; i < adb_url_options(url); i++) {
        const char *key = adb_url_option_key(url, i);
        if (!key_is_known(driver, key))
            return adb__error_set(error, ADB_E_OPTION, "unknown option '%s' at offset %zu of the URL", key,
                                  adb__url_option_offset(url, i));
    }
    return ADB_OK;
}

/* Put a number from the URL into its field. What a zero field cannot say (0 itself) is said by the field's other
 * word. */
static void option_store(adb_options *options, const struct option_key *key, int64_t value)
{
    void *field = (char *)options + key->offset;
    switch (key->kind) {
    case OPTION_INT:
        *(int *)field = (int)value;
        break;
    case OPTION_SECONDS:
        *(int *)field = value < 0 ? -1 : (int)(value * 1000);
        break;
    case OPTION_CACHE:
        *(int *)field = value == 0 ? -1 : (int)value;
        break;
    case OPTION_UNSIGNED:
        *(unsigned *)field = (unsigned)value;
        break;
    case OPTION_SIZE:
        *(size_t *)field = (size_t)value;
        break;
    case OPTION_BOOL:
        *(bool *)field = value != 0;
        break;
    }
}

static adb_status option_from_url(const adb_url *url, const struct option_key *key, adb_options *options,
                                  adb_error *error)
{
    int64_t value = 0;
    bool flag = false;
    if (adb_url_option(url, key->key) == NULL)
        return ADB_OK;
    adb_status status = key->kind == OPTION_BOOL
                            ? adb__url_option_bool(url, key->key, &flag, error)
                            : adb__url_option_int(url, key->key, key->min, key->max, &value, error);
    if (status == ADB_OK)
        option_store(options, key, key->kind == OPTION_BOOL ? flag : value);
    return status;
}

/* Those that are on unless they are switched off. */
static adb_status switches_from_url(const adb_url *url, adb_options *options, adb_error *error)
{
    const char *pool = adb_url_option(url, "pool");
    bool on = true;
    adb_status status = ADB_OK;
    options->unpooled = pool != NULL && strcmp(pool, "none") == 0;
    if (pool != NULL && !options->unpooled)
        status = adb__url_option_bool(url, "pool", &on, error);
    if (status == ADB_OK && adb_url_option(url, "group_commit") != NULL) {
        status = adb__url_option_bool(url, "group_commit", &on, error);
        options->ungrouped = !on;
    }
    return status;
}

static adb_status options_from_url(const adb_url *url, adb_options *options, adb_error *error)
{
    adb_status status = ADB_OK;
    for (size_t i = 0; i < N_OF(option_keys) && status == ADB_OK; i++)
        status = option_from_url(url, &option_keys[i], options, error);
    return status == ADB_OK ? switches_from_url(url, options, error) : status;
}

#define OVERRIDE(field)            \
    do {                           \
        if (given->field)          \
            options->field = given->field; \
    } while (0)

/* What the caller gives wins, field by field. */
static void options_override(adb_options *options, const adb_options *given)
{
    OVERRIDE(max_size);
    OVERRIDE(min_size);
    OVERRIDE(queue_capacity);
    OVERRIDE(unpooled);
    OVERRIDE(ungrouped);
    OVERRIDE(wait_timeout_ms);
    OVERRIDE(connect_timeout_ms);
    OVERRIDE(timeout_ms);
    OVERRIDE(idle_timeout_ms);
    OVERRIDE(lifetime_ms);
    OVERRIDE(check_after_ms);
    OVERRIDE(idle_in_transaction_ms);
    OVERRIDE(statement_cache);
    OVERRIDE(read_only);
    OVERRIDE(force_rollback);
    OVERRIDE(on_connect);
    OVERRIDE(on_connect_data);
    OVERRIDE(before_connect);
    OVERRIDE(before_connect_data);
    OVERRIDE(on_acquire);
    OVERRIDE(on_acquire_data);
    OVERRIDE(on_release);
    OVERRIDE(on_release_data);
    OVERRIDE(pragmas);
    OVERRIDE(n_pragmas);
    OVERRIDE(functions);
    OVERRIDE(n_functions);
    OVERRIDE(user);
    OVERRIDE(password);
    OVERRIDE(host);
    OVERRIDE(port);
    OVERRIDE(database);
    OVERRIDE(replicas);
    OVERRIDE(n_replicas);
    OVERRIDE(log);
    OVERRIDE(log_data);
    OVERRIDE(log_level);
    OVERRIDE(log_values);
    OVERRIDE(batch_rows);
    OVERRIDE(batch_bytes);
}

#define DEFAULT(field, value)          \
    do {                               \
        if (!options->field)           \
            options->field = (value);  \
    } while (0)

/* max_size stays 0 when nobody has said it: the driver's layout knows better. */
static void options_default(adb_options *options)
{
    options->size = sizeof(*options);
    DEFAULT(min_size, 1);
    DEFAULT(queue_capacity, 4096);
    DEFAULT(wait_timeout_ms, 30000);
    DEFAULT(connect_timeout_ms, 10000);
    DEFAULT(idle_timeout_ms, 600000);
    DEFAULT(lifetime_ms, 1800000);
    DEFAULT(check_after_ms, 1000);
    DEFAULT(statement_cache, 128);
    DEFAULT(log_level, ADB_LOG_WARN);
    DEFAULT(batch_rows, 4096);
    DEFAULT(batch_bytes, 262144);
}

static adb_status options_check(const adb_options *options, adb_error *error)
{
    if (options->max_size > MAX_SIZE)
        return adb__error_set(error, ADB_E_OPTION, "max_size is %u, at most %d is possible", options->max_size,
                              MAX_SIZE);
    if (options->max_size > 0 && options->min_size > options->max_size)
        return adb__error_set(error, ADB_E_OPTION, "min_size %u is above max_size %u", options->min_size,
                              options->max_size);
    if (options->queue_capacity > MAX_QUEUE_CAPACITY)
        return adb__error_set(error, ADB_E_OPTION, "queue_capacity is %u, at most %d is possible",
                              options->queue_capacity, MAX_QUEUE_CAPACITY);
    if (options->port > 65535)
        return adb__error_set(error, ADB_E_OPTION, "port is %u, at most 65535 is possible", options->port);
    if ((options->n_pragmas > 0 && options->pragmas == NULL) ||
        (options->n_functions > 0 && options->functions == NULL) ||
        (options->n_replicas > 0 && options->replicas == NULL))
        return adb__error_set(error, ADB_E_INVAL, "an array of the options is NULL but its count is not 0");
    return ADB_OK;
}

/* Put what the options say in place of parts of the URL. */
static adb_status options_into_url(const adb_options *options, adb_url *url, adb_error *error)
{
    adb_status status = ADB_OK;
    if (options->user != NULL)
        status = adb_url_set_user(url, options->user);
    if (status == ADB_OK && options->password != NULL)
        status = adb_url_set_password(url, options->password);
    if (status == ADB_OK && options->host != NULL)
        status = adb_url_set_host(url, options->host);
    if (status == ADB_OK && options->port != 0)
        status = adb_url_set_port(url, (int)options->port);
    if (status == ADB_OK && options->database != NULL)
        status = adb_url_set_database(url, options->database);
    if (status != ADB_OK)
        return adb__error_set(error, status, "user, password, host, port or database cannot be put into the URL");
    return ADB_OK;
}

static const char *copy_text(struct adb__arena *arena, const char *text, bool *failed)
{
    const char *copy = text == NULL ? NULL : adb__arena_strdup(arena, text);
    *failed = *failed || (text != NULL && copy == NULL);
    return copy;
}

static void *copy_array(struct adb__arena *arena, const void *array, size_t bytes, bool *failed)
{
    void *copy = bytes == 0 ? NULL : adb__arena_alloc(arena, bytes);
    if (copy != NULL)
        memcpy(copy, array, bytes);
    *failed = *failed || (bytes > 0 && copy == NULL);
    return copy;
}

static adb_status options_copy_deep(struct adb__arena *arena, adb_options *options, adb_error *error)
{
    bool failed = false;
    options->user = copy_text(arena, options->user, &failed);
    options->password = NULL; /* lives in the URL only */
    options->host = copy_text(arena, options->host, &failed);
    options->database = copy_text(arena, options->database, &failed);
    adb_pragma *pragmas =
        copy_array(arena, options->pragmas, options->n_pragmas * sizeof(*options->pragmas), &failed);
    for (size_t i = 0; pragmas != NULL && i < options->n_pragmas; i++) {
        pragmas[i].name = copy_text(arena, pragmas[i].name, &failed);
        pragmas[i].value = copy_text(arena, pragmas[i].value, &failed);
    }
    options->pragmas = pragmas;
    adb_function *functions =
        copy_array(arena, options->functions, options->n_functions * sizeof(*options->functions), &failed);
    for (size_t i = 0; functions != NULL && i < options->n_functions; i++)
        functions[i].name = copy_text(arena, functions[i].name, &failed);
    options->functions = functions;
    const char **replicas =
        copy_array(arena, options->replicas, options->n_replicas * sizeof(*options->replicas), &failed);
    for (size_t i = 0; replicas != NULL && i < options->n_replicas; i++)
        replicas[i] = copy_text(arena, replicas[i], &failed);
    options->replicas = replicas;
    return failed ? adb__error_set(error, ADB_E_NOMEM, "no memory for the options") : ADB_OK;
}

adb_status adb__options_copy(void *copy, size_t size, const void *given, size_t given_size, const char *what,
                             adb_error *error)
{
    const unsigned char *bytes = given;
    if (given_size < sizeof(size_t) || given_size > 65536)
        return adb__error_set(error, ADB_E_INVAL, "%s without its size; build it with the macro", what);
    for (size_t i = size; i < given_size; i++) {
        if (bytes[i] != 0)
            return adb__error_set(error, ADB_E_UNSUPPORTED, "%s of a newer version of the library", what);
    }
    memset(copy, 0, size);
    memcpy(copy, given, given_size < size ? given_size : size);
    return ADB_OK;
}

adb_status adb__options_merge(struct adb__arena *arena, const struct adb__driver *driver, adb_url *url,
                              const adb_options *given, adb_options *options_out, adb_error *error)
{
    adb_options own = {0};
    adb_options options = {0};
    adb_status status = options_check_keys(driver, url, error);
    if (status == ADB_OK)
        status = options_from_url(url, &options, error);
    if (status == ADB_OK && given != NULL)
        status = adb__options_copy(&own, sizeof(own), given, given->size, "adb_options", error);
    if (status != ADB_OK)
        return status;
    options_override(&options, &own);
    options_default(&options);
    status = options_check(&options, error);
    if (status == ADB_OK)
        status = options_into_url(&options, url, error);
    if (status == ADB_OK)
        status = options_copy_deep(arena, &options, error);
    if (status == ADB_OK)
        *options_out = options;
    return status;
}
