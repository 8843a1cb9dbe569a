#include "daemon/ctl_case_html.h"

#include <inttypes.h>
#include <stdlib.h>

#include "conf/clock.h"
#include "daemon/adapter_xml.h"

static void put(FILE *out, const char *text)
{
	char *legal = adapter_xml_text(text);

	for (const char *at = legal ? legal : "?"; *at; at++) {
		switch (*at) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*at, out);
		}
	}
	free(legal);
}

/* The direction of a text ends with it. */
static void put_element(FILE *out, const char *element, struct db_bytes text)
{
	if (text.length == 0)
		return;
	fprintf(out, "<%s><bdi>", element);
	put(out, text.data);
	fprintf(out, "</bdi></%s>", element);
}

static void put_cell(FILE *out, struct db_bytes text)
{
	fputs("<td>", out);
	put_element(out, "span", text);
	fputs("</td>", out);
}

void case_html_begin(FILE *out, const char *name, const char *filter)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
	      out);
	put(out, name);
	fputs("</title>\n<style>\n"
	      "body { font-family: sans-serif; }\n"
	      "table { border-collapse: collapse; }\n"
	      "th, td { border: 1px solid #999; padding: 0.2em 0.5em; text-align: left; "
	      "vertical-align: top; }\n"
	      "pre { margin: 0; white-space: pre-wrap; }\n"
	      "</style>\n</head>\n<body>\n<h1>Case <bdi>",
	      out);
	put(out, name);
	fputs("</bdi></h1>\n<p>Records: <bdi>", out);
	put(out, filter);
	fputs("</bdi></p>\n<table>\n<thead><tr><th>Record</th><th>Time (UTC)</th><th>Type</th>"
	      "<th>Room</th><th>Message</th><th>Who</th><th>From</th><th>Text</th></tr></thead>\n"
	      "<tbody>\n",
	      out);
}

void case_html_record(FILE *out, const struct record_row *row)
{
	char time[CLOCK_TEXT];

	fprintf(out, "<tr><td>%" PRIu64 "</td><td>%s</td>", row->number,
		clock_format(row->time, time));
	put_cell(out, row->type);
	put_cell(out, row->room_name.length > 0 ? row->room_name : row->room);
	fputs("<td>", out);
	if (row->message != 0)
		fprintf(out, "%" PRIu64, row->message);
	fputs("</td><td>", out);
	put_element(out, "div", row->user_name);
	put_element(out, "div", row->user_uri);
	fputs("</td>", out);
	put_cell(out, row->address);
	fputs("<td>", out);
	if (row->flags & RECORD_ALERT)
		fputs("<strong>alert</strong>", out);
	put_element(out, "h3", row->title);
	put_element(out, "pre", row->content);
	put_element(out, "code", row->rich_type);
	put_element(out, "pre", row->rich);
	put_element(out, "code", row->detail);
	fputs("</td></tr>\n", out);
}

void case_html_end(FILE *out, uint64_t records)
{
	fprintf(out,
		"</tbody>\n</table>\n<p>%" PRIu64
		" records. What proves them stands in verification.json, the hash of this file in "
		"manifest.json.</p>\n</body>\n</html>\n",
		records);
}
