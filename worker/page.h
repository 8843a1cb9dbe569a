#ifndef PCHAT_WORKER_PAGE_H
#define PCHAT_WORKER_PAGE_H

#include "worker/core.h"

/*
 * A page of a room's history, put together from what the cache has and, for what is older, from a
 * reader. Because sequence numbers have no gaps, the page's bounds are known from the start; a number
 * whose message was removed or never kept has its place in them and is passed over.
 */
struct page {
	uint32_t room;
	uint8_t uuid[16];
	uint64_t low, high; /* the numbers wanted; none if low > high */
	uint64_t upto;	    /* only what lies below this LSN */
	uint64_t asked;	    /* a reader gives low to asked */
	uint64_t removal;   /* LSN of the newest removal that the database has to know; 0: none */
	bool more;	    /* within the range there are others, beyond the limit */
	bool fill;	    /* the reader is to give the cache what it lacks */
	bool resting;	    /* until it is asked again */
	uint8_t gaps;	    /* times that the database lagged behind */
	uint8_t tries;
	uint16_t busy; /* times that something was busy */
};

enum page_result {
	PAGE_DONE,   /* rows are complete */
	PAGE_WAITS,  /* for a reader, under the tag of the pending, with its time limit set */
	PAGE_FAILED, /* *code_r says why */
};

/* Works out the bounds for a room whose newest message is last. */
void page_init(struct page *page, const struct room_view *room, const struct chat_range *range,
	       uint64_t last, uint64_t upto);

/* What it is about. */
/* Whether there is no message in it. */
static inline bool page_is_empty(const struct page *page)
{
	return page->low > page->high;
}

struct chat_span page_span(const struct page *page);

/* Writes the rows, or asks a reader for those that the cache lacks. */
enum page_result page_begin(struct page *page, struct pending *pending, struct buf *rows,
			    int *code_r);

/* Something came for the pending while the page waited. */
enum page_result page_settle(struct page *page, struct pending *pending,
			     const struct outcome *outcome, struct buf *rows, int *code_r);

#endif
