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

/* A copy of a chunk: the bytes follow. */
struct sls_copy {
    struct sls_copy *next;
};

/* The submission queue of an output instance. Go takes flushes out: see queue.go. */
struct sls_queue {
    struct sls_list submitted; /* fd is a timer, which Go closes */
    struct itimerspec linger;
    int64_t bytes; /* of copies that were not taken yet */
};

/* Returns NULL if no descriptor or memory is left. linger_ns is the time from the first push until the Go side is
 * woken. */
struct sls_queue *sls_queue_create(int64_t linger_ns);

void sls_queue_destroy(struct sls_queue *queue);

/* Copies the chunk of a flush and adds the flush, from the flush's thread. Returns 0, and does nothing, where the event
 * loop must encode it: the copies that wait would take more than COPIED_BYTES. */
int sls_queue_push(struct sls_queue *queue, struct sls_flush *flush);

/* Frees copies that were taken. */
void sls_copies_free(struct sls_copy *first);

#endif
