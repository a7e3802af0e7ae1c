/* SPDX-License-Identifier: BSD-3-Clause */
/* SQL texts by the thousand, made of pieces that hide placeholders or seem to: what the tokenizer makes of them is
 * compared with what the server makes of them. */
#ifndef ADB_TESTS_TEXTS_H
#define ADB_TESTS_TEXTS_H

#include "model/dialect.h"

#include <stdbool.h>
#include <stddef.h>

/* What a server says of a text: how many parameters it has, or -1 when it refuses it. */
typedef int (*texts_ask_fn)(void *native, const char *sql, size_t size);

struct texts_score {
    size_t taken;      /* by us and by the server */
    size_t with_marks; /* of these, with placeholders in them */
};

/* Make so many texts of the atoms (ended by NULL), always the same, and ask about each. False, with the text printed,
 * when the server counts other parameters in the text that we send than we do. */
bool texts_compare(const struct adb__dialect *dialect, const char *const *atoms, size_t n_texts, texts_ask_fn ask,
                   void *native, struct texts_score *score_out);

#endif
