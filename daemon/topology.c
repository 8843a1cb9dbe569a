#include "daemon/topology.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

enum { NAME_MAX_BYTES = 253, DISPLAY_MAX_BYTES = 1024 };

struct check {
	json_t *mistakes; /* owned until it is returned */
	const json_t *document, *before;
	bool failed; /* memory */
};

__attribute__((format(printf, 2, 3))) static void wrong(struct check *c, const char *fmt, ...)
{
	const uint8_t *bad;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A long name may have been cut within a character. */
	while ((bad = u8_check((uint8_t *)text, strlen(text))) != NULL)
		text[bad - (uint8_t *)text] = '?';
	if (json_array_append_new(c->mistakes, json_string(text)) == -1)
		c->failed = true;
}

/* --- Members. --- */

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

static bool is(const char *text, const char *other)
{
	return strcmp(text, other) == 0;
}

static json_t *list_of(const json_t *object, const char *member)
{
	json_t *list = json_object_get(object, member);

	return json_is_array(list) ? list : NULL;
}

static json_t *find(const json_t *object, const char *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list_of(object, list), i,
			   item) if (is(text_of(item, "name"), name)) return item;
	return NULL;
}

/* A host's or a site's name: what stands in a scope. */
static bool is_name(const char *name)
{
	const size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX_BYTES && name[0] != '.' &&
	       name[length - 1] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == length;
}

/* What an object may have: a member that is mistyped must not be taken for one that is absent. */
static void check_members(struct check *c, const char *what, const json_t *object,
			  const char *const *known)
{
	const char *member;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, member, value)
	{
		unsigned i = 0;

		while (known[i] && !is(known[i], member))
			i++;
		if (!known[i])
			wrong(c, "%s: \"%s\" is unknown", what, member);
	}
}

static void check_type(struct check *c, const char *what, const json_t *object, const char *member,
		       json_type type)
{
	static const char *const names[] = {[JSON_OBJECT] = "an object",
					    [JSON_ARRAY] = "a list",
					    [JSON_STRING] = "a text",
					    [JSON_INTEGER] = "a number"};
	const json_t *value = json_object_get(object, member);

	if (value && json_typeof(value) != type)
		wrong(c, "%s: \"%s\" is not %s", what, member, names[type]);
}

static void check_flag(struct check *c, const char *what, const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	if (value && !json_is_boolean(value))
		wrong(c, "%s: \"%s\" is not true or false", what, member);
}

/* --- Servers. --- */

/* Of which pool, before this one, a server is. */
static const char *pool_of(const struct check *c, const json_t *before, const char *server)
{
	json_t *pool;
	size_t i;

	json_array_foreach(list_of(c->document, "pools"), i, pool)
	{
		if (pool == before)
			return NULL;
		if (find(pool, "servers", server))
			return text_of(pool, "name");
	}
	return NULL;
}

static void check_server(struct check *c, const json_t *pool, const json_t *server)
{
	static const char *const known[] = {"name", "state", "collocated", "site", NULL};
	const char *name = text_of(server, "name"), *state = text_of(server, "state");
	const char *other = pool_of(c, pool, name);
	char what[300];

	snprintf(what, sizeof(what), "server %s", name);
	check_members(c, what, server, known);
	check_flag(c, what, server, "collocated");
	if (!is_name(name))
		wrong(c, "pool %s: a server has no name, or one that is not a host's in lower case",
		      text_of(pool, "name"));
	if (json_object_get(server, "state") && !is(state, "active") && !is(state, "standby"))
		wrong(c, "%s: its state is neither active nor standby", what);
	if (other)
		wrong(c, "%s: it is of pool %s, too", what, other);
	if (*text_of(server, "site") && !find(c->document, "sites", text_of(server, "site")))
		wrong(c, "%s: there is no site %s", what, text_of(server, "site"));
}

struct servers {
	size_t all, active, standby, collocated;
};

static struct servers count_servers(const json_t *pool)
{
	struct servers n = {0};
	json_t *server;
	size_t i;

	json_array_foreach(list_of(pool, "servers"), i, server)
	{
		n.all++;
		n.standby += is(text_of(server, "state"), "standby");
		n.collocated += json_is_true(json_object_get(server, "collocated"));
	}
	n.active = n.all - n.standby;
	return n;
}

static void check_servers(struct check *c, const char *what, const json_t *pool)
{
	const struct servers n = count_servers(pool);
	json_t *server, *again;
	size_t i, k;

	json_array_foreach(list_of(pool, "servers"), i, server)
	{
		check_server(c, pool, server);
		json_array_foreach(list_of(pool, "servers"), k,
				   again) if (k < i &&
					      is(text_of(server, "name"), text_of(again, "name")))
			wrong(c, "%s: server %s is named twice", what, text_of(server, "name"));
	}
	if (n.active == 0)
		wrong(c, "%s: it has no active server", what);
	if (n.active > TOPOLOGY_ACTIVE_MAX)
		wrong(c, "%s: it has %zu active servers, and may have %d", what, n.active,
		      TOPOLOGY_ACTIVE_MAX);
	if (n.standby > TOPOLOGY_STANDBY_MAX)
		wrong(c, "%s: it has %zu servers that stand by, and may have %d", what, n.standby,
		      TOPOLOGY_STANDBY_MAX);
}

/* --- What stands with what. --- */

static void check_edition(struct check *c, const char *what, const json_t *pool)
{
	const struct servers n = count_servers(pool);
	const char *edition = text_of(pool, "edition"), *next_hop = text_of(pool, "next_hop");

	if (!is_name(next_hop))
		wrong(c, "%s: it needs the name of its next hop", what);
	if (is(edition, "enterprise")) {
		if (n.collocated > 0)
			wrong(c, "%s: no server of an enterprise pool stands on a front end", what);
		if (find(pool, "servers", next_hop))
			wrong(c, "%s: server %s is its own next hop", what, next_hop);
		return;
	}
	if (!is(edition, "standard")) {
		wrong(c, "%s: its edition is neither enterprise nor standard", what);
		return;
	}
	if (n.all > 1)
		wrong(c, "%s: a standard pool has one server, and no high availability", what);
	if (n.collocated > 0 && !is(text_of(pool, "name"), next_hop))
		wrong(c,
		      "%s: a pool whose server stands on the front end %s has to be called as that "
		      "is",
		      what, next_hop);
	if (n.collocated > 0 && n.all == 1 && !find(pool, "servers", next_hop))
		wrong(c, "%s: its server stands on the front end and is not %s", what, next_hop);
	if (n.collocated == 0 && find(pool, "servers", next_hop))
		wrong(c, "%s: server %s is its next hop, and not said to be collocated", what,
		      next_hop);
}

/* A pool that was made for one computer never gets another. */
static void check_growth(struct check *c, const char *what, const json_t *pool)
{
	const json_t *before = find(c->before, "pools", text_of(pool, "name"));
	const struct servers now = count_servers(pool);
	struct servers then;

	if (json_is_true(json_object_get(pool, "single")) && now.all > 1)
		wrong(c, "%s: it is one of a single computer and has %zu servers", what, now.all);
	if (!before)
		return;
	then = count_servers(before);
	if (json_is_true(json_object_get(before, "single")) &&
	    !json_is_true(json_object_get(pool, "single")))
		wrong(c, "%s: it was made for a single computer, and stays so", what);
	if (then.collocated > 0 && now.all > then.all)
		wrong(c, "%s: its first server stands on a front end: it can get no other", what);
	if (!is(text_of(before, "edition"), text_of(pool, "edition")))
		wrong(c, "%s: its edition cannot change", what);
}

/* --- What pools stand on. --- */

static bool same_instance(const json_t *a, const json_t *b)
{
	return json_is_object(a) && json_is_object(b) &&
	       is(text_of(a, "server"), text_of(b, "server")) &&
	       is(text_of(a, "instance"), text_of(b, "instance"));
}

static void check_store(struct check *c, const char *what, const json_t *pool, const char *member)
{
	static const char *const known[] = {"server", "instance", "mirror", NULL};
	const json_t *store = json_object_get(pool, member), *mirror;
	json_t *other;
	size_t i;

	if (!store || json_is_null(store))
		return;
	check_type(c, what, pool, member, JSON_OBJECT);
	check_members(c, what, store, known);
	if (!is_name(text_of(store, "server")))
		wrong(c, "%s: %s has no server", what, member);
	mirror = json_object_get(store, "mirror");
	if (mirror && !is_name(text_of(mirror, "server")))
		wrong(c, "%s: the mirror of %s has no server", what, member);
	if (mirror && same_instance(mirror, store))
		wrong(c, "%s: %s is its own mirror", what, member);
	json_array_foreach(list_of(c->document, "pools"), i, other)
	{
		if (other == pool)
			break;
		if (same_instance(store, json_object_get(other, member)))
			wrong(c, "%s: its %s is that of pool %s, too", what, member,
			      text_of(other, "name"));
	}
}

static void check_files(struct check *c, const char *what, const json_t *pool)
{
	const char *files = text_of(pool, "file_store");

	check_type(c, what, pool, "file_store", JSON_STRING);
	if (*files == '/' && files[1] != '/' && count_servers(pool).all > 1)
		wrong(c,
		      "%s: its files are in a directory of one host, %s, and it has several "
		      "servers",
		      what, files);
}

static void check_compliance(struct check *c, const char *what, const json_t *pool)
{
	check_flag(c, what, pool, "compliance");
	if (json_is_true(json_object_get(pool, "compliance")) &&
	    !json_is_object(json_object_get(pool, "compliance_store")))
		wrong(c, "%s: compliance needs a compliance_store", what);
}

/* --- All of it. --- */

static void check_pool(struct check *c, const json_t *pool)
{
	static const char *const known[] = {
		"name",	      "display_name", "site",	  "edition",	   "port",
		"servers",    "single",	      "next_hop", "content_store", "compliance_store",
		"file_store", "compliance",   NULL};
	const json_t *port = json_object_get(pool, "port");
	const char *name = text_of(pool, "name"), *site = text_of(pool, "site");
	char what[300];

	snprintf(what, sizeof(what), "pool %s", name);
	check_members(c, what, pool, known);
	if (!is_name(name))
		wrong(c, "a pool has no name, or one that is not a host's in lower case");
	if (*site && !find(c->document, "sites", site))
		wrong(c, "%s: there is no site %s", what, site);
	check_type(c, what, pool, "display_name", JSON_STRING);
	if (strlen(text_of(pool, "display_name")) > DISPLAY_MAX_BYTES)
		wrong(c, "%s: its display_name is too long", what);
	if (port && (!json_is_integer(port) || json_integer_value(port) < 1 ||
		     json_integer_value(port) > 65535))
		wrong(c, "%s: its port is not a number from 1 to 65535", what);
	check_flag(c, what, pool, "single");
	check_type(c, what, pool, "servers", JSON_ARRAY);
	check_servers(c, what, pool);
	check_edition(c, what, pool);
	check_growth(c, what, pool);
	check_store(c, what, pool, "content_store");
	check_store(c, what, pool, "compliance_store");
	if (!json_is_object(json_object_get(pool, "content_store")))
		wrong(c, "%s: it has no content_store", what);
	check_files(c, what, pool);
	check_compliance(c, what, pool);
}

static void check_default(struct check *c, const char *what, const char *pool)
{
	if (*pool && !find(c->document, "pools", pool))
		wrong(c, "%s: there is no pool %s", what, pool);
}

static void check_sites(struct check *c)
{
	static const char *const known[] = {"name", "default_pool", NULL};
	json_t *site;
	char what[300];
	size_t i;

	json_array_foreach(list_of(c->document, "sites"), i, site)
	{
		const char *name = text_of(site, "name");

		snprintf(what, sizeof(what), "site %s", name);
		check_members(c, what, site, known);
		if (!is_name(name))
			wrong(c, "a site has no name, or one that is not in lower case");
		else if (find(c->document, "sites", name) != site)
			wrong(c, "%s: there are two of this name", what);
		check_default(c, what, text_of(site, "default_pool"));
	}
}

static void check_document(struct check *c)
{
	static const char *const known[] = {"version", "sites", "pools", "default_pool", NULL};
	json_t *pool;
	size_t i;

	if (!json_is_object(c->document)) {
		wrong(c, "the document is not an object");
		return;
	}
	check_members(c, "the document", c->document, known);
	if (json_integer_value(json_object_get(c->document, "version")) != 1)
		wrong(c, "the document: its \"version\" is not 1");
	check_type(c, "the document", c->document, "sites", JSON_ARRAY);
	check_type(c, "the document", c->document, "pools", JSON_ARRAY);
	check_default(c, "the document", text_of(c->document, "default_pool"));
	check_sites(c);
	if (json_array_size(list_of(c->document, "pools")) == 0)
		wrong(c, "the document: it has no pools");
	json_array_foreach(list_of(c->document, "pools"), i, pool)
	{
		if (find(c->document, "pools", text_of(pool, "name")) != pool)
			wrong(c, "pool %s: there are two of this name", text_of(pool, "name"));
		check_pool(c, pool);
	}
}

json_t *topology_mistakes(const json_t *document, const json_t *before)
{
	struct check c = {.mistakes = json_array(), .document = document, .before = before};

	if (c.mistakes)
		check_document(&c);
	if (!c.failed)
		return c.mistakes;
	json_decref(c.mistakes);
	return NULL;
}

/* --- Merging. --- */

static bool merge_list(json_t *into, const json_t *other, const char *member)
{
	json_t *list = json_object_get(into, member), *item, *mine;
	size_t i, k;

	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(into, member, list) == -1)
			return false;
	}
	json_array_foreach(list_of(other, member), i, item)
	{
		json_t *copy = json_deep_copy(item);
		bool replaced = false;

		if (!copy)
			return false;
		json_array_foreach(list, k, mine)
		{
			if (replaced || !is(text_of(mine, "name"), text_of(item, "name")))
				continue;
			replaced = true;
			json_array_set(list, k, copy);
			break;
		}
		if (!replaced)
			json_array_append(list, copy);
		json_decref(copy);
	}
	return true;
}

json_t *topology_merge(const json_t *document, const json_t *other)
{
	json_t *result = json_deep_copy(document), *version = json_object_get(other, "version");

	if (result && merge_list(result, other, "sites") && merge_list(result, other, "pools") &&
	    (!version || json_object_set(result, "version", version) == 0))
		return result;
	json_decref(result);
	return NULL;
}
