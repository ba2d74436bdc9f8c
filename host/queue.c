/*
 * The submission queue hands flushes to Go without a call of Go: a lock-free list, and a timer that a goroutine waits
 * for. The first of several flushes arms the timer. They linger in this list, where that costs nothing, and Go is woken
 * once for all of them.
 *
 * A goroutine reads a copy of the chunk. Fluent Bit before 2.1.8 frees the chunks of suspended flushes before it tells an
 * output that it ends, so nothing but the flush's own event loop knows that the chunk is still there.
 *
 * What would take the copies beyond COPIED_BYTES is left to the event loop, which reads the chunk itself: it is in the
 * cache of its processor, and another processor takes twice the CPU time for it.
 *
 * Smaller amounts are left to the goroutine. A call from C needs a P of the Go runtime and holds it for up to 10 ms,
 * and sysmon polls that P from every 20 us on, which costs as much as encoding 512 KiB elsewhere.
 * Source: Go 1.26, runtime/proc.go, sysmon and retake.
 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flush.h"

#define COPIED_BYTES (512 << 10)

struct sls_queue *sls_queue_create(int64_t linger_ns)
{
    struct sls_queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL) {
        return NULL;
    }
    queue->submitted.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (queue->submitted.fd < 0) {
        free(queue);
        return NULL;
    }
    queue->linger.it_value.tv_sec = linger_ns / 1000000000;
    queue->linger.it_value.tv_nsec = linger_ns > 0 ? linger_ns % 1000000000 : 1; /* 0 would not arm it */
    return queue;
}

void sls_queue_destroy(struct sls_queue *queue) { free(queue); }

static void push(struct sls_list *list, struct sls_flush *flush)
{
    struct sls_flush *last = __atomic_load_n(&list->last, __ATOMIC_SEQ_CST);

    do {
        flush->next = last;
    } while (!__atomic_compare_exchange_n(&list->last, &last, flush, 1, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

/* Returns 0 if the copy would be too much, or memory runs out. */
static int copy_chunk(struct sls_queue *queue, struct sls_flush *flush)
{
    if (__atomic_add_fetch(&queue->bytes, flush->size, __ATOMIC_SEQ_CST) < COPIED_BYTES) {
        flush->copy = malloc(sizeof(*flush->copy) + flush->size);
    }
    if (flush->copy == NULL) {
        __atomic_sub_fetch(&queue->bytes, flush->size, __ATOMIC_SEQ_CST);
        return 0;
    }
    memcpy(flush->copy + 1, flush->data, flush->size);
    return 1;
}

int sls_queue_push(struct sls_queue *queue, struct sls_flush *flush)
{
    if (!copy_chunk(queue, flush)) {
        return 0;
    }
    push(&queue->submitted, flush);
    if (!__atomic_exchange_n(&queue->submitted.notified, 1, __ATOMIC_SEQ_CST)) {
        timerfd_settime(queue->submitted.fd, 0, &queue->linger, NULL);
    }
    return 1;
}

void sls_copies_free(struct sls_copy *first)
{
    struct sls_copy *next;

    for (; first != NULL; first = next) {
        next = first->next;
        free(first);
    }
}
