/*
 * What a flush needs of Fluent Bit's coroutines and event loop. See fluentbit.c.
 */
#ifndef SLS_CORO_H
#define SLS_CORO_H

#include <stdint.h>

#include "flush.h"

/* The beginning of struct mk_event. What follows it in the host grew once, so
 * room is left behind. Source: Monkey, include/monkey/mk_core/mk_event.h. */
struct event {
    int fd;
    int type;
    uint32_t mask;
    uint8_t status;
    void *data;
    int (*handler)(void *event);
    char more[128];
};

/* Finds the coroutine we run on, and its event loop. Returns NULL, or why a
 * flush cannot be suspended. */
char *sls_coro_find(struct sls_wait *wait, void **loop);

/* Suspends the coroutine until sls_coro_resume. */
void sls_coro_suspend(struct sls_wait *wait);

/* Resumes it, on the thread of its event loop. When this returns, the coroutine
 * may be gone and its stack with it. */
void sls_coro_resume(struct sls_wait *wait);

/* Has handler called with event when fd, which becomes the event's, is readable.
 * Returns NULL, or why not. */
char *sls_loop_add(void *loop, struct event *event, int fd, int (*handler)(void *));

/* Takes an event back, where loop is the one of the calling thread. An event that
 * is ready stands in a queue of the loop, which closing its descriptor does not
 * change: the loop would write to its memory later. Any other loop is a worker's,
 * and gone with its thread. */
void sls_loop_del(void *loop, struct event *event);

#endif
