#include "config.h"

#include "daemon/pchat_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/code.h"
#include "daemon/pchat_text.h"

void pchat_complain(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	char *clean = text ? pchat_text_escape(text, NULL) : NULL;
	fprintf(stderr, "pchat: %s\n", clean ? clean : "out of memory");
	free(clean);
	free(text);
}

int pchat_status_of(int code)
{
	switch (code) {
	case CODE_BUSY:
	case CODE_UNAVAILABLE:
	case CODE_TIMEOUT:
	case CLIENT_LOST:
		return EX_TEMPFAIL;
	case CODE_ERROR_PERMISSION:
	case CODE_NODE_DISABLED:
	case CODE_AUTHENTICATION_FAILED:
	case CODE_NOT_SIGNED_IN:
		return EX_NOPERM;
	case CODE_NO_SUCH_NODE:
		return EX_NOINPUT;
	case CODE_TOO_LARGE:
	case CODE_INVALID_ARGUMENT:
		return EX_DATAERR;
	default:
		return EX_UNAVAILABLE;
	}
}

int pchat_open(struct pchat *pchat, const struct client_options *options,
	       const struct client_handlers *handlers, void *ctx)
{
	struct err err;
	pchat->client = client_new(options, handlers, ctx, &err);
	if (pchat->client)
		return 0;
	pchat_complain("%s", err.text);
	pchat->status = EX_CONFIG;
	return -1;
}

void pchat_finish(struct pchat *pchat, int status)
{
	if (pchat->finishing)
		return;
	pchat->finishing = true;
	pchat->status = status;
	client_session_logout(client_session(pchat->client));
}

void pchat_done(struct pchat *pchat)
{
	const bool written = fflush(stdout) == 0 && !ferror(stdout);

	if (!written && !pchat->finishing)
		pchat_complain("could not write to standard output");
	pchat_finish(pchat, written ? EX_OK : EX_IOERR);
}

void pchat_refused(struct pchat *pchat, const char *what, int code, const char *text)
{
	if (pchat->finishing)
		return;
	pchat_complain("could not %s: %s", what, text);
	pchat_finish(pchat, pchat_status_of(code));
}

void pchat_print_message(const struct pchat *pchat, const struct client_room *room,
			 const json_t *message)
{
	if (pchat->args->json) {
		json_t *copy = json_copy((json_t *)(uintptr_t)message);
		json_object_set_new(copy, "room", json_string(room->uri));
		pchat_text_json(copy);
		json_decref(copy);
		return;
	}
	char *line = pchat_text_message(message);
	puts(line ? line : "");
	free(line);
}

void pchat_not_found(struct pchat *pchat, int code, const char *why)
{
	if (code == CLIENT_LOST)
		return;
	pchat_complain("%s", why);
	pchat_finish(pchat, pchat_status_of(code));
}

static int status_of_end(enum client_end end)
{
	switch (end) {
	case CLIENT_UNREACHABLE:
		return EX_UNAVAILABLE;
	case CLIENT_REFUSED:
		return EX_PROTOCOL;
	case CLIENT_DENIED:
		return EX_NOPERM;
	default:
		return EX_TEMPFAIL;
	}
}

static void wait_for(struct pchat *pchat, const struct pchat_input *input)
{
	struct pollfd wait[2];
	int timeout = client_poll(pchat->client, &wait[0]);
	wait[1] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (input->fd >= 0 && !pchat->finishing && input->wanted(input->ctx))
		wait[1].fd = input->fd;
	if (input->wait && !pchat->finishing)
		input->wait(input->ctx, &wait[1], &timeout);
	if (poll(wait, 2, timeout) > 0 && wait[1].revents && input->readable)
		input->readable(input->ctx);
}

int pchat_loop(struct pchat *pchat, const struct pchat_input *input)
{
	const struct pchat_input none = {.fd = -1};
	const struct client_session *session = client_session(pchat->client);
	for (;;) {
		client_turn(pchat->client);
		if (input && input->turn && !pchat->finishing)
			input->turn(input->ctx);
		enum client_end end = client_session_end(session);
		if (end != CLIENT_RUNS && !pchat->finishing) {
			pchat_complain("%s", client_session_why(session));
			return status_of_end(end);
		}
		if (end != CLIENT_RUNS)
			return pchat->status;
		wait_for(pchat, input ? input : &none);
	}
}
