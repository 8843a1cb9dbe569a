#include <string.h>

#include "daemon/auth.h"

/* The sequencer lays the cache out, and may be starting beside us: then there is nothing to map
 * yet. */
static const struct cache *cache_of(struct auth *auth)
{
	struct err err;

	if (!auth->cache)
		auth->cache = cache_map(FD_CACHE, &err);
	return auth->cache;
}

/* While the sequencer still loads, "not in the cache" says nothing. */
static int missing(const struct auth *auth, int code)
{
	const struct proc_page *sequencer = auth->child.proc.page[SLOT_SEQUENCER];
	uint32_t state;

	if (code != CODE_NO_SUCH_PRINCIPAL || !sequencer)
		return code;
	state = atomic_load(&sequencer->state);
	return state == PROC_READY || state == PROC_ACTIVE ? code : CODE_UNAVAILABLE;
}

int auth_account_principal(struct auth *auth, const char *uri, struct principal_view *principal_r)
{
	const struct cache *cache = cache_of(auth);

	if (!cache)
		return CODE_UNAVAILABLE;
	return missing(auth, cache_principal_by_uri(cache, uri, strlen(uri), principal_r));
}

int auth_account_by_id(struct auth *auth, uint32_t id, struct principal_view *principal_r)
{
	const struct cache *cache = cache_of(auth);

	if (!cache)
		return CODE_UNAVAILABLE;
	return missing(auth, cache_principal(cache, id, principal_r));
}

/* The user's secret; a made-up one if there is none. Both ways the database was asked: it would
 * show in the time. */
static int find_secret(struct auth *auth, const char *uri, struct auth_secret *secret_r,
		       bool *found_r)
{
	const int code = auth_credentials_get(auth->credentials, uri, secret_r);

	*found_r = code == CODE_OK;
	if (code != CODE_NO_SUCH_PRINCIPAL)
		return code;
	auth_secret_fake(auth->key, uri, strlen(uri), auth->child.conf->auth.iterations, secret_r);
	return CODE_OK;
}

int auth_account_find(void *arg, const char *name, char uri_r[USER_URI_SIZE],
		      struct auth_account *account_r)
{
	struct auth *auth = arg;
	struct principal_view principal;
	bool known, has_secret;
	int code;

	memset(account_r, 0, sizeof(*account_r));
	if (!user_uri_make(name, strlen(name), auth->child.conf->domain, uri_r)) {
		uri_r[0] = '\0';
		auth_secret_fake(auth->key, name, strlen(name), auth->child.conf->auth.iterations,
				 &account_r->secret);
		return CODE_OK;
	}
	code = auth_account_principal(auth, uri_r, &principal);
	if (code != CODE_OK && code != CODE_NO_SUCH_PRINCIPAL)
		return code;
	known = code == CODE_OK && principal.kind == PRINCIPAL_USER &&
		principal.state == PRINCIPAL_ACTIVE;
	code = find_secret(auth, uri_r, &account_r->secret, &has_secret);
	if (known && has_secret) {
		account_r->principal = principal.id;
		account_r->epoch = principal.epoch;
	}
	return code;
}
