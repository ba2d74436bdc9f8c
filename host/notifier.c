/*
 * A notifier is an eventfd registered with one event loop of Fluent Bit. Go signals it when flushes are done, and the
 * loop resumes their coroutines. The loop is also where chunks are encoded that a goroutine must not read: those that the
 * submission queue (queue.c) does not take, and those that waited for room. The notifier of the engine's loop is made by
 * FLBPluginInit, so that lines of the log reach Fluent Bit's logger whether flushes come or not. There is one notifier per loop: one per flush would cost more than delivering a small chunk.
 */
#include "notifier.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "eventfd.h"
#include "fluentbit.h"
#include "flush.h"
#include "queue.h"

struct sls_notifier {
    struct mk_event event; /* first: the loop calls on_notify with its address */
    struct sls_output *output;
    void *loop;
    struct sls_notifier *next; /* of the instance */

    struct sls_list completed; /* flushes with their result */

    /* Flags for the loop. */
    int encode_wanted;
    int log_pending;

    /* For the loop alone. */
    struct sls_flush *direct; /* to be submitted by the loop, in their order */
    struct sls_flush *last_direct;
    struct sls_flush *first; /* collected of completed, in their order */
    struct sls_flush *last;
    int passes;      /* calls that resume nothing, before the next that does */
    uint32_t random; /* never 0 */
};

struct sls_notifiers {
    struct sls_output *output;
    pthread_mutex_t lock;
    struct sls_notifier *first;
    struct sls_notifier *log; /* of the engine; NULL: it takes no lines of the log */
};

static void set_flag(struct sls_notifier *notifier, int *flag)
{
    if (!__atomic_exchange_n(flag, 1, __ATOMIC_SEQ_CST)) {
        sls_eventfd_signal(notifier->event.fd);
    }
}

static int take_flag(int *flag) { return __atomic_exchange_n(flag, 0, __ATOMIC_SEQ_CST); }

/* Appends the flushes that were completed to those collected before. */
static void collect(struct sls_notifier *notifier)
{
    struct sls_flush *flush = __atomic_exchange_n(&notifier->completed.last, NULL, __ATOMIC_SEQ_CST);
    struct sls_flush *last = flush;
    struct sls_flush *first = NULL;
    struct sls_flush *before;

    if (flush == NULL) {
        return;
    }
    for (; flush != NULL; flush = before) {
        before = flush->next;
        flush->next = first;
        first = flush;
    }
    if (notifier->first == NULL) {
        notifier->first = first;
    }
    else {
        notifier->last->next = first;
    }
    notifier->last = last;
}

/* Whether the loop must call again because a flush waits to be resumed. If not, the next one that is completed
 * notifies. */
static int must_call_again(struct sls_notifier *notifier)
{
    collect(notifier);
    if (notifier->first != NULL) {
        return 1;
    }
    __atomic_store_n(&notifier->completed.notified, 0, __ATOMIC_SEQ_CST);
    /* A flush that was completed before that store found notified set and did not notify. If another thread sees it
     * too, one of the two sets notified, and the other leaves it to that one. */
    return __atomic_load_n(&notifier->completed.last, __ATOMIC_SEQ_CST) != NULL &&
           !__atomic_exchange_n(&notifier->completed.notified, 1, __ATOMIC_SEQ_CST);
}

/* Resumes one flush.
 *
 * A flush that ends writes its result into a pipe of 64 KiB, blocking, and the loop that reads the pipe is the one that
 * calls us: 8,193 results that it has not read stop Fluent Bit permanently. The loop reads one result for each event of
 * the pipe. It serves events of one priority, ours and the pipe's among them, nearly in turn: after ten it takes an
 * eleventh out of its queue and forgets it until the next round. With certain numbers of ready events that is the
 * pipe's each time.
 *
 * So each call resumes one flush, and after it one or two calls, at random, resume nothing. The pipe is then read twice
 * for each result on average, and no pattern lasts. In a model of 1 to 8 outputs among up to 15 ready events the pipe
 * holds at most 6 results; without the pause, 5 of these 128 mixes fill it.
 * Source: fluentbit.h. */
static void resume_one(struct sls_notifier *notifier)
{
    struct sls_flush *flush = notifier->first;

    if (flush == NULL) {
        return;
    }
    notifier->first = flush->next;
    notifier->random ^= notifier->random << 13;
    notifier->random ^= notifier->random >> 17;
    notifier->random ^= notifier->random << 5;
    notifier->passes = 1 + (notifier->random & 1);
    sls_coro_resume(&flush->suspended.coro);
}

/* Has chunks encoded, as many as take little time. */
static void encode(struct sls_notifier *notifier)
{
    struct sls_flush *direct = notifier->direct;

    notifier->direct = NULL;
    if (slsEncodePending(notifier->output->handle, notifier, direct)) {
        set_flag(notifier, &notifier->encode_wanted);
    }
}

/* The event loop calls this while the eventfd is readable, which it stays until no flush waits. */
static int on_notify(void *event)
{
    struct sls_notifier *notifier = event;

    if (notifier->passes > 0) {
        notifier->passes--;
        return 0;
    }
    sls_eventfd_clear(notifier->event.fd);
    if (take_flag(&notifier->log_pending)) {
        slsDrainLog(notifier->output->handle);
    }
    if (take_flag(&notifier->encode_wanted)) {
        encode(notifier);
    }
    collect(notifier);
    resume_one(notifier);
    if (must_call_again(notifier)) {
        sls_eventfd_signal(notifier->event.fd);
    }
    return 0;
}

static char *register_event(struct sls_notifier *notifier)
{
    int fd = sls_eventfd_create();
    char *reason;

    if (fd < 0) {
        return "no descriptor is left";
    }
    reason = sls_loop_add(notifier->loop, &notifier->event, fd, on_notify);
    if (reason != NULL) {
        close(fd);
    }
    notifier->completed.fd = fd;
    notifier->random ^= (uint32_t) fd; /* another sequence for each, and never 0 */
    return reason;
}

static char *find_or_add(struct sls_notifiers *notifiers, void *loop, struct sls_notifier **found)
{
    struct sls_notifier *notifier;
    char *reason;

    for (notifier = notifiers->first; notifier != NULL; notifier = notifier->next) {
        if (notifier->loop == loop) {
            *found = notifier;
            return NULL;
        }
    }
    notifier = calloc(1, sizeof(*notifier));
    if (notifier == NULL) {
        return "no memory is left";
    }
    notifier->output = notifiers->output;
    notifier->loop = loop;
    notifier->random = 2463534242u;
    reason = register_event(notifier);
    if (reason != NULL) {
        free(notifier);
        return reason;
    }
    notifier->next = notifiers->first;
    notifiers->first = notifier;
    *found = notifier;
    return NULL;
}

char *sls_notifiers_find(struct sls_notifiers *notifiers, struct sls_flush *flush)
{
    void *loop;
    char *reason = sls_coro_find(&flush->suspended.coro, &loop);

    if (reason != NULL) {
        return reason;
    }
    pthread_mutex_lock(&notifiers->lock);
    reason = find_or_add(notifiers, loop, &flush->suspended.notifier);
    pthread_mutex_unlock(&notifiers->lock);
    if (flush->suspended.notifier != NULL) {
        flush->suspended.completed = &flush->suspended.notifier->completed;
    }
    return reason;
}

void sls_submit(struct sls_flush *flush)
{
    struct sls_notifier *notifier = flush->suspended.notifier;

    if (sls_queue_push(notifier->output->queue, flush)) {
        return;
    }
    flush->next = NULL;
    if (notifier->direct == NULL) {
        notifier->direct = flush;
    }
    else {
        notifier->last_direct->next = flush;
    }
    notifier->last_direct = flush;
    sls_notifier_encode(notifier);
}

void sls_notifier_encode(struct sls_notifier *notifier) { set_flag(notifier, &notifier->encode_wanted); }

int sls_notifiers_take_log(struct sls_notifiers *notifiers)
{
    void *loop = sls_loop_find();

    if (loop == NULL) {
        return 0;
    }
    pthread_mutex_lock(&notifiers->lock);
    find_or_add(notifiers, loop, &notifiers->log);
    pthread_mutex_unlock(&notifiers->lock);
    return notifiers->log != NULL;
}

void sls_notifiers_drain_log(struct sls_notifiers *notifiers)
{
    set_flag(notifiers->log, &notifiers->log->log_pending);
}

struct sls_notifiers *sls_notifiers_create(struct sls_output *output)
{
    struct sls_notifiers *notifiers = calloc(1, sizeof(*notifiers));

    if (notifiers != NULL) {
        notifiers->output = output;
        pthread_mutex_init(&notifiers->lock, NULL);
    }
    return notifiers;
}

void sls_notifiers_unregister(struct sls_notifiers *notifiers)
{
    struct sls_notifier *notifier;

    for (notifier = notifiers->first; notifier != NULL; notifier = notifier->next) {
        sls_loop_del(notifier->loop, &notifier->event);
    }
}

void sls_notifiers_destroy(struct sls_notifiers *notifiers)
{
    struct sls_notifier *notifier = notifiers->first;
    struct sls_notifier *next;

    for (; notifier != NULL; notifier = next) {
        next = notifier->next;
        close(notifier->event.fd);
        free(notifier);
    }
    pthread_mutex_destroy(&notifiers->lock);
    free(notifiers);
}
