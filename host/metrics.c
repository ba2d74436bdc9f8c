/*
 * Fluent Bit keeps its metrics with CMetrics, a set of them for each output
 * instance, and exports its functions to plugins. Those used here look the same
 * from CMetrics 0.3.7 to 2.2.1, that is in every Fluent Bit from 1.9 to 5.1.1;
 * before 2.0 a plugin has no way to its instance's set.
 *
 * Once a second the engine's thread walks through the lists of metrics and of
 * their label values (flb_me_get_cmetrics in src/flb_metrics_exporter.c), and
 * other threads may too (in_fluentbit_metrics, out_vivo_exporter), without a
 * lock. So the lists must not change once Fluent Bit runs: everything is added
 * during Init, with all label values there will ever be. To set the value of
 * label values that exist finds them and stores the numbers atomically
 * (cmt_map_metric_get in cmt_map.c, cmt_metric_set in cmt_metric.c), which is
 * safe on any thread. It has to be: no thread of Fluent Bit comes by an output
 * that has nothing to do.
 */
#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "fluentbit.h"

#define LABELS 2

struct series {
    void *metric; /* struct cmt_counter or struct cmt_gauge */
    int gauge;
    char *name;
    int label_count;
    char *label_values[LABELS];
};

struct sls_metrics {
    void *cmt;
    char *instance; /* the name Fluent Bit's own metrics have for it */
    size_t count;
    size_t capacity;
    struct series series[];
};

struct sls_metrics *sls_metrics_create(void *instance, size_t capacity)
{
    struct sls_metrics *metrics;
    void *cmt = sls_cmt_of(instance);

    if (cmt == NULL) {
        return NULL;
    }
    metrics = calloc(1, sizeof(*metrics) + capacity * sizeof(struct series));
    if (metrics == NULL) {
        return NULL;
    }
    metrics->capacity = capacity;
    metrics->cmt = cmt;
    metrics->instance = strdup(sls_cmt_name(instance));
    if (metrics->instance == NULL) {
        sls_metrics_destroy(metrics);
        return NULL;
    }
    return metrics;
}

int sls_metrics_add(struct sls_metrics *metrics, int gauge, char *ns, char *subsystem,
                    char *name, char *help, char *reason)
{
    static char *label_keys[LABELS] = {"name", "reason"};
    struct series *s = &metrics->series[metrics->count];
    struct series *before = metrics->count > 0 ? s - 1 : NULL;

    if (metrics->count == metrics->capacity) {
        return 0;
    }
    s->gauge = gauge;
    s->label_count = 1;
    s->label_values[0] = metrics->instance;
    metrics->count++;
    s->name = strdup(name);
    if (s->name == NULL) {
        return 0;
    }
    if (reason != NULL) {
        s->label_count = 2;
        s->label_values[1] = strdup(reason);
        if (s->label_values[1] == NULL) {
            return 0;
        }
    }
    s->metric = before != NULL && strcmp(before->name, name) == 0 ?
                before->metric :
                sls_cmt_create(metrics->cmt, gauge, ns, subsystem, name, help, s->label_count, label_keys);
    return s->metric != NULL && sls_cmt_set(s->metric, gauge, 0, 0, s->label_count, s->label_values) == 0;
}

void sls_metrics_set(struct sls_metrics *metrics, uint64_t at, double *values)
{
    size_t i;

    for (i = 0; i < metrics->count; i++) {
        struct series *s = &metrics->series[i];
        sls_cmt_set(s->metric, s->gauge, at, values[i], s->label_count, s->label_values);
    }
}

void sls_metrics_destroy(struct sls_metrics *metrics)
{
    size_t i;

    for (i = 0; i < metrics->count; i++) {
        free(metrics->series[i].name);
        free(metrics->series[i].label_values[1]);
    }
    free(metrics->instance);
    free(metrics);
}
