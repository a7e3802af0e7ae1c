/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads and writes numbers with the C library's own correctly rounded routines, but so that its locale plays no part:
 * strtod() is given digits and an exponent without a decimal point, and the point that snprintf() wrote is replaced. */
#include "model/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The longest exact decimal between two neighbouring doubles has 767 significant digits: of what lies behind only
     * counts whether it is zero. */
    MAX_SIGNIFICANT = 768,
    MAX_EXPONENT = 400 /* no double reaches 1e400 or 1e-400 */
};

/* Exponents are cut to this; it is more than any text has digits. */
#define EXPONENT_LIMIT (INT64_C(1) << 40)

enum kind { KIND_FINITE, KIND_INFINITE, KIND_NAN };

/* A number's parts, in place. */
struct number {
    enum kind kind;
    bool negative;
    const char *whole;
    size_t n_whole;
    const char *fraction;
    size_t n_fraction;
    int64_t exponent;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t count_digits(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && is_digit(*at))
        at++;
    return (size_t)(at - start);
}

/* In any case, by ASCII: strncasecmp() has a locale too. The word is in lower case. */
static bool is_word(const char *at, const char *end, const char *word)
{
    for (; at < end && *word != '\0'; at++, word++) {
        const char lower = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        if (lower != *word)
            return false;
    }
    return at == end && *word == '\0';
}

/* The digits after the e, to the end of the text. */
static bool read_exponent(const char *at, const char *end, int64_t *exponent_out)
{
    const bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const size_t n_digits = count_digits(at, end);
    if (n_digits == 0 || at + n_digits != end)
        return false;

    int64_t exponent = 0;
    for (; at < end && exponent < EXPONENT_LIMIT; at++)
        exponent = exponent * 10 + (*at - '0');
    if (exponent > EXPONENT_LIMIT)
        exponent = EXPONENT_LIMIT;
    *exponent_out = negative ? -exponent : exponent;
    return true;
}

static bool number_scan(const char *text, size_t size, struct number *number)
{
    const char *at = text;
    const char *end = text + size;
    *number = (struct number){.kind = KIND_FINITE, .negative = size > 0 && *at == '-'};
    if (size > 0 && (*at == '-' || *at == '+'))
        at++;
    if (is_word(at, end, "inf") || is_word(at, end, "infinity")) {
        number->kind = KIND_INFINITE;
        return true;
    }
    if (is_word(at, end, "nan")) {
        number->kind = KIND_NAN;
        return at == text;
    }

    number->whole = at;
    number->n_whole = count_digits(at, end);
    at += number->n_whole;
    if (at < end && *at == '.') {
        number->fraction = at + 1;
        number->n_fraction = count_digits(at + 1, end);
        at += 1 + number->n_fraction;
    }
    if (number->n_whole + number->n_fraction == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E'))
        return read_exponent(at + 1, end, &number->exponent);
    return at == end;
}

/* Digits from the first on; zeros behind the last. */
static int digit_at(const struct number *number, int64_t index)
{
    if (index < (int64_t)number->n_whole)
        return number->whole[index] - '0';
    index -= (int64_t)number->n_whole;
    return index < (int64_t)number->n_fraction ? number->fraction[index] - '0' : 0;
}

static int64_t count_leading_zeros(const struct number *number)
{
    const int64_t n_digits = (int64_t)(number->n_whole + number->n_fraction);
    int64_t index = 0;
    while (index < n_digits && digit_at(number, index) == 0)
        index++;
    return index;
}

bool adb__number_valid(const char *text, size_t size)
{
    struct number number;
    return number_scan(text, size, &number);
}

adb_status adb__number_read_int(const char *text, size_t size, int64_t *number_out)
{
    struct number number;
    if (!number_scan(text, size, &number))
        return ADB_E_TYPE;
    if (number.kind != KIND_FINITE)
        return ADB_E_RANGE;

    /* Where the point stands once the exponent has moved it: a number that is not zero overflows within 20 digits. */
    const int64_t point = (int64_t)number.n_whole + number.exponent;
    const int64_t n_digits = (int64_t)(number.n_whole + number.n_fraction);
    int64_t index = count_leading_zeros(&number);
    if (index == n_digits)
        index = point;  /* zero, with whatever exponent */
    int64_t result = 0; /* negative: that side has one number more */
    for (; index < point; index++) {
        if (__builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, digit_at(&number, index), &result))
            return ADB_E_RANGE;
    }
    if (!number.negative && result == INT64_MIN)
        return ADB_E_RANGE;
    *number_out = number.negative ? result : -result;
    return ADB_OK;
}

/* Digits without a point, and an exponent: the only form that strtod() reads alike in every locale. */
static double finite_double(const struct number *number)
{
    char text[MAX_SIGNIFICANT + 32];
    size_t used = 0;
    const int64_t n_digits = (int64_t)(number->n_whole + number->n_fraction);
    const int64_t first = count_leading_zeros(number);
    int64_t exponent = (int64_t)number->n_whole + number->exponent - first; /* as in 0.ddd * 10^exponent */
    if (first == n_digits || exponent < -MAX_EXPONENT)
        return 0.0;
    if (exponent > MAX_EXPONENT)
        return HUGE_VAL;

    int64_t index = first;
    for (; index < n_digits && used < MAX_SIGNIFICANT; index++)
        text[used++] = (char)('0' + digit_at(number, index));
    while (index < n_digits && digit_at(number, index) == 0)
        index++;
    if (index < n_digits)
        text[used++] = '1';
    exponent -= (int64_t)used;
    snprintf(text + used, sizeof(text) - used, "e%d", (int)exponent);
    return strtod(text, NULL);
}

adb_status adb__number_read_double(const char *text, size_t size, double *number_out)
{
    struct number number;
    if (!number_scan(text, size, &number))
        return ADB_E_TYPE;
    double result = NAN;
    if (number.kind == KIND_INFINITE)
        result = HUGE_VAL;
    if (number.kind == KIND_FINITE) {
        result = finite_double(&number);
        if (result == HUGE_VAL)
            return ADB_E_RANGE;
    }
    *number_out = number.negative ? -result : result;
    return ADB_OK;
}

adb_status adb__number_read_bool(const char *text, size_t size, bool *truth_out)
{
    static const char *const words[][2] = {{"false", "true"}, {"f", "t"}, {"no", "yes"}, {"n", "y"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const bool truth = is_word(text, text + size, words[i][1]);
        if (truth || is_word(text, text + size, words[i][0])) {
            *truth_out = truth;
            return ADB_OK;
        }
    }

    struct number number;
    if (!number_scan(text, size, &number))
        return ADB_E_TYPE;
    if (number.kind == KIND_NAN)
        return ADB_E_RANGE;
    const int64_t n_digits = (int64_t)(number.n_whole + number.n_fraction);
    *truth_out = number.kind == KIND_INFINITE || count_leading_zeros(&number) < n_digits;
    return ADB_OK;
}

/* The decimal point of the locale may be several bytes: they are what is neither digit, sign nor e. */
static size_t normalise_point(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (is_digit(*from) || strchr("+-e", *from) != NULL)
            *to++ = *from;
        else if (to > text && to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
    return (size_t)(to - text);
}

size_t adb__number_write_double(double number, char buffer[ADB__NUMBER_TEXT_SIZE])
{
    if (isnan(number))
        return (size_t)snprintf(buffer, ADB__NUMBER_TEXT_SIZE, "NaN");
    if (isinf(number))
        return (size_t)snprintf(buffer, ADB__NUMBER_TEXT_SIZE, number < 0 ? "-Infinity" : "Infinity");

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, ADB__NUMBER_TEXT_SIZE, "%.*g", digits, number);
        if (strtod(buffer, NULL) == number)
            break;
    }
    return normalise_point(buffer);
}
