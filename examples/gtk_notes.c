/* SPDX-License-Identifier: BSD-3-Clause */
/* A window of GTK 4 that never freezes: the Unicode character table, searched with each key that is typed, and notes on
 * its characters. One thread has it all: signals submit jobs, and what those bring arrives in the loop of GTK, between
 * the frames, because adb_glib_attach() has put the queue there. The thing to look at is that nothing here waits.
 *
 *   on_typed()    a search; the one before is cancelled, and what it still brings is not shown
 *   on_save()     a transaction of several statements, on a worker
 *   on_rest()     a query of ten seconds; meanwhile all else works, and on_cancel() ends it
 *   on_tick()     measures how long the loop has stood still at most, and counts the frames that came too late by it
 *   --blocking    the same program, which waits for each job with adb_wait(), as one that has no asyncdb does
 *
 * After each frame that shows something new it prints what that is, in one line, for tests/gui.
 *
 * Run: gtk_notes [--blocking] [URL [FILE]]
 *   URL   default: sqlite:///gtk_notes.db
 *   FILE  default: /usr/share/unicode/UnicodeData.txt (Debian package unicode-data); imported the first time */
#include <asyncdb.h>
#include <asyncdb/adapters/glib.h>

#include <errno.h>
#include <glib-unix.h>
#include <gtk/gtk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_US 16667
#define TICK_MS  10
#define SLICE_MS 10

#define CREATE_CHARACTERS \
    "CREATE TABLE IF NOT EXISTS gtk_characters (code INTEGER PRIMARY KEY, name VARCHAR(127) NOT NULL)"
#define CREATE_NOTES \
    "CREATE TABLE IF NOT EXISTS gtk_notes (code INTEGER PRIMARY KEY, text VARCHAR(1000) NOT NULL, revision INTEGER)"
#define SEARCH \
    "SELECT c.code, c.name, n.text FROM gtk_characters c LEFT JOIN gtk_notes n ON n.code = c.code " \
    "WHERE c.name LIKE :pattern OR UPPER(n.text) LIKE :pattern ORDER BY c.code LIMIT 200"
#define DELETE "DELETE FROM gtk_notes WHERE code = :code"
#define UPDATE "UPDATE gtk_notes SET text = :text, revision = revision + 1 WHERE code = :code"
#define INSERT "INSERT INTO gtk_notes (code, text, revision) VALUES (:code, :text, 1)"

/* A line of the list, as GTK's builder has it. */
#define LINE \
    "<interface><template class='GtkListItem'><property name='child'><object class='GtkLabel'>" \
    "<property name='xalign'>0</property><binding name='label'><lookup name='string' type='GtkStringObject'>" \
    "<lookup name='item'>GtkListItem</lookup></lookup></binding></object></property></template></interface>"

enum { COLUMN_CODE, COLUMN_NAME, COLUMN_NOTE };

/* What each database does for ten seconds. SQLite cannot sleep: it is taught to, see rest(). */
static const struct dialect {
    const char *driver;
    const char *rest;
} dialects[] = {
    {"sqlite", "WITH RECURSIVE slices (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM slices WHERE n < 1000) "
               "SELECT SUM(rest()) FROM slices"},
    {"postgresql", "SELECT 1 FROM pg_sleep(10)"},
    {"mysql", "SELECT SLEEP(10)"},
};

struct app {
    bool blocking;
    const char *file;
    adb_database *db;
    adb_queue *queue;
    adb_context *edits; /* Each context is a lane: neither edits nor searches wait behind the ten seconds. */
    adb_context *searches;
    adb_context *rests;
    adb_job search; /* the latest */
    adb_job rest;
    adb_result *found; /* what the list shows */
    unsigned n_jobs;
    bool closing;

    GtkWidget *window;
    GtkWidget *entry;
    GtkWidget *spinner;
    GtkStringList *lines;
    GtkSingleSelection *selection;
    GtkWidget *chosen;
    GtkWidget *note;
    GtkWidget *message;
    GtkWidget *stall;
    bool changed; /* since the last frame */

    gint64 ticked_at_us;
    gint64 longest_us;
    gint64 n_late;
};

/* A note to be written; without a text, to be removed. */
struct edit {
    struct app *app;
    int64_t code;
    char *text;
};

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* What is shown ---------------------------------------------------------------------------------------------------- */

static void print_state(const struct app *app)
{
    const char *first = gtk_string_list_get_string(app->lines, 0);
    printf("jobs=%u late=%" G_GINT64_FORMAT " longest_ms=%" G_GINT64_FORMAT " search=\"%s\" rows=%u message=\"%s\" "
           "first=\"%s\" chosen=\"%s\"\n",
           app->n_jobs, app->n_late, app->longest_us / 1000, gtk_editable_get_text(GTK_EDITABLE(app->entry)),
           g_list_model_get_n_items(G_LIST_MODEL(app->lines)), gtk_label_get_text(GTK_LABEL(app->message)),
           first != NULL ? first : "", gtk_label_get_text(GTK_LABEL(app->chosen)));
    fflush(stdout);
}

/* Something is to be seen: it is printed when the frame that shows it has been drawn. */
static void changed(struct app *app)
{
    gtk_spinner_set_spinning(GTK_SPINNER(app->spinner), app->n_jobs > 0);
    gtk_widget_queue_draw(app->window);
    app->changed = true;
}

static void on_painted(struct app *app)
{
    if (app->changed)
        print_state(app);
    app->changed = false;
}

static void say(struct app *app, const char *message)
{
    gtk_label_set_text(GTK_LABEL(app->message), message);
    changed(app);
}

/* Runs every 10 ms, or as soon as the loop gets to it. */
static gboolean on_tick(gpointer user_data)
{
    struct app *app = user_data;
    if (app->closing)
        return G_SOURCE_REMOVE;
    const gint64 now_us = g_get_monotonic_time();
    const gint64 gap_us = now_us - app->ticked_at_us;
    app->ticked_at_us = now_us;
    app->n_late += gap_us / FRAME_US;
    if (gap_us > app->longest_us) {
        app->longest_us = gap_us;
        char *text = g_strdup_printf("Longest stall: %" G_GINT64_FORMAT " ms", gap_us / 1000);
        gtk_label_set_text(GTK_LABEL(app->stall), text);
        g_free(text);
    }
    return G_SOURCE_CONTINUE;
}

/* Jobs ------------------------------------------------------------------------------------------------------------- */

/* Every job passes here when it is submitted. Only here the program may wait, and only to show how that is. */
static void submitted(struct app *app, adb_context *ctx, adb_job job)
{
    if (job == 0) {
        say(app, adb_context_error(ctx)->message);
        return;
    }
    app->n_jobs++;
    changed(app);
    if (app->blocking)
        adb_result_unref(adb_wait(ctx, job, -1));
}

/* Every job passes here when it is over: whether it went well, and the window still wants to know. */
static bool ended_well(struct app *app, adb_result *result)
{
    app->n_jobs--;
    if (app->closing)
        return false;
    changed(app);
    if (adb_result_status(result) == ADB_OK)
        return true;
    if (adb_result_status(result) != ADB_E_CANCELLED)
        say(app, adb_result_error(result)->message);
    return false;
}

/* Search ----------------------------------------------------------------------------------------------------------- */

static char *line_of(adb_row row)
{
    const gunichar code = (gunichar)adb_row_int(row, COLUMN_CODE);
    char itself[7] = "";
    g_unichar_to_utf8(g_unichar_isprint(code) ? code : ' ', itself);
    const bool noted = !adb_row_is_null(row, COLUMN_NOTE);
    return g_strdup_printf("U+%04X  %s  %s%s%s", code, itself, adb_row_text(row, COLUMN_NAME), noted ? ": " : "",
                           noted ? adb_row_text(row, COLUMN_NOTE) : "");
}

/* The row that is chosen in the list. */
static bool chosen_row(const struct app *app, adb_row *row_out)
{
    const size_t i = gtk_single_selection_get_selected(app->selection);
    if (app->found == NULL || i >= adb_result_rows(app->found))
        return false;
    *row_out = adb_result_row(app->found, i);
    return true;
}

static void show_chosen(struct app *app)
{
    adb_row row;
    const bool any = chosen_row(app, &row);
    const bool noted = any && !adb_row_is_null(row, COLUMN_NOTE);
    gtk_label_set_text(GTK_LABEL(app->chosen), any ? adb_row_text(row, COLUMN_NAME) : "");
    gtk_editable_set_text(GTK_EDITABLE(app->note), noted ? adb_row_text(row, COLUMN_NOTE) : "");
    gtk_widget_set_sensitive(app->note, any);
    changed(app);
}

/* The character that was chosen stays so when it is among the rows. */
static guint row_to_choose(const adb_result *found, int64_t code)
{
    for (size_t i = 0; i < adb_result_rows(found); i++) {
        if (adb_row_int(adb_result_row(found, i), COLUMN_CODE) == code)
            return (guint)i;
    }
    return 0;
}

static void show_rows(struct app *app, adb_result *found)
{
    adb_row row;
    const int64_t code = chosen_row(app, &row) ? adb_row_int(row, COLUMN_CODE) : -1;
    const size_t n = adb_result_rows(found);
    const guint n_before = g_list_model_get_n_items(G_LIST_MODEL(app->lines));
    char **lines = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        lines[i] = line_of(adb_result_row(found, i));
    adb_result_unref(app->found);
    app->found = adb_result_ref(found); /* kept: the form takes its rows from it */
    gtk_string_list_splice(app->lines, 0, n_before, (const char *const *)lines);
    gtk_single_selection_set_selected(app->selection, row_to_choose(found, code));
    show_chosen(app);
    g_strfreev(lines);
}

static void on_found(adb_result *result, void *user_data)
{
    struct app *app = user_data;
    if (ended_well(app, result) && adb_result_job(result) == app->search)
        show_rows(app, result);
}

static void search(struct app *app)
{
    char *upper = g_utf8_strup(gtk_editable_get_text(GTK_EDITABLE(app->entry)), -1);
    char *pattern = g_strdup_printf("%%%s%%", upper);
    adb_cancel(app->searches, app->search); /* nobody wants to know any more; if it is over, that is well too */
    app->search = adb_fetch_all(app->searches, SEARCH, ADB_PARAMS({"pattern", adb_text(pattern)}), on_found, app);
    submitted(app, app->searches, app->search);
    g_free(pattern);
    g_free(upper);
}

static void on_typed(struct app *app)
{
    say(app, "");
    search(app);
}

/* Notes ------------------------------------------------------------------------------------------------------------ */

static adb_status status_of(adb_result *result)
{
    const adb_status status = adb_result_status(result);
    adb_result_unref(result);
    return status;
}

/* On a worker, in a transaction: nobody sees half of it, and nothing of it stays when it fails. */
static adb_status save(adb_session *session, void *user_data)
{
    const struct edit *edit = user_data;
    const adb_params *params = ADB_PARAMS({"text", adb_text(edit->text)}, {"code", adb_int(edit->code)});
    if (edit->text == NULL)
        return status_of(adb_session_execute(session, DELETE, ADB_PARAMS({"code", adb_int(edit->code)})));
    adb_result *updated = adb_session_execute(session, UPDATE, params);
    const bool is_new = adb_result_affected(updated) == 0;
    const adb_status status = status_of(updated);
    return status == ADB_OK && is_new ? status_of(adb_session_execute(session, INSERT, params)) : status;
}

static void on_edited(adb_result *result, void *user_data)
{
    struct edit *edit = user_data;
    if (ended_well(edit->app, result)) {
        say(edit->app, edit->text != NULL ? "Note saved" : "Note deleted");
        search(edit->app);
    }
    g_free(edit->text);
    g_free(edit);
}

/* Takes the text. What the job works on lives until its outcome is there. */
static void submit_edit(struct app *app, char *text)
{
    adb_row row;
    if (!chosen_row(app, &row)) {
        g_free(text);
        return;
    }
    struct edit *edit = g_new(struct edit, 1);
    *edit = (struct edit){app, adb_row_int(row, COLUMN_CODE), text};
    const adb_job job = adb_transact(app->edits, ADB_TRANSACTION(.retries = 5), save, on_edited, edit);
    if (job == 0) {
        g_free(text);
        g_free(edit);
    }
    submitted(app, app->edits, job);
}

static void on_save(struct app *app)
{
    submit_edit(app, g_strdup(gtk_editable_get_text(GTK_EDITABLE(app->note))));
}

static void on_delete(struct app *app)
{
    submit_edit(app, NULL);
}

/* Ten seconds ------------------------------------------------------------------------------------------------------ */

/* A function of SQL: one hundredth of a second of nothing. It runs on a worker. */
static void rest(adb_function_call *call, const adb_value *arguments, size_t n_arguments, void *user_data)
{
    (void)arguments, (void)n_arguments, (void)user_data;
    g_usleep(SLICE_MS * 1000);
    adb_function_return(call, adb_int(SLICE_MS));
}

static void on_rested(adb_result *result, void *user_data)
{
    struct app *app = user_data;
    app->rest = 0;
    if (ended_well(app, result))
        say(app, "Ten seconds are over");
    else if (!app->closing && adb_result_status(result) == ADB_E_CANCELLED)
        say(app, "Cancelled");
}

static void on_rest(struct app *app)
{
    const char *driver = adb_database_driver(app->db);
    if (app->rest != 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(dialects); i++) {
        if (strcmp(dialects[i].driver, driver) == 0)
            app->rest = adb_fetch_all(app->rests, dialects[i].rest, NULL, on_rested, app);
    }
    say(app, "A query of ten seconds");
    submitted(app, app->rests, app->rest);
}

static void on_cancel(struct app *app)
{
    adb_cancel(app->rests, app->rest);
}

/* Import ----------------------------------------------------------------------------------------------------------- */

/* A line is the code in hexadecimal, the name, and more that is of no interest here. All of them, or none. */
static adb_status insert_lines(adb_session *session, char **lines)
{
    const size_t n_lines = g_strv_length(lines);
    adb_param(*params)[2] = g_malloc0_n(n_lines + 1, sizeof(*params));
    adb_params *sets = g_new0(adb_params, n_lines + 1);
    size_t n = 0;
    for (size_t i = 0; i < n_lines; i++) {
        const char *name = strchr(lines[i], ';');
        if (name++ == NULL)
            continue;
        params[n][0].value = adb_int(strtol(lines[i], NULL, 16));
        params[n][1].value = adb_text_n(name, strcspn(name, ";"));
        sets[n] = (adb_params){params[n], 2};
        n++;
    }
    const adb_status status =
        status_of(adb_session_execute_many(session, "INSERT INTO gtk_characters VALUES (?, ?)", sets, n));
    g_free(sets);
    g_free(params);
    return status;
}

/* On a worker, which may well wait for files. */
static adb_status import(adb_session *session, void *user_data)
{
    const struct app *app = user_data;
    char *text;
    if (status_of(adb_session_execute(session, CREATE_CHARACTERS, NULL)) != ADB_OK ||
        status_of(adb_session_execute(session, CREATE_NOTES, NULL)) != ADB_OK)
        return adb_session_error(session)->status;
    adb_result *any = adb_session_fetch_one(session, "SELECT code FROM gtk_characters LIMIT 1", NULL);
    const bool filled = adb_result_rows(any) > 0;
    const adb_status status = status_of(any);
    if (status != ADB_OK || filled)
        return status;
    if (!g_file_get_contents(app->file, &text, NULL, NULL))
        return adb_session_fail(session, ADB_E_IO, "no UnicodeData.txt (Debian package unicode-data has it)");
    char **lines = g_strsplit(text, "\n", -1);
    const adb_status inserted = insert_lines(session, lines);
    g_strfreev(lines);
    g_free(text);
    return inserted;
}

static void on_imported(adb_result *result, void *user_data)
{
    struct app *app = user_data;
    if (!ended_well(app, result))
        return;
    say(app, "");
    search(app);
}

/* The window ------------------------------------------------------------------------------------------------------- */

static GtkWidget *make_list(struct app *app)
{
    GBytes *line = g_bytes_new_static(LINE, sizeof(LINE) - 1);
    GtkListItemFactory *factory = gtk_builder_list_item_factory_new_from_bytes(NULL, line);
    GtkWidget *scrolled = gtk_scrolled_window_new();
    g_bytes_unref(line);
    app->lines = gtk_string_list_new(NULL);
    app->selection = gtk_single_selection_new(G_LIST_MODEL(app->lines));
    g_signal_connect_swapped(app->selection, "notify::selected", G_CALLBACK(show_chosen), app);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled),
                                  gtk_list_view_new(GTK_SELECTION_MODEL(app->selection), factory));
    gtk_widget_set_vexpand(scrolled, TRUE);
    return scrolled;
}

static void add_button(GtkWidget *row, const char *title, GCallback on_clicked, struct app *app)
{
    GtkWidget *button = gtk_button_new_with_mnemonic(title);
    g_signal_connect_swapped(button, "clicked", on_clicked, app);
    gtk_box_append(GTK_BOX(row), button);
}

/* An entry that takes the room, behind its title, whose underlined letter brings one there. */
static void add_entry(GtkWidget *row, const char *title, GtkWidget *entry)
{
    GtkWidget *label = gtk_label_new_with_mnemonic(title);
    gtk_label_set_mnemonic_widget(GTK_LABEL(label), entry);
    gtk_widget_set_hexpand(entry, TRUE);
    gtk_box_append(GTK_BOX(row), label);
    gtk_box_append(GTK_BOX(row), entry);
}

static GtkWidget *add_label(GtkWidget *box)
{
    GtkWidget *label = gtk_label_new("");
    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(label, TRUE);
    gtk_box_append(GTK_BOX(box), label);
    return label;
}

static void fill_window(struct app *app, GtkWidget *column)
{
    GtkWidget *top = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    GtkWidget *form = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    GtkWidget *bottom = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
    app->entry = gtk_search_entry_new();
    add_entry(top, "S_earch", app->entry);
    app->spinner = gtk_spinner_new();
    gtk_box_append(GTK_BOX(top), app->spinner);
    gtk_box_append(GTK_BOX(column), top);
    gtk_box_append(GTK_BOX(column), make_list(app));
    app->chosen = add_label(column);
    app->note = gtk_entry_new();
    add_entry(form, "_Note", app->note);
    add_button(form, "_Save", G_CALLBACK(on_save), app);
    add_button(form, "_Delete", G_CALLBACK(on_delete), app);
    gtk_box_append(GTK_BOX(column), form);
    add_button(bottom, "_Ten seconds", G_CALLBACK(on_rest), app);
    add_button(bottom, "_Cancel", G_CALLBACK(on_cancel), app);
    app->message = add_label(bottom);
    app->stall = gtk_label_new("");
    gtk_box_append(GTK_BOX(bottom), app->stall);
    gtk_box_append(GTK_BOX(column), bottom);
    g_signal_connect_swapped(app->entry, "changed", G_CALLBACK(on_typed), app);
    g_signal_connect_swapped(app->note, "activate", G_CALLBACK(on_save), app);
}

static gboolean on_close(struct app *app)
{
    print_state(app);
    app->closing = true;
    return FALSE;
}

static gboolean on_terminated(gpointer user_data)
{
    const struct app *app = user_data;
    gtk_window_close(GTK_WINDOW(app->window));
    return G_SOURCE_CONTINUE;
}

/* From the first frame on the loop is watched, and there is work. */
static gboolean on_shown(gpointer user_data)
{
    struct app *app = user_data;
    app->ticked_at_us = g_get_monotonic_time();
    g_timeout_add_full(G_PRIORITY_HIGH, TICK_MS, on_tick, app, NULL);
    say(app, "Importing the characters");
    submitted(app, app->edits, adb_run(app->edits, import, on_imported, app));
    return G_SOURCE_REMOVE;
}

static void on_activate(struct app *app, GtkApplication *application)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);
    app->window = gtk_application_window_new(application);
    gtk_window_set_title(GTK_WINDOW(app->window), app->blocking ? "Characters, blocking" : "Characters");
    gtk_window_set_default_size(GTK_WINDOW(app->window), 640, 480);
    g_object_set(column, "margin-start", 8, "margin-end", 8, "margin-top", 8, "margin-bottom", 8, NULL);
    fill_window(app, column);
    gtk_window_set_child(GTK_WINDOW(app->window), column);
    g_signal_connect_swapped(app->window, "close-request", G_CALLBACK(on_close), app);
    gtk_window_present(GTK_WINDOW(app->window));
    g_signal_connect_swapped(gtk_widget_get_frame_clock(app->window), "after-paint", G_CALLBACK(on_painted), app);
    g_unix_signal_add(SIGTERM, on_terminated, app);
    g_idle_add(on_shown, app);
}

/* The program ------------------------------------------------------------------------------------------------------ */

static void open_database(struct app *app, const char *url)
{
    static const adb_function functions[] = {{.name = "rest", .function = rest}};
    const adb_options *teach = ADB_OPTIONS(.functions = functions, .n_functions = 1);
    adb_error error;
    if (adb_database_open(url, strncmp(url, "sqlite", 6) == 0 ? teach : NULL, &app->db, &error) != ADB_OK)
        stop(url, error.message);
    app->queue = adb_queue_new();
    if (app->queue == NULL || adb_glib_attach(NULL, app->queue, 0) != ADB_OK)
        stop("queue", strerror(errno));
    app->edits = adb_context_new(app->db, app->queue, 0);
    app->searches = adb_context_new(app->db, app->queue, 0);
    app->rests = adb_context_new(app->db, app->queue, 0);
}

/* What is under way is cancelled; its outcomes are dispatched once more, for what hangs on them. */
static bool close_database(struct app *app)
{
    adb_context_free(app->rests);
    adb_context_free(app->searches);
    adb_context_free(app->edits);
    const bool closed_well = adb_database_close(app->db, 5000) == ADB_OK;
    while (adb_queue_dispatch(app->queue, 0) > 0)
        ;
    adb_result_unref(app->found);
    adb_queue_free(app->queue);
    adb_database_free(app->db);
    return closed_well;
}

int main(int argc, char **argv)
{
    struct app app = {.blocking = argc > 1 && strcmp(argv[1], "--blocking") == 0};
    char **arguments = argv + 1 + app.blocking;
    const char *url = arguments[0] != NULL ? arguments[0] : "sqlite:///gtk_notes.db";
    app.file = arguments[0] != NULL && arguments[1] != NULL ? arguments[1] : "/usr/share/unicode/UnicodeData.txt";
    open_database(&app, url);
    GtkApplication *application = gtk_application_new("org.asyncdb.gtk_notes", G_APPLICATION_NON_UNIQUE);
    g_signal_connect_swapped(application, "activate", G_CALLBACK(on_activate), &app);
    const int status = g_application_run(G_APPLICATION(application), 0, NULL);
    const bool closed_well = close_database(&app);
    g_object_unref(application);
    return closed_well ? status : 1;
}
