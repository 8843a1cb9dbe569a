#ifndef PCHAT_DAEMON_FILE_H
#define PCHAT_DAEMON_FILE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/complaint.h"
#include "daemon/file_grant.h"
#include "daemon/file_place.h"
#include "daemon/file_upload.h"
#include "shm/ask.h"
#include "shm/cache.h"
#include "shm/child.h"
#include "shm/command.h"
#include "shm/journal.h"
#include "shm/mailbox.h"

/*
 * pchat-file: keeps the files. It alone writes to files.directory. What it does it does because the
 * journal says so: a file is there from its EVENT_FILE on, a token good from its grant on. The parts
 * below share this and nothing else.
 */
enum { FILE_WAITING_MAX = 1024, FILE_ROOMS_MAX = 1024 };

/* Whoever waits for the sequencer's word on a command. */
struct file_waiting {
	uint64_t number; /* of the command */
	uint64_t since;	 /* clock_mono() */
	struct ask question;
	bool upload;	 /* file is incoming, and complete */
	bool lost;	 /* nobody knows what was decided, and nobody waits; what came in is a file */
	uint64_t bytes;	 /* of it */
	uint8_t file[16];
	uint8_t hash[FILE_HASH]; /* upload: of its token */
	UT_hash_handle hh;
	uint32_t size; /* of the answer */
	uint8_t answer[sizeof(struct ask_file) + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX];
};

/* Rooms whose files have to go, of which one turn looks at a 256th of all files. */
struct file_sweep {
	uint64_t lsn;	 /* of the first one's removal; 0: there is none */
	uint64_t rest;	 /* the same of the first one behind those that are looked at */
	unsigned count;	 /* of room */
	unsigned looked; /* so many of them have a part of the directories behind them, */
	unsigned next;	 /* up to this one */
	uint8_t room[FILE_ROOMS_MAX][16];
};

struct file_server {
	struct child child;
	struct cache *cache; /* owned */
	struct journal journal;
	struct mailbox mailbox;
	struct file_place place;
	struct file_grants grants;
	struct file_uploads uploads;
	struct file_waiting *waiting; /* owned; by number */
	struct file_sweep sweep;
	uint8_t expired; /* the part of the removed files that is looked at next */
	struct complaint disk;
	uint64_t lsn;		    /* the journal has been followed up to here */
	struct file_cursor written; /* what stands in .cursor */
	uint64_t hold; /* LSN of the first event that could not be carried out; 0: there is none */
	uint64_t again; /* clock_mono(): when that is tried again */
	bool dirty;		    /* something happened to files since */
	struct log_limit dropped;   /* questions */
	bool lost;		    /* at the beginning the journal did not have all that happened */
	bool replaying;		    /* what happened while nobody was here: nobody waits */
	uint64_t blocked[WORKER_SLOTS]; /* until then answers are not waited for (clock_mono) */
	alignas(8) uint8_t record[JOURNAL_COPY]; /* a copy of the one being used */
	uint8_t body[ASK_BODY_MAX];	/* of the question */
	uint8_t chunk[ASK_INLINE_MAX];
};

/* --- file_follow.c: what the journal says. --- */

/* Opens the directory, waits for what is undecided, and brings the directory to where the journal
 * stands. 0: it must be called again in a while; 1: done; -1: it cannot be. */
int file_begin(struct file_server *server, struct err *err);

/* Follows the journal to its end. */
void file_follow(struct file_server *server);

/* Tries again what the disk did not let happen, where that is due. */
void file_retry(struct file_server *server);

/* Removes a part of what belongs to removed rooms. Whether there is more. */
bool file_sweep(struct file_server *server);

/* Deletes what has been kept long enough after its removal: a 256th of it is looked at. */
void file_expire_removed(struct file_server *server);

/* Writes .cursor where that is due; now: in any case. */
void file_keep_cursor(struct file_server *server, bool now);

/* --- file_answer.c: what the sequencer and the workers are told. --- */

void file_answer(struct file_server *server, const struct ask *question, int code, const void *body,
		 uint32_t size);

/* Sends a command; when its event is there the question is answered with what the file is. CODE_OK, or
 * why it could not be sent. room: its id. */
int file_command(struct file_server *server, const struct ask *question, enum command_type type,
		 const struct origin *origin, uint32_t room, const struct event_file *event,
		 const uint8_t room_uuid[16]);

/* The event of such a command is there. */
void file_decided(struct file_server *server, const struct record *record, int code);

/* Takes the sequencer's refusals. Whether there were any. */
bool file_refusals(struct file_server *server);

/* The journal was too fast: what became of their commands is not known, and who waits is told that.
 * What was uploaded is kept as a file, for it may be one. */
void file_lost(struct file_server *server);

/* Whether an upload by this token is complete and waits. */
bool file_is_waiting(const struct file_server *server, const uint8_t hash[FILE_HASH]);

/* Bytes of the uploads that are complete and wait. */
uint64_t file_bytes_waiting(const struct file_server *server);

/* Forgets those for whom nobody waits any more. */
void file_expire_waiting(struct file_server *server);

/* The answer that tells of a file. Returns its size. */
uint32_t file_tell(const struct event_file *event, const uint8_t room[16], uint64_t time,
		   uint64_t expires, uint8_t *out);

/* The disk failed: counts, and says so, not each time. */
void file_failed(struct file_server *server, const struct err *err);

/* --- file_question.c --- */

void file_question(struct file_server *server, const struct ask *question);

/* --- file_receive.c: uploads. --- */

void file_begin_upload(struct file_server *server, const struct ask *question,
		       const struct file_grant *grant);
void file_write(struct file_server *server, const struct ask *question);
void file_end_upload(struct file_server *server, const struct ask *question);

/* Breaks off what nobody goes on with. */
void file_expire_uploads(struct file_server *server);

#endif
