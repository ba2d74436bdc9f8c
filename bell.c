/*
 * A bell is one eventfd in one event loop of Fluent Bit. A flush that begins
 * puts itself on one of the bell's lists, whoever has the result of one that is
 * suspended on the other, and rings. The loop answers: it hands those that began
 * to Go and resumes those with a result. A descriptor for each flush would cost
 * more than all else that is done for a small chunk.
 *
 * Many bytes are encoded by the loop itself, on whose processor they lie in the
 * cache: another would take twice the CPU. Few are left to a goroutine (intake.c).
 * For to be called, Go needs one of its processors, and then keeps it for up to
 * 10 ms; meanwhile the monitor of Go's runtime looks at it again and again,
 * first every 20 us, which costs as much as to encode half a megabyte elsewhere.
 * Source: Go 1.26, runtime/proc.go, sysmon and retake.
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

/* From so many bytes on the loop encodes. */
#define ENCODED_HERE (512 << 10)

/* Bytes to encode in one answer, so that the loop soon comes to other things. */
#define ENCODED_AT_ONCE (4 << 20)

/* Waits in their order. */
struct list {
    struct sls_wait *first;
    struct sls_wait *last;
};

struct bell {
    struct event event; /* first: the loop hands its address to the handler */
    struct sls_remote *remote;
    void *loop;
    struct bell *next; /* of the instance */

    pthread_mutex_t lock;
    struct list begun;
    struct list settled; /* have their result */
    int lines;           /* of the log wait */
    int rung;
};

/* What one answer is about. */
struct news {
    struct sls_wait *begun[ANSWERED_AT_ONCE];
    struct sls_wait *settled[ANSWERED_AT_ONCE];
    size_t begun_count;
    size_t settled_count;
    size_t bytes; /* of those begun */
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

static void append(struct list *list, struct sls_wait *wait)
{
    wait->next = NULL;
    if (list->first == NULL) {
        list->first = wait;
    }
    else {
        list->last->next = wait;
    }
    list->last = wait;
}

static struct sls_wait *take_first(struct list *list)
{
    struct sls_wait *wait = list->first;

    list->first = wait->next;
    return wait;
}

/* Takes what is new. If something remains, the bell stays rung. */
static void take(struct bell *bell, struct news *news)
{
    pthread_mutex_lock(&bell->lock);
    while (bell->settled.first != NULL && news->settled_count < ANSWERED_AT_ONCE) {
        news->settled[news->settled_count++] = take_first(&bell->settled);
    }
    while (bell->begun.first != NULL && news->begun_count < ANSWERED_AT_ONCE && news->bytes < ENCODED_AT_ONCE) {
        news->bytes += bell->begun.first->size;
        news->begun[news->begun_count++] = take_first(&bell->begun);
    }
    news->lines = bell->lines;
    bell->lines = 0;
    bell->rung = 0;
    if (bell->settled.first != NULL || bell->begun.first != NULL) {
        ring(bell);
    }
    pthread_mutex_unlock(&bell->lock);
}

/* The host's event loop calls this when the bell was rung. */
static int answer(void *event)
{
    struct bell *bell = event;
    struct sls_remote *remote = bell->remote;
    struct news news;
    size_t i;

    news.begun_count = news.settled_count = news.bytes = 0;
    sls_drain(bell->event.fd);
    take(bell, &news);
    if (news.lines) {
        slsLog(remote->instance);
    }
    if (news.bytes >= ENCODED_HERE) {
        slsBegin(remote->instance, news.begun, news.begun_count);
    }
    else if (news.begun_count > 0) {
        sls_intake_put(remote->intake, news.begun, news.begun_count);
    }
    for (i = 0; i < news.settled_count; i++) {
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

/* Puts a wait on a list of its bell. */
static void put(struct bell *bell, struct list *list, struct sls_wait *wait)
{
    pthread_mutex_lock(&bell->lock);
    append(list, wait);
    ring(bell);
    pthread_mutex_unlock(&bell->lock);
}

void sls_begin(struct sls_wait *wait)
{
    put(wait->bell, &wait->bell->begun, wait);
}

void sls_answer(struct sls_wait *wait)
{
    put(wait->bell, &wait->bell->settled, wait);
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
