/* A channel: a blocking pipe of 8-byte values into an event loop. The loop reads one value for each event, and the
 * sender blocks while the pipe is full. A loop that sends more values to itself than the pipe holds, without reading in
 * between, therefore hangs permanently: it is the only reader, and it waits in write.
 *
 * Fluent Bit uses such pipes in five places, all with the default priority and one value an event: the engine's order to
 * stop (ch_manager) and its flushes to start (ch_self_events), each output's results (ch_events), each worker's chunks
 * (ch_parent_events), and its results on their way through its own loop (ch_thread_events).
 * Source: src/flb_engine.c, flb_engine_manager, flb_engine_start, handle_output_events (FLB_ENGINE_OUTPUT_EVENT_BATCH_SIZE
 * is 1); src/flb_output.c, flb_output_task_flush; src/flb_output_thread.c, output_thread;
 * include/fluent-bit/flb_output.h, flb_output_return. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

static int on_readable(void *event)
{
    struct channel *c = event;
    uint64_t value;

    if (read(c->event.fd, &value, sizeof value) != sizeof value)
        die("pipe read: %s", strerror(errno));
    c->receive(c->owner, (void *) (uintptr_t) value);
    return 0;
}

void channel_open(struct channel *c, struct mk_event_loop *loop, void (*receive)(void *owner, void *item), void *owner)
{
    int ends[2];

    *c = (struct channel) {.loop = loop, .receive = receive, .owner = owner};
    c->event.handler = on_readable;
    if (pipe2(ends, O_CLOEXEC) != 0)
        die("pipe: %s", strerror(errno));
    /* This is the default, but a user with many pipes gets less (pipe-user-pages-soft, pipe(7)); tests count on it. */
    fcntl(ends[1], F_SETPIPE_SZ, (int) (CHANNEL_VALUES * sizeof(uint64_t)));
    c->write_fd = ends[1];
    if (event_add(loop, ends[0], MK_EVENT_HOST, MK_EVENT_READ, &c->event) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

void channel_send(struct channel *c, void *item)
{
    uint64_t value = (uintptr_t) item;
    ssize_t n;

    do
        n = write(c->write_fd, &value, sizeof value);
    while (n < 0 && errno == EINTR);
    if (n != sizeof value)
        die("pipe write: %s", strerror(errno));
}

/* One page less than is free in a pipe that is not empty: a page is free only when all of it was read. */
int channel_room(const struct channel *c)
{
    int bytes, page = (int) sysconf(_SC_PAGESIZE);

    if (ioctl(c->event.fd, FIONREAD, &bytes) != 0)
        die("FIONREAD: %s", strerror(errno));
    return bytes ? CHANNEL_VALUES - (bytes + page) / (int) sizeof(uint64_t) : CHANNEL_VALUES;
}

/* What was sent and not received is forgotten; the items belong to others. */
void channel_close(struct channel *c)
{
    if (!c->loop)
        return;
    event_del(c->loop, &c->event);
    close(c->event.fd);
    close(c->write_fd);
    *c = (struct channel) {0};
}
