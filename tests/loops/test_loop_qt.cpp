/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb/adapters/qt.h in loops of Qt 6, in the thread of the application and in others. */
#include "tests/loops/loops.h"

#include <asyncdb/adapters/qt.h>

#include <QCoreApplication>
#include <QEventLoop>
#include <QTimer>
#include <thread>

/* Whoever wants to be there as long as the loop is its child. */
static void *loop_new()
{
    return new QEventLoop();
}

static void loop_free(void *loop)
{
    delete static_cast<QEventLoop *>(loop);
}

static adb_status loop_attach(void *loop, adb_queue *queue, size_t slice)
{
    return adb_qt_attach(static_cast<QEventLoop *>(loop), queue, slice);
}

static void loop_turn(void *loop)
{
    static_cast<QEventLoop *>(loop)->processEvents(QEventLoop::WaitForMoreEvents);
}

static void loop_pace(void *loop, unsigned ms, void (*tick)(void *data), void *data)
{
    QTimer *timer = new QTimer(static_cast<QEventLoop *>(loop));
    QObject::connect(timer, &QTimer::timeout, [tick, data] { tick(data); });
    timer->setTimerType(Qt::PreciseTimer);
    timer->start(int(ms));
}

static void loop_tick(void *loop, void (*tick)(void *data), void *data)
{
    loop_pace(loop, 0, tick, data);
}

/* The window goes, and what it has attached goes with it. */
static void the_parent_may_go_in_a_callback()
{
    loop_scene scene = loop_open(0);
    struct window {
        QObject *parent;
        size_t n;
    } window = {new QObject(), 0};
    adb_queue_detach(scene.queue);
    LOOP_CHECK(adb_qt_attach(window.parent, scene.queue, 0) == ADB_OK);
    const adb_done_cb close_window = [](adb_result *, void *data) {
        auto *closing = static_cast<struct window *>(data);
        closing->n++;
        delete closing->parent;
        closing->parent = nullptr;
    };
    loop_flood(&scene, 3, close_window, &window);
    loop_turn(scene.loop);
    LOOP_CHECK(window.n == 1 && window.parent == nullptr);
    LOOP_CHECK(adb_queue_dispatch(scene.queue, 0) == 2);
    loop_close(&scene);
}

/* As when a dialogue is closed with its window. */
static void the_parent_may_go_in_a_loop_in_a_callback()
{
    loop_scene scene = loop_open(0);
    struct dialogue {
        void *loop;
        QObject *parent;
        size_t n;
    } dialogue = {scene.loop, new QObject(), 0};
    adb_queue_detach(scene.queue);
    LOOP_CHECK(adb_qt_attach(dialogue.parent, scene.queue, 0) == ADB_OK);
    const adb_done_cb open_or_close = [](adb_result *, void *data) {
        auto *opened = static_cast<struct dialogue *>(data);
        if (++opened->n == 2) {
            delete opened->parent;
            opened->parent = nullptr;
        }
        while (opened->parent != nullptr)
            loop_turn(opened->loop);
    };
    loop_flood(&scene, 4, open_or_close, &dialogue);
    loop_turn(scene.loop);
    LOOP_CHECK(dialogue.n == 2);
    LOOP_CHECK(adb_queue_dispatch(scene.queue, 0) == 2);
    loop_close(&scene);
}

/* Without a parent it is the queue that says how long. */
static void no_parent_is_needed()
{
    size_t n = 0;
    loop_scene scene = loop_open(0);
    adb_queue_detach(scene.queue);
    LOOP_CHECK(adb_qt_attach(nullptr, scene.queue, 0) == ADB_OK);
    loop_flood(&scene, 3, [](adb_result *, void *data) { ++*static_cast<size_t *>(data); }, &n);
    while (n < 3)
        loop_turn(scene.loop);
    loop_close(&scene);
}

/* Threads without Qt's own class for them, whose locks ThreadSanitizer does not see. */
static void another_threads_parent_is_refused()
{
    loop_scene scene = loop_open(0);
    adb_queue_detach(scene.queue);
    QObject here;
    adb_status without_loop = ADB_OK, there = ADB_OK;
    std::thread([&] {
        without_loop = adb_qt_attach(nullptr, scene.queue, 0);
        QEventLoop loop;
        there = adb_qt_attach(&here, scene.queue, 0);
    }).join();
    LOOP_CHECK(without_loop == ADB_E_STATE);
    LOOP_CHECK(there == ADB_E_STATE);
    loop_close(&scene);
}

int main(int argc, char **argv)
{
    static const loop_kind kind = {loop_new, loop_free, loop_attach, loop_turn, loop_tick, loop_pace, true, true};
    static const loop_case more[] = {
        {"the_parent_may_go_in_a_callback", the_parent_may_go_in_a_callback},
        {"the_parent_may_go_in_a_loop_in_a_callback", the_parent_may_go_in_a_loop_in_a_callback},
        {"no_parent_is_needed", no_parent_is_needed},
        {"another_threads_parent_is_refused", another_threads_parent_is_refused},
    };
    QCoreApplication application(argc, argv);
    return loop_main("loop_qt", &kind, more, sizeof(more) / sizeof(more[0]), argc, argv);
}
