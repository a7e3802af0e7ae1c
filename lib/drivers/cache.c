/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash table for finding, and a list in the order of use for forgetting. */
#include "drivers/cache.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

struct adb__cached {
    struct adb__list recent;
    struct adb__cached *next; /* in its bucket */
    uint64_t hash;
    size_t sql_size;
    size_t bytes;          /* all in all */
    max_align_t payload[]; /* then the text, without NUL */
};

static char *text_of(const struct adb__cache *cache, struct adb__cached *entry)
{
    return (char *)entry->payload + cache->payload_size;
}

static struct adb__cached *entry_of(void *payload)
{
    return ADB__CONTAINER_OF(payload, struct adb__cached, payload);
}

static struct adb__cached *oldest(const struct adb__cache *cache)
{
    return ADB__CONTAINER_OF(cache->recent.prev, struct adb__cached, recent);
}

static struct adb__cached **bucket_of(const struct adb__cache *cache, uint64_t hash)
{
    return &cache->buckets[hash & (cache->n_buckets - 1)];
}

static bool is_text(const struct adb__cache *cache, struct adb__cached *entry, const char *sql, size_t sql_size)
{
    return entry->sql_size == sql_size && memcmp(text_of(cache, entry), sql, sql_size) == 0;
}

static void use(struct adb__cache *cache, struct adb__cached *entry)
{
    adb__list_remove(&entry->recent);
    adb__list_prepend(&cache->recent, &entry->recent);
}

static void drop(struct adb__cache *cache, struct adb__cached *entry)
{
    struct adb__cached **place = bucket_of(cache, entry->hash);
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    adb__list_remove(&entry->recent);
    cache->count--;
    cache->bytes -= entry->bytes;
    cache->drop_fn(entry->payload, cache->owner);
    adb__free(entry);
}

bool adb__cache_open(struct adb__cache *cache, const struct adb__cache_config *config)
{
    const size_t max_count = config->count == 0 ? ADB__CACHE_DEFAULT_COUNT : (size_t)config->count;
    size_t n_buckets = 8;
    *cache = (struct adb__cache){.drop_fn = config->drop_fn, .owner = config->owner};
    adb__list_init(&cache->recent);
    if (config->count < 0)
        return true;
    while (n_buckets < max_count)
        n_buckets *= 2;
    cache->buckets = adb__alloc_array(n_buckets, sizeof(struct adb__cached *));
    if (cache->buckets == NULL)
        return false;
    cache->n_buckets = n_buckets;
    cache->max_count = max_count;
    cache->max_bytes = config->max_bytes == 0 ? ADB__CACHE_DEFAULT_BYTES : config->max_bytes;
    cache->payload_size = config->payload_size;
    return true;
}

void adb__cache_clear(struct adb__cache *cache)
{
    while (cache->count > 0)
        drop(cache, oldest(cache));
}

void adb__cache_close(struct adb__cache *cache)
{
    adb__cache_clear(cache);
    adb__free(cache->buckets);
    cache->buckets = NULL;
}

bool adb__cache_takes(const struct adb__cache *cache, size_t sql_size)
{
    return cache->buckets != NULL && sql_size <= ADB__CACHE_MOST_SQL && sql_size <= cache->max_bytes;
}

void *adb__cache_find(struct adb__cache *cache, const char *sql, size_t sql_size)
{
    if (cache->count == 0 || !adb__cache_takes(cache, sql_size))
        return NULL;
    const uint64_t hash = adb__hash_bytes(sql, sql_size);
    struct adb__cached *entry = *bucket_of(cache, hash);
    while (entry != NULL && (entry->hash != hash || !is_text(cache, entry, sql, sql_size)))
        entry = entry->next;
    if (entry == NULL)
        return NULL;
    use(cache, entry);
    return entry->payload;
}

/* The most recently used one stays, however large it is. */
static void make_room(struct adb__cache *cache)
{
    while (cache->count > 1 && (cache->count > cache->max_count || cache->bytes > cache->max_bytes))
        drop(cache, oldest(cache));
}

void *adb__cache_add(struct adb__cache *cache, const char *sql, size_t sql_size, const void *payload)
{
    if (!adb__cache_takes(cache, sql_size))
        return NULL;
    const size_t bytes = sizeof(struct adb__cached) + cache->payload_size + sql_size;
    struct adb__cached *entry = adb__alloc(bytes);
    if (entry == NULL)
        return NULL;

    entry->hash = adb__hash_bytes(sql, sql_size);
    entry->sql_size = sql_size;
    entry->bytes = bytes;
    memcpy(entry->payload, payload, cache->payload_size);
    memcpy(text_of(cache, entry), sql, sql_size);
    struct adb__cached **bucket = bucket_of(cache, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    adb__list_prepend(&cache->recent, &entry->recent);
    cache->count++;
    cache->bytes += bytes;
    make_room(cache);
    return entry->payload;
}

void adb__cache_weigh(struct adb__cache *cache, void *payload, size_t bytes)
{
    struct adb__cached *entry = entry_of(payload);
    const size_t own_bytes = sizeof(struct adb__cached) + cache->payload_size + entry->sql_size;
    cache->bytes += own_bytes + bytes - entry->bytes;
    entry->bytes = own_bytes + bytes;
    use(cache, entry);
    make_room(cache);
}

void adb__cache_remove(struct adb__cache *cache, void *payload)
{
    drop(cache, entry_of(payload));
}
