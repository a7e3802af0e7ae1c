/* SPDX-License-Identifier: BSD-3-Clause */
/* A web service: notes in lists, as JSON over HTTP, on any database. One thread, the loop of libevent's evhttp, a context
 * per request, and JSON by jansson.
 *
 *   GET    /notes?list=NAME[&after=ID]              up to 100 notes of a list, in the order of their ids
 *   GET    /notes/ID
 *   POST   /notes      {"list", "title"[, "text"]}  a new note; no two of a list have the same title
 *   PUT    /notes/ID   {"list", "title"[, "text"]}
 *   DELETE /notes/ID
 *   POST   /move       {"from", "to", "notes": [ID, …]}  all of them, or none
 *   GET    /stats      figures of the service and of its database
 *
 * A failure is {"error": "…", "message": "…"}. Each request has a deadline (504); a full queue, and a database that is
 * away, say so (503); what a client has asked for is cancelled when it hangs up. SIGTERM ends the service when all that
 * it has accepted is answered.
 *
 * Run: notes_server [-p PORT] [-t DEADLINE_MS] [URL]    default: 8080, 5000, sqlite:///notes_server.db; port 0: any */
#include <asyncdb.h>
#include <asyncdb/adapters/event.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES 65536
#define MOVE_MAX   1000

#define CREATE_TABLE \
    "CREATE TABLE IF NOT EXISTS web_notes (id %s PRIMARY KEY, list VARCHAR(100) NOT NULL, " \
    "title VARCHAR(200) NOT NULL, text TEXT NOT NULL, UNIQUE (list, title), " \
    "CHECK (LENGTH(list) BETWEEN 1 AND 100), CHECK (LENGTH(title) BETWEEN 1 AND 200))"
#define SELECT "SELECT id, list, title, text FROM web_notes"
#define INSERT "INSERT INTO web_notes (list, title, text) VALUES (:list, :title, :text)"
#define UPDATE "UPDATE web_notes SET list = :list, title = :title, text = :text WHERE id = :id"
#define MOVE   "UPDATE web_notes SET list = :to WHERE list = :from AND id IN (:ids)"

/* What the databases do not have in common: keys that they make, and how they tell them. */
static const struct dialect {
    const char *driver;
    const char *key;
    const char *insert;
} dialects[] = {
    {"sqlite", "INTEGER", INSERT},
    {"mysql", "BIGINT AUTO_INCREMENT", INSERT},
    {"postgresql", "BIGSERIAL", INSERT " RETURNING id"},
};

struct server {
    uint16_t port;
    int deadline_ms;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *door;
    adb_database *db;
    adb_queue *queue;
    const struct dialect *dialect;
    bool stopping;
    size_t n_open; /* requests, until the last byte of their answer */
    size_t n_answered;
    size_t n_hung_up; /* their clients went away before */
};

struct request {
    struct server *server;
    struct evhttp_request *http;
    struct evhttp_connection *connection; /* NULL when evhttp has given it up */
    struct event *hangup;
    bool answered;
    bool hung_up;
    adb_context *ctx;
    adb_job job;
    int64_t id;     /* in the path */
    json_t *body;   /* what the client has sent */
    adb_value *ids; /* of a move */
    size_t n_ids;
};

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* The life of a request ------------------------------------------------------------------------------------------- */

static void request_free(struct request *request)
{
    if (request->hung_up)
        request->server->n_hung_up++;
    else
        request->server->n_answered++;
    request->server->n_open--;
    event_free(request->hangup);
    adb_context_free(request->ctx);
    json_decref(request->body);
    free(request->ids);
    free(request);
}

static void on_answered(struct evhttp_request *http, void *user_data)
{
    struct request *request = user_data;
    (void)http;
    evhttp_connection_set_closecb(request->connection, NULL, NULL);
    request_free(request);
}

/* The client has closed its end while a job is under way. What comes of that is answered as always. */
static void on_hangup(evutil_socket_t fd, short what, void *user_data)
{
    struct request *request = user_data;
    (void)fd;
    (void)what;
    request->hung_up = true;
    adb_cancel(request->ctx, request->job);
}

/* evhttp gives up a connection: while its request waits for an outcome, or while its answer is sent. */
static void on_connection_closed(struct evhttp_connection *connection, void *user_data)
{
    struct request *request = user_data;
    (void)connection;
    event_del(request->hangup);
    request->connection = NULL;
    on_hangup(-1, 0, request);
    if (request->answered)
        request_free(request);
}

/* evhttp does not read from a connection before its request is answered, and would not notice its end: hangup does. */
static struct request *request_new(struct server *server, struct evhttp_request *http)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(http);
    const evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    struct request *request = calloc(1, sizeof(*request));
    if (request != NULL)
        request->hangup = event_new(server->base, fd, EV_CLOSED, on_hangup, request);
    if (request == NULL || request->hangup == NULL)
        stop("request", "no memory");
    request->server = server;
    request->http = http;
    request->connection = connection;
    evhttp_connection_set_closecb(connection, on_connection_closed, request);
    evhttp_request_set_on_complete_cb(http, on_answered, request);
    server->n_open++;
    return request;
}

/* Answers --------------------------------------------------------------------------------------------------------- */

/* Without a connection evhttp frees its request at once, and calls nobody. */
static void send_answer(struct request *request, int code, const char *text)
{
    const bool is_sent = request->connection != NULL;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request->http);
    if (text != NULL) {
        evbuffer_add(evhttp_request_get_output_buffer(request->http), text, strlen(text));
        evhttp_add_header(headers, "Content-Type", "application/json");
    }
    if (code == 503)
        evhttp_add_header(headers, "Retry-After", "1");
    if (request->server->stopping)
        evhttp_add_header(headers, "Connection", "close");
    event_del(request->hangup);
    request->answered = true;
    evhttp_send_reply(request->http, code, NULL, NULL);
    if (!is_sent)
        request_free(request);
}

/* Takes the body; NULL is one that could not be made: no memory, or a text of the database that is not UTF-8. */
static void answer(struct request *request, int code, json_t *body)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    send_answer(request, text == NULL ? 500 : code, text);
    free(text);
}

static void answer_error(struct request *request, int code, const char *error, const char *message)
{
    answer(request, code, json_pack("{s:s, s:s}", "error", error, "message", message));
}

static int http_code(adb_status status)
{
    static const int codes[][2] = {
        {ADB_E_NOT_FOUND, 404}, {ADB_E_UNIQUE, 409}, {ADB_E_DATA, 422},          {ADB_E_NOT_NULL, 422},
        {ADB_E_CHECK, 422},     {ADB_E_BUSY, 503},   {ADB_E_CLOSED, 503},        {ADB_E_CONNECTION, 503},
        {ADB_E_NOMEM, 503},     {ADB_E_LOCKED, 503}, {ADB_E_SERIALIZATION, 503}, {ADB_E_TIMEOUT, 504},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i][0] == (int)status)
            return codes[i][1];
    return 500;
}

static void answer_failure(struct request *request, const adb_error *error)
{
    json_t *body = json_pack("{s:s, s:s}", "error", adb_status_name(error->status), "message", error->message);
    if (error->flags & ADB_ERROR_OUTCOME_UNKNOWN)
        json_object_set_new(body, "outcome_unknown", json_true());
    answer(request, http_code(error->status), body);
}

/* Jobs ------------------------------------------------------------------------------------------------------------ */

/* A context for the one job of a request; what only reads keeps off the writer of SQLite. */
static adb_context *open_context(struct request *request, unsigned flags)
{
    const struct server *server = request->server;
    request->ctx = adb_context_new(server->db, server->queue, flags);
    if (request->ctx == NULL)
        answer_error(request, 503, adb_status_name(ADB_E_NOMEM), "no memory for another request");
    else
        adb_context_set_timeout(request->ctx, server->deadline_ms);
    return request->ctx;
}

/* A refused job calls nobody: its request is answered here. */
static void submitted(struct request *request, adb_job job)
{
    request->job = job;
    if (job == 0)
        answer_failure(request, adb_context_error(request->ctx));
    else
        event_add(request->hangup, NULL);
}

/* Whether the job went well; if not, its request is answered. */
static bool went_well(struct request *request, const adb_result *result)
{
    if (adb_result_status(result) == ADB_OK)
        return true;
    answer_failure(request, adb_result_error(result));
    return false;
}

static json_t *note_of(adb_row row)
{
    return json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)adb_row_int(row, 0), "list", adb_row_text(row, 1),
                     "title", adb_row_text(row, 2), "text", adb_row_text(row, 3));
}

static void on_notes(adb_result *result, void *user_data)
{
    struct request *request = user_data;
    if (!went_well(request, result))
        return;
    json_t *notes = json_array();
    for (size_t i = 0; i < adb_result_rows(result); i++)
        json_array_append_new(notes, note_of(adb_result_row(result, i)));
    answer(request, 200, json_pack("{s:o}", "notes", notes));
}

static void on_note(adb_result *result, void *user_data)
{
    struct request *request = user_data;
    if (!went_well(request, result))
        return;
    if (adb_result_rows(result) == 0)
        answer_error(request, 404, "not found", "there is no such note");
    else
        answer(request, 200, note_of(adb_result_row(result, 0)));
}

/* The note is what the client has sent, and its id. */
static void answer_note(struct request *request, int code, int64_t id)
{
    json_object_set_new(request->body, "id", json_integer(id));
    if (json_object_get(request->body, "text") == NULL)
        json_object_set_new(request->body, "text", json_string(""));
    answer(request, code, json_incref(request->body));
}

static void on_created(adb_result *result, void *user_data)
{
    struct request *request = user_data;
    if (!went_well(request, result))
        return;
    int64_t id = adb_row_int(adb_result_row(result, 0), 0); /* what was returned */
    adb_result_last_insert_id(result, &id);
    char location[40];
    snprintf(location, sizeof(location), "/notes/%" PRId64, id);
    evhttp_add_header(evhttp_request_get_output_headers(request->http), "Location", location);
    answer_note(request, 201, id);
}

static void on_changed(adb_result *result, void *user_data)
{
    struct request *request = user_data;
    if (!went_well(request, result))
        return;
    if (adb_result_affected(result) == 0)
        answer_error(request, 404, "not found", "there is no such note");
    else if (request->body != NULL)
        answer_note(request, 200, request->id);
    else
        send_answer(request, 204, NULL);
}

/* What is asked for ----------------------------------------------------------------------------------------------- */

/* What the client has sent, in request->body; false when that is no JSON, and the request is answered. */
static bool read_body(struct request *request)
{
    json_error_t error;
    struct evbuffer *in = evhttp_request_get_input_buffer(request->http);
    const char *text = (const char *)evbuffer_pullup(in, -1);
    request->body = json_loadb(text == NULL ? "" : text, evbuffer_get_length(in), JSON_REJECT_DUPLICATES, &error);
    if (request->body == NULL)
        answer_error(request, 400, "bad JSON", error.text);
    return request->body != NULL;
}

/* Runs a statement with the note that the client has sent; id is 1 when it has an :id, else 0. */
static void write_note(struct request *request, const char *sql, size_t id, adb_done_cb done)
{
    const char *list, *title, *text = "";
    json_error_t error;
    if (!read_body(request))
        return;
    if (json_unpack_ex(request->body, &error, JSON_STRICT, "{s:s, s:s, s?s}", "list", &list, "title", &title, "text",
                       &text)) {
        answer_error(request, 400, "bad note", error.text);
    } else if (open_context(request, 0) != NULL) {
        const adb_param values[] = {{"list", adb_text(list)},
                                    {"title", adb_text(title)},
                                    {"text", adb_text(text)},
                                    {"id", adb_int(request->id)}};
        submitted(request, adb_execute(request->ctx, sql, &(adb_params){values, 3 + id}, done, request));
    }
}

static void create_note(struct request *request)
{
    write_note(request, request->server->dialect->insert, 0, on_created);
}

static void update_note(struct request *request)
{
    write_note(request, UPDATE, 1, on_changed);
}

static void delete_note(struct request *request)
{
    if (open_context(request, 0) != NULL)
        submitted(request, adb_execute(request->ctx, "DELETE FROM web_notes WHERE id = :id",
                                       ADB_PARAMS({"id", adb_int(request->id)}), on_changed, request));
}

static void get_note(struct request *request)
{
    if (open_context(request, ADB_CONTEXT_READ_ONLY) != NULL)
        submitted(request, adb_fetch_one(request->ctx, SELECT " WHERE id = :id",
                                         ADB_PARAMS({"id", adb_int(request->id)}), on_note, request));
}

static void list_notes(struct request *request)
{
    struct evkeyvalq query = {0};
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request->http));
    if (text != NULL)
        evhttp_parse_query_str(text, &query);
    const char *list = text == NULL ? NULL : evhttp_find_header(&query, "list");
    const char *after = list == NULL ? NULL : evhttp_find_header(&query, "after");
    if (list == NULL)
        answer_error(request, 400, "bad query", "which list? /notes?list=NAME");
    else if (open_context(request, ADB_CONTEXT_READ_ONLY) != NULL)
        submitted(request,
                  adb_fetch_all(request->ctx, SELECT " WHERE list = :list AND id > :after ORDER BY id LIMIT 100",
                                ADB_PARAMS({"list", adb_text(list)},
                                           {"after", adb_int(after == NULL ? 0 : strtoll(after, NULL, 10))}),
                                on_notes, request));
    evhttp_clear_headers(&query);
}

/* On the worker, inside a transaction that anything but ADB_OK undoes. It may run several times. */
static adb_status move(adb_session *session, void *user_data)
{
    const struct request *request = user_data;
    const char *from = json_string_value(json_object_get(request->body, "from"));
    const char *to = json_string_value(json_object_get(request->body, "to"));
    const adb_value ids = adb_list(request->ids, request->n_ids);
    adb_result *moved = adb_session_execute(
        session, MOVE, ADB_PARAMS({"to", adb_text(to)}, {"from", adb_text(from)}, {"ids", ids}));
    const adb_status status = adb_result_status(moved);
    const bool all = adb_result_affected(moved) == (int64_t)request->n_ids;
    adb_result_unref(moved);
    if (status != ADB_OK)
        return status;
    if (!all)
        return adb_session_fail(session, ADB_E_NOT_FOUND, "not all of these notes are in that list");
    adb_result *notes = adb_session_fetch_all(session, SELECT " WHERE id IN (:ids) ORDER BY id",
                                              ADB_PARAMS({"ids", ids}));
    const adb_status fetched = adb_result_status(notes);
    adb_session_return(session, notes);
    return fetched;
}

static bool read_ids(struct request *request, const json_t *ids)
{
    request->n_ids = json_array_size(ids);
    if (request->n_ids == 0 || request->n_ids > MOVE_MAX)
        return false;
    request->ids = calloc(request->n_ids, sizeof(*request->ids));
    for (size_t i = 0; i < request->n_ids; i++) {
        const json_t *id = json_array_get(ids, i);
        if (request->ids == NULL || !json_is_integer(id))
            return false;
        request->ids[i] = adb_int(json_integer_value(id));
    }
    return true;
}

static void move_notes(struct request *request)
{
    const char *from, *to;
    json_t *ids;
    json_error_t error;
    if (!read_body(request))
        return;
    if (json_unpack_ex(request->body, &error, JSON_STRICT, "{s:s, s:s, s:o}", "from", &from, "to", &to, "notes", &ids))
        answer_error(request, 400, "bad move", error.text);
    else if (!read_ids(request, ids))
        answer_error(request, 400, "bad move", "notes is an array of 1 to 1000 ids");
    else if (open_context(request, 0) != NULL)
        submitted(request, adb_transact(request->ctx, ADB_TRANSACTION(.retries = 5), move, on_notes, request));
}

/* Asks nothing of the database: it is answered when that is away, too. */
static void get_stats(struct request *request)
{
    const struct server *server = request->server;
    adb_stats stats = {.size = sizeof(stats)};
    adb_database_stats(server->db, &stats);
    json_t *requests = json_pack("{s:I, s:I, s:I}", "open", (json_int_t)server->n_open, "answered",
                                 (json_int_t)server->n_answered, "hung_up", (json_int_t)server->n_hung_up);
    json_t *jobs = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "waiting", (json_int_t)stats.jobs_waiting,
                             "running", (json_int_t)stats.jobs_running, "refused", (json_int_t)stats.refused,
                             "completed", (json_int_t)stats.completed, "failed", (json_int_t)stats.failed, "cancelled",
                             (json_int_t)stats.cancelled, "timed_out", (json_int_t)stats.timed_out);
    answer(request, 200,
           json_pack("{s:o, s:o, s:i}", "requests", requests, "jobs", jobs, "connections", (int)stats.connections));
}

static const struct route {
    enum evhttp_cmd_type method;
    const char *path; /* one that ends with a slash is followed by an id */
    void (*handle)(struct request *request);
} routes[] = {
    {EVHTTP_REQ_GET, "/notes", list_notes},      {EVHTTP_REQ_POST, "/notes", create_note},
    {EVHTTP_REQ_GET, "/notes/", get_note},       {EVHTTP_REQ_PUT, "/notes/", update_note},
    {EVHTTP_REQ_DELETE, "/notes/", delete_note}, {EVHTTP_REQ_POST, "/move", move_notes},
    {EVHTTP_REQ_GET, "/stats", get_stats},
};

static bool path_matches(const char *route, const char *path, int64_t *id_out)
{
    const size_t size = strlen(route);
    if (route[size - 1] != '/')
        return strcmp(route, path) == 0;
    if (strncmp(route, path, size) != 0 || path[size] < '0' || path[size] > '9')
        return false;
    char *end;
    *id_out = strtoll(path + size, &end, 10);
    return *end == '\0';
}

static void on_request(struct evhttp_request *http, void *user_data)
{
    struct request *request = request_new(user_data, http);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
    bool found = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (path == NULL || !path_matches(routes[i].path, path, &request->id))
            continue;
        if (routes[i].method == evhttp_request_get_command(http)) {
            routes[i].handle(request);
            return;
        }
        found = true;
    }
    if (found)
        answer_error(request, 405, "bad method", "this path does not take that method");
    else
        answer_error(request, 404, "not found", "there is nothing at this path");
}

/* The service ----------------------------------------------------------------------------------------------------- */

static void make_table(struct server *server)
{
    server->dialect = dialects;
    while (strcmp(server->dialect->driver, adb_database_driver(server->db)) != 0)
        server->dialect++;
    char sql[sizeof(CREATE_TABLE) + 40];
    snprintf(sql, sizeof(sql), CREATE_TABLE, server->dialect->key);
    adb_context *ctx = adb_context_new(server->db, NULL, 0);
    adb_result *made = adb_wait(ctx, adb_execute(ctx, sql, NULL, NULL, NULL), -1);
    if (adb_result_status(made) != ADB_OK)
        stop("no table", adb_result_error(made)->message);
    adb_result_unref(made);
    adb_context_free(ctx);
}

static void open_door(struct server *server)
{
    server->http = evhttp_new(server->base);
    evhttp_set_gencb(server->http, on_request, server);
    evhttp_set_allowed_methods(server->http, 0xffff); /* the routes know better */
    evhttp_set_max_body_size(server->http, BODY_BYTES);
    evhttp_set_timeout(server->http, 60); /* seconds that a connection may be silent */
    server->door = evhttp_bind_socket_with_handle(server->http, "127.0.0.1", server->port);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    if (server->door == NULL ||
        getsockname(evhttp_bound_socket_get_fd(server->door), (struct sockaddr *)&address, &size) != 0)
        stop("cannot listen", "is the port taken?");
    printf("listening on port %u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void on_terminate(evutil_socket_t number, short what, void *base)
{
    (void)number;
    (void)what;
    event_base_loopbreak(base);
}

/* Let in who has knocked, close the door, answer what was asked. Each answer ends its connection now; one that has been
 * silent is closed after a last look whether a request has come in. */
static void finish(struct server *server)
{
    server->stopping = true;
    event_base_loop(server->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    evhttp_del_accept_socket(server->http, server->door);
    do {
        while (server->n_open > 0)
            event_base_loop(server->base, EVLOOP_ONCE);
        event_base_loop(server->base, EVLOOP_NONBLOCK);
    } while (server->n_open > 0);
    evhttp_free(server->http);
}

static void serve(struct server *server)
{
    struct event *terminate = evsignal_new(server->base, SIGTERM, on_terminate, server->base);
    if (adb_event_attach(server->base, server->queue, 0) != ADB_OK || event_add(terminate, NULL) != 0)
        stop("cannot serve", "the loop takes no more");
    open_door(server);
    event_base_dispatch(server->base);
    finish(server);
    event_free(terminate);
}

/* The URL; the rest goes into server. */
static const char *read_arguments(struct server *server, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "p:t:")) != -1;) {
        if (option == 'p')
            server->port = (uint16_t)atoi(optarg);
        else if (option == 't')
            server->deadline_ms = atoi(optarg);
        else
            stop("usage", "notes_server [-p PORT] [-t DEADLINE_MS] [URL]");
    }
    return optind < argc ? argv[optind] : "sqlite:///notes_server.db";
}

int main(int argc, char **argv)
{
    adb_error error;
    struct server server = {.port = 8080, .deadline_ms = 5000};
    server.queue = adb_queue_new();
    server.base = event_base_new();
    if (server.queue == NULL || server.base == NULL)
        stop("cannot start", "no memory");
    signal(SIGPIPE, SIG_IGN);
    if (adb_database_open(read_arguments(&server, argc, argv), NULL, &server.db, &error) != ADB_OK)
        stop("cannot open", error.message);
    make_table(&server);
    serve(&server);
    adb_queue_free(server.queue);
    const bool closed_well = adb_database_close(server.db, 5000) == ADB_OK;
    adb_database_free(server.db);
    event_base_free(server.base);
    printf("stopped: %zu requests answered, %zu hung up\n", server.n_answered, server.n_hung_up);
    return closed_well ? 0 : 1;
}
