/*
 * Fluent Bit keeps its metrics with CMetrics, in a set for each output instance. It exports the functions of CMetrics,
 * which are the same from CMetrics 0.3.7 to 2.2.1, Fluent Bit 1.9.10 to 5.1.1. Before 2.0 a plugin cannot find the set
 * of its instance.
 *
 * The engine's thread reads the lists of metrics and of their label values once a second, and other threads may read
 * them too, without a lock. So the lists must not change while Fluent Bit runs: every series is added during Init, with
 * all label values that it will ever have. Setting the value of labels that exist changes no list and stores
 * atomically, which is safe on any thread. That is needed because no thread of Fluent Bit runs an output that has
 * nothing to do.
 * Source: fluentbit.h.
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
    char *instance; /* the label name of Fluent Bit's own series */
    size_t count;
    size_t capacity;
    struct series series[];
};

/* Whether a value is read back as it was set, in a set of metrics of our own. */
static int value_is_kept(void *cmt, int gauge)
{
    char *keys[] = { "name", "reason" };
    char *values[] = { "a", "b" };
    double value = 0;
    void *metric = sls_cmt_create(cmt, gauge, "sls", "kafka", gauge ? "gauge" : "counter", "help", 2, keys);

    return metric != NULL && sls_cmt_set(metric, gauge, 1, 2.5, 2, values) == 0 &&
           sls_cmt_get(metric, gauge, &value, 2, values) == 0 && value == 2.5;
}

/* CMetrics has no version that a plugin could see: it is tried where nobody else looks. */
static int metrics_work(void)
{
    void *cmt = sls_cmt_new();
    int work;

    if (cmt == NULL) {
        return 0;
    }
    work = value_is_kept(cmt, 0) && value_is_kept(cmt, 1);
    sls_cmt_free(cmt);
    return work;
}

struct sls_metrics *sls_metrics_create(void *o_ins, size_t capacity)
{
    struct sls_metrics *metrics;
    void *cmt;

    if (!sls_cmt_known() || !metrics_work() || (cmt = sls_cmt_of(o_ins)) == NULL) {
        return NULL;
    }
    metrics = calloc(1, sizeof(*metrics) + capacity * sizeof(struct series));
    if (metrics == NULL) {
        return NULL;
    }
    metrics->capacity = capacity;
    metrics->cmt = cmt;
    metrics->instance = strdup(sls_output_name(o_ins));
    if (metrics->instance == NULL) {
        sls_metrics_destroy(metrics);
        return NULL;
    }
    return metrics;
}

int sls_metrics_add(struct sls_metrics *metrics, int gauge, char *ns, char *subsystem,
                    char *name, char *help, char *label, char *label_value)
{
    char *label_keys[LABELS] = {"name", label}; /* CMetrics copies them */
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
    if (label_value != NULL) {
        s->label_count = 2;
        s->label_values[1] = strdup(label_value);
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
