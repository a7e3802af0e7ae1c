/* SPDX-License-Identifier: BSD-3-Clause */
/* Values: made, checked, copied, compared, hashed. */
#include "model/value.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <math.h>
#include <string.h>

static const uint8_t uuid_bytes[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3,
                                       0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00};

static bool equal(adb_value a, adb_value b)
{
    return adb_value_equal(&a, &b);
}

static uint64_t hash(adb_value value)
{
    return adb__value_hash(1, &value);
}

static adb_status check(adb_value value)
{
    return adb__value_check(&value);
}

/* TYP-20: each constructor gives its type and payload, and no size where there are no bytes. */
TEST(scalars_carry_type_and_payload)
{
    CU_ASSERT_EQUAL(adb_null().type, ADB_TYPE_NULL);
    CU_ASSERT(adb_bool(true).type == ADB_TYPE_BOOL && adb_bool(true).as.boolean);
    CU_ASSERT(adb_int(INT64_MIN).type == ADB_TYPE_INT && adb_int(INT64_MIN).as.integer == INT64_MIN);
    CU_ASSERT(adb_double(0.5).type == ADB_TYPE_DOUBLE && adb_double(0.5).as.real == 0.5);
    CU_ASSERT(adb_date(2024, 2, 29).type == ADB_TYPE_DATE && adb_date(2024, 2, 29).as.integer == 19782);
    CU_ASSERT(adb_time(0, 0, 1, 2).type == ADB_TYPE_TIME && adb_time(0, 0, 1, 2).as.integer == 1000002);
    CU_ASSERT(adb_timestamp(-1).type == ADB_TYPE_TIMESTAMP && adb_timestamp(-1).as.integer == -1);
    CU_ASSERT(adb_uuid(uuid_bytes).type == ADB_TYPE_UUID && adb_uuid(uuid_bytes).as.uuid[1] == 0x3e);
    CU_ASSERT_EQUAL(adb_int(5).size + adb_date(2024, 1, 1).size + adb_uuid(uuid_bytes).size, 0);
}

/* TYP-05, TYP-07, TYP-08: text kinds borrow the caller's bytes and know their size. */
TEST(texts_borrow_and_count_bytes)
{
    const char *text = "h\xc3\xa9";
    CU_ASSERT(adb_text(text).type == ADB_TYPE_TEXT && adb_text(text).size == 3 && adb_text(text).as.text == text);
    CU_ASSERT(adb_text_n(text, 1).size == 1 && adb_text_n("a\0b", 3).size == 3);
    CU_ASSERT(adb_blob(text, 2).type == ADB_TYPE_BLOB && adb_blob(text, 2).as.blob == text);
    CU_ASSERT(adb_decimal("0.700000000000001").type == ADB_TYPE_DECIMAL && adb_decimal("1.50").size == 4);
    CU_ASSERT(adb_json("[1]").type == ADB_TYPE_JSON && adb_json("[1]").size == 3);
    CU_ASSERT(adb_list(NULL, 0).type == ADB_TYPE_LIST && adb_list(NULL, 0).size == 0);
}

/* PAR-24: a NULL pointer is SQL's NULL; an empty text or blob is not. */
TEST(null_pointers_give_null)
{
    const adb_value values[] = {adb_text(NULL),    adb_text_n(NULL, 5), adb_blob(NULL, 5),
                                adb_decimal(NULL), adb_json(NULL),      adb_uuid(NULL)};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        CU_ASSERT(values[i].type == ADB_TYPE_NULL && values[i].size == 0);
    CU_ASSERT_EQUAL(adb_text("").type, ADB_TYPE_TEXT);
    CU_ASSERT_EQUAL(adb_blob("", 0).type, ADB_TYPE_BLOB);
}

/* What a constructor cannot make is marked, keeps its type, and is refused where values are taken over. */
TEST(impossible_values_are_marked_and_refused)
{
    const adb_value values[] = {adb_date(2024, 13, 1), adb_date(2023, 2, 29), adb_time(24, 0, 0, 0),
                                adb_time(0, 0, 60, 0), adb_decimal("abc"),    adb_decimal(""),
                                adb_list(NULL, 1)};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        CU_ASSERT(values[i].size == SIZE_MAX && values[i].type != ADB_TYPE_NULL);
        CU_ASSERT_EQUAL(check(values[i]), ADB_E_PARAMETER);
    }
}

/* Types outside the set, lists in lists and NULL pointers put in by hand are refused, too much is too big. */
TEST(check_refuses_what_cannot_be_bound)
{
    const adb_value inner = adb_list(NULL, 0);
    const adb_value bad_item[] = {adb_int(1), adb_date(1, 1, 0)};
    CU_ASSERT_EQUAL(check((adb_value){.type = (adb_type)99}), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(check((adb_value){.type = (adb_type)-1}), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(check((adb_value){.type = ADB_TYPE_TEXT}), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(check(adb_list(&inner, 1)), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(check(adb_list(bad_item, 2)), ADB_E_PARAMETER);
    CU_ASSERT_EQUAL(check(adb_text_n("", ADB__VALUE_MAX_BYTES)), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(check(adb_list(&inner, ADB__VALUE_MAX_BYTES)), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(check(adb_text_n("", ADB__VALUE_MAX_BYTES - 1)), ADB_OK);
    CU_ASSERT_EQUAL(check(adb_list(bad_item, 1)), ADB_OK);
}

/* A copy is equal, independent of the original, and text in it ends in a NUL. */
TEST(copy_is_deep)
{
    struct adb__arena arena = {0};
    char text[] = "abcdef";
    const adb_value items[] = {adb_text_n(text, 3), adb_null(), adb_uuid(uuid_bytes)};
    const adb_value list = adb_list(items, 3);
    adb_value copy = adb_null();
    REQUIRE(adb__value_copy(&arena, &list, &copy) == ADB_OK);
    CU_ASSERT(adb_value_equal(&copy, &list));
    memset(text, 'x', 6);
    CU_ASSERT_STRING_EQUAL(copy.as.items[0].as.text, "abc");
    CU_ASSERT(equal(copy.as.items[2], adb_uuid(uuid_bytes)));
    adb__arena_reset(&arena);
}

/* A value that is no list is copied likewise; one without bytes needs no memory. */
TEST(copy_of_one_value_is_deep)
{
    struct adb__arena arena = {0};
    char bytes[] = {1, 2, 3};
    const adb_value blob = adb_blob(bytes, 3);
    const adb_value number = adb_int(7);
    adb_value copy = adb_null();
    REQUIRE(adb__value_copy(&arena, &number, &copy) == ADB_OK);
    CU_ASSERT(copy.as.integer == 7 && arena.total_bytes == 0);
    REQUIRE(adb__value_copy(&arena, &blob, &copy) == ADB_OK);
    bytes[0] = 9;
    CU_ASSERT(copy.size == 3 && memcmp(copy.as.blob, "\1\2\3", 4) == 0);
    adb__arena_reset(&arena);
}

/* Copying an impossible value fails, and so does every allocation: nothing leaks, the output stays as it was. */
TEST(failed_copy_changes_nothing)
{
    const size_t before = (fault_watch(), fault_live_blocks());
    static char big[40000];
    const adb_value items[] = {adb_blob(big, sizeof(big)), adb_blob(big, sizeof(big))};
    const adb_value list = adb_list(items, 2);
    const adb_value bad = adb_date(2024, 13, 1);
    FAULT_EACH(n)
    {
        struct adb__arena arena = {0};
        adb_value copy = adb_int(77);
        CU_ASSERT_EQUAL(adb__value_copy(&arena, &bad, &copy), ADB_E_PARAMETER);
        fault_arm(n);
        const adb_status status = adb__value_copy(&arena, &list, &copy);
        FAULT_DONE();
        CU_ASSERT(fault_more ? status == ADB_E_NOMEM && copy.as.integer == 77 : status == ADB_OK);
        adb__arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

/* Values of one type compare by content; other types never match but for numbers. */
TEST(equality_goes_by_type_and_content)
{
    CU_ASSERT(equal(adb_null(), adb_null()) && adb_value_equal(NULL, NULL));
    CU_ASSERT(equal(adb_text("a"), adb_text_n("ab", 1)) && !equal(adb_text("a"), adb_text("b")));
    CU_ASSERT(equal(adb_text(""), adb_text("")) && !equal(adb_text(""), adb_null()));
    CU_ASSERT(!equal(adb_text("1"), adb_int(1)) && !equal(adb_text("a"), adb_blob("a", 1)));
    CU_ASSERT(!equal(adb_bool(true), adb_int(1)) && !equal(adb_bool(true), adb_bool(false)));
    CU_ASSERT(!equal(adb_decimal("1.0"), adb_decimal("1.00")) && equal(adb_decimal("1.0"), adb_decimal("1.0")));
    CU_ASSERT(!equal(adb_timestamp(5), adb_int(5)) && equal(adb_timestamp(5), adb_timestamp(5)));
    CU_ASSERT(!equal(adb_date(2024, 1, 1), adb_date(2024, 13, 1)));
    CU_ASSERT(equal(adb_uuid(uuid_bytes), adb_uuid(uuid_bytes)) && !equal(adb_uuid(uuid_bytes), adb_null()));
}

/* An integer and a double are equal only when they are the same number: 2^53 + 1 is no double. */
TEST(numbers_compare_exactly)
{
    const int64_t limit = INT64_C(1) << 53;
    CU_ASSERT(equal(adb_int(3), adb_double(3)) && equal(adb_double(-0.0), adb_int(0)));
    CU_ASSERT(equal(adb_int(limit), adb_double(0x1p53)) && !equal(adb_int(limit + 1), adb_double(0x1p53)));
    CU_ASSERT(!equal(adb_int(INT64_MAX), adb_double(0x1p63)) && equal(adb_int(INT64_MIN), adb_double(-0x1p63)));
    CU_ASSERT(!equal(adb_int(3), adb_double(3.5)) && !equal(adb_int(0), adb_double(NAN)));
    CU_ASSERT(equal(adb_double(NAN), adb_double(-NAN)) && equal(adb_double(0.0), adb_double(-0.0)));
    CU_ASSERT(equal(adb_double(INFINITY), adb_double(INFINITY)) && !equal(adb_double(1), adb_double(2)));
}

/* Lists are equal when their items are, one by one. */
TEST(lists_compare_item_by_item)
{
    const adb_value a[] = {adb_int(1), adb_text("x")};
    const adb_value b[] = {adb_double(1), adb_text("x")};
    CU_ASSERT(equal(adb_list(a, 2), adb_list(b, 2)) && hash(adb_list(a, 2)) == hash(adb_list(b, 2)));
    CU_ASSERT(!equal(adb_list(a, 2), adb_list(a, 1)) && !equal(adb_list(a, 1), adb_list(a + 1, 1)));
    CU_ASSERT(equal(adb_list(NULL, 0), adb_list(a, 0)) && !equal(adb_list(NULL, 1), adb_list(a, 1)));
}

/* REC-14: whatever is equal hashes alike, over all pairs of a zoo of values; and most of what differs, differs. */
TEST(equal_values_hash_alike)
{
    const adb_value zoo[] = {
        adb_null(),
        adb_bool(false),
        adb_bool(true),
        adb_int(0),
        adb_double(0),
        adb_double(-0.0),
        adb_int(1),
        adb_double(1),
        adb_double(0.5),
        adb_double(NAN),
        adb_double(-NAN),
        adb_double(0x1p53),
        adb_int(1LL << 53),
        adb_int(INT64_MIN),
        adb_double(-0x1p63),
        adb_double(1e300),
        adb_text(""),
        adb_text("12345678"),
        adb_text("123456789"),
        adb_blob("12345678", 8),
        adb_decimal("1"),
        adb_json("1"),
        adb_date(1970, 1, 2),
        adb_time(0, 0, 0, 1),
        adb_timestamp(1),
        adb_uuid(uuid_bytes),
        adb_list(NULL, 0),
        adb_date(2024, 13, 1),
        adb_text_n("a\0", 2),
        adb_text("a"),
        adb_time(99, 0, 0, 0),
        adb_double(INFINITY),
    };
    const size_t n = sizeof(zoo) / sizeof(zoo[0]);
    for (size_t i = 0; i < n * n; i++)
        CU_ASSERT_EQUAL(equal(zoo[i / n], zoo[i % n]), hash(zoo[i / n]) == hash(zoo[i % n]));
}

/* Every type has a name, and so has what is none. */
TEST(types_have_names)
{
    CU_ASSERT_STRING_EQUAL(adb_type_name(ADB_TYPE_NULL), "null");
    CU_ASSERT_STRING_EQUAL(adb_type_name(ADB_TYPE_TIMESTAMP), "timestamp");
    CU_ASSERT_STRING_EQUAL(adb_type_name(ADB_TYPE_LIST), "list");
    CU_ASSERT_STRING_EQUAL(adb_type_name((adb_type)13), "unknown");
    CU_ASSERT_STRING_EQUAL(adb_type_name((adb_type)-1), "unknown");
}

static int n_calls;

static int64_t counted(void)
{
    return ++n_calls;
}

/* PAR-24: parameters in place know their names, count and values, and evaluate each once. */
TEST(params_macro_counts_and_evaluates_once)
{
    const adb_params *named = ADB_PARAMS({"id", adb_int(counted())}, {"note", adb_null()});
    const adb_params *positional = ADB_PARAMS({0, adb_int(7)});
    const adb_params sets[] = {ADB_SET({"a", adb_int(1)}), ADB_SET({"a", adb_int(2)})};
    CU_ASSERT_EQUAL(n_calls, 1);
    CU_ASSERT(named->count == 2 && named->items[0].value.as.integer == 1);
    CU_ASSERT_STRING_EQUAL(named->items[1].name, "note");
    CU_ASSERT_EQUAL(named->items[1].value.type, ADB_TYPE_NULL);
    CU_ASSERT(positional->count == 1 && positional->items[0].name == NULL);
    CU_ASSERT(sets[1].count == 1 && sets[1].items[0].value.as.integer == 2);
}

SUITE(value, CASE(scalars_carry_type_and_payload), CASE(texts_borrow_and_count_bytes), CASE(null_pointers_give_null),
      CASE(impossible_values_are_marked_and_refused), CASE(check_refuses_what_cannot_be_bound), CASE(copy_is_deep),
      CASE(copy_of_one_value_is_deep), CASE(failed_copy_changes_nothing), CASE(equality_goes_by_type_and_content),
      CASE(numbers_compare_exactly), CASE(lists_compare_item_by_item), CASE(equal_values_hash_alike),
      CASE(types_have_names), CASE(params_macro_counts_and_evaluates_once))
