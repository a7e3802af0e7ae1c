/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of the process while jobs run, and signals: workers take none. Each program end is a child's. */
#include "tests/lib/rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLED_BACK 9

static struct rig leaving; /* outlives the body, as a program's own would */

static void remove_what_was_left(void)
{
    rig_remove_folder(&leaving);
}

/* Run body in a child; its exit code, or -1 for any other end. A child that hangs is killed by its alarm. */
static int end_of(void (*body)(const struct kind *kind), const struct kind *kind)
{
    int status = -1;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(LATCH_PATIENCE_S);
        atexit(remove_what_was_left); /* registered first, so run last */
        body(kind);
        exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void never(adb_result *result, void *user_data)
{
    (void)result;
    (void)user_data;
    _exit(CALLED_BACK);
}

static void leave_while_a_job_runs(const struct kind *kind)
{
    if (!rig_open(&leaving, kind, NULL))
        return;
    rig_slow(&leaving, never, NULL);
    rig_quick(&leaving, never, NULL);
    rig_await_slow(&leaving, 1);
}

/* exit() with a statement running and another waiting: it ends, and no callback runs any more. (PAIN-23) */
BOTH(exit_while_a_job_runs)
{
    CU_ASSERT_EQUAL(end_of(leave_while_a_job_runs, kind), 0);
}

static void leave_with_a_direct_callback(const struct kind *kind)
{
    if (!rig_open(&leaving, kind, NULL))
        return;
    adb_context *ctx = adb_context_new(leaving.db, ADB_QUEUE_DIRECT, 0);
    adb_fetch_all(ctx, kind->slow, NULL, never, NULL);
    rig_await_slow(&leaving, 1);
}

/* Not on the worker either. */
BOTH(exit_runs_no_direct_callback)
{
    CU_ASSERT_EQUAL(end_of(leave_with_a_direct_callback, kind), 0);
}

static void leave_while_a_worker_hangs(const struct kind *kind)
{
    (void)kind;
    rig_open_fake(&leaving, "fake://", NULL);
    adb_execute(leaving.ctx, "stuck deep", NULL, never, NULL);
    latch_expect(latch_named("deep"), 1);
}

/* A worker that hangs in its client library does not keep the process. */
TEST(exit_while_a_worker_hangs)
{
    CU_ASSERT_EQUAL(end_of(leave_while_a_worker_hangs, NULL), 0);
}

static void leave_inside_a_transaction(const struct kind *kind)
{
    (void)kind;
    rig_open_fake(&leaving, "fake://", NULL);
    adb_begin(leaving.ctx, NULL, NULL, NULL);
    status_of(leaving.ctx, adb_execute(leaving.ctx, "insert 1", NULL, NULL, NULL));
}

static void claim_rolled_back(void)
{
    if (!fake_table_is("") || fake_connections() != 0 || fake_count(FAKE_EXECUTE, "COMMIT") != 0)
        _exit(1);
}

static void leave_inside_a_transaction_and_look(const struct kind *kind)
{
    atexit(claim_rolled_back); /* registered first, so run last */
    leave_inside_a_transaction(kind);
}

/* An open transaction is rolled back and the connection closed, before the program's first exit handlers run. */
TEST(exit_rolls_back)
{
    CU_ASSERT_EQUAL(end_of(leave_inside_a_transaction_and_look, NULL), 0);
}

static void exit_here(adb_result *result, void *user_data)
{
    (void)result;
    (void)user_data;
    exit(0);
}

static void leave_inside_a_callback(const struct kind *kind)
{
    if (!rig_open(&leaving, kind, NULL))
        return;
    rig_quick(&leaving, exit_here, NULL);
    rig_slow(&leaving, never, NULL);
    run_all(leaving.ctx);
    _exit(1);
}

/* exit() inside a callback. */
BOTH(exit_inside_a_callback)
{
    CU_ASSERT_EQUAL(end_of(leave_inside_a_callback, kind), 0);
}

static adb_status exit_there(adb_session *session, void *user_data)
{
    (void)session;
    (void)user_data;
    exit(0);
}

static void leave_inside_a_work_function(const struct kind *kind)
{
    if (!rig_open(&leaving, kind, NULL))
        return;
    adb_run(leaving.ctx, exit_there, never, NULL);
    for (;;)
        pause();
}

/* exit() on a worker: it cannot wait for itself, but it ends. */
BOTH(exit_inside_a_work_function)
{
    CU_ASSERT_EQUAL(end_of(leave_inside_a_work_function, kind), 0);
}

static void leave_after_freeing_all(const struct kind *kind)
{
    if (!rig_open(&leaving, kind, NULL))
        return;
    rig_insert(&leaving, 1, NULL, NULL);
    rig_close(&leaving);
}

/* Nothing is left to do. */
BOTH(exit_after_everything_was_freed)
{
    CU_ASSERT_EQUAL(end_of(leave_after_freeing_all, kind), 0);
}

/* Signals ---------------------------------------------------------------------------------------------------------- */

static pthread_t handler_thread;
static volatile sig_atomic_t n_handled;

static void handle(int signal)
{
    (void)signal;
    handler_thread = pthread_self();
    n_handled++;
}

static adb_status look_at_mask(adb_session *session, void *user_data)
{
    sigset_t *mask = user_data;
    (void)session;
    return pthread_sigmask(SIG_SETMASK, NULL, mask) == 0 ? ADB_OK : ADB_E_INTERNAL;
}

/* A signal to the process is handled on a thread of the program, never on a worker. */
BOTH(workers_take_no_signals)
{
    struct sigaction action = {.sa_handler = handle}, before;
    sigset_t mask;
    RIG(rig, kind, NULL);
    sigemptyset(&mask);
    CU_ASSERT_EQUAL(status_of(rig.ctx, adb_run(rig.ctx, look_at_mask, NULL, &mask)), ADB_OK);
    CU_ASSERT(sigismember(&mask, SIGUSR2) == 1 && sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1);
    REQUIRE(sigaction(SIGUSR2, &action, &before) == 0);
    n_handled = 0;
    for (int i = 0; i < 20; i++)
        kill(getpid(), SIGUSR2);
    CU_ASSERT(n_handled > 0);
    CU_ASSERT(pthread_equal(handler_thread, pthread_self()));
    sigaction(SIGUSR2, &before, NULL);
    rig_close(&rig);
}

SUITE(exit, CASES(exit_while_a_job_runs), CASES(exit_runs_no_direct_callback), CASE(exit_while_a_worker_hangs),
      CASE(exit_rolls_back), CASES(exit_inside_a_callback), CASES(exit_inside_a_work_function),
      CASES(exit_after_everything_was_freed), CASES(workers_take_no_signals))
