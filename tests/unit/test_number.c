/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers as text: exact where they claim to be, and in any locale. */
#include "model/number.h"
#include "tests/lib/harness.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ (*state >> 33);
}

static double double_of_bits(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* TYP-06: any double, written and read, is the same double again, and the text is no longer than it has to be. */
TEST(any_double_reads_back_equal)
{
    uint64_t state = 3;
    for (int i = 0; i < 20000; i++) {
        char text[ADB__NUMBER_TEXT_SIZE];
        double read = 0;
        const double number = double_of_bits(random_next(&state) >> (i % 3));
        if (isnan(number) || isinf(number))
            continue;
        const size_t size = adb__number_write_double(number, text);
        CU_ASSERT_EQUAL(size, strlen(text));
        CU_ASSERT(size <= 24);
        CU_ASSERT_EQUAL(adb__number_read_double(text, size, &read), ADB_OK);
        CU_ASSERT_EQUAL(read, number);
    }
}

/* The shortest text is chosen, and always with a point. */
TEST(doubles_are_written_short)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {3.0, "3"},
        {-0.0, "-0"},
        {1e20, "1e+20"},
        {5e-324, "4.94065645841247e-324"},
        {1e15, "1e+15"},
        {123456.75, "123456.75"},
        {0.1 + 0.2, "0.30000000000000004"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[ADB__NUMBER_TEXT_SIZE];
        CU_ASSERT_EQUAL(adb__number_write_double(cases[i].number, text), strlen(cases[i].text));
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
    }
}

/* Random decimals come out as strtod() reads them, though strtod() never sees their point. */
TEST(decimals_are_rounded_as_by_strtod)
{
    uint64_t state = 4;
    for (int i = 0; i < 20000; i++) {
        char text[96];
        double read = 0;
        const int exponent = (int)(random_next(&state) % 660) - 340;
        snprintf(text, sizeof(text), "%s%llu.%08llue%d", i % 2 ? "-" : "", (unsigned long long)random_next(&state),
                 (unsigned long long)(random_next(&state) % 100000000), exponent);
        const double expected = strtod(text, NULL);
        const adb_status status = adb__number_read_double(text, strlen(text), &read);
        CU_ASSERT_EQUAL(status, isinf(expected) ? ADB_E_RANGE : ADB_OK);
        CU_ASSERT_EQUAL(read, isinf(expected) ? 0 : expected);
    }
}

/* A tie is decided by a digit far behind it, further than any buffer reaches. */
TEST(digits_far_behind_decide_a_tie)
{
    char text[2048] = "9007199254740993.";
    double read = 0;
    const size_t start = strlen(text);
    memset(text + start, '0', 1500);
    CU_ASSERT_EQUAL(adb__number_read_double(text, start + 1500, &read), ADB_OK);
    CU_ASSERT_EQUAL(read, 9007199254740992.0);
    text[start + 1499] = '1';
    CU_ASSERT_EQUAL(adb__number_read_double(text, start + 1500, &read), ADB_OK);
    CU_ASSERT_EQUAL(read, 9007199254740994.0);
}

/* Too large is ADB_E_RANGE, too small is zero, and an exponent of any length is still read. */
TEST(limits_of_doubles_are_kept)
{
    static const struct {
        const char *text;
        adb_status status;
        double number;
    } cases[] = {
        {"1e308", ADB_OK, 1e308},
        {"1e309", ADB_E_RANGE, 77},
        {"-1e309", ADB_E_RANGE, 77},
        {"1e99999999999999999999999", ADB_E_RANGE, 77},
        {"1e-400", ADB_OK, 0},
        {"1e-99999999999999999999999", ADB_OK, 0},
        {"0e99999999999", ADB_OK, 0},
        {"5e-324", ADB_OK, 5e-324},
        {"Infinity", ADB_OK, INFINITY},
        {"-inf", ADB_OK, -INFINITY},
        {".5", ADB_OK, 0.5},
        {"5.", ADB_OK, 5},
        {"+5", ADB_OK, 5},
        {"1E+2", ADB_OK, 100},
        {"0x10", ADB_E_TYPE, 77},
        {"1,5", ADB_E_TYPE, 77},
        {"", ADB_E_TYPE, 77},
        {".", ADB_E_TYPE, 77},
        {"e5", ADB_E_TYPE, 77},
        {"1e", ADB_E_TYPE, 77},
        {"1e+", ADB_E_TYPE, 77},
        {" 1", ADB_E_TYPE, 77},
        {"1 ", ADB_E_TYPE, 77},
        {"--1", ADB_E_TYPE, 77},
        {"infinit", ADB_E_TYPE, 77},
        {"-nan", ADB_E_TYPE, 77},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double read = 77;
        CU_ASSERT_EQUAL(adb__number_read_double(cases[i].text, strlen(cases[i].text), &read), cases[i].status);
        CU_ASSERT_EQUAL(read, cases[i].number);
        CU_ASSERT_EQUAL(adb__number_valid(cases[i].text, strlen(cases[i].text)), cases[i].status != ADB_E_TYPE);
    }
}

/* TYP-20: 64-bit integers are read exactly, also where a double would round. */
TEST(integers_are_read_exactly)
{
    static const struct {
        const char *text;
        adb_status status;
        int64_t number;
    } cases[] = {
        {"9223372036854775807", ADB_OK, INT64_MAX},
        {"-9223372036854775808", ADB_OK, INT64_MIN},
        {"9223372036854775808", ADB_E_RANGE, 77},
        {"-9223372036854775809", ADB_E_RANGE, 77},
        {"9223372036854775807.999", ADB_OK, INT64_MAX},
        {"922337203685477580.7e1", ADB_OK, INT64_MAX},
        {"00000000000000000000000000042", ADB_OK, 42},
        {"-0", ADB_OK, 0},
        {"2.99", ADB_OK, 2},
        {"-2.99", ADB_OK, -2},
        {"1e3", ADB_OK, 1000},
        {"1.2345e2", ADB_OK, 123},
        {"123e-2", ADB_OK, 1},
        {"123e-3", ADB_OK, 0},
        {"0.000001e6", ADB_OK, 1},
        {"0e999999999999", ADB_OK, 0},
        {"1e999999999999", ADB_E_RANGE, 77},
        {"1e-999999999999", ADB_OK, 0},
        {"nan", ADB_E_RANGE, 77},
        {"inf", ADB_E_RANGE, 77},
        {"", ADB_E_TYPE, 77},
        {"abc", ADB_E_TYPE, 77},
        {"12x", ADB_E_TYPE, 77},
        {"-", ADB_E_TYPE, 77},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t read = 77;
        CU_ASSERT_EQUAL(adb__number_read_int(cases[i].text, strlen(cases[i].text), &read), cases[i].status);
        CU_ASSERT_EQUAL(read, cases[i].number);
    }
}

/* Only as many bytes as given are looked at: text need not end in a NUL. */
TEST(text_is_read_to_its_size_only)
{
    int64_t integer = 0;
    double real = 0;
    CU_ASSERT_EQUAL(adb__number_read_int("1234", 2, &integer), ADB_OK);
    CU_ASSERT_EQUAL(integer, 12);
    CU_ASSERT_EQUAL(adb__number_read_double("1.5e3", 3, &real), ADB_OK);
    CU_ASSERT_EQUAL(real, 1.5);
    CU_ASSERT_EQUAL(adb__number_read_int("12\0", 3, &integer), ADB_E_TYPE);
}

/* TYP-01: the words of truth in any case, and numbers. */
TEST(truth_is_read_from_words_and_numbers)
{
    static const struct {
        const char *text;
        adb_status status;
        bool truth;
    } cases[] = {
        {"true", ADB_OK, true},      {"TRUE", ADB_OK, true},    {"t", ADB_OK, true},         {"Yes", ADB_OK, true},
        {"on", ADB_OK, true},        {"y", ADB_OK, true},       {"1", ADB_OK, true},         {"0.001", ADB_OK, true},
        {"inf", ADB_OK, true},       {"1e-999", ADB_OK, true},  {"false", ADB_OK, false},    {"F", ADB_OK, false},
        {"no", ADB_OK, false},       {"N", ADB_OK, false},      {"oFF", ADB_OK, false},      {"0", ADB_OK, false},
        {"0.00", ADB_OK, false},     {"-0e5", ADB_OK, false},   {"nan", ADB_E_RANGE, true},  {"", ADB_E_TYPE, true},
        {"truer", ADB_E_TYPE, true}, {"tru", ADB_E_TYPE, true}, {" true", ADB_E_TYPE, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool truth = true;
        CU_ASSERT_EQUAL(adb__number_read_bool(cases[i].text, strlen(cases[i].text), &truth), cases[i].status);
        CU_ASSERT_EQUAL(truth, cases[i].truth);
    }
}

/* A locale that is installed and writes numbers with a comma; false when there is none. The last name is for one that
 * is made with localedef and found by LOCPATH. */
static bool enter_comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                        "pt_BR.UTF-8", "de_DE",      "adb_comma"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (setlocale(LC_NUMERIC, names[i]) != NULL && strcmp(localeconv()->decimal_point, ".") != 0)
            return true;
    }
    setlocale(LC_NUMERIC, "C");
    return false;
}

/* A locale with a decimal comma changes nothing; where none is installed there is nothing to see. */
TEST(locale_plays_no_part)
{
    char text[ADB__NUMBER_TEXT_SIZE];
    double read = 0;
    if (!enter_comma_locale())
        printf("no locale with a decimal comma is installed\n");
    CU_ASSERT_EQUAL(adb__number_write_double(-1234.5, text), 7);
    CU_ASSERT_STRING_EQUAL(text, "-1234.5");
    CU_ASSERT_EQUAL(adb__number_write_double(0.1 + 0.2, text), 19);
    CU_ASSERT_EQUAL(adb__number_read_double("2.5e-1", 6, &read), ADB_OK);
    CU_ASSERT_EQUAL(read, 0.25);
    setlocale(LC_NUMERIC, "C");
}

SUITE(number, CASE(any_double_reads_back_equal), CASE(doubles_are_written_short),
      CASE(decimals_are_rounded_as_by_strtod), CASE(digits_far_behind_decide_a_tie), CASE(limits_of_doubles_are_kept),
      CASE(integers_are_read_exactly), CASE(text_is_read_to_its_size_only), CASE(truth_is_read_from_words_and_numbers),
      CASE(locale_plays_no_part))
