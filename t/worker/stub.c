#include "stub.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/code.h"
#include "worker/pool.h"
#include "worker/conn.h"
#include "worker/file.h"
#include "worker/json_client.h"
#include "worker/local_client.h"
#include "worker/note.h"
#include "worker/object.h"
#include "worker/import.h"
#include "worker/person.h"
#include "worker/scoped.h"
#include "worker/transfer.h"

struct chat {
	const struct conf *conf;
	struct stub_call call;
	struct session *session;
	struct transfer *transfer; /* the one under way */
	int transfer_code;	   /* what the next question is answered at once */
	bool spoiled;		   /* bytes of an upload were not those of the file */
};

void stub_init(struct stub *stub)
{
	struct err err;

	memset(stub, 0, sizeof(*stub));
	stub->base = event_base_new();
	stub->conf.domain = strdup("example.test");
	stub->conf.files.directory = strdup("");
	stub->conf.limits.history = 30;
	stub->conf.limits.message_size = 8192;
	stub->conf.json.frame_size = 65536;
	stub->conf.json.output_size = 1 << 20;
	stub->conf.json.handshake_timeout = stub->conf.json.idle_timeout = 300000000;
	stub->conf.json.ping_interval = 60000000;
	stub->conf.auth.mechanisms.count = 1;
	stub->conf.auth.mechanisms.item[0] = strdup("PLAIN");
	stub->proc.own = &stub->page;
	stub->chat = calloc(1, sizeof(*stub->chat));
	stub->chat->conf = &stub->conf;
	stub->peer = -1;
	if (net_init(&stub->net, stub->base, &stub->conf, &stub->proc, &err) == -1)
		abort();
}

void stub_fini(struct stub *stub)
{
	stub_close(stub);
	net_fini(&stub->net);
	event_base_free(stub->base);
	free(stub->chat);
	free(stub->conf.domain);
	free(stub->conf.files.directory);
	free(stub->conf.auth.mechanisms.item[0]);
}

struct conn *stub_open(struct stub *stub, bool local)
{
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == -1)
		abort();
	stub->peer = pair[1];
	result = local ? local_client_open(&stub->net, stub->chat, pair[0])
		       : json_client_open(&stub->net, stub->chat, pair[0], false);
	if (result == -1)
		abort();
	return LIST_FIRST(&stub->net.all);
}

static bool is_there(const struct stub *stub, const struct conn *conn)
{
	const struct conn *one;

	LIST_FOREACH(one, &stub->net.all, all)
	{
		if (one == conn)
			return true;
	}
	return false;
}

bool stub_feed(struct stub *stub, struct conn *conn, const void *data, size_t size)
{
	conn_feed(conn, data, size);
	net_turn(&stub->net);
	return is_there(stub, conn);
}

size_t stub_read(struct stub *stub, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used + 1 < size && (n = read(stub->peer, out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	return used;
}

void stub_close(struct stub *stub)
{
	struct conn *conn;

	while ((conn = LIST_FIRST(&stub->net.all)) != NULL) {
		conn_kill(conn);
		net_turn(&stub->net);
	}
	if (stub->peer != -1)
		close(stub->peer);
	stub->peer = -1;
}

struct session *stub_session(struct stub *stub)
{
	return stub->chat->session;
}

struct stub_call *stub_last(struct stub *stub)
{
	return &stub->chat->call;
}

/* --- session.h --- */

void session_init(struct session *session, struct chat *chat, const struct front_end *front,
		  struct conn *conn)
{
	memset(session, 0, sizeof(*session));
	session->chat = chat;
	session->front = front;
	session->conn = conn;
	chat->session = session;
}

void session_end(struct session *session)
{
	session->state = SESSION_OVER;
}

bool session_admin_may(struct session *session, enum admin_duty duty, const char *what)
{
	(void)session;
	(void)duty;
	(void)what;
	return true;
}

void session_refuse(struct session *session, const struct chat_id *id, int code)
{
	session->front->refuse(session, id, code);
}

/* --- chat.h --- */

const struct conf *chat_conf(const struct chat *chat)
{
	return chat->conf;
}

const char *chat_full(const struct chat *chat)
{
	(void)chat;
	return NULL;
}

void chat_count_refusal(struct chat *chat, int code)
{
	(void)chat;
	(void)code;
}

static void called(struct session *session, const char *name, struct text text, uint64_t number)
{
	struct stub_call *call = &session->chat->call;
	size_t length = text.length < sizeof(call->text) ? text.length : sizeof(call->text) - 1;

	call->count++;
	call->name = name;
	call->number = number;
	if (length > 0)
		memcpy(call->text, text.data, length);
	call->text[length] = '\0';
}

static const struct text nothing = {"", 0};
static const uint8_t uuid_known[16] = {1, 2, 3, 4, 5, 6, 0x47, 8, 0x89};

static void sign_in(struct session *session, const struct chat_id *id)
{
	const struct chat_signed_in result = {
		.uri = {"sip:alice@example.test", 22},
		.name = {"Alice", 5},
		.token = {"token", 5},
		.data = "v=1",
		.size = 3,
		.expires = 1,
	};

	session->state = SESSION_OPEN;
	conn_settle(session->conn);
	session->front->signed_in(session, id, &result);
}

void chat_sign_in(struct session *session, const struct chat_id *id, const char *mechanism,
		  const void *data, size_t size)
{
	called(session, "sign_in", (struct text){data, (uint32_t)size}, 0);
	if (strcmp(mechanism, "PLAIN") == 0)
		sign_in(session, id);
	else
		session->front->challenge(session, id, "challenge", 9);
}

void chat_sign_in_step(struct session *session, const struct chat_id *id, const void *data,
		       size_t size)
{
	called(session, "sign_in_step", (struct text){data, (uint32_t)size}, 0);
	sign_in(session, id);
}

void chat_resume(struct session *session, const struct chat_id *id, struct text token)
{
	called(session, "resume", token, 0);
	sign_in(session, id);
}

void chat_sign_in_local(struct session *session, const struct chat_id *id)
{
	called(session, "sign_in_local", nothing, 0);
	session->admin = true;
	sign_in(session, id);
}

static void put_row(struct session *session, struct buf *list)
{
	struct chat_message message = {
		.seq = 7,
		.time = 1,
		.from = {"sip:alice@example.test", 22},
		.name = {"Alice \"A\"", 9},
		.text = {"line\n\x01\\", 7},
		.id = {"id", 2},
		.alert = true,
	};

	memcpy(message.room, uuid_known, sizeof(message.room));
	session->front->row(list, &message);
}

void chat_join(struct session *session, const struct chat_id *id, const struct chat_join *joins,
	       unsigned count)
{
	static struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct chat_joined joined = {.room = &room, .last_seq = 7};
	struct buf messages, list;

	called(session, "join", nothing, count);
	buf_init(&messages);
	buf_init(&list);
	put_row(session, &messages);
	joined.messages = &messages;
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			session->front->separate(&list);
		joined.code = joins[i].has_since ? CODE_NO_SUCH_NODE : CODE_OK;
		session->front->joined(session->chat, &list, &joined);
	}
	session->front->joins(session, id, &list);
	buf_fini(&messages);
	buf_fini(&list);
}

void chat_leave(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	called(session, "leave", nothing, room[0]);
	session->front->done(session, id);
}

void chat_participants(struct session *session, const struct chat_id *id, const uint8_t room[16])
{
	struct buf list;

	called(session, "participants", nothing, room[0]);
	buf_init(&list);
	session->front->user(&list, (struct text){"sip:a@b", 7}, (struct text){"A", 1});
	session->front->users(session, id, &list);
	buf_fini(&list);
}

void chat_post(struct session *session, const struct chat_id *id, const uint8_t room[16],
	       const struct event_message *message, bool alert)
{
	called(session, "post", message->text, alert);
	session->front->posted(session, id, room[0], 1, alert);
}

void chat_remove(struct session *session, const struct chat_id *id, const struct object_key *room,
		 const uint64_t *numbers, unsigned count, struct text text)
{
	(void)room;
	called(session, "remove", text, (int)(numbers[count - 1] + count));
	session->front->done(session, id);
}

void chat_find(struct session *session, const struct chat_id *id, const struct chat_find *find)
{
	called(session, "find", find->words, find->ask.limit);
	session->front->found(session, id, "{}", 2);
}

void chat_audit(struct session *session, const struct chat_id *id, const struct chat_audit *wanted)
{
	called(session, "audit", wanted->actor, wanted->ask.limit);
	session->front->found(session, id, "{}", 2);
}

void chat_purge(struct session *session, const struct chat_id *id, const struct object_key *room,
		uint64_t seq, uint64_t time)
{
	(void)room;
	called(session, "purge", nothing, (int)(seq + time / 1000000));
	session->front->done(session, id);
}

void chat_history(struct session *session, const struct chat_id *id, const uint8_t room[16],
		  const struct chat_range *range)
{
	const struct chat_span span = {.first = 6, .last = 7, .more = range->from_oldest};
	struct buf list;

	(void)room;
	called(session, "history", nothing, range->limit);
	buf_init(&list);
	session->front->rows(&list, " [ {\"seq\":6} ] ", 15);
	put_row(session, &list);
	session->front->messages(session, id, &list, &span);
	buf_fini(&list);
}

void chat_rooms(struct session *session, const struct chat_id *id, const struct chat_search *search)
{
	static const struct room_view room = {.name_length = 5, .name = "Lobby"};
	struct buf list;

	called(session, "rooms", search->text, search->limit);
	buf_init(&list);
	session->front->room(session->chat, &list, &room);
	session->front->rooms(session, id, &list, search->offset > 0);
	buf_fini(&list);
}

/* --- scoped.h --- */

const struct scoped_effective *scoped_effective(struct chat *chat)
{
	static struct scoped_effective effective = {.state = "normal"};

	effective.history = chat->conf->limits.history;
	return &effective;
}

bool scoped_name(const struct chat *chat, unsigned kind, struct text scope,
		 char scope_r[EVENT_SCOPE_MAX], struct text *name_r)
{
	(void)chat;
	(void)kind;
	if (scope.length > EVENT_SCOPE_MAX)
		return false;
	memcpy(scope_r, scope.data, scope.length);
	*name_r = (struct text){scope_r, scope.length};
	return true;
}

void scoped_change(struct session *session, const struct chat_id *id,
		   const struct scoped_change *change)
{
	called(session, "scoped_change", change->list[change->count - 1].value, change->what);
	session->front->done(session, id);
}

void scoped_get(struct session *session, const struct chat_id *id, unsigned kind, struct text scope)
{
	const struct scoped_front *front = session->front->scoped;
	struct buf item;

	called(session, "scoped_get", scope, kind);
	buf_init(&item);
	front->scope(&item, kind, scope);
	front->value(&item, scoped_key_at(kind, 0), (struct text){"7", 1});
	front->end(&item, 7);
	front->one(session, id, &item);
	buf_fini(&item);
}

void scoped_list(struct session *session, const struct chat_id *id, unsigned kind, uint32_t limit,
		 uint32_t offset)
{
	struct buf list;

	called(session, "scoped_list", nothing, limit + offset);
	buf_init(&list);
	session->front->scoped->listed(session, id, kind, &list, false);
	buf_fini(&list);
}

void scoped_show(struct session *session, const struct chat_id *id)
{
	called(session, "scoped_show", nothing, 0);
	session->front->scoped->effective(session, id, scoped_effective(session->chat));
}

void chat_pool(struct session *session, const struct chat_id *id)
{
	static const struct pool_view view = {
		.places = 2,
		.place[0] = {.active = true, .served = true, .worker = {.pid = 1, .state = "active"}},
		.others = 1,
		.other[0] = {.pid = 2, .state = "ready"}};

	called(session, "pool", nothing, 0);
	session->front->pool(session, id, &view);
}

void scoped_grant(struct session *session, const struct chat_id *id, struct text user,
		  struct text policy)
{
	called(session, "scoped_grant", policy, user.length);
	session->front->done(session, id);
}

void scoped_policy_of(struct session *session, const struct chat_id *id, struct text user)
{
	called(session, "scoped_policy_of", user, 0);
	session->front->scoped->policy(session, id, user, nothing, nothing, true);
}

/* --- object_find.h, which knows what is below the front ends. --- */

int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r);

int object_find_category(const struct chat *chat, const struct object_key *key,
			 struct category_view *category_r)
{
	(void)chat;
	*category_r = (struct category_view){.id = 1, .name_length = 7, .name = "General"};
	memcpy(category_r->uuid, uuid_known, sizeof(category_r->uuid));
	return key->by_name ? CODE_NO_SUCH_NODE : CODE_OK;
}

/* --- note.h --- */

void note_records(struct session *session, const struct chat_id *id, struct text request)
{
	called(session, "note_records", request, 0);
	session->front->noted(session, id, 7);
}

void note_order(struct session *session, const struct chat_id *id, enum view_kind kind,
		struct text order)
{
	called(session, "note_order", order, kind);
	session->front->noted(session, id, 8);
}

void object_eligible(struct session *session, const struct chat_id *id, enum node_kind kind,
		     const struct object_key *key, bool presenters, struct text text, uint32_t limit,
		     uint32_t offset)
{
	struct buf list;

	(void)key;
	called(session, "eligible", text, kind + presenters + limit + offset);
	buf_init(&list);
	session->front->accounts(session, id, &list, false);
	buf_fini(&list);
}

/* --- person.h --- */

void person_invitations(struct session *session, const struct chat_id *id, uint64_t since,
			uint32_t limit)
{
	static const struct room_view room = {.name_length = 5, .name = "Lobby"};
	const struct person_invitation invitation = {.id = 3, .time = 1, .room = &room};
	struct buf list;

	called(session, "invitations", nothing, since + limit);
	buf_init(&list);
	session->front->person->invitation(session->chat, &list, &invitation);
	session->front->person->invitations(session, id, &list, 3, 3, false);
	buf_fini(&list);
}

void person_invitation_read(struct session *session, const struct chat_id *id, uint64_t number)
{
	called(session, "invitation_read", nothing, number);
	session->front->done(session, id);
}

void person_marker(struct session *session, const struct chat_id *id, const struct object_key *room,
		   uint64_t seq)
{
	(void)room;
	called(session, "marker", nothing, seq);
	session->front->person->marked(session, id, seq, 1);
}

void person_quit(struct session *session, const struct chat_id *id, const struct object_key *room)
{
	(void)room;
	called(session, "quit", nothing, 0);
	session->front->done(session, id);
}

void person_access(struct session *session, const struct chat_id *id, const struct object_key *room,
		   enum person_what what, struct text user, struct text text)
{
	(void)room;
	called(session, "access", user.length > 0 ? user : text, what);
	session->front->done(session, id);
}

void person_requests(struct session *session, const struct chat_id *id,
		     const struct object_key *room, uint32_t limit, uint32_t offset)
{
	struct buf list;

	called(session, "requests", nothing, room == NULL ? limit : offset);
	buf_init(&list);
	session->front->person->requests(session, id, &list, false);
	buf_fini(&list);
}

void person_feeds(struct session *session, const struct chat_id *id)
{
	struct buf list;

	called(session, "feeds", nothing, 0);
	buf_init(&list);
	session->front->person->feeds(session, id, &list);
	buf_fini(&list);
}

void person_feed_put(struct session *session, const struct chat_id *id,
		     const struct person_feed *feed)
{
	called(session, "feed_put", feed->words, feed->flags);
	session->front->person->feed_made(session, id, feed->number);
}

void person_feed_remove(struct session *session, const struct chat_id *id, uint32_t number)
{
	called(session, "feed_remove", nothing, number);
	session->front->done(session, id);
}

void chat_import(struct session *session, const struct chat_id *id, struct import_line *line)
{
	called(session, "import", line->user, line->type);
	session->front->object->imported(session, id, true);
}

void chat_user_add(struct session *session, const struct chat_id *id, struct text user,
		   struct text name, struct text password)
{
	called(session, "user_add", password, 0);
	(void)name;
	session->front->account_added(session, id, user, 7);
}

void chat_user_password(struct session *session, const struct chat_id *id, struct text user,
			struct text password)
{
	(void)password;
	called(session, "user_password", user, 0);
	session->front->done(session, id);
}

void chat_users(struct session *session, const struct chat_id *id, struct text text, uint32_t limit,
		uint32_t offset)
{
	static const struct principal_view user = {.uri_length = 7, .uri = "sip:a@b"};
	struct buf list;

	called(session, "users", text, limit);
	buf_init(&list);
	session->front->account(&list, &user);
	session->front->accounts(session, id, &list, offset > 0);
	buf_fini(&list);
}

/* --- The calls of object.h. --- */

void object_category(struct session *session, const struct chat_id *id,
		     const struct object_key *key, const struct command_change *change,
		     const struct event_category *wanted)
{
	called(session, "category", wanted->name, change->fields);
	if (key == NULL)
		session->front->object->category_made(session, id, uuid_known);
	else
		session->front->done(session, id);
}

void object_addin(struct session *session, const struct chat_id *id, struct text addin,
		  const struct command_change *change, const struct event_addin *wanted)
{
	called(session, "addin", wanted->name, change->fields);
	if (addin.length == 0)
		session->front->object->addin_made(session, id, wanted->name);
	else
		session->front->done(session, id);
}

void object_room(struct session *session, const struct chat_id *id, const struct object_key *key,
		 const struct command_change *change, const struct event_room *wanted,
		 const struct object_key *category, struct text addin)
{
	(void)category;
	(void)addin;
	called(session, "room", wanted->name, change->fields);
	if (key == NULL)
		session->front->room_added(session, id, uuid_known);
	else
		session->front->done(session, id);
}

void object_remove(struct session *session, const struct chat_id *id, enum node_kind kind,
		   const struct object_key *key)
{
	called(session, "remove", key->by_name ? key->name : nothing, kind);
	session->front->done(session, id);
}

void object_roles(struct session *session, const struct chat_id *id, enum node_kind kind,
		  const struct object_key *key, const struct object_edits *edits)
{
	(void)key;
	(void)kind;
	called(session, "roles", edits->count > 0 ? edits->list[0].principal : nothing,
	       edits->count);
	session->front->done(session, id);
}

/* Three lists of two each. */
static void put_lists(struct session *session, struct buf *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++) {
		buf_init(&lists[i]);
		session->front->object->principal(&lists[i], (struct text){"*", 1});
		session->front->object->principal(&lists[i], (struct text){"sip:\"@b", 7});
	}
}

static void drop_lists(struct buf *lists)
{
	for (unsigned i = 0; i < OBJECT_LISTS; i++)
		buf_fini(&lists[i]);
}

void object_get(struct session *session, const struct chat_id *id, enum node_kind kind,
		const struct object_key *key)
{
	static const struct category_view category = {.name_length = 5, .name = "C\"\\\n\t"};
	static const struct room_view view = {.name_length = 5, .name = "Lobby"};
	static const struct object_room room = {.room = &view, .rights = 15};
	struct buf lists[OBJECT_LISTS];

	called(session, "get", key->by_name ? key->name : nothing, kind);
	put_lists(session, lists);
	if (kind == NODE_CATEGORY)
		session->front->object->category_whole(session, id, &category, lists, true);
	else
		session->front->object->room_whole(session, id, &room, lists, false);
	drop_lists(lists);
}

void object_list(struct session *session, const struct chat_id *id, enum object_list kind,
		 struct text text, uint32_t limit, uint32_t offset)
{
	static const struct category_view category = {.name_length = 1, .name = "c"};
	static const struct addin_view addin = {.name_length = 1, .name = "a"};
	static const struct principal_view group = {.uri_length = 8, .uri = "ma-grp:g"};
	const struct object_front *object = session->front->object;
	struct buf list;

	called(session, "list", text, limit);
	buf_init(&list);
	for (unsigned i = 0; i < 2; i++) {
		if (kind == OBJECT_CATEGORIES)
			object->category(session->chat, &list, &category);
		else if (kind == OBJECT_ADDINS)
			object->addin(&list, &addin);
		else
			object->group(&list, &group);
	}
	object->listed(session, id, kind, &list, offset > 0);
	buf_fini(&list);
}

void object_addin_get(struct session *session, const struct chat_id *id, struct text name)
{
	static const struct addin_view addin = {.name_length = 1, .name = "m"};

	called(session, "addin_get", name, 0);
	session->front->object->addin_whole(session, id, &addin);
}

void object_group_add(struct session *session, const struct chat_id *id, struct text uri,
		      struct text name, enum principal_kind kind)
{
	called(session, "group_add", name, kind);
	session->front->account_added(session, id, uri, 7);
}

void object_principal_get(struct session *session, const struct chat_id *id, struct text uri,
			  bool group)
{
	static const struct principal_view known[] = {
		{.uri_length = 7, .uri = "sip:a@b", .kind = PRINCIPAL_USER},
		{.uri_length = 8, .uri = "ma-grp:g", .kind = PRINCIPAL_GROUP}};
	struct buf lists[OBJECT_LISTS];

	called(session, "principal_get", uri, group);
	put_lists(session, lists);
	session->front->object->principal_whole(session, id, &known[group], lists, false);
	drop_lists(lists);
}

void object_group_edit(struct session *session, const struct chat_id *id, struct text uri,
		       const struct object_edits *edits)
{
	called(session, "group_edit", uri, edits->count);
	session->front->done(session, id);
}

void object_principal_state(struct session *session, const struct chat_id *id, struct text uri,
			    bool group, enum principal_state state)
{
	(void)group;
	called(session, "state", uri, state);
	session->front->done(session, id);
}

void object_principal_name(struct session *session, const struct chat_id *id, struct text uri,
			   bool group, struct text name)
{
	(void)uri;
	called(session, "name", name, group);
	session->front->done(session, id);
}

/* --- file.h and transfer.h: one file, whose bytes are their own offsets. --- */

enum { STUB_FILE = 100000, STUB_NAME = 13 };

static struct file_info stub_file(bool uploaded)
{
	return (struct file_info){.size = STUB_FILE,
				  .time = uploaded,
				  .expires = 2,
				  .name = {"plan \xc3\xa4 \".pdf", STUB_NAME},
				  .type = {"application/pdf", 15}};
}

static void grant(struct session *session, const struct chat_id *id, bool uploaded)
{
	static const uint8_t token[FILE_HASH] = {7};
	const struct file_info file = stub_file(uploaded);

	session->front->file->granted(session, id, &file, token);
}

void file_upload(struct session *session, const struct chat_id *id, const struct file_info *wanted)
{
	called(session, "upload", wanted->name, wanted->size);
	grant(session, id, false);
}

void file_download(struct session *session, const struct chat_id *id, const uint8_t room[16],
		   const uint8_t file[16])
{
	called(session, "download", nothing, (uint64_t)room[0] + file[0]);
	grant(session, id, true);
}

void file_remove(struct session *session, const struct chat_id *id, const uint8_t room[16],
		 const uint8_t file[16], bool lost)
{
	called(session, "file_remove", nothing, (uint64_t)room[0] + file[0] + lost);
	session->front->done(session, id);
}

void file_list(struct session *session, const struct chat_id *id, const struct object_key *room,
	       const struct file_page *page)
{
	called(session, "file_list", room->name,
	       (uint64_t)page->before[0] + page->limit + page->removed);
	session->front->found(session, id, "{}", 2);
}

void file_get(struct session *session, const struct chat_id *id, const uint8_t room[16],
	      const uint8_t file[16], bool removed)
{
	called(session, "file_get", nothing, (uint64_t)room[0] + file[0] + removed);
	session->front->found(session, id, "{}", 2);
}

/* Questions wait until stub_transfer answers them. */
struct transfer {
	struct chat *chat;
	const struct transfer_ops *ops;
	void *owner;
	uint64_t offset;
	uint32_t size;
	enum { NO_QUESTION, TOKEN_WANTED, BYTES_WANTED, BYTES_GIVEN, LAST_GIVEN } question;
};

struct transfer *transfer_new(struct session *session, const struct transfer_ops *ops, void *owner)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	transfer->chat = session->chat;
	transfer->ops = ops;
	transfer->owner = owner;
	session->chat->transfer = transfer;
	return transfer;
}

void transfer_free(struct transfer **transfer)
{
	if (*transfer != NULL)
		(*transfer)->chat->transfer = NULL;
	free(*transfer);
	*transfer = NULL;
}

static int wait_for_stub(struct transfer *transfer, int question)
{
	const int code = transfer->chat->transfer_code;

	if (code == CODE_OK)
		transfer->question = question;
	return code;
}

int transfer_token(struct transfer *transfer, const uint8_t token[FILE_HASH], bool upload)
{
	transfer->chat->call.number = token[0] + (unsigned)upload;
	return wait_for_stub(transfer, TOKEN_WANTED);
}

int transfer_read(struct transfer *transfer, uint64_t offset, uint32_t limit)
{
	transfer->offset = offset;
	transfer->size = limit;
	return wait_for_stub(transfer, BYTES_WANTED);
}

int transfer_write(struct transfer *transfer, uint64_t offset, const void *data, uint32_t size,
		   bool last)
{
	const uint8_t *bytes = data;

	for (uint32_t i = 0; i < size; i++)
		transfer->chat->spoiled |= bytes[i] != (uint8_t)((offset + i) % 251);
	if (offset != transfer->offset || size > TRANSFER_WRITE_MAX)
		abort();
	if (transfer->chat->transfer_code == CODE_OK)
		transfer->offset += size;
	return wait_for_stub(transfer, last ? LAST_GIVEN : BYTES_GIVEN);
}

void stub_transfer_code(struct stub *stub, int code)
{
	stub->chat->transfer_code = code;
}

static void give_bytes(struct transfer *transfer, int code)
{
	uint8_t *bytes = malloc(transfer->size);

	for (uint32_t i = 0; i < transfer->size; i++)
		bytes[i] = (uint8_t)((transfer->offset + i) % 251);
	transfer->ops->given(transfer->owner, code, bytes, transfer->size);
	free(bytes);
}

bool stub_transfer(struct stub *stub, int code)
{
	struct transfer *transfer = stub->chat->transfer;
	const int question = transfer == NULL ? NO_QUESTION : (int)transfer->question;
	const struct file_info file = stub_file(true);

	if (question == NO_QUESTION)
		return false;
	transfer->question = NO_QUESTION;
	if (question == TOKEN_WANTED)
		transfer->ops->known(transfer->owner, code, &file);
	else if (question == BYTES_WANTED)
		give_bytes(transfer, code);
	else
		transfer->ops->taken(transfer->owner, code,
				     question == LAST_GIVEN ? &file : NULL);
	event_base_loop(stub->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&stub->net);
	return true;
}

void stub_transfer_again(struct stub *stub)
{
	struct transfer *transfer = stub->chat->transfer;

	transfer->ops->again(transfer->owner);
	event_base_loop(stub->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	net_turn(&stub->net);
}

bool stub_spoiled(const struct stub *stub)
{
	return stub->chat->spoiled;
}

bool stub_transfers(const struct stub *stub)
{
	return stub->chat->transfer != NULL;
}
