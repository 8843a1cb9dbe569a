#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/hex.h"
#include "daemon/pchat_text.h"
#include "daemon/pchat_transfer.h"

/*
 * pchat download: a file that is named by its URI. It is written as NAME.part and gets its name
 * when all of it is there and is what the server said that it is. A transfer that breaks goes on
 * where it was.
 */
struct download {
	struct pchat *pchat; /* borrowed */
	struct pchat_transfer transfer;
	bool asked;	   /* file.download is answered */
	int fd;		   /* -1: not yet open */
	char *path;	   /* owned: where the bytes are */
	char *name, *part; /* owned: of the file here; NULL: standard output */
	char sha256[65];
	uint64_t size, got;
	EVP_MD_CTX *digest; /* owned, of what was got */
};

static void give_up(struct download *download, int status, const char *what, const char *why)
{
	pchat_complain("%s: %s", what, why);
	pchat_finish(download->pchat, status);
}

/* --- The bytes. --- */

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t count = write(fd, data, size);

		if (count < 0 && errno != EINTR)
			return -1;
		if (count > 0) {
			data += count;
			size -= (size_t)count;
		}
	}
	return 0;
}

static int take(void *ctx, const void *data, size_t size, struct err *err)
{
	struct download *download = ctx;

	if (size > download->size - download->got) {
		give_up(download, EX_PROTOCOL, download->pchat->args->room,
			"the server sent more than there is");
		return err_set(err, "the server sent more than there is");
	}
	if (write_all(download->fd, data, size) != 0) {
		err_errno(err, "could not write");
		/* No repetition would help. */
		give_up(download, EX_IOERR, download->name ? download->part : "standard output",
			strerror(errno));
		return -1;
	}
	if (EVP_DigestUpdate(download->digest, data, size) != 1)
		return err_set(err, "could not make a SHA-256");
	download->got += size;
	download->transfer.failures = 0;
	return 0;
}

static void done(struct download *download);

static void fetch(void *ctx)
{
	struct download *download = ctx;
	const struct client_http_request request = {.what = HTTP_FETCH,
						    .path = download->path,
						    .from = download->got,
						    .tag = download->sha256};

	if (download->got > 0 && download->got == download->size)
		done(download); /* all that was missing was the end of the answer */
	else
		pchat_transfer_start(&download->transfer, &request);
}

static bool is_right(struct download *download)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[2 * SHA256_DIGEST_LENGTH + 1];

	if (download->got != download->size ||
	    EVP_DigestFinal_ex(download->digest, hash, NULL) != 1)
		return false;
	hex_encode(hash, SHA256_DIGEST_LENGTH, text);
	return strcmp(text, download->sha256) == 0;
}

/* Nobody's file is overwritten. */
static int give_name(const struct download *download)
{
	if (!download->name)
		return 0;
	if (renameat2(AT_FDCWD, download->part, AT_FDCWD, download->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL || access(download->name, F_OK) == 0)
		return -1;
	return rename(download->part, download->name);
}

static void print_done(const struct download *download)
{
	if (download->pchat->args->json) {
		json_t *line =
			json_pack("{s:s, s:s?, s:I, s:s}", "file", download->pchat->args->room,
				  "path", download->name, "size", (json_int_t)download->size,
				  "sha256", download->sha256);
		pchat_text_json(line);
		json_decref(line);
	} else {
		char *clean = pchat_text_escape(download->name, NULL);
		puts(clean ? clean : "");
		free(clean);
	}
}

static void done(struct download *download)
{
	if (!is_right(download)) {
		give_up(download, EX_PROTOCOL, download->pchat->args->room,
			"what came is not what the server has");
		return;
	}
	if (download->name && (close(download->fd) != 0 || give_name(download) != 0)) {
		download->fd = -1;
		give_up(download, EX_CANTCREAT, download->name, strerror(errno));
		return;
	}
	if (download->name) {
		download->fd = -1;
		free(download->part);
		download->part = NULL;
		print_done(download);
	}
	pchat_done(download->pchat);
}

static void answered(void *ctx, unsigned status, const char *text)
{
	struct download *download = ctx;

	if (status == 200 || status == 206)
		done(download);
	else
		pchat_transfer_refused(&download->transfer, status, text);
}

/* --- The file here. --- */

static int open_part(struct download *download, const char *name)
{
	const char *wanted = download->pchat->args->file;

	if (wanted && strcmp(wanted, "-") == 0) {
		download->fd = STDOUT_FILENO;
		return 0;
	}
	download->name = wanted ? strdup(wanted) : pchat_text_file_name(name);
	if (!download->name || asprintf(&download->part, "%s.part", download->name) < 0) {
		download->part = NULL;
		give_up(download, EX_OSERR, "pchat", "out of memory");
		return -1;
	}
	if (access(download->name, F_OK) == 0)
		errno = EEXIST;
	else
		download->fd = open(download->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (download->fd >= 0)
		return 0;
	give_up(download, EX_CANTCREAT, errno == EEXIST ? download->name : download->part,
		strerror(errno));
	free(download->part); /* somebody else's */
	download->part = NULL;
	return -1;
}

/* --- What the server says. --- */

static void on_granted(void *ctx, const json_t *result, int code, const char *text)
{
	struct download *download = ctx;
	const char *path = json_string_value(json_object_get(result, "url"));
	const char *sha256 = json_string_value(json_object_get(result, "sha256"));
	const json_int_t size = json_integer_value(json_object_get(result, "size"));

	if (code == CLIENT_LOST)
		return; /* asked again when there is a connection */
	if (!result) {
		pchat_refused(download->pchat, "download", code, text);
		return;
	}
	download->asked = true;
	download->size = (uint64_t)size;
	download->path = strdup(path ? path : "");
	if (!download->path || !sha256 || strlen(sha256) != 64 || size < 0) {
		give_up(download, EX_PROTOCOL, download->pchat->args->room,
			"the server's answer makes no sense");
		return;
	}
	memcpy(download->sha256, sha256, sizeof(download->sha256));
	if (open_part(download, json_string_value(json_object_get(result, "name"))) == 0)
		fetch(download);
}

static void on_ready(void *ctx)
{
	struct download *download = ctx;

	if (!download->asked)
		client_session_call(client_session(download->pchat->client), "file.download",
				    json_pack("{s:s}", "file", download->pchat->args->room),
				    on_granted, download);
}

static void wait_more(void *ctx, struct pollfd *wait_r, int *timeout)
{
	pchat_transfer_wait(&((struct download *)ctx)->transfer, wait_r, timeout);
}

static void turn(void *ctx)
{
	pchat_transfer_turn(&((struct download *)ctx)->transfer);
}

static int run(struct download *download, const struct client_options *options)
{
	static const struct client_handlers handlers = {.ready = on_ready};
	static const struct pchat_transfer_ops ops = {
		.http = {.take = take}, .answered = answered, .again = fetch};
	const struct pchat_input input = {
		.fd = -1, .wait = wait_more, .turn = turn, .ctx = download};

	download->digest = EVP_MD_CTX_new();
	if (!download->digest || EVP_DigestInit_ex(download->digest, EVP_sha256(), NULL) != 1)
		return EX_OSERR;
	if (pchat_transfer_init(&download->transfer, download->pchat, options, &ops, download) != 0)
		return EX_CONFIG;
	if (pchat_open(download->pchat, options, &handlers, download) != 0)
		return download->pchat->status;
	return pchat_loop(download->pchat, &input);
}

int pchat_download(struct pchat *pchat, const struct client_options *options)
{
	struct download download = {.pchat = pchat, .fd = -1};
	int status = run(&download, options);

	pchat_transfer_fini(&download.transfer);
	EVP_MD_CTX_free(download.digest);
	if (download.part)
		unlink(download.part);
	if (download.name && download.fd >= 0)
		close(download.fd);
	free(download.part);
	free(download.name);
	free(download.path);
	return status;
}
