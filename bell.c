/*
 * A bell is one eventfd in one event loop of Fluent Bit. A flush that begins,
 * and whoever has news for one that is suspended, puts it on the bell's list
 * and rings. The loop answers: it hands all that are on the list to Go in one
 * call, and resumes those which then have their result. A descriptor and a few
 * calls for each chunk would cost more than all else that is done for a small
 * one.
 */
#define _GNU_SOURCE
#include "_cgo_export.h"
#include "bell.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Type and bits of an event, the same from 1.8 to 5.1.1.
 * Source: Monkey, include/monkey/mk_core/mk_event.h. */
#define MK_EVENT_CUSTOM 4
#define MK_EVENT_READ   1
#define MK_EVENT_NONE   1

/* Flushes of one answer. A flush that ends writes to a pipe which the same loop
 * reads: more at once than the pipe takes (64 KiB) would stop it for good. */
#define ANSWERED_AT_ONCE 256

/* Bytes to encode in one answer, so that the loop soon comes to other things. */
#define ENCODED_AT_ONCE (4 << 20)

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

struct bell {
    struct event event; /* first: the loop hands its address to the handler */
    struct sls_remote *remote;
    void *loop;
    struct bell *next; /* of the instance */

    pthread_mutex_t lock;
    struct sls_wait *first; /* to be looked after */
    struct sls_wait *last;
    int rung;
};

struct sls_bells {
    struct sls_remote *remote;
    pthread_mutex_t lock;
    struct bell *first;
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

void sls_drain(int fd)
{
    uint64_t count;
    ssize_t n;

    do {
        n = read(fd, &count, sizeof(count));
    } while (n < 0 && errno == EINTR);
}

static void ring(int fd)
{
    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

/* Takes a wait off its list. The bell's lock is held. */
static void unlist(struct bell *bell, struct sls_wait *wait)
{
    if (wait->previous != NULL) {
        wait->previous->next = wait->next;
    }
    else {
        bell->first = wait->next;
    }
    if (wait->next != NULL) {
        wait->next->previous = wait->previous;
    }
    else {
        bell->last = wait->previous;
    }
    wait->listed = 0;
}

/* Takes the first waits off the list. If some remain, the bell stays rung. */
static size_t take(struct bell *bell, struct sls_wait **taken)
{
    struct sls_wait *wait;
    size_t bytes = 0;
    size_t n = 0;

    pthread_mutex_lock(&bell->lock);
    while ((wait = bell->first) != NULL && n < ANSWERED_AT_ONCE && bytes < ENCODED_AT_ONCE) {
        unlist(bell, wait);
        if (!wait->submitted) {
            bytes += wait->size;
        }
        taken[n++] = wait;
    }
    bell->rung = bell->first != NULL;
    if (bell->rung) {
        ring(bell->event.fd);
    }
    pthread_mutex_unlock(&bell->lock);
    return n;
}

/* The host's event loop calls this when the bell was rung. When a switch
 * returns, the coroutine may be gone and its stack with it. */
static int answer(void *event)
{
    struct bell *bell = event;
    struct sls_wait *taken[ANSWERED_AT_ONCE];
    size_t n;
    size_t i;

    sls_drain(bell->event.fd);
    n = take(bell, taken);
    if (n == 0) {
        return 0;
    }
    slsWork(bell->remote->instance, taken, n);
    for (i = 0; i < n; i++) {
        if (taken[i]->result == SLS_PENDING) {
            continue;
        }
        host.coro_set(taken[i]->coro);
        taken[i]->coros->caller = host.active();
        host.jump(taken[i]->coros->callee);
    }
    return 0;
}

/* Puts the bell into the event loop and looks whether the loop understood. */
static char *hang(struct bell *bell)
{
    struct event *e = &bell->event;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        return "no descriptor is left";
    }
    e->fd = fd;
    e->type = MK_EVENT_CUSTOM;
    e->status = MK_EVENT_NONE;
    e->handler = answer;
    if (host.event_add(bell->loop, fd, MK_EVENT_CUSTOM, MK_EVENT_READ, e) != 0) {
        close(fd);
        return "its event loop refused the event";
    }
    if (e->fd != fd || e->type != MK_EVENT_CUSTOM || e->mask != MK_EVENT_READ || e->handler != answer) {
        host.event_del(bell->loop, e);
        close(fd);
        return "its events are laid out in an unknown way";
    }
    return NULL;
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

static char *find_bell(struct sls_bells *bells, void *loop, struct bell **found)
{
    struct bell *bell;
    char *reason;

    for (bell = bells->first; bell != NULL; bell = bell->next) {
        if (bell->loop == loop) {
            *found = bell;
            return NULL;
        }
    }
    bell = calloc(1, sizeof(*bell));
    if (bell == NULL) {
        return "no memory is left";
    }
    bell->remote = bells->remote;
    bell->loop = loop;
    reason = hang(bell);
    if (reason != NULL) {
        free(bell);
        return reason;
    }
    pthread_mutex_init(&bell->lock, NULL);
    bell->next = bells->first;
    bells->first = bell;
    *found = bell;
    return NULL;
}

char *sls_hang_bell(struct sls_bells *bells, struct sls_wait *wait)
{
    char *reason;
    void *loop;

    pthread_once(&host_once, host_lookup);
    if (!host.available) {
        return "a function of its event loop is missing";
    }
    loop = host.loop_get();
    wait->coro = host.coro_get();
    if (loop == NULL || wait->coro == NULL) {
        return "the flush is not on a coroutine";
    }
    wait->coros = find_coros(wait->coro);
    if (wait->coros == NULL) {
        return "its coroutines are laid out in an unknown way";
    }
    pthread_mutex_lock(&bells->lock);
    reason = find_bell(bells, loop, &wait->bell);
    pthread_mutex_unlock(&bells->lock);
    return reason;
}

void sls_suspend(struct sls_wait *wait)
{
    host.jump(wait->coros->caller);
}

void sls_wake(struct sls_wait *wait)
{
    struct bell *bell = wait->bell;

    if (bell == NULL) {
        ring(wait->fd);
        return;
    }
    pthread_mutex_lock(&bell->lock);
    if (!wait->listed) {
        wait->listed = 1;
        wait->previous = bell->last;
        wait->next = NULL;
        if (bell->last != NULL) {
            bell->last->next = wait;
        }
        else {
            bell->first = wait;
        }
        bell->last = wait;
        if (!bell->rung) {
            bell->rung = 1;
            ring(bell->event.fd);
        }
    }
    pthread_mutex_unlock(&bell->lock);
}

void sls_leave(struct sls_wait *wait)
{
    struct bell *bell = wait->bell;

    if (bell == NULL) {
        close(wait->fd);
        return;
    }
    pthread_mutex_lock(&bell->lock);
    if (wait->listed) {
        unlist(bell, wait);
    }
    pthread_mutex_unlock(&bell->lock);
}

struct sls_bells *sls_bells_create(struct sls_remote *remote)
{
    struct sls_bells *bells = calloc(1, sizeof(*bells));

    if (bells != NULL) {
        bells->remote = remote;
        pthread_mutex_init(&bells->lock, NULL);
    }
    return bells;
}

void sls_bells_destroy(struct sls_bells *bells)
{
    struct bell *bell = bells->first;
    struct bell *next;

    for (; bell != NULL; bell = next) {
        next = bell->next;
        /* The loop of a worker is gone by now, with its thread. That of the
         * engine forgets a descriptor that is closed. */
        close(bell->event.fd);
        pthread_mutex_destroy(&bell->lock);
        free(bell);
    }
    pthread_mutex_destroy(&bells->lock);
    free(bells);
}
