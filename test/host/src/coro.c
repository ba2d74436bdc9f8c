/* Coroutines: Fluent Bit's flb_coro on top of cothreads in the manner of its libco. A cothread here is a ucontext with
 * a stack of its own and a guard page below, so that an overflow is a fault at once and not a silent overwrite. */
#include "host.h"

#include <sys/mman.h>
#include <ucontext.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

struct cothread {
    ucontext_t context;
    void (*entry)(void *arg);
    void *arg;
    char *map; /* guard page and stack; NULL for a thread's own stack */
    size_t map_size;
    void *stack_bottom; /* what the address sanitizer must know to follow a switch */
    size_t stack_size;
};

static __thread struct cothread thread_itself;
static __thread struct cothread *active;
static __thread struct cothread *previous;
static __thread struct flb_coro *current;

void *cothread_active(void)
{
    if (!active)
        active = &thread_itself;
    return active;
}

static void switch_begin(struct cothread *to)
{
#ifdef __SANITIZE_ADDRESS__
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, to->stack_bottom, to->stack_size);
#else
    (void) to;
#endif
}

static void switch_end(void)
{
#ifdef __SANITIZE_ADDRESS__
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(NULL, &bottom, &size);
    previous->stack_bottom = (void *) bottom;
    previous->stack_size = size;
#endif
}

void cothread_switch(void *cothread)
{
    struct cothread *from = cothread_active(), *to = cothread;

    previous = from;
    active = to;
    switch_begin(to);
    if (swapcontext(&from->context, &to->context) != 0)
        die("swapcontext failed");
    switch_end();
}

static void cothread_main(void)
{
    struct cothread *self = active;

    switch_end();
    self->entry(self->arg);
    die("a coroutine ended without switching back");
}

struct flb_coro *coro_create(void (*entry)(void *arg), void *arg, size_t stack_size)
{
    size_t page = (size_t) sysconf(_SC_PAGESIZE);
    struct flb_coro *coro = must_alloc(sizeof *coro);
    struct cothread *co = must_alloc(sizeof *co);

    co->entry = entry;
    co->arg = arg;
    co->stack_size = (stack_size + page - 1) / page * page;
    co->map_size = co->stack_size + page;
    co->map = mmap(NULL, co->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (co->map == MAP_FAILED || mprotect(co->map, page, PROT_NONE) != 0)
        die("no memory for a coroutine stack of %zu bytes", stack_size);
    co->stack_bottom = co->map + page;

    getcontext(&co->context);
    co->context.uc_stack.ss_sp = co->stack_bottom;
    co->context.uc_stack.ss_size = co->stack_size;
    co->context.uc_link = NULL;
    makecontext(&co->context, cothread_main, 0);

    coro->callee = co;
    return coro;
}

void coro_destroy(struct flb_coro *coro)
{
    struct cothread *co = coro->callee;

    if (co == cothread_active())
        die("a coroutine was destroyed while it runs");
    munmap(co->map, co->map_size);
    memset(co, 0xA5, sizeof *co); /* who still switches to it shall not get far */
    free(co);
    memset(coro, 0xA5, sizeof *coro);
    free(coro);
}

/* Like Fluent Bit's, the current coroutine is not reset when it switches back. */
struct flb_coro *coro_current(void)
{
    return current;
}

void coro_set_current(struct flb_coro *coro)
{
    current = coro;
}

void coro_resume(struct flb_coro *coro)
{
    coro_set_current(coro);
    coro->caller = cothread_active();
    cothread_switch(coro->callee);
}
