/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocations by a preloaded shim, system calls by the kernel's trace points, memory by /proc, times by a list. */
#include "tests/bench/counters.h"
#include "tests/bench/bench.h"

#include <dlfcn.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* System calls ---------------------------------------------------------------------------------------------------- */

/* The own ones are those that no client library of ours makes while it runs a statement: they use sendto, recvfrom and
 * poll on threads of their own, and SQLite pread64, pwrite64 and fcntl. */
static const struct trace_point {
    const char *name;
    bool first_thread_only;
} trace_points[] = {
    {"raw_syscalls/sys_enter", false},
    {"syscalls/sys_enter_futex", false},
    {"syscalls/sys_enter_read", false},
    {"syscalls/sys_enter_write", false},
    {"syscalls/sys_enter_sched_yield", false},
    {"syscalls/sys_enter_poll", true},
    {"syscalls/sys_enter_ppoll", true},
    {"syscalls/sys_enter_epoll_wait", true},
    {"syscalls/sys_enter_epoll_pwait", true},
};

#define N_TRACE_POINTS (sizeof(trace_points) / sizeof(trace_points[0]))

static int trace_fds[N_TRACE_POINTS];
static uint64_t traced_before[N_TRACE_POINTS];

static long trace_point_id(const char *name)
{
    char path[128];
    long id = -1;
    snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    if (fscanf(file, "%ld", &id) != 1)
        id = -1;
    fclose(file);
    return id;
}

static int trace_point_open(const struct trace_point *point)
{
    const long id = trace_point_id(point->name);
    struct perf_event_attr attributes = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attributes)};
    if (id < 0)
        return -1;
    attributes.config = (uint64_t)id;
    attributes.inherit = !point->first_thread_only; /* the threads that will be started */
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static uint64_t trace_point_count(int fd)
{
    uint64_t count = 0;
    return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count : 0;
}

static void traced_until_now(uint64_t counts[N_TRACE_POINTS])
{
    for (size_t i = 0; i < N_TRACE_POINTS; i++)
        counts[i] = trace_fds[i] < 0 ? 0 : trace_point_count(trace_fds[i]);
}

static void count_calls(struct bench_counts *counts)
{
    uint64_t now[N_TRACE_POINTS];
    counts->calls = counts->calls_own = -1;
    if (trace_fds[0] < 0)
        return;
    traced_until_now(now);
    counts->calls = (double)(now[0] - traced_before[0]);
    counts->calls_own = 0;
    for (size_t i = 1; i < N_TRACE_POINTS; i++)
        counts->calls_own += (double)(now[i] - traced_before[i]);
}

/* Allocations ----------------------------------------------------------------------------------------------------- */

static void (*shim_count)(bool on);
static void (*shim_counts)(uint64_t *own_out, uint64_t *others_out);

static void shim_find(void *function_out, const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(function_out, &found, sizeof(found));
}

static void count_allocations(struct bench_counts *counts)
{
    uint64_t own, others;
    counts->allocations_own = counts->allocations_client = -1;
    if (shim_counts == NULL)
        return;
    shim_counts(&own, &others);
    counts->allocations_own = (double)own;
    counts->allocations_client = (double)others;
}

/* Both ------------------------------------------------------------------------------------------------------------ */

void bench_counters_open(void)
{
    for (size_t i = 0; i < N_TRACE_POINTS; i++)
        trace_fds[i] = trace_point_open(&trace_points[i]);
    shim_find(&shim_count, "bench_shim_count");
    shim_find(&shim_counts, "bench_shim_counts");
}

void bench_counters_start(void)
{
    traced_until_now(traced_before);
    if (shim_count != NULL)
        shim_count(true);
}

struct bench_counts bench_counters_stop(void)
{
    struct bench_counts counts;
    count_calls(&counts);
    count_allocations(&counts);
    if (shim_count != NULL)
        shim_count(false);
    return counts;
}

/* Latency --------------------------------------------------------------------------------------------------------- */

static float *samples; /* microseconds */
static size_t n_samples_most;
static _Atomic size_t n_samples;

static int64_t nanoseconds(void)
{
    return (int64_t)(bench_seconds() * 1e9);
}

void bench_latency_start(size_t capacity)
{
    samples = calloc(capacity, sizeof(*samples));
    BENCH_CHECK(samples != NULL);
    n_samples_most = capacity;
    atomic_store(&n_samples, 0);
}

int64_t bench_latency_begin(void)
{
    return samples == NULL ? 0 : nanoseconds();
}

void bench_latency_end(int64_t begun)
{
    if (samples == NULL || begun == 0)
        return;
    const size_t place = atomic_fetch_add_explicit(&n_samples, 1, memory_order_relaxed);
    if (place < n_samples_most)
        samples[place] = (float)(nanoseconds() - begun) / 1e3f;
}

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a;
    const float right = *(const float *)b;
    return (left > right) - (left < right);
}

struct bench_latency bench_latency_stop(void)
{
    struct bench_latency latency = {-1, -1, -1};
    size_t n = atomic_load(&n_samples);
    n = n < n_samples_most ? n : n_samples_most;
    if (n > 0) {
        qsort(samples, n, sizeof(*samples), compare_floats);
        latency = (struct bench_latency){(double)samples[n / 2], (double)samples[n * 99 / 100],
                                         (double)samples[n * 999 / 1000]};
    }
    free(samples);
    samples = NULL;
    return latency;
}

/* Memory ---------------------------------------------------------------------------------------------------------- */

/* A line of /proc/self/status (proc(5)), in MiB. */
static double status_mib(const char *key)
{
    char line[256];
    double kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    BENCH_CHECK(status != NULL);
    while (kib < 0 && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtod(line + strlen(key), NULL);
    }
    fclose(status);
    BENCH_CHECK(kib >= 0);
    return kib / 1024;
}

double bench_peak_mib(void)
{
    return status_mib("VmHWM:");
}

double bench_resident_mib(void)
{
    return status_mib("VmRSS:");
}

void bench_peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL)
        return; /* then the peak is that of the whole life */
    fputs("5", file);
    fclose(file);
}
