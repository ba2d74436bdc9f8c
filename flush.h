/*
 * The flush that does not block: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <stdint.h>

/* What slsAdvance returns while a chunk is on its way; otherwise it returns
 * Fluent Bit's FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

/* The bells of one output instance, one for each event loop its flushes ran on. */
struct sls_bells;

/* How one flush waits. It lives on the stack of the flush. */
struct sls_wait;

/* What Fluent Bit keeps of an output instance for us: its remote context. */
struct sls_remote {
    uintptr_t instance;      /* handle of the Go side */
    struct sls_bells *bells; /* NULL: flush_mode blocking */
    int64_t limit_ms;        /* longest blocking wait */
};

struct sls_bells *sls_bells_create(void);

/* Ends the bells. No flush may wait any more, or be woken. */
void sls_bells_destroy(struct sls_bells *bells);

/* Wakes a flush that waits, or is about to. May be called from any thread, and
 * more than once, as long as the flush has not been told its result. */
void sls_wake(struct sls_wait *wait);

#endif
