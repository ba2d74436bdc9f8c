/*
 * The functions that Fluent Bit calls and that may come in another process than the one that loaded the plugin: with its
 * option -d Fluent Bit forks after it has loaded its plugins. The child has one thread, and the Go runtime, which starts
 * its threads when it is loaded, has none there: whoever calls Go waits permanently. So these functions are C, and call Go
 * only in the process that loaded it.
 * Source: fluentbit.h.
 */
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "fluentbit.h"

static pid_t loaded_by;

__attribute__((constructor)) static void on_load(void) { loaded_by = getpid(); }

static int forked(void) { return getpid() != loaded_by; }

static const char *refusal(void)
{
    return "Fluent Bit has become a daemon (-d, or Daemon on) after it loaded this plugin, which cannot work so: run it in the foreground, under systemd or another supervisor";
}

static void refuse(struct flbgo_output_plugin *plugin)
{
    const char *name = sls_output_name(plugin->o_ins);
    char line[512];

    snprintf(line, sizeof(line), "[output:%s%s%s] %s", plugin->name, name != NULL ? ":" : "", name != NULL ? name : "",
             refusal());
    if (sls_has_log()) {
        sls_log_print(FLB_LOG_ERROR, line);
    }
    else {
        fprintf(stderr, "%s\n", line);
    }
}

int FLBPluginInit(struct flbgo_output_plugin *plugin)
{
    int result = FLB_ERROR;

    if (forked()) {
        refuse(plugin);
    }
    else {
        result = slsInit(plugin);
    }
    if (result == FLB_ERROR) {
        sls_log_settle();
    }
    return result;
}

/* context is NULL for a section that was never initialised. */
int FLBPluginExitCtx(void *context)
{
    if (context == NULL || forked()) {
        return FLB_OK;
    }
    return slsExit(context);
}

void FLBPluginUnregister(void *def)
{
    if (!forked()) {
        slsUnregister(def);
    }
}
