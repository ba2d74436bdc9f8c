/* Fluent Bit's classic configuration, as far as this host has a use for it: [SERVICE], [OUTPUT], and of the inputs only
 * tail, read once. '#' begins a comment only at the start of a line; quotes are part of the value. */
#include "host.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

struct entry {
    char *key, *value;
};

struct section {
    char name[32];
    int line;
    struct entry *entries;
    size_t n;
};

static char *trim(char *s)
{
    while (isspace((unsigned char) *s))
        s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char) end[-1]))
        *--end = '\0';
    return s;
}

static const char *section_get(const struct section *s, const char *key)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcasecmp(s->entries[i].key, key))
            return s->entries[i].value;
    return NULL;
}

static void section_add(struct section *s, const char *key, const char *value)
{
    struct entry *grown = realloc(s->entries, (s->n + 1) * sizeof *grown);

    if (!grown)
        die("no memory for the configuration");
    s->entries = grown;
    s->entries[s->n++] = (struct entry) {strdup(key), expand_env(value)};
}

static void section_clear(struct section *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->entries[i].key);
        free(s->entries[i].value);
    }
    free(s->entries);
    *s = (struct section) {0};
}

static bool apply_service(struct config *c, const struct section *s)
{
    const char *flush = section_get(s, "flush"), *grace = section_get(s, "grace");
    const char *reload = section_get(s, "hot_reload"), *level = section_get(s, "log_level");

    if (flush) {
        double seconds = strtod(flush, NULL);
        if (seconds <= 0) {
            log_line(FLB_LOG_ERROR, "[config] Flush '%s': a number of seconds above 0 is expected", flush);
            return false;
        }
        c->flush_ns = (uint64_t) (seconds * 1e9);
    }
    if (grace)
        c->grace_s = atoi(grace);
    if (reload)
        c->hot_reload = parse_bool(reload) != 0;
    if (level && (c->log_level = log_level_parse(level)) < 0) {
        log_line(FLB_LOG_ERROR, "[config] '%s' is not a Log_Level", level);
        return false;
    }
    return true;
}

static bool apply_input(struct config *c, const struct section *s)
{
    const char *name = section_get(s, "name"), *path = section_get(s, "path"), *tag = section_get(s, "tag");

    if (!name || strcasecmp(name, "tail") || !path || c->tail_path)
        return true;
    c->tail_path = strdup(path);
    c->tail_tag = strdup(tag ? tag : "tail.0");
    return true;
}

static struct output *add_output(struct config *c, const char *plugin)
{
    struct output *grown = realloc(c->outputs, (size_t) (c->n_outputs + 1) * sizeof *grown);

    if (!grown)
        die("no memory for the configuration");
    c->outputs = grown;
    struct output *o = &grown[c->n_outputs];
    int same = 0;
    for (int i = 0; i < c->n_outputs; i++)
        same += !strncmp(grown[i].name, plugin, strlen(plugin)) && grown[i].name[strlen(plugin)] == '.';
    *o = (struct output) {.retry_limit = 1, .log_level = -1};
    snprintf(o->name, sizeof o->name, "%.64s.%d", plugin, same);
    c->n_outputs++;
    return o;
}

static bool apply_output(struct config *c, const struct section *s, const char *plugin_name)
{
    const char *name = section_get(s, "name");
    bool tick = name && !strcasecmp(name, "tick");

    if (!name || (!tick && strcasecmp(name, plugin_name))) {
        log_line(FLB_LOG_ERROR, "[config] [OUTPUT] in line %d: Name '%s' is neither the loaded plugin (%s) nor tick", s->line,
                 name ? name : "", plugin_name);
        return false;
    }
    struct output *o = add_output(c, tick ? "tick" : plugin_name);
    o->is_tick = tick;
    for (size_t i = 0; i < s->n; i++)
        if (strcasecmp(s->entries[i].key, "name") && !property_set(o, s->entries[i].key, s->entries[i].value))
            return false;
    return true;
}

static bool apply(struct config *c, const struct section *s, const char *plugin_name)
{
    if (!strcasecmp(s->name, "SERVICE"))
        return apply_service(c, s);
    if (!strcasecmp(s->name, "INPUT"))
        return apply_input(c, s);
    if (!strcasecmp(s->name, "OUTPUT"))
        return apply_output(c, s, plugin_name);
    return true;
}

/* One trimmed line into *s; a section header first applies the section before it. */
static bool take_line(struct config *c, struct section *s, char *line, int number, const char *plugin_name)
{
    if (line[0] == '[') {
        char *close = strchr(line, ']');
        if (!close || close[1]) {
            log_line(FLB_LOG_ERROR, "[config] line %d: a section is [NAME]", number);
            return false;
        }
        *close = '\0';
        bool ok = apply(c, s, plugin_name);
        section_clear(s);
        snprintf(s->name, sizeof s->name, "%s", line + 1);
        s->line = number;
        return ok;
    }
    if (line[0] == '@') {
        log_line(FLB_LOG_ERROR, "[config] line %d: this host has no '%s'", number, line);
        return false;
    }
    char *value = line + strcspn(line, " \t");
    if (!*value || !s->name[0]) {
        log_line(FLB_LOG_ERROR, "[config] line %d: '%s' %s", number, line,
                 s->name[0] ? "has no value (undefined value)" : "stands before the first section");
        return false;
    }
    *value++ = '\0';
    section_add(s, line, trim(value));
    return true;
}

static bool read_file(struct config *c, const char *file, const char *plugin_name)
{
    FILE *f = fopen(file, "re");
    struct section s = {0};
    char *line = NULL;
    size_t cap = 0;
    bool ok = true;

    if (!f) {
        log_line(FLB_LOG_ERROR, "[config] cannot read %s: %s", file, strerror(errno));
        return false;
    }
    for (int number = 1; ok && getline(&line, &cap, f) >= 0; number++) {
        char *text = trim(line);
        if (*text && *text != '#')
            ok = take_line(c, &s, text, number, plugin_name);
    }
    ok = ok && apply(c, &s, plugin_name);
    section_clear(&s);
    free(line);
    fclose(f);
    return ok;
}

/* -p key=value, to the one output of the plugin. */
static bool add_extra(struct config *c, char **extra, int n_extra)
{
    struct output *only = NULL;

    for (int i = 0; i < c->n_outputs; i++) {
        if (c->outputs[i].is_tick)
            continue;
        if (only && n_extra) {
            log_line(FLB_LOG_ERROR, "[config] -p needs exactly one [OUTPUT] of the plugin");
            return false;
        }
        only = &c->outputs[i];
    }
    for (int i = 0; i < n_extra; i++) {
        char *equals = strchr(extra[i], '=');
        if (!only || !equals) {
            log_line(FLB_LOG_ERROR, "[config] -p %s: key=value and one [OUTPUT] of the plugin are expected", extra[i]);
            return false;
        }
        char *key = strndup(extra[i], (size_t) (equals - extra[i])), *value = expand_env(equals + 1);
        bool ok = property_set(only, key, value);
        free(key);
        free(value);
        if (!ok)
            return false;
    }
    return true;
}

bool config_load(struct config *c, const char *file, const char *plugin_name, char **extra, int n_extra)
{
    *c = (struct config) {.grace_s = 5, .hot_reload = true, .log_level = FLB_LOG_INFO};
    if (file) {
        if (!read_file(c, file, plugin_name))
            return false;
    } else {
        add_output(c, plugin_name)->match = strdup("*");
    }
    if (!add_extra(c, extra, n_extra))
        return false;
    for (int i = 0; i < c->n_outputs; i++)
        if (c->outputs[i].log_level < 0)
            c->outputs[i].log_level = c->log_level;
    return true;
}

void config_free(struct config *c)
{
    for (int i = 0; i < c->n_outputs; i++) {
        struct output *o = &c->outputs[i];
        while (o->properties) {
            struct property *p = o->properties;
            o->properties = p->next;
            free(p->key);
            free(p->value);
            free(p);
        }
        free(o->match);
        free(o->alias);
    }
    free(c->outputs);
    free(c->tail_path);
    free(c->tail_tag);
    *c = (struct config) {0};
}
