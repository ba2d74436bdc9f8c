/*
 * FLBPluginFlushCtx: the flush that does not block.
 *
 * Fluent Bit calls it on a coroutine of its engine or of a worker. The flush goes to the submission queue (queue.c), or
 * to its event loop's own (notifier.c), and suspends the coroutine. Fluent Bit's event loop goes on, as it does while an output written in C waits. When the
 * chunk has its result, a notifier (notifier.c) has the loop resume the coroutine.
 *
 * If the host cannot suspend a flush, or is not known well enough (fluentbit.c), the flush blocks: it waits with
 * poll(2), and holds the thread for up to flush_timeout.
 *
 * The exported function is C, and a flush that suspends calls no Go: the Go runtime expects calls from C on one thread
 * to return in reverse order, and coroutines do not.
 */
#include "flush.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "eventfd.h"
#include "fluentbit.h"
#include "notifier.h"

/* Flushes of an output that are suspended on its workers: half of what the pipe of their results holds. */
#define MOST_ON_WORKERS 4096

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until Go signals the flush. Returns -1 at the deadline. */
static int wait_signal(struct sls_flush *flush, int64_t deadline)
{
    struct pollfd p = { .fd = flush->blocking.fd, .events = POLLIN };
    int64_t left;

    for (;;) {
        left = deadline - now_ms();
        if (left <= 0) {
            return -1;
        }
        if (poll(&p, 1, (int) left) > 0) {
            sls_eventfd_clear(flush->blocking.fd);
            return 0;
        }
    }
}

/* Holds the thread until the chunk has its result or flush_timeout is over, and returns the result. Go does not use
 * the eventfd after it has given a result or detached the flush. */
static int flush_blocking(struct sls_output *output, struct sls_flush *flush)
{
    int64_t deadline = now_ms() + output->flush_timeout_ms;
    int result;

    flush->blocking.fd = sls_eventfd_create();
    if (flush->blocking.fd < 0) {
        return FLB_RETRY; /* without it the thread would sleep until the deadline, the engine's perhaps */
    }
    while ((result = slsAdvanceBlocking(output->handle, flush)) == SLS_PENDING) {
        if (wait_signal(flush, deadline) != 0) {
            slsDetachBlocking(output->handle, flush);
            result = FLB_RETRY;
            break;
        }
    }
    close(flush->blocking.fd);
    return result;
}

/* Suspends the coroutine until the chunk has its result.
 *
 * A worker writes the result of each flush into a pipe of 64 KiB that the engine reads, and ends when its flushes have
 * ended. At the end of the process the engine waits for that and reads no more: with more results than the pipe holds both
 * wait permanently. So workers suspend fewer flushes at a time, and leave room for results that were not read yet. */
static int flush_suspended(struct sls_output *output, struct sls_flush *flush)
{
    if (flush->on_worker &&
        __atomic_add_fetch(&output->on_workers, 1, __ATOMIC_SEQ_CST) > MOST_ON_WORKERS) {
        flush->suspended.result = FLB_RETRY;
    }
    else {
        sls_submit(flush);
        sls_coro_suspend(&flush->suspended.coro);
    }
    if (flush->on_worker) {
        __atomic_sub_fetch(&output->on_workers, 1, __ATOMIC_SEQ_CST);
    }
    return flush->suspended.result;
}

int FLBPluginFlushCtx(void *context, const void *data, size_t size, char *tag)
{
    struct sls_output *output = context;
    struct sls_flush flush = { .data = (void *) data, .size = size, .tag = tag, .suspended.result = SLS_PENDING };

    if (output == NULL) {
        return FLB_RETRY;
    }
    flush.on_worker = !pthread_equal(pthread_self(), output->engine_thread);
    if (output->queue != NULL) {
        flush.blocking.reason = sls_notifiers_find(output->notifiers, &flush);
    }
    if (flush.suspended.notifier == NULL) {
        return flush_blocking(output, &flush);
    }
    return flush_suspended(output, &flush);
}
