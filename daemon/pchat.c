#include "config.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/pchat_args.h"
#include "daemon/pchat_run.h"

enum { TIMEOUT_SCRIPTS_US = 60000000 };

static int (*const commands[])(struct pchat *pchat, const struct client_options *options) = {
	[PCHAT_CHAT] = pchat_chat,	 [PCHAT_POST] = pchat_post,   [PCHAT_TAIL] = pchat_tail,
	[PCHAT_HISTORY] = pchat_history, [PCHAT_ROOMS] = pchat_rooms,
	[PCHAT_MINE] = pchat_rooms,	 [PCHAT_UPLOAD] = pchat_upload,
	[PCHAT_DOWNLOAD] = pchat_download,
};

static const char *user_of(const struct pchat_args *args)
{
	const struct passwd *entry;
	if (args->user && *args->user)
		return args->user;
	entry = getpwuid(getuid());
	return entry ? entry->pw_name : "";
}

/* A person who chats and a tail wait for the server as long as it takes; others do not. */
static uint64_t patience_of(const struct pchat_args *args)
{
	if (args->timeout)
		return args->timeout;
	return args->command == PCHAT_CHAT || args->command == PCHAT_TAIL ? 0 : TIMEOUT_SCRIPTS_US;
}

static int run(const struct pchat_args *args)
{
	struct err err;
	struct pchat pchat = {.args = args};
	struct client_options options = {.user = user_of(args),
					 .ca = args->ca,
					 .insecure = args->insecure,
					 .patience = patience_of(args)};
	if (client_url_parse(&options.url, args->server, &err) != 0) {
		pchat_complain("%s", err.text);
		return EX_USAGE;
	}
	char *password = pchat_password(args->password_file, options.user, &err);
	if (!password) {
		pchat_complain("%s", err.text);
		return EX_NOINPUT;
	}
	options.password = password;
	int status = commands[args->command](&pchat, &options);
	client_free(&pchat.client);
	explicit_bzero(password, strlen(password));
	free(password);
	return status;
}

int main(int argc, char **argv)
{
	struct pchat_args args;
	struct err err;
	if (pchat_args_parse(&args, argc, argv, getenv, &err) != 0) {
		pchat_complain("%s", err.text);
		fputs(pchat_args_usage, stderr);
		return EX_USAGE;
	}
	if (args.command == PCHAT_HELP) {
		fputs(pchat_args_usage, stdout);
		return EX_OK;
	}
	if (args.command == PCHAT_VERSION) {
		puts("pchat " PACKAGE_VERSION);
		return EX_OK;
	}
	signal(SIGPIPE, SIG_IGN);
	return run(&args);
}
