#ifndef PCHAT_DAEMON_PCHAT_RUN_H
#define PCHAT_DAEMON_PCHAT_RUN_H

#include <stdbool.h>

#include "daemon/client.h"
#include "daemon/pchat_args.h"

/* What all commands of pchat share: the client, its loop and the exit code. */
struct pchat {
	const struct pchat_args *args; /* borrowed */
	struct client *client;	       /* owned by pchat.c */
	int status;		       /* of sysexits(3), once it is finishing */
	bool finishing;
};

/* The commands: each runs until it is done and returns the exit code. */
int pchat_post(struct pchat *pchat, const struct client_options *options);
int pchat_tail(struct pchat *pchat, const struct client_options *options);
int pchat_history(struct pchat *pchat, const struct client_options *options);
int pchat_rooms(struct pchat *pchat, const struct client_options *options);
int pchat_upload(struct pchat *pchat, const struct client_options *options);
int pchat_download(struct pchat *pchat, const struct client_options *options);
int pchat_chat(struct pchat *pchat, const struct client_options *options);

/* Makes pchat->client; on failure says why and sets the status. */
int pchat_open(struct pchat *pchat, const struct client_options *options,
	       const struct client_handlers *handlers, void *ctx)
	__attribute__((warn_unused_result));

/*
 * Turns the client until the session is over. input: a descriptor that is waited for, too, where
 * wanted(ctx) says so; readable(ctx) is called when it can be read, turn(ctx) after every turn of
 * the client. Returns the status.
 */
struct pchat_input {
	int fd; /* -1: none */
	bool (*wanted)(void *ctx);
	void (*readable)(void *ctx);
	void (*turn)(void *ctx); /* may be NULL */
	/* Instead of fd, wanted and readable: what is waited for, and how long at most (ms, to be
	   lessened). */
	void (*wait)(void *ctx, struct pollfd *wait_r, int *timeout);
	void *ctx;
};
int pchat_loop(struct pchat *pchat, const struct pchat_input *input);

/* Signs out; the loop then ends with this status. */
void pchat_finish(struct pchat *pchat, int status);

/* Finishes with success, if all that was printed could be written; else says that it could not. */
void pchat_done(struct pchat *pchat);

/* A line on standard error, behind the program's name, with foreign text made fit for it. */
void pchat_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The exit code for an error of the protocol. */
int pchat_status_of(int code);

/* Says that the server refused what was to be done ("join the room"), and signs out with the exit code
 * for it. The first time counts. */
void pchat_refused(struct pchat *pchat, const char *what, int code, const char *text);

/* Prints a message as a line for people or, with --json, as an object with the URI of its room. */
void pchat_print_message(const struct pchat *pchat, const struct client_room *room,
			 const json_t *message);

/*
 * Finds the room whose URI or name is `name`. found is called once: with the URI; or with NULL, a
 * code (CLIENT_LOST: the connection was lost; ask again when there is one) and a sentence.
 */
typedef void pchat_found_fn(void *ctx, const char *uri, int code, const char *why);
void pchat_find_room(struct pchat *pchat, const char *name, pchat_found_fn *found, void *ctx);

/* What a command says and does when found brings no URI: nothing for CLIENT_LOST. */
void pchat_not_found(struct pchat *pchat, int code, const char *why);

/* The password from a file's first line or from the terminal; the caller wipes and frees it. */
char *pchat_password(const char *file, const char *user, struct err *err);

#endif
