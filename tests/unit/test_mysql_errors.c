/* SPDX-License-Identifier: BSD-3-Clause */
/* What the numbers of MySQL and MariaDB mean. No server: the numbers are given, as it would. */
#include "tests/lib/harness.h"

#include "drivers/mysql/mysql_driver.h"

#include <stdio.h>
#include <string.h>

struct failure {
    unsigned code;
    const char *sqlstate;
    adb_status status;
    unsigned flags;
};

static void check_failures(const struct failure *failures, size_t n_failures)
{
    for (size_t i = 0; i < n_failures; i++) {
        adb_error error;
        const adb_status status = adb__mysql_error_fill(failures[i].code, failures[i].sqlstate, "words", &error);
        if (status != failures[i].status || error.flags != failures[i].flags)
            printf("# %u: %s, flags %x\n", failures[i].code, adb_status_name(status), error.flags);
        CU_ASSERT_EQUAL(status, failures[i].status);
        CU_ASSERT_EQUAL(error.status, failures[i].status);
        CU_ASSERT_EQUAL(error.flags, failures[i].flags);
        CU_ASSERT_EQUAL(error.native_code, (int)failures[i].code);
        CU_ASSERT_EQUAL(strlen(error.sqlstate), 5);
        CU_ASSERT_STRING_EQUAL(error.message, "words");
    }
}

#define CHECK_FAILURES(failures) check_failures(failures, sizeof(failures) / sizeof(failures[0]))

/* Each kind of constraint is told from the others. ERR-03 */
TEST(constraints_have_their_kinds)
{
    static const struct failure failures[] = {
        {1062, "23000", ADB_E_UNIQUE, 0},      {1451, "23000", ADB_E_FOREIGN_KEY, 0},
        {1452, "23000", ADB_E_FOREIGN_KEY, 0}, {1216, "23000", ADB_E_FOREIGN_KEY, 0},
        {1048, "23000", ADB_E_NOT_NULL, 0},    {1364, "HY000", ADB_E_NOT_NULL, 0},
        {3819, "HY000", ADB_E_CHECK, 0},       {4025, "23000", ADB_E_CHECK, 0},
        {1644, "45000", ADB_E_CONSTRAINT, 0},  {9999, "23000", ADB_E_CONSTRAINT, 0},
    };
    CHECK_FAILURES(failures);
}

/* What is worth trying again says how much of it. */
TEST(what_may_be_retried_says_so)
{
    static const struct failure failures[] = {
        {1205, "HY000", ADB_E_LOCKED, ADB_ERROR_RETRY_STATEMENT | ADB_ERROR_RETRY_TRANSACTION},
        {1213, "40001", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
        {1020, "HY000", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
        {1614, "XA102", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
        {3572, "HY000", ADB_E_LOCKED, ADB_ERROR_RETRY_STATEMENT | ADB_ERROR_RETRY_TRANSACTION},
        {9999, "40001", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
    };
    CHECK_FAILURES(failures);
}

/* A connection that is lost is told from one that was never made. */
TEST(lost_connections_are_told)
{
    static const struct failure failures[] = {
        {2006, "HY000", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {2013, "HY000", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {2055, "HY000", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {1053, "08S01", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {1927, "70100", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {1152, "08S01", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {1047, "08S01", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {4031, "HY000", ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST},
        {2002, "HY000", ADB_E_CONNECTION, 0},
        {2005, "HY000", ADB_E_CONNECTION, 0},
        {1040, "08004", ADB_E_CONNECTION, 0},
        {1045, "28000", ADB_E_AUTH, 0},
        {1698, "28000", ADB_E_AUTH, 0},
    };
    CHECK_FAILURES(failures);
}

/* A server that only reads is told; that somebody asked for it is known where the statement runs. */
TEST(a_server_in_the_wrong_role_is_told)
{
    static const struct failure failures[] = {
        {1836, "HY000", ADB_E_READ_ONLY, ADB_ERROR_WRONG_ROLE},
        {1792, "25006", ADB_E_READ_ONLY, ADB_ERROR_WRONG_ROLE},
        {1290, "HY000", ADB_E_SQL, 0},
    };
    adb_error error;
    CHECK_FAILURES(failures);
    CU_ASSERT_EQUAL(adb__mysql_error_fill(1290, "HY000",
                                          "The MariaDB server is running with the --read-only option so it cannot "
                                          "execute this statement",
                                          &error),
                    ADB_E_READ_ONLY);
    CU_ASSERT_EQUAL(error.flags, ADB_ERROR_WRONG_ROLE);
    CU_ASSERT_STRING_EQUAL(error.sqlstate, "25006");
}

/* Statements that are wrong, data that does not fit, and what the user may not do. ERR-02 */
TEST(statements_and_data_have_their_classes)
{
    static const struct failure failures[] = {
        {1064, "42000", ADB_E_SYNTAX, 0},    {1146, "42S02", ADB_E_UNDEFINED, 0},  {1054, "42S22", ADB_E_UNDEFINED, 0},
        {1305, "42000", ADB_E_UNDEFINED, 0}, {1049, "42000", ADB_E_UNDEFINED, 0},  {1050, "42S01", ADB_E_EXISTS, 0},
        {1061, "42000", ADB_E_EXISTS, 0},    {1142, "42000", ADB_E_PERMISSION, 0}, {1227, "42000", ADB_E_PERMISSION, 0},
        {1264, "22003", ADB_E_DATA, 0},      {1366, "22007", ADB_E_DATA, 0},       {1406, "22001", ADB_E_DATA, 0},
        {1153, "08S01", ADB_E_TOO_BIG, 0},   {1114, "HY000", ADB_E_FULL, 0},       {1317, "70100", ADB_E_CANCELLED, 0},
        {1969, "70100", ADB_E_TIMEOUT, 0},   {3024, "HY000", ADB_E_TIMEOUT, 0},    {9999, "22999", ADB_E_DATA, 0},
        {9999, "HY000", ADB_E_SQL, 0},
    };
    CHECK_FAILURES(failures);
}

/* The first word, behind blanks, comments and brackets, says what a statement is. */
TEST(the_first_word_tells_what_a_statement_is)
{
    static const struct {
        const char *sql;
        enum adb__mysql_verb verb;
    } statements[] = {
        {"SELECT 1", ADB__MYSQL_READ},
        {"\n (select 1) union (select 2)", ADB__MYSQL_READ},
        {"-- DELETE\n# UPDATE\n/* DROP */ Insert INTO t VALUES (1)", ADB__MYSQL_INSERT},
        {"REPLACE t VALUES (1)", ADB__MYSQL_INSERT},
        {"update t SET a = 1", ADB__MYSQL_CHANGE},
        {"DELETE FROM t", ADB__MYSQL_CHANGE},
        {"call p()", ADB__MYSQL_CALL},
        {"SELECTED", ADB__MYSQL_OTHER},
        {"/*! DELETE FROM t */", ADB__MYSQL_OTHER},
        {"/* open", ADB__MYSQL_OTHER},
        {"-- open", ADB__MYSQL_OTHER},
        {"", ADB__MYSQL_OTHER},
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        CU_ASSERT_EQUAL(adb__mysql_verb_of(statements[i].sql), statements[i].verb);
}

SUITE(mysql_errors, CASE(constraints_have_their_kinds), CASE(what_may_be_retried_says_so),
      CASE(lost_connections_are_told), CASE(a_server_in_the_wrong_role_is_told),
      CASE(statements_and_data_have_their_classes), CASE(the_first_word_tells_what_a_statement_is))
