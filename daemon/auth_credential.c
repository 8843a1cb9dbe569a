#include "daemon/auth_credential.h"

#include <stdlib.h>
#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "odbc/backoff.h"
#include "odbc/content.h"

static const char MECHANISM[] = "SCRAM-SHA-256";

struct auth_credentials {
	struct db *db; /* owned */
	struct backoff backoff;
	struct proc *proc; /* borrowed: where errors are counted */
};

struct auth_credentials *auth_credentials_new(const struct conf *conf, struct proc *proc)
{
	struct auth_credentials *credentials = calloc(1, sizeof(*credentials));
	struct err err;

	if (!credentials)
		return NULL;
	credentials->proc = proc;
	credentials->db = db_new(&conf->content.dsn, &err);
	if (!credentials->db) {
		log_error("%s", err.text);
		auth_credentials_free(&credentials);
	}
	return credentials;
}

void auth_credentials_free(struct auth_credentials **credentials)
{
	if (*credentials)
		db_free(&(*credentials)->db);
	free(*credentials);
	*credentials = NULL;
}

static enum db_result failed(struct auth_credentials *credentials, enum db_result result,
			     const struct err *err)
{
	proc_count(credentials->proc, COUNTER_DATABASE_ERRORS, 1);
	log_warning("no secrets of users can be read or written (%s): %s", db_result_name(result),
		    err->text);
	return result;
}

/* DB_RETRY at once while the back-off lasts. */
static enum db_result connect(struct auth_credentials *credentials)
{
	const uint64_t now = clock_mono();
	enum db_result result;
	struct err err;

	if (db_connected(credentials->db))
		return DB_OK;
	if (!backoff_due(&credentials->backoff, now))
		return DB_RETRY;
	result = db_connect(credentials->db, &err);
	if (result == DB_OK)
		result = content_check(credentials->db, &err);
	if (result == DB_OK) {
		backoff_worked(&credentials->backoff);
		return DB_OK;
	}
	db_disconnect(credentials->db);
	backoff_failed(&credentials->backoff, now);
	return failed(credentials, result, &err);
}

/*
 * One question to the database: a secret is read, or written if put is given. Both are harmless
 * when they are done again, so a connection that turns out to be dead is made anew, once.
 */
static enum db_result ask(struct auth_credentials *credentials, const char *uri,
			  const struct content_credential *put, struct content_credential *got_r)
{
	const size_t length = strlen(uri);
	enum db_result result = DB_RETRY;
	struct err err;

	for (int i = 0; i < 2; i++) {
		result = connect(credentials);
		if (result != DB_OK)
			return result;
		result = put ? content_credential_set(credentials->db, uri, length, put, &err) :
			       content_credential_get(credentials->db, uri, length, MECHANISM,
						      got_r, &err);
		if (result == DB_OK || result == DB_END)
			return result;
		failed(credentials, result, &err);
		if (result == DB_BAD_DATA || result == DB_FATAL)
			return result;
	}
	return result;
}

static bool secret_of(const struct content_credential *row, struct auth_secret *secret_r)
{
	if (row->salt_length != sizeof(secret_r->salt) ||
	    row->stored_length != sizeof(secret_r->stored_key) ||
	    row->server_length != sizeof(secret_r->server_key) || row->iterations == 0 ||
	    row->iterations > CONF_ITERATIONS_MAX)
		return false;
	secret_r->iterations = row->iterations;
	memcpy(secret_r->salt, row->salt, sizeof(secret_r->salt));
	memcpy(secret_r->stored_key, row->stored_key, sizeof(secret_r->stored_key));
	memcpy(secret_r->server_key, row->server_key, sizeof(secret_r->server_key));
	return true;
}

int auth_credentials_get(struct auth_credentials *credentials, const char *uri,
			 struct auth_secret *secret_r)
{
	struct content_credential row;
	char quoted[LOG_QUOTED];
	bool good = false;

	switch (ask(credentials, uri, NULL, &row)) {
	case DB_OK:
		good = secret_of(&row, secret_r);
		explicit_bzero(&row, sizeof(row));
		break;
	case DB_END:
		return CODE_NO_SUCH_PRINCIPAL;
	case DB_BAD_DATA:
		break;
	default:
		return CODE_UNAVAILABLE;
	}
	if (good)
		return CODE_OK;
	log_error("the secret of %s in the database is damaged: set the password anew",
		  log_quote(uri, strlen(uri), quoted));
	return CODE_NO_SUCH_PRINCIPAL;
}

int auth_credentials_put(struct auth_credentials *credentials, const char *uri,
			 const struct auth_secret *secret)
{
	struct content_credential row = {.iterations = secret->iterations,
					 .salt_length = sizeof(secret->salt),
					 .stored_length = sizeof(secret->stored_key),
					 .server_length = sizeof(secret->server_key),
					 .changed = clock_utc()};
	enum db_result result;

	strcpy(row.mechanism, MECHANISM);
	memcpy(row.salt, secret->salt, sizeof(secret->salt));
	memcpy(row.stored_key, secret->stored_key, sizeof(secret->stored_key));
	memcpy(row.server_key, secret->server_key, sizeof(secret->server_key));
	result = ask(credentials, uri, &row, NULL);
	explicit_bzero(&row, sizeof(row));
	return result == DB_OK ? CODE_OK :
	       result == DB_BAD_DATA ? CODE_INVALID_ARGUMENT :
				       CODE_UNAVAILABLE;
}
