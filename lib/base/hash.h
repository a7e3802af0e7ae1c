/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash of bytes for tables in memory: quick on the length of a statement; not for secrets, nor to be stored. */
#ifndef ADB_BASE_HASH_H
#define ADB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t adb__hash_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Eight bytes at a time; what is left at the end counts with its length. */
static inline uint64_t adb__hash_bytes(const void *bytes, size_t size)
{
    const char *at = bytes;
    uint64_t hash = adb__hash_mix(UINT64_C(0xcbf29ce484222325), size);
    uint64_t word = 0;
    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = adb__hash_mix(hash, word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, at, size);
    return adb__hash_mix(adb__hash_mix(hash, word), 0);
}

#endif
