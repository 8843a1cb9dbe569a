#include "daemon/record_line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hex.h"
#include "daemon/record_sign.h"

#define WORD "checkpoint: record "

void record_line_write(const struct record_checkpoint *checkpoint, char line_r[RECORD_LINE])
{
	snprintf(line_r, RECORD_LINE, WORD "%" PRIu64 ", hash %s, time %" PRIu64 ", signature %s",
		 checkpoint->number, checkpoint->hash, checkpoint->time,
		 *checkpoint->signature ? checkpoint->signature : "none");
}

static bool is_hash(const char *text)
{
	uint8_t bytes[RECORD_HASH];

	return hex_decode(text, strlen(text), bytes, sizeof(bytes));
}

bool record_line_read(const char *line, struct record_checkpoint *checkpoint_r)
{
	const char *at = strstr(line, WORD);
	char hash[RECORD_HEX], signature[RECORD_SIGNATURE];
	uint64_t number, time;

	static_assert(RECORD_HEX == 65 && RECORD_SIGNATURE == 1024, "as it stands below");
	if (!at ||
	    sscanf(at, WORD "%" SCNu64 ", hash %64[0-9a-f], time %" SCNu64 ", signature %1023s",
		   &number, hash, &time, signature) != 4 ||
	    number == 0 || !is_hash(hash))
		return false;
	*checkpoint_r = (struct record_checkpoint){.number = number, .time = time};
	memcpy(checkpoint_r->hash, hash, sizeof(hash));
	if (strcmp(signature, "none") != 0)
		memcpy(checkpoint_r->signature, signature, strlen(signature));
	return true;
}

static int keep(struct record_lines *lines, const struct record_checkpoint *checkpoint)
{
	const size_t size = lines->size ? 2 * lines->size : 64;
	struct record_line *item = lines->item;

	if (lines->count == lines->size) {
		item = reallocarray(lines->item, size, sizeof(*item));
		if (!item)
			return -1;
		lines->item = item;
		lines->size = size;
	}
	item = &lines->item[lines->count++];
	item->number = checkpoint->number;
	memcpy(item->hash, checkpoint->hash, sizeof(item->hash));
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct record_line *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

int record_lines_load(struct record_lines *lines, FILE *file, const struct record_signer *signer,
		      uint64_t *unsigned_r, struct err *err)
{
	struct record_checkpoint checkpoint;
	char *line = NULL;
	size_t size = 0;
	int failed = 0;

	*lines = (struct record_lines){0};
	*unsigned_r = 0;
	while (!failed && getline(&line, &size, file) > 0) {
		if (!record_line_read(line, &checkpoint))
			continue;
		if (signer && *checkpoint.signature && *unsigned_r == 0 &&
		    !record_signed(signer, &checkpoint))
			*unsigned_r = checkpoint.number;
		failed = keep(lines, &checkpoint);
	}
	free(line);
	if (failed)
		return err_errno(err, "could not read the checkpoints of a log");
	if (lines->count > 0)
		qsort(lines->item, lines->count, sizeof(*lines->item), compare);
	return 0;
}

void record_lines_fini(struct record_lines *lines)
{
	free(lines->item);
	*lines = (struct record_lines){0};
}
