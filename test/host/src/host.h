/* Declarations shared by the files of the test host; each block belongs to the file named above it.
 * Everything here is hidden from the plugin: only exports.c shows symbols to dlsym. */
#ifndef HOST_H
#define HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

extern volatile sig_atomic_t exit_signal; /* exports.c */

#pragma GCC visibility push(hidden)

/* --- log.c ------------------------------------------------------------------------------------------------------- */
enum log_thread { LOG_FOREIGN, LOG_MAIN, LOG_FLB }; /* whose thread this is: not ours, main, engine or worker */

void log_thread_is(enum log_thread who);
int log_open(const char *path);
int log_level_parse(const char *text); /* -1 = not a level */
void log_vprint(int level, const char *fmt, va_list args);
void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *must_alloc(size_t size); /* zeroed; never NULL */

/* --- coro.c ------------------------------------------------------------------------------------------------------ */
struct flb_coro *coro_create(void (*entry)(void *arg), void *arg, size_t stack_size);
void coro_destroy(struct flb_coro *coro);
void coro_resume(struct flb_coro *coro);
struct flb_coro *coro_current(void);
void coro_set_current(struct flb_coro *coro);
void *cothread_active(void);
void cothread_switch(void *cothread);

#include "loop.h"

/* --- msgpack.c, json.c ------------------------------------------------------------------------------------------- */
struct buf {
    char *data;
    size_t len, cap;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_clear(struct buf *b);
void pack_array(struct buf *b, uint32_t n);
void pack_map(struct buf *b, uint32_t n);
void pack_str(struct buf *b, const char *s, size_t len);
void pack_int(struct buf *b, int64_t v);
void pack_uint(struct buf *b, uint64_t v);
void pack_double(struct buf *b, double v);
void pack_bool(struct buf *b, bool v);
void pack_nil(struct buf *b);
void pack_event_time(struct buf *b, uint32_t sec, uint32_t nsec);
/* Replaces the count of the container whose 5-byte header stands at `at` and makes the header as short as may be. */
void pack_fix_container(struct buf *b, size_t at, bool is_map, uint32_t n);
/* Appends the JSON object in text as a msgpack map. false = not one object: b is as before. */
bool json_to_msgpack(struct buf *b, const char *text, size_t len);

/* --- config.c ---------------------------------------------------------------------------------------------------- */
struct property {
    char *key, *value;
    struct property *next;
};

struct worker;
struct flush;
struct tick;

enum { RETRY_FOREVER = -1 };

struct output { /* one [OUTPUT] section: what the plugin knows as its instance */
    char name[80]; /* e.g. sls_kafka.0 */
    bool is_tick;
    struct property *properties; /* those the plugin may read */
    char *match, *alias;
    int retry_limit;
    int workers;
    int log_level;

    struct flb_plugin_proxy_context *context;
    struct channel results; /* routes whose flush is over, into the engine's loop */
    struct worker **pool;   /* NULL without workers */
    int next_worker;
    struct flush *flushes; /* on the engine thread, running or suspended */
    struct tick *tick; /* of the output tick */
};

struct config {
    uint64_t flush_ns; /* 0 = not set */
    int grace_s;
    bool hot_reload;
    int log_level;
    struct output *outputs;
    int n_outputs;
    char *tail_path, *tail_tag;
};

/* Reads file (may be NULL: one output of the plugin) for a plugin registered as plugin_name; extra are -p's.
 * false = refused; the reason was logged. */
bool config_load(struct config *c, const char *file, const char *plugin_name, char **extra, int n_extra);
void config_free(struct config *c);

/* --- property.c -------------------------------------------------------------------------------------------------- */
bool property_set(struct output *o, const char *key, const char *value);
const char *property_get(const char *key, struct output *o);
char *expand_env(const char *text);
int parse_bool(const char *text); /* -1 = neither */
bool tag_matches(const char *match, const char *tag);

/* --- proxy.c ----------------------------------------------------------------------------------------------------- */
struct proxy { /* one loading of the shared object */
    void *handle;
    struct flb_plugin_proxy_def *def;
    struct flb_api *api;
    struct flbgo_output_plugin *plugin;
};

struct proxy *proxy_load(const char *path, bool hot);
void proxy_attach(struct proxy *p, struct config *c); /* gives each of the plugin's outputs its context */
bool proxy_init(struct proxy *p, struct output *o);

/* With -DHOST_HANG: files that are opened to append to hang from now on. */
void hang_appends(void);
void proxy_pre_run(struct proxy *p, bool hot_reload);
int proxy_flush(struct output *o, const void *data, size_t size, const char *tag, size_t tag_len);
void proxy_exit(struct proxy *p, struct output *o, bool hot);
void proxy_unload(struct proxy *p);

/* --- freed.c ----------------------------------------------------------------------------------------------------- */
void freed_watch(int slot, void *pointer);
bool freed_seen(int slot);

/* --- options.c --------------------------------------------------------------------------------------------------- */
enum { GRACE_AS_CONFIGURED = -2 };

struct options {
    const char *plugin, *config_file, *input_file, *tag, *log_file, *storage;
    char **properties;
    int n_properties;
    int workers; /* -1: as configured */
    size_t stack_size;
    uint64_t flush_ns, retry_ns; /* flush_ns 0: as configured */
    int grace_s;                 /* GRACE_AS_CONFIGURED, or as [SERVICE] Grace */
    size_t batch_lines;          /* 0: no limit */
    unsigned tags;               /* 0: one tag, as it is */
    double chunks_per_second;    /* 0: no limit */
    size_t memory_limit;
    bool no_stdin, json, v1, daemon, dry_run;
};

void options_parse(struct options *o, int argc, char **argv);

/* --- chunk.c, store.c -------------------------------------------------------------------------------------------- */
struct chunk {
    char *tag;
    struct buf data;
    size_t lines;
    char *file; /* in storage; NULL = memory only */
    struct chunk *next;
};

struct chunk *chunk_new(const char *tag);
void chunk_close(struct chunk *c); /* its data is unreadable from now on */
void chunk_free(struct chunk *c);

struct store;
struct store *store_open(const char *dir, const char *input_path); /* input_path NULL: input cannot be read again */
int64_t store_position(struct store *s);                           /* where to go on reading the input */
struct chunk *store_backlog(struct store *s);                      /* chunks of earlier runs, oldest first */
void store_save(struct store *s, struct chunk *c);
void store_commit(struct store *s, int64_t position); /* the saved chunks hold all input before position */
void store_delete(struct chunk *c);
void store_close(struct store *s);

/* --- collect.c, input.c ------------------------------------------------------------------------------------------ */
struct collector { /* makes chunks of lines */
    const struct options *options;
    struct store *store;
    bool rereadable; /* input that goes on from store_position after a kill */
    struct chunk **open;
    unsigned n_tags, next_tag;
    struct chunk *closed, **closed_tail; /* waiting for the engine */
    unsigned long lines;
};

void collector_open(struct collector *c, const struct options *options, struct store *store, bool rereadable, const char *tag);
void collector_add_backlog(struct collector *c); /* chunks of earlier runs, from the store */
void collector_add(struct collector *c, const char *line, size_t len, int64_t end_position);
void collector_close_chunks(struct collector *c, int64_t position);
struct chunk *collector_take(struct collector *c);
bool collector_is_empty(const struct collector *c);
void collector_close(struct collector *c);

struct input { /* lines; lives longer than an engine, so a reload loses none */
    int fd;       /* -1: there is none */
    bool is_file; /* always readable, unknown to epoll */
    bool eof;
    int64_t position; /* behind the last line handed on */
    struct buf partial;
    struct store *store; /* NULL: memory only */
    struct collector collector;
};

bool input_open(struct input *in, const struct options *options, const struct config *config);
void input_read(struct input *in);
void input_flush(struct input *in); /* closes the open chunks */
void input_close(struct input *in);

/* --- engine.c ---------------------------------------------------------------------------------------------------- */
struct counts {
    unsigned long chunks, ok, retries, dropped;
};

struct engine {
    const struct options *options;
    struct config *config;
    struct proxy *proxy;
    struct input *input;
    struct counts *counts;
    void (*on_end)(void);

    pthread_t thread;
    sem_t initialised;
    struct mk_event_loop loop;
    struct channel control; /* from main: an order to stop */
    struct channel starts;  /* routes whose flush is to be started on this thread */
    struct timer flush_timer, pace_timer, retry_timer, grace_timer;
    struct mk_event input_event;
    bool input_watched;
    struct task *tasks;
    unsigned n_tasks;
    size_t bytes; /* of chunks in tasks */
    struct route *retries, *last_retry; /* those that wait, by retry_ns */
    uint64_t next_chunk_ns;
    bool pacing;
    bool stopping, hot;
    uint64_t flush_ns;
    int grace_s, grace_count;
    int exit_code;
};

bool engine_start(struct engine *e);
void engine_stop(struct engine *e, bool hot);
int engine_join(struct engine *e);
void outputs_exit(struct proxy *proxy, struct config *c, bool hot);

/* --- task.c ------------------------------------------------------------------------------------------------------ */
struct route { /* a chunk on its way to one output */
    struct task *task;
    struct output *output;
    int attempts;
    struct flush *flush; /* NULL: waits for a retry, or on its way from or to a worker */
    int result;          /* of the last flush */
    uint64_t retry_ns;   /* when it is due again */
    struct route *next_retry;
};

struct task { /* a chunk until every output has answered */
    struct engine *engine;
    struct chunk *chunk;
    unsigned long id;
    int users;
    bool dropped;
    struct task *prev, *next;
    int n_routes;
    struct route routes[];
};

void task_start(struct engine *e, struct chunk *chunk);
int task_room(const struct engine *e);     /* chunks that may be handed to the outputs now */
void task_result(void *engine, void *route); /* receives each output's results */
void task_retry_due(void *engine);           /* fires e->retry_timer */
void task_retry_all_now(struct engine *e);
void tasks_free(struct engine *e);

/* --- flush.c, worker.c ------------------------------------------------------------------------------------------- */
struct flush { /* one call of the plugin's flush on its own coroutine */
    struct flb_coro *coro;
    struct route *route;
    struct channel *returned; /* gets the route when the flush is over; into the loop it runs in */
    struct flush **list;
    struct flush *prev, *next;
};

void flush_create(struct route *route, size_t stack_size, struct channel *returned, struct flush **list);
void flush_start(struct route *route);
void flush_destroy(struct flush *f);

void workers_start(struct engine *e, struct output *o);
void workers_dispatch(struct output *o, struct route *route);
void workers_join(struct output *o);

/* --- tick.c ------------------------------------------------------------------------------------------------------ */
void tick_start(struct engine *e, struct output *o);
void tick_exit(struct output *o);

#pragma GCC visibility pop

#endif
