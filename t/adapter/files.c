#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "t/adapter/records.h"

/*
 * adapter-files FORM DIRECTORY [OPTION...]: what an adapter makes of the records of records.c. For
 * t/83-adapters.t, which looks at the files with the tools of others.
 */
static void set(struct adapter *adapter, const char *option)
{
	if (strcmp(option, "rooms") == 0)
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
	struct adapter adapter = {.name = "test", .stylesheet = "",
				  .mail_from = "pchat@example.test",
				  .mail_to = "archive@example.test"};
	const int form = argc < 3 ? -1 : adapter_form_of(argv[1]);
	struct err err;
	unsigned files;

	if (form < 0)
		return EX_USAGE;
	adapter.form = (enum adapter_form)form;
	adapter.directory = argv[2];
	for (int i = 3; i < argc; i++)
		set(&adapter, argv[i]);
	if (adapter_write(&adapter, &adapter_records, &files, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EX_CANTCREAT;
	}
	printf("%u\n", files);
	return 0;
}
