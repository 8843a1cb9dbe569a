#include "daemon/file_about.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hex.h"

enum { HEX_HASH = 2 * FILE_HASH + 1 };

static const char format[] = "{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}";

void about_time(uint64_t time, char text[ABOUT_TIME])
{
	clock_format(time, text);
}

char *about_print(const struct file_about *about)
{
	char time[ABOUT_TIME], room[HEX_UUID], file[HEX_UUID], sha256[HEX_HASH], *text;
	json_t *object;

	about_time(about->time, time);
	hex_uuid_encode(about->room, room);
	hex_uuid_encode(about->file, file);
	hex_encode(about->sha256, FILE_HASH, sha256);
	object = json_pack(format, "time", time, "file", file, "room", room, "name", about->name,
			   "type", about->type, "size", (json_int_t)about->size, "sha256", sha256,
			   "user", about->user);
	text = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(object);
	return text;
}

void about_free(char **text)
{
	free(*text);
	*text = NULL;
}

static bool take_text(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text) < (int)size;
}

static bool take(json_t *object, struct file_about *about)
{
	const char *time, *file, *room, *name, *type, *sha256, *user;
	json_int_t size;

	if (json_unpack(object, format, "time", &time, "file", &file, "room", &room, "name", &name,
			"type", &type, "size", &size, "sha256", &sha256, "user", &user) == -1 ||
	    size < 0)
		return false;
	about->size = (uint64_t)size;
	return clock_parse(time, strlen(time), &about->time) &&
	       hex_uuid_decode(file, strlen(file), about->file) &&
	       hex_uuid_decode(room, strlen(room), about->room) &&
	       hex_decode(sha256, strlen(sha256), about->sha256, FILE_HASH) &&
	       take_text(about->name, sizeof(about->name), name) &&
	       take_text(about->type, sizeof(about->type), type) &&
	       take_text(about->user, sizeof(about->user), user);
}

bool about_parse(const char *text, size_t size, struct file_about *about_r)
{
	json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	const bool result = object && take(object, about_r);

	json_decref(object);
	return result;
}

/* --- The cursor. --- */

int about_cursor_print(const struct file_cursor *cursor, char text[ABOUT_CURSOR])
{
	char journal[HEX_UUID];

	hex_uuid_encode(cursor->journal, journal);
	return snprintf(text, ABOUT_CURSOR,
			"{\"journal\":\"%s\",\"lsn\":%" PRIu64 ",\"grants\":%" PRIu64 "}", journal,
			cursor->lsn, cursor->grants);
}

bool about_cursor_parse(const char *text, size_t size, struct file_cursor *cursor_r)
{
	json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	json_int_t lsn, grants;
	const char *journal;
	bool result;

	result = object &&
		 json_unpack(object, "{s:s, s:I, s:I}", "journal", &journal, "lsn", &lsn, "grants",
			     &grants) == 0 &&
		 lsn >= 0 && grants >= 0 &&
		 hex_uuid_decode(journal, strlen(journal), cursor_r->journal);
	if (result) {
		cursor_r->lsn = (uint64_t)lsn;
		cursor_r->grants = (uint64_t)grants;
	}
	json_decref(object);
	return result;
}
