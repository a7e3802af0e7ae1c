/* SPDX-License-Identifier: BSD-3-Clause */
/* Splits scripts. A body is followed by few words: BEGIN and END count where a statement may start, so that columns of
 * these names, CASE expressions and END IF do no harm. */
#include "sql/script.h"

#include "sql/compile.h"

/* Only MySQL's blocks nest. Elsewhere BEGIN inside a body is a column. */
void adb__sql_blocks_init(struct adb__sql_blocks *blocks, const struct adb__dialect *dialect)
{
    *blocks = (struct adb__sql_blocks){.nesting = dialect->placeholder == ADB__PLACEHOLDER_QUESTION};
}

static void blocks_close(struct adb__sql_blocks *b)
{
    b->end_pending = false;
    if (--b->depth == 0)
        b->stage = ADB__STAGE_PLAIN;
}

static void blocks_open(struct adb__sql_blocks *b)
{
    b->stage = ADB__STAGE_BODY;
    b->position = ADB__POSITION_AFTER_SEMICOLON;
    b->depth++;
}

static void body_word(struct adb__sql_blocks *b, const char *sql, const struct adb__token *word)
{
    static const char *const not_of_blocks[] = {"IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR", NULL};
    static const char *const before_statement[] = {"THEN", "ELSE", "DO", "LOOP", "REPEAT", NULL};
    const enum adb__sql_position position = b->position;
    b->position = ADB__POSITION_INSIDE;

    if (b->end_pending) {
        b->end_pending = false;
        if (!adb__token_is_any(sql, word, not_of_blocks))
            blocks_close(b);
    } else if (position == ADB__POSITION_AFTER_SEMICOLON && adb__token_is(sql, word, "END")) {
        b->end_pending = true;
    } else if (b->nesting && adb__token_is(sql, word, "BEGIN")) {
        if (position != ADB__POSITION_INSIDE || b->declaring)
            blocks_open(b);
    } else if (adb__token_is(sql, word, "ATOMIC")) {
        b->position = ADB__POSITION_AFTER_SEMICOLON; /* BEGIN ATOMIC, BEGIN NOT ATOMIC */
    } else if (adb__token_is_any(sql, word, before_statement)) {
        b->position = ADB__POSITION_AFTER_THEN;
    } else if (position == ADB__POSITION_AFTER_SEMICOLON && adb__token_is(sql, word, "DECLARE")) {
        b->declaring = true;
    }
}

static void body_mark(struct adb__sql_blocks *b, const char *sql, const struct adb__token *token)
{
    if (b->end_pending)
        blocks_close(b);
    b->position = ADB__POSITION_INSIDE;
    if (token->kind == ADB__TOKEN_SEMICOLON) {
        b->position = ADB__POSITION_AFTER_SEMICOLON;
        b->declaring = false;
    } else if (sql[token->offset] == ':') {
        b->position = ADB__POSITION_AFTER_THEN; /* a label */
    }
}

static enum adb__sql_stage first_word(const char *sql, const struct adb__token *word)
{
    static const char *const before_create[] = {"EXPLAIN", "QUERY", "PLAN", NULL};
    if (adb__token_is_any(sql, word, before_create))
        return ADB__STAGE_START;
    if (adb__token_is(sql, word, "CREATE") || adb__token_is(sql, word, "ALTER"))
        return ADB__STAGE_CREATE;
    return adb__token_is(sql, word, "BEGIN") ? ADB__STAGE_BEGIN : ADB__STAGE_PLAIN;
}

static enum adb__sql_stage create_word(enum adb__sql_stage stage, const char *sql, const struct adb__token *word)
{
    static const char *const with_body[] = {"TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", NULL};
    static const char *const without_body[] = {"TABLE", "VIEW", NULL};
    static const char *const between[] = {"OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT", "AGGREGATE", NULL};
    if (adb__token_is_any(sql, word, with_body))
        return ADB__STAGE_HEADER;
    if (stage == ADB__STAGE_DEFINER)
        return adb__token_is_any(sql, word, without_body) ? ADB__STAGE_PLAIN : ADB__STAGE_DEFINER;
    if (adb__token_is(sql, word, "DEFINER"))
        return ADB__STAGE_DEFINER;
    return adb__token_is_any(sql, word, between) ? ADB__STAGE_CREATE : ADB__STAGE_PLAIN;
}

static void blocks_word(struct adb__sql_blocks *b, const char *sql, const struct adb__token *word)
{
    switch (b->stage) {
    case ADB__STAGE_START:
        b->stage = first_word(sql, word);
        break;
    case ADB__STAGE_BEGIN:
        if (adb__token_is(sql, word, "ATOMIC"))
            blocks_open(b);
        else if (!adb__token_is(sql, word, "NOT"))
            b->stage = ADB__STAGE_PLAIN;
        break;
    case ADB__STAGE_CREATE:
    case ADB__STAGE_DEFINER:
        b->stage = create_word(b->stage, sql, word);
        break;
    case ADB__STAGE_HEADER:
        if (b->parentheses == 0 && adb__token_is(sql, word, "BEGIN"))
            blocks_open(b);
        break;
    case ADB__STAGE_BODY:
        body_word(b, sql, word);
        break;
    case ADB__STAGE_PLAIN:
        break;
    }
}

bool adb__sql_blocks_feed(struct adb__sql_blocks *blocks, const char *sql, const struct adb__token *token)
{
    if (token->kind == ADB__TOKEN_BLANK || token->kind == ADB__TOKEN_COMMENT)
        return false;
    if (token->kind == ADB__TOKEN_WORD)
        blocks_word(blocks, sql, token);
    else if (blocks->stage == ADB__STAGE_BODY)
        body_mark(blocks, sql, token);

    if (token->kind == ADB__TOKEN_OPEN)
        blocks->parentheses++;
    else if (token->kind == ADB__TOKEN_CLOSE && blocks->parentheses > 0)
        blocks->parentheses--;
    return token->kind == ADB__TOKEN_SEMICOLON && blocks->parentheses == 0 && blocks->depth == 0;
}

/* What may stand before a statement; a semicolon there is an empty one. */
static bool is_skipped(enum adb__token_kind kind)
{
    return kind == ADB__TOKEN_BLANK || kind == ADB__TOKEN_COMMENT || kind == ADB__TOKEN_SEMICOLON;
}

size_t adb__sql_next_statement(const struct adb__dialect *dialect, const char *sql, size_t sql_size,
                               size_t *skipped_out)
{
    struct adb__tokenizer tokenizer = {.dialect = dialect, .sql = sql, .size = sql_size, .raw = true};
    struct adb__sql_blocks blocks;
    struct adb__token token;
    adb__sql_blocks_init(&blocks, dialect);
    bool more = adb__tokenizer_next(&tokenizer, &token);
    while (more && is_skipped(token.kind))
        more = adb__tokenizer_next(&tokenizer, &token);
    *skipped_out = token.offset;
    while (more && !adb__sql_blocks_feed(&blocks, sql, &token))
        more = adb__tokenizer_next(&tokenizer, &token);
    return tokenizer.offset - *skipped_out;
}
