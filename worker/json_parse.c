#include "worker/json_parse.h"

#include <string.h>
#include <yajl/yajl_parse.h>

#include "worker/json_peer.h"
#include "worker/json_text.h"

/*
 * Values are jansson's, but nine tenths of what it needs to make them of a text are its lexer's, which
 * takes one character at a time. So that is yajl's. Where yajl takes what is no JSON, jansson reads
 * the text itself: surrogates that have no partner, which only \u can say, and white space and NULs that are none.
 */
struct builder {
	json_t *root;		  /* owned */
	json_t *open[JSON_DEPTH]; /* borrowed: what is not closed yet, the innermost last */
	json_t *key;		  /* owned: the name of the member whose value comes next */
	unsigned depth;
};

/* Puts a value where it belongs. 0 ends the parsing: out of memory, no UTF-8, or a name twice. */
static int place(struct builder *b, json_t *take_value)
{
	json_t *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	size_t members;

	if (take_value == NULL)
		return 0;
	if (parent == NULL) {
		b->root = take_value;
		return 1;
	}
	if (json_is_array(parent))
		return json_array_append_new(parent, take_value) == 0;
	members = json_object_size(parent);
	if (json_object_setn_new_nocheck(parent, json_string_value(b->key),
					 json_string_length(b->key), take_value) != 0)
		return 0;
	json_decref(b->key);
	b->key = NULL;
	return json_object_size(parent) > members;
}

static int begin(struct builder *b, json_t *take_value)
{
	if (b->depth == JSON_DEPTH) {
		json_decref(take_value);
		return 0;
	}
	if (!place(b, take_value))
		return 0;
	b->open[b->depth++] = take_value;
	return 1;
}

static int on_null(void *b)
{
	return place(b, json_null());
}

static int on_boolean(void *b, int value)
{
	return place(b, json_boolean(value));
}

static int on_integer(void *b, long long value)
{
	return place(b, json_integer(value));
}

static int on_real(void *b, double value)
{
	return place(b, json_real(value));
}

static int on_string(void *b, const unsigned char *text, size_t length)
{
	return place(b, json_stringn((const char *)text, length));
}

static int on_object(void *b)
{
	return begin(b, json_object());
}

static int on_array(void *b)
{
	return begin(b, json_array());
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
	struct builder *b = context;

	b->key = json_stringn((const char *)text, length);
	return b->key != NULL;
}

static int on_end(void *context)
{
	struct builder *b = context;

	b->depth--;
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_integer = on_integer,
	.yajl_double = on_real,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_end,
};

static json_t *build(const char *text, size_t size)
{
	struct builder b = {0};
	yajl_handle handle = yajl_alloc(&callbacks, NULL, &b);

	if (handle == NULL)
		return NULL;
	/* That strings are UTF-8 is jansson's to check, who makes them. */
	yajl_config(handle, yajl_dont_validate_strings, 1);
	if (yajl_parse(handle, (const unsigned char *)text, size) != yajl_status_ok ||
	    yajl_complete_parse(handle) != yajl_status_ok) {
		json_decref(b.root);
		b.root = NULL;
	}
	yajl_free(handle);
	json_decref(b.key);
	return b.root;
}

/* Whether the two libraries agree on it. */
static bool is_plain(const char *text, size_t size)
{
	const char *end = text + size, *at = text;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (end - at < 2 || at[1] == 'u')
			return false;
		at += 2;
	}
	return memchr(text, '\0', size) == NULL && memchr(text, '\v', size) == NULL &&
	       memchr(text, '\f', size) == NULL;
}

json_t *json_parse(const char *text, size_t size)
{
	if (is_plain(text, size))
		return build(text, size);
	if (!json_depth_ok(text, size, JSON_DEPTH))
		return NULL;
	return json_loadb(text, size,
			  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}
