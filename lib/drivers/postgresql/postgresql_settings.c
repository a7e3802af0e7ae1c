/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL and its options say to the PostgreSQL driver: a table of keys and their values, brought into the words of
 * libpq. No I/O. */
#include "drivers/postgresql/postgresql.h"

#include "base/alloc.h"
#include "drivers/tls.h"
#include "model/error.h"
#include "model/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef __linux__
#include <errno.h> /* for the program's name only */
#endif

#define DEFAULT_PREPARE_THRESHOLD 2

/* How a setting of the session is given: server.NAME=value. */
#define SERVER_PREFIX "server."

/* What a key takes: one of the words, a list of them, a number, or any text when there is nothing to choose from. */
struct rule {
    const char *key; /* of the URL, and libpq's own keyword */
    const char *expected;
    const char *words[9];
    int64_t min;
    int64_t max;
    bool is_list;
    bool is_rare; /* not in every libpq */
};

#define TEXT(name)                                                                                                     \
    {                                                                                                                  \
        .key = name, .expected = "some text"                                                                           \
    }
#define NUMBER(name, least, most, what)                                                                                \
    {                                                                                                                  \
        .key = name, .expected = what, .min = least, .max = most                                                       \
    }
#define WANTED(name)                                                                                                   \
    {                                                                                                                  \
        .key = name, .expected = "disable, prefer or require", .words = { "disable", "prefer", "require" }             \
    }

static const struct rule rules[] = {
    TEXT("application_name"),
    TEXT("passfile"),
    TEXT("service"),
    TEXT("krbsrvname"),
    TEXT("sslpassword"),
    WANTED("channel_binding"),
    WANTED("gssencmode"),
    {.key = "keepalives", .expected = "0 or 1", .words = {"0", "1"}},
    NUMBER("keepalives_idle", 0, INT32_MAX, "a number of seconds"),
    NUMBER("keepalives_interval", 0, INT32_MAX, "a number of seconds"),
    NUMBER("keepalives_count", 0, INT32_MAX, "a number"),
    NUMBER("tcp_user_timeout", 0, INT32_MAX, "a number of milliseconds"),
    {.key = "sslnegotiation", .expected = "postgres or direct", .words = {"postgres", "direct"}, .is_rare = true},
    {.key = "require_auth",
     .expected = "a list of password, md5, gss, sspi, scram-sha-256, oauth and none",
     .words = {"password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"},
     .is_list = true,
     .is_rare = true},
};

/* Keys that are not simply handed to libpq. */
enum { KEY_TARGET, KEY_BALANCE, KEY_THRESHOLD, KEY_OPTIONS, N_OWN_KEYS };

static const struct rule own_rules[N_OWN_KEYS] = {
    [KEY_TARGET] = {.key = "target_session_attrs",
                    .expected = "any, read-write, read-only, primary, standby or prefer-standby",
                    .words = {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}},
    [KEY_BALANCE] = {.key = "load_balance_hosts", .expected = "disable or random", .words = {"disable", "random"}},
    [KEY_THRESHOLD] = NUMBER("prepare_threshold", 1, 1000000, "a number from 1 to 1000000"),
    [KEY_OPTIONS] = TEXT("options"),
};

const char *const adb__pg_keys[] = {
    ADB__TLS_KEYS,
    "port",
    "application_name",
    "passfile",
    "service",
    "krbsrvname",
    "sslpassword",
    "channel_binding",
    "gssencmode",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslnegotiation",
    "require_auth",
    "target_session_attrs",
    "load_balance_hosts",
    "prepare_threshold",
    "options",
    SERVER_PREFIX,
    NULL,
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Values ----------------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text, int64_t min, int64_t max)
{
    const size_t n_digits = strspn(text, "0123456789");
    if (n_digits == 0 || n_digits > 18 || text[n_digits] != '\0')
        return false;
    const long long number = strtoll(text, NULL, 10);
    return number >= min && number <= max;
}

static bool is_word(const struct rule *rule, const char *text, size_t size)
{
    for (const char *const *word = rule->words; *word != NULL; word++) {
        if (strlen(*word) == size && strncasecmp(*word, text, size) == 0)
            return true;
    }
    return false;
}

/* Words between commas; a '!' excludes one. */
static bool is_list(const struct rule *rule, const char *text)
{
    for (;;) {
        const char *word = text + (*text == '!');
        const size_t size = strcspn(word, ",");
        if (!is_word(rule, word, size))
            return false;
        if (word[size] == '\0')
            return true;
        text = word + size + 1;
    }
}

static bool fits(const struct rule *rule, const char *value)
{
    if (rule->is_list)
        return is_list(rule, value);
    if (rule->words[0] != NULL)
        return is_word(rule, value, strlen(value));
    return rule->max > 0 ? is_number(value, rule->min, rule->max) : value[0] != '\0';
}

/* The value of a rule's key, NULL when it is not there. */
static adb_status value_read(const adb_url *url, const struct rule *rule, const char **value_out, adb_error *error)
{
    const char *value = NULL;
    for (size_t i = 0; i < adb_url_options(url); i++) {
        if (strcmp(adb_url_option_key(url, i), rule->key) != 0)
            continue;
        const size_t offset = adb__url_option_offset(url, i);
        if (value != NULL)
            return adb__error_set(error, ADB_E_OPTION, "option \"%s\" is there again at offset %zu of the URL",
                                  rule->key, offset);
        value = adb_url_option_value(url, i);
        if (!fits(rule, value))
            return adb__error_set(error, ADB_E_OPTION,
                                  "option \"%s\" at offset %zu of the URL must be %s, not \"%.60s\"", rule->key, offset,
                                  rule->expected, value);
    }
    *value_out = value;
    return ADB_OK;
}

/* Words for libpq -------------------------------------------------------------------------------------------------- */

static void say(struct adb__pg_settings *settings, const char *keyword, const char *value)
{
    if (value == NULL)
        return;
    settings->keywords[settings->n_words] = keyword;
    settings->values[settings->n_words] = value;
    settings->n_words++;
}

static bool is_said(const struct adb__pg_settings *settings, const char *keyword)
{
    for (size_t i = 0; i < settings->n_words; i++) {
        if (strcmp(settings->keywords[i], keyword) == 0)
            return true;
    }
    return false;
}

static void say_default(struct adb__pg_settings *settings, const char *keyword, const char *value)
{
    if (!is_said(settings, keyword))
        say(settings, keyword, value);
}

/* libpq has learnt some keywords only lately. */
static bool libpq_knows(const char *keyword)
{
    PQconninfoOption *all = PQconndefaults();
    bool found = all == NULL; /* no memory: it is told later */
    for (const PQconninfoOption *one = all; one != NULL && one->keyword != NULL && !found; one++)
        found = strcmp(one->keyword, keyword) == 0;
    PQconninfoFree(all);
    return found;
}

static adb_status read_words(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    for (size_t i = 0; i < N_OF(rules); i++) {
        const char *value;
        const adb_status status = value_read(url, &rules[i], &value, error);
        if (status != ADB_OK)
            return status;
        if (value != NULL && rules[i].is_rare && !libpq_knows(rules[i].key))
            return adb__error_set(error, ADB_E_UNSUPPORTED, "option \"%s\" needs a newer libpq than %d", rules[i].key,
                                  PQlibVersion());
        say(settings, rules[i].key, value);
    }
    return ADB_OK;
}

static const char *not_empty(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static const char *program_name(void)
{
#ifdef __linux__
    return program_invocation_short_name;
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
    return getprogname();
#else
    return "asyncdb";
#endif
}

static adb_status say_tls(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    struct adb__tls tls;
    const adb_status status = adb__tls_read(url, &tls, error);
    if (status != ADB_OK)
        return status;
    say(settings, "sslmode", not_empty(adb__tls_word(tls.mode)));
    say(settings, "sslrootcert", tls.ca);
    say(settings, "sslcert", tls.cert);
    say(settings, "sslkey", tls.key);
    say(settings, "sslcrl", tls.crl);
    return ADB_OK;
}

static void say_the_rest(const adb_url *url, struct adb__pg_settings *settings)
{
    const char *password = adb_url_password(url);
    say(settings, "user", not_empty(adb_url_user(url)));
    say(settings, "password", not_empty(password != NULL ? password : adb_url_option(url, "password")));
    say(settings, "dbname", not_empty(adb_url_database(url)));
    say(settings, "client_encoding", "UTF8");
    say(settings, "fallback_application_name", not_empty(program_name()));
    say_default(settings, "keepalives_idle", "60");
    say_default(settings, "keepalives_interval", "10");
    say_default(settings, "keepalives_count", "3");
    say_default(settings, "tcp_user_timeout", "30000");
}

/* Settings of the session ------------------------------------------------------------------------------------------ */

/* The server splits its options at blanks; a backslash keeps one. */
static void option_append(struct adb__buf *buf, const char *name, const char *value)
{
    adb__buf_puts(buf, buf->size > 0 ? " -c " : "-c ");
    adb__buf_puts(buf, name);
    adb__buf_putc(buf, '=');
    for (; *value != '\0'; value++) {
        if (isspace((unsigned char)*value) || *value == '\\')
            adb__buf_putc(buf, '\\');
        adb__buf_putc(buf, *value);
    }
}

/* A name that may stand before a '=' as it is; extensions have a '.' in theirs. */
static bool is_setting_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_' || *name == '.')
        name++;
    return *name == '\0';
}

static adb_status read_server_settings(const adb_url *url, struct adb__buf *buf, adb_error *error)
{
    const size_t prefix_size = strlen(SERVER_PREFIX);
    for (size_t i = 0; i < adb_url_options(url); i++) {
        const char *key = adb_url_option_key(url, i);
        if (strncmp(key, SERVER_PREFIX, prefix_size) != 0)
            continue;
        if (!is_setting_name(key + prefix_size))
            return adb__error_set(error, ADB_E_OPTION, "option \"%.60s\" at offset %zu of the URL names no setting",
                                  key, adb__url_option_offset(url, i));
        option_append(buf, key + prefix_size, adb_url_option_value(url, i));
    }
    return ADB_OK;
}

/* In the order in which later ones win: what the caller says on purpose comes last. */
static adb_status say_options(const adb_url *url, bool read_only, struct adb__pg_settings *settings, adb_error *error)
{
    struct adb__buf buf = ADB__BUF_INIT;
    const char *given;
    adb_status status = value_read(url, &own_rules[KEY_OPTIONS], &given, error);
    if (status == ADB_OK && given != NULL)
        adb__buf_puts(&buf, given);
    if (status == ADB_OK)
        status = read_server_settings(url, &buf, error);
    if (status == ADB_OK && read_only)
        option_append(&buf, "default_transaction_read_only", "on");
    if (status == ADB_OK && buf.size > 0) {
        const char *text = buf.failed ? NULL : adb__arena_strdup(&settings->arena, buf.bytes);
        say(settings, "options", text);
        status = text != NULL ? ADB_OK : adb__pg_no_memory(error);
    }
    adb__buf_fini(&buf);
    return status;
}

static adb_status read_own_keys(const adb_url *url, struct adb__pg_settings *settings, adb_error *error)
{
    const char *balance = NULL;
    const char *threshold = NULL;
    adb_status status = value_read(url, &own_rules[KEY_TARGET], &settings->target, error);
    if (status == ADB_OK)
        status = value_read(url, &own_rules[KEY_BALANCE], &balance, error);
    if (status == ADB_OK)
        status = value_read(url, &own_rules[KEY_THRESHOLD], &threshold, error);
    if (status != ADB_OK)
        return status;
    settings->shuffle = balance != NULL && strcasecmp(balance, "random") == 0;
    settings->prepare_threshold =
        threshold != NULL ? (unsigned)strtoul(threshold, NULL, 10) : DEFAULT_PREPARE_THRESHOLD;
    return ADB_OK;
}

/* All together ----------------------------------------------------------------------------------------------------- */

adb_status adb__pg_settings_read(const adb_url *url, bool session_reads, struct adb__pg_settings *settings_out,
                                 adb_error *error)
{
    *settings_out = (struct adb__pg_settings){.n_hosts = 0};
    adb__arena_init(&settings_out->arena, NULL, 0);
    adb_status status = read_words(url, settings_out, error);
    if (status == ADB_OK)
        status = say_tls(url, settings_out, error);
    if (status == ADB_OK)
        status = read_own_keys(url, settings_out, error);
    if (status == ADB_OK)
        status = say_options(url, session_reads, settings_out, error);
    if (status == ADB_OK)
        status = adb__pg_hosts_read(url, settings_out, error);
    if (status == ADB_OK)
        say_the_rest(url, settings_out);
    return status;
}

void adb__pg_settings_fini(struct adb__pg_settings *settings)
{
    adb__arena_reset(&settings->arena);
    *settings = (struct adb__pg_settings){.n_hosts = 0};
}

/* Without prepared statements there is perhaps a pooler in between, whose sessions may be changed by nobody. */
static struct adb__layout layout_of(const adb_options *options)
{
    const bool prepares = options->statement_cache >= 0;
    const bool groups = prepares && !options->read_only && !options->force_rollback;
    return (struct adb__layout){
        .backs_off = true,
        .pipelines = prepares,
        .answers_together = true,
        .tells_in_pipeline = true,
        .group_commit = groups ? ADB__GROUP_FLUSH : ADB__GROUP_NONE};
}

adb_status adb__pg_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                             adb_error *error)
{
    struct adb__pg_settings settings;
    if (!PQisthreadsafe())
        return adb__error_set(error, ADB_E_UNSUPPORTED, "this libpq was built for one thread only");
    if (options->n_pragmas > 0 || options->n_functions > 0)
        return adb__error_set(error, ADB_E_OPTION, "pragmas and functions are for SQLite only");
    const adb_status status = adb__pg_settings_read(url, options->read_only, &settings, error);
    adb__pg_settings_fini(&settings);
    if (status == ADB_OK)
        *layout_out = layout_of(options);
    return status;
}
