/* SPDX-License-Identifier: BSD-3-Clause */
/* SQL texts by the thousand. */
#include "tests/lib/texts.h"

#include "sql/compile.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_TEXT 512

/* xorshift64*: the same texts on every machine. */
static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(random_next(state) >> 33) % limit;
}

static void append(char *text, const char *more)
{
    const size_t size = strlen(text);
    snprintf(text + size, MAX_TEXT - size, "%s", more);
}

/* One byte more, somewhere behind SELECT: what opens or closes something, or may. */
static void disturb(uint64_t *state, char *text)
{
    static const char marks[] = "'\"`$\\:?-/*#;()@[]eE \n1a%,{}!";
    const size_t size = strlen(text);
    const size_t at = 7 + random_below(state, size - 7);
    if (size + 1 >= MAX_TEXT)
        return;
    memmove(text + at + 1, text + at, size - at + 1);
    text[at] = marks[random_below(state, sizeof(marks) - 1)];
}

static void make(uint64_t *state, const char *const *atoms, size_t n_atoms, char *text)
{
    static const char *const between[] = {", ", ",", "\n,\t", ",/**/", " -- x\n,", " || ", " , "};
    strcpy(text, "SELECT ");
    const size_t n_items = 1 + random_below(state, 4);
    for (size_t i = 0; i < n_items; i++) {
        append(text, i > 0 ? between[random_below(state, sizeof(between) / sizeof(between[0]))] : "");
        append(text, atoms[random_below(state, n_atoms)]);
    }
    for (size_t n = random_below(state, 3); n > 0; n--)
        disturb(state, text);
}

/* MySQL runs some of what looks like comments; placeholders in there are left alone (sql/tokenize.c). */
static bool runs_a_comment(const char *text)
{
    return strstr(text, "/*!") != NULL || strstr(text, "/*M!") != NULL;
}

/* One text: whether we and the server agree. */
static bool agree(const struct adb__dialect *dialect, const char *text, texts_ask_fn ask, void *native,
                  struct texts_score *score)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made = {0};
    bool same = true;
    const adb_status status = adb__sql_parse(&arena, dialect, 0, text, strlen(text), &made, NULL);
    if (status == ADB_OK) {
        const int counted = ask(native, made.sql, made.sql_size);
        const size_t ours = dialect->placeholder == ADB__PLACEHOLDER_QUESTION ? made.n_uses : made.n_names;
        same = counted < 0 || (size_t)counted == ours || (runs_a_comment(text) && (size_t)counted > ours);
        if (!same)
            printf("# %zu parameters, the server says %d: %s\n# sent as: %s\n", ours, counted, text, made.sql);
        score->taken += counted >= 0;
        score->with_marks += counted > 0;
    } else if (status == ADB_E_MULTI || status == ADB_E_SYNTAX) {
        same = ask(native, text, strlen(text)) < 0;
        if (!same)
            printf("# refused (%d), but the server takes it: %s\n", (int)status, text);
    }
    adb__arena_reset(&arena);
    return same;
}

bool texts_compare(const struct adb__dialect *dialect, const char *const *atoms, size_t n_texts, texts_ask_fn ask,
                   void *native, struct texts_score *score_out)
{
    char text[MAX_TEXT];
    uint64_t state = UINT64_C(88172645463325252);
    size_t n_atoms = 0, n_different = 0;
    *score_out = (struct texts_score){0};
    while (atoms[n_atoms] != NULL)
        n_atoms++;
    for (size_t i = 0; i < n_texts && n_different < 10; i++) {
        make(&state, atoms, n_atoms, text);
        n_different += !agree(dialect, text, ask, native, score_out);
    }
    return n_different == 0;
}
