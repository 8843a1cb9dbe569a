#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/access.h"
#include "daemon/auth_relay.h"
#include "daemon/relay.h"
#include "daemon/relay_name.h"

/* What pchat-admin makes of certificates, and what pchat-auth makes of its connections. */

static struct conf conf = {
	.admin.access = {.count = 4,
			 .item = {(char[]){"alice: administrator"},
				  (char[]){"urn:pchat:ops: operator"},
				  (char[]){"bob@example.test:operator"},
				  (char[]){"carol:   read-only"}}},
};

static void an_item_is_a_name_and_a_role(void **state)
{
	size_t length;

	(void)state;
	assert_int_equal(access_item("alice: administrator", &length), ADMIN_ADMINISTRATOR);
	assert_int_equal(length, 5);
	assert_int_equal(access_item("urn:pchat:ops: operator", &length), ADMIN_OPERATOR);
	assert_int_equal(length, 13);
	assert_int_equal(access_item("carol:read-only", &length), ADMIN_READER);
	assert_int_equal(access_item("carol", &length), ADMIN_NONE);
	assert_int_equal(access_item("carol: king", &length), ADMIN_NONE);
	assert_int_equal(access_item("carol: none", &length), ADMIN_NONE);
	assert_int_equal(access_item(": operator", &length), ADMIN_NONE);
	assert_int_equal(access_item("", &length), ADMIN_NONE);
	assert_int_equal(access_item("carol: operator ", &length), ADMIN_NONE);
}

static void a_name_is_found_as_it_stands(void **state)
{
	(void)state;
	assert_int_equal(access_find(&conf.admin.access, "alice", 5), 0);
	assert_int_equal(access_find(&conf.admin.access, "urn:pchat:ops", 13), 1);
	assert_int_equal(access_find(&conf.admin.access, "carol", 5), 3);
	assert_int_equal(access_find(&conf.admin.access, "Alice", 5), -1);
	assert_int_equal(access_find(&conf.admin.access, "alic", 4), -1);
	assert_int_equal(access_find(&conf.admin.access, "alice:", 6), -1);
}

/* --- Certificates. --- */

static void add_name(X509 *certificate, const char *text, int length)
{
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate),
						    NID_commonName, MBSTRING_UTF8,
						    (const unsigned char *)text, length, -1, 0),
			 1);
}

static void add_alternative(X509 *certificate, int type, const char *text, int length)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	if (all == NULL)
		all = GENERAL_NAMES_new();
	assert_int_equal(ASN1_STRING_set(string, text, length), 1);
	GENERAL_NAME_set0_value(one, type, string);
	assert_true(sk_GENERAL_NAME_push(all, one) > 0);
	assert_int_equal(
		X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, X509V3_ADD_REPLACE),
		1);
	GENERAL_NAMES_free(all);
}

static int find(X509 *certificate, char name[ACCESS_NAME_MAX + 1])
{
	return relay_peer_find(&conf.admin.access, certificate, name);
}

static void every_kind_of_name_counts(void **state)
{
	static const struct {
		int type;
		const char *text;
		int item;
	} rows[] = {{GEN_DNS, "carol", 3},
		    {GEN_EMAIL, "bob@example.test", 2},
		    {GEN_URI, "urn:pchat:ops", 1},
		    {GEN_DNS, "dave", -1}};
	char name[ACCESS_NAME_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *certificate = X509_new();

		add_name(certificate, "somebody", -1);
		add_alternative(certificate, rows[i].type, rows[i].text, (int)strlen(rows[i].text));
		assert_int_equal(find(certificate, name), rows[i].item);
		assert_string_equal(name, rows[i].item == -1 ? "somebody" : rows[i].text);
		X509_free(certificate);
	}
}

static void the_first_item_of_the_list_counts(void **state)
{
	X509 *certificate = X509_new();
	char name[ACCESS_NAME_MAX + 1];

	(void)state;
	add_name(certificate, "carol", -1);
	add_alternative(certificate, GEN_EMAIL, "bob@example.test", 16);
	add_alternative(certificate, GEN_DNS, "alice", 5);
	assert_int_equal(find(certificate, name), 0);
	assert_string_equal(name, "alice");
	X509_free(certificate);
}

static void a_name_with_something_hidden_in_it_is_none(void **state)
{
	X509 *certificate = X509_new();
	char name[ACCESS_NAME_MAX + 1], longest[300];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	add_name(certificate, "alice\0x", 7);
	add_name(certificate, "alice\n", 6);
	add_alternative(certificate, GEN_DNS, "alice\0.example.test", 19);
	add_alternative(certificate, GEN_DNS, "carol\x7f", 6);
	add_alternative(certificate, GEN_DNS, longest, sizeof(longest));
	add_alternative(certificate, GEN_DNS, "", 0);
	add_alternative(certificate, GEN_IPADD, "abcd", 4);
	assert_int_equal(find(certificate, name), -1);
	assert_string_equal(name, "");
	X509_free(certificate);
}

static void a_certificate_without_names_is_nobodys(void **state)
{
	X509 *certificate = X509_new();
	char name[ACCESS_NAME_MAX + 1];

	(void)state;
	assert_int_equal(find(certificate, name), -1);
	X509_free(certificate);
}

/* --- Connections. --- */

static void a_name_comes_out_as_it_was_put_in(void **state)
{
	const struct relay_name name = {
		.item = 63, .address = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"};
	struct relay_name out;
	struct sockaddr_un address;
	const socklen_t length = relay_name_put(&name, UINT64_MAX, &address);

	(void)state;
	assert_true(length > 0 && length <= sizeof(address));
	assert_true(relay_name_is(&address, length));
	assert_true(relay_name_get(&address, length, &out));
	assert_int_equal(out.item, 63);
	assert_string_equal(out.address, name.address);
}

static bool parses(const char *text, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct relay_name name;

	memcpy(address.sun_path, text, size);
	return relay_name_get(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size),
			      &name);
}

static void a_malformed_name_is_none(void **state)
{
	(void)state;
#define PARSES(text) parses(text, sizeof(text) - 1)
	assert_true(PARSES("\0pchat-admin/1/2/3/127.0.0.1:4"));
	assert_false(PARSES("pchat-admin/1/2/3/127.0.0.1:4"));
	assert_false(PARSES("\0pchat-admin/1/2/3/"));
	assert_false(PARSES("\0pchat-admin/1/2/3"));
	assert_false(PARSES("\0pchat-admin/1/2//127.0.0.1:4"));
	assert_false(PARSES("\0pchat-admin/1/2/-3/127.0.0.1:4"));
	assert_false(PARSES("\0pchat-admin/1/2/999999/127.0.0.1:4"));
	assert_false(PARSES("\0pchat-admin/1/x/3/127.0.0.1:4"));
	assert_false(PARSES("\0pchat-admin/"));
	assert_false(PARSES("\0pchat-admin/1/2/3/127.0.0.1\0:4"));
	assert_false(PARSES(""));
#undef PARSES
}

/* Two ends of a connection, of which the one that connects has such a name. */
static void connect_as(const struct relay_name *name, int ends[2])
{
	struct sockaddr_un own, place = {.sun_family = AF_UNIX};
	static unsigned serial;
	const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length = sizeof(place);

	assert_int_equal(bind(listener, (struct sockaddr *)&place, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&place, &length), 0);
	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (name != NULL) {
		const socklen_t size = relay_name_put(name, ++serial, &own);

		assert_int_equal(bind(ends[0], (struct sockaddr *)&own, size), 0);
	}
	assert_int_equal(connect(ends[0], (struct sockaddr *)&place, length), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	close(listener);
}

static int judge(const struct relay_name *name, pid_t peer, pid_t admin, struct auth_relay *relay_r)
{
	int ends[2], kind;

	connect_as(name, ends);
	kind = auth_relay_find(ends[1], peer, admin, &conf, relay_r);
	close(ends[0]);
	close(ends[1]);
	return kind;
}

static void only_pchat_admin_is_believed(void **state)
{
	const struct relay_name name = {.item = 2, .address = "127.0.0.1:4000"};
	const struct relay_name unknown = {.item = 4, .address = "127.0.0.1:4000"};
	struct auth_relay relay;

	(void)state;
	assert_int_equal(judge(&name, 100, 100, &relay), RELAY_GOOD);
	assert_int_equal(relay.role, ADMIN_OPERATOR);
	assert_string_equal(relay.name, "cert:bob@example.test");
	assert_string_equal(relay.address, "127.0.0.1:4000");
	assert_int_equal(judge(&name, 101, 100, &relay), RELAY_BAD);
	assert_int_equal(judge(&name, 100, 0, &relay), RELAY_BAD);
	assert_int_equal(judge(&name, 0, 0, &relay), RELAY_BAD);
	assert_int_equal(judge(&unknown, 100, 100, &relay), RELAY_BAD);
	/* Whoever has no such name is somebody of this host, but for pchat-admin itself. */
	assert_int_equal(judge(NULL, 101, 100, &relay), RELAY_NONE);
	assert_int_equal(judge(NULL, 0, 0, &relay), RELAY_NONE);
	assert_int_equal(judge(NULL, 100, 100, &relay), RELAY_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_item_is_a_name_and_a_role),
		cmocka_unit_test(a_name_is_found_as_it_stands),
		cmocka_unit_test(every_kind_of_name_counts),
		cmocka_unit_test(the_first_item_of_the_list_counts),
		cmocka_unit_test(a_name_with_something_hidden_in_it_is_none),
		cmocka_unit_test(a_certificate_without_names_is_nobodys),
		cmocka_unit_test(a_name_comes_out_as_it_was_put_in),
		cmocka_unit_test(a_malformed_name_is_none),
		cmocka_unit_test(only_pchat_admin_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
