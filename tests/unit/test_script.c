/* SPDX-License-Identifier: BSD-3-Clause */
/* Splitting scripts: which semicolons end a statement. (QRY-28) */
#include "sql/compile.h"
#include "sql/script.h"

#include "tests/lib/dialects.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

#define SQLITE     &sqlite_dialect
#define POSTGRESQL &postgresql_dialect
#define MYSQL      &mysql_dialect
#define N_OF(a)    (sizeof(a) / sizeof((a)[0]))

struct row {
    const struct adb__dialect *dialect;
    const char *script;
    const char *expected; /* the statements, split by '|' */
};

static void split(const struct row *row, char *out)
{
    const char *rest = row->script;
    size_t left = strlen(rest);
    size_t skipped = 0;
    size_t size = 0;
    out[0] = '\0';
    while ((size = adb__sql_next_statement(row->dialect, rest, left, &skipped)) > 0) {
        if (out[0] != '\0')
            strcat(out, "|");
        strncat(out, rest + skipped, size);
        rest += skipped + size;
        left -= skipped + size;
    }
    CU_ASSERT_EQUAL(skipped, left);
}

static void check_rows(const struct row *rows, size_t n_rows)
{
    char found[1000];
    for (size_t i = 0; i < n_rows; i++) {
        split(&rows[i], found);
        if (strcmp(found, rows[i].expected) != 0)
            printf("  %s\n  found    %s\n  expected %s\n", rows[i].script, found, rows[i].expected);
        CU_ASSERT_STRING_EQUAL(found, rows[i].expected);
    }
}

/* Each statement keeps its semicolon; what stands between them is skipped. */
TEST(semicolons_end_statements)
{
    static const struct row rows[] = {
        {SQLITE, "", ""},
        {SQLITE, " \n-- nothing\n/* at all */;;", ""},
        {SQLITE, "SELECT 1", "SELECT 1"},
        {SQLITE, "SELECT 1;", "SELECT 1;"},
        {SQLITE, "SELECT 1; SELECT 2 ;\n", "SELECT 1;|SELECT 2 ;"},
        {SQLITE, "-- one\nSELECT 1;; -- two\nSELECT 2 -- end", "SELECT 1;|SELECT 2 -- end"},
        {SQLITE, "BEGIN; INSERT INTO t VALUES (1); END; SELECT 1", "BEGIN;|INSERT INTO t VALUES (1);|END;|SELECT 1"},
        {MYSQL, "# a;\n/*!40101 SET NAMES utf8 */;\nSELECT 1;", "/*!40101 SET NAMES utf8 */;|SELECT 1;"},
    };
    check_rows(rows, N_OF(rows));
}

/* Semicolons in literals, names, comments and dollar quotes end nothing. */
TEST(hidden_semicolons_end_nothing)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT ';', \";\", [;], `;` /* ; */ -- ;\n; x", "SELECT ';', \";\", [;], `;` /* ; */ -- ;\n;|x"},
        {POSTGRESQL, "SELECT $$;$$, E'\\';'; x", "SELECT $$;$$, E'\\';';|x"},
        {POSTGRESQL, "DO $f$ BEGIN; $$;$$ END $f$; x", "DO $f$ BEGIN; $$;$$ END $f$;|x"},
        {POSTGRESQL, "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); x",
         "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);|x"},
        {MYSQL, "SELECT 'a\\';', \"\\\";\"; x", "SELECT 'a\\';', \"\\\";\";|x"},
    };
    check_rows(rows, N_OF(rows));
}

/* Triggers of SQLite end at their END, whatever columns and CASE expressions are called. */
TEST(sqlite_triggers_are_one_statement)
{
    static const struct row rows[] = {
        {SQLITE, "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END; x",
         "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;|x"},
        {SQLITE, "create temp trigger if not exists t after insert on a begin select 1; end; x",
         "create temp trigger if not exists t after insert on a begin select 1; end;|x"},
        {SQLITE, "CREATE TEMPORARY TRIGGER t DELETE ON a BEGIN SELECT CASE 1 WHEN 2 THEN 3 END; END; x",
         "CREATE TEMPORARY TRIGGER t DELETE ON a BEGIN SELECT CASE 1 WHEN 2 THEN 3 END; END;|x"},
        {SQLITE, "CREATE TRIGGER t UPDATE OF end ON a WHEN (new.begin > 1) BEGIN UPDATE a SET end = 1; END; x",
         "CREATE TRIGGER t UPDATE OF end ON a WHEN (new.begin > 1) BEGIN UPDATE a SET end = 1; END;|x"},
        {SQLITE, "CREATE /* ; */ TRIGGER t UPDATE OF begin, end ON a BEGIN SELECT begin, end FROM a; END; x",
         "CREATE /* ; */ TRIGGER t UPDATE OF begin, end ON a BEGIN SELECT begin, end FROM a; END;|x"},
        {SQLITE, "CREATE TRIGGER t INSERT ON a BEGIN SELECT CASE WHEN b THEN begin ELSE end END; END; x",
         "CREATE TRIGGER t INSERT ON a BEGIN SELECT CASE WHEN b THEN begin ELSE end END; END;|x"},
        {SQLITE, "EXPLAIN QUERY PLAN CREATE TRIGGER t INSERT ON a BEGIN SELECT 1; END; x",
         "EXPLAIN QUERY PLAN CREATE TRIGGER t INSERT ON a BEGIN SELECT 1; END;|x"},
        {SQLITE, "CREATE TRIGGER t INSERT ON a BEGIN SELECT 1;", "CREATE TRIGGER t INSERT ON a BEGIN SELECT 1;"},
    };
    check_rows(rows, N_OF(rows));
}

/* Only what can have a body may hold semicolons, and only behind BEGIN. */
TEST(other_statements_have_no_body)
{
    static const struct row rows[] = {
        {SQLITE, "CREATE TABLE trigger (begin); x; END;", "CREATE TABLE trigger (begin);|x;|END;"},
        {SQLITE, "CREATE TABLE t (trigger, begin); x", "CREATE TABLE t (trigger, begin);|x"},
        {SQLITE, "CREATE VIEW v AS SELECT begin FROM trigger; x", "CREATE VIEW v AS SELECT begin FROM trigger;|x"},
        {SQLITE, "CREATE TABLE \"x\" (a); CREATE INDEX i ON x (a); x",
         "CREATE TABLE \"x\" (a);|CREATE INDEX i ON x (a);|x"},
        {POSTGRESQL, "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); x",
         "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();|x"},
        {POSTGRESQL, "CREATE FUNCTION f(begin date) RETURNS int LANGUAGE sql AS 'SELECT 1'; x",
         "CREATE FUNCTION f(begin date) RETURNS int LANGUAGE sql AS 'SELECT 1';|x"},
        {MYSQL, "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1; x",
         "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1;|x"},
        {MYSQL, "CREATE DEFINER=root@localhost VIEW v AS SELECT 1; x",
         "CREATE DEFINER=root@localhost VIEW v AS SELECT 1;|x"},
        {MYSQL, "BEGIN; SELECT 1; x", "BEGIN;|SELECT 1;|x"},
    };
    check_rows(rows, N_OF(rows));
}

/* SQL-standard bodies of PostgreSQL. */
TEST(postgresql_atomic_bodies_are_one_statement)
{
    static const struct row rows[] = {
        {POSTGRESQL,
         "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END; x",
         "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END;|x"},
        {POSTGRESQL, "CREATE PROCEDURE p() BEGIN ATOMIC END; x", "CREATE PROCEDURE p() BEGIN ATOMIC END;|x"},
    };
    check_rows(rows, N_OF(rows));
}

/* Blocks of MySQL nest; END IF and its kin close none of them. */
TEST(mysql_bodies_are_one_statement)
{
    static const struct row rows[] = {
        {MYSQL, "CREATE PROCEDURE p() BEGIN SELECT 1; BEGIN SELECT 2; END; SELECT 3; END; x",
         "CREATE PROCEDURE p() BEGIN SELECT 1; BEGIN SELECT 2; END; SELECT 3; END;|x"},
        {MYSQL,
         "CREATE DEFINER=`a`@`%` TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN IF b THEN SET c = 1; ELSE BEGIN END; "
         "END IF; END; x",
         "CREATE DEFINER=`a`@`%` TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN IF b THEN SET c = 1; ELSE BEGIN END; "
         "END IF; END;|x"},
        {MYSQL,
         "CREATE FUNCTION f() RETURNS INT BEGIN CASE a WHEN 1 THEN SET b = CASE 1 WHEN 1 THEN 2 END; END CASE; "
         "RETURN 1; END; x",
         "CREATE FUNCTION f() RETURNS INT BEGIN CASE a WHEN 1 THEN SET b = CASE 1 WHEN 1 THEN 2 END; END CASE; "
         "RETURN 1; END;|x"},
        {MYSQL,
         "CREATE PROCEDURE p() l: BEGIN m: LOOP SELECT 1; LEAVE m; END LOOP m; n:BEGIN SELECT 2; END n; END l; x",
         "CREATE PROCEDURE p() l: BEGIN m: LOOP SELECT 1; LEAVE m; END LOOP m; n:BEGIN SELECT 2; END n; END l;|x"},
        {MYSQL,
         "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; SELECT 1; END; x",
         "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; SELECT 1; END;|x"},
        {MYSQL, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN WHILE a DO BEGIN SELECT 1; END; END WHILE; END; x",
         "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN WHILE a DO BEGIN SELECT 1; END; END WHILE; END;|x"},
        {MYSQL,
         "CREATE PROCEDURE p() BEGIN REPEAT SELECT 1; UNTIL a END REPEAT; UPDATE t SET begin = 1, end = 2; END; x",
         "CREATE PROCEDURE p() BEGIN REPEAT SELECT 1; UNTIL a END REPEAT; UPDATE t SET begin = 1, end = 2; END;|x"},
        {MYSQL, "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; x", "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END;|x"},
    };
    check_rows(rows, N_OF(rows));
}

/* An open end is given out as a statement, so that the parser refuses it: nothing is swallowed. */
TEST(unterminated_rest_is_a_statement)
{
    static const struct row rows[] = {
        {SQLITE, "SELECT 1; /* DROP", "SELECT 1;|/* DROP"},
        {SQLITE, "SELECT 1; 'a; b", "SELECT 1;|'a; b"},
        {POSTGRESQL, "SELECT $$ 1; x", "SELECT $$ 1; x"},
    };
    check_rows(rows, N_OF(rows));
}

SUITE(script, CASE(semicolons_end_statements), CASE(hidden_semicolons_end_nothing),
      CASE(sqlite_triggers_are_one_statement), CASE(other_statements_have_no_body),
      CASE(postgresql_atomic_bodies_are_one_statement), CASE(mysql_bodies_are_one_statement),
      CASE(unterminated_rest_is_a_statement))
