#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "daemon/engine_ask.h"
#include "shm/find.h"
#include "shm/scoped.h"

/*
 * Files: who may upload, download and remove them. The sequencer knows none of them: what a file is
 * comes from pchat-file, which keeps them, and whether that may be done now is decided here.
 */
enum { FILE_NAME_CHARACTERS = 255, FILE_PAYLOAD = 128 + EVENT_FILE_NAME_MAX + EVENT_FILE_TYPE_MAX };

static bool is_plain(struct text text)
{
	const uint8_t *at = (const uint8_t *)text.data, *end = at + text.length;

	if (!is_text(text))
		return false;
	while (at < end) {
		ucs4_t character;

		at += u8_mbtouc(&character, at, (size_t)(end - at));
		if (uc_is_general_category(character, UC_CONTROL))
			return false;
	}
	return true;
}

static bool is_word(struct text text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* It is to be one everywhere: in no directory, and not a directory itself. */
static bool is_file_name(struct text name)
{
	return name.length > 0 && is_plain(name) && !memchr(name.data, '/', name.length) &&
	       u8_mbsnlen((const uint8_t *)name.data, name.length) <= FILE_NAME_CHARACTERS &&
	       !is_word(name, ".") && !is_word(name, "..");
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	while (size > 0 && bytes[size - 1] == 0)
		size--;
	return size == 0;
}

static uint64_t largest(const struct engine *engine)
{
	uint64_t size = engine->conf->limits.file_size;

	scoped_config(&engine->cache, engine->conf, "file_size", &size);
	return size;
}

/* What a user may do about the files of a room (row): as the matrix says, in a category that has
 * files. */
static int may_transfer(struct engine *engine, uint32_t principal, uint32_t room, enum right right)
{
	if (room == 0)
		return CODE_NO_SUCH_NODE;
	if (!may(engine, principal, room, right))
		return may(engine, principal, room, RIGHT_SEE) ? CODE_ERROR_PERMISSION
							       : CODE_NO_SUCH_NODE;
	if (room_at(engine, room)->disabled)
		return CODE_NODE_DISABLED;
	return room_has(engine, room, CATEGORY_FILES) ? CODE_OK : CODE_ERROR_PERMISSION;
}

/* The largest that JSON has no trouble with. */
#define SIZE_MAX_TOLD (UINT64_C(1) << 53)

/* Nobody's word is taken for it that this can be told to everybody. Of what was lost there is no name. */
static bool can_be_told(const struct event_file *event, bool lost)
{
	return ((lost && event->name.length == 0) || is_file_name(event->name)) &&
	       is_plain(event->type) &&
	       event->size <= SIZE_MAX_TOLD && !is_zero(event->uuid, sizeof(event->uuid));
}

static int check_upload(const struct engine *engine, const struct event_file *event)
{
	if (!can_be_told(event, false) || is_zero(event->token_hash, sizeof(event->token_hash)))
		return CODE_INVALID_ARGUMENT;
	return event->size > largest(engine) ? CODE_TOO_LARGE : CODE_OK;
}

/* As the last word on a command, in the name of a user; `as` has no request where pchat-file answers. */
static enum decision tell(struct engine *engine, const struct ask_for *ask, struct record *as,
			  uint32_t actor, const struct event_file *event)
{
	uint8_t payload[FILE_PAYLOAD];
	const uint32_t size = event_file_put(event, payload, sizeof(payload));
	enum decision decision;

	if (no_room(engine, ask, size, 1, &decision))
		return decision;
	as->actor = actor;
	return become(engine, as, payload, size);
}

enum decision decide_file_upload(struct engine *engine, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, ask->session);
	const uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = head_of(ask, EVENT_FILE_GRANT);
	struct event_file event;
	int code;

	if (!*engine->conf->files.directory)
		return refuse(ask, CODE_UNAVAILABLE);
	if (session->flags & EVENT_ADMIN)
		return refuse(ask, CODE_ERROR_PERMISSION);
	if (!event_file_parse(ask->payload, ask->command->payload, &event))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	code = may_transfer(engine, session->principal, room, RIGHT_POST);
	if (code == CODE_OK)
		code = check_upload(engine, &event);
	if (code != CODE_OK)
		return refuse(ask, code);
	event.author = session->principal;
	event.time = 0;
	memset(event.sha256, 0, sizeof(event.sha256));
	return tell(engine, ask, &head, session->principal, &event);
}

/* --- Commands of pchat-file. --- */

static struct record file_head(const struct ask_for *ask, enum event_type type)
{
	struct record head = head_of(ask, type);

	head.origin = ask->session != 0 ? origin_of_part(ask) : (struct origin){0};
	return head;
}

static bool is_active(const struct engine *engine, uint32_t principal)
{
	const uint32_t row = find_principal(&engine->cache, principal);
	const struct principal_row *p;

	if (row == 0)
		return false;
	p = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	return p->kind == PRINCIPAL_USER && p->state == PRINCIPAL_ACTIVE;
}

/* The upload took its time: is he still allowed what was granted to him? */
enum decision decide_file_stored(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = file_head(ask, EVENT_FILE);
	struct event_file event;
	int code;

	if (!event_file_parse(ask->payload, ask->command->payload, &event) ||
	    !can_be_told(&event, false))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (!is_active(engine, event.author))
		return refuse(ask, CODE_ERROR_PERMISSION);
	code = may_transfer(engine, event.author, room, RIGHT_POST);
	if (code != CODE_OK)
		return refuse(ask, code);
	event.time = 0;
	return tell(engine, ask, &head, event.author, &event);
}

/* Administrators read what there is, wherever it is. */
enum decision decide_file_read(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = file_head(ask, EVENT_FILE_READ);
	const struct session_row *session;
	struct event_file event;
	int code;

	if (!event_file_parse(ask->payload, ask->command->payload, &event) ||
	    !can_be_told(&event, false) || is_zero(event.token_hash, sizeof(event.token_hash)))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (ask->session == 0)
		return refuse(ask, CODE_NOT_SIGNED_IN);
	session = session_at(engine, ask->session);
	if (session->flags & EVENT_ADMIN)
		code = !admin_asks(engine, ask, DUTY_READ) ? CODE_ERROR_PERMISSION
		       : room == 0			   ? CODE_NO_SUCH_NODE
							   : CODE_OK;
	else
		code = may_transfer(engine, session->principal, room, RIGHT_JOIN);
	return code != CODE_OK ? refuse(ask, code)
			       : tell(engine, ask, &head, session->principal, &event);
}

static int may_remove(struct engine *engine, const struct ask_for *ask, uint32_t room,
		      const struct event_file *event)
{
	const struct session_row *session = session_at(engine, ask->session);

	if (session->flags & EVENT_ADMIN)
		return admin_asks(engine, ask, DUTY_MESSAGE) ? CODE_OK : CODE_ERROR_PERMISSION;
	if (!may(engine, session->principal, room, RIGHT_JOIN))
		return may(engine, session->principal, room, RIGHT_SEE) ? CODE_ERROR_PERMISSION
									: CODE_NO_SUCH_NODE;
	return event->author == session->principal &&
			       room_has(engine, room, CATEGORY_AUTHORS_REMOVE)
		       ? CODE_OK
		       : CODE_ERROR_PERMISSION;
}

enum decision decide_file_remove(struct engine *engine, const struct ask_for *ask)
{
	const uint32_t room = find_room(&engine->cache, ask->command->room);
	struct record head = file_head(ask, EVENT_FILE_REMOVED);
	struct event_file event;
	int code;

	if (!event_file_parse(ask->payload, ask->command->payload, &event) ||
	    !can_be_told(&event, true))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (ask->session == 0)
		return refuse(ask, CODE_NOT_SIGNED_IN);
	if (room == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	code = may_remove(engine, ask, room, &event);
	if (code != CODE_OK)
		return refuse(ask, code);
	memset(event.token_hash, 0, sizeof(event.token_hash));
	return tell(engine, ask, &head, session_at(engine, ask->session)->principal, &event);
}

/* --- Out of an archive. --- */

/* What it is; its content comes another way. Whether it is here already the worker has found out. */
enum decision import_file(struct engine *engine, const struct ask_for *ask,
			  const struct import *import)
{
	struct record head = head_of(ask, EVENT_FILE);
	struct event_file event;

	if (!event_file_parse(import->payload, import->size, &event) ||
	    !is_file_name(event.name) || !is_plain(event.type) || event.time == 0 ||
	    event.size > INT64_MAX || is_zero(event.uuid, sizeof(event.uuid)) ||
	    is_zero(event.sha256, sizeof(event.sha256)))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (find_room(&engine->cache, ask->command->room) == 0)
		return refuse(ask, CODE_NO_SUCH_NODE);
	if (event.author != 0 && find_principal(&engine->cache, event.author) == 0)
		return refuse(ask, CODE_NO_SUCH_PRINCIPAL);
	if (import->head.check)
		return import_checked(ask);
	memset(event.token_hash, 0, sizeof(event.token_hash));
	head.flags = EVENT_IMPORTED;
	return tell(engine, ask, &head, session_at(engine, ask->session)->principal, &event);
}
