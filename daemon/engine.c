#include "daemon/engine.h"

#include <string.h>
#include <unistr.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/engine_ask.h"
#include "shm/admin_role.h"
#include "shm/apply.h"
#include "shm/find.h"
#include "shm/object.h"
#include "shm/scoped.h"

enum {
	RESERVE_PART = 16,	/* of the ring is left to events that must not be refused */
	RECHECK_ROWS = 2000, /* participants looked at in one turn */
	NAME_CHARACTERS = 256,
	FULL_LOG_US = 60000000,
};

bool admin_asks(const struct engine *engine, const struct ask_for *ask, enum admin_duty duty)
{
	return admin_may(admin_role_of(session_at(engine, ask->session)->flags), duty);
}

enum decision refuse(const struct ask_for *ask, int code)
{
	ask->answer->code = code;
	return ANSWERED;
}

/* --- Room for events. --- */

enum room_for room_for(const struct engine *engine, uint64_t bytes, unsigned count, bool may_refuse)
{
	const struct journal_writer *writer = &engine->writer;
	uint64_t reserve = may_refuse ? writer->journal.size / RESERVE_PART : 0;

	if (journal_fits(writer, bytes, count, engine->oldest, reserve))
		return FITS;
	return writer->batch_used > 0 ? BATCH_FULL : RING_FULL;
}

bool no_room(const struct engine *engine, const struct ask_for *ask, uint64_t bytes,
	     unsigned count, enum decision *decision_r)
{
	switch (room_for(engine, bytes, count, true)) {
	case FITS:
		return false;
	case BATCH_FULL:
		*decision_r = LATER;
		return true;
	default:
		*decision_r = refuse(ask, CODE_BUSY);
		return true;
	}
}

void emit(struct engine *engine, const struct record *head, const void *payload, uint32_t size)
{
	const struct record *record =
		journal_append(&engine->writer, head, payload, size, engine->oldest);
	struct err err;

	if (record == NULL) {
		log_error("the journal has no room for an event that it had room for");
		engine->broken = true;
	} else if (apply_record(&engine->cache, record, &err) < 0) {
		log_error("%s", err.text);
		engine->broken = true;
	}
}

struct record head_of(const struct ask_for *ask, enum event_type type)
{
	const struct command *command = ask->command;

	return (struct record){.type = (uint16_t)type,
			       .room = command->room,
			       .origin = command->origin,
			       .command = command->number,
			       .mail_slot = (uint16_t)ask->mail_slot};
}

enum decision become(struct engine *engine, const struct record *head, const void *payload,
		     uint32_t size)
{
	emit(engine, head, payload, size);
	return DECIDED;
}

/* --- What may stand in an event. --- */

bool is_text(struct text text)
{
	return u8_check((const uint8_t *)text.data, text.length) == NULL;
}

bool is_name(struct text text)
{
	return text.length > 0 && is_text(text) &&
	       u8_mbsnlen((const uint8_t *)text.data, text.length) <= NAME_CHARACTERS;
}

bool rows_fit(struct engine *engine, enum table table, uint32_t count)
{
	const uint64_t now = clock_mono();

	if (table_free_rows(&engine->cache, table) >= count)
		return true;
	engine->full = (uint32_t)table + 1;
	if (engine->full_logged == 0 || now - engine->full_logged > FULL_LOG_US) {
		log_error("refused what is new: cache { %s } is full", cache_table_name(table));
		engine->full_logged = now;
	}
	return false;
}

bool text_fits(struct engine *engine, uint32_t a, uint32_t b)
{
	return rows_fit(engine, TABLE_TEXT, blob_blocks(TABLE_TEXT, a) + blob_blocks(TABLE_TEXT, b));
}

bool text_changes_fit(struct engine *engine, struct blob old_a, struct text a, struct blob old_b,
		      struct text b)
{
	return rows_fit(engine, TABLE_TEXT,
			object_text_blocks(&engine->cache, old_a, a) +
				object_text_blocks(&engine->cache, old_b, b));
}

bool is_live(const struct engine *engine, unsigned slot, uint32_t generation)
{
	const struct master_slot *s = &engine->proc->page[SLOT_MASTER]->slots[slot];

	return atomic_load(&s->generation) == generation && atomic_load(&s->pid) != 0;
}

/* --- Leaving. --- */

struct record session_head(const struct session_row *session, enum event_type type)
{
	return (struct record){.type = (uint16_t)type,
			       .actor = session->principal,
			       .origin = {.slot = session->slot,
					  .generation = session->generation,
					  .session = session->session}};
}

/* Out of its rooms, then closed. */
bool end_session(struct engine *engine, uint32_t row, const struct ask_for *ask)
{
	const struct session_row *session = session_at(engine, row);
	struct record head = session_head(session, EVENT_SESSION_CLOSE);

	if (room_for(engine, leaves_size(session->participants),
		     leaves_count(session->participants) + 1, false) != FITS)
		return false;
	emit_leaves(engine, row);
	if (ask != NULL)
		answer_by(&head, ask);
	emit(engine, &head, NULL, 0);
	return true;
}

bool end_sessions_of(struct engine *engine, uint32_t principal)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_SESSION];

	for (uint32_t row = 1; row <= table->fresh; row++) {
		const struct session_row *session = session_at(engine, row);

		if (session->generation != 0 && session->principal == principal &&
		    !(session->flags & EVENT_ADMIN) && !end_session(engine, row, NULL))
			return false;
	}
	return true;
}

bool empty_room(struct engine *engine, uint32_t row)
{
	const struct room_row *room = room_at(engine, row);

	while (room->first_participant != 0 && !engine->broken) {
		if (room_for(engine, 0, 2, false) != FITS)
			return false;
		put_out(engine, room->first_participant);
	}
	return true;
}

/* --- Rights that were lost. --- */

const struct circle *circle_of(struct engine *engine, uint32_t principal)
{
	if (engine->circle_owner != principal)
		circle_find(&engine->cache, principal, &engine->circle);
	engine->circle_owner = principal;
	return &engine->circle;
}

void recheck(struct engine *engine, uint32_t room)
{
	bool same = !engine->rechecking || engine->recheck_room == room;

	engine->circle_owner = 0;
	engine->recheck_room = same ? room : 0;
	engine->recheck = 1;
	engine->rechecking = true;
}

void engine_rights_changed(struct engine *engine)
{
	recheck(engine, 0);
	sweep_rooms(engine);
	engine_police_all(engine);
}

bool may(struct engine *engine, uint32_t principal, uint32_t room, enum right right)
{
	return circle_rights(&engine->cache, circle_of(engine, principal), room) & right;
}

bool engine_recheck(struct engine *engine)
{
	const struct cache_table *table = &engine->cache.header->table[TABLE_PARTICIPANT];
	bool any = false;

	for (unsigned looked = 0; engine->rechecking && looked < RECHECK_ROWS; engine->recheck++) {
		const struct participant_row *p;

		if (engine->recheck > table->fresh) {
			engine->rechecking = false;
			break;
		}
		p = table_row(&engine->cache, TABLE_PARTICIPANT, engine->recheck);
		if (p->room == 0 || (engine->recheck_room != 0 && p->room != engine->recheck_room))
			continue;
		looked++;
		if (may(engine, p->principal, p->room, RIGHT_JOIN))
			continue;
		if (room_for(engine, 0, 2, false) != FITS)
			return any;
		put_out(engine, engine->recheck);
		any = true;
	}
	return any;
}

/* --- Commands of sessions. --- */

static enum decision decide_session_close(struct engine *engine, const struct ask_for *ask)
{
	const bool lost = ask->command->flags & COMMAND_LOST;

	return (lost ? lose_session(engine, ask->session, ask)
		     : end_session(engine, ask->session, ask))
		       ? DECIDED
		       : LATER;
}

/* --- Commands of pchat-auth. --- */

static int may_sign_in(const struct engine *engine, const struct command_session *who,
		       unsigned flags)
{
	const struct principal_row *principal;
	uint32_t row;

	if (flags & EVENT_ADMIN_ROLES)
		return who->principal == 0 && admin_role_of(flags) != ADMIN_NONE
			       ? CODE_OK
			       : CODE_INVALID_ARGUMENT;
	row = find_principal(&engine->cache, who->principal);
	if (row == 0)
		return CODE_AUTHENTICATION_FAILED;
	principal = table_row(&engine->cache, TABLE_PRINCIPAL, row);
	if (principal->state != PRINCIPAL_ACTIVE || principal->epoch != who->epoch)
		return CODE_AUTHENTICATION_FAILED;
	return scoped_may_use(&engine->cache, engine->conf, row) ? CODE_OK : CODE_ERROR_PERMISSION;
}

static enum decision decide_session_open(struct engine *engine, const struct ask_for *ask)
{
	const struct command *command = ask->command;
	const struct origin *origin = &command->origin;
	struct record head = head_of(ask, EVENT_SESSION_OPEN);
	struct event_session event;
	struct command_session who;
	enum decision decision;
	int code;

	if (command->payload < sizeof(who) || origin->slot < SLOT_WORKER ||
	    origin->slot >= SLOT_WORKER + WORKER_SLOTS)
		return refuse(ask, CODE_INVALID_ARGUMENT);
	memcpy(&who, ask->payload, sizeof(who));
	const uint8_t *rest = (const uint8_t *)ask->payload + sizeof(who);
	uint32_t size = command->payload - (uint32_t)sizeof(who);
	if (!event_session_parse(rest, size, &event) || !is_text(event.address))
		return refuse(ask, CODE_INVALID_ARGUMENT);
	if (!is_live(engine, origin->slot, origin->generation))
		return refuse(ask, CODE_UNAVAILABLE);
	if (find_session(&engine->cache, origin->slot, origin->generation, origin->session) != 0)
		return refuse(ask, CODE_INVALID_FLOW_OF_OPERATIONS);
	code = may_sign_in(engine, &who, command->flags);
	if (code != CODE_OK)
		return refuse(ask, code);
	if (no_rows(engine, ask, TABLE_SESSION, 1, 0, &decision) ||
	    no_room(engine, ask, size, 1, &decision))
		return decision;
	head.actor = who.principal;
	head.flags = command->flags & EVENT_ADMIN_ROLES;
	return become(engine, &head, rest, size);
}

/* --- Which mailbox may carry which command. --- */

enum sender { WORKER, AUTH, STORE, KEEPER /* of files */ };

static const struct {
	uint16_t type;
	enum sender sender;
	decide_fn *decide;
} commands[] = {
	{COMMAND_MESSAGE, WORKER, decide_message},
	{COMMAND_JOIN, WORKER, decide_join},
	{COMMAND_JOIN_ROOMS, WORKER, decide_join_rooms},
	{COMMAND_LEAVE, WORKER, decide_leave},
	{COMMAND_SESSION_CLOSE, WORKER, decide_session_close},
	{COMMAND_PRINCIPAL, WORKER, decide_principal},
	{COMMAND_ROOM, WORKER, decide_room},
	{COMMAND_CATEGORY, WORKER, decide_category},
	{COMMAND_ADDIN, WORKER, decide_addin},
	{COMMAND_ROLES, WORKER, decide_roles},
	{COMMAND_MEMBERS, WORKER, decide_members},
	{COMMAND_REMOVE, WORKER, decide_remove},
	{COMMAND_MESSAGE_REMOVE, WORKER, decide_message_remove},
	{COMMAND_PURGE, WORKER, decide_purge},
	{COMMAND_INVITATION_READ, WORKER, decide_invitation_read},
	{COMMAND_MARKER, WORKER, decide_marker},
	{COMMAND_FEED, WORKER, decide_feed},
	{COMMAND_ACCESS, WORKER, decide_access},
	{COMMAND_QUIT, WORKER, decide_quit},
	{COMMAND_VIEW, WORKER, decide_view},
	{COMMAND_REFUSED, AUTH, decide_refused},
	{COMMAND_REFUSED, WORKER, decide_refused},
	{COMMAND_SETTING, WORKER, decide_setting},
	{COMMAND_GRANT, WORKER, decide_grant},
	{COMMAND_IMPORT, WORKER, decide_import},
	{COMMAND_SESSION_OPEN, AUTH, decide_session_open},
	{COMMAND_REKEY, AUTH, decide_rekey},
	{COMMAND_RETAIN, STORE, decide_retain},
	{COMMAND_FILE_UPLOAD, WORKER, decide_file_upload},
	{COMMAND_FILE_STORED, KEEPER, decide_file_stored},
	{COMMAND_FILE_READ, KEEPER, decide_file_read},
	{COMMAND_FILE_REMOVE, KEEPER, decide_file_remove},
};

/* A session that pchat-auth opened in a worker that lives, and that is not lost. */
static bool open_session(const struct engine *engine, struct ask_for *ask)
{
	const struct origin *origin = &ask->command->origin;

	if (origin->slot < SLOT_WORKER || origin->slot >= SLOT_WORKER + WORKER_SLOTS ||
	    !is_live(engine, origin->slot, origin->generation))
		return false;
	ask->session = find_session(&engine->cache, origin->slot, origin->generation,
				    origin->session);
	return ask->session != 0 && session_at(engine, ask->session)->lost == 0;
}

/* A worker's command counts only for its own ones. */
static bool own_session(const struct engine *engine, struct ask_for *ask)
{
	return ask->command->origin.slot == ask->mail_slot && open_session(engine, ask);
}

/* What an administrator must be allowed so that his command is looked at. What more it needs, for
 * what it is about, is checked where that is known. */
static enum admin_duty duty_of(const struct ask_for *ask)
{
	switch (ask->command->type) {
	case COMMAND_VIEW:
		return duty_of_view(ask);
	case COMMAND_ROOM:
	case COMMAND_ROLES:
	case COMMAND_REMOVE:
	case COMMAND_ACCESS:
		return DUTY_ROOM;
	case COMMAND_MESSAGE_REMOVE:
	case COMMAND_PURGE:
		return DUTY_MESSAGE;
	default:
		return DUTY_ALL;
	}
}

static bool is_beyond_role(const struct engine *engine, const struct ask_for *ask)
{
	const unsigned flags = session_at(engine, ask->session)->flags;

	/* Everybody may leave, and what he may not do is on record. */
	return (flags & EVENT_ADMIN) && ask->command->type != COMMAND_SESSION_CLOSE &&
	       ask->command->type != COMMAND_REFUSED &&
	       !admin_may(admin_role_of(flags), duty_of(ask));
}

static enum decision decide(struct engine *engine, struct ask_for *ask)
{
	const enum sender sender = ask->mail_slot == SLOT_AUTH	  ? AUTH
				   : ask->mail_slot == SLOT_STORE ? STORE
				   : ask->mail_slot == SLOT_FILE  ? KEEPER
								  : WORKER;

	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].type != ask->command->type || commands[i].sender != sender)
			continue;
		if (sender == WORKER && !own_session(engine, ask))
			return refuse(ask, CODE_NOT_SIGNED_IN);
		if (sender == WORKER && is_beyond_role(engine, ask))
			return refuse(ask, CODE_ERROR_PERMISSION);
		/* Of what it says of a file none may be needed. */
		if (sender == KEEPER)
			(void)open_session(engine, ask);
		return commands[i].decide(engine, ask);
	}
	proc_count(engine->proc, COUNTER_COMMANDS_INVALID, 1);
	return refuse(ask, CODE_INVALID_REQUEST);
}

enum decision engine_decide(struct engine *engine, unsigned mail_slot,
			    const struct command *command, struct answer *answer_r)
{
	struct ask_for ask = {.command = command,
			      .payload = command + 1,
			      .mail_slot = mail_slot,
			      .answer = answer_r};
	enum decision decision;

	*answer_r = (struct answer){
		.number = command->number, .origin = command->origin, .room = command->room};
	/* A predecessor decided it and died before saying so. Its event speaks for itself; of a
	 * refusal there is no trace, so that the client is told to ask again. */
	if (command->number <= engine->cache.header->last_command[mail_slot])
		return refuse(&ask, CODE_BUSY);
	engine->full = 0;
	decision = decide(engine, &ask);
	if (decision == ANSWERED && answer_r->code == CODE_LIMIT_EXCEEDED)
		answer_r->full = engine->full;
	return note_refusal(engine, &ask, decision);
}

void engine_fill(struct engine *engine, struct cache *shared, const struct command *command)
{
	struct event_message message;
	struct command_fill fill;
	const uint8_t *payload = (const uint8_t *)(command + 1);

	if (command->type != COMMAND_FILL || command->payload < sizeof(fill) ||
	    !event_message_parse(payload + sizeof(fill), command->payload - (uint32_t)sizeof(fill),
				 &message)) {
		proc_count(engine->proc, COUNTER_COMMANDS_INVALID, 1);
		return;
	}
	memcpy(&fill, payload, sizeof(fill));
	apply_fill(shared, command->room, &fill, &message);
}

int engine_start(struct engine *engine, unsigned flags, struct err *err)
{
	struct record head = {.type = EVENT_START, .flags = (uint16_t)flags};

	if (room_for(engine, 0, 1, false) != FITS)
		return err_set(err, "the journal is full and has no room for the start");
	emit(engine, &head, NULL, 0);
	return engine->broken ? err_set(err, "could not write the start") : 0;
}
