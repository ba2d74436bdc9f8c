/*
 * Eventfds that do not block, whoever signals and whoever reads them.
 */
#ifndef SLS_EVENTFD_H
#define SLS_EVENTFD_H

/* Returns -1 if no descriptor is left. */
int sls_eventfd_create(void);

/* Makes it readable. */
void sls_eventfd_signal(int fd);

/* Makes it unreadable. */
void sls_eventfd_clear(int fd);

#endif
