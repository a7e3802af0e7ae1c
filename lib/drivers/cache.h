/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepared statements of one connection by their text, the least recently used one going first. What a prepared
 * statement is, its driver knows: it lends the cache the size of it, and gets each one back when it has to go. */
#ifndef ADB_DRIVERS_CACHE_H
#define ADB_DRIVERS_CACHE_H

#include "base/list.h"

#include <stdint.h>

/* Statements kept when the options do not say how many. */
#define ADB__CACHE_DEFAULT_COUNT 128

/* Bytes kept when the driver has no better number: texts and whatever memory the driver tells of. */
#define ADB__CACHE_DEFAULT_BYTES ((size_t)8 << 20)

/* Longer texts are made for one use (rows upon rows in one INSERT), and would drive out what is worth keeping. */
#define ADB__CACHE_MOST_SQL 16384

struct adb__cached;

struct adb__cache {
    struct adb__list recent;      /* most recently used first; its next is NULL before the first open */
    struct adb__cached **buckets; /* NULL: keeps nothing */
    size_t n_buckets;             /* a power of two */
    size_t max_count;
    size_t max_bytes;
    size_t count;
    size_t bytes;
    size_t payload_size;
    void (*drop_fn)(void *payload, void *owner); /* the statement has to go: release what it holds, not the payload */
    void *owner;
};

/* What is kept, and how much of it. A count of 0 is the default, below 0 nothing is kept; max_bytes 0 is the
 * default. */
struct adb__cache_config {
    int count;
    size_t max_bytes;
    size_t payload_size;
    void (*drop_fn)(void *payload, void *owner);
    void *owner;
};

/* Zeroed storage, or one that was closed. False: no memory, and nothing is kept. */
bool adb__cache_open(struct adb__cache *cache, const struct adb__cache_config *config);
/* Drop everything. Safe on zeroed storage, and twice. */
void adb__cache_close(struct adb__cache *cache);

/* Would a statement of this length be kept? */
bool adb__cache_takes(const struct adb__cache *cache, size_t sql_size);

/* A payload stays where it is until it is dropped. Only _add(), _weigh(), _remove(), _clear() and _close() drop. */

/* The payload, now the most recently used one; NULL when the text is not there. */
void *adb__cache_find(struct adb__cache *cache, const char *sql, size_t sql_size);
/* Keep a copy of the payload of a text that was not found, in place of the least recently used ones when there is no
 * room. NULL: not kept, for want of memory or because the cache does not take it, and still the caller's. */
void *adb__cache_add(struct adb__cache *cache, const char *sql, size_t sql_size, const void *payload);
/* The payload holds so much memory of its own by now: drop others to make room, but never itself. */
void adb__cache_weigh(struct adb__cache *cache, void *payload, size_t bytes);
/* Drop one. */
void adb__cache_remove(struct adb__cache *cache, void *payload);
/* Drop all, and go on. */
void adb__cache_clear(struct adb__cache *cache);

#endif
