/* SPDX-License-Identifier: BSD-3-Clause */
/* One place of the shelf, lib/queue/shelf.c: readers find and hold what stands there, a remover puts others in its place
 * and frees what nobody holds.
 *
 * Claims: what a reader holds is neither freed nor another item than it has found, as long as it reads; what is removed
 * and held by nobody is freed.
 *
 * What is one step: each reading and writing of the place and of a hold, which in C are all sequentially consistent but
 * for the first reading of the place, which the second makes good, and for letting go, which the look acquires. Memory
 * that is freed may be allocated again at once (an item has a number and a life). The remover's lock makes it one. */
#ifndef READERS
#define READERS 2
#endif
#ifndef READS
#define READS 2                 /* of each reader */
#endif
#ifndef PUTS
#define PUTS 3
#endif
#define ITEMS 3                 /* 0 is none */

byte place;
byte hold[READERS];
bool freed[ITEMS + 1] = true;
byte life[ITEMS + 1];
bool removed[ITEMS + 1];
bool met[ITEMS + 1];

/* Not part of the protocol. */
bool done;

inline check() {
    assert(!freed[found] && life[found] == lived)
}

proctype reader(byte me)
{
    byte n, found, lived;
    do
    :: n < READS ->
        n++;
        found = place;
#ifndef BUG_LATE
        hold[me] = found;
#endif
#ifdef BUG_NO_LOOK
        lived = life[found];
#else
        atomic {                        /* if it is still there, it is this one that is meant */
            lived = life[found];
            if
            :: place == found
            :: place != found -> goto drop
            fi
        }
#endif
#ifdef BUG_LATE
        hold[me] = found;
#endif
        if
        :: found != 0 -> check(); check()
        :: found == 0
        fi;
drop:
        atomic { hold[me] = 0; found = 0; lived = 0 }
    :: n == READS -> break
    od
}

inline look() {
    atomic { met[1] = false; met[2] = false; met[3] = false };
    i = 0;
    do
    :: i < READERS -> atomic { met[hold[i]] = true; i++ }
    :: i == READERS -> break
    od
}

inline free_removed() {
    atomic {
        i = 1;
        do
        :: i <= ITEMS ->
            if
            :: removed[i] && !met[i] -> removed[i] = false; freed[i] = true
            :: else
            fi;
            i++
        :: i > ITEMS -> break
        od;
        i = 0
    }
}

/* Memory for an item: any that is free. None: nothing is put now. */
inline allocate() {
    atomic {
        fresh = 0;
        if
        :: freed[1] -> fresh = 1
        :: freed[2] -> fresh = 2
        :: freed[3] -> fresh = 3
        :: else
        fi;
        if
        :: fresh != 0 -> freed[fresh] = false; life[fresh]++
        :: fresh == 0
        fi
    }
}

proctype remover()
{
    byte n, i, fresh, old;
    do
    :: n < PUTS ->
        n++;
        allocate();
#ifdef BUG_LOOK_FIRST
        look();
#endif
        atomic { old = place; place = fresh };
        removed[old] = old != 0;
        old = 0;
#ifndef BUG_LOOK_FIRST
        look();
#endif
        free_removed()
    :: n == PUTS -> break
    od;
    done = true
}

init {
    byte i;
    atomic {
        freed[0] = false;
        run remover();
        do
        :: i < READERS -> run reader(i); i++
        :: i == READERS -> break
        od
    }
    (_nr_pr == 1);
    /* Who removes next frees all that was left. */
    atomic {
        i = 1;
        do
        :: i <= ITEMS -> assert(freed[i] || removed[i] || place == i); i++
        :: i > ITEMS -> break
        od;
        assert(done && hold[0] == 0)
    }
}
