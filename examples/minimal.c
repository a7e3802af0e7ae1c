/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest whole program: jobs submitted at once, one callback, one loop. Run: minimal [URL] */
#include <asyncdb.h>
#include <stdio.h>

static void on_notes(adb_result *notes, void *failed)
{
    for (size_t i = 0; i < adb_result_rows(notes); i++)
        printf("%s\n", adb_row_text(adb_result_row(notes, i), 0));
    *(adb_error *)failed = *adb_result_error(notes);
}

int main(int argc, char **argv)
{
    adb_database *db;
    adb_error error = {.status = ADB_E_STATE, .message = "the notes never came"};
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///notes.db", NULL, &db, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;
    adb_context *ctx = adb_context_new(db, NULL, 0);
    adb_execute_script(ctx, "DROP TABLE IF EXISTS notes; CREATE TABLE notes (text VARCHAR(100))", NULL, NULL);
    adb_execute(ctx, "INSERT INTO notes VALUES (:text)", ADB_PARAMS({"text", adb_text("hello")}), NULL, NULL);
    adb_fetch_all(ctx, "SELECT text FROM notes", NULL, on_notes, &error);
    while (adb_context_pending(ctx) > 0 && adb_queue_wait(adb_context_queue(ctx), -1) == ADB_OK)
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    adb_context_free(ctx);
    adb_database_close(db, 5000);
    adb_database_free(db);
    return error.status == ADB_OK ? 0 : (fprintf(stderr, "%s\n", error.message), 1);
}
