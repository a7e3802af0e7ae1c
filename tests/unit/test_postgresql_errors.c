/* SPDX-License-Identifier: BSD-3-Clause */
/* SQLSTATEs of PostgreSQL as status and advice, and the texts that begin transactions. */
#include "drivers/postgresql/postgresql.h"
#include "tests/lib/harness.h"

#include <stdio.h>
#include <string.h>

/* One of each class, and those that stand apart from theirs. ERR-02 */
TEST(each_sqlstate_has_its_status)
{
    static const struct {
        const char *sqlstate;
        adb_status status;
        unsigned flags;
    } cases[] = {
        {"23505", ADB_E_UNIQUE, 0},
        {"23503", ADB_E_FOREIGN_KEY, 0},
        {"23502", ADB_E_NOT_NULL, 0},
        {"23514", ADB_E_CHECK, 0},
        {"23P01", ADB_E_CONSTRAINT, 0},
        {"25006", ADB_E_READ_ONLY, 0},
        {"25P01", ADB_E_NO_TRANSACTION, 0},
        {"25P02", ADB_E_TRANSACTION_FAILED, 0},
        {"40001", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
        {"40P01", ADB_E_SERIALIZATION, ADB_ERROR_RETRY_TRANSACTION},
        {"55P03", ADB_E_LOCKED, ADB_ERROR_RETRY_TRANSACTION},
        {"57014", ADB_E_CANCELLED, 0},
        {"22P02", ADB_E_DATA, 0},
        {"22021", ADB_E_DATA, 0},
        {"42601", ADB_E_SYNTAX, 0},
        {"42P01", ADB_E_UNDEFINED, 0},
        {"42703", ADB_E_UNDEFINED, 0},
        {"42883", ADB_E_UNDEFINED, 0},
        {"42P07", ADB_E_EXISTS, 0},
        {"42710", ADB_E_EXISTS, 0},
        {"42701", ADB_E_EXISTS, 0},
        {"42501", ADB_E_PERMISSION, 0},
        {"42804", ADB_E_DATA, 0},
        {"42P18", ADB_E_PARAMETER, 0},
        {"08P01", ADB_E_PARAMETER, 0},
        {"53100", ADB_E_FULL, 0},
        {"53200", ADB_E_NOMEM, 0},
        {"53300", ADB_E_CONNECTION, 0},
        {"54000", ADB_E_TOO_BIG, 0},
        {"57P01", ADB_E_CONNECTION, 0},
        {"28P01", ADB_E_AUTH, 0},
        {"3D000", ADB_E_UNDEFINED, 0},
        {"XX001", ADB_E_CORRUPT, 0},
        {"58030", ADB_E_IO, 0},
        {"0A000", ADB_E_UNSUPPORTED, 0},
        {"P0001", ADB_E_SQL, 0},
        {"", ADB_E_SQL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned flags = 99;
        const adb_status status = adb__pg_sqlstate(cases[i].sqlstate, &flags);
        if (status != cases[i].status)
            printf("# %s: %s\n", cases[i].sqlstate, adb_status_name(status));
        CU_ASSERT_EQUAL(status, cases[i].status);
        CU_ASSERT_EQUAL(flags, cases[i].flags);
    }
}

static bool begins_with(const adb_transaction_options *options, const char *expected)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_error error;
    const adb_status status = adb__postgresql_driver.dialect.begin_text(options, &text, &error);
    const bool good = status == ADB_OK && strcmp(text.bytes, expected) == 0;
    adb__buf_fini(&text);
    return good;
}

/* Every option of a transaction that PostgreSQL has. TX-20 TX-22 */
TEST(transactions_begin_as_they_are_asked_to)
{
    CU_ASSERT(begins_with(ADB_TRANSACTION(.read_only = false), "BEGIN"));
    CU_ASSERT(begins_with(ADB_TRANSACTION(.isolation = ADB_ISOLATION_READ_COMMITTED),
                          "BEGIN ISOLATION LEVEL READ COMMITTED"));
    CU_ASSERT(
        begins_with(ADB_TRANSACTION(.isolation = ADB_ISOLATION_SERIALIZABLE, .read_only = true, .deferrable = true),
                    "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"));
}

/* And those it has not. */
TEST(locks_at_the_beginning_are_refused)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb_error error;
    CU_ASSERT_EQUAL(adb__postgresql_driver.dialect.begin_text(ADB_TRANSACTION(.lock = ADB_LOCK_EXCLUSIVE), &text, &error),
                    ADB_E_UNSUPPORTED);
    CU_ASSERT_EQUAL(adb__postgresql_driver.dialect.begin_text(ADB_TRANSACTION(.isolation = (adb_isolation)77), &text, &error),
                    ADB_E_INVAL);
    CU_ASSERT_EQUAL(text.size, 0);
    adb__buf_fini(&text);
}

/* A connection that was never opened can be asked for its state, and closed. */
TEST(a_connection_that_never_was_is_harmless)
{
    static struct adb__pg conn;
    CU_ASSERT_EQUAL(adb__postgresql_driver.transaction_state(&conn), ADB__TXN_UNKNOWN);
    adb__postgresql_driver.close(&conn);
    adb__postgresql_driver.close(&conn);
}

SUITE(postgresql_errors, CASE(each_sqlstate_has_its_status), CASE(transactions_begin_as_they_are_asked_to),
      CASE(locks_at_the_beginning_are_refused), CASE(a_connection_that_never_was_is_harmless))
