/* SPDX-License-Identifier: BSD-3-Clause */
/* The same work done in several ways: what each of them is measured by, and the goals that the first of them has. */
#ifndef ADB_TESTS_CONTEST_H
#define ADB_TESTS_CONTEST_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_WAYS 10
#define BENCH_GOALS 6

/* One way of doing the work. One without run and command is left out: what it needs is not here. */
struct bench_way {
    const char *name;
    void (*open)(void *state);    /* may be NULL, as may the next and the last */
    void (*prepare)(void *state); /* before each run, and no part of it */
    size_t (*run)(void *state);   /* returns how many were done */
    void (*close)(void *state);
    void *state;         /* for these functions; NULL: that of the contest */
    const char *command; /* in place of all of them: a program that does it, and prints its figures; see contest.c */
};

enum bench_measure {
    BENCH_RATE,        /* ours to that of another, at least */
    BENCH_CPU,         /* client CPU for each, ours to that of another, at most */
    BENCH_FLAT,        /* the slowest to the fastest of the first ways, at least */
    BENCH_FLAT_CPU,    /* the cheapest to the dearest of them, at least */
    BENCH_ALLOCATIONS, /* for each, the program's own, at most */
    BENCH_CALLS,       /* system calls for each, the program's own, at most */
    BENCH_PEAK         /* growth of memory in MiB, at most */
};

struct bench_goal {
    const char *id; /* as in README.md */
    enum bench_measure measure;
    size_t against; /* the other way; of the flat ones: how many ways; else 0 */
    double bound;
    double scale; /* of the ratio, where it is to another that was measured against the same; 0 is 1 */
};

struct bench_contest {
    const char *id;   /* one word, for ADB_BENCH_ONLY and the files */
    const char *name;
    void *state; /* for the functions of all ways that have none of their own */
    struct bench_way ways[BENCH_WAYS];    /* ours is the first; they end with one without a name */
    struct bench_goal goals[BENCH_GOALS]; /* they end with one without an id */
};

/* Measure all ways and print what came of it; skipped when ADB_BENCH_ONLY names others. No thread may be running, for
 * each way is counted in a process of its own, and then all run in turn in another one. */
void bench_compare(const struct bench_contest *contest);

/* How many rounds at least: ADB_BENCH_PAIRS, or 7. */
size_t bench_pairs(void);

/* Whether ADB_BENCH_ONLY, words with spaces between, is unset or has this one. */
bool bench_wanted(const char *id);

/* A goal that no contest has: print it, and write it down. */
void bench_goal(const char *id, const char *name, const char *what, double value, double bound, bool at_most);

#endif
