#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"
#include "conf/log.h"
#include "daemon/complaint.h"
#include "daemon/reader_audit.h"
#include "daemon/reader_exceeding.h"
#include "daemon/reader_file.h"
#include "daemon/reader_page.h"
#include "daemon/reader_search.h"
#include "odbc/backoff.h"
#include "shm/child.h"
#include "shm/command.h"
#include "shm/event.h"
#include "shm/mailbox.h"
#include "shm/sandbox.h"

/*
 * A reader: takes the workers' questions from a socket that it shares with the other readers, asks
 * the content database, and answers with the JSON that the client will get. It may wait for the
 * database; when it hangs there for too long the master kills it.
 */
struct reader {
	struct child child;
	struct mailbox mailbox;
	struct db *db; /* owned */
	bool attached;
	struct backoff backoff;
	struct complaint database;
	struct log_limit dropped, unanswered; /* questions */
	struct fragment page; /* of history; its memory is kept */
	uint8_t body[ASK_BODY_MAX];
	uint8_t payload[EVENT_PAYLOAD_MAX]; /* of a COMMAND_FILL */
};

enum {
	IDLE_MS = 1000,
	TURN_US = 2000, /* questions that are waiting are taken for so long */
};

/* --- The database. --- */

static void database_failed(struct reader *reader, enum db_result result, const struct err *err)
{
	struct err what;

	proc_count(&reader->child.proc, COUNTER_DATABASE_ERRORS, 1);
	err_set(&what, "the content database failed (%s): %.400s", db_result_name(result),
		err->text);
	complaint_tell(&reader->database, &what);
	db_disconnect(reader->db);
	reader->attached = false;
	backoff_failed(&reader->backoff, clock_mono());
}

/* The schema is the store's: until it has made or upgraded it there is nothing to read. */
static void try_attach(struct reader *reader)
{
	enum db_result result;
	struct err err;

	if (reader->attached || !backoff_due(&reader->backoff, clock_mono()))
		return;
	result = db_connect(reader->db, &err);
	if (result == DB_OK)
		result = content_check(reader->db, &err);
	if (result != DB_OK) {
		database_failed(reader, result, &err);
		return;
	}
	reader->attached = true;
	backoff_worked(&reader->backoff);
	if (complaint_end(&reader->database))
		log_notice("the content database is back");
}

/* --- Filling the cache. --- */

struct fill {
	struct reader *reader;
	const struct ask_history *ask;
	uint64_t below; /* everything from here on was sent */
	bool whole;
};

static bool send_fill(struct fill *fill, const struct command_fill *fixed,
		      const struct event_message *event)
{
	struct reader *reader = fill->reader;
	const struct command head = {.type = COMMAND_FILL, .room = fill->ask->room};
	const uint32_t size = event_message_put(event, reader->payload, sizeof(reader->payload));

	if (size == 0 || mailbox_send(&reader->mailbox, &head, fixed, sizeof(*fixed),
				      reader->payload, size) == 0)
		return false;
	fill->below = fixed->seq;
	return true;
}

/* Numbers that no message has any more hold their places in the cache, too. */
static bool fill_hole(struct fill *fill, uint64_t seq)
{
	if (fill->below - seq > READER_PAGE_MAX)
		return false;
	while (fill->below > seq + 1) {
		const struct command_fill gone = {.seq = fill->below - 1,
						  .asked = fill->ask->asked,
						  .flags = EVENT_GONE};

		if (!send_fill(fill, &gone, &(struct event_message){0}))
			return false;
	}
	return true;
}

static struct text text_of(struct db_bytes bytes)
{
	return (struct text){bytes.data, (uint32_t)bytes.length};
}

/* Rows that do not join are of no use to the cache; a full mailbox may have them another time. */
static bool fill_row(const struct content_history_row *row, void *arg)
{
	struct fill *fill = arg;
	const struct content_message *message = &row->message;
	const struct command_fill fixed = {.seq = message->seq,
					   .time = message->time,
					   .asked = fill->ask->asked,
					   .author = message->author,
					   .flags = message->flags};
	const struct event_message event = {.id = text_of(message->id),
					    .title = text_of(message->title),
					    .text = text_of(message->text),
					    .rich_type = text_of(message->rich_type),
					    .rich = text_of(message->rich)};

	fill->whole = fill_hole(fill, message->seq) && send_fill(fill, &fixed, &event);
	return fill->whole;
}

/* --- Questions. --- */

static void answer(struct reader *reader, const struct ask *question, int code, uint32_t flags,
		   const struct fragment *json)
{
	struct err err;

	if (code != CODE_OK)
		proc_count(&reader->child.proc, counter_of_code(code), 1);
	if (ask_reply(FD_REPLY + question->slot, question, code, flags, json ? json->data : NULL,
		      json ? (uint32_t)json->used : 0, &err) == -1 &&
	    log_within(&reader->unanswered, "answers could not be sent"))
		log_warning("%s", err.text);
}

static void finish(struct reader *reader, const struct ask *question, enum db_result result,
		   uint32_t flags, const struct fragment *json, const struct err *err)
{
	if (result == DB_BAD_DATA) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
	} else if (result != DB_OK) {
		database_failed(reader, result, err);
		answer(reader, question, CODE_UNAVAILABLE, 0, NULL);
	} else if (json->failed || json->used > UINT32_MAX) {
		log_error("an answer was dropped: there is no memory for it");
		answer(reader, question, CODE_BUSY, 0, NULL);
	} else {
		answer(reader, question, CODE_OK, flags, json);
	}
}

static void ask_for_history(struct reader *reader, const struct ask *question)
{
	struct fragment *const page = &reader->page;
	struct ask_history ask;
	struct fill fill = {.reader = reader, .ask = &ask};
	enum db_result result;
	uint32_t flags;
	struct err err;

	if (question->size != sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	memcpy(&ask, reader->body, sizeof(ask));
	fill.below = ask.before;
	fragment_clear(page);
	result = reader_history(reader->db, &ask, page, &flags, ask.fill ? fill_row : NULL, &fill,
				&err);
	if (fill.below != ask.before)
		proc_wake(&reader->child.proc, SLOT_SEQUENCER);
	if (fill.whole)
		flags |= ASK_FILLED;
	finish(reader, question, result, flags, page, &err);
}

static void ask_for_moment(struct reader *reader, const struct ask *question)
{
	struct fragment json = {0};
	struct ask_moment ask;
	enum db_result result;
	uint32_t flags;
	struct err err;

	if (question->size != sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	memcpy(&ask, reader->body, sizeof(ask));
	result = reader_moment(reader->db, &ask, &json, &flags, &err);
	finish(reader, question, result, flags, &json, &err);
	fragment_free(&json);
}

/* False: it is malformed. The parts point into the body. */
static bool parse_search(const struct reader *reader, const struct ask *question,
			 struct ask_search *ask, struct ask_search_room *rooms, struct text *words_r)
{
	size_t size = sizeof(*ask);

	if (question->size < size)
		return false;
	memcpy(ask, reader->body, size);
	if (ask->rooms > ASK_SEARCH_ROOMS || ask->match > SEARCH_PHRASE ||
	    question->size - size < ask->rooms * sizeof(*rooms))
		return false;
	memcpy(rooms, reader->body + size, ask->rooms * sizeof(*rooms));
	size += ask->rooms * sizeof(*rooms);
	*words_r = (struct text){(const char *)reader->body + size,
				 (uint32_t)(question->size - size)};
	return true;
}

static void ask_for_messages(struct reader *reader, const struct ask *question)
{
	/* The last quarter of the time is for what is under way then, and for the answer. */
	const uint64_t deadline = clock_mono() + reader->child.conf->content.query_timeout / 4 * 3;
	struct ask_search_room rooms[ASK_SEARCH_ROOMS];
	struct reader_search_cost cost = {0};
	struct fragment json = {0};
	struct search_text text;
	struct ask_search ask;
	enum db_result result;
	struct text words;
	struct err err;

	if (!parse_search(reader, question, &ask, rooms, &words) ||
	    !search_text_init(&text, ask.match, ask.sensitive, words.data, words.length)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	result = reader_search(reader->db, &ask, rooms, &text, reader->child.conf->domain, deadline,
			       &json, &cost, &err);
	proc_count(&reader->child.proc, COUNTER_SEARCHES, 1);
	proc_count(&reader->child.proc, COUNTER_SEARCHES_INDEXED, cost.indexed);
	proc_count(&reader->child.proc, COUNTER_SEARCH_ROWS, cost.rows);
	finish(reader, question, result, 0, &json, &err);
	search_text_fini(&text);
	fragment_free(&json);
}

static void ask_for_audit(struct reader *reader, const struct ask *question)
{
	const uint64_t deadline = clock_mono() + reader->child.conf->content.query_timeout / 4 * 3;
	const char *texts = (const char *)reader->body + sizeof(struct ask_audit);
	struct fragment json = {0};
	struct ask_audit ask;
	enum db_result result;
	struct err err;

	if (question->size < sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	memcpy(&ask, reader->body, sizeof(ask));
	if ((size_t)ask.actor + ask.object + ask.what != question->size - sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	result = reader_audit(reader->db, &ask, texts, reader->child.conf->domain, deadline, &json,
			      &err);
	finish(reader, question, result, 0, &json, &err);
	fragment_free(&json);
}

static void ask_for_files(struct reader *reader, const struct ask *question)
{
	struct fragment json = {0};
	enum db_result result;
	struct ask_files ask;
	struct err err;

	if (question->size != sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	memcpy(&ask, reader->body, sizeof(ask));
	result = reader_files(reader->db, &ask, reader->child.conf->domain, &json, &err);
	if (result == DB_END)
		answer(reader, question, CODE_NO_SUCH_NODE, 0, NULL);
	else
		finish(reader, question, result, 0, &json, &err);
	fragment_free(&json);
}

static void ask_for_exceeding(struct reader *reader, const struct ask *question)
{
	const uint64_t deadline = clock_mono() + reader->child.conf->content.query_timeout / 4 * 3;
	struct ask_exceeding ask;
	struct fragment ids = {0};
	enum db_result result;
	struct err err;
	bool over;

	if (question->size != sizeof(ask)) {
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
		return;
	}
	memcpy(&ask, reader->body, sizeof(ask));
	result = reader_exceeding(reader->db, &ask, deadline, &ids, &over, &err);
	if (result == DB_OK && over)
		answer(reader, question, CODE_TIMEOUT, 0, NULL);
	else
		finish(reader, question, result, 0, &ids, &err);
	fragment_free(&ids);
}

typedef void answer_fn(struct reader *reader, const struct ask *question);

static answer_fn *const answers[] = {
	[ASK_HISTORY] = ask_for_history,     [ASK_MOMENT] = ask_for_moment,
	[ASK_SEARCH] = ask_for_messages,     [ASK_AUDIT] = ask_for_audit,
	[ASK_EXCEEDING] = ask_for_exceeding, [ASK_FILES] = ask_for_files,
};

static void work(struct reader *reader, const struct ask *question)
{
	const unsigned known = sizeof(answers) / sizeof(answers[0]);

	try_attach(reader);
	if (question->kind >= known || !answers[question->kind])
		answer(reader, question, CODE_INVALID_ARGUMENT, 0, NULL);
	else if (!reader->attached)
		answer(reader, question, CODE_UNAVAILABLE, 0, NULL);
	else
		answers[question->kind](reader, question);
}

static bool is_stale(const struct reader *reader, const struct ask *question, uint64_t now)
{
	return now > question->asked &&
	       now - question->asked >= reader->child.conf->content.query_timeout;
}

/* Takes one question. False: there is none, or another reader was faster. */
static bool take_question(struct reader *reader, uint64_t now)
{
	struct proc *proc = &reader->child.proc;
	struct ask question;
	int fd;
	pid_t sender;
	const int taken = ask_receive_from(FD_QUESTIONS, &question, reader->body,
					   sizeof(reader->body), &fd, &sender);

	if (fd != -1)
		close(fd);
	if (taken == 0)
		return false;
	if (taken == -1 || question.flags & ASK_FILE) {
		proc_count(proc, COUNTER_COMMANDS_INVALID, 1);
		return true;
	}
	if (!proc_is_worker(proc, question.slot, question.generation, sender)) {
		ask_dropped(proc, &reader->dropped, &question, sender);
		return true;
	}
	proc_count(proc, COUNTER_QUESTIONS, 1);
	if (is_stale(reader, &question, now)) {
		proc_count(proc, COUNTER_REFUSED_TIMEOUT, 1);
		return true;
	}
	atomic_store(&proc->own->busy_since, now);
	work(reader, &question);
	atomic_store(&proc->own->busy_since, 0);
	return true;
}

/* While there are short ones nobody else is asked what there is, and the database's file is looked
 * at once. */
static void take_questions(struct reader *reader)
{
	const uint64_t begin = clock_mono();
	uint64_t now = begin;

	db_turn(reader->db);
	while (now - begin < TURN_US && take_question(reader, now))
		now = clock_mono();
}

/* --- The loop. --- */

/* False: to be stopped. */
static bool note_control(struct reader *reader)
{
	struct control control;
	int got;

	while ((got = child_control(&reader->child, &control, NULL, NULL)) > 0)
		if (control.type == CONTROL_STOP)
			return false;
	return got == 0;
}

static int wait_ms(const struct reader *reader)
{
	const uint64_t now = clock_mono();

	if (reader->attached)
		return IDLE_MS;
	if (reader->backoff.next <= now)
		return 0;
	return reader->backoff.next - now < IDLE_MS * 1000
		       ? (int)((reader->backoff.next - now) / 1000) + 1
		       : IDLE_MS;
}

static void run(struct reader *reader)
{
	struct pollfd fds[] = {{.fd = FD_CONTROL, .events = POLLIN},
			       {.fd = FD_QUESTIONS, .events = POLLIN}};
	struct answer ignored;

	for (;;) {
		try_attach(reader);
		proc_heartbeat(&reader->child.proc);
		if (poll(fds, 2, wait_ms(reader)) <= 0)
			continue;
		if (fds[0].revents != 0 && !note_control(reader))
			return;
		if (fds[1].revents != 0)
			take_questions(reader);
		while (mailbox_answer(&reader->mailbox, &ignored))
			; /* what could not be filled does no harm */
	}
}

static int open_all(struct reader *reader, struct err *err)
{
	const struct conf *conf = reader->child.conf;
	const unsigned slot = reader->child.slot;

	if (mailbox_open(&reader->mailbox, FD_MAIL + (int)slot, FD_MAIL_BACK + (int)slot,
			 conf->workers.mailbox, err) == -1)
		return -1;
	reader->db = db_new(&conf->content.dsn, err);
	if (!reader->db)
		return -1;
	sandbox_try(SANDBOX_DATABASE);
	return 0;
}

int main(int argc, char **argv)
{
	static struct reader reader;
	struct err err;
	const int status = child_start(&reader.child, argc, argv);

	if (status != 0)
		return status;
	if (open_all(&reader, &err) == -1 || child_ready(&reader.child, PROC_READY, &err) == -1) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	run(&reader);
	db_free(&reader.db);
	fragment_free(&reader.page);
	mailbox_close(&reader.mailbox);
	conf_free(&reader.child.conf);
	return EX_OK;
}
