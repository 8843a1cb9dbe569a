#include "worker/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"
#include "worker/session.h"

enum { FIRST_PLACES = 4 };

struct fanout_room *fanout_find(struct fanout *fanout, uint32_t id)
{
	struct fanout_room *room = fanout->last;

	if (room != NULL && room->id == id)
		return room;
	HASH_FIND(hh, fanout->rooms, &id, sizeof(id), room);
	fanout->last = room;
	return room;
}

static struct membership *find_member(const struct session *session, uint32_t room)
{
	for (uint32_t i = 0; i < session->rooms; i++) {
		if (session->member[i].room->id == room)
			return &session->member[i];
	}
	return NULL;
}

bool fanout_has(const struct session *session, uint32_t room)
{
	return find_member(session, room) != NULL;
}

uint32_t fanout_find_uuid(const struct session *session, const uint8_t uuid[16])
{
	for (uint32_t i = 0; i < session->rooms; i++) {
		if (memcmp(session->member[i].room->uuid, uuid, 16) == 0)
			return session->member[i].room->id;
	}
	return 0;
}

static struct fanout_room *add_room(struct fanout *fanout, uint32_t id, const uint8_t uuid[16])
{
	struct fanout_room *room = calloc(1, sizeof(*room));

	if (room == NULL)
		return NULL;
	room->id = id;
	memcpy(room->uuid, uuid, sizeof(room->uuid));
	HASH_ADD(hh, fanout->rooms, id, sizeof(room->id), room);
	return room;
}

static void drop_if_empty(struct fanout *fanout, struct fanout_room *room)
{
	if (room->count > 0)
		return;
	if (fanout->last == room)
		fanout->last = NULL;
	HASH_DEL(fanout->rooms, room);
	free(room->place);
	free(room);
}

/* Room for one more in an array of count elements. */
static int reserve(void **array, uint32_t count, uint32_t *size, size_t each)
{
	uint32_t wanted = *size == 0 ? FIRST_PLACES : *size * 2;
	void *larger;

	if (count < *size)
		return 0;
	larger = reallocarray(*array, wanted, each);
	if (larger == NULL)
		return -1;
	*array = larger;
	*size = wanted;
	return 0;
}

static int link_both(struct fanout_room *room, struct session *session)
{
	void *place = room->place, *member = session->member;
	int result = reserve(&place, room->count, &room->size, sizeof(*room->place));

	room->place = place;
	if (result == -1)
		return -1;
	result = reserve(&member, session->rooms, &session->rooms_size, sizeof(*session->member));
	session->member = member;
	if (result == -1)
		return -1;
	room->place[room->count] = (struct fanout_place){session, session->rooms};
	session->member[session->rooms++] = (struct membership){room, room->count++};
	return 0;
}

void fanout_expect(struct session *session, uint32_t rooms)
{
	const uint32_t wanted = session->rooms + rooms;
	struct membership *larger;

	if (wanted <= session->rooms_size)
		return;
	larger = reallocarray(session->member, wanted, sizeof(*larger));
	if (larger == NULL)
		return;
	session->member = larger;
	session->rooms_size = wanted;
}

int fanout_join(struct fanout *fanout, struct session *session, uint32_t id, const uint8_t uuid[16])
{
	struct fanout_room *room;

	if (fanout_has(session, id))
		return 0;
	room = fanout_find(fanout, id);
	if (room == NULL)
		room = add_room(fanout, id, uuid);
	if (room == NULL)
		return -1;
	if (link_both(room, session) == 0)
		return 0;
	drop_if_empty(fanout, room);
	return -1;
}

/* Fills both holes with the last of each list, and tells their other sides. */
static void unlink_both(struct fanout *fanout, struct session *session, uint32_t index)
{
	struct membership gone = session->member[index], moved;
	struct fanout_room *room = gone.room;
	struct fanout_place last = room->place[room->count - 1];

	bug_on(room->place[gone.back].session != session || room->place[gone.back].back != index);
	room->place[gone.back] = last;
	last.session->member[last.back].back = gone.back;
	room->count--;

	moved = session->member[session->rooms - 1];
	session->rooms--;
	if (index < session->rooms) {
		session->member[index] = moved;
		moved.room->place[moved.back].back = index;
	}
	drop_if_empty(fanout, room);
}

void fanout_leave(struct fanout *fanout, struct session *session, uint32_t room)
{
	struct membership *member = find_member(session, room);

	if (member != NULL)
		unlink_both(fanout, session, (uint32_t)(member - session->member));
}

void fanout_leave_all(struct fanout *fanout, struct session *session)
{
	while (session->rooms > 0)
		unlink_both(fanout, session, session->rooms - 1);
	free(session->member);
	session->member = NULL;
	session->rooms_size = 0;
}
