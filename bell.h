/*
 * Bells: how a flush is suspended in Fluent Bit's event loop and woken from
 * any thread. See bell.c. Only flush.c uses this.
 */
#ifndef SLS_BELL_H
#define SLS_BELL_H

#include "flush.h"

struct bell;
struct coro;

struct sls_wait {
    int fd;             /* blocking: eventfd to poll, else -1 */
    struct bell *bell;  /* not blocking: who resumes us, else NULL */
    void *coro;         /* our coroutine as the host knows it */
    struct coro *coros; /* where caller and callee are in it */

    /* The bell's list of those to be resumed; guarded by its lock. */
    int ready;
    struct sls_wait *previous;
    struct sls_wait *next;
};

/* Finds or hangs the bell of the event loop we run on. Returns NULL then; where
 * the host does not let a flush wait in its loop, why, with wait->bell NULL. */
const char *sls_hang_bell(struct sls_bells *bells, struct sls_wait *wait);

/* Suspends the coroutine until it is woken. */
void sls_suspend(struct sls_wait *wait);

/* Ends a wait: it is not woken any more. */
void sls_leave(struct sls_wait *wait);

/* Empties an eventfd. */
void sls_drain(int fd);

#endif
