/* SPDX-License-Identifier: BSD-3-Clause */
/* What SQLite says in its own way. */
#include "tests/conformance/driver_suite.h"

#include <sqlite3.h>

static const struct suite_word sqlite_words[] = {
    {"key", "INTEGER PRIMARY KEY"},
    {"int", "BIGINT"},
    {"real", "DOUBLE PRECISION"},
    {"text", "VARCHAR(100)"},
    {"boolean", "BOOLEAN"},
    {"blob", "BLOB"},
    {"decimal", "TEXT"}, /* NUMERIC would turn it into a double: text stays exact */
    {"json", "JSON"},
    {"date", "DATE"},
    {"time", "TIME"},
    {"timestamp", "TIMESTAMP"},
    {"uuid", "UUID"},
    {"foreign", "INTEGER REFERENCES notes (id)"},
    {"deferred", "INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED"},
    {NULL, NULL},
};

static adb_status sqlite_native_execute(void *native, const char *sql)
{
    return sqlite3_exec(native, sql, NULL, NULL, NULL) == SQLITE_OK ? ADB_OK : ADB_E_SQL;
}

const struct suite_dialect suite_sqlite = {
    .driver = "sqlite",
    .words = sqlite_words,
    .one = "SELECT 1",
    .write = "INSERT INTO notes (text) VALUES ('x')",
    .written = "SELECT text FROM notes",
    .slow = "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
    .wrong = "SELECT 1 FROM nowhere",
    .series = "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < :n) SELECT i FROM r",
    .stumbling = "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 60) "
                 "SELECT CASE WHEN i < 50 THEN i ELSE abs(-9223372036854775807 - 1) END FROM r",
    .command = "VACUUM",
    .quoted = "\":x\"",
    .unique_sqlstate = "23505",
    .unique_code = SQLITE_CONSTRAINT_PRIMARYKEY,
    .temporary = "TEMPORARY",
    .snapshot = ADB_ISOLATION_SERIALIZABLE,
    .set = "PRAGMA foreign_keys = off",
    .is_set = "SELECT foreign_keys = 0 FROM pragma_foreign_keys",
    .native_execute = sqlite_native_execute,
};
