/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing a URL: each setter replaces one span of the text, parses the whole again, and keeps it only when it then
 * reads back as asked. So no value can break out of its part, and a failure leaves the URL as it was. */
#include "model/url_parts.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* Unreserved bytes of RFC 3986 stay as they are, and those of keep. */
static void append_encoded(struct adb__buf *buf, const char *text, const char *keep)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(unreserved, *at) != NULL || strchr(keep, *at) != NULL)
            adb__buf_putc(buf, *at);
        else
            adb__buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*at);
    }
}

/* What the setter asked for, to be compared with what the new text says. */
typedef const char *(*read_fn)(const adb_url *url);

static const char *read_netloc_host(const adb_url *url)
{
    return url->netloc_host;
}

static bool reads_as(const adb_url *url, read_fn read, const char *wanted)
{
    const char *found = read(url);
    if (found == NULL || wanted == NULL)
        return found == wanted;
    return adb__url_same_word(found, wanted); /* case aside: names are read in lower case */
}

/* Parse the text into *fresh_out; frees the text. What cannot be parsed was a bad argument. */
static adb_status parse_taken(struct adb__buf *text, adb_url **fresh_out)
{
    adb_status status = ADB_E_NOMEM;
    if (!text->failed)
        status = adb_url_parse(text->bytes, fresh_out, NULL);
    adb__buf_fini(text);
    return status == ADB_OK || status == ADB_E_NOMEM ? status : ADB_E_INVAL;
}

/* An arena that was lent no memory may be moved, and with it the URL. */
static void url_become(adb_url *url, adb_url *fresh)
{
    const adb_url old = *url;
    *url = *fresh;
    *fresh = old;
    adb_url_free(fresh);
}

/* Replace the span by insert, which is used up. */
static adb_status url_splice(adb_url *url, struct adb__url_span span, struct adb__buf *insert, read_fn read,
                             const char *wanted)
{
    struct adb__buf text = ADB__BUF_INIT;
    adb__buf_append(&text, url->text, span.start);
    adb__buf_append(&text, insert->bytes, insert->size);
    adb__buf_puts(&text, url->text + span.end);
    text.failed = text.failed || insert->failed;
    adb__buf_fini(insert);

    adb_url *fresh = NULL;
    const adb_status status = parse_taken(&text, &fresh);
    if (status != ADB_OK)
        return status;
    if (!reads_as(fresh, read, wanted)) {
        adb_url_free(fresh);
        return ADB_E_INVAL;
    }
    url_become(url, fresh);
    return ADB_OK;
}

adb_status adb_url_set_dialect(adb_url *url, const char *dialect)
{
    if (url == NULL || dialect == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    adb__buf_puts(&insert, dialect);
    return url_splice(url, url->at.dialect, &insert, adb_url_dialect, dialect);
}

adb_status adb_url_set_driver(adb_url *url, const char *driver)
{
    if (url == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    if (driver == NULL)
        driver = "";
    if (driver[0] != '\0')
        adb__buf_printf(&insert, "+%s", driver);
    return url_splice(url, url->at.driver, &insert, adb_url_driver, driver);
}

adb_status adb_url_set_user(adb_url *url, const char *user)
{
    if (url == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    if (user == NULL) {
        const struct adb__url_span userinfo = {url->at.netloc.start, url->at.hosts.start};
        return url_splice(url, userinfo, &insert, adb_url_user, NULL);
    }
    append_encoded(&insert, user, "");
    if (!adb__url_has_user(url))
        adb__buf_putc(&insert, '@');
    return url_splice(url, url->at.user, &insert, adb_url_user, user);
}

adb_status adb_url_set_password(adb_url *url, const char *password)
{
    if (url == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    if (password != NULL) {
        adb__buf_putc(&insert, ':');
        append_encoded(&insert, password, "");
        if (!adb__url_has_user(url))
            adb__buf_putc(&insert, '@');
    }
    return url_splice(url, url->at.password, &insert, adb_url_password, password);
}

adb_status adb_url_set_host(adb_url *url, const char *host)
{
    if (url == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    if (host == NULL || host[0] == '\0')
        return url_splice(url, url->at.host, &insert, read_netloc_host, NULL);

    if (strchr(host, ',') != NULL) {
        adb__buf_puts(&insert, host);
        return url_splice(url, url->at.hosts, &insert, read_netloc_host, host);
    }
    const bool is_address = host[0] != '/' && strchr(host, ':') != NULL;
    if (is_address)
        adb__buf_putc(&insert, '[');
    append_encoded(&insert, host, is_address ? ":" : "");
    if (is_address)
        adb__buf_putc(&insert, ']');
    return url_splice(url, url->at.host, &insert, read_netloc_host, host);
}

adb_status adb_url_set_port(adb_url *url, int port)
{
    if (url == NULL || port < -1 || port > 65535)
        return ADB_E_INVAL;
    if (url->several_hosts)
        return ADB_E_STATE;
    struct adb__buf insert = ADB__BUF_INIT;
    if (port >= 0)
        adb__buf_printf(&insert, ":%d", port);
    return url_splice(url, url->at.port, &insert, read_netloc_host, url->netloc_host);
}

adb_status adb_url_set_database(adb_url *url, const char *database)
{
    if (url == NULL)
        return ADB_E_INVAL;
    struct adb__buf insert = ADB__BUF_INIT;
    if (database == NULL)
        database = "";
    if (database[0] != '\0') {
        adb__buf_putc(&insert, '/');
        append_encoded(&insert, database, "/:");
    }
    return url_splice(url, url->at.path, &insert, adb_url_database, database);
}

/* Options ---------------------------------------------------------------------------------------------------------- */

static void drop_last(struct adb__buf *text, char byte)
{
    if (text->size > 0 && text->bytes[text->size - 1] == byte)
        text->bytes[--text->size] = '\0';
}

/* Leave out an option that would come next, and one '&' beside it. Returns where in the URL's text to go on. */
static size_t skip_option(struct adb__buf *text, const adb_url *url, const struct adb__url_option *option)
{
    if (url->text[option->end] == '&')
        return option->end + 1;
    drop_last(text, '&');
    return option->end;
}

static void append_option(struct adb__buf *text, const char *key, const char *value)
{
    append_encoded(text, key, "");
    adb__buf_putc(text, '=');
    append_encoded(text, value, "/:,");
}

/* The text with the last option of that key set to value, and without the others; NULL removes all. */
static void edit_options(struct adb__buf *text, const adb_url *url, const char *key, const char *value)
{
    const size_t last = adb__url_option_find(url, key);
    size_t from = 0;
    for (size_t i = 0; i < url->n_options && i <= last; i++) {
        const struct adb__url_option *option = &url->options[i];
        if (strcmp(option->key, key) != 0)
            continue;
        adb__buf_append(text, url->text + from, option->start - from);
        if (value == NULL || i < last) {
            from = skip_option(text, url, option);
        } else {
            append_option(text, key, value);
            from = option->end;
        }
    }
    adb__buf_puts(text, url->text + from);
    if (last < url->n_options && text->size == url->at.query.start + 1)
        drop_last(text, '?');
}

static void add_option(struct adb__buf *text, const adb_url *url, const char *key, const char *value)
{
    const char last = url->text[url->size - 1];
    adb__buf_puts(text, url->text);
    if (adb__url_span_empty(url->at.query))
        adb__buf_putc(text, '?');
    else if (last != '&' && url->at.query.end - url->at.query.start > 1)
        adb__buf_putc(text, '&');
    append_option(text, key, value);
}

adb_status adb_url_set_option(adb_url *url, const char *key, const char *value)
{
    if (url == NULL || key == NULL || key[0] == '\0')
        return ADB_E_INVAL;
    struct adb__buf text = ADB__BUF_INIT;
    if (value != NULL && adb_url_option(url, key) == NULL)
        add_option(&text, url, key, value);
    else
        edit_options(&text, url, key, value);
    adb_url *fresh = NULL;
    const adb_status status = parse_taken(&text, &fresh);
    if (status == ADB_OK)
        url_become(url, fresh);
    return status;
}
