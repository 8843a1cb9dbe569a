#include "daemon/ctl_case_attach.h"

#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include "conf/conf.h"
#include "conf/hex.h"
#include "daemon/ctl_file_disk.h"

enum { NAME = 64, SUFFIX_MAX = 8, PATH = 4096 };

void case_attach_init(struct case_attach *attach, const struct case_files *files)
{
	*attach = (struct case_attach){.files = files, .list = json_object()};
}

void case_attach_fini(struct case_attach *attach)
{
	json_decref(attach->list);
	attach->list = NULL;
}

/* --- What the records name. --- */

static bool is(struct db_bytes text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

/* One that was only granted was perhaps never uploaded. */
static bool is_of_file(const struct record_row *row)
{
	return is(row->type, "upload") || is(row->type, "download") || is(row->type, "import") ||
	       is(row->type, "file_removed");
}

/* The uuid at the end of a file's URI; NULL: there is none. */
static const char *uuid_of(const json_t *uri)
{
	const char *text = json_string_value(uri);
	const size_t length = json_string_length(uri);
	uint8_t uuid[16];

	if (!text || length < HEX_UUID - 1)
		return NULL;
	text += length - (HEX_UUID - 1);
	return hex_uuid_decode(text, HEX_UUID - 1, uuid) ? text : NULL;
}

static json_t *new_entry(const struct record_row *row, const json_t *detail)
{
	json_t *entry = json_object();

	json_object_set(entry, "file", json_object_get(detail, "file"));
	json_object_set_new(entry, "name", json_stringn(row->content.data, row->content.length));
	json_object_set_new(entry, "records", json_array());
	return entry;
}

/* What another record of the same file did not say is taken from this one. */
static void add(json_t *entry, const struct record_row *row, const json_t *detail)
{
	static const char *const members[] = {"type", "size", "sha256"};

	for (unsigned i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_t *value = json_object_get(detail, members[i]);

		if (value && json_object_get(detail, "sha256"))
			json_object_set(entry, members[i], value);
	}
	json_array_append_new(json_object_get(entry, "records"),
			      json_integer((json_int_t)row->number));
}

int case_attach_record(struct case_attach *attach, const struct record_row *row)
{
	json_t *detail = NULL, *entry = NULL;
	const char *uuid;

	if (!is_of_file(row))
		return EX_OK;
	detail = json_loadb(row->detail.data, row->detail.length, 0, NULL);
	uuid = uuid_of(json_object_get(detail, "file"));
	if (uuid)
		entry = json_object_get(attach->list, uuid);
	if (uuid && !entry) {
		entry = new_entry(row, detail);
		if (json_object_set_new(attach->list, uuid, entry) == -1) {
			json_decref(detail);
			return ctl_fail(attach->files->ctl, EX_OSERR, "out of memory");
		}
	}
	if (entry)
		add(entry, row, detail);
	json_decref(detail);
	return EX_OK;
}

/* --- Copying. --- */

/* "attachment-UUID", and the end of the file's name where that is harmless: ".pdf". */
static void name_of(const char *uuid, const json_t *entry, char name_r[NAME])
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	const char *dot = name ? strrchr(name, '.') : NULL;
	size_t length = dot ? strlen(dot + 1) : 0;

	for (size_t i = 1; i <= length; i++)
		if (!isascii((unsigned char)dot[i]) || !isalnum((unsigned char)dot[i]))
			length = 0;
	if (length > SUFFIX_MAX)
		length = 0;
	snprintf(name_r, NAME, "attachment-%s%s%s", uuid, length > 0 ? "." : "",
		 length > 0 ? dot + 1 : "");
}

static void set_missing(struct case_attach *attach, json_t *entry, const char *why)
{
	attach->missing++;
	json_object_set_new(entry, "missing", json_string(why));
}

static bool is_recorded(const json_t *entry, const uint8_t sha256[CONTENT_FILE_HASH])
{
	const char *recorded = json_string_value(json_object_get(entry, "sha256"));
	char hash[2 * CONTENT_FILE_HASH + 1];

	hex_encode(sha256, CONTENT_FILE_HASH, hash);
	return recorded && strcmp(hash, recorded) == 0;
}

/* Where pchat-file keeps the content: of a file that is there, or was removed. */
static int find_content(const char *directory, const uint8_t uuid[16], char where_r[PATH],
			struct err *err)
{
	static const char *const places[] = {"", "/removed"};
	struct ctl_file_disk disk;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const int length = snprintf(where_r, PATH, "%s%s", directory, places[i]);

		if (length < 0 || length >= PATH)
			return err_set(err, "the path %s is too long", directory);
		if (ctl_file_look(where_r, uuid, &disk, err) == -1)
			return -1;
		if (disk.content)
			return 0;
	}
	return err_set(err, "its content is not there");
}

static int read_content(const char *directory, const uint8_t uuid[16], FILE *copy,
			uint8_t sha256_r[CONTENT_FILE_HASH], struct err *err)
{
	char where[PATH];
	uint64_t size;

	if (find_content(directory, uuid, where, err) == -1)
		return -1;
	return ctl_file_read(where, uuid, copy, sha256_r, &size, err);
}

static int copy_content(struct case_attach *attach, json_t *entry, const uint8_t uuid[16],
			const char *name)
{
	uint8_t sha256[CONTENT_FILE_HASH];
	struct err err;
	FILE *copy = case_files_open(attach->files, name);
	int result, code;

	if (!copy)
		return EX_CANTCREAT;
	result = read_content(attach->files->ctl->conf->files.directory, uuid, copy, sha256, &err);
	code = case_files_close(attach->files, copy, name);
	if (code != EX_OK)
		return code;
	if (result == -1) {
		set_missing(attach, entry, err.text);
	} else if (!is_recorded(entry, sha256)) {
		set_missing(attach, entry, "its content is not what is on record");
		attach->wrong++;
	} else {
		attach->copied++;
		json_object_set_new(entry, "copy", json_string(name));
		return EX_OK;
	}
	case_files_remove(attach->files, name);
	return EX_OK;
}

static int copy_one(struct case_attach *attach, const char *text, json_t *entry)
{
	const struct conf *conf = attach->files->ctl->conf;
	uint8_t uuid[16];
	char name[NAME];

	if (!json_object_get(entry, "sha256")) {
		set_missing(attach, entry, "no record of the case has its SHA-256");
		return EX_OK;
	}
	if (!*conf->files.directory) {
		set_missing(attach, entry, "this configuration names no directory of files");
		return EX_OK;
	}
	if (!hex_uuid_decode(text, HEX_UUID - 1, uuid))
		return EX_OK;
	name_of(text, entry, name);
	return copy_content(attach, entry, uuid, name);
}

int case_attach_copy(struct case_attach *attach)
{
	const char *uuid;
	json_t *entry;
	int code = EX_OK;

	json_object_foreach(attach->list, uuid, entry)
	{
		if (code == EX_OK)
			code = copy_one(attach, uuid, entry);
	}
	return code;
}

json_t *case_attach_document(const struct case_attach *attach)
{
	json_t *list = json_array(), *entry;
	const char *uuid;

	json_object_foreach(attach->list, uuid, entry) json_array_append(list, entry);
	return list;
}
