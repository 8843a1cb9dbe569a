#include <stdio.h>
#include <string.h>

#include "shm/command.h"
#include "shm/scoped.h"
#include "t/unit/model.h"

/* The steps about what belongs to one user, and about settings and policies. */

static unsigned any_user_session(struct trial *t)
{
	return 1 + any(t, SESSIONS - 1);
}

static int person(struct trial *t, unsigned session, enum command_type type, uint32_t room,
		  const struct event_person *event)
{
	struct event_person own = *event;

	own.principal = own.principal == 0 ? 1 : own.principal;
	return send_as(t->b, SLOT_WORKER, SLOT_WORKER, session, type, room,
		       event_person_put(&own, t->b->mail.bytes + sizeof(struct command), 4096));
}

/* --- What belongs to one user. --- */

void step_marker(struct trial *t)
{
	const unsigned session = any_user_session(t), room = any_room(t), seq = any(t, 12);
	const struct naive_answer wanted = naive_marker(&t->n, session, room, seq);

	compare_answer(t,
		       person(t, session, COMMAND_MARKER, room,
			      &(struct event_person){.what = PERSON_PUT, .number = seq}),
		       &wanted);
}

void step_invitation_read(struct trial *t)
{
	const unsigned session = any_user_session(t), number = any(t, 10);
	const struct naive_answer wanted = naive_invitation_read(&t->n, session, number);

	compare_answer(t,
		       person(t, session, COMMAND_INVITATION_READ, 0,
			      &(struct event_person){.what = PERSON_READ, .number = number}),
		       &wanted);
}

static const char *words_of(unsigned words, char out[NAME])
{
	snprintf(out, NAME, words ? "word%u" : "", words);
	return out;
}

void step_feed(struct trial *t)
{
	const unsigned session = any_user_session(t), words = any(t, 4);
	const bool remove = any(t, 4) == 0;
	const unsigned item = remove ? 1 + any(t, FEEDS) : any(t, 2) ? 0 : 1 + any(t, FEEDS);
	const unsigned author = any(t, 2) ? 0 : 1 + any(t, t->n.people_count + 1);
	const unsigned room = any(t, 2) ? 0 : any_room(t);
	char out[NAME];
	const struct event_person event = {.what = remove ? PERSON_GONE : PERSON_PUT,
					   .item = item,
					   .who = author,
					   .room = room,
					   .name = text("feed"),
					   .text = text(words_of(words, out))};
	struct naive_answer wanted;

	wanted = remove ? naive_feed_remove(&t->n, session, item)
			: naive_feed_put(&t->n, session, item, author, room, words);
	compare_answer(t, person(t, session, COMMAND_FEED, 0, &event), &wanted);
}

void step_request(struct trial *t)
{
	const unsigned session = any_user_session(t), room = any_room(t);
	const bool withdraw = any(t, 5) == 0;
	const struct event_person event = {.what = withdraw ? PERSON_GONE : PERSON_PUT};
	const struct naive_answer wanted = withdraw ? naive_request_withdraw(&t->n, session, room)
						    : naive_request(&t->n, session, room);

	compare_answer(t, person(t, session, COMMAND_ACCESS, room, &event), &wanted);
}

/* Mostly one that there is. */
void step_request_answer(struct trial *t)
{
	const unsigned session = any_session(t);
	unsigned room = any_room(t), user = 1 + any(t, t->n.people_count + 1);
	const bool grant = any(t, 3) > 0;
	struct naive_answer wanted;

	for (unsigned tries = 0; tries < 200 && !t->n.people[user].request[room]; tries++) {
		room = any_room(t);
		user = 1 + any(t, t->n.people_count + 1);
	}
	wanted = naive_request_answer(&t->n, session, room, user, grant);
	compare_answer(t,
		       person(t, session, COMMAND_ACCESS, room,
			      &(struct event_person){.what = grant ? PERSON_GRANTED : PERSON_DENIED,
						     .principal = user}),
		       &wanted);
}

void step_quit(struct trial *t)
{
	const unsigned session = any_user_session(t), room = any_room(t);
	const struct naive_answer wanted = naive_quit(&t->n, session, room);

	compare_answer(t, simple(t->b, COMMAND_QUIT, session, room), &wanted);
}

static const struct person_row *row_of(struct trial *t, unsigned kind, uint32_t user, uint32_t item)
{
	const uint32_t row = find_person(&t->b->engine.cache, kind, user, item);

	return row == 0 ? NULL
			: table_row(&t->b->engine.cache, TABLE_INVITATION + kind - EVENT_INVITATION,
				    row);
}

static void compare_feeds(struct trial *t, unsigned user)
{
	for (unsigned f = 1; f <= FEEDS; f++) {
		const struct person_row *feed = row_of(t, EVENT_FEED, user, f);

		check(t, (feed != NULL) == t->n.people[user].feed[f].there,
		      "a feed is there, or is not");
		check(t,
		      feed == NULL || (feed->who == t->n.people[user].feed[f].author &&
				       feed->room == t->n.people[user].feed[f].room),
		      "what a feed is about");
	}
}

void compare_own(struct trial *t)
{
	for (unsigned user = 1; user <= t->n.people_count; user++) {
		const struct person_row *state = row_of(t, EVENT_INVITATION, user, 0), *row;

		check(t, (state == NULL ? 0 : state->number) == t->n.people[user].invited,
		      "how often a user was invited");
		check(t, (state == NULL ? 0 : state->time) == t->n.people[user].read,
		      "how many of these he has read");
		for (unsigned room = 1; room <= t->n.rooms; room++) {
			row = row_of(t, EVENT_INVITATION, user, room);
			check(t,
			      (row == NULL ? 0 : row->number) == t->n.people[user].invitation[room],
			      "an invitation");
			row = row_of(t, EVENT_MARKER, user, room);
			check(t, (row == NULL ? 0 : row->number) == t->n.people[user].marker[room],
			      "a marker");
			check(t,
			      (row_of(t, EVENT_ACCESS_REQUEST, user, room) != NULL) ==
				      t->n.people[user].request[room],
			      "a request");
		}
		compare_feeds(t, user);
	}
}

/* --- Settings and policies. --- */

static const char *value_of(unsigned setting, unsigned value)
{
	static const char *const values[SETTINGS][3] = {
		{"", "7", "30"},   {"", "0", "1000"},
		{"", "75", "100"}, {"", "https://one.test/", "https://two.test/"},
		{"", "yes", "no"}, {"", "first", "second"}};

	return values[setting][value];
}

static unsigned kind_of(unsigned setting)
{
	return setting >= SETTING_POLICY ? SCOPED_POLICY : SCOPED_CONFIG;
}

static int send_setting(struct trial *t, unsigned session, enum naive_change what, unsigned scope,
			unsigned setting, unsigned value)
{
	static const enum settings_what whats[] = {[NAIVE_CREATE] = SETTINGS_CREATE,
						   [NAIVE_SET] = SETTINGS_SET,
						   [NAIVE_REMOVE] = SETTINGS_REMOVE};
	const struct command_settings head = {.what = (uint8_t)whats[what], .count = 1};
	const bool remove = what == NAIVE_REMOVE;
	const struct event_setting event = {.kind = (uint8_t)kind_of(setting),
					    .present = !remove && value != VALUE_NONE,
					    .scope = text(naive_scopes[scope]),
					    .name = text(remove ? "" : naive_settings[setting]),
					    .value = text(remove ? "" : value_of(setting, value))};
	uint8_t *at = t->b->mail.bytes + sizeof(struct command);
	uint32_t size = event_setting_put(&event, at + sizeof(head) + sizeof(size), 4096);

	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), &size, sizeof(size));
	return send_as(t->b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_SETTING, 0,
		       (uint32_t)(sizeof(head) + sizeof(size)) + size);
}

void step_setting(struct trial *t)
{
	const unsigned session = any_session(t), scope = any(t, SCOPES);
	const unsigned setting =
		scope >= SCOPE_TAGS && any(t, 8) ? SETTING_POLICY + any(t, 2) : any(t, SETTINGS);
	const enum naive_change what = (enum naive_change)any(t, 3);
	/* A policy that bars is rarer, or nobody would be left. */
	const unsigned value = any(t, 4) ? VALUE_YES : any(t, 3);
	struct naive_answer wanted;

	if (!t->n.session[session].open)
		return;
	wanted = naive_setting(&t->n, session, what, scope, setting, value);
	compare_answer(t, send_setting(t, session, what, scope, setting, value), &wanted);
}

void step_grant(struct trial *t)
{
	const unsigned session = any_session(t), user = 1 + any(t, t->n.people_count + 1);
	const unsigned scope = any(t, 4) ? SCOPE_TAGS + any(t, SCOPES - SCOPE_TAGS) : 0;
	const struct event_grant event = {.principal = user,
					  .policy = text(scope ? naive_scopes[scope] + 4 : "")};
	struct naive_answer wanted;

	if (!t->n.session[session].open)
		return;
	wanted = naive_grant(&t->n, session, user, scope);
	compare_answer(
		t,
		send_as(t->b, SLOT_WORKER, SLOT_WORKER, session, COMMAND_GRANT, 0,
			event_grant_put(&event, t->b->mail.bytes + sizeof(struct command), 4096)),
		&wanted);
}

void compare_settings(struct trial *t)
{
	const struct cache *cache = &t->b->engine.cache;

	for (unsigned scope = 0; scope < SCOPES; scope++) {
		for (unsigned s = 0; s < SETTINGS; s++) {
			const uint32_t row =
				scoped_find(cache, kind_of(s), text(naive_scopes[scope]),
					    text(naive_settings[s]));
			const unsigned value = t->n.setting[scope][s];
			const struct setting_row *setting =
				row == 0 ? NULL : table_row(cache, TABLE_SETTING, row);

			check(t, (row != 0) == (value != VALUE_NONE),
			      "a setting is there, or is not");
			check(t,
			      row == 0 || blob_equals(cache, TABLE_TEXT, setting->value,
						      text(value_of(s, value))),
			      "the value of a setting");
		}
	}
	for (unsigned user = 1; user <= t->n.people_count; user++) {
		const struct principal_row *p =
			table_row(cache, TABLE_PRINCIPAL, find_principal(cache, user));
		const unsigned scope = t->n.people[user].policy;

		check(t,
		      blob_equals(cache, TABLE_TEXT, p->policy,
				  text(scope ? naive_scopes[scope] + 4 : "")),
		      "a user's policy");
	}
}
