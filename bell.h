/*
 * Bells: how a flush is suspended in Fluent Bit's event loop and looked after
 * from there. See bell.c. Only flush.c uses this.
 */
#ifndef SLS_BELL_H
#define SLS_BELL_H

#include "flush.h"

/* Finds or hangs the bell of the event loop we run on. Where the host does not
 * let a flush wait in its loop, wait->bell stays NULL and the result is why. */
char *sls_hang_bell(struct sls_bells *bells, struct sls_wait *wait);

/* Suspends the coroutine until the flush has its result. */
void sls_suspend(struct sls_wait *wait);

/* Ends a wait: it is not woken any more. */
void sls_leave(struct sls_wait *wait);

/* Empties an eventfd. */
void sls_drain(int fd);

#endif
