/*
 * FLBPluginFlushCtx: the flush that does not block.
 *
 * Fluent Bit calls it on a coroutine of its engine or of a worker. While the
 * records of the chunk are on their way, the coroutine is suspended and Fluent
 * Bit's own event loop goes on, as with its C outputs, so that nothing else
 * waits. The functions for that are not part of Fluent Bit's interface for Go
 * plugins, but the executable exports them (1.8 to 5.1.1): bell.c looks each
 * up and checks each layout before it is relied on. Where anything is not as
 * expected the flush waits with poll(2) on the calling thread instead.
 *
 * No Go frame may be on the stack at a switch: Go's callbacks from C nest last
 * in, first out. That is why this is C.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "bell.h"
#include "flush.h"

#define FLB_RETRY 2

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits on the calling thread until the flush is woken. Returns -1 at the
 * deadline. */
static int block(struct sls_wait *wait, int64_t deadline)
{
    struct pollfd p = { .fd = wait->fd, .events = POLLIN };
    int64_t left;

    for (;;) {
        left = deadline - now_ms();
        if (left <= 0) {
            return -1;
        }
        /* Without a descriptor, for want of any, poll only sleeps. */
        if (poll(&p, 1, (int) left) > 0) {
            sls_drain(wait->fd);
            return 0;
        }
    }
}

int FLBPluginFlushCtx(void *context, const void *data, size_t size, char *tag)
{
    struct sls_remote *remote = context;
    struct sls_wait wait = { .fd = -1 };
    const char *reason = NULL;
    int64_t deadline = 0;
    size_t chunk = 0;
    int result;

    if (remote == NULL) {
        return FLB_RETRY;
    }
    if (remote->bells != NULL) {
        reason = sls_hang_bell(remote->bells, &wait);
    }
    if (wait.bell == NULL) {
        wait.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        deadline = now_ms() + remote->limit_ms;
    }
    result = slsSubmit(remote->instance, (void *) data, size, tag, &wait, (char *) reason, &chunk);
    while (result == SLS_PENDING) {
        if (wait.bell != NULL) {
            sls_suspend(&wait);
        }
        else if (block(&wait, deadline) != 0) {
            slsAbandon(remote->instance, chunk, (void *) data, size);
            result = FLB_RETRY;
            break;
        }
        result = slsAdvance(remote->instance, chunk, (void *) data, size);
    }
    sls_leave(&wait);
    return result;
}
