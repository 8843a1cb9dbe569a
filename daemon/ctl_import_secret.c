#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/conf.h"
#include "conf/hex.h"
#include "daemon/ctl_import.h"
#include "odbc/content_export.h"

enum { TRIES = 30, PAUSE_US = 300000 };

struct import_secrets {
	const struct ctl *ctl; /* borrowed */
	struct db *db;	       /* owned */
};

struct import_secrets *import_secrets_new(const struct ctl *ctl)
{
	struct import_secrets *secrets = calloc(1, sizeof(*secrets));
	struct err err = {0};

	if (secrets && ctl->conf && !ctl->remote) {
		secrets->ctl = ctl;
		secrets->db = db_new(&ctl->conf->content.dsn, &err);
	}
	if (secrets && secrets->db)
		return secrets;
	ctl_fail(ctl, 0, "%s",
		 ctl->conf
			 ? "could not get memory"
			 : "needs a configuration (-f), which names the database, for credentials");
	free(secrets);
	return NULL;
}

void import_secrets_free(struct import_secrets **secrets)
{
	if (*secrets)
		db_free(&(*secrets)->db);
	free(*secrets);
	*secrets = NULL;
}

static bool read_hex(const json_t *line, const char *name, uint8_t *out, size_t size,
		     size_t *length_r)
{
	const json_t *value = json_object_get(line, name);
	const size_t length = json_string_length(value);

	*length_r = length / 2;
	return json_is_string(value) && length % 2 == 0 && length / 2 <= size &&
	       hex_decode(json_string_value(value), length, out, length / 2);
}

static bool read_line(const json_t *line, const char **uri_r, struct content_credential *c)
{
	const char *mechanism = json_string_value(json_object_get(line, "mechanism"));
	const char *changed = json_string_value(json_object_get(line, "changed"));
	const json_int_t iterations = json_integer_value(json_object_get(line, "iterations"));

	*uri_r = json_string_value(json_object_get(line, "credential"));
	if (!*uri_r || strlen(*uri_r) > CONTENT_EXPORT_URI_MAX || !mechanism || !*mechanism ||
	    strlen(mechanism) >= sizeof(c->mechanism) || iterations <= 0 ||
	    iterations > CONF_ITERATIONS_MAX || !changed ||
	    !clock_parse(changed, strlen(changed), &c->changed))
		return false;
	strcpy(c->mechanism, mechanism);
	c->iterations = (uint32_t)iterations;
	return read_hex(line, "salt", c->salt, CONTENT_SALT_MAX, &c->salt_length) &&
	       read_hex(line, "stored_key", c->stored_key, CONTENT_KEY_MAX, &c->stored_length) &&
	       read_hex(line, "server_key", c->server_key, CONTENT_KEY_MAX, &c->server_length);
}

static enum db_result put(struct import_secrets *secrets, const char *uri,
			  const struct content_credential *credential, bool *made_r,
			  struct err *err)
{
	struct content_credential known;
	enum db_result result = DB_OK;

	if (!db_connected(secrets->db))
		result = db_connect(secrets->db, err);
	if (result == DB_OK)
		result = content_credential_get(secrets->db, uri, strlen(uri),
						credential->mechanism, &known, err);
	*made_r = result == DB_END;
	if (result != DB_END)
		return result;
	return content_credential_set(secrets->db, uri, strlen(uri), credential, err);
}

int import_secret(struct import_secrets *secrets, const json_t *line, bool *made_r)
{
	struct content_credential credential = {0};
	enum db_result result = DB_RETRY;
	struct err err;
	const char *uri;

	*made_r = false;
	if (!read_line(line, &uri, &credential))
		return ctl_fail(secrets->ctl, EX_DATAERR, "a credential is malformed");
	for (unsigned i = 0; i < TRIES && (result == DB_RETRY || result == DB_UNCERTAIN); i++) {
		if (i > 0)
			usleep(PAUSE_US);
		result = put(secrets, uri, &credential, made_r, &err);
	}
	explicit_bzero(&credential, sizeof(credential));
	return result == DB_OK ? EX_OK
			       : ctl_fail(secrets->ctl, EX_TEMPFAIL,
					  "the content database failed: %s", err.text);
}
