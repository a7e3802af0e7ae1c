/* SPDX-License-Identifier: BSD-3-Clause */
/* Database URLs: read, rewrite, redact. */
#ifndef ASYNCDB_URL_H
#define ASYNCDB_URL_H

#include <asyncdb/error.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A database URL that has been read without error.
 *
 *     dialect[+driver]://user:password@host:port/database?key=value&key=value
 *
 * `sqlite:///name.db` is a relative path, `sqlite:////var/name.db` an absolute
 * one (with `?sqlite_path=absolute`, three slashes are absolute too). IPv6
 * addresses stand in brackets. Several hosts are written `a:5432,b:5433`.
 * Bytes that would divide the URL are written as `%` and two hexadecimal digits.
 *
 * Text handed out by a URL is valid until the URL is changed or freed. Any
 * number of threads may read a URL as long as none changes it. Of NULL in place of
 * a URL every part is missing: NULL, no options, port -1.
 */
typedef struct adb_url adb_url;

/**
 * @name URLs as a whole
 * @{
 */

/**
 * Read a URL and check all of it.
 *
 * No mistake waits for a later call: bad ports, malformed escapes and a SQLite
 * URL with a host fail here. The message of ADB_E_URL quotes nothing of the text,
 * which may hold a password, but names the offset in bytes, counted from 0.
 *
 * @param text     The URL, NUL-terminated.
 * @param url_out  Set to the URL; untouched on failure.
 * @param error    Filled on failure; may be NULL.
 *
 * @return ADB_OK, ADB_E_URL, ADB_E_OPTION for a bad `sqlite_path`, ADB_E_INVAL when
 *         an argument is NULL, ADB_E_NOMEM.
 *
 * Ownership: copies @p text; free the URL with adb_url_free().
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_status adb_url_parse(const char *text, adb_url **url_out, adb_error *error);

/**
 * Copy a URL, to change the copy and keep the original.
 *
 * @param url  The URL to copy; NULL gives NULL.
 * @return The copy; NULL when there is no memory.
 *
 * Ownership: free the copy with adb_url_free().
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API adb_url *adb_url_dup(const adb_url *url);

/**
 * Free a URL and all text that it handed out.
 *
 * @param url  May be NULL.
 *
 * Ownership: takes @p url.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API void adb_url_free(adb_url *url);

/** @} */

/**
 * @name Reading a URL
 * @{
 */

/**
 * Read the dialect: the scheme up to its first `+`.
 *
 * It is given as written (in lower case), not as what an alias stands for.
 *
 * @param url  The URL, or NULL.
 * @return The dialect, never empty.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_dialect(const adb_url *url);

/**
 * Read the driver: what follows the first `+` of the scheme.
 *
 * @param url  The URL, or NULL.
 * @return The driver in lower case, "" when there is none.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_driver(const adb_url *url);

/**
 * Read the user, decoded.
 *
 * A `+` stays a plus.
 *
 * @param url  The URL, or NULL.
 * @return The user; NULL when absent, "" when present and empty.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_user(const adb_url *url);

/**
 * Read the password, decoded.
 *
 * Keep it out of logs; adb_url_redacted() is for those.
 *
 * @param url  The URL, or NULL.
 * @return The password; NULL when absent, "" when present and empty.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_password(const adb_url *url);

/**
 * Read user and password as written, still encoded.
 *
 * @param url  The URL, or NULL.
 * @return `user[:password]`; NULL when the user is absent or empty, even with a password.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_userinfo(const adb_url *url);

/**
 * Read the host: a name, an address without brackets, or the directory of a socket.
 *
 * Without a host before the path, the options `host` and then `unix_sock` stand
 * in for it. Names are given decoded and in lower case; what begins with `/` and
 * what comes from an option keeps its case. Several hosts are given with their
 * ports as one text, in lower case and not decoded.
 *
 * @param url  The URL, or NULL.
 * @return The host; NULL when there is none.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_host(const adb_url *url);

/**
 * Read the port.
 *
 * @param url  The URL, or NULL.
 * @return 0 to 65535; -1 when none is given, and when there are several hosts.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API int adb_url_port(const adb_url *url);

/**
 * Read everything between `://` and the path as written, password included.
 *
 * @param url  The URL, or NULL.
 * @return The text, "" when it is empty.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_netloc(const adb_url *url);

/**
 * Read the database: the path less one leading slash, decoded.
 *
 * @param url  The URL, or NULL.
 * @return The name or file, "" when there is none.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_database(const adb_url *url);

/**
 * Read one option of the query.
 *
 * When a key is given more than once, the last one counts. A `+` is a space,
 * in keys too. A key without `=` has the value "".
 *
 * @param url  The URL, or NULL.
 * @param key  The key, decoded; upper and lower case differ.
 * @return The value, decoded; NULL when there is no such option.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_option(const adb_url *url, const char *key);

/**
 * Count the options of the query, repeated keys included.
 *
 * @param url  The URL, or NULL.
 * @return How many there are.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API size_t adb_url_options(const adb_url *url);

/**
 * Read the key of an option by its place in the query.
 *
 * @param url    The URL, or NULL.
 * @param index  From 0 to below adb_url_options().
 * @return The key, decoded; NULL when @p index is out of range.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_option_key(const adb_url *url, size_t index);

/**
 * Read the value of an option by its place in the query.
 *
 * @param url    The URL, or NULL.
 * @param index  From 0 to below adb_url_options().
 * @return The value, decoded; NULL when @p index is out of range.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_option_value(const adb_url *url, size_t index);

/** @} */

/**
 * @name Changing a URL
 * @{
 */

/**
 * Change the dialect and keep the driver.
 *
 * @param url      The URL to change.
 * @param dialect  Letters, digits, `-` and `.`, beginning with a letter.
 *
 * @return ADB_OK; ADB_E_INVAL when an argument is NULL or the URL could not be read
 *         with this dialect; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: copies @p dialect; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_dialect(adb_url *url, const char *dialect);

/**
 * Change the driver.
 *
 * @param url     The URL to change.
 * @param driver  Letters, digits, `-`, `.` and `+`; NULL or "" removes the driver with its `+`.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL or the URL could not be read with
 *         this driver; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: copies @p driver; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_driver(adb_url *url, const char *driver);

/**
 * Change the user.
 *
 * The password stays as it is written, except that removing the user removes
 * the password too: there is no URL with a password and no user.
 *
 * @param url   The URL to change.
 * @param user  The user, not encoded; NULL removes user and password.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL; ADB_E_NOMEM. The URL is as it
 *         was on failure.
 *
 * Ownership: copies @p user; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_user(adb_url *url, const char *user);

/**
 * Change the password.
 *
 * Where there was no user, the user is then present and empty.
 *
 * @param url       The URL to change.
 * @param password  The password, not encoded; NULL removes it.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL; ADB_E_NOMEM. The URL is as it
 *         was on failure.
 *
 * Ownership: copies @p password; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_password(adb_url *url, const char *password);

/**
 * Change the host before the path.
 *
 * Credentials and port stay; only a list of hosts, which has its own ports,
 * replaces the port and is replaced with its ports. A host option in the query
 * stays too, and shows again when the host is removed.
 *
 * @param url   The URL to change.
 * @param host  A name, an IPv4 or IPv6 address without brackets, or a socket's
 *              directory, not encoded; or a list as it is written in a URL; NULL
 *              or "" removes the host.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL or this cannot be a host of this
 *         URL; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: copies @p host; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_host(adb_url *url, const char *host);

/**
 * Change the port.
 *
 * @param url   The URL to change; it may be one without a host.
 * @param port  0 to 65535; -1 removes the port.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL, @p port is out of range, or the
 *         URL could not be read with a port (SQLite has none); ADB_E_STATE when the
 *         URL has several hosts; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_port(adb_url *url, int port);

/**
 * Change the database.
 *
 * @param url       The URL to change.
 * @param database  The name or file, not encoded; NULL or "" removes the path.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url is NULL, or for a relative file together
 *         with `sqlite_path=absolute`; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: copies @p database; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_database(adb_url *url, const char *database);

/**
 * Change, add or remove one option of the query.
 *
 * Afterwards the option is there once, or not at all: earlier ones of the same
 * key are removed. Other options stay as they are written.
 *
 * @param url    The URL to change.
 * @param key    The key, not encoded, not empty.
 * @param value  The value, not encoded; NULL removes the option.
 *
 * @return ADB_OK; ADB_E_INVAL when @p url or @p key is NULL or @p key is empty, or
 *         for a bad `sqlite_path`; ADB_E_NOMEM. The URL is as it was on failure.
 *
 * Ownership: copies @p key and @p value; text that @p url handed out before is gone.
 * Blocking:  never.
 * Threads:   any, when no other uses @p url.
 * Since:     0.1
 */
ADB_API adb_status adb_url_set_option(adb_url *url, const char *key, const char *value);

/** @} */

/**
 * @name Showing and comparing URLs
 * @{
 */

/**
 * Read the whole URL, password included.
 *
 * It is byte for byte the text that was parsed, but for the parts that were set.
 *
 * @param url  The URL, or NULL.
 * @return The text.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_text(const adb_url *url);

/**
 * Read the whole URL as it may be shown and logged.
 *
 * The password, and the value of an option whose key says that it is a password,
 * is replaced by eight asterisks, whatever its length. Nothing else is changed.
 *
 * @param url  The URL, or NULL.
 * @return The text.
 *
 * Ownership: borrowed from @p url.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API const char *adb_url_redacted(const adb_url *url);

/**
 * Compare two URLs as they are written.
 *
 * Different spellings of one database are not equal: neither an alias nor an
 * escape is resolved.
 *
 * @param a  A URL or NULL.
 * @param b  A URL or NULL.
 * @return True when both have the same text, and when both are NULL.
 *
 * Ownership: nothing changes hands.
 * Blocking:  never.
 * Threads:   any.
 * Since:     0.1
 */
ADB_API bool adb_url_equal(const adb_url *a, const adb_url *b);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
