#include "config.h"

#include "t/bench/load_connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { READ_SIZE = 256 << 10 };

static const char request[] = "GET /pchat HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			      "Sec-WebSocket-Protocol: pchat.v1\r\n\r\n";

/* Ports are used up at 28,000 connections from one address to one other, so there are many. */
static int bind_source(int fd, unsigned source)
{
	int one = 1;
	struct sockaddr_in address = {.sin_family = AF_INET};
	address.sin_addr.s_addr =
		htonl(0x7f640000u + (source / 250 << 8) + source % 250 + 1); /* 127.100.x.y */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

int load_connection_start(struct load_connection *c, const struct load_network *network,
			  unsigned source, void *tag)
{
	int one = 1;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = tag};
	const struct sockaddr_in *server = &network->options->server;
	load_connection_stop(c);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind_source(c->fd, source) != 0 ||
	    (connect(c->fd, (const struct sockaddr *)server, sizeof(*server)) != 0 &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(network->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
		load_connection_stop(c);
		return -1;
	}
	c->state = LINK_CONNECTING;
	c->waits_to_write = true;
	return 0;
}

void load_connection_stop(struct load_connection *c)
{
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	free(c->out);
	*c = (struct load_connection){.fd = -1};
}

/* Bytes; 0: would block; -1: over. */
static ssize_t transport_read(struct load_connection *c, void *data, size_t size)
{
	ssize_t count;
	if (c->ssl) {
		ERR_clear_error();
		count = SSL_read(c->ssl, data, (int)size);
		if (count > 0)
			return count;
		int why = SSL_get_error(c->ssl, (int)count);
		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}
	count = recv(c->fd, data, size, 0);
	if (count > 0)
		return count;
	return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static ssize_t transport_write(struct load_connection *c, const void *data, size_t size)
{
	ssize_t count;
	if (c->ssl) {
		ERR_clear_error();
		count = SSL_write(c->ssl, data, (int)size);
		if (count > 0)
			return count;
		int why = SSL_get_error(c->ssl, (int)count);
		return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}
	count = send(c->fd, data, size, MSG_NOSIGNAL);
	if (count >= 0)
		return count;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static int reserve(uint8_t **data, size_t *size, size_t wanted)
{
	if (wanted <= *size)
		return 0;
	size_t larger = wanted < 512 ? 512 : wanted + wanted / 2;
	uint8_t *grown = realloc(*data, larger);
	if (!grown)
		return -1;
	*data = grown;
	*size = larger;
	return 0;
}

static int queue(struct load_connection *c, const void *data, size_t size)
{
	if (reserve(&c->out, &c->out_size, c->out_length + size) != 0)
		return -1;
	memcpy(c->out + c->out_length, data, size);
	c->out_length += size;
	return 0;
}

static void wait_to_write(struct load_connection *c, const struct load_network *network, void *tag,
			  bool wait)
{
	struct epoll_event event = {.events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = tag};
	if (c->waits_to_write != wait && c->fd >= 0)
		epoll_ctl(network->epoll, EPOLL_CTL_MOD, c->fd, &event);
	c->waits_to_write = wait;
}

static int finish_connect(struct load_connection *c, const struct load_network *network, void *tag)
{
	int failure = 0;
	socklen_t size = sizeof(failure);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0)
		return -1;
	if (network->tls) {
		c->ssl = SSL_new(network->tls);
		if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
			return -1;
		SSL_set_connect_state(c->ssl);
		c->state = LINK_TLS;
		wait_to_write(c, network, tag, false);
		return 0;
	}
	c->state = LINK_ASKING;
	return queue(c, request, sizeof(request) - 1);
}

static int finish_tls(struct load_connection *c)
{
	ERR_clear_error();
	int result = SSL_do_handshake(c->ssl);
	if (result == 1) {
		c->state = LINK_ASKING;
		return queue(c, request, sizeof(request) - 1);
	}
	int why = SSL_get_error(c->ssl, result);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* The server sends nothing behind its answer before it is asked, so no frame can be lost here. */
static int take_answer(struct load_connection *c)
{
	char answer[2048];
	ssize_t count = transport_read(c, answer, sizeof(answer) - 1);
	if (count <= 0)
		return (int)count;
	answer[count] = '\0';
	if (strncmp(answer, "HTTP/1.1 101", 12) != 0 || !strstr(answer, "\r\n\r\n"))
		return -1;
	c->state = LINK_OPEN;
	return 1;
}

int load_connection_turn(struct load_connection *c, const struct load_network *network, void *tag)
{
	if (c->state == LINK_CONNECTING && finish_connect(c, network, tag) != 0)
		return -1;
	if (c->state == LINK_TLS && finish_tls(c) != 0)
		return -1;
	if (c->state == LINK_ASKING)
		return take_answer(c);
	return c->state == LINK_OPEN;
}

/* Calls take for the whole frames; *used_r: how many bytes they were. */
static int take_frames(const uint8_t *data, size_t size, size_t *used_r, load_take_fn *take,
		       void *ctx)
{
	struct load_frame frame;
	*used_r = 0;
	for (;;) {
		long length = load_frame_read(data + *used_r, size - *used_r, &frame);
		if (length < 0)
			return -1;
		if (length == 0)
			return 0;
		*used_r += (size_t)length;
		if (take(ctx, &frame) != 0)
			return -1;
	}
}

/* Keeps the part of a frame that has come. */
static int keep(struct load_connection *c, const uint8_t *data, size_t size)
{
	if (size == 0) {
		free(c->in);
		c->in = NULL;
		c->in_length = c->in_size = 0;
		return 0;
	}
	if (data != c->in && reserve(&c->in, &c->in_size, size) != 0)
		return -1;
	memmove(c->in, data, size);
	c->in_length = size;
	return 0;
}

int load_connection_read(struct load_connection *c, load_take_fn *take, void *ctx)
{
	static uint8_t buffer[READ_SIZE];
	for (;;) {
		uint8_t *data = buffer;
		size_t used, size = sizeof(buffer), before = c->in_length;
		if (before > 0) {
			if (reserve(&c->in, &c->in_size, before + 65536) != 0)
				return -1;
			data = c->in;
			size = c->in_size;
		}
		ssize_t count = transport_read(c, data + before, size - before);
		if (count <= 0)
			return (int)count;
		size_t all = before + (size_t)count;
		if (take_frames(data, all, &used, take, ctx) != 0 ||
		    keep(c, data + used, all - used) != 0)
			return -1;
		if (!c->ssl && all < size)
			return 0;
	}
}

int load_connection_send(struct load_connection *c, unsigned opcode, const void *payload,
			 size_t size)
{
	if (c->state != LINK_OPEN ||
	    reserve(&c->out, &c->out_size, c->out_length + size + FRAME_HEAD_MAX) != 0)
		return -1;
	c->out_length += load_frame_write(c->out + c->out_length, opcode, payload, size);
	return 0;
}

int load_connection_flush(struct load_connection *c, const struct load_network *network, void *tag)
{
	size_t sent = 0;
	if (c->state != LINK_OPEN && c->state != LINK_ASKING)
		return 0;
	while (sent < c->out_length) {
		ssize_t count = transport_write(c, c->out + sent, c->out_length - sent);
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		sent += (size_t)count;
	}
	if (sent > 0)
		memmove(c->out, c->out + sent, c->out_length - sent);
	c->out_length -= sent;
	wait_to_write(c, network, tag, c->out_length > 0);
	if (c->out_length == 0) {
		free(c->out);
		c->out = NULL;
		c->out_size = 0;
	}
	return 0;
}
