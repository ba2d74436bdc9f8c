/*
 * FLBPluginFlushCtx, and what it shares with Go: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "fluentbit.h"

/* The result of a chunk that is on its way. Any other result is Fluent Bit's: FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

struct sls_copy;
struct sls_list;
struct sls_notifier;
struct sls_notifiers;
struct sls_queue;

/* What Fluent Bit keeps of an output instance for us: its remote context. */
struct sls_output {
    uintptr_t handle;                /* cgo.Handle of the Go side */
    struct sls_notifiers *notifiers; /* never NULL */
    struct sls_queue *queue;         /* NULL: every flush blocks */
    int64_t flush_timeout_ms;        /* longest blocking wait */
    int on_workers;                  /* flushes that are suspended there */
    pthread_t engine_thread;         /* any other thread that flushes is a worker's */
};

/* A flush, on its own stack. */
struct sls_flush {
    void *data; /* the chunk, Fluent Bit's: read in a call of Fluent Bit's on this flush's thread alone */
    size_t size;
    char *tag;             /* a copy, Fluent Bit's, until FLBPluginFlushCtx returns */
    struct sls_copy *copy; /* of data, for a goroutine; NULL: the event loop encodes the chunk */
    int on_worker;
    struct sls_flush *next; /* in a list: the flush that was pushed before this one */

    /* Set by C, but for the result. Once the flush is pushed to completed it may be resumed, and its stack freed. */
    struct {
        struct sls_notifier *notifier; /* of the event loop that resumes it; NULL: it blocks */
        struct sls_list *completed;    /* of that notifier */
        struct sls_coro coro;
        int result;
    } suspended;

    struct {
        char *reason;     /* why it cannot be suspended; NULL: flush_mode blocking */
        int fd;           /* eventfd that Go signals */
        uintptr_t handle; /* cgo.Handle of the Go side; 0: not submitted yet, or over */
    } blocking;
};

#endif
