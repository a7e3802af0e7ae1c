/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells a program which release it is running with, whatever headers it was compiled with. */
#include <asyncdb/version.h>

const char *adb_version(void)
{
    return ADB_VERSION_STRING;
}

int adb_version_number(void)
{
    return ADB_VERSION;
}
