/* SPDX-License-Identifier: BSD-3-Clause */
/* Parameters as they arrive in the database. What the tokenizer takes for a placeholder is tested in
 * tests/unit/test_tokenize.c, and how values are checked in tests/unit/test_bind.c. */
#include "tests/conformance/driver_suite.h"

#include <stdio.h>
#include <string.h>

/* The columns of the first row, written one behind the other. */
static bool row_is(adb_job job, const char *text)
{
    char got[256] = "";
    const adb_row row = adb_result_row(outcome(job), 0);
    for (size_t i = 0; i < adb_result_columns(row.result); i++)
        strncat(got, adb_row_text(row, i), sizeof(got) - strlen(got) - 1);
    if (strcmp(got, text) != 0)
        printf("# %s, not %s\n", got, text);
    return strcmp(got, text) == 0;
}

static bool answers(const char *sql, const adb_params *params, const char *text)
{
    return row_is(adb_fetch_all(ctx, sql, params, NULL, NULL), text);
}

/* Ten names, shuffled in the text and in the call, one of them twice. PAR-01 PAR-04 PAR-07 PAR-08 REG-14 */
TEST(named_values_reach_their_places)
{
    suite_open(NULL);
    CU_ASSERT(answers("SELECT :j, :c, :a, :h, :b, :i, :d, :g, :f, :e, :c",
                      ADB_PARAMS({"e", adb_text("E")}, {"i", adb_text("I")}, {"a", adb_text("A")}, {"j", adb_text("J")},
                                 {"b", adb_text("B")}, {"h", adb_text("H")}, {"c", adb_text("C")}, {"g", adb_text("G")},
                                 {"d", adb_text("D")}, {"f", adb_text("F")}),
                      "JCAHBIDGFEC"));
    suite_close();
}

/* Positions: ?, ?1 and $1, on every database alike; the numbers start anew in each statement. PAR-16 PAR-21 CFL-19 */
TEST(positional_values_come_in_any_style)
{
    suite_open(NULL);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(answers("SELECT ?, ?", ADB_PARAMS({0, adb_text("a")}, {0, adb_text("b")}), "ab"));
        CU_ASSERT(answers("SELECT $2, $1", ADB_PARAMS({0, adb_text("a")}, {0, adb_text("b")}), "ba"));
        CU_ASSERT(answers("SELECT ?2, ?1, ?2", ADB_PARAMS({0, adb_text("a")}, {0, adb_text("b")}), "bab"));
    }
    suite_close();
}

/* %s when it is asked for, with %% for a percent sign; not inside literals. PAR-17 PAR-18 PAR-19 PAR-20 */
TEST(format_style_is_on_request)
{
    suite_open(NULL);
    CU_ASSERT(row_is(adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_FETCH_ONE, .flags = ADB_REQUEST_FORMAT,
                                                 .sql = "SELECT %s, '%s', 7 %% 4, %s",
                                                 .params = ADB_PARAMS({0, adb_text("a")}, {0, adb_text("b")}))),
                     "a%s3b"));
    suite_close();
}

/* Colons in literals, quoted names and comments are text. PAR-02 PAR-03 PAIN-21 */
TEST(only_placeholders_are_replaced)
{
    char sql[128];
    suite_open(NULL);
    CU_ASSERT(answers("SELECT 'at 12:30 :x' /* :y */, :x -- :z\n", ADB_PARAMS({"x", adb_text("!")}), "at 12:30 :x!"));
    snprintf(sql, sizeof(sql), "SELECT %s, :x FROM (SELECT 'quoted' AS %s) AS t", suite->dialect->quoted,
             suite->dialect->quoted);
    CU_ASSERT(answers(sql, ADB_PARAMS({"x", adb_text("!")}), "quoted!"));
    suite_close();
}

/* A percent sign in the text is a percent sign. PAR-09 PAR-10 */
TEST(a_percent_sign_is_text)
{
    NOTES("100 % wool", "silk");
    CU_ASSERT_EQUAL(
        answer("SELECT count(*) FROM notes WHERE text LIKE '%woo%' AND 7 % 4 = :n", ADB_PARAMS({"n", adb_int(3)}))
            .as.integer,
        1);
    suite_close();
}

static int64_t count_listed(const char *sql, size_t n_items)
{
    static adb_value items[1000];
    for (size_t i = 0; i < n_items; i++)
        items[i] = adb_int((int64_t)i + 1);
    return answer(sql, ADB_PARAMS({"ids", adb_list(items, n_items)})).as.integer;
}

/* A list of any length; the empty one matches nothing. PAR-11 PAR-12 REG-22 PAIN-16 */
TEST(lists_of_any_length_match)
{
    NOTES("a", "b", "c");
    CU_ASSERT_EQUAL(count_listed("SELECT count(*) FROM notes WHERE id IN (:ids)", 0), 0);
    CU_ASSERT_EQUAL(count_listed("SELECT count(*) FROM notes WHERE id IN (:ids)", 1), 1);
    CU_ASSERT_EQUAL(count_listed("SELECT count(*) FROM notes WHERE id IN (:ids)", 1000), 3);
    CU_ASSERT_EQUAL(count_listed("SELECT count(*) FROM notes WHERE id NOT IN (:ids)", 2), 1);
    suite_close();
}

static bool is_refused(const char *sql, const adb_params *params, const char *name)
{
    return adb_fetch_all(ctx, sql, params, NULL, NULL) == 0 && adb_context_error(ctx)->status == ADB_E_PARAMETER &&
           strstr(adb_context_error(ctx)->message, name) != NULL;
}

/* Names and values that do not fit are refused by name, without any I/O. PAR-05 PAR-06 PAR-22 CTX-13 REG-35 */
TEST(values_that_do_not_fit_are_refused_before_any_io)
{
    suite_open(NULL);
    CU_ASSERT(is_refused("SELECT :a", ADB_PARAMS({"a", adb_int(1)}, {"extra", adb_int(2)}), "extra"));
    CU_ASSERT(is_refused("SELECT :a, :missing", ADB_PARAMS({"a", adb_int(1)}), "missing"));
    CU_ASSERT(is_refused("SELECT :missing", NULL, "missing"));
    CU_ASSERT(is_refused("SELECT ?, ?", ADB_PARAMS({0, adb_int(1)}), ""));
    CU_ASSERT_EQUAL(figures().opened, 0);
    CU_ASSERT_EQUAL(figures().refused, 4);
    suite_close();
}

/* A bad parameter is refused at once while the context is busy. CTX-13 REG-35 */
TEST(a_bad_parameter_is_refused_while_the_lane_is_busy)
{
    suite_open(NULL);
    const adb_job slow = adb_fetch_all(ctx, suite->dialect->slow, NULL, NULL, NULL);
    CU_ASSERT(is_refused("SELECT :missing", NULL, "missing"));
    CU_ASSERT_EQUAL(adb_cancel(ctx, slow), ADB_OK);
    CU_ASSERT_EQUAL(ended(slow), ADB_E_CANCELLED);
    suite_close();
}

/* NULL is bound as NULL. PAR-24 */
TEST(null_is_bound_as_null)
{
    NOTES(NULL, "a");
    CU_ASSERT_EQUAL(number("SELECT count(*) FROM notes WHERE text IS NULL"), 1);
    CU_ASSERT_EQUAL(answer("SELECT count(*) FROM notes WHERE text = :x", ADB_PARAMS({"x", adb_null()})).as.integer, 0);
    suite_close();
}

/* A number given as text, and text given as a number, find their column. PAR-23 */
TEST(a_value_takes_the_type_of_its_column)
{
    NOTES("12");
    must("UPDATE notes SET id = 12");
    CU_ASSERT_EQUAL(answer("SELECT count(*) FROM notes WHERE id = :id", ADB_PARAMS({"id", adb_text("12")})).as.integer,
                    1);
    CU_ASSERT_EQUAL(answer("SELECT count(*) FROM notes WHERE text = :t", ADB_PARAMS({"t", adb_int(12)})).as.integer, 1);
    suite_close();
}

/* What is submitted is copied: the caller's memory is free at once. */
TEST(arguments_are_copied)
{
    char sql[] = "SELECT :x", name[] = "x", text[] = "kept";
    suite_open(NULL);
    const adb_job job = adb_fetch_val(ctx, sql, ADB_PARAMS({name, adb_text(text)}), NULL, NULL);
    memset(sql, '!', sizeof(sql) - 1);
    memset(name, '!', sizeof(name) - 1);
    memset(text, '!', sizeof(text) - 1);
    CU_ASSERT(is_text(adb_result_row(outcome(job), 0), 0, "kept"));
    suite_close();
}

GROUP(parameters, SQL(named_values_reach_their_places), SQL(positional_values_come_in_any_style),
      SQL(format_style_is_on_request), SQL(only_placeholders_are_replaced), SQL(a_percent_sign_is_text),
      SQL(lists_of_any_length_match), SQL(values_that_do_not_fit_are_refused_before_any_io),
      SQL(a_bad_parameter_is_refused_while_the_lane_is_busy), SQL(null_is_bound_as_null),
      SQL(a_value_takes_the_type_of_its_column), SQL(arguments_are_copied));
