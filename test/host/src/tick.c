/* The output `tick`: a line every 100 ms from the engine's own loop. Whoever blocks that loop is seen in its gaps. */
#include "host.h"

enum { TICK_NS = 100 * 1000000 };

struct tick {
    struct mk_event_loop *loop;
    unsigned long n;
};

static void on_tick(void *arg)
{
    struct tick *t = arg;

    printf("tick %lu %lu\n", t->n++, (unsigned long) (now_ns() / 1000000u));
    timer_after(t->loop, TICK_NS, on_tick, t);
}

void tick_start(struct mk_event_loop *loop, struct output *o)
{
    struct tick *t = o->tick = must_alloc(sizeof *t);

    t->loop = loop;
    timer_after(loop, TICK_NS, on_tick, t);
}
