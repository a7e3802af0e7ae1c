/* SPDX-License-Identifier: BSD-3-Clause */
/* The slots of the fake driver: every call is recorded, checked against the contract, and may fail on demand. */
#include "tests/lib/fake_parts.h"

#include "base/clock.h"
#include "drivers/registry.h"
#include "model/error.h"
#include "model/url.h"
#include "tests/lib/latch.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define MAX_CALLS  65536
#define MAX_CONNS  256
#define MAX_FAULTS 16

struct text_fault {
    char start[64];
    adb_status status;
    unsigned flags;
    unsigned left;
    const char *latch;  /* NULL: it fails at once */
};

/* Guards all that follows. Nothing is called with it held. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t closed = PTHREAD_COND_INITIALIZER;
static struct fake_call calls[MAX_CALLS];
static size_t n_calls;
static struct fake_conn *conns[MAX_CONNS]; /* open now */
static unsigned n_conns, next_number, n_breaches;
static unsigned opens_to_fail, checks_to_fail;
static adb_status open_failure;
static unsigned opening, most_opening;
static char last_url[256];
static const char *open_latch, *deaf_open_latch, *check_latch, *cancel_latch;
static struct text_fault text_faults[MAX_FAULTS];

static void breach(const struct fake_conn *conn, const char *what)
{
    pthread_mutex_lock(&lock);
    n_breaches++;
    pthread_mutex_unlock(&lock);
    printf("the driver contract is broken on connection %u: %s\n", conn->number, what);
}

static void record(const struct fake_conn *conn, enum fake_kind kind, const char *text)
{
    pthread_mutex_lock(&lock);
    if (n_calls < MAX_CALLS) {
        struct fake_call *call = &calls[n_calls++];
        *call = (struct fake_call){.kind = kind, .conn = conn->number, .thread = pthread_self()};
        snprintf(call->text, sizeof(call->text), "%s", text);
    }
    pthread_mutex_unlock(&lock);
}

/* Around every call but cancel(). */
static void enter(struct fake_conn *conn)
{
    if (atomic_fetch_add(&conn->busy, 1) != 0)
        breach(conn, "two calls at once");
    if (!pthread_equal(conn->owner, pthread_self()))
        breach(conn, "a call from a thread that has not opened it");
}

static void leave(struct fake_conn *conn)
{
    atomic_fetch_sub(&conn->busy, 1);
}

adb_status fake_lose(struct fake_conn *conn, unsigned more_flags, adb_error *error)
{
    atomic_store(&conn->lost, true);
    conn->in_transaction = false;
    conn->n_pending = conn->n_savepoints = 0;
    fake_outbox_end(conn, false);
    fake_xid_end(conn, false);
    return adb__error_native(error, ADB_E_CONNECTION, ADB_ERROR_CONNECTION_LOST | more_flags, 57, "08006",
                             "the server went away");
}

/* The slots -------------------------------------------------------------------------------------------------------- */

static adb_status fake_configure(const adb_url *url, const adb_options *options, struct adb__layout *layout_out,
                                 adb_error *error)
{
    int64_t readers = 0;
    bool group = false, memory = false, backoff = false, pipeline = false, tells = false;
    (void)options;
    adb_status status = adb__url_option_int(url, "readers", 0, 64, &readers, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, "group", &group, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, "memory", &memory, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, "backoff", &backoff, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, "pipeline", &pipeline, error);
    if (status == ADB_OK)
        status = adb__url_option_bool(url, "tells", &tells, error);
    if (status != ADB_OK)
        return status;
    *layout_out = (struct adb__layout){.max_writers = readers > 0 || memory ? 1 : 0,
                                       .max_readers = (unsigned)readers,
                                       .group_commit = group,
                                       .pipelines = pipeline,
                                       .tells_in_pipeline = tells,
                                       .backs_off = backoff,
                                       .keep_open = memory};
    return ADB_OK;
}

static bool open_shall_fail(adb_status *status_out)
{
    pthread_mutex_lock(&lock);
    const bool fails = opens_to_fail > 0;
    opens_to_fail -= fails;
    *status_out = open_failure;
    pthread_mutex_unlock(&lock);
    return fails;
}

static const char *latch_for(const char *const *name)
{
    pthread_mutex_lock(&lock);
    const char *found = *name;
    pthread_mutex_unlock(&lock);
    return found;
}

/* Where a cancel takes its time, the statement learns of it from nothing else. */
bool fake_should_stop(void *data)
{
    struct fake_conn *conn = data;
    return atomic_load(&conn->cancelled) ||
           (latch_for(&cancel_latch) == NULL && conn->open->stop_fn(conn->open->stop_data));
}

static bool is_severed(void *data)
{
    const struct fake_conn *conn = data;
    return atomic_load(&conn->severed);
}

bool fake_wait_deaf(struct fake_conn *conn, const char *latch)
{
    return latch_wait_unless(latch_named(latch), is_severed, conn);
}

static void count_opening(int more)
{
    pthread_mutex_lock(&lock);
    opening += (unsigned)more;
    most_opening = opening > most_opening ? opening : most_opening;
    pthread_mutex_unlock(&lock);
}

static bool open_should_stop(void *data)
{
    const struct adb__open *open = data;
    return open->stop_fn(open->stop_data) || adb__clock_now() >= open->deadline;
}

static void conn_add(struct fake_conn *conn)
{
    pthread_mutex_lock(&lock);
    conns[n_conns++] = conn;
    pthread_mutex_unlock(&lock);
}

static void conn_remove(const struct fake_conn *conn)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < n_conns; i++) {
        if (conns[i] == conn)
            conns[i--] = conns[--n_conns];
    }
    pthread_cond_broadcast(&closed);
    pthread_mutex_unlock(&lock);
}

static adb_status fake_open(void *state, const struct adb__open *open, adb_error *error)
{
    struct fake_conn *conn = state;
    adb_status status;
    conn->open = open;
    conn->owner = pthread_self();
    pthread_mutex_lock(&lock);
    conn->number = ++next_number;
    snprintf(last_url, sizeof(last_url), "%s", adb_url_text(open->url));
    pthread_mutex_unlock(&lock);
    enter(conn);
    record(conn, FAKE_OPEN, open->role == ADB__ROLE_READER ? "reader" : "writer");
    count_opening(1);
    const char *latch = latch_for(&open_latch);
    const char *deaf_latch = latch_for(&deaf_open_latch);
    if (deaf_latch != NULL && !fake_wait_deaf(conn, deaf_latch))
        status = adb__error_set(error, ADB_E_TIMEOUT, "nobody answered");
    else if (latch != NULL && !latch_wait_unless(latch_named(latch), open_should_stop, (void *)(uintptr_t)open))
        status = adb__error_set(error, ADB_E_TIMEOUT, "the connection could not be made in time");
    else if (open_shall_fail(&status))
        adb__error_set(error, status, "cannot open %s", adb_url_text(open->url));
    else
        status = ADB_OK;
    count_opening(-1);
    if (status == ADB_OK)
        conn_add(conn);
    leave(conn);
    return status;
}

static void fake_close(void *state)
{
    struct fake_conn *conn = state;
    if (conn->number == 0)
        return;
    enter(conn);
    record(conn, FAKE_CLOSE, "");
    fake_listen_end(conn);
    leave(conn);
    conn_remove(conn);
}

static bool text_shall_fail(const char *sql, struct text_fault *fault_out)
{
    bool fails = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAX_FAULTS && !fails; i++) {
        struct text_fault *fault = &text_faults[i];
        if (fault->left == 0 || strncmp(sql, fault->start, strlen(fault->start)) != 0)
            continue;
        fault->left--;
        *fault_out = *fault;
        fails = true;
    }
    pthread_mutex_unlock(&lock);
    return fails;
}

/* One statement, with all that may go wrong around it. */
static adb_status run(struct fake_conn *conn, const struct adb__statement *statement, struct adb__sink *sink,
                      adb_error *error)
{
    struct text_fault fault;
    if (atomic_load(&conn->lost))
        return fake_lose(conn, 0, error);
    if (!text_shall_fail(statement->sql, &fault))
        return fake_command(conn, statement, sink, error);
    if (fault.latch != NULL && fake_wait_deaf(conn, fault.latch))
        return fake_command(conn, statement, sink, error);
    if (fault.flags & ADB_ERROR_CONNECTION_LOST)
        return fake_lose(conn, fault.flags, error);
    return adb__error_native(error, fault.status, fault.flags, 7, "", "failed on demand");
}

static adb_status fake_execute(void *state, const struct adb__statement *statement, struct adb__sink *sink,
                               adb_error *error)
{
    struct fake_conn *conn = state;
    enter(conn);
    record(conn, FAKE_EXECUTE, statement->sql);
    atomic_store(&conn->cancelled, false);
    atomic_store(&conn->running, true);
    const adb_status status = run(conn, statement, sink, error);
    atomic_store(&conn->running, false);
    leave(conn);
    return status;
}

static adb_status fake_execute_many(void *state, const struct adb__statement *statement, const adb_value *const *sets,
                                    size_t n_sets, struct adb__sink *sink, size_t *failed_out, adb_error *error)
{
    struct fake_conn *conn = state;
    adb_status status = ADB_OK;
    enter(conn);
    record(conn, FAKE_EXECUTE_MANY, statement->sql);
    atomic_store(&conn->cancelled, false);
    atomic_store(&conn->running, true);
    int64_t affected = 0;
    for (size_t i = 0; i < n_sets && status == ADB_OK; i++) {
        struct adb__statement one = *statement;
        one.values = sets[i];
        *failed_out = i;
        status = run(conn, &one, sink, error);
        affected += sink->result->affected;
    }
    sink->result->affected = affected;
    atomic_store(&conn->running, false);
    leave(conn);
    return status;
}

/* One call whose turn it is. False: the connection is lost. */
static bool pipeline_turn(struct fake_conn *conn, struct adb__pipeline *pipeline, struct adb__call *call)
{
    if (!pipeline->begin_fn(pipeline, call))
        return true;
    atomic_store(&conn->cancelled, false);
    atomic_store(&conn->running, true);
    call->status = strncmp(call->statement->sql, "select alone", 12) == 0
                       ? ADB__RUN_ALONE
                       : run(conn, call->statement, call->sink, call->error);
    atomic_store(&conn->running, false);
    pipeline->end_fn(pipeline, call);
    return !atomic_load(&conn->lost);
}

/* All are sent at once; the driver waits when it has sent them, and before a statement that blocks. */
static void fake_pipeline(void *state, struct adb__pipeline *pipeline)
{
    struct fake_conn *conn = state;
    bool goes_on = true;
    enter(conn);
    for (size_t i = 0; i < pipeline->n_calls; i++)
        record(conn, FAKE_SENT, pipeline->calls[i].statement->sql);
    for (size_t i = 0; i < pipeline->n_calls && goes_on; i++) {
        struct adb__call *call = &pipeline->calls[i];
        if (i == 0 || (call->statement != NULL && strstr(call->statement->sql, "block") != NULL))
            pipeline->wait_fn(pipeline);
        goes_on = pipeline_turn(conn, pipeline, call);
    }
    leave(conn);
}

static adb_status fake_check(void *state, enum adb__check_how how, adb_error *error)
{
    struct fake_conn *conn = state;
    enter(conn);
    record(conn, FAKE_CHECK, how == ADB__CHECK_RESET ? "reset" : "ping");
    pthread_mutex_lock(&lock);
    const bool fails = checks_to_fail > 0;
    checks_to_fail -= fails;
    pthread_mutex_unlock(&lock);
    const char *latch = latch_for(&check_latch);
    const bool broken = latch != NULL && !fake_wait_deaf(conn, latch);
    const adb_status status = fails || broken || atomic_load(&conn->lost) ? fake_lose(conn, 0, error) : ADB_OK;
    leave(conn);
    return status;
}

static void fake_cancel(void *state, enum adb__cancel_how how)
{
    struct fake_conn *conn = state;
    if (conn->number == 0) {
        breach(conn, "a cancel beside a connection");
        return;
    }
    record(conn, FAKE_CANCEL, how == ADB__CANCEL_SEVER ? "sever" : "ask");
    if (how == ADB__CANCEL_SEVER) {
        atomic_store(&conn->lost, true);
        atomic_store(&conn->severed, true);
    }
    const char *latch = how == ADB__CANCEL_ASK ? latch_for(&cancel_latch) : NULL;
    if (latch != NULL)
        latch_wait(latch_named(latch));
    if (atomic_load(&conn->running)) {
        for (int i = 0; i < 3; i++)
            sched_yield(); /* without a fence the next statement would be hit now */
        atomic_store(&conn->cancelled, true);
        if (pthread_equal(conn->owner, pthread_self()))
            breach(conn, "a cancel by the worker itself");
    }
    record(conn, FAKE_CANCELLED, "");
}

static enum adb__txn_state fake_transaction_state(void *state)
{
    struct fake_conn *conn = state;
    enter(conn);
    const enum adb__txn_state found = atomic_load(&conn->lost) ? ADB__TXN_UNKNOWN
                                      : conn->in_transaction   ? ADB__TXN_OPEN
                                                               : ADB__TXN_NONE;
    leave(conn);
    return found;
}

static adb_status fake_begin_text(const adb_transaction_options *options, struct adb__buf *text, adb_error *error)
{
    if (options->deferrable)
        return adb__error_set(error, ADB_E_UNSUPPORTED, "nothing is deferrable here");
    adb__buf_puts(text, "BEGIN");
    adb__buf_puts(text, options->isolation == ADB_ISOLATION_SERIALIZABLE ? " SERIALIZABLE" : "");
    adb__buf_puts(text, options->read_only ? " READ ONLY" : "");
    return ADB_OK;
}

static void *fake_native(void *state)
{
    return state;
}

static const char *const fake_options[] = {"readers", "group", "memory", "backoff", "pipeline", "tells", NULL};

static const struct adb__driver fake_driver = {
    .scheme = "fake",
    .conn_size = sizeof(struct fake_conn),
    .can = ADB__CAN_LISTEN,
    .dialect = {.placeholder = ADB__PLACEHOLDER_NUMBERED_QUESTION,
                .max_parameters = 100,
                .empty_list = "none",
                .transaction_id = "xid",
                .transaction_status = "xidstatus ?",
                .notify = "notify ? ?",
                .begin_text = fake_begin_text},
    .options = fake_options,
    .configure = fake_configure,
    .open = fake_open,
    .close = fake_close,
    .execute = fake_execute,
    .execute_many = fake_execute_many,
    .pipeline = fake_pipeline,
    .check = fake_check,
    .cancel = fake_cancel,
    .transaction_state = fake_transaction_state,
    .native = fake_native,
};

/* The test's side -------------------------------------------------------------------------------------------------- */

void fake_reset(void)
{
    adb__registry_add(&fake_driver);
    latch_reset();
    fake_table_reset();
    pthread_mutex_lock(&lock);
    n_calls = 0;
    next_number = n_breaches = opens_to_fail = checks_to_fail = 0;
    opening = most_opening = 0;
    open_latch = deaf_open_latch = check_latch = cancel_latch = NULL;
    memset(text_faults, 0, sizeof(text_faults));
    pthread_mutex_unlock(&lock);
}

void fake_open_fails(unsigned n, adb_status status)
{
    pthread_mutex_lock(&lock);
    opens_to_fail = n;
    open_failure = status;
    pthread_mutex_unlock(&lock);
}

void fake_open_blocks(const char *latch)
{
    pthread_mutex_lock(&lock);
    open_latch = latch;
    pthread_mutex_unlock(&lock);
}

void fake_open_hangs(const char *latch)
{
    pthread_mutex_lock(&lock);
    deaf_open_latch = latch;
    pthread_mutex_unlock(&lock);
}

void fake_check_hangs(const char *latch)
{
    pthread_mutex_lock(&lock);
    check_latch = latch;
    pthread_mutex_unlock(&lock);
}

void fake_cancel_blocks(const char *latch)
{
    pthread_mutex_lock(&lock);
    cancel_latch = latch;
    pthread_mutex_unlock(&lock);
}

void fake_check_fails(unsigned n)
{
    pthread_mutex_lock(&lock);
    checks_to_fail = n;
    pthread_mutex_unlock(&lock);
}

static void add_fault(const char *start, struct text_fault fault)
{
    size_t i = 0;
    pthread_mutex_lock(&lock);
    while (i < MAX_FAULTS - 1 && text_faults[i].left > 0)
        i++;
    text_faults[i] = fault;
    snprintf(text_faults[i].start, sizeof(text_faults[i].start), "%s", start);
    pthread_mutex_unlock(&lock);
}

void fake_text_fails(const char *start, adb_status status, unsigned flags, unsigned n)
{
    add_fault(start, (struct text_fault){.status = status, .flags = flags, .left = n});
}

void fake_text_hangs(const char *start, const char *latch)
{
    const unsigned flags = ADB_ERROR_CONNECTION_LOST | ADB_ERROR_OUTCOME_UNKNOWN;
    add_fault(start, (struct text_fault){.status = ADB_E_CONNECTION, .flags = flags, .left = 1, .latch = latch});
}

void fake_lose_idle(void)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < n_conns; i++)
        atomic_store(&conns[i]->lost, true);
    pthread_mutex_unlock(&lock);
    fake_listen_wake();
}

size_t fake_count(enum fake_kind kind, const char *start)
{
    size_t n = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_calls; i++)
        n += calls[i].kind == kind && strncmp(calls[i].text, start, strlen(start)) == 0;
    pthread_mutex_unlock(&lock);
    return n;
}

size_t fake_n_calls(void)
{
    pthread_mutex_lock(&lock);
    const size_t n = n_calls;
    pthread_mutex_unlock(&lock);
    return n;
}

struct fake_call fake_call(size_t index)
{
    pthread_mutex_lock(&lock);
    const struct fake_call call = index < n_calls ? calls[index] : (struct fake_call){.conn = 0};
    pthread_mutex_unlock(&lock);
    return call;
}

const char *fake_texts(void)
{
    static char texts[16384];
    size_t size = 0;
    texts[0] = '\0';
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_calls && size < sizeof(texts) - sizeof(calls[0].text) - 4; i++) {
        if (calls[i].kind == FAKE_EXECUTE || calls[i].kind == FAKE_EXECUTE_MANY)
            size += (size_t)snprintf(texts + size, sizeof(texts) - size, "%s; ", calls[i].text);
    }
    pthread_mutex_unlock(&lock);
    return texts;
}

unsigned fake_connections(void)
{
    pthread_mutex_lock(&lock);
    const unsigned n = n_conns;
    pthread_mutex_unlock(&lock);
    return n;
}

bool fake_url_is(const char *url)
{
    pthread_mutex_lock(&lock);
    const bool is = strcmp(last_url, url) == 0;
    if (!is)
        printf("the last URL was \"%s\", not \"%s\"\n", last_url, url);
    pthread_mutex_unlock(&lock);
    return is;
}

unsigned fake_most_opening(void)
{
    pthread_mutex_lock(&lock);
    const unsigned n = most_opening;
    pthread_mutex_unlock(&lock);
    return n;
}

void fake_await_connections(unsigned n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LATCH_PATIENCE_S;
    pthread_mutex_lock(&lock);
    while (n_conns > n) {
        if (pthread_cond_timedwait(&closed, &lock, &until) != 0)
            latch_hang("a connection was never closed");
    }
    pthread_mutex_unlock(&lock);
}

unsigned fake_breaches(void)
{
    pthread_mutex_lock(&lock);
    const unsigned n = n_breaches;
    pthread_mutex_unlock(&lock);
    return n;
}
