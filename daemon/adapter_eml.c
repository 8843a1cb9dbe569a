#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/clock.h"
#include "conf/hex.h"
#include "daemon/adapter_xml.h"

/* A mail (RFC 5322, MIME) for one conversation: a transcript to read, and the XML beside it. */

enum { LINE = 57 /* bytes that make 76 characters of base64 */, WORD = 42 };

static void base64(FILE *out, const char *data, size_t size, const char *line_end)
{
	unsigned char text[4 * (LINE / 3) + 1];

	for (size_t at = 0; at < size; at += LINE) {
		const size_t part = size - at < LINE ? size - at : LINE;

		EVP_EncodeBlock(text, (const unsigned char *)data + at, (int)part);
		fprintf(out, "%s%s", (char *)text, line_end);
	}
}

/* The number of bytes, at most max, that do not cut a character of UTF-8. */
static size_t whole(const char *text, size_t size, size_t max)
{
	size_t part = size < max ? size : max;

	while (part > 1 && part < size && ((unsigned char)text[part] & 0xc0) == 0x80)
		part--;
	return part;
}

/* Text of a header: always as encoded words (RFC 2047), so that no name can begin a header. */
static void words(FILE *out, const char *text)
{
	const size_t size = strlen(text);

	for (size_t at = 0, part; at < size; at += part) {
		part = whole(text + at, size - at, WORD);
		fputs(at ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?", out);
		base64(out, text + at, part, "");
		fputs("?=", out);
	}
}

static void date(FILE *out, uint64_t utc)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t seconds = (time_t)(utc / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	fprintf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void transcript_line(FILE *out, const struct adapter_record *record)
{
	static const char *const done[] = {
		[ADAPTER_JOIN] = "joined",
		[ADAPTER_PART] = "left",
		[ADAPTER_CHAT] = "wrote",
		[ADAPTER_BACKCHAT] = "read history",
		[ADAPTER_FILEUPLOAD] = "uploaded",
		[ADAPTER_FILEDOWNLOAD] = "downloaded",
		[ADAPTER_FILEREMOVE] = "deleted the file",
		[ADAPTER_REMOVE] = "deleted",
		[ADAPTER_REPLACE] = "replaced",
		[ADAPTER_PURGE] = "purged up to",
	};
	char time[CLOCK_TEXT];

	fprintf(out, "%s %s %s", clock_format(record->time, time), adapter_who(record),
		done[record->kind]);
	if (record->message)
		fprintf(out, " %llu", (unsigned long long)record->message);
	if (record->alert)
		fputs(" (alert)", out);
	if (*record->title)
		fprintf(out, ": %s\r\n", record->title);
	if (*record->content)
		fprintf(out, "%s %s", *record->title ? "" : ":", record->content);
	fputs("\r\n", out);
}

static int transcript(FILE *out, const struct adapter_batch *records, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return err_errno(err, "could not write a transcript");
	for (size_t i = 0; i < records->count; i++)
		transcript_line(memory, &records->record[i]);
	if (fclose(memory) != 0) {
		free(text);
		return err_errno(err, "could not write a transcript");
	}
	base64(out, text, size, "\r\n");
	free(text);
	return 0;
}

/* Made of what the mail is about, so that the same batch gives the same mail. */
static void identify(const struct adapter *adapter, const struct adapter_batch *records,
		     char name_r[33])
{
	const struct adapter_record *first = &records->record[0];
	const struct adapter_record *last = &records->record[records->count - 1];
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char text[1024];

	snprintf(text, sizeof(text), "%llu %llu %s %s", (unsigned long long)first->number,
		 (unsigned long long)last->number, adapter->name, first->room);
	SHA256((const unsigned char *)text, strlen(text), hash);
	hex_encode(hash, 16, name_r);
}

static void head(const struct adapter *adapter, const struct adapter_batch *records,
		 const char *id, FILE *out)
{
	const struct adapter_record *last = &records->record[records->count - 1];
	const char *at = strrchr(adapter->mail_from, '@');

	fprintf(out, "From: %s\r\nTo: %s\r\n", adapter->mail_from, adapter->mail_to);
	date(out, last->time);
	fputs("Subject: ", out);
	words(out, *last->room_name ? last->room_name : "pchat");
	fprintf(out, "\r\nMessage-ID: <%s@%s>\r\n", id, at ? at + 1 : "pchat.invalid");
	fputs("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", out);
	fprintf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n", id);
}

static int body(const struct adapter *adapter, const struct adapter_batch *records,
		const char *id, FILE *out, struct err *err)
{
	xmlBufferPtr xml;

	fprintf(out, "--=_%s\r\nContent-Type: text/plain; charset=UTF-8\r\n"
		     "Content-Transfer-Encoding: base64\r\n\r\n",
		id);
	if (transcript(out, records, err) < 0 || adapter_xml(adapter, records, &xml, err) < 0)
		return -1;
	fprintf(out,
		"--=_%s\r\nContent-Type: application/xml; name=\"conversation.xml\"\r\n"
		"Content-Disposition: attachment; filename=\"conversation.xml\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
		id);
	base64(out, (const char *)xmlBufferContent(xml), (size_t)xmlBufferLength(xml), "\r\n");
	xmlBufferFree(xml);
	fprintf(out, "--=_%s--\r\n", id);
	return ferror(out) ? err_errno(err, "could not write") : 0;
}

int adapter_write_eml(const struct adapter *adapter, const struct adapter_batch *records,
		      FILE *out, struct err *err)
{
	char id[33];

	identify(adapter, records, id);
	head(adapter, records, id, out);
	return body(adapter, records, id, out, err);
}
