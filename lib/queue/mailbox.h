/* SPDX-License-Identifier: BSD-3-Clause */
/* Many producers push, one consumer takes all. One word says at once what waits and who is responsible:
 *
 *     IDLE           nothing waits and nobody attends: whoever pushes now must call a consumer (push returns true)
 *     ATTENDED       nothing waits, a consumer attends: it will look again before it leaves
 *     ORPHANED       nothing waits and nobody will come: whoever pushes now must see to the mail
 *     pointer        mail waits, newest first; its chain ends in one of the others
 *
 * A consumer attends by adb__mailbox_take() and leaves by adb__mailbox_leave(), which fails when mail has come
 * meanwhile. So between a push that found IDLE and the leave that restores it there is exactly one responsible
 * consumer: no mail is lost and no lane is called twice. */
#ifndef ADB_QUEUE_MAILBOX_H
#define ADB_QUEUE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adb__mail {
    struct adb__mail *next;
};

struct adb__mailbox {
    _Atomic(struct adb__mail *) head;
};

#define ADB__MAILBOX_IDLE     ((struct adb__mail *)NULL)
#define ADB__MAILBOX_ATTENDED ((struct adb__mail *)(uintptr_t)1)
#define ADB__MAILBOX_ORPHANED ((struct adb__mail *)(uintptr_t)2)

/* Is it mail, and none of the words for an empty mailbox? */
static inline bool adb__mail_is_some(const struct adb__mail *mail)
{
    return (uintptr_t)mail > (uintptr_t)ADB__MAILBOX_ORPHANED;
}

static inline void adb__mailbox_init(struct adb__mailbox *box)
{
    atomic_init(&box->head, ADB__MAILBOX_IDLE);
}

/* A consumer attends from the start, as nobody will push anything that could call one. */
static inline void adb__mailbox_init_attended(struct adb__mailbox *box)
{
    atomic_init(&box->head, ADB__MAILBOX_ATTENDED);
}

/* The head, for a first attempt to push: whatever it is, the push finds out. */
static inline struct adb__mail *adb__mailbox_head(const struct adb__mailbox *box)
{
    return atomic_load_explicit(&box->head, memory_order_relaxed);
}

/* Mail that is chained from the newest to the oldest, onto that head. False: it was another, and is in *head now. When
 * there was none (adb__mail_is_some()), the caller does what the word says. */
static inline bool adb__mailbox_try_push(struct adb__mailbox *box, struct adb__mail **head, struct adb__mail *newest,
                                         struct adb__mail *oldest)
{
    oldest->next = *head;
    /* release: pairs with the acquire in adb__mailbox_take(), which reads the mail.
     * acquire: pairs with the release in adb__mailbox_leave(): the last consumer's state is visible here. */
    return atomic_compare_exchange_weak_explicit(&box->head, head, newest, memory_order_acq_rel, memory_order_relaxed);
}

/* True: the mailbox was idle, the caller must see to it that a consumer comes. */
static inline bool adb__mailbox_push(struct adb__mailbox *box, struct adb__mail *mail)
{
    struct adb__mail *head = adb__mailbox_head(box);
    while (!adb__mailbox_try_push(box, &head, mail, mail))
        ;
    return head == ADB__MAILBOX_IDLE;
}

/* Mail in the order of arrival from a chain in the opposite order. */
static inline struct adb__mail *adb__mail_reverse(struct adb__mail *newest)
{
    struct adb__mail *oldest = NULL;
    while (adb__mail_is_some(newest)) {
        struct adb__mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* Attend, and take all that waits, oldest first; NULL when nothing does. Only the responsible consumer. */
static inline struct adb__mail *adb__mailbox_take(struct adb__mailbox *box)
{
    /* acquire: pairs with the release in adb__mailbox_push() */
    return adb__mail_reverse(atomic_exchange_explicit(&box->head, ADB__MAILBOX_ATTENDED, memory_order_acquire));
}

/* Stop attending. False: mail has come, the caller still attends and must take it. True: who pushes next decides what
 * happens, and reads for that what the last consumer left beside the mailbox, so this one must touch neither, until a
 * producer has called it (a wake-up alone does not say so) or adb__mailbox_attend() was true. */
static inline bool adb__mailbox_leave(struct adb__mailbox *box)
{
    struct adb__mail *expected = ADB__MAILBOX_ATTENDED;
    /* release: pairs with the acquire in adb__mailbox_push() of the producer that finds the mailbox idle */
    return atomic_compare_exchange_strong_explicit(&box->head, &expected, ADB__MAILBOX_IDLE, memory_order_release,
                                                   memory_order_relaxed);
}

/* Attend although no mail has come. False: mail has, so its producer is responsible until it has called a consumer, and
 * nobody else may attend before that: see adb__mailbox_leave(). */
static inline bool adb__mailbox_attend(struct adb__mailbox *box)
{
    struct adb__mail *expected = ADB__MAILBOX_IDLE;
    /* acquire: pairs with the release in adb__mailbox_leave(): the last consumer's state is visible here. */
    return atomic_compare_exchange_strong_explicit(&box->head, &expected, ADB__MAILBOX_ATTENDED, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Take all and leave at once, IDLE or ORPHANED: what the next push is to find. A chain from the newest to the oldest,
 * up to what adb__mail_is_some() is not true for, which may be its beginning. */
static inline struct adb__mail *adb__mailbox_empty(struct adb__mailbox *box, struct adb__mail *word)
{
    /* acquire: pairs with the release in adb__mailbox_push(); release: as adb__mailbox_leave() */
    return atomic_exchange_explicit(&box->head, word, memory_order_acq_rel);
}

/* A glance: something waited a moment ago. */
static inline bool adb__mailbox_waiting(const struct adb__mailbox *box)
{
    /* acquire: pairs with the release in adb__mailbox_push() */
    return adb__mail_is_some(atomic_load_explicit(&box->head, memory_order_acquire));
}

/* A glance: nobody attends and nothing waits. */
static inline bool adb__mailbox_is_idle(const struct adb__mailbox *box)
{
    /* acquire: pairs with the release in adb__mailbox_leave(): the last consumer's state is visible here. */
    return atomic_load_explicit(&box->head, memory_order_acquire) == ADB__MAILBOX_IDLE;
}

#endif
