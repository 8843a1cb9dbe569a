#include <string.h>

#include "conf/clock.h"
#include "daemon/adapter.h"
#include "daemon/fragment.h"

/* The forms of one line a record: csv (RFC 4180), jsonl and the list of transferred files. */

static int written(FILE *out, struct err *err)
{
	return ferror(out) ? err_errno(err, "could not write") : 0;
}

static void csv_quoted(FILE *out, const char *mark, const char *text)
{
	fprintf(out, "\"%s", mark);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void csv_text(FILE *out, const char *text)
{
	csv_quoted(out, "", text);
}

/* A spreadsheet would take what begins so for a formula, and run it. */
static void csv_foreign(FILE *out, const char *text)
{
	csv_quoted(out, *text && strchr("=+-@\t\r", *text) ? "'" : "", text);
}

static void csv_row(FILE *out, const struct adapter_record *record)
{
	const char *const texts[] = {record->type,	record->room,	 record->room_name,
				     record->category,	record->user_uri, record->user_name,
				     record->address};
	char time[CLOCK_TEXT];

	fprintf(out, "%llu,%s", (unsigned long long)record->number,
		clock_format(record->time, time));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fputc(',', out);
		csv_foreign(out, texts[i]);
	}
	fprintf(out, ",%llu,%s,", (unsigned long long)record->message,
		record->alert ? "alert" : "regular");
	csv_foreign(out, record->title);
	fputc(',', out);
	csv_foreign(out, record->content);
	fputc(',', out);
	csv_text(out, record->detail);
	fputs("\r\n", out);
}

int adapter_write_csv(const struct adapter *adapter, const struct adapter_batch *records,
		      FILE *out, struct err *err)
{
	(void)adapter;
	fputs("number,time,type,room,room_name,category,user,user_name,address,message,importance,"
	      "title,content,detail\r\n",
	      out);
	for (size_t i = 0; i < records->count; i++)
		csv_row(out, &records->record[i]);
	return written(out, err);
}

static void json_member(struct fragment *line, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	fragment_text(line, ",\"");
	fragment_text(line, name);
	fragment_text(line, "\":");
	fragment_string(line, text, strlen(text));
}

/* As with texts, what there is none of is left out. */
static void json_count(struct fragment *line, const char *name, uint64_t number)
{
	if (number == 0)
		return;
	fragment_text(line, ",\"");
	fragment_text(line, name);
	fragment_text(line, "\":");
	fragment_number(line, number);
}

static void json_message(struct fragment *line, const struct adapter_record *record)
{
	json_count(line, "message", record->message);
	if (record->alert)
		fragment_text(line, ",\"importance\":\"alert\"");
	json_member(line, "title", record->title);
	json_member(line, "content", record->content);
	json_member(line, "rich_type", record->rich_type);
	json_member(line, "rich", record->rich);
	if (*record->detail) {
		fragment_text(line, ",\"detail\":");
		fragment_text(line, record->detail);
	}
}

/* Every column that the hash is made of. detail stands as it is on record, between the last other
 * member and the hash, so that its bytes can be had again. */
static void json_row(struct fragment *line, const struct adapter_record *record)
{
	fragment_text(line, "{\"number\":");
	fragment_number(line, record->number);
	fragment_text(line, ",\"lsn\":");
	fragment_number(line, record->lsn);
	fragment_text(line, ",\"time\":");
	fragment_time(line, record->time);
	json_member(line, "type", record->type);
	json_count(line, "flags", record->flags);
	json_count(line, "room_id", record->room_id);
	json_member(line, "room", record->room);
	json_member(line, "room_name", record->room_name);
	json_member(line, "category", record->category);
	json_count(line, "user_id", record->user);
	json_member(line, "user", record->user_uri);
	json_member(line, "user_name", record->user_name);
	json_member(line, "address", record->address);
	json_member(line, "session", record->session);
	json_message(line, record);
	json_member(line, "hash", record->hash);
	fragment_text(line, "}\n");
}

int adapter_write_jsonl(const struct adapter *adapter, const struct adapter_batch *records,
			FILE *out, struct err *err)
{
	struct fragment line = {0};
	int result = 0;

	(void)adapter;
	for (size_t i = 0; i < records->count && result == 0; i++) {
		json_row(&line, &records->record[i]);
		if (line.failed)
			result = err_set(err, "could not write JSON: out of memory");
		else
			fwrite(line.data, 1, line.used, out);
		fragment_free(&line);
	}
	return result == 0 ? written(out, err) : result;
}

int adapter_write_manifest(const struct adapter *adapter, const struct adapter_batch *records,
			   FILE *out, struct err *err)
{
	char time[CLOCK_TEXT];

	(void)adapter;
	fputs("time,type,room,user,file,detail\r\n", out);
	for (size_t i = 0; i < records->count; i++) {
		const struct adapter_record *record = &records->record[i];
		const bool up = record->kind == ADAPTER_FILEUPLOAD;

		if (!up && record->kind != ADAPTER_FILEDOWNLOAD)
			continue;
		fprintf(out, "%s,%s,", clock_format(record->time, time),
			up ? "FILEUPLOAD" : "FILEDOWNLOAD");
		csv_text(out, record->room);
		fputc(',', out);
		csv_text(out, record->user_uri);
		fputc(',', out);
		csv_foreign(out, record->content);
		fputc(',', out);
		csv_text(out, record->detail);
		fputs("\r\n", out);
	}
	return written(out, err);
}
