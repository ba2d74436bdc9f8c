/* A task: a chunk until every output it matches has answered. FLB_OK ends an output's part; FLB_RETRY brings the chunk
 * back later, up to Retry_Limit times; everything else drops it (src/flb_engine.c, src/flb_task.c). */
#include "host.h"

static void task_end(struct task *t)
{
    struct engine *e = t->engine;

    if (t->dropped)
        e->counts->dropped++;
    else
        e->counts->ok++;
    store_delete(t->chunk);
    e->bytes -= t->chunk->data.len;
    e->n_tasks--;
    if (t->prev)
        t->prev->next = t->next;
    else
        e->tasks = t->next;
    if (t->next)
        t->next->prev = t->prev;
    chunk_free(t->chunk);
    free(t);
}

static void route_end(struct route *r, bool dropped)
{
    struct task *t = r->task;

    t->dropped = t->dropped || dropped;
    if (--t->users == 0)
        task_end(t);
}

static void dispatch(struct route *r)
{
    struct engine *e = r->task->engine;

    r->attempts++;
    if (r->output->pool)
        workers_dispatch(r->output, r);
    else
        channel_send(&e->starts, flush_create(r, e->options->stack_size, &e->returned, &r->output->flushes));
}

static void on_retry_due(void *arg)
{
    struct engine *e = arg;
    uint64_t now = now_ns();

    for (struct task *t = e->tasks; t; t = t->next)
        for (int i = 0; i < t->n_routes; i++) {
            struct route *r = &t->routes[i];
            if (r->retry_ns && r->retry_ns <= now) {
                r->retry_ns = 0;
                dispatch(r);
            }
        }
}

static void retry_later(struct route *r)
{
    struct engine *e = r->task->engine;
    uint64_t delay = e->options->retry_ns;

    if (e->stopping && delay > 1000000000u)
        delay = 1000000000u;
    e->counts->retries++;
    log_line(FLB_LOG_WARN, "[engine] failed to flush chunk %lu, retry in %.3f seconds: output=%s", r->task->id,
             (double) delay / 1e9, r->output->name);
    r->retry_ns = now_ns() + delay;
    timer_after(&e->loop, delay, on_retry_due, e);
}

void task_result(struct route *r, int result)
{
    if (result == FLB_OK) {
        if (r->attempts > 1)
            log_line(FLB_LOG_INFO, "[engine] flush chunk %lu succeeded at retry %d: output=%s", r->task->id, r->attempts - 1,
                     r->output->name);
        route_end(r, false);
    } else if (result == FLB_RETRY && (r->output->retry_limit == RETRY_FOREVER || r->attempts <= r->output->retry_limit)) {
        retry_later(r);
    } else {
        if (result == FLB_RETRY)
            log_line(FLB_LOG_ERROR, "[engine] chunk %lu cannot be retried: output=%s", r->task->id, r->output->name);
        else
            log_line(FLB_LOG_ERROR, "[engine] chunk %lu dropped: output=%s returned %d", r->task->id, r->output->name, result);
        route_end(r, true);
    }
}

/* Takes the chunk over and sends it to every output it matches. */
void task_start(struct engine *e, struct chunk *chunk)
{
    struct config *c = e->config;
    struct task *t = must_alloc(sizeof *t + (size_t) c->n_outputs * sizeof *t->routes);

    t->engine = e;
    t->chunk = chunk;
    t->id = e->counts->chunks++;
    t->next = e->tasks;
    if (t->next)
        t->next->prev = t;
    e->tasks = t;
    e->n_tasks++;
    e->bytes += chunk->data.len;
    for (int i = 0; i < c->n_outputs; i++)
        if (!c->outputs[i].is_tick && tag_matches(c->outputs[i].match, chunk->tag))
            t->routes[t->n_routes++] = (struct route) {.task = t, .output = &c->outputs[i]};
    t->users = t->n_routes;
    if (!t->users) {
        log_line(FLB_LOG_ERROR, "[engine] chunk %lu dropped: no output matches tag '%s'", t->id, chunk->tag);
        t->dropped = true;
        task_end(t);
        return;
    }
    for (int i = 0; i < t->n_routes; i++)
        dispatch(&t->routes[i]);
}

/* Shutdown has begun: nobody waits any longer. */
void task_retry_all_now(struct engine *e)
{
    for (struct task *t = e->tasks; t; t = t->next)
        for (int i = 0; i < t->n_routes; i++)
            if (t->routes[i].retry_ns)
                t->routes[i].retry_ns = 1;
    on_retry_due(e);
}

/* What has not been answered: lost where it is not in storage. */
void tasks_free(struct engine *e)
{
    while (e->tasks) {
        struct task *t = e->tasks;
        e->tasks = t->next;
        chunk_free(t->chunk);
        free(t);
    }
}
