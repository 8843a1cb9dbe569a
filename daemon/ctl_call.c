#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "daemon/ctl_option.h"

enum { ANSWER_TIMEOUT_US = 30000000, ANSWER_MAX = 64 << 20, PAGE_ROWS = 100 };

static int connect_to(const struct ctl *ctl, int *sock_r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock",
				    ctl->run_directory);
	int sock, saved;

	if (length >= (int)sizeof(address.sun_path))
		return ctl_fail(ctl, EX_USAGE, "the path %s/admin.sock is too long",
				ctl->run_directory);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock == -1)
		return ctl_fail(ctl, EX_OSERR, "could not make a socket: %s", strerror(errno));
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0) {
		*sock_r = sock;
		return EX_OK;
	}
	saved = errno;
	close(sock);
	return ctl_fail(ctl, saved == EACCES || saved == EPERM ? EX_NOPERM : EX_UNAVAILABLE,
			"could not connect to %s: %s", address.sun_path, strerror(saved));
}

static int send_line(const struct ctl *ctl, int sock, const char *line)
{
	const size_t size = strlen(line);

	for (size_t sent = 0; sent < size;) {
		const ssize_t n = send(sock, line + sent, size - sent, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return ctl_fail(ctl, EX_UNAVAILABLE, "could not send the request: %s",
					strerror(errno));
		sent += (size_t)n;
	}
	return EX_OK;
}

static int send_request(const struct ctl *ctl, int sock, const char *method, json_t *take_params)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method",
				    method, "params", take_params);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *line = NULL;
	int code;

	if (text && asprintf(&line, "%s\n", text) != -1)
		code = send_line(ctl, sock, line);
	else
		code = ctl_fail(ctl, EX_OSERR, "could not get memory for the request");
	/* There may be a password in it. */
	if (text)
		explicit_bzero(text, strlen(text));
	if (code != EX_OSERR && line)
		explicit_bzero(line, strlen(line));
	free(text);
	free(line);
	json_decref(request);
	return code;
}

struct reading {
	char *data; /* owned */
	size_t used, size;
	uint64_t until; /* clock_mono() */
};

static int await(const struct ctl *ctl, int sock, uint64_t until)
{
	struct pollfd wait = {.fd = sock, .events = POLLIN};
	const uint64_t now = clock_mono();
	int n;

	if (now >= until)
		return ctl_fail(ctl, EX_TEMPFAIL, "timeout: %s", code_text(CODE_TIMEOUT));
	n = poll(&wait, 1, (int)((until - now) / 1000 + 1));
	if (n == -1 && errno != EINTR)
		return ctl_fail(ctl, EX_OSERR, "could not wait for the answer: %s",
				strerror(errno));
	return EX_OK;
}

static int make_room(const struct ctl *ctl, struct reading *reading)
{
	const size_t size = reading->size ? reading->size * 2 : 65536;
	char *data;

	if (reading->size - reading->used > 1)
		return EX_OK;
	data = size <= ANSWER_MAX ? realloc(reading->data, size) : NULL;
	if (!data)
		return ctl_fail(ctl, EX_PROTOCOL, "the answer is too long");
	reading->data = data;
	reading->size = size;
	return EX_OK;
}

/* Reads on until there is a whole line at the start of the data; *length_r without its end. */
static int read_line(const struct ctl *ctl, int sock, struct reading *reading, size_t *length_r)
{
	char *end;

	while (reading->used == 0 || !(end = memchr(reading->data, '\n', reading->used))) {
		ssize_t n;
		int code = make_room(ctl, reading);

		if (code == EX_OK)
			code = await(ctl, sock, reading->until);
		if (code != EX_OK)
			return code;
		n = recv(sock, reading->data + reading->used, reading->size - reading->used,
			 MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return ctl_fail(ctl, EX_UNAVAILABLE,
					"the server closed the connection without an answer");
		if (n > 0)
			reading->used += (size_t)n;
	}
	*length_r = (size_t)(end - reading->data);
	return EX_OK;
}

static int exit_of(int code)
{
	switch (code) {
	case CODE_BUSY:
	case CODE_TIMEOUT:
		return EX_TEMPFAIL;
	case CODE_UNAVAILABLE:
	case CODE_DATABASE_CONNECTION:
		return EX_UNAVAILABLE;
	case CODE_ERROR_PERMISSION:
	case CODE_NOT_SIGNED_IN:
	case CODE_AUTHENTICATION_FAILED:
		return EX_NOPERM;
	default:
		return EX_DATAERR;
	}
}

static int refused(const struct ctl *ctl, json_t *error)
{
	json_t *data = json_object_get(error, "data");
	const char *name = json_string_value(json_object_get(data, "name"));
	const char *message = json_string_value(json_object_get(error, "message"));
	const int code = (int)json_integer_value(json_object_get(error, "code"));

	return ctl_fail(ctl, exit_of(code), "%s: %s", name ? name : code_name(code),
			message ? message : code_text(code));
}

/* Takes the answer out of a line; EX_OK with *result_r NULL: it is none (a notification). */
static int take_answer(const struct ctl *ctl, const char *line, size_t length, json_t **result_r)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	json_t *error = json_object_get(answer, "error");
	int code = EX_OK;

	*result_r = json_incref(json_object_get(answer, "result"));
	if (!json_is_object(answer))
		code = ctl_fail(ctl, EX_PROTOCOL, "the answer is not JSON");
	else if (error)
		code = refused(ctl, error);
	json_decref(answer);
	return code;
}

static int read_answer(const struct ctl *ctl, int sock, json_t **result_r)
{
	struct reading reading = {.until = clock_mono() + ANSWER_TIMEOUT_US};
	int code = EX_OK;

	*result_r = NULL;
	while (code == EX_OK && !*result_r) {
		size_t length = 0;

		code = read_line(ctl, sock, &reading, &length);
		if (code != EX_OK)
			break;
		code = take_answer(ctl, reading.data, length, result_r);
		reading.used -= length + 1;
		memmove(reading.data, reading.data + length + 1, reading.used);
	}
	free(reading.data);
	return code;
}

int ctl_call(const struct ctl *ctl, const char *method, json_t *take_params, json_t **result_r)
{
	int sock = -1, code;

	*result_r = NULL;
	code = connect_to(ctl, &sock);
	if (code != EX_OK) {
		json_decref(take_params);
		return code;
	}
	code = send_request(ctl, sock, method, take_params);
	if (code == EX_OK)
		code = read_answer(ctl, sock, result_r);
	close(sock);
	return code;
}

int ctl_call_pages(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, json_t **rows_r)
{
	const uint64_t wanted = ctl_option_number(ctl, CTL_LIMIT, UINT64_MAX);
	const uint64_t offset = ctl_option_number(ctl, CTL_OFFSET, 0);
	json_t *rows = json_array();
	bool more = wanted > 0;
	int code = EX_OK;

	while (more && code == EX_OK) {
		const size_t before = json_array_size(rows);
		const uint64_t left = wanted - before;
		json_t *page;

		json_object_set_new(take_params, "limit",
				    json_integer(left < PAGE_ROWS ? (json_int_t)left : PAGE_ROWS));
		json_object_set_new(take_params, "offset",
				    json_integer((json_int_t)(offset + before)));
		code = ctl_call(ctl, method, json_deep_copy(take_params), &page);
		if (code == EX_OK)
			json_array_extend(rows, json_object_get(page, member));
		/* A page without rows is the last one, whatever it says. */
		more = json_is_true(json_object_get(page, "more")) &&
		       json_array_size(rows) > before && json_array_size(rows) < wanted;
		json_decref(page);
	}
	json_decref(take_params);
	if (code != EX_OK) {
		json_decref(rows);
		rows = NULL;
	}
	*rows_r = rows;
	return code;
}
