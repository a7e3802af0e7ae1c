/* SPDX-License-Identifier: BSD-3-Clause */
/* Growable bytes that always end in a NUL. */
#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST ((size_t)64)

/* Capacity for needed bytes: at least doubled, so that a series of appends costs linear time. */
static size_t buf_next_capacity(const struct adb__buf *buf, size_t needed)
{
    size_t capacity = BUF_FIRST;
    if (buf->capacity >= BUF_FIRST && buf->capacity <= SIZE_MAX / 2)
        capacity = buf->capacity * 2;
    return capacity > needed ? capacity : needed;
}

/* Room for size more bytes and the NUL. After a failure there is none, so that no later append leaves a gap. */
static bool buf_reserve(struct adb__buf *buf, size_t size)
{
    if (buf->failed)
        return false;
    if (size < buf->capacity - buf->size)
        return true;
    if (size >= SIZE_MAX - buf->size) {
        buf->failed = true;
        return false;
    }
    const size_t capacity = buf_next_capacity(buf, buf->size + size + 1);
    char *bytes = adb__realloc_array(buf->bytes, capacity, 1);
    if (bytes == NULL) {
        buf->failed = true;
        return false;
    }
    buf->bytes = bytes;
    buf->capacity = capacity;
    return true;
}

void adb__buf_append(struct adb__buf *buf, const void *bytes, size_t size)
{
    if (!buf_reserve(buf, size))
        return;
    if (size > 0)
        memcpy(buf->bytes + buf->size, bytes, size);
    buf->size += size;
    buf->bytes[buf->size] = '\0';
}

void adb__buf_puts(struct adb__buf *buf, const char *text)
{
    adb__buf_append(buf, text, strlen(text));
}

void adb__buf_putc(struct adb__buf *buf, char byte)
{
    adb__buf_append(buf, &byte, 1);
}

void adb__buf_printf(struct adb__buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        buf->failed = true;
    } else if (buf_reserve(buf, (size_t)length)) {
        vsnprintf(buf->bytes + buf->size, (size_t)length + 1, format, again);
        buf->size += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

void adb__buf_clear(struct adb__buf *buf)
{
    buf->size = 0;
    buf->failed = false;
    if (buf->bytes != NULL)
        buf->bytes[0] = '\0';
}

char *adb__buf_take(struct adb__buf *buf)
{
    char *text = NULL;
    if (buf_reserve(buf, 0)) {
        text = buf->bytes;
        text[buf->size] = '\0';
        buf->bytes = NULL; /* now owned by the caller */
    }
    adb__buf_fini(buf);
    return text;
}

void adb__buf_fini(struct adb__buf *buf)
{
    adb__free(buf->bytes);
    *buf = (struct adb__buf)ADB__BUF_INIT;
}
