/*
 * A bell is one eventfd in one event loop of Fluent Bit. Whoever has the result
 * of a suspended flush puts the flush on the bell's list and rings; the loop
 * answers and resumes all that are on the list. A descriptor for each flush
 * would cost more than all else that is done for a small chunk.
 */
#include "bell.h"

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
    struct sls_wait *first; /* to be resumed */
    struct sls_wait *last;
    int lines; /* of the log wait */
    int rung;
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

/* Takes the first waits off the list. If some remain, the bell stays rung. */
static size_t take(struct bell *bell, struct sls_wait **taken, int *lines)
{
    size_t n = 0;

    pthread_mutex_lock(&bell->lock);
    for (; bell->first != NULL && n < ANSWERED_AT_ONCE; n++) {
        taken[n] = bell->first;
        bell->first = taken[n]->next;
    }
    *lines = bell->lines;
    bell->lines = 0;
    bell->rung = 0;
    if (bell->first != NULL) {
        ring(bell);
    }
    pthread_mutex_unlock(&bell->lock);
    return n;
}

/* The host's event loop calls this when the bell was rung. */
static int answer(void *event)
{
    struct bell *bell = event;
    struct sls_wait *taken[ANSWERED_AT_ONCE];
    int lines;
    size_t n;
    size_t i;

    sls_drain(bell->event.fd);
    n = take(bell, taken, &lines);
    if (lines) {
        slsLog(bell->remote->instance);
    }
    for (i = 0; i < n; i++) {
        sls_coro_resume(taken[i]);
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
