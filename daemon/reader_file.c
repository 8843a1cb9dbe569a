#include "daemon/reader_file.h"

#include <string.h>

#include "conf/hex.h"
#include "conf/log.h"

struct page {
	const struct ask_files *ask;
	const char *domain;
	struct fragment *json;
	unsigned found;
	bool more;
};

static void put_string(struct fragment *json, const char *name, struct db_bytes text)
{
	fragment_text(json, name);
	fragment_string(json, text.data, text.length);
}

static void put_removal(struct fragment *json, const struct content_file_row *row)
{
	if (row->removed == 0)
		return;
	fragment_text(json, ",\"removed\":");
	fragment_time(json, row->removed);
	if (row->remover_uri.length > 0)
		put_string(json, ",\"removed_by\":", row->remover_uri);
}

/* The room is there: it was asked for by whoever sees it. */
static void put_uri(struct page *page, const struct content_file_row *row)
{
	char uuid[HEX_UUID];

	hex_uuid_encode(row->file.uuid, uuid);
	fragment_text(page->json, page->found++ > 0 ? ",{\"file\":\"ma-filelink://"
						    : "{\"file\":\"ma-filelink://");
	fragment_text(page->json, page->domain);
	fragment_text(page->json, "/");
	fragment_raw(page->json, row->room.data, row->room.length);
	fragment_text(page->json, "/");
	fragment_text(page->json, uuid);
	fragment_text(page->json, "\"");
}

static void put_file(struct page *page, const struct content_file_row *row)
{
	const struct content_file *file = &row->file;
	char hash[2 * CONTENT_FILE_HASH + 1];
	struct fragment *json = page->json;

	hex_encode(file->sha256, CONTENT_FILE_HASH, hash);
	put_uri(page, row);
	put_string(json, ",\"name\":", file->name);
	put_string(json, ",\"type\":", file->type);
	fragment_text(json, ",\"size\":");
	fragment_number(json, file->size);
	fragment_text(json, ",\"sha256\":\"");
	fragment_text(json, hash);
	fragment_text(json, "\",\"time\":");
	fragment_time(json, file->time);
	put_string(json, ",\"from\":", row->author_uri);
	put_string(json, ",\"from_name\":", row->author_name);
	put_removal(json, row);
	fragment_text(json, "}");
}

static void take_row(struct page *page, const struct content_file_row *row)
{
	if (page->found == page->ask->limit) {
		page->more = true;
		return;
	}
	put_file(page, row);
}

/* Of a row that is malformed nothing is known but that it is there. */
static enum db_result take_rows(struct page *page, struct db *db, struct err *err)
{
	struct content_file_row row;
	enum db_result result = DB_OK;

	while (result == DB_OK) {
		result = content_files_next(db, &row, err);
		if (result == DB_OK) {
			take_row(page, &row);
		} else if (result == DB_BAD_DATA) {
			log_error("%s, and was left out", err->text);
			result = DB_OK;
		}
	}
	return result == DB_END ? DB_OK : result;
}

/* Where the page before ended; DB_END: there is no such file. */
static enum db_result find_place(const struct page *page, struct db *db,
				 struct content_file_page *wanted, struct err *err)
{
	static const uint8_t none[16];
	struct content_file_row row;
	enum db_result result;

	if (memcmp(page->ask->before, none, sizeof(none)) == 0)
		return DB_OK;
	result = content_file_get(db, page->ask->before, &row, err);
	if (result == DB_BAD_DATA || (result == DB_OK && row.file.room != page->ask->room))
		return DB_END;
	if (result == DB_OK)
		wanted->time = row.file.time;
	return result;
}

static enum db_result list(struct page *page, struct db *db, struct err *err)
{
	struct content_file_page wanted = {.room = page->ask->room,
					   .time = INT64_MAX,
					   .removed = page->ask->removed != 0,
					   .limit = page->ask->limit + 1u};
	enum db_result result = find_place(page, db, &wanted, err);

	memcpy(wanted.uuid, page->ask->before, sizeof(wanted.uuid));
	if (result == DB_OK)
		result = content_files(db, &wanted, err);
	return result == DB_OK ? take_rows(page, db, err) : result;
}

/* One that is in another room is not there. */
static enum db_result get(struct page *page, struct db *db, struct err *err)
{
	struct content_file_row row;
	const enum db_result result = content_file_get(db, page->ask->uuid, &row, err);

	if (result == DB_BAD_DATA) {
		log_error("%s, and was left out", err->text);
		return DB_END;
	}
	if (result == DB_OK &&
	    (row.file.room != page->ask->room || (row.removed != 0 && !page->ask->removed)))
		return DB_END;
	if (result == DB_OK)
		put_file(page, &row);
	return result;
}

enum db_result reader_files(struct db *db, const struct ask_files *ask, const char *domain,
			    struct fragment *json, struct err *err)
{
	struct page page = {.ask = ask, .domain = domain, .json = json};
	enum db_result result;

	if (ask->one)
		return get(&page, db, err);
	if (ask->limit == 0 || ask->limit > READER_FILES_MAX) {
		err_set(err, "could not read a page of %u files", ask->limit);
		return DB_BAD_DATA;
	}
	fragment_text(json, "{\"files\":[");
	result = list(&page, db, err);
	fragment_text(json, page.more ? "],\"more\":true}" : "],\"more\":false}");
	return result;
}
