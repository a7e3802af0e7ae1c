/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers: which pool serves which role. */
#include "core/server.h"

#include "core/database.h"
#include "model/error.h"

/* Where neither the options nor the driver's layout say how many connections there may be. */
#define DEFAULT_MAX_SIZE 10

const char *adb__server_password(const adb_url *url)
{
    const char *password = adb_url_password(url);
    return password != NULL ? password : adb_url_option(url, "password");
}

adb_status adb__server_init(struct adb__server *server, struct adb_database *db, const adb_url *url, bool read_only,
                            adb_error *error)
{
    const adb_options *options = &db->options;
    server->db = db;
    server->read_only = read_only;
    server->url = adb_url_dup(url);
    if (server->url == NULL)
        return adb__error_set(error, ADB_E_NOMEM, "no memory for a URL");
    server->secret = adb__server_password(server->url);
    adb_status status = db->driver->configure(url, options, &server->layout, error);
    if (status != ADB_OK)
        return status;
    unsigned max_size = options->max_size != 0 ? options->max_size : DEFAULT_MAX_SIZE;
    unsigned writers = server->layout.max_writers != 0 ? server->layout.max_writers : max_size;
    unsigned readers = server->layout.max_readers;
    if (options->force_rollback) { /* all share the one connection */
        writers = 1;
        readers = server->layout.max_readers = 0;
    }
    unsigned min_readers = options->min_size > writers ? options->min_size - writers : 0;
    status = adb__pool_init(&server->pools[ADB__ROLE_WRITER], server, ADB__ROLE_WRITER, writers, options->min_size,
                            error);
    if (status == ADB_OK)
        status = adb__pool_init(&server->pools[ADB__ROLE_READER], server, ADB__ROLE_READER, readers, min_readers,
                                error);
    return status;
}

void adb__server_fini(struct adb__server *server)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++)
        adb__pool_fini(&server->pools[role]);
    adb_url_free(server->url);
}

struct adb__pool *adb__server_pool(struct adb__server *server, enum adb__role role)
{
    if (server->layout.max_readers == 0 || adb__counter_get(&server->ready) == 0)
        return &server->pools[ADB__ROLE_WRITER];
    return &server->pools[role];
}
