/* SPDX-License-Identifier: BSD-3-Clause */
/* Binds values to a template: finds each its place, checks and copies it, and writes the text again when a list stands
 * for several placeholders. */
#include "sql/compile.h"

#include "model/error.h"
#include "model/value.h"
#include "sql/names.h"
#include "sql/piece.h"

#include <string.h>

struct binder {
    struct adb__arena *arena;
    adb_error *error;
    const struct adb__sql_template *source;
    unsigned flags;
    struct adb__sql_slot *slots; /* one for each name or position */
    adb_value *values;           /* in the order of the slots */
    size_t n_values;
    bool lists;
    bool empty_lists;
};

static adb_status binder_no_memory(const struct binder *b)
{
    return adb__error_set(b->error, ADB_E_NOMEM, "no memory for the values of the statement");
}

/* A complaint about one name or position. */
static adb_status binder_refuse(const struct binder *b, size_t slot, adb_status status, const char *complaint)
{
    const char *name = b->source->names[slot];
    if (name != NULL)
        return adb__error_set(b->error, status, "parameter %s %s", name, complaint);
    return adb__error_set(b->error, status, "parameter %zu %s", slot + 1, complaint);
}

static adb_status match_positions(struct binder *b, const adb_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        if (params->items[i].name != NULL)
            return adb__error_set(b->error, ADB_E_PARAMETER, "parameter %s has a name, the placeholders have none",
                                  params->items[i].name);
        if (i < b->source->n_names)
            b->slots[i].given = &params->items[i].value;
    }
    if (params->count != b->source->n_names)
        return adb__error_set(b->error, ADB_E_PARAMETER, "%zu values given, the statement has %zu placeholders",
                              params->count, b->source->n_names);
    return ADB_OK;
}

static adb_status match_name(struct binder *b, const adb_param *param, size_t index)
{
    if (param->name == NULL)
        return adb__error_set(b->error, ADB_E_PARAMETER, "parameter %zu has no name, the placeholders have names",
                              index + 1);
    if (param->name[0] == ':')
        return adb__error_set(b->error, ADB_E_PARAMETER, "parameter %s is to be named without the colon", param->name);
    const size_t slot = adb__sql_names_find(b->source->index, param->name, strlen(param->name));
    if (slot == ADB__NAME_NONE)
        return adb__error_set(b->error, ADB_E_PARAMETER, "parameter %s has no placeholder in the statement",
                              param->name);
    if (b->slots[slot].given != NULL)
        return binder_refuse(b, slot, ADB_E_PARAMETER, "is given twice");
    b->slots[slot].given = &param->value;
    return ADB_OK;
}

static adb_status match_names(struct binder *b, const adb_params *params)
{
    for (size_t i = 0; i < params->count; i++) {
        const adb_status status = match_name(b, &params->items[i], i);
        if (status != ADB_OK)
            return status;
    }
    for (size_t i = 0; i < b->source->n_names; i++) {
        if (b->slots[i].given == NULL)
            return binder_refuse(b, i, ADB_E_PARAMETER, "has no value");
    }
    return ADB_OK;
}

/* Values for a statement that takes none. */
static adb_status match_nothing(const struct binder *b, const adb_params *params)
{
    if (params->count == 0)
        return ADB_OK;
    if (params->items[0].name == NULL)
        return adb__error_set(b->error, ADB_E_PARAMETER, "%zu values given, the statement has no placeholders",
                              params->count);
    return adb__error_set(b->error, ADB_E_PARAMETER, "parameter %s has no placeholder in the statement",
                          params->items[0].name);
}

static adb_status binder_match(struct binder *b, const adb_params *params)
{
    static const adb_params none = {NULL, 0};
    if (params == NULL)
        params = &none;
    if (params->count > 0 && params->items == NULL)
        return adb__error_set(b->error, ADB_E_INVAL, "parameters without an array");
    if (b->source->n_names == 0)
        return match_nothing(b, params);

    const size_t size = b->source->n_names * sizeof(*b->slots);
    if (b->slots == NULL)
        b->slots = adb__arena_alloc(b->arena, size);
    if (b->slots == NULL)
        return binder_no_memory(b);
    memset(b->slots, 0, size);
    return b->source->positional ? match_positions(b, params) : match_names(b, params);
}

static adb_status check_value(const struct binder *b, size_t slot)
{
    const adb_value *value = b->slots[slot].given;
    const adb_status status = adb__value_check(value);
    if (status == ADB_OK)
        return ADB_OK;
    if (status == ADB_E_TOO_BIG)
        return binder_refuse(b, slot, status, "has a value of 2 GB or more");
    const char *complaint = "has a value that is out of range for its type";
    if (value->type == ADB_TYPE_LIST)
        complaint = "has a list with an item that cannot be bound (a list, or out of range)";
    return binder_refuse(b, slot, status, complaint);
}

/* Check the values and number them. */
static adb_status binder_measure(struct binder *b)
{
    for (size_t i = 0; i < b->source->n_names; i++) {
        struct adb__sql_slot *slot = &b->slots[i];
        const adb_status status = check_value(b, i);
        if (status != ADB_OK)
            return status;
        const bool list = slot->given->type == ADB_TYPE_LIST;
        slot->width = list ? slot->given->size : 1;
        slot->first = b->n_values;
        b->n_values += slot->width;
        b->lists = b->lists || list;
        b->empty_lists = b->empty_lists || slot->width == 0;
    }
    return ADB_OK;
}

/* Values in the order of their uses, where every use takes its own. */
static size_t count_by_use(const struct binder *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->source->n_pieces; i++) {
        const size_t slot = b->source->pieces[i].slot;
        if (slot != ADB__SLOT_NONE)
            count += b->slots[slot].width;
    }
    return count;
}

static bool binder_repeats(const struct binder *b)
{
    return b->source->dialect->placeholder == ADB__PLACEHOLDER_QUESTION && !b->source->in_order;
}

/* An empty list becomes a query, which cannot stand beside other items. */
static adb_status binder_check_empty(const struct binder *b)
{
    for (size_t i = 0; b->empty_lists && i < b->source->n_pieces; i++) {
        const struct adb__sql_piece *piece = &b->source->pieces[i];
        if (piece->slot != ADB__SLOT_NONE && b->slots[piece->slot].width == 0 && adb__sql_piece_is_shared(piece))
            return binder_refuse(b, piece->slot, ADB_E_PARAMETER,
                                 "has an empty list, which must be alone in its parentheses");
    }
    return ADB_OK;
}

static adb_status copy_slot(struct binder *b, const struct adb__sql_slot *slot)
{
    const bool list = slot->given->type == ADB_TYPE_LIST;
    const adb_value *from = list ? slot->given->as.items : slot->given;
    for (size_t i = 0; i < slot->width; i++) {
        adb_value *to = &b->values[slot->first + i];
        if (b->flags & ADB__SQL_NO_COPY)
            *to = from[i];
        else if (adb__value_copy(b->arena, &from[i], to) != ADB_OK)
            return binder_no_memory(b); /* the values have been checked */
    }
    return ADB_OK;
}

static adb_status binder_copy(struct binder *b)
{
    b->values = adb__arena_alloc(b->arena, b->n_values * sizeof(*b->values));
    if (b->values == NULL)
        return binder_no_memory(b);
    adb_status status = ADB_OK;
    for (size_t i = 0; i < b->source->n_names && status == ADB_OK; i++)
        status = copy_slot(b, &b->slots[i]);
    return status;
}

/* Give every use its own value. The bytes of a value stay shared. */
static adb_status binder_repeat(struct binder *b, size_t n_values)
{
    adb_value *values = adb__arena_alloc(b->arena, n_values * sizeof(*values));
    if (values == NULL)
        return binder_no_memory(b);
    size_t n = 0;
    for (size_t i = 0; i < b->source->n_pieces; i++) {
        if (b->source->pieces[i].slot == ADB__SLOT_NONE)
            continue;
        const struct adb__sql_slot *slot = &b->slots[b->source->pieces[i].slot];
        if (slot->width > 0)
            memcpy(values + n, b->values + slot->first, slot->width * sizeof(*values));
        n += slot->width;
    }
    b->values = values;
    b->n_values = n;
    return ADB_OK;
}

static adb_status binder_values(struct binder *b)
{
    const size_t n_values = binder_repeats(b) ? count_by_use(b) : b->n_values;
    adb_status status = adb__sql_check_count(b->source->dialect, n_values, b->error);
    if (status == ADB_OK)
        status = binder_check_empty(b);
    if (status == ADB_OK)
        status = binder_copy(b);
    if (status == ADB_OK && binder_repeats(b))
        status = binder_repeat(b, n_values);
    return status;
}

static void write_all(const struct binder *b, struct adb__sql_writer *writer)
{
    for (size_t i = 0; i < b->source->n_pieces; i++) {
        const struct adb__sql_piece *piece = &b->source->pieces[i];
        const struct adb__sql_slot *slot = piece->slot != ADB__SLOT_NONE ? &b->slots[piece->slot] : NULL;
        adb__sql_write_piece(writer, b->source->dialect, piece, slot);
    }
}

/* The text with the lists expanded. */
static adb_status binder_write(const struct binder *b, struct adb__statement *statement)
{
    struct adb__sql_writer counter = {0};
    write_all(b, &counter);
    const adb_status status = adb__sql_check_size(counter.size, b->error);
    if (status != ADB_OK)
        return status;

    struct adb__sql_writer writer = {.out = adb__arena_alloc(b->arena, counter.size + 1)};
    if (writer.out == NULL)
        return binder_no_memory(b);
    write_all(b, &writer);
    writer.out[writer.size] = '\0';
    statement->sql = writer.out;
    statement->sql_size = writer.size;
    statement->flags |= ADB__STMT_NO_CACHE;
    return ADB_OK;
}

adb_status adb__sql_bind(struct adb__arena *arena, const struct adb__sql_template *sql_template, unsigned flags,
                         const adb_params *params, struct adb__statement *statement_out, adb_error *error)
{
    struct binder b = {.arena = arena, .error = error, .source = sql_template, .flags = flags};
    struct adb__statement statement = {
        .sql = sql_template->sql, .sql_size = sql_template->sql_size, .flags = sql_template->flags};
    adb_status status = binder_match(&b, params);
    if (status == ADB_OK && sql_template->n_names > 0) {
        status = binder_measure(&b);
        if (status == ADB_OK)
            status = binder_values(&b);
        if (status == ADB_OK && b.lists)
            status = binder_write(&b, &statement);
    }
    if (status != ADB_OK)
        return status;
    statement.values = b.values;
    statement.n_values = b.n_values;
    *statement_out = statement;
    return ADB_OK;
}

/* Sets ------------------------------------------------------------------------------------------------------------- */

static adb_status set_copy_value(const struct binder *b, size_t slot, adb_value *copy_out)
{
    const adb_value *given = b->slots[slot].given;
    const bool copies = (b->flags & ADB__SQL_NO_COPY) == 0;
    if (given->type == ADB_TYPE_LIST)
        return adb__error_set(b->error, ADB_E_PARAMETER, "a list cannot be bound in a set");
    if (copies && adb__value_copy(b->arena, given, copy_out) == ADB_OK) /* it checks, too */
        return ADB_OK;
    const adb_status status = check_value(b, slot);
    if (status != ADB_OK || copies)
        return status != ADB_OK ? status : binder_no_memory(b);
    *copy_out = *given;
    return ADB_OK;
}

/* Give every use its own value, from the values in the order of the slots. */
static void set_repeat(const struct binder *b, adb_value *values)
{
    for (size_t i = 0; i < b->source->n_pieces; i++) {
        if (b->source->pieces[i].slot != ADB__SLOT_NONE)
            *values++ = b->values[b->source->pieces[i].slot];
    }
}

/* The values of one set, in the order in which the database wants them. */
static adb_status set_bind(struct binder *b, const adb_params *set, adb_value *values)
{
    const bool repeats = binder_repeats(b);
    adb_status status = binder_match(b, set);
    for (size_t i = 0; i < b->source->n_names && status == ADB_OK; i++)
        status = set_copy_value(b, i, repeats ? &b->values[i] : &values[i]);
    if (status == ADB_OK && repeats)
        set_repeat(b, values);
    return status;
}

/* Room for all sets at once. False: there is no memory. */
static bool sets_make_room(struct binder *b, size_t n_sets, size_t n_values, const adb_value ***sets_out,
                           adb_value **values_out)
{
    const size_t set_size = n_values * sizeof(adb_value) + sizeof(adb_value *);
    if (n_sets >= SIZE_MAX / set_size)
        return false;
    *sets_out = adb__arena_alloc(b->arena, n_sets * sizeof(adb_value *));
    *values_out = adb__arena_alloc(b->arena, n_sets * n_values * sizeof(adb_value));
    if (binder_repeats(b))
        b->values = adb__arena_alloc(b->arena, b->source->n_names * sizeof(adb_value));
    return *sets_out != NULL && *values_out != NULL && (b->values != NULL || !binder_repeats(b));
}

adb_status adb__sql_bind_sets(struct adb__arena *arena, const struct adb__sql_template *sql_template, unsigned flags,
                              const adb_params *sets, size_t n_sets, struct adb__statement *statement_out,
                              const adb_value *const **sets_out, adb_error *error)
{
    adb_error detail;
    struct binder b = {.arena = arena, .error = &detail, .source = sql_template, .flags = flags};
    const adb_value **bound;
    adb_value *values;
    b.n_values = binder_repeats(&b) ? sql_template->n_uses : sql_template->n_names;
    if (!sets_make_room(&b, n_sets, b.n_values, &bound, &values))
        return adb__error_set(error, ADB_E_NOMEM, "no memory for %zu parameter sets", n_sets);
    for (size_t i = 0; i < n_sets; i++) {
        bound[i] = values + i * b.n_values;
        const adb_status status = set_bind(&b, &sets[i], values + i * b.n_values);
        if (status != ADB_OK)
            return adb__error_set(error, status, "set %zu: %s", i, detail.message);
    }
    *statement_out = (struct adb__statement){.sql = sql_template->sql,
                                             .sql_size = sql_template->sql_size,
                                             .n_values = b.n_values,
                                             .flags = sql_template->flags};
    *sets_out = bound;
    return ADB_OK;
}
