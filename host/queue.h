/*
 * The submission queue: how flushes reach Go. See queue.c.
 */
#ifndef SLS_QUEUE_H
#define SLS_QUEUE_H

#include <stdint.h>
#include <sys/timerfd.h>

struct sls_flush;

/* A list of flushes on their way from C to Go or back. Adding one and taking all are one atomic instruction each, in C
 * and in Go: a lock would cost Go a call of C. */
struct sls_list {
    struct sls_flush *last;
    int fd;           /* readable when there is something to take */
    int32_t notified; /* not 0: fd was made readable. Whoever takes sets it to 0 first and takes then, so that a flush
                       * is either taken or makes fd readable again */
};

/* The submission queue of an output instance. Go takes flushes out: see queue.go. */
struct sls_queue {
    struct sls_list submitted; /* fd is a timer, which Go closes */
    struct itimerspec linger;
    int64_t bytes; /* of chunks that were not taken yet */
};

/* Returns NULL if no descriptor or memory is left. linger_ns is the time from the first push until the Go side is
 * woken. The timer is not armed when an event loop encodes. */
struct sls_queue *sls_queue_create(int64_t linger_ns);

void sls_queue_destroy(struct sls_queue *queue);

/* Adds a flush, from any thread. Returns 1 if an event loop should encode, because that many bytes wait. */
int sls_queue_push(struct sls_queue *queue, struct sls_flush *flush);

/* Wakes the Go side without waiting for linger. */
void sls_queue_wake_now(struct sls_queue *queue);

#endif
