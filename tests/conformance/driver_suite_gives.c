/* SPDX-License-Identifier: BSD-3-Clause */
/* What an instance says of its database is tried out, in both directions: README's table of what each database gives is
 * made of it (tests/check-gives.sh). */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* A row comes back from an INSERT. */
static bool returns_rows(void)
{
    return adb_result_rows(outcome(
               adb_fetch_all(ctx, "INSERT INTO notes (text) VALUES ('x') RETURNING id", NULL, NULL, NULL))) == 1;
}

/* A row that refers to nothing is taken, and told at commit. */
static bool defers_constraints(void)
{
    bool taken = false;
    if (ended(adb_execute(ctx, "CREATE TABLE kept (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)",
                          NULL, NULL, NULL)) != ADB_OK)
        return false;
    adb_begin(ctx, NULL, NULL, NULL);
    taken = ended(adb_execute(ctx, "INSERT INTO kept (note) VALUES (77)", NULL, NULL, NULL)) == ADB_OK;
    return ended(adb_commit(ctx, NULL, NULL)) == ADB_E_FOREIGN_KEY && taken;
}

/* A table that was made in a transaction is gone after its rollback. */
static bool undoes_tables(void)
{
    adb_begin(ctx, NULL, NULL, NULL);
    adb_execute(ctx, "CREATE TABLE undone (id INTEGER)", NULL, NULL, NULL);
    adb_rollback(ctx, NULL, NULL);
    return ended(adb_fetch_all(ctx, "SELECT * FROM undone", NULL, NULL, NULL)) == ADB_E_UNDEFINED;
}

/* After a failure the transaction takes another statement. */
static bool goes_on(void)
{
    adb_begin(ctx, ADB_TRANSACTION(.on_error = ADB_ON_ERROR_CONTINUE), NULL, NULL);
    adb_execute(ctx, suite->dialect->wrong, NULL, NULL, NULL);
    const bool taken = add_note(ctx, "b");
    ended(adb_rollback(ctx, NULL, NULL));
    return taken;
}

static bool tells_keys(void)
{
    return adb_result_last_insert_id(outcome(adb_execute(ctx, suite->dialect->write, NULL, NULL, NULL)), NULL);
}

/* Each isolation is taken, the weakest too. */
static bool has_levels(void)
{
    bool taken = true;
    for (int level = ADB_ISOLATION_READ_UNCOMMITTED; level <= ADB_ISOLATION_SERIALIZABLE; level++) {
        const adb_transaction_options options = {.size = sizeof(options), .isolation = (adb_isolation)level};
        taken = ended(adb_begin(ctx, &options, NULL, NULL)) == ADB_OK && taken;
        adb_rollback(ctx, NULL, NULL);
    }
    return taken;
}

static void hear_nothing(const adb_notification *notification, void *user_data)
{
    (void)notification;
    (void)user_data;
}

static bool has_notifications(void)
{
    adb_listener *listener = adb_listen(ctx, "gift", hear_nothing, NULL);
    adb_unlisten(listener);
    return listener != NULL;
}

static bool opens(const char *url, const adb_options *options)
{
    adb_database *other = NULL;
    adb_database_open(url, options, &other, NULL);
    adb_database_free(other);
    return other != NULL;
}

static void compute(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)call;
    (void)arguments;
    (void)n_arguments;
    (void)user_data;
}

static bool has_functions(void)
{
    const adb_function function = {.name = "gift", .function = compute};
    return opens(suite_url(), ADB_OPTIONS(.functions = &function, .n_functions = 1));
}

static bool has_words_for_tls(void)
{
    return opens(suite_url_with("ssl_crl=/nowhere"), NULL);
}

static bool takes_nuls(void)
{
    adb_result *all = outcome(adb_fetch_val(ctx, "SELECT :x", ADB_PARAMS({"x", adb_text_n("a\0b", 3)}), NULL, NULL));
    return adb_result_status(all) == ADB_OK && adb_result_value(all).size == 3;
}

static bool outlives_close(void)
{
    suite_reopen(NULL);
    return ended(adb_fetch_all(ctx, suite->dialect->written, NULL, NULL, NULL)) == ADB_OK;
}

static const struct gift {
    unsigned flag;
    const char *what; /* as README has it */
    bool (*probe)(void);
} gifts[] = {
    {SUITE_RETURNING, "`INSERT … RETURNING`", returns_rows},
    {SUITE_KEYS, "key of an insert without it", tells_keys},
    {SUITE_DEFERRED, "constraints checked at commit", defers_constraints},
    {SUITE_UNDOES_DDL, "a rollback undoes `CREATE TABLE`", undoes_tables},
    {SUITE_GOES_ON, "a transaction goes on after a failed statement, when asked to", goes_on},
    {SUITE_LEVELS, "isolation below serializable", has_levels},
    {SUITE_NULS, "a NUL inside text", takes_nuls},
    {SUITE_LISTEN, "notifications: `adb_listen()`", has_notifications},
    {SUITE_WORDS, "TLS", has_words_for_tls},
    {SUITE_FUNCTIONS, "your own SQL functions: `adb_options.functions`", has_functions},
    {SUITE_PERSISTENT, "data outlives close", outlives_close},
};

enum { N_GIFTS = sizeof(gifts) / sizeof(gifts[0]) };

static const char *said_of(const struct suite_database *database, unsigned flag)
{
    if ((database->can & flag) == 0)
        return "no";
    return strcmp(database->dialect->driver, "mysql") == 0 && (SUITE_MYSQL & flag) == 0 ? "in MariaDB" : "yes";
}

void suite_print_gives(const struct suite_database *database)
{
    for (size_t i = 0; i < N_GIFTS; i++)
        printf("%s|%s\n", gifts[i].what, said_of(database, gifts[i].flag));
}

/* What is said to be there is there, and what is said not to be there is not. */
TEST(the_database_gives_what_is_said_of_it)
{
    for (size_t i = 0; i < N_GIFTS; i++) {
        const bool said = (suite->can & gifts[i].flag) != 0;
        NOTES("a");
        const bool given = gifts[i].probe();
        if (given != said)
            printf("# %s: %s\n", gifts[i].what, given ? "given" : "not given");
        CU_ASSERT(given == said || (given && suite->at_least));
        suite_close();
    }
}

GROUP(gives, SQL(the_database_gives_what_is_said_of_it));
