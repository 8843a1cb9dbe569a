#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/ctl_import.h"
#include "daemon/ctl_link.h"

enum {
	ANSWER_US = 30000000,
	PAUSE_US = 50000,
	BROKEN_US = 500000,
	PATIENCE_US = 120000000, /* without a single line that gets through */
	FIRST = 64 << 10,
	ANSWERS_MAX = 16 << 20,
};

void import_sender_init(struct import_sender *sender, const struct ctl *ctl)
{
	memset(sender, 0, sizeof(*sender));
	sender->ctl = ctl;
}

void import_sender_clear(struct import_sender *sender)
{
	for (unsigned i = 0; i < sender->count; i++)
		json_decref(sender->item[i].params);
	sender->count = 0;
	sender->bytes = 0;
}

static void hang_up(struct import_sender *sender)
{
	ctl_link_free(&sender->link);
	sender->used = 0;
}

void import_sender_fini(struct import_sender *sender)
{
	import_sender_clear(sender);
	hang_up(sender);
	free(sender->data);
	sender->data = NULL;
}

/* --- Requests. --- */

static bool send_item(const struct import_sender *sender, unsigned number)
{
	const uint64_t until = clock_mono() + ANSWER_US;
	json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", (int)number,
				    "method", "data.import", "params", sender->item[number].params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	const bool sent =
		text &&
		ctl_link_write(sender->ctl, sender->link, text, strlen(text), until) == EX_OK &&
		ctl_link_write(sender->ctl, sender->link, "\n", 1, until) == EX_OK;

	free(text);
	json_decref(request);
	return sent;
}

/* --- Answers. --- */

static void take_answer(struct import_sender *sender, const char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	const json_t *id = json_object_get(answer, "id");
	const json_t *result = json_object_get(answer, "result");
	const json_t *error = json_object_get(answer, "error");
	const json_int_t number = json_integer_value(id);
	struct import_item *item;

	if (json_is_integer(id) && number >= 0 && number < (json_int_t)sender->count &&
	    (result || error)) {
		item = &sender->item[number];
		item->answered = true;
		item->made = json_is_true(json_object_get(result, "made"));
		item->code =
			error ? (int)json_integer_value(json_object_get(error, "code")) : CODE_OK;
	}
	json_decref(answer);
}

static void take_lines(struct import_sender *sender)
{
	size_t begin = 0;
	char *end;

	while (begin < sender->used &&
	       (end = memchr(sender->data + begin, '\n', sender->used - begin))) {
		take_answer(sender, sender->data + begin, (size_t)(end - sender->data) - begin);
		begin = (size_t)(end - sender->data) + 1;
	}
	sender->used -= begin;
	memmove(sender->data, sender->data + begin, sender->used);
}

static bool make_space(struct import_sender *sender)
{
	const size_t size = sender->size ? sender->size * 2 : FIRST;
	char *data;

	if (sender->size - sender->used > 0)
		return true;
	data = size <= ANSWERS_MAX ? realloc(sender->data, size) : NULL;
	if (!data)
		return false;
	sender->data = data;
	sender->size = size;
	return true;
}

static bool receive(struct import_sender *sender)
{
	size_t count;

	if (!make_space(sender) ||
	    ctl_link_read(sender->ctl, sender->link, sender->data + sender->used,
			  sender->size - sender->used, clock_mono() + ANSWER_US, &count) != EX_OK)
		return false;
	sender->used += count;
	take_lines(sender);
	return true;
}

/* --- Until all is answered. --- */

static bool may_repeat(int code)
{
	return code == CODE_BUSY || code == CODE_TIMEOUT || code == CODE_UNAVAILABLE ||
	       code == CODE_NOT_SIGNED_IN;
}

static unsigned unanswered(const struct import_sender *sender)
{
	unsigned left = 0;

	for (unsigned i = 0; i < sender->count; i++)
		left += !sender->item[i].answered;
	return left;
}

/* Everything that is to be sent, in order, and what comes back. False: the connection broke. */
static bool exchange(struct import_sender *sender)
{
	if (!sender->link && ctl_link_open(sender->ctl, &sender->link) != EX_OK)
		return false;
	for (unsigned i = 0; i < sender->count; i++)
		if (!sender->item[i].answered && !send_item(sender, i))
			return false;
	while (unanswered(sender) > 0)
		if (!receive(sender))
			return false;
	return true;
}

/* Lets what may be repeated be sent again. How many that are. */
static unsigned repeat(struct import_sender *sender)
{
	unsigned count = 0;

	for (unsigned i = 0; i < sender->count; i++) {
		if (sender->item[i].answered && may_repeat(sender->item[i].code))
			sender->item[i].answered = false;
		count += !sender->item[i].answered;
	}
	return count;
}

int import_send(struct import_sender *sender)
{
	uint64_t since = clock_mono();
	unsigned left = sender->count, before;

	while (left > 0) {
		const bool broken = !exchange(sender);

		if (broken)
			hang_up(sender);
		before = left;
		left = repeat(sender);
		if (left < before)
			since = clock_mono();
		else if (clock_mono() - since > PATIENCE_US)
			return ctl_fail(sender->ctl, EX_TEMPFAIL,
					"the server does not take line %llu: it is down or too "
					"busy; the same import can be repeated",
					(unsigned long long)sender->item[0].line);
		if (left > 0)
			usleep(broken ? BROKEN_US : PAUSE_US);
	}
	return EX_OK;
}
