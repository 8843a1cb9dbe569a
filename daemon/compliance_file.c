#include <inttypes.h>
#include <stdio.h>

#include "conf/clock.h"
#include "conf/hex.h"
#include "daemon/compliance_translation.h"

/* What was uploaded, downloaded and removed, as records. */

/* "ma-filelink://DOMAIN/ROOM/FILE"; of a room that nobody knows the file's uuid alone. */
static void put_uri(struct translation *t, const uint8_t uuid[16])
{
	static const char scheme[] = "ma-chan";
	const struct db_bytes room = t->row.room;
	char uri[STATE_URI + HEX_UUID + 16], text[HEX_UUID];

	hex_uuid_encode(uuid, text);
	if (room.length < sizeof(scheme) || room.length > STATE_URI)
		translation_put_word(t, "file", text);
	else
		translation_put_text(
			t, "file",
			(struct db_bytes){uri,
					  (size_t)snprintf(uri, sizeof(uri), "ma-filelink%.*s/%s",
							   (int)(room.length - sizeof(scheme) + 1),
							   room.data + sizeof(scheme) - 1, text)});
}

static void put_number(struct translation *t, const char *name, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	translation_put_json(t, name, word(digits));
}

static bool has_hash(const struct event_file *event)
{
	static const uint8_t none[FILE_HASH];

	return memcmp(event->sha256, none, sizeof(none)) != 0;
}

/* The name is the record's text. A file whose content was lost has neither name nor hash. */
static bool put_file(struct translation *t, struct event_file *event)
{
	char hash[2 * FILE_HASH + 1];

	if (!event_file_get(t->record, event) || !translation_is_sound(bytes(event->type)))
		return false;
	t->row.content = bytes(event->name);
	put_uri(t, event->uuid);
	if (event->type.length > 0)
		translation_put_text(t, "type", bytes(event->type));
	put_number(t, "size", event->size);
	if (has_hash(event)) {
		hex_encode(event->sha256, FILE_HASH, hash);
		translation_put_word(t, "sha256", hash);
	}
	return true;
}

/* Whose it is and how old, where that is not what the record itself says. */
static enum db_result put_origin(struct translation *t, const struct event_file *event,
				 struct err *err)
{
	char uploaded[CLOCK_TEXT];

	if (event->time != 0)
		translation_put_word(t, "uploaded", clock_format(event->time, uploaded));
	if (event->author == 0)
		return DB_OK;
	return translation_put_principal(t, "author", event->author, err);
}

enum db_result use_file_grant(struct translation *t, struct err *err)
{
	struct event_file event;

	return put_file(t, &event) ? translation_add(t, "file_granted", err)
				   : translation_malformed(t, err);
}

enum db_result use_file(struct translation *t, struct err *err)
{
	const bool imported = t->record->flags & EVENT_IMPORTED;
	enum db_result result = DB_OK;
	struct event_file event;

	if (!put_file(t, &event))
		return translation_malformed(t, err);
	if (imported)
		result = put_origin(t, &event, err);
	return result == DB_OK ? translation_add(t, imported ? "import" : "upload", err) : result;
}

static enum db_result use_other(struct translation *t, const char *type, struct err *err)
{
	struct event_file event;
	enum db_result result;

	if (!put_file(t, &event))
		return translation_malformed(t, err);
	result = put_origin(t, &event, err);
	return result == DB_OK ? translation_add(t, type, err) : result;
}

enum db_result use_file_read(struct translation *t, struct err *err)
{
	return use_other(t, "download", err);
}

enum db_result use_file_removed(struct translation *t, struct err *err)
{
	return use_other(t, "file_removed", err);
}
