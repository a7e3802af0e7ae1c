/* SPDX-License-Identifier: BSD-3-Clause */
/* Results as users read them: columns, rows, texts on demand, references. */
#include "model/result.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/unit/rows.h"

#include <pthread.h>
#include <string.h>

/* A join: two columns of one name, from two tables. */
static const struct adb__column join_columns[] = {
    {.name = "id", .table = "users", .decltype = "INTEGER", .type = ADB_TYPE_INT},
    {.name = "name", .table = "users", .decltype = "VARCHAR(100)", .type = ADB_TYPE_TEXT},
    {.name = "id", .table = "notes", .decltype = "INTEGER", .type = ADB_TYPE_INT},
    {.name = "count(*)"},
};

/* A result of some rows of any columns; the caller releases it. */
static struct adb_result *result_of(const struct adb__column *columns, size_t n_columns, const adb_value *values,
                                    size_t n_rows)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    REQUIRE(result != NULL && adb__sink_columns(&sink, columns, n_columns, NULL) == ADB_OK);
    for (size_t i = 0; i < n_rows; i++)
        REQUIRE(rows_put(&sink, values + i * n_columns, n_columns, NULL) == ADB_OK);
    return result;
}

static struct adb_result *join_result(void)
{
    const adb_value values[] = {adb_int(1), adb_text("Ann"), adb_int(7), adb_double(2.5),
                                adb_int(2), adb_null(),      adb_int(8), adb_int(0)};
    return result_of(join_columns, 4, values, 2);
}

/* A result with one row, whose columns are all called x. */
static struct adb_result *row_result(const adb_value *values, size_t n_values)
{
    static const struct adb__column columns[16] = {
        {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"},
        {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}, {.name = "x"}};
    return result_of(columns, n_values, values, 1);
}

/* A new result has no error, no rows and no columns, and unknown counts. */
TEST(new_result_is_empty)
{
    struct adb_result *result = adb__result_new();
    int64_t id = 77;
    CU_ASSERT(adb_result_status(result) == ADB_OK && adb_result_error(result)->status == ADB_OK);
    CU_ASSERT(adb_result_rows(result) == 0 && adb_result_columns(result) == 0);
    CU_ASSERT(adb_result_affected(result) == -1 && !adb_result_last_insert_id(result, &id) && id == 77);
    CU_ASSERT(adb_result_job(result) == 0 && adb_result_user_data(result) == NULL && !adb_result_more(result));
    adb_result_unref(result);
}

/* What the core and the driver have put in is what is read. */
TEST(counts_and_job_are_read_back)
{
    struct adb_result *result = adb__result_new();
    int64_t id = 0;
    int mark = 0;
    result->job = 9;
    result->user_data = &mark;
    result->affected = 3;
    result->last_insert_id = 42;
    result->has_insert_id = true;
    result->more = true;
    CU_ASSERT(adb_result_job(result) == 9 && adb_result_user_data(result) == &mark && adb_result_more(result));
    CU_ASSERT(adb_result_affected(result) == 3 && adb_result_last_insert_id(result, &id) && id == 42);
    CU_ASSERT(adb_result_last_insert_id(result, NULL));
    adb_result_unref(result);
}

/* No function minds a NULL result: each gives its neutral answer. */
TEST(null_result_is_neutral)
{
    int64_t id = 77;
    CU_ASSERT(adb_result_status(NULL) == ADB_E_INVAL && adb_result_error(NULL)->status == ADB_E_INVAL);
    CU_ASSERT(adb_result_error(NULL)->message[0] != '\0');
    CU_ASSERT(adb_result_job(NULL) == 0 && adb_result_user_data(NULL) == NULL && !adb_result_more(NULL));
    CU_ASSERT(adb_result_rows(NULL) == 0 && adb_result_columns(NULL) == 0 && adb_result_affected(NULL) == -1);
    CU_ASSERT(adb_result_column_name(NULL, 0) == NULL && adb_result_column_table(NULL, 0) == NULL);
    CU_ASSERT(adb_result_column_decltype(NULL, 0) == NULL && adb_result_column_type(NULL, 0) == ADB_TYPE_NULL);
    CU_ASSERT(adb_result_column_index(NULL, "x") == -1 && adb_result_column_find(NULL, "t", "x") == -1);
    CU_ASSERT(adb_result_column_count(NULL, "x") == 0 && adb_result_value(NULL).type == ADB_TYPE_NULL);
    CU_ASSERT(!adb_result_last_insert_id(NULL, &id) && id == 77 && adb_result_ref(NULL) == NULL);
    adb_result_unref(NULL);
}

/* What every reader says of a value that is not there. */
static void check_nothing_there(adb_row row, size_t column)
{
    size_t size = 77;
    CU_ASSERT(adb_row_value(row, column).type == ADB_TYPE_NULL && adb_row_is_null(row, column));
    CU_ASSERT(adb_row_int(row, column) == 0 && adb_row_double(row, column) == 0 && !adb_row_bool(row, column));
    CU_ASSERT(adb_row_text(row, column) == NULL && adb_row_blob(row, column, &size) == NULL && size == 0);
    CU_ASSERT_PTR_NULL(adb_row_blob(row, column, NULL));
}

/* REC-02: rows and columns beyond the end, up to the largest number, and rows of no result. */
TEST(any_index_is_safe)
{
    struct adb_result *result = join_result();
    const adb_row none = {0};
    check_nothing_there(adb_result_row(result, 0), 4);
    check_nothing_there(adb_result_row(result, 0), SIZE_MAX);
    check_nothing_there(adb_result_row(result, 2), 0);
    check_nothing_there(adb_result_row(result, SIZE_MAX), SIZE_MAX);
    check_nothing_there(none, 0);
    CU_ASSERT(adb_result_column_name(result, 4) == NULL && adb_result_column_type(result, SIZE_MAX) == ADB_TYPE_NULL);
    CU_ASSERT(adb_row_equal(none, none) && !adb_row_equal(none, adb_result_row(result, 0)));
    CU_ASSERT(adb_row_hash(none) == adb_row_hash(none) && adb_row_format(none, NULL, 0) == 0);
    adb_result_unref(result);
}

/* REC-05, REC-10, REC-22, REC-23, TYP-18: columns keep order, names, tables and declared types. */
TEST(columns_are_described)
{
    struct adb_result *result = join_result();
    CU_ASSERT_EQUAL(adb_result_columns(result), 4);
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(result, 3), "count(*)");
    CU_ASSERT_STRING_EQUAL(adb_result_column_table(result, 2), "notes");
    CU_ASSERT_STRING_EQUAL(adb_result_column_decltype(result, 1), "VARCHAR(100)");
    CU_ASSERT(adb_result_column_type(result, 1) == ADB_TYPE_TEXT);
    CU_ASSERT(adb_result_column_table(result, 3) == NULL && adb_result_column_decltype(result, 3) == NULL);
    CU_ASSERT(adb_result_column_type(result, 3) == ADB_TYPE_NULL);
    adb_result_unref(result);
}

/* REC-03, REC-04, REC-09, REC-15, CFL-13: by name the first match, with no folding of case; duplicates are counted. */
TEST(columns_are_found_by_name)
{
    struct adb_result *result = join_result();
    CU_ASSERT(adb_result_column_index(result, "id") == 0 && adb_result_column_index(result, "name") == 1);
    CU_ASSERT(adb_result_column_index(result, "ID") == -1 && adb_result_column_index(result, "") == -1);
    CU_ASSERT(adb_result_column_index(result, NULL) == -1);
    CU_ASSERT(adb_result_column_count(result, "id") == 2 && adb_result_column_count(result, "name") == 1);
    CU_ASSERT(adb_result_column_count(result, "nix") == 0 && adb_result_column_count(result, NULL) == 0);
    adb_result_unref(result);
}

/* REC-05: equal names of two joined tables are told apart by table. */
TEST(columns_are_found_by_table_and_name)
{
    struct adb_result *result = join_result();
    CU_ASSERT(adb_result_column_find(result, "users", "id") == 0 && adb_result_column_find(result, "notes", "id") == 2);
    CU_ASSERT(adb_result_column_find(result, "notes", "name") == -1);
    CU_ASSERT(adb_result_column_find(result, "nix", "id") == -1);
    CU_ASSERT(adb_result_column_find(result, "users", "count(*)") == -1);
    CU_ASSERT(adb_result_column_find(result, NULL, "count(*)") == 3);
    adb_result_unref(result);
}

/* REC-01, REC-03, REC-16, CFL-12, REG-09, REG-29, REG-34: index and name give the same values. */
TEST(row_is_read_by_index_and_by_name)
{
    struct adb_result *result = join_result();
    const adb_row row = adb_result_row(result, 0);
    adb_value value = adb_null();
    CU_ASSERT(adb_row_int(row, 0) == 1 && adb_row_int(row, 2) == 7 && adb_row_double(row, 3) == 2.5);
    CU_ASSERT_STRING_EQUAL(adb_row_text(row, 1), "Ann");
    CU_ASSERT(adb_row_get(row, "name", &value) == ADB_OK && strcmp(value.as.text, "Ann") == 0 && value.size == 3);
    CU_ASSERT(adb_row_get(row, "id", &value) == ADB_OK && value.as.integer == 1);
    CU_ASSERT(adb_row_get(adb_result_row(result, 1), "name", &value) == ADB_OK && value.type == ADB_TYPE_NULL);
    adb_result_unref(result);
}

/* What adb_row_value() gives, without a struct that is passed by value. */
TEST(value_is_read_by_numbers_and_pointers)
{
    struct adb_result *result = join_result();
    adb_value value = adb_null();
    CU_ASSERT(adb_result_get(result, 0, 1, &value) == ADB_OK && strcmp(value.as.text, "Ann") == 0 && value.size == 3);
    CU_ASSERT(adb_result_get(result, 1, 1, &value) == ADB_OK && value.type == ADB_TYPE_NULL);
    CU_ASSERT(adb_result_get(result, 0, 3, &value) == ADB_OK && value.as.real == 2.5);
    CU_ASSERT_EQUAL(adb_result_get(result, adb_result_rows(result), 0, &value), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_result_get(result, 0, adb_result_columns(result), &value), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_result_get(result, 0, 0, NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_result_get(NULL, 0, 0, &value), ADB_E_INVAL);
    CU_ASSERT(value.type == ADB_TYPE_DOUBLE && value.as.real == 2.5);
    adb_result_unref(result);
}

/* QRY-06, REC-17: an unknown name is ADB_E_NOT_FOUND, a NULL pointer ADB_E_INVAL; the output stays as it was. */
TEST(row_get_tells_what_is_wrong)
{
    struct adb_result *result = join_result();
    const adb_row row = adb_result_row(result, 0);
    adb_value value = adb_int(77);
    CU_ASSERT_EQUAL(adb_row_get(row, "nix", &value), ADB_E_NOT_FOUND);
    CU_ASSERT_EQUAL(adb_row_get(row, NULL, &value), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_row_get(row, "id", NULL), ADB_E_INVAL);
    CU_ASSERT_EQUAL(adb_row_get((adb_row){0}, "id", &value), ADB_E_INVAL);
    CU_ASSERT_EQUAL(value.as.integer, 77);
    CU_ASSERT(adb_row_get(adb_result_row(result, 9), "id", &value) == ADB_OK && value.type == ADB_TYPE_NULL);
    adb_result_unref(result);
}

/* REC-06, REC-08, REC-11, CFL-11, REG-13, REG-42, REG-43, REG-44, REG-67: a walk over the columns meets every name and
 * value, duplicates too. */
TEST(walk_over_columns_keeps_duplicates)
{
    static const char *const names[] = {"id", "name", "id", "count(*)"};
    static const char *const texts[] = {"1", "Ann", "7", "2.5"};
    struct adb_result *result = join_result();
    for (size_t i = 0; i < adb_result_columns(result); i++) {
        CU_ASSERT_STRING_EQUAL(adb_result_column_name(result, i), names[i]);
        CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(result, 0), i), texts[i]);
    }
    adb_result_unref(result);
}

/* TYP-13: NULL is none for every reader. */
TEST(null_is_none_for_every_type)
{
    struct adb_result *result = join_result();
    check_nothing_there(adb_result_row(result, 1), 1);
    CU_ASSERT_FALSE(adb_row_is_null(adb_result_row(result, 1), 3));
    adb_result_unref(result);
}

/* QRY-03, QRY-05: the value is the first column of the first row; rows tell no row from NULL. */
TEST(value_is_first_column_of_first_row)
{
    const adb_value null = adb_null();
    struct adb_result *rows = join_result();
    struct adb_result *null_row = result_of(join_columns, 1, &null, 1);
    struct adb_result *no_row = result_of(join_columns, 4, NULL, 0);
    CU_ASSERT_EQUAL(adb_result_value(rows).as.integer, 1);
    CU_ASSERT(adb_result_value(null_row).type == ADB_TYPE_NULL && adb_result_rows(null_row) == 1);
    CU_ASSERT(adb_result_value(no_row).type == ADB_TYPE_NULL && adb_result_rows(no_row) == 0);
    adb_result_unref(rows);
    adb_result_unref(null_row);
    adb_result_unref(no_row);
}

/* QRY-03, QRY-04, QRY-07, REG-26: reduced to one column, by index or name, the value is that of the row. */
TEST(reduce_keeps_one_column_of_the_first_row)
{
    struct adb_result *by_index = join_result();
    struct adb_result *by_name = join_result();
    CU_ASSERT_EQUAL(adb__result_reduce(by_index, 3, NULL, NULL), ADB_OK);
    CU_ASSERT(adb_result_rows(by_index) == 1 && adb_result_columns(by_index) == 1);
    CU_ASSERT_EQUAL(adb_result_value(by_index).as.real, 2.5);
    CU_ASSERT_EQUAL(adb__result_reduce(by_name, 99, "name", NULL), ADB_OK);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(by_name, 0), 0), "Ann");
    CU_ASSERT_STRING_EQUAL(adb_result_column_name(by_name, 0), "name");
    adb_result_unref(by_index);
    adb_result_unref(by_name);
}

/* QRY-06: a column that is not there is told with its name or number, whether there are rows or not. */
TEST(reduce_refuses_unknown_columns)
{
    struct adb_result *result = join_result();
    struct adb_result *no_row = result_of(join_columns, 4, NULL, 0);
    struct adb_result *no_columns = adb__result_new();
    adb_error error = {0};
    CU_ASSERT_EQUAL(adb__result_reduce(result, 4, NULL, &error), ADB_E_RANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "4"));
    CU_ASSERT_EQUAL(adb__result_reduce(no_row, 0, "nix", &error), ADB_E_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "nix"));
    CU_ASSERT(adb_result_rows(result) == 2 && adb_result_columns(result) == 4);
    CU_ASSERT_EQUAL(adb__result_reduce(no_row, 1, NULL, &error), ADB_OK);
    CU_ASSERT_EQUAL(adb__result_reduce(no_columns, 5, NULL, &error), ADB_OK);
    adb_result_unref(result);
    adb_result_unref(no_row);
    adb_result_unref(no_columns);
}

/* TYP-01, TYP-06, TYP-11, TYP-14, TYP-17, REC-07, REG-11: the getter chooses, the value converts if it can. */
TEST(getters_convert)
{
    const adb_value values[] = {adb_int(1),        adb_text("42.9"), adb_decimal("0.5"),
                                adb_double(1e300), adb_text("abc"),  adb_timestamp(5)};
    struct adb_result *result = row_result(values, 6);
    const adb_row row = adb_result_row(result, 0);
    CU_ASSERT(adb_row_bool(row, 0) && adb_row_double(row, 0) == 1);
    CU_ASSERT(adb_row_int(row, 1) == 42 && adb_row_double(row, 1) == 42.9);
    CU_ASSERT(adb_row_double(row, 2) == 0.5 && adb_row_bool(row, 2));
    CU_ASSERT(adb_row_int(row, 3) == 0 && adb_row_bool(row, 3));
    CU_ASSERT(adb_row_int(row, 4) == 0 && adb_row_double(row, 4) == 0 && !adb_row_bool(row, 4));
    CU_ASSERT_EQUAL(adb_row_int(row, 5), 0);
    adb_result_unref(result);
}

/* TYP-09, TYP-15, TYP-16: every type has its text; that of bytes is the bytes themselves. */
TEST(text_of_every_type)
{
    static const char *const texts[] = {"true",
                                        "-5",
                                        "0.1",
                                        "abc",
                                        "ab",
                                        "1.50",
                                        "{}",
                                        "2024-02-29",
                                        "01:02:03.000004",
                                        "1970-01-01 00:00:00",
                                        "01020300-0000-0000-0000-000000000000"};
    const adb_value values[] = {adb_bool(true),
                                adb_int(-5),
                                adb_double(0.1),
                                adb_text("abc"),
                                adb_blob("ab\0c", 4),
                                adb_decimal("1.50"),
                                adb_json("{}"),
                                adb_date(2024, 2, 29),
                                adb_time(1, 2, 3, 4),
                                adb_timestamp(0),
                                adb_uuid((const uint8_t[16]){1, 2, 3})};
    struct adb_result *result = row_result(values, 11);
    for (size_t i = 0; i < 11; i++)
        CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(result, 0), i), texts[i]);
    adb_result_unref(result);
}

/* What has bytes gives them with their size, an empty blob too; numbers have none. */
TEST(blob_of_what_has_bytes)
{
    const adb_value values[] = {adb_blob("a\0b", 3), adb_blob("", 0), adb_text("xy"),
                                adb_uuid((const uint8_t[16]){1, 2, 3}), adb_int(5)};
    struct adb_result *result = row_result(values, 5);
    const adb_row row = adb_result_row(result, 0);
    size_t size = 77;
    CU_ASSERT(memcmp(adb_row_blob(row, 0, &size), "a\0b", 4) == 0 && size == 3);
    CU_ASSERT(adb_row_blob(row, 1, &size) != NULL && size == 0);
    CU_ASSERT(memcmp(adb_row_blob(row, 2, &size), "xy", 3) == 0 && size == 2);
    CU_ASSERT(memcmp(adb_row_blob(row, 3, &size), "\1\2\3", 3) == 0 && size == 16);
    CU_ASSERT(adb_row_blob(row, 4, &size) == NULL && size == 0);
    adb_result_unref(result);
}

/* REC-13, REC-14, REC-20: rows are equal by their values, names play no part, and equal rows hash alike. */
TEST(rows_compare_by_values)
{
    const adb_value ints[] = {adb_int(1), adb_int(2)};
    const adb_value doubles[] = {adb_double(1), adb_double(2)};
    struct adb_result *a = result_of(join_columns, 2, ints, 1);
    struct adb_result *b = row_result(doubles, 2);
    struct adb_result *c = row_result(doubles, 1);
    const adb_row row = adb_result_row(a, 0);
    CU_ASSERT(adb_row_equal(row, adb_result_row(b, 0)) && adb_row_hash(row) == adb_row_hash(adb_result_row(b, 0)));
    CU_ASSERT(!adb_row_equal(row, adb_result_row(c, 0)) && adb_row_hash(row) != adb_row_hash(adb_result_row(c, 0)));
    CU_ASSERT(!adb_row_equal(row, adb_result_row(a, 1)) && adb_row_hash(row) != adb_row_hash(adb_result_row(a, 1)));
    adb_result_unref(a);
    adb_result_unref(b);
    adb_result_unref(c);
}

/* REC-18: name=value pairs in order, duplicates too, cut as by snprintf() at any size. */
TEST(row_formats_as_pairs)
{
    static const char expected[] = "id=2, name=NULL, id=8, count(*)=0";
    struct adb_result *result = join_result();
    const adb_row row = adb_result_row(result, 1);
    for (size_t size = 0; size < sizeof(expected) + 2; size++) {
        char text[64];
        memset(text, '#', sizeof(text));
        CU_ASSERT_EQUAL(adb_row_format(row, text, size), sizeof(expected) - 1);
        CU_ASSERT_EQUAL(text[size], '#');
        if (size > 0)
            CU_ASSERT(strncmp(text, expected, size - 1) == 0 && strlen(text) < size);
    }
    CU_ASSERT_EQUAL(adb_row_format(row, NULL, 0), sizeof(expected) - 1);
    adb_result_unref(result);
}

static int n_released;

static void count_release(struct adb_result *result)
{
    (void)result;
    n_released++;
}

/* REC-21: a result lives until its last reference; then its memory is given back once, and all texts with it. */
TEST(last_unref_releases_once)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    struct adb_result result;
    struct adb__sink sink = {.result = &result};
    n_released = 0;
    adb__result_init(&result, NULL, 0, count_release);
    adb__sink_columns(&sink, join_columns, 4, NULL);
    rows_put(&sink, (const adb_value[]){adb_int(123456), adb_text("Ann")}, 2, NULL);
    CU_ASSERT_PTR_EQUAL(adb_result_ref(&result), &result);
    adb_result_unref(&result);
    CU_ASSERT(n_released == 0 && strcmp(adb_row_text(adb_result_row(&result, 0), 0), "123456") == 0);
    adb_result_unref(&result);
    CU_ASSERT(n_released == 1 && fault_live_blocks() == before);
}

/* A text made on demand is made once: the same pointer each time, and for the same cell only. */
TEST(rendered_text_is_kept)
{
    struct adb_result *result = join_result();
    const adb_row row = adb_result_row(result, 0);
    const char *text = adb_row_text(row, 0);
    fault_arm(0);
    CU_ASSERT_PTR_EQUAL(adb_row_text(row, 0), text);
    CU_ASSERT_FALSE(fault_disarm());
    CU_ASSERT_STRING_EQUAL(adb_row_text(row, 2), "7");
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(result, 1), 0), "2");
    CU_ASSERT_STRING_EQUAL(text, "1");
    adb_result_unref(result);
}

/* Without memory there is no text, and nothing is spoilt: later there is. */
TEST(text_without_memory_is_null)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    FAULT_EACH(n)
    {
        struct adb_result *result = join_result();
        const adb_row row = adb_result_row(result, 1);
        fault_arm(n);
        const char *text = adb_row_text(row, 2);
        FAULT_DONE();
        CU_ASSERT_EQUAL(text == NULL, fault_more);
        CU_ASSERT_STRING_EQUAL(adb_row_text(row, 2), "8");
        adb_result_unref(result);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

/* Columns that cannot be copied whole are not there at all; nothing leaks. */
TEST(columns_without_memory_are_absent)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    struct adb_result *from = join_result();
    FAULT_EACH(n)
    {
        struct adb_result to;
        adb__result_init(&to, NULL, 0, count_release);
        fault_arm(n);
        const adb_status status = adb__result_share_columns(&to, from);
        FAULT_DONE();
        CU_ASSERT_EQUAL(status, fault_more ? ADB_E_NOMEM : ADB_OK);
        CU_ASSERT_EQUAL(adb_result_columns(&to), fault_more ? 0 : 4);
        adb_result_unref(&to);
    }
    adb_result_unref(from);
    fault_arm(0);
    CU_ASSERT_PTR_NULL(adb__result_new());
    CU_ASSERT(fault_disarm() && fault_live_blocks() == before);
}

/* A batch keeps the columns when the result that it got them from is gone. */
TEST(shared_columns_outlive_their_source)
{
    struct adb_result *from = join_result();
    struct adb_result *to = adb__result_new();
    CU_ASSERT_EQUAL(adb__result_share_columns(from, to), ADB_OK); /* no columns: nothing to share */
    CU_ASSERT_EQUAL(adb_result_columns(from), 4);
    CU_ASSERT_EQUAL(adb__result_share_columns(to, from), ADB_OK);
    adb_result_unref(from);
    CU_ASSERT(adb_result_columns(to) == 4 && adb_result_rows(to) == 0);
    CU_ASSERT_EQUAL(adb_result_column_find(to, "notes", "id"), 2);
    adb_result_unref(to);
}

/* Discarding leaves what the job knows of itself and its error, and a result that can be filled anew. */
TEST(discard_keeps_job_and_error_only)
{
    struct adb_result *result = join_result();
    struct adb__sink sink = {.result = result};
    result->job = 9;
    result->error.status = ADB_E_UNIQUE;
    result->affected = 2;
    result->has_insert_id = true;
    adb__result_discard(result);
    CU_ASSERT(adb_result_job(result) == 9 && adb_result_status(result) == ADB_E_UNIQUE);
    CU_ASSERT(adb_result_rows(result) == 0 && adb_result_columns(result) == 0 && adb_result_affected(result) == -1);
    CU_ASSERT_FALSE(adb_result_last_insert_id(result, NULL));
    CU_ASSERT_EQUAL(adb__sink_columns(&sink, join_columns, 4, NULL), ADB_OK);
    CU_ASSERT_EQUAL(rows_put(&sink, (const adb_value[]){adb_int(3)}, 1, NULL), ADB_OK);
    CU_ASSERT_EQUAL(adb_result_value(result).as.integer, 3);
    adb_result_unref(result);
}

/* Rows stay where they are while others are added, and any row is reached at once. */
TEST(rows_never_move)
{
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    const struct adb__cell *cells[3000];
    adb__sink_columns(&sink, join_columns, 4, NULL);
    for (size_t i = 0; i < 3000; i++) {
        REQUIRE(rows_put(&sink, (const adb_value[]){adb_int((int64_t)i)}, 1, NULL) == ADB_OK);
        cells[i] = adb__result_cells(result, i);
    }
    for (size_t i = 0; i < 3000; i++) {
        CU_ASSERT_PTR_EQUAL(adb__result_cells(result, i), cells[i]);
        CU_ASSERT_EQUAL(adb_row_int(adb_result_row(result, i), 0), (int64_t)i);
    }
    adb_result_unref(result);
}

/* TYP-21: a million rows cost memory in proportion, each text once, and few allocations. */
TEST(million_rows_cost_in_proportion)
{
    const size_t n_rows = 1000000;
    const size_t before = (fault_watch(), fault_live_blocks());
    struct adb_result *result = adb__result_new();
    struct adb__sink sink = {.result = result};
    adb__sink_columns(&sink, join_columns, 2, NULL);
    for (size_t i = 0; i < n_rows; i++) {
        const adb_value values[] = {adb_int((int64_t)i), adb_text_n("0123456789", i % 11)};
        REQUIRE(rows_put(&sink, values, 2, NULL) == ADB_OK);
    }
    /* 2^20 rows of two cells, five bytes of text and a NUL on average. */
    CU_ASSERT(result->arena.total_bytes < ((size_t)1 << 20) * 2 * 16 + n_rows * 6 + 1000);
    CU_ASSERT(fault_live_blocks() - before < 250);
    CU_ASSERT(adb_result_rows(result) == n_rows && adb_row_int(adb_result_row(result, n_rows - 1), 0) == 999999);
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(result, 524288), 1), "012345");
    CU_ASSERT_STRING_EQUAL(adb_row_text(adb_result_row(result, 999999), 0), "999999");
    adb_result_unref(result);
}

enum { N_THREADS = 8, N_ROWS = 200 };

struct reader {
    struct adb_result *result;
    pthread_barrier_t *start;
    const char *texts[N_ROWS];
};

static void *read_all_texts(void *argument)
{
    struct reader *reader = argument;
    pthread_barrier_wait(reader->start);
    for (size_t i = 0; i < N_ROWS; i++)
        reader->texts[i] = adb_row_text(adb_result_row(reader->result, i), 0);
    adb_result_unref(reader->result);
    return NULL;
}

/* A result of numbers; each call a new one. */
static struct adb_result *numbers_result(void)
{
    adb_value values[N_ROWS];
    for (size_t i = 0; i < N_ROWS; i++)
        values[i] = adb_int((int64_t)i * 1000);
    return result_of(join_columns, 1, values, N_ROWS);
}

/* Eight threads that ask for the same texts at the same time get the same pointers; the last one out frees them. */
static void read_texts_from_all_threads(void)
{
    struct adb_result *result = numbers_result();
    struct reader readers[N_THREADS];
    pthread_t threads[N_THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, N_THREADS);
    for (size_t i = 0; i < N_THREADS; i++) {
        readers[i] = (struct reader){.result = adb_result_ref(result), .start = &start};
        REQUIRE(pthread_create(&threads[i], NULL, read_all_texts, &readers[i]) == 0);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < N_THREADS; i++)
        CU_ASSERT_EQUAL(memcmp(readers[i].texts, readers[0].texts, sizeof(readers[0].texts)), 0);
    CU_ASSERT_STRING_EQUAL(readers[0].texts[150], "150000");
    adb_result_unref(result);
    pthread_barrier_destroy(&start);
}

/* Texts on demand need no lock: any thread may ask for any of them at any time. */
TEST(threads_share_rendered_texts)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    for (int round = 0; round < 25; round++)
        read_texts_from_all_threads();
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(result, CASE(new_result_is_empty), CASE(counts_and_job_are_read_back), CASE(null_result_is_neutral),
      CASE(any_index_is_safe), CASE(columns_are_described), CASE(columns_are_found_by_name),
      CASE(columns_are_found_by_table_and_name), CASE(row_is_read_by_index_and_by_name),
      CASE(value_is_read_by_numbers_and_pointers),
      CASE(row_get_tells_what_is_wrong), CASE(walk_over_columns_keeps_duplicates), CASE(null_is_none_for_every_type),
      CASE(value_is_first_column_of_first_row), CASE(reduce_keeps_one_column_of_the_first_row),
      CASE(reduce_refuses_unknown_columns), CASE(getters_convert), CASE(text_of_every_type),
      CASE(blob_of_what_has_bytes), CASE(rows_compare_by_values), CASE(row_formats_as_pairs),
      CASE(last_unref_releases_once), CASE(rendered_text_is_kept), CASE(text_without_memory_is_null),
      CASE(columns_without_memory_are_absent), CASE(shared_columns_outlive_their_source),
      CASE(discard_keeps_job_and_error_only), CASE(rows_never_move), CASE(million_rows_cost_in_proportion),
      CASE(threads_share_rendered_texts))
