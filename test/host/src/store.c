/* Chunks on disk, in place of Fluent Bit's filesystem storage and tail's position database. A chunk file is named
 * <group>-<number>.chunk and written under another name first; `position` names the last complete group and how much of
 * the input the groups hold. So a process killed at any time neither loses lines of a file nor reads one twice: chunks of
 * a group that is not in `position` are thrown away at the next start and their lines read again. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

struct store {
    char *dir, *input_path;
    uint64_t group; /* of the chunks saved next */
    unsigned number;
    int64_t position;
    struct chunk *backlog;
};

static char *path_in(const struct store *s, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", s->dir, name) < 0)
        die("no memory for a path");
    return path;
}

static void write_file(const struct store *s, const char *name, const struct buf *content)
{
    char *path = path_in(s, name), *temporary = path_in(s, "writing");
    FILE *f = fopen(temporary, "we");

    if (!f || fwrite(content->data, 1, content->len, f) != content->len || fclose(f) != 0 || rename(temporary, path) != 0)
        die("[storage] cannot write %s: %s", path, strerror(errno));
    free(path);
    free(temporary);
}

static bool read_whole_file(const char *path, struct buf *content)
{
    FILE *f = fopen(path, "re");
    char block[65536];
    size_t n;

    if (!f)
        return false;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_append(content, block, n);
    bool ok = !ferror(f);
    fclose(f);
    return ok;
}

static void load_position(struct store *s)
{
    char *path = path_in(s, "position");
    struct buf text = {0};
    uint64_t group;
    int64_t position;
    int name_at = 0;

    if (read_whole_file(path, &text)) {
        buf_append(&text, "", 1);
        if (sscanf(text.data, "%" SCNu64 " %" SCNd64 " %n", &group, &position, &name_at) != 2 || !name_at)
            die("[storage] %s is damaged", path);
        s->group = group;
        if (s->input_path && !strcmp(s->input_path, text.data + name_at))
            s->position = position;
        else if (s->input_path)
            log_line(FLB_LOG_WARN, "[storage] %s is about another input; reading %s from its start", path, s->input_path);
    }
    buf_clear(&text);
    free(path);
}

/* A chunk file is the tag's length in 4 bytes, the tag, the number of lines in 8 bytes, the events. */
static struct chunk *load_chunk(char *path)
{
    struct buf b = {0};
    uint32_t tag_len;
    uint64_t lines;

    if (!read_whole_file(path, &b) || b.len < sizeof tag_len)
        die("[storage] cannot read %s: %s", path, strerror(errno));
    memcpy(&tag_len, b.data, sizeof tag_len);
    if (b.len < sizeof tag_len + tag_len + sizeof lines)
        die("[storage] %s is damaged", path);
    char *tag = strndup(b.data + sizeof tag_len, tag_len);
    struct chunk *c = chunk_new(tag);
    const char *rest = b.data + sizeof tag_len + tag_len;
    memcpy(&lines, rest, sizeof lines);
    rest += sizeof lines;
    buf_append(&c->data, rest, b.len - (size_t) (rest - b.data));
    c->lines = lines;
    c->file = path;
    free(tag);
    buf_clear(&b);
    return c;
}

static int is_chunk_file(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot && !strcmp(dot, ".chunk");
}

static void load_backlog(struct store *s)
{
    struct dirent **names;
    struct chunk **tail = &s->backlog;
    uint64_t last = s->group;
    int n = scandir(s->dir, &names, is_chunk_file, alphasort);

    if (n < 0)
        die("[storage] cannot read %s: %s", s->dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = path_in(s, names[i]->d_name);
        uint64_t group = strtoull(names[i]->d_name, NULL, 16);
        if (group > s->group && s->input_path) {
            unlink(path);
            free(path);
        } else {
            *tail = load_chunk(path);
            tail = &(*tail)->next;
            last = group > last ? group : last;
        }
        free(names[i]);
    }
    free(names);
    s->group = last + 1;
    if (n > 0)
        log_line(FLB_LOG_INFO, "[storage] %d chunk files found in %s", n, s->dir);
}

struct store *store_open(const char *dir, const char *input_path)
{
    struct store *s = must_alloc(sizeof *s);

    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        die("[storage] cannot make %s: %s", dir, strerror(errno));
    s->dir = strdup(dir);
    s->input_path = input_path ? strdup(input_path) : NULL;
    load_position(s);
    load_backlog(s);
    return s;
}

int64_t store_position(struct store *s)
{
    return s->position;
}

struct chunk *store_backlog(struct store *s)
{
    struct chunk *all = s->backlog;

    s->backlog = NULL;
    return all;
}

void store_save(struct store *s, struct chunk *c)
{
    struct buf b = {0};
    uint32_t tag_len = (uint32_t) strlen(c->tag);
    uint64_t lines = c->lines;
    char name[64];

    buf_append(&b, &tag_len, sizeof tag_len);
    buf_append(&b, c->tag, tag_len);
    buf_append(&b, &lines, sizeof lines);
    buf_append(&b, c->data.data, c->data.len);
    snprintf(name, sizeof name, "%016" PRIx64 "-%08x.chunk", s->group, s->number++);
    write_file(s, name, &b);
    c->file = path_in(s, name);
    buf_clear(&b);
}

void store_commit(struct store *s, int64_t position)
{
    struct buf text = {0};
    char numbers[64];
    int n = snprintf(numbers, sizeof numbers, "%" PRIu64 " %" PRId64 " ", s->group, position);

    buf_append(&text, numbers, (size_t) n);
    if (s->input_path)
        buf_append(&text, s->input_path, strlen(s->input_path));
    else
        buf_append(&text, "-", 1);
    write_file(s, "position", &text);
    buf_clear(&text);
    s->position = position;
    s->group++;
    s->number = 0;
}

void store_delete(struct chunk *c)
{
    if (c->file && unlink(c->file) != 0)
        log_line(FLB_LOG_ERROR, "[storage] cannot delete %s: %s", c->file, strerror(errno));
}

void store_close(struct store *s)
{
    free(s->dir);
    free(s->input_path);
    free(s);
}
