/*
 * FLBPluginFlushCtx: the flush that does not block.
 *
 * Fluent Bit calls it on a coroutine of its engine or of a worker. While the
 * records of the chunk are on their way, the coroutine is suspended in Fluent
 * Bit's own event loop, as its C outputs do it, so that nothing else waits.
 * The functions for that are not part of Fluent Bit's interface for Go
 * plugins, but the executable exports them (1.8 to 5.1.1): each is looked up,
 * each layout is checked before it is relied on, and where anything is not as
 * expected the flush waits with poll(2) on the calling thread instead.
 *
 * No Go frame may be on the stack at a switch: Go's callbacks from C nest last
 * in, first out. That is why this file is C.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "flush.h"

#define FLB_RETRY 2

/* Types and bits of an event, the same from 1.8 to 5.1.1.
 * Source: Monkey, include/monkey/mk_core/mk_event.h. */
#define MK_EVENT_CUSTOM 4
#define MK_EVENT_READ   1
#define MK_EVENT_NONE   1

/* The beginning of struct mk_event. What follows it in the host grew once, so
 * room is left behind. */
struct event {
    int fd;
    int type;
    uint32_t mask;
    uint8_t status;
    void *data;
    int (*handler)(void *event);
    char more[128];
};

/* struct flb_coro as far as we use it. A host built with Valgrind's headers
 * has eight bytes in front. Source: Fluent Bit, include/fluent-bit/flb_coro.h. */
struct coro {
    void *caller;
    void *callee;
};

/* The host's functions; available is 0 if one of them is missing. */
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

/* A suspended flush. It lives on the stack of its coroutine. The event comes
 * first: the host hands its address to the handler. */
struct suspension {
    struct event event;
    void *coro;           /* as the host knows it */
    struct coro *threads; /* where caller and callee are in it */
};

static void drain(int fd)
{
    uint64_t count;
    ssize_t n;

    do {
        n = read(fd, &count, sizeof(count));
    } while (n < 0 && errno == EINTR);
}

/* The host's event loop calls this when the eventfd becomes readable. When the
 * switch returns, the coroutine may be gone and its stack with it. */
static int resume(void *event)
{
    struct suspension *s = event;

    drain(s->event.fd);
    host.coro_set(s->coro);
    s->threads->caller = host.active();
    host.jump(s->threads->callee);
    return 0;
}

/* The layout is the one whose callee is the coroutine we run on. */
static struct coro *find_threads(void *coro)
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

/* Suspends the coroutine until fd is readable. Returns NULL then; where the
 * host does not allow it, why, at once and with nothing changed. */
static const char *suspend(int fd)
{
    struct suspension s;
    void *loop;

    if (!host.available) {
        return "a function of its event loop is missing";
    }
    memset(&s, 0, sizeof(s));
    loop = host.loop_get();
    s.coro = host.coro_get();
    if (loop == NULL || s.coro == NULL) {
        return "the flush is not on a coroutine";
    }
    s.threads = find_threads(s.coro);
    if (s.threads == NULL) {
        return "its coroutines are laid out in an unknown way";
    }
    s.event.fd = fd;
    s.event.type = MK_EVENT_CUSTOM;
    s.event.status = MK_EVENT_NONE;
    s.event.handler = resume;
    if (host.event_add(loop, fd, MK_EVENT_CUSTOM, MK_EVENT_READ, &s.event) != 0) {
        return "its event loop refused the event";
    }
    if (s.event.fd != fd || s.event.type != MK_EVENT_CUSTOM || s.event.mask != MK_EVENT_READ ||
        s.event.handler != resume) {
        host.event_del(loop, &s.event);
        return "its events are laid out in an unknown way";
    }
    host.jump(s.threads->caller);
    host.event_del(loop, &s.event);
    return NULL;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits on the calling thread until fd is readable. Returns -1 at the deadline. */
static int block(int fd, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int64_t left;

    for (;;) {
        left = deadline - now_ms();
        if (left <= 0) {
            return -1;
        }
        if (poll(&p, 1, (int) left) > 0) {
            drain(fd);
            return 0;
        }
    }
}

int FLBPluginFlushCtx(void *remote, const void *data, size_t size, char *tag)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sls_wait wait = { .fd = -1 };
    const char *reason;
    int64_t deadline;
    uintptr_t chunk;
    int result;

    pthread_once(&once, host_lookup);
    chunk = slsSubmit((uintptr_t) remote, (void *) data, size, tag, &wait);
    if (chunk == 0) {
        return FLB_RETRY;
    }
    deadline = now_ms() + wait.limit_ms;
    while ((result = slsAdvance(chunk, (void *) data, size)) == SLS_PENDING) {
        if (!wait.blocking) {
            reason = suspend(wait.fd);
            if (reason == NULL) {
                continue;
            }
            wait.blocking = 1;
            slsCannotSuspend(chunk, (char *) reason);
        }
        if (block(wait.fd, deadline) != 0) {
            slsAbandon(chunk, (void *) data, size);
            return FLB_RETRY;
        }
    }
    return result;
}
