/* A chunk: the events of one tag as concatenated msgpack, as Fluent Bit hands them to an output. */
#include "host.h"

struct chunk *chunk_new(const char *tag)
{
    struct chunk *c = must_alloc(sizeof *c);

    c->tag = strdup(tag);
    return c;
}

void chunk_free(struct chunk *c)
{
    free(c->tag);
    free(c->file);
    buf_clear(&c->data);
    free(c);
}
