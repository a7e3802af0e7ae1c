/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL says about encryption, read and refused. */
#include "drivers/tls.h"

#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

static adb_status read_tls(const char *query, struct adb__tls *tls, adb_error *error)
{
    char text[200];
    adb_url *url;
    snprintf(text, sizeof(text), "mysql://host/name?%s", query);
    REQUIRE(adb_url_parse(text, &url, error) == ADB_OK);
    *tls = (struct adb__tls){.mode = ADB__TLS_ALLOW};
    const adb_status status = adb__tls_read(url, tls, error);
    adb_url_free(url);
    return status;
}

static enum adb__tls_mode mode_of(const char *query)
{
    struct adb__tls tls;
    adb_error error;
    REQUIRE(read_tls(query, &tls, &error) == ADB_OK);
    return tls.mode;
}

/* One set of words, in any case, under either name of the key; truth is require. OPT-07 OPT-08 REG-01 */
TEST(each_mode_has_its_word)
{
    static const struct {
        const char *query;
        enum adb__tls_mode mode;
    } cases[] = {
        {"", ADB__TLS_DEFAULT},
        {"ssl=disable", ADB__TLS_DISABLE},
        {"ssl=allow", ADB__TLS_ALLOW},
        {"sslmode=prefer", ADB__TLS_PREFER},
        {"ssl=REQUIRE", ADB__TLS_REQUIRE},
        {"ssl=verify-ca", ADB__TLS_VERIFY_CA},
        {"sslmode=Verify-Full", ADB__TLS_VERIFY_FULL},
        {"ssl=true", ADB__TLS_REQUIRE},
        {"ssl=0", ADB__TLS_DISABLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CU_ASSERT_EQUAL(mode_of(cases[i].query), cases[i].mode);
}

/* The word for a mode is the one that reads as it. */
TEST(a_mode_can_be_said_again)
{
    CU_ASSERT_STRING_EQUAL(adb__tls_word(ADB__TLS_DEFAULT), "");
    for (enum adb__tls_mode mode = ADB__TLS_DISABLE; mode <= ADB__TLS_VERIFY_FULL; mode++) {
        char query[40];
        snprintf(query, sizeof(query), "ssl=%s", adb__tls_word(mode));
        CU_ASSERT_EQUAL(mode_of(query), mode);
    }
}

/* Files have two names each as well. */
TEST(files_are_read_under_both_names)
{
    struct adb__tls tls;
    adb_error error;
    adb_url *url;
    REQUIRE(adb_url_parse("mysql://h/n?ssl_ca=/a&sslcert=/b&ssl_key=/c&sslcrl=/d", &url, &error) == ADB_OK);
    REQUIRE(adb__tls_read(url, &tls, &error) == ADB_OK);
    CU_ASSERT_STRING_EQUAL(tls.ca, "/a");
    CU_ASSERT_STRING_EQUAL(tls.cert, "/b");
    CU_ASSERT_STRING_EQUAL(tls.key, "/c");
    CU_ASSERT_STRING_EQUAL(tls.crl, "/d");
    CU_ASSERT_EQUAL(tls.mode, ADB__TLS_DEFAULT);
    adb_url_free(url);
}

static bool refused(const char *query, const char *words)
{
    struct adb__tls tls;
    adb_error error;
    return read_tls(query, &tls, &error) == ADB_E_OPTION && strstr(error.message, words) != NULL &&
           tls.mode == ADB__TLS_ALLOW;
}

/* The message names key and offset; what was to be filled stays as it was. */
TEST(mistakes_are_refused)
{
    CU_ASSERT(refused("ssl=maybe", "option \"ssl\" at offset 18"));
    CU_ASSERT(refused("x=1&sslmode=", "option \"sslmode\" at offset 22"));
    CU_ASSERT(refused("ssl_ca=", "the name of a file"));
    CU_ASSERT(refused("ssl=require&sslmode=require", "there again at offset 30"));
    CU_ASSERT(refused("ssl_key=/a&ssl_key=/b", "option \"ssl_key\" is there again"));
}

SUITE(tls, CASE(each_mode_has_its_word), CASE(a_mode_can_be_said_again), CASE(files_are_read_under_both_names),
      CASE(mistakes_are_refused))
