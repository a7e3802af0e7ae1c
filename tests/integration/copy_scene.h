/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the tests of adb_copy_in(): a producer that does as it is told, and what became of its job. */
#ifndef ADB_TESTS_INTEGRATION_COPY_SCENE_H
#define ADB_TESTS_INTEGRATION_COPY_SCENE_H

#include "tests/lib/rig.h"

#include <asyncdb.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* A producer of text, and what it does at one of its calls. */
struct writer {
    adb_context *ctx;
    adb_job job;
    const char *text;
    size_t piece;               /* bytes of an answer; 0: all that there is room for */
    size_t at;                  /* the call, from 1, that gets another answer; 0: none */
    ptrdiff_t answer;           /* that answer */
    bool (*act)(struct writer *writer); /* instead of it; true: go on as if nothing was */
    size_t offset;
    size_t endless;             /* rows to be made up instead of text */
    atomic_size_t calls;
    size_t least;               /* room that a call has had */
    bool after_done;
    pthread_t thread;
    struct tally done;
};

#define WRITER(...) {.least = SIZE_MAX, .done = TALLY_INIT, __VA_ARGS__}

static inline void done(adb_result *result, void *user_data)
{
    struct writer *writer = user_data;
    tally_done(result, &writer->done);
}

static inline ptrdiff_t make_up(struct writer *writer, char *chunk)
{
    writer->endless--;
    memcpy(chunk, "7\n", 2);
    return 2;
}

static inline ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct writer *writer = user_data;
    writer->after_done = writer->after_done || tally_n(&writer->done) > 0;
    writer->thread = pthread_self();
    writer->least = size < writer->least ? size : writer->least;
    if (atomic_fetch_add(&writer->calls, 1) + 1 == writer->at && (writer->act == NULL || !writer->act(writer)))
        return writer->answer;
    if (writer->endless > 0)
        return make_up(writer, chunk);
    size_t n = writer->text == NULL ? 0 : strlen(writer->text + writer->offset);
    n = writer->piece == 0 || n < writer->piece ? n : writer->piece;
    n = n < size ? n : size;
    if (n > 0)
        memcpy(chunk, writer->text + writer->offset, n);
    writer->offset += n;
    return (ptrdiff_t)n;
}

static inline adb_job start(struct rig *rig, struct writer *writer)
{
    writer->ctx = rig->ctx;
    writer->job = adb_copy_in(rig->ctx, "t (n)", produce, done, writer);
    return writer->job;
}

/* It ended once, with that; the producer was not asked afterwards, and always had room. */
static inline bool ended(struct writer *writer, adb_status status)
{
    const bool well = tally_n(&writer->done) == 1 && tally_of(&writer->done, status) == 1;
    if (!well)
        printf("%zu outcomes, the first %s\n", tally_n(&writer->done),
               adb_status_name(tally_seen(&writer->done, 0).status));
    return well && !writer->after_done && (writer->calls == 0 || writer->least >= 32768);
}

static inline bool was_called(void *data)
{
    struct writer *writer = data;
    return atomic_load(&writer->calls) >= writer->at;
}

#endif
