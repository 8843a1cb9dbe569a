#include "worker/http_answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "conf/code.h"
#include "worker/json_file.h"
#include "worker/json_text.h"

int http_status(int code)
{
	switch (code) {
	case CODE_INVALID_ARGUMENT:
		return 400;
	case CODE_ERROR_PERMISSION:
	case CODE_NODE_DISABLED:
	case CODE_USER_NOT_JOINED:
		return 403;
	case CODE_INVALID_TOKEN:
	case CODE_NO_SUCH_NODE:
		return 404;
	case CODE_METHOD_NOT_FOUND:
		return 405;
	case CODE_DATA_COLLISION:
		return 409;
	case CODE_TOO_LARGE:
		return 413;
	case CODE_BUSY:
	case CODE_UNAVAILABLE:
	case CODE_TIMEOUT:
	case CODE_LIMIT_EXCEEDED:
	case CODE_INVALID_FLOW_OF_OPERATIONS: /* pchat-file has begun anew meanwhile */
		return 503;
	case CODE_FILE_UPLOAD_FAILED:
		return 507;
	default:
		return 500;
	}
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{206, "Partial Content"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{416, "Range Not Satisfiable"},
		{503, "Service Unavailable"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Internal Server Error";
}

/* What every answer begins with; what is sent is nobody's but the receiver's. */
static void put_status(struct buf *out, int status)
{
	buf_string(out, "HTTP/1.1 ");
	buf_number(out, (uint64_t)status);
	buf_char(out, ' ');
	buf_string(out, reason(status));
	buf_string(out, "\r\nConnection: close\r\nCache-Control: private, no-store\r\n"
			"X-Content-Type-Options: nosniff\r\n");
}

static void put_length(struct buf *out, uint64_t length)
{
	buf_string(out, "Content-Length: ");
	buf_number(out, length);
	buf_string(out, "\r\n");
}

static void put_body(struct buf *out, const struct buf *body)
{
	buf_string(out, "Content-Type: application/json\r\n");
	put_length(out, buf_used(body));
	buf_string(out, "\r\n");
	buf_append(out, body);
}

void http_refusal(struct buf *out, int status, int code)
{
	const char *text = code_text(code), *name = code_name(code);
	struct buf body;

	buf_init(&body);
	buf_string(&body, "{\"error\":{\"code\":");
	if (code < 0)
		buf_char(&body, '-');
	buf_number(&body, (uint64_t)(code < 0 ? -code : code));
	buf_string(&body, ",\"name\":");
	json_put_string(&body, name, strlen(name));
	buf_string(&body, ",\"message\":");
	json_put_string(&body, text, strlen(text));
	buf_string(&body, "}}\n");
	put_status(out, status);
	if (status == 405)
		buf_string(out, "Allow: GET, HEAD, PUT\r\n");
	put_body(out, &body);
	out->failed |= body.failed;
	buf_fini(&body);
}

void http_stored(struct buf *out, const struct chat *chat, const struct file_info *file)
{
	struct buf body;

	buf_init(&body);
	buf_string(&body, "{\"room\":");
	json_put_room(&body, chat, file->room);
	buf_char(&body, ',');
	json_put_file_info(&body, chat, file);
	buf_string(&body, "}\n");
	put_status(out, 201);
	put_body(out, &body);
	out->failed |= body.failed;
	buf_fini(&body);
}

/* --- What part of a file. --- */

/* The entity tag: a file never changes, so it is that of its bytes. */
static void put_tag(struct buf *out, const struct file_info *file)
{
	buf_char(out, '"');
	json_put_hash(out, file->sha256);
	buf_char(out, '"');
}

static bool is_tag(const char *text, const struct file_info *file)
{
	struct buf tag;
	bool same;

	buf_init(&tag);
	put_tag(&tag, file);
	same = !tag.failed && strlen(text) == buf_used(&tag) &&
	       memcmp(text, buf_text(&tag), buf_used(&tag)) == 0;
	buf_fini(&tag);
	return same;
}

/* Returns what stands behind the number, or NULL where there is none that can be meant. */
static const char *take_number(const char *text, uint64_t *number_r)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return NULL;
	*number_r = number;
	return text;
}

/* "bytes=A-B", "bytes=A-" or "bytes=-N" (RFC 9110 section 14.1.2). What is not understood, as
 * several ranges are not, means the whole. */
static bool parse(const char *text, uint64_t size, struct http_range *range)
{
	uint64_t last = size;

	if (strncasecmp(text, "bytes=", 6) != 0)
		return false;
	text += 6;
	if (*text == '-') {
		text = take_number(text + 1, &last);
		range->first = text == NULL || last >= size ? 0 : size - last;
		range->end = last == 0 ? 0 : size;
		return text != NULL && *text == '\0';
	}
	text = take_number(text, &range->first);
	if (text == NULL || *text++ != '-')
		return false;
	if (*text == '\0') {
		range->end = size;
		return true;
	}
	text = take_number(text, &last);
	if (text == NULL || *text != '\0' || last < range->first)
		return false;
	range->end = last < size ? last + 1 : size;
	return true;
}

struct http_range http_range(const char *text, const char *if_range, const struct file_info *file)
{
	const struct http_range whole = {.end = file->size, .kind = HTTP_RANGE_WHOLE};
	struct http_range range = {.kind = HTTP_RANGE_PART};

	if ((*if_range != '\0' && !is_tag(if_range, file)) || !parse(text, file->size, &range))
		return whole;
	if (range.first >= range.end)
		range.kind = HTTP_RANGE_OUTSIDE;
	return range;
}

/* --- The head of a file. --- */

/* A media type without parameters: nothing that a browser could take for instructions. */
static bool is_plain_type(struct text type)
{
	unsigned slashes = 0;

	for (uint32_t i = 0; i < type.length; i++) {
		const char c = type.data[i];

		if (c == '/' && i > 0 && i + 1 < type.length)
			slashes++;
		else if (!isascii((unsigned char)c) ||
			 (!isalnum((unsigned char)c) && strchr("!#$&-^_.+", c) == NULL))
			return false;
	}
	return slashes == 1;
}

static void put_type(struct buf *out, struct text type)
{
	buf_string(out, "Content-Type: ");
	if (is_plain_type(type))
		buf_add(out, type.data, type.length);
	else
		buf_string(out, "application/octet-stream");
	buf_string(out, "\r\n");
}

/* The name twice (RFC 6266): for those who know no other characters than ASCII, and whole. */
static void put_name(struct buf *out, struct text name)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_string(out, "Content-Disposition: attachment; filename=\"");
	for (uint32_t i = 0; i < name.length; i++) {
		const char c = name.data[i];

		if ((unsigned char)c < 0x80)
			buf_char(out, c < 0x20 || c == 0x7f || strchr("\"\\%/", c) ? '_' : c);
		else if (((unsigned char)c & 0xc0) != 0x80) /* one for a character */
			buf_char(out, '_');
	}
	buf_string(out, "\"; filename*=UTF-8''");
	for (uint32_t i = 0; i < name.length; i++) {
		const unsigned char c = (unsigned char)name.data[i];

		if (isascii(c) && (isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL))) {
			buf_char(out, (char)c);
			continue;
		}
		buf_char(out, '%');
		buf_char(out, hex[c >> 4]);
		buf_char(out, hex[c & 15]);
	}
	buf_string(out, "\r\n");
}

static void put_content_range(struct buf *out, const struct http_range *range, uint64_t size)
{
	buf_string(out, "Content-Range: bytes ");
	if (range->kind == HTTP_RANGE_PART) {
		buf_number(out, range->first);
		buf_char(out, '-');
		buf_number(out, range->end - 1);
	} else {
		buf_char(out, '*');
	}
	buf_char(out, '/');
	buf_number(out, size);
	buf_string(out, "\r\n");
}

void http_head_of(struct buf *out, const struct file_info *file, const struct http_range *range)
{
	if (range->kind == HTTP_RANGE_OUTSIDE) {
		put_status(out, 416);
		put_content_range(out, range, file->size);
		buf_string(out, "Content-Length: 0\r\n\r\n");
		return;
	}
	put_status(out, range->kind == HTTP_RANGE_PART ? 206 : 200);
	put_type(out, file->type);
	put_length(out, range->end - range->first);
	if (range->kind == HTTP_RANGE_PART)
		put_content_range(out, range, file->size);
	put_name(out, file->name);
	buf_string(out, "Accept-Ranges: bytes\r\nContent-Security-Policy: sandbox\r\nETag: ");
	put_tag(out, file);
	buf_string(out, "\r\n\r\n");
}
