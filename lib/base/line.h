/* SPDX-License-Identifier: BSD-3-Clause */
/* Text in a fixed buffer that must be one readable line: error messages and log lines. */
#ifndef ADB_BASE_LINE_H
#define ADB_BASE_LINE_H

#include <stddef.h>

/* Control bytes become spaces, and those at the end go. */
void adb__line_clean(char *line);
/* End a line that was cut off in "...", within a buffer of size bytes (at least 4); no UTF-8 character is split. */
void adb__line_ellipsis(char *line, size_t size);

#endif
