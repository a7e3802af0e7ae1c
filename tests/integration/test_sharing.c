/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs that share a commit or a snapshot on SQLite never see that they do: each has its own error, a lane reads its own
 * writes, and nobody reads less than what was known to be committed. */
#include "base/clock.h"
#include "tests/lib/harness.h"
#include "tests/lib/latch.h"

#include <asyncdb.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_FLOOD 24

struct fixture {
    char folder[64];
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
    adb_context *flood[N_FLOOD];
    bool flooding;
    long n_ok, n_unique, n_cancelled, n_other;
};

static void setup(struct fixture *f)
{
    char url[128];
    adb_error error;
    *f = (struct fixture){.folder = "/tmp/adb-sharing-XXXXXX"};
    REQUIRE(mkdtemp(f->folder) != NULL);
    snprintf(url, sizeof(url), "sqlite:///%s/x.db?synchronous=off&max_size=4", f->folder);
    REQUIRE(adb_database_open(url, NULL, &f->db, &error) == ADB_OK);
    f->queue = adb_queue_new();
    REQUIRE(f->queue != NULL);
    f->ctx = adb_context_new(f->db, f->queue, 0);
    REQUIRE(f->ctx != NULL);
    adb_job made = adb_execute_script(f->ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER UNIQUE);"
                                              "INSERT INTO t (v) VALUES (0)", NULL, NULL);
    adb_result *result = adb_wait(f->ctx, made, -1);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    adb_result_unref(result);
}

static void run_all(struct fixture *f, adb_context *ctx)
{
    while (adb_context_pending(ctx) > 0) {
        adb_queue_wait(f->queue, -1);
        adb_queue_dispatch(f->queue, 0);
    }
}

static void teardown(struct fixture *f)
{
    char path[96];
    f->flooding = false;
    for (int i = 0; i < N_FLOOD; i++) {
        if (f->flood[i] != NULL)
            run_all(f, f->flood[i]);
        adb_context_free(f->flood[i]);
    }
    adb_context_free(f->ctx);
    CU_ASSERT_EQUAL(adb_database_close(f->db, 10000), ADB_OK);
    adb_database_free(f->db);
    adb_queue_free(f->queue);
    snprintf(path, sizeof(path), "%s/x.db", f->folder);
    unlink(path);
    CU_ASSERT_EQUAL(rmdir(f->folder), 0);
}

/* Each flooding context has one select under way at any time. */
struct flooder {
    struct fixture *f;
    adb_context *ctx;
};

static struct flooder flooders[N_FLOOD];

static void on_flood(adb_result *result, void *user_data)
{
    struct flooder *flooder = user_data;
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    if (flooder->f->flooding)
        adb_fetch_all(flooder->ctx, "SELECT * FROM t WHERE id < 20", NULL, on_flood, flooder);
}

static void flood(struct fixture *f)
{
    f->flooding = true;
    for (int i = 0; i < N_FLOOD; i++) {
        f->flood[i] = adb_context_new(f->db, f->queue, 0);
        REQUIRE(f->flood[i] != NULL);
        flooders[i] = (struct flooder){.f = f, .ctx = f->flood[i]};
        adb_fetch_all(f->flood[i], "SELECT * FROM t WHERE id < 20", NULL, on_flood, &flooders[i]);
    }
}

static void on_insert(adb_result *result, void *user_data)
{
    struct fixture *f = user_data;
    adb_status status = adb_result_status(result);
    long *count = status == ADB_OK            ? &f->n_ok
                  : status == ADB_E_UNIQUE    ? &f->n_unique
                  : status == ADB_E_CANCELLED ? &f->n_cancelled
                                              : &f->n_other;
    (*count)++;
}

static void on_value(adb_result *result, void *user_data)
{
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    *(int64_t *)user_data = adb_row_int(adb_result_row(result, 0), 0);
}

static int64_t value_of(struct fixture *f, const char *sql)
{
    int64_t value = -1;
    adb_fetch_val(f->ctx, sql, NULL, on_value, &value);
    run_all(f, f->ctx);
    return value;
}

static uint64_t group_commits(const struct fixture *f)
{
    adb_stats stats = {.size = sizeof(stats)};
    adb_database_stats(f->db, &stats);
    return stats.group_commits;
}

/* Promise 5 under shared snapshots: write and read in one lane, submitted at once. */
TEST(lane_reads_its_own_write_under_a_flood_of_selects)
{
    struct fixture f;
    setup(&f);
    flood(&f);
    for (int64_t i = 1; i <= 200; i++) {
        int64_t seen = -1;
        adb_execute(f.ctx, "INSERT INTO t (v) VALUES (?)", ADB_PARAMS({0, adb_int(i)}), on_insert, &f);
        adb_fetch_val(f.ctx, "SELECT max(v) FROM t", NULL, on_value, &seen);
        run_all(&f, f.ctx);
        CU_ASSERT_EQUAL(seen, i);
    }
    CU_ASSERT_EQUAL(f.n_ok, 200);
    teardown(&f);
}

static adb_status insert_next(adb_session *session, void *user_data)
{
    const int64_t *value = user_data;
    adb_result *result = adb_session_execute(session, "INSERT INTO t (v) VALUES (?)", ADB_PARAMS({0, adb_int(*value)}));
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* The same when a function writes, and the read is submitted at any moment of its life: before it runs, while it does,
 * and when its lane is left. */
TEST(lane_reads_what_its_function_wrote_under_a_flood_of_selects)
{
    struct fixture f;
    setup(&f);
    flood(&f);
    for (int64_t i = 1; i <= 400; i++) {
        int64_t seen = -1;
        adb_run(f.ctx, insert_next, NULL, &i);
        for (int64_t until = adb__clock_now() + i * 250; adb__clock_now() < until;)
            adb_queue_dispatch(f.queue, 1);
        adb_fetch_val(f.ctx, "SELECT max(v) FROM t", NULL, on_value, &seen);
        run_all(&f, f.ctx);
        CU_ASSERT_EQUAL(seen, i);
    }
    teardown(&f);
}

/* The same when all lanes write at once, so that group commits pass lanes from the writer back to the readers. */
TEST(every_lane_reads_its_own_write_when_all_write)
{
    static int64_t seen[N_FLOOD];
    struct fixture f;
    setup(&f);
    for (int i = 0; i < N_FLOOD; i++)
        f.flood[i] = adb_context_new(f.db, f.queue, 0);
    for (int64_t round = 1; round <= 100; round++) {
        for (int64_t i = 0; i < N_FLOOD; i++) {
            const adb_params *params = ADB_PARAMS({"id", adb_int(1000 + i)}, {"v", adb_int(round * 1000 + i)});
            adb_execute(f.flood[i], "INSERT OR REPLACE INTO t VALUES (:id, :v)", params, on_insert, &f);
            adb_fetch_val(f.flood[i], "SELECT v FROM t WHERE id = ?", ADB_PARAMS({0, adb_int(1000 + i)}), on_value,
                          &seen[i]);
        }
        for (int i = 0; i < N_FLOOD; i++) {
            run_all(&f, f.flood[i]);
            CU_ASSERT_EQUAL(seen[i], round * 1000 + i);
        }
    }
    CU_ASSERT_EQUAL(f.n_ok, 100 * N_FLOOD);
    teardown(&f);
}

/* QRY-31: what was committed when a job was submitted is seen by it, on any context. */
TEST(committed_write_is_seen_by_every_later_select)
{
    struct fixture f;
    setup(&f);
    flood(&f);
    adb_context *other = adb_context_new(f.db, f.queue, 0);
    for (int64_t i = 1; i <= 200; i++) {
        int64_t seen = -1;
        adb_execute(f.ctx, "INSERT INTO t (v) VALUES (?)", ADB_PARAMS({0, adb_int(i)}), on_insert, &f);
        run_all(&f, f.ctx);
        adb_fetch_val(other, "SELECT max(v) FROM t", NULL, on_value, &seen);
        run_all(&f, other);
        CU_ASSERT_EQUAL(seen, i);
    }
    adb_context_free(other);
    teardown(&f);
}

/* A table that only the writer's connection has is found although readers share a snapshot. */
TEST(temporary_table_is_found_under_a_flood_of_selects)
{
    struct fixture f;
    setup(&f);
    adb_execute(f.ctx, "CREATE TEMP TABLE mine (v INTEGER)", NULL, on_insert, &f);
    flood(&f);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(value_of(&f, "SELECT count(*) FROM mine"), 0);
    CU_ASSERT_EQUAL(f.n_other, 0);
    teardown(&f);
}

/* Submit n inserts over the flood's contexts, every tenth with a value that is there already. */
static void insert_many(struct fixture *f, int64_t n, bool cancel_some)
{
    for (int i = 0; i < N_FLOOD; i++)
        f->flood[i] = adb_context_new(f->db, f->queue, 0);
    for (int64_t i = 1; i <= n; i++) {
        adb_job job = adb_execute(f->flood[i % N_FLOOD], "INSERT INTO t (v) VALUES (:v)",
                                  ADB_PARAMS({"v", adb_int(i % 10 == 0 ? 0 : i)}), on_insert, f);
        REQUIRE(job != 0);
        if (cancel_some && i % 7 == 0)
            adb_cancel(f->flood[i % N_FLOOD], job);
    }
    for (int i = 0; i < N_FLOOD; i++)
        run_all(f, f->flood[i]);
}

/* Promise 7's kin for shared commits: a failing job in the middle of a group fails alone. */
TEST(failing_job_in_a_group_fails_alone)
{
    struct fixture f;
    setup(&f);
    insert_many(&f, 2000, false);
    CU_ASSERT_EQUAL(f.n_ok, 1800);
    CU_ASSERT_EQUAL(f.n_unique, 200);
    CU_ASSERT_EQUAL(value_of(&f, "SELECT count(*) FROM t"), 1801);
    CU_ASSERT(group_commits(&f) > 0);
    teardown(&f);
}

/* Promise 10: a cancel in the middle of a group reaches its own job or none; what said it was kept is kept. */
TEST(cancelled_job_in_a_group_takes_no_other_along)
{
    struct fixture f;
    setup(&f);
    insert_many(&f, 3000, true);
    CU_ASSERT_EQUAL(f.n_other, 0);
    CU_ASSERT_EQUAL(f.n_ok + f.n_unique + f.n_cancelled, 3000);
    CU_ASSERT_EQUAL(value_of(&f, "SELECT count(*) FROM t"), f.n_ok + 1);
    teardown(&f);
}

/* A statement that rolls back the whole shared transaction: the others are run again by themselves. */
TEST(rolled_back_group_is_repeated_job_by_job)
{
    struct fixture f;
    setup(&f);
    adb_execute(f.ctx, "CREATE TRIGGER bomb BEFORE INSERT ON t WHEN new.v % 50 = 3 "
                       "BEGIN SELECT raise(ROLLBACK, 'boom'); END", NULL, on_insert, &f);
    run_all(&f, f.ctx);
    f.n_ok = 0;
    insert_many(&f, 1000, false);
    CU_ASSERT_EQUAL(f.n_unique, 100);
    CU_ASSERT_EQUAL(f.n_other, 20);
    CU_ASSERT_EQUAL(f.n_ok, 880);
    CU_ASSERT_EQUAL(value_of(&f, "SELECT count(*) FROM t"), 881);
    teardown(&f);
}

static void hold_up(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)n_arguments;
    latch_wait(user_data);
    adb_function_return(call, arguments[0]);
}

static void on_counted(adb_result *result, void *user_data)
{
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    (*(long *)user_data)++;
}

static void run_until(struct fixture *f, const long *count, long wanted)
{
    while (*count < wanted) {
        CU_ASSERT_EQUAL(adb_queue_wait(f->queue, -1), ADB_OK);
        adb_queue_dispatch(f->queue, 0);
    }
}

/* Quick selects whose outcomes nobody need be woken for one by one, and one behind them on the same worker that lasts
 * until they have all been delivered. */
TEST(outcomes_wait_for_no_slow_statement_behind_them)
{
    struct fixture f;
    setup(&f);
    adb_database *db;
    adb_error error;
    char url[128];
    struct latch latch = LATCH_INIT;
    const adb_function function = {.name = "hold_up", .n_arguments = 1, .function = hold_up, .user_data = &latch};
    snprintf(url, sizeof(url), "sqlite:///%s/x.db", f.folder);
    REQUIRE(adb_database_open(url, ADB_OPTIONS(.max_size = 2, .functions = &function, .n_functions = 1), &db, &error) ==
            ADB_OK);
    adb_context *lanes = adb_context_new(db, f.queue, ADB_CONTEXT_PARALLEL);
    REQUIRE(lanes != NULL);
    long n_quick = 0, n_slow = 0;
    for (long round = 1; round <= 200; round++) {
        const bool slow = round % 10 == 0;
        for (int i = 0; i < N_FLOOD; i++)
            adb_fetch_val(lanes, "SELECT v FROM t", NULL, on_counted, &n_quick);
        if (slow)
            adb_fetch_val(lanes, "SELECT hold_up(v) FROM t", NULL, on_counted, &n_slow);
        for (int i = 0; slow && i < N_FLOOD; i++)
            adb_fetch_val(lanes, "SELECT v FROM t WHERE v = 0", NULL, on_counted, &n_slow);
        run_until(&f, &n_quick, round * N_FLOOD);
        if (slow)
            latch_open(&latch);
        run_until(&f, &n_slow, round / 10 * (N_FLOOD + 1));
        latch.open = latch.open && !slow; /* shut again: nobody is at it */
    }
    adb_context_free(lanes);
    CU_ASSERT_EQUAL(adb_database_close(db, 10000), ADB_OK);
    adb_database_free(db);
    teardown(&f);
}

/* One reader and the writer. The reader is held up by one select, so that others wait; it takes the next two in one
 * snapshot, and is held up in the first of these. */
struct scene {
    struct fixture f;
    adb_database *db;
    struct latch before, during, writing;
    adb_context *lanes[5];
    int64_t shared; /* what the second of them sees */
    long n_held, n_written;
};

static void scene_open(struct scene *scene)
{
    char url[128];
    adb_error error;
    *scene = (struct scene){.before = LATCH_INIT, .during = LATCH_INIT, .writing = LATCH_INIT, .shared = -1};
    setup(&scene->f);
    const adb_function functions[] = {
        {.name = "hold_before", .n_arguments = 1, .function = hold_up, .user_data = &scene->before},
        {.name = "hold_during", .n_arguments = 1, .function = hold_up, .user_data = &scene->during},
        {.name = "hold_writing", .n_arguments = 1, .function = hold_up, .user_data = &scene->writing},
    };
    snprintf(url, sizeof(url), "sqlite:///%s/x.db?max_size=2", scene->f.folder);
    REQUIRE(adb_database_open(url, ADB_OPTIONS(.functions = functions, .n_functions = 3), &scene->db, &error) == ADB_OK);
    REQUIRE(adb_database_connect(scene->db, -1, &error) == ADB_OK); /* the first job would be the writer's */
    for (size_t i = 0; i < 5; i++) {
        scene->lanes[i] = adb_context_new(scene->db, scene->f.queue, 0);
        REQUIRE(scene->lanes[i] != NULL);
    }
    adb_fetch_val(scene->lanes[0], "SELECT hold_before(v) FROM t", NULL, on_counted, &scene->n_held);
    latch_expect(&scene->before, 1);
    adb_fetch_val(scene->lanes[1], "SELECT hold_during(v) FROM t", NULL, on_counted, &scene->n_held);
    adb_fetch_val(scene->lanes[2], "SELECT max(v) FROM t", NULL, on_value, &scene->shared);
}

/* From here on the snapshot is there. */
static void scene_snapshot(struct scene *scene)
{
    latch_open(&scene->before);
    latch_expect(&scene->during, 1);
}

static void scene_close(struct scene *scene)
{
    for (size_t i = 0; i < 5; i++)
        adb_context_free(scene->lanes[i]);
    CU_ASSERT_EQUAL(adb_database_close(scene->db, 10000), ADB_OK);
    adb_database_free(scene->db);
    teardown(&scene->f);
}

/* QRY-31: a snapshot is there, a write is committed, and then a select is submitted. */
TEST(select_shares_no_snapshot_that_is_older_than_what_its_submitter_knows)
{
    struct scene scene;
    int64_t later = -1;
    scene_open(&scene);
    scene_snapshot(&scene);
    adb_execute(scene.lanes[3], "INSERT INTO t (v) VALUES (7)", NULL, on_counted, &scene.n_written);
    run_until(&scene.f, &scene.n_written, 1);
    adb_fetch_val(scene.lanes[4], "SELECT max(v) FROM t", NULL, on_value, &later);
    latch_open(&scene.during);
    run_all(&scene.f, scene.lanes[2]);
    run_all(&scene.f, scene.lanes[4]);
    CU_ASSERT_EQUAL(scene.shared, 0); /* so there was one */
    CU_ASSERT_EQUAL(later, 7);
    scene_close(&scene);
}

/* Promise 5: a lane's write and select are submitted, the write begins, a snapshot is there, and then the write is
 * committed. */
TEST(select_shares_no_snapshot_that_is_older_than_what_its_lane_has_done)
{
    struct scene scene;
    int64_t own = -1;
    scene_open(&scene);
    adb_execute(scene.lanes[3], "INSERT INTO t (v) VALUES (hold_writing(7))", NULL, on_counted, &scene.n_written);
    adb_fetch_val(scene.lanes[3], "SELECT max(v) FROM t", NULL, on_value, &own);
    latch_expect(&scene.writing, 1);
    scene_snapshot(&scene);
    latch_open(&scene.writing);
    run_until(&scene.f, &scene.n_written, 1);
    latch_open(&scene.during);
    run_all(&scene.f, scene.lanes[2]);
    run_all(&scene.f, scene.lanes[3]);
    CU_ASSERT_EQUAL(scene.shared, 0);
    CU_ASSERT_EQUAL(own, 7);
    scene_close(&scene);
}

SUITE(sharing, CASE(outcomes_wait_for_no_slow_statement_behind_them),
      CASE(select_shares_no_snapshot_that_is_older_than_what_its_submitter_knows),
      CASE(select_shares_no_snapshot_that_is_older_than_what_its_lane_has_done),
      CASE(lane_reads_its_own_write_under_a_flood_of_selects),
      CASE(lane_reads_what_its_function_wrote_under_a_flood_of_selects),
      CASE(every_lane_reads_its_own_write_when_all_write),
      CASE(committed_write_is_seen_by_every_later_select), CASE(temporary_table_is_found_under_a_flood_of_selects),
      CASE(failing_job_in_a_group_fails_alone), CASE(cancelled_job_in_a_group_takes_no_other_along),
      CASE(rolled_back_group_is_repeated_job_by_job))
