#include "daemon/master_reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_adapter.h"
#include "conf/log.h"
#include "conf/setting.h"
#include "daemon/master_control.h"

enum { RENEW_MS = 2000 };

/* The setting as it would stand in a file; the caller frees. NULL if memory is short. */
static char *printed(const struct setting *setting, const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	setting_print(setting, conf, out);
	fclose(out);
	return text;
}

static bool is_same(const struct setting *setting, const struct conf *a, const struct conf *b)
{
	char *text_a = printed(setting, a), *text_b = printed(setting, b);
	const bool same = text_a != NULL && text_b != NULL && strcmp(text_a, text_b) == 0;

	free(text_a);
	free(text_b);
	return same;
}

/* The same of an adapter. NULL: there is none, too. */
static char *printed_adapter(const struct conf_adapter *adapter)
{
	char *text = NULL;
	size_t size;
	FILE *out = adapter != NULL ? open_memstream(&text, &size) : NULL;

	if (out == NULL)
		return NULL;
	conf_adapter_print(adapter, out);
	fclose(out);
	return text;
}

static void log_adapter(const struct conf_adapter *a, const struct conf_adapter *b)
{
	char *text_a = printed_adapter(a), *text_b = printed_adapter(b);

	if (text_a == NULL || text_b == NULL || strcmp(text_a, text_b) != 0)
		log_warning("adapter \"%s\" has changed in the file and needs a restart",
			    a != NULL ? a->name : b->name);
	free(text_a);
	free(text_b);
}

static void log_adapters(const struct conf *old, const struct conf *new)
{
	for (unsigned i = 0; i < old->adapters.count; i++) {
		const struct conf_adapter *adapter = &old->adapters.item[i];

		log_adapter(adapter, conf_adapter(new, adapter->name));
	}
	for (unsigned i = 0; i < new->adapters.count; i++)
		if (conf_adapter(old, new->adapters.item[i].name) == NULL)
			log_adapter(NULL, &new->adapters.item[i]);
}

static void log_changes(const struct conf *old, const struct conf *new)
{
	char name[SETTING_NAME];

	for (unsigned i = 0; i < setting_count; i++)
		if (!is_same(&settings[i], old, new))
			log_warning("%s has changed in the file and needs a restart",
				    setting_name(&settings[i], name));
	log_adapters(old, new);
}

/* The level is all that a process takes from it, so none needs the secrets. */
static void tell(const struct process *process)
{
	const struct control control = {.type = CONTROL_RELOAD};
	struct err err;
	int fd;

	fd = conf_snapshot(process->master->conf, CONF_NO_SECRETS, &err);
	if (fd == -1) {
		log_error("%s", err.text);
		return;
	}
	control_send(process, &control, &fd, 1);
	close(fd);
}

/* A new one reads certificate, key and the lists of who is trusted and who is not any more. */
static void renew_admin(struct master *master)
{
	struct process *process = &master->process[SLOT_ADMIN];
	const struct control control = {.type = CONTROL_STOP, .arg = RENEW_MS};

	if (process->pid <= 0 || !process->ready)
		return;
	process->told = process->at_once = true;
	control_send(process, &control, NULL, 0);
}

void reload_configuration(struct master *master)
{
	struct conf *new;
	struct err err;

	new = conf_load(master->file, &err);
	if (new == NULL) {
		log_error("the configuration stays as it is: %s", err.text);
		return;
	}
	if (master->foreground)
		new->log.syslog = false;
	master->conf->log.level = new->log.level;
	log_level(new->log.level);
	log_changes(master->conf, new);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (master->process[slot].pid > 0)
			tell(&master->process[slot]);
	renew_admin(master);
	log_notice("the configuration was read anew");
	conf_free(&new);
}
