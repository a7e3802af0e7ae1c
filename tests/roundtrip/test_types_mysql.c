/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trips of types through MySQL and MariaDB. Truth values, UUIDs and JSON are other types in disguise
 * there, and -0.0 becomes 0.0. */
#include "tests/roundtrip/round.h"

#define UTF8MB4 " CHARACTER SET utf8mb4"

static const struct subject subjects[] = {
    {"booleans_come_back", "BOOLEAN", "CAST(x AS CHAR)", make_bool, said_truth, ROUND_CONVERTED},
    {"smallints_come_back", "SMALLINT", "CAST(x AS CHAR)", make_int16, said_integer, 0},
    {"ints_come_back", "INT", "CAST(x AS CHAR)", make_int32, said_integer, 0},
    {"bigints_come_back", "BIGINT", "CAST(x AS CHAR)", make_int64, said_integer, 0},
    {"doubles_come_back", "DOUBLE", "CAST(x AS CHAR)", make_double, said_double, ROUND_CONVERTED},
    {"decimals_come_back", "DECIMAL(65,30)", "CAST(x AS CHAR)", make_decimal_65_30, said_decimal, 0},
    {"decimals_of_65_digits_come_back", "DECIMAL(65,0)", "CAST(x AS CHAR)", make_digits_65, said_decimal, 0},
    {"texts_come_back", "TEXT" UTF8MB4, "HEX(x)", make_text, said_bytes, 0},
    {"varchars_come_back", "VARCHAR(100)" UTF8MB4, "HEX(x)", make_text, said_bytes, 0},
    {"texts_with_nul_come_back", "TEXT" UTF8MB4, "HEX(x)", make_text_nul, said_bytes, 0},
    {"large_texts_come_back", "LONGTEXT" UTF8MB4, "HEX(x)", make_large_text, said_bytes, ROUND_FEW},
    {"blobs_come_back", "BLOB", "HEX(x)", make_blob, said_bytes, 0},
    {"varbinaries_come_back", "VARBINARY(300)", "HEX(x)", make_blob, said_bytes, 0},
    {"large_blobs_come_back", "LONGBLOB", "HEX(x)", make_large_blob, said_bytes, ROUND_FEW},
    {"dates_come_back", "DATE", "CAST(x AS CHAR)", make_date, said_date, 0},
    {"times_come_back", "TIME(6)", "CAST(x AS CHAR)", make_time, said_time, 0},
    {"datetimes_come_back", "DATETIME(6)", "CAST(x AS CHAR)", make_timestamp, said_timestamp, 0},
    {"timestamps_come_back", "TIMESTAMP(6) NULL", "CAST(x AS CHAR)", make_recent_timestamp, said_timestamp, 0},
    {"uuids_come_back_from_text", "CHAR(36)", "CAST(x AS CHAR)", make_uuid, said_uuid, ROUND_CONVERTED},
    {"uuids_come_back", "UUID", "CAST(x AS CHAR)", make_uuid_4, said_uuid, ROUND_CONVERTED | ROUND_OPTIONAL},
    {"json_comes_back", "JSON", "HEX(x)", make_json, said_bytes, ROUND_CONVERTED},
};

int main(int argc, char **argv)
{
    return round_main("ADB_TEST_MYSQL_URL", subjects, sizeof(subjects) / sizeof(subjects[0]), argc, argv);
}
