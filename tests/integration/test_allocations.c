/* SPDX-License-Identifier: BSD-3-Clause */
/* A steady stream of small queries asks for no memory: not for the statement, the job, the values or the result. What
 * client libraries do is theirs. One connection, so that the stream is steady after the first queries. On the servers
 * whose URLs are given, too. */
#include "tests/lib/fault.h"
#include "tests/lib/harness.h"
#include "tests/lib/own.h"
#include "tests/lib/wait.h"

#define WARM   100
#define STEADY 500
#define FLIGHT 16
#define WIDE   64

struct stream {
    const char *url;
    struct own own;
    adb_database *db;
    adb_queue *queue;
    adb_context *ctx;
    size_t n_right;
    adb_result *kept;
};

static struct stream stream;

static bool set_up(const char *variable)
{
    stream = (struct stream){.url = "sqlite://"};
    fault_watch();
    if (variable != NULL) {
        const char *url = own_variable(variable);
        if (url == NULL || !own_make(&stream.own, url))
            return false;
        stream.url = stream.own.url;
    }
    REQUIRE(adb_database_open(stream.url, ADB_OPTIONS(.max_size = 1), &stream.db, NULL) == ADB_OK);
    stream.queue = adb_queue_new();
    stream.ctx = adb_context_new(stream.db, stream.queue, 0);
    REQUIRE(stream.ctx != NULL);
    REQUIRE(status_of(stream.ctx, adb_execute(stream.ctx, "CREATE TABLE person (id INTEGER, name VARCHAR(40))", NULL,
                                              NULL, NULL)) == ADB_OK);
    REQUIRE(status_of(stream.ctx, adb_execute(stream.ctx, "INSERT INTO person VALUES (1, 'Ada'), (2, 'Grace')", NULL,
                                              NULL, NULL)) == ADB_OK);
    return true;
}

static void tear_down(void)
{
    adb_context_free(stream.ctx);
    adb_queue_free(stream.queue);
    adb_database_free(stream.db);
    own_drop(&stream.own);
}

static bool is_right(const adb_result *result)
{
    return adb_result_status(result) == ADB_OK && adb_result_rows(result) == 1 && adb_result_columns(result) == 2;
}

static void look(adb_result *result, void *user_data)
{
    (void)user_data;
    stream.n_right += is_right(result);
}

static adb_job fetch(adb_done_cb done)
{
    return adb_fetch_one(stream.ctx, "SELECT id, name FROM person WHERE name = :name AND id > :least",
                         ADB_PARAMS({"name", adb_text("Ada")}, {"least", adb_int(0)}), done, NULL);
}

/* Callbacks, several in flight. */
static void run_called(void)
{
    for (int i = 0; i < FLIGHT; i++)
        CU_ASSERT_NOT_EQUAL(fetch(look), 0);
    run_all(stream.ctx);
}

/* Waited for, one after the other. */
static void run_waited(void)
{
    adb_result *result = adb_wait(stream.ctx, fetch(NULL), -1);
    stream.n_right += is_right(result);
    adb_result_unref(result);
}

/* Each kept until the next has come. */
static void keep(adb_result *result, void *user_data)
{
    look(result, user_data);
    adb_result_unref(stream.kept);
    stream.kept = adb_result_ref(result);
}

static void run_kept(void)
{
    CU_ASSERT_NOT_EQUAL(fetch(keep), 0);
    run_all(stream.ctx);
}

/* Each callback submits the next. */
static size_t n_chained;

static void chain(adb_result *result, void *user_data)
{
    look(result, user_data);
    if (--n_chained > 0)
        CU_ASSERT_NOT_EQUAL(fetch(chain), 0);
}

static void run_chained(void)
{
    n_chained = FLIGHT;
    CU_ASSERT_NOT_EQUAL(fetch(chain), 0);
    run_all(stream.ctx);
}

/* More in flight than there will be later: a worker that the system takes the processor from keeps a job in hand when
 * its outcome has been delivered already, and the next submission takes another. */
static void run_wide(void)
{
    for (int i = 0; i < WIDE; i++)
        CU_ASSERT_NOT_EQUAL(fetch(look), 0);
    run_all(stream.ctx);
}

static void check_steady(void (*run)(void), size_t each)
{
    run_wide();
    stream.n_right = 0;
    for (int i = 0; i < WARM; i++)
        run();
    const size_t before = fault_allocations();
    for (int i = 0; i < STEADY; i++)
        run();
    CU_ASSERT_EQUAL(fault_allocations(), before);
    CU_ASSERT_EQUAL(stream.n_right, (WARM + STEADY) * each);
}

static void check_all(const char *variable)
{
    if (!set_up(variable))
        return;
    check_steady(run_called, FLIGHT);
    check_steady(run_waited, 1);
    check_steady(run_kept, 1);
    check_steady(run_chained, FLIGHT);
    adb_result_unref(stream.kept);
    tear_down();
}

TEST(small_queries_on_sqlite_allocate_nothing)
{
    check_all(NULL);
}

TEST(small_queries_on_postgresql_allocate_nothing)
{
    check_all("ADB_TEST_POSTGRESQL_URL");
}

TEST(small_queries_on_mysql_allocate_nothing)
{
    check_all("ADB_TEST_MYSQL_URL");
}

SUITE(allocations, CASE(small_queries_on_sqlite_allocate_nothing), CASE(small_queries_on_postgresql_allocate_nothing),
      CASE(small_queries_on_mysql_allocate_nothing))
