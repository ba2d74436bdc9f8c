/* The event loop: epoll with the event's address as its datum, and a queue of the reported events by priority. Between
 * any two events the loop asks epoll again, so one of a higher priority overtakes those that wait, and within a
 * priority the one that waits for longest is next. An event is linked into the queue through a member of its own:
 * mk_event_del unlinks it, closing its descriptor does not.
 * Source: include/fluent-bit/flb_event_loop.h, flb_event_priority_live_foreach; include/fluent-bit/flb_bucket_queue.h;
 * lib/monkey/mk_core/mk_event_epoll.c, _mk_event_add, _mk_event_del. */
#include "host.h"

#include <errno.h>
#include <sys/epoll.h>

enum { EVENTS_A_ROUND = 10 }; /* FLB_ENGINE_LOOP_MAX_ITER */

struct guest { /* an event of the plugin, until it is deleted; the event's memory is not looked at */
    struct mk_event *event;
    int fd;
    struct guest *next;
};

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

void loop_open(struct mk_event_loop *loop, int size)
{
    *loop = (struct mk_event_loop) {.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .size = size};
    if (loop->epoll_fd < 0)
        die("epoll_create1: %s", strerror(errno));
    loop->reported = must_alloc((size_t) size * sizeof *loop->reported);
    for (int i = 0; i < PRIORITIES; i++)
        loop->buckets[i].next = loop->buckets[i].prev = &loop->buckets[i];
}

static void forget_guest(struct mk_event_loop *loop, const struct mk_event *event)
{
    for (struct guest **at = &loop->guests; *at; at = &(*at)->next) {
        struct guest *g = *at;
        if (g->event == event) {
            *at = g->next;
            free(g);
            return;
        }
    }
}

static void remember_guest(struct mk_event_loop *loop, struct mk_event *event)
{
    struct guest *g = must_alloc(sizeof *g);

    *g = (struct guest) {.event = event, .fd = event->fd, .next = loop->guests};
    loop->guests = g;
}

/* Call it when the outputs have exited. An event that is still there may be queued. The events next to it in the queue
 * are unlinked later, and that writes into its memory, which the plugin may have freed. Fluent Bit does not notice. */
void loop_check_guests(struct mk_event_loop *loop)
{
    for (struct guest *g = loop->guests; g; g = g->next)
        log_line(FLB_LOG_ERROR, "[event] the plugin has exited without mk_event_del for its descriptor %d", g->fd);
}

void loop_close(struct mk_event_loop *loop)
{
    while (loop->guests)
        forget_guest(loop, loop->guests->event);
    free(loop->reported);
    close(loop->epoll_fd);
}

static bool is_queued(const struct mk_event *event)
{
    return event->_priority_head.next && event->_priority_head.prev;
}

static void unqueue(struct mk_event *event)
{
    struct mk_list *l = &event->_priority_head;

    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->next = l->prev = NULL;
}

static void queue(struct mk_event_loop *loop, struct mk_event *event)
{
    unsigned char priority = (unsigned char) event->priority;

    if (priority >= PRIORITIES)
        return; /* is never handled */
    struct mk_list *l = &event->_priority_head, *bucket = &loop->buckets[priority];
    l->next = bucket;
    l->prev = bucket->prev;
    l->prev->next = l;
    bucket->prev = l;
}

/* Takes the next event out of the queue; NULL = none is left. */
static struct mk_event *next_event(struct mk_event_loop *loop)
{
    for (int i = 0; i < PRIORITIES; i++) {
        struct mk_list *first = loop->buckets[i].next;
        if (first == &loop->buckets[i])
            continue;
        struct mk_event *event = (struct mk_event *) ((char *) first - offsetof(struct mk_event, _priority_head));
        unqueue(event);
        return event;
    }
    return NULL;
}

int event_add(struct mk_event_loop *loop, int fd, int type, uint32_t mask, struct mk_event *event)
{
    struct epoll_event ep = {.events = EPOLLERR | EPOLLHUP | EPOLLRDHUP, .data.ptr = event};
    bool known = event->mask != MK_EVENT_EMPTY;

    if (!known) {
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
    if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ep) < 0)
        return -1;
    event->mask = mask;
    event->priority = PRIORITY_DEFAULT;
    if (is_queued(event))
        unqueue(event);
    if (!known && type == MK_EVENT_CUSTOM)
        remember_guest(loop, event);
    return 0;
}

int event_del(struct mk_event_loop *loop, struct mk_event *event)
{
    if (!(event->status & MK_EVENT_REGISTERED))
        return -1;
    int ret = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, event->fd, NULL);
    if (is_queued(event))
        unqueue(event);
    event->mask = MK_EVENT_EMPTY;
    event->status = MK_EVENT_NONE;
    forget_guest(loop, event);
    return ret;
}

/* Queues what epoll reports; an event that is queued already keeps its place. */
static void wait_for_events(struct mk_event_loop *loop, int timeout_ms)
{
    int n;

    do
        n = epoll_wait(loop->epoll_fd, loop->reported, loop->size, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        struct mk_event *event = loop->reported[i].data.ptr;
        if (event->status != MK_EVENT_NONE && !is_queued(event))
            queue(loop, event);
    }
}

static void handle(struct mk_event *event)
{
    if (event->type != MK_EVENT_CUSTOM && event->type != MK_EVENT_HOST) {
        log_line(FLB_LOG_WARN, "[event] unhandled event type => %i", event->type);
        return;
    }
    if (!event->handler)
        die("an event of type %i has no handler where this host's struct mk_event has it", event->type);
    event->handler(event); /* may free the event */
}

/* Waits for an event and handles up to EVENTS_A_ROUND. One more is taken out of the queue and not handled, as in Fluent
 * Bit: epoll, which is level-triggered, reports it again, and it is then the last of its bucket. */
void loop_round(struct mk_event_loop *loop)
{
    struct mk_event *event;
    int handled = 0;

    wait_for_events(loop, loop->busy ? 0 : -1);
    for (event = next_event(loop); event && handled < EVENTS_A_ROUND; event = next_event(loop)) {
        handle(event);
        if (loop->over)
            return;
        handled++;
        wait_for_events(loop, 0);
    }
}
