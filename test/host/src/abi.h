/* The part of Fluent Bit's binary interface that a Go output plugin meets: struct layouts and numbers as in
 * Fluent Bit 5.1.1 (include/fluent-bit/flb_api.h, flb_coro.h, flb_plugin_proxy.h, src/proxy/go/go.h,
 * lib/monkey/include/monkey/mk_core/mk_event.h). HOST_VERSION is the version that the host imitates, 5.1.1 unless a build says
 * otherwise: major * 10000 + minor * 100 + patch. It decides what differs between versions:
 *   below 2.0     struct flb_api has one member, nothing to log with; two sections of the plugin are exited wrongly
 *   below 2.1     no hot reload
 *   below 2.1.8   inputs end before outputs: the chunks are gone when the outputs exit
 *   below 4.0     2,048 tasks, later 16,384
 *   below 4.2.3   registration struct of 32 bytes, malloc'ed; later 48, zeroed
 *   from 5.0 on   exports a function that came with it
 *   below 5.1     coroutine stacks of 24 KiB unless -s says otherwise
 * Build variants change a layout the way some real build does:
 *   HOST_CORO_SHIFT          struct flb_coro of a build with Valgrind's headers: 8 bytes in front of caller
 *   HOST_NO_CORO_LAYOUT      struct flb_coro unlike any known one
 *   HOST_EVENT_LAYOUT_OTHER  struct mk_event with its fields elsewhere
 *   HOST_DEF_OLD             registration struct of before 4.2.3 in a host that says it is newer                  */
#ifndef ABI_H
#define ABI_H

#include <stddef.h>
#include <stdint.h>

#ifndef HOST_VERSION
#define HOST_VERSION 50101
#endif

enum { FLB_ERROR = 0, FLB_OK = 1, FLB_RETRY = 2 };
enum { FLB_PROXY_OUTPUT_PLUGIN = 2, FLB_PROXY_GOLANG = 11 };
enum { FLB_LOG_OFF, FLB_LOG_ERROR, FLB_LOG_WARN, FLB_LOG_INFO, FLB_LOG_DEBUG, FLB_LOG_TRACE };

struct flb_coro {
#if defined(HOST_NO_CORO_LAYOUT)
    void *data;
    void *unknown[2];
    void *caller, *callee;
#elif defined(HOST_CORO_SHIFT)
    unsigned int valgrind_stack_id;
    void *caller, *callee, *data;
#else
    void *caller, *callee, *data;
#endif
};

enum { MK_EVENT_NOTIFICATION = 0, MK_EVENT_CUSTOM = 4, MK_EVENT_HOST = 0x100 /* this host's own */ };
enum { MK_EVENT_EMPTY = 0, MK_EVENT_READ = 1, MK_EVENT_WRITE = 4 };
enum { MK_EVENT_UNMODIFIED = -1 };
enum { MK_EVENT_NONE = 1, MK_EVENT_REGISTERED = 2 };

struct mk_list {
    struct mk_list *prev, *next;
};

struct mk_event {
#ifdef HOST_EVENT_LAYOUT_OTHER
    void *unknown[6];
#endif
    int fd;
    int type;
    uint32_t mask;
    uint8_t status;
    void *data;
    int (*handler)(void *event);
    struct mk_list _head;
    struct mk_list _priority_head;
    char priority;
};

/* What the plugin fills in FLBPluginRegister. Known to older plugins only up to description. */
struct flb_plugin_proxy_def {
    int type, proxy, flags;
    char *name, *description;
#if HOST_VERSION >= 40203 && !defined(HOST_DEF_OLD)
    int event_type;
    void *config_map;
#endif
};

struct output;
struct proxy;

struct flb_api {
    const char *(*output_get_property)(const char *key, struct output *instance);
#if HOST_VERSION >= 20000
    const char *(*input_get_property)(const char *key, void *instance);
    void *(*output_get_cmt_instance)(struct output *instance);
    void *(*input_get_cmt_instance)(void *instance);
    void (*log_print)(int level, const char *file, int line, const char *fmt, ...);
    int (*input_log_check)(void *instance, int level);
    int (*output_log_check)(struct output *instance, int level);
    const char *(*custom_get_property)(const char *key, void *instance);
    int (*custom_log_check)(void *instance, int level);
#endif
};

/* One per instance; the plugin may write remote_context only. */
struct flb_plugin_proxy_context {
    void *remote_context;
    struct proxy *proxy;
};

/* One per loaded plugin, overwritten before each instance's FLBPluginInit. */
struct flbgo_output_plugin {
    char *name;
    struct flb_api *api;
    struct output *o_ins;
    struct flb_plugin_proxy_context *context;

    int (*cb_init)(struct flbgo_output_plugin *);
    int (*cb_flush)(const void *, size_t, const char *);
    int (*cb_flush_ctx)(void *, const void *, size_t, char *);
    int (*cb_exit)(void);
    int (*cb_exit_ctx)(void *);
};

#endif
