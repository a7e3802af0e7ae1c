/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk loading: 100,000 rows go into a table as one stream of CSV, which a callback gives piece by piece, and come out
 * again as another. It is all or nothing, two chunks of 64 KiB are all that ever waits in memory, and the same program
 * is fast on every database: PostgreSQL gets the stream as it is, the others get inserts in runs of rows.
 *
 * Run: bulk_load [URL [FILE]]
 *   URL   default: sqlite:///bulk_load.db
 *   FILE  CSV with a number, a text and a number in each line; default: rows that are made up */
#include <asyncdb.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROWS 100000

/* A stream that goes by, either way. */
struct stream {
    const char *title;
    FILE *file;         /* where it comes from; NULL: rows are made up */
    int64_t n_made;
    uint64_t n_bytes;
    uint64_t checksum;
};

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void note(struct stream *stream, const unsigned char *bytes, size_t size)
{
    stream->n_bytes += size;
    for (size_t i = 0; i < size; i++)
        stream->checksum = stream->checksum * 31 + bytes[i];
}

static size_t make_rows(struct stream *stream, char *chunk, size_t size)
{
    size_t used = 0;
    while (stream->n_made < N_ROWS && size - used > 64) {
        const int64_t n = ++stream->n_made;
        used += (size_t)snprintf(chunk + used, size - used, "%" PRId64 ",\"crate %" PRId64 ", row %c\",%" PRId64 "\n", n,
                                 n * 7 % 1000, (char)('A' + n % 26), n * n % 5000);
    }
    return used;
}

/* Fill a chunk; 0 is the end. It may be cut anywhere. */
static ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct stream *stream = user_data;
    const size_t n = stream->file != NULL ? fread(chunk, 1, size, stream->file) : make_rows(stream, chunk, size);
    if (stream->file != NULL && ferror(stream->file))
        return ADB_COPY_ABORT; /* nothing of what went before will stay */
    note(stream, chunk, n);
    return (ptrdiff_t)n;
}

static adb_flow consume(const void *chunk, size_t size, void *user_data)
{
    note(user_data, chunk, size);
    return ADB_CONTINUE;
}

/* user_data goes to all callbacks of a job; here it is the stream of a copy, or NULL. */
static void on_done(adb_result *result, void *user_data)
{
    const struct stream *stream = user_data;
    if (adb_result_status(result) != ADB_OK)
        stop(stream != NULL ? stream->title : "a statement", adb_result_error(result)->message);
    if (stream != NULL)
        printf("%s: %" PRId64 " rows\n", stream->title, adb_result_affected(result));
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    struct stream in = {.title = "loaded", .file = argc > 2 ? fopen(argv[2], "rb") : NULL};
    struct stream out = {.title = "read back"};
    if (argc > 2 && in.file == NULL)
        stop(argv[2], strerror(errno));
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///bulk_load.db", NULL, &db, &error) != ADB_OK)
        stop("cannot open", error.message);
    adb_context *ctx = adb_context_new(db, NULL, 0);
    if (ctx == NULL)
        stop("context", strerror(errno));
    adb_execute(ctx, "DROP TABLE IF EXISTS cargo", NULL, on_done, NULL);
    adb_execute(ctx, "CREATE TABLE cargo (id INTEGER PRIMARY KEY, name VARCHAR(60), weight INTEGER)", NULL, on_done, NULL);
    adb_copy_in(ctx, "cargo (id, name, weight)", produce, on_done, &in);
    adb_copy_out(ctx, "SELECT id, name, weight FROM cargo ORDER BY id", consume, on_done, &out);
    while (adb_context_pending(ctx) > 0) { /* produce and consume are called from here, too */
        adb_queue_wait(adb_context_queue(ctx), -1);
        adb_queue_dispatch(adb_context_queue(ctx), 0);
    }
    printf("%" PRIu64 " bytes went in, %" PRIu64 " came out: %s\n", in.n_bytes, out.n_bytes,
           in.checksum == out.checksum ? "the same" : "written in another way");
    adb_context_free(ctx);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    if (in.file != NULL)
        fclose(in.file);
    return closed_well && (argc > 2 || in.checksum == out.checksum) ? 0 : 1;
}
