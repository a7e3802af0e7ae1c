/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of one size that come back from wherever they went and are given out again. A block may outlive the owner of
 * the stash, and then goes for good when it comes back. */
#ifndef ADB_CORE_STASH_H
#define ADB_CORE_STASH_H

#include <stddef.h>

struct adb__stash;

/* Keeps at most so many blocks. NULL: no memory. */
struct adb__stash *adb__stash_new(size_t block_size, size_t most);
/* The owner goes. NULL: nothing. */
void adb__stash_close(struct adb__stash *stash);

/* One that has come back last, with whatever is in it, else a new one; at the beginning of a line of the cache. NULL:
 * no memory. */
void *adb__stash_take(struct adb__stash *stash);
/* Any thread, also after the owner has gone. */
void adb__stash_give(struct adb__stash *stash, void *block);

#endif
