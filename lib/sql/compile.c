/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses SQL text into a template: one pass over the tokens, then one over the pieces to write the text. */
#include "sql/compile.h"

#include "model/error.h"
#include "sql/names.h"
#include "sql/piece.h"
#include "sql/pure.h"
#include "sql/script.h"
#include "sql/tokenize.h"

#include <string.h>

enum style { STYLE_NONE, STYLE_NAMED, STYLE_NEXT, STYLE_NUMBERED };

#define NOWHERE SIZE_MAX

struct parser {
    struct adb__arena *arena;
    adb_error *error;
    struct adb__tokenizer tokenizer;
    struct adb__sql_blocks blocks;
    struct adb__sql_purity purity;
    struct adb__sql_names names;
    struct adb__sql_piece *pieces;
    size_t n_pieces;
    size_t capacity;
    enum style style;
    size_t n_positions; /* highest position so far */
    size_t n_uses;
    bool in_order;
    size_t not_offset;           /* of the NOT that is the last token but blanks and comments; NOWHERE */
    size_t in_offset;            /* of the [NOT] IN [(] that ends in the last token; NOWHERE */
    bool not_in;                 /* it is a NOT IN */
    enum adb__token_kind before; /* the last token that is neither blank nor comment; END when there was none */
    bool worded;                 /* the first word, or what stands in its place, has been seen */
    bool ended;                  /* the semicolon that ends the statement has been seen */
    size_t text_start;           /* of the text that is in no piece yet */
    size_t text_end;             /* of the statement */
    unsigned flags;
};

static adb_status parser_no_memory(const struct parser *p)
{
    return adb__error_set(p->error, ADB_E_NOMEM, "no memory for the statement");
}

/* What a message shows of a token: printf's precision and argument. */
static int shown_size(const struct adb__token *token)
{
    return token->size < 40 ? (int)token->size : 40;
}

static bool is_placeholder(enum adb__token_kind kind)
{
    return kind == ADB__TOKEN_NAMED || kind == ADB__TOKEN_NEXT || kind == ADB__TOKEN_NUMBERED;
}

/* Hints that the first word gives. */
static unsigned word_flags(const char *sql, const struct adb__token *word)
{
    static const char *const reading[] = {"SELECT", "WITH", "VALUES", "EXPLAIN",  "PRAGMA",
                                          "SHOW",   "DESC", "TABLE",  "DESCRIBE", NULL};
    static const char *const said_once[] = {"BEGIN",   "START",   "COMMIT", "END",    "ROLLBACK", "ABORT", "SAVEPOINT",
                                            "RELEASE", "PREPARE", "XA",     "SET",    "CREATE",   "DROP",  "ALTER",
                                            "VACUUM",  "ATTACH",  "DETACH", "PRAGMA", NULL};
    static const char *const writing[] = {"INSERT", "UPDATE", "DELETE", "MERGE", NULL};
    unsigned flags = 0;
    if (adb__token_is_any(sql, word, writing))
        flags |= ADB__STMT_WRITES;
    if (adb__token_is_any(sql, word, reading))
        flags |= ADB__STMT_READS;
    if (adb__token_is_any(sql, word, said_once))
        flags |= ADB__STMT_NO_CACHE;
    return flags;
}

static bool parser_reserve(struct parser *p)
{
    if (p->n_pieces < p->capacity)
        return true;
    const size_t capacity = p->capacity == 0 ? 4 : p->capacity * 2;
    struct adb__sql_piece *pieces = adb__arena_alloc(p->arena, capacity * sizeof(*pieces));
    if (pieces == NULL)
        return false;
    if (p->n_pieces > 0)
        memcpy(pieces, p->pieces, p->n_pieces * sizeof(*pieces));
    p->pieces = pieces;
    p->capacity = capacity;
    return true;
}

/* The text up to an offset, and the placeholder of a slot (or none) after it. */
static adb_status parser_push(struct parser *p, size_t text_end, size_t slot, unsigned flags)
{
    if (!parser_reserve(p))
        return parser_no_memory(p);
    p->pieces[p->n_pieces++] = (struct adb__sql_piece){
        .text = p->tokenizer.sql + p->text_start, .text_size = text_end - p->text_start, .slot = slot, .flags = flags};
    return ADB_OK;
}

static adb_status parser_check_style(struct parser *p, const struct adb__token *token)
{
    static const enum style styles[] = {
        [ADB__TOKEN_NAMED] = STYLE_NAMED, [ADB__TOKEN_NEXT] = STYLE_NEXT, [ADB__TOKEN_NUMBERED] = STYLE_NUMBERED};
    const enum style style = styles[token->kind];
    if (p->style == STYLE_NONE)
        p->style = style;
    if (p->style == style)
        return ADB_OK;
    const char *what = p->style == STYLE_NAMED || style == STYLE_NAMED ? "named and positional placeholders are mixed"
                                                                       : "numbered placeholders and ? are mixed";
    return adb__error_set(p->error, ADB_E_PARAMETER, "%s at offset %zu (write \\: or \\? for an operator)", what,
                          token->offset);
}

/* The position of ?7 or $7, counted from 0. */
static adb_status parser_number(struct parser *p, const struct adb__token *token, size_t *slot_out)
{
    const struct adb__dialect *dialect = p->tokenizer.dialect;
    const size_t limit = dialect->max_parameters != 0 ? dialect->max_parameters : INT32_MAX;
    const char *text = p->tokenizer.sql + token->offset;
    size_t number = 0;
    for (size_t i = 1; i < token->size && number <= limit; i++)
        number = number * 10 + (size_t)(text[i] - '0');
    if (number == 0 || number > limit)
        return adb__error_set(p->error, ADB_E_PARAMETER, "placeholder %.*s at offset %zu is out of range (1 to %zu)",
                              shown_size(token), text, token->offset, limit);
    *slot_out = number - 1;
    return ADB_OK;
}

static adb_status parser_slot(struct parser *p, const struct adb__token *token, size_t *slot_out)
{
    adb_status status = ADB_OK;
    if (token->kind == ADB__TOKEN_NAMED) {
        *slot_out = adb__sql_names_add(&p->names, p->arena, p->tokenizer.sql + token->offset + 1, token->size - 1);
        return *slot_out != ADB__NAME_NONE ? ADB_OK : parser_no_memory(p);
    }
    if (token->kind == ADB__TOKEN_NUMBERED)
        status = parser_number(p, token, slot_out);
    else
        *slot_out = p->n_positions;
    if (status == ADB_OK && *slot_out >= p->n_positions)
        p->n_positions = *slot_out + 1;
    return status;
}

static unsigned parser_surroundings(const struct parser *p, const struct adb__token *token)
{
    const char *sql = p->tokenizer.sql;
    const size_t end = token->offset + token->size;
    unsigned flags = p->in_offset != NOWHERE && p->not_in ? ADB__PIECE_NOT_IN : 0;
    if (p->before == ADB__TOKEN_OPEN)
        flags |= ADB__PIECE_AFTER_OPEN;
    if (p->before == ADB__TOKEN_COMMA)
        flags |= ADB__PIECE_AFTER_COMMA;
    if (token->offset > p->text_start && adb__byte_is_word(sql[token->offset - 1]))
        flags |= ADB__PIECE_GLUED_BEFORE;
    if (end < p->tokenizer.size && sql[end] != '$' && adb__byte_is_word(sql[end]))
        flags |= ADB__PIECE_GLUED_AFTER;
    return flags;
}

static adb_status parser_placeholder(struct parser *p, const struct adb__token *token)
{
    size_t slot = 0;
    adb_status status = parser_check_style(p, token);
    if (status == ADB_OK)
        status = parser_slot(p, token, &slot);
    if (status == ADB_OK)
        status = parser_push(p, token->offset, slot, parser_surroundings(p, token));
    if (status != ADB_OK)
        return status;
    if (p->in_offset != NOWHERE)
        p->pieces[p->n_pieces - 1].in_size = token->offset - p->in_offset;
    p->text_start = token->offset + token->size;
    p->in_order = p->in_order && slot == p->n_uses;
    p->n_uses++;
    return ADB_OK;
}

/* Drop the first byte of two. */
static adb_status parser_escape(struct parser *p, const struct adb__token *token)
{
    const adb_status status = parser_push(p, token->offset, ADB__SLOT_NONE, 0);
    p->text_start = token->offset + 1;
    return status;
}

static adb_status parser_refuse(const struct parser *p, const struct adb__token *token)
{
    const char *text = p->tokenizer.sql + token->offset;
    if (token->kind == ADB__TOKEN_FOREIGN)
        return adb__error_set(p->error, ADB_E_PARAMETER,
                              "%.*s at offset %zu is a placeholder that only the database knows: write :name, ? or $1",
                              shown_size(token), text, token->offset);
    const char *what = "quoted name";
    if (text[0] == '/')
        what = "comment";
    else if (text[0] == '$')
        what = "dollar quote";
    else if (text[0] == '\'' || text[0] == 'E' || text[0] == 'e')
        what = "string literal";
    return adb__error_set(p->error, ADB_E_SYNTAX, "unterminated %s at offset %zu", what, token->offset);
}

/* Keep track of [NOT] IN [(]. */
static void parser_follow_in(struct parser *p, const struct adb__token *token)
{
    const char *sql = p->tokenizer.sql;
    const size_t not_offset = p->not_offset;
    p->not_offset = NOWHERE;
    if (adb__token_is(sql, token, "IN")) {
        p->not_in = not_offset != NOWHERE;
        p->in_offset = p->not_in ? not_offset : token->offset;
    } else if (token->kind != ADB__TOKEN_OPEN || p->before != ADB__TOKEN_WORD) {
        p->in_offset = NOWHERE;
        if (adb__token_is(sql, token, "NOT"))
            p->not_offset = token->offset;
    }
}

/* What every token but blanks and comments does to the state. */
static void parser_follow(struct parser *p, const struct adb__token *token)
{
    const char *sql = p->tokenizer.sql;
    if (!p->worded && token->kind != ADB__TOKEN_OPEN) {
        p->worded = true;
        p->flags = word_flags(sql, token);
    }
    if (token->kind == ADB__TOKEN_CLOSE && is_placeholder(p->before))
        p->pieces[p->n_pieces - 1].flags |= ADB__PIECE_BEFORE_CLOSE;
    parser_follow_in(p, token);
    adb__sql_purity_feed(&p->purity, sql, token);
    if (adb__sql_blocks_feed(&p->blocks, sql, token)) {
        p->ended = true;
        p->text_end = token->offset;
    }
    p->before = token->kind;
}

static adb_status parser_token(struct parser *p, const struct adb__token *token)
{
    adb_status status = ADB_OK;
    if (token->kind == ADB__TOKEN_BLANK || token->kind == ADB__TOKEN_COMMENT)
        return ADB_OK;
    if (token->kind == ADB__TOKEN_SEMICOLON && (p->ended || p->before == ADB__TOKEN_END)) {
        if (!p->ended)
            p->text_start = p->tokenizer.offset;
        return ADB_OK; /* an empty statement */
    }
    if (token->kind == ADB__TOKEN_UNTERMINATED)
        return parser_refuse(p, token);
    if (p->ended)
        return adb__error_set(p->error, ADB_E_MULTI, "a second statement starts at offset %zu", token->offset);

    if (is_placeholder(token->kind))
        status = parser_placeholder(p, token);
    else if (token->kind == ADB__TOKEN_ESCAPE)
        status = parser_escape(p, token);
    else if (token->kind == ADB__TOKEN_FOREIGN)
        status = parser_refuse(p, token);
    if (status == ADB_OK)
        parser_follow(p, token);
    return status;
}

static adb_status parser_read(struct parser *p)
{
    adb_status status = ADB_OK;
    struct adb__token token;
    while (status == ADB_OK && adb__tokenizer_next(&p->tokenizer, &token))
        status = parser_token(p, &token);
    if (status != ADB_OK)
        return status;
    if (p->before == ADB__TOKEN_END)
        return adb__error_set(p->error, ADB_E_SYNTAX, "empty statement");
    return parser_push(p, p->text_end, ADB__SLOT_NONE, 0);
}

/* Numbered placeholders must leave no number out: such a value could go nowhere. */
static adb_status parser_check_gaps(const struct parser *p)
{
    /* Fewer placeholders than numbers: one of the first is missing. */
    const size_t n_seen = p->n_positions <= p->n_uses ? p->n_positions : p->n_uses + 1;
    unsigned char *seen = adb__arena_alloc(p->arena, n_seen);
    if (seen == NULL)
        return parser_no_memory(p);
    memset(seen, 0, n_seen);
    for (size_t i = 0; i < p->n_pieces; i++) {
        if (p->pieces[i].slot < n_seen)
            seen[p->pieces[i].slot] = 1;
    }
    const unsigned char *gap = memchr(seen, 0, n_seen);
    if (gap == NULL)
        return ADB_OK;
    return adb__error_set(p->error, ADB_E_PARAMETER, "no placeholder has the number %zu, the highest is %zu",
                          (size_t)(gap - seen) + 1, p->n_positions);
}

static adb_status parser_check(const struct parser *p)
{
    const struct adb__dialect *dialect = p->tokenizer.dialect;
    const bool per_use = dialect->placeholder == ADB__PLACEHOLDER_QUESTION;
    const size_t n_slots = p->style == STYLE_NAMED ? p->names.n_items : p->n_positions;
    const adb_status status = adb__sql_check_count(dialect, per_use ? p->n_uses : n_slots, p->error);
    if (status != ADB_OK || p->style != STYLE_NUMBERED || p->in_order)
        return status;
    return parser_check_gaps(p);
}

/* The text as it is without lists. From then on the pieces point into it and no longer into the caller's. */
static adb_status parser_write(struct parser *p, struct adb__sql_template *made)
{
    struct adb__sql_writer counter = {0};
    for (size_t i = 0; i < p->n_pieces; i++) {
        const struct adb__sql_slot slot = {.first = p->pieces[i].slot, .width = 1};
        adb__sql_write_piece(&counter, made->dialect, &p->pieces[i], &slot);
    }
    const adb_status status = adb__sql_check_size(counter.size, p->error);
    if (status != ADB_OK)
        return status;

    struct adb__sql_writer writer = {.out = adb__arena_alloc(p->arena, counter.size + 1)};
    if (writer.out == NULL)
        return parser_no_memory(p);
    for (size_t i = 0; i < p->n_pieces; i++) {
        const struct adb__sql_slot slot = {.first = p->pieces[i].slot, .width = 1};
        const char *text = writer.out + writer.size;
        adb__sql_write_piece(&writer, made->dialect, &p->pieces[i], &slot);
        p->pieces[i].text = text;
    }
    writer.out[writer.size] = '\0';
    made->sql = writer.out;
    made->sql_size = writer.size;
    return ADB_OK;
}

/* The names, or as many NULLs as there are positions. */
static adb_status parser_names(struct parser *p, struct adb__sql_template *made)
{
    if (p->style == STYLE_NONE)
        return ADB_OK;
    if (p->style != STYLE_NAMED) {
        const char **names = adb__arena_alloc(p->arena, p->n_positions * sizeof(*names));
        if (names == NULL)
            return parser_no_memory(p);
        for (size_t i = 0; i < p->n_positions; i++)
            names[i] = NULL;
        made->names = names;
        made->n_names = p->n_positions;
        return ADB_OK;
    }
    struct adb__sql_names *index = adb__arena_alloc(p->arena, sizeof(*index));
    if (index == NULL)
        return parser_no_memory(p);
    *index = p->names;
    made->index = index;
    made->names = index->items;
    made->n_names = index->n_items;
    return ADB_OK;
}

static adb_status parser_finish(struct parser *p, struct adb__sql_template *template_out)
{
    struct adb__sql_template made = {.pieces = p->pieces,
                                     .n_pieces = p->n_pieces,
                                     .n_uses = p->n_uses,
                                     .in_order = p->in_order,
                                     .positional = p->style == STYLE_NEXT || p->style == STYLE_NUMBERED,
                                     .flags = p->flags | (adb__sql_purity_holds(&p->purity) ? ADB__STMT_PURE : 0),
                                     .dialect = p->tokenizer.dialect};
    adb_status status = parser_check(p);
    if (status == ADB_OK)
        status = parser_names(p, &made);
    if (status == ADB_OK)
        status = parser_write(p, &made);
    if (status == ADB_OK)
        *template_out = made;
    return status;
}

adb_status adb__sql_parse(struct adb__arena *arena, const struct adb__dialect *dialect, unsigned flags, const char *sql,
                          size_t sql_size, struct adb__sql_template *template_out, adb_error *error)
{
    adb_status status = adb__sql_check_size(sql_size, error);
    if (status != ADB_OK)
        return status;
    const char *nul = memchr(sql, '\0', sql_size);
    if (nul != NULL)
        return adb__error_set(error, ADB_E_SYNTAX, "NUL byte at offset %zu", (size_t)(nul - sql));

    struct parser parser = {.arena = arena,
                            .error = error,
                            .tokenizer = {.dialect = dialect,
                                          .sql = sql,
                                          .size = sql_size,
                                          .format = (flags & ADB__SQL_FORMAT) != 0,
                                          .raw = (flags & ADB__SQL_RAW) != 0},
                            .not_offset = NOWHERE,
                            .in_offset = NOWHERE,
                            .before = ADB__TOKEN_END,
                            .in_order = true,
                            .text_end = sql_size};
    adb__sql_blocks_init(&parser.blocks, dialect);
    adb__sql_purity_init(&parser.purity, dialect);
    status = parser_read(&parser);
    if (status == ADB_OK)
        status = parser_finish(&parser, template_out);
    return status;
}
