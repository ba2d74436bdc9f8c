/*
 * FLBPluginFlushCtx: the flush that does not block.
 *
 * Fluent Bit calls it on a coroutine of its engine or of a worker. The flush
 * hands its chunk to Go (queue.c) and suspends the coroutine (fluentbit.c), and Fluent
 * Bit's own event loop goes on, as with its C outputs, so that nothing else
 * waits. When the chunk has its result a bell wakes the loop, which resumes the
 * flush. Where the host does not let a flush wait in its loop, or
 * is not known well enough, the flush waits with poll(2) on the calling thread.
 */
#include "flush.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "fluentbit.h"
#include "notifier.h"

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits on the calling thread until the flush is woken. Returns -1 at the
 * deadline. Without a descriptor, for want of any, it only sleeps. */
static int block(struct sls_wait *wait, int64_t deadline)
{
    struct pollfd p = { .fd = wait->fd, .events = POLLIN };
    int64_t left;

    for (;;) {
        left = deadline - now_ms();
        if (left <= 0) {
            return -1;
        }
        if (poll(&p, 1, (int) left) > 0) {
            sls_drain(wait->fd);
            return 0;
        }
    }
}

/* Holds the thread until the chunk has its result or the limit is over. When
 * Go has given a result, or has detached the flush, it uses the eventfd no
 * more. */
static int wait_blocking(struct sls_remote *remote, struct sls_wait *wait)
{
    int64_t deadline = now_ms() + remote->limit_ms;
    int result;

    wait->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    while ((result = slsAdvanceBlocking(remote->instance, wait)) == SLS_PENDING) {
        if (block(wait, deadline) != 0) {
            slsDetachBlocking(wait);
            result = FLB_RETRY;
            break;
        }
    }
    close(wait->fd);
    return result;
}

int FLBPluginFlushCtx(void *context, const void *data, size_t size, char *tag)
{
    struct sls_remote *remote = context;
    struct sls_wait wait = { .data = (void *) data, .size = size, .tag = tag, .result = SLS_PENDING };

    if (remote == NULL) {
        return FLB_RETRY;
    }
    wait.worker = !pthread_equal(pthread_self(), remote->thread);
    if (remote->bells != NULL) {
        wait.blocking = sls_bells_find(remote->bells, &wait);
    }
    if (wait.bell != NULL) {
        sls_begin(&wait);
        sls_coro_suspend(&wait.coro); /* meanwhile Go reads data */
        return wait.result;
    }
    return wait_blocking(remote, &wait);
}
