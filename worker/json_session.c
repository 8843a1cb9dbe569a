#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "worker/json_peer.h"
#include "worker/json_text.h"
#include "worker/scoped.h"

/* What anybody may call: server.info and signing in. */

enum { BASE64_MAX = 16384, MECHANISM_MAX = 40 };

struct bytes {
	uint8_t *data; /* owned */
	size_t size;
};

/* base64 with padding (RFC 4648). */
static int decode(struct text text, struct bytes *bytes_r)
{
	int size;

	if (text.length > BASE64_MAX || text.length % 4 != 0)
		return CODE_INVALID_ARGUMENT;
	bytes_r->data = malloc(text.length / 4 * 3 + 1);
	if (bytes_r->data == NULL)
		return CODE_BUSY;
	size = EVP_DecodeBlock(bytes_r->data, (const unsigned char *)text.data, (int)text.length);
	if (size < 0)
		return CODE_INVALID_ARGUMENT;
	bytes_r->size = (size_t)size;
	for (uint32_t i = text.length; i > 0 && text.data[i - 1] == '=' && bytes_r->size > 0; i--)
		bytes_r->size--;
	return CODE_OK;
}

static int get_data(const json_t *params, struct bytes *bytes_r)
{
	struct text text = {"", 0};
	int code = json_get_text(params, "data", false, &text);

	return code != CODE_OK || text.length == 0 ? code : decode(text, bytes_r);
}

static void bytes_fini(struct bytes *bytes)
{
	if (bytes->data != NULL)
		explicit_bzero(bytes->data, bytes->size);
	free(bytes->data);
}

static int auth_start(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct bytes data = {0};
	struct text mechanism;
	int code;

	if (peer->local)
		return CODE_METHOD_NOT_FOUND;
	code = json_get_text(params, "mechanism", true, &mechanism);
	if (code == CODE_OK && mechanism.length > MECHANISM_MAX)
		code = CODE_INVALID_ARGUMENT;
	if (code == CODE_OK)
		code = get_data(params, &data);
	if (code == CODE_OK)
		chat_sign_in(&peer->session, id, mechanism.data, data.data, data.size);
	bytes_fini(&data);
	return code;
}

static int auth_step(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct bytes data = {0};
	int code;

	if (peer->local)
		return CODE_METHOD_NOT_FOUND;
	code = get_data(params, &data);
	if (code == CODE_OK)
		chat_sign_in_step(&peer->session, id, data.data, data.size);
	bytes_fini(&data);
	return code;
}

static int auth_resume(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	struct chat_join joins[CHAT_JOIN_MAX];
	struct text token;
	unsigned count;
	int code;

	if (peer->local)
		return CODE_METHOD_NOT_FOUND;
	code = json_get_text(params, "token", true, &token);
	if (code == CODE_OK && (token.length == 0 || token.length > BASE64_MAX / 2))
		code = CODE_INVALID_TOKEN;
	if (code == CODE_OK)
		code = json_get_joins(peer, params, joins, &count);
	if (code == CODE_OK)
		chat_resume(&peer->session, id, token, joins, count);
	return code;
}

static int auth_logout(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	(void)params;
	if (peer->local)
		return CODE_METHOD_NOT_FOUND;
	if (peer->session.state != SESSION_OPEN)
		return CODE_NOT_SIGNED_IN;
	peer->session.front->done(&peer->session, id);
	peer->signed_out = true;
	return CODE_OK;
}

static void put_limit(struct buf *buf, const char *name, uint64_t value)
{
	json_put_string(buf, name, strlen(name));
	buf_char(buf, ':');
	buf_number(buf, value);
}

static void put_limits(struct buf *buf, const struct conf *conf,
		       const struct scoped_effective *effective)
{
	buf_string(buf, ",\"limits\":{");
	put_limit(buf, "message_size", conf->limits.message_size);
	buf_char(buf, ',');
	put_limit(buf, "story_size", conf->limits.story_size);
	buf_char(buf, ',');
	put_limit(buf, "rich_size", conf->limits.rich_size);
	buf_char(buf, ',');
	put_limit(buf, "frame_size", conf->json.frame_size);
	buf_char(buf, ',');
	put_limit(buf, "rooms_per_session", conf->limits.rooms_per_session);
	buf_char(buf, ',');
	put_limit(buf, "history", effective->history);
	buf_char(buf, ',');
	put_limit(buf, "history_page", CHAT_PAGE_MAX);
	buf_char(buf, ',');
	put_limit(buf, "search", CHAT_SEARCH_MAX);
	buf_char(buf, ',');
	put_limit(buf, "found", conf->limits.search);
	buf_char(buf, ',');
	put_limit(buf, "participant_update_limit", effective->participant_update_limit);
	buf_char(buf, ',');
	put_limit(buf, "file_size", effective->file_size);
	buf_char(buf, ',');
	put_limit(buf, "name", CHAT_NAME_MAX);
	buf_char(buf, ',');
	put_limit(buf, "id", EVENT_MESSAGE_ID_MAX);
	buf_char(buf, '}');
}

static void put_administrator(struct buf *buf, const struct session *session)
{
	const char *name = session->name == NULL ? "" : session->name;
	const char *role = admin_role_name(session->role);

	buf_string(buf, ",\"administrator\":");
	json_put_string(buf, name, strlen(name));
	buf_string(buf, ",\"role\":");
	json_put_string(buf, role, strlen(role));
}

static void put_mechanisms(struct buf *buf, const struct conf_list *mechanisms)
{
	buf_string(buf, ",\"mechanisms\":[");
	for (unsigned i = 0; i < mechanisms->count; i++) {
		if (i > 0)
			buf_char(buf, ',');
		json_put_string(buf, mechanisms->item[i], strlen(mechanisms->item[i]));
	}
	buf_char(buf, ']');
}

/* The pool, and where rooms are managed if not here. */
static void put_pool(struct buf *buf, const struct conf *conf,
		     const struct scoped_effective *effective)
{
	const struct text pool = scoped_pool(conf);

	buf_string(buf, ",\"pool\":{\"pool\":");
	json_put_string(buf, pool.data, pool.length);
	buf_string(buf, ",\"name\":");
	json_put_string(buf, effective->pool_name, strlen(effective->pool_name));
	buf_string(buf, ",\"state\":");
	json_put_string(buf, effective->state, strlen(effective->state));
	buf_char(buf, '}');
	if (*effective->room_management_url == '\0')
		return;
	buf_string(buf, ",\"room_management_url\":");
	json_put_string(buf, effective->room_management_url,
			strlen(effective->room_management_url));
}

static int server_info(struct json_peer *peer, const struct chat_id *id, const json_t *params)
{
	const struct scoped_effective *effective = scoped_effective(peer->session.chat);
	const struct conf *conf = chat_conf(peer->session.chat);
	struct buf buf;

	(void)params;
	buf_init(&buf);
	json_result(&buf, id);
	buf_string(&buf, "{\"name\":\"pchat\",\"version\":\"" PACKAGE_VERSION
			 "\",\"protocol\":\"pchat.v1\",\"domain\":");
	json_put_string(&buf, conf->domain, strlen(conf->domain));
	buf_string(&buf, ",\"time\":");
	json_put_time(&buf, clock_utc());
	put_mechanisms(&buf, &conf->auth.mechanisms);
	if (peer->session.admin)
		put_administrator(&buf, &peer->session);
	put_limits(&buf, conf, effective);
	buf_string(&buf, *conf->files.directory ? ",\"files\":true" : ",\"files\":false");
	put_pool(&buf, conf, effective);
	buf_char(&buf, '}');
	json_finish(&peer->session, &buf);
	return CODE_OK;
}

const struct json_method json_session_methods[] = {
	{"server.info", JSON_ANYBODY, server_info}, {"auth.start", JSON_ANYBODY, auth_start},
	{"auth.step", JSON_ANYBODY, auth_step},	    {"auth.resume", JSON_ANYBODY, auth_resume},
	{"auth.logout", JSON_ANYBODY, auth_logout}, {NULL, JSON_ANYBODY, NULL},
};
