/* SPDX-License-Identifier: BSD-3-Clause */
/* Dealers: from one place in the ready queue to as many workers as there are. */
#include "core/deal.h"

#include "base/clock.h"
#include "core/database.h"
#include "core/job.h"
#include "core/server.h"

bool adb__deal_init(struct adb__lane *lane)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++) {
        struct adb__lane *dealer = adb__lane_new(lane->server, lane->read_only);
        if (dealer == NULL)
            return false;
        dealer->deals_for = &lane->server->pools[role];
        lane->dealers[role] = dealer;
    }
    return true;
}

void adb__deal_fini(struct adb__lane *lane)
{
    for (unsigned role = 0; role < ADB__N_ROLES; role++) {
        if (lane->dealers[role] != NULL)
            adb__lane_unref(lane->dealers[role]); /* one that still has jobs is kept by the ready queue */
    }
}

struct adb__lane *adb__deal_enter(struct adb__lane *lane, struct adb__job *job)
{
    /* Where there are no readers both roles are one, and there is one turn. */
    enum adb__role role = lane->server->layout.max_readers == 0 ? ADB__ROLE_WRITER : (enum adb__role)job->role;
    adb__lane_init(job->lane, lane->server, lane->read_only, job);
    adb__mailbox_init_attended(&job->lane->mailbox); /* by whom it is dealt to */
    adb__job_set_undealt(job, true);
    return lane->dealers[role];
}

/* The first of the jobs that wait; NULL: none does. Those behind it are counted: the dealer stands for the first. */
static struct adb__job *dealer_first(struct adb__lane *dealer)
{
    if (adb__lane_peek(dealer) == NULL) {
        size_t n = adb__lane_collect(dealer);
        if (n > 1)
            adb__counter_add(&dealer->deals_for->n_undealt, (int64_t)n - 1);
    }
    struct adb__mail *mail = adb__lane_peek(dealer);
    return mail == NULL ? NULL : ADB__CONTAINER_OF(mail, struct adb__job, mail);
}

/* Back to the ready queue, or to nobody. */
static void dealer_go_on(struct adb__lane *dealer)
{
    for (;;) {
        struct adb__job *next = dealer_first(dealer);
        if (next != NULL) {
            dealer->acted_at = adb__clock_now(); /* its next job may have come long ago */
            adb__lane_send(dealer, next);
            return;
        }
        if (adb__mailbox_leave(&dealer->mailbox)) {
            adb__lane_unref(dealer);
            return;
        }
    }
}

struct adb__lane *adb__deal(struct adb__lane *dealer)
{
    struct adb__job *job = dealer_first(dealer); /* there is one, or it would not be in the queue */
    adb__lane_pop(dealer);
    if (job->mail.next != NULL)
        adb__counter_add(&dealer->deals_for->n_undealt, -1); /* that is the first now */
    adb__lane_unpop(job->lane, &job->mail);
    adb__job_set_undealt(job, false);
    dealer_go_on(dealer);
    return job->lane;
}
