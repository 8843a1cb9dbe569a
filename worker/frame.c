#include "worker/frame.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bug.h"

enum { BUF_FIRST = 496 }; /* with the head of the frame a size that malloc likes */

void frame_unref(struct frame **frame)
{
	struct frame *old = *frame;

	*frame = NULL;
	if (old != NULL && --old->refs == 0)
		free(old);
}

void buf_init(struct buf *buf)
{
	memset(buf, 0, sizeof(*buf));
}

void buf_fini(struct buf *buf)
{
	frame_unref(&buf->frame);
	buf_init(buf);
}

void buf_clear(struct buf *buf)
{
	if (buf->frame == NULL || buf->failed || buf->size > BUF_KEPT)
		buf_fini(buf);
	else
		buf->frame->start = buf->frame->end = BUF_HEADROOM;
}

uint32_t buf_used(const struct buf *buf)
{
	return buf->frame == NULL ? 0 : frame_size(buf->frame);
}

const char *buf_text(const struct buf *buf)
{
	return buf->frame == NULL ? "" : (const char *)frame_bytes(buf->frame);
}

static bool grow(struct buf *buf, size_t size)
{
	uint32_t end = buf->frame == NULL ? BUF_HEADROOM : buf->frame->end;
	size_t wanted = BUF_FIRST;
	struct frame *frame;

	if (size > BUF_MAX || end + size > BUF_MAX)
		return false;
	while (wanted < end + size)
		wanted *= 2;
	frame = realloc(buf->frame, sizeof(*frame) + wanted);
	if (frame == NULL)
		return false;
	if (buf->frame == NULL) {
		frame->refs = 1;
		frame->start = frame->end = BUF_HEADROOM;
	}
	buf->frame = frame;
	buf->size = (uint32_t)wanted;
	return true;
}

uint8_t *buf_room(struct buf *buf, size_t size)
{
	if (buf->failed)
		return NULL;
	if (buf->frame == NULL || size > buf->size - buf->frame->end) {
		if (!grow(buf, size)) {
			buf->failed = true;
			return NULL;
		}
	}
	return buf->frame->data + buf->frame->end;
}

void buf_grown(struct buf *buf, size_t size)
{
	bug_on(buf->frame == NULL || size > buf->size - buf->frame->end);
	buf->frame->end += (uint32_t)size;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
	uint8_t *room = buf_room(buf, size);

	if (room == NULL || size == 0)
		return;
	memcpy(room, data, size);
	buf->frame->end += (uint32_t)size;
}

void buf_append(struct buf *buf, const struct buf *text)
{
	buf_add(buf, buf_text(text), buf_used(text));
	buf->failed |= text->failed;
}

void buf_char(struct buf *buf, char c)
{
	if (buf->frame != NULL && !buf->failed && buf->frame->end < buf->size)
		buf->frame->data[buf->frame->end++] = (uint8_t)c;
	else
		buf_add(buf, &c, 1);
}

void buf_number(struct buf *buf, uint64_t number)
{
	char text[20], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buf_add(buf, p, (size_t)(text + sizeof(text) - p));
}

void buf_prepend(struct buf *buf, const void *data, size_t size)
{
	if (buf_room(buf, 0) == NULL)
		return;
	bug_on(size > buf->frame->start);
	buf->frame->start -= (uint32_t)size;
	memcpy(buf->frame->data + buf->frame->start, data, size);
}

struct frame *buf_frame(struct buf *buf)
{
	struct frame *frame = NULL;

	if (!buf->failed && buf_room(buf, 0) != NULL) {
		frame = buf->frame;
		buf->frame = NULL;
	}
	buf_fini(buf);
	return frame;
}
