/* A stand-in for a Go output plugin, to test the test host itself. It registers as "testplugin", prints each callback to
 * stdout ("call <callback> ..."), and answers a flush as its properties say:
 *
 *     mode      ok (default), retry, error, suspend, block
 *     delay     milliseconds: suspend waits so long on the event loop and block in nanosleep(2), then FLB_OK;
 *               never = suspend for good
 *     times     retry: so many times FLB_RETRY, then FLB_OK (default 1)
 *     out       file to which the bytes of each chunk are appended before FLB_OK
 *     init      fail: FLBPluginInit refuses
 *     id        name of the instance in the call lines
 *
 * Before properties exist, the environment says what to do wrong: TESTPLUGIN_OVERFLOW=1 writes behind the registration
 * struct, TESTPLUGIN_LEAK=1 does not free the name.
 *
 *     cc -shared -fPIC -o testplugin.so testplugin.c                                                                    */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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
    int delay_ms; /* -1 = for good */
    int times;
};

static void call(const char *callback, const char *detail)
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
    free(i);
    return 0;
}

/* --- the wait in the host's event loop ------------------------------------------------------------------------------ */

struct coro_view { /* as far as one layout has it */
    void *caller, *callee;
};

struct wait {
    union {
        struct {
            int fd, type;
            uint32_t mask;
            uint8_t status;
            void *data;
            int (*handler)(void *);
        };
        char whole[256];
    } event;
    void *coro;
    struct coro_view *view;
};

static struct {
    void *(*coro_get)(void);
    void (*coro_set)(void *);
    void *(*evl_get)(void);
    void *(*active)(void);
    void (*switch_to)(void *);
    int (*add)(void *, int, int, uint32_t, void *);
    int (*del)(void *, void *);
} fb;

static int find_functions(void)
{
    *(void **) &fb.coro_get = dlsym(RTLD_DEFAULT, "flb_coro_get");
    *(void **) &fb.coro_set = dlsym(RTLD_DEFAULT, "flb_coro_set");
    *(void **) &fb.evl_get = dlsym(RTLD_DEFAULT, "flb_engine_evl_get");
    *(void **) &fb.active = dlsym(RTLD_DEFAULT, "co_active");
    *(void **) &fb.switch_to = dlsym(RTLD_DEFAULT, "co_switch");
    *(void **) &fb.add = dlsym(RTLD_DEFAULT, "mk_event_add");
    *(void **) &fb.del = dlsym(RTLD_DEFAULT, "mk_event_del");
    return fb.coro_get && fb.coro_set && fb.evl_get && fb.active && fb.switch_to && fb.add && fb.del;
}

static int on_ready(void *event)
{
    struct wait *w = event;

    fb.coro_set(w->coro);
    w->view->caller = fb.active();
    fb.switch_to(w->view->callee);
    return 0; /* w is gone */
}

static struct coro_view *view_of(char *coro)
{
    for (int shift = 0; coro && shift <= 8; shift += 8) {
        struct coro_view *v = (struct coro_view *) (coro + shift);
        if (v->callee == fb.active())
            return v;
    }
    return NULL;
}

/* Returns "loop" or "poll": how it waited until fd could be read. */
static const char *wait_for(int fd)
{
    struct wait *w = calloc(1, sizeof *w);
    void *loop = find_functions() ? fb.evl_get() : NULL;
    const char *how = "poll";

    w->coro = loop ? fb.coro_get() : NULL;
    w->view = loop ? view_of(w->coro) : NULL;
    if (w->view) {
        w->event.status = 1;
        w->event.handler = on_ready;
        fb.add(loop, fd, 4, 1, &w->event);
        if (w->event.fd == fd && w->event.type == 4 && w->event.mask == 1) {
            how = "loop";
            fb.switch_to(w->view->caller);
        }
        fb.del(loop, &w->event);
    }
    if (how[0] == 'p')
        poll(&(struct pollfd) {.fd = fd, .events = POLLIN}, 1, -1);
    free(w);
    return how;
}

struct alarm {
    int fd, delay_ms;
};

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec) {ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void *ring_later(void *arg)
{
    struct alarm *a = arg;
    uint64_t one = 1;

    sleep_ms(a->delay_ms);
    if (write(a->fd, &one, sizeof one) < 0)
        perror("eventfd");
    free(a);
    return NULL;
}

static const char *suspend(int delay_ms)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_t t;

    if (delay_ms >= 0) {
        struct alarm *a = malloc(sizeof *a);
        *a = (struct alarm) {fd, delay_ms};
        pthread_create(&t, NULL, ring_later, a);
    }
    const char *how = wait_for(fd);
    if (delay_ms >= 0)
        pthread_join(t, NULL); /* it must not run on when this object is gone */
    close(fd);
    return how;
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
        call("Suspend", i->id);
        how = suspend(i->delay_ms);
    }
    if (i->out[0])
        append(i->out, data, size);
    snprintf(detail, sizeof detail, "%s tag=%s size=%zu waited=%s", i->id, tag, size, how);
    call("FlushCtx", detail);
    return FLB_OK;
}
