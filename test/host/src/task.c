/* A task: a chunk until every output it matches has answered. FLB_OK ends an output's part; FLB_RETRY brings the chunk
 * back later, up to Retry_Limit times; everything else drops it (src/flb_engine.c, src/flb_task.c). */
#include "host.h"

enum { SECOND_NS = 1000000000 };
enum { RETRY_ROOM_NS = 10 * 1000000 }; /* without a pause this timer would starve e->starts, whose priority is lower */

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
    if (r->output->pool) {
        workers_dispatch(r->output, r);
        return;
    }
    flush_create(r, e->options->stack_size, &r->output->results, &r->output->flushes);
    channel_send(&e->starts, r);
}

/* Chunks that may be handed to the outputs before the loop reads e->starts again; the others wait for the next round.
 * Fluent Bit has no such limit: more than CHANNEL_VALUES in one flush block its engine permanently (src/flb_output.c,
 * flb_output_task_flush). A plugin cannot prevent that, and -b makes more chunks at once than an input does there. */
int task_room(const struct engine *e)
{
    int flushes_a_chunk = e->config->n_outputs ? e->config->n_outputs : 1;

    return channel_room(&e->starts) / flushes_a_chunk;
}

void task_retry_due(void *engine)
{
    struct engine *e = engine;
    int room = task_room(e);
    uint64_t now = now_ns();
    struct route *r;

    while ((r = e->retries) && r->retry_ns <= now && room-- > 0) {
        e->retries = r->next_retry;
        dispatch(r);
    }
    if (r)
        timer_after(&e->retry_timer, r->retry_ns > now ? r->retry_ns - now : RETRY_ROOM_NS);
}

static void retry_later(struct route *r)
{
    struct engine *e = r->task->engine;
    uint64_t delay = e->options->retry_ns;

    if (e->stopping && delay > SECOND_NS)
        delay = SECOND_NS;
    e->counts->retries++;
    log_line(FLB_LOG_WARN, "[engine] failed to flush chunk %lu, retry in %.3f seconds: output=%s", r->task->id,
             (double) delay / 1e9, r->output->name);
    r->retry_ns = now_ns() + delay;
    r->next_retry = NULL;
    if (e->retries) {
        e->last_retry->next_retry = r;
    } else {
        e->retries = r;
        timer_after(&e->retry_timer, delay);
    }
    e->last_retry = r;
}

/* A flush is over. On the engine's thread. */
void task_result(void *engine, void *route)
{
    struct route *r = route;
    int result = r->result;

    (void) engine;
    if (r->flush)
        flush_destroy(r->flush); /* a worker destroys its own */
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
    for (struct route *r = e->retries; r; r = r->next_retry)
        r->retry_ns = 1;
    task_retry_due(e);
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
