/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL and its options say to the SQLite driver: a table of keys and their values, and the layout that follows.
 * No I/O. */
#include "drivers/sqlite/sqlite.h"

#include "base/machine.h"
#include "model/error.h"
#include "model/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Readers when the caller does not say: so many, or one per CPU when there are fewer. */
#define MOST_READERS 4

const char *const adb__sqlite_keys[ADB__SQLITE_N_KEYS + 1] = {
    [ADB__SQLITE_JOURNAL_MODE] = "journal_mode",
    [ADB__SQLITE_SYNCHRONOUS] = "synchronous",
    [ADB__SQLITE_FOREIGN_KEYS] = "foreign_keys",
    [ADB__SQLITE_CACHE_SIZE] = "cache_size",
    [ADB__SQLITE_MMAP_SIZE] = "mmap_size",
    [ADB__SQLITE_TEMP_STORE] = "temp_store",
    [ADB__SQLITE_JOURNAL_SIZE_LIMIT] = "journal_size_limit",
    [ADB__SQLITE_WAL_AUTOCHECKPOINT] = "wal_autocheckpoint",
    [ADB__SQLITE_BUSY_TIMEOUT] = "busy_timeout",
    [ADB__SQLITE_MODE] = "mode",
    [ADB__SQLITE_CACHE] = "cache",
    [ADB__SQLITE_IMMUTABLE] = "immutable",
    [ADB__SQLITE_URI] = "uri",
    [ADB__SQLITE_PATH] = "sqlite_path",
    [ADB__SQLITE_N_KEYS] = NULL,
};

/* What a key takes: one of the words, or a number when there are none. */
struct rule {
    const char *expected;
    const char *words[9];
    int64_t min;
    int64_t max;
};

#define TRUTH                                                                                                          \
    {                                                                                                                  \
        .expected = "true or false", .words = {"true", "yes", "on", "1", "false", "no", "off", "0"},                   \
    }

static const struct rule rules[ADB__SQLITE_N_KEYS] = {
    [ADB__SQLITE_JOURNAL_MODE] = {.expected = "delete, truncate, persist, memory, wal or off",
                                  .words = {"delete", "truncate", "persist", "memory", "wal", "off"}},
    [ADB__SQLITE_SYNCHRONOUS] = {.expected = "off, normal, full or extra",
                                 .words = {"off", "normal", "full", "extra", "0", "1", "2", "3"}},
    [ADB__SQLITE_FOREIGN_KEYS] = TRUTH,
    [ADB__SQLITE_CACHE_SIZE] = {.expected = "a number of pages, or of KiB when negative",
                                .min = INT32_MIN,
                                .max = INT32_MAX},
    [ADB__SQLITE_MMAP_SIZE] = {.expected = "a number of bytes", .max = INT64_MAX},
    [ADB__SQLITE_TEMP_STORE] = {.expected = "default, file or memory",
                                .words = {"default", "file", "memory", "0", "1", "2"}},
    [ADB__SQLITE_JOURNAL_SIZE_LIMIT] = {.expected = "a number of bytes, or -1", .min = -1, .max = INT64_MAX},
    [ADB__SQLITE_WAL_AUTOCHECKPOINT] = {.expected = "a number of pages", .max = INT32_MAX},
    [ADB__SQLITE_BUSY_TIMEOUT] = {.expected = "a number of milliseconds", .max = INT32_MAX},
    [ADB__SQLITE_MODE] = {.expected = "ro, rw, rwc or memory", .words = {"ro", "rw", "rwc", "memory"}},
    [ADB__SQLITE_CACHE] = {.expected = "shared or private", .words = {"shared", "private"}},
    [ADB__SQLITE_IMMUTABLE] = TRUTH,
    [ADB__SQLITE_URI] = TRUTH,
    [ADB__SQLITE_PATH] = {.expected = "relative or absolute", .words = {"relative", "absolute"}},
};

/* Values ----------------------------------------------------------------------------------------------------------- */

static bool same_word(const char *a, const char *b)
{
    return sqlite3_stricmp(a, b) == 0;
}

/* Is it one of these words? A key without value is none. */
static bool value_is(const struct adb__sqlite_settings *settings, enum adb__sqlite_key key, const char *word)
{
    return settings->values[key] != NULL && same_word(settings->values[key], word);
}

static bool value_is_true(const struct adb__sqlite_settings *settings, enum adb__sqlite_key key)
{
    const char *value = settings->values[key];
    return value != NULL &&
           (same_word(value, "true") || same_word(value, "yes") || same_word(value, "on") || same_word(value, "1"));
}

static bool is_number(const char *text, int64_t min, int64_t max)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    const size_t n_digits = strspn(digits, "0123456789");
    if (n_digits == 0 || n_digits > 19 || digits[n_digits] != '\0')
        return false;
    const long long number = strtoll(text, NULL, 10); /* beyond the range it is the limit itself */
    return number >= min && number <= max;
}

static bool fits(const struct rule *rule, const char *value)
{
    if (rule->words[0] == NULL)
        return is_number(value, rule->min, rule->max);
    for (const char *const *word = rule->words; *word != NULL; word++) {
        if (same_word(*word, value))
            return true;
    }
    return false;
}

/* ADB__SQLITE_N_KEYS when it is none of ours. */
static size_t key_find(const char *name)
{
    size_t key = 0;
    while (key < ADB__SQLITE_N_KEYS && !same_word(adb__sqlite_keys[key], name))
        key++;
    return key;
}

bool adb__sqlite_is_setting(const char *pragma)
{
    return key_find(pragma) <= ADB__SQLITE_BUSY_TIMEOUT;
}

static adb_status read_url_option(const adb_url *url, size_t index, struct adb__sqlite_settings *settings,
                                  adb_error *error)
{
    const char *name = adb_url_option_key(url, index);
    const char *value = adb_url_option_value(url, index);
    const size_t key = key_find(name);
    if (key == ADB__SQLITE_N_KEYS)
        return ADB_OK; /* not ours: the core's to judge */

    const size_t offset = adb__url_option_offset(url, index);
    if (settings->values[key] != NULL)
        return adb__error_set(error, ADB_E_OPTION, "option \"%s\" is there again at offset %zu of the URL", name,
                              offset);
    if (!fits(&rules[key], value))
        return adb__error_set(error, ADB_E_OPTION, "option \"%s\" at offset %zu of the URL must be %s, not \"%.60s\"",
                              name, offset, rules[key].expected, value);
    settings->values[key] = value;
    return ADB_OK;
}

/* A name that may stand in SQL as it is: schema.name at most. */
static bool is_plain_name(const char *name)
{
    if (name == NULL || !(isalpha((unsigned char)name[0]) || name[0] == '_'))
        return false;
    while (isalnum((unsigned char)*name) || *name == '_' || *name == '.')
        name++;
    return *name == '\0';
}

/* A pragma of the caller's that is one of the settings wins over the URL's. */
static adb_status read_pragma(const adb_options *options, size_t index, struct adb__sqlite_settings *settings,
                              adb_error *error)
{
    const adb_pragma *pragma = &options->pragmas[index];
    if (!is_plain_name(pragma->name))
        return adb__error_set(error, ADB_E_OPTION, "pragma %zu has no usable name: \"%.60s\"", index,
                              pragma->name != NULL ? pragma->name : "");
    const size_t key = key_find(pragma->name);
    if (key > ADB__SQLITE_BUSY_TIMEOUT)
        return ADB_OK;
    if (pragma->value == NULL || !fits(&rules[key], pragma->value))
        return adb__error_set(error, ADB_E_OPTION, "pragma \"%s\" must be %s, not \"%.60s\"", pragma->name,
                              rules[key].expected, pragma->value != NULL ? pragma->value : "");
    settings->values[key] = pragma->value;
    return ADB_OK;
}

static adb_status read_values(const adb_url *url, const adb_options *options, struct adb__sqlite_settings *settings,
                              adb_error *error)
{
    for (size_t i = 0; i < adb_url_options(url); i++) {
        const adb_status status = read_url_option(url, i, settings, error);
        if (status != ADB_OK)
            return status;
    }
    for (size_t i = 0; i < options->n_pragmas; i++) {
        const adb_status status = read_pragma(options, i, settings, error);
        if (status != ADB_OK)
            return status;
    }
    return ADB_OK;
}

/* Meaning ---------------------------------------------------------------------------------------------------------- */

static bool names_memory(const struct adb__sqlite_settings *settings, const char *name)
{
    if (name[0] == '\0' || strcmp(name, ":memory:") == 0 || value_is(settings, ADB__SQLITE_MODE, "memory"))
        return true;
    if (!settings->uri)
        return false;
    return strcspn(name, "?") == strlen("file:") || strncmp(name, "file::memory:", 13) == 0 ||
           strstr(name, "?mode=memory") != NULL || strstr(name, "&mode=memory") != NULL;
}

/* Only a path makes sense in a SQLite URL. The message repeats nothing that could be a password. */
static adb_status check_address(const adb_url *url, adb_error *error)
{
    const char *host = adb_url_host(url);
    if (adb_url_user(url) != NULL || adb_url_password(url) != NULL)
        return adb__error_set(error, ADB_E_URL, "a SQLite URL has no user and no password");
    if (host != NULL && host[0] != '\0')
        return adb__error_set(error, ADB_E_URL,
                              "a SQLite URL has no host, but \"%.60s\" stands in its place: three slashes precede a "
                              "relative path, four an absolute one",
                              host);
    if (adb_url_port(url) >= 0)
        return adb__error_set(error, ADB_E_URL, "a SQLite URL has no port");
    return ADB_OK;
}

static void default_value(struct adb__sqlite_settings *settings, enum adb__sqlite_key key, const char *value)
{
    if (settings->values[key] == NULL)
        settings->values[key] = value;
}

adb_status adb__sqlite_settings_read(const adb_url *url, const adb_options *options,
                                     struct adb__sqlite_settings *settings_out, adb_error *error)
{
    struct adb__sqlite_settings settings = {.uri = false};
    adb_status status = check_address(url, error);
    if (status == ADB_OK)
        status = read_values(url, options, &settings, error);
    if (status != ADB_OK)
        return status;

    const char *name = adb_url_database(url);
    settings.uri = strncmp(name, "file:", 5) == 0 &&
                   (settings.values[ADB__SQLITE_URI] == NULL || value_is_true(&settings, ADB__SQLITE_URI));
    settings.memory = names_memory(&settings, name);
    settings.shared =
        value_is(&settings, ADB__SQLITE_CACHE, "shared") || (settings.uri && strstr(name, "cache=shared") != NULL);
    settings.immutable = value_is_true(&settings, ADB__SQLITE_IMMUTABLE);
    settings.read_only = options->read_only || settings.immutable || value_is(&settings, ADB__SQLITE_MODE, "ro");
    settings.asked_journal_mode = settings.values[ADB__SQLITE_JOURNAL_MODE] != NULL;
    if (!settings.memory)
        default_value(&settings, ADB__SQLITE_JOURNAL_MODE, "wal");
    default_value(&settings, ADB__SQLITE_SYNCHRONOUS, "full");
    default_value(&settings, ADB__SQLITE_FOREIGN_KEYS, "on");
    default_value(&settings, ADB__SQLITE_BUSY_TIMEOUT, "5000");
    settings.busy_timeout_ms = (int)strtol(settings.values[ADB__SQLITE_BUSY_TIMEOUT], NULL, 10);
    *settings_out = settings;
    return ADB_OK;
}

/* Layout ----------------------------------------------------------------------------------------------------------- */

static unsigned default_readers(void)
{
    const unsigned n_processors = adb__machine_processors();
    return n_processors < MOST_READERS ? n_processors : MOST_READERS;
}

/* One writer, and readers where they do not stand in its way: on WAL without shared cache. Where nobody writes, all
 * connections are alike. In memory there is one connection, and it is the database. */
static struct adb__layout layout_of(const struct adb__sqlite_settings *settings, const adb_options *options)
{
    const unsigned max_size = options->max_size != 0 ? options->max_size : 1 + default_readers();
    if (settings->memory)
        return (struct adb__layout){.max_writers = 1, .keep_open = true};
    if (options->force_rollback)
        return (struct adb__layout){.max_writers = 1};
    if (settings->read_only)
        return (struct adb__layout){.max_writers = max_size};
    if (settings->shared || !value_is(settings, ADB__SQLITE_JOURNAL_MODE, "wal"))
        return (struct adb__layout){.max_writers = 1};
    return (struct adb__layout){.max_writers = 1,
                                .max_readers = max_size - 1,
                                .group_commit = ADB__GROUP_SAVEPOINTS,
                                .shared_reads = true};
}

adb_status adb__sqlite_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                 adb_error *error)
{
    struct adb__sqlite_settings settings;
    if (!sqlite3_threadsafe())
        return adb__error_set(error, ADB_E_UNSUPPORTED, "this SQLite was built for one thread only");
    adb_status status = adb__sqlite_settings_read(url, options, &settings, error);
    if (status == ADB_OK)
        status = adb__sqlite_functions_check(options, error);
    if (status == ADB_OK)
        *layout_out = layout_of(&settings, options);
    return status;
}
