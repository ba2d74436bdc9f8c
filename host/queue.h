/*
 * How flushes come to Go: see queue.c.
 */
#ifndef SLS_QUEUE_H
#define SLS_QUEUE_H

#include <stdint.h>
#include <sys/timerfd.h>

struct sls_wait;

/* Flushes on their way from C to Go or back, the last one first. Each side puts
 * one there, or takes all, with one atomic instruction: a lock would be a
 * call of C for Go. */
struct sls_handover {
    struct sls_wait *last;
    int fd;       /* becomes readable so that they are taken */
    int32_t rung; /* it was made so; who waits for it clears this, then looks */
};

/* The flushes of one output instance that Go has not seen yet. Go takes them out. */
struct sls_intake {
    struct sls_handover begun; /* fd is a timer, and Go's to close */
    struct itimerspec linger;
    int64_t bytes; /* of their chunks */
};

/* Returns NULL where no descriptor or memory is left. The timer is started so
 * that Go comes so long after something was put in, unless an event loop is to. */
struct sls_intake *sls_intake_create(int64_t linger_ns);

void sls_intake_destroy(struct sls_intake *intake);

/* Puts a flush in, from any thread. Returns 1 where so many bytes have come
 * together that an event loop should encode them. */
int sls_intake_put(struct sls_intake *intake, struct sls_wait *wait);

/* Has Go come now. */
void sls_intake_hurry(struct sls_intake *intake);

#endif
