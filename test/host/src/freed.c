/* Tells whether a plugin freed the strings it handed over in FLBPluginRegister: this executable's free() takes the place
 * of libc's for the whole process, as jemalloc's does in Fluent Bit's official builds. Not under the address sanitizer,
 * whose own free() it would displace; its leak check finds the same fault. */
#include "host.h"

enum { MAX_WATCHED = 2 };

static struct {
    void *pointer;
    bool freed;
} watched[MAX_WATCHED];

void freed_watch(int slot, void *pointer)
{
    watched[slot].freed = false;
    __atomic_store_n(&watched[slot].pointer, pointer, __ATOMIC_SEQ_CST);
}

bool freed_seen(int slot)
{
    __atomic_store_n(&watched[slot].pointer, NULL, __ATOMIC_SEQ_CST);
#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
    return true;
#else
    return watched[slot].freed;
#endif
}

#if !defined(__SANITIZE_ADDRESS__) && defined(__GLIBC__)
extern void __libc_free(void *pointer) __attribute__((visibility("default")));

__attribute__((visibility("default"))) void free(void *pointer)
{
    for (int i = 0; i < MAX_WATCHED; i++)
        if (pointer && __atomic_load_n(&watched[i].pointer, __ATOMIC_RELAXED) == pointer)
            watched[i].freed = true;
    __libc_free(pointer);
}
#endif
