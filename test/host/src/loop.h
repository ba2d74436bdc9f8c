/* Event loop, timers and channels; part of host.h, which includes it. */
#ifndef LOOP_H
#define LOOP_H

/* --- event.c ----------------------------------------------------------------------------------------------------- */
/* Priorities of events: the loop handles the lowest first (include/fluent-bit/flb_engine_macros.h). mk_event_add sets
 * PRIORITY_DEFAULT; whoever wants another writes it into the event after that. */
enum { PRIORITY_TIMER = 0, PRIORITY_NETWORK = 1, PRIORITY_FLUSH = 2, PRIORITY_DEFAULT = 6, PRIORITIES = 8 };

/* Most events that one epoll_wait reports (src/flb_engine.c, src/flb_output_thread.c). */
enum { ENGINE_EVENTS = 256, WORKER_EVENTS = 64 };

struct guest;
struct epoll_event;

struct mk_event_loop {
    int epoll_fd;
    int size;
    struct epoll_event *reported; /* room for size events */
    struct mk_list buckets[PRIORITIES]; /* reported and not yet handled events by priority, each first in, first out */
    struct guest *guests; /* the plugin's events */
    bool busy; /* a regular file has more to read: the next round does not sleep */
    bool over; /* set by a handler: the round ends with it, and what is queued stays queued */
};

uint64_t now_ns(void); /* CLOCK_MONOTONIC */
void loop_open(struct mk_event_loop *loop, int size);
void loop_close(struct mk_event_loop *loop);
void loop_round(struct mk_event_loop *loop);
void loop_check_guests(struct mk_event_loop *loop); /* logs the events the plugin has left behind */
struct mk_event_loop *loop_current(void);
void loop_set_current(struct mk_event_loop *loop);
int event_add(struct mk_event_loop *loop, int fd, int type, uint32_t mask, struct mk_event *event);
int event_del(struct mk_event_loop *loop, struct mk_event *event);

/* --- timer.c ----------------------------------------------------------------------------------------------------- */
struct timer { /* a timerfd in an event loop */
    struct mk_event event; /* first: the loop hands its address to the handler */
    struct mk_event_loop *loop;
    void (*fire)(void *arg);
    void *arg;
};

void timer_open(struct timer *t, struct mk_event_loop *loop, int priority, void (*fire)(void *arg), void *arg);
void timer_after(struct timer *t, uint64_t delay_ns);  /* fires once */
void timer_every(struct timer *t, uint64_t period_ns); /* fires after each period */
void timer_close(struct timer *t);

/* --- channel.c --------------------------------------------------------------------------------------------------- */
enum { CHANNEL_VALUES = 8192 }; /* fit in a channel; the next one blocks its sender */

struct channel { /* pointers from any thread into an event loop, first in, first out */
    struct mk_event event; /* of the end that is read; first, as in struct timer */
    struct mk_event_loop *loop;
    int write_fd;
    void (*receive)(void *owner, void *item);
    void *owner;
};

void channel_open(struct channel *c, struct mk_event_loop *loop, void (*receive)(void *owner, void *item), void *owner);
void channel_send(struct channel *c, void *item);
int channel_room(const struct channel *c); /* values that can be sent without blocking */
void channel_close(struct channel *c);     /* also of one that was never opened and is zero */

#endif
