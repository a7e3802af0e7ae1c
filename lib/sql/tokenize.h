/* SPDX-License-Identifier: BSD-3-Clause */
/* Cuts SQL text into tokens by the lexical rules of one dialect and finds the placeholders among them. Knows where
 * literals, quoted names and comments end, and no grammar. Allocates nothing. */
#ifndef ADB_SQL_TOKENIZE_H
#define ADB_SQL_TOKENIZE_H

#include "model/dialect.h"

#include <stdbool.h>
#include <stddef.h>

enum adb__token_kind {
    ADB__TOKEN_END,
    ADB__TOKEN_BLANK,
    ADB__TOKEN_COMMENT,
    ADB__TOKEN_WORD,         /* keyword, bare name or number */
    ADB__TOKEN_QUOTED,       /* literal, quoted name or dollar quote */
    ADB__TOKEN_OPEN,         /* ( */
    ADB__TOKEN_CLOSE,        /* ) */
    ADB__TOKEN_COMMA,
    ADB__TOKEN_SEMICOLON,
    ADB__TOKEN_OTHER,
    ADB__TOKEN_NAMED,        /* :name */
    ADB__TOKEN_NEXT,         /* ? or %s: one position after the last */
    ADB__TOKEN_NUMBERED,     /* ?7 or $7 */
    ADB__TOKEN_ESCAPE,       /* two bytes that stand for the second: \: \? %% */
    ADB__TOKEN_FOREIGN,      /* the database would take it for a placeholder, and nobody would bind it */
    ADB__TOKEN_UNTERMINATED  /* literal, quoted name or comment that runs to the end of the text */
};

struct adb__token {
    enum adb__token_kind kind;
    size_t offset;
    size_t size;
};

struct adb__tokenizer {
    const struct adb__dialect *dialect;
    const char *sql;   /* need not end in a NUL */
    size_t size;
    size_t offset;     /* where the next token starts; begin with 0 */
    bool format;       /* %s and %% count */
    bool raw;          /* no placeholders and no escapes: all of them are ADB__TOKEN_OTHER */
};

/* The token at the offset, which moves behind it; false at the end, with ADB__TOKEN_END. The tokens of a text are the
 * whole text, in order. */
bool adb__tokenizer_next(struct adb__tokenizer *tokenizer, struct adb__token *token_out);

/* Whether a token is this word, given in capitals. ASCII only: no locale changes what is a keyword. */
bool adb__token_is(const char *sql, const struct adb__token *token, const char *word);
/* The same for several words; the array ends in NULL. */
bool adb__token_is_any(const char *sql, const struct adb__token *token, const char *const *words);

/* Bytes that go on with a bare name, a keyword or a number, so that a placeholder beside them needs a blank. */
bool adb__byte_is_word(char byte);

#endif
