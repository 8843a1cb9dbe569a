#include "daemon/record_names.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

/* A text by a number or a name; which of both says its table. */
struct name {
	UT_hash_handle hh;
	uint32_t id;
	char session[RECORD_SESSION];
	size_t length;
	char text[]; /* not terminated */
};

struct record_names {
	struct name *users, *rooms; /* owned, by id */
	struct name *sessions;	    /* owned, by session: user and address */
};

struct record_names *record_names_new(struct err *err)
{
	struct record_names *names = calloc(1, sizeof(*names));

	if (!names)
		err_errno(err, "could not allocate memory for names");
	return names;
}

static void forget(struct name **table)
{
	struct name *name, *next;

	HASH_ITER(hh, *table, name, next)
	{
		HASH_DEL(*table, name);
		free(name);
	}
}

static void forget_all(struct record_names *names)
{
	forget(&names->users);
	forget(&names->rooms);
	forget(&names->sessions);
}

void record_names_free(struct record_names **names)
{
	if (!*names)
		return;
	forget_all(*names);
	free(*names);
	*names = NULL;
}

static bool is(struct db_bytes bytes, const char *word)
{
	return bytes.length == strlen(word) && memcmp(bytes.data, word, bytes.length) == 0;
}

static struct name *make(struct db_bytes text, struct err *err)
{
	struct name *name = calloc(1, sizeof(*name) + text.length);

	if (!name) {
		err_errno(err, "could not allocate memory for names");
		return NULL;
	}
	name->length = text.length;
	memcpy(name->text, text.data, text.length);
	return name;
}

static bool agrees(const struct name *name, struct db_bytes text)
{
	return name->length == text.length && memcmp(name->text, text.data, text.length) == 0;
}

/* --- Numbers. --- */

static int check_id(struct name **table, uint32_t id, struct db_bytes text, bool *agrees_r,
		    struct err *err)
{
	struct name *name;

	*agrees_r = true;
	if (id == 0 || text.length == 0)
		return 0;
	HASH_FIND(hh, *table, &id, sizeof(id), name);
	if (name) {
		*agrees_r = agrees(name, text);
		return 0;
	}
	name = make(text, err);
	if (!name)
		return -1;
	name->id = id;
	HASH_ADD(hh, *table, id, sizeof(name->id), name);
	return 0;
}

/* The name of the domain before it may change with the configuration. */
static struct db_bytes uuid_of(struct db_bytes room)
{
	enum { UUID = 36 };

	return room.length > UUID ? (struct db_bytes){room.data + room.length - UUID, UUID} : room;
}

/* --- Sessions. --- */

static void drop_session(struct record_names *names, struct name *session)
{
	if (session)
		HASH_DEL(names->sessions, session);
	free(session);
}

enum { IDENTITY = 512 };

static void append(char text[IDENTITY], size_t *used, const void *data, size_t length)
{
	const size_t fits = length < IDENTITY - *used ? length : IDENTITY - *used;

	if (fits > 0)
		memcpy(text + *used, data, fits);
	*used += fits;
}

/* A user is known by its number, an administrator by the name; and where they are. */
static struct db_bytes identity(const struct record_row *row, char text[IDENTITY])
{
	size_t used = 0;

	append(text, &used, &row->user_id, sizeof(row->user_id));
	if (row->user_id == 0)
		append(text, &used, row->user_name.data, row->user_name.length);
	append(text, &used, "", 1);
	append(text, &used, row->address.data, row->address.length);
	return (struct db_bytes){text, used};
}

static int add_session(struct record_names *names, const char *key, struct db_bytes text,
		       struct err *err)
{
	struct name *session = make(text, err);

	if (!session)
		return -1;
	memcpy(session->session, key, strlen(key));
	HASH_ADD_STR(names->sessions, session, session);
	return 0;
}

static int check_session(struct record_names *names, const struct record_row *row, bool *agrees_r,
			 struct err *err)
{
	const bool begins = is(row->type, "sign_in"), ends = is(row->type, "sign_out");
	char key[RECORD_SESSION] = "", text[IDENTITY];
	struct db_bytes who;
	struct name *session;

	*agrees_r = true;
	if (row->session.length == 0 || row->session.length >= sizeof(key))
		return 0;
	who = identity(row, text);
	memcpy(key, row->session.data, row->session.length);
	HASH_FIND_STR(names->sessions, key, session);
	/* What is refused before the session is, has an address of its own. */
	if (session && !begins && !is(row->type, "refused"))
		*agrees_r = agrees(session, who);
	if (begins || ends)
		drop_session(names, session);
	return begins ? add_session(names, key, who, err) : 0;
}

int record_names_check(struct record_names *names, const struct record_row *row,
		       const char **reason_r, struct err *err)
{
	bool user = true, room = true, session = true;

	*reason_r = NULL;
	if (is(row->type, "gap"))
		forget_all(names); /* behind it there may be another installation */
	if (check_id(&names->users, row->user_id, row->user_uri, &user, err) == -1 ||
	    check_id(&names->rooms, row->room_id, uuid_of(row->room), &room, err) == -1 ||
	    check_session(names, row, &session, err) == -1)
		return -1;
	if (!user)
		*reason_r = "its user was somebody else before: pcc_object was changed";
	else if (!room)
		*reason_r = "its room was another one before: pcc_object was changed";
	else if (!session)
		*reason_r = "its session was somebody else's before: pcc_open_session was changed";
	return 0;
}
