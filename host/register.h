/*
 * Metrics as input: see register.c.
 */
#ifndef SLS_REGISTER_H
#define SLS_REGISTER_H

/* Tells the host, in its struct flb_plugin_proxy_def, that the output takes
 * metrics as well as logs. Where the host's struct is not known to have room
 * for that, it does nothing, and the output gets logs alone. */
void sls_register_metrics(void *def);

#endif
