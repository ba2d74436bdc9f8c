/*
 * Bells: how a suspended flush is resumed. See notifier.c.
 */
#ifndef SLS_NOTIFIER_H
#define SLS_NOTIFIER_H

struct sls_remote;
struct sls_wait;

/* The bells of one output instance, one for each event loop its flushes ran on. */
struct sls_bells;

struct sls_bells *sls_bells_create(struct sls_remote *remote);

/* Ends the bells. No flush may be answered any more. */
void sls_bells_destroy(struct sls_bells *bells);

/* Finds or hangs the bell of the event loop we run on. Where the host does not
 * let a flush wait in its loop, wait->bell stays NULL and the result is why. */
char *sls_bells_find(struct sls_bells *bells, struct sls_wait *wait);

/* Hands a flush to Go. It must be suspended before its event loop goes on. */
void sls_begin(struct sls_wait *wait);

/* Asks one of the event loops to take the lines of the log. May be called from
 * any thread. */
void sls_bells_log(struct sls_bells *bells);

/* Empties an eventfd. */
void sls_drain(int fd);

#endif
