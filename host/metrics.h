/*
 * The metrics of one output instance among Fluent Bit's own: see metrics.c.
 */
#ifndef SLS_METRICS_H
#define SLS_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct sls_metrics;

/* Returns NULL where the host has no metrics for plugins: Fluent Bit before 2.0.
 * capacity is how many time series there will be at most. To be called, as
 * sls_metrics_add, on the thread of the instance's Init. */
struct sls_metrics *sls_metrics_create(void *instance, size_t capacity);

/* Adds a time series, with value 0. reason may be NULL. Series of one name must
 * be added one after another. Returns 0 where the host refuses it. */
int sls_metrics_add(struct sls_metrics *metrics, int gauge, char *ns, char *subsystem,
                    char *name, char *help, char *reason);

/* Sets all series, in the order in which they were added; at is nanoseconds
 * since 1970. May be called on any thread, but never twice at a time, and not
 * after the instance's exit. */
void sls_metrics_set(struct sls_metrics *metrics, uint64_t at, double *values);

void sls_metrics_destroy(struct sls_metrics *metrics);

#endif
