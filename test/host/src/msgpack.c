/* A msgpack writer: what this host's events need. */
#include "host.h"

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (b->len + len > b->cap) {
        size_t cap = b->cap ? b->cap : 1024;
        while (cap < b->len + len)
            cap *= 2;
        char *p = realloc(b->data, cap);
        if (!p)
            die("no memory for %zu bytes", cap);
        b->data = p;
        b->cap = cap;
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_clear(struct buf *b)
{
    free(b->data);
    *b = (struct buf) {0};
}

/* Writes a type byte and the low `bytes` bytes of v, most significant first. */
static size_t encode(unsigned char *to, unsigned type, uint64_t v, int bytes)
{
    to[0] = (unsigned char) type;
    for (int i = 0; i < bytes; i++)
        to[1 + i] = (unsigned char) (v >> (8 * (bytes - 1 - i)));
    return 1 + (size_t) bytes;
}

static void append_encoded(struct buf *b, unsigned type, uint64_t v, int bytes)
{
    unsigned char h[9];

    buf_append(b, h, encode(h, type, v, bytes));
}

static size_t encode_container(unsigned char *to, bool is_map, uint32_t n)
{
    if (n < 16)
        return encode(to, (is_map ? 0x80 : 0x90) | n, 0, 0);
    if (n < 0x10000)
        return encode(to, is_map ? 0xde : 0xdc, n, 2);
    return encode(to, is_map ? 0xdf : 0xdd, n, 4);
}

void pack_array(struct buf *b, uint32_t n)
{
    unsigned char h[5];

    buf_append(b, h, encode_container(h, false, n));
}

void pack_map(struct buf *b, uint32_t n)
{
    unsigned char h[5];

    buf_append(b, h, encode_container(h, true, n));
}

void pack_fix_container(struct buf *b, size_t at, bool is_map, uint32_t n)
{
    unsigned char h[5];
    size_t size = encode_container(h, is_map, n);

    memcpy(b->data + at, h, size);
    memmove(b->data + at + size, b->data + at + sizeof h, b->len - at - sizeof h);
    b->len -= sizeof h - size;
}

void pack_str(struct buf *b, const char *s, size_t len)
{
    if (len < 32)
        append_encoded(b, 0xa0 | (unsigned) len, 0, 0);
    else if (len < 0x100)
        append_encoded(b, 0xd9, len, 1);
    else if (len < 0x10000)
        append_encoded(b, 0xda, len, 2);
    else
        append_encoded(b, 0xdb, len, 4);
    buf_append(b, s, len);
}

void pack_uint(struct buf *b, uint64_t v)
{
    if (v < 0x80)
        append_encoded(b, (unsigned) v, 0, 0);
    else if (v < 0x100)
        append_encoded(b, 0xcc, v, 1);
    else if (v < 0x10000)
        append_encoded(b, 0xcd, v, 2);
    else if (v < 0x100000000u)
        append_encoded(b, 0xce, v, 4);
    else
        append_encoded(b, 0xcf, v, 8);
}

void pack_int(struct buf *b, int64_t v)
{
    if (v >= 0)
        pack_uint(b, (uint64_t) v);
    else if (v >= -32)
        append_encoded(b, (unsigned) v & 0xff, 0, 0);
    else if (v >= INT8_MIN)
        append_encoded(b, 0xd0, (uint64_t) v, 1);
    else if (v >= INT16_MIN)
        append_encoded(b, 0xd1, (uint64_t) v, 2);
    else if (v >= INT32_MIN)
        append_encoded(b, 0xd2, (uint64_t) v, 4);
    else
        append_encoded(b, 0xd3, (uint64_t) v, 8);
}

void pack_double(struct buf *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    append_encoded(b, 0xcb, bits, 8);
}

void pack_bool(struct buf *b, bool v)
{
    append_encoded(b, v ? 0xc3 : 0xc2, 0, 0);
}

void pack_nil(struct buf *b)
{
    append_encoded(b, 0xc0, 0, 0);
}

/* Fluent's EventTime: fixext8 of type 0, seconds and nanoseconds. */
void pack_event_time(struct buf *b, uint32_t sec, uint32_t nsec)
{
    unsigned char ext[10] = {0xd7, 0x00};

    for (int i = 0; i < 4; i++) {
        ext[2 + i] = (unsigned char) (sec >> (24 - 8 * i));
        ext[6 + i] = (unsigned char) (nsec >> (24 - 8 * i));
    }
    buf_append(b, ext, sizeof ext);
}
