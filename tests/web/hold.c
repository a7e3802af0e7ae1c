/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps all notes of a database locked in a transaction until its standard input ends: hold URL. Prints "held" when it
 * has them. What the service then writes waits, on every database. */
#include <asyncdb.h>

#include <stdio.h>

static int failed(const adb_error *error)
{
    fprintf(stderr, "hold: %s\n", error->message);
    return 1;
}

static int hold(adb_database *db)
{
    adb_context *ctx = adb_context_new(db, NULL, 0);
    adb_begin(ctx, NULL, NULL, NULL);
    adb_result *locked = adb_wait(ctx, adb_execute(ctx, "UPDATE web_notes SET text = 'held'", NULL, NULL, NULL), -1);
    const int code = adb_result_status(locked) == ADB_OK ? 0 : failed(adb_result_error(locked));
    adb_result_unref(locked);
    if (code == 0) {
        puts("held");
        fflush(stdout);
        while (getchar() != EOF)
            continue;
    }
    adb_result_unref(adb_wait(ctx, adb_rollback(ctx, NULL, NULL), -1));
    adb_context_free(ctx);
    return code;
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    if (argc != 2)
        return fprintf(stderr, "usage: hold URL\n"), 1;
    if (adb_database_open(argv[1], NULL, &db, &error) != ADB_OK)
        return failed(&error);
    const int code = hold(db);
    adb_database_close(db, -1);
    adb_database_free(db);
    return code;
}
