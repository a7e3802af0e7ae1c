/* SPDX-License-Identifier: BSD-3-Clause */
/* The promises of asyncdb as tests that run over its public face against any database.
 *
 * An instance is a program of a few lines: it says where its database is, which dialect it speaks and what it can do,
 * and calls suite_main(). A driver is done when its instance passes. The tests are in driver_suite_<area>.c; each opens
 * a database with suite_open(), works through db and ctx, and ends with suite_close(), which gives back all that the
 * helpers below have handed out. */
#ifndef ADB_TESTS_DRIVER_SUITE_H
#define ADB_TESTS_DRIVER_SUITE_H

#include "tests/lib/harness.h"

#include <asyncdb.h>

/* What a database can do, as far as promises depend on it. */
enum {
    SUITE_SQL = 1u << 0,        /* speaks SQL: tables, parameters, rows */
    SUITE_PERSISTENT = 1u << 1, /* data outlives adb_database_close() */
    SUITE_READERS = 1u << 2,    /* one context reads while another writes, each on a connection of its own */
    SUITE_REPLICAS = 1u << 3,   /* the same URL can serve as its own replica */
    SUITE_RETURNING = 1u << 4,  /* INSERT … RETURNING */
    SUITE_DEFERRED = 1u << 5,   /* foreign keys that are checked at commit */
    SUITE_UNDOES_DDL = 1u << 6, /* a rollback undoes CREATE TABLE */
    SUITE_GOES_ON = 1u << 7,    /* a statement that fails leaves its transaction usable */
    SUITE_KEYS = 1u << 8,       /* an insert tells the key that it made */
    SUITE_SESSION = 1u << 9,    /* what a lane holds is one session: temporary tables stay (not behind a pooler) */
    SUITE_TLS = 1u << 10,       /* this URL leads there over TLS, which the server wants of its user */
    SUITE_REMOTE = 1u << 11,    /* a server: it has an id for each connection, and can end it */
    SUITE_LISTEN = 1u << 12,    /* notifications */
    SUITE_LEVELS = 1u << 13,    /* isolation below serializable */
    SUITE_FUNCTIONS = 1u << 14, /* SQL functions written in C */
    SUITE_NULS = 1u << 15,      /* text may hold a NUL */
    SUITE_WORDS = 1u << 16,     /* words for TLS in its URLs */

    SUITE_SQLITE = SUITE_SQL | SUITE_RETURNING | SUITE_DEFERRED | SUITE_UNDOES_DDL | SUITE_GOES_ON | SUITE_KEYS |
                   SUITE_SESSION | SUITE_FUNCTIONS | SUITE_NULS,
    SUITE_SERVER = SUITE_SQL | SUITE_PERSISTENT | SUITE_READERS | SUITE_REPLICAS | SUITE_REMOTE |
                   SUITE_LEVELS | SUITE_WORDS,
    SUITE_POSTGRESQL = SUITE_SERVER | SUITE_RETURNING | SUITE_DEFERRED | SUITE_UNDOES_DDL,
    SUITE_MYSQL = SUITE_SERVER | SUITE_GOES_ON | SUITE_KEYS | SUITE_NULS,
    SUITE_MARIADB = SUITE_MYSQL | SUITE_RETURNING
};

/* A word of a database's own, for $name in the columns of table(). $database is the name of the program's database. */
struct suite_word {
    const char *name;
    const char *text;
};

/* What a database says in its own way. What only SQL has may be missing without SUITE_SQL. */
struct suite_dialect {
    const char *driver;             /* as adb_database_driver() gives it */
    const struct suite_word *words; /* types of columns; "foreign" and "deferred" refer to notes(id); NULL: the end */
    const char *one;                /* a statement that yields one row with the integer 1 */
    const char *write;              /* adds a row to what board() has made */
    const char *written;            /* yields a row for each of them */
    const char *slow;               /* a statement that runs until it is interrupted */
    const char *wrong;              /* a statement that the database refuses */
    const char *series;             /* yields the integers from 1 to :n, in order */
    const char *stumbling;          /* yields the integers from 1 to 49, and then fails */
    const char *command;            /* a statement of one word */
    const char *quoted;             /* the name :x in quotes */
    const char *unique_sqlstate;    /* of a key that is there already */
    int unique_code;                /* the client library's own number for it; 0: it has none */
    const char *temporary;          /* how CREATE … TABLE says that a table goes with its connection */
    adb_isolation snapshot;         /* a read-only transaction that sees one state, and is in nobody's way */
    const char *encrypted;          /* yields one row when the connection is encrypted, and none when it is not */
    const char *set;                /* changes a setting of the session */
    const char *is_set;             /* yields 1 where it is so, and 0 where it is not */
    const char *id;                 /* yields the server's number of the connection */
    const char *end[2];             /* ends the connection of a number, which stands in between */
    const char *alive;              /* with a number behind it, yields 1 as long as that connection is there, then 0 */
    adb_status (*native_execute)(void *native, const char *sql); /* by the client library itself */
    const char *wipe;               /* empties the program's own database on a server, $database; NULL: no server */
};

extern const struct suite_dialect suite_sqlite, suite_postgresql, suite_mysql;

/* One instance. */
struct suite_database {
    const char *name;
    const char *url;          /* "%s" stands for a folder that is made for each test and removed after it */
    const struct suite_dialect *dialect;
    unsigned can;
    unsigned max_size;        /* connections, unless a test says otherwise; 0: the default */
    bool at_least;            /* it may be able to do more: what is there is not known before */
    void (*prepare)(void);    /* before each test opens its database; may be NULL */
};

/* All tests that make sense there, or those named; with --gives only what the database is said to give, one a line. */
int suite_main(const struct suite_database *database, int argc, char **argv);
/* The same on the server of an environment variable; not set: 77, and it says so. */
int suite_server_main(const struct suite_database *database, const char *variable, int argc, char **argv);


void suite_print_gives(const struct suite_database *database);

/* A case, and what the database must be capable of for it to make sense. */
struct suite_case {
    struct harness_case test;
    unsigned needs;
};

struct suite_group {
    const struct suite_case *cases;
    size_t n_cases;
};

#define NEEDS(flags, name) {{#name, name}, flags}
#define ANY(name) NEEDS(0, name)
#define SQL(name) NEEDS(SUITE_SQL, name)
#define GROUP(name, ...)                                                                                               \
    static const struct suite_case name##_cases[] = {__VA_ARGS__};                                                     \
    const struct suite_group suite_##name = {name##_cases, sizeof(name##_cases) / sizeof(name##_cases[0])}

/* What a test works with. */
extern const struct suite_database *suite; /* the instance that runs */
extern adb_database *db;
extern adb_context *ctx;

void suite_open(const adb_options *options); /* db and ctx; a test that failed before left nothing behind */
void suite_reopen(const adb_options *options); /* close, and open the same database anew */
void suite_close(void);
const char *suite_url(void);
const char *suite_url_with(const char *query); /* the same with "key=value" added; valid to the next call */

adb_context *lane(void); /* another context; freed by suite_close() */
adb_context *lane_with(unsigned flags);

/* Wait for a job and look at its outcome, which is kept to the end of the test. */
adb_result *outcome_in(adb_context *lane, adb_job job);
adb_result *outcome(adb_job job);
adb_status ended_in(adb_context *lane, adb_job job);
adb_status ended(adb_job job);
bool ended_well(adb_job job); /* prints the error when not */
adb_result *keep(adb_result *result);

/* In one line each, through ctx or another context; a failure ends the test. */
void must_in(adb_context *lane, const char *sql);
void must(const char *sql);
adb_result *rows_in(adb_context *lane, const char *sql);
adb_result *rows(const char *sql);
int64_t number_in(adb_context *lane, const char *sql); /* of the first column of the first row */
int64_t number(const char *sql);
adb_value answer(const char *sql, const adb_params *params);

void suite_expand(char *text, size_t size, const char *form); /* with the dialect's words for $words */
void table(const char *name, const char *columns); /* anew; $words of the dialect in the columns */
void notes(const char *const *texts, size_t n_texts); /* suite_open(), and a table notes(id, text, completed) */
#define NOTES(...)                                                                                                     \
    notes((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
bool add_note(adb_context *lane, const char *text); /* one row more; false when it is refused */
int64_t count_notes(adb_context *lane);

void board(const adb_options *options); /* suite_open(), and where dialect->write writes to, whatever the database */
size_t written_in(adb_context *lane);    /* rows there */
size_t written(void);

adb_stats figures(void);
void until_running(size_t n_jobs); /* until so many jobs run */
void until_held(unsigned n_lanes); /* until so many lanes hold a connection */
void deliver(adb_context *lane);   /* dispatch until nothing of that context is pending */
bool is_text(adb_row row, size_t column, const char *text);

#endif
