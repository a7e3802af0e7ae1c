/* SPDX-License-Identifier: BSD-3-Clause */
/* SCQ, figure 8 of the paper named in ready.h. tests/models/ready.pml is the same text in Promela. (In
 * the paper a push looks at a place before its first exchange.)
 *
 * A push or pop draws a ticket from tail or head. The ticket's low bits name a place in the ring, its high bits the
 * cycle: which lap round the ring this is. An entry is one word, cycle | safe | index, where an index of all ones says
 * that nothing is here. A pop that comes to a place before the push of its ticket spoils the place for that push,
 * which then draws another ticket. threshold bounds the failed pops between the last push and "empty": at most 2n - 1
 * tickets lie before its entry, and at most n pops that hold a ticket already may fail as well: 3n - 1. Hence n, half
 * of the ring, is no less than the number of threads that pop.
 *
 * The proof is for sequentially consistent memory, so all operations here are seq_cst, the default. On x86-64 and
 * AArch64 a seq_cst read-modify-write or load costs what an acquire-release one does. */
#include "queue/ready.h"

#include "base/alloc.h"

#include <assert.h>

#define CAPACITY_MAX (UINT32_C(1) << 30)

/* Fewer than so many of those that were seen are left: time to look again. */
#define FEW 8

static uint64_t entry_pack(const struct adb__ready *ready, uint64_t cycle, bool safe, uint64_t index)
{
    return cycle << (ready->order + 1) | (uint64_t)safe << ready->order | index;
}

static uint64_t entry_cycle(const struct adb__ready *ready, uint64_t entry)
{
    return entry >> (ready->order + 1);
}

static bool entry_safe(const struct adb__ready *ready, uint64_t entry)
{
    return (entry >> ready->order & 1) != 0;
}

static uint64_t entry_index(const struct adb__ready *ready, uint64_t entry)
{
    return entry & ready->bottom;
}

static uint64_t ticket_cycle(const struct adb__ready *ready, uint64_t ticket)
{
    return ticket >> ready->order;
}

/* Where a ticket's entry lies. Neighbours in time share a line of the cache: with a rotation of the bits, as in the
 * paper, they would not get into each other's way where threads push and pop at the same moment, and each of them would
 * have a line come from another processor. */
static _Atomic uint64_t *ticket_place(const struct adb__ready *ready, uint64_t ticket)
{
    return &ready->entries[ticket & ready->bottom];
}

/* A ring of 2^order entries. False: no memory. */
static bool ready_open(struct adb__ready *ready, unsigned order)
{
    const uint64_t size = UINT64_C(1) << order;
    _Atomic uint64_t *entries = adb__alloc_array((size_t)size, sizeof(*entries));
    if (entries == NULL)
        return false;
    ready->entries = entries;
    ready->bottom = size - 1;
    ready->full_threshold = (int64_t)(3 * (size / 2)) - 1;
    ready->order = order;
    for (uint64_t i = 0; i < size; i++)
        atomic_init(&entries[i], entry_pack(ready, 0, true, ready->bottom));
    /* Tickets begin in cycle 1, and the entries are left over from cycle 0. */
    atomic_init(&ready->head, size);
    atomic_init(&ready->tail, size);
    atomic_init(&ready->seen, size);
    atomic_init(&ready->threshold, -1);
    return true;
}

bool adb__ready_init(struct adb__ready *ready, size_t capacity)
{
    unsigned order = 1;
    assert(capacity <= CAPACITY_MAX);
    while (((size_t)1 << (order - 1)) < capacity || ((size_t)1 << (order - 1)) < ADB__READY_THREADS)
        order++;
    return ready_open(ready, order);
}

void adb__ready_fini(struct adb__ready *ready)
{
    adb__free(ready->entries);
    ready->entries = NULL;
}

/* Put the index where the ticket says. False: the place is taken, or a pop has given up on it. */
static bool push_at(struct adb__ready *ready, uint64_t ticket, uint32_t index)
{
    _Atomic uint64_t *place = ticket_place(ready, ticket);
    uint64_t cycle = ticket_cycle(ready, ticket);
    /* As the pop_at() of the last cycle leaves it, as a rule. To look first would have the line come twice: to be read,
     * and then to be written to. */
    uint64_t entry = entry_pack(ready, cycle - 1, true, ready->bottom);
    do {
        /* An unsafe place was passed over by a pop while it was taken, perhaps by the one with our ticket; it will do
         * if that pop is still to come. seq_cst: with the fetch_add of head in adb__ready_pop(). */
        if (!entry_safe(ready, entry) && atomic_load(&ready->head) > ticket)
            return false;
        /* seq_cst, which includes release: pairs with the load in pop_at(), which hands the index on; and acquire, when
         * it fails too: sees what the pop_at() of the last cycle left. */
        if (atomic_compare_exchange_weak(place, &entry, entry_pack(ready, cycle, true, index)))
            return true;
    } while (entry_cycle(ready, entry) < cycle && entry_index(ready, entry) == ready->bottom);
    return false;
}

void adb__ready_push(struct adb__ready *ready, uint32_t index)
{
    uint64_t ticket;
    assert(index <= ready->bottom / 2);
    do {
        /* seq_cst: with the load of tail in adb__ready_pop(), which says that nothing was pushed up to its ticket. */
        ticket = atomic_fetch_add(&ready->tail, 1);
    } while (!push_at(ready, ticket, index));

    /* Both seq_cst: pairs with the first load in adb__ready_pop(). The load saves writing a line that all read. */
    if (atomic_load(&ready->threshold) != ready->full_threshold)
        atomic_store(&ready->threshold, ready->full_threshold);
}

/* Take the index that lies where the ticket says, or bottom after spoiling the place for the push with this ticket. */
static uint64_t pop_at(struct adb__ready *ready, uint64_t ticket)
{
    _Atomic uint64_t *place = ticket_place(ready, ticket);
    uint64_t cycle = ticket_cycle(ready, ticket);
    /* seq_cst, which includes acquire: pairs with the exchange in push_at(). */
    uint64_t entry = atomic_load(place);
    while (entry_cycle(ready, entry) < cycle) {
        uint64_t spoilt = entry_index(ready, entry) == ready->bottom
                              ? entry_pack(ready, cycle, entry_safe(ready, entry), ready->bottom)
                              : entry_pack(ready, entry_cycle(ready, entry), false, entry_index(ready, entry));
        /* seq_cst: pairs with the exchange in push_at(): of the two for one ticket, only one succeeds. */
        if (atomic_compare_exchange_weak(place, &entry, spoilt))
            return ready->bottom;
    }
    if (entry_cycle(ready, entry) > cycle)
        return ready->bottom;
    assert(entry_index(ready, entry) != ready->bottom);
    /* An or, as another pop may make the entry unsafe meanwhile. seq_cst: pairs with the exchange in push_at(). */
    atomic_fetch_or(place, ready->bottom);
    return entry_index(ready, entry);
}

/* Pops have run ahead of pushes: move tail up to head, so that pushes need not draw all the spoilt tickets. */
static void catch_up(struct adb__ready *ready, uint64_t tail, uint64_t head)
{
    /* All seq_cst: tail never passes the head that was read, so it skips no ticket that a pop has still to draw. */
    while (!atomic_compare_exchange_weak(&ready->tail, &tail, head)) {
        head = atomic_load(&ready->head);
        tail = atomic_load(&ready->tail);
        if (tail >= head)
            return;
    }
}

/* Look at tail, for all who pop. relaxed: whatever is stored was tail once, and tail never goes back. */
static uint64_t look_at_tail(struct adb__ready *ready)
{
    const uint64_t tail = adb__ready_tail(ready);
    atomic_store_explicit(&ready->seen, tail, memory_order_relaxed);
    return tail;
}

bool adb__ready_glance(const struct adb__ready *ready)
{
    /* relaxed, both: a hint */
    const uint64_t ticket = atomic_load_explicit(&ready->head, memory_order_relaxed);
    const uint64_t entry = atomic_load_explicit(ticket_place(ready, ticket), memory_order_relaxed);
    return entry_cycle(ready, entry) == ticket_cycle(ready, ticket) && entry_index(ready, entry) != ready->bottom;
}

bool adb__ready_waiting(struct adb__ready *ready)
{
    /* relaxed: as above */
    const uint64_t seen = atomic_load_explicit(&ready->seen, memory_order_relaxed);
    if (adb__ready_head(ready) < seen)
        return true;
    /* tail first: the other way round, a push and its pop in between would look like work. */
    const uint64_t tail = look_at_tail(ready);
    return adb__ready_head(ready) < tail;
}

size_t adb__ready_known(struct adb__ready *ready)
{
    const uint64_t head = adb__ready_head(ready);
    uint64_t tail = atomic_load_explicit(&ready->seen, memory_order_relaxed); /* as above */
    if (tail < head + FEW && head % FEW == 0)
        tail = look_at_tail(ready);
    return tail > head ? (size_t)(tail - head) : adb__ready_glance(ready);
}

bool adb__ready_pop(struct adb__ready *ready, uint32_t *index_out)
{
    /* A pop that comes too early spoils a place, which costs who pushes next as much as who pops. */
    if (!adb__ready_glance(ready) && !adb__ready_waiting(ready))
        return false;
    /* seq_cst: pairs with the store in adb__ready_push(). */
    if (atomic_load(&ready->threshold) < 0)
        return false;
    for (;;) {
        /* seq_cst: with the load of head in push_at(). */
        uint64_t ticket = atomic_fetch_add(&ready->head, 1);
        uint64_t index = pop_at(ready, ticket);
        if (index != ready->bottom) {
            *index_out = (uint32_t)index;
            return true;
        }
        /* seq_cst: pairs with the fetch_add in adb__ready_push(). */
        uint64_t tail = atomic_load(&ready->tail);
        bool nothing_ahead = tail <= ticket + 1;
        if (nothing_ahead)
            catch_up(ready, tail, ticket + 1);
        /* seq_cst: pairs with the load and store in adb__ready_push(). */
        if (atomic_fetch_sub(&ready->threshold, 1) <= 0 || nothing_ahead)
            return false;
    }
}

/* seq_cst: after a push that the caller knows of, tail is beyond its ticket. */
uint64_t adb__ready_tail(const struct adb__ready *ready)
{
    return atomic_load(&ready->tail);
}

/* seq_cst: pairs with the fetch_add in adb__ready_pop(). */
uint64_t adb__ready_head(const struct adb__ready *ready)
{
    return atomic_load(&ready->head);
}
