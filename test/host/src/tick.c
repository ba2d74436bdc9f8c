/* The output `tick`: a line every 100 ms from the engine's own loop, "tick <number> <milliseconds> <chunks in flight>".
 * Whoever blocks that loop is seen in its gaps. With `exit_ms` it takes as long to exit, and the outputs behind it wait. */
#include "host.h"

enum { TICK_NS = 100 * 1000000 };

struct tick {
    struct timer timer;
    const struct engine *engine;
    unsigned long n;
};

static void on_tick(void *arg)
{
    struct tick *t = arg;

    printf("tick %lu %lu %u\n", t->n++, (unsigned long) (now_ns() / 1000000u), t->engine->n_tasks);
}

void tick_start(struct engine *e, struct output *o)
{
    struct tick *t = o->tick = must_alloc(sizeof *t);

    t->engine = e;
    timer_open(&t->timer, &e->loop, PRIORITY_TIMER, on_tick, t);
    timer_every(&t->timer, TICK_NS);
}

void tick_exit(struct output *o)
{
    const char *ms = property_get("exit_ms", o);

    if (ms && o->tick)
        usleep((useconds_t) atoi(ms) * 1000);
    if (!o->tick)
        return;
    timer_close(&o->tick->timer);
    free(o->tick);
    o->tick = NULL;
}
