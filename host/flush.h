/*
 * The flush that does not block: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "fluentbit.h"

/* The result of a chunk that is on its way; otherwise it is Fluent Bit's
 * FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

struct bell;
struct sls_bells;
struct sls_handover;
struct sls_intake;

/* What Fluent Bit keeps of an output instance for us: its remote context. */
struct sls_remote {
    uintptr_t instance;        /* handle of the Go side */
    struct sls_bells *bells;   /* NULL: flush_mode blocking */
    struct sls_intake *intake; /* NULL: as before */
    int64_t limit_ms;          /* longest blocking wait */
    pthread_t thread;          /* that of the engine; any other is a worker */
};

/* One flush that waits. It lives on the stack of the flush. */
struct sls_wait {
    /* The chunk, as Fluent Bit gave it. */
    void *data;
    size_t size;
    char *tag;
    int worker; /* 1: on a worker's thread */
    int result;
    struct sls_wait *next; /* in a list, or handed over before us */

    /* Suspended. What has its result is handed over, and may be gone then. */
    struct bell *bell;  /* who resumes us */
    struct sls_handover *settled; /* where we go then with our result */
    struct sls_coro coro;

    /* Blocking. */
    char *blocking; /* why it cannot be suspended, NULL where that was asked for */
    int fd;         /* eventfd to poll */
    uintptr_t handle; /* of the Go side; 0: not submitted yet, or over */
};

#endif
