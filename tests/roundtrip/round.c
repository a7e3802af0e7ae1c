/* SPDX-License-Identifier: BSD-3-Clause */
/* The one test that all subjects of all databases are put through. */
#include "tests/roundtrip/round.h"

#include "tests/lib/harness.h"
#include "tests/lib/wait.h"

#include <asyncdb.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_MANY   2000 /* through a prepared statement */
#define N_SINGLE 100  /* one by one, without */
#define N_FEW    3
#define N_SHOWN  3 /* differences that are printed */

static const struct subject *all_subjects;
static size_t n_all_subjects;
static const char *url;
static uint64_t seed;

/* A trip of one subject. */
struct trip {
    const struct subject *subject;
    struct maker maker;
    adb_database *prepared, *unprepared;
    adb_value *values; /* by id */
    size_t n, n_many;
    size_t n_read, n_wrong;
};

static adb_database *open_database(int statement_cache)
{
    adb_database *db = NULL;
    adb_error error;
    if (adb_database_open(url, ADB_OPTIONS(.statement_cache = statement_cache, .max_size = 2), &db, &error) != ADB_OK)
        printf("# %s\n", error.message);
    REQUIRE(db != NULL);
    return db;
}

static bool went_well(adb_context *ctx, adb_job job)
{
    const adb_error error = error_of(ctx, job);
    if (error.status != ADB_OK)
        printf("# %s: %s: %s\n", CU_get_current_test()->pName, adb_status_name(error.status), error.message);
    return error.status == ADB_OK;
}

static void make_values(struct trip *trip)
{
    const bool few = (trip->subject->flags & ROUND_FEW) != 0;
    trip->n_many = few ? N_FEW : N_MANY;
    trip->n = trip->n_many + (few ? N_FEW : N_SINGLE);
    trip->maker.state = seed;
    trip->values = calloc(trip->n, sizeof(*trip->values));
    REQUIRE(trip->values != NULL);
    for (size_t i = 0; i < trip->n; i++)
        trip->values[i] = maker_below(&trip->maker, 16) == 0 ? adb_null() : trip->subject->make(&trip->maker);
}

/* False: the server has not that type, and need not. */
static bool make_table(struct trip *trip, adb_context *ctx)
{
    char sql[160];
    REQUIRE(went_well(ctx, adb_execute(ctx, "DROP TABLE IF EXISTS adb_round", NULL, NULL, NULL)));
    snprintf(sql, sizeof(sql), "CREATE TABLE adb_round (id INTEGER PRIMARY KEY, x %s)", trip->subject->column);
    if (went_well(ctx, adb_execute(ctx, sql, NULL, NULL, NULL)))
        return true;
    CU_ASSERT((trip->subject->flags & ROUND_OPTIONAL) != 0);
    return false;
}

#define INSERT "INSERT INTO adb_round (id, x) VALUES (:id, :x)"

static void store_many(struct trip *trip, adb_context *ctx)
{
    adb_params *sets = calloc(trip->n_many, sizeof(*sets));
    adb_param *params = calloc(trip->n_many * 2, sizeof(*params));
    REQUIRE(sets != NULL && params != NULL);
    for (size_t i = 0; i < trip->n_many; i++) {
        params[2 * i] = (adb_param){"id", adb_int((int64_t)i)};
        params[2 * i + 1] = (adb_param){"x", trip->values[i]};
        sets[i] = (adb_params){&params[2 * i], 2};
    }
    CU_ASSERT(went_well(ctx, adb_execute_many(ctx, INSERT, sets, trip->n_many, NULL, NULL)));
    free(params);
    free(sets);
}

static void store_singly(struct trip *trip, adb_context *ctx)
{
    struct tally tally = TALLY_INIT;
    for (size_t i = trip->n_many; i < trip->n; i++)
        adb_execute(ctx, INSERT, ADB_PARAMS({"id", adb_int((int64_t)i)}, {"x", trip->values[i]}), tally_done, &tally);
    run_all(ctx);
    CU_ASSERT_EQUAL(tally_of(&tally, ADB_OK), trip->n - trip->n_many);
    if (tally_of(&tally, ADB_OK) < trip->n - trip->n_many)
        printf("# %s: one by one: %s\n", trip->subject->name, tally_seen(&tally, 0).message);
}

/* Equal after the conversion that a program would ask for. */
static bool converts_to(const adb_value *got, const adb_value *sent)
{
    adb_value back = {.type = sent->type};
    switch (sent->type) {
    case ADB_TYPE_BOOL:
        return adb_value_to_bool(got, &back.as.boolean) == ADB_OK && adb_value_equal(&back, sent);
    case ADB_TYPE_DATE:
        break;
    case ADB_TYPE_TIME:
        return adb_value_to_time(got, &back.as.integer) == ADB_OK && adb_value_equal(&back, sent);
    case ADB_TYPE_TIMESTAMP:
        return adb_value_to_timestamp(got, &back.as.integer) == ADB_OK && adb_value_equal(&back, sent);
    case ADB_TYPE_UUID:
        return adb_value_to_uuid(got, back.as.uuid) == ADB_OK && adb_value_equal(&back, sent);
    case ADB_TYPE_DOUBLE:
        return adb_value_equal(got, sent);
    default:
        return got->size == sent->size && memcmp(got->as.text, sent->as.text, sent->size) == 0;
    }
    int year, month, day;
    if (adb_value_to_date(got, &year, &month, &day) != ADB_OK)
        return false;
    back = adb_date(year, month, day);
    return adb_value_equal(&back, sent);
}

static bool came_back(const struct subject *subject, const adb_value *got, const adb_value *sent)
{
    if (sent->type == ADB_TYPE_NULL || got->type == ADB_TYPE_NULL)
        return sent->type == got->type;
    if (sent->type == ADB_TYPE_DECIMAL && got->type == ADB_TYPE_DECIMAL)
        return decimals_equal(sent->as.text, sent->size, got->as.text, got->size);
    if ((subject->flags & ROUND_CONVERTED) != 0)
        return converts_to(got, sent);
    if (sent->type == ADB_TYPE_DOUBLE && sent->as.real == 0 && signbit(sent->as.real) != signbit(got->as.real))
        return false;
    return sent->type == got->type && adb_value_equal(got, sent);
}

static void show(const struct trip *trip, const char *how, int64_t id, const adb_value *got, const adb_value *text)
{
    char sent_text[100], got_text[100], said_text[100];
    adb_value_format(&trip->values[id], sent_text, sizeof(sent_text));
    adb_value_format(got, got_text, sizeof(got_text));
    adb_value_format(text, said_text, sizeof(said_text));
    printf("# %s: %s, id %" PRId64 ": sent %s (%s), got %s (%s), the server says %s\n", trip->subject->name, how, id,
           sent_text, adb_type_name(trip->values[id].type), got_text, adb_type_name(got->type), said_text);
}

static void compare_row(struct trip *trip, const char *how, adb_row row)
{
    const int64_t id = adb_row_int(row, 0);
    const adb_value got = adb_row_value(row, 1), text = adb_row_value(row, 2);
    REQUIRE(id >= 0 && (size_t)id < trip->n);
    const adb_value *sent = &trip->values[id];
    bool right = came_back(trip->subject, &got, sent);
    if (sent->type == ADB_TYPE_NULL)
        right = right && text.type == ADB_TYPE_NULL;
    else
        right = right && text.type == ADB_TYPE_TEXT && trip->subject->said(sent, text.as.text, text.size);
    trip->n_read++;
    if (!right && trip->n_wrong++ < N_SHOWN)
        show(trip, how, id, &got, &text);
}

static adb_flow compare_batch(adb_result *batch, void *user_data)
{
    for (size_t i = 0; i < adb_result_rows(batch); i++)
        compare_row(user_data, "iterate", adb_result_row(batch, i));
    return ADB_CONTINUE;
}

static void compare_all(struct trip *trip, const char *how, adb_context *ctx, const char *sql)
{
    trip->n_read = trip->n_wrong = 0;
    adb_result *result = adb_wait(ctx, adb_fetch_all(ctx, sql, NULL, NULL, NULL), PATIENCE_MS);
    CU_ASSERT_EQUAL(adb_result_status(result), ADB_OK);
    for (size_t i = 0; i < adb_result_rows(result); i++)
        compare_row(trip, how, adb_result_row(result, i));
    adb_result_unref(result);
    CU_ASSERT_EQUAL(trip->n_read, trip->n);
    CU_ASSERT_EQUAL(trip->n_wrong, 0);
    trip->n_read = trip->n_wrong = 0;
    adb_iterate(ctx, sql, NULL, compare_batch, NULL, trip);
    run_all(ctx);
    CU_ASSERT_EQUAL(trip->n_read, trip->n);
    CU_ASSERT_EQUAL(trip->n_wrong, 0);
}

static void make_trip(struct trip *trip, adb_context *prepared, adb_context *unprepared)
{
    char sql[256];
    store_many(trip, prepared);
    store_singly(trip, unprepared);
    snprintf(sql, sizeof(sql), "SELECT id, x, CASE WHEN x IS NOT NULL THEN %s END FROM adb_round ORDER BY id",
             trip->subject->render);
    compare_all(trip, "prepared", prepared, sql);
    compare_all(trip, "unprepared", unprepared, sql);
    CU_ASSERT(went_well(prepared, adb_execute(prepared, "DROP TABLE adb_round", NULL, NULL, NULL)));
}

static const struct subject *this_subject(void)
{
    const char *name = CU_get_current_test()->pName;
    for (size_t i = 0; i < n_all_subjects; i++) {
        if (strcmp(all_subjects[i].name, name) == 0)
            return &all_subjects[i];
    }
    return NULL;
}

/* Each value is sent prepared or not, and read prepared and not, by fetch and by iterate. TYP-01 to TYP-10, TYP-13,
 * TYP-15, TYP-18, TYP-20 */
static void values_come_back(void)
{
    struct trip trip = {.subject = this_subject()};
    make_values(&trip);
    trip.prepared = open_database(0);
    trip.unprepared = open_database(-1);
    adb_context *prepared = adb_context_new(trip.prepared, NULL, 0);
    adb_context *unprepared = adb_context_new(trip.unprepared, NULL, 0);
    if (make_table(&trip, prepared))
        make_trip(&trip, prepared, unprepared);
    adb_context_free(prepared);
    adb_context_free(unprepared);
    CU_ASSERT_EQUAL(adb_database_close(trip.prepared, PATIENCE_MS), ADB_OK);
    CU_ASSERT_EQUAL(adb_database_close(trip.unprepared, PATIENCE_MS), ADB_OK);
    adb_database_free(trip.prepared);
    adb_database_free(trip.unprepared);
    free(trip.values);
    adb__arena_reset(&trip.maker.arena);
}

static uint64_t choose_seed(void)
{
    const char *given = getenv("ADB_TEST_SEED");
    struct maker maker = {.state = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL)};
    return given != NULL ? maker.state : maker_bits(&maker) >> 32;
}

int round_main(const char *at, const struct subject *subjects, size_t n_subjects, int argc, char **argv)
{
    struct harness_case cases[64];
    url = strchr(at, ':') != NULL ? at : getenv(at);
    if (url == NULL) {
        printf("%s is not set\n", at);
        return 77;
    }
    seed = choose_seed();
    printf("# seed %" PRIu64 ": ADB_TEST_SEED makes the same values again\n", seed);
    all_subjects = subjects;
    n_all_subjects = n_subjects;
    for (size_t i = 0; i < n_subjects; i++)
        cases[i] = (struct harness_case){subjects[i].name, values_come_back};
    return harness_main("types", cases, n_subjects, argc, argv);
}
