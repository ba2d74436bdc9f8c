/*
 * What Fluent Bit sends to an output written in Go is said by event_type, a
 * field that its struct flb_plugin_proxy_def has since 4.2.3: 0, which is logs,
 * or a sum of the kinds. Before 4.2.3 the struct ends in front of it, and to
 * write there destroys another's memory. The struct does not tell its size, nor
 * Fluent Bit its version.
 *
 * So a function is looked up that the executable exports. It came to Fluent
 * Bit with commit 0cf4edd16 of 2026-03-12, a descendant of 5cd36a3ef of
 * 2026-02-16, which brought the field. No version has the function and not the
 * field: of the 7854 branches, tags and pull requests of Fluent Bit's
 * repository in August 2026, 929 have the function, and all of them the field;
 * released are 5.0.0 and later. 4.2.3 to 4.2.8 have the field alone. What they
 * export does not tell them from the unreleased states before them that lack
 * it, so there the output gets logs alone.
 *
 * Later versions may add fields, as 5.1.1 did, but not move this one: Go
 * plugins built with fluent-bit-go of 2026 write it at this place.
 */
#define _GNU_SOURCE
#include "register.h"

#include <dlfcn.h>
#include <stddef.h>

#define PROBE "flb_http_server_config_init"

#define FLB_OUTPUT_LOGS 1
#define FLB_OUTPUT_METRICS 2

/* Source: Fluent Bit 5.0.0, include/fluent-bit/flb_plugin_proxy.h. */
struct definition {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    int event_type;
};

void sls_register_metrics(void *def)
{
    if (dlsym(RTLD_DEFAULT, PROBE) != NULL) {
        ((struct definition *) def)->event_type = FLB_OUTPUT_LOGS | FLB_OUTPUT_METRICS;
    }
}
