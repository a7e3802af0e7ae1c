/* SPDX-License-Identifier: BSD-3-Clause */
/* asyncdb in a loop of Qt (6.1 or later), that of the window or of any QThread. C++17; the program links Qt6Core. */
#ifndef ASYNCDB_ADAPTERS_QT_H
#define ASYNCDB_ADAPTERS_QT_H

#ifndef __cplusplus
#error "asyncdb/adapters/qt.h is C++"
#endif

#include <asyncdb/queue.h>

#include <QAbstractEventDispatcher>
#include <QEvent>
#include <QObject>
#include <QPointer>
#include <QSocketNotifier>
#include <QThread>
#include <new>

/* There as long as the queue is attached. Needs no moc. */
class adb__qt final : public QSocketNotifier
{
public:
    explicit adb__qt(size_t most)
        : QSocketNotifier(QSocketNotifier::Read), slice(most == 0 ? ADB_QUEUE_SLICE : most)
    {
    }

    ~adb__qt() override
    {
        ending = true;
        adb_queue_detach(queue);
        if (gone != nullptr)
            *gone = true;
    }

    void begin(adb_queue *watched, QObject *parent)
    {
        queue = watched;
        setParent(parent);
        setSocket(adb_queue_fd(queue));
        setEnabled(true);
    }

    static void detach(void *data)
    {
        adb__qt *self = static_cast<adb__qt *>(data);
        self->queue = nullptr;
        self->setEnabled(false);
        if (self->ending)
            return;
        if (self->depth > 0)
            self->deleteLater();
        else
            delete self;
    }

protected:
    bool event(QEvent *event) override
    {
        if (event->type() == QEvent::SockAct) {
            if (queue != nullptr)
                turn();
            return true;
        }
        if (event->type() == QEvent::ThreadChange)
            leave();
        return QSocketNotifier::event(event);
    }

private:
    void turn()
    {
        bool deleted = false; /* a callback may delete the parent */
        bool *const around = gone;
        if (dispatcher == nullptr)
            follow(QAbstractEventDispatcher::instance());
        gone = &deleted;
        depth++;
        some_left = true;
        const size_t n = adb_queue_dispatch(queue, slice);
        if (deleted) {
            if (around != nullptr)
                *around = true;
            return;
        }
        gone = around;
        depth--;
        some_left = depth > 0 && n == slice;
    }

    /* A callback may run a loop of its own, as a dialogue does: what was taken and not delivered is delivered there. */
    void follow(QAbstractEventDispatcher *current)
    {
        dispatcher = current;
        connect(dispatcher, &QAbstractEventDispatcher::aboutToBlock, this, [this] {
            if (depth > 0 && some_left && queue != nullptr)
                adb_queue_wake(queue);
        });
    }

    void leave()
    {
        if (dispatcher != nullptr)
            disconnect(dispatcher, nullptr, this, nullptr);
        dispatcher = nullptr;
    }

    adb_queue *queue = nullptr; /* as long as it is attached */
    size_t slice;
    QPointer<QAbstractEventDispatcher> dispatcher; /* of the thread that this is in; it keeps one for its life */
    bool *gone = nullptr;                          /* in the turn under way: whether this was deleted in it */
    unsigned depth = 0; /* of turns in turns */
    bool some_left = false;
    bool ending = false;
};

/**
 * Have the loop of this thread deliver what arrives in a queue, until adb_queue_detach(), adb_queue_free() or the end
 * of the parent.
 *
 * @param parent  An object of this thread that the watching shall not outlive, such as the window; NULL for none.
 * @param queue   A queue that no loop watches.
 * @param slice   Most callbacks in one turn; 0 for ADB_QUEUE_SLICE.
 *
 * @return ADB_OK; ADB_E_STATE when a loop watches the queue already, the parent is another thread's, or this thread has
 *         no loop of Qt; ADB_E_INVAL; ADB_E_FORKED; ADB_E_NOMEM.
 *
 * Ownership: both stay the caller's, and either may go first.
 * Blocking:  never.
 * Threads:   that of the parent, where callbacks run too: that of the windows, where it is a widget.
 * Since:     0.1
 */
static inline adb_status adb_qt_attach(QObject *parent, adb_queue *queue, size_t slice)
{
    if (QAbstractEventDispatcher::instance() == nullptr)
        return ADB_E_STATE;
    if (parent != nullptr && parent->thread() != QThread::currentThread())
        return ADB_E_STATE;
    adb__qt *watch = new (std::nothrow) adb__qt(slice);
    if (watch == nullptr)
        return ADB_E_NOMEM;
    const adb_status status = adb_queue_attach(queue, adb__qt::detach, watch);
    if (status == ADB_OK)
        watch->begin(queue, parent);
    else
        delete watch;
    return status;
}

#endif
