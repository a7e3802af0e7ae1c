/* SPDX-License-Identifier: BSD-3-Clause */
/* What an outcome says is what the database has. Deeds of every kind run by chance on several contexts, while some are
 * cancelled, the deadlines of some pass, and sessions are ended all the time; then each outcome is compared with the
 * rows. A deed that succeeded is there, whole; one that failed is not there at all, or, if its outcome is unknown,
 * whole or not at all; and what is counted is counted once.
 *
 * ADB_TEST_SEED and ADB_TEST_ROUNDS make other deeds than those of every run. */
#include "tests/faults/scene.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_LANES  8
#define N_DEEDS  100 /* of a round */
#define N_ROUNDS FEWER(25, 5)
#define N_ENDS   FEWER(8, 3) /* of all sessions, and as many rounds as come between them */
#define MOST     7            /* rows of a deed */

enum kind {
    INSERT,
    COUNT, /* adds one to its lane's counter */
    MANY,
    MANY_APART,
    SCRIPT,
    TRANSACTION, /* begin, inserts and commit, submitted at once */
    TRANSACT,
    RUN,
    COPY_IN,
    ITERATE,
    N_KINDS
};

static const char *const kind_names[] = {"insert",      "count",    "many", "many, apart", "script",
                                         "transaction", "transact", "run",  "copy_in",     "iterate"};

struct part {
    adb_status status;
    unsigned flags;
};

struct deed {
    enum kind kind;
    size_t lane;
    int64_t first; /* its rows are this and those that follow */
    size_t n;      /* of them */
    adb_job job;
    adb_error error;
    unsigned n_calls;
    struct part parts[MOST + 1]; /* of a transaction: begin, and each insert */
    size_t written;              /* of the text of a copy */
    size_t n_read;
};

/* One database, its deeds, and somebody who looks at what it has in peace. */
struct world {
    const struct engine *engine; /* NULL: SQLite */
    adb_database *db, *calm;
    adb_queue *queue, *calm_queue;
    adb_context *lanes[N_LANES], *ctx;
    unsigned seed;
    struct deed deeds[N_DEEDS];
    int64_t next;
    int64_t counted[N_LANES]; /* before the round */
    size_t flying;
    size_t n_ok, n_unknown, n_failed, n_wrong;
    atomic_bool over;
    atomic_size_t n_ends; /* of all sessions */
};

static struct world world;

static size_t chance(size_t n)
{
    return (size_t)rand_r(&world.seed) % n;
}

static size_t setting(const char *variable, size_t usual)
{
    const char *given = getenv(variable);
    return given != NULL ? strtoul(given, NULL, 10) : usual;
}

/* Deeds ----------------------------------------------------------------------------------------------------------- */

#define INSERT_SQL "INSERT INTO t (n) VALUES (:n)"

static void deed_done(adb_result *result, void *user_data)
{
    struct deed *deed = user_data;
    deed->error = *adb_result_error(result);
    deed->n_calls++;
    world.flying--;
}

static void part_done(adb_result *result, void *user_data)
{
    struct part *part = user_data;
    part->status = adb_result_status(result);
    part->flags = adb_result_error(result)->flags;
    world.flying--;
}

static adb_status insert_all(adb_session *session, void *user_data)
{
    const struct deed *deed = user_data;
    adb_status status = ADB_OK;
    for (size_t i = 0; i < deed->n && status == ADB_OK; i++) {
        adb_result *result =
            adb_session_execute(session, INSERT_SQL, ADB_PARAMS({"n", adb_int(deed->first + (int64_t)i)}));
        status = adb_result_status(result);
        adb_session_return(session, result);
    }
    return status;
}

static adb_status insert_between(adb_session *session, void *user_data)
{
    adb_status status = adb_session_begin(session, NULL);
    if (status != ADB_OK)
        return status;
    status = insert_all(session, user_data);
    if (status == ADB_OK)
        return adb_session_commit(session);
    adb_session_rollback(session);
    return status;
}

/* A row a time. */
static ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct deed *deed = user_data;
    if (deed->written == deed->n)
        return 0;
    return snprintf(chunk, size, "%" PRId64 "\n", deed->first + (int64_t)deed->written++);
}

static adb_flow count_rows(adb_result *batch, void *user_data)
{
    struct deed *deed = user_data;
    deed->n_read += adb_result_rows(batch);
    return ADB_CONTINUE;
}

static adb_job submit_sets(adb_context *ctx, struct deed *deed, adb_request *request)
{
    adb_param values[MOST];
    adb_params sets[MOST];
    for (size_t i = 0; i < deed->n; i++) {
        values[i] = (adb_param){"n", adb_int(deed->first + (int64_t)i)};
        sets[i] = (adb_params){&values[i], 1};
    }
    request->sql = INSERT_SQL;
    request->params = sets;
    request->sets = sets;
    request->n_sets = deed->n;
    return adb_submit(ctx, request);
}

static adb_job submit_script(adb_context *ctx, struct deed *deed, adb_request *request)
{
    char script[MOST * 64] = "";
    for (size_t i = 0; i < deed->n; i++) {
        const size_t used = strlen(script);
        snprintf(script + used, sizeof(script) - used, "INSERT INTO t (n) VALUES (%" PRId64 ");",
                 deed->first + (int64_t)i);
    }
    request->sql = script;
    return adb_submit(ctx, request);
}

static adb_job submit_transaction(adb_context *ctx, struct deed *deed)
{
    world.flying += 1 + deed->n;
    REQUIRE(adb_begin(ctx, NULL, part_done, &deed->parts[0]) != 0);
    for (size_t i = 0; i < deed->n; i++)
        REQUIRE(adb_execute(ctx, INSERT_SQL, ADB_PARAMS({"n", adb_int(deed->first + (int64_t)i)}), part_done,
                            &deed->parts[1 + i]) != 0);
    return adb_commit(ctx, deed_done, deed);
}

static adb_job submit_deed(adb_context *ctx, struct deed *deed, int timeout_ms)
{
    adb_request request = {.size = sizeof(request), .done = deed_done, .user_data = deed, .timeout_ms = timeout_ms};
    switch (deed->kind) {
    case INSERT:
        request.kind = ADB_REQUEST_EXECUTE;
        return submit_sets(ctx, deed, &request);
    case COUNT:
        request.kind = ADB_REQUEST_EXECUTE;
        request.sql = "UPDATE c SET n = n + 1 WHERE lane = :lane";
        request.params = ADB_PARAMS({"lane", adb_int((int64_t)deed->lane)});
        return adb_submit(ctx, &request);
    case MANY_APART:
        request.flags = ADB_REQUEST_NOT_ATOMIC; /* fall through */
    case MANY:
        request.kind = ADB_REQUEST_EXECUTE_MANY;
        return submit_sets(ctx, deed, &request);
    case SCRIPT:
        request.kind = ADB_REQUEST_EXECUTE_SCRIPT;
        return submit_script(ctx, deed, &request);
    case TRANSACTION:
        return submit_transaction(ctx, deed);
    case TRANSACT:
        request.kind = ADB_REQUEST_TRANSACT;
        request.work = insert_all;
        request.transaction = ADB_TRANSACTION(.retries = (unsigned)chance(3));
        return adb_submit(ctx, &request);
    case RUN:
        request.kind = ADB_REQUEST_RUN;
        request.work = insert_between;
        return adb_submit(ctx, &request);
    case COPY_IN:
        request.kind = ADB_REQUEST_COPY_IN;
        request.sql = "t";
        request.produce = produce;
        return adb_submit(ctx, &request);
    default:
        request.kind = ADB_REQUEST_ITERATE;
        request.sql = "SELECT n FROM c";
        request.batch = count_rows;
        request.batch_rows = 3;
        return adb_submit(ctx, &request);
    }
}

/* A tenth of them have a deadline that may pass, and as many are cancelled, or an earlier one is. */
static void do_deed(size_t i)
{
    struct deed *deed = &world.deeds[i];
    deed->kind = (enum kind)chance(N_KINDS);
    deed->lane = chance(N_LANES);
    deed->first = world.next;
    deed->n = deed->kind == INSERT || deed->kind == COUNT ? 1 : 1 + chance(MOST);
    world.next += (int64_t)deed->n;
    world.flying++;
    deed->job = submit_deed(world.lanes[deed->lane], deed, chance(10) == 0 ? 1 + (int)chance(6) : 0);
    REQUIRE(deed->job != 0);
    if (chance(10) == 0) {
        const struct deed *victim = chance(2) == 0 ? deed : &world.deeds[chance(i + 1)];
        adb_cancel(world.lanes[victim->lane], victim->job);
    }
    if (chance(4) == 0)
        adb_queue_dispatch(world.queue, chance(4));
}

/* The truth ------------------------------------------------------------------------------------------------------- */

static bool is_unknown(const struct deed *deed)
{
    return (deed->error.flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0;
}

/* Parts that failed are not there, though the commit went well: ROLLBACK TO has undone them, or they never ran. */
static const char *judge_transaction(const struct deed *deed, const bool *has, size_t n_there)
{
    if (deed->error.status != ADB_OK)
        return n_there > 0 && !is_unknown(deed) ? "the commit failed for certain, and rows are there" : NULL;
    for (size_t i = 0; i < deed->n; i++) {
        const struct part *part = &deed->parts[1 + i];
        if ((part->status == ADB_OK) != has[i] && (part->flags & ADB_ERROR_OUTCOME_UNKNOWN) == 0)
            return "committed, and an insert did not tell the truth";
    }
    return deed->parts[0].status != ADB_OK ? "committed what did not begin" : NULL;
}

/* What is done statement by statement may end anywhere. */
static const char *judge_sequence(const struct deed *deed, const bool *has, size_t n_there)
{
    for (size_t i = 0; i < n_there; i++) {
        if (!has[i])
            return "one is missing among those that are there";
    }
    return deed->error.status != ADB_OK && n_there == deed->n && !is_unknown(deed)
               ? "it failed for certain, and all is there"
               : NULL;
}

static const char *judge_whole(const struct deed *deed, size_t n_there)
{
    if (deed->error.status == ADB_OK || n_there == 0)
        return NULL;
    return n_there < deed->n ? "half is there" : is_unknown(deed) ? NULL : "it failed for certain, and is there";
}

/* NULL: it is as its outcome says. */
static const char *judge(const struct deed *deed, const bool *has)
{
    size_t n_there = 0;
    for (size_t i = 0; i < deed->n; i++)
        n_there += has[i];
    if (deed->n_calls != 1)
        return "it did not end once";
    if (deed->kind == TRANSACTION)
        return judge_transaction(deed, has, n_there);
    if (deed->kind == ITERATE)
        return deed->error.status == ADB_OK && deed->n_read != N_LANES ? "rows are missing" : NULL;
    if (deed->kind == COUNT)
        return NULL;
    if (deed->error.status == ADB_OK && n_there != deed->n)
        return "it succeeded, and is not there";
    return deed->kind == MANY_APART || deed->kind == SCRIPT ? judge_sequence(deed, has, n_there)
                                                            : judge_whole(deed, n_there);
}

static void tell(const struct deed *deed, const char *what)
{
    world.n_wrong++;
    printf("# %s of %zu: %s: %s, flags %u: %s\n", kind_names[deed->kind], deed->n, what,
           adb_status_name(deed->error.status), deed->error.flags, deed->error.message);
}

static adb_result *look(adb_context *ctx, const char *sql)
{
    adb_result *result = adb_wait(ctx, adb_fetch_all(ctx, sql, NULL, NULL, NULL), PATIENCE_MS);
    if (adb_result_status(result) != ADB_OK)
        printf("# %s: %s\n", sql, adb_result_error(result)->message);
    REQUIRE(adb_result_status(result) == ADB_OK);
    return result;
}

/* Which of the round's rows are there. */
static void look_at_rows(bool *has)
{
    adb_result *rows = look(world.ctx, "SELECT n FROM t");
    for (size_t i = 0; i < adb_result_rows(rows); i++) {
        const int64_t n = adb_row_int(adb_result_row(rows, i), 0) - world.deeds[0].first;
        if (n >= 0)
            has[n] = true;
    }
    adb_result_unref(rows);
}

static void judge_counts(void)
{
    int64_t least[N_LANES] = {0}, most[N_LANES] = {0};
    for (size_t i = 0; i < N_DEEDS; i++) {
        const struct deed *deed = &world.deeds[i];
        least[deed->lane] += deed->kind == COUNT && deed->error.status == ADB_OK;
        most[deed->lane] += deed->kind == COUNT && (deed->error.status == ADB_OK || is_unknown(deed));
    }
    adb_result *rows = look(world.ctx, "SELECT n FROM c ORDER BY lane");
    REQUIRE(adb_result_rows(rows) == N_LANES);
    for (size_t lane = 0; lane < N_LANES; lane++) {
        const int64_t all = adb_row_int(adb_result_row(rows, lane), 0);
        const int64_t n = all - world.counted[lane];
        world.counted[lane] = all;
        if (n >= least[lane] && n <= most[lane])
            continue;
        world.n_wrong++;
        printf("# counted %" PRId64 ", and not %" PRId64 " to %" PRId64 "\n", n, least[lane], most[lane]);
    }
    adb_result_unref(rows);
}

static void judge_all(void)
{
    bool has[N_DEEDS * MOST] = {false};
    look_at_rows(has);
    for (size_t i = 0; i < N_DEEDS; i++) {
        const struct deed *deed = &world.deeds[i];
        const char *wrong = judge(deed, has + (deed->first - world.deeds[0].first));
        if (wrong != NULL)
            tell(deed, wrong);
        world.n_ok += deed->error.status == ADB_OK;
        world.n_unknown += deed->error.status != ADB_OK && is_unknown(deed);
        world.n_failed += deed->error.status != ADB_OK && !is_unknown(deed);
    }
    judge_counts();
}

/* Worlds ---------------------------------------------------------------------------------------------------------- */

static void no_log(adb_log_level level, const char *line, void *user_data)
{
    (void)level;
    (void)line;
    (void)user_data;
}

static void world_must(const char *sql)
{
    adb_result_unref(look(world.lanes[0], sql));
}

static void world_open(const struct engine *engine, const char *url, const char *calm_url, unsigned flags)
{
    char sql[64];
    memset(&world, 0, sizeof(world));
    world.engine = engine;
    world.seed = (unsigned)setting("ADB_TEST_SEED", 1);
    world.next = 1;
    REQUIRE(adb_database_open(url, ADB_OPTIONS(.log = no_log), &world.db, NULL) == ADB_OK);
    REQUIRE(adb_database_open(calm_url, ADB_OPTIONS(.log = no_log), &world.calm, NULL) == ADB_OK);
    world.queue = adb_queue_new();
    world.calm_queue = adb_queue_new();
    world.ctx = adb_context_new(world.calm, world.calm_queue, 0);
    for (size_t i = 0; i < N_LANES; i++)
        world.lanes[i] = adb_context_new(world.db, world.queue, flags);
    world_must("DROP TABLE IF EXISTS t");
    world_must("DROP TABLE IF EXISTS c");
    world_must("CREATE TABLE t (n BIGINT PRIMARY KEY)");
    world_must("CREATE TABLE c (lane INTEGER PRIMARY KEY, n BIGINT NOT NULL)");
    for (size_t i = 0; i < N_LANES; i++) {
        snprintf(sql, sizeof(sql), "INSERT INTO c VALUES (%zu, 0)", i);
        world_must(sql);
    }
}

static void world_close(void)
{
    for (size_t i = 0; i < N_LANES; i++)
        adb_context_free(world.lanes[i]);
    adb_context_free(world.ctx);
    adb_queue_free(world.queue);
    adb_queue_free(world.calm_queue);
    CU_ASSERT_EQUAL(adb_database_close(world.db, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(world.calm, PATIENCE_MS), ADB_OK);
    adb_database_free(world.db);
    adb_database_free(world.calm);
}

static void *end_sessions(void *data)
{
    const struct engine *engine = world.engine;
    (void)data;
    while (!world.over) {
        server_sql(engine_server(engine), engine->end_sessions);
        world.n_ends++;
    }
    return NULL;
}

static bool all_ended(void *data)
{
    (void)data;
    return world.flying == 0;
}

static void run_rounds(void)
{
    const size_t n_rounds = setting("ADB_TEST_ROUNDS", N_ROUNDS);
    for (size_t n = 0; world.n_wrong == 0 && (n < n_rounds || (world.engine != NULL && world.n_ends < N_ENDS)); n++) {
        memset(world.deeds, 0, sizeof(world.deeds));
        for (size_t i = 0; i < N_DEEDS; i++)
            do_deed(i);
        run_until(world.queue, all_ended, NULL);
        judge_all();
    }
}

static void seek_truth(const struct engine *engine, const char *url, const char *calm_url, unsigned flags)
{
    pthread_t ender;
    world_open(engine, url, calm_url, flags);
    if (engine != NULL)
        REQUIRE(pthread_create(&ender, NULL, end_sessions, NULL) == 0);
    run_rounds();
    world.over = true;
    if (engine != NULL)
        pthread_join(ender, NULL);
    printf("# %s: %zu deeds went well, %zu failed, of %zu that is unknown; all sessions ended %zu times\n",
           engine != NULL ? engine->kind : "sqlite", world.n_ok, world.n_failed + world.n_unknown, world.n_unknown,
           (size_t)world.n_ends);
    CU_ASSERT_EQUAL(world.n_wrong, 0);
    CU_ASSERT(world.n_ok > 0 && world.n_failed > 0);
    world_close();
}

static void seek_truth_on_server(const struct engine *engine, unsigned flags)
{
    seek_truth(engine, engine_server(engine)->url, engine_server(engine)->admin_url, flags);
}

/* Exactly one outcome, and the right one, whatever a job is and whatever happens to it. */
ON_BOTH(outcomes_are_true_while_sessions_are_ended)
{
    seek_truth_on_server(engine, 0);
}

ON_BOTH(outcomes_of_a_parallel_context_are_true_while_sessions_are_ended)
{
    seek_truth_on_server(engine, ADB_CONTEXT_PARALLEL);
}

static void seek_truth_in_file(unsigned flags)
{
    static const char *const names[] = {"truth.db", "truth.db-wal", "truth.db-shm"};
    char folder[] = "/tmp/adb_truth.XXXXXX";
    char url[80];
    if (!driver_built("sqlite"))
        return;
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(url, sizeof(url), "sqlite:///%s/truth.db", folder);
    seek_truth(NULL, url, url, flags);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

TEST(outcomes_are_true_on_sqlite)
{
    seek_truth_in_file(0);
}

TEST(outcomes_of_a_parallel_context_are_true_on_sqlite)
{
    seek_truth_in_file(ADB_CONTEXT_PARALLEL);
}

FAULTS(truth, CASE(outcomes_are_true_on_sqlite), CASE(outcomes_of_a_parallel_context_are_true_on_sqlite),
       BOTH_CASES(outcomes_are_true_while_sessions_are_ended),
       BOTH_CASES(outcomes_of_a_parallel_context_are_true_while_sessions_are_ended))
