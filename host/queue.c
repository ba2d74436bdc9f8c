/*
 * The intake is how flushes come to Go without a call of Go: a handover, and a
 * timer for which a goroutine waits. It is started by the first of several
 * flushes, so that they linger here, where that costs nothing, and Go wakes up
 * once for all.
 *
 * Many bytes are encoded by the event loop instead, on whose processor they lie
 * in the cache: another would take twice the CPU. Few are not: for to be called,
 * Go needs one of its processors, and then keeps it for up to 10 ms; meanwhile
 * the monitor of Go's runtime looks at it again and again, first every 20 us,
 * which costs as much as to encode half a megabyte elsewhere.
 * Source: Go 1.26, runtime/proc.go, sysmon and retake.
 */
#include "queue.h"

#include <stdlib.h>
#include <unistd.h>

#include "flush.h"

/* From so many bytes on the event loop encodes. */
#define ENCODED_HERE (512 << 10)

/* What rung says of the timer, besides 0: it is not started. */
enum { LINGERS = 1, HURRIES };

static const struct itimerspec at_once = { .it_value.tv_nsec = 1 };

struct sls_intake *sls_intake_create(int64_t linger_ns)
{
    struct sls_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL) {
        return NULL;
    }
    intake->begun.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (intake->begun.fd < 0) {
        free(intake);
        return NULL;
    }
    intake->linger = at_once;
    if (linger_ns > 0) {
        intake->linger.it_value.tv_sec = linger_ns / 1000000000;
        intake->linger.it_value.tv_nsec = linger_ns % 1000000000;
    }
    return intake;
}

void sls_intake_destroy(struct sls_intake *intake) { free(intake); }

static void hand_over(struct sls_handover *to, struct sls_wait *wait)
{
    struct sls_wait *last = __atomic_load_n(&to->last, __ATOMIC_SEQ_CST);

    do {
        wait->next = last;
    } while (!__atomic_compare_exchange_n(&to->last, &last, wait, 1, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

int sls_intake_put(struct sls_intake *intake, struct sls_wait *wait)
{
    int32_t not_started = 0;
    int64_t bytes = __atomic_add_fetch(&intake->bytes, wait->size, __ATOMIC_SEQ_CST);

    hand_over(&intake->begun, wait);
    if (bytes >= ENCODED_HERE) {
        return 1;
    }
    if (__atomic_compare_exchange_n(&intake->begun.rung, &not_started, LINGERS, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        timerfd_settime(intake->begun.fd, 0, &intake->linger, NULL);
        if (__atomic_load_n(&intake->begun.rung, __ATOMIC_SEQ_CST) == HURRIES) {
            timerfd_settime(intake->begun.fd, 0, &at_once, NULL); /* meanwhile */
        }
    }
    return 0;
}

void sls_intake_hurry(struct sls_intake *intake)
{
    __atomic_store_n(&intake->begun.rung, HURRIES, __ATOMIC_SEQ_CST);
    timerfd_settime(intake->begun.fd, 0, &at_once, NULL);
}
