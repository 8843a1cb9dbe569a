#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/auth_sasl.h"

/* The server's side against GNU SASL's client, with one user: alice, whose password is "correct
 * horse". */
static const uint8_t KEY[AUTH_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const char PASSWORD[] = "correct horse";
enum { ITERATIONS = 4096, ALICE = 7, EPOCH = 2 };

struct fixture {
	struct conf_list mechanisms;
	struct auth_sasl *server;
	Gsasl *client;
	struct auth_secret alice;
	int lookup_code;
	unsigned lookups;
};

static int lookup(void *arg, const char *name, char uri_r[USER_URI_SIZE],
		  struct auth_account *account_r)
{
	struct fixture *fixture = arg;

	fixture->lookups++;
	memset(account_r, 0, sizeof(*account_r));
	if (!user_uri_make(name, strlen(name), "example.test", uri_r))
		uri_r[0] = '\0';
	if (strcmp(uri_r, "sip:alice@example.test") != 0) {
		auth_secret_fake(KEY, name, strlen(name), ITERATIONS, &account_r->secret);
		return fixture->lookup_code;
	}
	account_r->principal = ALICE;
	account_r->epoch = EPOCH;
	account_r->secret = fixture->alice;
	return fixture->lookup_code;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct err err;

	if (!fixture)
		return -1;
	fixture->mechanisms.count = 2;
	fixture->mechanisms.item[0] = (char *)"SCRAM-SHA-256";
	fixture->mechanisms.item[1] = (char *)"PLAIN";
	fixture->server = auth_sasl_new(&fixture->mechanisms, lookup, fixture, &err);
	*state = fixture;
	return fixture->server && gsasl_init(&fixture->client) == GSASL_OK &&
			       auth_secret_make(PASSWORD, strlen(PASSWORD), ITERATIONS,
						&fixture->alice) ?
		       0 :
		       -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	auth_sasl_free(&fixture->server);
	gsasl_done(fixture->client);
	free(fixture);
	return 0;
}

struct attempt {
	const char *mechanism, *name, *password, *authzid;
};

struct outcome {
	enum auth_step step;
	int code;
	char uri[USER_URI_SIZE];
	struct auth_account account;
	bool client_done; /* the client has checked that the server knew the secret */
};

static Gsasl_session *start_client(struct fixture *fixture, const struct attempt *attempt)
{
	Gsasl_session *client;

	assert_int_equal(gsasl_client_start(fixture->client, attempt->mechanism, &client), GSASL_OK);
	gsasl_property_set(client, GSASL_AUTHID, attempt->name);
	gsasl_property_set(client, GSASL_PASSWORD, attempt->password);
	if (attempt->authzid)
		gsasl_property_set(client, GSASL_AUTHZID, attempt->authzid);
	return client;
}

static void converse(Gsasl_session *client, struct auth_exchange *server, struct outcome *outcome_r)
{
	const char *challenge = "";
	size_t size = 0, length;
	char *data;
	int rc;

	do {
		rc = gsasl_step(client, challenge, size, &data, &length);
		assert_true(rc == GSASL_OK || rc == GSASL_NEEDS_MORE);
		outcome_r->step = auth_exchange_step(server, data, length, &challenge, &size);
		gsasl_free(data);
	} while (outcome_r->step == AUTH_MORE);
	if (rc == GSASL_NEEDS_MORE && outcome_r->step == AUTH_DONE) {
		rc = gsasl_step(client, challenge, size, &data, &length);
		gsasl_free(data);
	}
	outcome_r->client_done = rc == GSASL_OK;
}

static struct outcome try(struct fixture *fixture, const struct attempt *attempt)
{
	struct outcome outcome = {.code = CODE_OK};
	struct auth_exchange *server =
		auth_exchange_new(fixture->server, attempt->mechanism, strlen(attempt->mechanism));
	Gsasl_session *client = start_client(fixture, attempt);

	assert_non_null(server);
	converse(client, server, &outcome);
	outcome.code = auth_exchange_code(server);
	outcome.account = *auth_exchange_account(server);
	strcpy(outcome.uri, auth_exchange_uri(server));
	gsasl_finish(client);
	auth_exchange_free(&server);
	return outcome;
}

static void signs_in(struct fixture *fixture, const struct attempt *attempt)
{
	const struct outcome outcome = try(fixture, attempt);

	assert_int_equal(outcome.step, AUTH_DONE);
	assert_true(outcome.client_done);
	assert_string_equal(outcome.uri, "sip:alice@example.test");
	assert_int_equal(outcome.account.principal, ALICE);
	assert_int_equal(outcome.account.epoch, EPOCH);
}

static void is_refused(struct fixture *fixture, const struct attempt *attempt)
{
	const struct outcome outcome = try(fixture, attempt);

	assert_int_equal(outcome.step, AUTH_REFUSED);
	assert_int_equal(outcome.code, CODE_AUTHENTICATION_FAILED);
}

static const char *const MECHANISMS[] = {"SCRAM-SHA-256", "PLAIN"};

static void test_right_password_signs_in(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		signs_in(*state, &(struct attempt){MECHANISMS[i], "alice", PASSWORD, NULL});
		signs_in(*state, &(struct attempt){MECHANISMS[i], "Alice@Example.Test", PASSWORD, NULL});
		signs_in(*state, &(struct attempt){MECHANISMS[i], "sip:alice@example.test", PASSWORD, NULL});
	}
}

static void test_wrong_password_is_refused(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		is_refused(*state, &(struct attempt){MECHANISMS[i], "alice", "correct horsf", NULL});
		is_refused(*state, &(struct attempt){MECHANISMS[i], "alice", "x", NULL});
	}
}

static void test_unknown_user_is_refused_like_a_wrong_password(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		is_refused(*state, &(struct attempt){MECHANISMS[i], "mallory", PASSWORD, NULL});
		is_refused(*state, &(struct attempt){MECHANISMS[i], "no such name", PASSWORD, NULL});
	}
}

static void test_nobody_acts_for_another(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		is_refused(*state, &(struct attempt){MECHANISMS[i], "alice", PASSWORD, "bob"});
		signs_in(*state, &(struct attempt){MECHANISMS[i], "alice", PASSWORD, "alice"});
		signs_in(*state, &(struct attempt){MECHANISMS[i], "alice", PASSWORD,
						   "sip:alice@example.test"});
	}
}

static void test_lookup_that_fails_says_why(void **state)
{
	struct fixture *fixture = *state;

	fixture->lookup_code = CODE_UNAVAILABLE;
	for (unsigned i = 0; i < 2; i++) {
		const struct outcome outcome =
			try(fixture, &(struct attempt){MECHANISMS[i], "alice", PASSWORD, NULL});

		assert_int_equal(outcome.step, AUTH_REFUSED);
		assert_int_equal(outcome.code, CODE_UNAVAILABLE);
	}
	fixture->lookup_code = CODE_OK;
}

static void test_exchange_looks_up_once(void **state)
{
	struct fixture *fixture = *state;

	fixture->lookups = 0;
	try(fixture, &(struct attempt){"SCRAM-SHA-256", "alice", PASSWORD, NULL});
	assert_int_equal(fixture->lookups, 1);
}

static void test_only_configured_mechanisms_are_there(void **state)
{
	struct fixture *fixture = *state;

	assert_null(auth_exchange_new(fixture->server, "SCRAM-SHA-1", 11));
	assert_null(auth_exchange_new(fixture->server, "SCRAM-SHA-256-PLUS", 18));
	assert_null(auth_exchange_new(fixture->server, "ANONYMOUS", 9));
	assert_null(auth_exchange_new(fixture->server, "", 0));
}

/* The first answer of the server to a SCRAM client with a fixed nonce. */
static void first_answer(struct fixture *fixture, const char *name, char *text, size_t size)
{
	struct auth_exchange *server = auth_exchange_new(fixture->server, "SCRAM-SHA-256", 13);
	const char *answer;
	char hello[128];
	size_t length;

	assert_non_null(server);
	snprintf(hello, sizeof(hello), "n,,n=%s,r=rOprNGfwEbeRWgbNEkqO", name);
	assert_int_equal(auth_exchange_step(server, hello, strlen(hello), &answer, &length),
			 AUTH_MORE);
	answer = strstr(answer, ",s=");
	assert_non_null(answer);
	snprintf(text, size, "%s", answer);
	auth_exchange_free(&server);
}

static void test_salt_of_an_unknown_user_stays_the_same(void **state)
{
	char one[128], two[128], three[128], alice[128];

	first_answer(*state, "mallory", one, sizeof(one));
	first_answer(*state, "mallory", two, sizeof(two));
	first_answer(*state, "trudy", three, sizeof(three));
	first_answer(*state, "alice", alice, sizeof(alice));
	assert_string_equal(one, two);
	assert_string_not_equal(one, three);
	assert_int_equal(strlen(one), strlen(alice));
	assert_string_equal(strstr(one, ",i="), strstr(alice, ",i="));
}

static void test_rubbish_signs_nobody_in(void **state)
{
	static const char *const rubbish[] = {
		"x", "n,,", "n,,n=alice", "n,,n=alice,r=", "p=tls-unique,,n=alice,r=abc", "y,a=,n=,r=",
		"\xff\xff\xff", ",,,,,,,",
	};
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]) * 2; i++) {
		const char *name = MECHANISMS[i % 2], *data, *text = rubbish[i / 2];
		struct auth_exchange *server = auth_exchange_new(fixture->server, name, strlen(name));
		size_t size;

		assert_int_not_equal(auth_exchange_step(server, text, strlen(text), &data, &size),
				     AUTH_DONE);
		assert_int_not_equal(auth_exchange_step(server, text, strlen(text), &data, &size),
				     AUTH_DONE);
		auth_exchange_free(&server);
	}
}

static void test_client_that_says_nothing_is_asked(void **state)
{
	struct fixture *fixture = *state;
	struct auth_exchange *server = auth_exchange_new(fixture->server, "PLAIN", 5);
	const char *data;
	size_t size;

	assert_int_equal(auth_exchange_step(server, "", 0, &data, &size), AUTH_MORE);
	assert_int_equal(size, 0);
	assert_int_equal(auth_exchange_step(server, "\0alice\0correct horse", 20, &data, &size),
			 AUTH_DONE);
	auth_exchange_free(&server);
}

static void test_password_rules(void **state)
{
	char longest[AUTH_PASSWORD_MAX + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(auth_password_valid(longest, AUTH_PASSWORD_MAX));
	assert_false(auth_password_valid(longest, AUTH_PASSWORD_MAX + 1));
	assert_true(auth_password_valid("12345678", 8));
	assert_false(auth_password_valid("1234567", 7));
	assert_false(auth_password_valid("1234567\xff", 8));
	assert_false(auth_password_valid("1234\0678", 8));
	assert_false(auth_password_valid("tab\there", 8));
	assert_true(auth_password_valid("p\xc3\xa4ssw\xc3\xb6rd", 10));
}

/* SASLprep makes the two the same: U+00C5 and A with U+030A. */
static void test_password_is_prepared(void **state)
{
	struct auth_secret secret;

	(void)state;
	assert_true(auth_secret_make("password \xc3\x85", 11, ITERATIONS, &secret));
	assert_true(auth_secret_match(&secret, "password A\xcc\x8a", 12));
	assert_true(auth_secret_match(&secret, "password\xc2\xa0\xc3\x85", 12));
	assert_false(auth_secret_match(&secret, "password A", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_password_signs_in),
		cmocka_unit_test(test_wrong_password_is_refused),
		cmocka_unit_test(test_unknown_user_is_refused_like_a_wrong_password),
		cmocka_unit_test(test_nobody_acts_for_another),
		cmocka_unit_test(test_lookup_that_fails_says_why),
		cmocka_unit_test(test_exchange_looks_up_once),
		cmocka_unit_test(test_only_configured_mechanisms_are_there),
		cmocka_unit_test(test_salt_of_an_unknown_user_stays_the_same),
		cmocka_unit_test(test_rubbish_signs_nobody_in),
		cmocka_unit_test(test_client_that_says_nothing_is_asked),
		cmocka_unit_test(test_password_rules),
		cmocka_unit_test(test_password_is_prepared),
	};

	return cmocka_run_group_tests_name("sign-in by SASL", tests, setup, teardown);
}
