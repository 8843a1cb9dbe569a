#include "daemon/adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct form {
	const char *name, *suffix;
	adapter_writer *write;
	bool conversations; /* rooms only, and all of a room together */
	bool alone;	    /* a file for each room, always */
} forms[] = {
	[ADAPTER_XML] = {"xml", "xml", adapter_write_xml, true, false},
	[ADAPTER_ACTIANCE] = {"actiance", "xml", adapter_write_xslt, true, false},
	[ADAPTER_EML] = {"eml", "eml", adapter_write_eml, true, true},
	[ADAPTER_CSV] = {"csv", "csv", adapter_write_csv, false, false},
	[ADAPTER_JSONL] = {"jsonl", "jsonl", adapter_write_jsonl, false, false},
};

int adapter_form_of(const char *name)
{
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *adapter_who(const struct adapter_record *record)
{
	if (*record->user_uri)
		return record->user_uri;
	return *record->user_name ? record->user_name : record->address;
}

size_t adapter_conversation(const struct adapter_batch *records, size_t from)
{
	size_t end = from + 1;

	while (end < records->count &&
	       strcmp(records->record[end].room, records->record[from].room) == 0)
		end++;
	return end - from;
}

/* One file under way: "NAME.part" until it is whole. */
struct file {
	char path[4096], temporary[4096];
	FILE *stream;
};

static int file_open(struct file *file, const struct adapter *adapter, const char *name,
		     struct err *err)
{
	int fd, length;

	length = snprintf(file->path, sizeof(file->path), "%s/%s", adapter->directory, name);
	if (length < 0 || (size_t)length + sizeof(".part") > sizeof(file->path))
		return err_set(err, "the path %s is too long", adapter->directory);
	snprintf(file->temporary, sizeof(file->temporary), "%s/%s.part", adapter->directory, name);
	/* What a crash left behind may be the finished file, too: it is never written to. */
	unlink(file->temporary);
	fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return err_errno(err, "could not create %s", file->temporary);
	file->stream = fdopen(fd, "w+");
	if (file->stream)
		return 0;
	close(fd);
	return err_errno(err, "could not create %s", file->temporary);
}

static bool same(FILE *a, FILE *b)
{
	char part_a[65536], part_b[sizeof(part_a)];
	size_t size;

	rewind(a);
	do {
		size = fread(part_a, 1, sizeof(part_a), a);
		if (fread(part_b, 1, sizeof(part_b), b) != size ||
		    memcmp(part_a, part_b, size) != 0)
			return false;
	} while (size == sizeof(part_a));
	return !ferror(a) && !ferror(b);
}

/* A file that stands there already must be what we wrote before a crash. */
static int file_compare(struct file *file, struct err *err)
{
	FILE *old = fopen(file->path, "re");
	bool equal;

	if (!old)
		return err_errno(err, "could not open %s", file->path);
	equal = same(file->stream, old);
	fclose(old);
	return equal ? 0 : err_set(err, "%s is there already, and is something else", file->path);
}

/*
 * Gives the file its name. It is the open file that is linked, and not what has the temporary name
 * by now: a writer that was taken for dead may be at the same batch, and not be done.
 */
static int file_finish(struct file *file, struct err *err)
{
	char open_file[64];

	if (fflush(file->stream) != 0 || ferror(file->stream) ||
	    fsync(fileno(file->stream)) == -1)
		return err_errno(err, "could not write %s", file->temporary);
	snprintf(open_file, sizeof(open_file), "/proc/self/fd/%d", fileno(file->stream));
	if (linkat(AT_FDCWD, open_file, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == EEXIST)
		return file_compare(file, err);
	return err_errno(err, "could not create %s", file->path);
}

static void file_close(struct file *file)
{
	fclose(file->stream);
	unlink(file->temporary);
}

static int directory_sync(const char *directory, struct err *err)
{
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (fd == -1)
		return err_errno(err, "could not open %s", directory);
	result = fsync(fd) == -1 ? err_errno(err, "could not sync %s", directory) : 0;
	close(fd);
	return result;
}

void adapter_prefix(const char *adapter, const struct adapter_batch *batch,
		    char prefix_r[ADAPTER_NAME])
{
	snprintf(prefix_r, ADAPTER_NAME, "%s-%020llu-%020llu", adapter,
		 (unsigned long long)batch->record[0].number,
		 (unsigned long long)batch->record[batch->count - 1].number);
}

/* "PREFIX[-ROOM].SUFFIX" */
static void name_of(const struct adapter *adapter, const struct adapter_batch *all,
		    const char *room, const char *suffix, char name_r[ADAPTER_NAME])
{
	const char *uuid = strrchr(room, '/');
	char prefix[ADAPTER_NAME];

	adapter_prefix(adapter->name, all, prefix);
	snprintf(name_r, ADAPTER_NAME, "%.128s%s%.36s.%s", prefix, *room ? "-" : "",
		 uuid ? uuid + 1 : room, suffix);
}

static int write_file(const struct adapter *adapter, const struct adapter_batch *records,
		      const char *name, adapter_writer *write, struct err *err)
{
	struct file file;
	struct err why;
	int result;

	if (adapter->is_done && adapter->is_done(adapter, name))
		return 0;
	if (file_open(&file, adapter, name, err) < 0)
		return -1;
	result = write(adapter, records, file.stream, &why);
	if (result == -1)
		err_set(err, "%s/%s: %.300s", adapter->directory, name, why.text);
	else
		result = file_finish(&file, err);
	file_close(&file);
	return result;
}

static bool has_transfer(const struct adapter_batch *records)
{
	for (size_t i = 0; i < records->count; i++)
		if (records->record[i].kind == ADAPTER_FILEUPLOAD ||
		    records->record[i].kind == ADAPTER_FILEDOWNLOAD)
			return true;
	return false;
}

/* all: the batch, for the name; records: what goes into this file; room: "" for all rooms. */
static int write_named(const struct adapter *adapter, const struct adapter_batch *all,
		       const struct adapter_batch *records, const char *room, unsigned *files_r,
		       struct err *err)
{
	const struct form *form = &forms[adapter->form];
	const bool transform = adapter->form == ADAPTER_XML && *adapter->stylesheet;
	char name[ADAPTER_NAME];

	name_of(adapter, all, room, form->suffix, name);
	if (write_file(adapter, records, name, transform ? adapter_write_xslt : form->write,
		       err) < 0)
		return -1;
	++*files_r;
	if (!adapter->attachments_manifest || !has_transfer(records))
		return 0;
	name_of(adapter, all, room, "ATTACH", name);
	++*files_r;
	return write_file(adapter, records, name, adapter_write_manifest, err);
}

static int by_room(const void *a, const void *b)
{
	const struct adapter_record *x = a, *y = b;
	const int order = strcmp(x->room, y->room);

	return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* conversations: leaves out what is part of none. */
static size_t sort_rooms(const struct adapter_batch *batch, bool conversations,
			 struct adapter_record *list)
{
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (!conversations ||
		    (*batch->record[i].room && batch->record[i].kind != ADAPTER_OTHER))
			list[count++] = batch->record[i];
	qsort(list, count, sizeof(*list), by_room);
	return count;
}

static int write_rooms(const struct adapter *adapter, const struct adapter_batch *batch,
		       const struct adapter_batch *sorted, unsigned *files_r, struct err *err)
{
	int result = 0;

	for (size_t i = 0, count; i < sorted->count && result == 0; i += count) {
		struct adapter_batch room = {.record = &sorted->record[i]};

		count = adapter_conversation(sorted, i);
		room.count = count;
		result = write_named(adapter, batch, &room, room.record[0].room, files_r, err);
	}
	return result;
}

static int write_sorted(const struct adapter *adapter, const struct adapter_batch *batch,
			unsigned *files_r, struct err *err)
{
	const struct form *form = &forms[adapter->form];
	struct adapter_record *list = calloc(batch->count, sizeof(*list));
	struct adapter_batch sorted = {.record = list};
	int result = 0;

	if (!list)
		return err_errno(err, "could not sort %zu records", batch->count);
	sorted.count = sort_rooms(batch, form->conversations, list);
	if (adapter->one_room_per_file || form->alone)
		result = write_rooms(adapter, batch, &sorted, files_r, err);
	else if (sorted.count > 0)
		result = write_named(adapter, batch, &sorted, "", files_r, err);
	free(list);
	return result;
}

int adapter_write(const struct adapter *adapter, const struct adapter_batch *batch,
		  unsigned *files_r, struct err *err)
{
	int result;

	*files_r = 0;
	if (forms[adapter->form].conversations || adapter->one_room_per_file)
		result = write_sorted(adapter, batch, files_r, err);
	else
		result = write_named(adapter, batch, batch, "", files_r, err);
	return result == 0 ? directory_sync(adapter->directory, err) : -1;
}
