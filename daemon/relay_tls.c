#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "conf/log.h"
#include "daemon/relay.h"

static int tls_error(struct err *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, "could not %s: %s", what, reason ? reason : "unknown error");
}

/* A key that needs a password has nobody to ask for it. */
static int no_password(char *out, int size, int write, void *arg)
{
	(void)out;
	(void)size;
	(void)write;
	(void)arg;
	return 0;
}

static BIO *open_file(int fd, const char *what, struct err *err)
{
	BIO *in = fd == -1 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);

	if (in == NULL)
		tls_error(err, what);
	return in;
}

/* The end of a PEM file is an error as any other. */
static bool at_end(void)
{
	const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	if (end)
		ERR_clear_error();
	return end;
}

static int load_certificate(SSL_CTX *tls, int fd, struct err *err)
{
	static const char what[] = "load the certificate of the administration port";
	BIO *in = open_file(fd, what, err);
	X509 *one = NULL;
	bool done = false;

	if (in == NULL)
		return -1;
	one = PEM_read_bio_X509_AUX(in, NULL, no_password, NULL);
	done = one != NULL && SSL_CTX_use_certificate(tls, one) == 1;
	X509_free(one);
	while (done && (one = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL) {
		done = SSL_CTX_add0_chain_cert(tls, one) == 1;
		if (!done)
			X509_free(one);
	}
	BIO_free(in);
	return done && at_end() ? 0 : tls_error(err, what);
}

static int load_key(SSL_CTX *tls, int fd, struct err *err)
{
	static const char what[] = "load the key of the administration port";
	BIO *in = open_file(fd, what, err);
	EVP_PKEY *key;
	bool done;

	if (in == NULL)
		return -1;
	key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	done = key != NULL && SSL_CTX_use_PrivateKey(tls, key) == 1 &&
	       SSL_CTX_check_private_key(tls) == 1;
	EVP_PKEY_free(key);
	BIO_free(in);
	return done ? 0 : tls_error(err, what);
}

static int load_trusted(SSL_CTX *tls, int fd, struct err *err)
{
	static const char what[] = "load the certificates of admin.ca";
	X509_STORE *store = SSL_CTX_get_cert_store(tls);
	BIO *in = open_file(fd, what, err);
	unsigned count = 0;
	bool done = true;
	X509 *one;

	if (in == NULL)
		return -1;
	while (done && (one = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL) {
		done = X509_STORE_add_cert(store, one) == 1 && SSL_CTX_add_client_CA(tls, one) == 1;
		X509_free(one);
		count++;
	}
	BIO_free(in);
	return done && at_end() && count > 0 ? 0 : tls_error(err, what);
}

/* An old list lets nobody in: better that the log says so before the first administrator comes. */
static void check_age(const X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	if (next != NULL && X509_cmp_current_time(next) < 0)
		log_warning("the list of revoked certificates (admin.crl) is out of date: nobody "
			    "can come in by the administration port");
}

static int load_revoked(SSL_CTX *tls, int fd, struct err *err)
{
	static const char what[] = "load the lists of admin.crl";
	X509_STORE *store = SSL_CTX_get_cert_store(tls);
	BIO *in = open_file(fd, what, err);
	unsigned count = 0;
	bool done = true;
	X509_CRL *one;

	if (in == NULL)
		return -1;
	while (done && (one = PEM_read_bio_X509_CRL(in, NULL, no_password, NULL)) != NULL) {
		check_age(one);
		done = X509_STORE_add_crl(store, one) == 1;
		X509_CRL_free(one);
		count++;
	}
	BIO_free(in);
	if (!done || !at_end() || count == 0)
		return tls_error(err, what);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return 0;
}

/* A session that could be resumed would outlive the revocation of its certificate. */
static void set_options(SSL_CTX *tls)
{
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

SSL_CTX *relay_tls_new(int certificate, int key, int ca, int crl, struct err *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL) {
		tls_error(err, "set TLS up");
		return NULL;
	}
	set_options(tls);
	if (load_certificate(tls, certificate, err) == -1 || load_key(tls, key, err) == -1 ||
	    load_trusted(tls, ca, err) == -1 || (crl != -1 && load_revoked(tls, crl, err) == -1)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	return tls;
}
