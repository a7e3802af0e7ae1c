/* SPDX-License-Identifier: BSD-3-Clause */
/* Options in force: defaults, under the URL, under what the caller gives. */
#include "tests/lib/harness.h"

#include "core/options.h"
#include "drivers/registry.h"
#include "tests/lib/fault.h"

#include <string.h>

struct fixture {
    struct adb__arena arena;
    adb_url *url;
    adb_options options;
    adb_error error;
};

/* Merge with the options of a driver that knows two keys of its own. */
static adb_status merge(struct fixture *f, const char *url, const adb_options *given)
{
    static const char *const keys[] = {"journal_mode", "mode", NULL};
    static const struct adb__driver driver = {.scheme = "test", .options = keys};
    memset(f, 0, sizeof(*f));
    adb__arena_init(&f->arena, NULL, 0);
    adb_status status = adb_url_parse(url, &f->url, &f->error);
    if (status == ADB_OK)
        status = adb__options_merge(&f->arena, &driver, f->url, given, &f->options, &f->error);
    return status;
}

static void finish(struct fixture *f)
{
    adb_url_free(f->url);
    adb__arena_reset(&f->arena);
}

/* Merges, compares the status, and looks for a word in the message. */
static bool refused(const char *url, const adb_options *given, adb_status expected, const char *word)
{
    struct fixture f;
    adb_status status = merge(&f, url, given);
    bool good = status == expected && strstr(f.error.message, word) != NULL;
    finish(&f);
    return good;
}

/* OPT-10: nothing said gives the documented defaults. */
TEST(nothing_said_gives_defaults)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://", NULL), ADB_OK);
    CU_ASSERT_EQUAL(f.options.max_size, 0); /* the driver's layout decides */
    CU_ASSERT_EQUAL(f.options.min_size, 1);
    CU_ASSERT_EQUAL(f.options.queue_capacity, 4096);
    CU_ASSERT_EQUAL(f.options.wait_timeout_ms, 30000);
    CU_ASSERT_EQUAL(f.options.connect_timeout_ms, 10000);
    CU_ASSERT_EQUAL(f.options.timeout_ms, 0);
    CU_ASSERT_EQUAL(f.options.idle_timeout_ms, 600000);
    CU_ASSERT_EQUAL(f.options.lifetime_ms, 1800000);
    CU_ASSERT_EQUAL(f.options.idle_in_transaction_ms, 0);
    CU_ASSERT_EQUAL(f.options.statement_cache, 128);
    CU_ASSERT_EQUAL(f.options.batch_rows, 4096);
    CU_ASSERT_EQUAL(f.options.log_level, ADB_LOG_WARN);
    finish(&f);
}

/* OPT-05, OPT-21, OPT-34, REG-30: numbers in the URL are typed. */
TEST(url_sets_what_it_says)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?max_size=20&min_size=5&timeout_ms=250&force_rollback=true&batch_rows=7", NULL),
                    ADB_OK);
    CU_ASSERT_EQUAL(f.options.max_size, 20);
    CU_ASSERT_EQUAL(f.options.min_size, 5);
    CU_ASSERT_EQUAL(f.options.timeout_ms, 250);
    CU_ASSERT(f.options.force_rollback);
    CU_ASSERT_EQUAL(f.options.batch_rows, 7);
    finish(&f);
}

/* OPT-01, OPT-06: what the caller gives wins over the URL, field by field. */
TEST(caller_wins_over_url)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?max_size=20&min_size=5", ADB_OPTIONS(.max_size = 8)), ADB_OK);
    CU_ASSERT_EQUAL(f.options.max_size, 8);
    CU_ASSERT_EQUAL(f.options.min_size, 5);
    finish(&f);
}

/* OPT-06, OPT-23, POOL-14: other libraries' spellings. */
TEST(aliases_mean_the_same)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?maxsize=6&minsize=2&pool_recycle=90&connect_timeout=3", NULL), ADB_OK);
    CU_ASSERT_EQUAL(f.options.max_size, 6);
    CU_ASSERT_EQUAL(f.options.min_size, 2);
    CU_ASSERT_EQUAL(f.options.idle_timeout_ms, 90000);
    CU_ASSERT_EQUAL(f.options.connect_timeout_ms, 3000);
    finish(&f);
}

/* PAIN-18: a statement cache of 0 is truly none. */
TEST(statement_cache_of_zero_is_none)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?statement_cache=0", NULL), ADB_OK);
    CU_ASSERT(f.options.statement_cache < 0);
    finish(&f);
}

/* CFL-06: pool=none opens per use; pool=true is the default; another word is an error. */
TEST(pool_may_be_none)
{
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?pool=none", NULL), ADB_OK);
    CU_ASSERT(f.options.unpooled);
    finish(&f);
    CU_ASSERT_EQUAL(merge(&f, "sqlite://?pool=true", NULL), ADB_OK);
    CU_ASSERT(!f.options.unpooled);
    finish(&f);
    CU_ASSERT(refused("sqlite://?pool=sometimes", NULL, ADB_E_OPTION, "pool"));
}

/* OPT-02, CTX-29: an unknown key is an error that names it and where it stands; the driver's own keys are known. */
TEST(unknown_key_is_named_with_its_offset)
{
    struct fixture f;
    CU_ASSERT(refused("sqlite:///x?colour=red", NULL, ADB_E_OPTION, "'colour' at offset 12"));
    CU_ASSERT_EQUAL(merge(&f, "sqlite:///x?journal_mode=wal", NULL), ADB_OK);
    finish(&f);
}

/* OPT-05, OPT-33: bad values. */
TEST(bad_values_are_refused)
{
    CU_ASSERT(refused("sqlite://?max_size=many", NULL, ADB_E_OPTION, "max_size"));
    CU_ASSERT(refused("sqlite://?max_size=0", NULL, ADB_E_OPTION, "max_size"));
    CU_ASSERT(refused("sqlite://?min_size=-1", NULL, ADB_E_OPTION, "min_size"));
    CU_ASSERT(refused("sqlite://?read_only=perhaps", NULL, ADB_E_OPTION, "read_only"));
    CU_ASSERT(refused("sqlite://?min_size=9&max_size=3", NULL, ADB_E_OPTION, "min_size 9 is above max_size 3"));
    CU_ASSERT(refused("sqlite://", ADB_OPTIONS(.max_size = 300), ADB_E_OPTION, "256"));
    CU_ASSERT(refused("sqlite://", ADB_OPTIONS(.n_pragmas = 1), ADB_E_INVAL, "NULL"));
}

/* OPT-12: user, password, host, port and database of the URL can be replaced. */
TEST(options_replace_parts_of_the_url)
{
    struct fixture f;
    const adb_options *given = ADB_OPTIONS(.user = "u", .password = "p@ss", .host = "db.example", .port = 99,
                                           .database = "other name");
    CU_ASSERT_EQUAL(merge(&f, "postgresql://old@localhost/x", given), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_url_user(f.url), "u");
    CU_ASSERT_STRING_EQUAL(adb_url_password(f.url), "p@ss");
    CU_ASSERT_STRING_EQUAL(adb_url_host(f.url), "db.example");
    CU_ASSERT_EQUAL(adb_url_port(f.url), 99);
    CU_ASSERT_STRING_EQUAL(adb_url_database(f.url), "other name");
    CU_ASSERT_PTR_NULL(f.options.password);
    finish(&f);
}

/* An options struct of an older caller is filled up; one of a newer caller must hold nothing unknown. */
TEST(sized_struct_bridges_versions)
{
    struct {
        adb_options options;
        char newer[16];
    } large = {.options = {.size = sizeof(large), .max_size = 3}};
    adb_options older = {.size = offsetof(adb_options, queue_capacity), .max_size = 3, .queue_capacity = 77};
    struct fixture f;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://", &older), ADB_OK);
    CU_ASSERT_EQUAL(f.options.max_size, 3);
    CU_ASSERT_EQUAL(f.options.queue_capacity, 4096);
    finish(&f);
    CU_ASSERT_EQUAL(merge(&f, "sqlite://", &large.options), ADB_OK);
    finish(&f);
    large.newer[3] = 1;
    CU_ASSERT_EQUAL(merge(&f, "sqlite://", &large.options), ADB_E_UNSUPPORTED);
    finish(&f);
    CU_ASSERT(refused("sqlite://", &(adb_options){.max_size = 1}, ADB_E_INVAL, "size"));
}

/* No memory for copies: refused, and nothing is lost. */
TEST(no_memory_is_refused)
{
    const adb_pragma pragmas[] = {{"cache_size", "100"}};
    const char *const replicas[] = {"sqlite:///r1", "sqlite:///r2"};
    const adb_options *given = ADB_OPTIONS(.pragmas = pragmas, .n_pragmas = 1, .replicas = replicas, .n_replicas = 2);
    fault_watch();
    size_t before = fault_live_blocks();
    FAULT_EACH(n)
    {
        struct fixture f;
        fault_arm(n);
        adb_status status = merge(&f, "sqlite:///x", given);
        FAULT_DONE();
        CU_ASSERT(status == ADB_OK || status == ADB_E_NOMEM);
        finish(&f);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(options, CASE(nothing_said_gives_defaults), CASE(url_sets_what_it_says), CASE(caller_wins_over_url),
      CASE(aliases_mean_the_same), CASE(statement_cache_of_zero_is_none), CASE(pool_may_be_none),
      CASE(unknown_key_is_named_with_its_offset), CASE(bad_values_are_refused),
      CASE(options_replace_parts_of_the_url), CASE(sized_struct_bridges_versions), CASE(no_memory_is_refused))
