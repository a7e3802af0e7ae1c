/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's SQL functions on SQLite. */
#include "tests/unit/sqlite_fixture.h"

static void add(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    int64_t sum = *(const int64_t *)user_data;
    for (size_t i = 0; i < n_arguments; i++)
        sum += arguments[i].as.integer;
    adb_function_return(call, adb_int(sum));
}

static void same(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)n_arguments;
    (void)user_data;
    adb_function_return(call, arguments[0]);
}

static void constant(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)arguments;
    (void)n_arguments;
    adb_function_return(call, *(const adb_value *)user_data);
}

static void refuse(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)arguments;
    (void)n_arguments;
    (void)user_data;
    adb_function_fail(call, "no such table: it only says so");
    adb_function_return(call, adb_int(1));
}

static void silent(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)call;
    (void)arguments;
    (void)n_arguments;
    (void)user_data;
}

static int64_t ten = 10;
static adb_value returned;

static const adb_function functions[] = {
    {.name = "add_ten", .n_arguments = -1, .deterministic = true, .function = add, .user_data = &ten},
    {.name = "same", .n_arguments = 1, .deterministic = true, .function = same},
    {.name = "constant", .function = constant, .user_data = &returned},
    {.name = "refuse", .function = refuse},
    {.name = "silent", .function = silent},
};

static void functions_open(struct session *s)
{
    *s = (struct session){.options = {.functions = functions, .n_functions = 5}};
    memory_open(s);
}

/* Any number of arguments, of every class, and in an index when it is deterministic. TYP-19 OPT-26 REG-59 */
TEST(functions_compute_in_queries)
{
    struct session s;
    functions_open(&s);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT add_ten()"), 10);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT add_ten(1, 2, 3)"), 16);
    CU_ASSERT_TRUE(answer_is(&s, "SELECT same('text')", "text"));
    CU_ASSERT_EQUAL(answer(&s, "SELECT same(1.5)").as.real, 1.5);
    CU_ASSERT_EQUAL(answer(&s, "SELECT same(x'0001')").size, 2);
    CU_ASSERT_EQUAL(answer(&s, "SELECT same(zeroblob(0))").type, ADB_TYPE_BLOB);
    CU_ASSERT_EQUAL(answer(&s, "SELECT same(NULL)").type, ADB_TYPE_NULL);
    CU_ASSERT_EQUAL(answer(&s, "SELECT silent()").type, ADB_TYPE_NULL);
    must(&s, "CREATE TABLE t (x)");
    must(&s, "CREATE INDEX i ON t (add_ten(x))");
    CU_ASSERT_EQUAL(run(&s, "CREATE INDEX j ON t (constant())"), ADB_E_SQL);
    session_close(&s);
}

/* Every type but a list can be returned. TYP-19 */
TEST(functions_return_every_type)
{
    const uint8_t uuid[16] = {0};
    struct session s;
    functions_open(&s);
    returned = adb_bool(true);
    CU_ASSERT_EQUAL(answer_int(&s, "SELECT constant()"), 1);
    returned = adb_date(1999, 12, 31);
    CU_ASSERT_TRUE(answer_is(&s, "SELECT constant()", "1999-12-31"));
    returned = adb_uuid(uuid);
    CU_ASSERT_TRUE(answer_is(&s, "SELECT constant()", "00000000-0000-0000-0000-000000000000"));
    returned = adb_decimal("1.10");
    CU_ASSERT_TRUE(answer_is(&s, "SELECT constant()", "1.10"));
    returned = adb_text_n("a\0b", 3);
    CU_ASSERT_EQUAL(answer(&s, "SELECT constant()").size, 3);
    returned = adb_list(&returned, 1);
    CU_ASSERT_EQUAL(run(&s, "SELECT constant()"), ADB_E_SQL);
    session_close(&s);
}

/* Its own words, not taken for SQLite's; and failing is final. TYP-19 */
TEST(a_failing_function_fails_its_statement)
{
    struct session s;
    functions_open(&s);
    CU_ASSERT_EQUAL(run(&s, "SELECT refuse()"), ADB_E_SQL);
    CU_ASSERT(failed_as(&s, ADB_E_SQL, "38000", "it only says so"));
    CU_ASSERT_EQUAL(run(&s, "SELECT * FROM nowhere"), ADB_E_UNDEFINED);
    session_close(&s);
}

/* Without a call there is nothing to return to. */
TEST(function_calls_need_a_call)
{
    adb_function_return(NULL, adb_int(1));
    adb_function_fail(NULL, "nothing");
}

SUITE(sqlite_function, CASE(functions_compute_in_queries), CASE(functions_return_every_type),
      CASE(a_failing_function_fails_its_statement), CASE(function_calls_need_a_call))
