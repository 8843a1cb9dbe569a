#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/hex.h"
#include "daemon/ctl_file_disk.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"

/*
 * pchatctl file check: whether the files on the disk and the rows of pc_file agree. Files come and
 * go meanwhile, and the store may be behind; so what does not agree is looked at again afterwards,
 * and only what does not agree then is told.
 */
enum {
	SHOWN = 1000,	   /* findings that are kept */
	PAUSE_US = 200000, /* before they are looked at again */
	PASSES = 3,
};

static const char malformed[] = "its row is malformed";

struct check {
	const struct ctl *ctl; /* borrowed */
	const char *directory; /* likewise */
	struct db *db;	       /* owned */
	json_t *found;	       /* owned: uuid -> what is wrong */
	uint64_t files, bytes; /* that are there and as they should be, or not */
	uint64_t wrong;	       /* also those that are not kept */
	bool contents;
	struct err err;
	bool failed; /* err says why */
};

/* --- One file. --- */

static const char *compare_content(struct check *check, const struct content_file *file)
{
	uint8_t sha256[CONTENT_FILE_HASH];
	uint64_t size;

	if (ctl_file_read(check->directory, file->uuid, NULL, sha256, &size, &check->err) == -1)
		return "its content cannot be read";
	return size == file->size && memcmp(sha256, file->sha256, sizeof(sha256)) == 0
		       ? NULL
		       : "its content is not what was uploaded";
}

static const char *compare(struct check *check, const struct content_file_row *row,
			   const struct ctl_file_disk *disk)
{
	if (row->removed != 0)
		return disk->content || disk->described ? "was removed, and is still on the disk"
							: NULL;
	if (!disk->content)
		return "its content is not on the disk";
	if (!disk->described)
		return "its .json is not on the disk";
	if (disk->size != row->file.size)
		return "its size is not that of what was uploaded";
	return check->contents ? compare_content(check, &row->file) : NULL;
}

static const char *look_at_disk(struct check *check, const uint8_t uuid[16],
				struct ctl_file_disk *disk_r)
{
	if (ctl_file_look(check->directory, uuid, disk_r, &check->err) == 0)
		return disk_r->content || disk_r->described ? "is on the disk only" : NULL;
	check->failed = true;
	return NULL;
}

/* What is wrong with it; NULL: nothing, or it could not be found out. */
static const char *look_at_row(struct check *check, const struct content_file_row *row)
{
	struct ctl_file_disk disk;

	look_at_disk(check, row->file.uuid, &disk);
	return check->failed ? NULL : compare(check, row, &disk);
}

static const char *look(struct check *check, const uint8_t uuid[16])
{
	struct content_file_row row;
	struct ctl_file_disk disk;
	const enum db_result result = content_file_get(check->db, uuid, &row, &check->err);

	if (result == DB_BAD_DATA)
		return malformed;
	if (result == DB_END)
		return look_at_disk(check, uuid, &disk);
	check->failed = check->failed || result != DB_OK;
	return result == DB_OK ? look_at_row(check, &row) : NULL;
}

static void note(struct check *check, const uint8_t uuid[16], const char *what)
{
	char text[HEX_UUID];

	if (!what)
		return;
	check->wrong++;
	hex_uuid_encode(uuid, text);
	if (json_object_size(check->found) < SHOWN)
		json_object_set_new(check->found, text, json_string(what));
}

/* --- All rows, and all that is on the disk. --- */

/* Rows without their texts, which are good for a moment only. */
struct page {
	struct content_file_row row[CONTENT_LOAD_PAGE];
	bool malformed[CONTENT_LOAD_PAGE];
	unsigned count;
};

/* The rows first and then their files: files are slow, and the statement is open meanwhile. */
static enum db_result read_page(struct check *check, const uint8_t *above, struct page *page)
{
	enum db_result result = content_export_files(check->db, above, &check->err);

	page->count = 0;
	while (result == DB_OK || result == DB_BAD_DATA) {
		struct content_file_row *row = &page->row[page->count];

		result = content_export_files_next(check->db, row, &check->err);
		if (result != DB_OK && result != DB_BAD_DATA)
			break;
		page->malformed[page->count++] = result == DB_BAD_DATA;
		if (result == DB_OK && row->removed == 0) {
			check->files++;
			check->bytes += row->file.size;
		}
	}
	return result == DB_END ? DB_OK : result;
}

static void take_page(struct check *check, const struct page *page)
{
	for (unsigned i = 0; i < page->count && !check->failed; i++) {
		const struct content_file_row *row = &page->row[i];

		note(check, row->file.uuid,
		     page->malformed[i] ? malformed : look_at_row(check, row));
	}
}

static enum db_result walk_rows(struct check *check)
{
	static struct page page;
	enum db_result result;
	uint8_t above[16];
	bool first = true;

	do {
		result = read_page(check, first ? NULL : above, &page);
		first = false;
		if (page.count > 0)
			memcpy(above, page.row[page.count - 1].file.uuid, sizeof(above));
		if (result == DB_OK)
			take_page(check, &page);
	} while (result == DB_OK && page.count > 0 && !check->failed);
	return result;
}

/* Those that have a row were looked at by it. */
static bool take(void *arg, const uint8_t uuid[16])
{
	struct check *check = arg;
	struct content_file_row row;
	const enum db_result result = content_file_get(check->db, uuid, &row, &check->err);

	if (result == DB_END)
		note(check, uuid, look(check, uuid));
	else
		check->failed = result != DB_OK && result != DB_BAD_DATA;
	return !check->failed;
}

/* What does not agree any more was only on its way. */
static void look_again(struct check *check)
{
	const char *text;
	uint8_t uuid[16];
	json_t *value;
	void *next;

	json_object_foreach_safe(check->found, next, text, value)
	{
		if (check->failed || !hex_uuid_decode(text, strlen(text), uuid) ||
		    look(check, uuid))
			continue;
		json_object_del(check->found, text);
		check->wrong--;
	}
}

static int run(struct check *check)
{
	enum db_result result = db_connect(check->db, &check->err);

	if (result == DB_OK)
		result = content_check(check->db, &check->err);
	if (result == DB_OK)
		result = walk_rows(check);
	if (result != DB_OK)
		return ctl_fail(check->ctl, EX_UNAVAILABLE, "%s", check->err.text);
	if (!check->failed && ctl_file_walk(check->directory, take, check, &check->err) == -1)
		return ctl_fail(check->ctl, EX_NOINPUT, "%s", check->err.text);
	for (unsigned i = 0; i < PASSES && check->wrong > 0 && !check->failed; i++) {
		usleep(PAUSE_US);
		look_again(check);
	}
	return check->failed ? ctl_fail(check->ctl, EX_IOERR, "%s", check->err.text) : EX_OK;
}

/* --- The result. --- */

static int print_document(const struct check *check)
{
	json_t *document = json_pack("{s:I, s:I, s:I, s:O}", "files", (json_int_t)check->files,
				     "bytes", (json_int_t)check->bytes, "wrong",
				     (json_int_t)check->wrong, "found", check->found);
	const int code = ctl_print_json(check->ctl, document);

	json_decref(document);
	return code;
}

static int print_table(const struct check *check)
{
	static const char *const heads[] = {"FILE", "WHAT"};
	struct ctl_table *table;
	const char *uuid;
	json_t *what;

	if (check->wrong == 0)
		return EX_OK;
	table = ctl_table_new("ll", heads);
	json_object_foreach(check->found, uuid, what)
	{
		ctl_table_add(table, "%s", uuid);
		ctl_table_add(table, "%s", json_string_value(what));
	}
	return ctl_print_table(check->ctl, table);
}

static int report(const struct check *check)
{
	int code = check->ctl->json ? print_document(check) : print_table(check);

	if (code == EX_OK && !check->ctl->json)
		printf("%" PRIu64 " files of %" PRIu64 " bytes\n", check->files, check->bytes);
	if (code == EX_OK && check->wrong > 0)
		code = ctl_fail(check->ctl, EX_DATAERR,
				"%" PRIu64 " files are not as they should be", check->wrong);
	return code;
}

int ctl_file_check(const struct ctl *ctl)
{
	struct check check = {.ctl = ctl, .contents = ctl->option[CTL_CONTENTS] != NULL};
	int code;

	if (!ctl->conf || !*ctl->conf->files.directory)
		return ctl_fail(ctl, EX_CONFIG,
				"needs a configuration (-f) with a directory of files");
	check.directory = ctl->conf->files.directory;
	check.found = json_object();
	check.db = db_new(&ctl->conf->content.dsn, &check.err);
	if (!check.db || !check.found)
		code = ctl_fail(ctl, EX_OSERR, "could not get memory");
	else
		code = run(&check);
	if (code == EX_OK)
		code = report(&check);
	db_free(&check.db);
	json_decref(check.found);
	return code;
}
