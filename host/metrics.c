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
#define _GNU_SOURCE
#include "metrics.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LABELS 2

typedef void *(*create_function)(void *cmt, char *ns, char *subsystem, char *name, char *help,
                                 int label_count, char **label_keys);
typedef int (*set_function)(void *metric, uint64_t timestamp, double value,
                            int label_count, char **label_values);

struct series {
    void *metric; /* struct cmt_counter or struct cmt_gauge */
    set_function set;
    char *name;
    int label_count;
    char *label_values[LABELS];
};

struct sls_metrics {
    void *cmt;
    char *instance; /* the name Fluent Bit's own metrics have for it */
    create_function create_counter;
    create_function create_gauge;
    set_function set_counter;
    set_function set_gauge;
    size_t count;
    size_t capacity;
    struct series series[];
};

struct sls_metrics *sls_metrics_create(void *instance, size_t capacity)
{
    struct sls_metrics *metrics;
    void *(*cmt_of)(void *) = (void *(*)(void *)) dlsym(RTLD_DEFAULT, "flb_output_get_cmt_instance");
    const char *(*name_of)(void *) = (const char *(*)(void *)) dlsym(RTLD_DEFAULT, "flb_output_name");

    if (cmt_of == NULL || name_of == NULL || cmt_of(instance) == NULL) {
        return NULL;
    }
    metrics = calloc(1, sizeof(*metrics) + capacity * sizeof(struct series));
    if (metrics == NULL) {
        return NULL;
    }
    metrics->capacity = capacity;
    metrics->cmt = cmt_of(instance);
    metrics->instance = strdup(name_of(instance));
    metrics->create_counter = (create_function) dlsym(RTLD_DEFAULT, "cmt_counter_create");
    metrics->create_gauge = (create_function) dlsym(RTLD_DEFAULT, "cmt_gauge_create");
    metrics->set_counter = (set_function) dlsym(RTLD_DEFAULT, "cmt_counter_set");
    metrics->set_gauge = (set_function) dlsym(RTLD_DEFAULT, "cmt_gauge_set");
    if (metrics->instance == NULL || metrics->create_counter == NULL || metrics->create_gauge == NULL ||
        metrics->set_counter == NULL || metrics->set_gauge == NULL) {
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
    create_function create = gauge ? metrics->create_gauge : metrics->create_counter;

    if (metrics->count == metrics->capacity) {
        return 0;
    }
    s->set = gauge ? metrics->set_gauge : metrics->set_counter;
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
                before->metric : create(metrics->cmt, ns, subsystem, name, help, s->label_count, label_keys);
    return s->metric != NULL && s->set(s->metric, 0, 0, s->label_count, s->label_values) == 0;
}

void sls_metrics_set(struct sls_metrics *metrics, uint64_t at, double *values)
{
    size_t i;

    for (i = 0; i < metrics->count; i++) {
        struct series *s = &metrics->series[i];
        s->set(s->metric, at, values[i], s->label_count, s->label_values);
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
