/* SPDX-License-Identifier: BSD-3-Clause */
/* Growable bytes: appending, taking, and failing in the middle of a series. */
#include "base/buf.h"

#include "base/alloc.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdint.h>
#include <string.h>

/* All ways to append end in the same bytes, with a NUL behind them. */
TEST(appends_follow_one_another)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_puts(&buf, "a");
    adb__buf_putc(&buf, 'b');
    adb__buf_append(&buf, "c\0d", 3);
    adb__buf_printf(&buf, "%d-%s", 42, "x");
    CU_ASSERT_FALSE(buf.failed);
    CU_ASSERT_EQUAL(buf.size, 9);
    CU_ASSERT_EQUAL(memcmp(buf.bytes, "abc\0d42-x", 10), 0);
    adb__buf_fini(&buf);
}

/* At each size the byte after the last is NUL, also where the memory grows. */
TEST(bytes_always_end_in_nul)
{
    struct adb__buf buf = ADB__BUF_INIT;
    for (size_t i = 0; i < 1000; i++) {
        adb__buf_printf(&buf, "%c", 'x');
        CU_ASSERT_FATAL(buf.size == i + 1 && strlen(buf.bytes) == i + 1 && buf.capacity > buf.size);
    }
    adb__buf_fini(&buf);
}

/* Nothing appended is text too. */
TEST(empty_append_gives_empty_text)
{
    struct adb__buf buf = ADB__BUF_INIT;
    CU_ASSERT_PTR_NULL(buf.bytes);
    adb__buf_append(&buf, NULL, 0);
    REQUIRE(buf.bytes != NULL);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "");
    adb__buf_fini(&buf);
}

/* Clearing keeps the memory, so that filling again allocates nothing. */
TEST(clear_keeps_the_memory)
{
    fault_watch();
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_clear(&buf);
    adb__buf_puts(&buf, "some text");
    adb__buf_clear(&buf);
    CU_ASSERT_EQUAL(buf.size, 0);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "");
    fault_arm(0);
    adb__buf_puts(&buf, "other");
    CU_ASSERT_FALSE(fault_disarm());
    CU_ASSERT_STRING_EQUAL(buf.bytes, "other");
    adb__buf_fini(&buf);
}

/* What is taken belongs to the caller; the buffer begins anew. */
TEST(take_hands_the_text_over)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_puts(&buf, "text");
    char *text = adb__buf_take(&buf);
    CU_ASSERT_STRING_EQUAL(text, "text");
    CU_ASSERT_PTR_NULL(buf.bytes);
    CU_ASSERT_EQUAL(buf.size + buf.capacity, 0);
    adb__free(text);
}

/* Taking from an empty buffer gives text of its own, not NULL. */
TEST(take_of_nothing_is_empty_text)
{
    struct adb__buf buf = ADB__BUF_INIT;
    char *text = adb__buf_take(&buf);
    REQUIRE(text != NULL);
    CU_ASSERT_STRING_EQUAL(text, "");
    adb__free(text);
}

/* A size that no memory has fails before anything is read. */
TEST(size_overflow_fails)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_putc(&buf, 'a');
    adb__buf_append(&buf, "", SIZE_MAX - 1);
    CU_ASSERT_TRUE(buf.failed);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "a");
    adb__buf_fini(&buf);
}

/* What cannot be formatted fails like what has no memory. */
TEST(unprintable_text_fails)
{
    struct adb__buf buf = ADB__BUF_INIT;
    adb__buf_printf(&buf, "%ls", L"\x20ac"); /* no such character in the C locale */
    CU_ASSERT_TRUE(buf.failed);
    adb__buf_fini(&buf);
}

/* After one failed append nothing is added, though memory is back: no gap goes unnoticed. */
TEST(failed_append_stops_the_series)
{
    fault_watch();
    struct adb__buf buf = ADB__BUF_INIT;
    char big[200] = {0};
    adb__buf_puts(&buf, "kept");
    fault_arm_once(0);
    adb__buf_append(&buf, big, sizeof(big));
    CU_ASSERT_TRUE(fault_disarm());
    adb__buf_puts(&buf, "more");
    adb__buf_printf(&buf, "%d", 1);
    CU_ASSERT_TRUE(buf.failed);
    CU_ASSERT_STRING_EQUAL(buf.bytes, "kept");
    CU_ASSERT_PTR_NULL(adb__buf_take(&buf));
    CU_ASSERT_PTR_NULL(buf.bytes);
}

/* Wherever memory runs out, the series fails as a whole and nothing leaks. */
TEST(series_fails_cleanly_at_each_allocation)
{
    FAULT_EACH(n)
    {
        struct adb__buf buf = ADB__BUF_INIT;
        fault_arm(n);
        for (int i = 0; i < 100; i++)
            adb__buf_printf(&buf, "%d,", i);
        char *text = adb__buf_take(&buf);
        CU_ASSERT_EQUAL(FAULT_DONE(), text == NULL);
        adb__free(text);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(buf, CASE(appends_follow_one_another), CASE(bytes_always_end_in_nul), CASE(empty_append_gives_empty_text),
      CASE(clear_keeps_the_memory), CASE(take_hands_the_text_over), CASE(take_of_nothing_is_empty_text),
      CASE(size_overflow_fails), CASE(unprintable_text_fails), CASE(failed_append_stops_the_series),
      CASE(series_fails_cleanly_at_each_allocation))
