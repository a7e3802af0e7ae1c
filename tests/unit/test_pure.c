/* SPDX-License-Identifier: BSD-3-Clause */
/* Which statements are pure: run twice or in vain, and nobody knows. What is not told of is not pure. */
#include "sql/compile.h"

#include "tests/lib/dialects.h"
#include "tests/lib/harness.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct adb__dialect *const dialects[] = {&sqlite_dialect, &postgresql_dialect, &mysql_dialect};

static bool is_pure(const struct adb__dialect *dialect, const char *sql)
{
    struct adb__arena arena = {0};
    struct adb__sql_template made = {0};
    adb_error error = {0};
    const adb_status status = adb__sql_parse(&arena, dialect, 0, sql, strlen(sql), &made, &error);
    if (status != ADB_OK)
        printf("  %s: %s\n", sql, error.message);
    CU_ASSERT_EQUAL(status, ADB_OK);
    const bool pure = status == ADB_OK && (made.flags & ADB__STMT_PURE) != 0;
    if (pure)
        CU_ASSERT_TRUE((made.flags & ADB__STMT_READS) != 0);
    adb__arena_reset(&arena);
    return pure;
}

static void check_one(const struct adb__dialect *dialect, const char *sql, bool expected)
{
    const bool pure = is_pure(dialect, sql);
    if (pure != expected)
        printf("  %s\n  is %s\n", sql, pure ? "pure" : "not pure");
    CU_ASSERT_EQUAL(pure, expected);
}

static void check_all(const char *const *sql, size_t n, bool expected)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < N_OF(dialects); j++)
            check_one(dialects[j], sql[i], expected);
    }
}

/* What is read all day. */
TEST(plain_reads_are_pure)
{
    static const char *const pure[] = {
        "SELECT 1",
        "select a, b from t where id = ?",
        "SELECT * FROM t WHERE id = :id AND (a = 1 OR b IN (:b)) ORDER BY c LIMIT 5",
        "/* who */ ((SELECT 1))",
        "VALUES (1, 'a'), (2, 'b')",
        "TABLE t",
        "SELECT count(*), max(a), coalesce(b, 0) FROM t GROUP BY b HAVING (count(*) > 1)",
        "SELECT CAST(a AS decimal(10, 2)), upper(trim(b)) FROM t",
        "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u) AND NOT (a BETWEEN (1) AND (2)) UNION ALL (SELECT 2)",
        "SELECT row_number() OVER (PARTITION BY a), sum(b) FILTER (WHERE (b > 0)) FROM t",
        "SELECT CASE WHEN (a) THEN (b) ELSE (c) END FROM t",
        "SELECT 'FOR UPDATE; INTO f(1) := 2', a -- INTO f(x)\n FROM t",
        "SELECT a * (b + (c)) / (2) FROM t;",
    };
    check_all(pure, N_OF(pure), true);
}

/* The word is in a statement that only reads. */
TEST(what_may_write_is_not_pure)
{
    static const char *const others[] = {
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "WITH a AS (INSERT INTO t VALUES (1) RETURNING b) SELECT * FROM a",
        "(WITH a AS (DELETE FROM t) SELECT 1)",
        "SELECT * FROM (DELETE FROM t) d",
        "SELECT * INTO u FROM t",
        "SELECT a FROM t INTO OUTFILE '/tmp/a'",
        "EXPLAIN ANALYZE DELETE FROM t",
        "PRAGMA journal_mode",
        "SHOW TABLES",
        "'SELECT'",
        ":a",
        "CALL p",
    };
    check_all(others, N_OF(others), false);
}

/* A lock is an effect. */
TEST(what_locks_is_not_pure)
{
    static const char *const locking[] = {
        "SELECT a FROM t FOR UPDATE",         "SELECT a FROM t FOR NO KEY UPDATE",  "SELECT a FROM t for /* */ share",
        "SELECT a FROM t LOCK IN SHARE MODE", "SELECT a FROM t FOR KEY SHARE OF t", "TABLE t FOR UPDATE SKIP LOCKED",
    };
    check_all(locking, N_OF(locking), false);
}

/* Who knows what it does? */
TEST(a_call_of_an_unknown_function_is_not_pure)
{
    static const char *const calling[] = {
        "SELECT f(1)",
        "SELECT nextval('s')",
        "SELECT NEXT VALUE FOR s",
        "SELECT s.nextval FROM t",
        "SELECT f (1)",
        "SELECT f/* a */(1)",
        "SELECT f -- a\n (1)",
        "SELECT \"count\"(1)",
        "SELECT s.count(1)",
        "SELECT s . /* a */ count(1)",
        "SELECT s.\"f\"(1)",
        "SELECT counts(1), count(1)",
        "SELECT coun(1)",
        "SELECT s.in(1)",
        "SELECT over(1)",
        "SELECT filter(1)",
        "SELECT like(1, 2)",
        "SELECT left(1, 2)",
        "SELECT by(1)",
        "SELECT count(f(1))",
        "SELECT * FROM f(1)",
        "SELECT * FROM t WHERE a IN (SELECT g(1))",
        "SELECT \xc3\xa9t\xc3\xa9(1)",
        "SELECT pg_advisory_lock(1)",
        "SELECT last_insert_id(5)",
        "SELECT SQL_CALC_FOUND_ROWS a FROM t",
        "SELECT random()",
    };
    check_all(calling, N_OF(calling), false);
}

/* MySQL takes it for its own function only without a blank: with one, it may be the user's. */
TEST(a_function_has_its_parenthesis_right_behind)
{
    static const char *const parted[] = {"SELECT count (*)", "SELECT max\n(a) FROM t", "SELECT abs/**/(1)"};
    check_all(parted, N_OF(parted), false);
}

TEST(assignments_and_comments_that_are_run_are_not_pure_in_mysql)
{
    static const char *const sql[] = {"SELECT @a := 1",           "SELECT @a:=@a+1",
                                      "SELECT @a \\:= 1",         "SELECT /*!50000 f(1), */ 1",
                                      "SELECT 1 /*M! INTO @a */", "SELECT `count`(1)"};
    for (size_t i = 0; i < N_OF(sql); i++)
        check_one(&mysql_dialect, sql[i], false);
    check_one(&mysql_dialect, "SELECT @a = 1, @@sql_mode", true);
}

/* Names of functions elsewhere. */
TEST(some_words_are_reserved_by_postgresql_only)
{
    static const char *const sql[] = {"SELECT 1 WHERE 1 = ANY (ARRAY(SELECT 2))", "SELECT ROW(1)", "SELECT some(1)",
                                      "SELECT 1 OFFSET (1)", "SELECT * FROM t, LATERAL (SELECT 1) a"};
    for (size_t i = 0; i < N_OF(sql); i++) {
        check_one(&postgresql_dialect, sql[i], true);
        check_one(&mysql_dialect, sql[i], false);
        check_one(&sqlite_dialect, sql[i], false);
    }
    check_one(&postgresql_dialect, "SELECT a[1], :b::numeric(5, 2), $$f($$ FROM t", true);
    check_one(&postgresql_dialect, "SELECT 1 OPERATOR(s.+) 2", false);
    check_one(&postgresql_dialect, "SELECT U&\"f\"(1)", false);
}

/* A small generator of statements that are pure, word by word. */
struct made {
    uint32_t seed;
    size_t n_words;
    const char *words[120];
};

static uint32_t pick(struct made *m, uint32_t n)
{
    m->seed = m->seed * 1664525u + 1013904223u;
    return (m->seed >> 16) % n;
}

static void say(struct made *m, const char *word)
{
    if (m->n_words < N_OF(m->words))
        m->words[m->n_words++] = word;
}

static void make_value(struct made *m, unsigned depth)
{
    static const char *const leaves[] = {"a", "7", "'f('", "?", "t.b", "NULL"};
    static const char *const calls[] = {"count(", "Coalesce(", "(", "LENGTH(", "NOT ("};
    if (depth == 0 || pick(m, 3) == 0) {
        say(m, leaves[pick(m, N_OF(leaves))]);
        return;
    }
    say(m, calls[pick(m, N_OF(calls))]);
    make_value(m, depth - 1);
    say(m, pick(m, 2) == 0 ? "+" : "AND");
    make_value(m, depth - 1);
    say(m, ")");
}

static void make_statement(struct made *m)
{
    say(m, "SELECT");
    make_value(m, 3);
    say(m, ",");
    make_value(m, 2);
    say(m, "FROM t WHERE");
    make_value(m, 2);
    say(m, "IN (");
    make_value(m, 1);
    say(m, ")");
}

/* The words with what may stand between them, and one more in some place; NULL: none. */
static void write_statement(struct made *m, const char *more, size_t place, char *out, size_t room)
{
    static const char *const gaps[] = {" ", "\n", " /* f( */ ", " -- INTO\n", "\t "};
    size_t n = 0;
    for (size_t i = 0; i < m->n_words && n < room; i++) {
        if (more != NULL && i == place)
            n += (size_t)snprintf(out + n, room - n, "%s ", more);
        n += (size_t)snprintf(out + n, room - n, "%s%s", m->words[i], gaps[pick(m, N_OF(gaps))]);
    }
    REQUIRE(n < room);
}

static void swap_case(char *sql, uint32_t seed)
{
    for (size_t i = 0; sql[i] != '\0'; i++)
        sql[i] = (char)((seed >> i % 31 & 1) != 0 ? toupper((unsigned char)sql[i]) : tolower((unsigned char)sql[i]));
}

/* Whatever is pure stays so in other letters and with other blanks, and one thing that is not ends it anywhere. */
TEST(one_impure_word_anywhere_makes_all_of_it_impure)
{
    static const char *const impure[] = {"f(1) +",        "x.max(1),", "INTO",       "for",    "lock",
                                         "\"count\"(1),", "Update",    "count (1),"};
    char sql[4000];
    for (uint32_t seed = 1; seed <= 300; seed++) {
        struct made m = {.seed = seed * 7919u};
        const struct adb__dialect *dialect = dialects[seed % N_OF(dialects)];
        make_statement(&m);
        write_statement(&m, NULL, 0, sql, sizeof(sql));
        swap_case(sql, seed * 2654435761u);
        check_one(dialect, sql, true);
        write_statement(&m, impure[seed % N_OF(impure)], 1 + pick(&m, (uint32_t)m.n_words - 1), sql, sizeof(sql));
        check_one(dialect, sql, false);
    }
}

SUITE(pure, CASE(plain_reads_are_pure), CASE(what_may_write_is_not_pure), CASE(what_locks_is_not_pure),
      CASE(a_call_of_an_unknown_function_is_not_pure), CASE(a_function_has_its_parenthesis_right_behind),
      CASE(assignments_and_comments_that_are_run_are_not_pure_in_mysql),
      CASE(some_words_are_reserved_by_postgresql_only), CASE(one_impure_word_anywhere_makes_all_of_it_impure))
