/* SPDX-License-Identifier: BSD-3-Clause */
/* A two-level table of texts, grown by atomic exchange: pages for a run of rows each, made when first needed, so that
 * one text of a large result does not cost a table of all its cells. */
#include "model/render.h"

#include "base/alloc.h"

#include <string.h>

#define ROWS_PER_PAGE ((size_t)64)

/* Longer than any number, date, time or UUID. */
#define TEXT_SIZE 64

struct page {
    size_t n_texts;
    _Atomic(char *) texts[]; /* row by row */
};

struct adb__render {
    size_t n_pages;
    _Atomic(struct page *) pages[];
};

/* The three functions below are one pattern. Acquire on load pairs with the release of the exchange that published the
 * pointer, so that what it points at is seen whole; a failed exchange acquires too, for it yields the winner's. */

static struct adb__render *render_of(struct adb_result *result)
{
    struct adb__render *render = atomic_load_explicit(&result->render, memory_order_acquire);
    if (render != NULL)
        return render;

    const size_t n_pages = (result->n_rows + ROWS_PER_PAGE - 1) / ROWS_PER_PAGE;
    struct adb__render *made = adb__alloc_zeroed(sizeof(*made) + n_pages * sizeof(made->pages[0]));
    if (made == NULL)
        return NULL;
    made->n_pages = n_pages;
    if (atomic_compare_exchange_strong_explicit(&result->render, &render, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    adb__free(made);
    return render;
}

static struct page *page_of(struct adb__render *render, size_t index, size_t n_texts)
{
    struct page *page = atomic_load_explicit(&render->pages[index], memory_order_acquire);
    if (page != NULL)
        return page;

    struct page *made = adb__alloc_zeroed(sizeof(*made) + n_texts * sizeof(made->texts[0]));
    if (made == NULL)
        return NULL;
    made->n_texts = n_texts;
    if (atomic_compare_exchange_strong_explicit(&render->pages[index], &page, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    adb__free(made);
    return page;
}

static const char *text_of(_Atomic(char *) *slot, const adb_value *value)
{
    char *text = atomic_load_explicit(slot, memory_order_acquire);
    if (text != NULL)
        return text;

    char buffer[TEXT_SIZE];
    char *made = adb__strndup(buffer, adb_value_format(value, buffer, sizeof(buffer)));
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(slot, &text, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    adb__free(made);
    return text;
}

const char *adb__render_text(struct adb_result *result, size_t row, size_t column, const adb_value *value)
{
    struct adb__render *render = render_of(result);
    if (render == NULL)
        return NULL;

    const size_t first = row - row % ROWS_PER_PAGE;
    const size_t n_rows = result->n_rows - first < ROWS_PER_PAGE ? result->n_rows - first : ROWS_PER_PAGE;
    struct page *page = page_of(render, row / ROWS_PER_PAGE, n_rows * result->n_columns);
    if (page == NULL)
        return NULL;
    return text_of(&page->texts[(row - first) * result->n_columns + column], value);
}

static void page_free(struct page *page)
{
    for (size_t i = 0; page != NULL && i < page->n_texts; i++)
        adb__free(atomic_load_explicit(&page->texts[i], memory_order_relaxed));
    adb__free(page);
}

/* Relaxed throughout: dropping the last reference has ordered all that came before. */
void adb__render_free(struct adb_result *result)
{
    struct adb__render *render = atomic_load_explicit(&result->render, memory_order_relaxed);
    for (size_t i = 0; render != NULL && i < render->n_pages; i++)
        page_free(atomic_load_explicit(&render->pages[i], memory_order_relaxed));
    adb__free(render);
    atomic_store_explicit(&result->render, NULL, memory_order_relaxed);
}
