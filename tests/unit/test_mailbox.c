/* SPDX-License-Identifier: BSD-3-Clause */
/* What one thread can see of a mailbox; tests/stress/stress_mailbox.c has the others. */
#include "tests/lib/harness.h"

#include "queue/mailbox.h"

static struct adb__mailbox box;
static struct adb__mail mails[4];

static void expect_chain(const struct adb__mail *mail, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        REQUIRE(mail == &mails[i]);
        mail = mail->next;
    }
    CU_ASSERT_PTR_NULL(mail);
}

/* A new mailbox is idle: nothing waits and nobody attends. */
TEST(new_mailbox_is_idle)
{
    adb__mailbox_init(&box);
    CU_ASSERT(adb__mailbox_is_idle(&box));
    CU_ASSERT(!adb__mailbox_waiting(&box));
}

/* Only the push that finds the mailbox idle has to call a consumer. */
TEST(first_push_calls_and_later_ones_do_not)
{
    adb__mailbox_init(&box);
    CU_ASSERT(adb__mailbox_push(&box, &mails[0]));
    CU_ASSERT(!adb__mailbox_push(&box, &mails[1]));
    CU_ASSERT(!adb__mailbox_push(&box, &mails[2]));
    CU_ASSERT(adb__mailbox_waiting(&box));
    CU_ASSERT(!adb__mailbox_is_idle(&box));
}

/* Mail comes out in the order of arrival, all of it. */
TEST(takes_all_oldest_first)
{
    adb__mailbox_init(&box);
    for (size_t i = 0; i < 3; i++)
        adb__mailbox_push(&box, &mails[i]);
    expect_chain(adb__mailbox_take(&box), 0, 3);
    CU_ASSERT_PTR_NULL(adb__mailbox_take(&box));
}

/* While a consumer attends, a push does not call another one, and the mail waits for it. */
TEST(push_to_an_attended_mailbox_calls_nobody)
{
    adb__mailbox_init(&box);
    adb__mailbox_push(&box, &mails[0]);
    expect_chain(adb__mailbox_take(&box), 0, 1);
    CU_ASSERT(!adb__mailbox_waiting(&box));
    CU_ASSERT(!adb__mailbox_is_idle(&box));
    CU_ASSERT(!adb__mailbox_push(&box, &mails[1]));
    CU_ASSERT(!adb__mailbox_push(&box, &mails[2]));
    expect_chain(adb__mailbox_take(&box), 1, 2);
}

/* Leaving is refused while mail waits, so that none is left behind. */
TEST(leave_fails_when_mail_has_come)
{
    adb__mailbox_init(&box);
    adb__mailbox_push(&box, &mails[0]);
    adb__mailbox_take(&box);
    adb__mailbox_push(&box, &mails[1]);
    CU_ASSERT(!adb__mailbox_leave(&box));
    expect_chain(adb__mailbox_take(&box), 1, 1);
    CU_ASSERT(adb__mailbox_leave(&box));
    CU_ASSERT(adb__mailbox_is_idle(&box));
}

/* After the consumer has left, the next push calls again. */
TEST(push_after_leave_calls_again)
{
    adb__mailbox_init(&box);
    adb__mailbox_push(&box, &mails[0]);
    adb__mailbox_take(&box);
    CU_ASSERT(adb__mailbox_leave(&box));
    CU_ASSERT(adb__mailbox_push(&box, &mails[1]));
}

/* An idle mailbox can be attended without mail, and is then left like any other. */
TEST(attends_an_idle_mailbox)
{
    adb__mailbox_init(&box);
    CU_ASSERT(adb__mailbox_attend(&box));
    CU_ASSERT(!adb__mailbox_attend(&box));
    CU_ASSERT(!adb__mailbox_push(&box, &mails[0]));
    CU_ASSERT(!adb__mailbox_leave(&box));
    expect_chain(adb__mailbox_take(&box), 0, 1);
    CU_ASSERT(adb__mailbox_leave(&box));
}

/* Mail that found the mailbox idle belongs to whom its producer calls: nobody else can attend before. */
TEST(attend_fails_when_mail_waits)
{
    adb__mailbox_init(&box);
    CU_ASSERT(adb__mailbox_push(&box, &mails[0]));
    CU_ASSERT(!adb__mailbox_attend(&box));
    CU_ASSERT(adb__mailbox_waiting(&box));
}

/* Emptying takes all and leaves at once: the next push calls. */
TEST(empty_takes_all_and_leaves)
{
    adb__mailbox_init(&box);
    CU_ASSERT_PTR_NULL(adb__mailbox_empty(&box, ADB__MAILBOX_IDLE));
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(adb__mailbox_push(&box, &mails[i]), i == 0);
    expect_chain(adb__mail_reverse(adb__mailbox_empty(&box, ADB__MAILBOX_IDLE)), 0, 4);
    CU_ASSERT(adb__mailbox_is_idle(&box));
    CU_ASSERT(adb__mailbox_push(&box, &mails[0]));
}

/* Emptied for good it says so to the next push, and to that one only. */
TEST(push_to_an_orphaned_mailbox_is_told)
{
    adb__mailbox_init(&box);
    adb__mailbox_push(&box, &mails[0]);
    expect_chain(adb__mail_reverse(adb__mailbox_empty(&box, ADB__MAILBOX_ORPHANED)), 0, 1);
    CU_ASSERT(!adb__mailbox_waiting(&box));
    struct adb__mail *head = adb__mailbox_head(&box);
    CU_ASSERT_PTR_EQUAL(head, ADB__MAILBOX_ORPHANED);
    CU_ASSERT(adb__mailbox_try_push(&box, &head, &mails[0], &mails[0]));
    CU_ASSERT_PTR_EQUAL(head, ADB__MAILBOX_ORPHANED);
    CU_ASSERT(!adb__mailbox_push(&box, &mails[1]));
    expect_chain(adb__mail_reverse(adb__mailbox_empty(&box, ADB__MAILBOX_ORPHANED)), 0, 2);
}

/* A head that has changed is told, and nothing was pushed. */
TEST(push_onto_an_old_head_fails)
{
    adb__mailbox_init(&box);
    struct adb__mail *head = &mails[2];
    CU_ASSERT(!adb__mailbox_try_push(&box, &head, &mails[0], &mails[0]));
    CU_ASSERT_PTR_EQUAL(head, ADB__MAILBOX_IDLE);
    CU_ASSERT(adb__mailbox_is_idle(&box));
}

SUITE(mailbox, CASE(new_mailbox_is_idle), CASE(first_push_calls_and_later_ones_do_not), CASE(takes_all_oldest_first),
      CASE(push_to_an_attended_mailbox_calls_nobody), CASE(leave_fails_when_mail_has_come),
      CASE(push_after_leave_calls_again), CASE(attends_an_idle_mailbox), CASE(attend_fails_when_mail_waits),
      CASE(empty_takes_all_and_leaves), CASE(push_to_an_orphaned_mailbox_is_told), CASE(push_onto_an_old_head_fails))
