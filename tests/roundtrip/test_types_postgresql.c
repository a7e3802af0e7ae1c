/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trips of types through PostgreSQL, which has them all. */
#include "tests/roundtrip/round.h"

#define HEX(bytes) "encode(" bytes ", 'hex')"
#define UTF8(x)    HEX("convert_to(" x ", 'UTF8')")
#define SINCE_1970 "(extract(epoch FROM x) * 1000000)::bigint::text"

static const struct subject subjects[] = {
    {"booleans_come_back", "boolean", "x::text", make_bool, said_truth, 0},
    {"smallints_come_back", "smallint", "x::text", make_int16, said_integer, 0},
    {"integers_come_back", "integer", "x::text", make_int32, said_integer, 0},
    {"bigints_come_back", "bigint", "x::text", make_int64, said_integer, 0},
    {"doubles_come_back", "double precision", HEX("float8send(x)"), make_any_double, said_double_bits, 0},
    {"reals_come_back", "real", "x::text", make_float, said_float, 0},
    {"numerics_come_back", "numeric", "x::text", make_decimal, said_decimal, 0},
    {"numerics_of_a_scale_come_back", "numeric(65,30)", "x::text", make_decimal_65_30, said_decimal, 0},
    {"texts_come_back", "text", UTF8("x"), make_text, said_bytes, 0},
    {"varchars_come_back", "varchar(100)", UTF8("x"), make_text, said_bytes, 0},
    {"large_texts_come_back", "text", UTF8("x"), make_large_text, said_bytes, ROUND_FEW},
    {"byteas_come_back", "bytea", HEX("x"), make_blob, said_bytes, 0},
    {"large_byteas_come_back", "bytea", HEX("x"), make_large_blob, said_bytes, ROUND_FEW},
    {"dates_come_back", "date", "(x - DATE '1970-01-01')::text", make_date, said_integer, 0},
    {"dates_before_christ_come_back", "date", "(x - DATE '1970-01-01')::text", make_ancient_date, said_integer, 0},
    {"times_come_back", "time", SINCE_1970, make_time, said_integer, 0},
    {"timestamps_come_back", "timestamp", SINCE_1970, make_timestamp, said_integer, 0},
    {"timestamps_before_christ_come_back", "timestamp", SINCE_1970, make_ancient_timestamp, said_integer, 0},
    {"timestamps_with_zone_come_back", "timestamptz", SINCE_1970, make_timestamp, said_integer, 0},
    {"uuids_come_back", "uuid", "x::text", make_uuid, said_uuid, 0},
    {"json_comes_back", "json", UTF8("x::text"), make_json, said_bytes, 0},
    {"jsonb_comes_back", "jsonb", UTF8("x::text"), make_json, said_bytes, 0},
};

int main(int argc, char **argv)
{
    return round_main("ADB_TEST_POSTGRESQL_URL", subjects, sizeof(subjects) / sizeof(subjects[0]), argc, argv);
}
