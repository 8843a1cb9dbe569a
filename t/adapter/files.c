#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/adapter_pack.h"
#include "t/adapter/records.h"

/*
 * adapter-files FORM DIRECTORY [OPTION...]: what an adapter makes of the records of records.c. For
 * t/83-adapters.t, which looks at the files with the tools of others.
 */
/* The records of one type, named as in t/83-adapters.t. */
static struct adapter_batch of_type(const char *name)
{
	static const char *const names[] = {"join",	  "part",	  "chat",	"backchat",
					    "fileupload", "filedownload", "fileremove", "remove",
					    "replace",	  "purge"};
	static struct adapter_record list[64];
	struct adapter_batch batch = {.record = list};

	for (size_t i = 0; i < adapter_records.count; i++) {
		const struct adapter_record *record = &adapter_records.record[i];

		if (record->kind < ADAPTER_OTHER && strcmp(names[record->kind], name) == 0)
			list[batch.count++] = *record;
	}
	return batch;
}

/* The records again and again, as many as wanted; kept until the program ends. */
static struct adapter_batch many(size_t count)
{
	struct adapter_record *list = calloc(count, sizeof(*list));

	for (size_t i = 0; list && i < count; i++) {
		list[i] = adapter_records.record[i % adapter_records.count];
		list[i].number = i + 1;
	}
	return (struct adapter_batch){.record = list, .count = list ? count : 0};
}

static struct adapter_batch of_all_types(void)
{
	static struct adapter_record list[64];
	struct adapter_batch batch = {.record = list, .count = adapter_types.count};

	for (size_t i = 0; i < batch.count; i++) {
		list[i] = adapter_types.record[i];
		list[i].kind = adapter_kind_of(list[i].type);
	}
	return batch;
}

static void set(struct adapter *adapter, struct adapter_batch *records, const char *option)
{
	if (strncmp(option, "type=", 5) == 0)
		*records = of_type(option + 5);
	else if (strncmp(option, "many=", 5) == 0)
		*records = many(strtoul(option + 5, NULL, 10));
	else if (strcmp(option, "types") == 0)
		*records = of_all_types();
	else if (strcmp(option, "rooms") == 0)
		adapter->one_room_per_file = true;
	else if (strcmp(option, "details") == 0)
		adapter->room_details = adapter->user_details = true;
	else if (strcmp(option, "manifest") == 0)
		adapter->attachments_manifest = true;
	else
		adapter->stylesheet = option;
}

int main(int argc, char **argv)
{
	struct adapter adapter = {.name = "test",
				  .stylesheet = "",
				  .mail_from = "pchat@example.test",
				  .mail_to = "archive@example.test"};
	struct adapter_batch records = adapter_records;
	const int form = argc < 3 ? -1 : adapter_form_of(argv[1]);
	struct err err;
	unsigned files;

	if (form < 0)
		return EX_USAGE;
	adapter.form = (enum adapter_form)form;
	adapter.directory = argv[2];
	for (int i = 3; i < argc; i++)
		set(&adapter, &records, argv[i]);
	if (adapter_write(&adapter, &records, &files, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EX_CANTCREAT;
	}
	printf("%u\n", files);
	return 0;
}
