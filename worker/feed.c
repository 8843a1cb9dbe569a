#include "worker/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unicase.h>
#include <uninorm.h>
#include <uthash.h>

#include "shm/hash.h"

enum { SET = 4096 }; /* places of the set of a message's words: a power of two above FEED_TOKENS */

/* Words one behind the other, each by its hash: whoever does not know the key cannot make two that
 * agree. */
struct clause {
	uint16_t count;
	bool any, phrase;
	uint64_t word[FEED_WORDS];
	uint32_t longest; /* index of the word under which it is found */
};

struct feed {
	uint64_t id; /* principal and number */
	uint32_t author, room;
	uint64_t stamp; /* of the last message for which it was looked at */
	struct clause words, own;
	uint32_t name_length;
	char name[EVENT_FEED_NAME_MAX];
	UT_hash_handle hh;
};

/* The feeds that are found by one word, by one author, or by whose they are. */
struct entry {
	uint64_t key;
	uint32_t count, size;
	struct feed **feed; /* owned array of borrowed feeds */
	UT_hash_handle hh;
};

struct feeds {
	struct feed *table;  /* owned, by id */
	struct entry *index; /* owned, by key */
	uint8_t key[16];     /* of the hashes */
	uint64_t stamp;

	/* The message that is looked at. */
	uint32_t tokens;
	uint64_t token[FEED_TOKENS];
	uint64_t set[SET]; /* its words; 0: free */
};

static uint64_t id_of(uint32_t principal, uint32_t number)
{
	return (uint64_t)principal << 32 | number;
}

static uint64_t hash(const struct feeds *feeds, const void *data, size_t size)
{
	uint64_t value = hash_bytes(feeds->key, data, size);

	return value == 0 ? 1 : value;
}

/* What stands in the index for an author. */
static uint64_t author_key(const struct feeds *feeds, uint32_t author)
{
	const uint32_t key[2] = {author, UINT32_MAX};

	return hash(feeds, key, sizeof(key));
}

/* What stands there for a user's own feeds. */
static uint64_t owner_key(const struct feeds *feeds, uint32_t principal)
{
	const uint32_t key[2] = {principal, UINT32_MAX - 1};

	return hash(feeds, key, sizeof(key));
}

static uint32_t owner_of(const struct feed *feed)
{
	return (uint32_t)(feed->id >> 32);
}

/* --- Words. --- */

static bool is_word(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

static bool is_ascii(struct text text)
{
	for (uint32_t i = 0; i < text.length; i++)
		if ((uint8_t)text.data[i] >= 0x80)
			return false;
	return true;
}

/* The hash of one ASCII word in lower case. */
static uint64_t hash_word(const struct feeds *feeds, const char *word, uint32_t length)
{
	char lower[64];
	uint32_t n = length < sizeof(lower) ? length : (uint32_t)sizeof(lower);

	for (uint32_t i = 0; i < n; i++)
		lower[i] =
			(char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + ('a' - 'A') : word[i]);
	return hash(feeds, lower, n);
}

typedef bool word_fn(void *arg, uint64_t hash, uint32_t length); /* false: no more */

static void each_word_folded(const struct feeds *feeds, struct text text, word_fn *fn, void *arg)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < text.length; i = end + 1) {
		while (i < text.length && !is_word((uint8_t)text.data[i]))
			i++;
		for (end = i; end < text.length && is_word((uint8_t)text.data[end]);)
			end++;
		if (end > i && !fn(arg, hash_word(feeds, text.data + i, end - i), end - i))
			return;
	}
}

static void each_word(const struct feeds *feeds, struct text text, word_fn *fn, void *arg)
{
	size_t length = 0;
	uint8_t *folded;

	if (is_ascii(text)) {
		each_word_folded(feeds, text, fn, arg);
		return;
	}
	folded = u8_casefold((const uint8_t *)text.data, text.length, NULL, UNINORM_NFC, NULL,
			     &length);
	if (folded != NULL)
		each_word_folded(feeds, (struct text){(char *)folded, (uint32_t)length}, fn, arg);
	free(folded);
}

struct collect {
	struct clause *clause;
	uint32_t longest;
};

static bool collect_word(void *arg, uint64_t word, uint32_t length)
{
	struct collect *collect = arg;
	struct clause *clause = collect->clause;

	if (length > collect->longest) {
		collect->longest = length;
		clause->longest = clause->count;
	}
	clause->word[clause->count++] = word;
	return clause->count < FEED_WORDS;
}

static void clause_make(const struct feeds *feeds, struct clause *clause, struct text words)
{
	struct collect collect = {.clause = clause};

	each_word(feeds, words, collect_word, &collect);
}

/* --- The index. --- */

static struct entry *entry_get(struct feeds *feeds, uint64_t key)
{
	struct entry *entry;

	HASH_FIND(hh, feeds->index, &key, sizeof(key), entry);
	return entry;
}

static int entry_add(struct feeds *feeds, uint64_t key, struct feed *feed)
{
	struct entry *entry = entry_get(feeds, key);

	if (entry == NULL) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return -1;
		entry->key = key;
		HASH_ADD(hh, feeds->index, key, sizeof(entry->key), entry);
	}
	if (entry->count == entry->size) {
		uint32_t size = entry->size == 0 ? 2 : entry->size * 2;
		struct feed **larger = reallocarray(entry->feed, size, sizeof(struct feed *));

		if (larger == NULL)
			return -1;
		entry->feed = larger;
		entry->size = size;
	}
	entry->feed[entry->count++] = feed;
	return 0;
}

static void entry_remove(struct feeds *feeds, uint64_t key, const struct feed *feed)
{
	struct entry *entry = entry_get(feeds, key);

	if (entry == NULL)
		return;
	for (uint32_t i = 0; i < entry->count;)
		if (entry->feed[i] == feed)
			entry->feed[i] = entry->feed[--entry->count];
		else
			i++;
	if (entry->count > 0)
		return;
	HASH_DEL(feeds->index, entry);
	free(entry->feed);
	free(entry);
}

/* Does something for each key under which a feed is found; -1 as soon as that fails. */
static int each_key(struct feeds *feeds, struct feed *feed,
		    int (*fn)(struct feeds *feeds, uint64_t key, struct feed *feed))
{
	const struct clause *const clauses[] = {&feed->words, &feed->own};

	if (fn(feeds, owner_key(feeds, owner_of(feed)), feed) == -1)
		return -1;
	if (feed->words.count == 0 && feed->own.count == 0)
		return fn(feeds, author_key(feeds, feed->author), feed);
	for (unsigned c = 0; c < 2; c++) {
		const struct clause *clause = clauses[c];

		for (unsigned i = 0; i < clause->count; i++)
			if ((clause->any || i == clause->longest) &&
			    fn(feeds, clause->word[i], feed) == -1)
				return -1;
	}
	return 0;
}

static int unindex(struct feeds *feeds, uint64_t key, struct feed *feed)
{
	entry_remove(feeds, key, feed);
	return 0;
}

/* --- Making and changing. --- */

struct feeds *feeds_new(void)
{
	struct feeds *feeds = calloc(1, sizeof(*feeds));

	if (feeds != NULL &&
	    getrandom(feeds->key, sizeof(feeds->key), 0) != (ssize_t)sizeof(feeds->key)) {
		free(feeds);
		return NULL;
	}
	return feeds;
}

static void drop(struct feeds *feeds, struct feed *feed)
{
	(void)each_key(feeds, feed, unindex);
	HASH_DEL(feeds->table, feed);
	free(feed);
}

void feeds_free(struct feeds **feedsp)
{
	struct feeds *feeds = *feedsp;
	struct feed *feed, *next;

	if (feeds == NULL)
		return;
	HASH_ITER(hh, feeds->table, feed, next)
	drop(feeds, feed);
	free(feeds);
	*feedsp = NULL;
}

static struct feed *find(const struct feeds *feeds, uint32_t principal, uint32_t number)
{
	const uint64_t id = id_of(principal, number);
	struct feed *feed;

	HASH_FIND(hh, feeds->table, &id, sizeof(id), feed);
	return feed;
}

void feeds_remove(struct feeds *feeds, uint32_t principal, uint32_t number)
{
	struct feed *feed = find(feeds, principal, number);

	if (feed != NULL)
		drop(feeds, feed);
}

void feeds_forget(struct feeds *feeds, uint32_t principal)
{
	const uint64_t key = owner_key(feeds, principal);
	const struct entry *entry;

	while ((entry = entry_get(feeds, key)) != NULL && owner_of(entry->feed[0]) == principal)
		drop(feeds, entry->feed[0]);
}

int feeds_put(struct feeds *feeds, const struct feed_wish *wish)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	feeds_remove(feeds, wish->principal, wish->number);
	if (feed == NULL)
		return -1;
	feed->id = id_of(wish->principal, wish->number);
	feed->author = wish->author;
	feed->room = wish->room;
	feed->name_length =
		wish->name.length < sizeof(feed->name) ? wish->name.length : sizeof(feed->name);
	if (feed->name_length > 0)
		memcpy(feed->name, wish->name.data, feed->name_length);
	clause_make(feeds, &feed->words, wish->words);
	feed->words.any = wish->flags & FEED_ANY;
	feed->words.phrase = wish->flags & FEED_PHRASE;
	if (wish->flags & FEED_EGO)
		clause_make(feeds, &feed->own, wish->own);
	feed->own.phrase = true;
	HASH_ADD(hh, feeds->table, id, sizeof(feed->id), feed);
	if (each_key(feeds, feed, entry_add) == 0)
		return 0;
	drop(feeds, feed);
	return -1;
}

bool feeds_any(const struct feeds *feeds)
{
	return feeds != NULL && feeds->table != NULL;
}

/* --- Matching. --- */

/* The place of a word in the set, or the free one where it would stand. There are more places than
 * a message's words. */
static uint64_t *place_of(struct feeds *feeds, uint64_t word)
{
	uint32_t at = word & (SET - 1);

	while (feeds->set[at] != 0 && feeds->set[at] != word)
		at = (at + 1) & (SET - 1);
	return &feeds->set[at];
}

static bool take_token(void *arg, uint64_t word, uint32_t length)
{
	struct feeds *feeds = arg;

	(void)length;
	*place_of(feeds, word) = word;
	feeds->token[feeds->tokens++] = word;
	return feeds->tokens < FEED_TOKENS;
}

static void take_apart(struct feeds *feeds, struct text title, struct text text)
{
	/* Only what the last message wrote is cleared. */
	if (feeds->tokens > SET / 8)
		memset(feeds->set, 0, sizeof(feeds->set));
	else
		for (uint32_t i = 0; i < feeds->tokens; i++) {
			uint32_t at = feeds->token[i] & (SET - 1);

			while (feeds->set[at] != 0) {
				feeds->set[at] = 0;
				at = (at + 1) & (SET - 1);
			}
		}
	feeds->tokens = 0;
	each_word(feeds, title, take_token, feeds);
	if (feeds->tokens < FEED_TOKENS)
		each_word(feeds, text, take_token, feeds);
}

static bool has_phrase(const struct feeds *feeds, const struct clause *clause)
{
	for (uint32_t i = 0; i + clause->count <= feeds->tokens; i++)
		if (memcmp(&feeds->token[i], clause->word,
			   clause->count * sizeof(clause->word[0])) == 0)
			return true;
	return false;
}

/* It may have been found by a word of the feed's other clause. */
static bool has_words(struct feeds *feeds, const struct clause *clause)
{
	unsigned found = 0;

	if (clause->count == 0)
		return false;
	if (clause->phrase)
		return has_phrase(feeds, clause);
	for (unsigned i = 0; i < clause->count; i++)
		found += *place_of(feeds, clause->word[i]) != 0;
	return clause->any ? found > 0 : found == clause->count;
}

struct matching {
	uint32_t room, author;
	unsigned looked, count;
	struct feed_match *list;
	bool cut;
};

static void consider(struct feeds *feeds, struct feed *feed, struct matching *m)
{
	const bool wordless = feed->words.count == 0 && feed->own.count == 0;
	const uint32_t principal = (uint32_t)(feed->id >> 32);

	if (feed->stamp == feeds->stamp)
		return;
	feed->stamp = feeds->stamp;
	if (principal == m->author || (feed->author != 0 && feed->author != m->author) ||
	    (feed->room != 0 && feed->room != m->room))
		return;
	if (!wordless && !has_words(feeds, &feed->words) && !has_words(feeds, &feed->own))
		return;
	if (m->count == FEED_MATCHES) {
		m->cut = true;
		return;
	}
	m->list[m->count++] = (struct feed_match){.principal = principal,
						  .number = (uint32_t)feed->id,
						  .name = {feed->name, feed->name_length}};
}

static void consider_all(struct feeds *feeds, uint64_t key, struct matching *m)
{
	const struct entry *entry = entry_get(feeds, key);

	for (uint32_t i = 0; entry != NULL && i < entry->count; i++) {
		if (m->looked++ >= FEED_CANDIDATES) {
			m->cut = true;
			return;
		}
		consider(feeds, entry->feed[i], m);
	}
}

static int by_user(const void *a, const void *b)
{
	const struct feed_match *x = a, *y = b;
	const uint64_t xid = id_of(x->principal, x->number), yid = id_of(y->principal, y->number);

	return xid < yid ? -1 : xid > yid;
}

unsigned feeds_match(struct feeds *feeds, uint32_t room, uint32_t author, struct text title,
		     struct text text, struct feed_match *list, bool *cut_r)
{
	struct matching m = {.room = room, .author = author, .list = list};

	feeds->stamp++;
	take_apart(feeds, title, text);
	consider_all(feeds, author_key(feeds, author), &m);
	for (uint32_t i = 0; i < feeds->tokens && !m.cut; i++)
		consider_all(feeds, feeds->token[i], &m);
	if (m.count > 1)
		qsort(list, m.count, sizeof(*list), by_user);
	*cut_r = m.cut;
	return m.count;
}
