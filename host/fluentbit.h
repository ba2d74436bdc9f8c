/*
 * Everything this project assumes about Fluent Bit's binary.
 *
 * The interface for plugins written in Go has few functions and no version. The rest comes from the executable,
 * which exports its functions (src/CMakeLists.txt, ENABLE_EXPORTS). Every symbol is looked up, must be of the same object as
 * flb_output_name, and every layout that can be checked is checked, before it is used.
 *
 * Each row was read in the sources of 1.9.10, 2.2.3, 4.2.8 and 5.1.1, and holds for all of them unless it names
 * versions. Paths are Fluent Bit's; mk_* is lib/monkey, cmetrics is lib/cmetrics.
 *
 * The tests are in test/e2e and run on Fluent Bit where there is one. TestHostsLookDifferent, TestRegistration,
 * TestNoEventIsLeftBehind and TestMetricsInTheLogOfAHostWithout run on the bundled host alone, which is built to look
 * like other versions. TestFluentBitTable holds the table to fluentbit.c and to the tests, TestFluentBitExports the
 * symbols to the executable that FLUENT_BIT names.
 *
 * SYMBOL, and what happens without it           SOURCE: FUNCTION                                  TEST
 *
 * flb_coro_get, flb_coro_set: block             src/flb_coro.c                                    TestHostsLookDifferent
 *     The coroutine of the calling thread.
 * flb_engine_evl_get: block                     src/flb_engine.c                                  TestHostsLookDifferent
 *     The event loop of the calling thread, NULL on a thread without one.
 * co_active, co_switch: block                   lib/flb_libco/amd64.c, aarch64.c                  TestHostsLookDifferent
 * mk_event_add, mk_event_del: block             mk_core/mk_event.c                                TestHostsLookDifferent
 * flb_log_print: log to stderr                  src/flb_log.c                                     TestLogFileOfIdleOutput
 * flb_output_log_check: the level of all        src/flb_output.c; not in 1.9.10                   TestLogFileOfIdleOutput
 *     outputs: flb_worker_log_level,            src/flb_log.c, src/flb_worker.c
 *     flb_worker_get; without: log to stderr
 * exit_signal: a stop is not noticed            src/fluent-bit.c: flb_signal_handler_break_loop   TestStopWhileBrokerIsAway
 *     Set by the handler of SIGTERM, SIGINT and SIGQUIT. Nothing else tells a plugin that the process is about to stop.
 * flb_output_get_cmt_instance: log the numbers  src/flb_output.c; not in 1.9.10                   TestMetricsInTheLogOfAHostWithout
 * flb_output_name: log the numbers, lines       src/flb_output.c                                  TestMetricsAfterRecords,
 *     do not say which output speaks                                                              TestLogFileOfIdleOutput
 *     alias, or the name with its number: the label "name" of Fluent Bit's own series.
 * cmt_counter_create, cmt_counter_set,          cmetrics/src/cmt_counter.c                        TestMetricsAfterRecords
 * cmt_gauge_create, cmt_gauge_set,              cmetrics/src/cmt_gauge.c
 * cmt_create, cmt_destroy, cmt_counter_get_val, cmetrics/src/cmetrics.c
 * cmt_gauge_get_val: log the numbers
 *     Checked: in a set of our own, what is set is read back.
 * flb_http_server_config_init: logs alone       src/http_server/flb_http_server.c; 5.1.1 alone    TestRegistration
 *     Present where struct flb_plugin_proxy_def has event_type: see sls_register_kinds in fluentbit.c.
 * flb_proxy_output_cb_init: a worker encodes    src/flb_plugin_proxy.c; since 2.2.0               TestChunksAreGoneBeforeExit
 *     no waiting chunk once the process stops
 *     Present where inputs end after outputs (2.1.8): see data below.
 * flb_reload: a second output gets a warning    src/flb_reload.c; since 2.1.0                     TestTwoOutputsOfAnOldHost
 *     Present where each output is exited with its own context (2.0.7, fluent-bit#6469).
 *
 * LAYOUT                                        SOURCE                                            TEST
 *
 * struct flbgo_output_plugin                    src/proxy/go/go.h                                 TestEveryLineLands
 * struct flb_plugin_proxy_context               include/fluent-bit/flb_plugin_proxy.h             TestEveryLineLands
 * struct flb_plugin_proxy_def                   include/fluent-bit/flb_plugin_proxy.h             TestRegistration
 *     event_type: 4.2.8 and 5.1.1. In 1.9.10 and 2.2.3 the allocation ends in front of it.
 * struct flb_api: output_get_property, the      include/fluent-bit/flb_api.h                      TestHostsLookDifferent
 *     first member, and in 1.9.10 all of it; fluent-bit-go uses it, and this project no other.
 * struct flb_coro (coro_layout)                 include/fluent-bit/flb_coro.h                     TestHostsLookDifferent
 *     Checked: callee is co_active(). FLB_HAVE_VALGRIND puts one word in front.
 * struct mk_event                               mk_core/mk_event.h                                TestHostsLookDifferent
 *     Checked after mk_event_add. It must be zero before: mk_event_add and mk_event_del read its list heads.
 * FLB_ERROR 0, FLB_OK 1, FLB_RETRY 2            include/fluent-bit/flb_macros.h                   TestEveryLineLands
 * FLB_LOG_ERROR 1 to FLB_LOG_DEBUG 4            include/fluent-bit/flb_log.h                      TestWrongOptionsStopTheHost
 * FLB_OUTPUT_LOGS 1, FLB_OUTPUT_METRICS 2,      include/fluent-bit/flb_output.h                   TestMetricsInput,
 *     FLB_OUTPUT_TRACES 4                                                                         TestTracesInput
 *
 * BEHAVIOUR                                     SOURCE: FUNCTION                                  TEST
 *
 * FLBPluginInit runs on the engine's thread,    src/flb_engine.c: flb_engine_start                TestLogFileOfIdleOutput
 *     whose loop is there by then (flb_engine_evl_set), and is run when all sections are initialised.
 *     Its argument is one struct for all sections, valid as this section's during the call. What api, o_ins and
 *     context point to stays until the section's FLBPluginExitCtx (src/proxy/go/go.c: proxy_go_output_init).
 * With the option -d the process forks after    src/fluent-bit.c: flb_main;                        TestDaemon
 *     FLBPluginRegister, and calls the others   src/flb_utils.c: flb_utils_set_daemon
 *     in the child.
 * FLBPluginFlushCtx runs on a coroutine,        include/fluent-bit/flb_output.h:                  TestNothingElseWaits
 *     of the engine's thread or of a worker's.  output_pre_cb_flush, flb_output_flush_create
 * A coroutine has 24 KiB of stack by default,   include/fluent-bit/flb_coro.h:                    TestHostsLookDifferent
 *     64 KiB in 5.1.1.                          FLB_CORO_STACK_SIZE_BYTE
 * tag is a copy that stays until                src/proxy/go/go.c: proxy_go_output_flush          TestBurstOfAcknowledgements
 *     FLBPluginFlushCtx returns.
 * data stays as long, but only as the loop of   src/flb_engine.c: flb_engine_shutdown;            TestChunksAreGoneBeforeExit
 *     its flush is run: 1.8.0 to 2.1.7 free the src/flb_input.c: flb_input_exit_all
 *     chunks (flb_input_exit_all) on the engine's thread before FLBPluginExitCtx (flb_output_exit), and other outputs' exits
 *     may come in between. 2.1.8 and later free them after it.
 * A loop calls event->handler(event) for an     src/flb_engine.c: flb_engine_start;               TestNothingElseWaits
 *     event of type MK_EVENT_CUSTOM, again and  src/flb_output_thread.c: output_thread;
 *     again while its descriptor is readable.   mk_core/mk_event_epoll.c: _mk_event_add
 * A loop links ready events to each other; only mk_core/mk_event_epoll.c: _mk_event_del;          TestNoEventIsLeftBehind
 *     mk_event_del unlinks one.                 include/fluent-bit/flb_event_loop.h
 * Events of one priority are served in turn,    include/fluent-bit/flb_event_loop.h:              TestBurstOfAcknowledgements
 *     but each eleventh is forgotten until the  flb_event_priority_live_foreach,
 *     next round. Ours and those of the pipes   FLB_ENGINE_LOOP_MAX_ITER
 *     of results have one priority.
 * A flush that ends writes 8 bytes into a pipe  include/fluent-bit/flb_output.h:                  TestBurstOfAcknowledgements
 *     of 64 KiB, blocking. The same loop reads  flb_output_return; src/flb_engine.c:
 *     it, one result for each event.            handle_output_events (1.9.10: handle_output_event)
 * A worker ends when its flushes have ended.    src/flb_output_thread.c: output_thread            TestStopWithManyChunksInWorker
 *     It writes each result into a pipe of 64 KiB that the engine reads, and reads no more at the end of the process.
 * Workers are joined, without a limit, and      src/flb_output.c: flb_output_exit;                TestStopWhileBrokerIsAway
 *     their loops destroyed, before the         src/flb_output_thread.c:
 *     section's FLBPluginExitCtx.               flb_output_thread_pool_destroy
 * FLBPluginExitCtx runs on the engine's thread, src/flb_engine.c: flb_engine_shutdown             TestStopWithManyChunksInFlight
 *     whose loop still exists and is not run any more. Flushes may still be suspended there; they are never resumed.
 * FLBPluginExitCtx(NULL) comes for a section    src/flb_output.c: flb_output_exit                 TestSecondOfThreeOutputsFails,
 *     that was never initialised.                                                                 TestDryRun
 *     Exception, up to 2.0.6: src/proxy/go/go.c: proxy_go_output_destroy gives the last section's context for each     TestTwoOutputsOfAnOldHost
 *     section, and frees the host's struct with the first: with two sections Fluent Bit uses freed memory, whatever the
 *     plugin does.
 * A reload registers the new plugin while the   src/flb_reload.c: flb_reload; not in 1.9.10       TestHotReload
 *     old one runs.
 * flb_log_print sends a line to the log from a  src/flb_log.c: flb_log_print                      TestHostsLookDifferent
 *     thread of Fluent Bit, to stderr from any other. It does not look at the level.
 * A thread of the logger writes the lines, and  src/flb_log.c: log_worker_collector               TestDaemon
 *     before 2.0 the process may end before it does.
 * The lists of metrics and of their labels are  src/flb_metrics_exporter.c: flb_me_get_cmetrics   TestMetricsAfterRecords
 *     read without a lock, on any thread, any time. cmt_counter_set and cmt_gauge_set of labels that exist change
 *     no list and store atomically (cmetrics/src/cmt_map.c: cmt_map_metric_get; cmt_metric.c: cmt_metric_set).
 */
#ifndef SLS_FLUENTBIT_H
#define SLS_FLUENTBIT_H

#include <stddef.h>
#include <stdint.h>

#define FLB_ERROR 0
#define FLB_OK    1
#define FLB_RETRY 2

#define FLB_LOG_ERROR 1

/* struct flb_plugin_proxy_context as far as a plugin may write it. */
struct flb_plugin_proxy_context {
    void *remote_context;
};

/* struct flbgo_output_plugin, the argument of FLBPluginInit, as far as it is used. */
struct flbgo_output_plugin {
    char *name;
    void *api; /* struct flb_api, for fluent-bit-go */
    void *o_ins; /* struct flb_output_instance */
    struct flb_plugin_proxy_context *context;
};

/* struct mk_event. What follows handler grew once: room is left for more. */
struct mk_event {
    int fd;
    int type;
    uint32_t mask;
    uint8_t status;
    void *data;
    int (*handler)(void *event);
    char more[128];
};

/* The part of struct flb_coro that is used. */
struct coro_layout {
    void *caller;
    void *callee;
};

/* A coroutine of Fluent Bit that runs a flush. */
struct sls_coro {
    void *coro;                 /* struct flb_coro */
    struct coro_layout *layout; /* in it */
};

/* Tells the host, in its struct flb_plugin_proxy_def, that the output takes metrics and traces as well as logs. Where that
 * struct may have no room for it, nothing is written, and the output gets logs alone. */
void sls_register_kinds(void *def);

/* Sets what the host hands to FLBPluginFlushCtx and FLBPluginExitCtx. */
void sls_set_context(struct flbgo_output_plugin *plugin, void *context);

/* Finds the coroutine that the caller runs on, and the loop of its thread. Returns NULL, or why a flush cannot be
 * suspended. */
char *sls_coro_find(struct sls_coro *coro, void **loop);

/* Suspends the coroutine that the caller runs on, until sls_coro_resume. */
void sls_coro_suspend(struct sls_coro *coro);

/* Resumes a coroutine. The caller must be on the thread of its loop. When this returns, the coroutine may have ended,
 * and coro, which is on its stack, may be freed. */
void sls_coro_resume(struct sls_coro *coro);

/* Has handler called with event while fd is readable. event must be zero. Returns NULL, or why not. */
char *sls_loop_add(void *loop, struct mk_event *event, int fd, int (*handler)(void *));

/* Takes an event back if loop is the one of the calling thread. The event may be linked into the loop's queue, which
 * closing its descriptor does not change: the loop would write to its memory later. Any other loop is a worker's, and
 * was destroyed with its thread. */
void sls_loop_del(void *loop, struct mk_event *event);

/* The event loop of the calling thread, to which events can be added; NULL: they cannot. */
void *sls_loop_find(void);

/* Whether the functions below may be called. */
int sls_has_log(void);

/* Whether lines of a level are shown, of an output where the host can tell. The calling thread must be the host's. */
int sls_log_check(void *o_ins, int level);

/* Logs a line. The calling thread must be the host's. text is an argument and never the format: it may contain a percent
 * sign. */
void sls_log_print(int level, const char *text);

/* Gives the logger time to write what was logged, where it has none otherwise if FLBPluginInit fails now: before 2.0. */
void sls_log_settle(void);

/* The alias of an output instance, or its name with its number. NULL where the host does not tell. */
const char *sls_output_name(void *o_ins);

/* The functions below need one of those above to have been called, which FLBPluginInit does. */

/* Whether the process was signalled to stop. Where the host does not show it, the answer is always no. */
int sls_stopping(void);

/* Whether each output is exited with its own context: 2.0.7 and later, but not known of those before 2.1. */
int sls_exits_each_output(void);

/* Whether the event loop that calls may read the chunk of a flush that is suspended in it. A worker of a host before 2.1.8
 * must not once the process stops: the engine's thread frees chunks while workers run. */
int sls_chunk_readable(int on_worker);

/* Whether the chunks of flushes that are suspended in the engine's loop can be read in FLBPluginExitCtx. */
int sls_chunks_outlive_outputs(void);

/* Whether the functions below may be called: plugins cannot add metrics before 2.0. */
int sls_cmt_known(void);

/* A set of metrics, struct cmt: of our own, and of an output instance. NULL: there is none. */
void *sls_cmt_new(void);
void sls_cmt_free(void *cmt);
void *sls_cmt_of(void *o_ins);

/* Returns a struct cmt_gauge or cmt_counter, or NULL. */
void *sls_cmt_create(void *cmt, int gauge, char *ns, char *subsystem, char *name, char *help, int label_count,
                     char **label_keys);

/* Reads a value. Returns 0 if there is one. */
int sls_cmt_get(void *metric, int gauge, double *value, int label_count, char **label_values);

/* Sets a value, of labels that may be new. Returns 0 if it was set. */
int sls_cmt_set(void *metric, int gauge, uint64_t at, double value, int label_count, char **label_values);

#endif
