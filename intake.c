/*
 * The intake is how flushes come to Go without a call of Go: a list, and a timer
 * for which a goroutine waits. It is started by the first of several flushes, so
 * that they linger here, where that costs nothing, and Go wakes up once for all.
 *
 * Many bytes are encoded by the event loop instead, on whose processor they lie
 * in the cache: another would take twice the CPU. Few are not: for to be called,
 * Go needs one of its processors, and then keeps it for up to 10 ms; meanwhile
 * the monitor of Go's runtime looks at it again and again, first every 20 us,
 * which costs as much as to encode half a megabyte elsewhere.
 * Source: Go 1.26, runtime/proc.go, sysmon and retake.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "flush.h"

/* So many bytes are for the event loop. */
#define ENCODED_HERE (512 << 10)

/* And so many it encodes at a time, so that it soon comes to other things. */
#define ENCODED_AT_ONCE (4 << 20)

struct sls_intake {
    int fd;
    struct itimerspec linger;
    pthread_mutex_t lock;
    struct sls_wait *first;
    struct sls_wait *last;
    size_t bytes; /* of their chunks */
    int started;  /* the timer */
};

static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

struct sls_intake *sls_intake_create(int64_t linger_ns, int *fd)
{
    struct sls_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL) {
        return NULL;
    }
    intake->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (intake->fd < 0) {
        free(intake);
        return NULL;
    }
    intake->linger = at_once;
    if (linger_ns > 0) {
        intake->linger.it_value.tv_sec = linger_ns / 1000000000;
        intake->linger.it_value.tv_nsec = linger_ns % 1000000000;
    }
    pthread_mutex_init(&intake->lock, NULL);
    *fd = intake->fd;
    return intake;
}

void sls_intake_destroy(struct sls_intake *intake)
{
    pthread_mutex_destroy(&intake->lock);
    free(intake);
}

/* These are called with the intake's lock held. */

static void start(struct sls_intake *intake, const struct itimerspec *timer)
{
    intake->started = 1;
    timerfd_settime(intake->fd, 0, timer, NULL);
}

static int is_much(struct sls_intake *intake) { return intake->bytes >= ENCODED_HERE; }

static struct sls_wait *take_first(struct sls_intake *intake)
{
    struct sls_wait *wait = intake->first;

    intake->first = wait->next;
    intake->bytes -= wait->size;
    return wait;
}

int sls_intake_put(struct sls_intake *intake, struct sls_wait *wait)
{
    int much;

    wait->next = NULL;
    pthread_mutex_lock(&intake->lock);
    if (intake->first == NULL) {
        intake->first = wait;
    }
    else {
        intake->last->next = wait;
    }
    intake->last = wait;
    intake->bytes += wait->size;
    much = is_much(intake);
    if (!much && !intake->started) {
        start(intake, &intake->linger);
    }
    pthread_mutex_unlock(&intake->lock);
    return much;
}

void sls_intake_hurry(struct sls_intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    start(intake, &at_once);
    pthread_mutex_unlock(&intake->lock);
}

size_t sls_intake_take(struct sls_intake *intake, struct sls_wait **taken, size_t most)
{
    size_t n = 0;

    pthread_mutex_lock(&intake->lock);
    intake->started = 0;
    while (intake->first != NULL && n < most) {
        taken[n++] = take_first(intake);
    }
    pthread_mutex_unlock(&intake->lock);
    return n;
}

size_t sls_intake_take_much(struct sls_intake *intake, struct sls_wait **taken, size_t most, int *more)
{
    size_t bytes = 0;
    size_t n = 0;

    pthread_mutex_lock(&intake->lock);
    while (intake->first != NULL && n < most && bytes < ENCODED_AT_ONCE) {
        bytes += intake->first->size;
        taken[n++] = take_first(intake);
    }
    *more = is_much(intake);
    if (intake->first != NULL && !*more && !intake->started) {
        start(intake, &intake->linger);
    }
    pthread_mutex_unlock(&intake->lock);
    return n;
}
