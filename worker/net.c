#include "worker/net.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "worker/conn.h"

enum {
	PEM_MAX = 1 << 20,
	TICK_MIN_US = 10000,
	TICK_MAX_US = 1000000,
	MANY_SHARE = 4,
	CLOCK_SHARE = 8, /* connections between two looks at the clock */
};

/* Fine enough for the shortest of the time limits, and no finer: an idle worker should sleep. */
static uint64_t choose_tick(const struct conf *conf)
{
	uint64_t least = conf->json.handshake_timeout;

	if (conf->json.idle_timeout < least)
		least = conf->json.idle_timeout;
	if (conf->json.ping_interval < least)
		least = conf->json.ping_interval;
	least /= 10;
	return least < TICK_MIN_US ? TICK_MIN_US : least > TICK_MAX_US ? TICK_MAX_US : least;
}

static uint32_t current_tick(const struct net *net)
{
	return (uint32_t)((clock_mono() - net->started) / net->tick) + 1;
}

uint32_t net_ticks(const struct net *net, uint64_t microseconds)
{
	uint64_t ticks = (microseconds + net->tick - 1) / net->tick;

	return ticks == 0 ? 1 : ticks > UINT32_MAX / 4 ? UINT32_MAX / 4 : (uint32_t)ticks;
}

int net_init(struct net *net, struct event_base *base, const struct conf *conf, struct proc *proc,
	     struct err *err)
{
	memset(net, 0, sizeof(*net));
	net->base = base;
	net->conf = conf;
	net->proc = proc;
	net->started = clock_mono();
	net->tick = choose_tick(conf);
	net->now = current_tick(net);
	net->clock = (uint32_t)(net->started / 1000);
	wheel_init(&net->wheel, net->now);
	LIST_INIT(&net->all);
	TAILQ_INIT(&net->touched);
	TAILQ_INIT(&net->many);
	net->in = malloc(NET_IN);
	net->record = malloc(NET_RECORD);
	if (net->in == NULL || net->record == NULL) {
		net_fini(net);
		return err_set(err, "could not allocate the connections' buffers");
	}
	return 0;
}

void net_fini(struct net *net)
{
	free(net->in);
	free(net->record);
	SSL_CTX_free(net->tls);
	net->in = net->record = NULL;
	net->tls = NULL;
}

static int tls_error(struct err *err, const char *what)
{
	char text[200];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return err_set(err, "could not %s: %s", what, text);
}

/* All of a file, read from its start: the descriptor may be shared and its position is nobody's. */
static BIO *read_pem(int fd, const char *what, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char chunk[4096];
	off_t at = 0;
	ssize_t n;

	if (bio == NULL) {
		tls_error(err, "allocate memory for TLS");
		return NULL;
	}
	while (at < PEM_MAX && (n = pread(fd, chunk, sizeof(chunk), at)) != 0) {
		if (n == -1 || BIO_write(bio, chunk, (int)n) != n) {
			err_errno(err, "could not read the TLS %s", what);
			BIO_free(bio);
			return NULL;
		}
		at += n;
	}
	return bio;
}

static int load_certificate(SSL_CTX *tls, BIO *bio, struct err *err)
{
	X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL), *next;
	int ok;

	if (leaf == NULL)
		return tls_error(err, "find a certificate in the TLS certificate's file");
	ok = SSL_CTX_use_certificate(tls, leaf);
	X509_free(leaf);
	while (ok == 1 && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		ok = SSL_CTX_add0_chain_cert(tls, next) == 1;
	if (ok != 1)
		return tls_error(err, "use the TLS certificate");
	ERR_clear_error(); /* the end of the file is no error */
	return 0;
}

static int load_key(SSL_CTX *tls, BIO *bio, struct err *err)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	int ok;

	if (key == NULL)
		return tls_error(err, "read the TLS key");
	ok = SSL_CTX_use_PrivateKey(tls, key) == 1 && SSL_CTX_check_private_key(tls) == 1;
	EVP_PKEY_free(key);
	return ok ? 0 : tls_error(err, "use the TLS key");
}

static int load_pair(SSL_CTX *tls, int certificate, int key, struct err *err)
{
	BIO *chain = read_pem(certificate, "certificate", err), *secret = NULL;
	int result = -1;

	if (chain != NULL && load_certificate(tls, chain, err) == 0)
		secret = read_pem(key, "key", err);
	if (secret != NULL)
		result = load_key(tls, secret, err);
	BIO_free(chain);
	BIO_free(secret);
	return result;
}

int net_load_tls(struct net *net, int certificate, int key, struct err *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL)
		return tls_error(err, "set TLS up");
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* A client's next connection lands on any worker, which could not resume it. */
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (load_pair(tls, certificate, key, err) == -1) {
		SSL_CTX_free(tls);
		return -1;
	}
	net->tls = tls;
	return 0;
}

static uint32_t entry_due(struct wheel_entry *entry, void *arg)
{
	struct conn *conn = (struct conn *)((char *)entry - offsetof(struct conn, timer));

	(void)arg;
	return conn_due(conn);
}

static void log_counts(struct net *net)
{
	if (net->dropped_slow > 0)
		log_warning("dropped %llu connections that read too slowly",
			    (unsigned long long)net->dropped_slow);
	if (net->dropped_protocol > 0)
		log_info("closed %llu connections that broke the protocol",
			 (unsigned long long)net->dropped_protocol);
	if (net->tls_failed > 0)
		log_info("%llu TLS handshakes failed", (unsigned long long)net->tls_failed);
	net->dropped_slow = net->dropped_protocol = net->tls_failed = 0;
}

void net_tick(struct net *net)
{
	uint64_t now = clock_mono();

	net->now = current_tick(net);
	wheel_turn(&net->wheel, net->now, entry_due, NULL);
	if (now - net->logged < 1000000)
		return;
	net->logged = now;
	log_counts(net);
}

void net_stop(struct net *net)
{
	struct conn *conn;

	/* None is freed here: that is done when the turn ends. */
	LIST_FOREACH(conn, &net->all, all)
	{
		if (conn->state == CONN_HANDSHAKE)
			conn_kill(conn);
		else if (conn->state == CONN_OPEN)
			conn->ops->stop(conn);
	}
}

static struct conn *next_touched(struct net *net, unsigned done)
{
	struct conn *one = TAILQ_FIRST(&net->touched), *of_many = TAILQ_FIRST(&net->many);

	if (one == NULL || (of_many != NULL && done % MANY_SHARE == 0))
		return of_many;
	return one;
}

/* Milliseconds for which the first in this queue waits. */
static uint32_t age(const struct net *net, const struct net_touched *queue)
{
	const struct conn *first = TAILQ_FIRST(queue);

	return first == NULL ? 0 : net->clock - first->waits_since;
}

static bool write_slice(struct net *net)
{
	uint64_t end = clock_mono() + (net->delay > NET_LATE_US ? NET_READ_US : NET_WRITE_US);
	struct conn *conn;
	unsigned done = 0;

	while ((conn = next_touched(net, done)) != NULL) {
		if (++done % CLOCK_SHARE == 0 && clock_mono() >= end)
			return true;
		conn_untouch(conn);
		conn_turn(conn);
	}
	return false;
}

bool net_turn(struct net *net)
{
	bool more = write_slice(net);

	net->reads = 0;
	net->clock = (uint32_t)(clock_mono() / 1000);
	net->delay = (uint64_t)age(net, &net->touched) * 1000;
	if (net->delay < (uint64_t)age(net, &net->many) * 1000)
		net->delay = (uint64_t)age(net, &net->many) * 1000;
	return more;
}

void net_read(struct net *net)
{
	if (net->reads++ == 0)
		net->reading = clock_mono();
	else if (net->reads % CLOCK_SHARE == 0 && clock_mono() - net->reading >= NET_READ_US)
		event_base_loopbreak(net->base); /* the rest stays active for the next turn */
}
