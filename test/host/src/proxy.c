/* The plugin's side of the interface: loading, registration, the callbacks in Fluent Bit's order and with its memory rules
 * (src/flb_plugin_proxy.c, src/proxy/go/go.c). Buffers handed out are overwritten when their time is over. */
#include "host.h"

#include <dlfcn.h>
#include <sys/mman.h>

enum { GUARD_SIZE = 64, GUARD_BYTE = 0xFB, OVER = 0xA5 };

static void *symbol(struct proxy *p, const char *name)
{
    return dlsym(p->handle, name);
}

/* The struct is followed by a guard, since newer registration code writes behind the struct of older hosts. */
static struct flb_plugin_proxy_def *def_create(void)
{
    struct flb_plugin_proxy_def *def = must_alloc(sizeof *def + GUARD_SIZE);

#if HOST_VERSION < 40203 || defined(HOST_DEF_OLD)
    memset(def, OVER, sizeof *def); /* malloc'ed up to 4.2.2 */
#endif
    def->type = FLB_PROXY_OUTPUT_PLUGIN;
    memset(def + 1, GUARD_BYTE, GUARD_SIZE);
    return def;
}

static void def_check(const struct flb_plugin_proxy_def *def, const char *callback)
{
    const unsigned char *guard = (const unsigned char *) (def + 1);

    for (size_t i = 0; i < GUARD_SIZE; i++)
        if (guard[i] != GUARD_BYTE)
            die("[proxy] %s wrote byte %zu of a registration struct of %zu bytes", callback, sizeof *def + i, sizeof *def);
}

/* The struct ends where a page ends that is followed by none, so that reading a member this host lacks is a fault. */
static struct flb_api *api_create(void)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED || mprotect(map + page, page, PROT_NONE) != 0)
        die("no memory for the plugin api");
    struct flb_api *api = (struct flb_api *) (map + page - sizeof *api);
    api->output_get_property = property_get;
#if HOST_VERSION >= 20000
    api->log_print = (void (*)(int, const char *, int, const char *, ...)) dlsym(RTLD_DEFAULT, "flb_log_print");
    api->output_log_check = (int (*)(struct output *, int)) dlsym(RTLD_DEFAULT, "flb_output_log_check");
#endif
    return api;
}

static void api_free(struct flb_api *api)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);

    munmap((char *) (api + 1) - page, 2 * page);
}

static bool look_up_callbacks(struct proxy *p)
{
    struct flbgo_output_plugin *g = p->plugin = must_alloc(sizeof *g);

    *(void **) &g->cb_init = symbol(p, "FLBPluginInit");
    *(void **) &g->cb_flush = symbol(p, "FLBPluginFlush");
    *(void **) &g->cb_flush_ctx = symbol(p, "FLBPluginFlushCtx");
    *(void **) &g->cb_exit = symbol(p, "FLBPluginExit");
    *(void **) &g->cb_exit_ctx = symbol(p, "FLBPluginExitCtx");
    g->name = strdup(p->def->name);
    if (!g->cb_init || (!g->cb_flush && !g->cb_flush_ctx)) {
        log_line(FLB_LOG_ERROR, "[go proxy]: could not load FLBPluginInit or a flush symbol");
        return false;
    }
    return true;
}

static bool register_plugin(struct proxy *p, bool hot)
{
    int (*pre_register)(int), (*reg)(struct flb_plugin_proxy_def *);

    *(void **) &pre_register = symbol(p, "FLBPluginPreRegister");
    *(void **) &reg = symbol(p, "FLBPluginRegister");
    if (pre_register && pre_register(hot) == -1)
        return false;
    if (!reg || reg(p->def) == -1)
        return false;
    def_check(p->def, "FLBPluginRegister");
    if (p->def->type != FLB_PROXY_OUTPUT_PLUGIN || p->def->proxy != FLB_PROXY_GOLANG) {
        log_line(FLB_LOG_ERROR, "[proxy] type %d, proxy %d: not a Go output plugin", p->def->type, p->def->proxy);
        return false;
    }
#if HOST_VERSION >= 40203 && !defined(HOST_DEF_OLD)
    log_line(FLB_LOG_INFO, "[proxy] event_type %d", p->def->event_type);
#endif
    return look_up_callbacks(p);
}

/* With -D HOST_WITH_PLUGIN the plugin is linked into this program, in place of the file that is named: the race
 * detector's memory has to be at low addresses, where no object that is loaded later can have it. */
static void *open_plugin(const char *path)
{
#ifdef HOST_WITH_PLUGIN
    path = NULL;
#endif
    return dlopen(path, RTLD_LAZY);
}

/* Main thread. hot: the load is part of a hot reload. NULL = not loaded or not registered; the reason was logged. */
struct proxy *proxy_load(const char *path, bool hot)
{
    struct proxy *p = must_alloc(sizeof *p);

    p->handle = open_plugin(path);
    if (!p->handle) {
        log_line(FLB_LOG_ERROR, "[proxy] error opening plugin %s: '%s'", path, dlerror());
        free(p);
        return NULL;
    }
    p->def = def_create();
    p->api = api_create();
    if (!register_plugin(p, hot)) {
        log_line(FLB_LOG_ERROR, "[proxy] %s did not register an output", path);
        free(p);
        return NULL;
    }
    return p;
}

void proxy_attach(struct proxy *p, struct config *c)
{
    for (int i = 0; i < c->n_outputs; i++) {
        if (c->outputs[i].is_tick)
            continue;
        c->outputs[i].context = must_alloc(sizeof *c->outputs[i].context);
        c->outputs[i].context->proxy = p;
    }
}

bool proxy_init(struct proxy *p, struct output *o)
{
    p->plugin->api = p->api;
    p->plugin->o_ins = o;
    p->plugin->context = o->context;
    int ret = p->plugin->cb_init(p->plugin);
    if (o->context->proxy != p)
        die("[proxy] FLBPluginInit of %s wrote behind remote_context", o->name);
    if (ret <= 0) {
        log_line(FLB_LOG_ERROR, "[go proxy]: plugin '%s' failed to initialize", p->plugin->name);
        log_line(FLB_LOG_ERROR, "[output] failed to initialize '%s' (%d)", o->name, ret);
    }
    return ret > 0;
}

void proxy_pre_run(struct proxy *p, bool hot_reload)
{
    int (*pre_run)(int);

    *(void **) &pre_run = symbol(p, "FLBPluginOutputPreRun");
    if (pre_run)
        pre_run(hot_reload);
}

/* Calls the plugin with copies of data and tag that are gone when it returns; below 2.1.8 with the chunk's own data, which
 * is gone when the inputs exit. On the flush's coroutine. */
int proxy_flush(struct output *o, const void *data, size_t size, const char *tag, size_t tag_len)
{
    struct flbgo_output_plugin *g = o->context->proxy->plugin;
    bool own = HOST_VERSION < 20108;
    char *data_copy = own ? (char *) data : must_alloc(size), *tag_copy = must_alloc(tag_len + 1);

    if (!own)
        memcpy(data_copy, data, size);
    memcpy(tag_copy, tag, tag_len);
    int ret = g->cb_flush_ctx ? g->cb_flush_ctx(o->context->remote_context, data_copy, size, tag_copy)
                              : g->cb_flush(data_copy, size, tag_copy);
    memset(tag_copy, OVER, tag_len + 1);
    if (!own) {
        memset(data_copy, OVER, size);
        free(data_copy);
    }
    free(tag_copy);
    return ret;
}

/* Below 2.0.7 every section gets the context of the last one. Source: src/proxy/go/go.c, proxy_go_output_destroy. */
void proxy_exit(struct proxy *p, struct output *o, bool hot)
{
    void *context = (HOST_VERSION < 20007 && p->plugin->context ? p->plugin->context : o->context)->remote_context;
    void (*pre_exit)(int);

    *(void **) &pre_exit = symbol(p, "FLBPluginOutputPreExit");
    if (pre_exit)
        pre_exit(hot);
    if (p->plugin->cb_exit_ctx)
        p->plugin->cb_exit_ctx(context);
    else if (p->plugin->cb_exit)
        p->plugin->cb_exit();
}

/* Main thread. Reports the strings the plugin allocated for its registration and did not free. */
void proxy_unload(struct proxy *p)
{
    void (*unregister)(struct flb_plugin_proxy_def *);

    *(void **) &unregister = symbol(p, "FLBPluginUnregister");
    freed_watch(0, p->def->name);
    freed_watch(1, p->def->description);
    if (unregister)
        unregister(p->def);
    def_check(p->def, "FLBPluginUnregister");
    if (!freed_seen(0) || !freed_seen(1))
        log_line(FLB_LOG_ERROR, "[proxy] the name or description of '%s' was not freed by FLBPluginUnregister", p->plugin->name);
    free(p->plugin->name);
    memset(p->plugin, OVER, sizeof *p->plugin);
    free(p->plugin);
    memset(p->def, OVER, sizeof *p->def);
    free(p->def);
    api_free(p->api);
    dlclose(p->handle);
    free(p);
}
