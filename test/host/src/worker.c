/* Worker threads of an output with `workers`: each has an event loop of its own and gets chunks in turn, whether it is
 * idle or not. The order to stop waits behind the chunks handed out before; the worker obeys it when its last flush is
 * over, however long that takes (src/flb_output_thread.c). */
#include "host.h"

struct worker {
    struct engine *engine;
    struct output *output;
    int number;
    pthread_t thread;
    struct mk_event_loop loop;
    struct channel inbox;    /* routes; NULL = stop */
    struct channel returned; /* routes whose flush is over */
    struct flush *flushes;
    bool stopping;
};

static void on_route(void *owner, void *item)
{
    struct worker *w = owner;

    if (!item) {
        w->stopping = true;
        return;
    }
    flush_create(item, w->engine->options->stack_size, &w->returned, &w->flushes);
    flush_start(item);
}

/* Passes the result on to the engine, and waits while the engine does not read. */
static void on_returned(void *owner, void *item)
{
    struct worker *w = owner;
    struct route *route = item;

    flush_destroy(route->flush);
    channel_send(&w->output->results, route);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    char name[16];

    snprintf(name, sizeof name, "flb-out-w%d", w->number);
    pthread_setname_np(pthread_self(), name);
    log_thread_is(LOG_FLB);
    loop_set_current(&w->loop);
    log_line(FLB_LOG_INFO, "[output:%s] worker #%d started", w->output->name, w->number);
    while (!w->stopping || w->flushes)
        loop_round(&w->loop);
    log_line(FLB_LOG_INFO, "[output:%s] thread worker #%d stopped", w->output->name, w->number);
    return NULL;
}

void workers_start(struct engine *e, struct output *o)
{
    o->pool = must_alloc((size_t) o->workers * sizeof *o->pool);
    for (int i = 0; i < o->workers; i++) {
        struct worker *w = o->pool[i] = must_alloc(sizeof *w);
        w->engine = e;
        w->output = o;
        w->number = i;
        loop_open(&w->loop, WORKER_EVENTS);
        channel_open(&w->inbox, &w->loop, on_route, w);
        channel_open(&w->returned, &w->loop, on_returned, w);
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
            die("cannot start a worker thread");
    }
}

void workers_dispatch(struct output *o, struct route *route)
{
    channel_send(&o->pool[o->next_worker++ % o->workers]->inbox, route);
}

void workers_join(struct output *o)
{
    if (!o->pool)
        return;
    for (int i = 0; i < o->workers; i++) {
        struct worker *w = o->pool[i];
        channel_send(&w->inbox, NULL);
        pthread_join(w->thread, NULL);
        channel_close(&w->inbox);
        channel_close(&w->returned);
        loop_close(&w->loop);
        free(w);
    }
    free(o->pool);
    o->pool = NULL;
}
