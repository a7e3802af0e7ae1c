/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of names that gets a hash table when it grows long: most statements have a handful of names, generated ones
 * tens of thousands. */
#include "sql/names.h"

#include <stdbool.h>
#include <string.h>

/* Up to here a walk over the list is as fast as a hash. */
#define FEW_NAMES ((size_t)8)

static bool name_equals(const char *item, const char *name, size_t size)
{
    return strncmp(item, name, size) == 0 && item[size] == '\0';
}

/* FNV-1a. */
static uint32_t name_hash(const char *name, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *names_slot(const struct adb__sql_names *names, const char *name, size_t size)
{
    size_t i = name_hash(name, size) & (names->n_slots - 1);
    while (names->slots[i] != 0 && !name_equals(names->items[names->slots[i] - 1], name, size))
        i = (i + 1) & (names->n_slots - 1);
    return &names->slots[i];
}

size_t adb__sql_names_find(const struct adb__sql_names *names, const char *name, size_t size)
{
    if (names->slots != NULL) {
        const uint32_t slot = *names_slot(names, name, size);
        return slot != 0 ? slot - 1 : ADB__NAME_NONE;
    }
    for (size_t i = 0; i < names->n_items; i++) {
        if (name_equals(names->items[i], name, size))
            return i;
    }
    return ADB__NAME_NONE;
}

/* Twice the room, with two slots for each name, so that at most half of them are ever taken. */
static bool names_grow(struct adb__sql_names *names, struct adb__arena *arena)
{
    struct adb__sql_names grown = *names;
    grown.capacity = names->capacity == 0 ? FEW_NAMES : names->capacity * 2;
    grown.items = adb__arena_alloc(arena, grown.capacity * sizeof(*grown.items));
    if (grown.items == NULL)
        return false;
    if (names->n_items > 0)
        memcpy(grown.items, names->items, names->n_items * sizeof(*grown.items));

    if (grown.capacity > FEW_NAMES) {
        grown.n_slots = grown.capacity * 2;
        grown.slots = adb__arena_alloc(arena, grown.n_slots * sizeof(*grown.slots));
        if (grown.slots == NULL)
            return false;
        memset(grown.slots, 0, grown.n_slots * sizeof(*grown.slots));
        for (size_t i = 0; i < names->n_items; i++)
            *names_slot(&grown, grown.items[i], strlen(grown.items[i])) = (uint32_t)i + 1;
    }
    *names = grown;
    return true;
}

size_t adb__sql_names_add(struct adb__sql_names *names, struct adb__arena *arena, const char *name, size_t size)
{
    const size_t known = adb__sql_names_find(names, name, size);
    if (known != ADB__NAME_NONE)
        return known;
    if (names->n_items == names->capacity && !names_grow(names, arena))
        return ADB__NAME_NONE;
    const char *copy = adb__arena_bytes(arena, name, size);
    if (copy == NULL)
        return ADB__NAME_NONE;
    if (names->slots != NULL)
        *names_slot(names, name, size) = (uint32_t)names->n_items + 1;
    names->items[names->n_items] = copy;
    return names->n_items++;
}
