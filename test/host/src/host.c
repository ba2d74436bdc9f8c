/* The bundled test host: stands in for Fluent Bit in tests and in the demo, for version 5.1.1
 * unless it was built for another (HOST_VERSION in abi.h). It loads a Go output plugin, gives it
 * lines of standard input or a file as chunks, and calls it in the same order, from the same threads and on the same kind
 * of coroutine as Fluent Bit does. Compile in this directory:
 *
 *     cc -O1 -g -Wall -Wextra -Werror -rdynamic -o host *.c -ldl -lpthread
 *
 * and see host --help. Variants that lack functions or have other layouts: abi.h, exports.c. This file is the main thread:
 * it loads and unloads, and waits for signals. */
#include "host.h"

#include <errno.h>

static sem_t wake; /* a signal came or the engine ended */
static volatile sig_atomic_t reload_wanted, reloading;
static bool engine_ended;

struct host {
    struct options options;
    struct input input;
    struct counts counts;
    unsigned long reloads;
    struct proxy *proxy;
    struct config *config;
    struct engine *engine;
};

static void on_signal(int signal);

/* Plain signal(2) as in Fluent Bit, which does it again in every SIGHUP: from then on without the alternate stack that
 * the Go runtime had asked for. */
static void install_handlers(void)
{
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGQUIT, on_signal);
    signal(SIGHUP, on_signal);
}

static void on_signal(int signal)
{
    static const char busy[] = "[reload] a reload is in progress; SIGHUP ignored\n";
    int saved = errno;

    if (signal != SIGHUP) {
        exit_signal = signal;
    } else {
        install_handlers();
        if (reloading || reload_wanted) {
            if (write(STDERR_FILENO, busy, sizeof busy - 1) < 0)
                errno = saved;
        } else {
            reload_wanted = 1;
        }
    }
    sem_post(&wake);
    errno = saved;
}

static void on_engine_end(void)
{
    __atomic_store_n(&engine_ended, true, __ATOMIC_SEQ_CST);
    sem_post(&wake);
}

static void unload(struct proxy *proxy, struct config *config)
{
    config_free(config);
    free(config);
    proxy_unload(proxy);
}

/* Loads plugin and configuration into *proxy and *config. false = one of them is refused, nothing is left loaded. */
static bool load(const struct options *o, bool hot, struct proxy **proxy, struct config **config)
{
    *proxy = proxy_load(o->plugin, hot);
    if (!*proxy)
        return false;
    *config = must_alloc(sizeof **config);
    bool ok = config_load(*config, o->config_file, (*proxy)->def->name, o->properties, o->n_properties);
    proxy_attach(*proxy, *config);
    if (!ok) {
        outputs_exit(*proxy, *config, false);
        unload(*proxy, *config);
    }
    return ok;
}

static bool start_engine(struct host *h)
{
    struct engine *e = h->engine = must_alloc(sizeof *e);

    for (int i = 0; h->options.workers >= 0 && i < h->config->n_outputs; i++)
        h->config->outputs[i].workers = h->options.workers;
    e->options = &h->options;
    e->config = h->config;
    e->proxy = h->proxy;
    e->input = &h->input;
    e->counts = &h->counts;
    e->on_end = on_engine_end;
    __atomic_store_n(&engine_ended, false, __ATOMIC_SEQ_CST);
    return engine_start(e);
}

static int end_engine(struct host *h)
{
    int code = engine_join(h->engine);

    free(h->engine);
    unload(h->proxy, h->config);
    return code;
}

/* Fluent Bit's order (src/flb_reload.c): load the configuration again, let the old engine drain, unload it, start the new one. */
static void reload(struct host *h)
{
    struct proxy *proxy;
    struct config *config;

    if (!h->config->hot_reload || HOST_VERSION < 20100) {
        log_line(FLB_LOG_WARN, "[reload] hot reloading is not enabled");
        return;
    }
    reloading = 1;
    log_line(FLB_LOG_INFO, "reloading instance pid=%ld", (long) getpid());
    signal(SIGPIPE, SIG_IGN);
    if (!load(&h->options, true, &proxy, &config)) {
        reloading = 0;
        log_line(FLB_LOG_ERROR, "[reload] reloaded config is invalid. Reloading is halted");
        return;
    }
    engine_stop(h->engine, true);
    end_engine(h);
    h->proxy = proxy;
    h->config = config;
    h->reloads++;
    bool started = start_engine(h);
    reloading = 0; /* before the line below: who waits for it may send the next SIGHUP */
    if (started)
        log_line(FLB_LOG_INFO, "[reload] reload %lu done", h->reloads);
    else
        log_line(FLB_LOG_ERROR, "[reload] loaded configuration contains error(s). Reloading is aborted");
}

/* Returns when the engine has ended by itself or after a signal. */
static void serve(struct host *h)
{
    bool stopping = false;

    while (!__atomic_load_n(&engine_ended, __ATOMIC_SEQ_CST)) {
        if (sem_wait(&wake) != 0)
            continue;
        if (exit_signal && !stopping) {
            log_line(FLB_LOG_INFO, "[engine] caught signal (%s)", strsignal(exit_signal));
            engine_stop(h->engine, false);
            stopping = true;
        }
        if (reload_wanted && !stopping && !__atomic_load_n(&engine_ended, __ATOMIC_SEQ_CST)) {
            reload_wanted = 0;
            reload(h);
        }
    }
}

static int run(struct host *h)
{
    start_engine(h);
    serve(h);
    int code = end_engine(h);
    printf("host: lines=%lu chunks=%lu ok=%lu retries=%lu dropped=%lu reloads=%lu\n", h->input.collector.lines,
           h->counts.chunks, h->counts.ok, h->counts.retries, h->counts.dropped, h->reloads);
    return code ? code : h->counts.dropped ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct host h = {0};
    int code = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    log_thread_is(LOG_MAIN);
    sem_init(&wake, 0, 0);
    options_parse(&h.options, argc, argv);
    if (h.options.log_file && log_open(h.options.log_file) != 0) {
        log_line(FLB_LOG_ERROR, "cannot write %s: %s", h.options.log_file, strerror(errno));
        return 1;
    }
    install_handlers();
    signal(SIGPIPE, SIG_IGN);
    if (!load(&h.options, false, &h.proxy, &h.config))
        return 1;
    if (h.options.daemon && fork() != 0)
        _exit(0);
    if (h.options.dry_run || !input_open(&h.input, &h.options, h.config)) {
        code = h.options.dry_run ? 0 : 1;
        outputs_exit(h.proxy, h.config, false);
        unload(h.proxy, h.config);
    } else {
        code = run(&h);
    }
    if (h.input.collector.open)
        input_close(&h.input);
    free(h.options.properties);
    return code;
}
