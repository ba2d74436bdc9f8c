/*
 * Bells: how a suspended flush is resumed. See notifier.c. Only flush.c uses this.
 */
#ifndef SLS_BELL_H
#define SLS_BELL_H

#include "flush.h"

/* Finds or hangs the bell of the event loop we run on. Where the host does not
 * let a flush wait in its loop, wait->bell stays NULL and the result is why. */
char *sls_bells_find(struct sls_bells *bells, struct sls_wait *wait);

/* Hands a flush to Go. It must be suspended before its event loop goes on. */
void sls_begin(struct sls_wait *wait);

#endif
