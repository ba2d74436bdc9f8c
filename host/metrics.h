/*
 * The time series of one output instance among Fluent Bit's own. See metrics.c.
 */
#ifndef SLS_METRICS_H
#define SLS_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct sls_metrics;

/* Returns NULL where plugins cannot add metrics: Fluent Bit before 2.0. capacity is the largest number of time series.
 * Must be called on the thread of the instance's Init, like sls_metrics_add. */
struct sls_metrics *sls_metrics_create(void *o_ins, size_t capacity);

/* Adds a time series with the value 0. label is the name of a label in addition to the output's name; without a
 * label_value it has none. Series of one name must follow each other. Returns 0 if the host refuses it. */
int sls_metrics_add(struct sls_metrics *metrics, int gauge, char *ns, char *subsystem,
                    char *name, char *help, char *label, char *label_value);

/* Sets all series, in the order in which they were added; at is nanoseconds since 1970. May be called on any thread, by
 * one at a time, until the instance's exit. */
void sls_metrics_set(struct sls_metrics *metrics, uint64_t at, double *values);

void sls_metrics_destroy(struct sls_metrics *metrics);

#endif
