/* The symbols a plugin finds with dlsym(RTLD_DEFAULT, ...): the same names and signatures as in Fluent Bit's executable.
 * Each can be left out with -D HOST_WITHOUT_<NAME>; HOST_VERSION leaves out what that version did not have. */
#include "host.h"

#define EXPORT __attribute__((visibility("default")))

/* Set by the handler of SIGTERM and SIGINT to the signal's number. */
#ifdef HOST_WITHOUT_EXIT_SIGNAL
__attribute__((visibility("hidden")))
#else
EXPORT
#endif
volatile sig_atomic_t exit_signal = 0;

#ifndef HOST_WITHOUT_FLB_CORO_GET
EXPORT struct flb_coro *flb_coro_get(void)
{
    return coro_current();
}
#endif

#ifndef HOST_WITHOUT_FLB_CORO_SET
EXPORT void flb_coro_set(struct flb_coro *coro)
{
    coro_set_current(coro);
}
#endif

#ifndef HOST_WITHOUT_FLB_ENGINE_EVL_GET
EXPORT struct mk_event_loop *flb_engine_evl_get(void)
{
    return loop_current();
}
#endif

#ifndef HOST_WITHOUT_CO_ACTIVE
EXPORT void *co_active(void)
{
    return cothread_active();
}
#endif

#ifndef HOST_WITHOUT_CO_SWITCH
EXPORT void co_switch(void *cothread)
{
    cothread_switch(cothread);
}
#endif

#ifndef HOST_WITHOUT_MK_EVENT_ADD
EXPORT int mk_event_add(struct mk_event_loop *loop, int fd, int type, uint32_t mask, void *event)
{
    return event_add(loop, fd, type, mask, event);
}
#endif

#ifndef HOST_WITHOUT_MK_EVENT_DEL
EXPORT int mk_event_del(struct mk_event_loop *loop, struct mk_event *event)
{
    return event_del(loop, event);
}
#endif

#ifndef HOST_WITHOUT_FLB_LOG_PRINT
EXPORT void flb_log_print(int level, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    (void) file;
    (void) line;
    va_start(args, fmt);
    log_vprint(level, fmt, args);
    va_end(args);
}
#endif

EXPORT const char *flb_output_name(struct output *instance)
{
    return instance->alias ? instance->alias : instance->name;
}

/* Before 2.0 a plugin finds the level of all outputs alone. */
#if HOST_VERSION < 20000
EXPORT void *flb_worker_get(void)
{
    return NULL;
}

EXPORT int flb_worker_log_level(void *worker)
{
    (void) worker;
    return FLB_LOG_INFO;
}
#endif

#if !defined(HOST_WITHOUT_FLB_OUTPUT_LOG_CHECK) && HOST_VERSION >= 20000
EXPORT int flb_output_log_check(struct output *instance, int level)
{
    return instance->log_level >= level;
}
#endif

/* No plugin calls these. */
#if HOST_VERSION >= 20100
EXPORT int flb_reload(void *context, void *file)
{
    (void) context;
    (void) file;
    return -1;
}
#endif

#if HOST_VERSION >= 20200
EXPORT int flb_proxy_output_cb_init(void *instance, void *config, void *data)
{
    (void) instance;
    (void) config;
    (void) data;
    return -1;
}
#endif

#if HOST_VERSION >= 50000
EXPORT void flb_http_server_config_init(void *config)
{
    (void) config;
}
#endif
