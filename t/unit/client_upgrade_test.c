#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/client_upgrade.h"
#include "daemon/client_url.h"

static void assert_url(const char *text, bool tls, const char *authority, const char *path)
{
	struct err err;
	struct client_url url;
	char found[272];
	assert_int_equal(client_url_parse(&url, text, &err), 0);
	assert_int_equal(url.tls, tls);
	assert_string_equal(client_url_authority(&url, found), authority);
	assert_string_equal(url.path, path);
}

static void test_what_an_address_leaves_out_has_a_default(void **state)
{
	(void)state;
	assert_url("wss://chat.example.test:443/x?y", true, "chat.example.test:443", "/x?y");
	assert_url("ws://127.0.0.1", false, "127.0.0.1:8010", "/pchat");
	assert_url("chat.example.test", true, "chat.example.test:8010", "/pchat");
	assert_url("chat:1/", true, "chat:1", "/pchat");
	assert_url("wss://[::1]:8011/", true, "[::1]:8011", "/pchat");
	assert_url("[::1]", true, "[::1]:8010", "/pchat");
}

static void test_an_address_that_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",	      "wss://",	       "http://x",     "ws://x:0",	  "ws://x:65536",
		"ws://x:y",   "ws://x:",       "ws://[::1",    "ws://[::1]x",	  "ws://a b",
		"ws://x/a b", "ws://x/a\r\nb", "ws://x\r\ny/", "ws://user@host/", "ws://x/a#b",
	};
	struct err err;
	struct client_url url;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (client_url_parse(&url, wrong[i], &err) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static struct client_upgrade *start(void)
{
	struct err err;
	struct client_url url;
	assert_int_equal(client_url_parse(&url, "ws://chat.example.test", &err), 0);
	/* The example of RFC 6455, section 1.3. */
	struct client_upgrade *upgrade =
		client_upgrade_new(&url, (const unsigned char *)"the sample nonce", &err);
	assert_non_null(upgrade);
	return upgrade;
}

static void test_the_request_says_what_the_protocol_wants(void **state)
{
	static const char *const lines[] = {
		"GET /pchat HTTP/1.1\r\n",
		"\r\nHost: chat.example.test:8010\r\n",
		"\r\nUpgrade: websocket\r\n",
		"\r\nConnection: Upgrade\r\n",
		"\r\nSec-WebSocket-Version: 13\r\n",
		"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"\r\nSec-WebSocket-Protocol: pchat.v1\r\n",
	};
	struct client_upgrade *upgrade = start();
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_non_null(strstr(client_upgrade_request(upgrade), lines[i]));
	client_upgrade_free(&upgrade);
}

#define STATUS "HTTP/1.1 101 Switching Protocols\r\n"
#define GOOD                                                        \
	"upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"    \
	"Sec-WebSocket-Protocol: pchat.v1\r\n"

static int take(const char *answer, size_t *used_r)
{
	struct err err;
	struct client_upgrade *upgrade = start();
	int result = client_upgrade_take(upgrade, answer, strlen(answer), used_r, &err);
	client_upgrade_free(&upgrade);
	return result;
}

static void test_what_follows_the_answer_is_left_alone(void **state)
{
	size_t used;
	(void)state;
	assert_int_equal(take(STATUS GOOD "\r\n\x81\x02{}", &used), 1);
	assert_int_equal(used, strlen(STATUS GOOD "\r\n"));
}

static void test_an_answer_may_come_byte_by_byte(void **state)
{
	const char *answer = STATUS GOOD "\r\n";
	size_t used;
	struct err err;
	struct client_upgrade *upgrade = start();
	(void)state;
	for (size_t i = 0; i + 1 < strlen(answer); i++)
		assert_int_equal(client_upgrade_take(upgrade, answer + i, 1, &used, &err), 0);
	assert_int_equal(client_upgrade_take(upgrade, "\n", 1, &used, &err), 1);
	client_upgrade_free(&upgrade);
}

static void test_an_answer_that_is_not_right_is_refused(void **state)
{
	static const char *const wrong[] = {
		"HTTP/1.1 200 OK\r\n" GOOD "\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		STATUS "\r\n",
		STATUS "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		       "Sec-WebSocket-Protocol: pchat.v1\r\n\r\n",
		STATUS GOOD "Sec-WebSocket-Protocol: other\r\n\r\n",
		STATUS GOOD "Sec-WebSocket-Accept: AAAA\r\n\r\n",
		STATUS GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n",
	};
	size_t used;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (take(wrong[i], &used) != -1)
			fail_msg("this was taken: %s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_address_leaves_out_has_a_default),
		cmocka_unit_test(test_an_address_that_is_none_is_refused),
		cmocka_unit_test(test_the_request_says_what_the_protocol_wants),
		cmocka_unit_test(test_what_follows_the_answer_is_left_alone),
		cmocka_unit_test(test_an_answer_may_come_byte_by_byte),
		cmocka_unit_test(test_an_answer_that_is_not_right_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
