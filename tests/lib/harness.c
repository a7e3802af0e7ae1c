/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs one suite under CUnit and prints what failed, and one line with the counts. */
#include "tests/lib/harness.h"

#include <CUnit/Basic.h>
#include <CUnit/TestRun.h>

#include <stdio.h>
#include <string.h>

void (*harness_after_each)(void);

static int wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return 1;
    }
    return 0;
}

static void print_test(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
    (void)suite;
    for (CU_pFailureRecord f = failure; f != NULL; f = f->pNext)
        printf("%s:%u: %s: failed: %s\n", f->strFileName, f->uiLineNumber, test->pName, f->strCondition);
    printf("%s %s\n", failure == NULL ? "ok" : "not ok", test->pName);
    if (harness_after_each != NULL)
        harness_after_each();
}

int harness_main(const char *suite_name, const struct harness_case *cases, size_t n_cases, int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    if (suite == NULL)
        return 99;
    for (size_t i = 0; i < n_cases; i++) {
        if (wanted(cases[i].name, argc, argv) && CU_add_test(suite, cases[i].name, cases[i].run) == NULL)
            return 99;
    }
    CU_set_test_complete_handler(print_test);
    CU_run_all_tests();
    unsigned failed = CU_get_number_of_tests_failed();
    unsigned passed = CU_get_number_of_tests_run() - failed;
    CU_cleanup_registry();
    printf("%s: %u passed, %u failed\n", suite_name, passed, failed);
    return failed != 0 || passed == 0;
}
