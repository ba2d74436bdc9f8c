/* Timers: timerfds in the event loop, as in Fluent Bit, so that a timer that is due waits for its turn by its priority
 * like every other event (lib/monkey/mk_core/mk_event_epoll.c, _mk_event_timeout_create; src/flb_scheduler.c). The first
 * expiry comes after the full delay; Fluent Bit brings it forward to a full second of the clock. */
#include "host.h"

#include <errno.h>
#include <sys/timerfd.h>

static int on_due(void *event)
{
    struct timer *t = event;
    uint64_t expiries;

    /* The timer was queued when it expired, and may have been set again since: then there is nothing to read. */
    if (read(t->event.fd, &expiries, sizeof expiries) == sizeof expiries)
        t->fire(t->arg);
    return 0;
}

void timer_open(struct timer *t, struct mk_event_loop *loop, int priority, void (*fire)(void *arg), void *arg)
{
    *t = (struct timer) {.loop = loop, .fire = fire, .arg = arg};
    t->event.handler = on_due;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0 || event_add(loop, fd, MK_EVENT_HOST, MK_EVENT_READ, &t->event) != 0)
        die("timerfd: %s", strerror(errno));
    t->event.priority = (char) priority;
}

static void set(struct timer *t, uint64_t delay_ns, uint64_t period_ns)
{
    if (!delay_ns)
        delay_ns = 1; /* 0 would stop the timer */
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t) (delay_ns / 1000000000u), .tv_nsec = (long) (delay_ns % 1000000000u)},
        .it_interval = {.tv_sec = (time_t) (period_ns / 1000000000u), .tv_nsec = (long) (period_ns % 1000000000u)},
    };
    if (timerfd_settime(t->event.fd, 0, &when, NULL) != 0)
        die("timerfd_settime: %s", strerror(errno));
}

void timer_after(struct timer *t, uint64_t delay_ns)
{
    set(t, delay_ns, 0);
}

void timer_every(struct timer *t, uint64_t period_ns)
{
    set(t, period_ns, period_ns);
}

void timer_close(struct timer *t)
{
    event_del(t->loop, &t->event);
    close(t->event.fd);
}
