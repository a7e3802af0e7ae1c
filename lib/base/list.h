/* SPDX-License-Identifier: BSD-3-Clause */
/* Intrusive doubly linked ring. The head is a node too; an empty list points at itself. */
#ifndef ADB_BASE_LIST_H
#define ADB_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct adb__list {
    struct adb__list *next;
    struct adb__list *prev;
};

#define ADB__CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

static inline void adb__list_init(struct adb__list *head)
{
    head->next = head->prev = head;
}

static inline bool adb__list_empty(const struct adb__list *head)
{
    return head->next == head;
}

static inline void adb__list_append(struct adb__list *head, struct adb__list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void adb__list_prepend(struct adb__list *head, struct adb__list *node)
{
    adb__list_append(head->next, node);
}

/* Leaves the node as a list of its own, so that removing twice is harmless. */
static inline void adb__list_remove(struct adb__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    adb__list_init(node);
}

static inline struct adb__list *adb__list_take_first(struct adb__list *head)
{
    struct adb__list *first = head->next;
    if (first == head)
        return NULL;
    adb__list_remove(first);
    return first;
}

#define ADB__LIST_FOR_EACH(node, head) for (struct adb__list *node = (head)->next; node != (head); node = node->next)

#endif
