#include "config.h"

#include "daemon/pchat_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The length of the UTF-8 character at p and its code point; 0 where there is none (RFC 3629). */
static size_t decode(const unsigned char *p, uint32_t *code_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = p[0] < 0x80	  ? 1
			: p[0] >> 5 == 6  ? 2
			: p[0] >> 4 == 14 ? 3
			: p[0] >> 3 == 30 ? 4
					  : 0;
	uint32_t code = length == 1 ? p[0] : p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (length == 0 || code < least[length] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*code_r = code;
	return length;
}

/* Line and paragraph separators, marks and overrides of direction, the byte order mark. */
static bool misleads(uint32_t code)
{
	return (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0x61c || code == 0xfeff;
}

/* C0, DEL, C1. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static size_t escape_one(FILE *out, const unsigned char *p, const char *indent)
{
	uint32_t code;
	size_t length = decode(p, &code);
	if (length == 0) {
		fprintf(out, "\\x%02x", *p);
		return 1;
	}
	if (code == '\n' && indent)
		fprintf(out, "\n%s", indent);
	else if (code == '\n')
		fputs("\\n", out);
	else if (code == '\t')
		fputs(indent ? "    " : "\\t", out);
	else if (is_control(code))
		fprintf(out, "\\x%02x", code);
	else if (misleads(code))
		fprintf(out, "\\u{%x}", code);
	else
		fwrite(p, 1, length, out);
	return length;
}

char *pchat_text_escape(const char *text, const char *indent)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);
	if (!out)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)text; *p;)
		p += escape_one(out, p, indent);
	if (fclose(out) != 0) {
		free(result);
		return NULL;
	}
	return result;
}

char *pchat_text_file_name(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;
	const unsigned char *p = (const unsigned char *)(slash ? slash + 1 : name ? name : "");
	char *own = malloc(PCHAT_FILE_NAME_MAX + 1), *to = own;

	while (own && *p) {
		uint32_t code = 0;
		size_t length = decode(p, &code);
		const bool fit = length > 0 && !is_control(code) && !misleads(code) &&
				 (to > own || (code != '.' && code != '-'));
		const size_t size = fit ? length : 1;

		if ((size_t)(to - own) + size > PCHAT_FILE_NAME_MAX)
			break;
		memcpy(to, fit ? (const char *)p : "_", size);
		to += size;
		p += length > 0 ? length : 1;
	}
	if (own && to == own)
		to = stpcpy(own, "file");
	if (own)
		*to = '\0';
	return own;
}

const char *pchat_text_time(const char *utc, bool brief, char out[PCHAT_TIME])
{
	struct tm tm = {0};
	const char *end = utc ? strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	time_t seconds = end ? timegm(&tm) : 0;
	if (!end || !localtime_r(&seconds, &tm) ||
	    strftime(out, PCHAT_TIME, brief ? "%H:%M" : "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(out, "?");
	return out;
}

static char *escaped_member(const json_t *object, const char *member, const char *indent)
{
	const char *text = json_string_value(json_object_get(object, member));
	return pchat_text_escape(text ? text : "", indent);
}

const char *pchat_text_size(uint64_t bytes, char out[PCHAT_SIZE])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double size = (double)bytes;
	size_t unit = 0;
	if (bytes < 1000) {
		snprintf(out, PCHAT_SIZE, "%u bytes", (unsigned)bytes);
		return out;
	}
	for (size /= 1000; size >= 999.95 && unit < 5; unit++)
		size /= 1000;
	snprintf(out, PCHAT_SIZE, "%.1f %s", size, units[unit]);
	return out;
}

static const char *earlier(const char *one, const char *other)
{
	if (!one || !other)
		return one ? one : other;
	return one < other ? one : other;
}

const char *pchat_text_link(const char *text, size_t *length_r)
{
	const char *link = earlier(strstr(text, "ma-chan://"), strstr(text, "ma-filelink://"));
	size_t length;
	if (!link)
		return NULL;
	length = strcspn(link, " \t\r\n\"'<>()[]{}");
	while (length > 0 && strchr(".,:;!?", link[length - 1]))
		length--;
	*length_r = length;
	return link;
}

char *pchat_text_message(const json_t *message)
{
	char time[PCHAT_TIME], *line = NULL;
	const char *utc = json_string_value(json_object_get(message, "time"));
	const char *alert = json_object_get(message, "importance") ? "ALERT " : "";
	char *name = escaped_member(message, "name", NULL);
	char *title = escaped_member(message, "title", NULL);
	char *text = escaped_member(message, "text", NULL);
	if (name && title && text &&
	    asprintf(&line, "%s %s<%s> %s%s%s", pchat_text_time(utc, false, time), alert, name,
		     title, *title ? ": " : "", text) < 0)
		line = NULL;
	free(name);
	free(title);
	free(text);
	return line;
}

void pchat_text_json(const json_t *object)
{
	size_t flags = JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0);
	json_dumpf(object, stdout, flags);
	putchar('\n');
}
