/* SPDX-License-Identifier: BSD-3-Clause */
/* Contests: each way is counted alone, then all run in turn, and the medians and their ratios are printed.
 *
 * With ADB_BENCH_OUT, a folder, everything is added to its figures.csv and goals.csv too, from which report.py makes
 * tables and plots.
 *
 * A way that is a command is a program that prints one line: how many it did, seconds, seconds of processor, MiB of
 * memory at its peak, and the 50th, 99th and 99.9th percentile of the latency in microseconds. */
#include "tests/bench/contest.h"
#include "tests/bench/bench.h"
#include "tests/bench/counters.h"
#include "tests/bench/processors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MAX_PAIRS  101
#define LEAST_TIME 4.0 /* seconds: of quick work there are more rounds, as the system leaves threads where they are for a while */
#define TURN_TIME  0.5 /* seconds: and then other processes go on, as what lies where in memory is so for as long as one lives */
#define COUNT_TIME 0.5 /* seconds: and so long what it costs is counted */
#define COUNT_PROCESSES 3
#define PATH_BYTES 512

/* Of one way. */
struct score {
    double rates[MAX_PAIRS], cpus[MAX_PAIRS]; /* per second; microseconds of processor for each */
    struct bench_counts counts;               /* for each */
    struct bench_latency latency;
    double peak_mib;                          /* growth, from before it was opened */
};

/* Shared with the processes that measure. */
struct scores {
    struct score ways[BENCH_WAYS];
    double hops[MAX_PAIRS]; /* how far apart the processors were at the beginning of each round */
    size_t n_rounds;
    double seconds; /* that they took */
};

/* Of the contest at hand. */
static size_t n_rounds;

/* One run of a way: how many, and what they took. */
struct outcome {
    double n, seconds, cpu_seconds;
};

struct task {
    const struct bench_contest *contest;
    struct scores *scores;
    size_t way;
    unsigned n_counted; /* processes of this way, before this one */
};

size_t bench_pairs(void)
{
    const char *given = getenv("ADB_BENCH_PAIRS");
    long pairs = given != NULL ? strtol(given, NULL, 10) : 7;
    return pairs < 1 ? 1 : pairs > MAX_PAIRS ? MAX_PAIRS : (size_t)pairs;
}

bool bench_wanted(const char *id)
{
    const char *only = getenv("ADB_BENCH_ONLY");
    const size_t size = strlen(id);
    if (only == NULL || only[0] == '\0')
        return true;
    for (const char *at = only; (at = strstr(at, id)) != NULL; at++) {
        if ((at == only || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    }
    return false;
}

static bool way_exists(const struct bench_contest *contest, size_t way)
{
    return way < BENCH_WAYS && contest->ways[way].name != NULL &&
           (contest->ways[way].run != NULL || contest->ways[way].command != NULL);
}

/* Measuring ------------------------------------------------------------------------------------------------------- */

static double processor_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void *way_state(const struct bench_contest *contest, size_t way)
{
    return contest->ways[way].state != NULL ? contest->ways[way].state : contest->state;
}

static void way_open(const struct bench_contest *contest, size_t way)
{
    if (contest->ways[way].open != NULL)
        contest->ways[way].open(way_state(contest, way));
}

static void way_close(const struct bench_contest *contest, size_t way)
{
    if (contest->ways[way].close != NULL)
        contest->ways[way].close(way_state(contest, way));
}

static void way_prepare(const struct bench_contest *contest, size_t way)
{
    if (contest->ways[way].prepare != NULL)
        contest->ways[way].prepare(way_state(contest, way));
}

static struct outcome run_function(const struct bench_way *way, void *state)
{
    const double processor = processor_seconds();
    const double start = bench_seconds();
    const size_t n = way->run(state);
    return (struct outcome){(double)n, bench_seconds() - start, processor_seconds() - processor};
}

static struct outcome run_command(const struct bench_way *way, struct score *score)
{
    struct outcome outcome;
    FILE *output = popen(way->command, "r");
    BENCH_CHECK(output != NULL);
    BENCH_CHECK(fscanf(output, "%lf %lf %lf %lf %lf %lf %lf", &outcome.n, &outcome.seconds, &outcome.cpu_seconds,
                       &score->peak_mib, &score->latency.p50, &score->latency.p99, &score->latency.p999) == 7);
    BENCH_CHECK(pclose(output) == 0);
    return outcome;
}

static struct outcome run_way(const struct bench_contest *contest, size_t index, struct score *score)
{
    const struct bench_way *way = &contest->ways[index];
    return way->command != NULL ? run_command(way, score) : run_function(way, way_state(contest, index));
}

/* Of so many for each in the processes so far, and this one. */
static void count_mean(const struct task *task, double *mean, double count, double n)
{
    const double each = count < 0 ? -1 : count / n;
    *mean += (each - *mean) / (task->n_counted + 1);
}

/* What is quick and needs no preparing runs for a while, as what is counted depends on who meets whom. */
static double run_to_count(const struct task *task, struct score *score)
{
    const struct bench_way *way = &task->contest->ways[task->way];
    const bool once = way->command != NULL || way->prepare != NULL;
    const double begun = bench_seconds();
    double n = 0;
    do
        n += run_way(task->contest, task->way, score).n;
    while (!once && bench_seconds() - begun < COUNT_TIME);
    return n;
}

static void count_run(const struct task *task, struct score *score)
{
    way_prepare(task->contest, task->way);
    bench_counters_start();
    const double n = run_to_count(task, score);
    const struct bench_counts counts = bench_counters_stop();
    count_mean(task, &score->counts.allocations_own, counts.allocations_own, n);
    count_mean(task, &score->counts.allocations_client, counts.allocations_client, n);
    count_mean(task, &score->counts.calls, counts.calls, n);
    count_mean(task, &score->counts.calls_own, counts.calls_own, n);
    way_prepare(task->contest, task->way);
    bench_latency_start((size_t)n);
    run_way(task->contest, task->way, score);
    score->latency = bench_latency_stop();
}

/* In a process of its own, where nothing else has been. */
static void count_way(void *argument)
{
    const struct task *task = argument;
    struct score *score = &task->scores->ways[task->way];
    bench_counters_open();
    const double before = bench_resident_mib();
    bench_peak_reset();
    way_open(task->contest, task->way);
    way_prepare(task->contest, task->way);
    run_way(task->contest, task->way, score);
    score->peak_mib = bench_peak_mib() - before;
    count_run(task, score);
    way_close(task->contest, task->way);
}

/* What is counted, too, depends on luck that lasts as long as a process. */
static void count_processes(struct task *task)
{
    for (task->n_counted = 0; task->n_counted < COUNT_PROCESSES; task->n_counted++)
        bench_isolate(count_way, task);
}

/* Nobody is always the first, nor always behind the same one, whose work may leave the server something to do. */
static size_t way_at(size_t round, size_t turn)
{
    const size_t from_first = round % 2 == 0 ? turn : BENCH_WAYS - 1 - turn;
    return (from_first + round / 2) % BENCH_WAYS;
}

static void time_round(const struct task *task, size_t round)
{
    task->scores->hops[round] = bench_hop_ns();
    for (size_t i = 0; i < BENCH_WAYS; i++) {
        const size_t way = way_at(round, i);
        struct score *score = &task->scores->ways[way];
        if (!way_exists(task->contest, way))
            continue;
        way_prepare(task->contest, way);
        const struct outcome outcome = run_way(task->contest, way, score);
        score->rates[round] = outcome.n / outcome.seconds;
        score->cpus[round] = outcome.cpu_seconds / outcome.n * 1e6;
    }
}

static bool wants_rounds(const struct scores *scores)
{
    return scores->n_rounds < bench_pairs() || (scores->n_rounds < MAX_PAIRS && scores->seconds < LEAST_TIME);
}

/* In other ones, all of them. The first round is for warmth, and overwritten; where that is long, there is one process
 * for all. */
static void time_ways(void *argument)
{
    const struct task *task = argument;
    struct scores *scores = task->scores;
    for (size_t i = 0; i < BENCH_WAYS; i++) {
        if (way_exists(task->contest, i))
            way_open(task->contest, i);
    }
    double begun = bench_seconds();
    time_round(task, scores->n_rounds);
    const bool is_long = bench_seconds() - begun > TURN_TIME / 4;
    const double before = scores->seconds;
    begun = bench_seconds();
    do {
        time_round(task, scores->n_rounds++);
        scores->seconds = before + bench_seconds() - begun;
    } while (wants_rounds(scores) && (is_long || scores->seconds - before < TURN_TIME));
    for (size_t i = 0; i < BENCH_WAYS; i++) {
        if (way_exists(task->contest, i))
            way_close(task->contest, i);
    }
}

/* Medians --------------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(const double *values)
{
    double sorted[MAX_PAIRS];
    const size_t n = n_rounds;
    memcpy(sorted, values, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare_doubles);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Of the ratios of the rounds: what is slow for a while is so for both. */
static double median_ratio(const double *ours, const double *others)
{
    double ratios[MAX_PAIRS];
    for (size_t i = 0; i < n_rounds; i++)
        ratios[i] = ours[i] / others[i];
    return median(ratios);
}

/* Printing -------------------------------------------------------------------------------------------------------- */

/* With three digits that count. */
static void print_number(const char *before, double number, const char *after)
{
    printf("%s%.*f%s", before, number < 10 ? 2 : number < 100 ? 1 : 0, number, after);
}

static void print_latency(const struct bench_latency *latency)
{
    const bool is_long = latency->p50 >= 1000;
    const double unit = is_long ? 1000 : 1;
    if (latency->p50 < 0)
        return;
    print_number("  p50 ", latency->p50 / unit, "");
    print_number(" p99 ", latency->p99 / unit, "");
    print_number(" p99.9 ", latency->p999 / unit, is_long ? " ms" : " us");
}

static void print_way(const struct bench_contest *contest, const struct scores *scores, size_t way)
{
    const struct score *score = &scores->ways[way];
    printf("  %-28s %10.0f/s", contest->ways[way].name, median(score->rates));
    if (way == 0)
        printf("        ");
    else
        printf(" x %5.2f", median_ratio(scores->ways[0].rates, score->rates));
    print_number("  cpu ", median(score->cpus), " us");
    if (score->counts.allocations_own >= 0)
        printf("  allocs %.2f + %.2f", score->counts.allocations_own, score->counts.allocations_client);
    if (score->counts.calls >= 0)
        printf("  calls %.2f (own %.2f)", score->counts.calls, score->counts.calls_own);
    printf("  %+.1f MiB", score->peak_mib);
    print_latency(&score->latency);
    printf("\n");
}

static void print_hops(const double *hops)
{
    double sorted[MAX_PAIRS];
    memcpy(sorted, hops, n_rounds * sizeof(*sorted));
    qsort(sorted, n_rounds, sizeof(*sorted), compare_doubles);
    if (sorted[0] >= 0)
        printf("  (a line of the cache took %.0f ns from one processor to another, from %.0f to %.0f)\n", median(hops),
               sorted[0], sorted[n_rounds - 1]);
}

/* Append a line to a file of ADB_BENCH_OUT; NULL when there is none. */
static FILE *book_open(const char *name)
{
    char path[PATH_BYTES];
    const char *folder = getenv("ADB_BENCH_OUT");
    if (folder == NULL)
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *book = fopen(path, "a");
    BENCH_CHECK(book != NULL);
    return book;
}

static void write_figure(FILE *book, const struct bench_contest *contest, size_t way, const char *measure, size_t round,
                         double value)
{
    fprintf(book, "%s,\"%s\",\"%s\",%s,%zu,%.6g\n", contest->id, contest->name, contest->ways[way].name, measure, round,
            value);
}

static void write_way(FILE *book, const struct bench_contest *contest, const struct score *score, size_t way)
{
    const struct {
        const char *measure;
        double value;
    } singles[] = {
        {"allocations_own", score->counts.allocations_own}, {"allocations_client", score->counts.allocations_client},
        {"calls", score->counts.calls},                     {"calls_own", score->counts.calls_own},
        {"peak_mib", score->peak_mib},                      {"p50_us", score->latency.p50},
        {"p99_us", score->latency.p99},                     {"p999_us", score->latency.p999},
    };
    for (size_t round = 0; round < n_rounds; round++) {
        write_figure(book, contest, way, "rate", round + 1, score->rates[round]);
        write_figure(book, contest, way, "cpu_us", round + 1, score->cpus[round]);
    }
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
        if (singles[i].value >= 0)
            write_figure(book, contest, way, singles[i].measure, 0, singles[i].value);
    }
}

static void write_figures(const struct bench_contest *contest, const struct scores *scores)
{
    FILE *book = book_open("figures.csv");
    if (book == NULL)
        return;
    for (size_t way = 0; way < BENCH_WAYS; way++) {
        if (way_exists(contest, way))
            write_way(book, contest, &scores->ways[way], way);
    }
    for (size_t round = 0; round < n_rounds; round++)
        write_figure(book, contest, 0, "hop_ns", round + 1, scores->hops[round]);
    fclose(book);
}

/* Goals ----------------------------------------------------------------------------------------------------------- */

void bench_goal(const char *id, const char *name, const char *what, double value, double bound, bool at_most)
{
    const bool held = at_most ? value <= bound : value >= bound;
    printf("  %s: %.3g %s, wanted %s %.3g: %s\n", id, value, what, at_most ? "at most" : "at least", bound,
           held ? "held" : "MISSED");
    fflush(stdout);
    FILE *book = book_open("goals.csv");
    if (book == NULL)
        return;
    fprintf(book, "%s,\"%s\",\"%s\",%.6g,%s,%.6g,%s\n", id, name, what, value, at_most ? "at most" : "at least", bound,
            held ? "held" : "missed");
    fclose(book);
}

/* The least of the medians to the most. */
static double flatness(const struct scores *scores, size_t n_ways, bool of_cpu)
{
    double least = 0, most = 0;
    for (size_t i = 0; i < n_ways; i++) {
        const double value = median(of_cpu ? scores->ways[i].cpus : scores->ways[i].rates);
        least = i == 0 || value < least ? value : least;
        most = value > most ? value : most;
    }
    return least / most;
}

/* -1: it cannot be told here. */
static double goal_value(const struct bench_goal *goal, const struct scores *scores)
{
    const struct score *ours = &scores->ways[0];
    const double scale = goal->scale > 0 ? goal->scale : 1;
    switch (goal->measure) {
    case BENCH_RATE: return scale * median_ratio(ours->rates, scores->ways[goal->against].rates);
    case BENCH_CPU: return scale * median_ratio(ours->cpus, scores->ways[goal->against].cpus);
    case BENCH_FLAT: return flatness(scores, goal->against, false);
    case BENCH_FLAT_CPU: return flatness(scores, goal->against, true);
    case BENCH_ALLOCATIONS: return ours->counts.allocations_own;
    case BENCH_CALLS: return ours->counts.calls_own;
    case BENCH_PEAK: return ours->peak_mib;
    }
    return -1;
}

static void goal_print(const struct bench_contest *contest, const struct scores *scores, const struct bench_goal *goal)
{
    static const char *const units[] = {
        [BENCH_RATE] = "times the rate of",
        [BENCH_CPU] = "times the CPU of",
        [BENCH_FLAT] = "from the slowest to the fastest",
        [BENCH_FLAT_CPU] = "from the cheapest to the dearest",
        [BENCH_ALLOCATIONS] = "own allocations each",
        [BENCH_CALLS] = "own system calls each",
        [BENCH_PEAK] = "MiB of growth",
    };
    char what[128];
    const bool to_another = goal->measure == BENCH_RATE || goal->measure == BENCH_CPU;
    const bool at_most = goal->measure != BENCH_RATE && goal->measure != BENCH_FLAT && goal->measure != BENCH_FLAT_CPU;
    const double value = goal_value(goal, scores);
    if (value < 0 || (to_another && !way_exists(contest, goal->against)))
        return;
    snprintf(what, sizeof(what), "%s%s%s%s", units[goal->measure], to_another ? " " : "",
             to_another ? contest->ways[goal->against].name : "", goal->scale > 0 ? ", scaled" : "");
    bench_goal(goal->id, contest->name, what, value, goal->bound, at_most);
}

static void print_contest(const struct bench_contest *contest, const struct scores *scores)
{
    for (size_t i = 0; i < BENCH_WAYS; i++) {
        if (way_exists(contest, i))
            print_way(contest, scores, i);
    }
    print_hops(scores->hops);
    for (size_t i = 0; i < BENCH_GOALS && contest->goals[i].id != NULL; i++)
        goal_print(contest, scores, &contest->goals[i]);
    printf("\n");
    fflush(stdout);
}

void bench_compare(const struct bench_contest *contest)
{
    if (!bench_wanted(contest->id))
        return;
    struct task task = {.contest = contest};
    task.scores = mmap(NULL, sizeof(*task.scores), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BENCH_CHECK(task.scores != MAP_FAILED);
    printf("%s  %s\n", contest->id, contest->name);
    for (task.way = 0; task.way < BENCH_WAYS; task.way++) {
        struct score *score = &task.scores->ways[task.way];
        score->counts = (struct bench_counts){-1, -1, -1, -1};
        score->latency = (struct bench_latency){-1, -1, -1};
        if (way_exists(contest, task.way) && contest->ways[task.way].command == NULL)
            count_processes(&task);
    }
    while (wants_rounds(task.scores))
        bench_isolate(time_ways, &task);
    n_rounds = task.scores->n_rounds;
    print_contest(contest, task.scores);
    write_figures(contest, task.scores);
    munmap(task.scores, sizeof(*task.scores));
}
