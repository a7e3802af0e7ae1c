/* SPDX-License-Identifier: BSD-3-Clause */
/* Cuts SQL text into tokens. Each scan function looks at the text from the tokenizer's offset on and fills the token's
 * kind and size; distances below are counted from that offset. */
#include "sql/tokenize.h"

#include <string.h>

/* What escapes the next byte inside quotes; NO_ESCAPE equals no char. */
enum { BACKSLASH = '\\', NO_ESCAPE = 256 };

/* Classes of bytes, for masks. */
enum {
    BLANK = 1u << 0,
    LETTER = 1u << 1, /* with _ and all from 0x80 on */
    DIGIT = 1u << 2,
    DOLLAR = 1u << 3,
    NAME = LETTER | DIGIT,
    WORD = NAME | DOLLAR
};

#define O 0
#define B BLANK
#define L LETTER
#define D DIGIT
#define S DOLLAR
static const unsigned char ascii_classes[0x80] = {
    O, O, O, O, O, O, O, O, O, B, B, B, B, B, O, O, /* 00: \t \n \v \f \r */
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, /* 10 */
    B, O, O, O, S, O, O, O, O, O, O, O, O, O, O, O, /* 20: blank $ */
    D, D, D, D, D, D, D, D, D, D, O, O, O, O, O, O, /* 30: 0 to 9 */
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* 40: A */
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, L, /* 50: Z _ */
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* 60: a */
    L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O, /* 70: z */
};
#undef O
#undef B
#undef L
#undef D
#undef S

static bool is(unsigned char c, unsigned classes)
{
    return ((c < 0x80 ? ascii_classes[c] : LETTER) & classes) != 0;
}

bool adb__byte_is_word(char byte)
{
    return is((unsigned char)byte, WORD);
}

/* The byte at a distance, 0 past the end. */
static unsigned char peek(const struct adb__tokenizer *t, size_t distance)
{
    return distance < t->size - t->offset ? (unsigned char)t->sql[t->offset + distance] : 0;
}

static bool follows(const struct adb__tokenizer *t, size_t distance, const char *two)
{
    return peek(t, distance) == (unsigned char)two[0] && peek(t, distance + 1) == (unsigned char)two[1];
}

static void take(struct adb__token *token, enum adb__token_kind kind, size_t size)
{
    token->kind = kind;
    token->size = size;
}

/* end is 0 when the closing mark is missing. */
static void take_closed(const struct adb__tokenizer *t, struct adb__token *token, enum adb__token_kind kind, size_t end)
{
    if (end != 0)
        take(token, kind, end);
    else
        take(token, ADB__TOKEN_UNTERMINATED, t->size - t->offset);
}

/* Behind the quote that closes the one at open, 0 when none does. A doubled quote closes nothing. */
static size_t quoted_end(const struct adb__tokenizer *t, size_t open, int escape)
{
    const char *text = t->sql + t->offset;
    const size_t size = t->size - t->offset;
    const char quote = text[open];
    for (size_t i = open + 1; i < size; i++) {
        if (text[i] == escape) {
            i++;
        } else if (text[i] == quote) {
            if (i + 1 == size || text[i + 1] != quote)
                return i + 1;
            i++;
        }
    }
    return 0;
}

static size_t bracket_end(const struct adb__tokenizer *t)
{
    const char *text = t->sql + t->offset;
    const char *close = memchr(text, ']', t->size - t->offset);
    return close != NULL ? (size_t)(close - text) + 1 : 0;
}

/* PostgreSQL (the dialect with dollar quotes) ends such a comment at a carriage return too; others do not. */
static size_t line_end(const struct adb__tokenizer *t, size_t distance)
{
    while (t->offset + distance < t->size) {
        const unsigned char c = peek(t, distance);
        if (c == '\n' || (c == '\r' && t->dialect->dollar_quotes))
            break;
        distance++;
    }
    return distance;
}

/* MySQL (the dialect with # comments) wants a blank or a control byte after the two dashes, so that 5--1 is 6. */
static bool starts_dash_comment(const struct adb__tokenizer *t, size_t distance)
{
    if (!follows(t, distance, "--"))
        return false;
    const unsigned char next = peek(t, distance + 2);
    return !t->dialect->hash_comments || next <= ' ' || next == 0x7f;
}

static size_t block_comment_end(const struct adb__tokenizer *t)
{
    const size_t size = t->size - t->offset;
    size_t depth = 1;
    for (size_t i = 2; i + 1 < size; i++) {
        if (follows(t, i, "*/")) {
            if (--depth == 0)
                return i + 2;
            i++;
        } else if (t->dialect->nested_comments && follows(t, i, "/*")) {
            depth++;
            i++;
        }
    }
    return 0;
}

/* What MySQL runs although it looks like a comment is no comment; placeholders inside are left alone all the same. */
static void scan_block_comment(const struct adb__tokenizer *t, struct adb__token *token)
{
    const bool executed = t->dialect->hash_comments && (peek(t, 2) == '!' || follows(t, 2, "M!"));
    take_closed(t, token, executed ? ADB__TOKEN_OTHER : ADB__TOKEN_COMMENT, block_comment_end(t));
}

/* PostgreSQL glues literals that only blanks with a line end part, and the second goes by the rules of the first: where
 * such a second literal opens, 0 when there is none. */
static size_t continuation_open(const struct adb__tokenizer *t, size_t distance)
{
    bool new_line = false;
    for (;;) {
        const unsigned char c = peek(t, distance);
        if (starts_dash_comment(t, distance)) {
            distance = line_end(t, distance);
        } else if (is(c, BLANK)) {
            new_line = new_line || c == '\n' || c == '\r';
            distance++;
        } else {
            return new_line && c == '\'' ? distance : 0;
        }
    }
}

static void scan_escape_string(const struct adb__tokenizer *t, struct adb__token *token)
{
    size_t end = 0;
    size_t open = 1;
    while (open != 0) {
        end = quoted_end(t, open, BACKSLASH);
        open = end != 0 ? continuation_open(t, end) : 0;
    }
    take_closed(t, token, ADB__TOKEN_QUOTED, end);
}

/* The size of an opening $tag$, 0 when there is none. */
static size_t dollar_tag_size(const struct adb__tokenizer *t)
{
    size_t i = 1;
    if (!t->dialect->dollar_quotes)
        return 0;
    if (is(peek(t, i), LETTER)) {
        while (is(peek(t, i), NAME))
            i++;
    }
    return peek(t, i) == '$' ? i + 1 : 0;
}

static size_t dollar_quote_end(const struct adb__tokenizer *t, size_t tag_size)
{
    const char *text = t->sql + t->offset;
    const char *close = memmem(text + tag_size, t->size - t->offset - tag_size, text, tag_size);
    return close != NULL ? (size_t)(close - text) + tag_size : 0;
}

/* How many bytes from a distance on are of these classes. */
static size_t run_size(const struct adb__tokenizer *t, size_t distance, unsigned classes)
{
    const size_t from = t->offset + distance;
    size_t i = from;
    while (i < t->size && is((unsigned char)t->sql[i], classes))
        i++;
    return i - from;
}

/* In PostgreSQL a dollar quote or an E'' may stand right behind digits; elsewhere digits go on like any name. */
static void scan_word(const struct adb__tokenizer *t, struct adb__token *token)
{
    if (t->dialect->dollar_quotes && is(peek(t, 0), DIGIT))
        take(token, ADB__TOKEN_WORD, run_size(t, 0, DIGIT));
    else
        take(token, ADB__TOKEN_WORD, run_size(t, 0, WORD));
}

/* SQLite takes a name behind any of : @ $ # for a placeholder, with pairs of colons before it: the size of such a
 * one, 0 when there is none. Unbound it would silently be NULL. */
static size_t foreign_size(const struct adb__tokenizer *t)
{
    size_t i = 1;
    if (t->raw || t->dialect->placeholder != ADB__PLACEHOLDER_NUMBERED_QUESTION)
        return 0;
    while (follows(t, i, "::"))
        i += 2;
    const size_t name_size = run_size(t, i, WORD);
    return name_size > 0 ? i + name_size : 0;
}

static void scan_sigil(const struct adb__tokenizer *t, struct adb__token *token)
{
    const size_t foreign = foreign_size(t);
    if (foreign != 0)
        take(token, ADB__TOKEN_FOREIGN, foreign);
    else
        take(token, ADB__TOKEN_OTHER, 1);
}

static void scan_dollar(const struct adb__tokenizer *t, struct adb__token *token)
{
    const size_t digits = run_size(t, 1, DIGIT);
    const size_t tag_size = dollar_tag_size(t);
    /* $1a is a name of its own but in PostgreSQL, where it is $1 and then a. */
    const bool named = t->dialect->placeholder != ADB__PLACEHOLDER_DOLLAR && is(peek(t, 1 + digits), NAME);

    if (digits > 0 && !t->raw && !named)
        take(token, ADB__TOKEN_NUMBERED, 1 + digits);
    else if (tag_size != 0)
        take_closed(t, token, ADB__TOKEN_QUOTED, dollar_quote_end(t, tag_size));
    else if (t->dialect->placeholder == ADB__PLACEHOLDER_QUESTION)
        scan_word(t, token); /* MySQL: a name may start so */
    else
        scan_sigil(t, token);
}

/* A colon starts a name only when no name and no colon ends right before it: a:b and :: are not ours. */
static bool colon_is_glued(const struct adb__tokenizer *t)
{
    const char before = t->offset > 0 ? t->sql[t->offset - 1] : ' ';
    return before == ':' || is((unsigned char)before, NAME);
}

static void scan_colon(const struct adb__tokenizer *t, struct adb__token *token)
{
    if (!t->raw && is(peek(t, 1), LETTER) && !colon_is_glued(t)) {
        take(token, ADB__TOKEN_NAMED, 1 + run_size(t, 1, NAME));
        return;
    }
    scan_sigil(t, token);
    if (token->kind == ADB__TOKEN_OTHER) {
        while (peek(t, token->size) == ':')
            token->size++;
    }
}

static void scan_question(const struct adb__tokenizer *t, struct adb__token *token)
{
    const size_t digits = run_size(t, 1, DIGIT);
    if (t->raw)
        take(token, ADB__TOKEN_OTHER, 1);
    else
        take(token, digits > 0 ? ADB__TOKEN_NUMBERED : ADB__TOKEN_NEXT, 1 + digits);
}

static void scan_percent(const struct adb__tokenizer *t, struct adb__token *token)
{
    const bool counts = t->format && !t->raw;
    if (counts && peek(t, 1) == 's')
        take(token, ADB__TOKEN_NEXT, 2);
    else if (counts && peek(t, 1) == '%')
        take(token, ADB__TOKEN_ESCAPE, 2);
    else
        take(token, ADB__TOKEN_OTHER, 1);
}

/* \: and \?, unless what is left would be a placeholder to the database. */
static void scan_backslash(const struct adb__tokenizer *t, struct adb__token *token)
{
    const unsigned char next = peek(t, 1);
    const enum adb__placeholder placeholder = t->dialect->placeholder;
    bool foreign = next == '?' && placeholder != ADB__PLACEHOLDER_DOLLAR;
    if (next == ':' && placeholder == ADB__PLACEHOLDER_NUMBERED_QUESTION)
        foreign = is(peek(t, 2), WORD);

    if (t->raw || (next != ':' && next != '?'))
        take(token, ADB__TOKEN_OTHER, 1);
    else
        take(token, foreign ? ADB__TOKEN_FOREIGN : ADB__TOKEN_ESCAPE, 2);
}

/* What starts with a letter, a digit, or none of the marks that mean something here. */
static void scan_plain(const struct adb__tokenizer *t, struct adb__token *token)
{
    const unsigned char c = peek(t, 0);
    if (is(c, BLANK))
        take(token, ADB__TOKEN_BLANK, run_size(t, 0, BLANK));
    else if ((c == 'E' || c == 'e') && t->dialect->escape_strings && peek(t, 1) == '\'')
        scan_escape_string(t, token);
    else if (c == 0xef && follows(t, 1, "\xbb\xbf"))
        take(token, ADB__TOKEN_BLANK, 3); /* a byte order mark */
    else if (is(c, WORD))
        scan_word(t, token);
    else
        take(token, ADB__TOKEN_OTHER, 1);
}

/* Marks that start something longer in this dialect; false when this one does not. */
static bool scan_delimited(const struct adb__tokenizer *t, struct adb__token *token)
{
    const struct adb__dialect *dialect = t->dialect;
    const int escape = dialect->backslash_escapes ? BACKSLASH : NO_ESCAPE;
    const unsigned char c = peek(t, 0);
    if (c == '\'')
        take_closed(t, token, ADB__TOKEN_QUOTED, quoted_end(t, 0, escape));
    else if (c == '"')
        take_closed(t, token, ADB__TOKEN_QUOTED,
                    quoted_end(t, 0, dialect->double_quoted_literals ? escape : NO_ESCAPE));
    else if (c == '`' && dialect->backticks)
        take_closed(t, token, ADB__TOKEN_QUOTED, quoted_end(t, 0, NO_ESCAPE));
    else if (c == '[' && dialect->brackets)
        take_closed(t, token, ADB__TOKEN_QUOTED, bracket_end(t));
    else if (c == '-' && starts_dash_comment(t, 0))
        take(token, ADB__TOKEN_COMMENT, line_end(t, 0));
    else if (c == '#' && dialect->hash_comments)
        take(token, ADB__TOKEN_COMMENT, line_end(t, 0));
    else if (c == '/' && peek(t, 1) == '*')
        scan_block_comment(t, token);
    else
        return false;
    return true;
}

static void scan(const struct adb__tokenizer *t, struct adb__token *token)
{
    switch (peek(t, 0)) {
    case '\'':
    case '"':
    case '`':
    case '[':
    case '-':
    case '/':
        if (!scan_delimited(t, token))
            take(token, ADB__TOKEN_OTHER, 1);
        break;
    case '#':
        if (!scan_delimited(t, token))
            scan_sigil(t, token);
        break;
    case '(':
        take(token, ADB__TOKEN_OPEN, 1);
        break;
    case ')':
        take(token, ADB__TOKEN_CLOSE, 1);
        break;
    case ',':
        take(token, ADB__TOKEN_COMMA, 1);
        break;
    case ';':
        take(token, ADB__TOKEN_SEMICOLON, 1);
        break;
    case ':':
        scan_colon(t, token);
        break;
    case '?':
        scan_question(t, token);
        break;
    case '$':
        scan_dollar(t, token);
        break;
    case '@':
        scan_sigil(t, token);
        break;
    case '%':
        scan_percent(t, token);
        break;
    case '\\':
        scan_backslash(t, token);
        break;
    default:
        scan_plain(t, token);
    }
}

bool adb__tokenizer_next(struct adb__tokenizer *tokenizer, struct adb__token *token_out)
{
    token_out->offset = tokenizer->offset;
    if (tokenizer->offset == tokenizer->size) {
        take(token_out, ADB__TOKEN_END, 0);
        return false;
    }
    scan(tokenizer, token_out);
    tokenizer->offset += token_out->size;
    return true;
}

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

bool adb__token_is(const char *sql, const struct adb__token *token, const char *word)
{
    if (token->kind != ADB__TOKEN_WORD)
        return false;
    for (size_t i = 0; i < token->size; i++) {
        if (capital(sql[token->offset + i]) != word[i])
            return false;
    }
    return word[token->size] == '\0';
}

bool adb__token_is_any(const char *sql, const struct adb__token *token, const char *const *words)
{
    const char first = capital(sql[token->offset]);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (words[i][0] == first && adb__token_is(sql, token, words[i]))
            return true;
    }
    return false;
}
