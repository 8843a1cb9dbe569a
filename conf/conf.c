#include "conf/conf.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/access.h"
#include "conf/bug.h"
#include "conf/conf_adapter.h"
#include "conf/log.h"
#include "conf/scan.h"
#include "conf/setting.h"

enum {
	SETTINGS_MAX = 256,
	SECTIONS_MAX = 16,
	FILE_SIZE_MAX = 1 << 20,
	DOMAIN_MAX = 253,
	PLACE_MAX = 200,
	RUN_DIRECTORY_MAX = 80, /* with a socket's name behind it, it must fit a sockaddr_un */
	REQUEST_SPACE = 1024,	/* of a frame, around a message's text */
};

struct parse {
	const char *name;  /* borrowed: of the file */
	struct conf *conf; /* borrowed: being filled */
	unsigned mistakes;
	unsigned line[SETTINGS_MAX]; /* where each setting was set; 0: nowhere */
	unsigned adapter_line[CONF_ADAPTERS_MAX][ADAPTER_SETTINGS];
	unsigned adapter_section[CONF_ADAPTERS_MAX];
};

/*
 * libconfuse hands no context to its callbacks and, having one lexer for the process, cannot be
 * entered twice anyway. Set while cfg_parse_buf runs.
 */
static struct parse *parsing;

/* line 0: the mistake is what the file does not say. */
__attribute__((format(printf, 3, 4))) static void mistake(struct parse *parse, unsigned line,
							  const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	parse->mistakes++;
	if (line)
		log_error("%s:%u: %s", parse->name, line, err.text);
	else
		log_error("%s: %s", parse->name, err.text);
}

static unsigned *line_of(struct parse *parse, const char *section, const char *name)
{
	const struct setting *setting = setting_find(section, name);

	bug_on(!setting);
	return &parse->line[setting - settings];
}

/* --- Reading by libconfuse. --- */

/* What a setting in this section is a field of, and where its line is noted. NULL: no adapter could
 * be made, which take_adapters says. */
static void *field_of(const cfg_t *cfg, const struct setting *setting, unsigned **line_r)
{
	struct conf *conf = parsing->conf;
	struct conf_adapter *adapter;
	struct err err;

	if (strcmp(setting->section, "adapter") != 0) {
		*line_r = &parsing->line[setting - settings];
		return conf;
	}
	adapter = conf_adapter_take(conf, cfg->title, &err);
	if (adapter)
		*line_r = &parsing->adapter_line[adapter - conf->adapters.item]
						[setting - adapter_settings];
	return adapter;
}

/* Called for every value. Answers 0 for wrong ones, too, so that the parser goes on. */
static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct setting *setting = setting_find(cfg->name, opt->name);
	unsigned line = (unsigned)cfg->line;
	bool first = opt->nvalues == 1; /* of this assignment */
	char name[SETTING_NAME];
	struct err err;
	unsigned *seen;
	void *field;

	bug_on(!setting);
	*(void **)result = NULL;
	field = field_of(cfg, setting, &seen);
	if (!field)
		return 0;
	if (first && *seen)
		mistake(parsing, line, "%s is already set in line %u", setting_name(setting, name),
			*seen);
	if (first)
		*seen = line;
	if (first && setting->kind == SETTING_LIST)
		setting_clear(setting, field);
	if (setting_set(setting, field, value, &err) < 0)
		mistake(parsing, line, "%s", err.text);
	return 0;
}

/* libconfuse says what it thinks of the file. What it quotes may be a piece of a password. */
__attribute__((format(printf, 2, 0))) static void take_error(cfg_t *cfg, const char *fmt,
							     va_list ap)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? NULL : cfg->name;
	char quoted[LOG_QUOTED], text[256];

	if (strncmp(fmt, "no such option", strlen("no such option")) == 0) {
		const char *name = va_arg(ap, const char *);

		log_quote(name, strlen(name), quoted);
		mistake(parsing, (unsigned)cfg->line, "unknown setting %s%s%s", quoted,
			section ? " in section " : "", section ? section : "");
		return;
	}
	if (strstr(fmt, "token"))
		snprintf(text, sizeof(text), "this cannot stand here");
	else
		vsnprintf(text, sizeof(text), fmt, ap);
	mistake(parsing, (unsigned)cfg->line, "syntax error: %s", text);
}

static cfg_opt_t option(const struct setting *setting)
{
	cfg_opt_t one = CFG_PTR_CB(setting->name, NULL, CFGF_NODEFAULT, take_value, NULL);
	cfg_opt_t list = CFG_PTR_LIST_CB(setting->name, NULL, CFGF_NODEFAULT, take_value, NULL);

	return setting->kind == SETTING_LIST ? list : one;
}

/*
 * The table in libconfuse's form. CFGF_MULTI: a section may be opened more than once.
 * CFGF_KEYSTRVAL: an unknown setting is reported and the parser goes on.
 */
static cfg_t *describe(void)
{
	const cfg_opt_t end = CFG_END();
	cfg_opt_t root[SETTINGS_MAX], sub[SECTIONS_MAX][SETTINGS_MAX];
	cfg_opt_t adapter[ADAPTER_SETTINGS + 1];
	cfg_opt_t adapters = CFG_SEC("adapter", adapter, CFGF_MULTI | CFGF_TITLE);
	const char *section = "root";
	unsigned roots = 0, sections = 0, members = 0;

	bug_on(setting_count >= SETTINGS_MAX);
	for (unsigned i = 0; i < setting_count; i++) {
		const struct setting *setting = &settings[i];

		if (strcmp(setting->section, "root") == 0) {
			root[roots++] = option(setting);
			continue;
		}
		if (strcmp(setting->section, section) != 0) {
			cfg_opt_t opened = CFG_SEC(setting->section, sub[sections], CFGF_MULTI);

			bug_on(sections == SECTIONS_MAX);
			section = setting->section;
			root[roots++] = opened;
			sections++;
			members = 0;
		}
		sub[sections - 1][members++] = option(setting);
		sub[sections - 1][members] = end;
	}
	for (unsigned i = 0; i < ADAPTER_SETTINGS; i++)
		adapter[i] = option(&adapter_settings[i]);
	adapter[ADAPTER_SETTINGS] = end;
	root[roots++] = adapters;
	root[roots] = end;
	return cfg_init(root, CFGF_KEYSTRVAL);
}

/* "dsn = {}" calls nobody: a list that was set and has no values is emptied here. */
static void take_empty_lists(struct parse *parse, cfg_t *cfg)
{
	for (unsigned i = 0; i < setting_count; i++) {
		const struct setting *setting = &settings[i];

		if (setting->kind != SETTING_LIST)
			continue;
		for (unsigned j = 0; j < cfg_size(cfg, setting->section); j++) {
			cfg_t *section = cfg_getnsec(cfg, setting->section, j);
			cfg_opt_t *opt = cfg_getopt(section, setting->name);

			if (!(opt->flags & CFGF_MODIFIED) || cfg_opt_size(opt) > 0)
				continue;
			setting_clear(setting, parse->conf);
			parse->line[i] = (unsigned)section->line;
		}
	}
}

/* Those sections, too, in which nothing is set. */
static void take_adapters(struct parse *parse, cfg_t *cfg)
{
	for (unsigned i = 0; i < cfg_size(cfg, "adapter"); i++) {
		const cfg_t *section = cfg_getnsec(cfg, "adapter", i);
		struct conf_adapter *adapter;
		struct err err;

		adapter = conf_adapter_take(parse->conf, section->title, &err);
		if (adapter)
			parse->adapter_section[adapter - parse->conf->adapters.item] =
				(unsigned)section->line;
		else
			mistake(parse, (unsigned)section->line, "%s", err.text);
	}
}

/* Fills conf from the file's text. -1: not all of the text could be read. */
static int parse_text(struct parse *parse, char *text, size_t length)
{
	struct err err;
	unsigned line;
	cfg_t *cfg;
	int result;

	if (scan_prepare(text, length, &line, &err) < 0) {
		mistake(parse, line, "%s", err.text);
		return -1;
	}
	cfg = describe();
	if (!cfg) {
		mistake(parse, 0, "could not prepare the parser: out of memory");
		return -1;
	}
	cfg_set_error_function(cfg, take_error);
	parsing = parse;
	result = cfg_parse_buf(cfg, text);
	if (result != CFG_SUCCESS && parse->mistakes == 0)
		mistake(parse, 0, "could not parse the file");
	take_empty_lists(parse, cfg);
	take_adapters(parse, cfg);
	parsing = NULL;
	cfg_free(cfg);
	return result == CFG_SUCCESS ? 0 : -1;
}

/* --- What depends on more than one setting, or on more than its range. --- */

__attribute__((format(printf, 4, 5))) static void wrong(struct parse *parse, const char *section,
							const char *name, const char *fmt, ...)
{
	char full[SETTING_NAME];
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	setting_name(setting_find(section, name), full);
	mistake(parse, *line_of(parse, section, name), "%s %s", full, err.text);
}

/* In lower case, because scopes are: "pool:NAME". */
static void check_place(struct parse *parse, const char *name, const char *place)
{
	if (strlen(place) > PLACE_MAX || strpbrk(place, "ABCDEFGHIJKLMNOPQRSTUVWXYZ "))
		wrong(parse, "root", name, "must be in lower case, without spaces, and have at most %d bytes",
		      PLACE_MAX);
}

static void check_root(struct parse *parse)
{
	const struct conf *conf = parse->conf;
	const char *domain = conf->domain;
	size_t length = strlen(domain);

	if (length == 0)
		wrong(parse, "root", "domain", "must be set: URIs of rooms and users hold it");
	else if (length > DOMAIN_MAX || domain[0] == '.' || domain[length - 1] == '.' ||
		 strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length)
		wrong(parse, "root", "domain",
		      "must be a domain name in lower case, such as example.test");
	check_place(parse, "site", conf->site);
	check_place(parse, "pool", conf->pool);
	if (!*conf->state_directory)
		wrong(parse, "root", "state_directory", "must not be empty");
	if (!*conf->run_directory || strlen(conf->run_directory) > RUN_DIRECTORY_MAX)
		wrong(parse, "root", "run_directory", "must have between 1 and %d bytes",
		      RUN_DIRECTORY_MAX);
}

/* Text and rich part of the largest message that may be posted. */
static uint64_t largest_post(const struct conf *conf)
{
	const uint64_t message = conf->limits.message_size, story = conf->limits.story_size;

	return (message > story ? message : story) + conf->limits.rich_size;
}

static void check_rings(struct parse *parse)
{
	const struct conf *conf = parse->conf;
	uint64_t mailbox = conf->workers.mailbox;

	if (conf->journal.size % 4096 != 0)
		wrong(parse, "journal", "size", "must be a multiple of 4096");
	if ((mailbox & (mailbox - 1)) != 0)
		wrong(parse, "workers", "mailbox",
		      "must be a power of two, such as 512k, 1M or 2M");
	if (largest_post(conf) > mailbox / 4)
		wrong(parse, "limits", "message_size",
		      "(or story_size) and rich_size must be at most a quarter of workers.mailbox");
}

static void check_json(struct parse *parse)
{
	const struct conf *conf = parse->conf;

	if (conf->json.tls && !*conf->json.certificate)
		wrong(parse, "json", "certificate", "must be set where json.tls is on");
	if (conf->json.tls && !*conf->json.key)
		wrong(parse, "json", "key", "must be set where json.tls is on");
	if (conf->json.frame_size < largest_post(conf) + REQUEST_SPACE)
		wrong(parse, "json", "frame_size",
		      "must be at least limits.message_size (or story_size), limits.rich_size and "
		      "%d more",
		      REQUEST_SPACE);
	if (conf->json.output_size < conf->json.frame_size)
		wrong(parse, "json", "output_size", "must be at least json.frame_size");
	if (conf->json.ping_interval >= conf->json.idle_timeout)
		wrong(parse, "json", "ping_interval", "must be less than json.idle_timeout");
}

static bool valid_address(const char *text)
{
	char host[INET6_ADDRSTRLEN + 2];
	unsigned char address[sizeof(struct in6_addr)];
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char *end;
	long port;

	if (length < 2 || length >= sizeof(host) || !isdigit((unsigned char)colon[1]))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] != '[')
		return inet_pton(AF_INET, host, address) == 1;
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, address) == 1;
}

static bool valid_mechanism(const char *text)
{
	return strcmp(text, "SCRAM-SHA-256") == 0 || strcmp(text, "PLAIN") == 0;
}

/* takes: what the items must be. */
static void check_list(struct parse *parse, const char *section, const char *name,
		       const struct conf_list *list, bool (*valid)(const char *text),
		       const char *takes)
{
	char quoted[LOG_QUOTED];

	for (unsigned i = 0; i < list->count; i++)
		if (!valid(list->item[i]))
			wrong(parse, section, name, "takes %s, not %s", takes,
			      log_quote(list->item[i], strlen(list->item[i]), quoted));
}

static void check_adapter(struct parse *parse, unsigned number)
{
	const struct conf_adapter *adapter = &parse->conf->adapters.item[number];
	const char *name, *sentence;

	for (unsigned i = 0; conf_adapter_mistake(adapter, i, &name, &sentence); i++) {
		const struct setting *setting = setting_find("adapter", name);
		const unsigned line = parse->adapter_line[number][setting - adapter_settings];

		mistake(parse, line ? line : parse->adapter_section[number],
			"%s of adapter \"%s\" %s", name, adapter->name, sentence);
	}
}

static bool list_has(const struct conf_list *list, const char *text)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->item[i], text) == 0)
			return true;
	return false;
}

/* Nobody has two roles: which one was meant? */
static void check_roles(struct parse *parse)
{
	const struct conf *conf = parse->conf;
	const struct conf_list *lists[] = {&conf->admin.users, &conf->admin.operators,
					   &conf->admin.readers, &conf->admin.compliance};
	static const char *const names[] = {"users", "operators", "readers", "compliance"};
	char quoted[LOG_QUOTED];

	for (unsigned i = 1; i < 4; i++)
		for (unsigned j = 0; j < i; j++)
			for (unsigned k = 0; k < lists[i]->count; k++)
				if (list_has(lists[j], lists[i]->item[k]))
					wrong(parse, "admin", names[i],
					      "names %s, as does admin.%s",
					      log_quote(lists[i]->item[k],
							strlen(lists[i]->item[k]), quoted),
					      names[j]);
}

static bool valid_access(const char *text)
{
	size_t length;

	return access_item(text, &length) != ADMIN_NONE;
}

static void check_access(struct parse *parse)
{
	const struct conf_list *access = &parse->conf->admin.access;
	char quoted[LOG_QUOTED];
	size_t length;

	check_list(parse, "admin", "access", access, valid_access,
		   "items such as \"NAME: administrator\", \"NAME: operator\", \"NAME: "
		   "read-only\" or \"NAME: compliance\"");
	for (unsigned i = 0; i < access->count; i++)
		if (access_item(access->item[i], &length) != ADMIN_NONE &&
		    access_find(access, access->item[i], length) != (int)i)
			wrong(parse, "admin", "access", "names %s twice",
			      log_quote(access->item[i], length, quoted));
}

/* The port for administrators. Without a list nobody could come in. */
static void check_admin(struct parse *parse)
{
	const struct conf *conf = parse->conf;

	check_roles(parse);
	check_access(parse);
	check_list(parse, "admin", "listen", &conf->admin.listen, valid_address,
		   "addresses such as 192.0.2.1:8011 or [::]:8011");
	if (conf->admin.listen.count == 0)
		return;
	if (!*conf->admin.certificate)
		wrong(parse, "admin", "certificate", "must be set where admin.listen is");
	if (!*conf->admin.key)
		wrong(parse, "admin", "key", "must be set where admin.listen is");
	if (!*conf->admin.ca)
		wrong(parse, "admin", "ca", "must be set where admin.listen is");
	if (conf->admin.access.count == 0)
		wrong(parse, "admin", "access", "must not be empty where admin.listen is set");
}

static void check_not_empty(struct parse *parse, const char *section, const char *name,
			    const struct conf_list *list)
{
	if (list->count == 0)
		wrong(parse, section, name, "must not be empty");
}

static void check(struct parse *parse, bool need_dsn)
{
	const struct conf *conf = parse->conf;

	check_root(parse);
	check_rings(parse);
	check_json(parse);
	check_admin(parse);
	check_not_empty(parse, "json", "listen", &conf->json.listen);
	check_not_empty(parse, "auth", "mechanisms", &conf->auth.mechanisms);
	check_list(parse, "json", "listen", &conf->json.listen, valid_address,
		   "addresses such as 192.0.2.1:8010 or [::]:8010");
	check_list(parse, "auth", "mechanisms", &conf->auth.mechanisms, valid_mechanism,
		   "SCRAM-SHA-256 and PLAIN");
	if (need_dsn && conf->content.dsn.count == 0)
		wrong(parse, "content", "dsn", "must not be empty");
	if (need_dsn && conf->compliance.enabled && conf->compliance.dsn.count == 0)
		wrong(parse, "compliance", "dsn", "must not be empty");
	for (unsigned i = 0; i < conf->adapters.count; i++)
		check_adapter(parse, i);
}

/* --- From the file to struct conf. --- */

static int set_defaults(struct conf *conf, struct err *err)
{
	for (unsigned i = 0; i < setting_count; i++)
		if (setting_set_default(&settings[i], conf, err) < 0)
			return -1;
	return 0;
}

/*
 * The database of a section that does not name one. SyncPragma=FULL: when the store has committed,
 * the journal's space is used again. With WAL and NORMAL a power failure may take back commits, and
 * what they held would then be in neither. Timeout, in ms, is how long a connection waits for the
 * lock of another.
 */
static int set_sqlite(struct parse *parse, const char *section, const char *file,
		      const struct conf_list *dsn, struct err *err)
{
	char text[4096];

	if (*line_of(parse, section, "dsn") || dsn->count > 0)
		return 0;
	snprintf(text, sizeof(text),
		 "Driver=SQLite3;Database=%s/%s;JournalMode=WAL;SyncPragma=FULL;Timeout=2000",
		 parse->conf->state_directory, file);
	return setting_set(setting_find(section, "dsn"), parse->conf, text, err);
}

/* The defaults that depend on other settings. */
static int set_derived(struct parse *parse, struct err *err)
{
	struct conf *conf = parse->conf;
	char text[4096];

	if (!*conf->journal.file) {
		snprintf(text, sizeof(text), "%s/journal", conf->state_directory);
		if (setting_set(setting_find("journal", "file"), conf, text, err) < 0)
			return -1;
	}
	if (conf->json.tls && !*conf->admin.certificate && !*conf->admin.key &&
	    (setting_set(setting_find("admin", "certificate"), conf, conf->json.certificate, err) < 0 ||
	     setting_set(setting_find("admin", "key"), conf, conf->json.key, err) < 0))
		return -1;
	/* PLAIN shows the password to whoever listens on the network: that has to be meant. */
	if (!conf->json.tls && !*line_of(parse, "auth", "mechanisms")) {
		setting_clear(setting_find("auth", "mechanisms"), conf);
		if (setting_set(setting_find("auth", "mechanisms"), conf, "SCRAM-SHA-256", err) < 0)
			return -1;
	}
	if (set_sqlite(parse, "content", "content.db", &conf->content.dsn, err) < 0)
		return -1;
	return set_sqlite(parse, "compliance", "compliance/records.db", &conf->compliance.dsn, err);
}

/* The whole file, NUL behind it; the caller frees. The descriptor's offset, which other processes
 * may share, is neither used nor moved. */
static char *read_text(int fd, size_t *length_r, struct err *err)
{
	struct stat stat;
	size_t length = 0;
	ssize_t n = 0;
	char *text;

	if (fstat(fd, &stat) < 0)
		return err_errno(err, "could not read the configuration"), NULL;
	if (!S_ISREG(stat.st_mode) || stat.st_size > FILE_SIZE_MAX)
		return err_set(err, "a configuration is a file of at most 1 MiB"), NULL;
	text = malloc((size_t)stat.st_size + 1);
	if (!text)
		return err_errno(err, "could not read the configuration"), NULL;
	while (length < (size_t)stat.st_size) {
		n = pread(fd, text + length, (size_t)stat.st_size - length, (off_t)length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (n < 0) {
		free(text);
		return err_errno(err, "could not read the configuration"), NULL;
	}
	text[length] = '\0';
	*length_r = length;
	return text;
}

static int fill(struct conf *conf, int fd, const char *name, bool need_dsn, struct err *err)
{
	struct parse parse = {.name = name, .conf = conf};
	size_t length;
	char *text = read_text(fd, &length, err);

	if (!text || set_defaults(conf, err) < 0) {
		free(text);
		return -1;
	}
	/* Where the parser stopped half way, what is missing is no mistake. */
	if (parse_text(&parse, text, length) == 0) {
		if (set_derived(&parse, err) < 0)
			mistake(&parse, 0, "%s", err->text);
		check(&parse, need_dsn);
	}
	explicit_bzero(text, length);
	free(text);
	if (parse.mistakes)
		return err_set(err, "%u mistake%s in %s", parse.mistakes,
			       parse.mistakes == 1 ? "" : "s", name);
	return 0;
}

static struct conf *load(int fd, const char *name, bool need_dsn, struct err *err)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (!conf) {
		err_errno(err, "could not read the configuration");
		return NULL;
	}
	if (fill(conf, fd, name, need_dsn, err) < 0)
		conf_free(&conf);
	return conf;
}

struct conf *conf_load(const char *file, struct err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct conf *conf;

	if (fd < 0) {
		err_errno(err, "could not open %s", file);
		return NULL;
	}
	conf = load(fd, file, true, err);
	close(fd);
	return conf;
}

struct conf *conf_load_fd(int fd, const char *name, struct err *err)
{
	return load(fd, name, false, err);
}

/* --- From struct conf to the snapshot. --- */

/* A connection string that whoever gets the snapshot has no use for. */
static bool is_withheld(const struct setting *setting, enum conf_secrets secrets)
{
	return strcmp(setting->name, "dsn") == 0 &&
	       !(secrets == CONF_CONTENT_DSN && strcmp(setting->section, "content") == 0) &&
	       !(secrets == CONF_COMPLIANCE_DSN && strcmp(setting->section, "compliance") == 0);
}

static void print(const struct conf *conf, enum conf_secrets secrets, bool adapters, FILE *out)
{
	const char *section = "root";

	for (const struct setting *setting = settings; setting < settings + setting_count;
	     setting++) {
		if (strcmp(section, setting->section) != 0) {
			fputs(strcmp(section, "root") == 0 ? "" : "}\n", out);
			section = setting->section;
			fprintf(out, "%s {\n", section);
		}
		if (is_withheld(setting, secrets))
			fprintf(out, "%s = {}\n", setting->name);
		else
			setting_print(setting, conf, out);
	}
	fputs("}\n", out);
	for (unsigned i = 0; adapters && i < conf->adapters.count; i++)
		conf_adapter_print(&conf->adapters.item[i], out);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0)
			return -1;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

static int snapshot(const struct conf *conf, enum conf_secrets secrets, bool adapters,
		    struct err *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	bool printed = false;
	int fd = memfd_create("pchat-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (out) {
		print(conf, secrets, adapters, out);
		printed = fclose(out) == 0;
	}
	if (fd < 0 || !printed || write_all(fd, text, length) < 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0) {
		err_errno(err, "could not copy the configuration");
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (text)
		explicit_bzero(text, length);
	free(text);
	return fd;
}

int conf_snapshot(const struct conf *conf, enum conf_secrets secrets, struct err *err)
{
	return snapshot(conf, secrets, secrets == CONF_COMPLIANCE_DSN, err);
}

int conf_snapshot_adapters(const struct conf *conf, struct err *err)
{
	return snapshot(conf, CONF_NO_SECRETS, true, err);
}

void conf_free(struct conf **conf)
{
	if (!*conf)
		return;
	for (unsigned i = 0; i < setting_count; i++)
		setting_clear(&settings[i], *conf);
	conf_adapters_clear(*conf);
	free(*conf);
	*conf = NULL;
}
