/* SPDX-License-Identifier: BSD-3-Clause */
/* The lexer: where literals, names and comments end in each dialect, and what is a placeholder. */
#include "sql/tokenize.h"

#include "tests/lib/dialects.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

#define SQLITE     &sqlite_dialect
#define POSTGRESQL &postgresql_dialect
#define MYSQL      &mysql_dialect
#define N_OF(a)    (sizeof(a) / sizeof((a)[0]))

/* One letter a token; blanks are shown as they come. */
static const char letters[] = {
    [ADB__TOKEN_END] = '$',          [ADB__TOKEN_BLANK] = ' ',  [ADB__TOKEN_COMMENT] = 'c',
    [ADB__TOKEN_WORD] = 'w',         [ADB__TOKEN_QUOTED] = 'q', [ADB__TOKEN_OPEN] = '(',
    [ADB__TOKEN_CLOSE] = ')',        [ADB__TOKEN_COMMA] = ',',  [ADB__TOKEN_SEMICOLON] = ';',
    [ADB__TOKEN_OTHER] = 'o',        [ADB__TOKEN_NAMED] = 'n',  [ADB__TOKEN_NEXT] = '?',
    [ADB__TOKEN_NUMBERED] = '#',     [ADB__TOKEN_ESCAPE] = 'e', [ADB__TOKEN_FOREIGN] = 'f',
    [ADB__TOKEN_UNTERMINATED] = 'u',
};

struct row {
    const struct adb__dialect *dialect;
    const char *sql;
    const char *expected;
};

static void letters_of(struct adb__tokenizer *tokenizer, char *out, size_t room)
{
    struct adb__token token;
    size_t n = 0;
    while (n + 1 < room && adb__tokenizer_next(tokenizer, &token))
        out[n++] = letters[token.kind];
    out[n] = '\0';
}

static void check_row(const struct row *row, bool format, bool raw)
{
    char found[200];
    struct adb__tokenizer tokenizer = {
        .dialect = row->dialect, .sql = row->sql, .size = strlen(row->sql), .format = format, .raw = raw};
    letters_of(&tokenizer, found, sizeof(found));
    if (strcmp(found, row->expected) != 0)
        printf("  %s\n  found    %s\n  expected %s\n", row->sql, found, row->expected);
    CU_ASSERT_STRING_EQUAL(found, row->expected);
}

static void check_rows(const struct row *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++)
        check_row(&rows[i], false, false);
}

/* A doubled quote stays inside, in literals and in names. */
TEST(quotes_end_at_an_undoubled_quote)
{
    static const struct row rows[] = {
        {SQLITE, "'a:b' :c", "q n"},  {SQLITE, "'it''s :a'", "q"},   {SQLITE, "'' :a", "q n"},
        {SQLITE, "''':a' ?", "q ?"},  {SQLITE, "\"a\"\":b\"", "q"},  {SQLITE, "`a``:b`", "q"},
        {POSTGRESQL, "'a'':b'", "q"}, {POSTGRESQL, "\"a?\"?", "q?"}, {MYSQL, "`a\\` :b", "q n"},
        {MYSQL, "'a''b'':c'", "q"},   {SQLITE, "x'00':a", "wqn"},    {POSTGRESQL, "U&'\\':a", "woqn"},
    };
    check_rows(rows, N_OF(rows));
}

/* A backslash escapes in MySQL's literals, single or double quoted, and nowhere in SQLite. */
TEST(backslashes_escape_by_dialect)
{
    static const struct row rows[] = {
        {MYSQL, "'a\\' :b'", "q"},   {MYSQL, "\"a\\\" :b\"", "q"},  {MYSQL, "'a\\\\' :b", "q n"},
        {SQLITE, "'a\\' :b", "q n"}, {SQLITE, "\"a\\\" :b", "q n"}, {POSTGRESQL, "'a\\' :b", "q n"},
        {MYSQL, "'a\\", "u"},        {MYSQL, "'a\\'", "u"},         {MYSQL, "'\xff' :b", "q n"},
    };
    check_rows(rows, N_OF(rows));
}

/* E'' escapes with backslashes in PostgreSQL, also where it goes on behind a line end, and only as a word of its own.
 */
TEST(escape_strings_are_postgresql_only)
{
    static const struct row rows[] = {
        {POSTGRESQL, "E'a\\' :b'", "q"},
        {POSTGRESQL, "e'\\\\' :b", "q n"},
        {POSTGRESQL, "E'a''\\' :b'", "q"},
        {POSTGRESQL, "te'a\\' :b", "wq n"},
        {POSTGRESQL, "E'a'\n  '\\' :b'", "q"},
        {POSTGRESQL, "E'a' -- :x\n'\\' :b'", "q"},
        {POSTGRESQL, "E'a'  '\\' :b", "q q n"},
        {POSTGRESQL, "'a'\n'\\' :b", "q q n"},
        {POSTGRESQL, "E'a'\n'\\' :b", "u"},
        {SQLITE, "E'a\\' :b", "wq n"},
        {MYSQL, "E'a\\' :b'", "wq"},
    };
    check_rows(rows, N_OF(rows));
}

/* $tag$ ends at the same tag; a tag cannot start behind a name, and $1 is none. */
TEST(dollar_quotes_end_at_their_tag)
{
    static const struct row rows[] = {
        {POSTGRESQL, "$$ :a ' $$ :b", "q n"},
        {POSTGRESQL, "$f$ $$ :a $g$ $f$ :b", "q n"},
        {POSTGRESQL, "$f$ :a $F$", "u"},
        {POSTGRESQL, "a$b$ :c", "w n"},
        {POSTGRESQL, "$1$2", "##"},
        {POSTGRESQL, "$a :b", "ow n"},
        {POSTGRESQL, "$$", "u"},
        {POSTGRESQL, "$\xc3\xa9$ :a $\xc3\xa9$", "q"},
        {POSTGRESQL, "1$$ :a $$", "wq"},
        {SQLITE, "$$ :a", "f n"},
        {MYSQL, "$$ :a $$", "w n w"},
    };
    check_rows(rows, N_OF(rows));
}

/* Line comments, block comments, and who nests them. */
TEST(comments_end_by_dialect)
{
    static const struct row rows[] = {
        {SQLITE, "-- :a\n:b", "c n"},
        {SQLITE, "-- :a\r:b", "c"},
        {POSTGRESQL, "-- :a\r:b", "c n"},
        {SQLITE, "a--:b", "wc"},
        {MYSQL, "5--:b", "woon"},
        {MYSQL, "5-- :b", "wc"},
        {MYSQL, "--\n:b", "c n"},
        {MYSQL, "# :a\n:b", "c n"},
        {POSTGRESQL, "a #> :b", "w oo n"},
        {SQLITE, "/* :a */ :b", "c n"},
        {SQLITE, "/*/ :a */ :b", "c n"},
        {SQLITE, "/* /* :a */ :b", "c n"},
        {POSTGRESQL, "/* /* */ :a */ :b", "c n"},
        {POSTGRESQL, "/* /* :a */ :b", "u"},
        {MYSQL, "/*! SET :a */ :b", "o n"},
        {MYSQL, "/*M! :a */ :b", "o n"},
        {MYSQL, "/*+ :a */ :b", "c n"},
        {SQLITE, "/*! :a */ :b", "c n"},
        {SQLITE, "a - :b / :c * :d", "w o n o n o n"},
        {SQLITE, "/***/?/**/", "c?c"},
    };
    check_rows(rows, N_OF(rows));
}

/* [name] is a name in SQLite, an array's index elsewhere. */
TEST(brackets_quote_in_sqlite_only)
{
    static const struct row rows[] = {
        {SQLITE, "[a :b] :c", "q n"},
        {SQLITE, "[a [b] :c", "q n"},
        {POSTGRESQL, "a[:b]", "wono"},
        {POSTGRESQL, "a[1:2]", "wowowo"},
        {POSTGRESQL, "a[:lo : :hi]", "won o no"},
        {POSTGRESQL, "`:a`", "ono"},
    };
    check_rows(rows, N_OF(rows));
}

/* A colon starts a name only when neither a name nor a colon is glued to it. (PAR-02, PAR-26, PAIN-21) */
TEST(colons_start_names_only_where_one_can_be)
{
    static const struct row rows[] = {
        {POSTGRESQL, ":name", "n"},
        {POSTGRESQL, ":a,:b", "n,n"},
        {POSTGRESQL, "(:a)", "(n)"},
        {POSTGRESQL, ":a::int", "now"},
        {POSTGRESQL, "x::int", "wow"},
        {POSTGRESQL, "x :: int", "w o w"},
        {POSTGRESQL, "a:b", "wow"},
        {POSTGRESQL, "12:30", "wow"},
        {MYSQL, "@a:=:b", "owoon"},
        {POSTGRESQL, ":1", "ow"},
        {POSTGRESQL, ": a", "o w"},
        {POSTGRESQL, ":_a1", "n"},
        {POSTGRESQL, ":\xc3\xa9t\xc3\xa9", "n"},
        {POSTGRESQL, "\xc3\xa9:a", "wow"},
        {POSTGRESQL, ":::a", "ow"},
        {POSTGRESQL, ":a:b", "now"},
        {POSTGRESQL, "=:a+:b", "onon"},
        {POSTGRESQL, "':':a", "qn"},
        {POSTGRESQL, ":perms::jsonb", "now"},
    };
    check_rows(rows, N_OF(rows));
}

/* ? and $1 in every dialect. */
TEST(positions_are_found)
{
    static const struct row rows[] = {
        {SQLITE, "?,?", "?,?"},    {SQLITE, "?1 ?22", "# #"}, {SQLITE, "$1", "#"},      {MYSQL, "$1", "#"},
        {POSTGRESQL, "?", "?"},    {POSTGRESQL, "$12", "#"},  {POSTGRESQL, "a$1", "w"}, {POSTGRESQL, "LIMIT?", "w?"},
        {POSTGRESQL, "$1a", "#w"}, {SQLITE, "$1a", "f"},      {MYSQL, "$1a", "w"},
    };
    check_rows(rows, N_OF(rows));
}

/* What SQLite would bind by its own rules is told apart from what other databases mean by the same marks. */
TEST(foreign_placeholders_are_sqlite_only)
{
    static const struct row rows[] = {
        {SQLITE, "@a", "f"},    {SQLITE, "$a", "f"},       {SQLITE, "#a", "f"},   {SQLITE, "a:b", "wf"},
        {SQLITE, ":1", "f"},    {SQLITE, ":::a", "f"},     {SQLITE, "::a", "ow"}, {SQLITE, ":a$b", "nf"},
        {SQLITE, "@ a", "o w"}, {SQLITE, "\\:a", "fw"},    {SQLITE, "\\?", "f"},  {MYSQL, "\\?", "f"},
        {MYSQL, "@a", "ow"},    {MYSQL, "@@x.y", "oowow"}, {MYSQL, "$a", "w"},    {POSTGRESQL, "@a", "ow"},
    };
    check_rows(rows, N_OF(rows));
}

/* \: and \? are the marks themselves. (PAR-03) */
TEST(backslashes_escape_marks)
{
    static const struct row rows[] = {
        {POSTGRESQL, "a \\? b", "w e w"}, {POSTGRESQL, "\\:a", "ew"}, {POSTGRESQL, "\\::a", "eow"},
        {POSTGRESQL, "\\\\:a", "oew"},    {POSTGRESQL, "'\\:'", "q"}, {POSTGRESQL, "\\a", "ow"},
        {SQLITE, "\\: a", "e w"},         {MYSQL, "\\:a", "ew"},
    };
    check_rows(rows, N_OF(rows));
}

/* %s counts when asked for, in every place but literals and comments. (PAR-09, PAR-18, PAR-19, PAR-20) */
TEST(format_style_is_found_when_asked_for)
{
    static const struct row rows[] = {
        {POSTGRESQL, "%s", "?"},          {POSTGRESQL, "%s%s", "??"}, {POSTGRESQL, "'%s %%' %s", "q ?"},
        {POSTGRESQL, "a %% b", "w e w"},  {POSTGRESQL, "%%s", "ew"},  {POSTGRESQL, "a % b", "w o w"},
        {POSTGRESQL, "/*%s*/--%s", "cc"}, {POSTGRESQL, "%", "o"},     {POSTGRESQL, "\"%s\"", "q"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        check_row(&rows[i], true, false);
    static const struct row plain = {POSTGRESQL, "%s %%", "ow oo"};
    check_row(&plain, false, false);
}

/* Raw text has literals and comments, and no placeholders. */
TEST(raw_text_has_no_placeholders)
{
    static const struct row rows[] = {
        {SQLITE, ":a ? ?1 @b $c \\:", "ow o ow ow ow oo"},
        {POSTGRESQL, "$1 %s ':a' \\?", "ow ow q oo"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        check_row(&rows[i], true, true);
}

/* Each kind of open end is told, and takes the rest of the text. */
TEST(unterminated_text_is_told)
{
    static const struct row rows[] = {
        {SQLITE, "a 'b", "w u"}, {SQLITE, "\"", "u"}, {SQLITE, "`a", "u"},         {SQLITE, "[a", "u"},
        {SQLITE, "/* a", "u"},   {SQLITE, "/*", "u"}, {POSTGRESQL, "E'a\\'", "u"}, {SQLITE, "'a''", "u"},
    };
    check_rows(rows, N_OF(rows));
}

/* A NUL, a control byte or a byte order mark is a token like any other. */
TEST(odd_bytes_are_tokens)
{
    char found[8];
    struct adb__tokenizer tokenizer = {.dialect = SQLITE, .sql = "a\0\x01\xef\xbb\xbf :b", .size = 9};
    letters_of(&tokenizer, found, sizeof(found));
    CU_ASSERT_STRING_EQUAL(found, "woo  n");
    CU_ASSERT_EQUAL(tokenizer.offset, 9);
}

/* The text need not end in a NUL: its size is the end, also in the middle of a mark. */
TEST(size_is_the_end_of_the_text)
{
    const char *sql = "a :bc -- x";
    char found[8];
    struct adb__tokenizer tokenizer = {.dialect = SQLITE, .sql = sql, .size = 3};
    letters_of(&tokenizer, found, sizeof(found));
    CU_ASSERT_STRING_EQUAL(found, "w o");
    tokenizer = (struct adb__tokenizer){.dialect = SQLITE, .sql = sql, .size = 7};
    letters_of(&tokenizer, found, sizeof(found));
    CU_ASSERT_STRING_EQUAL(found, "w n o");
}

/* Keywords are compared in ASCII, whole and in any case. */
TEST(words_are_compared_whole)
{
    static const char *const words[] = {"END", "BEGIN", NULL};
    const struct adb__token begin = {ADB__TOKEN_WORD, 1, 5};
    CU_ASSERT_TRUE(adb__token_is(" bEgIn", &begin, "BEGIN"));
    CU_ASSERT_FALSE(adb__token_is(" begin", &begin, "BEGINS"));
    CU_ASSERT_FALSE(adb__token_is(" begin", &begin, "BEGI"));
    CU_ASSERT_TRUE(adb__token_is_any(" begin", &begin, words));
    CU_ASSERT_FALSE(adb__token_is_any(" began", &begin, words));
    const struct adb__token quoted = {ADB__TOKEN_QUOTED, 1, 5};
    CU_ASSERT_FALSE(adb__token_is(" BEGIN", &quoted, "BEGIN"));
}

SUITE(tokenize, CASE(quotes_end_at_an_undoubled_quote), CASE(backslashes_escape_by_dialect),
      CASE(escape_strings_are_postgresql_only), CASE(dollar_quotes_end_at_their_tag), CASE(comments_end_by_dialect),
      CASE(brackets_quote_in_sqlite_only), CASE(colons_start_names_only_where_one_can_be), CASE(positions_are_found),
      CASE(foreign_placeholders_are_sqlite_only), CASE(backslashes_escape_marks),
      CASE(format_style_is_found_when_asked_for), CASE(raw_text_has_no_placeholders), CASE(unterminated_text_is_told),
      CASE(odd_bytes_are_tokens), CASE(size_is_the_end_of_the_text), CASE(words_are_compared_whole))
