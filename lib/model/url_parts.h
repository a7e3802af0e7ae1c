/* SPDX-License-Identifier: BSD-3-Clause */
/* How a URL is kept: its exact text, where each part stands in it, and the parts decoded. Only for the url*.c files. */
#ifndef ADB_MODEL_URL_PARTS_H
#define ADB_MODEL_URL_PARTS_H

#include "base/arena.h"
#include "model/url.h"

/* Bytes of the text, from start to before end. A span includes the delimiter in front of its part (the '+' of the
 * driver, ':' of password and port, '/' of the path, '?' of the query), so that a part is absent exactly when its span
 * is empty, and an empty span stands where the part would be inserted. */
struct adb__url_span {
    size_t start;
    size_t end;
};

struct adb__url_layout {
    struct adb__url_span dialect;
    struct adb__url_span driver;
    struct adb__url_span netloc; /* user to port */
    struct adb__url_span user;   /* present when netloc has an '@', even if empty */
    struct adb__url_span password;
    struct adb__url_span hosts; /* host and port, or all hosts with their ports */
    struct adb__url_span host;  /* with its brackets; all hosts when there are several */
    struct adb__url_span port;
    struct adb__url_span path;
    struct adb__url_span query;
};

struct adb__url_option {
    size_t start;  /* of the key */
    size_t equals; /* the '=', or end when there is none */
    size_t end;
    const char *key;
    const char *value;
};

struct adb_url {
    struct adb__arena arena; /* holds all that the pointers below point at, but for scheme */
    char *text;
    size_t size;
    struct adb__url_layout at;
    bool several_hosts;
    int port;
    const char *scheme; /* of adb__url_scheme() */
    const char *dialect;
    const char *driver;
    const char *user;
    const char *password;
    const char *userinfo;
    const char *netloc;
    const char *netloc_host; /* NULL when netloc has none, whatever the options say */
    const char *host;
    const char *database;
    const char *redacted;
    struct adb__url_option *options;
    size_t n_options;
};

/* ADB_E_URL: "<reason>, at offset <offset> of the URL". A reason quotes nothing of the text. */
adb_status adb__url_refuse(adb_error *error, size_t offset, const char *reason);
adb_status adb__url_refuse_memory(adb_error *error);
/* Where byte first stands in the span; its end when it is not there. */
size_t adb__url_span_find(const char *text, struct adb__url_span span, char byte);
/* A part of the text, decoded, in the URL's arena; NULL when there is no memory. plus is what a '+' stands for: itself,
 * or a space in the query. Every escape has been checked before. */
char *adb__url_decode(adb_url *url, size_t start, size_t end, char plus);

/* Two steps of parsing. With sqlite_path=absolute the path is the file's, leading slash included; ":memory:" and names
 * that begin with "file:" stay. */
adb_status adb__url_read_options(adb_url *url, adb_error *error);
adb_status adb__url_apply_sqlite_path(adb_url *url, adb_error *error);

/* What adb__url_scheme() answers for these names; they are in lower case. */
const char *adb__url_scheme_of(const char *dialect, const char *driver);
/* The last option of that key, n_options when there is none. */
size_t adb__url_option_find(const adb_url *url, const char *key);
/* ADB_E_OPTION: the value of this option is not what is expected, such as "a whole number". */
adb_status adb__url_option_refuse(const adb_url *url, size_t index, const char *expected, adb_error *error);
/* Digits, one at least, as a number of at most limit. */
bool adb__url_digits(const char *digits, size_t size, uint64_t limit, uint64_t *number_out);
/* Equal but for ASCII upper and lower case, whatever the locale. */
bool adb__url_same_word(const char *a, const char *b);

static inline bool adb__url_span_empty(struct adb__url_span span)
{
    return span.start == span.end;
}

/* True when netloc has an '@'. */
static inline bool adb__url_has_user(const adb_url *url)
{
    return url->at.hosts.start != url->at.netloc.start;
}

static inline char adb__url_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

#endif
