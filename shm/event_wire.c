#include "config.h"

#include "shm/event_wire.h"

#include <stdatomic.h>
#include <string.h>

bool wire_open(struct wire_source *source, const void *payload, uint32_t size, void *fixed_r,
	       uint32_t fixed)
{
	if (size < fixed || size > EVENT_PAYLOAD_MAX)
		return false;
	memcpy(fixed_r, payload, fixed);
	/* Without this the compiler could read a length again where it is used after its check. */
	atomic_signal_fence(memory_order_seq_cst);
	source->at = (const uint8_t *)payload + fixed;
	source->left = size - fixed;
	return true;
}

bool wire_text(struct wire_source *source, uint32_t length, uint32_t max, struct text *text_r)
{
	if (length > max || length > source->left || memchr(source->at, 0, length))
		return false;
	*text_r = (struct text){.data = (const char *)source->at, .length = length};
	source->at += length;
	source->left -= length;
	return true;
}

uint32_t wire_payload(const struct record *record)
{
	return *(const volatile uint32_t *)&record->payload;
}

bool wire_fits(const struct text *text, uint32_t max)
{
	return text->length <= max && (text->length == 0 || !memchr(text->data, 0, text->length));
}

/* The texts have been checked against their maxima, so the sum cannot overflow. */
uint32_t wire_put_texts(const void *fixed, uint32_t fixed_size, const struct text *const *texts,
			unsigned count, void *out, uint32_t size)
{
	uint32_t total = fixed_size;
	uint8_t *to = out;

	for (unsigned i = 0; i < count; i++)
		total += texts[i]->length;
	if (total > size)
		return 0;
	memcpy(to, fixed, fixed_size);
	to += fixed_size;
	for (unsigned i = 0; i < count; i++) {
		if (texts[i]->length > 0)
			memcpy(to, texts[i]->data, texts[i]->length);
		to += texts[i]->length;
	}
	return total;
}

uint32_t wire_put(const void *fixed, uint32_t fixed_size, const struct text *first,
		  const struct text *second, void *out, uint32_t size)
{
	const struct text *const texts[] = {first, second};

	return wire_put_texts(fixed, fixed_size, texts, 2, out, size);
}
