/* SPDX-License-Identifier: BSD-3-Clause */
/* Results: what a job ends with. Built by one thread through a sink (model/sink.h), read by any once it is handed over:
 * from then on a result never changes, but for texts that adb_row_text() adds (model/render.h). */
#ifndef ADB_MODEL_RESULT_H
#define ADB_MODEL_RESULT_H

#include "base/arena.h"
#include "base/ref.h"

#include <asyncdb/result.h>

#include <limits.h>

/* Row blocks of 1, 1, 2, 4, 8, … rows: no row ever moves, a small result stays small, and the block of a row follows
 * from its index. So many blocks hold 2^31 rows. */
#define ADB__RESULT_BLOCKS 32

/* What is known of one column. */
struct adb__column {
    const char *name;
    const char *table;    /* NULL when unknown */
    const char *decltype; /* NULL when unknown */
    adb_type type;        /* hint; ADB_TYPE_NULL when unknown */
};

/* One value, compact. */
struct adb__cell {
    union {
        bool boolean;
        int64_t integer; /* INT, DATE, TIME, TIMESTAMP */
        double real;
        const char *bytes; /* TEXT, BLOB, DECIMAL, JSON, UUID: in the arena, with a NUL behind */
    } as;
    uint32_t size; /* of bytes */
    uint8_t type;  /* adb_type */
};

struct adb__render;

/* What a small result needs that is well stands on the first two lines of the cache. On the third is what tells that it
 * is: the worker reads it, and nobody writes to it then. */
struct adb_result {
    struct adb__ref ref;
    bool has_insert_id;
    bool more;                   /* a batch, not the end */
    unsigned n_blocks;
    int64_t affected;            /* -1 unknown */
    struct adb__column *columns; /* in the arena */
    size_t n_columns;
    size_t n_rows;
    adb_job job;
    void *user_data;

    struct adb__arena arena;     /* its lent memory belongs to whoever embeds the result */
    int64_t last_insert_id;

    const char *transaction_id;  /* whose commit is in doubt; in the memory that embeds the result; NULL: none */
    _Atomic(struct adb__render *) render;         /* texts made on demand; NULL until there is one */
    /* Called by the last adb_result_unref() after adb__result_fini(); frees the memory or gives it back. */
    void (*release_fn)(struct adb_result *result);
    adb_error error;
    struct adb__cell *blocks[ADB__RESULT_BLOCKS]; /* in the arena, the first n_blocks */
};

/* Caller's storage: one reference, no error, affected -1. release_fn NULL: adb__free(). */
void adb__result_init(struct adb_result *result, void *lent, size_t lent_size, void (*release_fn)(struct adb_result *));
/* One that was released, for another use in the same place: as after adb__result_init(). */
void adb__result_renew(struct adb_result *result);
/* Free all that the result holds, not its own memory. */
void adb__result_fini(struct adb_result *result);
/* Allocate one of its own, for batches; NULL when there is no memory. */
struct adb_result *adb__result_new(void);
/* A batch comes back from its reader: empty again, with its memory. NULL: somebody keeps it; the reference is
 * dropped. */
struct adb_result *adb__result_recycle(struct adb_result *batch);
/* Drop rows, columns and counts (not error, job and user_data): what a failed statement leaves behind. */
void adb__result_discard(struct adb_result *result);

/* Copy column descriptors into a result that has none. ADB_E_NOMEM. */
adb_status adb__result_set_columns(struct adb_result *result, const struct adb__column *columns, size_t n_columns);
/* Give a new batch the columns of another result: a copy, so that neither has to outlive the other. ADB_E_NOMEM. */
adb_status adb__result_share_columns(struct adb_result *to, const struct adb_result *from);
/* Which block a row is in, and which row is the first of a block: without a branch, as each value that is read asks. */
static inline unsigned adb__result_block(size_t row)
{
    return (unsigned)(sizeof(unsigned long long) * CHAR_BIT) - 1 - (unsigned)__builtin_clzll(2ull * row + 1);
}

static inline size_t adb__result_block_first(unsigned block)
{
    return ((size_t)1 << block) >> 1;
}

/* Room behind the last row, for one row or more, all NULL; they do not count as rows yet. ADB_E_NOMEM,
 * ADB_E_TOO_BIG. */
adb_status adb__result_make_room(struct adb_result *result, struct adb__cell **row_out, size_t *n_rows_out);
/* The cells of an existing row. Row 0 is block 0; block n, from 1 on, has the rows from 2^(n-1) to 2^n - 1. */
static inline struct adb__cell *adb__result_cells(const struct adb_result *result, size_t row)
{
    const unsigned block = adb__result_block(row);
    return result->blocks[block] + (row - adb__result_block_first(block)) * result->n_columns;
}
/* Reduce to the first row's one column, for fetch_val: by name, or by index when name is NULL. ADB_E_RANGE or
 * ADB_E_NOT_FOUND when there is no such column, and then nothing changes. A result without any column is left alone. */
adb_status adb__result_reduce(struct adb_result *result, size_t column, const char *name, adb_error *error);

#endif
