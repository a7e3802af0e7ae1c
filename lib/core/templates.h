/* SPDX-License-Identifier: BSD-3-Clause */
/* The statements of a database, each parsed once: what is submitted a second time keeps its template, for all contexts
 * and threads. Finding it takes no lock and writes to nothing that is shared (queue/shelf.h). */
#ifndef ADB_CORE_TEMPLATES_H
#define ADB_CORE_TEMPLATES_H

#include "queue/shelf.h"
#include "sql/compile.h"

/* More than that of templates is not kept; a longer text is made for one use. */
#define ADB__TEMPLATES_MAX_BYTES ((size_t)4 << 20)
#define ADB__TEMPLATES_MOST_SQL  16384

struct adb__jobs;

struct adb__templates {
    const struct adb__dialect *dialect;
    struct adb__shelf shelf;
};

/* A text to be parsed, and where to. */
struct adb__template_request {
    const char *sql;
    size_t sql_size;
    unsigned flags;               /* of adb__sql_parse() */
    struct adb__hold *hold;       /* empty; keeps a template that is kept. NULL: parse it for this use */
    struct adb__arena *arena;     /* for one that is not */
    struct adb__sql_template own; /* likewise */
};

/* Zeroed storage. The holds are those of the jobs' slots. */
void adb__templates_init(struct adb__templates *templates, const struct adb__dialect *dialect, struct adb__jobs *jobs);
void adb__templates_fini(struct adb__templates *templates);

/* Valid as long as the hold, the arena and the request. NULL: refused, as adb__sql_parse() does. */
const struct adb__sql_template *adb__templates_get(struct adb__templates *templates,
                                                   struct adb__template_request *request, adb_status *status_out,
                                                   adb_error *error);

#endif
