#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/client_sasl.h"

/* A server of the same library: what it holds of alice is the password itself. */
static int property(Gsasl *library, Gsasl_session *session, Gsasl_property wanted)
{
	(void)library;
	if (wanted == GSASL_PASSWORD)
		return gsasl_property_set(session, GSASL_PASSWORD, "tuna on rye");
	if (wanted == GSASL_SCRAM_ITER)
		return gsasl_property_set(session, GSASL_SCRAM_ITER, "4096");
	return GSASL_NO_CALLBACK;
}

static Gsasl *library;

static int setup(void **state)
{
	(void)state;
	if (gsasl_init(&library) != GSASL_OK)
		return -1;
	gsasl_callback_set(library, property);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gsasl_done(library);
	return 0;
}

static char *server_step(Gsasl_session *server, const char *data, int expected)
{
	char *answer = NULL;
	assert_int_equal(gsasl_step64(server, data, &answer), expected);
	return answer;
}

/* The exchange up to the server's last message, which is returned; *done_r: what the client says to
 * it. */
static void exchange(const char *last, int *done_r)
{
	struct err err;
	char *answer, *challenge;
	Gsasl_session *server;
	struct client_sasl *client = client_sasl_new("SCRAM-SHA-256", "alice", "tuna on rye", &err);
	assert_non_null(client);
	assert_int_equal(gsasl_server_start(library, "SCRAM-SHA-256", &server), GSASL_OK);

	assert_int_equal(client_sasl_step(client, NULL, &answer, &err), 0);
	challenge = server_step(server, answer, GSASL_NEEDS_MORE);
	free(answer);
	assert_int_equal(client_sasl_step(client, challenge, &answer, &err), 0);
	gsasl_free(challenge);
	challenge = server_step(server, answer, GSASL_OK);
	free(answer);
	*done_r = client_sasl_step(client, last ? last : challenge, &answer, &err);
	free(answer);
	gsasl_free(challenge);
	gsasl_finish(server);
	client_sasl_free(&client);
	assert_null(client);
}

static void test_scram_ends_when_the_server_has_proved_itself(void **state)
{
	int done;
	(void)state;
	exchange(NULL, &done);
	assert_int_equal(done, 1);
}

static void test_a_false_proof_of_the_server_is_noticed(void **state)
{
	int done;
	(void)state;
	exchange("dj1JUC95UXYyL0dyRXZrM3IzYldkbWFJcVF4Z3dMSUFodVNZdVFTc1lJZEZNPQ==", &done);
	assert_int_equal(done, -1);
	exchange("", &done);
	assert_int_equal(done, -1);
	exchange("no base64!", &done);
	assert_int_equal(done, -1);
}

static void test_a_challenge_with_another_nonce_is_refused(void **state)
{
	struct err err;
	char *answer;
	struct client_sasl *client;
	(void)state;
	client = client_sasl_new("SCRAM-SHA-256", "alice", "tuna on rye", &err);
	assert_int_equal(client_sasl_step(client, NULL, &answer, &err), 0);
	free(answer);
	assert_int_equal(client_sasl_step(client,
					  "cj1rWjN2UTBiSjhzWXcxbVhySGM3UnRXNWFMcDJOZjlHZCxzPVBWNm"
					  "hESHVmUXRhT0FjTmFmeXVVNWc9PSxpPTQwOTY=",
					  &answer, &err),
			 -1);
	client_sasl_free(&client);
}

/* What the client says to a server that wants so many rounds. */
static void assert_rounds(const char *rounds, const char *expected)
{
	struct err err;
	char *answer, *nonce, *first, *challenge;
	size_t length;
	struct client_sasl *client = client_sasl_new("SCRAM-SHA-256", "alice", "tuna on rye", &err);
	assert_int_equal(client_sasl_step(client, NULL, &answer, &err), 0);
	assert_int_equal(gsasl_base64_from(answer, strlen(answer), &first, &length), GSASL_OK);
	nonce = memmem(first, length, "r=", 2);
	assert_non_null(nonce);
	assert_true(asprintf(&challenge, "%.*s7777,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=%s",
			     (int)(first + length - nonce), nonce, rounds) > 0);
	gsasl_free(first);
	free(answer);
	assert_int_equal(gsasl_base64_to(challenge, strlen(challenge), &first, NULL), GSASL_OK);
	assert_int_equal(client_sasl_step(client, first, &answer, &err), expected ? -1 : 0);
	if (expected)
		assert_non_null(strstr(err.text, expected));
	free(answer);
	free(challenge);
	gsasl_free(first);
	client_sasl_free(&client);
}

static void test_a_server_cannot_have_the_password_hashed_as_it_likes(void **state)
{
	(void)state;
	assert_rounds("4096", NULL);
	assert_rounds("4095", "too seldom");
	assert_rounds("1", "too seldom");
	assert_rounds("10000001", "too often");
	assert_rounds("4294967295", "too often");
	assert_rounds("99999999999999999999999", "could not parse");
}

static void test_plain_is_one_message(void **state)
{
	struct err err;
	char *answer;
	struct client_sasl *client = client_sasl_new("PLAIN", "alice", "tuna on rye", &err);
	(void)state;
	assert_int_equal(client_sasl_step(client, NULL, &answer, &err), 1);
	assert_string_equal(answer, "AGFsaWNlAHR1bmEgb24gcnll");
	free(answer);
	client_sasl_free(&client);
}

static const char *choose(const char *offer, bool trusted)
{
	static char copy[64];
	json_t *mechanisms = json_loads(offer, 0, NULL);
	const char *name = client_sasl_choose(mechanisms, trusted);
	snprintf(copy, sizeof(copy), "%s", name ? name : "none");
	json_decref(mechanisms);
	return copy;
}

static void test_scram_is_preferred_and_plain_only_for_a_server_one_trusts(void **state)
{
	(void)state;
	assert_string_equal(choose("[\"PLAIN\",\"SCRAM-SHA-256\"]", true), "SCRAM-SHA-256");
	assert_string_equal(choose("[\"PLAIN\"]", true), "PLAIN");
	assert_string_equal(choose("[\"PLAIN\"]", false), "none");
	assert_string_equal(choose("[1,null,\"EXTERNAL\"]", true), "none");
	assert_string_equal(choose("{}", true), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scram_ends_when_the_server_has_proved_itself),
		cmocka_unit_test(test_a_false_proof_of_the_server_is_noticed),
		cmocka_unit_test(test_a_challenge_with_another_nonce_is_refused),
		cmocka_unit_test(test_a_server_cannot_have_the_password_hashed_as_it_likes),
		cmocka_unit_test(test_plain_is_one_message),
		cmocka_unit_test(test_scram_is_preferred_and_plain_only_for_a_server_one_trusts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
