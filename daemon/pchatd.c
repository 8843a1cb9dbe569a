#include <bsd/unistd.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "conf/log.h"
#include "daemon/master.h"
#include "daemon/master_pidfile.h"
#include "daemon/master_storage.h"

static const char DEFAULT_FILE[] = PCHAT_SYSCONFDIR "/pchatd.conf";

struct options {
	char file[PATH_MAX];
	char directory[PATH_MAX]; /* of the programs; "": where they are installed */
	bool check, foreground, recover;
};

static void print_usage(FILE *out)
{
	fprintf(out, "usage: pchatd [-FnrV] [-f file] [-L directory]\n");
}

_Noreturn static void usage(void)
{
	print_usage(stderr);
	exit(EX_USAGE);
}

_Noreturn static void help(void)
{
	print_usage(stdout);
	printf("  -F             stay in the foreground and log to standard error\n"
	       "  -f file        the configuration, instead of %s\n"
	       "  -L directory   where the programs of the processes are\n"
	       "  -n             check the configuration and do nothing else\n"
	       "  -r             start although the journal is damaged; see pchatd(8)\n"
	       "  -h, --help; -V, --version\n",
	       DEFAULT_FILE);
	exit(EX_OK);
}

/* The daemon runs in / and reads the file again on SIGHUP. */
static void make_absolute(char out[PATH_MAX], const char *path)
{
	if (realpath(path, out) != NULL)
		return;
	fprintf(stderr, "pchatd: could not find %s: %s\n", path, strerror(errno));
	exit(EX_NOINPUT);
}

static void parse_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	const char *file = DEFAULT_FILE;
	int option;

	memset(options, 0, sizeof(*options));
	while ((option = getopt_long(argc, argv, "f:nFhL:rV", names, NULL)) != -1) {
		switch (option) {
		case 'f':
			file = optarg;
			break;
		case 'n':
			options->check = true;
			break;
		case 'F':
			options->foreground = true;
			break;
		case 'L':
			make_absolute(options->directory, optarg);
			break;
		case 'r':
			options->recover = true;
			break;
		case 'h':
			help();
		case 'V':
			printf("%s\n", PACKAGE_STRING);
			exit(EX_OK);
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	make_absolute(options->file, file);
}

static const char *compliance_user(const struct conf *conf)
{
	return *conf->compliance.user ? conf->compliance.user : conf->user;
}

/* What must hold before a daemon is made, so that its caller reads at once what is wrong. */
static int claim(struct master *master, struct pidfile *pidfile, struct err *err)
{
	const struct conf *conf = master->conf;

	if (account_find(&master->account, conf->user, err) == -1 ||
	    account_find(&master->worker_account, conf->worker_user, err) == -1)
		return -1;
	if (conf->compliance.enabled &&
	    account_find(&master->compliance_account, compliance_user(conf), err) == -1)
		return -1;
	if (conf->admin.listen.count > 0 &&
	    account_find(&master->admin_account, conf->admin_user, err) == -1)
		return -1;
	if (storage_directories(conf, &master->account, &master->compliance_account, err) == -1)
		return -1;
	return pidfile_take(pidfile, conf->run_directory, err);
}

static int detach(struct master *master, struct err *err)
{
	if (master->foreground)
		return 0;
	if (detach_start(master->detach, !master->conf->log.syslog, err) == -1)
		return -1;
	log_open("pchatd", &master->conf->log);
	return 0;
}

/* Whoever waits for us is told of a failure when nothing is left: it can try again at once. */
static int serve(struct master *master, struct pidfile *pidfile)
{
	/* A master that was killed leaves processes that stop by themselves, but not at once. */
	const uint64_t wait = pidfile->stale ? master->conf->stop_timeout : 0;
	struct err *err = &master->failure;
	int result = EX_OSERR;

	setproctitle("-pchatd: starting");
	if (detach(master, err) == 0 && pidfile_fill(pidfile, err) == 0 &&
	    master_init(master, wait, err) == 0)
		result = master_run(master);
	else
		log_error("%s", err->text);
	master_fini(master);
	pidfile_drop(pidfile);
	detach_report(master->detach, result, err->text);
	return result;
}

static int run(const struct options *options, struct conf *conf)
{
	struct detach waiting = {.report = -1};
	struct pidfile pidfile = {.handle = NULL};
	struct master *master = calloc(1, sizeof(*master));
	struct err err;
	int result;

	if (master == NULL)
		return EX_OSERR;
	master->conf = conf;
	master->file = options->file;
	master->directory = options->directory[0] != '\0' ? options->directory : NULL;
	master->foreground = options->foreground;
	master->recover = options->recover;
	master->detach = &waiting;
	if (claim(master, &pidfile, &err) == 0) {
		result = serve(master, &pidfile);
	} else {
		log_error("%s", err.text);
		result = EX_UNAVAILABLE;
	}
	free(master);
	return result;
}

static int check_only(const char *file, struct conf *conf)
{
	if (conf == NULL)
		return EX_CONFIG;
	printf("%s: ok\n", file);
	return EX_OK;
}

/* It knows the database's password, and every other process hangs on it. */
static void forbid_tracing(void)
{
#ifndef PCHAT_SANITIZERS
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

extern char **environ;

int main(int argc, char **argv)
{
	const struct conf_log log = {.level = LOG_INFO};
	struct options options;
	struct conf *conf;
	struct err err;
	int result;

	setproctitle_init(argc, argv, environ);
	forbid_tracing();
	/* Nothing that a caller left open may reach the other processes. */
	closefrom(STDERR_FILENO + 1);
	umask(077);
	log_open("pchatd", &log);
	parse_options(&options, argc, argv);
	conf = conf_load(options.file, &err);
	if (conf == NULL)
		log_error("%s", err.text);
	if (conf == NULL || options.check) {
		result = check_only(options.file, conf);
	} else {
		/* In the foreground somebody is looking. */
		if (options.foreground) {
			conf->log.syslog = false;
			log_never_wait();
		}
		log_level(conf->log.level);
		result = run(&options, conf);
	}
	conf_free(&conf);
	return result;
}
