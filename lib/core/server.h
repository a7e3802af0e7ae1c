/* SPDX-License-Identifier: BSD-3-Clause */
/* One server (or file) of a database: the primary or a replica, with a pool of workers per role. */
#ifndef ADB_CORE_SERVER_H
#define ADB_CORE_SERVER_H

#include "core/pool.h"
#include "drivers/driver.h"

struct adb_database;

struct adb__server {
    struct adb_database *db;
    adb_url *url;
    const char *secret;             /* the password, NULL when none: masked in whatever a driver says */
    bool read_only;                 /* in the session itself */
    struct adb__layout layout;
    struct adb__counter failures;   /* to connect, one after the other */
    struct adb__counter retry_at;   /* not before then (base/clock.h) */
    struct adb__counter ready;      /* the writer has been open: readers may open too */
    struct adb__pool pools[ADB__N_ROLES];
};

adb_status adb__server_init(struct adb__server *server, struct adb_database *db, const adb_url *url, bool read_only,
                            adb_error *error);
void adb__server_fini(struct adb__server *server);
/* The password of a URL, wherever it stands; NULL when there is none. */
const char *adb__server_password(const adb_url *url);
/* The pool that serves a role now: the writers', as long as there are no readers. */
struct adb__pool *adb__server_pool(struct adb__server *server, enum adb__role role);

#endif
