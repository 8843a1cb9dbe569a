#ifndef PCHAT_CONF_CONF_H
#define PCHAT_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/err.h"

/*
 * The configuration: pchatd.conf(5), parsed by libconfuse. Sizes are bytes, times microseconds;
 * in the file both may carry a unit (k, M, G; us, ms, s, m, h, d). Every setting and its default
 * stands in the man page and in the commented sample; setting.c holds the one table of them.
 * All strings are owned by struct conf. It never changes after conf_load.
 */

enum {
	CONF_WORKERS_MAX = 4,
	CONF_STANDBY_MAX = 4,
	CONF_PLACES_MAX = CONF_WORKERS_MAX + CONF_STANDBY_MAX,
	CONF_READERS_MAX = 8
};
enum { CONF_ITEMS_MAX = 8 /* of most lists */, CONF_LIST_MAX = 64 /* of any */ };

struct conf_list {
	unsigned count;
	char *item[CONF_LIST_MAX];
};

enum { CONF_ADAPTERS_MAX = 16, CONF_ADAPTER_NAME = 32 };

enum adapter_form {
	ADAPTER_XML,	  /* the original's Conversations */
	ADAPTER_ACTIANCE, /* FileDump: the same through the stylesheet that is shipped */
	ADAPTER_EML,	  /* one mail for each conversation */
	ADAPTER_CSV,
	ADAPTER_JSONL,
	ADAPTER_EXEC, /* files of another form, each handed to a program */
	ADAPTER_NONE, /* not set */
};

/* A section "adapter NAME" (conf_adapter.h). */
struct conf_adapter {
	char name[CONF_ADAPTER_NAME];
	int form;   /* enum adapter_form */
	int format; /* exec: the form of the files */
	char *directory;
	uint64_t run_interval;
	bool one_room_per_file, add_room_details, add_user_details, attachments_manifest;
	char *stylesheet;	  /* file of an XSLT; "": none */
	char *mail_from, *mail_to; /* eml: addresses */
	struct conf_list program; /* exec: the program and its arguments; "{}": the file */
	uint64_t time_limit;	  /* for a batch */
	uint32_t batch_records;
	uint64_t batch_size; /* bytes of their texts */
	uint64_t memory;     /* bytes that writing it may take */
};

struct conf_log {
	bool syslog; /* else stderr */
	int level;   /* LOG_ERR .. LOG_DEBUG of syslog.h */
	int facility;
};

/* PBKDF2 rounds of a secret at most: all sign-ins wait while one is compared with a password. */
enum { CONF_ITERATIONS_MAX = 10000000 };

struct conf {
	char *domain;	       /* "example.test": of room, category and user URIs */
	char *site, *pool;     /* whose scoped settings count here; pool "": as the domain */
	char *user;	       /* every process but the workers runs as this user; "" = unchanged */
	char *worker_user;     /* the workers' user; "" = unchanged */
	char *admin_user;      /* pchat-admin's; "" = unchanged */
	char *state_directory; /* /var/lib/pchat: journal, token key, content.db */
	char *run_directory;   /* /run/pchat: pid file, sockets */
	uint64_t stop_timeout; /* an orderly stop takes at most this long */

	struct conf_log log;

	struct {
		char *file; /* default: state_directory/journal */
		uint64_t size;
		bool sync_always;	/* sync = always | interval */
		uint64_t sync_interval; /* between fdatasyncs, for sync = interval */
	} journal;

	struct {
		unsigned active, standby;
		uint64_t drain; /* the time in which a worker gets rid of its connections */
		uint64_t mailbox; /* bytes of one command ring, a power of two */
	} workers;

	struct { /* sizes of the cache's tables */
		uint32_t rooms, principals, sessions, participants, messages;
		uint32_t categories, addins, roles, affiliations;
		uint32_t invitations, markers, feeds, requests;
		uint32_t settings;
		uint64_t text;	  /* names, descriptions */
		uint64_t history; /* bodies of recent messages */
	} cache;

	struct {
		uint32_t history;	   /* recent messages of a room: 30 (1 to 500) */
		uint32_t message_size;	   /* bytes of a message's text: 8192 */
		uint32_t story_size;	   /* bytes of a story's text: 32768 */
		uint32_t rich_size;	   /* bytes of a message's rich part: 16384 */
		uint32_t search;	   /* messages that one search finds: 999 */
		uint32_t rooms_per_session; /* 1024 */
		uint32_t participant_update_limit; /* 75 */
		uint32_t feeds;			   /* of one user: 20 */
		uint64_t file_size;		   /* bytes of a file: 20000k */
		uint32_t requests;		   /* for access, of one user: 20 */
		uint64_t delivery_delay; /* above which posts are refused: 500 ms */
		uint64_t linger; /* lost sessions keep their places: 30 s; 0: not at all */
	} limits;

	struct {
		struct conf_list listen; /* "127.0.0.1:8010", "[::]:8010" */
		bool tls;		 /* default true */
		char *certificate, *key; /* PEM files */
		uint32_t connections;	 /* of one worker */
		uint64_t frame_size;	 /* bytes of one incoming WebSocket message */
		uint64_t output_size;	 /* unsent bytes above which a connection is dropped */
		uint64_t handshake_timeout, idle_timeout, ping_interval;
	} json;

	struct {
		struct conf_list users; /* local users, besides root and our own, who may administer, */
		struct conf_list operators, readers; /* who may do less (shm/admin_role.h) */
		struct conf_list compliance;	     /* who may search compliance records */

		/* The administration port. */
		struct conf_list listen; /* "127.0.0.1:8011"; empty: there is none */
		char *certificate, *key; /* PEM files; default: those of json */
		char *ca, *crl;		 /* whose certificates may come in, less the revoked */
		struct conf_list access; /* names of certificates: roles (conf/access.h) */
		uint32_t connections;
		uint64_t handshake_timeout;
	} admin; /* the socket is run_directory/admin.sock */

	struct {
		struct conf_list dsn; /* connection strings: principal, then mirrors */
		unsigned readers;
		uint64_t query_timeout;
		uint64_t audit_retention; /* rows of the audit live so long */
		uint32_t batch_rows;
		bool search_index;
		uint64_t retention_interval;
	} content;

	struct {
		bool enabled;	      /* default false */
		char *user;	      /* pchat-compliance runs as this user; "" = as the others */
		struct conf_list dsn; /* connection strings: principal, then mirrors */
		uint32_t batch_rows;
		bool refused;		      /* refused attempts are recorded, too */
		char *checkpoint_key;	      /* PEM file of a private key; "" = not signed */
		uint64_t checkpoint_interval; /* at least so often, where there is anything new */
		uint64_t retention;	      /* of records; 0: for ever */
		uint64_t purge_interval;      /* how often older ones go; 0: when asked */
	} compliance;

	struct {
		char *directory;    /* where files are kept; "": there are none */
		uint64_t total;	    /* bytes of all of them; 0: as the disk has */
		uint64_t keep_removed; /* so long their content stays; 0: not at all */
		uint32_t grants;    /* tokens that are good at once */
		uint32_t transfers; /* uploads under way at once */
	} files;

	struct {
		struct conf_list mechanisms; /* SCRAM-SHA-256, PLAIN */
		uint64_t token_lifetime;
		uint32_t iterations; /* PBKDF2 rounds of new SCRAM secrets */
	} auth;

	struct { /* in copies with compliance.dsn only: the arguments of a program may be secrets */
		unsigned count;
		struct conf_adapter item[CONF_ADAPTERS_MAX];
	} adapters;
};

/*
 * Reads and checks a configuration. Every mistake in it is logged as "file:line: what is wrong";
 * then NULL is returned and err says how many there were. The caller frees with conf_free.
 */
struct conf *conf_load(const char *file, struct err *err);

/* The same from an open descriptor, read from its start; name stands in messages. */
struct conf *conf_load_fd(int fd, const char *name, struct err *err);

/*
 * A copy of the configuration in a sealed memory file, for a child: what conf_load_fd reads.
 * The connection strings of which database stand in it: whoever speaks to none has no use for a
 * password. Returns a descriptor that the caller closes, or -1.
 */
enum conf_secrets { CONF_NO_SECRETS, CONF_CONTENT_DSN, CONF_COMPLIANCE_DSN };
int conf_snapshot(const struct conf *conf, enum conf_secrets secrets, struct err *err);

/* The same with the adapters, but no connection string: for who writes their files. */
int conf_snapshot_adapters(const struct conf *conf, struct err *err);

/* The adapter of that name, or NULL. */
const struct conf_adapter *conf_adapter(const struct conf *conf, const char *name);

void conf_free(struct conf **conf);

#endif
