#include <string.h>

#include "conf/hex.h"
#include "daemon/ctl_export.h"
#include "odbc/content_file.h"

/* Files as lines of an archive: what they are, not what is in them. */

enum db_result export_file_page(struct export *e)
{
	return content_export_files(e->db, e->above.file.begun ? e->above.file.uuid : NULL,
				    &e->err);
}

static void put_text(struct export *e, const char *name, struct db_bytes text)
{
	export_name(e, name);
	fragment_string(&e->line, text.data, text.length);
}

static void put_file(struct export *e, const struct content_file_row *row)
{
	const struct content_file *file = &row->file;
	char uuid[HEX_UUID], hash[2 * CONTENT_FILE_HASH + 1];

	hex_uuid_encode(file->uuid, uuid);
	hex_encode(file->sha256, CONTENT_FILE_HASH, hash);
	export_begin(e, archive_kind_name(KIND_FILE));
	fragment_string(&e->line, uuid, strlen(uuid));
	put_text(e, "room", row->room);
	put_text(e, "name", file->name);
	if (file->type.length > 0)
		put_text(e, "type", file->type);
	export_name(e, "size");
	fragment_number(&e->line, file->size);
	put_text(e, "sha256", (struct db_bytes){hash, strlen(hash)});
	export_time(e, "time", file->time);
	if (row->author_uri.length > 0)
		put_text(e, "from", row->author_uri);
	export_end(e, KIND_FILE);
}

/* What was removed is not there any more, neither here nor where the archive is brought in. */
enum db_result export_file_next(struct export *e)
{
	struct content_file_row row;
	const enum db_result result = content_export_files_next(e->db, &row, &e->err);

	if (result != DB_OK)
		return result;
	memcpy(e->above.file.uuid, row.file.uuid, sizeof(row.file.uuid));
	e->above.file.begun = true;
	if (row.removed != 0 || row.room.length == 0 ||
	    (e->category != 0 && e->category != row.category) || row.file.time < e->start)
		return DB_OK;
	put_file(e, &row);
	return DB_OK;
}
