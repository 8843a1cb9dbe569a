/*
 * The journal against a model: at random messages are sent, made durable and stored, processes and
 * the host die, syncs fail. What was acknowledged is always there, in order, once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "messages.h"

enum { STORIES = 32 };

/*
 * What the journal may hold. Messages behind the cursor that were acknowledged must be there; then
 * the beginning of what a sequencer had sent when it died may follow, its story, and no mixture of
 * several. When a sequencer has written its first batch, no story is left but its own.
 */
struct model {
	struct disk *disk;
	struct journal_writer writer;
	struct {
		uint64_t seq, end;
	} acknowledged[LIST];
	struct list stories[STORIES]; /* the last is the running sequencer's */
	uint64_t ends[LIST];	      /* in that story */
	unsigned count, story;
	uint64_t cursor, durable, next;
	unsigned crashes, failures, found;
};

static void model_acknowledge(struct model *model, uint64_t seq, uint64_t end)
{
	assert_true(model->count < LIST);
	model->acknowledged[model->count].seq = seq;
	model->acknowledged[model->count++].end = end;
}

static bool model_begins(const struct list *story, const uint64_t *seq, unsigned count)
{
	return count <= story->count && memcmp(story->seq, seq, count * sizeof(*seq)) == 0;
}

static void model_compare(struct model *model, const struct list *list)
{
	const uint64_t *rest = list->seq + model->count;
	bool known = false;

	assert_true(list->count >= model->count);
	for (unsigned i = 0; i < model->count; i++)
		assert_int_equal(list->seq[i], model->acknowledged[i].seq);
	for (unsigned i = 0; i <= model->story; i++)
		known = known || model_begins(&model->stories[i], rest, list->count - model->count);
	assert_true(known);
}

static int model_end(const struct record *record, void *arg)
{
	struct model *model = arg;

	if (record->type == EVENT_MESSAGE) {
		model->acknowledged[model->count].seq = record->seq;
		model->acknowledged[model->count++].end = record->lsn + record->length;
	}
	return 0;
}

/* Of the stories whose beginning was found and is acknowledged now, the rest is left. */
static void model_continue(struct model *model, const uint64_t *seq, unsigned found)
{
	unsigned left = 0;

	for (unsigned i = 0; i <= model->story; i++) {
		struct list *story = &model->stories[i];

		if (!model_begins(story, seq, found))
			continue;
		story->count -= found;
		memmove(story->seq, story->seq + found, story->count * sizeof(*story->seq));
		if (i != left)
			model->stories[left] = *story;
		left++;
	}
	model->story = left - 1;
}

/* Notes what was found as acknowledged, by reading once more from the first message not known. */
static void model_adopt(struct model *model, unsigned found)
{
	struct journal_writer writer;
	struct err err;
	uint64_t from = model->count ? model->acknowledged[model->count - 1].end : model->cursor;
	unsigned before = model->count;

	assert_int_equal(journal_open(&writer, model->disk->fd, from, model->writer.end, false,
				      BATCH, model_end, model, &err),
			 0);
	journal_close(&writer);
	assert_int_equal(model->count - before, found);
	model->found += found;
}

/* The running sequencer's first batch is written: no other's story can follow any more. */
static void model_only_story(struct model *model)
{
	if (model->story > 0)
		model->stories[0] = model->stories[model->story];
	model->story = 0;
}

static void model_start(struct model *model, bool limited)
{
	struct record head = {.type = EVENT_START};
	struct list list;
	struct err err;

	messages_open(&model->writer, model->disk, model->cursor,
		      limited ? model->durable : UINT64_MAX, &list);
	model_compare(model, &list);
	if (!limited) {
		model_continue(model, list.seq + model->count, list.count - model->count);
		model_adopt(model, list.count - model->count);
	}
	assert_int_equal(list.count, model->count);
	model->story++;
	model->stories[model->story].count = 0;
	model->durable = model->writer.end;
	model->crashes++;
	/* The ring may be full: then it is a start without a trace. */
	journal_append(&model->writer, &head, NULL, 0, model->cursor);
	if (model->story == STORIES - 1) {
		model->cursor =
			model->count ? model->acknowledged[model->count - 1].end : model->cursor;
		model->count = 0;
		if (!model->writer.started)
			journal_append(&model->writer, &head, NULL, 0, model->cursor);
		assert_int_equal(journal_commit(&model->writer, false, &err), 0);
		model_only_story(model);
	}
}

static void model_restart(struct model *model, bool power)
{
	journal_close(&model->writer);
	if (power)
		disk_crash(model->disk, (unsigned)random() % 4);
	model_start(model, !power && random() % 2);
}

static void model_append(struct model *model)
{
	struct list *story = &model->stories[model->story];
	uint32_t size = (uint32_t)random() % (random() % 4 ? 100 : 1500);
	uint64_t lsn;

	if (model->writer.synced == model->durable && model->writer.end == model->durable)
		return;
	lsn = messages_append(&model->writer, model->next, size, model->cursor);
	if (lsn == 0)
		return;
	model->ends[story->count] = model->writer.end;
	story->seq[story->count++] = model->next++;
}

static void model_commit(struct model *model)
{
	struct list *story = &model->stories[model->story];
	struct err err;

	if (model->writer.synced == model->writer.end)
		return;
	if (random() % 20 == 0)
		model->disk->sync_error = EIO;
	if (journal_commit(&model->writer, true, &err) < 0) {
		model->failures++;
		model_restart(model, random() % 2);
		return;
	}
	for (unsigned i = 0; i < story->count; i++)
		model_acknowledge(model, story->seq[i], model->ends[i]);
	model->durable = model->writer.synced;
	model_only_story(model);
	model->stories[0].count = 0;
}

/* Written but not synced: as far as a sequencer gets that dies between the two. */
static void model_die_in_commit(struct model *model)
{
	struct err err;

	bool written = model->writer.batch_used > 0;

	assert_int_equal(journal_commit(&model->writer, false, &err), 0);
	if (written)
		model_only_story(model);
	model_restart(model, random() % 2);
}

/* The store moves its cursor behind some of what is durable. */
static void model_store(struct model *model)
{
	unsigned stored = (unsigned)random() % (model->count + 1);

	if (stored == 0)
		return;
	model->cursor = model->acknowledged[stored - 1].end;
	model->count -= stored;
	memmove(model->acknowledged, model->acknowledged + stored,
		model->count * sizeof(*model->acknowledged));
}

static void every_acknowledged_message_survives_whatever_happens(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	unsigned steps = 100000;

	assert_non_null(model);
	srandom(8);
	*model = (struct model){.disk = *state, .cursor = BASE, .durable = BASE, .next = 1};
	model_start(model, false);
	while (steps-- > 0) {
		switch (random() % 16) {
		case 0:
			model_restart(model, random() % 2);
			break;
		case 1:
			model_die_in_commit(model);
			break;
		case 2:
		case 3:
			model_store(model);
			break;
		case 4:
		case 5:
		case 6:
			model_commit(model);
			break;
		default:
			model_append(model);
		}
	}
	journal_close(&model->writer);
	assert_true(model->next > 10000);
	assert_true(model->crashes > 1000);
	assert_true(model->failures > 100);
	/* Some crashes left a batch whole of which nobody had been told. */
	assert_true(model->found > 100);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_acknowledged_message_survives_whatever_happens, messages_setup,
			messages_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
