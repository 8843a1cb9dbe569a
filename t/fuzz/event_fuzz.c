/*
 * Bytes as the payload of an event: the first says which. What is accepted is within its bounds, and
 * put together again it is what was taken apart.
 */
#include <string.h>

#include "fuzz.h"
#include "shm/event.h"

struct payload {
	const uint8_t *begin;
	uint32_t size;
};

enum { OUT = EVENT_PAYLOAD_MAX + 1 };
static uint8_t out[OUT], again[OUT];

static void check_text(const struct payload *payload, struct text text, uint32_t max)
{
	const uint8_t *data = (const uint8_t *)text.data;

	fuzz_check(text.length <= max);
	fuzz_check(data >= payload->begin &&
		   text.length <= payload->size - (size_t)(data - payload->begin));
	fuzz_check(text.length == 0 || memchr(data, 0, text.length) == NULL);
}

/* Reserved bytes are not kept: what was put once has to be what is put again. `texts` checks them. */
#define TRY(name, texts)                                                                           \
	static void try_##name(const struct payload *p)                                            \
	{                                                                                          \
		struct event_##name e;                                                             \
		uint32_t size;                                                                     \
                                                                                                   \
		if (!event_##name##_parse(p->begin, p->size, &e))                                  \
			return;                                                                    \
		texts;                                                                             \
		size = event_##name##_put(&e, out, OUT);                                           \
		fuzz_check(size == p->size);                                                       \
		fuzz_check(event_##name##_put(&e, again, size - 1) == 0);                          \
		fuzz_check(event_##name##_parse(out, size, &e));                                   \
		fuzz_check(event_##name##_put(&e, again, OUT) == size);                            \
		fuzz_check(memcmp(out, again, size) == 0);                                         \
		fuzz_check(!event_##name##_parse(out, size - 1, &e));                              \
	}

static void check_message(const struct payload *p, const struct event_message *e)
{
	const struct text body = event_message_body(e);

	check_text(p, e->id, EVENT_MESSAGE_ID_MAX);
	check_text(p, e->title, EVENT_TITLE_MAX);
	check_text(p, e->text, EVENT_TEXT_MAX);
	check_text(p, e->rich_type, EVENT_RICH_TYPE_MAX);
	check_text(p, e->rich, EVENT_TEXT_MAX - e->text.length);
	check_text(p, body, EVENT_PAYLOAD_MAX);
}

TRY(principal, {
	check_text(p, e.uri, EVENT_URI_MAX);
	check_text(p, e.name, EVENT_NAME_MAX);
})
TRY(room, {
	check_text(p, e.name, EVENT_NAME_MAX);
	check_text(p, e.description, EVENT_DESCRIPTION_MAX);
})
TRY(category, {
	check_text(p, e.name, EVENT_NAME_MAX);
	check_text(p, e.description, EVENT_DESCRIPTION_MAX);
})
TRY(addin, {
	check_text(p, e.name, EVENT_ADDIN_NAME_MAX);
	check_text(p, e.url, EVENT_ADDIN_URL_MAX);
})
TRY(role, fuzz_check(e.role <= ROLE_PRESENTER && e.present <= 1))
TRY(affiliation, fuzz_check(e.present <= 1))
TRY(removed, fuzz_check(e.kind >= NODE_CATEGORY && e.kind <= NODE_ADDIN))
TRY(person, {
	check_text(p, e.name, EVENT_FEED_NAME_MAX);
	check_text(p, e.text, EVENT_WORDS_MAX);
})
TRY(setting, {
	check_text(p, e.scope, EVENT_SCOPE_MAX);
	check_text(p, e.name, EVENT_SETTING_MAX);
	check_text(p, e.value, EVENT_VALUE_MAX);
})
TRY(grant, check_text(p, e.policy, EVENT_POLICY_MAX))
TRY(session, {
	check_text(p, e.address, EVENT_ADDRESS_MAX);
	check_text(p, e.name, EVENT_ADMIN_NAME_MAX);
})
TRY(rooms, fuzz_check(e.count > 0 && e.count <= EVENT_ROOMS_MAX))
TRY(message, check_message(p, &e))
TRY(replacement, check_text(p, e.text, EVENT_TEXT_MAX))
TRY(history, {
	if (e.what == HISTORY_MESSAGE)
		check_message(p, &e.message);
})
TRY(view, check_text(p, e.request, EVENT_REQUEST_MAX))
TRY(refused, {
	check_text(p, e.user, EVENT_URI_MAX);
	check_text(p, e.address, EVENT_ADDRESS_MAX);
})
TRY(file, {
	check_text(p, e.name, EVENT_FILE_NAME_MAX);
	check_text(p, e.type, EVENT_FILE_TYPE_MAX);
})

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const struct payload *p) = {
		try_principal, try_room,    try_category,    try_addin,	  try_role, try_affiliation,
		try_removed,   try_person,  try_setting,     try_grant,	  try_session,
		try_message,   try_replacement, try_history, try_view, try_refused, try_file,
		try_rooms,
	};

	if (size > 0) {
		const struct payload payload = {data + 1, (uint32_t)(size - 1)};

		tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](&payload);
	}
	return 0;
}
