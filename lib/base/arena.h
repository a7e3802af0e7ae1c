/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that is given out piece by piece and taken back all at once. The first pieces come from memory that the
 * owner lends, so that small work allocates nothing. Not for two threads at a time. */
#ifndef ADB_BASE_ARENA_H
#define ADB_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct adb__arena_chunk;

struct adb__arena {
    char *cursor;                    /* next free byte */
    char *end;
    char *lent;                      /* the owner's memory, NULL when none */
    char *lent_end;
    struct adb__arena_chunk *chunks; /* the one that cursor is in, if any, comes first */
    size_t total_bytes;              /* given out since the last reset */
    size_t next_size;                /* what the next chunk is to hold at least */
};

/* lent may be NULL; it must be aligned for any type and outlive the arena. */
void adb__arena_init(struct adb__arena *arena, void *lent, size_t lent_size);
/* Only for the next one: free all chunks. */
void adb__arena_free_chunks(struct adb__arena *arena);
/* Free all chunks and start again with the lent memory. A zeroed arena may be reset. */
static inline void adb__arena_reset(struct adb__arena *arena)
{
    if (arena->chunks != NULL)
        adb__arena_free_chunks(arena);
    arena->cursor = arena->lent;
    arena->end = arena->lent_end;
    arena->total_bytes = 0;
    arena->next_size = 0;
}
/* Start again, with one chunk that holds all that there was: work that repeats itself soon allocates nothing. But
 * nothing is kept of very large work. */
void adb__arena_rewind(struct adb__arena *arena);
/* Aligned for any type; NULL when there is no memory. Size 0 gives a valid pointer. */
void *adb__arena_alloc(struct adb__arena *arena, size_t size);
/* Room for that many bytes and one more, without alignment, in the memory at hand; NULL: it has not so much, and
 * adb__arena_bytes() is to be called. For what is done for each value. */
static inline char *adb__arena_room(struct adb__arena *arena, size_t size)
{
    if (size >= (size_t)((uintptr_t)arena->end - (uintptr_t)arena->cursor))
        return NULL;
    char *room = arena->cursor;
    arena->cursor += size + 1;
    arena->total_bytes += size + 1;
    return room;
}

/* Bytes without alignment, followed by a NUL that size does not count. */
char *adb__arena_bytes(struct adb__arena *arena, const void *bytes, size_t size);
char *adb__arena_strdup(struct adb__arena *arena, const char *text);

#endif
