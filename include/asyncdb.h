/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb: asynchronous access to databases. The only header that a program names; it includes the rest. */
#ifndef ASYNCDB_H
#define ASYNCDB_H

#include <asyncdb/version.h>

#include <asyncdb/error.h>
#include <asyncdb/value.h>
#include <asyncdb/url.h>

#include <asyncdb/result.h>
#include <asyncdb/queue.h>
#include <asyncdb/database.h>
#include <asyncdb/context.h>
#include <asyncdb/job.h>
#include <asyncdb/copy.h>
#include <asyncdb/session.h>
#include <asyncdb/listen.h>

#endif
