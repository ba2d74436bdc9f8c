/* Log lines in Fluent Bit's form. Lines of the engine's and the workers' threads go to the log file if there is one,
 * all others to stderr, as in flb_log_print (src/flb_log.c), which asks the thread for its logger. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>

static __thread enum log_thread this_thread;
static int log_fd = STDERR_FILENO;

static const char *const level_names[] = {"off", "error", " warn", " info", "debug", "trace"};

void log_thread_is(enum log_thread who)
{
    this_thread = who;
}

int log_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0)
        return -1;
    log_fd = fd;
    return 0;
}

int log_level_parse(const char *text)
{
    if (!strcasecmp(text, "warning"))
        return FLB_LOG_WARN;
    for (int i = 0; i <= FLB_LOG_TRACE; i++)
        if (!strcasecmp(text, level_names[i] + (level_names[i][0] == ' ')))
            return i;
    return -1;
}

/* Fluent Bit's flb_log_print holds two buffers of 4 KiB on the caller's stack, which may be a coroutine's; this one does
 * too, so that a plugin that logs too deep in its stack meets the guard page here. */
void log_vprint(int level, const char *fmt, va_list args)
{
    char body[4096], message[4096 + 64];
    struct timespec t;
    struct tm tm;

    if (level < FLB_LOG_ERROR || level > FLB_LOG_TRACE)
        level = FLB_LOG_INFO;
    vsnprintf(body, sizeof body, fmt, args);
    clock_gettime(CLOCK_REALTIME, &t);
    localtime_r(&t.tv_sec, &tm);
    int n = snprintf(message, sizeof message, "[%d/%02d/%02d %02d:%02d:%02d.%09ld] [%s] %s%s\n", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec, level_names[level], body,
                     this_thread == LOG_FOREIGN ? " (foreign thread)" : "");
    if (n >= (int) sizeof message)
        n = sizeof message - 1;
    if (write(this_thread == LOG_FLB ? log_fd : STDERR_FILENO, message, (size_t) n) < 0)
        return; /* nowhere to say it */
}

void log_line(int level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vprint(level, fmt, args);
    va_end(args);
}

/* For what must not happen: a broken plugin or a machine without memory. */
_Noreturn void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_vprint(FLB_LOG_ERROR, fmt, args);
    va_end(args);
    abort();
}

void *must_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        die("no memory for %zu bytes", size);
    return p;
}
