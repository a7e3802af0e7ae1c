/* SPDX-License-Identifier: BSD-3-Clause */
/* The file behind a connection: its name for SQLite, opening it, and telling in plain words why it could not be. */
#include "drivers/sqlite/sqlite.h"

#include "model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Name ------------------------------------------------------------------------------------------------------------- */

/* Everything but letters, digits and a few marks: so that no byte of a path has a meaning in the URI. */
static void append_encoded(struct adb__buf *name, const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char byte = (unsigned char)*text;
        if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
            strchr("-._~", byte) != NULL)
            adb__buf_putc(name, *text);
        else
            adb__buf_printf(name, "%%%02X", byte);
    }
}

/* In shared memory: under the name in the URL everybody in the process shares it; without one it is the handle's. */
static void append_shared_memory(const struct adb__sqlite *conn, struct adb__buf *name)
{
    const char *given = adb_url_database(conn->open->url);
    if (conn->settings.uri)
        given += strlen("file:");
    const size_t size = conn->settings.uri ? strcspn(given, "?") : strlen(given);
    adb__buf_puts(name, "file:");
    if (size == 0 || (size == strlen(":memory:") && strncmp(given, ":memory:", size) == 0))
        append_encoded(name, conn->open->anchor);
    else if (conn->settings.uri)
        adb__buf_append(name, given, size);
    else
        append_encoded(name, given);
    adb__buf_puts(name, "?mode=memory&cache=shared");
}

static void append_name(const struct adb__sqlite *conn, struct adb__buf *name)
{
    const char *given = adb_url_database(conn->open->url);
    if (conn->settings.memory && conn->settings.shared) {
        append_shared_memory(conn, name);
        return;
    }
    if (conn->settings.memory) {
        adb__buf_puts(name, ":memory:");
        return;
    }
    if (conn->settings.uri) {
        adb__buf_puts(name, given);
    } else {
        adb__buf_puts(name, "file:");
        append_encoded(name, given);
    }
    if (conn->settings.immutable)
        adb__buf_puts(name, conn->settings.uri && strchr(given, '?') != NULL ? "&immutable=1" : "?immutable=1");
}

/* Failure ---------------------------------------------------------------------------------------------------------- */

static bool may(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* The folder that a path is in; "." for a plain name. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, PATH_MAX, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* SQLite says "unable to open database file" to all of these. NULL when none of them is it. */
static const char *why_not(sqlite3 *db, const char *path)
{
    const int reason = sqlite3_system_errno(db);
    if (reason == EMFILE || reason == ENFILE)
        return NULL; /* whatever there is */
    char folder[PATH_MAX];
    struct stat info;
    folder_of(path, folder);
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return "it is a directory";
        if (!may(path, R_OK))
            return "permission denied";
        return may(folder, W_OK) ? NULL : "its folder cannot be written to, and SQLite keeps its journal there";
    }
    if (stat(folder, &info) != 0)
        return "its folder does not exist, or cannot be reached";
    if (!S_ISDIR(info.st_mode))
        return "what should be its folder is a file";
    return may(folder, W_OK) ? "it does not exist" : "it does not exist, and its folder cannot be written to";
}

/* The reason comes first: a long path may be cut off. What could not be written while opening could not be opened. */
adb_status adb__sqlite_file_error(struct adb__sqlite *conn, int code, adb_error *error)
{
    const char *name = adb_url_database(conn->open->url);
    const char *reason = NULL;
    adb_error detail;
    adb__sqlite_error(conn, code, &detail);
    if (detail.status == ADB_E_READ_ONLY)
        detail.status = ADB_E_CONNECTION;
    if (!conn->settings.memory && !conn->settings.uri && detail.status == ADB_E_CONNECTION)
        reason = why_not(conn->db, name);
    if (reason == NULL)
        reason = detail.message;

    char text[2 * ADB_ERROR_MESSAGE_SIZE];
    snprintf(text, sizeof(text), "cannot open the database, %s: \"%s\"", reason,
             conn->settings.memory ? ":memory:" : name);
    return adb__error_native(error, detail.status, detail.flags, detail.native_code, detail.sqlstate, text);
}

/* Opening ---------------------------------------------------------------------------------------------------------- */

/* Readers are kept from writing by query_only, not by SQLITE_OPEN_READONLY: the last connection to close tidies up the
 * WAL, and that may be a reader. Memory is told by the name, not by SQLITE_OPEN_MEMORY, which attached files would
 * inherit. */
static int open_flags(const struct adb__sqlite *conn)
{
    const struct adb__sqlite_settings *settings = &conn->settings;
    const char *mode = settings->values[ADB__SQLITE_MODE];
    const int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | (settings->shared ? SQLITE_OPEN_SHAREDCACHE : SQLITE_OPEN_PRIVATECACHE);
    if (conn->read_only && !settings->memory)
        return flags | SQLITE_OPEN_READONLY;
    if (conn->open->role == ADB__ROLE_READER || (mode != NULL && sqlite3_stricmp(mode, "rw") == 0))
        return flags | SQLITE_OPEN_READWRITE;
    return flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

adb_status adb__sqlite_file_open(struct adb__sqlite *conn, adb_error *error)
{
    struct adb__buf name = ADB__BUF_INIT;
    append_name(conn, &name);
    if (name.failed) {
        adb__buf_fini(&name);
        return adb__error_set(error, ADB_E_NOMEM, "no memory to open the database");
    }

    sqlite3 *db = NULL;
    const int code = sqlite3_open_v2(name.bytes, &db, open_flags(conn), NULL);
    adb__buf_fini(&name);
    adb__sqlite_publish(conn, db); /* to be closed even when it did not open */
    if (db == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory to open the database");
    if (code != SQLITE_OK)
        return adb__sqlite_file_error(conn, sqlite3_extended_errcode(db), error);
    sqlite3_extended_result_codes(db, 1);
    return ADB_OK;
}

/* Only SQLite can tell: it knows the file that it has open. A VFS that cannot answers with an error. */
bool adb__sqlite_file_moved(struct adb__sqlite *conn)
{
    int moved = 0;
    const int code = sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code == SQLITE_OK && moved != 0;
}
