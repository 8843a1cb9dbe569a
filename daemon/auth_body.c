#include "daemon/auth_body.h"

#include <string.h>

enum { MECHANISM_MAX = 20 }; /* RFC 4422, section 3.1 */

/* Takes the text up to the next NUL, of 1 to max bytes, off the front of rest. */
static bool take_text(struct text *rest, uint32_t max, struct text *text_r)
{
	const char *end = rest->length ? memchr(rest->data, '\0', rest->length) : NULL;
	uint32_t length;

	if (!end)
		return false;
	length = (uint32_t)(end - rest->data);
	if (length == 0 || length > max)
		return false;
	*text_r = (struct text){rest->data, length};
	rest->data += length + 1;
	rest->length -= length + 1;
	return true;
}

/* An address goes into the journal and the log: nothing but printable ASCII. */
static bool take_address(struct text *rest, struct text *address_r)
{
	if (!take_text(rest, EVENT_ADDRESS_MAX, address_r))
		return false;
	for (uint32_t i = 0; i < address_r->length; i++) {
		if (address_r->data[i] <= ' ' || address_r->data[i] >= 0x7f)
			return false;
	}
	return true;
}

bool auth_start_get(const void *body, uint32_t size, struct auth_start *start_r)
{
	start_r->data = (struct text){body, size};
	return take_address(&start_r->data, &start_r->address) &&
	       take_text(&start_r->data, MECHANISM_MAX, &start_r->mechanism);
}

bool auth_resume_get(const void *body, uint32_t size, struct auth_resume *resume_r)
{
	resume_r->token = (struct text){body, size};
	return take_address(&resume_r->token, &resume_r->address);
}

bool auth_password_get(const void *body, uint32_t size, struct auth_password *password_r)
{
	password_r->password = (struct text){body, size};
	return take_text(&password_r->password, EVENT_URI_MAX, &password_r->name);
}
