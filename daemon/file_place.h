#ifndef PCHAT_DAEMON_FILE_PLACE_H
#define PCHAT_DAEMON_FILE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/err.h"
#include "shm/event.h"

/*
 * Where files are kept. Below the directory:
 *
 *   xx/UUID         the content of a file (xx: the first two digits of its UUID)
 *   xx/UUID.json    what it is; without it there is no file
 *   incoming/UUID   the content of an upload that is under way, or not decided yet; when it is
 *   incoming/UUID.json  complete, with this beside it
 *   removed/xx/...  the same of a removed file, where these are kept for a while; the time of the .json
 *                   is that of its removal
 *   .cursor         how far the journal has been followed
 *   .lock           held by the process that may write here
 *
 * Only pchat-file writes here. What appears below xx is whole and on disk: first the content, then
 * what it is.
 */
struct file_place {
	int directory, incoming, lock;
	uint64_t files, bytes; /* below xx */
	uint64_t removed;      /* bytes below removed */
	bool keep;	       /* what is removed goes there */
};

/* What stands in a UUID.json. */
struct file_about {
	uint8_t room[16], file[16];
	uint8_t sha256[FILE_HASH];
	uint64_t size, time;
	char user[EVENT_URI_MAX + 1]; /* who uploaded it */
	char name[EVENT_FILE_NAME_MAX + 1];
	char type[EVENT_FILE_TYPE_MAX + 1];
};

/* Opens the directory and locks it; keep: removed files stay for a while. -1: another process has it, or it cannot be written to. */
int place_open(struct file_place *place, const char *path, bool keep, struct err *err);
void place_close(struct file_place *place);

/* Counts the files; alive is called now and then. */
int place_count(struct file_place *place, void (*alive)(void *arg), void *arg, struct err *err);

/* --- What comes in. --- */

/* A new incoming content, for which the disk has size bytes of room; an old one of that number is gone.
 * Returns a descriptor, or -1. */
int place_create(struct file_place *place, const uint8_t file[16], uint64_t size, struct err *err);

/* Makes a complete one durable, and what it is, but for the time, beside it. */
int place_complete(struct file_place *place, int fd, const struct file_about *about,
		   struct err *err);

/* Makes it a file, uploaded at that time. 1: done, or it was one already; 0: there is none. */
int place_settle(struct file_place *place, const uint8_t file[16], uint64_t time, struct err *err);

/* The same for all that are complete. */
int place_adopt(struct file_place *place, uint64_t time, struct err *err);

/* Throws an incoming one away. */
void place_discard(struct file_place *place, const uint8_t file[16]);

/* The same for all. */
int place_clear(struct file_place *place, struct err *err);

/* --- What is there. --- */

/* 1: it is there; 0: it is not; -1: what stands there makes no sense, or the disk fails. */
int place_read(struct file_place *place, const uint8_t file[16], struct file_about *about_r,
	       struct err *err);

/* Bytes of the content, as many as size or to its end. -1: it cannot be read. */
ssize_t place_chunk(struct file_place *place, const uint8_t file[16], uint64_t offset, void *out,
		    size_t size, struct err *err);

/* Whether the content is there with that size. */
bool place_has(struct file_place *place, const uint8_t file[16], uint64_t size);

/* Removes it: first the content, then what it is, by which a sweep that begins anew finds it. 1: it is
 * gone; 0: there was none. */
int place_remove(struct file_place *place, const uint8_t file[16], struct err *err);

/* Removes what belongs to one of the rooms (16 bytes each), of the files whose UUID begins with that
 * byte. How many, or -1. */
int place_sweep(struct file_place *place, uint8_t first, const uint8_t (*rooms)[16], unsigned count,
		struct err *err);

/* Deletes what was removed before that time (UTC us), of the files whose UUID begins with that byte. How
 * many, or -1. */
int place_expire(struct file_place *place, uint8_t first, uint64_t before, struct err *err);

/* --- The cursor. --- */

struct file_cursor {
	uint8_t journal[16]; /* its id */
	uint64_t lsn;	     /* what happened below is in the directory */
	uint64_t grants;     /* no token that is still good was granted below */
};

/* 0 bytes where there is none yet. */
int place_cursor_get(struct file_place *place, struct file_cursor *cursor_r, struct err *err);
int place_cursor_put(struct file_place *place, const struct file_cursor *cursor, struct err *err);

#endif
