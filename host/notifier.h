/*
 * Notifiers: how a suspended flush is resumed. See notifier.c.
 */
#ifndef SLS_NOTIFIER_H
#define SLS_NOTIFIER_H

struct sls_flush;
struct sls_notifier;
struct sls_output;

/* The notifiers of an output instance, one for each event loop that its flushes ran on. */
struct sls_notifiers;

struct sls_notifiers *sls_notifiers_create(struct sls_output *output);

/* Takes the events back: no loop calls or changes them any more. Must run on the engine's thread, when the workers have
 * ended. */
void sls_notifiers_unregister(struct sls_notifiers *notifiers);

/* Must run after that, when no flush can be completed any more. */
void sls_notifiers_destroy(struct sls_notifiers *notifiers);

/* Makes the notifier of the calling thread's event loop, the engine's, which takes lines of the log from then on. Returns
 * 0 if the host has no place for it. */
int sls_notifiers_take_log(struct sls_notifiers *notifiers);

/* Gives a flush the notifier of the event loop that it runs on, which is made if there is none yet. Returns NULL, or why
 * the flush cannot be suspended. */
char *sls_notifiers_find(struct sls_notifiers *notifiers, struct sls_flush *flush);

/* Hands a flush to Go. The caller must suspend it before its event loop goes on. */
void sls_submit(struct sls_flush *flush);

/* Has the event loop of a notifier call slsEncodePending. May be called from any thread. */
void sls_notifier_encode(struct sls_notifier *notifier);

/* Has the engine's event loop take the waiting lines of the log. May be called from any thread, if sls_notifiers_take_log
 * returned 1. */
void sls_notifiers_drain_log(struct sls_notifiers *notifiers);

#endif
