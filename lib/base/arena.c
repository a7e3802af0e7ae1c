/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is given out piece by piece and taken back all at once. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct adb__arena_chunk {
    struct adb__arena_chunk *next;
    size_t size; /* of bytes */
    alignas(max_align_t) char bytes[];
};

/* Chunks double from the first size to the largest. A piece over the big size gets a chunk of its own, so that it does
 * not waste what is left of the current one. */
#define CHUNK_FIRST   ((size_t)1024)
#define CHUNK_LARGEST ((size_t)64 * 1024)
#define PIECE_BIG     (CHUNK_LARGEST / 4)

void adb__arena_init(struct adb__arena *arena, void *lent, size_t lent_size)
{
    *arena = (struct adb__arena){.lent = lent, .lent_size = lent != NULL ? lent_size : 0};
    adb__arena_reset(arena);
}

void adb__arena_reset(struct adb__arena *arena)
{
    while (arena->chunks != NULL) {
        struct adb__arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        adb__free(chunk);
    }
    arena->cursor = arena->lent;
    arena->end = arena->lent != NULL ? arena->lent + arena->lent_size : NULL;
    arena->total_bytes = 0;
}

/* A new chunk in that place of the list; NULL when there is no memory. */
static struct adb__arena_chunk *chunk_new(struct adb__arena_chunk **place, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct adb__arena_chunk))
        return NULL;
    struct adb__arena_chunk *chunk = adb__alloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return NULL;
    chunk->next = *place;
    chunk->size = size;
    *place = chunk;
    return chunk;
}

static size_t arena_next_size(const struct adb__arena *arena, size_t at_least)
{
    const struct adb__arena_chunk *chunk = arena->chunks;
    size_t size = CHUNK_FIRST;
    if (chunk != NULL && arena->end == chunk->bytes + chunk->size)
        size = chunk->size < CHUNK_LARGEST / 2 ? chunk->size * 2 : CHUNK_LARGEST;
    return size > at_least ? size : at_least;
}

/* A piece that the current chunk has no room for. Chunk bytes are aligned for any type. */
static char *arena_piece_from_new_chunk(struct adb__arena *arena, size_t size)
{
    if (size > PIECE_BIG) {
        struct adb__arena_chunk **behind = arena->chunks != NULL ? &arena->chunks->next : &arena->chunks;
        struct adb__arena_chunk *own = chunk_new(behind, size);
        return own != NULL ? own->bytes : NULL;
    }
    struct adb__arena_chunk *chunk = chunk_new(&arena->chunks, arena_next_size(arena, size));
    if (chunk == NULL)
        return NULL;
    arena->cursor = chunk->bytes + size;
    arena->end = chunk->bytes + chunk->size;
    return chunk->bytes;
}

/* align is a power of two. */
static void *arena_take(struct adb__arena *arena, size_t size, size_t align)
{
    char *piece;
    const size_t room = arena->cursor != NULL ? (size_t)(arena->end - arena->cursor) : 0;
    const size_t padding = (size_t)(-(uintptr_t)arena->cursor & (align - 1));
    if (padding < room && size <= room - padding) {
        piece = arena->cursor + padding;
        arena->cursor = piece + size;
    } else {
        piece = arena_piece_from_new_chunk(arena, size);
    }
    if (piece != NULL)
        arena->total_bytes += size;
    return piece;
}

void *adb__arena_alloc(struct adb__arena *arena, size_t size)
{
    return arena_take(arena, size, alignof(max_align_t));
}

char *adb__arena_bytes(struct adb__arena *arena, const void *bytes, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = arena_take(arena, size + 1, 1);
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *adb__arena_strdup(struct adb__arena *arena, const char *text)
{
    return adb__arena_bytes(arena, text, strlen(text));
}
