#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/setting.h"
#include "daemon/ctl.h"

static const char DEFAULT_FILE[] = PCHAT_SYSCONFDIR "/pchatd.conf";

/* Options that only some verbs have. */
enum { PASSWORD_FILE = 1, FULL_NAME = 2, DESCRIPTION = 4 };

static const struct verb {
	const char *noun, *verb; /* verb "": the noun stands alone */
	const char *arguments, *help;
	int min, max; /* arguments */
	unsigned options;
	int (*run)(const struct ctl *ctl);
} verbs[] = {
	{"status", "", "", "show processes, journal, cache and sessions", 0, 0, 0, ctl_status},
	{"user", "add", "USER", "add a user", 1, 1, PASSWORD_FILE | FULL_NAME, ctl_user_add},
	{"user", "passwd", "USER", "change a user's password", 1, 1, PASSWORD_FILE,
	 ctl_user_passwd},
	{"user", "list", "", "list the users", 0, 0, 0, ctl_user_list},
	{"user", "remove", "USER", "remove a user and end his sessions", 1, 1, 0, ctl_user_remove},
	{"room", "create", "NAME", "create a room and print its URI", 1, 1, DESCRIPTION,
	 ctl_room_create},
	{"room", "list", "[TEXT]", "list rooms with this text in name or description", 0, 1, 0,
	 ctl_room_list},
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

enum { OPTION_PASSWORD_FILE = 256, OPTION_NAME, OPTION_DESCRIPTION, OPTION_VERSION };

static const struct option options[] = {
	{"config", required_argument, NULL, 'f'},
	{"run-directory", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
	{"name", required_argument, NULL, OPTION_NAME},
	{"description", required_argument, NULL, OPTION_DESCRIPTION},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

struct command_line {
	struct ctl ctl;
	const char *file, *run_directory; /* -f and -s; NULL: not given */
	unsigned options;		  /* the verb's own ones that were given */
	bool help, version;
};

int ctl_fail(const struct ctl *ctl, int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "pchatctl: %s%s", ctl->name, *ctl->name ? ": " : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

int ctl_print_json(const struct ctl *ctl, const json_t *document)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12);

	if (document && json_dumpf(document, stdout, flags) == 0 && puts("") != EOF)
		return EX_OK;
	return ctl_fail(ctl, EX_IOERR, "could not write the result");
}

static void print_usage(FILE *out)
{
	fputs("usage: pchatctl [-f FILE | -s RUN_DIRECTORY] [--json] "
	      "NOUN VERB [OPTION]... [ARGUMENT]...\n",
	      out);
}

static void print_help(void)
{
	print_usage(stdout);
	fputs("\n", stdout);
	for (unsigned i = 0; i < VERBS; i++) {
		const struct verb *verb = &verbs[i];
		char call[64];

		snprintf(call, sizeof(call), "%s %s %s", verb->noun, verb->verb, verb->arguments);
		printf("  %-24s %s\n", call, verb->help);
		if (verb->options & FULL_NAME)
			printf("  %-24s   --name NAME: shown to others\n", "");
		if (verb->options & DESCRIPTION)
			printf("  %-24s   --description TEXT\n", "");
		if (verb->options & PASSWORD_FILE)
			printf("  %-24s   --password-file FILE: one line; \"-\": standard input;\n"
			       "  %-24s   without it the password is asked for\n",
			       "", "");
	}
	printf("\n"
	       "  -f, --config FILE        take the run directory from this configuration,\n"
	       "                           instead of %s\n"
	       "  -s, --run-directory DIR  where the server's sockets are\n"
	       "  -j, --json               one JSON document instead of text\n"
	       "  -h, --help, --version\n",
	       DEFAULT_FILE);
}

static int usage_error(void)
{
	print_usage(stderr);
	fputs("pchatctl --help lists nouns and verbs\n", stderr);
	return EX_USAGE;
}

static int take_option(struct command_line *line, int option)
{
	switch (option) {
	case 'f':
		line->file = optarg;
		return 0;
	case 's':
		line->run_directory = optarg;
		return 0;
	case 'j':
		line->ctl.json = true;
		return 0;
	case 'h':
		line->help = true;
		return 0;
	case OPTION_VERSION:
		line->version = true;
		return 0;
	case OPTION_PASSWORD_FILE:
		line->ctl.password_file = optarg;
		line->options |= PASSWORD_FILE;
		return 0;
	case OPTION_NAME:
		line->ctl.full_name = optarg;
		line->options |= FULL_NAME;
		return 0;
	case OPTION_DESCRIPTION:
		line->ctl.description = optarg;
		line->options |= DESCRIPTION;
		return 0;
	default:
		return -1;
	}
}

static int parse(struct command_line *line, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "f:s:jh", options, NULL)) != -1) {
		if (take_option(line, option) == -1)
			return -1;
	}
	return line->file && line->run_directory ? -1 : 0;
}

static const struct verb *find_verb(int count, char **words)
{
	for (unsigned i = 0; i < VERBS; i++) {
		const bool alone = !*verbs[i].verb;

		if (count < (alone ? 1 : 2) || strcmp(words[0], verbs[i].noun) != 0)
			continue;
		if (alone || strcmp(words[1], verbs[i].verb) == 0)
			return &verbs[i];
	}
	return NULL;
}

static int run(const struct verb *verb, struct ctl *ctl)
{
	char name[32];
	int code;

	snprintf(name, sizeof(name), "%s%s%s", verb->noun, *verb->verb ? " " : "", verb->verb);
	ctl->name = name;
	code = verb->run(ctl);
	ctl->name = "";
	if (fflush(stdout) == EOF && code == EX_OK)
		code = ctl_fail(ctl, EX_IOERR, "could not write: %s", strerror(errno));
	return code;
}

/* Without a configuration of its own the server runs on defaults, and so do we. */
static int run_configured(const struct verb *verb, struct command_line *line)
{
	const bool built_in = !line->file && access(DEFAULT_FILE, F_OK) == -1;
	const char *file = line->file ? line->file : DEFAULT_FILE;
	struct conf *conf = NULL;
	struct err err;
	int code;

	line->ctl.run_directory = setting_find("root", "run_directory")->value;
	if (!built_in) {
		conf = conf_load(file, &err);
		if (!conf)
			return ctl_fail(&line->ctl, EX_CONFIG,
					"%s (-s names the run directory without it)", err.text);
		line->ctl.run_directory = conf->run_directory;
	}
	code = run(verb, &line->ctl);
	conf_free(&conf);
	return code;
}

int main(int argc, char **argv)
{
	struct command_line line = {.ctl = {.name = ""}};
	const struct verb *verb;
	int words;

	setlocale(LC_ALL, "");
	if (parse(&line, argc, argv) == -1)
		return usage_error();
	if (line.help || line.version) {
		if (line.help)
			print_help();
		else
			puts(PACKAGE_STRING);
		return fflush(stdout) == EOF ? EX_IOERR : EX_OK;
	}
	verb = find_verb(argc - optind, argv + optind);
	if (!verb)
		return usage_error();
	words = *verb->verb ? 2 : 1;
	line.ctl.arguments = argv + optind + words;
	line.ctl.count = argc - optind - words;
	if (line.ctl.count < verb->min || line.ctl.count > verb->max ||
	    (line.options & ~verb->options))
		return usage_error();
	if (!line.run_directory)
		return run_configured(verb, &line);
	line.ctl.run_directory = line.run_directory;
	return run(verb, &line.ctl);
}
