#include "daemon/adapter_writer.h"

#include <libxml/parser.h>
#include <libxslt/xslt.h>
#include <libxslt/xsltutils.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/fault.h"
#include "daemon/adapter_exec.h"
#include "daemon/adapter_pack.h"
#include "shm/sandbox.h"

/* What libxml2 and libxslt say of a stylesheet, of which they answer no more than that it failed.
 */
struct said {
	char text[200];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void take_said(void *arg, const char *fmt, ...)
{
	struct said *said = arg;
	const size_t left = sizeof(said->text) - said->used;
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(said->text + said->used, left, fmt, ap);
	va_end(ap);
	if (length > 0)
		said->used += (size_t)length < left ? (size_t)length : left - 1;
	for (char *at = said->text; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

static struct adapter adapter_of(const struct conf_adapter *conf)
{
	const bool exec = conf->form == ADAPTER_EXEC;

	return (struct adapter){
		.name = conf->name,
		.form = (enum adapter_form)(exec ? conf->format : conf->form),
		.directory = conf->directory,
		.one_room_per_file = conf->one_room_per_file,
		.room_details = conf->add_room_details,
		.user_details = conf->add_user_details,
		.attachments_manifest = conf->attachments_manifest,
		.stylesheet = conf->stylesheet,
		.mail_from = conf->mail_from,
		.mail_to = conf->mail_to,
		.is_done = exec ? adapter_exec_is_done : NULL,
	};
}

static int write_batch(const struct conf_adapter *conf, const struct adapter_batch *batch,
		       unsigned *files_r, struct err *err)
{
	const struct adapter adapter = adapter_of(conf);
	char prefix[ADAPTER_NAME];

	adapter_prefix(conf->name, batch, prefix);
	if (conf->form == ADAPTER_EXEC && adapter_exec_sweep(conf, prefix, err) == -1)
		return -1;
	if (adapter_write(&adapter, batch, files_r, err) == -1)
		return -1;
	fault_point("adapter.written");
	return conf->form == ADAPTER_EXEC ? adapter_exec_files(conf, prefix, err) : 0;
}

/*
 * A stylesheet must not take the memory of the host. Only the soft limit, so that programs can have
 * theirs back. The sanitizers need address space of their own.
 */
static void bound_memory(const struct conf_adapter *adapter)
{
#ifndef PCHAT_SANITIZERS
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_max > adapter->memory) {
		limit.rlim_cur = adapter->memory;
		setrlimit(RLIMIT_DATA, &limit);
	}
#else
	(void)adapter;
#endif
}

/* A program of the administrator's would inherit the filter, and nobody knows what it needs. */
static void give_up_calls(const struct conf_adapter *adapter)
{
	if (adapter->form != ADAPTER_EXEC)
		sandbox_try(SANDBOX_FILES);
}

static int write_all(const char *name, unsigned *files_r, struct err *err)
{
	struct conf *conf = conf_load_fd(WRITER_CONF, "configuration", err);
	const struct conf_adapter *adapter = conf ? conf_adapter(conf, name) : NULL;
	struct adapter_unpack unpack;
	int result = -1;

	if (conf && !adapter)
		err_set(err, "there is no adapter \"%s\"", name);
	if (adapter) {
		bound_memory(adapter);
		give_up_calls(adapter);
	}
	if (adapter && adapter_unpack(&unpack, WRITER_BATCH, err) == 0) {
		result = write_batch(adapter, &unpack.batch, files_r, err);
		adapter_unpack_free(&unpack);
	}
	conf_free(&conf);
	return result;
}

int adapter_writer_main(const char *name)
{
	struct writer_result result = {0};
	struct said said = {.used = 0};
	unsigned files = 0;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	umask(027);
	xmlSetGenericErrorFunc(&said, take_said);
	xsltSetGenericErrorFunc(&said, take_said);
	result.failed = write_all(name, &files, &err) == -1;
	result.files = files;
	if (result.failed)
		snprintf(result.error, sizeof(result.error), "%.290s%s%s", err.text,
			 said.used ? ": " : "", said.text);
	xsltCleanupGlobals();
	xmlCleanupParser();
	if (write(WRITER_RESULT, &result, sizeof(result)) != (ssize_t)sizeof(result))
		return EX_IOERR;
	return result.failed ? EX_CANTCREAT : EX_OK;
}
