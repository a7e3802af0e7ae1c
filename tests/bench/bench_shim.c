/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts allocations: preloaded into a benchmark (LD_PRELOAD) by run.sh, and asked by counters.c. What the program
 * itself asks for, in which the library is linked, is told from what shared libraries ask for by the address of the
 * caller. */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_BYTES 4096 /* what dlsym() itself may ask for before there is an allocator */

struct range {
    uintptr_t begin, end;
};

static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *block, size_t size);
static void (*next_free)(void *block);
static struct range program;
static _Atomic bool counting;
static _Atomic uint64_t own, others;
static _Alignas(16) char early[EARLY_BYTES];
static size_t early_used;

/* Of counters.c, which finds them by name. */
void bench_shim_count(bool on);
void bench_shim_counts(uint64_t *own_out, uint64_t *others_out);

void bench_shim_count(bool on)
{
    atomic_store(&own, 0);
    atomic_store(&others, 0);
    atomic_store(&counting, on);
}

void bench_shim_counts(uint64_t *own_out, uint64_t *others_out)
{
    *own_out = atomic_load(&own);
    *others_out = atomic_load(&others);
}

/* The first object is the program. */
static int note_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0)
            program = (struct range){info->dlpi_addr + part->p_vaddr, info->dlpi_addr + part->p_vaddr + part->p_memsz};
    }
    return 1;
}

static void find(void *function_out, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function_out, &found, sizeof(found));
}

__attribute__((constructor)) static void prepare(void)
{
    static bool begun;
    if (begun)
        return;
    begun = true;
    find(&next_calloc, "calloc");
    find(&next_realloc, "realloc");
    find(&next_free, "free");
    find(&next_malloc, "malloc");
    dl_iterate_phdr(note_program, NULL);
}

static void count(const void *caller)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed))
        return;
    const bool is_own = (uintptr_t)caller >= program.begin && (uintptr_t)caller < program.end;
    atomic_fetch_add_explicit(is_own ? &own : &others, 1, memory_order_relaxed);
}

static void *early_take(size_t size)
{
    const size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded > EARLY_BYTES - early_used)
        return NULL;
    early_used += rounded;
    return early + early_used - rounded;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + EARLY_BYTES;
}

void *malloc(size_t size)
{
    if (next_malloc == NULL)
        prepare();
    if (next_malloc == NULL)
        return early_take(size);
    count(__builtin_return_address(0));
    return next_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (next_calloc == NULL)
        prepare();
    if (next_calloc == NULL)
        return early_take(n * size); /* zeros: it is static */
    count(__builtin_return_address(0));
    return next_calloc(n, size);
}

void *realloc(void *block, size_t size)
{
    if (next_realloc == NULL)
        prepare();
    count(__builtin_return_address(0));
    return next_realloc(block, size);
}

void free(void *block)
{
    if (block != NULL && !is_early(block))
        next_free(block);
}
