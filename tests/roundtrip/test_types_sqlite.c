/* SPDX-License-Identifier: BSD-3-Clause */
/* Round trips of types through SQLite, which stores what it is given and lacks some types (and -0.0). */
#include "tests/roundtrip/round.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct subject subjects[] = {
    {"booleans_come_back", "BOOLEAN", "CAST(x AS TEXT)", make_bool, said_truth, ROUND_CONVERTED},
    {"integers_come_back", "INTEGER", "CAST(x AS TEXT)", make_int64, said_integer, 0},
    {"doubles_come_back", "REAL", "printf('%!.17g', x)", make_double, said_about, ROUND_CONVERTED},
    {"decimals_come_back", "DECIMAL_TEXT", "CAST(x AS TEXT)", make_decimal, said_decimal, ROUND_CONVERTED},
    {"texts_come_back", "TEXT", "hex(x)", make_text, said_bytes, 0},
    {"texts_with_nul_come_back", "TEXT", "hex(x)", make_text_nul, said_bytes, 0},
    {"large_texts_come_back", "TEXT", "hex(x)", make_large_text, said_bytes, ROUND_FEW},
    {"blobs_come_back", "BLOB", "hex(x)", make_blob, said_bytes, 0},
    {"large_blobs_come_back", "BLOB", "hex(x)", make_large_blob, said_bytes, ROUND_FEW},
    {"dates_come_back", "DATE", "CAST(x AS TEXT)", make_date, said_date, ROUND_CONVERTED},
    {"times_come_back", "TIME", "CAST(x AS TEXT)", make_time, said_time, ROUND_CONVERTED},
    {"timestamps_come_back", "TIMESTAMP", "CAST(x AS TEXT)", make_timestamp, said_timestamp, ROUND_CONVERTED},
    {"uuids_come_back", "UUID", "CAST(x AS TEXT)", make_uuid, said_uuid, ROUND_CONVERTED},
    {"json_comes_back", "JSON_TEXT", "hex(x)", make_json, said_bytes, ROUND_CONVERTED},
};

int main(int argc, char **argv)
{
    char folder[] = "/tmp/adb-types-XXXXXX", url[80], path[48];
    if (mkdtemp(folder) == NULL)
        return 99;
    snprintf(url, sizeof(url), "sqlite:///%s/t.db?synchronous=off", folder);
    const int failed = round_main(url, subjects, sizeof(subjects) / sizeof(subjects[0]), argc, argv);
    static const char *const names[] = {"t.db", "t.db-wal", "t.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return failed;
}
