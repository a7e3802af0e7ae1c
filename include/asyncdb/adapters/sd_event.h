/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a loop of systemd, sd-event(3). The program links libsystemd. */
#ifndef ASYNCDB_ADAPTERS_SD_EVENT_H
#define ASYNCDB_ADAPTERS_SD_EVENT_H

#include <asyncdb/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct adb__sd_event {
    adb_queue *queue;
    size_t slice;
    sd_event_source *source; /* keeps the loop */
};

static inline int adb__sd_event_ready(sd_event_source *source, int fd, uint32_t events, void *data)
{
    struct adb__sd_event *watch = (struct adb__sd_event *)data;
    (void)source;
    (void)fd;
    (void)events;
    adb_queue_dispatch(watch->queue, watch->slice); /* a callback may have detached it: nothing after this */
    return 0;
}

static inline void adb__sd_event_detach(void *data)
{
    struct adb__sd_event *watch = (struct adb__sd_event *)data;
    sd_event_source_set_enabled(watch->source, SD_EVENT_OFF);
    sd_event_source_unref(watch->source);
    free(watch);
}

/**
 * Have a loop of systemd deliver what arrives in a queue, until adb_queue_detach() or adb_queue_free().
 *
 * Each turn of such a loop serves one source. What has a lower priority than SD_EVENT_PRIORITY_NORMAL is served when
 * nothing waits in the queue; what has the same takes turns with it.
 *
 * @param event  A loop.
 * @param queue  A queue that no loop watches.
 * @param slice  Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return ADB_OK; ADB_E_STATE when a loop watches the queue already; ADB_E_INVAL; ADB_E_FORKED; ADB_E_NOMEM;
 *         ADB_E_IO when the loop refuses.
 *
 * Ownership: both stay the caller's, and either may go first: the loop stays until the queue was detached.
 * Blocking:  never.
 * Threads:   that of the loop, or any before it runs; callbacks run on that of the loop.
 * Since:     0.1
 */
static inline adb_status adb_sd_event_attach(sd_event *event, adb_queue *queue, size_t slice)
{
    struct adb__sd_event *watch = event == NULL ? NULL : (struct adb__sd_event *)calloc(1, sizeof(*watch));
    if (watch == NULL)
        return event == NULL ? ADB_E_INVAL : ADB_E_NOMEM;
    watch->queue = queue;
    watch->slice = slice == 0 ? ADB_QUEUE_SLICE : slice;
    const adb_status status = adb_queue_attach(queue, adb__sd_event_detach, watch);
    if (status != ADB_OK) {
        free(watch);
        return status;
    }
    const int refusal =
        sd_event_add_io(event, &watch->source, adb_queue_fd(queue), EPOLLIN, adb__sd_event_ready, watch);
    if (refusal < 0) {
        adb_queue_detach(queue);
        return refusal == -ENOMEM ? ADB_E_NOMEM : ADB_E_IO;
    }
    sd_event_source_set_description(watch->source, "asyncdb");
    return ADB_OK;
}

#ifdef __cplusplus
}
#endif

#endif
