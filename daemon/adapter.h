#ifndef PCHAT_DAEMON_ADAPTER_H
#define PCHAT_DAEMON_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/err.h"

/*
 * Adapters turn compliance records into files for archives: pchat-compliance(7) describes each
 * form. This part knows neither the database nor the server: it gets a batch of records and writes
 * files. The same batch always yields the same bytes under the same names, so that a batch may be
 * written again after a crash.
 */

enum adapter_kind {
	ADAPTER_JOIN,
	ADAPTER_PART,
	ADAPTER_CHAT,
	ADAPTER_BACKCHAT, /* history was read or searched: content is the request */
	ADAPTER_FILEUPLOAD,
	ADAPTER_FILEDOWNLOAD,
	ADAPTER_FILEREMOVE,
	ADAPTER_REMOVE,	 /* a message was deleted without trace */
	ADAPTER_REPLACE, /* content is the text that stands there now */
	ADAPTER_PURGE,	 /* everything up to message was deleted */
	ADAPTER_OTHER,	 /* what is no part of a conversation: in jsonl and csv only */
};

/* What happened. Texts are UTF-8, never NULL, borrowed from whoever made the batch. */
struct adapter_record {
	uint64_t number; /* of the record in the chain */
	uint64_t lsn;	 /* of the event */
	uint32_t flags, room_id; /* as they are on record */
	uint64_t time;	 /* UTC us */
	enum adapter_kind kind;
	const char *type; /* the record's own name of what happened: "sign_in" */
	const char *room, *room_name, *room_description, *category; /* room: its URI, or "" */
	bool history; /* the room's category keeps history */
	uint32_t user;
	const char *user_uri, *user_name;
	const char *address; /* the client's */
	const char *session, *hash; /* hash: the record's in the chain */
	uint64_t message;    /* number in the room; 0: none */
	bool alert;
	const char *content, *title;
	const char *rich_type, *rich;
	const char *detail; /* JSON text, of whatever else is known; may be "" */
};

/* In the order of their numbers. */
struct adapter_batch {
	const struct adapter_record *record;
	size_t count; /* at least 1 */
};

struct adapter {
	const char *name; /* all borrowed */
	enum adapter_form form; /* of files: neither ADAPTER_EXEC nor ADAPTER_NONE */
	const char *directory;
	bool one_room_per_file, room_details, user_details, attachments_manifest;
	const char *stylesheet;	     /* file of an XSLT applied to the XML; "": none */
	const char *mail_from, *mail_to; /* eml: addresses */

	/* Whether this file was made before and is wanted no more; NULL: none is. */
	bool (*is_done)(const struct adapter *adapter, const char *name);
};

/* What the names of all files of a batch begin with: numbers of records with 20 digits, so that
 * they sort. */
enum { ADAPTER_NAME = 256 };
void adapter_prefix(const char *adapter, const struct adapter_batch *batch,
		    char prefix_r[ADAPTER_NAME]);

/* Takes "xml" and so on; -1 if there is no such form. */
int adapter_form_of(const char *name);

/*
 * Writes a batch: files appear whole in the directory or not at all, and a file that is there is
 * never changed. CODE of the result: 0, or -1 and err; then some of the batch's files may be there,
 * and the same batch is to be written again. files_r: how many there are of it.
 */
int adapter_write(const struct adapter *adapter, const struct adapter_batch *batch,
		  unsigned *files_r, struct err *err);

/* --- What the files of this part share. --- */

/* Each writes one file's content. records: those of the file, rooms one behind the other. */
typedef int adapter_writer(const struct adapter *adapter, const struct adapter_batch *records,
			   FILE *out, struct err *err);
adapter_writer adapter_write_xml, adapter_write_xslt, adapter_write_eml, adapter_write_csv,
	adapter_write_jsonl, adapter_write_manifest;

/* Who did it: the user; else the name of an administrator; else from where somebody did it. */
const char *adapter_who(const struct adapter_record *record);

/* How many records from `from` on are about the same room. */
size_t adapter_conversation(const struct adapter_batch *records, size_t from);

#endif
