/* A flush: one call of the plugin with one chunk, on a coroutine of its own. It is created by the engine's or a worker's
 * thread, may suspend itself as often as it likes, and is destroyed by the loop it ran in. */
#include "host.h"

static void run(void *arg)
{
    struct flush *f = arg;
    struct chunk *chunk = f->route->task->chunk;

    f->route->result = proxy_flush(f->route->output, chunk->data.data, chunk->data.len, chunk->tag, strlen(chunk->tag));

    /* Like FLB_OUTPUT_RETURN, which asks the thread for its coroutine. */
    struct flb_coro *coro = coro_current();
    if (coro != f->coro)
        die("[flush] a suspended flush was resumed without flb_coro_set");
    channel_send(f->returned, f->route); /* blocks the thread while the pipe is full, as there */
    cothread_switch(coro->caller);
    die("[flush] a flush that had returned was resumed");
}

/* returned gets the route when its flush is over; list holds the flush as long as it exists. */
void flush_create(struct route *route, size_t stack_size, struct channel *returned, struct flush **list)
{
    struct flush *f = route->flush = must_alloc(sizeof *f);

    f->route = route;
    f->returned = returned;
    f->coro = coro_create(run, f, stack_size);
    f->list = list;
    f->next = *list;
    if (f->next)
        f->next->prev = f;
    *list = f;
}

void flush_start(struct route *route)
{
    coro_resume(route->flush->coro);
}

void flush_destroy(struct flush *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        *f->list = f->next;
    if (f->next)
        f->next->prev = f->prev;
    f->route->flush = NULL;
    coro_destroy(f->coro);
    free(f);
}
