#include "worker/page.h"

#include <string.h>

#include "conf/clock.h"

enum {
	TRIES = 3, /* while others write, the cache may lose what the page was to join */
	GAP_RETRY_US = 200000, /* after which the database is asked once more, */
	GAPS_MAX = 10,	       /* for two seconds, as in lookup.h */
	SENDER_GUESS = 64,     /* bytes of a message's sender, mostly */
};

/* As many as are wanted with one in the middle, as far as the room's two ends let it be there. */
static void set_around(struct page *page, const struct chat_range *range, uint64_t last)
{
	const uint64_t middle = range->around < last ? range->around : last;
	const uint64_t half = range->limit / 2;

	page->low = middle > half ? middle - half : 1;
	page->high = page->low + range->limit - 1;
	if (page->high > last) {
		page->high = last;
		page->low = last > range->limit ? last - range->limit + 1 : 1;
	}
	page->more = page->low > 1 || page->high < last;
}

void page_init(struct page *page, const struct room_view *room, const struct chat_range *range,
	       uint64_t last, uint64_t upto)
{
	uint64_t low = range->after + 1, high = last;

	memset(page, 0, sizeof(*page));
	page->room = room->id;
	memcpy(page->uuid, room->uuid, sizeof(page->uuid));
	page->upto = upto;
	page->removal = room->removal;
	page->low = 1;
	if (range->around > 0) {
		set_around(page, range, last);
		return;
	}
	if (range->after == UINT64_MAX || range->before == 0)
		return;
	if (high > range->before - 1)
		high = range->before - 1;
	if (low <= high && high - low >= range->limit) {
		page->more = true;
		if (range->from_oldest)
			high = low + range->limit - 1;
		else
			low = high - range->limit + 1;
	}
	page->low = low;
	page->high = high;
}

struct chat_span page_span(const struct page *page)
{
	return (struct chat_span){
		.first = page->low,
		.last = page->low > page->high ? page->low - 1 : page->high,
		.more = page->more,
	};
}

/* The part of low to high that the cache has without a gap up to high: its views, and the first
 * number of it (high + 1 if there is none). CODE_OK or CODE_BUSY. */
static int look(const struct page *page, struct chat *chat, uint64_t low, unsigned *count_r,
		uint64_t *first_r)
{
	unsigned limit = (unsigned)(page->high - low + 1);
	int code = cache_history(chat->cache, page->room, low - 1, page->high + 1, page->upto,
				 chat->views, limit, chat->texts, chat->texts_size, count_r);

	*first_r = page->high + 1;
	if (code != CODE_OK)
		return code;
	if (*count_r > 0 && chat->views[*count_r - 1].seq == page->high)
		*first_r = chat->views[0].seq;
	else
		*count_r = 0;
	return CODE_OK;
}

static int write_rows(const struct page *page, struct session *session, unsigned count,
		      struct buf *rows)
{
	struct chat *chat = session->chat;

	for (unsigned i = 0; i < count; i++) {
		const struct message_view *view = &chat->views[i];
		struct chat_message message = {
			.seq = view->seq,
			.time = view->time,
			.title = view->title,
			.text = view->text,
			.rich_type = view->rich_type,
			.rich = view->rich,
			.id = {view->id, view->id_length},
			.alert = (view->flags & EVENT_ALERT) != 0,
			.replaced = (view->flags & EVENT_REPLACED) != 0,
		};
		struct name_view name;

		if (view->flags & EVENT_GONE)
			continue;
		if (names_get(&chat->names, chat->cache, view->author, &name) == CODE_BUSY)
			return CODE_BUSY;
		memcpy(message.room, page->uuid, sizeof(message.room));
		message.from = name.uri;
		message.name = name.name;
		session->front->row(rows, &message);
	}
	return CODE_OK;
}

/* What is busy is tried again after a moment, from the beginning. */
static enum page_result failed(struct page *page, struct pending *pending, struct buf *rows,
			       int code, int *code_r)
{
	if (code == CODE_BUSY && pending_try_again(pending, &page->busy)) {
		buf_fini(rows);
		page->resting = true;
		return PAGE_WAITS;
	}
	*code_r = code;
	return PAGE_FAILED;
}

/* Where the store stands: what happened below that LSN is in the database. */
static uint64_t store_cursor(const struct chat *chat)
{
	return atomic_load_explicit(&chat->proc->page[SLOT_STORE]->cursor, memory_order_acquire);
}

/* The database does not have everything yet: it is asked again after a moment. */
static enum page_result wait_for_store(struct page *page, struct pending *pending, struct buf *rows,
				       int *code_r)
{
	if (page->gaps == GAPS_MAX)
		return failed(page, pending, rows, CODE_UNAVAILABLE, code_r);
	page->gaps++;
	page->resting = true;
	pending_until(&pending->session->chat->pending, pending, clock_mono() + GAP_RETRY_US);
	return PAGE_WAITS;
}

static int ask_reader(struct page *page, struct pending *pending, uint64_t cursor)
{
	struct chat *chat = pending->session->chat;
	const struct ask_history question = {
		.asked = cursor,
		.room = page->room,
		.limit = (uint16_t)(page->asked - page->low + 1),
		.fill = page->fill,
		.after = page->low - 1,
		.before = page->asked + 1,
	};
	const struct text part = {(const char *)&question, sizeof(question)};
	int code = chat_ask(chat, chat->questions, ASK_HISTORY, pending, &part, 1, -1);

	if (code == CODE_OK)
		pending_until(&chat->pending, pending, chat_answer_limit(chat));
	return code;
}

enum page_result page_begin(struct page *page, struct pending *pending, struct buf *rows,
			    int *code_r)
{
	struct session *session = pending->session;
	struct chat *chat = session->chat;
	const uint64_t cursor = store_cursor(chat);
	const bool whole = buf_used(rows) == 0; /* nothing stands before the rows */
	uint32_t version;
	uint64_t first;
	unsigned count;
	int code;

	if (page->low > page->high)
		return PAGE_DONE;
	/* The version from before the rows are read: if it moves meanwhile they are not found. */
	code = cache_room_version(chat->cache, page->room, &version);
	if (code == CODE_OK && whole && kept_get(&chat->kept, session->front, page, version, rows))
		return PAGE_DONE;
	if (code == CODE_OK)
		code = look(page, chat, page->low, &count, &first);
	if (code != CODE_OK)
		return failed(page, pending, rows, code, code_r);
	if (first > page->low && page->removal >= cursor)
		return wait_for_store(page, pending, rows, code_r);
	if (first > page->low) {
		page->asked = first - 1;
		code = ask_reader(page, pending, cursor);
		return code == CODE_OK ? PAGE_WAITS : failed(page, pending, rows, code, code_r);
	}
	code = write_rows(page, session, count, rows);
	if (code != CODE_OK)
		return failed(page, pending, rows, code, code_r);
	if (whole)
		kept_put(&chat->kept, session->front, page, version, rows);
	return PAGE_DONE;
}

static int write_made_row(struct session *session, const struct ask_row *row, const char *answer,
			  size_t size, struct buf *rows)
{
	struct chat *chat = session->chat;
	struct text head, rest, sender;

	if (row->from_at < row->begin || row->end < row->from_at || row->end > size)
		return CODE_SERVER_ERROR;
	head = (struct text){answer + row->begin, row->from_at - row->begin};
	rest = (struct text){answer + row->from_at, row->end - row->from_at};
	if (names_sender(&chat->names, chat->cache, row->author, session->front, &sender) ==
	    CODE_BUSY)
		return CODE_BUSY;
	session->front->made(rows, head, sender, rest);
	return CODE_OK;
}

/* What a reader answered. */
static int write_made(struct session *session, const char *answer, size_t size, struct buf *rows)
{
	const struct ask_page *page = (const void *)answer;
	const struct ask_row *row;
	size_t list;
	int code = CODE_OK;

	if (size < sizeof(*page) || page->rows > (size - sizeof(*page)) / sizeof(*row) ||
	    size % _Alignof(struct ask_row) != 0)
		return CODE_SERVER_ERROR;
	list = page->rows * sizeof(*row);
	row = (const void *)(answer + size - list);
	/* At once: where there is much to be added to rows it grows but once. */
	(void)buf_room(rows, size + page->rows * (size_t)SENDER_GUESS);
	for (uint32_t i = 0; i < page->rows && code == CODE_OK; i++)
		code = write_made_row(session, &row[i], answer, size - list, rows);
	return code;
}

static enum page_result join_rows(struct page *page, struct pending *pending,
				  const struct outcome *outcome, struct buf *rows, int *code_r)
{
	struct session *session = pending->session;
	uint64_t first = page->high + 1;
	unsigned count = 0;
	int code = CODE_OK;

	if (page->asked < page->high)
		code = look(page, session->chat, page->asked + 1, &count, &first);
	if (code != CODE_OK)
		return failed(page, pending, rows, code, code_r);
	if (first != page->asked + 1) { /* pushed out meanwhile */
		if (++page->tries >= TRIES)
			return failed(page, pending, rows, CODE_BUSY, code_r);
		return page_begin(page, pending, rows, code_r);
	}
	code = write_made(session, outcome->body, outcome->ask->size, rows);
	if (code == CODE_OK)
	code = write_rows(page, session, count, rows);
	return code == CODE_OK ? PAGE_DONE : failed(page, pending, rows, code, code_r);
}

enum page_result page_settle(struct page *page, struct pending *pending,
			     const struct outcome *outcome, struct buf *rows, int *code_r)
{
	struct chat *chat = pending->session->chat;

	if (outcome->kind == OUTCOME_TIME) {
		if (!page->resting)
			return failed(page, pending, rows, CODE_TIMEOUT, code_r);
		page->resting = false;
		return page_begin(page, pending, rows, code_r);
	}
	if (outcome->kind != OUTCOME_ASK)
		return PAGE_WAITS;
	if (outcome->ask->code != CODE_OK)
		return failed(page, pending, rows, outcome->ask->code, code_r);
	if (outcome->ask->flags & ASK_GAP)
		return wait_for_store(page, pending, rows, code_r);
	pending_until(&chat->pending, pending, 0);
	return join_rows(page, pending, outcome, rows, code_r);
}
