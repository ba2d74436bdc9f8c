/* JSON text to msgpack, for the record of a line under -J. */
#include "host.h"

#include <errno.h>

enum { MAX_DEPTH = 128 };

struct reader {
    const char *at, *end;
    struct buf *out;
    int depth;
};

static bool read_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
        r->at++;
}

static bool accept(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool accept_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if ((size_t) (r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool read_hex4(struct reader *r, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end)
            return false;
        char c = *r->at;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned) (c - '0') : (unsigned) ((c | 32) - 'a' + 10);
        if (digit > 15)
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

static void append_utf8(struct buf *b, unsigned code)
{
    char u[4];
    size_t n;

    if (code < 0x80) {
        u[0] = (char) code;
        n = 1;
    } else if (code < 0x800) {
        u[0] = (char) (0xc0 | code >> 6);
        n = 2;
    } else if (code < 0x10000) {
        u[0] = (char) (0xe0 | code >> 12);
        n = 3;
    } else {
        u[0] = (char) (0xf0 | code >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++)
        u[i] = (char) (0x80 | (code >> (6 * (n - 1 - i)) & 0x3f));
    buf_append(b, u, n);
}

static bool read_unicode_escape(struct reader *r, struct buf *text)
{
    unsigned code, low;

    if (!read_hex4(r, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && accept_word(r, "\\u")) {
        if (!read_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(text, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    return true;
}

static bool read_escape(struct reader *r, struct buf *text)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (r->at == r->end)
        return false;
    char c = *r->at++;
    if (c == 'u')
        return read_unicode_escape(r, text);
    const char *known = c ? strchr(from, c) : NULL;
    if (known)
        buf_append(text, &to[known - from], 1);
    return known != NULL;
}

static bool read_string(struct reader *r)
{
    struct buf text = {0};

    if (!accept(r, '"'))
        return false;
    for (;;) {
        const char *plain = r->at;
        while (r->at < r->end && *r->at != '"' && *r->at != '\\')
            r->at++;
        buf_append(&text, plain, (size_t) (r->at - plain));
        if (r->at == r->end)
            break;
        if (*r->at++ == '"') {
            pack_str(r->out, text.data, text.len);
            buf_clear(&text);
            return true;
        }
        if (!read_escape(r, &text))
            break;
    }
    buf_clear(&text);
    return false;
}

static bool read_number(struct reader *r)
{
    char digits[64], *stop;
    size_t n = 0;

    while (r->at + n < r->end && n < sizeof digits - 1 && r->at[n] && strchr("+-0123456789.eE", r->at[n]))
        n++;
    if (n == 0 || r->at[0] == '+')
        return false;
    memcpy(digits, r->at, n);
    digits[n] = '\0';
    r->at += n;
    if (!strpbrk(digits, ".eE")) {
        errno = 0;
        if (digits[0] == '-') {
            long long v = strtoll(digits, &stop, 10);
            if (errno == 0)
                pack_int(r->out, v);
        } else {
            unsigned long long v = strtoull(digits, &stop, 10);
            if (errno == 0)
                pack_uint(r->out, v);
        }
        if (errno == 0)
            return *stop == '\0';
    }
    pack_double(r->out, strtod(digits, &stop)); /* also integers beyond 64 bits */
    return *stop == '\0';
}

static bool read_members(struct reader *r, bool is_map, uint32_t *n)
{
    char close = is_map ? '}' : ']';

    if (accept(r, close))
        return true;
    do {
        if (is_map && (!read_string(r) || !accept(r, ':')))
            return false;
        if (!read_value(r))
            return false;
        ++*n;
    } while (accept(r, ','));
    return accept(r, close);
}

static bool read_container(struct reader *r, bool is_map)
{
    size_t header = r->out->len;
    uint32_t n = 0;

    if (++r->depth > MAX_DEPTH)
        return false;
    buf_append(r->out, "\0\0\0\0", 5);
    if (!read_members(r, is_map, &n))
        return false;
    pack_fix_container(r->out, header, is_map, n);
    r->depth--;
    return true;
}

static bool read_value(struct reader *r)
{
    skip_blanks(r);
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '{':
    case '[':
        return read_container(r, *r->at++ == '{');
    case '"':
        return read_string(r);
    case 't':
        pack_bool(r->out, true);
        return accept_word(r, "true");
    case 'f':
        pack_bool(r->out, false);
        return accept_word(r, "false");
    case 'n':
        pack_nil(r->out);
        return accept_word(r, "null");
    default:
        return read_number(r);
    }
}

bool json_to_msgpack(struct buf *b, const char *text, size_t len)
{
    struct reader r = {.at = text, .end = text + len, .out = b};
    size_t before = b->len;

    if (accept(&r, '{') && read_container(&r, true)) {
        skip_blanks(&r);
        if (r.at == r.end)
            return true;
    }
    b->len = before;
    return false;
}
