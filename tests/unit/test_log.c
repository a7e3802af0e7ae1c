/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines: levels, one line each, and no secret in any of them. */
#include "base/log.h"

#include "base/line.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

struct sink {
    char line[2000];
    int level;
    int n_lines;
};

static void sink_write(int level, const char *line, void *user_data)
{
    struct sink *sink = user_data;
    snprintf(sink->line, sizeof(sink->line), "%s", line);
    sink->level = level;
    sink->n_lines++;
}

static struct adb__log log_into(struct sink *sink, const char *secret)
{
    *sink = (struct sink){.level = 0};
    return (struct adb__log){.write = sink_write, .user_data = sink, .level = ADB__LOG_INFO, .secret = secret};
}

/* An event goes to the sink formatted, with its level. */
TEST(event_is_formatted)
{
    struct sink sink;
    const struct adb__log log = log_into(&sink, NULL);
    adb__log(&log, ADB__LOG_WARN, "%s has %d", "pool", 3);
    CU_ASSERT_STRING_EQUAL(sink.line, "pool has 3");
    CU_ASSERT_EQUAL(sink.level, ADB__LOG_WARN);
}

/* Events above the level are dropped, and 0 drops all (LOG-01, LOG-06). */
TEST(level_decides)
{
    struct sink sink;
    struct adb__log log = log_into(&sink, NULL);
    adb__log(&log, ADB__LOG_DEBUG, "no");
    CU_ASSERT_EQUAL(sink.n_lines, 0);
    adb__log(&log, ADB__LOG_INFO, "yes");
    CU_ASSERT_EQUAL(sink.n_lines, 1);
    log.level = 0;
    adb__log(&log, ADB__LOG_ERROR, "no");
    CU_ASSERT_EQUAL(sink.n_lines, 1);
}

/* An event that cannot be formatted is dropped, not written as it happens to lie in memory. */
TEST(unprintable_event_is_dropped)
{
    struct sink sink;
    const struct adb__log log = log_into(&sink, NULL);
    adb__log(&log, ADB__LOG_INFO, "%ls", L"\x20ac"); /* no such character in the C locale */
    CU_ASSERT_EQUAL(sink.n_lines, 0);
}

/* Without a sink there is nothing to do and nothing to crash on. */
TEST(no_sink_is_fine)
{
    const struct adb__log log = {.level = ADB__LOG_DEBUG};
    adb__log(&log, ADB__LOG_ERROR, "nowhere");
    adb__log(NULL, ADB__LOG_ERROR, "nowhere");
}

/* Line breaks and other control bytes become spaces, so that an event is one line (LOG-02, REG-51). */
TEST(control_bytes_become_spaces)
{
    struct sink sink;
    const struct adb__log log = log_into(&sink, NULL);
    adb__log(&log, ADB__LOG_INFO, "SELECT\n1\t\x7f\x1b[0m;\r\n");
    CU_ASSERT_STRING_EQUAL(sink.line, "SELECT 1   [0m;");
}

/* The secret is masked wherever a value brings it in (LOG-09, REG-56). */
TEST(secret_is_masked)
{
    struct sink sink;
    const struct adb__log log = log_into(&sink, "hunter2-long");
    adb__log(&log, ADB__LOG_INFO, "a hunter2-long, %s", "and hunter2-long");
    CU_ASSERT_STRING_EQUAL(sink.line, "a ********, and ********");
}

/* A secret with a control byte in it is found before the byte becomes a space. */
TEST(secret_with_control_byte_is_masked)
{
    struct sink sink;
    const struct adb__log log = log_into(&sink, "one\ntwo\nthree");
    adb__log(&log, ADB__LOG_INFO, "password one\ntwo\nthree.");
    CU_ASSERT_STRING_EQUAL(sink.line, "password ********.");
}

/* A line over 1 KiB is cut and says so. */
TEST(long_line_ends_in_dots)
{
    struct sink sink;
    char text[1500];
    const struct adb__log log = log_into(&sink, NULL);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    adb__log(&log, ADB__LOG_INFO, "%s", text);
    CU_ASSERT_EQUAL(strlen(sink.line), 1023);
    CU_ASSERT_STRING_EQUAL(sink.line + 1019, "x...");
}

/* Where the cut falls into the secret, its first half does not stay behind: whatever the place of the cut. */
TEST(secret_at_the_cut_does_not_leak)
{
    struct sink sink;
    char text[1100];
    const struct adb__log log = log_into(&sink, "hunter2-long");
    for (size_t start = 1000; start < 1030; start++) {
        snprintf(text, sizeof(text), "%*shunter2-long and more words", (int)start, "");
        memset(text, 'x', start);
        adb__log(&log, ADB__LOG_INFO, "%s", text);
        CU_ASSERT_PTR_NULL(strstr(sink.line, "h"));
    }
}

/* A secret that is longer than a line is cut off itself, and does not leak either. */
TEST(secret_longer_than_the_line_does_not_leak)
{
    struct sink sink;
    char secret[1500];
    memset(secret, 'x', sizeof(secret) - 1);
    secret[sizeof(secret) - 1] = '\0';
    const struct adb__log log = log_into(&sink, secret);
    adb__log(&log, ADB__LOG_INFO, "%s", secret);
    CU_ASSERT_STRING_EQUAL(sink.line, "...");
}

/* Masking closes up what follows, and never grows the text for a short secret. */
TEST(mask_never_grows_the_text)
{
    char text[] = "abc, abc; longersecret, abclongersecretend";
    adb__log_mask(text, "abc");
    CU_ASSERT_STRING_EQUAL(text, "***, ***; longersecret, ***longersecretend");
    adb__log_mask(text, "longersecret");
    CU_ASSERT_STRING_EQUAL(text, "***, ***; ********, ***********end");
}

/* No secret is no reason to change anything. */
TEST(empty_secret_masks_nothing)
{
    char text[] = "text";
    adb__log_mask(text, "");
    adb__log_mask(text, NULL);
    adb__log_mask(text, "text and more");
    CU_ASSERT_STRING_EQUAL(text, "text");
}

/* Dots never split a character, wherever the cut falls. */
TEST(ellipsis_keeps_characters_whole)
{
    char line[16];
    snprintf(line, 12, "%s", "12345\xe2\x82\xac\xe2\x82\xac"); /* 11 bytes: 5, and two euro signs */
    adb__line_ellipsis(line, 12);
    CU_ASSERT_STRING_EQUAL(line, "12345\xe2\x82\xac...");
    snprintf(line, 12, "%s", "1234567\xf0\x9f\x98\x80");
    adb__line_ellipsis(line, 12);
    CU_ASSERT_STRING_EQUAL(line, "1234567...");
    snprintf(line, 12, "%s", "ab\xc3"); /* cut in the middle, and short */
    adb__line_ellipsis(line, 12);
    CU_ASSERT_STRING_EQUAL(line, "ab...");
}

SUITE(log, CASE(event_is_formatted), CASE(level_decides), CASE(unprintable_event_is_dropped), CASE(no_sink_is_fine),
      CASE(control_bytes_become_spaces), CASE(secret_is_masked), CASE(secret_with_control_byte_is_masked),
      CASE(long_line_ends_in_dots), CASE(secret_at_the_cut_does_not_leak),
      CASE(secret_longer_than_the_line_does_not_leak), CASE(mask_never_grows_the_text),
      CASE(empty_secret_masks_nothing), CASE(ellipsis_keeps_characters_whole))
