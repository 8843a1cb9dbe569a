#include "config.h"

#include "t/bench/load_check.h"

#include <stdlib.h>
#include <string.h>

struct room_seen {
	uint64_t base;	/* the first number that was seen */
	uint32_t *mark; /* owned: by number, a hash of seat and post; 0: not seen */
	size_t size;
};

struct load_check {
	unsigned rooms;
	struct room_seen room[];
};

struct load_check *load_check_new(unsigned rooms)
{
	struct load_check *check = calloc(1, sizeof(*check) + rooms * sizeof(check->room[0]));
	if (check)
		check->rooms = rooms;
	return check;
}

void load_check_free(struct load_check **check)
{
	for (unsigned i = 0; *check && i < (*check)->rooms; i++)
		free((*check)->room[i].mark);
	free(*check);
	*check = NULL;
}

static bool grow(struct room_seen *room, size_t place)
{
	size_t size = room->size ? room->size : 256;
	while (size <= place)
		size *= 2;
	uint32_t *mark = reallocarray(room->mark, size, sizeof(*mark));
	if (!mark)
		return false;
	memset(mark + room->size, 0, (size - room->size) * sizeof(*mark));
	room->mark = mark;
	room->size = size;
	return true;
}

bool load_check_agrees(struct load_check *check, uint32_t room_index, uint64_t seq, uint32_t seat,
		       uint32_t number)
{
	struct room_seen *room = &check->room[room_index];
	uint32_t mark = ((seat * 2654435761u) ^ (number * 2246822519u)) | 1;
	if (!room->mark)
		room->base = seq > 4096 ? seq - 4096 : 0;
	if (seq < room->base)
		return true; /* far older than all others: nothing to compare it with */
	size_t place = (size_t)(seq - room->base);
	if (place >= room->size && !grow(room, place))
		return true;
	if (room->mark[place] == 0)
		room->mark[place] = mark;
	return room->mark[place] == mark;
}

bool load_set_has(const struct load_set *set, uint32_t number)
{
	return number / 64 < set->words && (set->word[number / 64] >> number % 64 & 1);
}

bool load_set_add(struct load_set *set, uint32_t number)
{
	if (load_set_has(set, number))
		return false;
	if (number / 64 >= set->words) {
		size_t words = (number / 64 + 1) * 2;
		uint64_t *word = reallocarray(set->word, words, sizeof(*word));
		if (!word)
			return true;
		memset(word + set->words, 0, (words - set->words) * sizeof(*word));
		set->word = word;
		set->words = words;
	}
	set->word[number / 64] |= UINT64_C(1) << number % 64;
	return true;
}
