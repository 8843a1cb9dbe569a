#include "worker/object_send.h"

#include <string.h>
#include <sys/random.h>
#include <unistr.h>

bool object_text_valid(struct text text, size_t least)
{
	size_t length = u8_mbsnlen((const uint8_t *)text.data, text.length);

	return length >= least && length <= CHAT_NAME_MAX && text.length <= EVENT_NAME_MAX &&
	       memchr(text.data, '\0', text.length) == NULL;
}

bool object_make_uuid(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return false;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return true;
}

int object_send(struct session *session, uint32_t tag, enum command_type type,
		const struct command_change *change, uint8_t *payload, uint32_t size)
{
	const struct command head = {.type = (uint16_t)type};

	if (size == 0)
		return CODE_INVALID_ARGUMENT;
	memcpy(payload, change, sizeof(*change));
	return chat_command(session->chat, &head, session->number, tag, payload,
			    OBJECT_HEAD + size);
}

int object_send_principal(struct session *session, uint32_t tag, uint32_t fields,
			  const struct event_principal *principal)
{
	const struct command_change change = {.fields = fields};
	uint8_t payload[OBJECT_PAYLOAD];
	uint32_t size = event_principal_put(principal, payload + OBJECT_HEAD,
					    sizeof(payload) - OBJECT_HEAD);

	return object_send(session, tag, COMMAND_PRINCIPAL, &change, payload, size);
}

void object_done(struct pending *pending, const struct outcome *outcome)
{
	struct request *request = (struct request *)pending;
	int code = outcome_code(outcome);

	if (code != CODE_OK) {
		request_refuse(request, code);
		return;
	}
	pending->session->front->done(pending->session, &request->id);
	request_end(request);
}
