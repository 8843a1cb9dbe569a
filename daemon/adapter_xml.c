#include "daemon/adapter_xml.h"

#include <inttypes.h>
#include <libxml/xmlwriter.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistr.h>

/*
 * The form is the original's: Conversations, in each the Channel, its FirstMessage, all Messages and
 * when they began and ended. A type that the original does not know (FILEREMOVE, REMOVE, REPLACE, PURGE) is
 * ours, because a record that leaves deletions out proves nothing.
 */

/* .NET counts 100 ns from the year 1. */
#define TICKS_1970 UINT64_C(621355968000000000)

static const char *const kinds[] = {
	[ADAPTER_JOIN] = "JOIN",
	[ADAPTER_PART] = "PART",
	[ADAPTER_CHAT] = "CHAT",
	[ADAPTER_BACKCHAT] = "BACKCHAT",
	[ADAPTER_FILEUPLOAD] = "FILEUPLOAD",
	[ADAPTER_FILEDOWNLOAD] = "FILEDOWNLOAD",
	[ADAPTER_FILEREMOVE] = "FILEREMOVE",
	[ADAPTER_REMOVE] = "REMOVE",
	[ADAPTER_REPLACE] = "REPLACE",
	[ADAPTER_PURGE] = "PURGE",
};

struct writer {
	const struct adapter *adapter;
	xmlTextWriterPtr xml;
	bool failed; /* memory or the disk: the caller says which */
};

static bool is_xml(ucs4_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) ||
	       (c >= 0xe000 && c < 0xfffe) || c >= 0x10000;
}

char *adapter_xml_text(const char *text)
{
	const uint8_t *from = (const uint8_t *)text;
	char *copy = malloc(strlen(text) * 3 + 1); /* U+FFFD has three bytes */
	uint8_t *to = (uint8_t *)copy;
	ucs4_t c;
	int size;

	while (copy && (size = u8_strmbtouc(&c, from)) != 0) {
		if (size < 0) {
			c = 0xfffd;
			size = 1;
		}
		to += u8_uctomb(to, is_xml(c) ? c : 0xfffd, 6);
		from += size;
	}
	if (copy)
		*to = '\0';
	return copy;
}

static void check(struct writer *writer, int result)
{
	if (result < 0)
		writer->failed = true;
}

static void begin(struct writer *writer, const char *element)
{
	check(writer, xmlTextWriterStartElement(writer->xml, BAD_CAST element));
}

static void end(struct writer *writer)
{
	check(writer, xmlTextWriterEndElement(writer->xml));
}

static void attribute(struct writer *writer, const char *name, const char *text)
{
	char *legal = adapter_xml_text(text);

	check(writer, legal ? xmlTextWriterWriteAttribute(writer->xml, BAD_CAST name,
							  BAD_CAST legal)
			    : -1);
	free(legal);
}

static void number(struct writer *writer, const char *name, uint64_t value)
{
	check(writer, xmlTextWriterWriteFormatAttribute(writer->xml, BAD_CAST name, "%" PRIu64,
							value));
}

static void flag(struct writer *writer, const char *name, bool value)
{
	attribute(writer, name, value ? "true" : "false");
}

static void moment(struct writer *writer, const char *element, uint64_t utc)
{
	const time_t seconds = (time_t)(utc / 1000000);
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), 16, ".%06u0Z", (unsigned)(utc % 1000000));
	begin(writer, element);
	number(writer, "since1970", utc / 1000);
	attribute(writer, "string", text);
	number(writer, "long", utc * 10 + TICKS_1970);
	end(writer);
}

static void sender(struct writer *writer, const struct adapter_record *record)
{
	const char *uri = adapter_who(record);

	begin(writer, "Sender");
	if (writer->adapter->user_details)
		attribute(writer, "UserName", record->user_name);
	number(writer, "id", record->user);
	if (writer->adapter->user_details && strncmp(uri, "sip:", 4) == 0)
		attribute(writer, "email", uri + 4);
	flag(writer, "internal", true);
	attribute(writer, "uri", strncmp(uri, "sip:", 4) == 0 ? uri + 4 : uri);
	end(writer);
}

/* A story is its title and then its text, as the original has it. */
static void content(struct writer *writer, const struct adapter_record *record)
{
	char *story = NULL;

	if (*record->title == '\0') {
		attribute(writer, "content", record->content);
		return;
	}
	if (asprintf(&story, "%s\n%s", record->title, record->content) < 0) {
		writer->failed = true;
		return;
	}
	attribute(writer, "content", story);
	free(story);
}

static void message(struct writer *writer, const char *element, const struct adapter_record *record)
{
	const bool numbered = record->kind == ADAPTER_CHAT || record->kind >= ADAPTER_REMOVE;

	begin(writer, element);
	attribute(writer, "type", kinds[record->kind]);
	content(writer, record);
	number(writer, "id", numbered ? record->message : 0);
	sender(writer, record);
	moment(writer, "DateTimeUTC", record->time);
	end(writer);
}

static void channel(struct writer *writer, const struct adapter_record *record)
{
	begin(writer, "Channel");
	attribute(writer, "uri", record->room);
	attribute(writer, "name", record->room_name);
	if (writer->adapter->room_details) {
		flag(writer, "islogged", record->history);
		attribute(writer, "description", record->room_description);
		attribute(writer, "category", record->category);
	}
	end(writer);
}

/* The newest of the records names the room: it may have been renamed meanwhile. */
static void conversation(struct writer *writer, const struct adapter_record *records, size_t count)
{
	begin(writer, "Conversation");
	channel(writer, &records[count - 1]);
	message(writer, "FirstMessage", &records[0]);
	begin(writer, "Messages");
	for (size_t i = 1; i < count; i++)
		message(writer, "Message", &records[i]);
	end(writer);
	moment(writer, "StartTimeUTC", records[0].time);
	moment(writer, "EndTimeUTC", records[count - 1].time);
	end(writer);
}

static void document(struct writer *writer, const struct adapter_batch *records)
{
	check(writer, xmlTextWriterSetIndent(writer->xml, 1));
	check(writer, xmlTextWriterSetIndentString(writer->xml, BAD_CAST "  "));
	check(writer, xmlTextWriterStartDocument(writer->xml, NULL, "UTF-8", NULL));
	begin(writer, "Conversations");
	for (size_t i = 0, count; i < records->count; i += count) {
		count = adapter_conversation(records, i);
		if (*records->record[i].room)
			conversation(writer, &records->record[i], count);
	}
	end(writer);
	check(writer, xmlTextWriterEndDocument(writer->xml));
}

/* take_output: what the writer writes to; the writer owns it from here on. */
static int write_to(const struct adapter *adapter, const struct adapter_batch *records,
		    xmlTextWriterPtr take_xml, struct err *err)
{
	struct writer writer = {.adapter = adapter, .xml = take_xml, .failed = !take_xml};

	if (take_xml) {
		document(&writer, records);
		xmlFreeTextWriter(take_xml);
	}
	return writer.failed ? err_set(err, "could not write XML") : 0;
}

int adapter_xml(const struct adapter *adapter, const struct adapter_batch *records,
		xmlBufferPtr *xml_r, struct err *err)
{
	*xml_r = xmlBufferCreate();
	if (*xml_r &&
	    write_to(adapter, records, xmlNewTextWriterMemory(*xml_r, 0), err) == 0)
		return 0;
	if (*xml_r)
		xmlBufferFree(*xml_r);
	*xml_r = NULL;
	return err_set(err, "could not write XML: out of memory");
}

int adapter_write_xml(const struct adapter *adapter, const struct adapter_batch *records,
		      FILE *out, struct err *err)
{
	xmlOutputBufferPtr output = xmlOutputBufferCreateFile(out, NULL);
	xmlTextWriterPtr xml = output ? xmlNewTextWriter(output) : NULL;

	if (output && !xml)
		xmlOutputBufferClose(output);
	return write_to(adapter, records, xml, err);
}
