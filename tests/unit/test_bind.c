/* SPDX-License-Identifier: BSD-3-Clause */
/* Values for a template: names and positions, lists, copies, and the refusals before any I/O. */
#include "sql/compile.h"

#include "model/value.h"
#include "tests/lib/dialects.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

#define SQLITE     &sqlite_dialect
#define POSTGRESQL &postgresql_dialect
#define MYSQL      &mysql_dialect
#define N_OF(a)    (sizeof(a) / sizeof((a)[0]))

static struct adb__arena arena;
static adb_error error;

static adb_status bind_with(const struct adb__dialect *dialect, unsigned flags, const char *sql,
                            const adb_params *params, struct adb__statement *statement)
{
    struct adb__sql_template made;
    adb__arena_reset(&arena);
    error = (adb_error){0};
    const adb_status status = adb__sql_parse(&arena, dialect, 0, sql, strlen(sql), &made, &error);
    return status == ADB_OK ? adb__sql_bind(&arena, &made, flags, params, statement, &error) : status;
}

/* Integers as "1 2 3". */
static void values_of(const struct adb__statement *statement, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < statement->n_values && n < room; i++)
        n +=
            (size_t)snprintf(out + n, room - n, "%s%lld", i > 0 ? " " : "", (long long)statement->values[i].as.integer);
}

/* The text and the integers that go out. */
static void check(const struct adb__dialect *dialect, const char *sql, const adb_params *params, const char *expected,
                  const char *values)
{
    struct adb__statement statement = {0};
    char found[400] = "";
    const adb_status status = bind_with(dialect, 0, sql, params, &statement);
    CU_ASSERT_EQUAL(status, ADB_OK);
    if (status != ADB_OK) {
        printf("  %s: %s\n", sql, error.message);
        return;
    }
    values_of(&statement, found, sizeof(found));
    if (strcmp(statement.sql, expected) != 0 || strcmp(found, values) != 0)
        printf("  %s\n  found    %s (%s)\n  expected %s (%s)\n", sql, statement.sql, found, expected, values);
    CU_ASSERT_STRING_EQUAL(statement.sql, expected);
    CU_ASSERT_EQUAL(statement.sql_size, strlen(expected));
    CU_ASSERT_STRING_EQUAL(found, values);
}

static void check_refused(const struct adb__dialect *dialect, const char *sql, const adb_params *params,
                          const char *message)
{
    struct adb__statement statement = {.n_values = 77};
    CU_ASSERT_EQUAL(bind_with(dialect, 0, sql, params, &statement), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(error.status, ADB_E_PARAMETER);
    CU_ASSERT_STRING_EQUAL(error.message, message);
    CU_ASSERT_EQUAL(statement.n_values, 77);
}

/* Values go by name, whatever the order of the call. (PAR-01, PAR-07, PAR-08) */
TEST(values_go_by_name)
{
    const adb_params *params = ADB_PARAMS({"a", adb_int(1)}, {"b", adb_int(2)});
    check(SQLITE, "SELECT :b, :a", params, "SELECT ?1, ?2", "2 1");
    check(POSTGRESQL, "SELECT :b, :a", params, "SELECT $1, $2", "2 1");
    check(MYSQL, "SELECT :b, :a", params, "SELECT ?, ?", "2 1");
}

/* A repeated name is one value where there are numbers, and one for each use where there are none. (PAR-04) */
TEST(repeated_names_repeat_values_only_without_numbers)
{
    const adb_params *params = ADB_PARAMS({"a", adb_int(1)}, {"b", adb_int(2)});
    check(SQLITE, "SELECT :b, :a, :b", params, "SELECT ?1, ?2, ?1", "2 1");
    check(POSTGRESQL, "SELECT :b, :a, :b", params, "SELECT $1, $2, $1", "2 1");
    check(MYSQL, "SELECT :b, :a, :b", params, "SELECT ?, ?, ?", "2 1 2");
}

/* Ten names, shuffled in text and call, some of them repeated. (REG-14) */
TEST(ten_shuffled_names_find_their_values)
{
    const adb_params *params =
        ADB_PARAMS({"j", adb_int(9)}, {"a", adb_int(0)}, {"i", adb_int(8)}, {"b", adb_int(1)}, {"h", adb_int(7)},
                   {"c", adb_int(2)}, {"g", adb_int(6)}, {"d", adb_int(3)}, {"f", adb_int(5)}, {"e", adb_int(4)});
    const char *sql = "VALUES (:c,:a,:j,:c,:e,:b,:d,:f,:a,:h,:g,:i)";
    check(SQLITE, sql, params, "VALUES (?1,?2,?3,?1,?4,?5,?6,?7,?2,?8,?9,?10)", "2 0 9 4 1 3 5 7 6 8");
    check(POSTGRESQL, sql, params, "VALUES ($1,$2,$3,$1,$4,$5,$6,$7,$2,$8,$9,$10)", "2 0 9 4 1 3 5 7 6 8");
    check(MYSQL, sql, params, "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", "2 0 9 2 4 1 3 5 0 7 6 8");
}

/* Positional values go in order, or by number. (PAR-16) */
TEST(values_go_by_position)
{
    const adb_params *params = ADB_PARAMS({0, adb_int(1)}, {0, adb_int(2)});
    check(SQLITE, "SELECT ?, ?", params, "SELECT ?1, ?2", "1 2");
    check(POSTGRESQL, "SELECT $2, $1", params, "SELECT $2, $1", "1 2");
    check(MYSQL, "SELECT ?2, ?1, ?2", params, "SELECT ?, ?, ?", "2 1 2");
}

/* A statement without placeholders takes no values, an empty set or none at all. (PAR-06) */
TEST(no_placeholders_take_no_values)
{
    static const adb_params empty = {NULL, 0};
    check(SQLITE, "SELECT 1", NULL, "SELECT 1", "");
    check(SQLITE, "SELECT 1", &empty, "SELECT 1", "");
    check_refused(SQLITE, "SELECT 1", ADB_PARAMS({"a", adb_int(1)}), "parameter a has no placeholder in the statement");
    check_refused(SQLITE, "SELECT 1", ADB_PARAMS({0, adb_int(1)}), "1 values given, the statement has no placeholders");
}

/* Values without a placeholder and placeholders without a value are named. (PAR-05, PAR-06) */
TEST(names_that_do_not_fit_are_named)
{
    static const adb_params empty = {NULL, 0};
    check_refused(SQLITE, "SELECT :a, :b", ADB_PARAMS({"a", adb_int(1)}), "parameter b has no value");
    check_refused(SQLITE, "SELECT :a", NULL, "parameter a has no value");
    check_refused(SQLITE, "SELECT :a", &empty, "parameter a has no value");
    check_refused(SQLITE, "SELECT :a", ADB_PARAMS({"a", adb_int(1)}, {"aa", adb_int(1)}),
                  "parameter aa has no placeholder in the statement");
    check_refused(SQLITE, "SELECT :a", ADB_PARAMS({"A", adb_int(1)}),
                  "parameter A has no placeholder in the statement");
    check_refused(SQLITE, "SELECT :a", ADB_PARAMS({"", adb_int(1)}), "parameter  has no placeholder in the statement");
    check_refused(SQLITE, "SELECT :a", ADB_PARAMS({"a", adb_int(1)}, {"a", adb_int(2)}), "parameter a is given twice");
    check_refused(SQLITE, "SELECT :a", ADB_PARAMS({":a", adb_int(1)}), "parameter :a is to be named without the colon");
}

/* Names inside literals and comments take no value. (PAR-03) */
TEST(names_in_literals_take_no_value)
{
    check(SQLITE, "SELECT ':a', :b /* :c */", ADB_PARAMS({"b", adb_int(1)}), "SELECT ':a', ?1 /* :c */", "1");
    check_refused(SQLITE, "SELECT ':a', :b", ADB_PARAMS({"a", adb_int(1)}, {"b", adb_int(1)}),
                  "parameter a has no placeholder in the statement");
}

/* Counts must be equal. (PAR-22) */
TEST(a_wrong_count_is_refused)
{
    check_refused(SQLITE, "SELECT ?, ?", ADB_PARAMS({0, adb_int(1)}),
                  "1 values given, the statement has 2 placeholders");
    check_refused(MYSQL, "SELECT ?", ADB_PARAMS({0, adb_int(1)}, {0, adb_int(2)}),
                  "2 values given, the statement has 1 placeholders");
    check_refused(POSTGRESQL, "SELECT $1", NULL, "0 values given, the statement has 1 placeholders");
}

/* Named values for positions, and the other way round. */
TEST(styles_of_text_and_values_must_agree)
{
    check_refused(SQLITE, "SELECT ?", ADB_PARAMS({"a", adb_int(1)}),
                  "parameter a has a name, the placeholders have none");
    check_refused(SQLITE, "SELECT :a, :b", ADB_PARAMS({"a", adb_int(1)}, {0, adb_int(1)}),
                  "parameter 2 has no name, the placeholders have names");
}

/* An array that is not there is the caller's mistake, not a bad parameter. */
TEST(a_count_without_an_array_is_invalid)
{
    static const adb_params broken = {NULL, 1};
    struct adb__statement statement;
    CU_ASSERT_EQUAL(bind_with(SQLITE, 0, "SELECT ?", &broken, &statement), ADB_E_INVAL);
}

/* NULL is a value. (PAR-24) */
TEST(null_is_bound)
{
    struct adb__statement statement = {0};
    REQUIRE(bind_with(SQLITE, 0, "SELECT :a", ADB_PARAMS({"a", adb_null()}), &statement) == ADB_OK);
    CU_ASSERT_EQUAL(statement.n_values, 1);
    CU_ASSERT_EQUAL(statement.values[0].type, ADB_TYPE_NULL);
}

/* A list becomes as many placeholders as it has items. (PAR-11, PAR-12, PAIN-16) */
TEST(a_list_expands)
{
    static const adb_value items[] = {{ADB_TYPE_INT, 0, {.integer = 7}}, {ADB_TYPE_INT, 0, {.integer = 8}}};
    const adb_params *params = ADB_PARAMS({"ids", adb_list(items, 2)}, {"a", adb_int(1)});
    const char *sql = "SELECT :a WHERE b IN (:ids) AND c = :a";
    check(SQLITE, sql, params, "SELECT ?1 WHERE b IN (?2, ?3) AND c = ?1", "1 7 8");
    check(POSTGRESQL, sql, params, "SELECT $1 WHERE b IN ($2, $3) AND c = $1", "1 7 8");
    check(MYSQL, sql, params, "SELECT ? WHERE b IN (?, ?) AND c = ?", "1 7 8 1");
    check(POSTGRESQL, "SELECT 1 WHERE b IN (:ids) OR c = :a OR d NOT IN (:ids)", params,
          "SELECT 1 WHERE b IN ($1, $2) OR c = $3 OR d NOT IN ($1, $2)", "7 8 1");
    check(MYSQL, "SELECT 1 WHERE b IN (:ids) OR c = :a OR d NOT IN (:ids)", params,
          "SELECT 1 WHERE b IN (?, ?) OR c = ? OR d NOT IN (?, ?)", "7 8 1 7 8");
    check(SQLITE, "SELECT ? WHERE b IN (?)", ADB_PARAMS({0, adb_int(1)}, {0, adb_list(items, 2)}),
          "SELECT ?1 WHERE b IN (?2, ?3)", "1 7 8");
}

/* Parentheses are added where a list has none. */
TEST(a_bare_list_gets_parentheses)
{
    static const adb_value items[] = {{ADB_TYPE_INT, 0, {.integer = 7}}, {ADB_TYPE_INT, 0, {.integer = 8}}};
    const adb_params *one = ADB_PARAMS({"ids", adb_list(items, 1)});
    const adb_params *two = ADB_PARAMS({"ids", adb_list(items, 2)});
    check(SQLITE, "SELECT 1 WHERE a IN :ids", two, "SELECT 1 WHERE a IN (?1, ?2)", "7 8");
    check(SQLITE, "SELECT 1 WHERE a IN /* ( */ :ids", one, "SELECT 1 WHERE a IN /* ( */ (?1)", "7");
    check(SQLITE, "SELECT 1 WHERE a IN ( :ids )", one, "SELECT 1 WHERE a IN ( ?1 )", "7");
    check(SQLITE, "SELECT 1 WHERE a IN (1, :ids)", two, "SELECT 1 WHERE a IN (1, ?1, ?2)", "7 8");
    check(SQLITE, "SELECT 1 WHERE a IN (:ids, 1)", two, "SELECT 1 WHERE a IN (?1, ?2, 1)", "7 8");
}

/* An empty list selects no row, and NOT IN selects all. (PAR-12, PAIN-16, REG-22) */
TEST(an_empty_list_is_a_query_without_rows)
{
    const adb_params *params = ADB_PARAMS({"ids", adb_list(NULL, 0)}, {"a", adb_int(1)});
    check(SQLITE, "SELECT :a WHERE b IN (:ids)", params, "SELECT ?1 WHERE b IN (SELECT NULL WHERE 0)", "1");
    check(SQLITE, "SELECT :a WHERE b IN :ids", params, "SELECT ?1 WHERE b IN (SELECT NULL WHERE 0)", "1");
    check(MYSQL, "SELECT :a, :a WHERE b IN (:ids)", params, "SELECT ?, ? WHERE b IN (SELECT NULL FROM DUAL WHERE 0)",
          "1 1");
    check_refused(SQLITE, "SELECT :a WHERE b IN (1, :ids)", params,
                  "parameter ids has an empty list, which must be alone in its parentheses");
    check_refused(SQLITE, "SELECT :a WHERE b IN (:ids, 1)", params,
                  "parameter ids has an empty list, which must be alone in its parentheses");
}

/* PostgreSQL refuses a query of another type, even without rows: there it is an array. (PAR-12, REG-22) */
TEST(an_empty_list_has_the_type_that_postgresql_wants)
{
    const adb_params *params = ADB_PARAMS({"ids", adb_list(NULL, 0)}, {"a", adb_int(1)});
    check(POSTGRESQL, "SELECT :a WHERE b IN (:ids)", params, "SELECT $1 WHERE b = ANY ('{}')", "1");
    check(POSTGRESQL, "SELECT :a WHERE b not in ( :ids )", params, "SELECT $1 WHERE b <> ALL ('{}' )", "1");
    check(POSTGRESQL, "SELECT :a WHERE b NOT/**/IN :ids", params, "SELECT $1 WHERE b <> ALL ('{}')", "1");
    check(POSTGRESQL, "SELECT 1 WHERE :a IN :ids AND b", params, "SELECT 1 WHERE $1 = ANY ('{}') AND b", "1");
    check(POSTGRESQL, "SELECT 1 WHERE NOT :a IN(:ids)", params, "SELECT 1 WHERE NOT $1 = ANY ('{}')", "1");
    check(POSTGRESQL, "SELECT in_(:ids), :a", params, "SELECT in_(SELECT NULL WHERE FALSE), $1", "1");
    check(POSTGRESQL, "SELECT 1 IN ((:ids)), :a", params, "SELECT 1 IN ((SELECT NULL WHERE FALSE)), $1", "1");
}

/* Lists of 1000 items, and of more than the database takes. (REG-22) */
TEST(a_long_list_expands_up_to_the_limit)
{
    static adb_value items[32767];
    struct adb__statement statement = {0};
    for (size_t i = 0; i < N_OF(items); i++)
        items[i] = adb_int((int64_t)i);
    REQUIRE(bind_with(SQLITE, 0, "SELECT 1 WHERE a IN (?)", ADB_PARAMS({0, adb_list(items, 1000)}), &statement) ==
            ADB_OK);
    CU_ASSERT_EQUAL(statement.n_values, 1000);
    CU_ASSERT_EQUAL(statement.values[999].as.integer, 999);
    CU_ASSERT_STRING_EQUAL(statement.sql + statement.sql_size - 8, ", ?1000)");
    CU_ASSERT_EQUAL(bind_with(SQLITE, 0, "SELECT (?)", ADB_PARAMS({0, adb_list(items, 32766)}), &statement), ADB_OK);
    check_refused(SQLITE, "SELECT (?)", ADB_PARAMS({0, adb_list(items, 32767)}),
                  "32767 values in one statement, the database takes at most 32766");
    check_refused(MYSQL, "SELECT (:a), (:a), (:a)", ADB_PARAMS({"a", adb_list(items, 32767)}),
                  "98301 values in one statement, the database takes at most 65535");
}

/* An expanded list makes a text of its own: not for the cache. */
TEST(an_expanded_list_is_not_cached)
{
    static const adb_value items[] = {{ADB_TYPE_INT, 0, {.integer = 7}}};
    struct adb__statement statement = {0};
    REQUIRE(bind_with(SQLITE, 0, "SELECT (:a)", ADB_PARAMS({"a", adb_list(items, 1)}), &statement) == ADB_OK);
    CU_ASSERT_EQUAL(statement.flags, ADB__STMT_READS | ADB__STMT_PURE | ADB__STMT_NO_CACHE);
    REQUIRE(bind_with(SQLITE, 0, "SELECT (:a)", ADB_PARAMS({"a", adb_int(1)}), &statement) == ADB_OK);
    CU_ASSERT_EQUAL(statement.flags, ADB__STMT_READS | ADB__STMT_PURE);
}

/* Values that cannot be bound are refused by name or number. */
TEST(bad_values_are_named)
{
    const adb_value inner = adb_list(NULL, 0);
    check_refused(SQLITE, "SELECT (:a)", ADB_PARAMS({"a", adb_list(&inner, 1)}),
                  "parameter a has a list with an item that cannot be bound (a list, or out of range)");
    check_refused(SQLITE, "SELECT ?, ?", ADB_PARAMS({0, adb_int(1)}, {0, adb_date(2024, 13, 1)}),
                  "parameter 2 has a value that is out of range for its type");
    struct adb__statement statement;
    CU_ASSERT_EQUAL(bind_with(SQLITE, 0, "SELECT :a", ADB_PARAMS({"a", adb_text_n("a", INT32_MAX)}), &statement),
                    ADB_E_TOO_BIG);
    CU_ASSERT_STRING_EQUAL(error.message, "parameter a has a value of 2 GB or more");
}

/* Text and bytes are copied, in lists too; on request they are not. */
TEST(values_are_copied_unless_told_not_to)
{
    char text[] = "abc";
    const adb_value item = adb_blob(text, 2);
    const adb_params *params = ADB_PARAMS({"t", adb_text(text)}, {"b", adb_list(&item, 1)});
    struct adb__statement statement = {0};
    REQUIRE(bind_with(MYSQL, 0, "SELECT :t, (:b), :t", params, &statement) == ADB_OK);
    text[0] = 'x';
    CU_ASSERT_STRING_EQUAL(statement.values[0].as.text, "abc");
    CU_ASSERT_EQUAL(memcmp(statement.values[1].as.blob, "ab", 3), 0);
    CU_ASSERT_PTR_EQUAL(statement.values[2].as.text, statement.values[0].as.text);
    REQUIRE(bind_with(MYSQL, ADB__SQL_NO_COPY, "SELECT :t, (:b), :t", params, &statement) == ADB_OK);
    CU_ASSERT_PTR_EQUAL(statement.values[0].as.text, text);
    CU_ASSERT_PTR_EQUAL(statement.values[1].as.blob, text);
}

/* One template takes many sets, with and without lists, and stays as it was. */
TEST(a_template_is_bound_again_and_again)
{
    struct adb__sql_template made;
    struct adb__statement first, second, third;
    const adb_value items[] = {adb_int(1), adb_int(2)};
    adb__arena_reset(&arena);
    REQUIRE(adb__sql_parse(&arena, SQLITE, 0, "SELECT (:a)", 11, &made, NULL) == ADB_OK);
    REQUIRE(adb__sql_bind(&arena, &made, 0, ADB_PARAMS({"a", adb_int(1)}), &first, NULL) == ADB_OK);
    REQUIRE(adb__sql_bind(&arena, &made, 0, ADB_PARAMS({"a", adb_list(items, 2)}), &second, NULL) == ADB_OK);
    REQUIRE(adb__sql_bind(&arena, &made, 0, ADB_PARAMS({"a", adb_int(3)}), &third, NULL) == ADB_OK);
    CU_ASSERT_PTR_EQUAL(first.sql, third.sql);
    CU_ASSERT_STRING_EQUAL(third.sql, "SELECT (?1)");
    CU_ASSERT_STRING_EQUAL(second.sql, "SELECT (?1, ?2)");
    CU_ASSERT_EQUAL(third.values[0].as.integer, 3);
}

/* No memory at any point is a status and leaves the statement as it was. */
TEST(no_memory_is_a_status)
{
    static char text[20000];
    const adb_value items[] = {adb_text_n(text, sizeof(text)), adb_text("b")};
    const adb_params *params = ADB_PARAMS({"a", adb_list(items, 2)}, {"b", adb_text_n(text, sizeof(text))});
    static const char sql[] = "SELECT :b, (:a), :b";
    FAULT_EACH(n)
    {
        struct adb__arena small = {0};
        struct adb__sql_template made;
        struct adb__statement statement = {.n_values = 77};
        fault_watch();
        REQUIRE(adb__sql_parse(&small, MYSQL, 0, sql, sizeof(sql) - 1, &made, NULL) == ADB_OK);
        small.cursor = small.end; /* so that the next piece, too, needs memory */
        fault_arm(n);
        const adb_status status = adb__sql_bind(&small, &made, 0, params, &statement, NULL);
        FAULT_DONE();
        CU_ASSERT_EQUAL(status, fault_more ? ADB_E_NOMEM : ADB_OK);
        CU_ASSERT_EQUAL(statement.n_values, fault_more ? 77 : 4);
        adb__arena_reset(&small);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

static adb_status bind_sets(const struct adb__dialect *dialect, unsigned flags, const char *sql, const adb_params *sets,
                            size_t n_sets, struct adb__statement *statement, const adb_value *const **bound)
{
    struct adb__sql_template made;
    adb__arena_reset(&arena);
    error = (adb_error){0};
    const adb_status status = adb__sql_parse(&arena, dialect, 0, sql, strlen(sql), &made, &error);
    return status == ADB_OK ? adb__sql_bind_sets(&arena, &made, flags, sets, n_sets, statement, bound, &error) : status;
}

/* Each set has its values in the order that the database wants, and texts of its own unless told not to. */
TEST(sets_are_bound_one_by_one)
{
    char text[] = "abc";
    const adb_params sets[] = {*ADB_PARAMS({"a", adb_int(1)}, {"t", adb_text(text)}),
                               *ADB_PARAMS({"t", adb_text("second")}, {"a", adb_int(2)})};
    struct adb__statement statement;
    const adb_value *const *bound;
    REQUIRE(bind_sets(MYSQL, 0, "INSERT INTO n VALUES (:a, :t, :a)", sets, 2, &statement, &bound) == ADB_OK);
    text[0] = 'x';
    CU_ASSERT_STRING_EQUAL(statement.sql, "INSERT INTO n VALUES (?, ?, ?)");
    CU_ASSERT_EQUAL(statement.n_values, 3);
    CU_ASSERT(bound[0][0].as.integer == 1 && bound[0][2].as.integer == 1 && bound[1][2].as.integer == 2);
    CU_ASSERT(strcmp(bound[0][1].as.text, "abc") == 0 && strcmp(bound[1][1].as.text, "second") == 0);
    REQUIRE(bind_sets(SQLITE, ADB__SQL_NO_COPY, "INSERT INTO n VALUES (:a, :t)", sets, 2, &statement, &bound) == ADB_OK);
    CU_ASSERT(statement.n_values == 2 && bound[0][1].as.text == text && bound[1][0].as.integer == 2);
}

static void check_set_refused(const adb_params *sets, size_t n_sets, adb_status expected, const char *message)
{
    struct adb__statement statement;
    const adb_value *const *bound;
    CU_ASSERT_EQUAL(bind_sets(SQLITE, 0, "INSERT INTO n VALUES (?, ?)", sets, n_sets, &statement, &bound), expected);
    CU_ASSERT_STRING_EQUAL(error.message, message);
}

/* The set that does not fit is named, and so is what is wrong with it. */
TEST(a_set_that_does_not_fit_is_named)
{
    const adb_value items[] = {adb_int(1)};
    adb_params sets[] = {*ADB_PARAMS({0, adb_int(1)}, {0, adb_int(2)}), *ADB_PARAMS({0, adb_int(3)})};
    check_set_refused(sets, 2, ADB_E_PARAMETER, "set 1: 1 values given, the statement has 2 placeholders");
    sets[1] = *ADB_PARAMS({0, adb_int(1)}, {0, adb_list(items, 1)});
    check_set_refused(sets, 2, ADB_E_PARAMETER, "set 1: a list cannot be bound in a set");
    sets[0] = *ADB_PARAMS({0, adb_int(1)}, {0, adb_date(2023, 2, 29)});
    check_set_refused(sets, 2, ADB_E_PARAMETER, "set 0: parameter 2 has a value that is out of range for its type");
}

/* No sets are no values, and sets of a statement without placeholders are empty. */
TEST(sets_may_be_none_or_empty)
{
    const adb_params sets[] = {{NULL, 0}, {NULL, 0}};
    struct adb__statement statement;
    const adb_value *const *bound;
    CU_ASSERT_EQUAL(bind_sets(SQLITE, 0, "INSERT INTO n VALUES (?)", NULL, 0, &statement, &bound), ADB_OK);
    CU_ASSERT_EQUAL(bind_sets(SQLITE, 0, "DELETE FROM n", sets, 2, &statement, &bound), ADB_OK);
    CU_ASSERT_EQUAL(statement.n_values, 0);
}

/* Sets, too: no memory is a status, and nothing is left. */
TEST(no_memory_for_sets_is_a_status)
{
    static char text[40000];
    const adb_params sets[] = {*ADB_PARAMS({"a", adb_text_n(text, sizeof(text))}), *ADB_PARAMS({"a", adb_text("b")})};
    FAULT_EACH(n)
    {
        struct adb__arena small = {0};
        struct adb__sql_template made;
        struct adb__statement statement;
        const adb_value *const *bound;
        fault_watch();
        REQUIRE(adb__sql_parse(&small, MYSQL, 0, "SELECT :a, :a", 13, &made, NULL) == ADB_OK);
        small.cursor = small.end;
        fault_arm(n);
        const adb_status status = adb__sql_bind_sets(&small, &made, 0, sets, 2, &statement, &bound, NULL);
        FAULT_DONE();
        CU_ASSERT_EQUAL(status, fault_more ? ADB_E_NOMEM : ADB_OK);
        adb__arena_reset(&small);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(bind, CASE(values_go_by_name), CASE(repeated_names_repeat_values_only_without_numbers),
      CASE(ten_shuffled_names_find_their_values), CASE(values_go_by_position), CASE(no_placeholders_take_no_values),
      CASE(names_that_do_not_fit_are_named), CASE(names_in_literals_take_no_value), CASE(a_wrong_count_is_refused),
      CASE(styles_of_text_and_values_must_agree), CASE(a_count_without_an_array_is_invalid), CASE(null_is_bound),
      CASE(a_list_expands), CASE(a_bare_list_gets_parentheses), CASE(an_empty_list_is_a_query_without_rows),
      CASE(an_empty_list_has_the_type_that_postgresql_wants), CASE(a_long_list_expands_up_to_the_limit),
      CASE(an_expanded_list_is_not_cached), CASE(bad_values_are_named), CASE(values_are_copied_unless_told_not_to),
      CASE(a_template_is_bound_again_and_again), CASE(no_memory_is_a_status), CASE(sets_are_bound_one_by_one),
      CASE(a_set_that_does_not_fit_is_named), CASE(sets_may_be_none_or_empty), CASE(no_memory_for_sets_is_a_status))
