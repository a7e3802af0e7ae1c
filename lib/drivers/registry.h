/* SPDX-License-Identifier: BSD-3-Clause */
/* The drivers of this build: lookup by URL. The only place that names concrete drivers. */
#ifndef ADB_DRIVERS_REGISTRY_H
#define ADB_DRIVERS_REGISTRY_H

#include "drivers/driver.h"

/* The driver for a URL. ADB_E_DRIVER, whose message tells a scheme that nobody knows from a driver that was not built
 * in; never another driver instead. */
adb_status adb__registry_find(const adb_url *url, const struct adb__driver **driver_out, adb_error *error);
/* Add a driver for the rest of the process, found by its scheme as the URL's dialect. For tests: not while another
 * thread opens a database. */
void adb__registry_add(const struct adb__driver *driver);

#endif
