/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver that the test plays itself, for what no server does on demand. Its URL is fake://, and its statements are
 * commands:
 *
 *     rows N             N rows of one column n: 0, 1, 2, …
 *     torn N             the same, and then it fails with ADB_E_IO
 *     value N            one row: N
 *     values             one row: the parameters
 *     insert N           writes a row into the one table; the number may be a parameter
 *     table              the rows of the table as this connection sees them
 *     block NAME         waits for the latch of that name, or until it is told to stop
 *     stuck NAME         waits for the latch and listens to nobody else
 *     deaf NAME          the same, but breaking its connection ends it: the network is silent
 *     spin               runs for a moment, and stops for a cancel of the driver only
 *     fail NAME [N]      fails with that status (unique, serialization, …), the first N times, or always
 *     lose               the connection is lost, nobody knows whether the statement ran
 *     alone              no row; in a pipeline it says that it is to be executed by itself
 *     last               runs well, and then the connection is lost
 *     dirty              leaves a transaction open that nobody has asked for
 *     write              has no effect, but only a writer may run it
 *     xid                the id of the open transaction, NULL when it has written nothing
 *     xidstatus          what became of the transaction with the id that is the parameter
 *     notify CHANNEL     with a text as its parameter: to all connections that listen there, at commit
 *
 * "select" before a command makes it one that says it only reads. BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE SAVEPOINT
 * and ROLLBACK TO SAVEPOINT do what they do in a database. URL options: readers=N, group=1, memory=1, backoff=1,
 * pipeline=1, tells=1.
 *
 * Everything is one for the process: fake_reset() first, while no database of it is open. The breaches of the driver
 * contract that it sees are counted: calls that overlap or come from another thread, a cancel beside a connection. */
#ifndef ADB_TESTS_FAKE_DRIVER_H
#define ADB_TESTS_FAKE_DRIVER_H

#include <asyncdb/error.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_kind {
    FAKE_OPEN,
    FAKE_EXECUTE,
    FAKE_EXECUTE_MANY,
    FAKE_SENT,      /* in a pipeline */
    FAKE_CHECK,
    FAKE_CANCEL,    /* has begun */
    FAKE_CANCELLED, /* has returned */
    FAKE_CLOSE
};

struct fake_call {
    enum fake_kind kind;
    unsigned conn;      /* 1, 2, … in the order of opening */
    pthread_t thread;
    char text[64];
};

/* Make the driver known, and forget calls, faults, table and named latches. */
void fake_reset(void);

/* Faults, to be arranged before */
void fake_open_fails(unsigned n, adb_status status);    /* the next n */
void fake_open_blocks(const char *latch);               /* each waits there; NULL: no more */
void fake_text_fails(const char *start, adb_status status, unsigned flags, unsigned n); /* the next n that begin so */
void fake_text_hangs(const char *start, const char *latch); /* the next that begins so, until its connection is broken */
void fake_check_fails(unsigned n);
void fake_commit_answer_lost(unsigned n);   /* the next n commits take effect, and then the connection is lost */
void fake_commit_lingers(unsigned n);       /* lost ones are said to be in progress when asked the next n times */
void fake_open_hangs(const char *latch);                /* the same, and only breaking the connection ends it */
void fake_check_hangs(const char *latch);               /* each check, in the same way */
void fake_cancel_blocks(const char *latch);             /* when it asks */
/* Every open connection is gone: seen by a check, or by a statement, which has not run. */
void fake_lose_idle(void);

/* Notifications */
void fake_notify(const char *channel, const char *payload); /* from another client, at once */
unsigned fake_listening(const char *channel);               /* connections that listen on it */

/* What has happened */
size_t fake_count(enum fake_kind kind, const char *start); /* of that kind whose text begins so */
size_t fake_n_calls(void);
struct fake_call fake_call(size_t index);
/* All texts of statements in order, each with "; " behind it. Valid until the next call of this. */
const char *fake_texts(void);
bool fake_table_is(const char *rows);   /* what is committed, such as "1 2 3" */
unsigned fake_connections(void);        /* open now */
bool fake_url_is(const char *url);      /* of the last attempt to open */
unsigned fake_most_opening(void);       /* at the same moment */
void fake_await_connections(unsigned n);/* wait until no more than n are open */
unsigned fake_breaches(void);           /* of the driver contract; each is printed */

#endif
