#ifndef PCHAT_DAEMON_CTL_H
#define PCHAT_DAEMON_CTL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/*
 * pchatctl: one verb a run. Functions that return int return an exit code of sysexits(3); where it
 * is not 0, they have said on stderr why.
 */

/* Options that only some verbs have (ctl_option.c says what each is). */
enum ctl_option {
	CTL_PASSWORD_FILE,
	CTL_NAME,
	CTL_DESCRIPTION,
	CTL_CATEGORY,
	CTL_PRIVACY,
	CTL_TYPE,
	CTL_INVITATIONS,
	CTL_FILES,
	CTL_HISTORY,
	CTL_AUTHORS_REMOVE,
	CTL_MEMBERS_LEAVE,
	CTL_REQUESTS,
	CTL_ADDIN,
	CTL_URL,
	CTL_KIND,
	CTL_MEMBER,
	CTL_MANAGER,
	CTL_DISABLED,
	CTL_LIMIT,
	CTL_OFFSET,
	CTL_IF_REVISION,
	CTL_DRY_RUN,
	CTL_YES,
	CTL_REPLACE,
	CTL_THROUGH,
	CTL_UNTIL,
	CTL_WORDS,
	CTL_MATCH,
	CTL_CASE,
	CTL_FROM,
	CTL_START,
	CTL_END,
	CTL_DIRECTION,
	CTL_ACTOR,
	CTL_OBJECT,
	CTL_WHAT,
	CTL_LEVEL,
	CTL_REPORT,
	CTL_CREDENTIALS,
	CTL_ACCEPT_LOSS,
	CTL_TO,
	CTL_PUBLIC_KEY,
	CTL_TRUST,
	CTL_AS,
	CTL_ROOM,
	CTL_USER,
	CTL_CONTEXT,
	CTL_REASON,
	CTL_WAIT,
	CTL_CONTENT_EXCEEDS,
	CTL_REMOVED,
	CTL_LOST,
	CTL_CONTENTS,
	CTL_METRICS,
	/* Edits of lists: adding, removing, replacing of each. */
	CTL_MEMBERS,
	CTL_MANAGERS = CTL_MEMBERS + 3,
	CTL_PRESENTERS = CTL_MANAGERS + 3,
	CTL_ALLOWED = CTL_PRESENTERS + 3,
	CTL_DENIED = CTL_ALLOWED + 3,
	CTL_CREATORS = CTL_DENIED + 3,
	CTL_OPTIONS = CTL_CREATORS + 3,
};

/* A bit for each option, but one for the three of a list: who may add may remove and replace. */
#define CTL_PLACE(option)                                                                          \
	((option) < CTL_MEMBERS ? (option) : CTL_MEMBERS + ((option) - CTL_MEMBERS) / 3)
#define CTL_BIT(option) (UINT64_C(1) << CTL_PLACE(option))
#define CTL_EDIT(list) CTL_BIT(list)
static_assert(CTL_PLACE(CTL_OPTIONS) <= 64, "there are bits for all options");

struct conf;
struct ctl;

/* A server elsewhere, and what shows it who we are. */
struct ctl_remote {
	const char *server;	 /* "host" or "host:port" */
	const char *certificate; /* PEM files */
	const char *key;	 /* NULL: in the certificate's */
	const char *ca;
};

struct ctl_verb {
	const char *noun, *verb; /* verb "": the noun stands alone */
	const char *arguments, *help;
	int min, max;	  /* arguments */
	uint64_t options; /* CTL_BIT of those that it has */
	int (*run)(const struct ctl *ctl);

	/* What the functions of ctl_object.c call. */
	const char *method, *parameter; /* parameter: what the argument is */
	const char *shown;		/* member of the result that is printed, or NULL */
	const char *edit;		/* method that changes the lists, or NULL */
};

struct ctl {
	const char *name;	     /* "user add", for messages */
	const struct ctl_verb *verb; /* borrowed, as all that follows */
	const char *run_directory;
	const struct conf *conf; /* NULL: there is no configuration */
	const struct ctl_remote *remote; /* NULL: the server of this host */
	bool json;
	const char *option[CTL_OPTIONS]; /* NULL: not given */
	char **arguments;
	int count; /* of the arguments; the table of verbs says how many there can be */
};

/* Says "pchatctl: NOUN VERB: ..." and returns the code. */
int ctl_fail(const struct ctl *ctl, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line on standard output, in which control characters are shown and not done, as in ctl_fail's. */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes a result as one document, or as a table. */
int ctl_print_json(const struct ctl *ctl, const json_t *document);
struct ctl_table;
int ctl_print_table(const struct ctl *ctl, struct ctl_table *take_table);

/* Writes rows of what the verb's noun names as a document or as a table, if code is EX_OK; returns
 * code, or what went wrong. */
int ctl_list_show(const struct ctl *ctl, int code, json_t *take_rows);

/*
 * Asks the server, on run_directory/admin.sock or, elsewhere, on its administration port. *result_r is
 * the caller's. EX_UNAVAILABLE: it is down; EX_TEMPFAIL: busy, or no answer in time; EX_NOPERM; EX_DATAERR: it
 * refused, for the reason that was printed.
 */
int ctl_call(const struct ctl *ctl, const char *method, json_t *take_params, json_t **result_r);

/* The rows of a method that answers in pages, all or those that --limit and --offset ask for;
 * *rows_r is an array of the caller's. */
int ctl_call_pages(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, json_t **rows_r);

/* The same, at most `wanted`, of a method whose next page is asked for by what the one before ends
 * with: next says it, borrowed from the page. take_params NULL: EX_DATAERR. *rows_r is the caller's in
 * any case. */
typedef json_t *ctl_next(const json_t *page);
int ctl_call_chain(const struct ctl *ctl, const char *method, json_t *take_params,
		   const char *member, uint64_t wanted, ctl_next *next, json_t **rows_r);

/* The new password, from the file that was named ("-": stdin) or asked for twice at the
 * terminal. The caller wipes it. */
enum { CTL_PASSWORD_MAX = 1024 };
int ctl_password(const struct ctl *ctl, char password_r[CTL_PASSWORD_MAX + 1]);

/* --- The verbs. --- */

int ctl_status(const struct ctl *ctl);
int ctl_audit(const struct ctl *ctl);
int ctl_data_verify(const struct ctl *ctl);
int ctl_data_export(const struct ctl *ctl);
int ctl_data_import(const struct ctl *ctl);
int ctl_pool_failover(const struct ctl *ctl);
int ctl_user_add(const struct ctl *ctl);
int ctl_user_passwd(const struct ctl *ctl);

/* What categories, rooms, add-ins, users and groups have in common. */
int ctl_object_change(const struct ctl *ctl);
int ctl_object_delete(const struct ctl *ctl);
int ctl_object_get(const struct ctl *ctl);
int ctl_object_list(const struct ctl *ctl);
int ctl_object_eligible(const struct ctl *ctl);

/* The databases of content.dsn (ctl_database.c). */
int ctl_database_status(const struct ctl *ctl);
int ctl_database_check(const struct ctl *ctl);
int ctl_database_create(const struct ctl *ctl);
int ctl_database_upgrade(const struct ctl *ctl);

/* The compliance database (ctl_compliance.c). *db_r is the caller's. */
struct db;
int ctl_compliance_open(const struct ctl *ctl, struct db **db_r);
int ctl_compliance_status(const struct ctl *ctl);
int ctl_compliance_verify(const struct ctl *ctl);
int ctl_compliance_accept_gap(const struct ctl *ctl);
int ctl_compliance_search(const struct ctl *ctl);
int ctl_compliance_export(const struct ctl *ctl);
int ctl_compliance_hold(const struct ctl *ctl);
int ctl_compliance_purge(const struct ctl *ctl);

/* The key that was named, else the configured one, if there is any; the caller's. */
struct record_signer;
int ctl_compliance_key(const struct ctl *ctl, struct record_signer **signer_r);

/* What was found, as a document; the caller's. */
struct record_verify;
json_t *ctl_compliance_document(const struct record_verify *verify);
int ctl_compliance_adapters(const struct ctl *ctl);
int ctl_compliance_run(const struct ctl *ctl);

/* The files of rooms (ctl_file.c, ctl_file_check.c). */
int ctl_file_list(const struct ctl *ctl);
int ctl_file_check(const struct ctl *ctl);

int ctl_message_search(const struct ctl *ctl);
int ctl_message_remove(const struct ctl *ctl);
int ctl_message_replace(const struct ctl *ctl);
int ctl_message_purge(const struct ctl *ctl);

/* Scoped settings and policies (ctl_scoped.c). */
int ctl_scoped_change(const struct ctl *ctl);
int ctl_scoped_remove(const struct ctl *ctl);

/* Calls the verb's method for a scope, only if it has the revision that was asked for; with --dry-run
 * asks whether it could be done, and says that it would. */
int ctl_scoped_call(const struct ctl *ctl, json_t *take_params);
int ctl_config_get(const struct ctl *ctl);
int ctl_policy_grant(const struct ctl *ctl);

int ctl_pool_workers(const struct ctl *ctl);
int ctl_pool_activate(const struct ctl *ctl);
int ctl_pool_drain(const struct ctl *ctl);
int ctl_pool_swap(const struct ctl *ctl);

int ctl_topology_validate(const struct ctl *ctl);
int ctl_topology_publish(const struct ctl *ctl);
int ctl_topology_import(const struct ctl *ctl);
int ctl_topology_export(const struct ctl *ctl);

int ctl_test_message(const struct ctl *ctl);
int ctl_test_setup(const struct ctl *ctl);

/* Calls the verb's method, or says that it would, and prints the result. */
int ctl_object_call(const struct ctl *ctl, json_t *take_params);

/* Asks "WHAT "argument" for good?", unless --yes or --dry-run was given; EX_OK: yes. */
int ctl_confirm(const struct ctl *ctl, const char *what);

#endif
