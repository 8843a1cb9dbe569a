#include "daemon/master_supply.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"
#include "daemon/master_slot.h"
#include "daemon/master_storage.h"
#include "shm/ask.h"
#include "shm/cache.h"
#include "shm/mailbox.h"
#include "shm/segment.h"

enum { CHANNEL_BUFFER = 4 << 20 };

static int make_segment(struct twin *twin, const char *what, unsigned slot, uint64_t size,
			struct err *err)
{
	char name[32];

	snprintf(name, sizeof(name), "pchat-%s-%u", what, slot);
	return segment_create(name, size, &twin->rw, &twin->ro, err);
}

/* All slots have a page: readers of the process table need not know which are in use. */
static int make_pages(struct supply *supply, struct err *err)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (make_segment(&supply->page[slot], "page", slot, PAGE_SIZE_SHARED, err) == -1)
			return -1;
		supply->event[slot] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (supply->event[slot] == -1)
			return err_errno(err, "could not make an eventfd");
	}
	return 0;
}

static int make_mailboxes(struct supply *supply, const struct conf *conf, struct err *err)
{
	const uint64_t size = conf->workers.mailbox;

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (!slot_sends(slot))
			continue;
		if (make_segment(&supply->mail[slot], "mail", slot, mailbox_sender_size(size),
				 err) == -1 ||
		    make_segment(&supply->back[slot], "back", slot, mailbox_sequencer_size(size),
				 err) == -1)
			return -1;
	}
	return 0;
}

static int make_cache(struct supply *supply, const struct conf *conf, struct err *err)
{
	const uint64_t size = cache_size(conf, err);

	if (size == 0)
		return -1;
	return segment_create("pchat-cache", size, &supply->cache.rw, &supply->cache.ro, err);
}

/* Only root can go beyond net.core.wmem_max; what others get is enough for less load. */
static void widen(int sock)
{
	const int size = CHANNEL_BUFFER;

	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == -1 &&
	    setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == -1)
		log_warning("could not enlarge a socket's output buffer");
	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == -1 &&
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == -1)
		log_warning("could not enlarge a socket's input buffer");
}

static int make_channel(struct channel *channel, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
		return err_errno(err, "could not make a pair of sockets");
	channel->ask = ends[0];
	channel->take = ends[1];
	widen(ends[0]);
	widen(ends[1]);
	return 0;
}

static int make_channels(struct supply *supply, const struct conf *conf, struct err *err)
{
	/* Before anybody asks: what is sent earlier arrives without a sender. */
	if (make_channel(&supply->questions, err) == -1 ||
	    ask_know_senders(supply->questions.take, err) == -1 ||
	    make_channel(&supply->auth, err) == -1 ||
	    ask_know_senders(supply->auth.take, err) == -1 ||
	    make_channel(&supply->file, err) == -1 ||
	    ask_know_senders(supply->file.take, err) == -1)
		return -1;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (slot_is_worker(slot) && slot_is_wanted(slot, conf) &&
		    make_channel(&supply->answers[slot], err) == -1)
			return -1;
	return 0;
}

int supply_init(struct supply *supply, const struct conf *conf, uint64_t journal_wait,
		struct err *err)
{
	memset(supply, -1, sizeof(*supply)); /* every descriptor */
	if (storage_token_key(conf, err) == -1 ||
	    storage_journal(conf, journal_wait, &supply->journal.rw, &supply->journal.ro, err) ==
		    -1)
		return -1;
	if (make_pages(supply, err) == -1 || make_mailboxes(supply, conf, err) == -1)
		return -1;
	if (make_cache(supply, conf, err) == -1)
		return -1;
	return make_channels(supply, conf, err);
}

/* The struct holds descriptors and nothing else. */
void supply_fini(struct supply *supply)
{
	int fds[sizeof(*supply) / sizeof(int)];

	memcpy(fds, supply, sizeof(fds));
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] != -1)
			close(fds[i]);
	memset(supply, -1, sizeof(*supply));
}
