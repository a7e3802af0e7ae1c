/* SPDX-License-Identifier: BSD-3-Clause */
/* The ledger of a load, and its audit. */
#include "tests/faults/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The entries never move: their addresses are with the jobs. */
static struct load *the_load;
static char first_other[ADB_ERROR_MESSAGE_SIZE + 40];

static void note(adb_result *result, void *user_data)
{
    struct entry *entry = user_data;
    const adb_error *error = adb_result_error(result);
    entry->status = error->status;
    entry->flags = error->flags;
    entry->n_calls++;
    the_load->n_done++;
    if (first_other[0] == '\0' && error->status != ADB_OK && error->status != ADB_E_CONNECTION &&
        error->status != ADB_E_OUTCOME_UNKNOWN && error->status != ADB_E_TRANSACTION_LOST &&
        error->status != ADB_E_TRANSACTION_FAILED)
        snprintf(first_other, sizeof(first_other), "%s: %s", adb_status_name(error->status), error->message);
}

void load_open(struct load *load, struct scene *scene, size_t capacity)
{
    *load = (struct load){.scene = scene, .capacity = capacity, .seed = 1};
    load->entries = calloc(capacity, sizeof(*load->entries));
    REQUIRE(load->entries != NULL);
    for (size_t i = 0; i < LOAD_LANES; i++)
        load->lanes[i] = adb_context_new(scene->db, scene->queue, 0);
    the_load = load;
    first_other[0] = '\0';
}

static struct entry *enter(struct load *load, enum deed deed, int64_t n)
{
    REQUIRE(load->n_entries < load->capacity);
    struct entry *entry = &load->entries[load->n_entries++];
    *entry = (struct entry){.deed = deed, .n = n};
    return entry;
}

/* What is refused has no entry. */
static void entered(struct load *load, adb_job job)
{
    if (job == 0) {
        load->n_entries--;
        load->refused++;
    }
}

#define INSERT "INSERT INTO t (n) VALUES (:n)"

static void fire_write(struct load *load, adb_context *lane, enum deed deed, int64_t n)
{
    entered(load, adb_execute(lane, INSERT, ADB_PARAMS({"n", adb_int(n)}), note, enter(load, deed, n)));
}

static void fire_transaction(struct load *load, adb_context *lane, int64_t n)
{
    entered(load, adb_begin(lane, NULL, note, enter(load, DEED_BEGIN, n)));
    fire_write(load, lane, DEED_PART, n);
    fire_write(load, lane, DEED_PART, n + 1);
    entered(load, adb_commit(lane, note, enter(load, DEED_COMMIT, n)));
}

void load_fire(struct load *load, size_t n_deeds)
{
    for (size_t i = 0; i < n_deeds; i++) {
        adb_context *lane = load->lanes[(unsigned)rand_r(&load->seed) % LOAD_LANES];
        const int64_t n = load->next_n;
        load->next_n += 2;
        switch (rand_r(&load->seed) % 4) {
        case 0:
            entered(load, adb_fetch_val(lane, "SELECT count(*) FROM t WHERE n = :n", ADB_PARAMS({"n", adb_int(n)}),
                                        note, enter(load, DEED_READ, n)));
            break;
        case 1:
            fire_transaction(load, lane, n);
            break;
        default:
            fire_write(load, lane, DEED_WRITE, n);
            break;
        }
    }
}

void load_run(struct load *load, size_t in_flight, size_t until_done)
{
    while (load->n_done < until_done) {
        while (load->n_entries - load->n_done < in_flight)
            load_fire(load, 1);
        adb_queue_wait(load->scene->queue, PATIENCE_MS);
        adb_queue_dispatch(load->scene->queue, 0);
    }
}

struct meanwhile {
    void (*action)(void *data);
    void *data;
    atomic_bool over;
};

static void *act(void *data)
{
    struct meanwhile *meanwhile = data;
    meanwhile->action(meanwhile->data);
    meanwhile->over = true;
    return NULL;
}

void load_during(struct load *load, size_t in_flight, void (*action)(void *data), void *data)
{
    struct meanwhile meanwhile = {.action = action, .data = data};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, act, &meanwhile) == 0);
    while (!meanwhile.over) {
        while (load->n_entries - load->n_done < in_flight && load->n_entries < load->capacity / 2)
            load_fire(load, 1);
        adb_queue_wait(load->scene->queue, 5);
        adb_queue_dispatch(load->scene->queue, 0);
    }
    pthread_join(thread, NULL);
}

static bool all_done(void *data)
{
    const struct load *load = data;
    return load->n_done >= load->n_entries;
}

void load_drain(struct load *load)
{
    run_until(load->scene->queue, all_done, load);
}

/* What the table has, a byte for each number. */
static char *read_table(struct load *load)
{
    char *there = calloc((size_t)load->next_n + 2, 1);
    adb_result *result =
        adb_wait(load->scene->ctx, adb_fetch_all(load->scene->ctx, "SELECT n FROM t", NULL, NULL, NULL), PATIENCE_MS);
    if (adb_result_status(result) != ADB_OK)
        printf("# %s\n", adb_result_error(result)->message);
    REQUIRE(there != NULL && adb_result_status(result) == ADB_OK);
    for (size_t i = 0; i < adb_result_rows(result); i++) {
        const int64_t n = adb_row_int(adb_result_row(result, i), 0);
        there[n >= 0 && n < load->next_n ? n : load->next_n + 1] = 1;
    }
    adb_result_unref(result);
    return there;
}

static void count_status(struct account *account, const struct entry *entry)
{
    account->jobs++;
    account->outcomes += entry->n_calls;
    account->twice += entry->n_calls > 1;
    if ((entry->flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0)
        account->unknown++;
    switch (entry->status) {
    case ADB_OK:
        account->ok++;
        break;
    case ADB_E_CONNECTION:
    case ADB_E_OUTCOME_UNKNOWN:
        account->connection++;
        break;
    case ADB_E_TRANSACTION_LOST:
    case ADB_E_TRANSACTION_FAILED:
        account->transaction++;
        break;
    case ADB_E_TIMEOUT:
        account->timeout++;
        break;
    default:
        account->other++;
        break;
    }
}

static void tell(const char *what, const struct entry *entry, bool first, bool second)
{
    static const char *const deeds[] = {"read", "write", "begin", "part", "commit"};
    printf("# %s: %s of %lld, %s, flags %x; there: %d %d\n", what, deeds[entry->deed], (long long)entry->n,
           adb_status_name(entry->status), entry->flags, first, second);
    for (int i = 3; i > 0 && entry->deed == DEED_COMMIT; i--)
        printf("#     after %s, %s, flags %x\n", deeds[entry[-i].deed], adb_status_name(entry[-i].status),
               entry[-i].flags);
}

static void audit(struct account *account, const struct entry *entry, const char *there)
{
    const bool unknown = (entry->flags & ADB_ERROR_OUTCOME_UNKNOWN) != 0;
    const bool first = there[entry->n], second = there[entry->n + 1];
    const struct account before = *account;
    if (entry->deed == DEED_WRITE) {
        account->lost += entry->status == ADB_OK && !first;
        account->unasked += entry->status != ADB_OK && !unknown && first;
    } else if (entry->deed == DEED_COMMIT) {
        account->lost += entry->status == ADB_OK && !(first && second);
        account->unasked += entry->status != ADB_OK && !unknown && (first || second);
        account->halves += first != second;
    }
    if (account->lost > before.lost)
        tell("lost", entry, first, second);
    if (account->unasked > before.unasked)
        tell("unasked", entry, first, second);
    if (account->halves > before.halves)
        tell("half", entry, first, second);
}

struct account load_settle(struct load *load, const char *what)
{
    struct account account = {0};
    char *there = read_table(load);
    for (size_t i = 0; i < load->n_entries; i++) {
        count_status(&account, &load->entries[i]);
        audit(&account, &load->entries[i], there);
    }
    printf("# %s, %s: %zu jobs, %zu outcomes, %zu ok, %zu connection, %zu unknown, %zu transaction lost, %zu timeout, "
           "%zu other, %zu lost, %zu unasked, %zu halves\n",
           what, load->scene->engine->kind, account.jobs, account.outcomes, account.ok, account.connection,
           account.unknown, account.transaction, account.timeout, account.other, account.lost, account.unasked,
           account.halves);
    if (account.other > 0)
        printf("# other: %s\n", first_other);
    CU_ASSERT_EQUAL(account.outcomes, account.jobs);
    CU_ASSERT_EQUAL(account.twice + account.lost + account.unasked + account.halves + account.other, 0);
    CU_ASSERT_EQUAL(there[load->next_n + 1], 0);
    free(there);
    return account;
}

void load_close(struct load *load)
{
    for (size_t i = 0; i < LOAD_LANES; i++)
        adb_context_free(load->lanes[i]);
    free(load->entries);
}
