#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/code.h"
#include "conf/hex.h"
#include "daemon/client_room.h"
#include "daemon/pchat_text.h"
#include "daemon/pchat_transfer.h"

/*
 * pchat upload: a file into a room, and a message that links to it. What the server did with the
 * last bytes before a connection broke is asked before they are sent again.
 */
struct upload {
	struct pchat *pchat;	  /* borrowed */
	struct client_room *room; /* borrowed; NULL until it is found */
	struct pchat_transfer transfer;
	enum { UPLOAD_GRANT, UPLOAD_SEND, UPLOAD_CHECK, UPLOAD_POST } stage;
	int fd;
	uint64_t size;
	EVP_MD_CTX *digest; /* owned, of what was read */
	char *uri, *path;   /* owned: the file's, and where to send it */
};

static void give_up(struct upload *upload, int status, const char *why)
{
	pchat_complain("%s: %s", upload->pchat->args->file, why);
	pchat_finish(upload->pchat, status);
}

/* --- The bytes. --- */

static ssize_t give(void *ctx, void *data, size_t size, struct err *err)
{
	struct upload *upload = ctx;
	ssize_t count;

	do
		count = read(upload->fd, data, size);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return err_errno(err, "could not read %s", upload->pchat->args->file);
	if (EVP_DigestUpdate(upload->digest, data, (size_t)count) != 1)
		return err_set(err, "could not make a SHA-256");
	return count;
}

static void send_file(struct upload *upload)
{
	const struct client_http_request request = {
		.what = HTTP_SEND, .path = upload->path, .size = upload->size};

	upload->stage = UPLOAD_SEND;
	if (lseek(upload->fd, 0, SEEK_SET) != 0 ||
	    EVP_DigestInit_ex(upload->digest, EVP_sha256(), NULL) != 1)
		give_up(upload, EX_IOERR, "it cannot be read from its start");
	else
		pchat_transfer_start(&upload->transfer, &request);
}

/* --- The message. --- */

static void post(struct upload *upload)
{
	const struct pchat_args *args = upload->pchat->args;
	const char *slash = strrchr(args->file, '/');
	char *text = NULL;
	struct err err;

	upload->stage = UPLOAD_POST;
	if (asprintf(&text, "%s %s",
		     args->text ? args->text
		     : slash	? slash + 1
				: args->file,
		     upload->uri) < 0)
		give_up(upload, EX_OSERR, "out of memory");
	else if (client_post(upload->room, text, false, &err) != 0)
		give_up(upload, EX_OSERR, err.text);
	free(text);
}

static void on_posted(void *ctx, struct client_room *room, uint64_t seq, const char *time)
{
	struct upload *upload = ctx;

	(void)room;
	if (upload->pchat->args->json) {
		json_t *line = json_pack("{s:s, s:I, s:s}", "file", upload->uri, "seq",
					 (json_int_t)seq, "time", time);
		pchat_text_json(line);
		json_decref(line);
	} else {
		char *clean = pchat_text_escape(upload->uri, NULL);

		puts(clean ? clean : "");
		free(clean);
	}
	pchat_done(upload->pchat);
}

static void on_rejected(void *ctx, struct client_room *room, int code, const char *text)
{
	struct upload *upload = ctx;

	(void)room;
	if (upload->pchat->finishing)
		return;
	pchat_complain("the file is there, as %s, but could not post: %s", upload->uri, text);
	pchat_finish(upload->pchat, pchat_status_of(code));
}

/* --- What the server says. --- */

/* It says of which bytes it is. */
static void stored(struct upload *upload, const json_t *file)
{
	const char *theirs = json_string_value(json_object_get(file, "sha256"));
	unsigned char hash[EVP_MAX_MD_SIZE];
	char ours[2 * SHA256_DIGEST_LENGTH + 1];

	if (EVP_DigestFinal_ex(upload->digest, hash, NULL) != 1)
		memset(hash, 0, sizeof(hash));
	hex_encode(hash, SHA256_DIGEST_LENGTH, ours);
	if (theirs && strcmp(theirs, ours) == 0)
		post(upload);
	else
		give_up(upload, EX_PROTOCOL, "the server has taken in other bytes");
}

static void answered(void *ctx, unsigned status, const char *text)
{
	struct upload *upload = ctx;
	json_t *file = status == 201 ? json_loads(text, 0, NULL) : NULL;

	if (status == 201)
		stored(upload, file);
	else
		pchat_transfer_refused(&upload->transfer, status, text);
	json_decref(file);
}

static void on_checked(void *ctx, const json_t *result, int code, const char *text)
{
	struct upload *upload = ctx;

	if (result)
		stored(upload, result);
	else if (code == CODE_NO_SUCH_NODE)
		send_file(upload);
	else if (code != CLIENT_LOST) /* else it is asked when there is a connection */
		pchat_transfer_failed(&upload->transfer, text);
}

static void check(void *ctx)
{
	struct upload *upload = ctx;

	upload->stage = UPLOAD_CHECK;
	client_session_call(client_session(upload->pchat->client), "file.get",
			    json_pack("{s:s}", "file", upload->uri), on_checked, upload);
}

static void on_granted(void *ctx, const json_t *result, int code, const char *text)
{
	struct upload *upload = ctx;
	const char *uri = json_string_value(json_object_get(result, "file"));
	const char *path = json_string_value(json_object_get(result, "url"));

	if (code == CLIENT_LOST)
		return; /* asked again when the room has been joined again */
	if (!result) {
		pchat_refused(upload->pchat, "upload", code, text);
		return;
	}
	upload->uri = strdup(uri ? uri : "");
	upload->path = strdup(path ? path : "");
	if (!upload->uri || !upload->path || !*upload->uri || !*upload->path)
		give_up(upload, EX_PROTOCOL, "the server's answer makes no sense");
	else
		send_file(upload);
}

static void ask_for_grant(struct upload *upload)
{
	const struct pchat_args *args = upload->pchat->args;
	const char *slash = strrchr(args->file, '/');
	json_t *params = json_pack("{s:s, s:s, s:I, s:s}", "room", upload->room->uri, "name",
				   slash ? slash + 1 : args->file, "size", (json_int_t)upload->size,
				   "type", args->type ? args->type : "");

	if (params)
		client_session_call(client_session(upload->pchat->client), "file.upload", params,
				    on_granted, upload);
	else
		give_up(upload, EX_DATAERR, "its name is not UTF-8");
}

/* --- The room. --- */

static void found(void *ctx, const char *uri, int code, const char *why)
{
	struct upload *upload = ctx;
	struct err err;

	if (!uri) {
		pchat_not_found(upload->pchat, code, why);
		return;
	}
	upload->room = client_join(upload->pchat->client, uri, NULL, 0, &err);
	if (!upload->room)
		give_up(upload, EX_OSERR, err.text);
}

static void on_ready(void *ctx)
{
	struct upload *upload = ctx;

	if (!upload->room)
		pchat_find_room(upload->pchat, upload->pchat->args->room, found, upload);
}

static void on_joined(void *ctx, struct client_room *room, const json_t *answer, bool again)
{
	struct upload *upload = ctx;

	(void)answer, (void)again;
	upload->room = room;
	if (upload->stage == UPLOAD_GRANT)
		ask_for_grant(upload);
	else if (upload->stage == UPLOAD_CHECK && upload->transfer.again_at == 0)
		check(upload);
}

static void on_refused(void *ctx, struct client_room *room, int code, const char *text)
{
	struct upload *upload = ctx;

	(void)room;
	pchat_refused(upload->pchat, "join the room", code, text);
}

/* --- All of it. --- */

static void wait_more(void *ctx, struct pollfd *wait_r, int *timeout)
{
	pchat_transfer_wait(&((struct upload *)ctx)->transfer, wait_r, timeout);
}

static void turn(void *ctx)
{
	pchat_transfer_turn(&((struct upload *)ctx)->transfer);
}

static int open_file(struct upload *upload, const char *file)
{
	struct stat status;

	upload->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (upload->fd < 0 || fstat(upload->fd, &status) != 0) {
		pchat_complain("could not open %s: %s", file, strerror(errno));
		return EX_NOINPUT;
	}
	if (!S_ISREG(status.st_mode)) {
		pchat_complain("%s is not a regular file", file);
		return EX_NOINPUT;
	}
	upload->size = (uint64_t)status.st_size;
	upload->digest = EVP_MD_CTX_new();
	return upload->digest ? EX_OK : EX_OSERR;
}

static int run(struct upload *upload, const struct client_options *options)
{
	static const struct client_handlers handlers = {.ready = on_ready,
							.joined = on_joined,
							.refused = on_refused,
							.posted = on_posted,
							.rejected = on_rejected};
	static const struct pchat_transfer_ops ops = {
		.http = {.give = give}, .answered = answered, .again = check};
	const struct pchat_input input = {.fd = -1, .wait = wait_more, .turn = turn, .ctx = upload};

	if (pchat_transfer_init(&upload->transfer, upload->pchat, options, &ops, upload) != 0)
		return EX_CONFIG;
	if (pchat_open(upload->pchat, options, &handlers, upload) != 0)
		return upload->pchat->status;
	return pchat_loop(upload->pchat, &input);
}

int pchat_upload(struct pchat *pchat, const struct client_options *options)
{
	struct upload upload = {.pchat = pchat, .fd = -1};
	int status = open_file(&upload, pchat->args->file);

	if (status == EX_OK)
		status = run(&upload, options);
	pchat_transfer_fini(&upload.transfer);
	EVP_MD_CTX_free(upload.digest);
	if (upload.fd >= 0)
		close(upload.fd);
	free(upload.uri);
	free(upload.path);
	return status;
}
