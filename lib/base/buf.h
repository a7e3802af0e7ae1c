/* SPDX-License-Identifier: BSD-3-Clause */
/* Growable bytes that always end in a NUL. A failed append sets failed and leaves the bytes as they were, so that a
 * series of appends is checked once, at its end. */
#ifndef ADB_BASE_BUF_H
#define ADB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct adb__buf {
    char *bytes;      /* NULL until the first append */
    size_t size;      /* without the NUL */
    size_t capacity;
    bool failed;      /* no memory at some append */
};

#define ADB__BUF_INIT {0}

void adb__buf_append(struct adb__buf *buf, const void *bytes, size_t size);
void adb__buf_puts(struct adb__buf *buf, const char *text);
void adb__buf_putc(struct adb__buf *buf, char byte);
void adb__buf_printf(struct adb__buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void adb__buf_clear(struct adb__buf *buf);       /* keeps the memory, forgets a failure */
/* Hand the text over ("" allocated when empty), NULL when failed; the buffer is as after adb__buf_fini() either way. */
char *adb__buf_take(struct adb__buf *buf);
void adb__buf_fini(struct adb__buf *buf);

#endif
