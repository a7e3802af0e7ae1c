/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is given out piece by piece and taken back all at once. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdbool.h>
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

/* A rewound arena keeps a chunk of no more than this. */
#define KEPT_MOST ((size_t)512 * 1024)

void adb__arena_init(struct adb__arena *arena, void *lent, size_t lent_size)
{
    *arena = (struct adb__arena){.lent = lent, .lent_end = lent != NULL ? (char *)lent + lent_size : NULL};
    adb__arena_reset(arena);
}

void adb__arena_free_chunks(struct adb__arena *arena)
{
    struct adb__arena_chunk *chunk = arena->chunks;
    arena->chunks = NULL;
    while (chunk != NULL) {
        struct adb__arena_chunk *next = chunk->next;
        adb__free(chunk);
        chunk = next;
    }
}

/* Is the cursor in that chunk? One that was made for a single big piece is in front only while there is no other. */
static bool is_in_use(const struct adb__arena *arena, const struct adb__arena_chunk *chunk)
{
    return chunk != NULL && arena->end == chunk->bytes + chunk->size;
}

void adb__arena_rewind(struct adb__arena *arena)
{
    struct adb__arena_chunk *chunk = arena->chunks;
    if (is_in_use(arena, chunk) && chunk->next == NULL && chunk->size <= KEPT_MOST) {
        arena->cursor = chunk->bytes;
        arena->total_bytes = 0;
        return;
    }
    const size_t next_size = arena->total_bytes + arena->total_bytes / 4; /* with what alignment may take */
    const bool keeps = chunk != NULL && next_size <= KEPT_MOST;
    adb__arena_reset(arena);
    arena->next_size = keeps ? next_size : 0;
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
    if (is_in_use(arena, chunk))
        size = chunk->size < CHUNK_LARGEST / 2 ? chunk->size * 2 : CHUNK_LARGEST;
    else if (size < arena->next_size)
        size = arena->next_size;
    return size > at_least ? size : at_least;
}

/* A piece that the current chunk has no room for. Chunk bytes are aligned for any type. */
static char *arena_piece_from_new_chunk(struct adb__arena *arena, size_t size)
{
    struct adb__arena_chunk *first = arena->chunks;
    const bool big = size > PIECE_BIG && size > arena->next_size;
    struct adb__arena_chunk *chunk = big ? chunk_new(first != NULL ? &first->next : &arena->chunks, size)
                                         : chunk_new(&arena->chunks, arena_next_size(arena, size));
    if (chunk == NULL)
        return NULL;
    if (!big) {
        arena->cursor = chunk->bytes + size;
        arena->end = chunk->bytes + chunk->size;
    }
    arena->total_bytes += size;
    return chunk->bytes;
}

/* align is a power of two. */
static inline void *arena_take(struct adb__arena *arena, size_t size, size_t align)
{
    const size_t room = arena->cursor != NULL ? (size_t)(arena->end - arena->cursor) : 0;
    const size_t padding = (size_t)(-(uintptr_t)arena->cursor & (align - 1));
    if (padding >= room || size > room - padding)
        return arena_piece_from_new_chunk(arena, size);
    char *piece = arena->cursor + padding;
    arena->cursor = piece + size;
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
