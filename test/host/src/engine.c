/* The engine: one thread "flb-pipeline" with the event loop in which everything happens that does not happen in a worker.
 * It initialises the outputs, turns closed chunks into tasks, and exits the outputs (src/flb_engine.c). */
#include "host.h"

enum { SECOND_NS = 1000000000, DEFAULT_FLUSH_NS = 200 * 1000000 };
enum { MAX_TASKS = HOST_VERSION >= 40000 ? 16384 : 2048 }; /* as in Fluent Bit (include/fluent-bit/flb_config.h) */

static void dispatch_chunks(struct engine *e);

static void on_pace(void *arg)
{
    struct engine *e = arg;

    e->pacing = false;
    dispatch_chunks(e);
}

/* Under -r: true when the next chunk must wait; then a timer calls dispatch_chunks. */
static bool pace(struct engine *e)
{
    double rate = e->options->chunks_per_second;
    uint64_t now = now_ns();

    if (rate <= 0 || e->stopping)
        return false;
    if (e->next_chunk_ns > now) {
        e->pacing = true;
        timer_after(&e->pace_timer, e->next_chunk_ns - now);
        return true;
    }
    /* a timer that came late may be made up for, up to 10 ms */
    e->next_chunk_ns = (e->next_chunk_ns + 10000000u > now ? e->next_chunk_ns : now) + (uint64_t) (1e9 / rate);
    return false;
}

/* Closed chunks become tasks, as many as may be in flight and as there is room for; under -r at most N a second, until
 * the engine stops. Called after each round. */
static void dispatch_chunks(struct engine *e)
{
    struct collector *c = &e->input->collector;
    int room;

    if (e->pacing || !c->closed || e->n_tasks >= MAX_TASKS)
        return;
    for (room = task_room(e); room > 0 && c->closed && e->n_tasks < MAX_TASKS; room--) {
        if (pace(e))
            return;
        task_start(e, collector_take(c));
    }
}

static void on_flush_interval(void *arg)
{
    struct engine *e = arg;

    if (!e->input->collector.closed)
        input_flush(e->input);
    dispatch_chunks(e);
}

/* More input now? Not over the memory limit, nor while chunks wait for their turn under -r. */
static bool wants_input(const struct engine *e)
{
    return !e->input->eof && !e->stopping && e->bytes < e->options->memory_limit && !e->input->collector.closed;
}

static void take_input(struct engine *e)
{
    input_read(e->input);
    if (e->input->eof)
        input_flush(e->input);
    dispatch_chunks(e);
}

static int on_input(void *event)
{
    take_input((struct engine *) ((char *) event - offsetof(struct engine, input_event)));
    return 0;
}

static void watch_input(struct engine *e)
{
    bool wants = wants_input(e);

    e->loop.busy = wants && e->input->is_file;
    if (e->input->is_file || wants == e->input_watched)
        return;
    e->input_watched = wants;
    if (!wants) {
        event_del(&e->loop, &e->input_event);
    } else if (event_add(&e->loop, e->input->fd, MK_EVENT_HOST, MK_EVENT_READ, &e->input_event) != 0) {
        e->input->is_file = true; /* e.g. /dev/null: unknown to epoll, never blocks */
        e->loop.busy = true;
    }
}

static void on_start(void *owner, void *route)
{
    (void) owner;
    flush_start(route);
}

static void on_grace_tick(void *arg)
{
    struct engine *e = arg;

    e->grace_count++;
    if ((e->n_tasks > 0 || e->input->collector.closed) && (e->grace_s < 0 || e->grace_count < e->grace_s)) {
        log_line(FLB_LOG_INFO, "[engine] pending task count: %u; grace_timer=%d", e->n_tasks, e->grace_count);
        return;
    }
    log_line(FLB_LOG_INFO, "[engine] service has stopped (%u pending tasks)", e->n_tasks);
    e->loop.over = true; /* exits come at once, in the middle of the round (src/flb_engine.c, flb_engine_shutdown) */
}

/* From main: NULL for a shutdown, else for a hot reload, which waits without limit. */
static void on_stop(void *owner, void *hot)
{
    struct engine *e = owner;

    if (e->stopping)
        return;
    e->stopping = true;
    e->hot = hot != NULL;
    if (e->hot)
        e->grace_s = -1;
    if (e->grace_s >= 0)
        log_line(FLB_LOG_WARN, "[engine] service will shutdown in max %d seconds", e->grace_s);
    else
        log_line(FLB_LOG_WARN, "[engine] service will shutdown when all remaining tasks are flushed");
    input_flush(e->input);
    e->pacing = false;
    dispatch_chunks(e);
    task_retry_all_now(e);
    timer_every(&e->grace_timer, SECOND_NS);
}

/* false: an output refused. It then has no context any more and gets no exit; those behind it are exited unseen. */
static bool init_outputs(struct engine *e)
{
    struct config *c = e->config;

    for (int i = 0; i < c->n_outputs; i++) {
        struct output *o = &c->outputs[i];
        if (o->is_tick)
            continue;
        channel_open(&o->results, &e->loop, task_result, e);
        if (!proxy_init(e->proxy, o)) {
            free(o->context);
            o->context = NULL;
            return false;
        }
        if (o->workers > 0)
            workers_start(e, o);
    }
    for (int i = 0; i < c->n_outputs; i++)
        if (c->outputs[i].is_tick)
            tick_start(e, &c->outputs[i]);
        else
            proxy_pre_run(e->proxy, c->hot_reload);
    hang_appends();
    return true;
}

/* Also without init_outputs before it: then the plugin sees exits without a context. Suspended flushes are given up
 * after their output's exit and never resumed. */
void outputs_exit(struct proxy *proxy, struct config *c, bool hot)
{
    for (int i = 0; i < c->n_outputs; i++) {
        struct output *o = &c->outputs[i];
        workers_join(o);
        if (o->context)
            proxy_exit(proxy, o, hot);
        while (o->flushes)
            flush_destroy(o->flushes);
        free(o->context);
        o->context = NULL;
        tick_exit(o);
    }
}

/* The inputs take their chunks with them. Below 2.1.8 that comes before the outputs exit: whoever reads the data of a
 * suspended flush from then on reads what is not the chunk's any more. Workers still run.
 * Source: src/flb_engine.c, flb_engine_shutdown; src/flb_input.c, flb_input_exit_all. */
static void inputs_exit(struct engine *e)
{
    for (struct task *t = e->tasks; t; t = t->next)
        chunk_close(t->chunk);
}

/* The grace timer has the default priority: Fluent Bit asks for the highest, but does so before mk_event_add, which
 * resets it (src/flb_engine.c, flb_engine_start). */
static void open_loop(struct engine *e)
{
    loop_open(&e->loop, ENGINE_EVENTS);
    channel_open(&e->control, &e->loop, on_stop, e);
    channel_open(&e->starts, &e->loop, on_start, e);
    timer_open(&e->flush_timer, &e->loop, PRIORITY_FLUSH, on_flush_interval, e);
    timer_open(&e->pace_timer, &e->loop, PRIORITY_FLUSH, on_pace, e);
    timer_open(&e->retry_timer, &e->loop, PRIORITY_TIMER, task_retry_due, e);
    timer_open(&e->grace_timer, &e->loop, PRIORITY_DEFAULT, on_grace_tick, e);
    e->input_event.handler = on_input;
}

static void close_loop(struct engine *e)
{
    if (e->input_watched)
        event_del(&e->loop, &e->input_event);
    for (int i = 0; i < e->config->n_outputs; i++)
        channel_close(&e->config->outputs[i].results);
    timer_close(&e->flush_timer);
    timer_close(&e->pace_timer);
    timer_close(&e->retry_timer);
    timer_close(&e->grace_timer);
    channel_close(&e->control);
    channel_close(&e->starts);
    loop_close(&e->loop);
}

static bool all_answered(const struct engine *e)
{
    return e->input->eof && !e->n_tasks && collector_is_empty(&e->input->collector);
}

static void run(struct engine *e)
{
    timer_every(&e->flush_timer, e->flush_ns);
    dispatch_chunks(e); /* those of the storage, or left by the engine before a reload */
    while (!e->loop.over && (e->stopping || !all_answered(e))) {
        watch_input(e);
        loop_round(&e->loop);
        if (e->loop.over)
            break;
        if (e->input->is_file && wants_input(e))
            take_input(e);
        dispatch_chunks(e);
    }
}

static void *engine_main(void *arg)
{
    struct engine *e = arg;

    pthread_setname_np(pthread_self(), "flb-pipeline");
    log_thread_is(LOG_FLB);
    loop_set_current(&e->loop);
    if (!init_outputs(e))
        e->exit_code = 255;
    sem_post(&e->initialised);
    if (!e->exit_code)
        run(e);
    if (HOST_VERSION < 20108)
        inputs_exit(e);
    outputs_exit(e->proxy, e->config, e->hot);
    loop_check_guests(&e->loop);
    tasks_free(e);
    e->on_end();
    return NULL;
}

/* Returns when all outputs are initialised or one refused. */
bool engine_start(struct engine *e)
{
    e->flush_ns = e->options->flush_ns ? e->options->flush_ns : e->config->flush_ns ? e->config->flush_ns : DEFAULT_FLUSH_NS;
    e->grace_s = e->options->grace_s != GRACE_AS_CONFIGURED ? e->options->grace_s : e->config->grace_s;
    open_loop(e);
    sem_init(&e->initialised, 0, 0);
    if (pthread_create(&e->thread, NULL, engine_main, e) != 0)
        die("cannot start the engine's thread");
    while (sem_wait(&e->initialised) != 0)
        ;
    return !e->exit_code;
}

void engine_stop(struct engine *e, bool hot)
{
    channel_send(&e->control, hot ? e : NULL);
}

/* Waits for the engine's end, which calls on_end just before. Returns the process's exit code as far as it knows. */
int engine_join(struct engine *e)
{
    pthread_join(e->thread, NULL);
    close_loop(e);
    sem_destroy(&e->initialised);
    return e->exit_code;
}
