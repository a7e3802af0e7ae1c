/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking for a moment before going to sleep, where that has paid lately. What comes within a moment then costs neither
 * the sleep nor the wake-up. Each look in vain doubles the number of times that it is left out, up to a limit, so a
 * program that waits for long costs nothing; one that was not in vain makes it worth trying again.
 *
 * Two threads that wait for each other by turns may both have gone to sleep, and then each looks in vain, as the other
 * one has to wake up first. So what is tried again may take longer: for that time the other finds what it looks for at
 * once, if it looks this time, and so do both from then on. If it comes late again and again, it was in vain. Nor does
 * that happen to who waits only now and then: to be patient would be in vain.
 *
 * What has come soon for long, and does not this time, is held up, by an interrupt perhaps, and worth as much patience:
 * to fall asleep then takes several sleeps to get over. */
#ifndef ADB_QUEUE_SPIN_H
#define ADB_QUEUE_SPIN_H

#include "base/clock.h"

#include <sched.h>
#include <stdbool.h>

/* For how long to look. */
struct adb__spin_limits {
    int64_t ns;
    int64_t again_ns;   /* the same when it is tried again after it was left out, or has come soon for long; not less */
    unsigned skip_most; /* so often it is left out at most; one less than a power of two */
};

/* One thread's at a time. Zeroed to begin with. */
struct adb__spin {
    unsigned skip;       /* times that it is left out before it is tried again */
    unsigned penalty;    /* what that begins with after the next time in vain */
    int64_t soon;        /* what comes after that is late */
    unsigned n_late;     /* so many times in a row it has come late, */
    unsigned n_soon;     /* or soon */
    bool hurries;        /* as the caller says */
    bool crowded;        /* others wait for the processor, as it seems, and give it back soon */
    unsigned n_looks;    /* since it has begun */
    int64_t given;       /* for so long others have had the processor since it has begun */
    int64_t alone_until; /* nobody waits for the processor, as it seems */
    unsigned keeps;      /* so many times it is not offered, as somebody had it for long */
    int64_t asked_at;    /* when it was to look, or to leave it out, the last time */
};

/* So many times in a row it may come late, each time looked for as long as when it is tried again: the other one may
 * leave its look out several times, and which of them it does not is luck. */
#define ADB__SPIN_LATE_MOST 8

/* Two threads that have both gone to sleep wake each other in less. */
#define ADB__SPIN_OFTEN_NS 100000

/* So many times in a row it has come soon, to be worth patience. */
#define ADB__SPIN_SOON 64

/* So many looks follow close on each other: as long as it takes to call the system. */
#define ADB__SPIN_CLOSE 8

/* To offer the processor takes no longer than that, the call and the way back, when nobody else waits for it. Then it
 * is not offered for a while. */
#define ADB__SPIN_CALL_NS  1500
#define ADB__SPIN_ALONE_NS 200000

/* So much of the time until it comes back counts as spent looking, when somebody does: the call alone. */
#define ADB__SPIN_OWN_NS 500

/* Who has it for longer than that computes. Who sleeps is given the processor when woken; who has offered it waits for
 * the end of the other's share (sched_yield(2), sched(7)). Who hurries does not do that more often than once in so many
 * times. */
#define ADB__SPIN_LONG_NS 500000
#define ADB__SPIN_LONG    1024

/* Who gets it back so late may as well sleep. */
#define ADB__SPIN_GIVEN_NS 2000000

/* When to stop looking, which is 0 when it is left out. Without adb__spin_paid() after it, it was in vain. Who hurries
 * would rather sleep than offer the processor to somebody who has it for long. */
static inline int64_t adb__spin_until(struct adb__spin *spin, const struct adb__spin_limits *limits, int64_t now,
                                      bool hurries)
{
    const bool often = now - spin->asked_at < ADB__SPIN_OFTEN_NS;
    spin->asked_at = now;
    spin->hurries = hurries;
    if (spin->keeps > 0)
        spin->keeps--;
    if (spin->skip > 0) {
        spin->skip--;
        spin->n_late = 0;
        return 0;
    }
    const bool again = often && spin->penalty > 0 && spin->n_late < ADB__SPIN_LATE_MOST;
    if (spin->penalty > 0)
        spin->n_soon = 0;
    const bool patient = again || spin->n_soon >= ADB__SPIN_SOON;
    spin->penalty = spin->penalty < limits->skip_most ? 2 * spin->penalty + 1 : limits->skip_most;
    spin->skip = spin->penalty;
    spin->soon = now + limits->ns;
    spin->n_looks = 0;
    spin->given = 0;
    if (again)
        spin->alone_until = 0;
    return now + (patient ? limits->again_ns : limits->ns);
}

/* It came while we looked. */
static inline void adb__spin_paid(struct adb__spin *spin, int64_t now)
{
    spin->skip = 0;
    spin->n_late++;
    if (now > spin->soon)
        return;
    spin->n_late = 0;
    spin->n_soon++;
    spin->penalty = 0;
}

/* Others have had the processor, or could have had it. */
static inline void adb__spin_offered(struct adb__spin *spin, int64_t before, int64_t after)
{
    const int64_t ns = after - before;
    spin->crowded = ns > ADB__SPIN_CALL_NS && ns < ADB__SPIN_LONG_NS;
    if (ns > ADB__SPIN_CALL_NS && ns < ADB__SPIN_GIVEN_NS)
        spin->given += ns - ADB__SPIN_OWN_NS;
    if (ns > ADB__SPIN_CALL_NS)
        spin->soon += ns; /* that was not spent looking */
    else
        spin->alone_until = after + ADB__SPIN_ALONE_NS;
    if (ns >= ADB__SPIN_LONG_NS)
        spin->keeps = ADB__SPIN_LONG;
}

/* For a moment, the other thread of the core may have it. */
static inline void adb__spin_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("pause");
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");
#endif
}

/* Between two looks: lets the other thread of the core have it; and, after some of them, whoever waits for the
 * processor, as that may be who is to bring what is looked for. As long as somebody does, it is offered between all
 * looks. Returns the time. */
static inline int64_t adb__spin_pause(struct adb__spin *spin, int64_t now)
{
    const bool offers = spin->n_looks++ >= (spin->crowded ? 0 : ADB__SPIN_CLOSE);
    if (offers && (spin->keeps == 0 || !spin->hurries) && now >= spin->alone_until) {
        sched_yield();
        const int64_t then = adb__clock_now();
        adb__spin_offered(spin, now, then);
        return then;
    }
    adb__spin_relax();
    return adb__clock_now();
}

#endif
