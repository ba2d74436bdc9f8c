/* The input: lines of standard input or of a file, into the collector. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { READ_BYTES = 256 * 1024 };

/* NULL = standard input. A tail section counts only where nothing else gives lines. */
static const char *file_to_read(const struct options *options, const struct config *config)
{
    if (options->input_file)
        return options->input_file;
    return config->tail_path && (options->no_stdin || isatty(STDIN_FILENO)) ? config->tail_path : NULL;
}

static bool open_file(struct input *in, const char *path)
{
    struct stat st;

    in->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0 || fstat(in->fd, &st) != 0) {
        log_line(FLB_LOG_ERROR, "[input] cannot read %s: %s", path, strerror(errno));
        return false;
    }
    in->position = in->store ? store_position(in->store) : 0;
    if (in->position > st.st_size) {
        log_line(FLB_LOG_WARN, "[input] %s is shorter than at the last run; reading it from its start", path);
        in->position = 0;
    }
    lseek(in->fd, in->position, SEEK_SET);
    in->is_file = true;
    return true;
}

static void open_stdin(struct input *in)
{
    struct stat st;

    in->fd = STDIN_FILENO;
    in->is_file = fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

bool input_open(struct input *in, const struct options *options, const struct config *config)
{
    const char *path = file_to_read(options, config), *tag = options->tag;

    *in = (struct input) {.fd = -1};
    if (!tag)
        tag = path && !options->input_file ? config->tail_tag : options->tags ? "host" : "host.0";
    if (options->storage)
        in->store = store_open(options->storage, path);
    collector_open(&in->collector, options, in->store, path != NULL, tag);
    if (in->store)
        collector_add_backlog(&in->collector);
    if (path)
        return open_file(in, path);
    if (options->no_stdin)
        in->eof = true;
    else
        open_stdin(in);
    return true;
}

static void take_lines(struct input *in)
{
    char *line = in->partial.data, *end = line + in->partial.len, *newline;

    while (line < end && (newline = memchr(line, '\n', (size_t) (end - line)))) {
        in->position += newline + 1 - line;
        collector_add(&in->collector, line, (size_t) (newline - line), in->position);
        line = newline + 1;
    }
    in->partial.len = (size_t) (end - line);
    memmove(in->partial.data, line, in->partial.len);
}

/* Reads once; called when there is something to read. */
void input_read(struct input *in)
{
    char block[READ_BYTES];
    ssize_t n = read(in->fd, block, sizeof block);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        log_line(FLB_LOG_ERROR, "[input] read: %s", strerror(errno));
    if (n > 0) {
        buf_append(&in->partial, block, (size_t) n);
        take_lines(in);
        return;
    }
    in->eof = true;
    if (in->partial.len) { /* a last line without its newline */
        buf_append(&in->partial, "\n", 1);
        in->position--;
        take_lines(in);
    }
}

void input_flush(struct input *in)
{
    collector_close_chunks(&in->collector, in->position);
}

void input_close(struct input *in)
{
    collector_close(&in->collector);
    if (in->store)
        store_close(in->store);
    buf_clear(&in->partial);
    if (in->fd > STDIN_FILENO)
        close(in->fd);
}
