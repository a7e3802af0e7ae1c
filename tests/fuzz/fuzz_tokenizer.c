/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes parsing, binding and splitting of SQL text. The first byte chooses dialect and flags, the rest is the text.
 * For SQLite the database itself is the judge of where literals end, what is a placeholder and what is one statement.
 *
 *     clang -g -fsanitize=fuzzer,address,undefined … fuzz_tokenizer.c … -lsqlite3
 *     ./fuzz_tokenizer -dict=tests/fuzz/tokenizer.dict -max_len=400 */
#include "sql/compile.h"
#include "sql/piece.h"
#include "sql/script.h"

#include "tests/lib/dialects.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text under test ends where its memory ends, so that one byte too far is found. */
struct subject {
    const struct adb__dialect *dialect;
    unsigned flags;
    const char *sql;
    size_t size;
};

#define PROMISE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "broken promise: %s\n", #condition);                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static bool is_placeholder(enum adb__token_kind kind)
{
    return kind == ADB__TOKEN_NAMED || kind == ADB__TOKEN_NEXT || kind == ADB__TOKEN_NUMBERED;
}

static char *terminated(const char *text, size_t size, const char *suffix)
{
    char *copy = malloc(size + strlen(suffix) + 1);
    PROMISE(copy != NULL);
    if (size > 0)
        memcpy(copy, text, size);
    strcpy(copy + size, suffix);
    return copy;
}

static struct adb__tokenizer tokenizer_of(const struct subject *s)
{
    return (struct adb__tokenizer){.dialect = s->dialect,
                                   .sql = s->sql,
                                   .size = s->size,
                                   .format = (s->flags & ADB__SQL_FORMAT) != 0,
                                   .raw = (s->flags & ADB__SQL_RAW) != 0};
}

/* Tokens are the whole text, without gaps. */
static void check_cover(const struct subject *s)
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    size_t at = 0;
    while (adb__tokenizer_next(&tokenizer, &token)) {
        PROMISE(token.offset == at && token.size > 0 && token.size <= s->size - at);
        at += token.size;
    }
    PROMISE(at == s->size && token.kind == ADB__TOKEN_END);
}

static size_t count_tokens(const struct subject *s, bool (*wanted)(enum adb__token_kind))
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    size_t n = 0;
    while (adb__tokenizer_next(&tokenizer, &token))
        n += wanted(token.kind);
    return n;
}

/* A semicolon behind a text without triggers ends a statement for SQLite, unless a literal or comment is open there. */
static bool sqlite_is_open_at(const char *sql, size_t size)
{
    char *text = terminated(sql, size, "\n;");
    const bool open = sqlite3_complete(text) == 0;
    free(text);
    return open;
}

static bool mentions(const struct subject *s, const char *word)
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    while (adb__tokenizer_next(&tokenizer, &token)) {
        if (adb__token_is(s->sql, &token, word))
            return true;
    }
    return false;
}

/* No placeholder inside a literal or comment, and an open end only where SQLite has one. */
static void check_boundaries(const struct subject *s)
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    if (s->dialect != &sqlite_dialect || memchr(s->sql, '\0', s->size) != NULL || mentions(s, "TRIGGER"))
        return;
    while (adb__tokenizer_next(&tokenizer, &token)) {
        if (is_placeholder(token.kind) || token.kind == ADB__TOKEN_SEMICOLON)
            PROMISE(!sqlite_is_open_at(s->sql, token.offset));
        if (token.kind == ADB__TOKEN_UNTERMINATED && s->size - token.offset > 2)
            PROMISE(sqlite_is_open_at(s->sql, s->size));
    }
}

/* The size of the placeholder or escape that stands at a place of the text, 0 when neither does. */
static size_t mark_size(const struct subject *s, size_t at)
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    tokenizer.offset = at;
    if (!adb__tokenizer_next(&tokenizer, &token))
        return 0;
    return is_placeholder(token.kind) ? token.size : token.kind == ADB__TOKEN_ESCAPE;
}

/* Behind the empty statements that come first. */
static size_t text_start(const struct subject *s)
{
    struct adb__tokenizer tokenizer = tokenizer_of(s);
    struct adb__token token;
    size_t start = 0;
    while (adb__tokenizer_next(&tokenizer, &token) && token.kind <= ADB__TOKEN_SEMICOLON) {
        if (token.kind == ADB__TOKEN_SEMICOLON)
            start = tokenizer.offset;
        else if (token.kind != ADB__TOKEN_BLANK && token.kind != ADB__TOKEN_COMMENT)
            break;
    }
    return start;
}

/* Text outside placeholders is that of the subject: piece, mark, piece, mark … up to the semicolon. */
static void check_text(const struct subject *s, const struct adb__sql_template *made)
{
    size_t at = text_start(s);
    for (size_t i = 0; i < made->n_pieces; i++) {
        const struct adb__sql_piece *piece = &made->pieces[i];
        PROMISE(piece->text_size <= s->size - at && memcmp(s->sql + at, piece->text, piece->text_size) == 0);
        at += piece->text_size;
        if (i + 1 < made->n_pieces) {
            const size_t mark = mark_size(s, at);
            PROMISE(mark > 0 && (piece->slot != ADB__SLOT_NONE || mark == 1));
            at += mark;
        }
    }
}

/* Whether what goes out may read differently when it comes in again: marks that were escaped, a backslash that now
 * stands before a mark, a colon that was left alone for the byte before it, MySQL's two dashes that have lost the
 * semicolon behind them. */
static bool reads_differently(const struct adb__sql_template *made)
{
    for (size_t i = 0; i + 1 < made->n_pieces; i++) {
        if (made->pieces[i].slot == ADB__SLOT_NONE)
            return true;
    }
    if (made->sql_size >= 2 && strcmp(made->sql + made->sql_size - 2, "--") == 0)
        return true;
    return strpbrk(made->sql, "\\:") != NULL;
}

/* The parameters of a template, each with the same value. */
static adb_status bind_all(struct adb__arena *arena, const struct adb__sql_template *made, adb_value value,
                           struct adb__statement *statement)
{
    adb_param *params = calloc(made->n_names + 1, sizeof(*params));
    PROMISE(params != NULL);
    for (size_t i = 0; i < made->n_names; i++)
        params[i] = (adb_param){made->names[i], value};
    const adb_params set = {params, made->n_names};
    const adb_status status = adb__sql_bind(arena, made, 0, &set, statement, NULL);
    free(params);
    return status;
}

static bool is_position(enum adb__token_kind kind)
{
    return kind == ADB__TOKEN_NEXT || kind == ADB__TOKEN_NUMBERED;
}

/* What goes out has as many values and placeholders as it should. */
static void check_statement(const struct adb__sql_template *made, const struct adb__statement *statement, size_t width)
{
    const bool per_use = made->dialect->placeholder == ADB__PLACEHOLDER_QUESTION;
    const struct subject out = {made->dialect, 0, statement->sql, statement->sql_size};
    PROMISE(strlen(statement->sql) == statement->sql_size);
    PROMISE(statement->n_values == width * (per_use ? made->n_uses : made->n_names));
    PROMISE(reads_differently(made) || count_tokens(&out, is_position) == width * made->n_uses);
}

/* Text in the database's own placeholders is taken as it is. */
static void check_again(struct adb__arena *arena, const struct adb__sql_template *made)
{
    struct adb__sql_template again;
    if (reads_differently(made))
        return;
    PROMISE(adb__sql_parse(arena, made->dialect, 0, made->sql, made->sql_size, &again, NULL) == ADB_OK);
    PROMISE(again.n_uses == made->n_uses && strcmp(again.sql, made->sql) == 0);
}

static void check_binding(struct adb__arena *arena, const struct adb__sql_template *made)
{
    static const adb_value items[] = {{.type = ADB_TYPE_INT}, {.type = ADB_TYPE_NULL}};
    struct adb__statement statement;
    PROMISE(bind_all(arena, made, items[0], &statement) == ADB_OK);
    check_statement(made, &statement, 1);
    PROMISE(bind_all(arena, made, adb_list(items, 2), &statement) == ADB_OK);
    check_statement(made, &statement, 2);
    if (bind_all(arena, made, adb_list(NULL, 0), &statement) == ADB_OK)
        check_statement(made, &statement, 0);
}

static int refuse_pragmas(void *unused, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)unused, (void)a, (void)b, (void)c, (void)d;
    return action == SQLITE_PRAGMA || action == SQLITE_ATTACH ? SQLITE_DENY : SQLITE_OK;
}

static sqlite3 *open_sqlite(void)
{
    static sqlite3 *db;
    if (db == NULL) {
        PROMISE(sqlite3_open(":memory:", &db) == SQLITE_OK);
        PROMISE(sqlite3_exec(db, "CREATE TABLE t (a, b, c, d, \"end\", \"begin\")", NULL, NULL, NULL) == SQLITE_OK);
        sqlite3_set_authorizer(db, refuse_pragmas, NULL);
    }
    return db;
}

/* What SQLite makes of a text: parameters of its first statement (-1 when it refuses that), and whether more follows.
 */
static int sqlite_parameters(const char *sql, bool *more_out)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = "";
    int count = -1;
    *more_out = false;
    if (sqlite3_prepare_v2(open_sqlite(), sql, -1, &statement, &tail) != SQLITE_OK || statement == NULL)
        return -1;
    count = sqlite3_bind_parameter_count(statement);
    sqlite3_finalize(statement);
    *more_out = sqlite3_prepare_v2(open_sqlite(), tail, -1, &statement, NULL) != SQLITE_OK || statement != NULL;
    sqlite3_finalize(statement);
    return count;
}

/* SQLite counts the placeholders that we count, and sees one statement where we see one. */
static void check_sqlite(const struct subject *s, adb_status status, const struct adb__sql_template *made)
{
    bool more = false;
    if (s->dialect != &sqlite_dialect || memchr(s->sql, '\0', s->size) != NULL || memchr(s->sql, '\v', s->size) != NULL)
        return; /* SQLite takes a vertical tab for a blank only behind another one */
    char *text = terminated(s->sql, s->size, "");
    if (sqlite_parameters(text, &more) >= 0) {
        PROMISE(status != ADB_OK || !more);
        PROMISE(status != ADB_E_MULTI || more);
    }
    free(text);
    if (status == ADB_OK) {
        const int count = sqlite_parameters(made->sql, &more);
        PROMISE(count < 0 || (s->flags & ADB__SQL_RAW) || (size_t)count == made->n_names);
        PROMISE(count < 0 || !more);
    }
}

/* A script is cut into pieces that are all of it; what is parsed as one statement is cut at its end. Scripts are raw:
 * %s$$;$$ hides its semicolon only from who takes %s for a placeholder. */
static void check_script(const struct subject *s, adb_status status)
{
    size_t at = 0;
    size_t n = 0;
    size_t skipped = 0;
    size_t size = 0;
    while ((size = adb__sql_next_statement(s->dialect, s->sql + at, s->size - at, &skipped)) > 0) {
        PROMISE(skipped <= s->size - at && size <= s->size - at - skipped);
        at += skipped + size;
        n++;
    }
    PROMISE(at + skipped == s->size);
    PROMISE((s->flags & ADB__SQL_RAW) == 0 || status != ADB_OK || n == 1);
    PROMISE((s->flags & ADB__SQL_RAW) == 0 || status != ADB_E_MULTI || n > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct adb__dialect *const dialects[] = {&sqlite_dialect, &postgresql_dialect, &mysql_dialect,
                                                          &sqlite_dialect};
    static const unsigned flag_sets[] = {0, ADB__SQL_FORMAT, ADB__SQL_RAW, 0};
    if (size == 0)
        return 0;
    char *text = malloc(size);
    PROMISE(text != NULL);
    memcpy(text, data, size);
    const struct subject s = {dialects[data[0] & 3], flag_sets[(data[0] >> 2) & 3], text + 1, size - 1};

    struct adb__arena arena = {0};
    struct adb__sql_template made = {0};
    adb_error error;
    const adb_status status = adb__sql_parse(&arena, s.dialect, s.flags, s.sql, s.size, &made, &error);
    check_cover(&s);
    check_boundaries(&s);
    if (status == ADB_OK) {
        check_text(&s, &made);
    }
    if (status == ADB_OK && (s.flags & ADB__SQL_RAW) == 0) {
        check_binding(&arena, &made);
        check_again(&arena, &made);
    }
    check_sqlite(&s, status, &made);
    check_script(&s, status);
    adb__arena_reset(&arena);
    free(text);
    return 0;
}
