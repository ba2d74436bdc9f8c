/*
 * What fluentbit.h declares: the only file that looks up symbols of Fluent Bit and knows its structs.
 */
#define _GNU_SOURCE
#include "fluentbit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Type and bits of an event. */
#define MK_EVENT_CUSTOM 4
#define MK_EVENT_READ   1
#define MK_EVENT_NONE   1

#define FLB_LOG_INFO 3

#define FLB_OUTPUT_LOGS    1
#define FLB_OUTPUT_METRICS 2
#define FLB_OUTPUT_TRACES  4

/* What the executable exports, by its names there; NULL: it does not. */
static struct {
    void *(*flb_coro_get)(void);
    void (*flb_coro_set)(void *coro);
    void *(*flb_engine_evl_get)(void);
    void *(*co_active)(void);
    void (*co_switch)(void *thread);
    int (*mk_event_add)(void *loop, int fd, int type, uint32_t mask, void *event);
    int (*mk_event_del)(void *loop, void *event);
    void (*flb_log_print)(int level, const char *file, int line, const char *format, ...);
    int (*flb_output_log_check)(void *o_ins, int level);
    void *(*flb_worker_get)(void);
    int (*flb_worker_log_level)(void *worker);
    volatile sig_atomic_t *exit_signal;
    void *(*flb_output_get_cmt_instance)(void *o_ins);
    const char *(*flb_output_name)(void *o_ins);
    void *(*cmt_counter_create)(void *cmt, char *ns, char *subsystem, char *name, char *help, int label_count, char **keys);
    void *(*cmt_gauge_create)(void *cmt, char *ns, char *subsystem, char *name, char *help, int label_count, char **keys);
    int (*cmt_counter_set)(void *counter, uint64_t at, double value, int label_count, char **values);
    int (*cmt_gauge_set)(void *gauge, uint64_t at, double value, int label_count, char **values);
    void *(*cmt_create)(void);
    void (*cmt_destroy)(void *cmt);
    int (*cmt_counter_get_val)(void *counter, int label_count, char **values, double *value);
    int (*cmt_gauge_get_val)(void *gauge, int label_count, char **values, double *value);
    void *flb_http_server_config_init;
    void *flb_proxy_output_cb_init;
    void *flb_reload;
} host;

static void *base_of(void *address)
{
    Dl_info info;

    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* A symbol of another object than that of flb_output_name is not Fluent Bit's: any library may export a co_switch. */
static void *look_up(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    return host.flb_output_name == NULL || base_of(found) == base_of((void *) host.flb_output_name) ? found : NULL;
}

#define LOOK_UP(symbol) host.symbol = (__typeof__(host.symbol)) look_up(#symbol)

static void host_look_up(void)
{
    LOOK_UP(flb_output_name); /* first */
    LOOK_UP(flb_coro_get);
    LOOK_UP(flb_coro_set);
    LOOK_UP(flb_engine_evl_get);
    LOOK_UP(co_active);
    LOOK_UP(co_switch);
    LOOK_UP(mk_event_add);
    LOOK_UP(mk_event_del);
    LOOK_UP(flb_log_print);
    LOOK_UP(flb_output_log_check);
    LOOK_UP(flb_worker_get);
    LOOK_UP(flb_worker_log_level);
    LOOK_UP(exit_signal);
    LOOK_UP(flb_output_get_cmt_instance);
    LOOK_UP(cmt_counter_create);
    LOOK_UP(cmt_gauge_create);
    LOOK_UP(cmt_counter_set);
    LOOK_UP(cmt_gauge_set);
    LOOK_UP(cmt_create);
    LOOK_UP(cmt_destroy);
    LOOK_UP(cmt_counter_get_val);
    LOOK_UP(cmt_gauge_get_val);
    LOOK_UP(flb_http_server_config_init);
    LOOK_UP(flb_proxy_output_cb_init);
    LOOK_UP(flb_reload);
}

static void need_host(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, host_look_up);
}

/* struct flb_plugin_proxy_def. Source: Fluent Bit 5.0.0, include/fluent-bit/flb_plugin_proxy.h. */
struct flb_plugin_proxy_def {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    int event_type; /* 0 is logs; otherwise the sum of the kinds that the output takes */
};

/* The struct has event_type since 4.2.3. Before, it ends in front of that, and to write there destroys memory of
 * another. It does not tell its size, nor Fluent Bit its version.
 *
 * So a function is looked up that the executable exports. It came to Fluent Bit with commit 0cf4edd16 of 2026-03-12, a
 * descendant of 5cd36a3ef of 2026-02-16, which brought the field. No version has the function and not the field: of
 * the 7854 branches, tags and pull requests of Fluent Bit's repository in August 2026, 929 have the function, and all
 * of them the field; released are 5.0.0 and later. 4.2.3 to 4.2.8 have the field alone. What they export does not tell
 * them from the unreleased states before them that lack it, so there the output gets logs alone.
 *
 * Later versions may add fields, as 5.1.1 did, but not move this one: Go plugins built with fluent-bit-go of 2026
 * write it at this place. */
void sls_register_kinds(void *def)
{
    need_host();
    if (host.flb_http_server_config_init != NULL) {
        ((struct flb_plugin_proxy_def *) def)->event_type = FLB_OUTPUT_LOGS | FLB_OUTPUT_METRICS | FLB_OUTPUT_TRACES;
    }
}

void sls_set_context(struct flbgo_output_plugin *plugin, void *context)
{
    plugin->context->remote_context = context;
}

/* Whether all functions are there that a suspended flush needs. */
static int can_suspend(void)
{
    return host.flb_coro_get && host.flb_coro_set && host.flb_engine_evl_get && host.co_active && host.co_switch &&
           host.mk_event_add && host.mk_event_del;
}

/* The layout is the one whose callee is the coroutine that we run on. A host built with Valgrind's headers has an unsigned
 * int in front, which takes the place of a pointer. */
static struct coro_layout *find_layout(void *coro)
{
    struct coro_layout *plain = coro;
    struct coro_layout *shifted = (struct coro_layout *) ((char *) coro + sizeof(void *));
    void *self = host.co_active();

    if (plain->callee == self) {
        return plain;
    }
    if (shifted->callee == self) {
        return shifted;
    }
    return NULL;
}

char *sls_coro_find(struct sls_coro *coro, void **loop)
{
    need_host();
    if (!can_suspend()) {
        return "a function of its event loop is missing";
    }
    *loop = host.flb_engine_evl_get();
    coro->coro = host.flb_coro_get();
    if (*loop == NULL || coro->coro == NULL) {
        return "the flush is not on a coroutine";
    }
    coro->layout = find_layout(coro->coro);
    if (coro->layout == NULL) {
        return "its coroutines are laid out in an unknown way";
    }
    return NULL;
}

/* As flb_coro_yield, which is inline. */
void sls_coro_suspend(struct sls_coro *coro) { host.co_switch(coro->layout->caller); }

/* As flb_coro_resume, which is inline. */
void sls_coro_resume(struct sls_coro *coro)
{
    host.flb_coro_set(coro->coro);
    coro->layout->caller = host.co_active();
    host.co_switch(coro->layout->callee);
}

char *sls_loop_add(void *loop, struct mk_event *event, int fd, int (*handler)(void *))
{
    event->fd = fd;
    event->type = MK_EVENT_CUSTOM;
    event->status = MK_EVENT_NONE;
    event->handler = handler;
    if (host.mk_event_add(loop, fd, MK_EVENT_CUSTOM, MK_EVENT_READ, event) != 0) {
        return "its event loop refused the event";
    }
    if (event->fd != fd || event->type != MK_EVENT_CUSTOM || event->mask != MK_EVENT_READ || event->handler != handler) {
        host.mk_event_del(loop, event);
        return "its events are laid out in an unknown way";
    }
    return NULL;
}

void sls_loop_del(void *loop, struct mk_event *event)
{
    if (host.flb_engine_evl_get() == loop) {
        host.mk_event_del(loop, event);
    }
}

void *sls_loop_find(void)
{
    need_host();
    if (!host.flb_engine_evl_get || !host.mk_event_add || !host.mk_event_del) {
        return NULL;
    }
    return host.flb_engine_evl_get();
}

int sls_has_log(void)
{
    need_host();
    return host.flb_log_print && (host.flb_output_log_check || (host.flb_worker_get && host.flb_worker_log_level));
}

int sls_log_check(void *o_ins, int level)
{
    void *worker;

    if (host.flb_output_log_check != NULL) {
        return host.flb_output_log_check(o_ins, level);
    }
    worker = host.flb_worker_get();
    return level <= (worker != NULL ? host.flb_worker_log_level(worker) : FLB_LOG_INFO); /* as flb_log_check */
}

void sls_log_print(int level, const char *text) { host.flb_log_print(level, NULL, 0, "%s", text); }

void sls_log_settle(void)
{
    struct timespec settle = { .tv_nsec = 200000000 };

    if (sls_has_log() && host.flb_output_log_check == NULL) {
        nanosleep(&settle, NULL);
    }
}

const char *sls_output_name(void *o_ins)
{
    need_host();
    return host.flb_output_name != NULL ? host.flb_output_name(o_ins) : NULL;
}

int sls_stopping(void) { return host.exit_signal != NULL && *host.exit_signal != 0; }

int sls_exits_each_output(void) { return host.flb_reload != NULL; }

int sls_chunk_readable(int on_worker)
{
    return !on_worker || sls_chunks_outlive_outputs() || !sls_stopping();
}

int sls_chunks_outlive_outputs(void) { return host.flb_proxy_output_cb_init != NULL; }

int sls_cmt_known(void)
{
    need_host();
    return host.flb_output_get_cmt_instance && host.flb_output_name && host.cmt_counter_create &&
           host.cmt_gauge_create && host.cmt_counter_set && host.cmt_gauge_set && host.cmt_create && host.cmt_destroy &&
           host.cmt_counter_get_val && host.cmt_gauge_get_val;
}

void *sls_cmt_new(void) { return host.cmt_create(); }

void sls_cmt_free(void *cmt) { host.cmt_destroy(cmt); }

void *sls_cmt_of(void *o_ins) { return host.flb_output_get_cmt_instance(o_ins); }

void *sls_cmt_create(void *cmt, int gauge, char *ns, char *subsystem, char *name, char *help, int label_count,
                     char **label_keys)
{
    return (gauge ? host.cmt_gauge_create : host.cmt_counter_create)(cmt, ns, subsystem, name, help, label_count, label_keys);
}

int sls_cmt_set(void *metric, int gauge, uint64_t at, double value, int label_count, char **label_values)
{
    return (gauge ? host.cmt_gauge_set : host.cmt_counter_set)(metric, at, value, label_count, label_values);
}

int sls_cmt_get(void *metric, int gauge, double *value, int label_count, char **label_values)
{
    return (gauge ? host.cmt_gauge_get_val : host.cmt_counter_get_val)(metric, label_count, label_values, value);
}
