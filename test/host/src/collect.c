/* Lines to events to chunks. A chunk per tag is open at a time; it is closed when it is large enough (2,048,000 bytes as
 * in Fluent Bit, src/flb_input_chunk.c), has enough lines, or at the flush interval. */
#include "host.h"

enum { CHUNK_BYTES = 2048000 };

void collector_open(struct collector *c, const struct options *options, struct store *store, bool rereadable, const char *tag)
{
    *c = (struct collector) {.options = options, .store = store, .rereadable = rereadable};
    c->closed_tail = &c->closed;
    c->n_tags = options->tags ? options->tags : 1;
    c->open = must_alloc(c->n_tags * sizeof *c->open);
    for (unsigned i = 0; i < c->n_tags; i++) {
        char *name;
        if (asprintf(&name, options->tags ? "%s.%u" : "%s", tag, i) < 0)
            die("no memory for a tag");
        c->open[i] = chunk_new(name);
        free(name);
    }
}

/* Takes "@<seconds>[.<fraction>] " off the front of the line as the event's time; the time is now where it is absent. */
static struct timespec take_time(const char **line, size_t *len)
{
    const char *at = *line + 1, *end = *line + *len;
    struct timespec t;
    uint64_t sec = 0;
    long nsec = 0, unit = 100000000;

    clock_gettime(CLOCK_REALTIME, &t);
    if (*len < 3 || **line != '@' || *at < '0' || *at > '9')
        return t;
    for (; at < end && *at >= '0' && *at <= '9' && sec <= UINT32_MAX; at++)
        sec = sec * 10 + (uint64_t) (*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10)
            nsec += unit * (*at - '0');
    if (at == end || *at != ' ' || sec > UINT32_MAX)
        return t;
    *len -= (size_t) (at + 1 - *line);
    *line = at + 1;
    return (struct timespec) {.tv_sec = (time_t) sec, .tv_nsec = nsec};
}

static void pack_event(struct buf *b, const struct options *o, const char *line, size_t len)
{
    struct timespec t = take_time(&line, &len);

    pack_array(b, 2);
    if (!o->v1)
        pack_array(b, 2);
    pack_event_time(b, (uint32_t) t.tv_sec, (uint32_t) t.tv_nsec);
    if (!o->v1)
        pack_map(b, 0);
    if (o->json && json_to_msgpack(b, line, len))
        return;
    pack_map(b, 1);
    pack_str(b, "log", 3);
    pack_str(b, line, len);
}

void collector_add_backlog(struct collector *c)
{
    *c->closed_tail = store_backlog(c->store);
    while (*c->closed_tail)
        c->closed_tail = &(*c->closed_tail)->next;
}

static void close_chunk(struct collector *c, unsigned i)
{
    struct chunk *full = c->open[i];

    if (!full->lines)
        return;
    if (c->store)
        store_save(c->store, full);
    c->open[i] = chunk_new(full->tag);
    *c->closed_tail = full;
    c->closed_tail = &full->next;
}

/* Closes the open chunks of all tags; they hold the input up to position. */
void collector_close_chunks(struct collector *c, int64_t position)
{
    struct chunk **before = c->closed_tail;

    for (unsigned i = 0; i < c->n_tags; i++)
        close_chunk(c, i);
    if (c->store && c->closed_tail != before)
        store_commit(c->store, position);
}

void collector_add(struct collector *c, const char *line, size_t len, int64_t end_position)
{
    unsigned i = c->next_tag++ % c->n_tags;
    struct chunk *open = c->open[i];

    pack_event(&open->data, c->options, line, len);
    open->lines++;
    c->lines++;
    if (open->data.len <= CHUNK_BYTES && (!c->options->batch_lines || open->lines < c->options->batch_lines))
        return;
    if (c->rereadable)
        collector_close_chunks(c, end_position); /* one position for all tags */
    else {
        close_chunk(c, i);
        if (c->store)
            store_commit(c->store, end_position);
    }
}

/* The oldest closed chunk, or NULL. */
struct chunk *collector_take(struct collector *c)
{
    struct chunk *first = c->closed;

    if (first) {
        c->closed = first->next;
        if (!c->closed)
            c->closed_tail = &c->closed;
        first->next = NULL;
    }
    return first;
}

bool collector_is_empty(const struct collector *c)
{
    for (unsigned i = 0; i < c->n_tags; i++)
        if (c->open[i]->lines)
            return false;
    return !c->closed;
}

void collector_close(struct collector *c)
{
    struct chunk *left;

    while ((left = collector_take(c)))
        chunk_free(left);
    for (unsigned i = 0; i < c->n_tags; i++)
        chunk_free(c->open[i]);
    free(c->open);
}
