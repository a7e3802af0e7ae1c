/* SPDX-License-Identifier: BSD-3-Clause */
/* What MariaDB and MySQL say in their own way. The series needs MariaDB's sequences. */
#include "tests/conformance/driver_suite.h"

#include <mysql.h>

static const struct suite_word mysql_words[] = {
    {"key", "INTEGER AUTO_INCREMENT PRIMARY KEY"},
    {"int", "BIGINT"},
    {"real", "DOUBLE"},
    {"text", "VARCHAR(100)"},
    {"boolean", "BOOLEAN"},
    {"blob", "LONGBLOB"},
    {"decimal", "DECIMAL(40, 15)"},
    {"json", "JSON"},
    {"date", "DATE"},
    {"time", "TIME(6)"},
    {"timestamp", "DATETIME(6)"},
    {"uuid", "UUID"},
    {"foreign", "INTEGER REFERENCES notes (id)"},
    {NULL, NULL},
};

static adb_status mysql_native_execute(void *native, const char *sql)
{
    return mysql_query(native, sql) == 0 ? ADB_OK : ADB_E_SQL;
}

const struct suite_dialect suite_mysql = {
    .driver = "mysql",
    .words = mysql_words,
    .one = "SELECT 1",
    .write = "INSERT INTO notes (text) VALUES ('x')",
    .written = "SELECT text FROM notes",
    /* Alone, SELECT SLEEP(600) would say 1 when it is interrupted, and be no failure; BENCHMARK would say 0. */
    .slow = "SELECT count(*) FROM (SELECT 1 AS i UNION ALL SELECT 2) AS r WHERE SLEEP(600) = 0",
    .wrong = "SELECT 1 FROM nowhere",
    .series = "SELECT seq FROM seq_1_to_1000000000 WHERE seq <= :n",
    .stumbling = "SELECT CASE WHEN seq < 50 THEN seq ELSE 18446744073709551615 + seq END FROM seq_1_to_60",
    .command = "COMMIT",
    .quoted = "`:x`",
    .unique_sqlstate = "23000",
    .unique_code = 1062,
    .temporary = "TEMPORARY",
    .snapshot = ADB_ISOLATION_REPEATABLE_READ, /* serializable reads lock what they read */
    .encrypted = "SHOW SESSION STATUS WHERE Variable_name = 'Ssl_cipher' AND Value <> ''",
    .set = "SET SESSION sort_buffer_size = 77824",
    .is_set = "SELECT @@sort_buffer_size = 77824",
    .id = "SELECT CONNECTION_ID()",
    .end = {"KILL CONNECTION ", ""},
    .alive = "SELECT count(*) FROM information_schema.processlist WHERE id = ",
    .native_execute = mysql_native_execute,
    .wipe = "DROP DATABASE IF EXISTS $database; CREATE DATABASE $database",
};
