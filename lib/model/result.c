/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps results: columns and rows in one arena, rows in blocks that double. Rows are read in model/row.c. */
#include "model/result.h"

#include "base/alloc.h"
#include "model/error.h"
#include "model/render.h"

#include <limits.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct adb__cell) <= 16, "cells are compact");

/* Room is made for so many bytes of rows at a time: cleared in one go, and still in the fastest cache when they are
 * filled. */
#define ROOM_BYTES 4096

/* A result with memory of its own, so that a small batch is one allocation. */
struct batch {
    struct adb_result result; /* first: freeing it frees the batch */
    alignas(max_align_t) char lent[3072];
};

static bool result_is_empty(const struct adb_result *result)
{
    return result->n_blocks == 0 && result->columns == NULL && result->n_columns == 0 && result->n_rows == 0 &&
           result->affected == -1 && !result->has_insert_id;
}

/* What belongs to the arena is gone. What is empty is not written to: its line of the cache stays where it is read. */
static void result_forget(struct adb_result *result)
{
    if (result_is_empty(result))
        return;
    result->n_blocks = 0;
    result->columns = NULL;
    result->n_columns = 0;
    result->n_rows = 0;
    result->affected = -1;
    result->last_insert_id = 0;
    result->has_insert_id = false;
}

/* Only what is read: most of an error and of the blocks is not, in a small result that is well. And what is right already
 * is not written to on the line that the worker reads. */
void adb__result_renew(struct adb_result *result)
{
    if (!adb__ref_is_only(&result->ref))
        adb__ref_init(&result->ref, 1);
    if (result->error.status != ADB_OK || result->error.flags != 0 || result->error.message[0] != '\0')
        adb__error_clear(&result->error);
    if (result->more)
        result->more = false;
    result->job = 0;
    result->user_data = NULL;
    if (result->transaction_id != NULL)
        result->transaction_id = NULL;
    result_forget(result);
}

void adb__result_init(struct adb_result *result, void *lent, size_t lent_size, void (*release_fn)(struct adb_result *))
{
    memset(result, 0, offsetof(struct adb_result, blocks));
    result->release_fn = release_fn;
    atomic_init(&result->render, NULL);
    adb__arena_init(&result->arena, lent, lent_size);
    adb__result_renew(result);
}

void adb__result_fini(struct adb_result *result)
{
    adb__result_discard(result);
}

struct adb_result *adb__result_new(void)
{
    struct batch *batch = adb__alloc(sizeof(*batch));
    if (batch == NULL)
        return NULL;
    adb__result_init(&batch->result, batch->lent, sizeof(batch->lent), NULL);
    return &batch->result;
}

void adb__result_discard(struct adb_result *result)
{
    if (atomic_load_explicit(&result->render, memory_order_relaxed) != NULL)
        adb__render_free(result);
    adb__arena_reset(&result->arena);
    result_forget(result);
}

struct adb_result *adb__result_recycle(struct adb_result *batch)
{
    if (!adb__ref_is_only(&batch->ref)) {
        adb_result_unref(batch);
        return NULL;
    }
    adb__render_free(batch);
    adb__arena_rewind(&batch->arena);
    result_forget(batch);
    batch->more = false;
    return batch;
}

/* NULL stays NULL; false when there is no memory. */
static bool text_copy(struct adb__arena *arena, const char *text, const char **copy_out)
{
    *copy_out = text == NULL ? NULL : adb__arena_strdup(arena, text);
    return text == NULL || *copy_out != NULL;
}

static bool column_copy(struct adb__arena *arena, const struct adb__column *column, struct adb__column *copy)
{
    copy->type = column->type;
    return text_copy(arena, column->name != NULL ? column->name : "", &copy->name) &&
           text_copy(arena, column->table, &copy->table) && text_copy(arena, column->decltype, &copy->decltype);
}

adb_status adb__result_set_columns(struct adb_result *result, const struct adb__column *columns, size_t n_columns)
{
    if (n_columns > INT_MAX / sizeof(struct adb__column))
        return ADB_E_NOMEM;
    struct adb__column *copies = adb__arena_alloc(&result->arena, n_columns * sizeof(*copies));
    if (copies == NULL)
        return ADB_E_NOMEM;
    for (size_t i = 0; i < n_columns; i++) {
        if (!column_copy(&result->arena, &columns[i], &copies[i]))
            return ADB_E_NOMEM;
    }
    result->columns = copies;
    result->n_columns = n_columns;
    return ADB_OK;
}

adb_status adb__result_share_columns(struct adb_result *to, const struct adb_result *from)
{
    if (from->n_columns == 0)
        return ADB_OK;
    return adb__result_set_columns(to, from->columns, from->n_columns);
}

static size_t block_rows(unsigned block)
{
    return block == 0 ? 1 : (size_t)1 << (block - 1);
}

static adb_status block_new(struct adb_result *result, unsigned block)
{
    const size_t row_size = result->n_columns * sizeof(struct adb__cell);
    if (block_rows(block) > SIZE_MAX / row_size)
        return ADB_E_NOMEM;
    result->blocks[block] = adb__arena_alloc(&result->arena, block_rows(block) * row_size);
    if (result->blocks[block] == NULL)
        return ADB_E_NOMEM;
    result->n_blocks = block + 1;
    return ADB_OK;
}

adb_status adb__result_make_room(struct adb_result *result, struct adb__cell **row_out, size_t *n_rows_out)
{
    const unsigned block = adb__result_block(result->n_rows);
    if (block >= ADB__RESULT_BLOCKS)
        return ADB_E_TOO_BIG;
    const adb_status status = block == result->n_blocks ? block_new(result, block) : ADB_OK;
    if (status != ADB_OK)
        return status;

    const size_t row_size = result->n_columns * sizeof(struct adb__cell);
    const size_t left = adb__result_block_first(block) + block_rows(block) - result->n_rows;
    const size_t most = row_size < ROOM_BYTES ? ROOM_BYTES / row_size : 1;
    *n_rows_out = left < most ? left : most;
    *row_out = adb__result_cells(result, result->n_rows);
    memset(*row_out, 0, *n_rows_out * row_size); /* ADB_TYPE_NULL is 0 */
    return ADB_OK;
}

adb_status adb__result_reduce(struct adb_result *result, size_t column, const char *name, adb_error *error)
{
    if (result->n_columns == 0)
        return ADB_OK;
    if (name != NULL) {
        const int index = adb_result_column_index(result, name);
        if (index < 0)
            return adb__error_set(error, ADB_E_NOT_FOUND, "no column \"%s\" among %zu", name, result->n_columns);
        column = (size_t)index;
    }
    if (column >= result->n_columns)
        return adb__error_set(error, ADB_E_RANGE, "no column %zu among %zu", column, result->n_columns);

    if (result->n_rows > 0) {
        result->blocks[0][0] = result->blocks[0][column];
        result->n_rows = 1;
    }
    result->columns[0] = result->columns[column];
    result->n_columns = 1;
    return ADB_OK;
}

adb_status adb_result_status(const adb_result *result)
{
    return result == NULL ? ADB_E_INVAL : result->error.status;
}

const adb_error *adb_result_error(const adb_result *result)
{
    static const adb_error no_result = {.status = ADB_E_INVAL, .message = "there is no result"};
    return result == NULL ? &no_result : &result->error;
}

adb_job adb_result_job(const adb_result *result)
{
    return result == NULL ? 0 : result->job;
}

void *adb_result_user_data(const adb_result *result)
{
    return result == NULL ? NULL : result->user_data;
}

bool adb_result_more(const adb_result *result)
{
    return result != NULL && result->more;
}

const char *adb_result_transaction_id(const adb_result *result)
{
    return result == NULL ? NULL : result->transaction_id;
}

size_t adb_result_rows(const adb_result *result)
{
    return result == NULL ? 0 : result->n_rows;
}

size_t adb_result_columns(const adb_result *result)
{
    return result == NULL ? 0 : result->n_columns;
}

/* What stands for a column that does not exist. */
static const struct adb__column *column_at(const adb_result *result, size_t column)
{
    static const struct adb__column none = {.type = ADB_TYPE_NULL};
    return column < adb_result_columns(result) ? &result->columns[column] : &none;
}

const char *adb_result_column_name(const adb_result *result, size_t column)
{
    return column_at(result, column)->name;
}

const char *adb_result_column_table(const adb_result *result, size_t column)
{
    return column_at(result, column)->table;
}

const char *adb_result_column_decltype(const adb_result *result, size_t column)
{
    return column_at(result, column)->decltype;
}

adb_type adb_result_column_type(const adb_result *result, size_t column)
{
    return column_at(result, column)->type;
}

static bool column_matches(const struct adb__column *column, const char *table, const char *name)
{
    if (strcmp(column->name, name) != 0)
        return false;
    return table == NULL || (column->table != NULL && strcmp(column->table, table) == 0);
}

int adb_result_column_index(const adb_result *result, const char *name)
{
    return adb_result_column_find(result, NULL, name);
}

int adb_result_column_find(const adb_result *result, const char *table, const char *name)
{
    for (size_t i = 0; name != NULL && i < adb_result_columns(result); i++) {
        if (column_matches(&result->columns[i], table, name))
            return (int)i;
    }
    return -1;
}

size_t adb_result_column_count(const adb_result *result, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; name != NULL && i < adb_result_columns(result); i++)
        count += column_matches(&result->columns[i], NULL, name);
    return count;
}

int64_t adb_result_affected(const adb_result *result)
{
    return result == NULL ? -1 : result->affected;
}

bool adb_result_last_insert_id(const adb_result *result, int64_t *id_out)
{
    if (result == NULL || !result->has_insert_id)
        return false;
    if (id_out != NULL)
        *id_out = result->last_insert_id;
    return true;
}

adb_value adb_result_value(const adb_result *result)
{
    return adb_row_value(adb_result_row(result, 0), 0);
}

adb_row adb_result_row(const adb_result *result, size_t index)
{
    return (adb_row){.result = result, .index = index};
}

adb_result *adb_result_ref(adb_result *result)
{
    if (result != NULL)
        adb__ref_take(&result->ref);
    return result;
}

void adb_result_unref(adb_result *result)
{
    if (result == NULL || !adb__ref_drop(&result->ref))
        return;
    adb__result_fini(result);
    if (result->release_fn != NULL)
        result->release_fn(result);
    else
        adb__free(result);
}
