#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/file.h"
#include "shm/sandbox.h"

/*
 * pchat-file: keeps the files that users upload. It takes a question, deals with it, and answers; the
 * disk is the only thing that it waits for.
 */
enum { TICK_US = 1000000, BEGIN_MS = 100, AGAIN_MS = 1000, QUESTIONS_PER_TURN = 64 };

static bool should_stop(struct file_server *server)
{
	struct control control;
	int got;

	while ((got = child_control(&server->child, &control, NULL, NULL)) == 1)
		if (control.type == CONTROL_STOP)
			return true;
	return got == -1;
}

static void rest(struct file_server *server, int timeout)
{
	struct pollfd control = {.fd = FD_CONTROL, .events = POLLIN};

	poll(&control, 1, timeout);
	proc_heartbeat(&server->child.proc);
}

/* False: it is to stop. */
static bool begin(struct file_server *server)
{
	struct err err;

	proc_state(&server->child.proc, PROC_LOADING);
	while (!should_stop(server)) {
		switch (file_begin(server, &err)) {
		case 1:
			return true;
		case 0:
			rest(server, BEGIN_MS);
			break;
		default:
			file_failed(server, &err);
			rest(server, AGAIN_MS);
		}
	}
	return false;
}

/* --- Questions. --- */

/* One worker could otherwise speak for the sessions of another. */
static bool is_from(const struct file_server *server, const struct ask *question, pid_t sender)
{
	return proc_is_worker(&server->child.proc, question->slot, question->generation, sender);
}

static bool take_questions(struct file_server *server)
{
	struct ask question;
	int fd, got = 0, i;
	pid_t sender;

	for (i = 0; i < QUESTIONS_PER_TURN; i++) {
		got = ask_receive_from(FD_FILE, &question, server->body, sizeof(server->body), &fd,
				       &sender);
		if (got == 0)
			break;
		if (fd != -1)
			close(fd);
		/* What was durable when it was asked has happened here, too. */
		file_follow(server);
		if (got == 1 && !is_from(server, &question, sender))
			ask_dropped(&server->child.proc, &server->dropped, &question, sender);
		else if (got == 1 && !(question.flags & ASK_FILE))
			file_question(server, &question);
		else
			proc_count(&server->child.proc, COUNTER_REFUSED_INVALID, 1);
		proc_heartbeat(&server->child.proc);
	}
	return i > 0;
}

/* --- The loop. --- */

static void show(struct file_server *server, enum counter counter, uint64_t value)
{
	atomic_store_explicit(&server->child.proc.own->counters[counter], value,
			      memory_order_relaxed);
}

static void tick(struct file_server *server, uint64_t *next)
{
	const uint64_t now = clock_mono();

	if (now < *next)
		return;
	*next = now + TICK_US;
	grants_expire(&server->grants, clock_utc());
	file_expire_uploads(server);
	file_expire_waiting(server);
	file_retry(server);
	file_expire_removed(server);
	file_keep_cursor(server, false);
}

static void show_all(struct file_server *server)
{
	show(server, COUNTER_FILES_KEPT, server->place.files);
	show(server, COUNTER_FILE_BYTES_KEPT, server->place.bytes);
	show(server, COUNTER_FILE_GRANTS, server->grants.count);
	show(server, COUNTER_FILE_TRANSFERS, server->uploads.count);
}

static int sleep_until(struct file_server *server, uint64_t until)
{
	struct pollfd wait[] = {{.fd = FD_CONTROL, .events = POLLIN},
				{.fd = FD_FILE, .events = POLLIN},
				{.fd = server->child.proc.event[SLOT_FILE], .events = POLLIN}};
	const uint64_t now = clock_mono();
	const int timeout = until > now ? (int)((until - now) / 1000 + 1) : 0;

	return poll(wait, sizeof(wait) / sizeof(wait[0]), timeout) == -1 && errno != EINTR ? -1 : 0;
}

static int serve(struct file_server *server, struct err *err)
{
	uint64_t next = 0;

	while (!should_stop(server)) {
		bool busy;

		proc_heartbeat(&server->child.proc);
		file_follow(server);
		busy = file_refusals(server);
		busy = take_questions(server) || busy;
		busy = file_sweep(server) || busy;
		tick(server, &next);
		show_all(server);
		if (busy)
			continue;
		proc_arm(&server->child.proc);
		file_follow(server);
		if (!file_refusals(server) && sleep_until(server, next) == -1)
			return err_errno(err, "could not wait for questions");
		proc_woken(&server->child.proc);
	}
	return 0;
}

static int open_all(struct file_server *server, struct err *err)
{
	const struct conf *conf = server->child.conf;

	grants_init(&server->grants, conf->files.grants);
	uploads_init(&server->uploads, conf->files.transfers);
	server->place = (struct file_place){.directory = -1, .incoming = -1, .lock = -1};
	if (mailbox_open(&server->mailbox, FD_MAIL + SLOT_FILE, FD_MAIL_BACK + SLOT_FILE,
			 conf->workers.mailbox, err) == -1)
		return -1;
	sandbox_try(SANDBOX_FILES);
	return 0;
}

static void close_all(struct file_server *server)
{
	struct file_waiting *waiting, *next;

	HASH_ITER(hh, server->waiting, waiting, next) {
		HASH_DEL(server->waiting, waiting);
		free(waiting);
	}
	uploads_fini(&server->uploads);
	grants_fini(&server->grants);
	place_close(&server->place);
	if (server->mailbox.out)
		mailbox_close(&server->mailbox);
	cache_free(&server->cache);
	if (server->journal.header)
		journal_unmap(&server->journal);
	conf_free(&server->child.conf);
}

int main(int argc, char **argv)
{
	static struct file_server server;
	struct err err;
	int code = child_start(&server.child, argc, argv);

	if (code != 0)
		return code;
	umask(077);
	if (open_all(&server, &err) == -1) {
		log_error("%s", err.text);
		close_all(&server);
		return EX_OSERR;
	}
	if (begin(&server) && (child_ready(&server.child, PROC_READY, &err) == -1 ||
			       serve(&server, &err) == -1)) {
		log_error("%s", err.text);
		code = EX_OSERR;
	}
	if (server.journal.header)
		file_keep_cursor(&server, true);
	close_all(&server);
	return code;
}
