/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the fake driver share: connections and contract (fake_driver.c), commands and the table
 * (fake_commands.c). */
#ifndef ADB_TESTS_FAKE_PARTS_H
#define ADB_TESTS_FAKE_PARTS_H

#include "drivers/driver.h"
#include "queue/notify.h"
#include "tests/lib/fake_driver.h"

#define FAKE_MAX_ROWS       4096
#define FAKE_MAX_SAVEPOINTS 64
#define FAKE_MAX_CHANNELS   16

struct fake_message; /* fake_listen.c */

struct fake_savepoint {
    char name[32];
    size_t n_pending;
};

struct fake_conn {
    const struct adb__open *open;
    atomic_uint number;
    pthread_t owner;
    atomic_int busy;        /* calls under way: more than one is a breach */
    atomic_bool running;    /* a statement: only then a cancel has an effect */
    atomic_bool cancelled;
    atomic_bool lost;
    atomic_bool severed;    /* by a cancel: whatever waits on the network returns */

    /* The transaction: what it has written, and where its savepoints stand. The owner's. */
    bool in_transaction;
    struct fake_savepoint savepoints[FAKE_MAX_SAVEPOINTS];
    size_t n_savepoints;
    int64_t pending[FAKE_MAX_ROWS];
    size_t n_pending;
    unsigned xid;           /* 0: none yet */
    struct fake_message *outbox; /* notifications that go with the commit, last one first */

    /* Listening; fake_listen.c */
    bool listens;               /* or did; the owner's */
    char channels[FAKE_MAX_CHANNELS][64];
    unsigned n_channels;
    struct fake_message *inbox, **inbox_end; /* on their way */
    struct fake_message *received;           /* with the client, who has read an answer behind them */
    struct adb__notify arrived;
    struct fake_conn *next_listening;
};

/* Run one statement's text. */
adb_status fake_command(struct fake_conn *conn, const struct adb__statement *statement, struct adb__sink *sink,
                        adb_error *error);
void fake_table_reset(void);
/* The transaction, if it has an id, has come to its end. */
void fake_xid_end(struct fake_conn *conn, bool commits);
/* ADB_E_CONNECTION with what goes with it. */
adb_status fake_lose(struct fake_conn *conn, unsigned more_flags, adb_error *error);
/* LISTEN and UNLISTEN; the wait for notifications; NOTIFY. */
adb_status fake_listen(struct fake_conn *conn, const char *sql, bool listens, adb_error *error);
adb_status fake_hear(struct fake_conn *conn, struct adb__sink *sink, adb_error *error);
adb_status fake_send(struct fake_conn *conn, const struct adb__statement *statement, adb_error *error);
/* The transaction has ended: send what it notified, or drop it. */
void fake_outbox_end(struct fake_conn *conn, bool commits);
/* Whoever waits for notifications looks at its connection. */
void fake_listen_wake(void);
/* The connection is closed. */
void fake_listen_end(struct fake_conn *conn);
/* Wait for the latch as for a network that is silent: only breaking the connection ends that. True: it is open. */
bool fake_wait_deaf(struct fake_conn *conn, const char *latch);
/* Is the running call to end? */
bool fake_should_stop(void *conn);

#endif
