/* SPDX-License-Identifier: BSD-3-Clause */
/* How far apart the processors are. */
#ifndef ADB_TESTS_HOP_H
#define ADB_TESTS_HOP_H

/* Nanoseconds that a line of the cache takes from one processor to another, the first two that this process may use;
 * negative: it has but one. A virtual machine's are moved about on their host while it runs, to where they have a cache in
 * common or have none, so the same program is twice as fast in one second as in the next. Takes 0.1 to 0.5 ms. */
double bench_hop_ns(void);

#endif
