/*
 * The functions of Fluent Bit that let a flush wait in its event loop. They are
 * not part of its interface for Go plugins, but the executable exports them
 * (1.8 to 5.1.1): each is looked up and each layout checked before it is relied
 * on.
 */
#define _GNU_SOURCE
#include "fluentbit.h"

#include <dlfcn.h>

/* Type and bits of an event, the same from 1.8 to 5.1.1.
 * Source: Monkey, include/monkey/mk_core/mk_event.h. */
#define MK_EVENT_CUSTOM 4
#define MK_EVENT_READ   1
#define MK_EVENT_NONE   1

/* struct flb_coro as far as we use it. A host built with Valgrind's headers
 * has eight bytes in front. Source: Fluent Bit, include/fluent-bit/flb_coro.h. */
struct coro {
    void *caller;
    void *callee;
};

/* available is 0 if one of the functions is missing. */
static struct {
    int available;
    void *(*coro_get)(void);
    void (*coro_set)(void *coro);
    void *(*loop_get)(void);
    void *(*active)(void);
    void (*jump)(void *thread);
    int (*event_add)(void *loop, int fd, int type, uint32_t mask, void *event);
    int (*event_del)(void *loop, void *event);
} host;

static pthread_once_t host_once = PTHREAD_ONCE_INIT;

static void host_lookup(void)
{
    host.coro_get = (void *(*)(void)) dlsym(RTLD_DEFAULT, "flb_coro_get");
    host.coro_set = (void (*)(void *)) dlsym(RTLD_DEFAULT, "flb_coro_set");
    host.loop_get = (void *(*)(void)) dlsym(RTLD_DEFAULT, "flb_engine_evl_get");
    host.active = (void *(*)(void)) dlsym(RTLD_DEFAULT, "co_active");
    host.jump = (void (*)(void *)) dlsym(RTLD_DEFAULT, "co_switch");
    host.event_add = (int (*)(void *, int, int, uint32_t, void *)) dlsym(RTLD_DEFAULT, "mk_event_add");
    host.event_del = (int (*)(void *, void *)) dlsym(RTLD_DEFAULT, "mk_event_del");
    host.available = host.coro_get && host.coro_set && host.loop_get && host.active && host.jump &&
                     host.event_add && host.event_del;
}

/* The layout is the one whose callee is the coroutine we run on. */
static struct coro *find_coros(void *coro)
{
    struct coro *plain = coro;
    struct coro *shifted = (struct coro *) ((char *) coro + 8);
    void *self = host.active();

    if (plain->callee == self) {
        return plain;
    }
    if (shifted->callee == self) {
        return shifted;
    }
    return NULL;
}

char *sls_coro_find(struct sls_wait *wait, void **loop)
{
    pthread_once(&host_once, host_lookup);
    if (!host.available) {
        return "a function of its event loop is missing";
    }
    *loop = host.loop_get();
    wait->coro = host.coro_get();
    if (*loop == NULL || wait->coro == NULL) {
        return "the flush is not on a coroutine";
    }
    wait->coros = find_coros(wait->coro);
    if (wait->coros == NULL) {
        return "its coroutines are laid out in an unknown way";
    }
    return NULL;
}

void sls_coro_suspend(struct sls_wait *wait)
{
    host.jump(wait->coros->caller);
}

void sls_coro_resume(struct sls_wait *wait)
{
    host.coro_set(wait->coro);
    wait->coros->caller = host.active();
    host.jump(wait->coros->callee);
}

char *sls_loop_add(void *loop, struct event *event, int fd, int (*handler)(void *))
{
    event->fd = fd;
    event->type = MK_EVENT_CUSTOM;
    event->status = MK_EVENT_NONE;
    event->handler = handler;
    if (host.event_add(loop, fd, MK_EVENT_CUSTOM, MK_EVENT_READ, event) != 0) {
        return "its event loop refused the event";
    }
    if (event->fd != fd || event->type != MK_EVENT_CUSTOM || event->mask != MK_EVENT_READ || event->handler != handler) {
        host.event_del(loop, event);
        return "its events are laid out in an unknown way";
    }
    return NULL;
}

void sls_loop_del(void *loop, struct event *event)
{
    if (host.loop_get() == loop) {
        host.event_del(loop, event);
    }
}
