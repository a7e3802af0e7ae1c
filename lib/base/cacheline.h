/* SPDX-License-Identifier: BSD-3-Clause */
/* What threads hand to each other goes from one processor's cache to another's, line by line: 40 to 150 ns each, as
 * much as a hundred instructions. So what goes together lies on one line, and what is needed next is fetched before. */
#ifndef ADB_BASE_CACHELINE_H
#define ADB_BASE_CACHELINE_H

/* Bytes of a line. Where it is another figure (128 on some), less is gained, and nothing else. */
#define ADB__CACHE_LINE 64

/* Have the line of an address come, to be written to: no other processor has it then. Any address will do, also of what
 * is gone: nothing is read. */
static inline void adb__cacheline_fetch_own(const volatile void *address)
{
#if defined(__x86_64__)
    /* Not what __builtin_prefetch() makes of it, unless told of the processor. One that does not know it passes it over
     * (AMD64 Architecture Programmer's Manual, volume 3, PREFETCHW; Intel since 64 bits). */
    __asm__ volatile("prefetchw %0" : : "m"(*(const volatile char *)address));
#else
    __builtin_prefetch((const void *)(__UINTPTR_TYPE__)address, 1);
#endif
}

#endif
