/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library asks of the machine that it runs on. */
#ifndef ADB_BASE_MACHINE_H
#define ADB_BASE_MACHINE_H

#include <unistd.h>

/* Processors that are in use now; 1 when the system does not tell. */
static inline unsigned adb__machine_processors(void)
{
#ifdef _SC_NPROCESSORS_ONLN
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (unsigned)n;
#else
    return 1;
#endif
}

#endif
