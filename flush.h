/*
 * The flush that does not block: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a chunk that is on its way; otherwise it is Fluent Bit's
 * FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

struct bell;
struct coro;

/* The bells of one output instance, one for each event loop its flushes ran on. */
struct sls_bells;

/* What Fluent Bit keeps of an output instance for us: its remote context. */
struct sls_remote {
    uintptr_t instance;      /* handle of the Go side */
    struct sls_bells *bells; /* NULL: flush_mode blocking */
    int64_t limit_ms;        /* longest blocking wait */
    pthread_t thread;        /* that of the engine; any other is a worker */
};

/* One flush that waits. It lives on the stack of the flush. */
struct sls_wait {
    /* The chunk, as Fluent Bit gave it. */
    void *data;
    size_t size;
    char *tag;
    int worker;     /* 1: on a worker's thread */
    char *blocking; /* why it cannot be suspended, NULL where it can */

    /* For the Go side. */
    int submitted;
    size_t chunk; /* its number, once submitted */
    int result;

    int fd;             /* blocking: eventfd to poll, else -1 */
    struct bell *bell;  /* not blocking: who resumes us, else NULL */
    void *coro;         /* our coroutine as the host knows it */
    struct coro *coros; /* where caller and callee are in it */

    /* The bell's list; guarded by its lock. */
    int listed;
    struct sls_wait *previous;
    struct sls_wait *next;
};

struct sls_bells *sls_bells_create(struct sls_remote *remote);

/* Ends the bells. No flush may be woken any more. */
void sls_bells_destroy(struct sls_bells *bells);

/* Asks that a flush be looked after. May be called from any thread, and more
 * than once, as long as the flush has not been told its result. */
void sls_wake(struct sls_wait *wait);

#endif
