/* Suspended flushes: what the plugin needs of the host's coroutines and event loop, and a flush that waits for an event of
 * its own. */
#define _GNU_SOURCE
#include "testplugin.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct functions fb;

static int find_functions(void)
{
    *(void **) &fb.coro_get = dlsym(RTLD_DEFAULT, "flb_coro_get");
    *(void **) &fb.coro_set = dlsym(RTLD_DEFAULT, "flb_coro_set");
    *(void **) &fb.evl_get = dlsym(RTLD_DEFAULT, "flb_engine_evl_get");
    *(void **) &fb.active = dlsym(RTLD_DEFAULT, "co_active");
    *(void **) &fb.switch_to = dlsym(RTLD_DEFAULT, "co_switch");
    *(void **) &fb.add = dlsym(RTLD_DEFAULT, "mk_event_add");
    *(void **) &fb.del = dlsym(RTLD_DEFAULT, "mk_event_del");
    return fb.coro_get && fb.coro_set && fb.evl_get && fb.active && fb.switch_to && fb.add && fb.del;
}

static struct coro_view *view_of(char *coro)
{
    for (int shift = 0; coro && shift <= 8; shift += 8) {
        struct coro_view *v = (struct coro_view *) (coro + shift);
        if (v->callee == fb.active())
            return v;
    }
    return NULL;
}

void *wait_find(struct wait *w)
{
    void *loop = find_functions() ? fb.evl_get() : NULL;

    w->coro = loop ? fb.coro_get() : NULL;
    w->view = loop ? view_of(w->coro) : NULL;
    return w->view ? loop : NULL;
}

void wait_suspend(struct wait *w)
{
    fb.switch_to(w->view->caller);
}

void wait_resume(struct wait *w)
{
    fb.coro_set(w->coro);
    w->view->caller = fb.active();
    fb.switch_to(w->view->callee);
}

int event_add(void *loop, union event *event, int fd, int (*handler)(void *))
{
    event->status = 1;
    event->handler = handler;
    fb.add(loop, fd, 4, 1, event);
    if (event->fd == fd && event->type == 4 && event->mask == 1)
        return 1;
    fb.del(loop, event);
    return 0;
}

struct own { /* a flush with its own event */
    union event event;
    struct wait wait;
};

static int on_ready(void *event)
{
    wait_resume(&((struct own *) event)->wait);
    return 0; /* event is gone */
}

/* Returns "loop" or "poll": how it waited until fd could be read. */
static const char *wait_for(int fd)
{
    struct own *o = calloc(1, sizeof *o);
    void *loop = wait_find(&o->wait);
    const char *how = "poll";

    if (loop && event_add(loop, &o->event, fd, on_ready)) {
        how = "loop";
        wait_suspend(&o->wait);
        fb.del(loop, &o->event);
    } else {
        poll(&(struct pollfd) {.fd = fd, .events = POLLIN}, 1, -1);
    }
    free(o);
    return how;
}

struct alarm {
    int fd, delay_ms;
};

static void *ring_later(void *arg)
{
    struct alarm *a = arg;
    uint64_t one = 1;

    sleep_ms(a->delay_ms);
    if (write(a->fd, &one, sizeof one) < 0)
        perror("eventfd");
    free(a);
    return NULL;
}

const char *suspend(int delay_ms)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_t t;

    if (delay_ms >= 0) {
        struct alarm *a = malloc(sizeof *a);
        *a = (struct alarm) {fd, delay_ms};
        pthread_create(&t, NULL, ring_later, a);
    }
    const char *how = wait_for(fd);
    if (delay_ms >= 0)
        pthread_join(t, NULL); /* it must not run on when this object is gone */
    close(fd);
    return how;
}
