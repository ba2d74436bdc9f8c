/*
 * The submission queue hands flushes to Go without a call of Go: a lock-free list, and a timer that a goroutine waits
 * for. The first of several flushes arms the timer. They linger in this list, where that costs nothing, and Go is woken
 * once for all of them.
 *
 * From ENCODE_WANTED_BYTES on, the event loop encodes instead: the chunks are in the cache of its processor, and
 * another processor takes twice the CPU time for them.
 *
 * Smaller amounts are left to the goroutine. A call from C needs a P of the Go runtime and holds it for up to 10 ms,
 * and sysmon polls that P from every 20 us on, which costs as much as encoding 512 KiB elsewhere.
 * Source: Go 1.26, runtime/proc.go, sysmon and retake.
 */
#include "queue.h"

#include <stdlib.h>
#include <unistd.h>

#include "flush.h"

#define ENCODE_WANTED_BYTES (512 << 10)

/* What submitted.notified says of the timer; 0: it is not armed. */
enum { TIMER_LINGER = 1, TIMER_NOW };

static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

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
    queue->linger = at_once;
    if (linger_ns > 0) {
        queue->linger.it_value.tv_sec = linger_ns / 1000000000;
        queue->linger.it_value.tv_nsec = linger_ns % 1000000000;
    }
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

int sls_queue_push(struct sls_queue *queue, struct sls_flush *flush)
{
    int32_t not_armed = 0;
    int64_t bytes = __atomic_add_fetch(&queue->bytes, flush->size, __ATOMIC_SEQ_CST);

    push(&queue->submitted, flush);
    if (bytes >= ENCODE_WANTED_BYTES) {
        return 1;
    }
    if (__atomic_compare_exchange_n(&queue->submitted.notified, &not_armed, TIMER_LINGER, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        timerfd_settime(queue->submitted.fd, 0, &queue->linger, NULL);
        /* sls_queue_wake_now may have run between the exchange and the line above, which then put its timer off. */
        if (__atomic_load_n(&queue->submitted.notified, __ATOMIC_SEQ_CST) == TIMER_NOW) {
            timerfd_settime(queue->submitted.fd, 0, &at_once, NULL);
        }
    }
    return 0;
}

void sls_queue_wake_now(struct sls_queue *queue)
{
    __atomic_store_n(&queue->submitted.notified, TIMER_NOW, __ATOMIC_SEQ_CST);
    timerfd_settime(queue->submitted.fd, 0, &at_once, NULL);
}
