#include "conf/conf_adapter.h"

#include <string.h>

#include "conf/log.h"
#include "conf/setting.h"

static struct conf_adapter *find(struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->adapters.count; i++)
		if (strcmp(conf->adapters.item[i].name, name) == 0)
			return &conf->adapters.item[i];
	return NULL;
}

const struct conf_adapter *conf_adapter(const struct conf *conf, const char *name)
{
	return find((struct conf *)conf, name);
}

/* The names of its files begin with it. */
static bool valid_name(const char *name)
{
	const size_t length = strlen(name);

	return length > 0 && length < CONF_ADAPTER_NAME && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       length;
}

static void clear(struct conf_adapter *adapter)
{
	for (unsigned i = 0; i < ADAPTER_SETTINGS; i++)
		setting_clear(&adapter_settings[i], adapter);
	memset(adapter, 0, sizeof(*adapter));
}

struct conf_adapter *conf_adapter_take(struct conf *conf, const char *name, struct err *err)
{
	struct conf_adapter *adapter = find(conf, name);
	char quoted[LOG_QUOTED];

	if (adapter)
		return adapter;
	if (!valid_name(name)) {
		err_set(err, "the name of an adapter has 1 to %d letters, digits, - and _, not %s",
			CONF_ADAPTER_NAME - 1, log_quote(name, strlen(name), quoted));
		return NULL;
	}
	if (conf->adapters.count == CONF_ADAPTERS_MAX) {
		err_set(err, "there can be at most %d adapters", CONF_ADAPTERS_MAX);
		return NULL;
	}
	adapter = &conf->adapters.item[conf->adapters.count];
	memset(adapter, 0, sizeof(*adapter));
	memcpy(adapter->name, name, strlen(name));
	for (unsigned i = 0; i < ADAPTER_SETTINGS; i++) {
		if (setting_set_default(&adapter_settings[i], adapter, err) < 0) {
			clear(adapter);
			return NULL;
		}
	}
	conf->adapters.count++;
	return adapter;
}

/* Of a header line of a mail: nothing in it may end the line or begin another address. */
static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at > text && at[1] && !strchr(at + 1, '@') &&
	       strpbrk(text, " \t\"(),:;<>[\\]") == NULL;
}

/* That of the files; ADAPTER_EXEC and ADAPTER_NONE are none. */
static int file_form(const struct conf_adapter *adapter)
{
	return adapter->form == ADAPTER_EXEC ? adapter->format : adapter->form;
}

bool conf_adapter_mistake(const struct conf_adapter *adapter, unsigned number,
			  const char **setting_r, const char **sentence_r)
{
	const bool exec = adapter->form == ADAPTER_EXEC, mail = file_form(adapter) == ADAPTER_EML;
	const bool has_program = adapter->program.count > 0;
	const struct {
		bool wrong;
		const char *setting, *sentence;
	} rules[] = {
		{adapter->form == ADAPTER_NONE, "form", "must be set"},
		{!*adapter->directory, "directory", "must be set"},
		{adapter->format >= ADAPTER_EXEC, "format", "must be a form of files"},
		{exec && (!has_program || adapter->program.item[0][0] != '/'), "program",
		 "must be set for the form exec, and begin with an absolute path"},
		{!exec && has_program, "program", "is for the form exec only"},
		{*adapter->stylesheet && file_form(adapter) != ADAPTER_XML, "stylesheet",
		 "is for the form xml only"},
		{mail && !is_address(adapter->mail_from), "mail_from",
		 "must be set to a mail address for the form eml"},
		{mail && !is_address(adapter->mail_to), "mail_to",
		 "must be set to a mail address for the form eml"},
	};

	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].wrong || number-- > 0)
			continue;
		*setting_r = rules[i].setting;
		*sentence_r = rules[i].sentence;
		return true;
	}
	return false;
}

void conf_adapter_print(const struct conf_adapter *adapter, FILE *out)
{
	fprintf(out, "adapter '%s' {\n", adapter->name);
	for (unsigned i = 0; i < ADAPTER_SETTINGS; i++)
		setting_print(&adapter_settings[i], adapter, out);
	fputs("}\n", out);
}

void conf_adapters_clear(struct conf *conf)
{
	while (conf->adapters.count > 0)
		clear(&conf->adapters.item[--conf->adapters.count]);
}
