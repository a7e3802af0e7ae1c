/* SPDX-License-Identifier: BSD-3-Clause */
/* The ready queue, lib/queue/ready.c: one step per atomic operation.
 *
 * Each producer pushes its own OWN indices in turn, PUSHES times in all, and an index again only when it has been
 * popped, as a lane does. Each consumer pops POPS times, found or not. Whatever is left when nobody moves is popped by a
 * last consumer.
 *
 * Claims: each push is popped exactly once; the pushes of one producer are popped in their order; "empty" is never said
 * over an index whose push had returned before that pop began, unless another pop under way returns it.
 *
 * Memory here is sequentially consistent, and so it is for ready.c: all its atomic operations are seq_cst. */
#ifndef N
#define N 2                     /* capacity: half of the ring, and the most consumers there may be */
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef OWN
#define OWN 1
#endif
#ifndef PUSHES
#define PUSHES 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef POPS
#define POPS 2
#endif

#define RING (2 * N)
#define BOTTOM 15
#define CYCLE(ticket) ((ticket) / RING)
#define PLACE(ticket) entries[(ticket) % RING]
#define SAME(place) (place.cycle == cycle && place.safe == safe && place.index == index)
#define INDICES (PRODUCERS * OWN)

#ifdef BUG_THRESHOLD            /* gives up too early */
#define FULL_THRESHOLD (N - 1)
#else
#define FULL_THRESHOLD (3 * N - 1)
#endif

typedef Entry {
    byte cycle;
    bool safe;
    byte index
};

Entry entries[RING];
byte head = RING;
byte tail = RING;
short threshold = -1;
byte seen = RING;               /* tail, when somebody looked: nothing hangs on it being the latest */

/* Not part of the queue: what the claims speak of. */
bool inside[INDICES];           /* from the beginning of its push to the end of its pop */
bool pushing[INDICES];          /* until its push returns */
byte round[INDICES];            /* which of its producer's pushes this is, from 1 */
byte last[PRODUCERS];           /* the latest push of this producer that was popped */
bool popping[CONSUMERS + 1];
byte owed[CONSUMERS + 1] = BOTTOM; /* what this pop must return, as another has said "empty" in spite of it */
byte moving = PRODUCERS + CONSUMERS; /* processes inside an operation, or with one to make */

inline read_entry(ticket) {
    cycle = PLACE(ticket).cycle;
    safe = PLACE(ticket).safe;
    index = PLACE(ticket).index
}

inline push(number) {
    assert(number < N);
draw:
    atomic {
        ticket = tail;
        tail++;
        cycle = CYCLE(ticket) - 1; safe = true; index = BOTTOM;
        goto exchange
    }
look:
    atomic {
        read_entry(ticket);
        if
        :: cycle >= CYCLE(ticket) || index != BOTTOM -> goto draw
        :: else
        fi;
        if
        :: safe -> goto exchange
        :: else
        fi
    }
    if
    :: head <= ticket
    :: head > ticket -> goto draw
    fi;
exchange:
    if
    :: atomic {
        SAME(PLACE(ticket)) ->
        PLACE(ticket).cycle = CYCLE(ticket);
        PLACE(ticket).safe = true;
        PLACE(ticket).index = number;
        cycle = 0; safe = 0; index = 0; ticket = 0
       }
    :: !SAME(PLACE(ticket)) -> goto look
    fi;
    if
    :: threshold != FULL_THRESHOLD -> threshold = FULL_THRESHOLD
    :: threshold == FULL_THRESHOLD
    fi
}

/* index: what was found, or BOTTOM. */
inline pop() {
    ticket = head;
    atomic {
        read_entry(ticket);
        if
        :: cycle == CYCLE(ticket) && index != BOTTOM -> cycle = 0; safe = 0; index = 0; ticket = 0; goto begin
        :: else -> cycle = 0; safe = 0; index = 0; ticket = 0
        fi
    }
    behind = seen;
    if
    :: head < behind -> goto begin
    :: head >= behind
    fi;
    behind = tail;
    seen = behind;
    if
    :: head < behind
    :: head >= behind -> index = BOTTOM; goto over
    fi;
begin:
    behind = 0;
    if
    :: threshold < 0 -> index = BOTTOM; goto over
    :: threshold >= 0
    fi;
draw:
    atomic { ticket = head; head++ }
look:
    atomic {
        read_entry(ticket);
        if
        :: cycle < CYCLE(ticket)
        :: cycle == CYCLE(ticket) -> goto take
        :: cycle > CYCLE(ticket) -> goto nothing
        fi
    }
    if
    :: atomic {
        SAME(PLACE(ticket)) ->
        if
        :: index == BOTTOM -> PLACE(ticket).cycle = CYCLE(ticket)
#ifndef BUG_SAFE                /* passes over an index without leaving word */
        :: index != BOTTOM -> PLACE(ticket).safe = false
#else
        :: index != BOTTOM
#endif
        fi;
        goto nothing
       }
    :: !SAME(PLACE(ticket)) -> goto look
    fi;
take:
    PLACE(ticket).index = BOTTOM;
    goto over;
nothing:
    atomic { index = BOTTOM; cycle = 0; safe = 0; behind = tail }
    if
    :: behind > ticket + 1 -> goto next
    :: behind <= ticket + 1 -> ahead = ticket + 1
    fi;
    do
    :: atomic { tail == behind -> tail = ahead }; break
    :: tail != behind ->
        ahead = head;
        behind = tail;
        if
        :: behind >= ahead -> break
        :: behind < ahead
        fi
    od;
    threshold--;
    goto over;
next:
    atomic {
        threshold--;
        if
        :: threshold < 0 -> goto over
        :: threshold >= 0 -> goto draw
        fi
    }
over:
    skip
}

inline pop_begins() {
    d_step {
        popping[me] = true;
        for (i : 0 .. INDICES - 1) {
            waited[i] = (inside[i] && !pushing[i] -> round[i] : 0)
        }
        for (i : 0 .. PRODUCERS - 1) {
            before[i] = last[i]
        }
        i = 0
    }
}

inline pop_found() {
    assert(inside[index]);                          /* nothing twice */
    assert(round[index] > before[index / OWN]);     /* none overtaken by one that was out before this pop began */
    assert(owed[me] == BOTTOM || owed[me] == index);
    inside[index] = false;
    last[index / OWN] = (round[index] > last[index / OWN] -> round[index] : last[index / OWN])
}

/* Whatever waited all the time is in the hands of the other pops under way: one each, and if only one is, it is that. */
inline pop_empty() {
    assert(owed[me] == BOTTOM);
    for (i : 0 .. INDICES - 1) {
        if
        :: waited[i] && inside[i] && round[i] == waited[i] -> missed++; index = i
        :: else
        fi
    }
    for (i : 0 .. CONSUMERS - 1) {
        if
        :: popping[i] -> others++; other = i
        :: else
        fi
    }
    assert(missed <= others);
    if
    :: missed == 1 && others == 1 ->
        assert(owed[other] == BOTTOM || owed[other] == index);
        owed[other] = index
    :: else
    fi
}

inline pop_ends() {
    d_step {
        popping[me] = false;
        if
        :: index != BOTTOM -> pop_found()
        :: else -> pop_empty()
        fi;
        owed[me] = BOTTOM;
        for (i : 0 .. INDICES - 1) {
            waited[i] = 0
        }
        for (i : 0 .. PRODUCERS - 1) {
            before[i] = 0
        }
        i = 0; ticket = 0; cycle = 0; safe = 0; index = 0; behind = 0; ahead = 0;
        missed = 0; others = 0; other = 0
    }
}

proctype producer(byte me)
{
    byte ticket, cycle, index, i, done;
    bool safe;
    do
    :: done < PUSHES ->
        i = me * OWN + done % OWN;
        moving--;
        d_step {
            !inside[i] ->
            moving++;
            done++;
            inside[i] = true; pushing[i] = true; round[i] = done
        }
        push(i);
        d_step { pushing[i] = false; i = 0 }
    :: else -> break
    od;
    moving--
}

proctype consumer(byte me)
{
    byte ticket, cycle, index, i, behind, ahead, missed, others, other, pops;
    bool safe;
    byte waited[INDICES];
    byte before[PRODUCERS];
    do
    :: pops < POPS ->
        pops++;
        pop_begins();
        pop();
        pop_ends()
    :: else -> break
    od;
    moving--
}

/* Once the others have ended. */
proctype last_consumer(byte me)
{
    byte ticket, cycle, index, i, behind, ahead, missed, others, other;
    bool safe;
    byte waited[INDICES];
    byte before[PRODUCERS];
end:
    do
    :: atomic {
        moving == 0 && (inside[0] || inside[INDICES - 1]) ->
        pop_begins();
        pop();
        pop_ends()
       }
    od
}

init
{
    byte i;
    atomic {
        for (i : 0 .. RING - 1) {
            entries[i].safe = true;
            entries[i].index = BOTTOM
        }
        for (i : 0 .. PRODUCERS - 1) {
            run producer(i)
        }
        for (i : 0 .. CONSUMERS - 1) {
            run consumer(i)
        }
        run last_consumer(CONSUMERS);
        i = 0
    }
}
