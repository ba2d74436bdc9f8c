/*
 * A bell is one eventfd in one event loop of Fluent Bit. Whoever has the result
 * of a flush that is suspended puts it on the bell's list and rings, and the loop
 * resumes it. So does a flush with which many bytes have come together in the
 * intake (intake.c): the loop then hands them to Go itself. A descriptor for each
 * flush would cost more than all else that is done for a small chunk.
 */
#include "bell.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "coro.h"

/* Flushes of one answer. A flush that ends writes to a pipe which the same loop
 * reads: more at once than the pipe takes (64 KiB) would stop it for good. */
#define ANSWERED_AT_ONCE 256

struct bell {
    struct event event; /* first: the loop hands its address to the handler */
    struct sls_remote *remote;
    void *loop;
    struct bell *next; /* of the instance */

    pthread_mutex_t lock;
    struct sls_wait *first; /* of those that have their result */
    struct sls_wait *last;
    int much;  /* has come together in the intake */
    int lines; /* of the log wait */
    int rung;
};

/* What one answer is about. */
struct news {
    struct sls_wait *settled[ANSWERED_AT_ONCE];
    size_t count;
    int much;
    int lines;
};

struct sls_bells {
    struct sls_remote *remote;
    pthread_mutex_t lock;
    struct bell *first;
};

/* The bell's lock is held. */
static void ring(struct bell *bell)
{
    if (!bell->rung) {
        bell->rung = 1;
        sls_ring(bell->event.fd);
    }
}

/* Takes what is new. If something remains, the bell stays rung. */
static void take(struct bell *bell, struct news *news)
{
    news->count = 0;
    pthread_mutex_lock(&bell->lock);
    for (; bell->first != NULL && news->count < ANSWERED_AT_ONCE; bell->first = bell->first->next) {
        news->settled[news->count++] = bell->first;
    }
    news->much = bell->much;
    news->lines = bell->lines;
    bell->much = bell->lines = bell->rung = 0;
    if (bell->first != NULL) {
        ring(bell);
    }
    pthread_mutex_unlock(&bell->lock);
}

/* Has the loop take what is in the intake. */
static void ring_for_much(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->much = 1;
    ring(bell);
    pthread_mutex_unlock(&bell->lock);
}

static void take_in(struct bell *bell)
{
    struct sls_wait *begun[ANSWERED_AT_ONCE];
    int more;
    size_t n = sls_intake_take_much(bell->remote->intake, begun, ANSWERED_AT_ONCE, &more);

    if (n > 0) {
        slsBegin(bell->remote->instance, begun, n);
    }
    if (more) {
        ring_for_much(bell);
    }
}

/* The host's event loop calls this when the bell was rung. */
static int answer(void *event)
{
    struct bell *bell = event;
    struct news news;
    size_t i;

    sls_drain(bell->event.fd);
    take(bell, &news);
    if (news.lines) {
        slsLog(bell->remote->instance);
    }
    if (news.much) {
        take_in(bell);
    }
    for (i = 0; i < news.count; i++) {
        sls_coro_resume(news.settled[i]);
    }
    return 0;
}

static char *hang(struct bell *bell)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    char *reason;

    if (fd < 0) {
        return "no descriptor is left";
    }
    reason = sls_loop_add(bell->loop, &bell->event, fd, answer);
    if (reason != NULL) {
        close(fd);
    }
    return reason;
}

static char *find(struct sls_bells *bells, void *loop, struct bell **found)
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

char *sls_bells_find(struct sls_bells *bells, struct sls_wait *wait)
{
    void *loop;
    char *reason = sls_coro_find(wait, &loop);

    if (reason != NULL) {
        return reason;
    }
    pthread_mutex_lock(&bells->lock);
    reason = find(bells, loop, &wait->bell);
    pthread_mutex_unlock(&bells->lock);
    return reason;
}

void sls_begin(struct sls_wait *wait)
{
    if (sls_intake_put(wait->bell->remote->intake, wait)) {
        ring_for_much(wait->bell);
    }
}

void sls_answer(struct sls_wait *wait)
{
    struct bell *bell = wait->bell;

    wait->next = NULL;
    pthread_mutex_lock(&bell->lock);
    if (bell->first == NULL) {
        bell->first = wait;
    }
    else {
        bell->last->next = wait;
    }
    bell->last = wait;
    ring(bell);
    pthread_mutex_unlock(&bell->lock);
}

void sls_bells_log(struct sls_bells *bells)
{
    struct bell *bell;

    pthread_mutex_lock(&bells->lock);
    bell = bells->first;
    pthread_mutex_unlock(&bells->lock);
    if (bell == NULL) {
        return; /* no flush came yet */
    }
    pthread_mutex_lock(&bell->lock);
    bell->lines = 1;
    ring(bell);
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

void sls_ring(int fd)
{
    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

void sls_drain(int fd)
{
    uint64_t count;
    ssize_t n;

    do {
        n = read(fd, &count, sizeof(count));
    } while (n < 0 && errno == EINTR);
}
