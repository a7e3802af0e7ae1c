/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing a URL: check the bytes, find where the parts stand, decode them. Messages quote nothing of the text, since
 * any of it may turn out to be a password with a stray delimiter. */
#include "model/url_parts.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "model/error.h"

#include <string.h>

#define PORT_MAX 65535

adb_status adb__url_refuse(adb_error *error, size_t offset, const char *reason)
{
    return adb__error_set(error, ADB_E_URL, "%s, at offset %zu of the URL", reason, offset);
}

adb_status adb__url_refuse_memory(adb_error *error)
{
    return adb__error_set(error, ADB_E_NOMEM, "no memory for the URL");
}

static bool is_letter(char byte)
{
    return adb__url_lower(byte) >= 'a' && adb__url_lower(byte) <= 'z';
}

/* The value of a hexadecimal digit, -1 for another byte. */
static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    const char lower = adb__url_lower(byte);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t adb__url_span_find(const char *text, struct adb__url_span span, char byte)
{
    const size_t size = span.end - span.start;
    const char *at = memchr(text + span.start, byte, size);
    return at != NULL ? (size_t)(at - text) : span.end;
}

static bool span_has(const char *text, struct adb__url_span span, char byte)
{
    return adb__url_span_find(text, span, byte) != span.end;
}

/* Bytes ------------------------------------------------------------------------------------------------------------ */

static adb_status check_escape(const char *text, size_t offset, adb_error *error)
{
    const int high = hex_value(text[offset + 1]);
    const int low = high >= 0 ? hex_value(text[offset + 2]) : -1;
    if (low < 0)
        return adb__url_refuse(error, offset, "a '%' without two hexadecimal digits (a plain '%' is written %25)");
    if (high == 0 && low == 0)
        return adb__url_refuse(error, offset, "%00 stands for no byte of a name or password");
    return ADB_OK;
}

/* After this every escape can be decoded. A '#' begins a fragment by the RFC, belongs to the name for libpq, and is cut
 * off by others: whoever wrote it is told, before the wrong file is opened. */
static adb_status check_bytes(adb_url *url, adb_error *error)
{
    for (size_t i = 0; i < url->size; i++) {
        const unsigned char byte = (unsigned char)url->text[i];
        if (byte < 0x20 || byte == 0x7f)
            return adb__url_refuse(error, i, "a control byte (a line break is written %0A)");
        if (byte == '#')
            return adb__url_refuse(error, i, "a '#' (it is written %23)");
        if (byte == '%') {
            const adb_status status = check_escape(url->text, i, error);
            if (status != ADB_OK)
                return status;
        }
    }
    return ADB_OK;
}

/* Layout ----------------------------------------------------------------------------------------------------------- */

static adb_status find_scheme(adb_url *url, adb_error *error)
{
    static const char scheme_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    const size_t end = strspn(url->text, scheme_bytes);
    if (!is_letter(url->text[0]))
        return adb__url_refuse(error, 0, "a URL begins with the name of a database, such as sqlite://");
    if (strncmp(url->text + end, "://", 3) != 0)
        return adb__url_refuse(error, end, "expected \"://\" after the name of the database");

    const size_t plus = adb__url_span_find(url->text, (struct adb__url_span){0, end}, '+');
    if (plus + 1 == end)
        return adb__url_refuse(error, plus, "a '+' without the name of a driver");
    url->at.dialect = (struct adb__url_span){0, plus};
    url->at.driver = (struct adb__url_span){plus, end};
    url->at.netloc.start = end + 3;
    return ADB_OK;
}

static void find_sections(adb_url *url)
{
    struct adb__url_layout *at = &url->at;
    at->netloc.end = at->netloc.start + strcspn(url->text + at->netloc.start, "/?");
    at->path.start = at->netloc.end;
    at->path.end = adb__url_span_find(url->text, (struct adb__url_span){at->path.start, url->size}, '?');
    at->query = (struct adb__url_span){at->path.end, url->size};
}

/* The last '@' ends the password and the first ':' begins it, so that only '/', '?' and '#' must be encoded in it. */
static void find_user(adb_url *url)
{
    struct adb__url_layout *at = &url->at;
    size_t user_end = at->netloc.start;
    at->hosts = at->netloc;
    for (size_t i = at->netloc.start; i < at->netloc.end; i++) {
        if (url->text[i] == '@') {
            user_end = i;
            at->hosts.start = i + 1;
        }
    }
    const size_t colon = adb__url_span_find(url->text, (struct adb__url_span){at->netloc.start, user_end}, ':');
    at->user = (struct adb__url_span){at->netloc.start, colon};
    at->password = (struct adb__url_span){colon, user_end};
}

/* "user:12/34@host" would be read as host, port and path, and the rest of the password would be shown in logs. */
static adb_status check_password_ended(const adb_url *url, adb_error *error)
{
    const struct adb__url_layout *at = &url->at;
    const struct adb__url_span next = adb__url_span_empty(at->path) ? at->query : at->path;
    if (adb__url_has_user(url) || url->text[at->hosts.start] == '[' || !span_has(url->text, at->hosts, ':'))
        return ADB_OK;
    if (span_has(url->text, next, '@'))
        return adb__url_refuse(
            error, next.start,
            "an '@' comes after a '/' or '?' (in a password write %2F or %3F, in a name write %40 for '@')");
    return ADB_OK;
}

/* Between the brackets: hexadecimal digits, ':' and '.', then perhaps a zone after "%25". */
static adb_status check_address(const char *text, struct adb__url_span span, adb_error *error)
{
    const size_t zone = adb__url_span_find(text, span, '%');
    for (size_t i = span.start; i < zone; i++) {
        if (hex_value(text[i]) < 0 && text[i] != ':' && text[i] != '.')
            return adb__url_refuse(error, i, "not a byte of an IPv6 address");
    }
    if (zone == span.start)
        return adb__url_refuse(error, span.start, "no IPv6 address between the brackets");
    return ADB_OK;
}

static adb_status find_bracketed(adb_url *url, struct adb__url_span member, size_t *end_out, adb_error *error)
{
    const size_t close = adb__url_span_find(url->text, member, ']');
    if (close == member.end)
        return adb__url_refuse(error, member.start, "a '[' without its ']'");
    if (close + 1 != member.end && url->text[close + 1] != ':')
        return adb__url_refuse(error, close + 1, "expected ':' and a port after the ']'");
    *end_out = close + 1;
    return check_address(url->text, (struct adb__url_span){member.start + 1, close}, error);
}

static adb_status find_name(adb_url *url, struct adb__url_span member, size_t *end_out, adb_error *error)
{
    *end_out = adb__url_span_find(url->text, member, ':');
    for (size_t i = member.start; i < *end_out; i++) {
        if (url->text[i] == ' ' || url->text[i] == '[' || url->text[i] == ']')
            return adb__url_refuse(error, i, "not a byte of a host name");
    }
    return ADB_OK;
}

/* A ':' with nothing after it is no port. */
static adb_status read_port(adb_url *url, adb_error *error)
{
    const struct adb__url_span port = url->at.port;
    uint64_t number;
    if (port.end - port.start < 2)
        return ADB_OK;
    if (!adb__url_digits(url->text + port.start + 1, port.end - port.start - 1, PORT_MAX, &number))
        return adb__url_refuse(error, port.start + 1,
                               "the port is not a number from 0 to 65535 (an IPv6 address stands in brackets)");
    url->port = (int)number;
    return ADB_OK;
}

/* One host with its port. */
static adb_status find_host(adb_url *url, struct adb__url_span member, adb_error *error)
{
    size_t end = member.end;
    const bool bracketed = !adb__url_span_empty(member) && url->text[member.start] == '[';
    const adb_status status =
        bracketed ? find_bracketed(url, member, &end, error) : find_name(url, member, &end, error);
    if (status != ADB_OK)
        return status;
    url->at.host = (struct adb__url_span){member.start, end};
    url->at.port = (struct adb__url_span){end, member.end};
    return read_port(url, error);
}

static adb_status find_hosts(adb_url *url, adb_error *error)
{
    const struct adb__url_span hosts = url->at.hosts;
    const bool is_sqlite = url->scheme != NULL && strcmp(url->scheme, "sqlite") == 0;
    if (is_sqlite && !adb__url_span_empty(hosts))
        return adb__url_refuse(error, hosts.start, "SQLite has no host (a file is written sqlite:///name)");

    adb_status status = ADB_OK;
    for (size_t start = hosts.start, end; start <= hosts.end && status == ADB_OK; start = end + 1) {
        end = adb__url_span_find(url->text, (struct adb__url_span){start, hosts.end}, ',');
        url->several_hosts = url->several_hosts || end < hosts.end;
        status = find_host(url, (struct adb__url_span){start, end}, error);
    }
    if (url->several_hosts) {
        url->at.host = hosts;
        url->at.port = (struct adb__url_span){hosts.end, hosts.end};
        url->port = -1;
    }
    return status;
}

static adb_status find_parts(adb_url *url, adb_error *error)
{
    find_sections(url);
    find_user(url);
    const adb_status status = check_password_ended(url, error);
    return status == ADB_OK ? find_hosts(url, error) : status;
}

/* Decoding --------------------------------------------------------------------------------------------------------- */

static char *copy_span(adb_url *url, size_t start, size_t end)
{
    return adb__arena_bytes(&url->arena, url->text + start, end - start);
}

char *adb__url_decode(adb_url *url, size_t start, size_t end, char plus)
{
    char *decoded = copy_span(url, start, end);
    if (decoded == NULL)
        return NULL;
    char *to = decoded;
    for (const char *from = decoded; *from != '\0'; from++) {
        if (*from == '%') {
            *to++ = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            from += 2;
        } else {
            *to++ = *from == '+' ? plus : *from;
        }
    }
    *to = '\0';
    return decoded;
}

static char *lower_text(char *text)
{
    for (char *at = text; at != NULL && *at != '\0'; at++)
        *at = adb__url_lower(*at);
    return text;
}

static adb_status read_scheme(adb_url *url, adb_error *error)
{
    const struct adb__url_layout *at = &url->at;
    const size_t plus = adb__url_span_empty(at->driver) ? 0 : 1;
    url->dialect = lower_text(copy_span(url, at->dialect.start, at->dialect.end));
    url->driver = lower_text(copy_span(url, at->driver.start + plus, at->driver.end));
    if (url->dialect == NULL || url->driver == NULL)
        return adb__url_refuse_memory(error);
    url->scheme = adb__url_scheme_of(url->dialect, url->driver);
    return ADB_OK;
}

static adb_status read_user(adb_url *url, adb_error *error)
{
    const struct adb__url_layout *at = &url->at;
    if (!adb__url_has_user(url))
        return ADB_OK;
    url->user = adb__url_decode(url, at->user.start, at->user.end, '+');
    if (url->user == NULL)
        return adb__url_refuse_memory(error);
    if (!adb__url_span_empty(at->user)) {
        url->userinfo = copy_span(url, at->user.start, at->password.end);
        if (url->userinfo == NULL)
            return adb__url_refuse_memory(error);
    }
    if (!adb__url_span_empty(at->password)) {
        url->password = adb__url_decode(url, at->password.start + 1, at->password.end, '+');
        if (url->password == NULL)
            return adb__url_refuse_memory(error);
    }
    return ADB_OK;
}

/* The path of a socket is not lowered: case matters in it. Several hosts stay encoded, so that an encoded ',' or ':'
 * does not divide them; their driver decodes each. */
static adb_status read_host(adb_url *url, adb_error *error)
{
    const struct adb__url_span host = url->at.host;
    url->netloc = copy_span(url, url->at.netloc.start, url->at.netloc.end);
    if (url->netloc == NULL)
        return adb__url_refuse_memory(error);
    if (adb__url_span_empty(host))
        return ADB_OK;

    const size_t bracket = !url->several_hosts && url->text[host.start] == '[' ? 1 : 0;
    char *name = url->several_hosts ? copy_span(url, host.start, host.end)
                                    : adb__url_decode(url, host.start + bracket, host.end - bracket, '+');
    if (name == NULL)
        return adb__url_refuse_memory(error);
    url->netloc_host = name[0] == '/' ? name : lower_text(name);
    return ADB_OK;
}

static adb_status read_database(adb_url *url, adb_error *error)
{
    const struct adb__url_span path = url->at.path;
    const size_t slash = adb__url_span_empty(path) ? 0 : 1;
    url->database = adb__url_decode(url, path.start + slash, path.end, '+');
    return url->database != NULL ? ADB_OK : adb__url_refuse_memory(error);
}

static const char *option_not_empty(const adb_url *url, const char *key)
{
    const char *value = adb_url_option(url, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static adb_status choose_host(adb_url *url, adb_error *error)
{
    (void)error;
    url->host = url->netloc_host;
    if (url->host == NULL)
        url->host = option_not_empty(url, "host");
    if (url->host == NULL)
        url->host = option_not_empty(url, "unix_sock");
    return ADB_OK;
}

/* Redaction -------------------------------------------------------------------------------------------------------- */

/* word is in lower case. */
static bool begins_with(const char *text, const char *word)
{
    while (*word != '\0' && adb__url_lower(*text) == *word) {
        text++;
        word++;
    }
    return *word == '\0';
}

/* "password", and what the client libraries call theirs: "passwd", "sslpassword". */
static bool is_secret_key(const char *key)
{
    for (; *key != '\0'; key++) {
        if (begins_with(key, "password") || begins_with(key, "passwd"))
            return true;
    }
    return false;
}

/* From *from_io on, copy the text up to the secret, and asterisks for it; an empty one stays. */
static void append_masked(struct adb__buf *buf, const adb_url *url, size_t start, size_t end, size_t *from_io)
{
    if (start >= end)
        return;
    adb__buf_append(buf, url->text + *from_io, start - *from_io);
    adb__buf_puts(buf, "********");
    *from_io = end;
}

static adb_status redact(adb_url *url, adb_error *error)
{
    struct adb__buf buf = ADB__BUF_INIT;
    size_t from = 0;
    append_masked(&buf, url, url->at.password.start + 1, url->at.password.end, &from);
    for (size_t i = 0; i < url->n_options; i++) {
        const struct adb__url_option *option = &url->options[i];
        if (is_secret_key(option->key))
            append_masked(&buf, url, option->equals + 1, option->end, &from);
    }
    adb__buf_append(&buf, url->text + from, url->size - from);
    if (!buf.failed)
        url->redacted = adb__arena_bytes(&url->arena, buf.bytes, buf.size);
    adb__buf_fini(&buf);
    return url->redacted != NULL ? ADB_OK : adb__url_refuse_memory(error);
}

/* All together ----------------------------------------------------------------------------------------------------- */

typedef adb_status (*step_fn)(adb_url *url, adb_error *error);

static adb_status url_read(adb_url *url, adb_error *error)
{
    static const step_fn steps[] = {
        find_scheme,
        check_bytes,
        read_scheme,
        find_parts,
        read_user,
        read_host,
        read_database,
        adb__url_read_options,
        adb__url_apply_sqlite_path,
        choose_host,
        redact,
    };
    adb_status status = ADB_OK;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == ADB_OK; i++)
        status = steps[i](url, error);
    return status;
}

adb_status adb_url_parse(const char *text, adb_url **url_out, adb_error *error)
{
    if (text == NULL || url_out == NULL)
        return adb__error_set(error, ADB_E_INVAL, "no text, or nowhere to put the URL");

    adb_url *url = adb__alloc_zeroed(sizeof(*url));
    if (url == NULL)
        return adb__url_refuse_memory(error);
    adb__arena_init(&url->arena, NULL, 0);
    url->port = -1;
    url->size = strlen(text);
    url->text = adb__arena_bytes(&url->arena, text, url->size);
    const adb_status status = url->text != NULL ? url_read(url, error) : adb__url_refuse_memory(error);
    if (status != ADB_OK) {
        adb_url_free(url);
        return status;
    }
    *url_out = url;
    return ADB_OK;
}
