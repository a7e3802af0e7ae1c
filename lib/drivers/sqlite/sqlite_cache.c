/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepared statements of one connection by their text, the least recently used one going first. */
#include "drivers/sqlite/sqlite.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

struct adb__sqlite_cached {
    struct adb__list recent;
    struct adb__sqlite_cached *next; /* in its bucket */
    struct adb__sqlite_statement prepared;
    uint64_t hash;
    size_t sql_size;
    char sql[]; /* without NUL */
};

/* FNV-1a. */
static uint64_t hash_of(const char *sql, size_t sql_size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sql_size; i++)
        hash = (hash ^ (unsigned char)sql[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The pointer that points at the entry with this text, or at the NULL where its bucket ends. */
static struct adb__sqlite_cached **place_of(const struct adb__sqlite_cache *cache, uint64_t hash, const char *sql,
                                            size_t sql_size)
{
    struct adb__sqlite_cached **place = &cache->buckets[hash & (cache->n_buckets - 1)];
    while (*place != NULL &&
           ((*place)->hash != hash || (*place)->sql_size != sql_size || memcmp((*place)->sql, sql, sql_size) != 0))
        place = &(*place)->next;
    return place;
}

static void drop(struct adb__sqlite_cache *cache, struct adb__sqlite_cached *entry)
{
    struct adb__sqlite_cached **place = place_of(cache, entry->hash, entry->sql, entry->sql_size);
    *place = entry->next;
    adb__list_remove(&entry->recent);
    cache->count--;
    sqlite3_finalize(entry->prepared.stmt);
    adb__free(entry->prepared.columns);
    adb__free(entry);
}

static struct adb__sqlite_cached *oldest(const struct adb__sqlite_cache *cache)
{
    return ADB__CONTAINER_OF(cache->recent.prev, struct adb__sqlite_cached, recent);
}

bool adb__sqlite_cache_open(struct adb__sqlite_cache *cache, int capacity)
{
    adb__list_init(&cache->recent);
    if (capacity <= 0)
        return true;
    size_t n_buckets = 8;
    while (n_buckets < (size_t)capacity)
        n_buckets *= 2;
    cache->buckets = adb__alloc_array(n_buckets, sizeof(struct adb__sqlite_cached *));
    if (cache->buckets == NULL)
        return false;
    cache->n_buckets = n_buckets;
    cache->capacity = (size_t)capacity;
    return true;
}

void adb__sqlite_cache_close(struct adb__sqlite_cache *cache)
{
    while (cache->count > 0)
        drop(cache, oldest(cache));
    adb__free(cache->buckets);
    cache->buckets = NULL;
    cache->capacity = 0;
}

struct adb__sqlite_statement *adb__sqlite_cache_find(struct adb__sqlite_cache *cache, const char *sql, size_t sql_size)
{
    struct adb__sqlite_cached *entry = *place_of(cache, hash_of(sql, sql_size), sql, sql_size);
    if (entry == NULL)
        return NULL;
    adb__list_remove(&entry->recent);
    adb__list_prepend(&cache->recent, &entry->recent);
    return &entry->prepared;
}

struct adb__sqlite_statement *adb__sqlite_cache_add(struct adb__sqlite_cache *cache, const char *sql, size_t sql_size,
                                                    const struct adb__sqlite_statement *prepared)
{
    if (sql_size > SIZE_MAX - sizeof(struct adb__sqlite_cached))
        return NULL;
    struct adb__sqlite_cached *entry = adb__alloc(sizeof(*entry) + sql_size);
    if (entry == NULL)
        return NULL;
    if (cache->count == cache->capacity)
        drop(cache, oldest(cache));

    entry->prepared = *prepared;
    entry->hash = hash_of(sql, sql_size);
    entry->sql_size = sql_size;
    memcpy(entry->sql, sql, sql_size);
    struct adb__sqlite_cached **place = place_of(cache, entry->hash, sql, sql_size);
    entry->next = NULL;
    *place = entry;
    adb__list_prepend(&cache->recent, &entry->recent);
    cache->count++;
    return &entry->prepared;
}
