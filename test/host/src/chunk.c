/* A chunk: the events of one tag as concatenated msgpack, as Fluent Bit hands them to an output. */
#include "host.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

enum { OVER = 0xA5 };

struct chunk *chunk_new(const char *tag)
{
    struct chunk *c = must_alloc(sizeof *c);

    c->tag = strdup(tag);
    return c;
}

/* The memory stays, so that who reads it gets no event rather than a random one; the address sanitizer ends who does. */
void chunk_close(struct chunk *c)
{
    if (!c->data.len)
        return;
    memset(c->data.data, OVER, c->data.len);
#ifdef __SANITIZE_ADDRESS__
    ASAN_POISON_MEMORY_REGION(c->data.data, c->data.len);
#endif
}

void chunk_free(struct chunk *c)
{
    free(c->tag);
    free(c->file);
    buf_clear(&c->data);
    free(c);
}
