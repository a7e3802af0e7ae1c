/* SPDX-License-Identifier: BSD-3-Clause */
/* Every allocation of the library goes through here: replaceable, overflow-checked. */
#ifndef ADB_BASE_ALLOC_H
#define ADB_BASE_ALLOC_H

#include <stddef.h>

/* What serves allocations; realloc_fn with NULL allocates. For tests; set before anything is allocated. */
struct adb__alloc_hooks {
    void *(*realloc_fn)(void *block, size_t size);
    void (*free_fn)(void *block);
};

/* Install hooks; NULL puts libc's back. */
void adb__alloc_set_hooks(const struct adb__alloc_hooks *hooks);

void *adb__alloc(size_t size);                                  /* NULL when there is no memory */
void *adb__alloc_zeroed(size_t size);
void *adb__alloc_array(size_t count, size_t size);              /* zeroed; NULL on overflow too */
void *adb__realloc_array(void *block, size_t count, size_t size);  /* block stays valid on failure */
char *adb__strdup(const char *text);
char *adb__strndup(const char *text, size_t size);
void adb__free(void *block);                                    /* NULL is fine */

/* Zeroed, from the beginning of a line of the cache on, so that what its owner has laid out line by line lies like
 * that. Only for adb__free_lines(). NULL when there is no memory, or on overflow. */
void *adb__alloc_lines(size_t count, size_t size);
void adb__free_lines(void *block);                              /* NULL is fine */

#endif
