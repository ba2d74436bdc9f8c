/* Shared by the files of the test plugin. */
#ifndef TESTPLUGIN_H
#define TESTPLUGIN_H

#include <stdint.h>

/* --- testplugin.c --------------------------------------------------------------------------------------------------- */
void call(const char *callback, const char *detail); /* prints a call line */
void sleep_ms(int ms);

/* --- wait.c --------------------------------------------------------------------------------------------------------- */
struct coro_view { /* as far as one layout has it */
    void *caller, *callee;
};

union event { /* struct mk_event as far as one layout has it, with room for what follows */
    struct {
        int fd, type;
        uint32_t mask;
        uint8_t status;
        void *data;
        int (*handler)(void *);
    };
    char whole[256];
};

struct wait { /* a flush that is suspended, or about to be */
    void *coro;
    struct coro_view *view;
};

extern struct functions { /* the host's */
    void *(*coro_get)(void);
    void (*coro_set)(void *);
    void *(*evl_get)(void);
    void *(*active)(void);
    void (*switch_to)(void *);
    int (*add)(void *, int, int, uint32_t, void *);
    int (*del)(void *, void *);
} fb;

void *wait_find(struct wait *w); /* the event loop, or NULL where the flush cannot be suspended */
void wait_suspend(struct wait *w);
void wait_resume(struct wait *w); /* when it returns, w may be gone */
int event_add(void *loop, union event *event, int fd, int (*handler)(void *)); /* 0 = the host's events look otherwise */
const char *suspend(int delay_ms); /* "loop" or "poll": how it waited */

/* --- bell.c --------------------------------------------------------------------------------------------------------- */
struct bell;

struct bell *bell_create(const char *id, int flushes, int at_once, int leave);
void bell_wait(struct bell *b);
void bell_destroy(struct bell *b);

#endif
