/* SPDX-License-Identifier: BSD-3-Clause */
/* CUnit main and suite table for a test program. A test reads as a claim:
 *
 *     TEST(push_on_full_ring_reports_busy) { … CU_ASSERT_EQUAL(…); }
 *     SUITE(ready, CASE(push_on_full_ring_reports_busy), …)
 *
 * The program runs all tests, or those whose names are given as arguments. It exits with 0 when all passed, and its
 * last line reads "<suite>: N passed, N failed". */
#ifndef ADB_TESTS_HARNESS_H
#define ADB_TESTS_HARNESS_H

#include <CUnit/CUnit.h>
#include <stddef.h>

struct harness_case {
    const char *name;
    void (*run)(void);
};

#define TEST(name) static void name(void)
#define CASE(name) {#name, name}
#define SUITE(name, ...)                                                                      \
    int main(int argc, char **argv)                                                           \
    {                                                                                         \
        static const struct harness_case cases[] = {__VA_ARGS__};                             \
        return harness_main(#name, cases, sizeof(cases) / sizeof(cases[0]), argc, argv);      \
    }

/* Runs after each test, whether it came to its end or not; may be NULL. */
extern void (*harness_after_each)(void);

int harness_main(const char *suite, const struct harness_case *cases, size_t n_cases, int argc, char **argv);

/* Stop the test here when the condition does not hold: for what the rest of the test cannot do without. */
#define REQUIRE(condition) CU_ASSERT_FATAL(condition)

#endif
