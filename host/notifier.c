/*
 * A bell is one eventfd in one event loop of Fluent Bit. Go rings it when flushes
 * have their result, and the loop resumes them. A flush with which many bytes
 * have come together in the intake (queue.c) rings it too: the loop then has
 * them encoded. A descriptor for each flush would cost more than all else that
 * is done for a small chunk.
 */
#include "notifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "fluentbit.h"
#include "flush.h"
#include "queue.h"

struct bell {
    struct mk_event event; /* first: the loop hands its address to the handler */
    struct sls_remote *remote;
    void *loop;
    struct bell *next; /* of the instance */

    struct sls_handover settled;
    int much;  /* has come together in the intake */
    int lines; /* of the log wait */

    /* For the loop alone. */
    struct sls_wait *first; /* taken out of settled, in their order */
    struct sls_wait *last;
    int passes;      /* calls that resume nothing, before the next that does */
    uint32_t random; /* never 0 */
};

struct sls_bells {
    struct sls_remote *remote;
    pthread_mutex_t lock;
    struct bell *first;
};

static void ring(int fd)
{
    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

/* Says something to the loop. */
static void tell(struct bell *bell, int *what)
{
    if (!__atomic_exchange_n(what, 1, __ATOMIC_SEQ_CST)) {
        ring(bell->event.fd);
    }
}

static int told(int *what) { return __atomic_exchange_n(what, 0, __ATOMIC_SEQ_CST); }

/* Takes those that were settled, and puts them behind those taken before. */
static void take(struct bell *bell)
{
    struct sls_wait *wait = __atomic_exchange_n(&bell->settled.last, NULL, __ATOMIC_SEQ_CST);
    struct sls_wait *last = wait;
    struct sls_wait *first = NULL;
    struct sls_wait *before;

    if (wait == NULL) {
        return;
    }
    for (; wait != NULL; wait = before) {
        before = wait->next;
        wait->next = first;
        first = wait;
    }
    if (bell->first == NULL) {
        bell->first = first;
    }
    else {
        bell->last->next = first;
    }
    bell->last = last;
}

/* Whether a flush waits to be resumed. If none does, whoever settles the next one
 * rings again. */
static int is_waiting(struct bell *bell)
{
    take(bell);
    if (bell->first != NULL) {
        return 1;
    }
    __atomic_store_n(&bell->settled.rung, 0, __ATOMIC_SEQ_CST);
    /* What was settled before that did not ring. If another thread sees it too,
     * one of the two sets rung, and the other leaves it to that one. */
    return __atomic_load_n(&bell->settled.last, __ATOMIC_SEQ_CST) != NULL &&
           !__atomic_exchange_n(&bell->settled.rung, 1, __ATOMIC_SEQ_CST);
}

/* Resumes one flush.
 *
 * A flush that ends writes its result into a pipe of 64 KiB, blocking, and the
 * loop that would read it is the one that we are called by: 8,193 results that it
 * has not read stop Fluent Bit permanently. It reads one result for each event of
 * the pipe, and serves events of one priority, ours and the pipe's among them,
 * nearly in turn: after ten it takes an eleventh out of its queue and forgets it
 * until the next round. With certain numbers of ready events that is the pipe's
 * each time. So one flush is resumed a call, and one or two calls, at random,
 * resume nothing: the pipe is read twice for each result on average, and no
 * pattern lasts. In a model of 1 to 8 outputs among up to 15 ready events the
 * pipe holds at most 6 results then; without the pause, 5 of these 128 mixes
 * fill it.
 * Source: Fluent Bit 5.1.1, FLB_ENGINE_OUTPUT_EVENT_BATCH_SIZE in flb_engine.h,
 * flb_output_return in flb_output.h, flb_event_priority_live_foreach in
 * flb_event_loop.h. */
static void resume_one(struct bell *bell)
{
    struct sls_wait *wait = bell->first;

    if (wait == NULL) {
        return;
    }
    bell->first = wait->next;
    bell->random ^= bell->random << 13;
    bell->random ^= bell->random >> 17;
    bell->random ^= bell->random << 5;
    bell->passes = 1 + (bell->random & 1);
    sls_coro_resume(&wait->coro);
}

/* The host's event loop calls this while the bell's descriptor is readable, which
 * it stays until nothing waits. */
static int answer(void *event)
{
    struct bell *bell = event;

    if (bell->passes > 0) {
        bell->passes--;
        return 0;
    }
    sls_drain(bell->event.fd);
    if (told(&bell->lines)) {
        slsLog(bell->remote->instance);
    }
    if (told(&bell->much) && slsBegin(bell->remote->instance)) {
        tell(bell, &bell->much);
    }
    take(bell);
    resume_one(bell);
    if (is_waiting(bell)) {
        ring(bell->event.fd); /* itself */
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
    bell->settled.fd = fd;
    bell->random ^= (uint32_t) fd; /* another sequence for each, and never 0 */
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
    bell->random = 2463534242u;
    reason = hang(bell);
    if (reason != NULL) {
        free(bell);
        return reason;
    }
    bell->next = bells->first;
    bells->first = bell;
    *found = bell;
    return NULL;
}

char *sls_bells_find(struct sls_bells *bells, struct sls_wait *wait)
{
    void *loop;
    char *reason = sls_coro_find(&wait->coro, &loop);

    if (reason != NULL) {
        return reason;
    }
    pthread_mutex_lock(&bells->lock);
    reason = find(bells, loop, &wait->bell);
    pthread_mutex_unlock(&bells->lock);
    if (wait->bell != NULL) {
        wait->settled = &wait->bell->settled;
    }
    return reason;
}

void sls_begin(struct sls_wait *wait)
{
    struct bell *bell = wait->bell;

    if (sls_intake_put(bell->remote->intake, wait)) {
        tell(bell, &bell->much);
    }
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
    tell(bell, &bell->lines);
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
        sls_loop_del(bell->loop, &bell->event);
        close(bell->event.fd);
        free(bell);
    }
    pthread_mutex_destroy(&bells->lock);
    free(bells);
}

void sls_drain(int fd)
{
    uint64_t count;
    ssize_t n;

    do {
        n = read(fd, &count, sizeof(count));
    } while (n < 0 && errno == EINTR);
}
