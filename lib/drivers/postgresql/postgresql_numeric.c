/* SPDX-License-Identifier: BSD-3-Clause */
/* Binary numeric as exact text. On the wire: the number of digits, the weight of the first, the sign, the digits behind
 * the point that are shown, all of 16 bits; then the digits, to the base of ten thousand. */
#include "drivers/postgresql/postgresql.h"

#include "model/error.h"

#include <string.h>

#define SIGN_NEGATIVE          0x4000
#define SIGN_NAN               0xC000
#define SIGN_INFINITY          0xD000
#define SIGN_NEGATIVE_INFINITY 0xF000

#define HEADER_SIZE 8

static unsigned read_u16(const char *bytes)
{
    return (unsigned)(unsigned char)bytes[0] << 8 | (unsigned char)bytes[1];
}

struct numeric {
    int n_digits;
    int weight; /* of the first digit: how often it is multiplied by ten thousand */
    unsigned sign;
    int scale;
    const char *digits;
};

/* The digit that stands for so many ten thousands; 0 where none was sent. */
static unsigned digit_at(const struct numeric *numeric, int place)
{
    const int index = numeric->weight - place;
    return index >= 0 && index < numeric->n_digits ? read_u16(numeric->digits + 2 * (size_t)index) : 0;
}

static void write_four(char *at, unsigned digit)
{
    at[0] = (char)('0' + digit / 1000);
    at[1] = (char)('0' + digit / 100 % 10);
    at[2] = (char)('0' + digit / 10 % 10);
    at[3] = (char)('0' + digit % 10);
}

static char *write_whole(const struct numeric *numeric, char *at)
{
    char four[4];
    int place = numeric->weight;
    if (place < 0) {
        *at++ = '0';
        return at;
    }
    write_four(four, digit_at(numeric, place));
    size_t zeros = 0;
    while (zeros < 3 && four[zeros] == '0')
        zeros++;
    memcpy(at, four + zeros, 4 - zeros);
    at += 4 - zeros;
    while (place > 0) {
        write_four(at, digit_at(numeric, --place));
        at += 4;
    }
    return at;
}

static char *write_fraction(const struct numeric *numeric, char *at)
{
    char *end = at + 1 + numeric->scale;
    if (numeric->scale == 0)
        return at;
    *at++ = '.';
    for (int place = -1; at < end; place--) {
        char four[4];
        const size_t left = (size_t)(end - at);
        write_four(four, digit_at(numeric, place));
        memcpy(at, four, left < 4 ? left : 4);
        at += left < 4 ? left : 4;
    }
    return at;
}

static adb_status decode_word(struct adb__sink *sink, size_t column, const char *word, adb_error *error)
{
    return adb__sink_bytes(sink, column, ADB_TYPE_DECIMAL, word, strlen(word), error);
}

static bool numeric_read(const char *bytes, size_t size, struct numeric *numeric_out)
{
    if (size < HEADER_SIZE)
        return false;
    numeric_out->n_digits = (int)read_u16(bytes);
    numeric_out->weight = (int16_t)read_u16(bytes + 2);
    numeric_out->sign = read_u16(bytes + 4);
    numeric_out->scale = (int)read_u16(bytes + 6);
    numeric_out->digits = bytes + HEADER_SIZE;
    return size == HEADER_SIZE + 2 * (size_t)numeric_out->n_digits;
}

adb_status adb__pg_numeric_decode(struct adb__sink *sink, size_t column, const char *bytes, size_t size,
                                  adb_error *error)
{
    struct numeric numeric;
    if (!numeric_read(bytes, size, &numeric))
        return adb__error_set(error, ADB_E_INTERNAL, "a numeric of %zu bytes that cannot be read", size);
    if (numeric.sign == SIGN_NAN)
        return decode_word(sink, column, "NaN", error);
    if (numeric.sign == SIGN_INFINITY)
        return decode_word(sink, column, "Infinity", error);
    if (numeric.sign == SIGN_NEGATIVE_INFINITY)
        return decode_word(sink, column, "-Infinity", error);

    char lent[128];
    const size_t n_whole = numeric.weight < 0 ? 1 : ((size_t)numeric.weight + 1) * 4;
    const size_t most = 1 + n_whole + 1 + (size_t)numeric.scale;
    void *text = lent;
    if (most > sizeof(lent)) { /* longer ones are written where they stay, and may waste three bytes */
        const adb_status status = adb__sink_reserve(sink, column, ADB_TYPE_DECIMAL, most, &text, error);
        if (status != ADB_OK)
            return status;
    }
    char *end = text;
    if (numeric.sign == SIGN_NEGATIVE)
        *end++ = '-';
    end = write_fraction(&numeric, write_whole(&numeric, end));
    return adb__sink_bytes(sink, column, ADB_TYPE_DECIMAL, text, (size_t)(end - (char *)text), error);
}
