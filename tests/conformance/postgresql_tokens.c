/* SPDX-License-Identifier: BSD-3-Clause */
/* The tokenizer's idea of PostgreSQL's SQL beside the server's own: thousands of texts, in which literals of every
 * kind, quoted names, comments and dollar quotes hide what looks like a placeholder. PAR-02 PAR-03 PAIN-21 */
#include "drivers/registry.h"
#include "tests/lib/claim.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/texts.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_TEXTS 30000

static const char *url;

static const char *const atoms[] = {
    "1",
    "'a'",
    "'a''b'",
    "'a\\'",
    "'?'",
    "':x'",
    "'$1'",
    "''",
    "E'a\\'b'",
    "e'\\\\'",
    "E'a' \n 'b\\'c'",
    "'a'\n'b'",
    "U&'d\\0061t'",
    "N'x'",
    "B'101'",
    "X'1F'",
    "$$a$$",
    "$$ ? :x $1 $$",
    "$t$ $$ ' $t$",
    "$t$?$t$",
    "$_1$ x $_1$",
    "1 AS \"a\"",
    "1 AS \"a\"\"b\"",
    "1 AS \":x\"",
    "1 AS U&\"d\\0061\"",
    "/* ? */ 1",
    "/* /* ' */ :x */ 2",
    "-- ?\n 3",
    "-- $1\r 4",
    ":x",
    ":y",
    ":x::int",
    ":x::text",
    "CAST(:x AS int)",
    "(:x)",
    "5::int",
    "'5'::int",
    "ARRAY[1,2]",
    "(ARRAY[1,2,3])[1:2]",
    "'{\"a\": 1}'::jsonb \\? 'a'",
    "1 - -1",
    "1--1\n",
    "2 - 1",
    "3 * 2",
    "4 / 2",
    "5 % 3",
    "now()",
    "1.5e3",
    "12a",
    "1 a$b",
    "1 a$1",
    "true",
    "NULL",
    "(SELECT 1)",
    "CASE WHEN true THEN 'x' END",
    "'it''s :x'",
    "extract(hour from time '12:30:00')",
    "1 AS a1",
    "E'\\x41'",
    "'a' /* ' */ ",
    "@ -5",
    "|/ 25.0",
    "'x' LIKE '%a\\%'",
    NULL,
};

static int ask(void *native, const char *sql, size_t size)
{
    int count = -1;
    (void)size;
    PGresult *prepared = PQprepare(native, "", sql, 0, NULL);
    if (PQresultStatus(prepared) == PGRES_COMMAND_OK) {
        PGresult *described = PQdescribePrepared(native, "");
        count = PQnparams(described);
        PQclear(described);
    }
    PQclear(prepared);
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
    url = own_variable("ADB_TEST_POSTGRESQL_URL");
    return url == NULL ? 77 : harness_main("postgresql_tokens", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
