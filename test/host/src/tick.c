/* The output `tick`: a line every 100 ms from the engine's own loop. Whoever blocks that loop is seen in its gaps. */
#include "host.h"

enum { TICK_NS = 100 * 1000000 };

struct tick {
    struct timer timer;
    unsigned long n;
};

static void on_tick(void *arg)
{
    struct tick *t = arg;

    printf("tick %lu %lu\n", t->n++, (unsigned long) (now_ns() / 1000000u));
}

void tick_start(struct mk_event_loop *loop, struct output *o)
{
    struct tick *t = o->tick = must_alloc(sizeof *t);

    timer_open(&t->timer, loop, PRIORITY_TIMER, on_tick, t);
    timer_every(&t->timer, TICK_NS);
}

void tick_stop(struct output *o)
{
    if (!o->tick)
        return;
    timer_close(&o->tick->timer);
    free(o->tick);
    o->tick = NULL;
}
