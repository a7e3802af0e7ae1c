/* SPDX-License-Identifier: BSD-3-Clause */
/* A result of a gigabyte that the server makes up, streamed by iterate: what is read is gone from memory. */
#include "tests/faults/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ROWS    FEWER(1000, 100)
#define ROW_BYTES 1000000

/* The largest size that the program has had in memory, in KiB; 0 when the system does not tell. */
static long peak_kib(void)
{
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return kib;
}

/* From now on the peak is that of what comes. */
static void forget_peak(void)
{
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        CU_ASSERT_EQUAL(write(fd, "5", 1), 1);
        close(fd);
    }
}

struct stream {
    size_t n_rows, n_bytes;
    bool torn;
};

static adb_flow read_batch(adb_result *batch, void *user_data)
{
    struct stream *stream = user_data;
    for (size_t i = 0; i < adb_result_rows(batch); i++) {
        size_t size;
        const char *text = adb_row_blob(adb_result_row(batch, i), 0, &size);
        stream->n_rows++;
        stream->n_bytes += size;
        stream->torn = stream->torn || size != ROW_BYTES || text[0] != 'x' || text[size - 1] != 'x';
    }
    return ADB_CONTINUE;
}

/* Every byte comes, and never many at once. */
ON_BOTH(gigabyte_is_streamed_in_bounded_memory)
{
    struct scene scene;
    struct stream stream = {0};
    scene_open(&scene, engine, NULL, NULL);
    scene_is_healthy(&scene);
    forget_peak();
    const long before = peak_kib();
    const adb_job job = adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = engine->large,
                                                          .params = ADB_PARAMS({"n", adb_int(N_ROWS)}),
                                                          .batch = read_batch, .user_data = &stream));
    CU_ASSERT_NOT_EQUAL(job, 0);
    run_all(scene.ctx);
    const long grown = peak_kib() - before;
    printf("# streamed, %s: %zu bytes in %zu rows, peak memory grew by %ld KiB\n", engine->kind, stream.n_bytes,
           stream.n_rows, grown);
    CU_ASSERT_EQUAL(stream.n_rows, N_ROWS);
    CU_ASSERT_EQUAL(stream.n_bytes, (size_t)N_ROWS * ROW_BYTES);
    CU_ASSERT_FALSE(stream.torn);
    if (!SANITIZED)
        CU_ASSERT(grown < 64 * 1024);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

static adb_flow stop_at_once(adb_result *batch, void *user_data)
{
    *(size_t *)user_data += adb_result_rows(batch);
    return ADB_STOP;
}

/* Who has seen enough does not pay for the rest: the connection is of use again, or is replaced. */
ON_BOTH(stream_that_is_stopped_leaves_the_pool_healthy)
{
    struct scene scene;
    size_t n_rows = 0;
    scene_open(&scene, engine, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        adb_submit(scene.ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = engine->large,
                                          .params = ADB_PARAMS({"n", adb_int(1000)}), .batch = stop_at_once,
                                          .user_data = &n_rows));
        run_all(scene.ctx);
        CU_ASSERT_EQUAL(status_of(scene.ctx, adb_fetch_all(scene.ctx, "SELECT 1", NULL, NULL, NULL)), ADB_OK);
    }
    CU_ASSERT(n_rows < 100);
    scene_is_healthy(&scene);
    scene_close(&scene);
}

FAULTS(gigabyte, BOTH_CASES(gigabyte_is_streamed_in_bounded_memory),
       BOTH_CASES(stream_that_is_stopped_leaves_the_pool_healthy))
