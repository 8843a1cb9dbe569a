#include "daemon/master_grant.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "conf/bug.h"
#include "daemon/master_slot.h"
#include "daemon/master_storage.h"

static void add(struct grants *grants, int from, int to)
{
	bug_on(grants->count == FD_END || to >= FD_END || from == -1);
	grants->item[grants->count++] = (struct grant){.from = from, .to = to};
}

/* Before any add: the owned ones stand first. */
static int add_owned(struct grants *grants, int take_from, int to)
{
	if (take_from == -1)
		return -1;
	bug_on(grants->owned != grants->count);
	add(grants, take_from, to);
	grants->owned++;
	return 0;
}

/* Opened anew for each process: a renewed certificate is taken by whoever starts next. */
static int add_file(struct grants *grants, const char *path, int to, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return err_errno(err, "could not open %s", path);
	return add_owned(grants, fd, to);
}

/* Who speaks to a database needs its connection string; nobody else gets it. */
static enum conf_secrets secrets_of(unsigned slot)
{
	if (slot == SLOT_COMPLIANCE || slot == SLOT_ADAPTER)
		return CONF_COMPLIANCE_DSN;
	return slot == SLOT_STORE || slot == SLOT_AUTH || slot_is_reader(slot) ? CONF_CONTENT_DSN
									       : CONF_NO_SECRETS;
}

static int add_admin_files(struct grants *grants, const struct conf *conf, struct err *err)
{
	if (add_file(grants, conf->admin.certificate, FD_CERTIFICATE, err) == -1 ||
	    add_file(grants, conf->admin.key, FD_KEY, err) == -1 ||
	    add_file(grants, conf->admin.ca, FD_CA, err) == -1)
		return -1;
	return *conf->admin.crl ? add_file(grants, conf->admin.crl, FD_CRL, err) : 0;
}

static int add_all_owned(struct grants *grants, unsigned slot, const struct conf *conf,
			 struct err *err)
{
	if (add_owned(grants, conf_snapshot(conf, secrets_of(slot), err), FD_CONF) == -1)
		return -1;
	if (slot == SLOT_AUTH)
		return add_owned(grants, storage_open_token_key(conf, err), FD_TOKEN_KEY);
	if (slot == SLOT_COMPLIANCE && *conf->compliance.checkpoint_key)
		return add_file(grants, conf->compliance.checkpoint_key, FD_KEY, err);
	if (slot == SLOT_ADMIN)
		return add_admin_files(grants, conf, err);
	if (!slot_is_worker(slot) || !conf->json.tls)
		return 0;
	if (add_file(grants, conf->json.certificate, FD_CERTIFICATE, err) == -1)
		return -1;
	return add_file(grants, conf->json.key, FD_KEY, err);
}

static void add_table(struct grants *grants, unsigned slot, const struct supply *supply)
{
	add(grants, supply->page[slot].rw, FD_PAGE_OWN);
	for (unsigned i = 0; i < SLOTS; i++) {
		add(grants, supply->page[i].ro, FD_PAGE + (int)i);
		if (slot == SLOT_SEQUENCER || i == slot || i == SLOT_SEQUENCER)
			add(grants, supply->event[i], FD_EVENT + (int)i);
	}
}

static void add_mailboxes(struct grants *grants, unsigned slot, const struct supply *supply)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		if (!slot_sends(i))
			continue;
		if (slot == SLOT_SEQUENCER) {
			add(grants, supply->mail[i].ro, FD_MAIL + (int)i);
			add(grants, supply->back[i].rw, FD_MAIL_BACK + (int)i);
		} else if (i == slot) {
			add(grants, supply->mail[i].rw, FD_MAIL + (int)i);
			add(grants, supply->back[i].ro, FD_MAIL_BACK + (int)i);
		}
	}
}

static void add_data(struct grants *grants, unsigned slot, const struct supply *supply)
{
	if (slot == SLOT_SEQUENCER) {
		add(grants, supply->journal.rw, FD_JOURNAL);
		add(grants, supply->cache.rw, FD_CACHE);
		return;
	}
	if (slot_is_reader(slot) || slot == SLOT_ADAPTER || slot == SLOT_ADMIN)
		return;
	add(grants, supply->journal.ro, FD_JOURNAL);
	if (slot != SLOT_STORE)
		add(grants, supply->cache.ro, FD_CACHE);
}

static void add_channels(struct grants *grants, unsigned slot, const struct supply *supply)
{
	if (slot_is_worker(slot)) {
		add(grants, supply->questions.ask, FD_QUESTIONS);
		add(grants, supply->auth.ask, FD_AUTH);
		add(grants, supply->file.ask, FD_FILE);
		add(grants, supply->answers[slot].take, FD_ANSWERS);
		return;
	}
	if (slot == SLOT_AUTH)
		add(grants, supply->auth.take, FD_AUTH);
	else if (slot == SLOT_FILE)
		add(grants, supply->file.take, FD_FILE);
	else if (slot_is_reader(slot))
		add(grants, supply->questions.take, FD_QUESTIONS);
	else
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		if (supply->answers[i].ask != -1)
			add(grants, supply->answers[i].ask, FD_REPLY + (int)i);
}

static void add_listeners(struct grants *grants, const struct listener *listener)
{
	for (int i = 0; i < CONF_ITEMS_MAX; i++)
		if (listener->remote[i] != -1)
			add(grants, listener->remote[i], FD_LISTEN + i);
}

int grants_make(struct grants *grants, unsigned slot, int take_control, const struct spawn *spawn,
		struct err *err)
{
	const struct supply *supply = spawn->supply;

	grants->count = grants->owned = 0;
	if (add_owned(grants, take_control, FD_CONTROL) == -1 ||
	    add_all_owned(grants, slot, spawn->conf, err) == -1) {
		grants_fini(grants);
		return -1;
	}
	add_table(grants, slot, supply);
	add_data(grants, slot, supply);
	add_mailboxes(grants, slot, supply);
	add_channels(grants, slot, supply);
	if (slot == SLOT_ADMIN)
		add_listeners(grants, spawn->listener);
	return 0;
}

void grants_fini(struct grants *grants)
{
	for (unsigned i = 0; i < grants->owned; i++)
		close(grants->item[i].from);
	grants->count = grants->owned = 0;
}

/* A source may have a number that is another's place: all sources move above the places first. */
static int move_up(const struct grants *grants, int *high)
{
	for (unsigned i = 0; i < grants->count; i++) {
		high[i] = fcntl(grants->item[i].from, F_DUPFD_CLOEXEC, FD_END);
		if (high[i] == -1)
			return -1;
	}
	return 0;
}

int grants_place(const struct grants *grants, struct err *err)
{
	int high[FD_END];

	if (move_up(grants, high) == -1)
		return err_errno(err, "could not move descriptors");
	if (close_range(FD_CONTROL, FD_END - 1, 0) == -1)
		return err_errno(err, "could not close descriptors");
	for (unsigned i = 0; i < grants->count; i++)
		if (dup2(high[i], grants->item[i].to) == -1)
			return err_errno(err, "could not place descriptor %d", grants->item[i].to);
	if (close_range(FD_END, UINT_MAX, 0) == -1)
		return err_errno(err, "could not close descriptors");
	return 0;
}
