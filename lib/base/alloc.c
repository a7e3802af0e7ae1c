/* SPDX-License-Identifier: BSD-3-Clause */
/* Every allocation of the library goes through here, so that tests can make any of them fail. */
#include "base/alloc.h"

#include "base/cacheline.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct adb__alloc_hooks libc_hooks = {.realloc_fn = realloc, .free_fn = free};

/* Plain, not atomic: hooks are set before the first thread starts. */
static struct adb__alloc_hooks hooks = {.realloc_fn = realloc, .free_fn = free};

void adb__alloc_set_hooks(const struct adb__alloc_hooks *new_hooks)
{
    hooks = new_hooks != NULL ? *new_hooks : libc_hooks;
}

/* Never asks for 0 bytes: what realloc() does then differs by platform, and one answer is to free the block. */
static void *hooked_realloc(void *block, size_t size)
{
    return hooks.realloc_fn(block, size != 0 ? size : 1);
}

static bool product_fits(size_t count, size_t size)
{
    return size == 0 || count <= SIZE_MAX / size;
}

void *adb__alloc(size_t size)
{
    return hooked_realloc(NULL, size);
}

void *adb__alloc_zeroed(size_t size)
{
    void *block = hooked_realloc(NULL, size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

void *adb__alloc_array(size_t count, size_t size)
{
    if (!product_fits(count, size))
        return NULL;
    return adb__alloc_zeroed(count * size);
}

void *adb__realloc_array(void *block, size_t count, size_t size)
{
    if (!product_fits(count, size))
        return NULL;
    return hooked_realloc(block, count * size);
}

char *adb__strdup(const char *text)
{
    return adb__strndup(text, strlen(text));
}

char *adb__strndup(const char *text, size_t size)
{
    const size_t length = strnlen(text, size);
    char *copy = hooked_realloc(NULL, length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void adb__free(void *block)
{
    if (block != NULL)
        hooks.free_fn(block);
}

/* Before the block stands where the memory begins that it was cut from. With the word that malloc() keeps of each
 * block, as a rule, it is a number of whole lines, so that blocks made one after the other lie in equal distances: a
 * processor that is led from one to the next fetches the third by itself. */
void *adb__alloc_lines(size_t count, size_t size)
{
    const size_t before = sizeof(void *) + ADB__CACHE_LINE - 1; /* at most */
    const size_t extra = before + sizeof(void *) + ADB__CACHE_LINE;
    if (!product_fits(count, size) || count * size > SIZE_MAX - extra)
        return NULL;
    const size_t total = (count * size + extra - 1) / ADB__CACHE_LINE * ADB__CACHE_LINE - sizeof(void *);
    char *memory = adb__alloc_zeroed(total);
    if (memory == NULL)
        return NULL;
    const size_t past = (uintptr_t)(memory + before) % ADB__CACHE_LINE;
    void **block = (void **)(void *)(memory + before - past);
    block[-1] = memory;
    return block;
}

void adb__free_lines(void *block)
{
    if (block != NULL)
        adb__free(((void **)block)[-1]);
}
