#ifndef PCHAT_WORKER_FRAME_H
#define PCHAT_WORKER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes on their way out. A frame is made once, never changes after that, and is shared by the
 * output queues of all its receivers; each reference is one place in one queue.
 */
struct frame {
	uint32_t refs;
	uint32_t start, end; /* what is to be sent, in data */
	uint8_t data[];
};

static inline const uint8_t *frame_bytes(const struct frame *frame)
{
	return frame->data + frame->start;
}

static inline uint32_t frame_size(const struct frame *frame)
{
	return frame->end - frame->start;
}

static inline struct frame *frame_ref(struct frame *frame)
{
	frame->refs++;
	return frame;
}

/* Gives a reference back; takes the address, accepts NULL, clears. */
void frame_unref(struct frame **frame);

/*
 * A frame being written. Room is kept before the text for the head of a WebSocket frame, so that
 * nothing is copied when the length is known. Where memory runs out (or the text would be larger
 * than BUF_MAX) everything added later is ignored and buf_frame returns NULL: writers check once.
 */
struct buf {
	struct frame *frame; /* owned; NULL: nothing was added yet */
	uint32_t size;	     /* of frame->data */
	bool failed;
};

enum { BUF_HEADROOM = 16, BUF_MAX = 64 << 20, BUF_KEPT = 64 << 10 };

void buf_init(struct buf *buf);
void buf_fini(struct buf *buf);

/* Empties it and keeps its memory, unless that is more than BUF_KEPT bytes. */
void buf_clear(struct buf *buf);

/* Bytes of text so far, and the text; valid until the next change. */
uint32_t buf_used(const struct buf *buf);
const char *buf_text(const struct buf *buf);

void buf_add(struct buf *buf, const void *data, size_t size);
void buf_append(struct buf *buf, const struct buf *text);

/* Here, so that the compiler knows how long most of them are. */
static inline void buf_string(struct buf *buf, const char *string)
{
	buf_add(buf, string, strlen(string));
}

void buf_char(struct buf *buf, char c);
void buf_number(struct buf *buf, uint64_t number);

/* Room for size more bytes, to be written by the caller, who says by buf_grown how many it used.
 * NULL where there is none. */
uint8_t *buf_room(struct buf *buf, size_t size);
void buf_grown(struct buf *buf, size_t size);

/* Puts up to BUF_HEADROOM bytes before all of the text. */
void buf_prepend(struct buf *buf, const void *data, size_t size);

/* The frame with all that was written; its one reference is the caller's. NULL if anything failed.
 * The buf is empty afterwards. */
struct frame *buf_frame(struct buf *buf);

#endif
