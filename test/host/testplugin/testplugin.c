/* A stand-in for a Go output plugin, to test the test host itself. It registers as "testplugin", prints each callback to
 * stdout ("call <callback> ..."), and answers a flush as its properties say:
 *
 *     mode      ok (default), retry, error, suspend, block, burst
 *     delay     milliseconds: suspend waits so long on the event loop and block in nanosleep(2), then FLB_OK;
 *               never = suspend until the process ends
 *     burst     burst: flushes are suspended until this number of them is, then they are resumed and return FLB_OK
 *     at_once   burst: how many are resumed in one call of the event's handler (default 1; all)
 *     leave     burst: on = FLBPluginExitCtx closes the event's descriptor but does not delete the event
 *     times     retry: how many times FLB_RETRY before FLB_OK (default 1)
 *     out       file to which the bytes of each chunk are appended before FLB_OK
 *     init      fail: FLBPluginInit refuses
 *     id        name of the instance in the call lines
 *
 * Before properties exist, the environment says what to do wrong: TESTPLUGIN_OVERFLOW=1 writes behind the registration
 * struct, TESTPLUGIN_LEAK=1 does not free the name.
 *
 *     cc -shared -fPIC -o testplugin.so *.c                                                                             */
#define _GNU_SOURCE
#include "testplugin.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FLB_ERROR = 0, FLB_OK = 1, FLB_RETRY = 2 };

struct def {
    int type, proxy, flags;
    char *name, *description;
};

struct api {
    const char *(*output_get_property)(const char *key, void *instance);
    void *others[3];
    void (*log_print)(int level, const char *file, int line, const char *fmt, ...);
    void *input_log_check;
    int (*output_log_check)(void *instance, int level);
};

struct plugin {
    char *name;
    struct api *api;
    void *instance;
    struct {
        void *remote_context, *proxy;
    } *context;
};

struct instance {
    char id[32], mode[16], out[512];
    int delay_ms; /* -1 = never resumed */
    int times;
    struct bell *bell; /* NULL: not mode burst */
    const unsigned char *suspended; /* data of the last flush that was suspended */
    int exited;
    struct instance *next;
};

static struct instance *instances; /* those that were exited are freed by FLBPluginUnregister: it may come twice */

void call(const char *callback, const char *detail)
{
    char thread[16] = "";

    pthread_getname_np(pthread_self(), thread, sizeof thread);
    printf("call %s %s thread=%s\n", callback, detail, thread);
}

int FLBPluginPreRegister(int hot)
{
    call("PreRegister", hot ? "1" : "0");
    return 0;
}

int FLBPluginRegister(struct def *def)
{
    call("Register", "-");
    def->type = 2;
    def->proxy = 11;
    def->flags = 0;
    def->name = strdup("testplugin");
    def->description = strdup("answers as it is told");
    if (getenv("TESTPLUGIN_OVERFLOW"))
        memset(def + 1, 0, 4);
    return 0;
}

void FLBPluginUnregister(struct def *def)
{
    call("Unregister", "-");
    for (struct instance **at = &instances, *i; (i = *at);) {
        if (i->exited) {
            *at = i->next;
            free(i);
        } else {
            at = &i->next;
        }
    }
    if (!getenv("TESTPLUGIN_LEAK"))
        free(def->name);
    free(def->description);
}

static const char *property(struct plugin *p, const char *key, const char *otherwise)
{
    const char *value = p->api->output_get_property(key, p->instance);

    return value ? value : otherwise;
}

static void log_from_elsewhere(struct plugin *p);

static struct bell *create_bell(struct plugin *p, const char *id)
{
    const char *at_once = property(p, "at_once", "1");

    return bell_create(id, atoi(property(p, "burst", "1")), strcmp(at_once, "all") ? atoi(at_once) : INT_MAX,
                       !strcmp(property(p, "leave", "off"), "on"));
}

int FLBPluginInit(struct plugin *p)
{
    struct instance *i = calloc(1, sizeof *i);
    const char *delay = property(p, "delay", "0");

    snprintf(i->id, sizeof i->id, "%s", property(p, "id", "-"));
    snprintf(i->mode, sizeof i->mode, "%s", property(p, "mode", "ok"));
    snprintf(i->out, sizeof i->out, "%s", property(p, "out", ""));
    i->delay_ms = strcmp(delay, "never") ? atoi(delay) : -1;
    i->times = atoi(property(p, "times", "1"));
    call("Init", i->id);
    if (!strcmp(property(p, "init", ""), "fail")) {
        free(i);
        return 0;
    }
    if (!strcmp(i->mode, "burst"))
        i->bell = create_bell(p, i->id);
    i->next = instances;
    instances = i;
    p->context->remote_context = i;
    if (dlsym(RTLD_DEFAULT, "flb_output_log_check"))
        log_from_elsewhere(p);
    return 1;
}

static void *log_here(void *arg)
{
    struct plugin *p = arg;

    for (int level = 3; level <= 4; level++)
        if (p->api->output_log_check(p->instance, level))
            p->api->log_print(level, NULL, 0, "level %d", level);
    return NULL;
}

/* Once from the host's thread and once from a thread of the plugin's own. */
static void log_from_elsewhere(struct plugin *p)
{
    pthread_t t;

    log_here(p);
    pthread_create(&t, NULL, log_here, p);
    pthread_join(t, NULL);
}

int FLBPluginOutputPreRun(int hot_reload)
{
    call("PreRun", hot_reload ? "1" : "0");
    return 0;
}

void FLBPluginOutputPreExit(int hot)
{
    call("PreExit", hot ? "1" : "0");
}

int FLBPluginExitCtx(void *context)
{
    struct instance *i = context;

    volatile int *exit_signal = dlsym(RTLD_DEFAULT, "exit_signal");
    char detail[64];

    snprintf(detail, sizeof detail, "%s exit_signal=%d", i ? i->id : "NULL", exit_signal ? *exit_signal : -1);
    call("ExitCtx", detail);
    if (i && i->suspended && i->delay_ms < 0)
        printf("first=%02x\n", *i->suspended);
    if (i && i->bell)
        bell_destroy(i->bell);
    if (i) {
        i->bell = NULL;
        i->exited = 1;
    }
    return 0;
}

void sleep_ms(int ms)
{
    nanosleep(&(struct timespec) {ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void append(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, data, size) != (ssize_t) size)
        perror(path);
    close(fd);
}

int FLBPluginFlushCtx(void *context, const void *data, size_t size, char *tag)
{
    struct instance *i = context;
    const char *how = "-";
    char detail[128];

    if (!strcmp(i->mode, "error"))
        return FLB_ERROR;
    if (!strcmp(i->mode, "retry") && i->times-- > 0) {
        call("FlushCtx", "retry");
        return FLB_RETRY;
    }
    if (!strcmp(i->mode, "block"))
        sleep_ms(i->delay_ms);
    if (!strcmp(i->mode, "suspend")) {
        i->suspended = data;
        call("Suspend", i->id);
        how = suspend(i->delay_ms);
    }
    if (i->bell) {
        bell_wait(i->bell);
        how = "burst";
    }
    if (i->out[0])
        append(i->out, data, size);
    snprintf(detail, sizeof detail, "%s tag=%s size=%zu waited=%s", i->id, tag, size, how);
    call("FlushCtx", detail);
    return FLB_OK;
}
