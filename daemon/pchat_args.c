#include "config.h"

#include "daemon/pchat_args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char pchat_args_usage[] =
	"usage: pchat [options] [ROOM]\n"
	"       pchat [options] post [--alert] [--whole] ROOM [TEXT | -]\n"
	"       pchat [options] tail [--since N] [--count N] ROOM\n"
	"       pchat [options] history [--limit N] [--before N] ROOM\n"
	"       pchat [options] rooms [TEXT]\n"
	"       pchat [options] mine\n"
	"       pchat [options] upload [--type TYPE] ROOM FILE [TEXT]\n"
	"       pchat [options] download URI [FILE | -]\n"
	"options:\n"
	"  -s, --server URL          wss://host:port or ws://host:port\n"
	"  -u, --user NAME           who signs in\n"
	"      --password-file FILE  its first line is the password; else it is asked for\n"
	"      --ca FILE             trust the certificates in this PEM file\n"
	"      --insecure            take any certificate\n"
	"      --timeout SECONDS     give up when there is no connection for so long\n"
	"      --json                one JSON object a line\n"
	"  -h, --help; -V, --version\n";

enum letter {
	OPT_SERVER = 's',
	OPT_USER = 'u',
	OPT_HELP = 'h',
	OPT_VERSION = 'V',
	OPT_PASSWORD = 256,
	OPT_PASSWORD_FILE,
	OPT_CA,
	OPT_INSECURE,
	OPT_TIMEOUT,
	OPT_JSON,
	OPT_SINCE,
	OPT_COUNT,
	OPT_LIMIT,
	OPT_BEFORE,
	OPT_WHOLE,
	OPT_ALERT,
	OPT_TYPE,
};

static const struct option options[] = {
	{"server", required_argument, NULL, OPT_SERVER},
	{"user", required_argument, NULL, OPT_USER},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"password", no_argument, NULL, OPT_PASSWORD}, /* else an abbreviation of the next */
	{"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
	{"ca", required_argument, NULL, OPT_CA},
	{"insecure", no_argument, NULL, OPT_INSECURE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"json", no_argument, NULL, OPT_JSON},
	{"since", required_argument, NULL, OPT_SINCE},
	{"count", required_argument, NULL, OPT_COUNT},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"before", required_argument, NULL, OPT_BEFORE},
	{"whole", no_argument, NULL, OPT_WHOLE},
	{"alert", no_argument, NULL, OPT_ALERT},
	{"type", required_argument, NULL, OPT_TYPE},
	{0},
};

static int number(const char *option, const char *text, uint64_t least, uint64_t most,
		  uint64_t *number_r, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		return err_set(err, "--%s needs a number from %llu to %llu, not \"%s\"", option,
			       (unsigned long long)least, (unsigned long long)most, text);
	*number_r = value;
	return 0;
}

static const uint64_t seq_most = UINT64_C(1) << 53;

static int take_number(struct pchat_args *args, int option, const char *value, struct err *err)
{
	switch (option) {
	case OPT_TIMEOUT:
		return number("timeout", value, 1, 86400, &args->timeout, err);
	case OPT_SINCE:
		args->has_since = true;
		return number("since", value, 0, seq_most, &args->since, err);
	case OPT_COUNT:
		return number("count", value, 1, seq_most, &args->count, err);
	case OPT_LIMIT:
		return number("limit", value, 1, 1000000, &args->limit, err);
	default:
		args->has_before = true;
		return number("before", value, 1, seq_most, &args->before, err);
	}
}

static int take_option(struct pchat_args *args, int option, const char *value, struct err *err)
{
	switch (option) {
	case OPT_SERVER:
		args->server = value;
		return 0;
	case OPT_USER:
		args->user = value;
		return 0;
	case OPT_PASSWORD_FILE:
		args->password_file = value;
		return 0;
	case OPT_CA:
		args->ca = value;
		return 0;
	case OPT_INSECURE:
		args->insecure = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_WHOLE:
		args->whole = true;
		return 0;
	case OPT_ALERT:
		args->alert = true;
		return 0;
	case OPT_TYPE:
		args->type = value;
		return 0;
	case OPT_PASSWORD:
		return err_set(err, "a password on the command line could be seen by others; "
				    "use --password-file");
	case OPT_HELP:
		args->command = PCHAT_HELP;
		return 0;
	case OPT_VERSION:
		args->command = PCHAT_VERSION;
		return 0;
	default:
		return take_number(args, option, value, err);
	}
}

static enum pchat_command command_of(const char *word)
{
	static const struct {
		const char *name;
		enum pchat_command command;
	} commands[] = {{"post", PCHAT_POST},
			{"tail", PCHAT_TAIL},
			{"history", PCHAT_HISTORY},
			{"rooms", PCHAT_ROOMS},
			{"mine", PCHAT_MINE},
			{"upload", PCHAT_UPLOAD},
			{"download", PCHAT_DOWNLOAD}};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].command;
	return PCHAT_CHAT;
}

/* The words of upload and download. */
static int take_file(struct pchat_args *args, char **words, int count, struct err *err)
{
	if (!args->room)
		return err_set(err, args->command == PCHAT_UPLOAD ? "the room is missing"
								  : "the file's URI is missing");
	args->file = count > 1 ? words[1] : NULL;
	args->text = count > 2 ? words[2] : NULL;
	if (args->command == PCHAT_UPLOAD && !args->file)
		return err_set(err, "the file is missing");
	return 0;
}

static int take_words(struct pchat_args *args, char **words, int count, struct err *err)
{
	int most[] = {[PCHAT_CHAT] = 1,
		      [PCHAT_POST] = 2,
		      [PCHAT_TAIL] = 1,
		      [PCHAT_HISTORY] = 1,
		      [PCHAT_ROOMS] = 1,
		      [PCHAT_MINE] = 0,
		      [PCHAT_UPLOAD] = 3,
		      [PCHAT_DOWNLOAD] = 2};
	args->command = count > 0 ? command_of(words[0]) : PCHAT_CHAT;
	if (args->command != PCHAT_CHAT) {
		words++;
		count--;
	}
	if (count > most[args->command])
		return err_set(err, "there is a word too many: \"%s\"", words[most[args->command]]);
	if (args->command == PCHAT_ROOMS || args->command == PCHAT_MINE) {
		args->text = count > 0 ? words[0] : NULL;
		return 0;
	}
	args->room = count > 0 ? words[0] : NULL;
	if (args->command == PCHAT_UPLOAD || args->command == PCHAT_DOWNLOAD)
		return take_file(args, words, count, err);
	if (count > 1 && strcmp(words[1], "-") != 0)
		args->text = words[1];
	if (!args->room && args->command != PCHAT_CHAT)
		return err_set(err, "the room is missing");
	return 0;
}

/* An option that means nothing to the command is a mistake of the user. */
static int check(const struct pchat_args *args, struct err *err)
{
	if ((args->has_since || args->count) && args->command != PCHAT_TAIL)
		return err_set(err, "--since and --count belong to tail");
	if ((args->has_before || args->limit) && args->command != PCHAT_HISTORY)
		return err_set(err, "--before and --limit belong to history");
	if ((args->whole || args->alert) && args->command != PCHAT_POST)
		return err_set(err, "--whole and --alert belong to post");
	if (args->json && args->command == PCHAT_CHAT)
		return err_set(err, "--json belongs to the commands, not to a chat");
	if (args->type && args->command != PCHAT_UPLOAD)
		return err_set(err, "--type belongs to upload");
	if (args->json && args->command == PCHAT_DOWNLOAD && args->file &&
	    strcmp(args->file, "-") == 0)
		return err_set(err, "--json and a file on standard output exclude each other");
	if (args->whole && args->text)
		return err_set(err, "--whole is for standard input");
	if (args->insecure && args->ca)
		return err_set(err, "--ca and --insecure exclude each other");
	return 0;
}

int pchat_args_parse(struct pchat_args *args_r, int argc, char **argv,
		     char *(*environment)(const char *name), struct err *err)
{
	int option;
	struct pchat_args args = {.server = environment("PCHAT_SERVER"),
				  .user = environment("PCHAT_USER")};
	if (!args.server || !*args.server)
		args.server = "wss://localhost:8010";
	optind = 0; /* so that tests can call this more than once */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "s:u:hV", options, NULL)) != -1) {
		if (option == '?')
			return err_set(err, "unknown or incomplete option \"%s\"",
				       argv[optind - 1]);
		if (take_option(&args, option, optarg, err) != 0)
			return -1;
	}
	args.timeout *= 1000000;
	if (args.command != PCHAT_HELP && args.command != PCHAT_VERSION &&
	    (take_words(&args, argv + optind, argc - optind, err) != 0 || check(&args, err) != 0))
		return -1;
	*args_r = args;
	return 0;
}
