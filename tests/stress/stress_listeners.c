/* SPDX-License-Identifier: BSD-3-Clause */
/* A crowd of listeners on the fake driver, while messages pour in as quickly as they can and the connection is lost. */
#include "tests/lib/crowd.h"
#include "tests/lib/fault.h"
#include "tests/lib/rig.h"

#include <sched.h>
#include <stdio.h>

#define ROUNDS 120

static atomic_bool over;

static void *send_all(void *argument)
{
    char text[32];
    while (!atomic_load(&over)) {
        for (unsigned i = 0; i < CROWD_CHANNELS; i++) {
            snprintf(text, sizeof(text), "%ld", crowd_number(argument, i));
            fake_notify(crowd_channel(i), text);
        }
        sched_yield();
    }
    return NULL;
}

TEST(listeners_come_and_go_while_messages_pour_in)
{
    struct rig rig;
    struct crowd crowd = {0};
    struct crowd_ear ear;
    pthread_t sender;
    fault_watch();
    const size_t before = fault_live_blocks();
    rig_open_fake(&rig, "fake://?backoff=1", NULL);
    atomic_store(&over, false);
    adb_listener *listener = crowd_listen(&crowd, rig.ctx, 0, &ear);
    REQUIRE(listener != NULL && pthread_create(&sender, NULL, send_all, &crowd) == 0);
    crowd_begin(&crowd, rig.db, ROUNDS);
    for (int troubles = 0; troubles < 4; troubles++) {
        crowd_hear(rig.queue, &ear);
        fake_lose_idle();
        crowd_hear(rig.queue, &ear);
    }
    CU_ASSERT(crowd_end(&crowd, rig.queue) > 0);
    atomic_store(&over, true);
    pthread_join(sender, NULL);
    adb_unlisten(listener);
    CU_ASSERT_PTR_NULL(ear.wrong);
    rig_close(&rig);
    CU_ASSERT_EQUAL(fault_live_blocks(), before);
}

SUITE(listeners_stress, CASE(listeners_come_and_go_while_messages_pour_in))
