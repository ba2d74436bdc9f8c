/*
 * The intake is how flushes come to Go without a call of Go: a list, and an
 * eventfd for which a goroutine waits.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "flush.h"

struct sls_intake {
    int fd;
    pthread_mutex_t lock;
    struct sls_wait *first;
    struct sls_wait *last;
};

struct sls_intake *sls_intake_create(int *fd)
{
    struct sls_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL) {
        return NULL;
    }
    intake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (intake->fd < 0) {
        free(intake);
        return NULL;
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

void sls_intake_put(struct sls_intake *intake, struct sls_wait **waits, size_t n)
{
    size_t i;

    pthread_mutex_lock(&intake->lock);
    for (i = 0; i < n; i++) {
        waits[i]->next = NULL;
        if (intake->first == NULL) {
            intake->first = waits[i];
        }
        else {
            intake->last->next = waits[i];
        }
        intake->last = waits[i];
    }
    pthread_mutex_unlock(&intake->lock);
    sls_ring(intake->fd);
}

size_t sls_intake_take(struct sls_intake *intake, struct sls_wait **taken, size_t most)
{
    size_t n = 0;

    pthread_mutex_lock(&intake->lock);
    for (; intake->first != NULL && n < most; n++) {
        taken[n] = intake->first;
        intake->first = taken[n]->next;
    }
    pthread_mutex_unlock(&intake->lock);
    return n;
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
