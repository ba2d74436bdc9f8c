/* A channel: pointers sent into an event loop from any thread, in order. Fluent Bit uses pipes for this; a list and an
 * eventfd never block the sender, however many flushes return in one turn. */
#include "host.h"

#include <errno.h>
#include <sys/eventfd.h>

struct channel_item {
    void *item;
    struct channel_item *next;
};

static struct channel_item *take_all(struct channel *c)
{
    pthread_mutex_lock(&c->lock);
    struct channel_item *all = c->head;
    c->head = NULL;
    c->tail = &c->head;
    pthread_mutex_unlock(&c->lock);
    return all;
}

static int on_readable(void *event)
{
    struct channel *c = (struct channel *) ((char *) event - offsetof(struct channel, event));
    uint64_t wakes;

    if (read(c->event.fd, &wakes, sizeof wakes) != sizeof wakes)
        return -1;
    for (struct channel_item *i = take_all(c), *next; i; i = next) {
        next = i->next;
        c->receive(c->owner, i->item);
        free(i);
    }
    return 0;
}

void channel_open(struct channel *c, struct mk_event_loop *loop, void (*receive)(void *owner, void *item), void *owner)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->tail = &c->head;
    c->receive = receive;
    c->owner = owner;
    c->event.handler = on_readable;
    if (fd < 0 || event_add(loop, fd, MK_EVENT_HOST, MK_EVENT_READ, &c->event) != 0)
        die("eventfd: %s", strerror(errno));
}

void channel_send(struct channel *c, void *item)
{
    struct channel_item *i = must_alloc(sizeof *i);
    uint64_t one = 1;

    i->item = item;
    pthread_mutex_lock(&c->lock);
    *c->tail = i;
    c->tail = &i->next;
    if (write(c->event.fd, &one, sizeof one) != sizeof one)
        die("eventfd write: %s", strerror(errno));
    pthread_mutex_unlock(&c->lock);
}

/* What was sent and not received is forgotten; the items belong to others. */
void channel_close(struct channel *c, struct mk_event_loop *loop)
{
    event_del(loop, &c->event);
    close(c->event.fd);
    for (struct channel_item *i = take_all(c), *next; i; i = next) {
        next = i->next;
        free(i);
    }
    pthread_mutex_destroy(&c->lock);
}
