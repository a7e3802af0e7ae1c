/* SPDX-License-Identifier: BSD-3-Clause */
/* From SQL text to a template: the rewritten text, the names, the refusals and the hints. */
#include "sql/compile.h"

#include "tests/lib/dialects.h"
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQLITE     &sqlite_dialect
#define POSTGRESQL &postgresql_dialect
#define MYSQL      &mysql_dialect
#define N_OF(a)    (sizeof(a) / sizeof((a)[0]))

struct row {
    const struct adb__dialect *dialect;
    const char *sql;
    const char *expected; /* text; NULL: the same as sql */
    const char *names;    /* "a b", or "#2" for two positions */
};

/* What is refused, and a part of the message. */
struct refusal {
    const struct adb__dialect *dialect;
    const char *sql;
    adb_status status;
    const char *says;
};

static void names_of(const struct adb__sql_template *made, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    if (made->positional)
        snprintf(out, room, "#%zu", made->n_names);
    for (size_t i = 0; i < made->n_names && n < room; i++) {
        if (made->names[i] != NULL)
            n += (size_t)snprintf(out + n, room - n, "%s%s", i > 0 ? " " : "", made->names[i]);
    }
}

/* From a copy that has no NUL and is gone afterwards: a template keeps nothing of the text that it was made from. */
static adb_status parse(struct adb__arena *arena, const struct adb__dialect *dialect, unsigned flags, const char *sql,
                        struct adb__sql_template *made, adb_error *error)
{
    const size_t size = strlen(sql);
    char *copy = malloc(size > 0 ? size : 1);
    REQUIRE(copy != NULL);
    memcpy(copy, sql, size);
    const adb_status status = adb__sql_parse(arena, dialect, flags, copy, size, made, error);
    free(copy);
    return status;
}

static void check_row(const struct row *row, unsigned flags)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made = {0};
    adb_error error = {0};
    char names[200] = "";
    const char *expected = row->expected != NULL ? row->expected : row->sql;
    const adb_status status = parse(&arena, row->dialect, flags, row->sql, &made, &error);
    if (status == ADB_OK)
        names_of(&made, names, sizeof(names));
    if (status != ADB_OK || strcmp(made.sql, expected) != 0 || strcmp(names, row->names) != 0)
        printf("  %s\n  found    %s (%s) %s\n  expected %s (%s)\n", row->sql, status == ADB_OK ? made.sql : "", names,
               error.message, expected, row->names);
    CU_ASSERT_EQUAL(status, ADB_OK);
    CU_ASSERT_TRUE(status == ADB_OK && strcmp(made.sql, expected) == 0 && made.sql_size == strlen(expected));
    CU_ASSERT_STRING_EQUAL(names, row->names);
    adb__arena_reset(&arena);
}

static void check_rows(const struct row *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++)
        check_row(&rows[i], 0);
}

static void check_refusal(const struct refusal *refusal, unsigned flags)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made = {.n_names = 77};
    adb_error error = {0};
    const adb_status status = parse(&arena, refusal->dialect, flags, refusal->sql, &made, &error);
    if (status != refusal->status || strstr(error.message, refusal->says) == NULL)
        printf("  %s\n  found %s: %s\n", refusal->sql, adb_status_name(status), error.message);
    CU_ASSERT_EQUAL(status, refusal->status);
    CU_ASSERT_EQUAL(error.status, refusal->status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, refusal->says));
    CU_ASSERT_EQUAL(made.n_names, 77);
    adb__arena_reset(&arena);
}

static void check_refusals(const struct refusal *refusals, size_t n_refusals)
{
    for (size_t i = 0; i < n_refusals; i++)
        check_refusal(&refusals[i], 0);
}

/* Each database gets its own placeholders; numbers follow first use. (PAR-01, PAR-07, PAR-16, PAR-21, CFL-19) */
TEST(names_become_the_databases_placeholders)
{
    static const struct row rows[] = {
        {SQLITE, "INSERT INTO t VALUES (:b, :a)", "INSERT INTO t VALUES (?1, ?2)", "b a"},
        {POSTGRESQL, "INSERT INTO t VALUES (:b, :a)", "INSERT INTO t VALUES ($1, $2)", "b a"},
        {MYSQL, "INSERT INTO t VALUES (:b, :a)", "INSERT INTO t VALUES (?, ?)", "b a"},
        {SQLITE, ":a", "?1", "a"},
        {SQLITE, "SELECT :a+:b-:c", "SELECT ?1+?2-?3", "a b c"},
        {POSTGRESQL, "SELECT :\xc3\xa9t\xc3\xa9", "SELECT $1", "\xc3\xa9t\xc3\xa9"},
        {MYSQL, "SELECT :A, :a, :a_1, :_", "SELECT ?, ?, ?, ?", "A a a_1 _"},
    };
    check_rows(rows, N_OF(rows));
}

/* A name used several times is one value where the database has numbers. (PAR-04) */
TEST(repeated_names_are_one_number)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT :a, :b, :a", "SELECT ?1, ?2, ?1", "a b"},
        {POSTGRESQL, "SELECT :a, :b, :a, :b", "SELECT $1, $2, $1, $2", "a b"},
        {MYSQL, "SELECT :a, :b, :a", "SELECT ?, ?, ?", "a b"},
        {POSTGRESQL, "SELECT :a, :ab, :abc, :a", "SELECT $1, $2, $3, $1", "a ab abc"},
    };
    check_rows(rows, N_OF(rows));
}

/* ?, ?NNN and $N are taken by all databases. (PAR-16, CFL-19) */
TEST(positions_become_the_databases_placeholders)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT ?, ?", "SELECT ?1, ?2", "#2"},
        {POSTGRESQL, "SELECT ?, ?", "SELECT $1, $2", "#2"},
        {MYSQL, "SELECT ?, ?", NULL, "#2"},
        {SQLITE, "SELECT ?2, ?1, ?2", NULL, "#2"},
        {POSTGRESQL, "SELECT ?2, ?1", "SELECT $2, $1", "#2"},
        {MYSQL, "SELECT ?2, ?1, ?2", "SELECT ?, ?, ?", "#2"},
        {SQLITE, "SELECT $1, $2", "SELECT ?1, ?2", "#2"},
        {POSTGRESQL, "SELECT $2, $1, $2", NULL, "#2"},
        {POSTGRESQL, "SELECT $1$2", NULL, "#2"},
        {MYSQL, "SELECT $1, $1", "SELECT ?, ?", "#1"},
        {SQLITE, "SELECT ?01, $2", "SELECT ?1, ?2", "#2"},
    };
    check_rows(rows, N_OF(rows));
}

/* What is not a placeholder stays as it is, byte by byte. (PAR-02, PAR-03, PAR-09, PAR-10, PAIN-21) */
TEST(text_without_placeholders_is_unchanged)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT 1", NULL, ""},
        {SQLITE, "  SELECT ':a', \":b\", `:c`, [:d] -- :e ?\n", NULL, ""},
        {SQLITE, "SELECT '12:30', 'it''s :a' /* :b ? */", NULL, ""},
        {SQLITE, "SELECT * FROM t WHERE a LIKE '%x%' AND b % 2 = 1", NULL, ""},
        {SQLITE, "SELECT strftime('%Y:%s', 'now')", NULL, ""},
        {SQLITE, "SELECT '?', \"?1\", '$1', '@a'", NULL, ""},
        {SQLITE, "SELECT 'a\\:b', '\\?'", NULL, ""},
        {SQLITE, "SELECT a -> '$.b' ->> 0", NULL, ""},
        {POSTGRESQL, "SELECT '1'::int, x::numeric(10,2)[]", NULL, ""},
        {POSTGRESQL, "SELECT a[1:2], a[lo:hi], a[:2]", NULL, ""},
        {POSTGRESQL, "SELECT E'\\':a', $$ :b ? $$, $f$ $$ :c $f$", NULL, ""},
        {POSTGRESQL, "SELECT 1 /* /* :a */ :b */", NULL, ""},
        {POSTGRESQL, "SELECT a #> '{b}', @ -5, a @> b, a % 2", NULL, ""},
        {POSTGRESQL, "DO $$ BEGIN RAISE NOTICE ':x'; END $$", NULL, ""},
        {POSTGRESQL, "SELECT 'a' ~ '(?:b|c)'", NULL, ""},
        {POSTGRESQL, "SELECT f(a := 1)", NULL, ""},
        {MYSQL, "SELECT 'a\\':b', \"c\\\":d\", `:e` # :f ?", NULL, ""},
        {MYSQL, "SELECT @a := 1, @@global.x, 5--1", NULL, ""},
        {MYSQL, "/*!40101 SET NAMES :a ? */", NULL, ""},
        {MYSQL, "SELECT a:b, 12:30", NULL, ""},
        {POSTGRESQL, "SELECT a:b, 12:30, '\xe2\x82\xac:c'", NULL, ""},
    };
    check_rows(rows, N_OF(rows));
}

/* Placeholders right beside casts, quotes, operators and comments. (PAR-02, PAR-03, PAR-26, PAIN-21) */
TEST(placeholders_are_found_between_other_marks)
{
    static const struct row rows[] = {
        {POSTGRESQL, "SELECT :name::jsonb", "SELECT $1::jsonb", "name"},
        {POSTGRESQL, "SELECT :perms::jsonb, :x::int[]", "SELECT $1::jsonb, $2::int[]", "perms x"},
        {POSTGRESQL, "SELECT CAST(:a AS int) :: text", "SELECT CAST($1 AS int) :: text", "a"},
        {POSTGRESQL, "SELECT ?::int", "SELECT $1::int", "#1"},
        {POSTGRESQL, "SELECT $1::int", NULL, "#1"},
        {SQLITE, "SELECT ':a'||:a||':a'", "SELECT ':a'||?1||':a'", "a"},
        {SQLITE, "SELECT 'x' /* :b */, :a -- :c\n, :d", "SELECT 'x' /* :b */, ?1 -- :c\n, ?2", "a d"},
        {SQLITE, "SELECT [a]:b, \"c\":d", "SELECT [a]?1, \"c\"?2", "b d"},
        {POSTGRESQL, "SELECT E'\\\\':a", "SELECT E'\\\\'$1", "a"},
        {POSTGRESQL, "SELECT $$ :a $$||:b", "SELECT $$ :a $$||$1", "b"},
        {POSTGRESQL, "SELECT a[:i]", "SELECT a[$1]", "i"},
        {MYSQL, "SELECT 'a\\\\':b", "SELECT 'a\\\\'?", "b"},
        {MYSQL, "SELECT :a # :b\n, :c", "SELECT ? # :b\n, ?", "a c"},
        {MYSQL, "SET @x:=:a", "SET @x:=?", "a"},
        {SQLITE, "SELECT a<:b AND c>=:d", "SELECT a<?1 AND c>=?2", "b d"},
    };
    check_rows(rows, N_OF(rows));
}

/* A backslash before : or ? takes the mark literally and goes away. (PAR-03) */
TEST(escapes_lose_their_backslash)
{
    static const struct row rows[] = {
        {POSTGRESQL, "SELECT a \\? 'k' AND b = :b", "SELECT a ? 'k' AND b = $1", "b"},
        {POSTGRESQL, "SELECT a \\?| b, c \\?& d", "SELECT a ?| b, c ?& d", ""},
        {POSTGRESQL, "SELECT a[1\\:n], a \\:\\: b", "SELECT a[1:n], a :: b", ""},
        {POSTGRESQL, "SELECT \\:a, :b", "SELECT :a, $1", "b"},
        {POSTGRESQL, "SELECT a[\\:?]", "SELECT a[:$1]", "#1"},
        {MYSQL, "SELECT \\:a", "SELECT :a", ""},
        {POSTGRESQL, "SELECT '\\:a \\?', \\a", NULL, ""},
    };
    check_rows(rows, N_OF(rows));
}

/* A blank keeps a placeholder apart from a word that is glued to it. (PAR-20) */
TEST(placeholders_do_not_grow_into_words)
{
    static const struct row rows[] = {
        {POSTGRESQL, "SELECT 1 LIMIT?", "SELECT 1 LIMIT $1", "#1"},
        {POSTGRESQL, "SELECT ?AND 1", "SELECT $1 AND 1", "#1"},
        {POSTGRESQL, "SELECT $1AND 1", "SELECT $1 AND 1", "#1"},
        {SQLITE, "SELECT 1 LIMIT?", "SELECT 1 LIMIT ?1", "#1"},
        {POSTGRESQL, "SELECT $$x$$?", "SELECT $$x$$ $1", "#1"},
        {POSTGRESQL, "SELECT ?$$x$$", "SELECT $1$$x$$", "#1"},
    };
    check_rows(rows, N_OF(rows));
    static const struct row format = {SQLITE, "SELECT %s1, a%s", "SELECT ?1 1, a ?2", "#2"};
    check_row(&format, ADB__SQL_FORMAT);
}

/* %s on request: none missed, none in literals, and %% only there. (PAR-09, PAR-17, PAR-18, PAR-19, PAR-20) */
TEST(format_style_is_taken_on_request)
{
    static const struct row rows[] = {
        {POSTGRESQL, "%s", "$1", "#1"},
        {POSTGRESQL, "SELECT %s%s", "SELECT $1$2", "#2"},
        {SQLITE, "SELECT %s, '%s', \"%s\" -- %s", "SELECT ?1, '%s', \"%s\" -- %s", "#1"},
        {MYSQL, "SELECT a %% %s, '%%'", "SELECT a % ?, '%%'", "#1"},
        {POSTGRESQL, "SELECT %%s, 5 % 2", "SELECT %s, 5 % 2", ""},
        {POSTGRESQL, "SELECT %s, ?", "SELECT $1, $2", "#2"},
        {SQLITE, "SELECT :a %% :b", "SELECT ?1 % ?2", "a b"},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        check_row(&rows[i], ADB__SQL_FORMAT);
    static const struct row plain = {SQLITE, "SELECT 5 %s, '%%' %% 2", NULL, ""};
    check_row(&plain, 0);
}

/* Raw text goes out as it came. */
TEST(raw_text_is_left_alone)
{
    static const struct row rows[] = {
        {POSTGRESQL, "SELECT a ? 'b', :c, $1, \\:", NULL, ""},
        {SQLITE, "SELECT @a, :b, ?;", "SELECT @a, :b, ?", ""},
    };
    for (size_t i = 0; i < N_OF(rows); i++)
        check_row(&rows[i], ADB__SQL_RAW | ADB__SQL_FORMAT);
}

/* Empty statements and the last semicolon go; what follows the semicolon may be blanks and comments. (QRY-28) */
TEST(the_last_semicolon_is_dropped)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT 1;", "SELECT 1", ""},
        {SQLITE, "SELECT :a ; -- end", "SELECT ?1 ", "a"},
        {SQLITE, "SELECT 1;; /* x */ ;\n", "SELECT 1", ""},
        {SQLITE, "; ;SELECT 1", "SELECT 1", ""},
        {SQLITE, "/* tag */ SELECT 1 /* tag */", NULL, ""},
        {POSTGRESQL, "SELECT ';', $$;$$;", "SELECT ';', $$;$$", ""},
        {POSTGRESQL, "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", NULL, ""},
    };
    check_rows(rows, N_OF(rows));
}

/* The body of a trigger, routine or event holds semicolons. (QRY-28) */
TEST(a_compound_body_is_one_statement)
{
    static const struct row rows[] = {
        {SQLITE, "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END;",
         "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END", ""},
        {SQLITE, "create temp trigger t after update of end on a begin update a set end = new.begin; end", NULL, ""},
        {POSTGRESQL, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", NULL, ""},
        {MYSQL, "CREATE PROCEDURE p() BEGIN IF 1 THEN BEGIN SELECT 1; END; END IF; SELECT 2; END", NULL, ""},
    };
    check_rows(rows, N_OF(rows));
}

/* Two statements are refused with the place of the second. (QRY-28) */
TEST(a_second_statement_is_refused)
{
    static const struct refusal refusals[] = {
        {SQLITE, "SELECT 1; SELECT 2", ADB_E_MULTI, "offset 10"},
        {SQLITE, "SELECT ?;?", ADB_E_MULTI, "offset 9"},
        {POSTGRESQL, "SELECT $$;$$; x", ADB_E_MULTI, "offset 14"},
        {MYSQL, "SELECT 1; /*! DROP TABLE t */", ADB_E_MULTI, "offset 10"},
        {SQLITE, "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2", ADB_E_MULTI, "offset 56"},
        {POSTGRESQL, "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); SELECT 2", ADB_E_MULTI, "offset 57"},
        {SQLITE, "BEGIN; SELECT 1; END", ADB_E_MULTI, "offset 7"},
        {SQLITE, "CREATE TABLE trigger (begin); END", ADB_E_MULTI, "offset 30"},
        {SQLITE, "SELECT 1; @a", ADB_E_MULTI, "offset 10"},
    };
    check_refusals(refusals, N_OF(refusals));
}

/* Text without a statement, with an open end or with a NUL is a syntax error. */
TEST(broken_text_is_refused)
{
    static const struct refusal refusals[] = {
        {SQLITE, "", ADB_E_SYNTAX, "empty statement"},
        {SQLITE, " \n-- a\n/* b */ ;;", ADB_E_SYNTAX, "empty statement"},
        {MYSQL, "# a", ADB_E_SYNTAX, "empty statement"},
        {SQLITE, "SELECT 'a", ADB_E_SYNTAX, "unterminated string literal at offset 7"},
        {SQLITE, "SELECT \"a", ADB_E_SYNTAX, "unterminated quoted name at offset 7"},
        {SQLITE, "SELECT [a", ADB_E_SYNTAX, "unterminated quoted name at offset 7"},
        {SQLITE, "SELECT 1 /* a", ADB_E_SYNTAX, "unterminated comment at offset 9"},
        {POSTGRESQL, "SELECT $a$ $", ADB_E_SYNTAX, "unterminated dollar quote at offset 7"},
        {POSTGRESQL, "SELECT E'\\'", ADB_E_SYNTAX, "unterminated string literal at offset 7"},
        {SQLITE, "SELECT 1; /* a", ADB_E_SYNTAX, "unterminated comment at offset 10"},
    };
    check_refusals(refusals, N_OF(refusals));
}

/* A NUL inside the text would hide what follows it. */
TEST(a_nul_byte_is_refused)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made;
    adb_error error;
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, "SELECT 1\0;", 10, &made, &error), ADB_E_SYNTAX);
    CU_ASSERT_STRING_EQUAL(error.message, "NUL byte at offset 8");
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, "SELECT '\0'", 10, &made, NULL), ADB_E_SYNTAX);
    adb__arena_reset(&arena);
}

/* One statement has one style of placeholders, and numbers have no gaps. */
TEST(placeholders_that_do_not_fit_are_refused)
{
    static const struct refusal refusals[] = {
        {SQLITE, "SELECT :a, ?", ADB_E_PARAMETER, "mixed at offset 11"},
        {POSTGRESQL, "SELECT $1, :a", ADB_E_PARAMETER, "named and positional"},
        {POSTGRESQL, "SELECT a ? 'b', :c", ADB_E_PARAMETER, "\\?"},
        {SQLITE, "SELECT ?, ?2", ADB_E_PARAMETER, "numbered"},
        {SQLITE, "SELECT ?0", ADB_E_PARAMETER, "?0 at offset 7"},
        {SQLITE, "SELECT ?32767", ADB_E_PARAMETER, "1 to 32766"},
        {SQLITE, "SELECT ?99999999999999999999999", ADB_E_PARAMETER, "1 to 32766"},
        {POSTGRESQL, "SELECT $1, $3", ADB_E_PARAMETER, "number 2"},
        {POSTGRESQL, "SELECT $2", ADB_E_PARAMETER, "number 1"},
        {SQLITE, "SELECT ?3, ?3, ?2", ADB_E_PARAMETER, "number 1"},
        {SQLITE, "SELECT ?32766", ADB_E_PARAMETER, "the highest is 32766"},
    };
    check_refusals(refusals, N_OF(refusals));
}

/* SQLite would bind these by itself, to NULL. */
TEST(placeholders_of_sqlites_own_are_refused)
{
    static const struct refusal refusals[] = {
        {SQLITE, "SELECT @a", ADB_E_PARAMETER, "@a at offset 7"},
        {SQLITE, "SELECT $abc", ADB_E_PARAMETER, "$abc at offset 7"},
        {SQLITE, "SELECT 1 LIMIT:b", ADB_E_PARAMETER, ":b at offset 14"},
        {SQLITE, "SELECT :1", ADB_E_PARAMETER, ":1 at offset 7"},
        {SQLITE, "SELECT #a", ADB_E_PARAMETER, "#a at offset 7"},
        {SQLITE, "SELECT \\:a", ADB_E_PARAMETER, "offset 7"},
        {MYSQL, "SELECT \\?", ADB_E_PARAMETER, "offset 7"},
    };
    check_refusals(refusals, N_OF(refusals));
}

/* A thousand distinct names and positions keep their numbers; more than the database takes are refused. */
TEST(many_names_are_numbered)
{
    static char sql[40000 * 8];
    struct adb__arena arena = {0};
    struct adb__sql_template made;
    adb_error error;
    size_t n = (size_t)snprintf(sql, sizeof(sql), "SELECT :n0");
    for (int i = 1; i < 32766; i++)
        n += (size_t)snprintf(sql + n, sizeof(sql) - n, ",:n%d", i);
    REQUIRE(adb__sql_parse(&arena, SQLITE, 0, sql, n, &made, &error) == ADB_OK);
    CU_ASSERT_EQUAL(made.n_names, 32766);
    CU_ASSERT_STRING_EQUAL(made.names[32765], "n32765");
    CU_ASSERT_STRING_EQUAL(made.sql + made.sql_size - 7, ",?32766");
    n += (size_t)snprintf(sql + n, sizeof(sql) - n, ",:n0,:last");
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, sql, n, &made, &error), ADB_E_PARAMETER);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "at most 32766"));
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, POSTGRESQL, 0, sql, n, &made, &error), ADB_OK);
    adb__arena_reset(&arena);
}

/* Sizes that no database takes are refused before the text is read. */
TEST(two_gigabytes_are_too_big)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made;
    adb_error error;
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, "SELECT 1", INT32_MAX, &made, &error), ADB_E_TOO_BIG);
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, "SELECT 1", SIZE_MAX, &made, NULL), ADB_E_TOO_BIG);
}

static unsigned flags_of(const char *sql)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made = {0};
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, MYSQL, 0, sql, strlen(sql), &made, NULL), ADB_OK);
    adb__arena_reset(&arena);
    return made.flags;
}

/* The first word, behind comments and parentheses, tells a reading statement. */
TEST(reading_statements_are_told_by_their_first_word)
{
    static const char *const reading[] = {"SELECT 1",    "/* a */ ((select 1))", "values (1)", "Explain DELETE",
                                          "WITH a AS b", "show tables",          "DESCRIBE t", "desc t",
                                          "TABLE t",     "; -- a\n SELECT 1",    "PRAGMA x"};
    for (size_t i = 0; i < N_OF(reading); i++)
        CU_ASSERT_TRUE((flags_of(reading[i]) & ADB__STMT_READS) != 0);
    static const char *const other[] = {"'a' SELECT", ":a", "SELECTED", "CALL p"};
    for (size_t i = 0; i < N_OF(other); i++)
        CU_ASSERT_EQUAL(flags_of(other[i]), 0);
}

/* And one that changes rows, and does nothing else. */
TEST(writing_statements_are_told_by_their_first_word)
{
    static const char *const writing[] = {"INSERT INTO t SELECT 1", "-- a\n update t", "Delete FROM t", "MERGE INTO t"};
    for (size_t i = 0; i < N_OF(writing); i++)
        CU_ASSERT_EQUAL(flags_of(writing[i]), ADB__STMT_WRITES);
    static const char *const other[] = {"WITH a AS (INSERT INTO t) SELECT 1",
                                        "EXPLAIN UPDATE t",
                                        "CREATE TABLE t",
                                        "TRUNCATE t",
                                        "COPY t FROM STDIN",
                                        "CALL p"};
    for (size_t i = 0; i < N_OF(other); i++)
        CU_ASSERT_EQUAL(flags_of(other[i]) & ADB__STMT_WRITES, 0);
}

/* Statements that run once are not worth a place in a cache. */
TEST(statements_that_run_once_are_not_cached)
{
    static const char *const once[] = {"BEGIN",         "start transaction", "COMMIT",           "END",
                                       "ROLLBACK TO a", "SAVEPOINT a",       "RELEASE a",        "CREATE TABLE t",
                                       "DROP TABLE t",  "ALTER TABLE t",     "VACUUM",           "ATTACH 'a' AS b",
                                       "DETACH b",      "pragma x",          "SET TRANSACTION x"};
    for (size_t i = 0; i < N_OF(once); i++)
        CU_ASSERT_TRUE((flags_of(once[i]) & ADB__STMT_NO_CACHE) != 0);
    CU_ASSERT_EQUAL(flags_of("SELECT 1"), ADB__STMT_READS | ADB__STMT_PURE);
    CU_ASSERT_EQUAL(flags_of("INSERT INTO t VALUES (1)"), ADB__STMT_WRITES);
}

/* Small statements fit into memory that the caller lends. */
TEST(a_small_statement_allocates_nothing)
{
    _Alignas(16) char lent[1024];
    struct adb__arena arena;
    struct adb__sql_template made;
    adb__arena_init(&arena, lent, sizeof(lent));
    fault_arm(0);
    const char *sql = "INSERT INTO notes VALUES (:text, :completed)";
    CU_ASSERT_EQUAL(adb__sql_parse(&arena, SQLITE, 0, sql, strlen(sql), &made, NULL), ADB_OK);
    CU_ASSERT_FALSE(fault_disarm());
    adb__arena_reset(&arena);
}

/* No memory at any point is a status and leaves the template as it was. */
TEST(no_memory_is_a_status)
{
    char sql[4000] = "SELECT :n0";
    for (size_t i = 1; i < 300; i++)
        snprintf(sql + strlen(sql), 10, ",:n%zu", i);
    FAULT_EACH(n)
    {
        struct adb__arena arena = {0};
        struct adb__sql_template made = {.n_names = 77};
        adb_error error = {0};
        fault_arm(n);
        const adb_status status = adb__sql_parse(&arena, POSTGRESQL, 0, sql, strlen(sql), &made, &error);
        FAULT_DONE();
        CU_ASSERT_EQUAL(status, fault_more ? ADB_E_NOMEM : ADB_OK);
        CU_ASSERT_EQUAL(made.n_names, fault_more ? 77 : 300);
        adb__arena_reset(&arena);
        CU_ASSERT_EQUAL(fault_live_blocks(), 0);
    }
}

SUITE(compile, CASE(names_become_the_databases_placeholders), CASE(repeated_names_are_one_number),
      CASE(positions_become_the_databases_placeholders), CASE(text_without_placeholders_is_unchanged),
      CASE(placeholders_are_found_between_other_marks), CASE(escapes_lose_their_backslash),
      CASE(placeholders_do_not_grow_into_words), CASE(format_style_is_taken_on_request), CASE(raw_text_is_left_alone),
      CASE(the_last_semicolon_is_dropped), CASE(a_compound_body_is_one_statement), CASE(a_second_statement_is_refused),
      CASE(broken_text_is_refused), CASE(a_nul_byte_is_refused), CASE(placeholders_that_do_not_fit_are_refused),
      CASE(placeholders_of_sqlites_own_are_refused), CASE(many_names_are_numbered), CASE(two_gigabytes_are_too_big),
      CASE(reading_statements_are_told_by_their_first_word), CASE(writing_statements_are_told_by_their_first_word),
      CASE(statements_that_run_once_are_not_cached), CASE(a_small_statement_allocates_nothing),
      CASE(no_memory_is_a_status))
