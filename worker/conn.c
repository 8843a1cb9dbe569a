#include "worker/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/bug.h"

enum {
	CLOSE_US = 2000000,
	READS = 4,	  /* buffers that one connection may fill in a turn */
	FLUSH_SHARE = 4,  /* a queue above this part of its limit is written at once */
	PAUSE_SHARE = 2,  /* above this part, nothing more is read */
	IOV_COUNT = 1024, /* IOV_MAX */
};

static struct net_touched *queue_of(struct conn *conn)
{
	return conn->one_of_many ? &conn->net->many : &conn->net->touched;
}

void conn_untouch(struct conn *conn)
{
	TAILQ_REMOVE(queue_of(conn), conn, touched);
	conn->is_touched = false;
}

static void enqueue(struct conn *conn, bool one_of_many)
{
	conn->is_touched = true;
	conn->one_of_many = one_of_many;
	conn->waits_since = conn->net->clock;
	TAILQ_INSERT_TAIL(queue_of(conn), conn, touched);
}

static void touch(struct conn *conn)
{
	if (conn->is_touched && !conn->one_of_many)
		return;
	if (conn->is_touched)
		conn_untouch(conn);
	enqueue(conn, false);
}

static uint64_t output_limit(const struct conn *conn)
{
	return conn->net->conf->json.output_size;
}

static bool stopped(const struct conn *conn)
{
	return conn->state == CONN_OPEN && (conn->full || conn->paused);
}

/* --- Events. --- */

static void on_event(evutil_socket_t fd, short what, void *arg);

/*
 * Edges are watched: while reading is put off to later turns (net_read) thousands of connections are
 * readable, and asking for levels would have each turn look at every one of them again. So whoever
 * stops reading before the socket is empty must see to it that reading goes on: by read_again, or by
 * taking EV_READ away and giving it back, upon which the kernel looks anew.
 */
static void watch(struct conn *conn)
{
	bool read = !conn->ended && conn->state != CONN_DEAD && !stopped(conn);
	uint8_t wanted = (uint8_t)((read ? EV_READ : 0) | (conn->blocked ? EV_WRITE : 0));

	if (wanted == conn->watched || conn->fd == -1)
		return;
	if (conn->watched != 0)
		event_del(&conn->event);
	conn->watched = 0;
	if (wanted == 0)
		return;
	event_assign(&conn->event, conn->net->base, conn->fd,
		     (short)(wanted | EV_PERSIST | EV_ET), on_event, conn);
	if (event_add(&conn->event, NULL) == -1) {
		conn_kill(conn);
		return;
	}
	conn->watched = wanted;
	if (conn->again && (wanted & EV_READ))
		event_active(&conn->event, EV_READ, 0);
}

static void set_timer(struct conn *conn, uint32_t due)
{
	if (conn->timed)
		wheel_del(&conn->timer);
	wheel_add(&conn->net->wheel, &conn->timer, due);
	conn->timed = true;
}

int conn_init(struct conn *conn, struct net *net, const struct conn_ops *ops, int take_fd, bool tls)
{
	const int one = 1;

	memset(conn, 0, sizeof(*conn));
	conn->net = net;
	conn->ops = ops;
	conn->fd = take_fd;
	conn->state = tls ? CONN_HANDSHAKE : CONN_OPEN;
	conn->last_in = net->now;
	conn->deadline = net->now + net_ticks(net, net->conf->json.handshake_timeout);
	if (tls) {
		conn->tls = SSL_new(net->tls);
		if (conn->tls == NULL || SSL_set_fd(conn->tls, take_fd) != 1) {
			ERR_clear_error();
			SSL_free(conn->tls);
			close(take_fd);
			return -1;
		}
		SSL_set_accept_state(conn->tls);
	}
	/* Fails on a unix socket, which needs it not. */
	(void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	net->count++;
	LIST_INSERT_HEAD(&net->all, conn, all);
	proc_count(net->proc, COUNTER_CONNECTIONS_OPEN, 1);
	set_timer(conn, conn->deadline);
	watch(conn);
	return 0;
}

void conn_settle(struct conn *conn)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->deadline = 0;
	set_timer(conn, conn->net->now + net_ticks(conn->net, conn->net->conf->json.ping_interval));
}

void conn_allow(struct conn *conn, uint64_t microseconds)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->deadline = conn->net->now + net_ticks(conn->net, microseconds);
	set_timer(conn, conn->deadline);
}

/* The timer is out of the wheel here: whoever is called may set it anew. */
static uint32_t due(struct conn *conn)
{
	const struct conf *conf = conn->net->conf;
	uint32_t now = conn->net->now,
		 idle = conn->last_in + net_ticks(conn->net, conf->json.idle_timeout);
	uint32_t quiet = conn->last_in + net_ticks(conn->net, conf->json.ping_interval);

	if (conn->deadline > now)
		return conn->deadline;
	if (conn->state >= CONN_CLOSING) {
		conn_kill(conn);
		return 0;
	}
	if (conn->deadline > 0 || now >= idle) {
		proc_count(conn->net->proc, COUNTER_CONNECTIONS_DROPPED_IDLE, 1);
		conn->ops->expired(conn);
		return 0;
	}
	if (now >= quiet) {
		if (conn->ops->quiet != NULL)
			conn->ops->quiet(conn);
		quiet = now + net_ticks(conn->net, conf->json.ping_interval);
	}
	return conn->state == CONN_DEAD ? 0 : quiet < idle ? quiet : idle;
}

uint32_t conn_due(struct conn *conn)
{
	uint32_t next;

	conn->timed = false;
	next = due(conn);
	if (next != 0)
		conn->timed = true;
	return next;
}

/* --- Output. --- */

static ssize_t write_vector(struct conn *conn)
{
	struct iovec iov[IOV_COUNT];
	struct msghdr msg = {.msg_iov = iov};

	msg.msg_iovlen = outq_iov(&conn->out, iov, IOV_COUNT);
	return sendmsg(conn->fd, &msg, MSG_NOSIGNAL);
}

/* A few small frames: copying them here is cheaper than having the kernel look at each. */
static ssize_t write_small(struct conn *conn)
{
	size_t size = outq_gather(&conn->out, conn->net->record, NET_RECORD);

	return send(conn->fd, conn->net->record, size, MSG_NOSIGNAL);
}

/* A frame alone is written from where it is. */
static ssize_t write_one(struct conn *conn)
{
	struct iovec iov;

	(void)outq_iov(&conn->out, &iov, 1);
	return send(conn->fd, iov.iov_base, iov.iov_len, MSG_NOSIGNAL);
}

/* Bytes written, 0 if the socket takes none now, -1 if the connection is broken. */
static ssize_t write_plain(struct conn *conn)
{
	ssize_t n;

	do
		n = conn->out.count == 1	    ? write_one(conn)
		    : conn->out.bytes <= NET_RECORD ? write_small(conn)
						    : write_vector(conn);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

static ssize_t write_tls(struct conn *conn)
{
	size_t size = outq_gather(&conn->out, conn->net->record, NET_RECORD);
	int n;

	if (conn->record > 0)
		size = conn->record;
	n = SSL_write(conn->tls, conn->net->record, (int)size);
	if (n > 0) {
		conn->record = 0;
		return n;
	}
	switch (SSL_get_error(conn->tls, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		conn->record = (uint32_t)size;
		return 0;
	default:
		ERR_clear_error();
		return -1;
	}
}

static void flush(struct conn *conn)
{
	while (conn->out.count > 0) {
		ssize_t n = conn->tls != NULL ? write_tls(conn) : write_plain(conn);

		if (n < 0) {
			conn_kill(conn);
			return;
		}
		if (n == 0) {
			conn->blocked = true;
			break;
		}
		proc_count(conn->net->proc, COUNTER_BYTES_OUT, (uint64_t)n);
		outq_sent(&conn->out, (size_t)n);
	}
	watch(conn);
}

static void give(struct conn *conn, struct frame *take_frame, bool one_of_many)
{
	if (conn->state != CONN_OPEN || conn->slow) {
		frame_unref(&take_frame);
		return;
	}
	if (take_frame == NULL || !outq_push(&conn->out, take_frame)) {
		conn_kill(conn);
		return;
	}
	if (!one_of_many)
		touch(conn);
	else if (!conn->is_touched)
		enqueue(conn, true);
	/* One answer may be larger than the limit: what counts is what waited before it. */
	if (conn->out.bytes - frame_size(take_frame) > output_limit(conn))
		conn->slow = true;
	else if (!conn->blocked && conn->out.bytes > output_limit(conn) / FLUSH_SHARE)
		flush(conn);
	if (conn->out.bytes > output_limit(conn) / PAUSE_SHARE) {
		conn->full = true;
		watch(conn);
	}
}

void conn_give(struct conn *conn, struct frame *take_frame)
{
	give(conn, take_frame, false);
}

void conn_send(struct conn *conn, struct frame *frame)
{
	give(conn, frame_ref(frame), false);
}

void conn_send_many(struct conn *conn, struct frame *frame)
{
	give(conn, frame_ref(frame), true);
}

bool conn_paused(const struct conn *conn)
{
	return conn->full || conn->paused || conn->slow || conn->state != CONN_OPEN;
}

void conn_pause(struct conn *conn)
{
	conn->paused = true;
	watch(conn);
}

static void read_again(struct conn *conn)
{
	touch(conn);
	watch(conn);
	/* TLS may have decrypted what no poll will tell of. */
	conn->again = true;
	if (conn->watched & EV_READ)
		event_active(&conn->event, EV_READ, 0);
}

void conn_resume(struct conn *conn)
{
	if (!conn->paused || conn->state != CONN_OPEN)
		return;
	conn->paused = false;
	read_again(conn);
}

/* --- Input. --- */

static void hold(struct conn *conn, const uint8_t *data, size_t size)
{
	uint8_t *held = NULL;

	if (conn->state != CONN_OPEN)
		size = 0;
	if (size > 0) {
		held = malloc(size);
		if (held == NULL) {
			conn_kill(conn);
			return;
		}
		memcpy(held, data, size);
	}
	free(conn->held);
	conn->held = held;
	conn->held_size = (uint32_t)size;
}

static void hand_over(struct conn *conn, const uint8_t *data, size_t size)
{
	size_t used = conn->ops->input(conn, data, size);

	bug_on(used > size || (used < size && !conn_paused(conn)));
	conn->waiting = conn->state == CONN_OPEN && conn_paused(conn);
	if (used < size)
		hold(conn, data + used, size - used);
}

void conn_feed(struct conn *conn, const uint8_t *data, size_t size)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->last_in = conn->net->now;
	proc_count(conn->net->proc, COUNTER_BYTES_IN, size);
	hand_over(conn, data, size);
}

static void go_on(struct conn *conn)
{
	uint8_t *held = conn->held;
	uint32_t size = conn->held_size;

	conn->waiting = false;
	conn->held = NULL;
	conn->held_size = 0;
	hand_over(conn, held == NULL ? (const uint8_t *)"" : held, size);
	free(held);
	if (conn->state == CONN_OPEN && !stopped(conn))
		read_again(conn);
}

/* Bytes read, 0 if there are none now, -1 if there will be none any more. */
static ssize_t receive_plain(struct conn *conn, uint8_t *in, size_t size)
{
	ssize_t n;

	do
		n = recv(conn->fd, in, size, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n == 0 ? -1 : n;
}

static ssize_t receive_tls(struct conn *conn, uint8_t *in, size_t size)
{
	int n = SSL_read(conn->tls, in, (int)size);

	if (n > 0)
		return n;
	switch (SSL_get_error(conn->tls, n)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		conn->blocked = true;
		watch(conn);
		return 0;
	default:
		ERR_clear_error();
		return -1;
	}
}

static void input_ended(struct conn *conn)
{
	if (conn->state != CONN_CLOSING) {
		conn_kill(conn);
		return;
	}
	conn->ended = true; /* it may still read what we have */
	watch(conn);
}

static void take_input(struct conn *conn)
{
	uint8_t *in = conn->net->in;

	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = conn->tls != NULL ? receive_tls(conn, in, NET_IN)
					      : receive_plain(conn, in, NET_IN);

		if (n < 0)
			input_ended(conn);
		if (n <= 0)
			return;
		conn_feed(conn, in, (size_t)n);
		if (conn->state == CONN_DEAD || stopped(conn))
			return;
		if (conn->tls == NULL && n < NET_IN)
			return; /* there was no more */
	}
	read_again(conn);
}

static void shake_hands(struct conn *conn)
{
	int result = SSL_do_handshake(conn->tls);

	conn->last_in = conn->net->now;
	if (result == 1) {
		conn->state = CONN_OPEN;
		conn->blocked = false;
		watch(conn);
		take_input(conn);
		return;
	}
	switch (SSL_get_error(conn->tls, result)) {
	case SSL_ERROR_WANT_READ:
		conn->blocked = false;
		break;
	case SSL_ERROR_WANT_WRITE:
		conn->blocked = true;
		break;
	default:
		ERR_clear_error();
		conn->net->tls_failed++;
		conn_kill(conn);
		return;
	}
	watch(conn);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	net_read(conn->net);
	if (conn->state == CONN_HANDSHAKE) {
		shake_hands(conn);
		return;
	}
	if (what & EV_WRITE) {
		conn->blocked = false;
		touch(conn);
	}
	if ((what & EV_READ) && conn->state != CONN_DEAD && !stopped(conn)) {
		conn->again = false;
		if (conn->waiting && conn->state == CONN_OPEN)
			go_on(conn);
		else
			take_input(conn);
	}
}

/* --- The end. --- */

void conn_close(struct conn *conn)
{
	if (conn->state == CONN_HANDSHAKE)
		conn_kill(conn);
	if (conn->state != CONN_OPEN)
		return;
	conn->state = CONN_CLOSING;
	/* The tick that is under way may end before anything was written. */
	conn->deadline = conn->net->now + 1 + net_ticks(conn->net, CLOSE_US);
	set_timer(conn, conn->deadline);
	hold(conn, NULL, 0);
	touch(conn);
}

void conn_kill(struct conn *conn)
{
	if (conn->state == CONN_DEAD)
		return;
	conn->state = CONN_DEAD;
	if (conn->watched != 0)
		event_del(&conn->event);
	if (conn->timed)
		wheel_del(&conn->timer);
	conn->watched = 0;
	conn->timed = false;
	SSL_free(conn->tls);
	conn->tls = NULL;
	close(conn->fd);
	conn->fd = -1;
	touch(conn);
}

static void say_goodbye(struct conn *conn)
{
	if (conn->tls != NULL && SSL_shutdown(conn->tls) < 0)
		ERR_clear_error();
	(void)shutdown(conn->fd, SHUT_WR);
	conn->state = CONN_LINGER;
	if (conn->ended)
		conn_kill(conn);
	else
		watch(conn);
}

static void drop_slow(struct conn *conn)
{
	proc_count(conn->net->proc, COUNTER_CONNECTIONS_DROPPED_SLOW, 1);
	conn->net->dropped_slow++;
	outq_trim(&conn->out, conn->record);
	conn->slow = false;
	conn->ops->slow(conn);
	bug_on(conn->state == CONN_OPEN);
}

static void reap(struct conn *conn)
{
	outq_fini(&conn->out);
	free(conn->held);
	conn->held = NULL;
	conn->net->count--;
	LIST_REMOVE(conn, all);
	proc_count(conn->net->proc, COUNTER_CONNECTIONS_OPEN, UINT64_MAX);
	conn->ops->closed(conn);
}

void conn_turn(struct conn *conn)
{
	if (conn->slow && conn->state == CONN_OPEN)
		drop_slow(conn);
	if (conn->state == CONN_OPEN || conn->state == CONN_CLOSING) {
		if (!conn->blocked)
			flush(conn);
	}
	if (conn->state == CONN_OPEN && conn->out.count == 0 && conn->ops->drained != NULL)
		conn->ops->drained(conn);
	if (conn->state == CONN_CLOSING && conn->out.count == 0)
		say_goodbye(conn);
	if (conn->full && conn->out.bytes <= output_limit(conn) / FLUSH_SHARE) {
		conn->full = false;
		if (conn->state == CONN_OPEN)
			read_again(conn);
	}
	if (conn->state == CONN_DEAD) {
		if (conn->is_touched)
			conn_untouch(conn);
		reap(conn);
	}
}

const char *conn_address(const struct conn *conn, char text[CONN_ADDRESS])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage space;
	} peer;
	socklen_t length = sizeof(peer);
	char host[INET6_ADDRSTRLEN];

	if (getpeername(conn->fd, &peer.any, &length) == -1)
		snprintf(text, CONN_ADDRESS, "unknown");
	else if (peer.any.sa_family == AF_INET)
		snprintf(text, CONN_ADDRESS, "%s:%u",
			 inet_ntop(AF_INET, &peer.v4.sin_addr, host, sizeof(host)),
			 ntohs(peer.v4.sin_port));
	else if (peer.any.sa_family == AF_INET6)
		snprintf(text, CONN_ADDRESS, "[%s]:%u",
			 inet_ntop(AF_INET6, &peer.v6.sin6_addr, host, sizeof(host)),
			 ntohs(peer.v6.sin6_port));
	else
		snprintf(text, CONN_ADDRESS, "unix");
	return text;
}
