/* Prints in which order the event loop handles events: a word for each event, " | " between rounds, a line for each
 * case. Only what Fluent Bit's loop has too is used, so that the same cases can be built with its sources. */
#include "host.h"

#include <sys/eventfd.h>

struct probe {
    struct mk_event event; /* first */
    const char *name;
    void (*then)(struct probe *p);
    int left; /* calls until it is not readable any more */
};

static struct mk_event_loop loop;
static struct probe *other;

static int on_event(void *event)
{
    struct probe *p = event;
    uint64_t value;

    printf("%s ", p->name);
    if (--p->left == 0 && read(p->event.fd, &value, sizeof value) != sizeof value)
        die("%s is not readable", p->name);
    if (p->then)
        p->then(p);
    return 0;
}

static void ring(struct probe *p)
{
    uint64_t one = 1;

    if (write(p->event.fd, &one, sizeof one) != sizeof one)
        die("eventfd");
}

/* Readable until it was handled n times; 0: not before it is rung. */
static struct probe *probe(const char *name, int priority, int n)
{
    struct probe *p = must_alloc(sizeof *p);

    p->name = name;
    p->left = n ? n : 1;
    p->event.handler = on_event;
    if (event_add(&loop, eventfd(0, EFD_NONBLOCK), MK_EVENT_CUSTOM, MK_EVENT_READ, &p->event) != 0)
        die("event_add");
    p->event.priority = (char) priority;
    if (n)
        ring(p);
    return p;
}

static void ring_other(struct probe *p)
{
    (void) p;
    ring(other);
}

static void delete_other(struct probe *p)
{
    (void) p;
    event_del(&loop, &other->event);
}

static void close_other(struct probe *p)
{
    (void) p;
    close(other->event.fd);
}

static void begin(const char *name)
{
    loop_open(&loop, ENGINE_EVENTS);
    printf("%s: ", name);
}

static void end(int rounds)
{
    while (rounds-- > 0) {
        loop_round(&loop);
        printf(rounds ? "| " : "\n");
    }
    loop_close(&loop);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);

    begin("by priority, then first in, first out");
    probe("e", PRIORITY_DEFAULT, 1);
    probe("f", PRIORITY_DEFAULT, 1);
    probe("b", PRIORITY_NETWORK, 1);
    probe("d", PRIORITY_FLUSH, 1);
    probe("a", PRIORITY_TIMER, 1);
    probe("c", PRIORITY_NETWORK, 1);
    probe("h", PRIORITIES - 1, 1);
    probe("g", PRIORITY_DEFAULT, 1);
    end(1);

    begin("ten a round, the eleventh loses its place");
    probe("a", PRIORITY_DEFAULT, 100);
    probe("b", PRIORITY_DEFAULT, 100);
    probe("c", PRIORITY_DEFAULT, 100);
    end(3);

    begin("a higher priority overtakes");
    probe("a", PRIORITY_DEFAULT, 1)->then = ring_other;
    probe("c", PRIORITY_DEFAULT, 1);
    other = probe("b", PRIORITY_NETWORK, 0);
    end(1);

    begin("a higher priority starves");
    probe("a", PRIORITY_DEFAULT, 1);
    probe("b", PRIORITY_NETWORK, 12);
    end(2);

    begin("a deleted event is not handled");
    probe("a", PRIORITY_DEFAULT, 1)->then = delete_other;
    other = probe("b", PRIORITY_DEFAULT, 1);
    probe("c", PRIORITY_DEFAULT, 1);
    end(1);

    begin("a closed descriptor leaves the event queued");
    probe("a", PRIORITY_DEFAULT, 1)->then = close_other;
    other = probe("b", PRIORITY_DEFAULT, 2);
    probe("c", PRIORITY_DEFAULT, 1);
    end(1);
    return 0;
}
