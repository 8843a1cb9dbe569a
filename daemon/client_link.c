#include "config.h"

#include "daemon/client_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/clock.h"

enum { ADDRESS_TIMEOUT_US = 10000000 }; /* then the host's next address is tried */

enum state { CLOSED, CONNECTING, HANDSHAKE, OPEN };

struct client_link {
	const struct client_url *url; /* borrowed */
	SSL_CTX *context;	      /* owned; NULL: no TLS */
	bool insecure, reached, refused, alerted;
	enum state state;
	struct addrinfo *addresses; /* owned, of the host */
	struct addrinfo *next;	    /* in addresses: to try when this one fails */
	uint64_t deadline;	    /* of this address */
	int fd;
	SSL *ssl; /* owned */
	bool wants_write;
	struct err first; /* why the first address failed */
};

static int tls_error(struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return err_set(err, "%s: %s", what, reason ? reason : "unknown error");
}

static int load_trust(struct client_link *link, const char *ca, struct err *err)
{
	if (link->insecure)
		return 0;
	SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
	if (!ca) {
		if (SSL_CTX_set_default_verify_paths(link->context) != 1)
			return tls_error(err, "could not load the system's certificates");
		return 0;
	}
	if (SSL_CTX_load_verify_locations(link->context, ca, NULL) != 1) {
		char what[300];
		snprintf(what, sizeof(what), "could not load certificates from %.256s", ca);
		return tls_error(err, what);
	}
	return 0;
}

static int make_context(struct client_link *link, const char *ca, struct err *err)
{
	link->context = SSL_CTX_new(TLS_client_method());
	if (!link->context)
		return tls_error(err, "could not set up TLS");
	if (SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) != 1)
		return tls_error(err, "could not set up TLS");
	SSL_CTX_set_mode(link->context,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return load_trust(link, ca, err);
}

struct client_link *client_link_new(const struct client_url *url, const char *ca, bool insecure,
				    struct err *err)
{
	struct client_link *link = calloc(1, sizeof(*link));
	if (!link) {
		err_errno(err, "could not make a connection");
		return NULL;
	}
	link->url = url;
	link->insecure = insecure;
	link->fd = -1;
	if (url->tls && make_context(link, ca, err) != 0)
		client_link_free(&link);
	return link;
}

int client_link_identify(struct client_link *link, const char *certificate, const char *key,
			 struct err *err)
{
	char what[300];

	if (!link->context)
		return err_set(err, "there is no certificate without TLS");
	snprintf(what, sizeof(what), "could not load the certificate from %.256s", certificate);
	if (SSL_CTX_use_certificate_chain_file(link->context, certificate) != 1)
		return tls_error(err, what);
	snprintf(what, sizeof(what), "could not load the key from %.256s", key);
	if (SSL_CTX_use_PrivateKey_file(link->context, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(link->context) != 1)
		return tls_error(err, what);
	return 0;
}

static void close_socket(struct client_link *link)
{
	SSL_free(link->ssl);
	link->ssl = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->state = CLOSED;
	link->wants_write = false;
}

void client_link_stop(struct client_link *link)
{
	if (link->ssl && link->state == OPEN) {
		SSL_shutdown(link->ssl);
		ERR_clear_error();
	}
	close_socket(link);
	if (link->addresses)
		freeaddrinfo(link->addresses);
	link->addresses = link->next = NULL;
}

void client_link_free(struct client_link **link)
{
	if (*link) {
		client_link_stop(*link);
		SSL_CTX_free((*link)->context);
		free(*link);
	}
	*link = NULL;
}

/* A socket on its way to an address. */
static int connect_address(struct client_link *link, const struct addrinfo *address,
			   struct err *err)
{
	int one = 1;
	link->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return err_errno(err, "could not make a socket");
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(link->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
		err_errno(err, "could not connect to %s port %s", link->url->host, link->url->port);
		close_socket(link);
		return -1;
	}
	link->state = CONNECTING;
	link->deadline = clock_mono() + ADDRESS_TIMEOUT_US;
	return 0;
}

/* The next address that lets itself be tried. The error is that of the first address of all. */
static int try_next(struct client_link *link, struct err *err)
{
	while (link->next) {
		struct addrinfo *address = link->next;
		struct err failure;
		link->next = address->ai_next;
		if (connect_address(link, address, &failure) == 0)
			return 0;
		if (!link->first.text[0])
			link->first = failure;
	}
	*err = link->first;
	return -1;
}

int client_link_start(struct client_link *link, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	client_link_stop(link);
	link->reached = link->refused = link->alerted = false;
	link->first.text[0] = '\0';
	int failure = getaddrinfo(link->url->host, link->url->port, &hints, &link->addresses);
	if (failure != 0) {
		link->addresses = NULL;
		return err_set(err, "could not look up %s: %s", link->url->host,
			       gai_strerror(failure));
	}
	link->next = link->addresses;
	return try_next(link, err);
}

/* The certificate has to name the host that the user asked for, be it a name or an address. */
static int expect_host(struct client_link *link, struct err *err)
{
	unsigned char address[16];
	const char *host = link->url->host;
	bool number =
		inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
	bool done;
	if (number)
		done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->ssl), host) == 1;
	else
		done = SSL_set_tlsext_host_name(link->ssl, host) == 1 &&
		       SSL_set1_host(link->ssl, host) == 1;
	return done ? 0 : tls_error(err, "could not set up TLS");
}

static int start_handshake(struct client_link *link, struct err *err)
{
	link->ssl = SSL_new(link->context);
	if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1)
		return tls_error(err, "could not set up TLS");
	if (expect_host(link, err) != 0)
		return -1;
	SSL_set_connect_state(link->ssl);
	link->state = HANDSHAKE;
	return 0;
}

static int finish_connect(struct client_link *link, struct err *err)
{
	struct pollfd ready = {.fd = link->fd, .events = POLLOUT};
	int failure = 0;
	socklen_t size = sizeof(failure);
	if (poll(&ready, 1, 0) <= 0) {
		if (clock_mono() < link->deadline)
			return 0;
		failure = ETIMEDOUT;
	} else if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
		failure = errno;
	}
	if (failure == 0) {
		link->reached = true;
		if (link->context)
			return start_handshake(link, err);
		link->state = OPEN;
		return 0;
	}
	close_socket(link);
	if (!link->first.text[0])
		err_set(&link->first, "could not connect to %s port %s: %s", link->url->host,
			link->url->port, strerror(failure));
	return try_next(link, err);
}

/* Why a call to TLS did not work: 0 where it only has to be repeated, else -1. */
static int tls_result(struct client_link *link, int result, const char *what, struct err *err)
{
	int failed_errno = errno;
	link->wants_write = false;
	switch (SSL_get_error(link->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		link->wants_write = true;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return err_set(err, "the server closed the connection");
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		errno = failed_errno;
		if (failed_errno == 0)
			return err_set(err, "the server closed the connection");
		return err_errno(err, "%s", what);
	default:
		link->alerted = ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET;
		return tls_error(err, what);
	}
}

static int handshake(struct client_link *link, struct err *err)
{
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(link->ssl);
	if (result == 1) {
		link->wants_write = false;
		link->state = OPEN;
		return 0;
	}
	long verdict = SSL_get_verify_result(link->ssl);
	/* A server that dies in the middle of it is another matter. */
	link->refused = SSL_get_error(link->ssl, result) == SSL_ERROR_SSL &&
			ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
	int failure = tls_result(link, result, "could not agree on TLS with the server", err);
	if (failure != 0 && verdict != X509_V_OK && !link->insecure) {
		link->refused = true;
		err_set(err, "the certificate of %s cannot be trusted: %s", link->url->host,
			X509_verify_cert_error_string(verdict));
	}
	return failure;
}

int client_link_turn(struct client_link *link, struct err *err)
{
	int result = 0;
	if (link->state == CLOSED)
		return err_set(err, "there is no connection");
	if (link->state == CONNECTING)
		result = finish_connect(link, err);
	if (result == 0 && link->state == HANDSHAKE)
		result = handshake(link, err);
	if (result != 0)
		return -1;
	return link->state == OPEN;
}

ssize_t client_link_read(struct client_link *link, void *data, size_t size, struct err *err)
{
	if (link->ssl) {
		ERR_clear_error();
		errno = 0;
		int result = SSL_read(link->ssl, data, size > 65536 ? 65536 : (int)size);
		if (result > 0)
			return result;
		return tls_result(link, result, "could not read from the server", err);
	}
	ssize_t count = recv(link->fd, data, size, 0);
	if (count > 0)
		return count;
	if (count == 0)
		return err_set(err, "the server closed the connection");
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_errno(err, "could not read from the server");
}

ssize_t client_link_write(struct client_link *link, const void *data, size_t size, struct err *err)
{
	if (link->ssl) {
		ERR_clear_error();
		errno = 0;
		int result = SSL_write(link->ssl, data, size > 65536 ? 65536 : (int)size);
		if (result > 0)
			return result;
		return tls_result(link, result, "could not write to the server", err);
	}
	ssize_t count = send(link->fd, data, size, MSG_NOSIGNAL);
	if (count >= 0)
		return count;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_errno(err, "could not write to the server");
}

int client_link_fd(const struct client_link *link)
{
	return link->fd;
}

short client_link_events(const struct client_link *link)
{
	if (link->state == CLOSED)
		return 0;
	if (link->state == CONNECTING)
		return POLLOUT;
	return (short)(POLLIN | (link->wants_write ? POLLOUT : 0));
}

bool client_link_trusted(const struct client_link *link)
{
	return link->state == OPEN && link->ssl && !link->insecure;
}

bool client_link_reached(const struct client_link *link)
{
	return link->reached;
}

bool client_link_alerted(const struct client_link *link)
{
	return link->alerted;
}

bool client_link_refused(const struct client_link *link)
{
	return link->refused;
}
