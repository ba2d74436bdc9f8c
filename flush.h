/*
 * The flush that does not block: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <stdint.h>

/* What sls_advance returns while a chunk is on its way; otherwise it returns
 * Fluent Bit's FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

/* How a flush waits, filled in by slsSubmit. */
struct sls_wait {
    int fd;         /* eventfd, readable when the chunk should be advanced */
    int blocking;   /* 1: flush_mode blocking */
    int limit_ms;   /* longest wait on the calling thread */
};

#endif
