#ifndef PCHAT_WORKER_FILE_H
#define PCHAT_WORKER_FILE_H

#include "shm/event.h"
#include "worker/chat.h"
#include "worker/object.h"

/*
 * The part of the waist (chat.h) that is about files: who may upload or download one, what there
 * is, what was removed. The bytes themselves go by transfer.h.
 */

/* A file of a room; texts are borrowed. */
struct file_info {
	uint8_t room[16], file[16];
	uint8_t sha256[FILE_HASH]; /* where it is uploaded */
	uint64_t size;
	uint64_t time;	  /* of the upload; 0: it is yet to come */
	uint64_t expires; /* of a token */
	struct text name, type;
};

/* What is told to those in the room. */
struct file_news {
	struct file_info file;
	bool removed; /* then there is no more than room and file; else it was uploaded */
	struct text from, from_name;
};

/* What a front end does with the answers; struct front_end has a pointer to one. */
struct file_front {
	/* He may upload or download it by this token. */
	void (*granted)(struct session *session, const struct chat_id *id,
			const struct file_info *file, const uint8_t token[FILE_HASH]);
};

/* --- What a front end asks for; answered once, as in chat.h. --- */

/* wanted: room, size, name and type. */
void file_upload(struct session *session, const struct chat_id *id,
		 const struct file_info *wanted);
void file_download(struct session *session, const struct chat_id *id, const uint8_t room[16],
		   const uint8_t file[16]);

/* lost: also where the content is not there. */
void file_remove(struct session *session, const struct chat_id *id, const uint8_t room[16],
		 const uint8_t file[16], bool lost);

/* Those of a room, newest first, that stand behind another one; removed: those that were removed, too,
 * for administrators. Answered by `found`. */
struct file_page {
	uint8_t before[16]; /* 0: from the newest on */
	uint16_t limit;
	bool removed;
};
void file_list(struct session *session, const struct chat_id *id, const struct object_key *room,
	       const struct file_page *page);
void file_get(struct session *session, const struct chat_id *id, const uint8_t room[16],
	      const uint8_t file[16], bool removed);

#endif
