#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/setting.h"
#include "daemon/ctl_option.h"
#include "daemon/ctl_table.h"
#include "daemon/pchat_text.h"

static const char DEFAULT_FILE[] = PCHAT_SYSCONFDIR "/pchatd.conf";

enum {
	CHANGE = CTL_BIT(CTL_DRY_RUN),
	PAGES = CTL_BIT(CTL_LIMIT) | CTL_BIT(CTL_OFFSET),
	OBJECT = CTL_BIT(CTL_NAME) | CTL_BIT(CTL_DESCRIPTION),
	CATEGORY = CTL_BIT(CTL_INVITATIONS) | CTL_BIT(CTL_FILES) | CTL_BIT(CTL_HISTORY) |
		   CTL_BIT(CTL_AUTHORS_REMOVE) | CTL_BIT(CTL_MEMBERS_LEAVE) | CTL_BIT(CTL_REQUESTS),
	ROOM = CTL_BIT(CTL_CATEGORY) | CTL_BIT(CTL_PRIVACY) | CTL_BIT(CTL_TYPE) |
	       CTL_BIT(CTL_INVITATIONS) | CTL_BIT(CTL_ADDIN) | CTL_BIT(CTL_DISABLED),
	ROOM_FILTERS = CTL_BIT(CTL_CATEGORY) | CTL_BIT(CTL_PRIVACY) | CTL_BIT(CTL_TYPE) |
		       CTL_BIT(CTL_ADDIN) | CTL_BIT(CTL_MEMBER) | CTL_BIT(CTL_MANAGER) |
		       CTL_BIT(CTL_DISABLED) | CTL_BIT(CTL_INVITATIONS) |
		       CTL_BIT(CTL_CONTENT_EXCEEDS),
	REVISION = CTL_BIT(CTL_IF_REVISION),
	SCOPED = CHANGE | REVISION,
	DELETE = CHANGE | CTL_BIT(CTL_YES),
	FILTERS = CTL_BIT(CTL_WORDS) | CTL_BIT(CTL_MATCH) | CTL_BIT(CTL_CASE) | CTL_BIT(CTL_FROM) |
		  CTL_BIT(CTL_START) | CTL_BIT(CTL_END),
	RECORDS = CTL_BIT(CTL_WORDS) | CTL_BIT(CTL_MATCH) | CTL_BIT(CTL_USER) | CTL_BIT(CTL_ROOM) |
		  CTL_BIT(CTL_KIND) | CTL_BIT(CTL_START) | CTL_BIT(CTL_END) | CTL_BIT(CTL_FROM) |
		  CTL_BIT(CTL_TO),
};

static const struct ctl_verb verbs[] = {
	{"status", "", "", "show processes, journal, cache and sessions", 0, 0,
	 CTL_BIT(CTL_METRICS), ctl_status, NULL, NULL, NULL, NULL},

	{"audit", "", "", "show who changed what, newest first", 0, 0,
	 CTL_BIT(CTL_ACTOR) | CTL_BIT(CTL_OBJECT) | CTL_BIT(CTL_WHAT) | CTL_BIT(CTL_START) |
		 CTL_BIT(CTL_END) | CTL_BIT(CTL_LIMIT),
	 ctl_audit, NULL, NULL, NULL, NULL},

	{"database", "status", "", "show the databases of content.dsn", 0, 0, 0,
	 ctl_database_status, NULL, NULL, NULL, NULL},
	{"database", "check", "", "the same; fails unless the server could use one", 0, 0, 0,
	 ctl_database_check, NULL, NULL, NULL, NULL},
	{"database", "create", "[NUMBER]", "make the tables in an empty database", 0, 1, CHANGE,
	 ctl_database_create, NULL, NULL, NULL, NULL},
	{"database", "upgrade", "[NUMBER]", "bring the tables to this program's version", 0, 1,
	 CHANGE, ctl_database_upgrade, NULL, NULL, NULL, NULL},

	{"data", "verify", "", "compare the database with the running server's cache", 0, 0, 0,
	 ctl_data_verify, NULL, NULL, NULL, NULL},

	{"data", "export", "[FILE]", "write the content database into an archive", 0, 1,
	 CHANGE | CTL_BIT(CTL_LEVEL) | CTL_BIT(CTL_CATEGORY) | CTL_BIT(CTL_START) |
		 CTL_BIT(CTL_CREDENTIALS) | CTL_BIT(CTL_REPORT),
	 ctl_data_export, NULL, NULL, NULL, NULL},
	{"data", "import", "FILE", "bring what is in an archive into the server", 1, 1,
	 CHANGE | CTL_BIT(CTL_REPORT), ctl_data_import, NULL, NULL, NULL, NULL},

	{"compliance", "status", "", "show where the record ends", 0, 0, 0, ctl_compliance_status,
	 NULL, NULL, NULL, NULL},
	{"compliance", "verify", "[LOG]", "find whether a record was changed, removed or added", 0, 1,
	 CTL_BIT(CTL_FROM) | CTL_BIT(CTL_TO) | CTL_BIT(CTL_PUBLIC_KEY), ctl_compliance_verify, NULL,
	 NULL, NULL, NULL},
	{"compliance", "search", "", "find records", 0, 0,
	 RECORDS | CTL_BIT(CTL_CONTEXT) | CTL_BIT(CTL_LIMIT), ctl_compliance_search, NULL, NULL,
	 NULL, NULL},
	{"compliance", "export", "DIRECTORY", "write the records of a case into a directory", 1, 1,
	 RECORDS | CTL_BIT(CTL_CASE) | CTL_BIT(CTL_PUBLIC_KEY), ctl_compliance_export, NULL, NULL,
	 NULL, NULL},
	{"compliance", "hold", "add|release|list [NAME]", "keep records from being deleted", 1, 2,
	 CHANGE | CTL_BIT(CTL_REASON) | CTL_BIT(CTL_USER) | CTL_BIT(CTL_ROOM) |
		 CTL_BIT(CTL_START) | CTL_BIT(CTL_END),
	 ctl_compliance_hold, NULL, NULL, NULL, NULL},
	{"compliance", "purge", "", "delete records that are old enough", 0, 0,
	 DELETE | CTL_BIT(CTL_UNTIL), ctl_compliance_purge, NULL, NULL, NULL, NULL},
	{"compliance", "accept-gap", "", "go on recording though events are lost to the record", 0,
	 0, DELETE, ctl_compliance_accept_gap, NULL, NULL, NULL, NULL},
	{"compliance", "adapters", "", "show what each adapter has and what it lacks", 0, 0, 0,
	 ctl_compliance_adapters, NULL, NULL, NULL, NULL},
	{"compliance", "run", "[ADAPTER]", "let an adapter, or all, run now", 0, 1,
	 CHANGE | CTL_BIT(CTL_WAIT), ctl_compliance_run, NULL, NULL, NULL, NULL},

	{"category", "create", "NAME", "create a category and print its URI", 1, 1,
	 CHANGE | CTL_BIT(CTL_DESCRIPTION) | CATEGORY, ctl_object_change, "category.create", "name",
	 "category", NULL},
	{"category", "update", "CATEGORY", "change a category and its lists", 1, 1,
	 CHANGE | OBJECT | CATEGORY | REVISION | CTL_EDIT(CTL_ALLOWED) | CTL_EDIT(CTL_DENIED) |
		 CTL_EDIT(CTL_CREATORS),
	 ctl_object_change, "category.update", "category", NULL, "category.roles"},
	{"category", "delete", "CATEGORY", "delete a category that has no rooms", 1, 1, DELETE,
	 ctl_object_delete, "category.delete", "category", NULL, NULL},
	{"category", "get", "CATEGORY", "show a category", 1, 1, 0, ctl_object_get, "category.get",
	 "category", NULL, NULL},
	{"category", "list", "[TEXT]", "list categories with this text in name or description", 0,
	 1, PAGES, ctl_object_list, "category.list", "text", NULL, NULL},

	{"category", "eligible", "CATEGORY [TEXT]", "list the users in its scope", 1, 2, PAGES,
	 ctl_object_eligible, "category.eligible", "category", NULL, NULL},

	{"room", "create", "NAME", "create a room and print its URI", 1, 1,
	 CHANGE | CTL_BIT(CTL_DESCRIPTION) | ROOM, ctl_object_change, "room.create", "name", "room",
	 NULL},
	{"room", "update", "ROOM", "change a room and its lists", 1, 1,
	 CHANGE | OBJECT | ROOM | REVISION | CTL_EDIT(CTL_MEMBERS) | CTL_EDIT(CTL_MANAGERS) |
		 CTL_EDIT(CTL_PRESENTERS),
	 ctl_object_change, "room.update", "room", NULL, "room.roles"},
	{"room", "disable", "ROOM", "put everybody out of a room and keep it", 1, 1,
	 CHANGE | REVISION, ctl_object_change, "room.disable", "room", NULL, NULL},
	{"room", "enable", "ROOM", "let people into it again", 1, 1, CHANGE | REVISION,
	 ctl_object_change, "room.enable", "room", NULL, NULL},
	{"room", "delete", "ROOM", "delete a room and its messages", 1, 1, DELETE,
	 ctl_object_delete, "room.delete", "room", NULL, NULL},
	{"room", "get", "ROOM", "show a room", 1, 1, 0, ctl_object_get, "room.get", "room", NULL,
	 NULL},
	{"room", "list", "[TEXT]", "list rooms with this text in name or description", 0, 1,
	 PAGES | ROOM_FILTERS, ctl_object_list, "room.list", "text", NULL, NULL},

	{"room", "eligible", "ROOM [TEXT]", "list who could be a member, or a presenter", 1, 2,
	 PAGES | CTL_BIT(CTL_AS), ctl_object_eligible, "room.eligible", "room", NULL, NULL},

	{"addin", "create", "NAME", "register an add-in", 1, 1, CHANGE | CTL_BIT(CTL_URL),
	 ctl_object_change, "addin.create", "name", "name", NULL},
	{"addin", "update", "NAME", "change an add-in", 1, 1,
	 CHANGE | CTL_BIT(CTL_NAME) | CTL_BIT(CTL_URL), ctl_object_change, "addin.update", "addin",
	 NULL, NULL},
	{"addin", "delete", "NAME", "delete an add-in; rooms lose it", 1, 1, DELETE,
	 ctl_object_delete, "addin.delete", "addin", NULL, NULL},
	{"addin", "get", "NAME", "show an add-in", 1, 1, 0, ctl_object_get, "addin.get", "addin", NULL,
	 NULL},
	{"addin", "list", "[TEXT]", "list add-ins with this text in name or URL", 0, 1, PAGES,
	 ctl_object_list, "addin.list", "text", NULL, NULL},

	{"message", "search", "ROOM", "find messages", 1, 1,
	 FILTERS | CTL_BIT(CTL_DIRECTION) | CTL_BIT(CTL_LIMIT), ctl_message_search,
	 "message.search", "room", NULL, NULL},
	{"message", "remove", "ROOM [SEQ]...", "delete messages, or all that are found", 1, 501,
	 DELETE | FILTERS, ctl_message_remove, "message.remove", "room", NULL, NULL},
	{"message", "replace", "ROOM [SEQ]...", "put another text in the place of messages", 1, 501,
	 CHANGE | FILTERS | CTL_BIT(CTL_REPLACE), ctl_message_replace, "message.remove", "room",
	 NULL, NULL},
	{"message", "purge", "ROOM", "delete all messages up to one, or up to a time", 1, 1,
	 DELETE | CTL_BIT(CTL_THROUGH) | CTL_BIT(CTL_UNTIL), ctl_message_purge, "message.purge",
	 "room", NULL, NULL},

	{"file", "list", "ROOM", "list a room's files, newest first", 1, 1,
	 CTL_BIT(CTL_LIMIT) | CTL_BIT(CTL_REMOVED), ctl_file_list, "file.list", "room", NULL, NULL},
	{"file", "get", "FILE", "show what is known of a file", 1, 1, CTL_BIT(CTL_REMOVED),
	 ctl_object_get, "file.get", "file", NULL, NULL},
	{"file", "remove", "FILE", "delete a file; that it was there stays known", 1, 1,
	 DELETE | CTL_BIT(CTL_LOST), ctl_object_delete, "file.remove", "file", NULL, NULL},
	{"file", "check", "", "find what is on the disk and not in the database, or reversed", 0, 0,
	 CTL_BIT(CTL_CONTENTS), ctl_file_check, NULL, NULL, NULL, NULL},

	{"user", "add", "USER", "add a user", 1, 1,
	 CHANGE | CTL_BIT(CTL_PASSWORD_FILE) | CTL_BIT(CTL_NAME), ctl_user_add, "user.add", NULL,
	 "uri", NULL},
	{"user", "passwd", "USER", "change a user's password", 1, 1,
	 CHANGE | CTL_BIT(CTL_PASSWORD_FILE), ctl_user_passwd, "user.passwd", "uri", NULL, NULL},
	{"user", "update", "USER", "change the name that others see", 1, 1, CHANGE | CTL_BIT(CTL_NAME),
	 ctl_object_change, "user.update", "uri", NULL, NULL},
	{"user", "get", "USER", "show a user and the groups that he is in", 1, 1, 0, ctl_object_get,
	 "user.get", "uri", NULL, NULL},
	{"user", "list", "[TEXT]", "list users with this text in name or URI", 0, 1, PAGES,
	 ctl_object_list, "user.list", "text", NULL, NULL},
	{"user", "disable", "USER", "end a user's sessions and let him in no more", 1, 1, CHANGE,
	 ctl_object_change, "user.disable", "uri", NULL, NULL},
	{"user", "enable", "USER", "let him in again", 1, 1, CHANGE, ctl_object_change,
	 "user.enable", "uri", NULL, NULL},
	{"user", "remove", "USER", "remove a user and end his sessions", 1, 1, DELETE,
	 ctl_object_delete, "user.remove", "uri", NULL, NULL},

	{"group", "add", "GROUP", "add a group, a folder or a domain", 1, 1,
	 CHANGE | CTL_BIT(CTL_NAME) | CTL_BIT(CTL_KIND), ctl_object_change, "group.add", "uri",
	 "uri", NULL},
	{"group", "update", "GROUP", "change a group's name and who is in it", 1, 1,
	 CHANGE | CTL_BIT(CTL_NAME) | CTL_EDIT(CTL_MEMBERS), ctl_object_change, "group.update", "uri",
	 NULL, "group.members"},
	{"group", "remove", "GROUP", "remove a group", 1, 1, DELETE, ctl_object_delete,
	 "group.remove", "uri", NULL, NULL},
	{"group", "get", "GROUP", "show a group and who is in it", 1, 1, 0, ctl_object_get,
	 "group.get", "uri", NULL, NULL},
	{"group", "list", "[TEXT]", "list groups with this text in name or URI", 0, 1, PAGES,
	 ctl_object_list, "group.list", "text", NULL, NULL},

	{"config", "get", "[SCOPE]", "show what a scope sets, or what counts here", 0, 1, 0,
	 ctl_config_get, "config.get", "scope", NULL, NULL},
	{"config", "list", "", "list the scopes that set something", 0, 0, PAGES, ctl_object_list,
	 "config.list", NULL, NULL, NULL},
	{"config", "set", "SCOPE NAME=VALUE...", "set something in a scope", 2, 17, SCOPED,
	 ctl_scoped_change, "config.set", "scope", NULL, NULL},
	{"config", "remove", "SCOPE", "take back all that a scope sets", 1, 1, SCOPED,
	 ctl_scoped_remove, "config.remove", "scope", NULL, NULL},

	{"policy", "create", "NAME [NAME=VALUE]...", "make a policy that users can be granted", 1, 17,
	 SCOPED, ctl_scoped_change, "policy.create", "scope", NULL, NULL},
	{"policy", "set", "SCOPE NAME=VALUE...", "change a policy", 2, 17, SCOPED, ctl_scoped_change,
	 "policy.set", "scope", NULL, NULL},
	{"policy", "get", "SCOPE", "show a policy", 1, 1, 0, ctl_object_get, "policy.get", "scope",
	 NULL, NULL},
	{"policy", "list", "", "list the policies", 0, 0, PAGES, ctl_object_list, "policy.list", NULL,
	 NULL, NULL},
	{"policy", "remove", "SCOPE", "remove a policy that nobody is granted", 1, 1, SCOPED,
	 ctl_scoped_remove, "policy.remove", "scope", NULL, NULL},
	{"policy", "grant", "USER NAME", "grant a user a policy", 2, 2, CHANGE, ctl_policy_grant,
	 "policy.grant", NULL, NULL, NULL},
	{"policy", "revoke", "USER", "take a user's policy away", 1, 1, CHANGE, ctl_policy_grant,
	 "policy.grant", NULL, NULL, NULL},
	{"policy", "effective", "USER", "show which policy counts for a user", 1, 1, 0,
	 ctl_object_get, "policy.effective", "uri", NULL, NULL},

	{"endpoint", "create", "URI [NAME=VALUE]...", "give the server another address", 1, 17,
	 SCOPED, ctl_scoped_change, "endpoint.create", "uri", NULL, NULL},
	{"endpoint", "set", "URI NAME=VALUE...", "change it", 2, 17, SCOPED, ctl_scoped_change,
	 "endpoint.set", "uri", NULL, NULL},
	{"endpoint", "get", "URI", "show it", 1, 1, 0, ctl_object_get, "endpoint.get", "uri", NULL,
	 NULL},
	{"endpoint", "list", "", "list these addresses", 0, 0, PAGES, ctl_object_list,
	 "endpoint.list", NULL, NULL, NULL},
	{"endpoint", "remove", "URI", "take it away", 1, 1, SCOPED, ctl_scoped_remove,
	 "endpoint.remove", "uri", NULL, NULL},

	{"topology", "validate", "FILE", "check a topology, without a server", 1, 1, 0,
	 ctl_topology_validate, NULL, NULL, NULL, NULL},
	{"topology", "publish", "FILE", "check it and keep it as the one that holds", 1, 1, SCOPED,
	 ctl_topology_publish, "topology.set", NULL, NULL, NULL},
	{"topology", "import", "FILE", "add its sites and pools to the one that holds", 1, 1, SCOPED,
	 ctl_topology_import, "topology.set", NULL, NULL, NULL},
	{"topology", "export", "", "write the one that holds", 0, 0, 0, ctl_topology_export, NULL,
	 NULL, NULL, NULL},

	{"test", "message", "SENDER RECEIVER [ROOM]",
	 "sign two users in, let them chat, measure", 2, 3,
	 CTL_BIT(CTL_URL) | CTL_BIT(CTL_TRUST) | CTL_BIT(CTL_PASSWORD_FILE), ctl_test_message, NULL,
	 NULL, NULL, NULL},
	{"test", "setup", "USER USER [ROOM]", "make the room in which they do", 2, 3,
	 CHANGE | CTL_BIT(CTL_CATEGORY), ctl_test_setup, "room.roles", NULL, NULL, NULL},

	{"retention", "set", "CATEGORY NAME=VALUE...", "limit what a category keeps", 2, 17, SCOPED,
	 ctl_scoped_change, "retention.set", "category", NULL, NULL},
	{"retention", "get", "[CATEGORY]", "show its limits, or the global ones", 0, 1, 0,
	 ctl_object_get, "retention.get", "category", NULL, NULL},
	{"retention", "list", "", "list all limits", 0, 0, PAGES, ctl_object_list, "retention.list",
	 NULL, NULL, NULL},
	{"retention", "remove", "CATEGORY", "take its limits away", 1, 1, SCOPED, ctl_scoped_remove,
	 "retention.remove", "category", NULL, NULL},

	{"pool", "get", "[POOL]", "show a pool's name and state", 0, 1, 0, ctl_object_get, "pool.get",
	 "pool", NULL, NULL},
	{"pool", "set", "NAME=VALUE...", "change those of this server's pool", 1, 16, SCOPED,
	 ctl_scoped_change, "pool.set", NULL, NULL, NULL},
	{"pool", "workers", "", "show the places of workers and who serves them", 0, 0, 0,
	 ctl_pool_workers, NULL, NULL, NULL, NULL},
	{"pool", "activate", "PLACE...", "have places served, too", 1, 8,
	 CHANGE | CTL_BIT(CTL_WAIT), ctl_pool_activate, "pool.set", NULL, NULL, NULL},
	{"pool", "drain", "PLACE...", "give places up; their clients go elsewhere", 1, 8,
	 CHANGE | CTL_BIT(CTL_WAIT), ctl_pool_drain, "pool.set", NULL, NULL, NULL},
	{"pool", "swap", "", "make those places active that are not, and only those", 0, 0,
	 CHANGE | CTL_BIT(CTL_WAIT), ctl_pool_swap, "pool.set", NULL, NULL, NULL},
	{"pool", "failover", "", "use a database that lacks what the journal has lost", 0, 0,
	 DELETE | CTL_BIT(CTL_ACCEPT_LOSS), ctl_pool_failover, NULL, NULL, NULL, NULL},
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

enum {
	OPTION_VERSION = 256,
	OPTION_SERVER,
	OPTION_CERTIFICATE,
	OPTION_KEY,
	OPTION_CA,
	OPTION_FIRST
};

static const struct option common[] = {
	{"config", required_argument, NULL, 'f'},
	{"run-directory", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"server", required_argument, NULL, OPTION_SERVER},
	{"certificate", required_argument, NULL, OPTION_CERTIFICATE},
	{"key", required_argument, NULL, OPTION_KEY},
	{"ca", required_argument, NULL, OPTION_CA},
};
enum { COMMON = sizeof(common) / sizeof(common[0]) };

/* What the original calls two of the verbs' options. */
static const struct option aliases[] = {
	{"what-if", no_argument, NULL, OPTION_FIRST + CTL_DRY_RUN},
	{"start-date", required_argument, NULL, OPTION_FIRST + CTL_START},
};
enum { ALIASES = sizeof(aliases) / sizeof(aliases[0]), OPTIONS = COMMON + ALIASES + CTL_OPTIONS };

struct command_line {
	struct ctl ctl;
	const char *file, *run_directory; /* -f and -s; NULL: not given */
	struct ctl_remote remote;
	bool help, version;
};

/* What servers, databases and archives say, and names that users made up, do not drive a terminal. */
static void __attribute__((format(printf, 2, 0))) print_line(FILE *out, const char *fmt, va_list ap)
{
	char *text = NULL, *clean;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	clean = text ? pchat_text_escape(text, NULL) : NULL;
	fprintf(out, "%s\n", clean ? clean : "out of memory");
	free(clean);
	free(text);
}

int ctl_fail(const struct ctl *ctl, int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "pchatctl: %s%s", ctl->name, *ctl->name ? ": " : "");
	va_start(ap, fmt);
	print_line(stderr, fmt, ap);
	va_end(ap);
	return code;
}

void ctl_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(stdout, fmt, ap);
	va_end(ap);
}

int ctl_print_json(const struct ctl *ctl, const json_t *document)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12) |
			     (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0);

	if (document && json_dumpf(document, stdout, flags) == 0 && puts("") != EOF)
		return EX_OK;
	return ctl_fail(ctl, EX_IOERR, "could not write the result");
}

int ctl_print_table(const struct ctl *ctl, struct ctl_table *take_table)
{
	if (ctl_table_print(take_table) == 0)
		return EX_OK;
	return ctl_fail(ctl, EX_IOERR, "could not write the table");
}

static void print_usage(FILE *out)
{
	fputs("usage: pchatctl [-f FILE | -s RUN_DIRECTORY] [--json] "
	      "NOUN VERB [OPTION]... [ARGUMENT]...\n",
	      out);
}

static void print_options(const struct ctl_verb *verb)
{
	for (unsigned i = 0; i < CTL_OPTIONS; i++) {
		struct ctl_option_name name;

		if (!(verb->options & CTL_BIT(i)))
			continue;
		ctl_option_name((enum ctl_option)i, &name);
		printf("  %-26s   --%s%s%s\n", "", name.name, name.takes_value ? " " : ": ",
		       ctl_option_help((enum ctl_option)i, verb->noun));
	}
}

static void print_verb(const struct ctl_verb *verb)
{
	char call[64];

	snprintf(call, sizeof(call), "%s %s %s", verb->noun, verb->verb, verb->arguments);
	printf("  %-26s %s\n", call, verb->help);
	print_options(verb);
}

/* Users are principals, too: the word that the original has for them. */
static bool is_noun(const char *word, const char *noun)
{
	return strcmp(word, noun) == 0 ||
	       (strcmp(word, "principal") == 0 && strcmp(noun, "user") == 0);
}

/* Of a noun, or a verb of it, where words name one. False: they name none. */
static bool print_help_of(int count, char **words)
{
	bool any = false;

	for (unsigned i = 0; i < VERBS; i++) {
		const bool meant = count < 2 || strcmp(words[1], verbs[i].verb) == 0;

		if (!is_noun(words[0], verbs[i].noun) || !meant)
			continue;
		print_verb(&verbs[i]);
		any = true;
	}
	return any;
}

static void print_help(void)
{
	print_usage(stdout);
	fputs("\n", stdout);
	for (unsigned i = 0; i < VERBS; i++)
		print_verb(&verbs[i]);
	printf("\n"
	       "  --server HOST[:PORT]       the server is elsewhere: its administration port\n"
	       "  --certificate FILE         what we show it, with its key or\n"
	       "  --key FILE                 the key here\n"
	       "  --ca FILE                  who vouches for the server\n"
	       "  -f, --config FILE          take the run directory from this configuration,\n"
	       "                             instead of %s\n"
	       "  -s, --run-directory DIR    where the server's sockets are\n"
	       "  -j, --json                 one JSON document instead of text\n"
	       "  -h, --help, --version\n",
	       DEFAULT_FILE);
}

/* why NULL: getopt has said it. verb: whose call it was meant to be, or NULL. */
static int usage_error(const char *why, const struct ctl_verb *verb)
{
	if (why)
		fprintf(stderr, "pchatctl: %s\n", why);
	if (verb)
		fprintf(stderr, "usage: pchatctl %s%s%s [OPTION]... %s\n", verb->noun,
			*verb->verb ? " " : "", verb->verb, verb->arguments);
	else
		print_usage(stderr);
	fputs("pchatctl --help lists nouns and verbs, pchatctl NOUN --help those of one\n", stderr);
	return EX_USAGE;
}

static int unknown_words(int count, char **words)
{
	char why[128];

	if (count == 0)
		return usage_error("what is to be done?", NULL);
	for (unsigned i = 0; i < VERBS; i++) {
		if (!is_noun(words[0], verbs[i].noun))
			continue;
		snprintf(why, sizeof(why), count > 1 ? "%.40s has no verb \"%.40s\"" : "%.40s needs a verb",
			 words[0], count > 1 ? words[1] : "");
		return usage_error(why, NULL);
	}
	snprintf(why, sizeof(why), "there is no noun \"%.40s\"", words[0]);
	return usage_error(why, NULL);
}

/* Whether the verb takes what it was given. */
static int check_call(const struct ctl_verb *verb, const struct command_line *line)
{
	struct ctl_option_name name;
	char why[64];

	if (line->ctl.count < verb->min)
		return usage_error("an argument is missing", verb);
	if (line->ctl.count > verb->max)
		return usage_error("there are too many arguments", verb);
	for (unsigned i = 0; i < CTL_OPTIONS; i++) {
		if (!line->ctl.option[i] || (verb->options & CTL_BIT(i)))
			continue;
		ctl_option_name((enum ctl_option)i, &name);
		snprintf(why, sizeof(why), "--%s is none of its options", name.name);
		return usage_error(why, verb);
	}
	return EX_OK;
}

static int take_own_option(struct command_line *line, unsigned option)
{
	if (option >= CTL_OPTIONS)
		return -1;
	line->ctl.option[option] = optarg ? optarg : "";
	return 0;
}

static int take_option(struct command_line *line, int option)
{
	switch (option) {
	case 'f':
		line->file = optarg;
		return 0;
	case 's':
		line->run_directory = optarg;
		return 0;
	case 'j':
		line->ctl.json = true;
		return 0;
	case 'h':
		line->help = true;
		return 0;
	case OPTION_VERSION:
		line->version = true;
		return 0;
	case OPTION_SERVER:
		line->remote.server = optarg;
		return 0;
	case OPTION_CERTIFICATE:
		line->remote.certificate = optarg;
		return 0;
	case OPTION_KEY:
		line->remote.key = optarg;
		return 0;
	case OPTION_CA:
		line->remote.ca = optarg;
		return 0;
	default:
		return take_own_option(line, (unsigned)(option - OPTION_FIRST));
	}
}

/* The names have to outlive getopt_long's use of them. */
static void make_options(struct ctl_option_name names[CTL_OPTIONS],
			 struct option options[OPTIONS + 1])
{
	memcpy(options, common, sizeof(common));
	memcpy(options + COMMON, aliases, sizeof(aliases));
	for (int i = 0; i < CTL_OPTIONS; i++) {
		ctl_option_name((enum ctl_option)i, &names[i]);
		options[COMMON + ALIASES + i] = (struct option){
			names[i].name, names[i].takes_value ? required_argument : no_argument, NULL,
			OPTION_FIRST + i};
	}
	options[OPTIONS] = (struct option){NULL, 0, NULL, 0};
}

static int parse(struct command_line *line, int argc, char **argv)
{
	struct ctl_option_name names[CTL_OPTIONS];
	struct option options[OPTIONS + 1];
	int option;

	make_options(names, options);
	while ((option = getopt_long(argc, argv, "f:s:jh", options, NULL)) != -1) {
		if (take_option(line, option) == -1)
			return -1;
	}
	return line->file && line->run_directory ? -1 : 0;
}

static const struct ctl_verb *find_verb(int count, char **words)
{
	for (unsigned i = 0; i < VERBS; i++) {
		const bool alone = !*verbs[i].verb;

		if (count < (alone ? 1 : 2) || !is_noun(words[0], verbs[i].noun))
			continue;
		if (alone || strcmp(words[1], verbs[i].verb) == 0)
			return &verbs[i];
	}
	return NULL;
}

static int run(const struct ctl_verb *verb, struct ctl *ctl)
{
	char name[32];
	int code;

	snprintf(name, sizeof(name), "%s%s%s", verb->noun, *verb->verb ? " " : "", verb->verb);
	ctl->name = name;
	ctl->verb = verb;
	code = ctl_option_check(ctl);
	if (code == EX_OK)
		code = verb->run(ctl);
	ctl->name = "";
	if (fflush(stdout) == EOF && code == EX_OK)
		code = ctl_fail(ctl, EX_IOERR, "could not write: %s", strerror(errno));
	return code;
}

/* Without a configuration of its own the server runs on defaults, and so do we. */
static int run_configured(const struct ctl_verb *verb, struct command_line *line)
{
	const bool built_in = !line->file && access(DEFAULT_FILE, F_OK) == -1;
	const char *file = line->file ? line->file : DEFAULT_FILE;
	struct conf *conf = NULL;
	struct err err;
	int code;

	line->ctl.run_directory = setting_find("root", "run_directory")->value;
	if (!built_in) {
		conf = conf_load(file, &err);
		if (!conf)
			return ctl_fail(&line->ctl, EX_CONFIG,
					"%s (-s names the run directory without it)", err.text);
		line->ctl.run_directory = conf->run_directory;
		line->ctl.conf = conf;
	}
	code = run(verb, &line->ctl);
	conf_free(&conf);
	return code;
}

/* Whether a verb needs the files or sockets of the server's host. */
static bool is_on_host(const struct ctl_verb *verb)
{
	static const char *const nouns[] = {"status", "database", "data", "compliance"};

	for (unsigned i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
		if (strcmp(nouns[i], verb->noun) == 0)
			return true;
	return false;
}

/* A server elsewhere needs nothing of this host but the certificates. */
static int run_remote(const struct ctl_verb *verb, struct command_line *line)
{
	const struct ctl_remote *remote = &line->remote;

	if (line->file || line->run_directory)
		return ctl_fail(&line->ctl, EX_USAGE, "--server goes with neither -f nor -s");
	if (!remote->server || !remote->certificate || !remote->ca)
		return ctl_fail(&line->ctl, EX_USAGE,
				"--server, --certificate and --ca go together");
	if (is_on_host(verb))
		return ctl_fail(&line->ctl, EX_USAGE, "%s%s%s works on the server's host only",
				verb->noun, *verb->verb ? " " : "", verb->verb);
	line->ctl.remote = remote;
	line->ctl.run_directory = "";
	return run(verb, &line->ctl);
}

static bool is_remote(const struct command_line *line)
{
	const struct ctl_remote *remote = &line->remote;

	return remote->server || remote->certificate || remote->key || remote->ca;
}

static int tell(const struct command_line *line, int count, char **words)
{
	if (!line->help)
		puts(PACKAGE_STRING);
	else if (count == 0)
		print_help();
	else if (!print_help_of(count, words))
		return unknown_words(count, words);
	return fflush(stdout) == EOF ? EX_IOERR : EX_OK;
}

int main(int argc, char **argv)
{
	struct command_line line = {.ctl = {.name = ""}};
	const struct ctl_verb *verb;
	int words, code;

	setlocale(LC_ALL, "");
	if (parse(&line, argc, argv) == -1)
		return usage_error(NULL, NULL);
	if (line.help || line.version)
		return tell(&line, argc - optind, argv + optind);
	verb = find_verb(argc - optind, argv + optind);
	if (!verb)
		return unknown_words(argc - optind, argv + optind);
	words = *verb->verb ? 2 : 1;
	line.ctl.arguments = argv + optind + words;
	line.ctl.count = argc - optind - words;
	code = check_call(verb, &line);
	if (code != EX_OK)
		return code;
	if (is_remote(&line))
		return run_remote(verb, &line);
	if (!line.run_directory)
		return run_configured(verb, &line);
	line.ctl.run_directory = line.run_directory;
	return run(verb, &line.ctl);
}
