/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors: every status is named and described, and a message is one line of bounded size. */
#include "model/error.h"

#include "tests/lib/harness.h"

#include <ctype.h>
#include <string.h>

#define NAMED(code)                                                                                                    \
    {                                                                                                                  \
        code, #code                                                                                                    \
    }

static const struct {
    adb_status status;
    const char *name;
} statuses[] = {
    NAMED(ADB_OK),
    NAMED(ADB_E_INVAL),
    NAMED(ADB_E_NOMEM),
    NAMED(ADB_E_STATE),
    NAMED(ADB_E_BUSY),
    NAMED(ADB_E_CLOSED),
    NAMED(ADB_E_FORKED),
    NAMED(ADB_E_DEADLOCK),
    NAMED(ADB_E_NOT_FOUND),
    NAMED(ADB_E_UNSUPPORTED),
    NAMED(ADB_E_INTERNAL),
    NAMED(ADB_E_URL),
    NAMED(ADB_E_OPTION),
    NAMED(ADB_E_DRIVER),
    NAMED(ADB_E_PARAMETER),
    NAMED(ADB_E_MULTI),
    NAMED(ADB_E_TYPE),
    NAMED(ADB_E_RANGE),
    NAMED(ADB_E_TIMEOUT),
    NAMED(ADB_E_CANCELLED),
    NAMED(ADB_E_CONNECTION),
    NAMED(ADB_E_AUTH),
    NAMED(ADB_E_NO_TRANSACTION),
    NAMED(ADB_E_TRANSACTION_FAILED),
    NAMED(ADB_E_TRANSACTION_LOST),
    NAMED(ADB_E_SERIALIZATION),
    NAMED(ADB_E_LOCKED),
    NAMED(ADB_E_OUTCOME_UNKNOWN),
    NAMED(ADB_E_SYNTAX),
    NAMED(ADB_E_UNDEFINED),
    NAMED(ADB_E_EXISTS),
    NAMED(ADB_E_UNIQUE),
    NAMED(ADB_E_FOREIGN_KEY),
    NAMED(ADB_E_NOT_NULL),
    NAMED(ADB_E_CHECK),
    NAMED(ADB_E_CONSTRAINT),
    NAMED(ADB_E_DATA),
    NAMED(ADB_E_READ_ONLY),
    NAMED(ADB_E_PERMISSION),
    NAMED(ADB_E_TOO_BIG),
    NAMED(ADB_E_SQL),
    NAMED(ADB_E_FULL),
    NAMED(ADB_E_CORRUPT),
    NAMED(ADB_E_IO),
};

#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

/* Each code of the header has its name and a text of one line without a full stop. */
TEST(every_status_has_name_and_text)
{
    for (size_t i = 0; i < N_STATUSES; i++) {
        const char *text = adb_status_text(statuses[i].status);
        CU_ASSERT_STRING_EQUAL(adb_status_name(statuses[i].status), statuses[i].name);
        CU_ASSERT_TRUE(strlen(text) > 0 && text[strlen(text) - 1] != '.' && strchr(text, '\n') == NULL);
        CU_ASSERT_TRUE(!isupper((unsigned char)text[0]));
        CU_ASSERT_STRING_NOT_EQUAL(text, adb_status_text((adb_status)-9999));
    }
}

/* No two codes share a text, so that a log tells them apart. */
TEST(texts_are_distinct)
{
    for (size_t i = 0; i < N_STATUSES; i++) {
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(adb_status_text(statuses[i].status), adb_status_text(statuses[j].status));
    }
}

/* The table above is the whole set: every other number is unknown, but has text. */
TEST(other_numbers_are_unknown)
{
    size_t n_known = 0;
    for (int number = -1000; number <= 100; number++) {
        if (strcmp(adb_status_name((adb_status)number), "ADB_E_UNKNOWN") != 0)
            n_known++;
        CU_ASSERT_TRUE(strlen(adb_status_text((adb_status)number)) > 0);
    }
    CU_ASSERT_EQUAL(n_known, N_STATUSES);
}

/* Setting returns the status and clears what an earlier failure left. */
TEST(set_fills_and_clears_the_rest)
{
    adb_error error;
    memset(&error, 0x55, sizeof(error));
    CU_ASSERT_EQUAL(adb__error_set(&error, ADB_E_TIMEOUT, "after %d ms", 20), ADB_E_TIMEOUT);
    CU_ASSERT_EQUAL(error.status, ADB_E_TIMEOUT);
    CU_ASSERT_STRING_EQUAL(error.message, "after 20 ms");
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "");
    CU_ASSERT_EQUAL(error.flags, 0);
    CU_ASSERT_EQUAL(error.native_code, 0);
}

/* Nobody need listen. */
TEST(null_error_only_passes_the_status)
{
    CU_ASSERT_EQUAL(adb__error_set(NULL, ADB_E_BUSY, "x"), ADB_E_BUSY);
    CU_ASSERT_EQUAL(adb__error_native(NULL, ADB_E_SQL, 0, 1, NULL, "x"), ADB_E_SQL);
    adb__error_clear(NULL);
}

/* A message may be built from the one that it replaces. */
TEST(message_may_quote_itself)
{
    adb_error error;
    adb__error_set(&error, ADB_E_IO, "disk gone");
    adb__error_set(&error, ADB_E_CONNECTION, "cannot open: %s", error.message);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot open: disk gone");
    adb__error_native(&error, ADB_E_SQL, 0, 7, error.sqlstate, error.message);
    CU_ASSERT_STRING_EQUAL(error.message, "cannot open: disk gone");
}

/* Line breaks become spaces, and those at the end go. */
TEST(message_is_one_line)
{
    adb_error error;
    adb__error_set(&error, ADB_E_SQL, "ERROR:  no\nLINE 1: x\r\n");
    CU_ASSERT_STRING_EQUAL(error.message, "ERROR:  no LINE 1: x");
}

/* A message that does not fit says so. */
TEST(overlong_message_ends_in_dots)
{
    adb_error error;
    adb__error_set(&error, ADB_E_SQL, "%0500d", 7);
    CU_ASSERT_EQUAL(strlen(error.message), ADB_ERROR_MESSAGE_SIZE - 1);
    CU_ASSERT_STRING_EQUAL(error.message + ADB_ERROR_MESSAGE_SIZE - 5, "0...");
    adb__error_set(&error, ADB_E_SQL, "%0*d", ADB_ERROR_MESSAGE_SIZE - 1, 7);
    CU_ASSERT_STRING_EQUAL(error.message + ADB_ERROR_MESSAGE_SIZE - 5, "0007");
}

/* A message that cannot be formatted leaves the status to speak. */
TEST(unprintable_message_uses_the_status)
{
    adb_error error;
    adb__error_set(&error, ADB_E_IO, "%ls", L"\x20ac"); /* no such character in the C locale */
    CU_ASSERT_STRING_EQUAL(error.message, adb_status_text(ADB_E_IO));
}

/* What a client library says is kept with its numbers, and percent signs in it mean nothing. */
TEST(native_keeps_text_and_numbers)
{
    adb_error error;
    const unsigned flags = ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN;
    CU_ASSERT_EQUAL(adb__error_native(&error, ADB_E_CONNECTION, flags, 2013, "08S01", "100%s lost"), ADB_E_CONNECTION);
    CU_ASSERT_EQUAL(error.flags, flags);
    CU_ASSERT_EQUAL(error.native_code, 2013);
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "08S01");
    CU_ASSERT_STRING_EQUAL(error.message, "100%s lost");
}

/* A client library with nothing to say leaves the status to speak. */
TEST(native_without_text_uses_the_status)
{
    adb_error error;
    adb__error_native(&error, ADB_E_LOCKED, 0, 5, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(error.message, adb_status_text(ADB_E_LOCKED));
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "");
    adb__error_native(&error, ADB_E_LOCKED, 0, 5, "toolong", "");
    CU_ASSERT_STRING_EQUAL(error.message, adb_status_text(ADB_E_LOCKED));
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "toolo");
}

/* Clearing leaves no trace of a failure. */
TEST(clear_is_ok_and_empty)
{
    adb_error error;
    adb__error_native(&error, ADB_E_SQL, 1, 2, "HY000", "text");
    adb__error_clear(&error);
    CU_ASSERT_EQUAL(error.status, ADB_OK);
    CU_ASSERT_EQUAL(error.flags, 0);
    CU_ASSERT_EQUAL(error.native_code, 0);
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "");
    CU_ASSERT_STRING_EQUAL(error.message, "");
}

SUITE(error, CASE(every_status_has_name_and_text), CASE(texts_are_distinct), CASE(other_numbers_are_unknown),
      CASE(set_fills_and_clears_the_rest), CASE(null_error_only_passes_the_status), CASE(message_may_quote_itself),
      CASE(message_is_one_line), CASE(overlong_message_ends_in_dots), CASE(unprintable_message_uses_the_status),
      CASE(native_keeps_text_and_numbers), CASE(native_without_text_uses_the_status), CASE(clear_is_ok_and_empty))
