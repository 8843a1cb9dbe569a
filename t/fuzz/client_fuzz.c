/*
 * What a server that is none of ours can send to pchat. The first byte says what the rest is; its parts
 * are separated by 0x01.
 *   j  JSON-RPC: messages that come while two calls are under way
 *   m  messages and pages of a room as they come: a number is that of a message, a list is a page
 *   s  what the server says to the first message of SCRAM-SHA-256 (before it is in base64)
 *   t  a text that somebody posted
 *   u  the answer to the upgrade, as its parts come
 */
#include <gsasl.h>
#include <jansson.h>
#include <string.h>

#include "daemon/client_merge.h"
#include "daemon/client_rpc.h"
#include "daemon/client_sasl.h"
#include "daemon/client_upgrade.h"
#include "daemon/pchat_text.h"
#include "fuzz.h"

struct part {
	const uint8_t *data;
	size_t size;
};

/* The next part; *rest is what follows it, NULL: nothing. */
static bool next_part(struct part *part_r, struct part *rest)
{
	const uint8_t *end;

	if (rest->data == NULL)
		return false;
	end = rest->size > 0 ? memchr(rest->data, 1, rest->size) : NULL;
	*part_r = (struct part){rest->data, end == NULL ? rest->size : (size_t)(end - rest->data)};
	rest->data = end == NULL ? NULL : end + 1;
	rest->size = end == NULL ? 0 : rest->size - part_r->size - 1;
	return true;
}

static char *text_of(const struct part *part)
{
	char *text = strndup((const char *)part->data, part->size);

	fuzz_check(text != NULL);
	return text;
}

/* --- JSON-RPC. --- */

struct calls {
	struct client_rpc *rpc;
	unsigned sent, answered;
};

static int rpc_send(void *ctx, const char *text, size_t length)
{
	struct calls *calls = ctx;

	fuzz_check(strlen(text) == length);
	calls->sent++;
	return 0;
}

static void rpc_notify(void *ctx, const char *method, const json_t *params)
{
	(void)ctx;
	fuzz_check(method != NULL && json_is_object(params));
}

static void rpc_reply(void *ctx, const json_t *result, int code, const char *text)
{
	struct calls *calls = ctx;

	fuzz_check(text != NULL && (result != NULL) == (code == 0));
	calls->answered++;
}

static void try_rpc(struct part rest)
{
	struct calls calls = {0};
	struct part part;
	struct err err;

	calls.rpc = client_rpc_new(rpc_send, rpc_notify, &calls);
	fuzz_check(calls.rpc != NULL);
	client_rpc_call(calls.rpc, "room.join", json_object(), rpc_reply, &calls);
	client_rpc_call(calls.rpc, "server.info", NULL, rpc_reply, &calls);
	while (next_part(&part, &rest))
		if (client_rpc_take(calls.rpc, (const char *)part.data, part.size, &err) == -1)
			break;
	client_rpc_drop(calls.rpc);
	fuzz_check(calls.answered == calls.sent);
	client_rpc_free(&calls.rpc);
}

/* --- The messages of a room. --- */

static void take(struct client_merge *merge, json_t *what)
{
	const json_t *last = json_array_get(what, json_array_size(what) - 1);

	if (json_is_array(what))
		client_merge_page(merge, what,
				  (uint64_t)json_integer_value(json_object_get(last, "seq")));
	else
		client_merge_add(merge, what);
	fuzz_check(merge->count <= CLIENT_HELD_MAX + CLIENT_PAGE_MAX);
}

/* A number as a message, and a list of them as a page. */
static json_t *message_of(json_t *value)
{
	json_t *page = json_array(), *item;
	size_t i;

	if (!json_is_array(value)) {
		json_decref(page);
		return json_pack("{s:O}", "seq", value);
	}
	json_array_foreach(value, i, item)
		json_array_append_new(page, json_pack("{s:O}", "seq", item));
	return page;
}

static void try_merge(struct part rest)
{
	struct client_merge merge;
	json_t *value, *what, *message;
	json_int_t before = 0;
	struct part part;

	client_merge_init(&merge);
	for (unsigned i = 0; next_part(&part, &rest); i++) {
		value = json_loadb((const char *)part.data, part.size, JSON_DECODE_ANY, NULL);
		what = value != NULL ? message_of(value) : NULL;
		if (what != NULL)
			take(&merge, what);
		if (i == 2)
			client_merge_start(&merge, 0);
		while ((message = client_merge_next(&merge)) != NULL) {
			const json_int_t seq =
				json_integer_value(json_object_get(message, "seq"));

			fuzz_check(seq > before);
			before = seq;
			json_decref(message);
		}
		json_decref(what);
		json_decref(value);
	}
	client_merge_fini(&merge);
}

/* --- The sign-in. --- */

static void try_sasl(const struct part *part)
{
	struct client_sasl *sasl;
	char *answer = NULL, *challenge;
	struct err err;

	sasl = client_sasl_new("SCRAM-SHA-256", "alice", "tuna on rye", &err);
	fuzz_check(sasl != NULL && client_sasl_step(sasl, NULL, &answer, &err) == 0);
	free(answer);
	fuzz_check(gsasl_base64_to((const char *)part->data, part->size, &challenge, NULL) ==
		   GSASL_OK);
	/* It cannot know the nonce. */
	fuzz_check(client_sasl_step(sasl, challenge, &answer, &err) == -1);
	gsasl_free(challenge);
	client_sasl_free(&sasl);
}

/* --- Text of others. --- */

/* No control character but what an indent brings along, and UTF-8, or jansson would not take it. */
static void check_shown(const char *shown, bool indented)
{
	json_t *string = json_string(shown);

	fuzz_check(string != NULL);
	for (const unsigned char *p = (const unsigned char *)shown; *p != '\0'; p++)
		fuzz_check((*p >= ' ' && *p != 0x7f && !(p[0] == 0xc2 && p[1] < 0xa0)) ||
			   (indented && *p == '\n' && p[1] == '|'));
	json_decref(string);
}

static void try_text(const struct part *part)
{
	char *text = text_of(part), *line = pchat_text_escape(text, NULL),
	     *lines = pchat_text_escape(text, "| "), *name = pchat_text_file_name(text);
	char time[PCHAT_TIME];
	const char *link = text;
	size_t length;

	fuzz_check(line != NULL && lines != NULL && name != NULL);
	check_shown(line, false);
	check_shown(lines, true);
	check_shown(name, false);
	fuzz_check(*name != '\0' && *name != '.' && *name != '-' && strchr(name, '/') == NULL &&
		   strlen(name) <= PCHAT_FILE_NAME_MAX);
	fuzz_check(strlen(pchat_text_time(text, false, time)) < PCHAT_TIME);
	while ((link = pchat_text_link(link, &length)) != NULL) {
		fuzz_check(length > 0 && length <= strlen(link));
		link += length;
	}
	free(text);
	free(line);
	free(lines);
	free(name);
}

static void try_upgrade(struct part rest)
{
	static const struct client_url url = {
		.tls = true, .host = "localhost", .port = "8010", .path = "/pchat"};
	static const unsigned char key[UPGRADE_KEY] = "the key of this";
	struct client_upgrade *upgrade;
	struct part part;
	struct err err;
	size_t used;

	upgrade = client_upgrade_new(&url, key, &err);
	fuzz_check(upgrade != NULL);
	for (int result = 0; result == 0 && next_part(&part, &rest);) {
		if (part.size == 0)
			continue; /* it is called when something has come */
		result = client_upgrade_take(upgrade, (const char *)part.data, part.size, &used,
					     &err);
		fuzz_check(used <= part.size);
	}
	client_upgrade_free(&upgrade);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part rest;

	if (size == 0 || size > 65536)
		return 0;
	rest = (struct part){data + 1, size - 1};
	switch (data[0]) {
	case 'j':
		try_rpc(rest);
		break;
	case 'm':
		try_merge(rest);
		break;
	case 's':
		try_sasl(&rest);
		break;
	case 't':
		try_text(&rest);
		break;
	default:
		try_upgrade(rest);
	}
	return 0;
}
