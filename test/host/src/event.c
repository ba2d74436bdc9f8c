/* The event loop: epoll with the event's address as its datum, as in Fluent Bit's monkey library, and timers. Ready
 * events wait in a list through the event itself, so that an event deleted by another's handler is not called. */
#include "host.h"

#include <errno.h>
#include <sys/epoll.h>

enum { EVENTS_PER_TURN = 256 };

static __thread struct mk_event_loop *current;

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

struct mk_event_loop *loop_current(void)
{
    return current;
}

void loop_set_current(struct mk_event_loop *loop)
{
    current = loop;
}

void loop_open(struct mk_event_loop *loop)
{
    memset(loop, 0, sizeof *loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        die("epoll_create1: %s", strerror(errno));
    loop->ready.next = loop->ready.prev = &loop->ready;
}

void loop_close(struct mk_event_loop *loop)
{
    while (loop->timers) {
        struct timer *t = loop->timers;
        loop->timers = t->next;
        free(t);
    }
    close(loop->epoll_fd);
}

static void ready_unlink(struct mk_event *event)
{
    struct mk_list *l = &event->_priority_head;

    if (!l->next || !l->prev)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->next = l->prev = NULL;
}

static void ready_append(struct mk_event_loop *loop, struct mk_event *event)
{
    struct mk_list *l = &event->_priority_head;

    if (l->next)
        return;
    l->next = &loop->ready;
    l->prev = loop->ready.prev;
    l->prev->next = l;
    loop->ready.prev = l;
}

static struct mk_event *ready_pop(struct mk_event_loop *loop)
{
    struct mk_list *l = loop->ready.next;

    if (l == &loop->ready)
        return NULL;
    struct mk_event *event = (struct mk_event *) ((char *) l - offsetof(struct mk_event, _priority_head));
    ready_unlink(event);
    return event;
}

int event_add(struct mk_event_loop *loop, int fd, int type, uint32_t mask, struct mk_event *event)
{
    struct epoll_event ep = {.events = EPOLLERR | EPOLLHUP | EPOLLRDHUP, .data.ptr = event};
    int op = EPOLL_CTL_MOD;

    if (event->mask == MK_EVENT_EMPTY) {
        op = EPOLL_CTL_ADD;
        event->fd = fd;
        event->status = MK_EVENT_REGISTERED;
        event->type = type;
    } else if (type != MK_EVENT_UNMODIFIED) {
        event->type = type;
    }
    if (mask & MK_EVENT_READ)
        ep.events |= EPOLLIN;
    if (mask & MK_EVENT_WRITE)
        ep.events |= EPOLLOUT;
    if (epoll_ctl(loop->epoll_fd, op, fd, &ep) < 0)
        return -1;
    event->mask = mask;
    event->priority = 6;
    ready_unlink(event);
    return 0;
}

int event_del(struct mk_event_loop *loop, struct mk_event *event)
{
    if (!(event->status & MK_EVENT_REGISTERED))
        return 0;
    int ret = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, event->fd, NULL);
    ready_unlink(event);
    event->mask = MK_EVENT_EMPTY;
    event->status = MK_EVENT_NONE;
    return ret;
}

void timer_after(struct mk_event_loop *loop, uint64_t delay_ns, void (*fire)(void *arg), void *arg)
{
    struct timer *t = must_alloc(sizeof *t), **at = &loop->timers;

    *t = (struct timer) {.due_ns = now_ns() + delay_ns, .fire = fire, .arg = arg};
    while (*at && (*at)->due_ns <= t->due_ns)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

static void fire_due_timers(struct mk_event_loop *loop)
{
    uint64_t now = now_ns();

    while (loop->timers && loop->timers->due_ns <= now) {
        struct timer *t = loop->timers;
        loop->timers = t->next;
        t->fire(t->arg);
        free(t);
    }
}

static int turn_timeout_ms(const struct mk_event_loop *loop)
{
    if (loop->busy)
        return 0;
    if (!loop->timers)
        return -1;
    uint64_t now = now_ns(), due = loop->timers->due_ns;
    return due <= now ? 0 : (int) ((due - now + 999999u) / 1000000u);
}

/* Waits for the next event or timer and handles what there is. */
void loop_turn(struct mk_event_loop *loop)
{
    struct epoll_event reported[EVENTS_PER_TURN];
    struct mk_event *event;
    int n = epoll_wait(loop->epoll_fd, reported, EVENTS_PER_TURN, turn_timeout_ms(loop));

    if (n < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++)
        ready_append(loop, reported[i].data.ptr);
    while ((event = ready_pop(loop))) {
        if (event->type != MK_EVENT_CUSTOM && event->type != MK_EVENT_HOST) {
            log_line(FLB_LOG_WARN, "[event] unhandled event type => %i", event->type);
            continue;
        }
        if (!event->handler)
            die("an event of type %i has no handler where this host's struct mk_event has it", event->type);
        event->handler(event); /* may free the event */
    }
    fire_due_timers(loop);
}
