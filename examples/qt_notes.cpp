/* SPDX-License-Identifier: BSD-3-Clause */
/* A window of Qt 6 that never freezes: the smaller twin of gtk_notes.c, in C++17. The Unicode character table, searched
 * with each key that is typed, and notes on its characters. Signals submit jobs, and adb_qt_attach() has what they bring
 * delivered on the window's thread, to methods of the window. The thing to look at is that nothing here waits.
 *
 *   search()      a search; the one before is cancelled, and what it still brings is not shown
 *   save()        a transaction of several statements, on a worker
 *   rest()        a query of ten seconds; meanwhile all else works, and Cancel ends it
 *   tick()        measures how long the loop has stood still at most, and counts the frames that came too late by it
 *   --blocking    the same program, which waits for each job with adb_wait(), as one that has no asyncdb does
 *
 * After each frame that shows something new it prints what that is, in one line, for tests/gui.
 *
 * Run: qt_notes [--blocking] [URL [FILE]]
 *   URL   default: sqlite:///qt_notes.db
 *   FILE  default: /usr/share/unicode/UnicodeData.txt (Debian package unicode-data); imported the first time */
#include <asyncdb.h>
#include <asyncdb/adapters/qt.h>

#include <QApplication>
#include <QBoxLayout>
#include <QElapsedTimer>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QProgressBar>
#include <QPushButton>
#include <QShortcut>
#include <QSignalBlocker>
#include <QThread>
#include <QTimer>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

static const char create_characters[] =
    "CREATE TABLE IF NOT EXISTS qt_characters (code INTEGER PRIMARY KEY, name VARCHAR(127) NOT NULL)";
static const char create_notes[] =
    "CREATE TABLE IF NOT EXISTS qt_notes (code INTEGER PRIMARY KEY, text VARCHAR(1000) NOT NULL, revision INTEGER)";
static const char search_sql[] =
    "SELECT c.code, c.name, n.text FROM qt_characters c LEFT JOIN qt_notes n ON n.code = c.code "
    "WHERE c.name LIKE :pattern OR UPPER(n.text) LIKE :pattern ORDER BY c.code LIMIT 200";
static const char delete_sql[] = "DELETE FROM qt_notes WHERE code = :code";
static const char update_sql[] = "UPDATE qt_notes SET text = :text, revision = revision + 1 WHERE code = :code";
static const char insert_sql[] = "INSERT INTO qt_notes (code, text, revision) VALUES (:code, :text, 1)";

enum { COLUMN_CODE, COLUMN_NAME, COLUMN_NOTE };

[[noreturn]] static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* A result is given back when its owner goes. */
struct unref {
    void operator()(adb_result *result) const
    {
        adb_result_unref(result);
    }
};
using owned_result = std::unique_ptr<adb_result, unref>;

/* On workers ------------------------------------------------------------------------------------------------------- */

static adb_status execute(adb_session *session, const char *sql, const adb_params *params)
{
    return adb_result_status(owned_result(adb_session_execute(session, sql, params)).get());
}

/* A line is the code in hexadecimal, the name, and more that is of no interest here. All of them, or none. */
static adb_status insert_lines(adb_session *session, const QList<QByteArray> &lines)
{
    std::vector<adb_param> values(2 * size_t(lines.size()));
    std::vector<adb_params> sets;
    for (const QByteArray &line : lines) {
        const qsizetype name = line.indexOf(';') + 1, end = line.indexOf(';', name);
        if (end < 0)
            continue;
        adb_param *set = &values[2 * sets.size()];
        set[0].value = adb_int(line.left(name - 1).toLongLong(nullptr, 16));
        set[1].value = adb_text_n(line.constData() + name, size_t(end - name));
        sets.push_back({set, 2});
    }
    const owned_result inserted(
        adb_session_execute_many(session, "INSERT INTO qt_characters VALUES (?, ?)", sets.data(), sets.size()));
    return adb_result_status(inserted.get());
}

/* A worker may well wait for files. */
static adb_status import(adb_session *session, const QString &file_name)
{
    if (execute(session, create_characters, nullptr) != ADB_OK || execute(session, create_notes, nullptr) != ADB_OK)
        return adb_session_error(session)->status;
    const owned_result any(adb_session_fetch_one(session, "SELECT code FROM qt_characters LIMIT 1", nullptr));
    if (adb_result_status(any.get()) != ADB_OK || adb_result_rows(any.get()) > 0)
        return adb_result_status(any.get());
    QFile file(file_name);
    if (!file.open(QIODevice::ReadOnly))
        return adb_session_fail(session, ADB_E_IO, "no UnicodeData.txt (Debian package unicode-data has it)");
    return insert_lines(session, file.readAll().split('\n'));
}

class Window;

/* A note to be written, or to be removed. */
struct edit {
    Window *window;
    int64_t code;
    QByteArray text;
    bool removes;
};

/* In a transaction: nobody sees half of it, and nothing of it stays when it fails. */
static adb_status save_note(adb_session *session, void *data)
{
    const edit *note = static_cast<const edit *>(data);
    const adb_param params[] = {{"code", adb_int(note->code)}, {"text", adb_text(note->text.constData())}};
    const adb_params both = {params, 2};
    if (note->removes)
        return execute(session, delete_sql, ADB_PARAMS({"code", adb_int(note->code)}));
    const owned_result updated(adb_session_execute(session, update_sql, &both));
    const bool is_new = adb_result_status(updated.get()) == ADB_OK && adb_result_affected(updated.get()) == 0;
    return is_new ? execute(session, insert_sql, &both) : adb_result_status(updated.get());
}

/* SQLite cannot sleep: it is taught to. A function of SQL: one hundredth of a second of nothing. */
static void rest_a_little(adb_function_call *call, const adb_value *, size_t, void *)
{
    QThread::msleep(10);
    adb_function_return(call, adb_int(10));
}

static const char *rest_sql(const QByteArray &driver)
{
    if (driver == "postgresql")
        return "SELECT 1 FROM pg_sleep(10)";
    if (driver == "mysql")
        return "SELECT SLEEP(10)";
    return "WITH RECURSIVE slices (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM slices WHERE n < 1000) "
           "SELECT SUM(rest()) FROM slices";
}

/* The window ------------------------------------------------------------------------------------------------------- */

class Window final : public QWidget
{
public:
    Window(const char *url, const QString &file_name, bool waits) : blocking(waits), file(file_name)
    {
        open(url);
        fill();
        resize(640, 480);
    }

    void begin();
    bool end();

protected:
    bool event(QEvent *event) override;

private:
    void open(const char *url);
    void fill();
    template <typename Widget> Widget *add(QBoxLayout *row, Widget *widget, int stretch = 0);
    QLineEdit *add_entry(QBoxLayout *row, const QString &title);
    void add_button(QBoxLayout *row, const QString &title, void (Window::*clicked)());

    void tick();
    void changed();
    void say(const QString &text);
    void print_state() const;
    void submitted(adb_context *ctx, adb_job job);
    bool ended_well(adb_result *result);

    void search();
    void show_rows(adb_result *result);
    void show_chosen();
    void save();
    void remove();
    void submit_edit(bool removes);
    void rest();
    void cancel();

    /* Outcomes, which come on this thread. An adb_done_cb is made of such a method: to<&Window::on_found>. */
    void on_imported(adb_result *result);
    void on_found(adb_result *result);
    void on_rested(adb_result *result);
    void on_edited(adb_result *result, const edit &note);

    template <void (Window::*method)(adb_result *)> static void to(adb_result *result, void *window)
    {
        (static_cast<Window *>(window)->*method)(result);
    }

    const bool blocking;
    const QString file;
    adb_database *db = nullptr;
    adb_queue *queue = nullptr;
    adb_context *edits = nullptr; /* Each context is a lane: neither edits nor searches wait behind the ten seconds. */
    adb_context *searches = nullptr;
    adb_context *rests = nullptr;
    adb_job latest = 0; /* search */
    adb_job resting = 0;
    owned_result found; /* what the list shows */
    unsigned n_jobs = 0;
    bool closing = false;

    QLineEdit *entry, *note;
    QProgressBar *spinner;
    QListWidget *list;
    QLabel *chosen, *message, *stall;
    bool news = false; /* since the last frame */

    QElapsedTimer since_tick;
    qint64 longest_us = 0;
    qint64 n_late = 0;
};

void Window::print_state() const
{
    const QByteArray first = list->count() > 0 ? list->item(0)->text().toUtf8() : "";
    printf("jobs=%u late=%lld longest_ms=%lld search=\"%s\" rows=%d message=\"%s\" first=\"%s\" chosen=\"%s\"\n", n_jobs,
           n_late, longest_us / 1000, qPrintable(entry->text()), list->count(), qPrintable(message->text()),
           first.constData(), qPrintable(chosen->text()));
    fflush(stdout);
}

/* Something is to be seen: it is printed when the frame that shows it has been drawn. */
void Window::changed()
{
    spinner->setRange(0, n_jobs > 0 ? 0 : 1); /* without an end: it goes to and fro */
    news = true;
    update();
}

bool Window::event(QEvent *event)
{
    const bool known = QWidget::event(event);
    if (event->type() == QEvent::UpdateRequest && news) {
        news = false;
        print_state();
    }
    return known;
}

void Window::say(const QString &text)
{
    message->setText(text);
    changed();
}

/* Runs every 10 ms, or as soon as the loop gets to it. */
void Window::tick()
{
    const qint64 gap_us = since_tick.nsecsElapsed() / 1000;
    since_tick.restart();
    n_late += gap_us / 16667;
    if (gap_us > longest_us) {
        longest_us = gap_us;
        stall->setText(QString("Longest stall: %1 ms").arg(gap_us / 1000));
    }
}

/* Every job passes here when it is submitted. Only here the program may wait, and only to show how that is. */
void Window::submitted(adb_context *ctx, adb_job job)
{
    if (job == 0) {
        say(adb_context_error(ctx)->message);
        return;
    }
    n_jobs++;
    changed();
    if (blocking)
        adb_result_unref(adb_wait(ctx, job, -1));
}

/* Every job passes here when it is over: whether it went well, and the window still wants to know. */
bool Window::ended_well(adb_result *result)
{
    n_jobs--;
    if (closing)
        return false;
    changed();
    if (adb_result_status(result) != ADB_OK && adb_result_status(result) != ADB_E_CANCELLED)
        say(adb_result_error(result)->message);
    return adb_result_status(result) == ADB_OK;
}

/* Search ----------------------------------------------------------------------------------------------------------- */

static QString line_of(adb_row row)
{
    const char32_t code = char32_t(adb_row_int(row, COLUMN_CODE));
    const QString itself = QChar::isPrint(code) ? QString::fromUcs4(&code, 1) : QString(" ");
    const QString line = QString("U+%1  %2  %3").arg(QString::asprintf("%04X", unsigned(code)), itself,
                                                     adb_row_text(row, COLUMN_NAME));
    return adb_row_is_null(row, COLUMN_NOTE) ? line : line + ": " + adb_row_text(row, COLUMN_NOTE);
}

void Window::search()
{
    const QByteArray pattern = "%" + entry->text().toUpper().toUtf8() + "%";
    adb_cancel(searches, latest); /* nobody wants to know any more; if it is over, that is well too */
    latest = adb_fetch_all(searches, search_sql, ADB_PARAMS({"pattern", adb_text(pattern.constData())}),
                           to<&Window::on_found>, this);
    submitted(searches, latest);
}

void Window::on_found(adb_result *result)
{
    if (ended_well(result) && adb_result_job(result) == latest)
        show_rows(result);
}

/* The character that was chosen stays so when it is among the rows. */
void Window::show_rows(adb_result *result)
{
    const int before = list->currentRow();
    const int64_t code = before < 0 ? -1 : adb_row_int(adb_result_row(found.get(), size_t(before)), COLUMN_CODE);
    const QSignalBlocker quiet(list);
    found.reset(adb_result_ref(result)); /* kept: the form takes its rows from it */
    list->clear();
    for (size_t i = 0; i < adb_result_rows(result); i++) {
        const adb_row row = adb_result_row(result, i);
        list->addItem(line_of(row));
        if (i == 0 || adb_row_int(row, COLUMN_CODE) == code)
            list->setCurrentRow(int(i));
    }
    show_chosen();
}

void Window::show_chosen()
{
    const int i = list->currentRow();
    const bool any = i >= 0;
    const adb_row row = any ? adb_result_row(found.get(), size_t(i)) : adb_row();
    chosen->setText(any ? adb_row_text(row, COLUMN_NAME) : "");
    note->setText(any && !adb_row_is_null(row, COLUMN_NOTE) ? adb_row_text(row, COLUMN_NOTE) : "");
    note->setEnabled(any);
    changed();
}

/* Notes ------------------------------------------------------------------------------------------------------------ */

/* What the job works on lives until its outcome is there. */
void Window::submit_edit(bool removes)
{
    const int i = list->currentRow();
    if (i < 0)
        return;
    const adb_row row = adb_result_row(found.get(), size_t(i));
    auto work = std::make_unique<edit>(edit{this, adb_row_int(row, COLUMN_CODE), note->text().toUtf8(), removes});
    const adb_done_cb done = [](adb_result *result, void *ended_edit) {
        const std::unique_ptr<edit> ended(static_cast<edit *>(ended_edit));
        ended->window->on_edited(result, *ended);
    };
    const adb_job job = adb_transact(edits, ADB_TRANSACTION(.retries = 5), save_note, done, work.get());
    if (job != 0)
        work.release();
    submitted(edits, job);
}

void Window::on_edited(adb_result *result, const edit &ended)
{
    if (!ended_well(result))
        return;
    say(ended.removes ? "Note deleted" : "Note saved");
    search();
}

void Window::save()
{
    submit_edit(false);
}

void Window::remove()
{
    submit_edit(true);
}

/* Ten seconds ------------------------------------------------------------------------------------------------------ */

void Window::rest()
{
    if (resting != 0)
        return;
    say("A query of ten seconds");
    resting = adb_fetch_all(rests, rest_sql(adb_database_driver(db)), nullptr, to<&Window::on_rested>, this);
    submitted(rests, resting);
}

void Window::on_rested(adb_result *result)
{
    resting = 0;
    if (ended_well(result))
        say("Ten seconds are over");
    else if (!closing && adb_result_status(result) == ADB_E_CANCELLED)
        say("Cancelled");
}

void Window::cancel()
{
    adb_cancel(rests, resting);
}

/* From the first frame to the last --------------------------------------------------------------------------------- */

template <typename Widget> Widget *Window::add(QBoxLayout *row, Widget *widget, int stretch)
{
    row->addWidget(widget, stretch);
    return widget;
}

/* Behind its title, whose underlined letter brings one there. */
QLineEdit *Window::add_entry(QBoxLayout *row, const QString &title)
{
    QLabel *label = add(row, new QLabel(title));
    QLineEdit *made = add(row, new QLineEdit(), 1);
    label->setBuddy(made);
    return made;
}

void Window::add_button(QBoxLayout *row, const QString &title, void (Window::*clicked)())
{
    connect(add(row, new QPushButton(title)), &QPushButton::clicked, this, clicked);
}

void Window::fill()
{
    QVBoxLayout *column = new QVBoxLayout(this);
    QHBoxLayout *top = new QHBoxLayout(), *form = new QHBoxLayout(), *bottom = new QHBoxLayout();
    column->addLayout(top);
    entry = add_entry(top, "S&earch");
    spinner = add(top, new QProgressBar());
    spinner->setFixedWidth(80);
    spinner->setTextVisible(false);
    list = add(column, new QListWidget(), 1);
    list->setUniformItemSizes(true);
    list->setSpacing(2);
    chosen = add(column, new QLabel());
    column->addLayout(form);
    note = add_entry(form, "&Note");
    add_button(form, "&Save", &Window::save);
    add_button(form, "&Delete", &Window::remove);
    column->addLayout(bottom);
    add_button(bottom, "&Ten seconds", &Window::rest);
    add_button(bottom, "&Cancel", &Window::cancel);
    message = add(bottom, new QLabel(), 1);
    stall = add(bottom, new QLabel());
    setWindowTitle(blocking ? "Characters, blocking" : "Characters");

    connect(entry, &QLineEdit::textEdited, this, [this] {
        say("");
        search();
    });
    connect(list, &QListWidget::currentRowChanged, this, &Window::show_chosen);
    connect(note, &QLineEdit::returnPressed, this, &Window::save);
    connect(new QShortcut(QKeySequence::Quit, this), &QShortcut::activated, this, &QWidget::close);
}

void Window::open(const char *url)
{
    adb_function taught{};
    taught.name = "rest";
    taught.function = rest_a_little;
    adb_error error;
    const size_t n = QByteArray(url).startsWith("sqlite") ? 1 : 0;
    if (adb_database_open(url, ADB_OPTIONS(.functions = &taught, .n_functions = n), &db, &error) != ADB_OK)
        stop(url, error.message);
    queue = adb_queue_new();
    if (queue == nullptr || adb_qt_attach(this, queue, 0) != ADB_OK)
        stop("queue", "cannot be attached");
    edits = adb_context_new(db, queue, 0);
    searches = adb_context_new(db, queue, 0);
    rests = adb_context_new(db, queue, 0);
}

/* From the first frame on the loop is watched, and there is work. */
void Window::begin()
{
    QTimer *timer = new QTimer(this);
    connect(timer, &QTimer::timeout, this, &Window::tick);
    timer->setTimerType(Qt::PreciseTimer);
    timer->start(10);
    since_tick.start();
    say("Importing the characters");
    const adb_work_fn work = [](adb_session *session, void *window) {
        return import(session, static_cast<const Window *>(window)->file);
    };
    submitted(edits, adb_run(edits, work, to<&Window::on_imported>, this));
}

/* What is under way is cancelled; its outcomes are dispatched once more, for what hangs on them. */
bool Window::end()
{
    print_state();
    closing = true;
    adb_context_free(rests);
    adb_context_free(searches);
    adb_context_free(edits);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    while (adb_queue_dispatch(queue, 0) > 0) {
    }
    adb_queue_free(queue);
    adb_database_free(db);
    return closed_well;
}

void Window::on_imported(adb_result *result)
{
    if (!ended_well(result))
        return;
    say("");
    search();
}

int main(int argc, char **argv)
{
    QApplication application(argc, argv);
    QStringList arguments = application.arguments().mid(1);
    const bool blocking = arguments.removeAll("--blocking") > 0;
    const QByteArray url = arguments.value(0, "sqlite:///qt_notes.db").toUtf8();
    Window window(url.constData(), arguments.value(1, "/usr/share/unicode/UnicodeData.txt"), blocking);
    window.show();
    QTimer::singleShot(0, &window, [&window] { window.begin(); });
    const int status = application.exec();
    return window.end() ? status : 1;
}
