/* SPDX-License-Identifier: BSD-3-Clause */
/* One log sink per database: levels, one line per event, never a password. */
#include "base/log.h"

#include "base/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE  1024
#define MASK_BYTES ((size_t)8)

/* The end of a cut line may be the beginning of the secret, which masking cannot recognise. */
static void log_drop_half_secret(char *line, const char *secret)
{
    const size_t length = strlen(line);
    size_t half = secret != NULL ? strlen(secret) : 0;
    if (half > length)
        half = length;
    while (half > 0 && memcmp(line + length - half, secret, half) != 0)
        half--;
    line[length - half] = '\0';
}

void adb__log(const struct adb__log *log, int level, const char *format, ...)
{
    if (log == NULL || log->write == NULL || level > log->level)
        return;

    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (length < 0)
        return;

    adb__log_mask(line, log->secret); /* before control bytes change: the secret may have some */
    if ((size_t)length >= sizeof(line)) {
        log_drop_half_secret(line, log->secret);
        adb__line_ellipsis(line, sizeof(line));
    }
    adb__line_clean(line);
    log->write(level, line, log->user_data);
}

void adb__log_mask(char *text, const char *secret)
{
    const size_t size = secret != NULL ? strlen(secret) : 0;
    if (size == 0)
        return;

    const size_t stars = size < MASK_BYTES ? size : MASK_BYTES;
    char *to = text;
    char *from = text;
    for (char *match = strstr(from, secret); match != NULL; match = strstr(from, secret)) {
        memmove(to, from, (size_t)(match - from));
        to += match - from;
        memset(to, '*', stars);
        to += stars;
        from = match + size;
    }
    memmove(to, from, strlen(from) + 1);
}
