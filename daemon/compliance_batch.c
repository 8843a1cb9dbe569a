#include "daemon/compliance_batch.h"

#include <stdlib.h>
#include <string.h>

#include "shm/event.h"

/* A batch ends with this many bytes of text, too: it is all in memory. */
enum { BATCH_BYTES = 8 << 20 };

int compliance_batch_init(struct compliance_batch *batch, unsigned size, const char *domain,
			  struct err *err)
{
	memset(batch, 0, sizeof(*batch));
	batch->size = size;
	batch->domain = domain;
	batch->row = calloc(size + EVENT_ROOMS_MAX, sizeof(*batch->row));
	batch->text = calloc(size + EVENT_ROOMS_MAX, sizeof(*batch->text));
	if (!batch->row || !batch->text)
		return err_errno(
			err, "could not make a batch of %u records (compliance.batch_rows)", size);
	batch->hasher = record_hasher_new(err);
	if (!batch->hasher)
		return -1;
	batch->state = state_new(err);
	return batch->state ? 0 : -1;
}

static void clear(struct compliance_batch *batch)
{
	for (unsigned i = 0; i < batch->rows; i++)
		free(batch->text[i]);
	batch->rows = 0;
	batch->bytes = 0;
}

void compliance_batch_fini(struct compliance_batch *batch)
{
	clear(batch);
	free(batch->row);
	free(batch->text);
	record_hasher_free(&batch->hasher);
	state_free(&batch->state);
	memset(batch, 0, sizeof(*batch));
}

void compliance_batch_begin(struct compliance_batch *batch, const struct record_cursor *from)
{
	clear(batch);
	batch->cursor = *from;
	batch->purge_asked = false;
}

bool compliance_batch_full(const struct compliance_batch *batch)
{
	return batch->rows >= batch->size || batch->bytes >= BATCH_BYTES;
}

enum { TEXTS = 13 };

static void texts_of(struct record_row *row, struct db_bytes *texts[TEXTS])
{
	struct db_bytes *const all[TEXTS] = {
		&row->type,	 &row->room,	&row->room_name, &row->category, &row->user_uri,
		&row->user_name, &row->address, &row->session,	 &row->title,	 &row->content,
		&row->rich_type, &row->rich,	&row->detail};

	memcpy(texts, all, sizeof(all));
}

/* Its texts are borrowed from all over; from here on they are the batch's. */
static char *own_texts(struct record_row *row, uint64_t *size_r)
{
	struct db_bytes *texts[TEXTS];
	uint64_t size = 0;
	char *own, *at;

	texts_of(row, texts);
	for (unsigned i = 0; i < TEXTS; i++)
		size += texts[i]->length;
	own = at = malloc(size + 1);
	for (unsigned i = 0; own && i < TEXTS; i++) {
		if (texts[i]->length > 0)
			memcpy(at, texts[i]->data, texts[i]->length);
		texts[i]->data = at;
		at += texts[i]->length;
	}
	*size_r = size;
	return own;
}

enum db_result compliance_batch_add(struct compliance_batch *batch, const struct record_row *row,
				    struct err *err)
{
	struct record_row *own = &batch->row[batch->rows];
	struct record_cursor *cursor = &batch->cursor;
	uint64_t size;

	*own = *row;
	own->number = cursor->number + 1;
	batch->text[batch->rows] = own_texts(own, &size);
	if (!batch->text[batch->rows]) {
		err_errno(err, "could not allocate a record of %llu bytes",
			  (unsigned long long)size);
		return DB_RETRY;
	}
	batch->rows++;
	batch->bytes += size;
	if (record_hash(batch->hasher, cursor->hash, own, own->hash, err) == -1)
		return DB_FATAL;
	cursor->number = own->number;
	memcpy(cursor->hash, own->hash, sizeof(cursor->hash));
	return DB_OK;
}
