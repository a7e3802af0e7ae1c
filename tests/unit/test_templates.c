/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates that are kept: when, for whom, and that they are the same as those that are not. */
#include "core/templates.h"

#include "core/job.h"
#include "tests/lib/dialects.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct adb__jobs jobs;
static struct adb__templates templates;

struct got {
    struct adb__template_request request;
    struct adb__arena arena;
    const struct adb__sql_template *made;
    adb_status status;
    adb_error error;
};

static void set_up(void)
{
    jobs = (struct adb__jobs){.capacity = 0};
    templates = (struct adb__templates){.dialect = NULL};
    REQUIRE(adb__jobs_init(&jobs, 16, 1));
    adb__templates_init(&templates, &sqlite_dialect, &jobs);
}

static void tear_down(void)
{
    adb__templates_fini(&templates);
    adb__jobs_fini(&jobs);
}

static void get(struct got *got, size_t slot, unsigned flags, const char *sql, size_t size)
{
    *got = (struct got){.status = ADB_OK};
    got->request = (struct adb__template_request){
        .sql = sql, .sql_size = size, .flags = flags, .hold = &jobs.slots[slot].template_hold, .arena = &got->arena};
    got->made = adb__templates_get(&templates, &got->request, &got->status, &got->error);
}

static void let_go(struct got *got)
{
    adb__hold_drop(got->request.hold);
    adb__arena_reset(&got->arena);
}

static bool is_kept(const struct got *got)
{
    const bool own = got->made == &got->request.own;
    CU_ASSERT_EQUAL(own, adb__hold_is_empty(got->request.hold));
    return !own;
}

/* Asked for and let go: was it kept? */
static bool ask(unsigned flags, const char *sql)
{
    struct got got;
    get(&got, 0, flags, sql, strlen(sql));
    CU_ASSERT_EQUAL(got.status, ADB_OK);
    const bool kept = is_kept(&got);
    let_go(&got);
    return kept;
}

TEST(what_is_asked_for_twice_is_kept)
{
    set_up();
    CU_ASSERT_FALSE(ask(0, "SELECT :a"));
    CU_ASSERT_TRUE(ask(0, "SELECT :a"));
    CU_ASSERT_TRUE(ask(0, "SELECT :a"));
    CU_ASSERT_FALSE(ask(0, "SELECT :b"));
    tear_down();
}

/* The text counts, not where it stands. */
TEST(one_buffer_may_hold_one_text_after_the_other)
{
    struct got first, second;
    char sql[] = "SELECT 1";
    set_up();
    ask(0, "SELECT 1");
    ask(0, "SELECT 2");
    get(&first, 0, 0, sql, strlen(sql));
    sql[7] = '2';
    get(&second, 1, 0, sql, strlen(sql));
    sql[7] = '3';
    CU_ASSERT_TRUE(is_kept(&first) && is_kept(&second));
    CU_ASSERT_STRING_EQUAL(first.made->sql, "SELECT 1");
    CU_ASSERT_STRING_EQUAL(second.made->sql, "SELECT 2");
    CU_ASSERT_EQUAL(first.made->sql_size, 8);
    let_go(&first);
    let_go(&second);
    tear_down();
}

TEST(all_who_ask_share_one)
{
    struct got got[4];
    set_up();
    ask(0, "SELECT :a, :b");
    for (size_t i = 0; i < 4; i++)
        get(&got[i], i, 0, "SELECT :a, :b and more", 13);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(is_kept(&got[i]));
        CU_ASSERT_PTR_EQUAL(got[i].made, got[0].made);
        let_go(&got[i]);
    }
    tear_down();
}

/* %s is a placeholder in one of the two. */
TEST(flags_are_part_of_the_text)
{
    set_up();
    CU_ASSERT_FALSE(ask(0, "SELECT 7 %s"));
    CU_ASSERT_TRUE(ask(0, "SELECT 7 %s"));
    CU_ASSERT_FALSE(ask(ADB__SQL_FORMAT, "SELECT 7 %s"));
    struct got got;
    get(&got, 0, ADB__SQL_FORMAT, "SELECT 7 %s", 11);
    CU_ASSERT_EQUAL(got.made->n_names, 1);
    let_go(&got);
    tear_down();
}

TEST(a_refusal_is_the_same_each_time)
{
    set_up();
    for (int i = 0; i < 3; i++) {
        struct got got;
        get(&got, 0, 0, "SELECT :a, ?", 12);
        CU_ASSERT_PTR_NULL(got.made);
        CU_ASSERT_EQUAL(got.status, ADB_E_PARAMETER);
        CU_ASSERT_STRING_EQUAL(got.error.message, "named and positional placeholders are mixed at offset 11 "
                                                  "(write \\: or \\? for an operator)");
        CU_ASSERT_TRUE(adb__hold_is_empty(got.request.hold));
        let_go(&got);
    }
    tear_down();
}

TEST(what_is_too_long_is_made_for_one_use)
{
    const size_t size = ADB__TEMPLATES_MOST_SQL + 1;
    char *sql = malloc(size + 1);
    set_up();
    REQUIRE(sql != NULL);
    memset(sql, ' ', size);
    memcpy(sql, "SELECT 1", 8);
    sql[size] = '\0';
    CU_ASSERT_FALSE(ask(0, sql));
    CU_ASSERT_FALSE(ask(0, sql));
    sql[size - 1] = '\0';
    ask(0, sql);
    CU_ASSERT_TRUE(ask(0, sql));
    free(sql);
    tear_down();
}

/* To keep it is a favour: without memory for that it is made for one use, and only without any it is refused. */
TEST(no_memory_to_keep_it_is_no_refusal)
{
    struct got got;
    char lent[2048];
    set_up();
    ask(0, "SELECT :a");
    fault_arm(0);
    got = (struct got){.status = ADB_OK};
    adb__arena_init(&got.arena, lent, sizeof(lent));
    got.request = (struct adb__template_request){
        .sql = "SELECT :a", .sql_size = 9, .hold = &jobs.slots[0].template_hold, .arena = &got.arena};
    got.made = adb__templates_get(&templates, &got.request, &got.status, &got.error);
    CU_ASSERT_TRUE(fault_disarm());
    CU_ASSERT_EQUAL(got.status, ADB_OK);
    CU_ASSERT_FALSE(is_kept(&got));
    let_go(&got);
    tear_down();
}

TEST(running_out_of_memory_is_a_status)
{
    struct got got;
    set_up();
    ask(0, "SELECT :a");
    FAULT_EACH(n)
    {
        fault_arm(n);
        get(&got, 0, 0, "SELECT :a", 9);
        FAULT_DONE();
        CU_ASSERT_TRUE(got.status == ADB_OK ? got.made != NULL : got.status == ADB_E_NOMEM);
        let_go(&got);
    }
    CU_ASSERT_TRUE(ask(0, "SELECT :a"));
    tear_down();
}

/* A template that is kept makes the same statement as one that is not, text and values. */
TEST(what_is_kept_binds_as_what_is_not)
{
    static const char *const texts[] = {"SELECT :a, :b, :a", "SELECT :b WHERE :a IN (:list)",
                                        "; SELECT ':a', :a -- :b"};
    const adb_params *const params[] = {
        ADB_PARAMS({"a", adb_int(1)}, {"b", adb_text("x")}),
        ADB_PARAMS({"b", adb_int(1)}, {"a", adb_int(2)}, {"list", adb_null()}),
        ADB_PARAMS({"a", adb_int(1)}),
    };
    set_up();
    for (size_t i = 0; i < 3; i++) {
        struct got own, kept;
        struct adb__statement first, second;
        get(&own, 0, 0, texts[i], strlen(texts[i]));
        get(&kept, 1, 0, texts[i], strlen(texts[i]));
        CU_ASSERT_TRUE(!is_kept(&own) && is_kept(&kept));
        CU_ASSERT_EQUAL(adb__sql_bind(&own.arena, own.made, 0, params[i], &first, &own.error), ADB_OK);
        CU_ASSERT_EQUAL(adb__sql_bind(&kept.arena, kept.made, 0, params[i], &second, &kept.error), ADB_OK);
        CU_ASSERT_STRING_EQUAL(first.sql, second.sql);
        CU_ASSERT_EQUAL(first.n_values, second.n_values);
        CU_ASSERT_EQUAL(first.flags, second.flags);
        let_go(&own);
        let_go(&kept);
    }
    tear_down();
}

/* Thousands of texts that differ: what stays is bounded. */
TEST(a_stream_of_texts_keeps_no_more_than_it_may)
{
    char sql[64];
    fault_watch();
    const size_t before = fault_live_blocks();
    set_up();
    for (int i = 0; i < 4000; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d, :a", i / 2);
        ask(0, sql);
        ask(0, "SELECT 'used all the time'");
    }
    CU_ASSERT_TRUE(fault_live_blocks() - before <= ADB__SHELF_SETS * ADB__SHELF_WAYS + 64);
    CU_ASSERT_TRUE(ask(0, "SELECT 'used all the time'"));
    tear_down();
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(templates, CASE(what_is_asked_for_twice_is_kept), CASE(one_buffer_may_hold_one_text_after_the_other),
      CASE(all_who_ask_share_one), CASE(flags_are_part_of_the_text), CASE(a_refusal_is_the_same_each_time),
      CASE(what_is_too_long_is_made_for_one_use), CASE(no_memory_to_keep_it_is_no_refusal),
      CASE(running_out_of_memory_is_a_status), CASE(what_is_kept_binds_as_what_is_not),
      CASE(a_stream_of_texts_keeps_no_more_than_it_may))
