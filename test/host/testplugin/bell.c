/* One event for many suspended flushes: when all are there, its handler resumes them, at_once in one call. The descriptor
 * stays readable until none is left, so that the loop calls the handler again. */
#define _GNU_SOURCE
#include "testplugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct waiting {
    struct wait wait;
    struct waiting *next;
};

struct bell {
    union event event; /* first: the loop hands its address to the handler */
    const char *id;
    void *loop; /* NULL: no flush came yet */
    int flushes, at_once, leave;
    int come;
    struct waiting *first, **last;
};

struct bell *bell_create(const char *id, int flushes, int at_once, int leave)
{
    struct bell *b = calloc(1, sizeof *b);

    b->id = id;
    b->flushes = flushes;
    b->at_once = at_once;
    b->leave = leave;
    b->last = &b->first;
    return b;
}

static int on_ring(void *event)
{
    struct bell *b = event;
    uint64_t rung;

    for (int n = 0; b->first && n < b->at_once; n++) {
        struct waiting *w = b->first;
        b->first = w->next;
        wait_resume(&w->wait);
    }
    if (!b->first && read(b->event.fd, &rung, sizeof rung) != sizeof rung)
        perror("eventfd");
    return 0;
}

static void ring(struct bell *b)
{
    uint64_t one = 1;

    call("Resume", b->id);
    if (write(b->event.fd, &one, sizeof one) != sizeof one)
        perror("eventfd");
}

/* All flushes must come to one event loop. */
void bell_wait(struct bell *b)
{
    struct waiting w = {0};
    void *loop = wait_find(&w.wait);

    if (!b->loop && loop && event_add(loop, &b->event, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), on_ring))
        b->loop = loop;
    if (!loop || loop != b->loop)
        abort();
    *b->last = &w;
    b->last = &w.next;
    if (++b->come == b->flushes)
        ring(b);
    wait_suspend(&w.wait);
}

/* A worker's event loop is gone by now. */
void bell_destroy(struct bell *b)
{
    if (b->loop && b->loop == fb.evl_get() && !b->leave)
        fb.del(b->loop, &b->event);
    if (b->loop)
        close(b->event.fd);
    free(b);
}
