/*
 * The flush that does not block: see flush.c.
 */
#ifndef SLS_FLUSH_H
#define SLS_FLUSH_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>

/* The result of a chunk that is on its way; otherwise it is Fluent Bit's
 * FLB_ERROR, FLB_OK or FLB_RETRY. */
#define SLS_PENDING (-1)

struct bell;
struct coro;

/* The bells of one output instance, one for each event loop its flushes ran on. */
struct sls_bells;

/* Flushes on their way from C to Go or back, the last one first. Each side puts
 * one there, or takes all, with one atomic instruction: a lock would be a
 * call of C for Go. */
struct sls_handover {
    struct sls_wait *last;
    int fd;       /* becomes readable so that they are taken */
    int32_t rung; /* it was made so; who waits for it clears this, then looks */
};

/* The flushes of one output instance that Go has not seen yet. Go takes them out. */
struct sls_intake {
    struct sls_handover begun; /* fd is a timer, and Go's to close */
    struct itimerspec linger;
    int64_t bytes; /* of their chunks */
};

/* What Fluent Bit keeps of an output instance for us: its remote context. */
struct sls_remote {
    uintptr_t instance;        /* handle of the Go side */
    struct sls_bells *bells;   /* NULL: flush_mode blocking */
    struct sls_intake *intake; /* NULL: as before */
    int64_t limit_ms;          /* longest blocking wait */
    pthread_t thread;          /* that of the engine; any other is a worker */
};

/* One flush that waits. It lives on the stack of the flush. */
struct sls_wait {
    /* The chunk, as Fluent Bit gave it. */
    void *data;
    size_t size;
    char *tag;
    int worker; /* 1: on a worker's thread */
    int result;
    struct sls_wait *next; /* in a list, or handed over before us */

    /* Suspended. What has its result is handed over, and may be gone then. */
    struct bell *bell;  /* who resumes us */
    struct sls_handover *settled; /* where we go then with our result */
    void *coro;         /* our coroutine as the host knows it */
    struct coro *coros; /* where caller and callee are in it */

    /* Blocking. */
    char *blocking; /* why it cannot be suspended, NULL where that was asked for */
    int fd;         /* eventfd to poll */
    int submitted;
    size_t chunk; /* its number, once submitted */
};

struct sls_bells *sls_bells_create(struct sls_remote *remote);

/* Ends the bells. No flush may be answered any more. */
void sls_bells_destroy(struct sls_bells *bells);

/* Asks one of the event loops to take the lines of the log. May be called from
 * any thread. */
void sls_bells_log(struct sls_bells *bells);

/* Returns NULL where no descriptor or memory is left. The timer is started so
 * that Go comes so long after something was put in, unless an event loop is to. */
struct sls_intake *sls_intake_create(int64_t linger_ns);

void sls_intake_destroy(struct sls_intake *intake);

/* Puts a flush in, from any thread. Returns 1 where so many bytes have come
 * together that an event loop should encode them. */
int sls_intake_put(struct sls_intake *intake, struct sls_wait *wait);

/* Has Go come now. */
void sls_intake_hurry(struct sls_intake *intake);

/* Empties an eventfd. */
void sls_drain(int fd);

#endif
