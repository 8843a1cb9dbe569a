#ifndef PCHAT_DAEMON_CTL_IMPORT_H
#define PCHAT_DAEMON_CTL_IMPORT_H

#include "daemon/archive.h"
#include "daemon/ctl_archive.h"

/*
 * Lines on their way to the server (ctl_import_send.c): so many are sent one behind the other
 * before the answers are waited for. What the server is too busy for is sent again, and so is
 * everything that was not answered when the connection broke: a line that was done already does no
 * harm.
 */
enum { IMPORT_BATCH = 48, IMPORT_BATCH_BYTES = 2 << 20 };

struct import_item {
	json_t *params; /* owned; of data.import */
	enum archive_kind kind;
	uint64_t line;
	bool answered, made;
	int code; /* CODE_OK, or why it was refused */
};

struct ctl_link;
struct import_sender {
	const struct ctl *ctl; /* borrowed */
	struct ctl_link *link; /* owned; NULL: none */
	struct import_item item[IMPORT_BATCH];
	unsigned count;
	size_t bytes;
	char *data; /* owned: answers, of which the last line may be incomplete */
	size_t used, size;
};

void import_sender_init(struct import_sender *sender, const struct ctl *ctl);
void import_sender_fini(struct import_sender *sender);

/* Sends all and waits for the answers, which then stand in the items. An exit code. */
int import_send(struct import_sender *sender);

/* Makes room for the next ones. */
void import_sender_clear(struct import_sender *sender);

/* Secrets of passwords, which never go through the server but into the database
 * (ctl_import_secret.c): a connection of our own. */
struct import_secrets;
struct import_secrets *import_secrets_new(const struct ctl *ctl);
void import_secrets_free(struct import_secrets **secrets);

/* Takes a line of the archive; a secret that is there stays. *made_r: it was not. An exit code. */
int import_secret(struct import_secrets *secrets, const json_t *line, bool *made_r);

#endif
