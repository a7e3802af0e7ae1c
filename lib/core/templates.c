/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps templates that are asked for twice. */
#include "core/templates.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "core/job.h"

#include <stdalign.h>

/* A template with its memory: one allocation, if the statement is small. */
struct kept {
    struct adb__shelved shelved; /* first */
    unsigned flags;
    const char *sql; /* as it was given; in the arena */
    size_t sql_size;
    struct adb__sql_template made;
    struct adb__arena arena;
    alignas(max_align_t) char lent[640];
};

static struct adb__hold *slot_hold(void *owner, size_t index)
{
    const struct adb__jobs *jobs = owner;
    return &jobs->slots[index].template_hold;
}

static void kept_free(struct adb__shelved *shelved)
{
    struct kept *kept = ADB__CONTAINER_OF(shelved, struct kept, shelved);
    adb__arena_reset(&kept->arena);
    adb__free(kept);
}

void adb__templates_init(struct adb__templates *templates, const struct adb__dialect *dialect, struct adb__jobs *jobs)
{
    templates->dialect = dialect;
    adb__shelf_init(&templates->shelf, &(struct adb__shelf_config){.max_bytes = ADB__TEMPLATES_MAX_BYTES,
                                                                   .n_holds = jobs->capacity,
                                                                   .hold_fn = slot_hold,
                                                                   .owner = jobs,
                                                                   .free_fn = kept_free});
}

void adb__templates_fini(struct adb__templates *templates)
{
    adb__shelf_fini(&templates->shelf);
}

static bool is_kept(const struct adb__shelved *shelved, const void *key)
{
    const struct kept *kept = (const struct kept *)shelved;
    const struct adb__template_request *request = key;
    return kept->sql_size == request->sql_size && kept->flags == request->flags &&
           memcmp(kept->sql, request->sql, request->sql_size) == 0;
}

static adb_status kept_parse(struct kept *kept, const struct adb__dialect *dialect,
                             const struct adb__template_request *request, adb_error *error)
{
    adb_status status =
        adb__sql_parse(&kept->arena, dialect, request->flags, request->sql, request->sql_size, &kept->made, error);
    if (status != ADB_OK)
        return status;
    kept->sql = kept->made.sql;
    if (kept->made.sql_size != request->sql_size || memcmp(kept->made.sql, request->sql, request->sql_size) != 0)
        kept->sql = adb__arena_bytes(&kept->arena, request->sql, request->sql_size);
    return kept->sql != NULL ? ADB_OK : ADB_E_NOMEM;
}

/* NULL: it is refused, or there is no memory to keep it, which is no refusal. */
static struct kept *kept_new(const struct adb__dialect *dialect, const struct adb__template_request *request,
                             uint64_t hash, adb_error *error)
{
    struct kept *kept = adb__alloc(sizeof(*kept));
    if (kept == NULL)
        return NULL;
    kept->flags = request->flags;
    kept->sql_size = request->sql_size;
    adb__arena_init(&kept->arena, kept->lent, sizeof(kept->lent));
    if (kept_parse(kept, dialect, request, error) != ADB_OK) {
        kept_free(&kept->shelved);
        return NULL;
    }
    kept->shelved.hash = hash;
    kept->shelved.bytes = sizeof(*kept) + kept->arena.total_bytes;
    return kept;
}

/* The one that is kept, or will be from now on; NULL: none. */
static const struct adb__sql_template *templates_keep(struct adb__templates *templates,
                                                      struct adb__template_request *request, adb_error *error)
{
    if (request->hold == NULL || request->sql_size > ADB__TEMPLATES_MOST_SQL)
        return NULL;
    const uint64_t hash = adb__hash_mix(adb__hash_bytes(request->sql, request->sql_size), request->flags);
    struct adb__shelved *found = adb__shelf_find(&templates->shelf, hash, request->hold, is_kept, request);
    if (found != NULL)
        return &ADB__CONTAINER_OF(found, struct kept, shelved)->made;
    if (!adb__shelf_seen_before(&templates->shelf, hash))
        return NULL;
    struct kept *kept = kept_new(templates->dialect, request, hash, error);
    if (kept == NULL)
        return NULL;
    adb__shelf_put(&templates->shelf, &kept->shelved, request->hold);
    return &kept->made;
}

const struct adb__sql_template *adb__templates_get(struct adb__templates *templates,
                                                   struct adb__template_request *request, adb_status *status_out,
                                                   adb_error *error)
{
    const struct adb__sql_template *kept = templates_keep(templates, request, error);
    *status_out = ADB_OK;
    if (kept != NULL)
        return kept;
    *status_out = adb__sql_parse(request->arena, templates->dialect, request->flags, request->sql, request->sql_size,
                                 &request->own, error);
    return *status_out == ADB_OK ? &request->own : NULL;
}
