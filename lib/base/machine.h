/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library asks of the machine that it runs on. */
#ifndef ADB_BASE_MACHINE_H
#define ADB_BASE_MACHINE_H

#include <sys/resource.h>
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

/* How often the thread has waited for something, other than for a processor (getrusage(2), ru_nvcsw); 0 where the system
 * does not tell. A system call. */
static inline long adb__machine_waits(void)
{
#ifdef RUSAGE_THREAD
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0)
        return usage.ru_nvcsw;
#endif
    return 0;
}

#endif
