/* SPDX-License-Identifier: BSD-3-Clause */
/* Claims about what goes in wrong, in one line each: a URL that does not connect, a statement that fails, and that the
 * connection is as good as before. */
#ifndef ADB_TESTS_CLAIM_H
#define ADB_TESTS_CLAIM_H

#include <asyncdb.h>

/* The one database that is open, with one connection at most, and its context. */
extern adb_database *claim_db;
extern adb_context *claim_ctx;

/* Open that database, in place of the last one; options may be NULL. */
void claim_open(const char *url, const adb_options *options);
void claim_close(void);

/* A URL with some parts changed: NULL leaves a part as it is, as does port 0. Valid for the next eight calls. */
const char *claim_url(const char *url, const char *user, const char *password, const char *database);
const char *claim_url_at(const char *url, const char *host, int port);
const char *claim_url_option(const char *url, const char *key, const char *value);

/* The port of a socket whose calls are taken by the kernel and answered by nobody; the caller closes it. */
int claim_silent_port(int *fd_out);

/* Open refuses the URL so, in a message with those words. */
bool open_fails(const char *url, adb_status status, const char *words);
/* To connect fails so: by adb_database_connect(), and as the outcome of a job. The password of the URL is in no message
 * and in no line of the log. */
bool connect_fails(const char *url, adb_status status, const char *words);
/* The statement fails so, as the outcome of a job. */
bool run_fails(const char *sql, const adb_params *params, adb_status status, const char *words);
/* It is refused so at submission. */
bool run_refused(const char *sql, const adb_params *params, adb_status status, const char *words);
/* It ends well. */
bool runs(const char *sql, const adb_params *params);
/* The first value of the first row is this integer. */
bool gives(const char *sql, const adb_params *params, int64_t value);
/* The last outcome's SQLSTATE and native code, and its flags. */
const adb_error *last_error(void);
/* A statement runs, and the connection is the one that was there before. */
bool still_connected(void);

#endif
