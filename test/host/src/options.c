/* The command line. */
#include "host.h"

#include <getopt.h>

static const char usage[] =
    "host: loads a Fluent Bit Go output plugin and drives it as the version of Fluent Bit does that --version names\n"
    "\n"
    "  -e FILE        the plugin (.so)\n"
    "  -c FILE        classic Fluent Bit configuration: [SERVICE], [OUTPUT], [INPUT] tail; without: one output of the plugin\n"
    "  -p KEY=VALUE   adds a property to the one output\n"
    "  -i FILE        reads lines from FILE instead of standard input\n"
    "  -n             does not read standard input: -i or [INPUT] tail, or nothing but the storage\n"
    "  -t TAG         tag of the lines (host.0)\n"
    "  -T N           spreads the lines over N tags, TAG.0 to TAG.N-1; TAG is then host by default\n"
    "  -J             a line that is a JSON object becomes the record; any other line is {\"log\": line}\n"
    "  -v 1|2         event format (2)\n"
    "  -b N           closes a chunk also at N lines\n"
    "  -f MS          closes chunks every MS milliseconds ([SERVICE] Flush, else 200)\n"
    "  -r N           hands at most N chunks a second to the outputs\n"
    "  -m MIB         stops reading while unanswered chunks hold more than this (256)\n"
    "  -w N           worker threads an output ([OUTPUT] workers, else 0: the engine's thread)\n"
    "  -s KIB         coroutine stack (64; 24 up to Fluent Bit 5.0)\n"
    "  -R MS          a chunk the plugin wants retried comes back after MS milliseconds (1000)\n"
    "  -S DIR         filesystem storage: chunks and the position in -i FILE survive a kill\n"
    "  -g S           waits at SIGTERM up to S seconds for unanswered chunks ([SERVICE] Grace, else 5; -1: no limit)\n"
    "  -l FILE        log file of the engine's and the workers' threads; other threads write to stderr\n"
    "  -d             becomes a daemon: forks when the plugin is loaded, and goes on in the child\n"
    "  --dry-run      registers the plugin, checks the configuration, ends\n"
    "  --version      the version of Fluent Bit that it imitates\n"
    "  --help         this text\n"
    "\n"
    "A line \"@SECONDS[.FRACTION] text\" carries its own event time. SIGTERM and SIGINT stop, SIGHUP reloads.\n"
    "Ends at the end of input when every chunk is answered: 0, 1 = a chunk was dropped, 2 = bad flag, 255 = Init failed.\n";

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "host: %s '%s'; see --help\n", what, value);
    exit(2);
}

static double number(const char *text, const char *flag, double min)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end || !(v >= min) || v > 1e12) {
        fprintf(stderr, "host: %s %s: a number of at least %g is expected; see --help\n", flag, text, min);
        exit(2);
    }
    return v;
}

static void set_option(struct options *o, int flag, char *value)
{
    switch (flag) {
    case 'e': o->plugin = value; break;
    case 'c': o->config_file = value; break;
    case 'p': o->properties[o->n_properties++] = value; break;
    case 'i': o->input_file = value; break;
    case 'n': o->no_stdin = true; break;
    case 't': o->tag = value; break;
    case 'T': o->tags = (unsigned) number(value, "-T", 1); break;
    case 'J': o->json = true; break;
    case 'v': o->v1 = number(value, "-v", 1) < 2; break;
    case 'b': o->batch_lines = (size_t) number(value, "-b", 1); break;
    case 'f': o->flush_ns = (uint64_t) (number(value, "-f", 1) * 1e6); break;
    case 'r': o->chunks_per_second = number(value, "-r", 0.001); break;
    case 'm': o->memory_limit = (size_t) (number(value, "-m", 1) * 1024 * 1024); break;
    case 'w': o->workers = (int) number(value, "-w", 0); break;
    case 's': o->stack_size = (size_t) number(value, "-s", 8) * 1024; break;
    case 'R': o->retry_ns = (uint64_t) (number(value, "-R", 0) * 1e6); break;
    case 'S': o->storage = value; break;
    case 'g': o->grace_s = (int) number(value, "-g", -1); break;
    case 'l': o->log_file = value; break;
    case 'd': o->daemon = true; break;
    case 'D': o->dry_run = true; break;
    case 'V': printf("bundled host, as Fluent Bit v%d.%d.%d\n", HOST_VERSION / 10000, HOST_VERSION / 100 % 100, HOST_VERSION % 100); exit(0);
    case 'h': fputs(usage, stdout); exit(0);
    default: exit(2); /* getopt has said why */
    }
}

/* Ends the process on a bad flag. */
void options_parse(struct options *o, int argc, char **argv)
{
    static const struct option long_options[] = {{"dry-run", no_argument, NULL, 'D'}, {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    int flag;

    *o = (struct options) {
        .workers = -1, .grace_s = GRACE_AS_CONFIGURED, .stack_size = (HOST_VERSION >= 50100 ? 64 : 24) * 1024, .retry_ns = 1000000000, .memory_limit = (size_t) 256 * 1024 * 1024};
    o->properties = must_alloc((size_t) argc * sizeof *o->properties);
    while ((flag = getopt_long(argc, argv, "e:c:dp:i:nt:T:Jv:b:f:r:m:w:s:R:S:g:l:h", long_options, NULL)) != -1)
        set_option(o, flag, optarg);
    if (optind < argc)
        refuse("unknown argument", argv[optind]);
    if (!o->plugin)
        refuse("the plugin is missing:", "-e FILE");
}
