/* SPDX-License-Identifier: BSD-3-Clause */
/* A real import: the Unicode character table, some 35,000 rows of 15 fields, in batches of which a few are always under
 * way. Then it is written once more, into a second table; meanwhile three questions about the first are asked at once,
 * and each answer is printed when it comes, long before the second import has ended.
 *
 * Run: import [URL [FILE [WORD]]]
 *   URL   default: sqlite:///import.db
 *   FILE  default: /usr/share/unicode/UnicodeData.txt (Debian package unicode-data)
 *   WORD  in the names to look for, default: SNOWMAN
 * It ends with 77 when there is no FILE. */
#include <asyncdb.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_FIELDS      15
#define BATCH_ROWS    500
#define BATCHES_AHEAD 4 /* enough that the database never waits for us */
#define BAR_WIDTH     40
#define COLUMNS                                                                                                       \
    "(code INTEGER PRIMARY KEY, name VARCHAR(120), category VARCHAR(2), combining INTEGER, bidi VARCHAR(3), "         \
    "decomposition VARCHAR(200), decimal_value VARCHAR(10), digit_value VARCHAR(10), numeric_value VARCHAR(20), "     \
    "mirrored VARCHAR(1), old_name VARCHAR(120), remark VARCHAR(120), upper_code VARCHAR(6), lower_code VARCHAR(6), " \
    "title_code VARCHAR(6))"
#define PLACEHOLDERS "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* The file in memory, cut into fields; an empty field is NULL. */
struct source {
    char *text;
    char *(*rows)[N_FIELDS];
    size_t n_rows;
};

struct import {
    const struct source *source;
    adb_context *ctx;
    const char *title;
    const char *insert;
    size_t n_submitted;
    size_t n_written;
};

struct question {
    const char *title;
    const char *sql;
    const struct import *meanwhile;
    size_t answered_at; /* rows that the other import had written */
};

static const struct import *shown; /* the import whose bar stands in the last line of the terminal */

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "\n%s: %s\n", what, why);
    exit(1);
}

static void submitted(const adb_context *ctx, adb_job job)
{
    if (job == 0)
        stop("refused", adb_context_error(ctx)->message);
}

static void on_done(adb_result *result, void *user_data)
{
    (void)user_data;
    if (adb_result_status(result) != ADB_OK)
        stop(adb_status_name(adb_result_status(result)), adb_result_error(result)->message);
}

/* The file --------------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s (Debian package unicode-data has it)\n", path, strerror(errno));
        exit(77);
    }
    const long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *text = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(file);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size)
        stop(path, "cannot be read");
    text[size] = '\0';
    fclose(file);
    return text;
}

/* Cut one line into its fields, in place. Returns the start of the next one. */
static char *cut_line(char *line, char *fields[N_FIELDS])
{
    char *next = line + strcspn(line, "\n");
    if (*next != '\0')
        *next++ = '\0';
    for (size_t i = 0; i < N_FIELDS; i++) {
        const size_t size = strcspn(line, ";");
        if ((line[size] == ';') != (i < N_FIELDS - 1))
            stop(fields[0] != NULL ? fields[0] : line, "this line has not 15 fields");
        line[size] = '\0';
        fields[i] = size > 0 ? line : NULL;
        line += size + 1;
    }
    return next;
}

static struct source read_source(const char *path)
{
    struct source source = {.text = read_file(path)};
    size_t n_lines = 0;
    for (const char *c = source.text; *c != '\0'; c++)
        n_lines += *c == '\n';
    source.rows = calloc(n_lines + 1, sizeof(*source.rows));
    if (source.rows == NULL)
        stop(path, "no memory");
    for (char *line = source.text; *line != '\0'; source.n_rows++)
        line = cut_line(line, source.rows[source.n_rows]);
    return source;
}

/* Progress --------------------------------------------------------------------------------------------------------- */

/* On a terminal a bar that grows, elsewhere a line for each quarter. */
static void show_progress(const struct import *import, size_t n_new)
{
    const size_t total = import->source->n_rows;
    const size_t quarter = total / 4 + 1;
    const int width = total == 0 ? BAR_WIDTH : (int)(import->n_written * BAR_WIDTH / total);
    if (isatty(STDOUT_FILENO)) {
        printf("\r%-10s [%.*s%*s] %zu of %zu", import->title, width, "########################################",
               BAR_WIDTH - width, "", import->n_written, total);
        shown = import->n_written < total ? import : NULL;
        if (shown == NULL)
            printf("\n");
    } else if (import->n_written / quarter != (import->n_written - n_new) / quarter || import->n_written == total) {
        printf("%s: %zu of %zu rows\n", import->title, import->n_written, total);
    }
    fflush(stdout);
}

/* Other output takes the place of the bar, which comes back with the next batch. */
static void hide_progress(void)
{
    if (shown != NULL)
        printf("\r%*s\r", BAR_WIDTH + 40, "");
    shown = NULL;
}

/* Import ----------------------------------------------------------------------------------------------------------- */

static void on_batch_written(adb_result *result, void *user_data);

/* Code and combining class are numbers, all others text. */
static adb_value field_value(size_t field, const char *text)
{
    if (text == NULL || (field != 0 && field != 3))
        return adb_text(text);
    return adb_int((int64_t)strtol(text, NULL, field == 0 ? 16 : 10));
}

/* The library copies the values: one buffer is enough for all batches. */
static void submit_batch(struct import *import)
{
    static adb_param params[BATCH_ROWS][N_FIELDS];
    adb_params sets[BATCH_ROWS];
    size_t n = 0;
    for (; n < BATCH_ROWS && import->n_submitted < import->source->n_rows; n++, import->n_submitted++) {
        for (size_t i = 0; i < N_FIELDS; i++)
            params[n][i] = (adb_param){NULL, field_value(i, import->source->rows[import->n_submitted][i])};
        sets[n] = (adb_params){params[n], N_FIELDS};
    }
    if (n > 0)
        submitted(import->ctx, adb_execute_many(import->ctx, import->insert, sets, n, on_batch_written, import));
}

/* Each batch that was written makes room for the next. */
static void on_batch_written(adb_result *result, void *user_data)
{
    struct import *import = user_data;
    const size_t n = adb_result_affected(result) > 0 ? (size_t)adb_result_affected(result) : 0;
    on_done(result, NULL);
    import->n_written += n;
    show_progress(import, n);
    submit_batch(import);
}

static void start_import(struct import *import, const char *drop, const char *create)
{
    submitted(import->ctx, adb_execute(import->ctx, drop, NULL, on_done, NULL));
    submitted(import->ctx, adb_execute(import->ctx, create, NULL, on_done, NULL));
    for (int i = 0; i < BATCHES_AHEAD; i++)
        submit_batch(import);
}

/* Questions -------------------------------------------------------------------------------------------------------- */

/* Its number, itself in UTF-8, its name. */
static void print_character(int64_t code, const char *name)
{
    const unsigned c = (unsigned)code;
    printf("  U+%04X  ", c);
    if (c < 0x80)
        printf("%c", (char)c);
    else if (c < 0x800)
        printf("%c%c", 0xC0 | c >> 6, 0x80 | (c & 0x3F));
    else if (c < 0x10000)
        printf("%c%c%c", 0xE0 | c >> 12, 0x80 | (c >> 6 & 0x3F), 0x80 | (c & 0x3F));
    else
        printf("%c%c%c%c", 0xF0 | c >> 18, 0x80 | (c >> 12 & 0x3F), 0x80 | (c >> 6 & 0x3F), 0x80 | (c & 0x3F));
    printf("  %s\n", name);
}

/* A text and a number; a number named "code" is a character. */
static void on_answer(adb_result *result, void *user_data)
{
    struct question *question = user_data;
    on_done(result, NULL);
    hide_progress();
    question->answered_at = question->meanwhile->n_written;
    printf("\n%s (the second import is at %zu of %zu rows)\n", question->title, question->answered_at,
           question->meanwhile->source->n_rows);
    const bool is_code = adb_result_column_index(result, "code") == 1;
    for (size_t i = 0; i < adb_result_rows(result); i++) {
        const adb_row row = adb_result_row(result, i);
        if (is_code)
            print_character(adb_row_int(row, 1), adb_row_text(row, 0));
        else
            printf("  %s  %6" PRId64 "\n", adb_row_text(row, 0), adb_row_int(row, 1));
    }
    fflush(stdout);
}

static void ask(adb_context *ctx, struct question *questions, const char *word)
{
    char pattern[80];
    snprintf(pattern, sizeof(pattern), "%%%.70s%%", word);
    const adb_params *params = ADB_PARAMS({"pattern", adb_text(pattern)});
    for (size_t i = 0; i < 3; i++)
        submitted(ctx, adb_fetch_all(ctx, questions[i].sql, i == 2 ? params : NULL, on_answer, &questions[i]));
}

/* The program ------------------------------------------------------------------------------------------------------ */

static void run(adb_queue *queue, const adb_context *a, const adb_context *b)
{
    while (adb_context_pending(a) + adb_context_pending(b) > 0) {
        if (adb_queue_wait(queue, -1) != ADB_OK)
            stop("queue", "cannot wait");
        adb_queue_dispatch(queue, 0);
    }
}

static void import_and_ask(adb_database *db, adb_queue *queue, const struct source *source, const char *word)
{
    adb_context *writer = adb_context_new(db, queue, 0);
    adb_context *asker = adb_context_new(db, queue, ADB_CONTEXT_PARALLEL);
    struct import first = {source, writer, "characters", "INSERT INTO characters VALUES " PLACEHOLDERS, 0, 0};
    struct import second = {source, writer, "copy", "INSERT INTO copy VALUES " PLACEHOLDERS, 0, 0};
    int n_early = 0;
    struct question questions[] = {
        {"Letters by category", "SELECT category, COUNT(*) AS n FROM characters WHERE category LIKE 'L%' "
                                "GROUP BY category ORDER BY n DESC", &second, 0},
        {"The ten longest names", "SELECT name, code FROM characters ORDER BY LENGTH(name) DESC, code LIMIT 10",
         &second, 0},
        {"Found by name", "SELECT name, code FROM characters WHERE name LIKE :pattern ORDER BY code", &second, 0},
    };
    start_import(&first, "DROP TABLE IF EXISTS characters", "CREATE TABLE characters " COLUMNS);
    run(queue, writer, asker);
    start_import(&second, "DROP TABLE IF EXISTS copy", "CREATE TABLE copy " COLUMNS);
    ask(asker, questions, word);
    run(queue, writer, asker);
    for (size_t i = 0; i < 3; i++)
        n_early += questions[i].answered_at < source->n_rows;
    printf("\n%zu rows twice; %d of 3 answers came before the second import had ended\n", source->n_rows, n_early);
    adb_context_free(asker);
    adb_context_free(writer);
}

int main(int argc, char **argv)
{
    adb_error error;
    adb_database *db;
    struct source source = read_source(argc > 2 ? argv[2] : "/usr/share/unicode/UnicodeData.txt");
    if (adb_database_open(argc > 1 ? argv[1] : "sqlite:///import.db", NULL, &db, &error) != ADB_OK)
        stop("cannot open", error.message);
    adb_queue *queue = adb_queue_new();
    if (queue == NULL)
        stop("queue", strerror(errno));
    import_and_ask(db, queue, &source, argc > 3 ? argv[3] : "SNOWMAN");
    adb_queue_free(queue);
    const bool closed_well = adb_database_close(db, 5000) == ADB_OK;
    adb_database_free(db);
    free(source.rows);
    free(source.text);
    return closed_well ? 0 : 1;
}
