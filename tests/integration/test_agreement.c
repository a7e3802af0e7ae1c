/* SPDX-License-Identifier: BSD-3-Clause */
/* One API, several databases: programs of random calls are run on each of them, step by step, and each step must end
 * with the same status, figures and rows everywhere. What the databases themselves do differently is left out: see
 * step_choose().
 *
 * ADB_TEST_SEED and ADB_TEST_PROGRAMS (how many, of 40 steps) make other programs than those of every run. */
#include "base/clock.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#include <asyncdb.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_PROGRAMS 15
#define N_STEPS    40
#define N_SHOWN    10 /* steps before the one that they do not agree on */
#define N_KEYS     12

/* Those who can be asked. */
struct party {
    const char *name;
    const char *url;
    struct own own;         /* of a server */
    adb_isolation snapshot; /* in which a reader's transaction sees one state, as in the others */
    adb_database *db;
    adb_context *writer, *reader;
};

#define MOST_PARTIES 3

static struct party parties[MOST_PARTIES];
static size_t n_parties;

enum kind {
    INSERT,
    UPDATE,
    DELETE,
    MANY,
    MANY_APART,
    SCRIPT,
    SCRIPT_OF_READS,
    FETCH_ALL,
    FETCH_MANY,
    FETCH_VAL,
    ITERATE,
    COPY_IN,
    NO_COLUMN,
    NO_SQL,
    BEGIN,
    COMMIT,
    ROLLBACK,
    ACQUIRE,
    RELEASE,
    RUN,
    TRANSACT,
    N_KINDS
};

/* One call, the same for all. */
struct step {
    enum kind kind;
    bool reads;    /* it is the reader's */
    uint64_t seed; /* of what a function does */
    int id, other; /* keys */
    size_t n;      /* sets, rows, batches, calls of a function */
    adb_transaction_options options;
    char text[160];
};

/* What became of it. */
struct end {
    adb_status status;
    int64_t affected;
    size_t n_rows;
    uint64_t sum; /* of all values, and what a callback has seen */
    size_t depth;
    char message[ADB_ERROR_MESSAGE_SIZE];
};

/* Where a program stands, as far as the next step depends on it. */
struct stand {
    uint64_t random;
    size_t depth[2], acquired[2]; /* of the writer and the reader */
    bool reads_only;              /* the writer's transaction */
    unsigned flags;               /* of the writer */
    bool one_connection;
    bool at_once; /* nobody waits, so it is not known; there is no reader */
};

/* Results ---------------------------------------------------------------------------------------------------------- */

static void sum_rows(const adb_result *result, uint64_t *sum)
{
    for (size_t i = 0; i < adb_result_rows(result); i++) {
        const adb_row row = adb_result_row(result, i);
        for (size_t k = 0; k < adb_result_columns(result); k++)
            *sum = *sum * 1000003 + (adb_row_is_null(row, k) ? 77 : (uint64_t)adb_row_int(row, k));
    }
}

/* Takes the result. */
static struct end end_of(adb_result *result)
{
    struct end end = {.status = adb_result_status(result)};
    snprintf(end.message, sizeof(end.message), "%s", adb_result_error(result)->message);
    if (end.status == ADB_OK) {
        end.affected = adb_result_affected(result);
        end.n_rows = adb_result_rows(result);
        sum_rows(result, &end.sum);
    }
    adb_result_unref(result);
    return end;
}

static bool is_same(const struct end *a, const struct end *b)
{
    return a->status == b->status && a->affected == b->affected && a->n_rows == b->n_rows && a->sum == b->sum &&
           a->depth == b->depth;
}

/* What functions and callbacks do ---------------------------------------------------------------------------------- */

struct deed {
    uint64_t random;
    size_t n;
    uint64_t sum;
};

static int below(uint64_t *random, int limit)
{
    return (int)(adb__random(random) % (uint64_t)limit);
}

static adb_result *act(adb_session *session, uint64_t *random)
{
    char sql[128];
    const int id = below(random, N_KEYS);
    const adb_param key = {NULL, adb_int(id)}, next = {NULL, adb_int(id + 1)};
    const adb_params sets[] = {{&key, 1}, {&next, 1}};
    switch (below(random, 6)) {
    case 0:
        snprintf(sql, sizeof(sql), "INSERT INTO agreed VALUES (%d, 1)", id);
        return adb_session_execute(session, sql, NULL);
    case 1:
        snprintf(sql, sizeof(sql), "UPDATE agreed SET v = v + 1 WHERE id < %d", id);
        return adb_session_execute(session, sql, NULL);
    case 2:
        snprintf(sql, sizeof(sql), "DELETE FROM agreed WHERE id = %d", id);
        return adb_session_execute(session, sql, NULL);
    case 3:
        return adb_session_execute_many(session, "INSERT INTO agreed (id) VALUES (?)", sets, 2);
    case 4:
        snprintf(sql, sizeof(sql), "DELETE FROM agreed WHERE id = %d; INSERT INTO agreed VALUES (%d, 2)", id, id + 1);
        return adb_session_execute_script(session, sql);
    default:
        return adb_session_fetch_all(session, "SELECT id, v FROM agreed ORDER BY id", NULL);
    }
}

/* It gives up at the first failure: a transaction in which a statement has failed goes on in some databases only. */
static adb_status work(adb_session *session, void *user_data)
{
    struct deed *deed = user_data;
    uint64_t random = deed->random;
    adb_status status = ADB_OK;
    size_t depth = 0;
    deed->sum = 0;
    for (size_t i = 0; i < deed->n && status == ADB_OK; i++) {
        const int what = below(&random, 8);
        if (what == 0) {
            status = adb_session_begin(session, NULL);
            depth++;
        } else if (what <= 2 && depth > 0) {
            status = what == 1 ? adb_session_commit(session) : adb_session_rollback(session);
            depth--;
        } else {
            const struct end end = end_of(act(session, &random));
            deed->sum = deed->sum * 31 + end.sum + (uint64_t)end.affected;
            status = end.status;
        }
    }
    return status == ADB_OK && below(&random, 4) == 0 ? adb_session_fail(session, ADB_E_PERMISSION, "no") : status;
}

static adb_flow look(adb_result *batch, void *user_data)
{
    struct deed *deed = user_data;
    sum_rows(batch, &deed->sum);
    return --deed->n == 0 ? ADB_STOP : ADB_CONTINUE;
}

/* A record for each key. */
static ptrdiff_t produce(void *chunk, size_t size, void *user_data)
{
    struct deed *deed = user_data;
    if (deed->n == 0)
        return 0;
    deed->n--;
    return snprintf(chunk, size, "%d,5\n", (int)((deed->random + deed->n) % N_KEYS));
}

/* Steps ------------------------------------------------------------------------------------------------------------ */

/* May it be taken now? Who waits for what another of the same program holds would wait for ever. */
static bool step_may_be(const struct step *step, const struct stand *stand)
{
    const size_t other = step->reads ? 0 : 1;
    if (stand->one_connection && (stand->depth[other] > 0 || stand->acquired[other] > 0))
        return false;
    /* What is acquired in a read-only transaction of SQLite stays a reader's. */
    return !(step->kind == ACQUIRE && !step->reads && stand->reads_only);
}

static struct step step_choose(struct stand *stand)
{
    struct step step;
    do {
        step = (struct step){.kind = (enum kind)below(&stand->random, N_KINDS),
                             .reads = !stand->at_once && below(&stand->random, 3) == 0,
                             .seed = adb__random(&stand->random),
                             .id = below(&stand->random, N_KEYS),
                             .other = below(&stand->random, N_KEYS),
                             .n = 1 + (size_t)below(&stand->random, 3),
                             .options = {.size = sizeof(step.options)}};
    } while (!step_may_be(&step, stand));
    if (step.kind == RUN || step.kind == TRANSACT)
        step.n += (size_t)below(&stand->random, 5);
    if (step.kind == BEGIN) {
        step.options.force_rollback = below(&stand->random, 5) == 0;
        step.options.read_only =
            !stand->at_once && !step.reads && stand->depth[0] == 0 && below(&stand->random, 5) == 0;
    }
    return step;
}

/* The text of a step that is one, and what is printed of the others. */
static void step_write(struct step *step)
{
    static const char *const names[N_KINDS] = {[MANY] = "execute_many",
                                               [MANY_APART] = "execute_many, each apart",
                                               [ITERATE] = "iterate",
                                               [COPY_IN] = "copy_in",
                                               [BEGIN] = "begin",
                                               [COMMIT] = "commit",
                                               [ROLLBACK] = "rollback",
                                               [ACQUIRE] = "acquire",
                                               [RELEASE] = "release",
                                               [RUN] = "run",
                                               [TRANSACT] = "transact",
                                               [FETCH_MANY] = "SELECT id, v FROM agreed ORDER BY id",
                                               [NO_COLUMN] = "SELECT absent FROM agreed",
                                               [NO_SQL] = "SELEC 1",
                                               [SCRIPT_OF_READS] = "SELECT 1; SELECT id FROM agreed ORDER BY id;"};
    const int id = step->id, other = step->other;
    char *text = step->text;
    const size_t size = sizeof(step->text);
    switch (step->kind) {
    case INSERT:
        snprintf(text, size, "INSERT INTO agreed VALUES (%d, %d)", id, other);
        return;
    case UPDATE:
        snprintf(text, size, "UPDATE agreed SET v = 3 WHERE id < %d", id);
        return;
    case DELETE:
        snprintf(text, size, "DELETE FROM agreed WHERE id = %d", id);
        return;
    case SCRIPT:
        snprintf(text, size,
                 "INSERT INTO agreed VALUES (%d, 1); DELETE FROM agreed WHERE id = %d; "
                 "UPDATE agreed SET v = 7 WHERE id > %d",
                 id, other, id);
        return;
    case FETCH_ALL:
        snprintf(text, size, "SELECT id, v FROM agreed WHERE id < %d ORDER BY id", id);
        return;
    case FETCH_VAL:
        snprintf(text, size, "SELECT v FROM agreed WHERE id = %d", id);
        return;
    default:
        snprintf(text, size, "%s", names[step->kind]);
    }
}

static adb_job submit_many(adb_context *ctx, const struct step *step)
{
    const adb_param keys[] = {{NULL, adb_int(step->id)}, {NULL, adb_int(step->other)}, {NULL, adb_int(step->id + 1)}};
    const adb_params sets[] = {{&keys[0], 1}, {&keys[1], 1}, {&keys[2], 1}};
    return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_EXECUTE_MANY, .sql = "INSERT INTO agreed (id) VALUES (?)",
                                       .sets = sets, .n_sets = step->n,
                                       .flags = step->kind == MANY_APART ? ADB_REQUEST_NOT_ATOMIC : 0));
}

static adb_job submit(const struct party *party, adb_context *ctx, const struct step *step, struct deed *deed)
{
    adb_transaction_options options = step->options;
    switch (step->kind) {
    case INSERT:
    case UPDATE:
    case DELETE:
    case NO_SQL:
        return adb_execute(ctx, step->text, NULL, NULL, NULL);
    case MANY:
    case MANY_APART:
        return submit_many(ctx, step);
    case SCRIPT:
    case SCRIPT_OF_READS:
        return adb_execute_script(ctx, step->text, NULL, NULL);
    case FETCH_ALL:
        return adb_fetch_all(ctx, step->text, NULL, NULL, NULL);
    case FETCH_MANY:
        return adb_fetch_many(ctx, step->text, NULL, step->n, NULL, NULL);
    case FETCH_VAL:
    case NO_COLUMN:
        return adb_fetch_val(ctx, step->text, NULL, NULL, NULL);
    case ITERATE:
        return adb_submit(ctx, ADB_REQUEST(.kind = ADB_REQUEST_ITERATE, .sql = "SELECT id FROM agreed ORDER BY id",
                                           .batch = look, .user_data = deed, .batch_rows = 2));
    case COPY_IN:
        return adb_copy_in(ctx, "agreed (id, v)", produce, NULL, deed);
    case BEGIN:
        options.isolation = step->reads && adb_context_depth(ctx) == 0 ? party->snapshot : ADB_ISOLATION_DEFAULT;
        return adb_begin(ctx, &options, NULL, NULL);
    case COMMIT:
        return adb_commit(ctx, NULL, NULL);
    case ROLLBACK:
        return adb_rollback(ctx, NULL, NULL);
    case ACQUIRE:
        return adb_acquire(ctx, NULL, NULL);
    case RELEASE:
        return adb_release(ctx, NULL, NULL);
    case RUN:
        return adb_run(ctx, work, NULL, deed);
    case TRANSACT:
        return adb_transact(ctx, NULL, work, NULL, deed);
    case N_KINDS:
        break;
    }
    return 0;
}

static struct deed deed_of(const struct step *step)
{
    return (struct deed){.random = step->seed, .n = step->n};
}

static struct end wait_for(adb_context *ctx, adb_job job, const struct deed *deed)
{
    REQUIRE(job != 0);
    struct end end = end_of(adb_wait(ctx, job, PATIENCE_MS));
    if (end.status == ADB_OK)
        end.sum += deed->sum;
    return end;
}

static struct end step_take(const struct party *party, const struct step *step)
{
    adb_context *ctx = step->reads ? party->reader : party->writer;
    struct deed deed = deed_of(step);
    struct end end = wait_for(ctx, submit(party, ctx, step, &deed), &deed);
    end.depth = adb_context_depth(ctx);
    return end;
}

/* The writer's, all at once. */
static void steps_take(const struct party *party, const struct step *steps, struct end *ends)
{
    struct deed deeds[N_STEPS];
    adb_job jobs[N_STEPS];
    for (size_t i = 0; i < N_STEPS; i++) {
        deeds[i] = deed_of(&steps[i]);
        jobs[i] = submit(party, party->writer, &steps[i], &deeds[i]);
    }
    for (size_t i = 0; i < N_STEPS; i++)
        ends[i] = wait_for(party->writer, jobs[i], &deeds[i]);
}

static void stand_move(struct stand *stand, const struct step *step, const struct end *end)
{
    const size_t who = step->reads ? 1 : 0;
    stand->depth[who] = end->depth;
    if (end->status == ADB_OK && step->kind == ACQUIRE)
        stand->acquired[who]++;
    if (end->status == ADB_OK && step->kind == RELEASE)
        stand->acquired[who]--;
    if (!step->reads && end->depth == 0)
        stand->reads_only = false;
    else if (!step->reads && step->kind == BEGIN && end->depth == 1)
        stand->reads_only = step->options.read_only;
}

/* Programs --------------------------------------------------------------------------------------------------------- */

static void party_open(struct party *party, const char *options, unsigned flags)
{
    char url[sizeof(party->own.url) + 64];
    adb_error error;
    REQUIRE(adb_database_open(party->url, NULL, &party->db, &error) == ADB_OK);
    CU_ASSERT(
        own_run(party->db, "DROP TABLE IF EXISTS agreed; CREATE TABLE agreed (id INTEGER PRIMARY KEY, v INTEGER)"));
    adb_database_free(party->db);
    snprintf(url, sizeof(url), "%s%s%s", party->url, strchr(party->url, '?') != NULL ? "&" : "?", options);
    REQUIRE(adb_database_open(url, ADB_OPTIONS(.log_level = ADB_LOG_ERROR), &party->db, &error) == ADB_OK);
    party->writer = adb_context_new(party->db, NULL, flags);
    party->reader = adb_context_new(party->db, NULL, ADB_CONTEXT_READ_ONLY);
}

static void party_close(struct party *party)
{
    adb_context_free(party->writer);
    adb_context_free(party->reader);
    adb_database_free(party->db);
    party->db = NULL;
}

static void show_step(const struct step *step, const char *who, const struct end *end)
{
    printf("#   %-10s %s, %s (%zu): %s, %" PRId64 " affected, %zu rows, depth %zu %s\n", who,
           step->reads ? "reader" : "writer", step->text, step->n, adb_status_name(end->status), end->affected,
           end->n_rows, end->depth, end->message);
}

/* What has become of each step, by parties. */
static struct end ends[MOST_PARTIES][N_STEPS];

/* False, with the last steps printed: they do not agree on this one. */
static bool step_agrees(const struct step *steps, size_t at)
{
    bool agreed = true;
    for (size_t i = 1; i < n_parties; i++)
        agreed = agreed && is_same(&ends[i][at], &ends[0][at]);
    for (size_t i = at > N_SHOWN ? at - N_SHOWN : 0; i < at && !agreed; i++)
        show_step(&steps[i], "all", &ends[0][i]);
    for (size_t i = 0; i < n_parties && !agreed; i++)
        show_step(&steps[at], parties[i].name, &ends[i][at]);
    return agreed;
}

/* Each step after the end of the one before. */
static bool program_agrees(struct stand *stand)
{
    static struct step steps[N_STEPS];
    for (size_t at = 0; at < N_STEPS; at++) {
        steps[at] = step_choose(stand);
        step_write(&steps[at]);
        for (size_t i = 0; i < n_parties; i++)
            ends[i][at] = step_take(&parties[i], &steps[at]);
        if (!step_agrees(steps, at))
            return false;
        stand_move(stand, &steps[at], &ends[0][at]);
    }
    return true;
}

static bool program_at_once_agrees(struct stand *stand)
{
    static struct step steps[N_STEPS];
    for (size_t at = 0; at < N_STEPS; at++) {
        steps[at] = step_choose(stand);
        step_write(&steps[at]);
    }
    for (size_t i = 0; i < n_parties; i++)
        steps_take(&parties[i], steps, ends[i]);
    for (size_t at = 0; at < N_STEPS; at++) {
        if (!step_agrees(steps, at))
            return false;
    }
    return true;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

/* Opened with these options, all end every program in the same way. */
static void agree_with(const char *options, const struct stand *from)
{
    const uint64_t seed = number_from("ADB_TEST_SEED", 1);
    const uint64_t n_programs = number_from("ADB_TEST_PROGRAMS", N_PROGRAMS);
    for (uint64_t n = 0; n < n_programs; n++) {
        for (size_t i = 0; i < n_parties; i++)
            party_open(&parties[i], options, from->flags);
        struct stand stand = *from;
        stand.random = seed + n;
        const bool agreed = stand.at_once ? program_at_once_agrees(&stand) : program_agrees(&stand);
        CU_ASSERT(agreed);
        if (!agreed)
            printf("# ADB_TEST_SEED=%" PRIu64 " ADB_TEST_PROGRAMS=1, options %s\n", seed + n, options);
        for (size_t i = 0; i < n_parties; i++)
            party_close(&parties[i]);
        if (!agreed)
            return;
    }
}

TEST(they_agree)
{
    agree_with("max_size=4", &(struct stand){0});
}

TEST(they_agree_when_nobody_waits)
{
    agree_with("max_size=4", &(struct stand){.at_once = true});
}

TEST(they_agree_on_a_parallel_context)
{
    agree_with("max_size=4", &(struct stand){.flags = ADB_CONTEXT_PARALLEL});
}

TEST(they_agree_with_one_connection)
{
    agree_with("max_size=1", &(struct stand){.one_connection = true});
}

TEST(they_agree_without_a_pool)
{
    agree_with("pool=none", &(struct stand){0});
}

TEST(they_agree_without_prepared_statements)
{
    agree_with("statement_cache=0", &(struct stand){0});
}

TEST(they_agree_when_all_is_rolled_back)
{
    agree_with("force_rollback=true", &(struct stand){.one_connection = true});
}

/* Parties ---------------------------------------------------------------------------------------------------------- */

static void add_server(const char *name, const char *variable, adb_isolation snapshot)
{
    struct party *party = &parties[n_parties];
    const char *url = own_variable(variable);
    if (url == NULL || !own_make(&party->own, url))
        return;
    party->name = name;
    party->snapshot = snapshot;
    party->url = party->own.url;
    n_parties++;
}

static const struct harness_case cases[] = {
    CASE(they_agree),
    CASE(they_agree_when_nobody_waits),
    CASE(they_agree_on_a_parallel_context),
    CASE(they_agree_with_one_connection),
    CASE(they_agree_without_a_pool),
    CASE(they_agree_without_prepared_statements),
    CASE(they_agree_when_all_is_rolled_back),
};

int main(int argc, char **argv)
{
    char folder[] = "/tmp/adb_agreement.XXXXXX";
    char url[64];
    if (mkdtemp(folder) == NULL)
        return 99;
    parties[0].name = "sqlite";
    snprintf(url, sizeof(url), "sqlite:///%s/agreed.db", folder);
    parties[0].url = url;
    n_parties = 1;
    add_server("postgresql", "ADB_TEST_POSTGRESQL_URL", ADB_ISOLATION_REPEATABLE_READ);
    add_server("mysql", "ADB_TEST_MYSQL_URL", ADB_ISOLATION_DEFAULT);
    const int code =
        n_parties < 2 ? 77 : harness_main("agreement", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
    for (size_t i = 1; i < n_parties; i++)
        own_drop(&parties[i].own);
    for (size_t i = 0; i < 3; i++) {
        static const char *const files[] = {"agreed.db", "agreed.db-wal", "agreed.db-shm"};
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    return code;
}
