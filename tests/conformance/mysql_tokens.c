/* SPDX-License-Identifier: BSD-3-Clause */
/* The tokenizer's idea of MySQL's SQL beside the server's own: thousands of texts, in which literals of every kind,
 * quoted names and comments hide what looks like a placeholder. PAR-02 PAR-03 PAIN-21 */
#include "drivers/registry.h"
#include "tests/lib/claim.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/texts.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_TEXTS 30000

static const char *url;

static const char *const atoms[] = {
    "1",
    "'a'",
    "'a''b'",
    "'a\\'b'",
    "'\\\\'",
    "'?'",
    "':x'",
    "''",
    "\"a\"",
    "\"a\"\"b\"",
    "\"a\\\"?\"",
    "'a' 'b'",
    "'a'\n\"b\"",
    "_utf8mb4'x'",
    "N'x'",
    "x'1F'",
    "0x1F",
    "b'101'",
    "1 AS `a`",
    "1 AS `a``b`",
    "1 AS `?`",
    "1 AS `:x`",
    "/* ? */ 1",
    "/* :x ' */ 2",
    "-- ?\n 3",
    "# ? '\n 4",
    "/*! 5 */",
    "/*!99999 ? */ 6",
    "/*M! 7 */",
    ":x",
    ":y",
    "(:x)",
    "CAST(:x AS CHAR)",
    ":x + 1",
    "@a",
    "@a := 1",
    "@`a`",
    "@'a'",
    "@@version",
    "1 - -1",
    "1--1",
    "5--1",
    "2 - 1",
    "3 * 2",
    "4 / 2",
    "5 % 3",
    "now()",
    "1.5e3",
    "1 a$b",
    "1 $a",
    "TRUE",
    "NULL",
    "(SELECT 1)",
    "CASE WHEN 1 THEN 'x' END",
    "'it''s :x'",
    "INTERVAL 1 DAY + NOW()",
    "1 AS a1",
    "DATE '2024-01-01'",
    "'a' /* ' */",
    "'x' LIKE '%a\\%'",
    "'x' REGEXP '^x?'",
    "a.`b`",
    "{d '2024-01-01'}",
    "1 IS NULL",
    "1 <=> 2",
    "JSON_EXTRACT('{}', '$.a')",
    "!1",
    "~1",
    NULL,
};

static int ask(void *native, const char *sql, size_t size)
{
    MYSQL_STMT *statement = mysql_stmt_init(native);
    const int count =
        mysql_stmt_prepare(statement, sql, (unsigned long)size) == 0 ? (int)mysql_stmt_param_count(statement) : -1;
    mysql_stmt_close(statement);
    return count;
}

static struct texts_score score;

static adb_status compare(adb_session *session, void *same_out)
{
    const struct adb__driver *driver = NULL;
    if (adb__registry_find(adb_database_url(claim_db), &driver, NULL) == ADB_OK)
        *(bool *)same_out = texts_compare(&driver->dialect, atoms, N_TEXTS, ask, adb_session_native(session), &score);
    return ADB_OK;
}

/* Where the server takes a text it has as many parameters as we see; what we refuse to read it refuses too. */
TEST(the_server_sees_the_placeholders_that_we_see)
{
    bool same = false;
    claim_open(url, NULL);
    adb_result_unref(adb_wait(claim_ctx, adb_run(claim_ctx, compare, NULL, &same), 120000));
    CU_ASSERT(same);
    CU_ASSERT(score.taken > N_TEXTS / 10 && score.with_marks > N_TEXTS / 50);
    printf("# of %d texts %zu were taken, %zu of them with placeholders\n", N_TEXTS, score.taken, score.with_marks);
    claim_close();
}

static const struct harness_case cases[] = {
    CASE(the_server_sees_the_placeholders_that_we_see),
};

int main(int argc, char **argv)
{
    url = own_variable("ADB_TEST_MYSQL_URL");
    return url == NULL ? 77 : harness_main("mysql_tokens", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
