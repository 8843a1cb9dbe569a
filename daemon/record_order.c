#include "daemon/record_order.h"

#include <string.h>

#include "conf/clock.h"

static bool take_text(struct db_bytes value, struct db_bytes *text)
{
	if (text->length > 0 || value.length == 0)
		return false;
	*text = value;
	return true;
}

static bool take_time(struct db_bytes value, uint64_t *time)
{
	return *time == 0 && clock_parse(value.data, value.length, time);
}

static bool take(struct record_order *order, struct db_bytes name, struct db_bytes value)
{
	const struct {
		const char *name;
		struct db_bytes *text;
		uint64_t *time;
	} members[] = {
		{"name", &order->name, NULL},	{"user", &order->user, NULL},
		{"room", &order->room, NULL},	{"reason", &order->reason, NULL},
		{"start", NULL, &order->start}, {"end", NULL, &order->end},
		{"until", NULL, &order->until},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (name.length != strlen(members[i].name) ||
		    memcmp(name.data, members[i].name, name.length) != 0)
			continue;
		return members[i].text ? take_text(value, members[i].text)
				       : take_time(value, members[i].time);
	}
	return false;
}

bool record_order_parse(struct db_bytes text, struct record_order *order_r)
{
	const char *at = text.data, *end = at + text.length;

	*order_r = (struct record_order){0};
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const char *colon = line_end ? memmem(at, (size_t)(line_end - at), ": ", 2) : NULL;

		if (!colon)
			return false;
		if (!take(order_r, (struct db_bytes){at, (size_t)(colon - at)},
			  (struct db_bytes){colon + 2, (size_t)(line_end - colon - 2)}))
			return false;
		at = line_end + 1;
	}
	return order_r->name.length <= RECORD_ORDER_NAME &&
	       order_r->reason.length <= RECORD_ORDER_REASON;
}
