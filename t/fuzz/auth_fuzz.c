#include <string.h>

#include "daemon/auth_body.h"
#include "daemon/auth_sasl.h"
#include "daemon/auth_token.h"
#include "fuzz.h"

/*
 * What clients send through a worker to pchat-auth: the first byte chooses the parser, the rest
 * is what it reads. For an exchange the rest is a question as in ASK_AUTH_START; a 0x01 in its
 * data separates the client's first message from its second.
 */
static const uint8_t KEY[AUTH_KEY_SIZE] = "0123456789abcdef0123456789abcde";

static int lookup(void *arg, const char *name, char uri_r[USER_URI_SIZE],
		  struct auth_account *account_r)
{
	(void)arg;
	if (!user_uri_make(name, strlen(name), "example.test", uri_r))
		uri_r[0] = '\0';
	account_r->principal = 7;
	account_r->epoch = 1;
	/* One round: the time is better spent on more input. */
	auth_secret_fake(KEY, name, strlen(name), 1, &account_r->secret);
	return CODE_OK;
}

static void token(const char *text, size_t size)
{
	static struct auth_signer *signer;
	struct auth_token token;

	if (!signer)
		signer = auth_signer_new(KEY);
	/* Nobody guesses the MAC. */
	fuzz_check(signer && !auth_token_check(text, size, signer, 0, &token));
}

static void name(const char *text, size_t size)
{
	char uri[USER_URI_SIZE], again[USER_URI_SIZE];

	if (!user_uri_make(text, size, "example.test", uri))
		return;
	/* A URI stays what it is. */
	fuzz_check(user_uri_make(uri, strlen(uri), "example.test", again));
	fuzz_check(strcmp(uri, again) == 0);
}

static void converse(struct auth_sasl *sasl, const struct auth_start *start)
{
	const struct text data = start->data;
	const char *second = data.length ? memchr(data.data, 1, data.length) : NULL;
	const size_t first = second ? (size_t)(second - data.data) : data.length;
	struct auth_exchange *exchange =
		auth_exchange_new(sasl, start->mechanism.data, start->mechanism.length);
	enum auth_step step = AUTH_REFUSED;
	const char *out;
	size_t size;

	if (exchange)
		step = auth_exchange_step(exchange, data.data, first, &out, &size);
	if (step == AUTH_MORE && second)
		step = auth_exchange_step(exchange, second + 1, data.length - first - 1, &out, &size);
	/* Nobody knows the password of a made-up secret. */
	fuzz_check(step != AUTH_DONE);
	auth_exchange_free(&exchange);
}

static void exchange(const uint8_t *body, uint32_t size)
{
	struct conf_list mechanisms = {2, {(char *)"SCRAM-SHA-256", (char *)"PLAIN"}};
	struct auth_start start;
	struct auth_sasl *sasl;
	struct err err;

	if (!auth_start_get(body, size, &start))
		return;
	fuzz_check(start.address.length > 0 && start.address.length <= EVENT_ADDRESS_MAX);
	sasl = auth_sasl_new(&mechanisms, lookup, NULL, &err);
	fuzz_check(sasl);
	converse(sasl, &start);
	auth_sasl_free(&sasl);
}

static void bodies(const uint8_t *body, uint32_t size)
{
	struct auth_resume resume;
	struct auth_password password;

	if (auth_resume_get(body, size, &resume))
		token(resume.token.data, resume.token.length);
	if (auth_password_get(body, size, &password))
		auth_password_valid(password.password.data, password.password.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 16384)
		return 0;
	switch (data[0]) {
	case 't':
		token((const char *)data + 1, size - 1);
		break;
	case 'n':
		name((const char *)data + 1, size - 1);
		break;
	case 'b':
		bodies(data + 1, (uint32_t)size - 1);
		break;
	default:
		exchange(data + 1, (uint32_t)size - 1);
		break;
	}
	return 0;
}
