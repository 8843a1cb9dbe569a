#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/log.h"
#include "conf/setting.h"

enum { TEXT_MAX = 65536 };

/* The least that a configuration must say. */
#define LEAST "domain = example.test\njson { tls = false }\n"

/* What is logged while a test loads a configuration. */
static char logged[TEXT_MAX];

static int memory_file(const char *text)
{
	int fd = memfd_create("conf_test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* All that the file holds; its offset stays where it is. */
static char *read_file(int fd)
{
	char *text = calloc(1, TEXT_MAX);

	assert_non_null(text);
	assert_true(pread(fd, text, TEXT_MAX - 1, 0) >= 0);
	return text;
}

static struct conf *load_logged(const char *file, struct err *err)
{
	int saved = dup(STDERR_FILENO), log = memory_file("");
	struct conf *conf;
	ssize_t n;

	assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
	conf = conf_load(file, err);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(log, logged, sizeof(logged) - 1, 0);
	close(log);
	logged[n > 0 ? n : 0] = '\0';
	return conf;
}

/* Loads a text; NULL where it has mistakes. */
static struct conf *load(const char *text)
{
	char path[64];
	int fd = memory_file(text);
	struct conf *conf;
	struct err err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = load_logged(path, &err);
	close(fd);
	return conf;
}

static void refuse(const char *text, const char *message)
{
	struct conf *conf = load(text);

	assert_null(conf);
	if (!strstr(logged, message))
		fail_msg("%s: expected %s, got %s", text, message, logged);
}

/* The configuration as text: one line for each setting. */
static char *snapshot_text(const struct conf *conf)
{
	struct err err;
	int fd = conf_snapshot(conf, CONF_CONTENT_DSN, &err);
	char *text;

	assert_true(fd >= 0);
	text = read_file(fd);
	close(fd);
	return text;
}

static void test_what_is_not_set_has_its_default(void **state)
{
	struct conf *conf = load(LEAST);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->domain, "example.test");
	assert_string_equal(conf->journal.file, "/var/lib/pchat/journal");
	assert_int_equal(conf->journal.size, 256 << 20);
	assert_true(conf->journal.sync_always);
	assert_int_equal(conf->workers.active, 4);
	assert_int_equal(conf->workers.standby, 1);
	assert_int_equal(conf->json.idle_timeout, UINT64_C(300000000));
	assert_int_equal(conf->log.level, LOG_INFO);
	assert_true(conf->log.syslog);
	/* Without TLS there is no PLAIN. */
	assert_int_equal(conf->auth.mechanisms.count, 1);
	assert_string_equal(conf->auth.mechanisms.item[0], "SCRAM-SHA-256");
	assert_int_equal(conf->content.dsn.count, 1);
	assert_non_null(strstr(conf->content.dsn.item[0], "Database=/var/lib/pchat/content.db;"));
	conf_free(&conf);
	assert_null(conf);
}

static void test_paths_follow_the_state_directory(void **state)
{
	struct conf *conf = load("state_directory = /srv/chat\n" LEAST);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->journal.file, "/srv/chat/journal");
	assert_non_null(strstr(conf->content.dsn.item[0], "Database=/srv/chat/content.db;"));
	conf_free(&conf);
}

/* Every setting, with a value that is not its default. */
static const char everything[] =
	"domain = chat.example\n"
	"site = berlin pool = one\n"
	"user = nobody\n"
	"worker_user = ''\n"
	"state_directory = '/srv/it\\'s a \\\\ \"test\" ${HOME} # here'\n"
	"run_directory = /srv/run\n"
	"stop_timeout = 1m\n"
	"log { destination = stderr level = debug facility = local3 }\n"
	"journal { file = /srv/j size = 1052672 sync = interval sync_interval = 1500us }\n"
	"workers { active = 2 standby = 0 drain = 11s mailbox = 512k }\n"
	"cache { rooms = 100 principals = 101 sessions = 102 participants = 103 messages = 104\n"
	"  categories = 105 addins = 106 roles = 107 affiliations = 108\n"
	"  invitations = 109 markers = 110 feeds = 111 requests = 112 settings = 115\n"
	"  text = 100001 history = 3M }\n"
	"limits { history = 31 message_size = 1000 story_size = 2000 rich_size = 1500 search = 100\n"
	"  rooms_per_session = 7\n"
	"  participant_update_limit = 0 feeds = 113 requests = 114 file_size = 116 delivery_delay = 40ms\n"
	"  linger = 0 }\n"
	"json { listen = { '127.0.0.1:21000', '[::1]:21001' } tls = no certificate = /c key = /k\n"
	"  connections = 11 frame_size = 5000 output_size = 20000 handshake_timeout = 1500ms\n"
	"  idle_timeout = 1d ping_interval = 1h }\n"
	"admin_user = ''\n"
	"admin { users = { root, 'daemon' } operators = { bin } readers = sys compliance = games\n"
	"  listen = '127.0.0.1:21002' certificate = /ac key = /ak ca = /aa crl = /ar\n"
	"  access = 'alice: operator' connections = 5 handshake_timeout = 3s }\n"
	"content { dsn = { 'DSN=one;PWD={a;b}', \"DSN=two;PWD='\\\"\" } readers = 1\n"
	"  query_timeout = 2s batch_rows = 3 search_index = no retention_interval = 5s\n"
	"  audit_retention = 5d }\n"
	"compliance { enabled = yes user = auditor dsn = 'DSN=three;PWD=c' batch_rows = 4\n"
	"  refused = no checkpoint_key = /k2 checkpoint_interval = 2d retention = 3650d purge_interval = 2h }\n"
	"files { directory = /f total = 5G keep_removed = 30d grants = 117 transfers = 118 }\n"
	"auth { mechanisms = PLAIN token_lifetime = 7d iterations = 4096 }\n"
	"adapter a { form = xml directory = /a run_interval = 1m one_room_per_file = yes\n"
	"  add_room_details = yes add_user_details = on attachments_manifest = true\n"
	"  stylesheet = '/it\\'s.xsl' time_limit = 1m batch_records = 7 batch_size = 64k\n"
	"  memory = 2G }\n"
	"adapter 'b-2' { form = exec directory = /b program = { /bin/p, '-x y' } format = eml\n"
	"  mail_from = 'a@b' mail_to = c@d }\n"
	"adapter a_3 { form = csv directory = /c }\n";

static void test_every_setting_survives_a_snapshot(void **state)
{
	struct conf *plain = load(LEAST), *conf = load(everything), *copy;
	char *before, *after, *other, *line, *rest;
	struct err err;
	int fd;

	(void)state;
	assert_non_null(plain);
	assert_non_null(conf);
	fd = conf_snapshot(conf, CONF_CONTENT_DSN, &err);
	assert_true(fd >= 0);
	copy = conf_load_fd(fd, "snapshot", &err);
	assert_non_null(copy);
	before = snapshot_text(conf);
	after = snapshot_text(copy);
	assert_string_equal(before, after);
	assert_string_equal(copy->state_directory, "/srv/it's a \\ \"test\" ${HOME} # here");
	assert_string_equal(copy->content.dsn.item[1], "DSN=two;PWD='\"");
	assert_int_equal(copy->journal.sync_interval, 1500);

	/* That the test covers them all: no setting still has its default. */
	other = snapshot_text(plain);
	rest = other;
	while ((line = strsep(&rest, "\n")))
		if (strstr(line, " = ") && !strstr(line, "tls =") && !strstr(line, "dsn = {}"))
			assert_null(strstr(after, line));
	free(before);
	free(after);
	free(other);
	close(fd);
	conf_free(&plain);
	conf_free(&conf);
	conf_free(&copy);
}

static void test_each_adapter_has_settings_of_its_own(void **state)
{
	struct conf *conf = load(everything);
	const struct conf_adapter *a, *b, *c;

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->adapters.count, 3);
	a = conf_adapter(conf, "a");
	b = conf_adapter(conf, "b-2");
	c = conf_adapter(conf, "a_3");
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_null(conf_adapter(conf, "b"));
	assert_int_equal(a->form, ADAPTER_XML);
	assert_int_equal(a->run_interval, 60000000);
	assert_string_equal(a->stylesheet, "/it's.xsl");
	assert_true(a->one_room_per_file && a->add_room_details && a->add_user_details &&
		    a->attachments_manifest);
	assert_int_equal(a->batch_records, 7);
	assert_int_equal(a->batch_size, 65536);
	assert_int_equal(a->memory, UINT64_C(2) << 30);
	assert_int_equal(b->form, ADAPTER_EXEC);
	assert_int_equal(b->format, ADAPTER_EML);
	assert_int_equal(b->program.count, 2);
	assert_string_equal(b->program.item[1], "-x y");
	assert_string_equal(c->directory, "/c");
	assert_int_equal(c->run_interval, UINT64_C(900000000));
	assert_int_equal(c->time_limit, UINT64_C(600000000));
	assert_int_equal(c->program.count, 0);
	assert_false(c->one_room_per_file || c->attachments_manifest);
	conf_free(&conf);
}

static void test_only_who_needs_them_gets_the_adapters(void **state)
{
	struct conf *conf = load(everything), *copy;
	struct err err;
	int fd = conf_snapshot(conf, CONF_CONTENT_DSN, &err);
	char *before, *after;

	(void)state;
	copy = conf_load_fd(fd, "snapshot", &err);
	assert_non_null(copy);
	assert_int_equal(copy->adapters.count, 0);
	close(fd);
	conf_free(&copy);
	fd = conf_snapshot_adapters(conf, &err);
	copy = conf_load_fd(fd, "snapshot", &err);
	assert_non_null(copy);
	assert_int_equal(copy->adapters.count, 3);
	assert_int_equal(copy->content.dsn.count, 0);
	assert_int_equal(copy->compliance.dsn.count, 0);
	before = read_file(fd);
	close(fd);
	fd = conf_snapshot_adapters(copy, &err);
	after = read_file(fd);
	assert_string_equal(before, after);
	free(before);
	free(after);
	close(fd);
	conf_free(&copy);
	conf_free(&conf);
}

static void test_an_adapter_that_cannot_work_is_refused(void **state)
{
	char many[2048] = LEAST;

	(void)state;
	refuse(LEAST "\nadapter a {}", ":4: form of adapter \"a\" must be set");
	refuse(LEAST "adapter a {}", ":3: directory of adapter \"a\" must be set");
	refuse(LEAST "adapter a { form = pdf }", ":3: adapter.form must be one of xml, actiance,");
	refuse(LEAST "adapter a { directory = x }", ":3: adapter.directory must be an absolute path");
	refuse(LEAST "adapter a { run_interval = 59s }", "adapter.run_interval must be between 1m");
	refuse(LEAST "adapter a { run_interval = 31d }", "adapter.run_interval must be between 1m");
	refuse(LEAST "adapter a { colour = red }", ":3: unknown setting \"colour\"");
	refuse(LEAST "adapter 'a/b' {}", ":3: the name of an adapter has 1 to 31 letters");
	refuse(LEAST "adapter '' {}", ":3: the name of an adapter has 1 to 31 letters");
	refuse(LEAST "adapter a12345678901234567890123456789012 {}", "the name of an adapter has");
	refuse(LEAST "adapter {}", "missing title for section");
	refuse(LEAST "adapter a { form = csv directory = /a }\nadapter a {\nform = xml }",
	       ":5: adapter.form is already set in line 3");
	refuse(LEAST "adapter a { form = exec directory = /a }",
	       ":3: program of adapter \"a\" must be set");
	refuse(LEAST "adapter a { form = exec directory = /a program = true }",
	       ":3: program of adapter \"a\" must be set for the form exec, and begin");
	refuse(LEAST "adapter a { form = exec directory = /a program = /p format = exec }",
	       ":3: format of adapter \"a\" must be");
	refuse(LEAST "adapter a { form = csv directory = /a\nprogram = /p }",
	       ":4: program of adapter \"a\" is for the form exec only");
	refuse(LEAST "adapter a { form = csv directory = /a\nstylesheet = /p }",
	       ":4: stylesheet of adapter \"a\" is for the form xml only");
	refuse(LEAST "adapter a { form = eml directory = /a mail_to = b@c }",
	       ":3: mail_from of adapter \"a\" must be set to a mail address");
	refuse(LEAST "adapter a { form = eml directory = /a mail_from = b@c\nmail_to = 'b@c, d@e' }",
	       ":4: mail_to of adapter \"a\" must be set to a mail address");
	for (unsigned i = 0; i < CONF_ADAPTERS_MAX + 1; i++)
		snprintf(many + strlen(many), 64, "adapter a%u { form = csv directory = /a }\n", i);
	refuse(many, ":19: there can be at most 16 adapters");
}

static void test_a_snapshot_without_secrets_has_no_connection_string(void **state)
{
	struct conf *conf = load(everything), *copy;
	struct err err;
	int fd = conf_snapshot(conf, CONF_NO_SECRETS, &err);
	char *text = read_file(fd);

	(void)state;
	assert_null(strstr(text, "PWD"));
	copy = conf_load_fd(fd, "snapshot", &err);
	assert_non_null(copy);
	assert_int_equal(copy->content.dsn.count, 0);
	assert_int_equal(copy->content.batch_rows, 3);
	assert_false(copy->content.search_index);
	assert_int_equal(copy->content.retention_interval, 5000000);
	free(text);
	close(fd);
	conf_free(&conf);
	conf_free(&copy);
}

static void test_a_snapshot_has_the_connection_strings_of_one_database(void **state)
{
	struct conf *conf = load(everything);
	struct err err;
	int content = conf_snapshot(conf, CONF_CONTENT_DSN, &err);
	int compliance = conf_snapshot(conf, CONF_COMPLIANCE_DSN, &err);
	char *of_content = read_file(content), *of_compliance = read_file(compliance);

	(void)state;
	assert_non_null(strstr(of_content, "DSN=one"));
	assert_null(strstr(of_content, "DSN=three"));
	assert_null(strstr(of_compliance, "DSN=one"));
	assert_non_null(strstr(of_compliance, "DSN=three"));
	free(of_content);
	free(of_compliance);
	close(content);
	close(compliance);
	conf_free(&conf);
}

static void test_a_snapshot_cannot_be_changed_and_its_offset_does_not_matter(void **state)
{
	struct conf *conf = load(everything), *copy;
	struct err err;
	int fd = conf_snapshot(conf, CONF_CONTENT_DSN, &err);
	off_t offset = lseek(fd, 17, SEEK_SET);

	(void)state;
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	copy = conf_load_fd(fd, "snapshot", &err);
	assert_non_null(copy);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), offset);
	close(fd);
	conf_free(&conf);
	conf_free(&copy);
}

static void test_all_mistakes_are_reported_each_with_its_line(void **state)
{
	static const char text[] = "# one\n"
				   "domain = Example.test // two\n"
				   "colour = red # three\n"
				   "journal { size = 10\n"
				   "  sync = sometimes\n"
				   "  fiel = /x\n"
				   "}\n"
				   "workers { active = 5 standby = many }\n"
				   "json { listen = { '127.0.0.1:21000', # nine\n"
				   "  'nowhere' }\n"
				   "  tls = maybe\n"
				   "}\n"
				   "auth { iterations = 1 }\n";
	static const char *const messages[] = {
		":2: domain must be a domain name", ":3: unknown setting \"colour\"\n",
		":4: journal.size must be between 1M and 1024G, not \"10\"",
		":5: journal.sync must be one of always, interval, not \"sometimes\"",
		":6: unknown setting \"fiel\" in section journal",
		":8: workers.active must be between 1 and 4, not \"5\"",
		":8: workers.standby must be a whole number, not \"many\"",
		":9: json.listen takes addresses", ":11: json.tls must be one of true, false,",
		":13: auth.iterations must be between 4096 and",
	};
	char path[64];
	int fd = memory_file(text);
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_null(load_logged(path, &err));
	close(fd);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (!strstr(logged, messages[i]))
			fail_msg("expected %s, got %s", messages[i], logged);
	/* Those above and the certificate and key, since TLS stays on. */
	assert_memory_equal(err.text, "12 mistakes in /proc/self/fd/", 29);
}

static void expect_time(const char *text, uint64_t us)
{
	char line[128];
	struct conf *conf;

	snprintf(line, sizeof(line), LEAST "auth { token_lifetime = %s }", text);
	conf = load(line);
	assert_non_null(conf);
	assert_int_equal(conf->auth.token_lifetime, us);
	conf_free(&conf);
}

static void test_times_and_sizes_have_units(void **state)
{
	struct conf *conf = load(LEAST "cache { text = 3G history = 1024k }");

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->cache.text, UINT64_C(3) << 30);
	assert_int_equal(conf->cache.history, 1 << 20);
	conf_free(&conf);
	expect_time("1000000", 1000000);
	expect_time("1000001us", 1000001);
	expect_time("1001ms", 1001000);
	expect_time("2s", 2000000);
	expect_time("3m", 180000000);
	expect_time("4h", UINT64_C(14400000000));
	expect_time("5d", UINT64_C(432000000000));
}

static void test_numbers_that_are_none_or_too_large_are_refused(void **state)
{
	static const char *const values[] = {
		"''",  "-1",	"+5s", "0x10s", "1.5s",	 "5sec",		 "s",
		"5 s", "'5 s'", "5S",  "1w",	"31d",	 "999ms",		 "\"5s\\n\"",
		"9e9", "99999999999999999999",	"213503983d", "18446744073709551615d",
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), LEAST "auth { token_lifetime = %s }", values[i]);
		assert_null(load(line));
	}
	/* What is 0 or small in 64 or 32 bits only. */
	refuse(LEAST "cache { text = 17179869184G }", ":3: cache.text must be between");
	refuse(LEAST "cache { rooms = 4294967396 }", ":3: cache.rooms must be between");
	refuse(LEAST "cache { rooms = 100k }", ":3: cache.rooms must be a whole number");
}

static void test_settings_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	refuse("json { tls = off }", "domain must be set");
	refuse("domain = a.b json { key = /k }", "json.certificate must be set");
	refuse("domain = a.b json { certificate = /c }", "json.key must be set");
	refuse("domain = .b json { tls = off }", ":1: domain must be");
	refuse(LEAST "journal { size = 1048577 }", "journal.size must be a multiple of 4096");
	refuse(LEAST "workers { mailbox = 100000 }", "workers.mailbox must be a power of two");
	refuse(LEAST "workers { mailbox = 64k } limits { message_size = 20000 }",
	       "limits.message_size (or story_size) and rich_size must be at most");
	refuse(LEAST "json { frame_size = 8192 }", "json.frame_size must be at least");
	refuse(LEAST "json { output_size = 32k }", "json.output_size must be at least");
	refuse(LEAST "json { ping_interval = 5m }", "json.ping_interval must be less");
	refuse(LEAST "auth { mechanisms = {} }", "auth.mechanisms must not be empty");
	refuse(LEAST "auth { mechanisms = NTLM }", "not \"NTLM\"");
	refuse(LEAST "content { dsn = {} }", "content.dsn must not be empty");
	refuse(LEAST "state_directory = var/lib", ":3: state_directory must be an absolute path");
	refuse(LEAST "state_directory = ''", ":3: state_directory must not be empty");
	refuse(LEAST "run_directory = '/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
	       "run_directory must have");
	refuse(LEAST "user = \"a\\nb\"", ":3: user contains a control character");
}

static void test_an_address_is_numeric_and_has_a_port(void **state)
{
	static const char *const wrong[] = {
		"8010",	      ":8010",		  "localhost:8010", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:0",	  "::1:8010",	    "127.0.0.1:65536",
		"[::1:8010",  "[127.0.0.1]:8010", "[::1]",	    "127.0.0.1:80x",
		"1.2.3:8010", "127.0.0.1:-1",	  "[]:8010",
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), LEAST "json { listen = '%s' }", wrong[i]);
		refuse(line, ":3: json.listen takes addresses");
	}
}

static void test_text_has_a_bound(void **state)
{
	char text[4096];

	(void)state;
	snprintf(text, sizeof(text), LEAST "state_directory = /%02000d", 0);
	refuse(text, ":3: state_directory must have at most 2000 bytes");
}

static void test_a_damaged_file_is_refused_and_spoils_no_later_one(void **state)
{
	struct conf *conf;

	(void)state;
	refuse(LEAST "user = \"a\n\n", ":3: the string that begins here is not closed");
	refuse(LEAST "user = 'a\\'\n", ":3: the string that begins here is not closed");
	refuse(LEAST "user = 'a\\", ":3: the string that begins here is not closed");
	refuse(LEAST "\nlog {\nlevel = info\n", ":4: what is opened here by { is never closed");
	refuse(LEAST "}", ":3: syntax error: unexpected closing brace");
	refuse(LEAST "user = \"\\9\"", ":3: octal numbers");
	refuse(LEAST "/* a */", ":3: a comment starts with #");
	refuse(LEAST "user = ${HOME}", ":3: variables such as ${NAME} are not expanded");
	refuse(LEAST "user = \"${HOME}\"", ":3: variables such as ${NAME} are not expanded");
	refuse(LEAST "user = *a", ":3: text with * in it stands in quotes");
	refuse(LEAST "user = +a", ":3: text with + in it stands in quotes");
	refuse(LEAST "user", "premature end of file");
	refuse(LEAST "user 5", ":3: syntax error");
	refuse(LEAST "user = = 5", ":3: syntax error");
	refuse(LEAST "nothing { x = 1 }", ":3: unknown setting \"nothing\"");
	conf = load(LEAST);
	assert_non_null(conf);
	conf_free(&conf);
}

static void test_a_file_that_is_not_text_is_refused(void **state)
{
	char path[64];
	struct err err;
	int fd = memory_file(LEAST "user = ");

	(void)state;
	assert_int_equal(write(fd, " '\0' ", 5), 5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_null(load_logged(path, &err));
	assert_non_null(strstr(logged, ": this is not a text file"));
	assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
	assert_null(conf_load_fd(fd, "large", &err));
	assert_null(conf_load("/dev/null", &err));
	assert_null(conf_load("/nonexistent/pchatd.conf", &err));
	assert_string_equal(err.text,
			    "could not open /nonexistent/pchatd.conf: No such file or directory");
	close(fd);
}

static void test_a_setting_that_is_given_twice_is_refused(void **state)
{
	(void)state;
	refuse(LEAST "user = a\nuser = b\n", ":4: user is already set in line 3");
	refuse(LEAST "log { level = info }\nlog {\nlevel = debug }",
	       ":5: log.level is already set in line 3");
	refuse(LEAST "admin { users = { a, b } users = c }", "admin.users is already set");
}

static void test_lists_grow_by_appending_and_have_a_bound(void **state)
{
	struct conf *conf = load(LEAST "admin { users = a users += { b, c } }");

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf->admin.users.count, 3);
	assert_string_equal(conf->admin.users.item[2], "c");
	conf_free(&conf);
	refuse(LEAST "admin { users = { a, b, c, d, e, f, g, h, i } }",
	       "admin.users can have at most 8 items");
	refuse(LEAST "admin { users = { a, '' } }", "admin.users has an empty item");
	refuse(LEAST "admin { users = { a, b } readers = b }",
	       "admin.readers names \"b\", as does admin.users");
	refuse(LEAST "admin { access = { 'a: king' } }",
	       "admin.access takes items such as \"NAME: administrator\", \"NAME: operator\", "
	       "\"NAME: read-only\" or \"NAME: compliance\", not \"a: king\"");
	refuse(LEAST "admin { access = { 'a: operator', 'a: read-only' } }",
	       "admin.access names \"a\" twice");
	refuse(LEAST "admin { listen = '[::]:8011' access = 'a: operator' certificate = /c key = /k }",
	       "admin.ca must be set where admin.listen is");
	refuse(LEAST "admin { listen = '[::]:8011' ca = /a certificate = /c key = /k }",
	       "admin.access must not be empty where admin.listen is set");
	refuse(LEAST "admin { listen = 8011 }",
	       "admin.listen takes addresses such as 192.0.2.1:8011 or [::]:8011, not \"8011\"");
	refuse(LEAST "admin { operators = a readers = a }",
	       "admin.readers names \"a\", as does admin.operators");
}

static void test_a_broken_connection_string_is_not_logged(void **state)
{
	static const char *const texts[] = {
		LEAST "content { dsn = { \"PWD=sesame\" \"sesame\" } }",
		LEAST "content { dsn = \"PWD=\x01sesame\" }",
		LEAST "content { dsn = 'x' = 'sesame' }",
		LEAST "content { dsn = \"PWD=sesame }",
		LEAST "content { dsn = \"PWD=${sesame}\" }",
		LEAST "content { dns = 'PWD=sesame' }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_null(load(texts[i]));
		assert_null(strstr(logged, "sesame"));
	}
}

static char *read_source(const char *name)
{
	char path[4096], *text = calloc(1, TEXT_MAX);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", PCHAT_SOURCE, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, TEXT_MAX - 1, file) > 0);
	fclose(file);
	return text;
}

/* Lines that name a setting are commented out without a space behind the #. */
static void uncomment(char *text)
{
	for (char *at = text; (at = strchr(at, '#')); at++)
		if (islower((unsigned char)at[1]))
			*at = ' ';
}

static void test_the_sample_shows_the_defaults(void **state)
{
	char *sample = read_source("conf/pchatd.conf.sample"), *before, *after;
	struct conf *conf = load(sample);

	(void)state;
	assert_non_null(conf);
	before = snapshot_text(conf);
	conf_free(&conf);
	uncomment(sample);
	conf = load(sample);
	if (!conf)
		fail_msg("%s", logged);
	after = snapshot_text(conf);
	assert_string_equal(before, after);
	conf_free(&conf);
	free(sample);
	free(before);
	free(after);
}

static void test_every_setting_of_adapters_stands_in_the_sample_and_in_the_manual(void **state)
{
	char *sample = read_source("conf/pchatd.conf.sample");
	char *manual = read_source("man/pchatd.conf.5"), item[128];

	(void)state;
	for (unsigned i = 0; i < ADAPTER_SETTINGS; i++) {
		snprintf(item, sizeof(item), "%s =", adapter_settings[i].name);
		if (!strstr(sample, item))
			fail_msg("the sample lacks %s", item);
		snprintf(item, sizeof(item), "\n.It Cm %s", adapter_settings[i].name);
		if (!strstr(manual, item))
			fail_msg("the manual lacks %s", item);
	}
	free(sample);
	free(manual);
}

static void test_every_setting_stands_in_the_sample_and_in_the_manual(void **state)
{
	char *sample = read_source("conf/pchatd.conf.sample");
	char *manual = read_source("man/pchatd.conf.5");
	struct conf *conf = load(LEAST);
	char *text = snapshot_text(conf), *rest = text, *line, item[128], *equals;

	(void)state;
	uncomment(sample);
	while ((line = strsep(&rest, "\n"))) {
		equals = strstr(line, " = ");
		if (!equals)
			continue;
		snprintf(item, sizeof(item), "%.*s =", (int)(equals - line), line);
		if (!strstr(sample, item))
			fail_msg("the sample lacks %s", item);
		snprintf(item, sizeof(item), "\n.It Cm %.*s", (int)(equals - line), line);
		if (!strstr(manual, item))
			fail_msg("the manual lacks %s", item + 1);
	}
	free(sample);
	free(manual);
	free(text);
	conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_set_has_its_default),
		cmocka_unit_test(test_paths_follow_the_state_directory),
		cmocka_unit_test(test_every_setting_survives_a_snapshot),
		cmocka_unit_test(test_each_adapter_has_settings_of_its_own),
		cmocka_unit_test(test_only_who_needs_them_gets_the_adapters),
		cmocka_unit_test(test_an_adapter_that_cannot_work_is_refused),
		cmocka_unit_test(test_every_setting_of_adapters_stands_in_the_sample_and_in_the_manual),
		cmocka_unit_test(test_a_snapshot_has_the_connection_strings_of_one_database),
		cmocka_unit_test(test_a_snapshot_without_secrets_has_no_connection_string),
		cmocka_unit_test(
			test_a_snapshot_cannot_be_changed_and_its_offset_does_not_matter),
		cmocka_unit_test(test_all_mistakes_are_reported_each_with_its_line),
		cmocka_unit_test(test_times_and_sizes_have_units),
		cmocka_unit_test(test_numbers_that_are_none_or_too_large_are_refused),
		cmocka_unit_test(test_settings_that_contradict_each_other_are_refused),
		cmocka_unit_test(test_an_address_is_numeric_and_has_a_port),
		cmocka_unit_test(test_text_has_a_bound),
		cmocka_unit_test(test_a_damaged_file_is_refused_and_spoils_no_later_one),
		cmocka_unit_test(test_a_file_that_is_not_text_is_refused),
		cmocka_unit_test(test_a_setting_that_is_given_twice_is_refused),
		cmocka_unit_test(test_lists_grow_by_appending_and_have_a_bound),
		cmocka_unit_test(test_a_broken_connection_string_is_not_logged),
		cmocka_unit_test(test_the_sample_shows_the_defaults),
		cmocka_unit_test(test_every_setting_stands_in_the_sample_and_in_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
