/* Properties of an [OUTPUT] section: which ones Fluent Bit 5.1.1 keeps for itself (src/flb_output.c), which reach the
 * plugin, and how values are expanded and looked up. */
#include "host.h"

#include <ctype.h>
#include <strings.h>

/* Kept by Fluent Bit and without effect here. */
static const char *const swallowed[] = {
    "alias", "log_suppress_interval", "host", "port", "ipv6", "routes", "tls.verify", "tls.verify_hostname", "tls.debug",
    "tls.vhost", "tls.ca_path", "tls.ca_file", "tls.crt_file", "tls.key_file", "tls.key_passwd", "tls.min_version",
    "tls.max_version", "tls.ciphers", "tls.proxy.verify", "tls.proxy.verify_hostname", "tls.proxy.ca_path",
    "tls.proxy.ca_file", "storage.total_limit_size",
};
static const char *const swallowed_prefixes[] = {"net.", "oauth2", "_debug.http."};

int parse_bool(const char *text)
{
    if (!strcasecmp(text, "on") || !strcasecmp(text, "true") || !strcasecmp(text, "yes"))
        return 1;
    if (!strcasecmp(text, "off") || !strcasecmp(text, "false") || !strcasecmp(text, "no"))
        return 0;
    return -1;
}

static bool is_swallowed(const char *key)
{
    for (size_t i = 0; i < sizeof swallowed / sizeof *swallowed; i++)
        if (!strcasecmp(key, swallowed[i]))
            return true;
    for (size_t i = 0; i < sizeof swallowed_prefixes / sizeof *swallowed_prefixes; i++)
        if (!strncasecmp(key, swallowed_prefixes[i], strlen(swallowed_prefixes[i])))
            return true;
    return false;
}

static int parse_retry_limit(const struct output *o, const char *value)
{
    if (!strcasecmp(value, "no_limits") || !strcasecmp(value, "false") || !strcasecmp(value, "off"))
        return RETRY_FOREVER;
    if (!strcasecmp(value, "no_retries"))
        return 0;
    int n = atoi(value);
    if (n > 0)
        return n;
    log_line(FLB_LOG_WARN, "[config] invalid retry_limit '%s' of %s, using 1", value, o->name);
    return 1;
}

static void keep(struct output *o, const char *key, const char *value)
{
    struct property **at = &o->properties;

    while (*at)
        at = &(*at)->next;
    *at = must_alloc(sizeof **at);
    (*at)->key = strdup(key);
    (*at)->value = strdup(value);
}

/* Sets one property, its value already expanded. false = Fluent Bit would not start. */
bool property_set(struct output *o, const char *key, const char *value)
{
    if (!strcasecmp(key, "match")) {
        free(o->match);
        o->match = strdup(value);
    } else if (!strcasecmp(key, "match_regex")) {
        log_line(FLB_LOG_ERROR, "[config] %s: this host knows Match only, not Match_Regex", o->name);
        return false;
    } else if (!strcasecmp(key, "retry_limit")) {
        o->retry_limit = parse_retry_limit(o, value);
    } else if (!strcasecmp(key, "alias")) {
        free(o->alias);
        o->alias = strdup(value);
    } else if (!strcasecmp(key, "workers")) {
        o->workers = atoi(value);
    } else if (!strcasecmp(key, "log_level")) {
        o->log_level = log_level_parse(value);
        if (o->log_level < 0) {
            log_line(FLB_LOG_ERROR, "[config] %s: '%s' is not a log_level", o->name, value);
            return false;
        }
    } else if (!strcasecmp(key, "tls")) {
        if (parse_bool(value) == 1) {
            log_line(FLB_LOG_ERROR, "[config] %s does not support TLS", o->name);
            return false;
        }
    } else if (!is_swallowed(key)) {
        keep(o, key, value);
    }
    return true;
}

/* flb_output_get_property: any case, the first match wins, empty counts as absent. */
const char *property_get(const char *key, struct output *o)
{
    for (struct property *p = o->properties; p; p = p->next)
        if (!strcasecmp(p->key, key))
            return p->value[0] ? p->value : NULL;
    return NULL;
}

/* Value of the reference at *text, which begins with "${"; *text is moved behind it. NULL = not closed. */
static char *expand_reference(const char **text)
{
    const char *name = *text + 2, *close = strchr(name, '}');

    if (!close)
        return NULL;
    char *inner = strndup(name, (size_t) (close - name)), *fallback = strstr(inner, ":-");
    if (fallback) {
        *fallback = '\0';
        fallback += 2;
    }
    const char *value = getenv(inner);
    if (!value || !*value) {
        if (!fallback)
            log_line(FLB_LOG_WARN, "[env] variable ${%s} is used but not set", inner);
        value = fallback ? fallback : "";
    }
    char *copy = strdup(value);
    free(inner);
    *text = close + 1;
    return copy;
}

/* Replaces ${NAME} and ${NAME:-default}. The caller frees the result. */
char *expand_env(const char *text)
{
    struct buf out = {0};

    while (*text) {
        char *value = text[0] == '$' && text[1] == '{' ? expand_reference(&text) : NULL;
        if (value) {
            buf_append(&out, value, strlen(value));
            free(value);
        } else {
            buf_append(&out, text++, 1);
        }
    }
    buf_append(&out, "", 1);
    return out.data;
}

/* Match with any number of '*'. */
bool tag_matches(const char *match, const char *tag)
{
    if (!match)
        return false;
    if (*match == '*') {
        do
            if (tag_matches(match + 1, tag))
                return true;
        while (*tag++);
        return false;
    }
    if (*match != *tag)
        return false;
    return *match == '\0' || tag_matches(match + 1, tag + 1);
}
