/* SPDX-License-Identifier: BSD-3-Clause */
/* The countdown allocator: hooks for lib/base/alloc.h. Thread-safe. */
#include "tests/lib/fault.h"

#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

static _Atomic int64_t left = INT64_MAX;
static _Atomic bool refused;
static _Atomic bool once;
static _Atomic int64_t live;
static _Atomic size_t allocations;
static _Atomic bool watching;

static void *fault_realloc(void *block, size_t size)
{
    int64_t now_left = atomic_fetch_sub(&left, 1);
    atomic_fetch_add(&allocations, 1);
    if (now_left == 0 || (now_left < 0 && !atomic_load(&once))) {
        atomic_store(&refused, true);
        return NULL;
    }
    void *grown = realloc(block, size);
    if (grown != NULL && block == NULL)
        atomic_fetch_add(&live, 1);
    return grown;
}

static void fault_free(void *block)
{
    if (block != NULL)
        atomic_fetch_sub(&live, 1);
    free(block);
}

static const struct adb__alloc_hooks fault_hooks = {.realloc_fn = fault_realloc, .free_fn = fault_free};

void fault_watch(void)
{
    if (!atomic_exchange(&watching, true)) /* threads of the library may run when it is armed anew */
        adb__alloc_set_hooks(&fault_hooks);
}

void fault_arm(size_t n)
{
    atomic_store(&once, false);
    atomic_store(&refused, false);
    atomic_store(&left, (int64_t)n);
    fault_watch();
}

void fault_arm_once(size_t n)
{
    fault_arm(n);
    atomic_store(&once, true);
}

bool fault_disarm(void)
{
    atomic_store(&left, INT64_MAX);
    return atomic_load(&refused);
}

size_t fault_live_blocks(void)
{
    return (size_t)atomic_load(&live);
}

size_t fault_allocations(void)
{
    return atomic_load(&allocations);
}
