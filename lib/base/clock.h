/* SPDX-License-Identifier: BSD-3-Clause */
/* Monotonic time in nanoseconds, and absolute deadlines made of it. */
#ifndef ADB_BASE_CLOCK_H
#define ADB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define ADB__NS_PER_MS INT64_C(1000000)
#define ADB__NEVER INT64_MAX      /* the deadline that does not pass */

int64_t adb__clock_now(void);                            /* ns since an arbitrary point; never goes back */
/* The same for a tenth of the price: at the system's last tick, which was some ms ago; never ahead of adb__clock_now(). */
int64_t adb__clock_tick(void);
int64_t adb__deadline_in(int64_t now, int timeout_ms);   /* negative timeout: ADB__NEVER; saturates */
int adb__deadline_left_ms(int64_t deadline, int64_t now);/* rounded up, 0 when passed, -1 for ADB__NEVER */
int64_t adb__deadline_first(int64_t a, int64_t b);       /* the earlier */
uint64_t adb__random(uint64_t *state);                   /* splitmix64, for jitter; not for secrets */

#endif
