/*
 * The intake is how flushes come to Go without a call of Go: a list, and a timer
 * for which a goroutine waits. It is started by the first of several flushes, so
 * that they linger here, where that costs nothing, and Go wakes up once for all.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "flush.h"

struct sls_intake {
    int fd;
    struct itimerspec linger;
    pthread_mutex_t lock;
    struct sls_wait *first;
    struct sls_wait *last;
    size_t bytes; /* of their chunks */
    int hurried;  /* the timer is not to wait for flushes to come */
};

/* With so many bytes there is company enough. */
#define LINGERING_MOST (512 << 10)

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

/* The intake's lock is held. */
static void hurry(struct sls_intake *intake)
{
    intake->hurried = 1;
    timerfd_settime(intake->fd, 0, &at_once, NULL);
}

void sls_intake_put(struct sls_intake *intake, struct sls_wait **waits, size_t n)
{
    size_t i;

    pthread_mutex_lock(&intake->lock);
    if (intake->first == NULL && !intake->hurried) {
        timerfd_settime(intake->fd, 0, &intake->linger, NULL);
    }
    for (i = 0; i < n; i++) {
        intake->bytes += waits[i]->size;
        waits[i]->next = NULL;
        if (intake->first == NULL) {
            intake->first = waits[i];
        }
        else {
            intake->last->next = waits[i];
        }
        intake->last = waits[i];
    }
    if (intake->bytes >= LINGERING_MOST && !intake->hurried) {
        hurry(intake);
    }
    pthread_mutex_unlock(&intake->lock);
}

void sls_intake_hurry(struct sls_intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    hurry(intake);
    pthread_mutex_unlock(&intake->lock);
}

size_t sls_intake_take(struct sls_intake *intake, struct sls_wait **taken, size_t most)
{
    size_t n = 0;

    pthread_mutex_lock(&intake->lock);
    intake->hurried = 0;
    for (; intake->first != NULL && n < most; n++) {
        taken[n] = intake->first;
        intake->first = taken[n]->next;
        intake->bytes -= taken[n]->size;
    }
    pthread_mutex_unlock(&intake->lock);
    return n;
}
