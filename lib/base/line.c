/* SPDX-License-Identifier: BSD-3-Clause */
/* Text in a fixed buffer that must be one readable line. */
#include "base/line.h"

#include <string.h>

void adb__line_clean(char *line)
{
    char *end = line;
    for (char *at = line; *at != '\0'; at++) {
        const unsigned char byte = (unsigned char)*at;
        if (byte < 0x20 || byte == 0x7f)
            *at = ' ';
        if (*at != ' ')
            end = at + 1;
    }
    *end = '\0';
}

/* Bytes of the character that begins with lead; 1 for what begins none. */
static size_t utf8_size(unsigned char lead)
{
    if (lead >= 0xf0)
        return 4;
    if (lead >= 0xe0)
        return 3;
    return lead >= 0xc0 ? 2 : 1;
}

/* The most bytes, up to size, that do not end inside a character. */
static size_t utf8_cut(const char *text, size_t size)
{
    size_t lead = size;
    for (size_t back = 1; back <= 4 && back <= size; back++) {
        lead = size - back;
        if (((unsigned char)text[lead] & 0xc0) != 0x80)
            break;
    }
    if (lead < size && utf8_size((unsigned char)text[lead]) > size - lead)
        return lead;
    return size;
}

void adb__line_ellipsis(char *line, size_t size)
{
    static const char dots[] = "...";
    const size_t most = size - sizeof(dots);
    const size_t length = strlen(line);
    const size_t keep = utf8_cut(line, length < most ? length : most);
    memcpy(line + keep, dots, sizeof(dots));
}
