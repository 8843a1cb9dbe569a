#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/clock.h"
#include "daemon/auth_secret.h"
#include "odbc/content.h"
#include "shm/apply.h"
#include "shm/ask.h"
#include "shm/child.h"
#include "shm/fdpass.h"
#include "shm/mailbox.h"

/*
 * pchat-auth itself, as the master starts it: the test is the master, a worker in slot 8 and the
 * sequencer. There is one user, alice, whose password is "correct horse".
 */
enum { GENERATION = 77, ALICE = 7, WAIT_MS = 20000, HIGH = 300 };
static const char PASSWORD[] = "correct horse";

static bool keeps_log; /* of the next process, as a file "log" */

struct bench {
	char directory[64];
	struct conf *conf;
	struct cache shared;
	struct segment master, sequencer, own;
	struct mailbox_reader mail;
	int control, ask, answers, event;
	int given[64], place[64]; /* descriptors for the child, and where it wants them */
	unsigned count;
	pid_t pid;
	uint32_t tag, session;
	uint64_t lsn;
};

static void give(struct bench *b, int fd, int place)
{
	b->given[b->count] = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	assert_true(b->given[b->count] >= HIGH);
	b->place[b->count++] = place;
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void make_conf(struct bench *b)
{
	char path[128], text[1024];
	struct err err;

	strcpy(b->directory, "/tmp/pchat-auth-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	snprintf(path, sizeof(path), "%s/conf", b->directory);
	snprintf(text, sizeof(text),
		 "domain = \"example.test\" user = \"\" worker_user = \"\"\n"
		 "state_directory = \"%s\" run_directory = \"%s\"\n"
		 "log { destination = stderr level = %s }\n"
		 "workers { mailbox = 256k }\n"
		 "cache { rooms = 16 principals = 16 sessions = 16 participants = 16 messages = 16 text = 64k history = 1M }\n"
		 "json { tls = false listen = {\"127.0.0.1:21400\"} }\n"
		 "content { dsn = {\"Driver=SQLite3;Database=%s/content.db\"} }\n"
		 "auth { iterations = 4096 mechanisms = { SCRAM-SHA-256, PLAIN } }\n",
		 b->directory, b->directory, keeps_log ? "info" : "error", b->directory);
	write_file(path, text);
	b->conf = conf_load(path, &err);
	unlink(path);
	assert_non_null(b->conf);
	give(b, conf_snapshot(b->conf, CONF_CONTENT_DSN, &err), FD_CONF);
}

static void keep_secret(struct bench *b, uint32_t iterations)
{
	struct content_credential row = {.mechanism = "SCRAM-SHA-256",
					 .salt_length = AUTH_SALT_SIZE,
					 .stored_length = AUTH_HASH_SIZE,
					 .server_length = AUTH_HASH_SIZE};
	static const char uri[] = "sip:alice@example.test";
	struct auth_secret secret;
	struct err err;
	struct db *db = db_new(&b->conf->content.dsn, &err);

	assert_true(auth_secret_make(PASSWORD, strlen(PASSWORD), 4096, &secret));
	row.iterations = iterations;
	memcpy(row.salt, secret.salt, AUTH_SALT_SIZE);
	memcpy(row.stored_key, secret.stored_key, AUTH_HASH_SIZE);
	memcpy(row.server_key, secret.server_key, AUTH_HASH_SIZE);
	assert_int_equal(db_connect(db, &err), DB_OK);
	assert_int_equal(content_open(db, &err), DB_OK);
	assert_int_equal(content_credential_set(db, uri, strlen(uri), &row, &err), DB_OK);
	db_free(&db);
}

static void make_database(struct bench *b)
{
	keep_secret(b, 4096);
}

static struct text text_of(const char *text)
{
	return (struct text){text, (uint32_t)strlen(text)};
}

static struct event_principal alice(uint32_t epoch)
{
	return (struct event_principal){ALICE, PRINCIPAL_USER, PRINCIPAL_ACTIVE, epoch,
					text_of("sip:alice@example.test"), text_of("Alice")};
}

static void make_cache(struct bench *b)
{
	const struct event_principal principal = alice(1);
	uint8_t payload[256];
	struct err err;
	int rw, ro;

	assert_int_equal(segment_create("cache", cache_size(b->conf, &err), &rw, &ro, &err), 0);
	assert_int_equal(apply_open_shared(&b->shared, rw, &err), 0);
	assert_int_equal(apply_reset(&b->shared, b->conf, (const uint8_t *)"0123456789abcdef", &err), 0);
	assert_int_equal(apply_load_object(&b->shared, EVENT_PRINCIPAL, payload,
					   event_principal_put(&principal, payload, sizeof(payload)),
					   &err),
			 0);
	b->shared.undo = true;
	b->lsn = 4096;
	give(b, ro, FD_CACHE);
	close(rw);
	close(ro);
}

static void make_page(struct bench *b, unsigned slot, struct segment *segment)
{
	struct err err;
	int rw, ro;

	assert_int_equal(segment_create("page", PAGE_SIZE_SHARED, &rw, &ro, &err), 0);
	assert_int_equal(segment_map(segment, rw, true, &err), 0);
	give(b, ro, FD_PAGE + (int)slot);
	if (slot == SLOT_AUTH)
		give(b, rw, FD_PAGE_OWN);
	close(rw);
	close(ro);
}

static void make_pages(struct bench *b)
{
	struct proc_page *master, *sequencer;
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	make_page(b, SLOT_MASTER, &b->master);
	make_page(b, SLOT_SEQUENCER, &b->sequencer);
	make_page(b, SLOT_AUTH, &b->own);
	master = b->master.base;
	sequencer = b->sequencer.base;
	atomic_store(&master->slots[SLOT_WORKER].pid, getpid());
	atomic_store(&master->slots[SLOT_WORKER].generation, GENERATION);
	/* A slot that another process serves. */
	atomic_store(&master->slots[SLOT_WORKER + 1].pid, getppid());
	atomic_store(&master->slots[SLOT_WORKER + 1].generation, GENERATION);
	atomic_store(&sequencer->state, PROC_READY);
	b->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	give(b, b->event, FD_EVENT + SLOT_AUTH);
	give(b, event, FD_EVENT + SLOT_SEQUENCER);
	close(event);
}

static void make_mailbox(struct bench *b)
{
	const uint64_t size = b->conf->workers.mailbox;
	int rw, ro, back_rw, back_ro;
	struct err err;

	assert_int_equal(segment_create("mail", mailbox_sender_size(size), &rw, &ro, &err), 0);
	assert_int_equal(segment_create("back", mailbox_sequencer_size(size), &back_rw, &back_ro, &err), 0);
	assert_int_equal(mailbox_reader_open(&b->mail, ro, back_rw, size, &err), 0);
	give(b, rw, FD_MAIL + SLOT_AUTH);
	give(b, back_ro, FD_MAIL_BACK + SLOT_AUTH);
	close(rw);
	close(ro);
	close(back_rw);
	close(back_ro);
}

/* One end for the test, the other for the child. */
static int make_pair(struct bench *b, int place)
{
	struct err err;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(ask_know_senders(pair[1], &err), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	give(b, pair[1], place);
	close(pair[1]);
	return pair[0];
}

static void make_key(struct bench *b)
{
	const int fd = memfd_create("key", MFD_CLOEXEC);

	assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	give(b, fd, FD_TOKEN_KEY);
	close(fd);
}

static void start(struct bench *b)
{
	const char *build = getenv("PCHAT_BUILD");
	char program[512], path[128];

	snprintf(program, sizeof(program), "%s/daemon/pchat-auth", build ? build : ".");
	b->pid = fork();
	assert_true(b->pid >= 0);
	if (b->pid > 0)
		return;
	if (keeps_log) {
		snprintf(path, sizeof(path), "%s/log", b->directory);
		dup2(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
	}
	for (unsigned i = 0; i < b->count; i++)
		dup2(b->given[i], b->place[i]);
	execl(program, "pchat-auth", "-s", "3", "-g", "78", (char *)NULL);
	_exit(127);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct control control;
	int fds[FDPASS_MAX];
	unsigned count;

	*state = b;
	make_conf(b);
	make_database(b);
	make_cache(b);
	make_pages(b);
	make_mailbox(b);
	make_key(b);
	b->control = make_pair(b, FD_CONTROL);
	b->ask = make_pair(b, FD_AUTH);
	b->answers = make_pair(b, FD_REPLY + SLOT_WORKER);
	start(b);
	for (unsigned i = 0; i < b->count; i++)
		close(b->given[i]);
	assert_int_equal(fdpass_receive(b->control, &control, sizeof(control), fds, &count),
			 sizeof(control));
	assert_int_equal(control.type, CONTROL_READY);
	return 0;
}

static int setup_with_log(void **state)
{
	int result;

	keeps_log = true;
	result = setup(state);
	keeps_log = false;
	return result;
}

static void remove_files(const struct bench *b)
{
	static const char *const files[] = {"content.db", "content.db-wal", "content.db-shm",
					    "admin.sock", "log"};
	char path[128];

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->directory, files[i]);
		unlink(path);
	}
	rmdir(b->directory);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
	}
	remove_files(b);
	mailbox_reader_close(&b->mail);
	segment_unmap(&b->shared.map);
	segment_unmap(&b->master);
	segment_unmap(&b->sequencer);
	segment_unmap(&b->own);
	close(b->control);
	close(b->ask);
	close(b->answers);
	close(b->event);
	conf_free(&b->conf);
	free(b);
	return 0;
}

/* --- The worker's side. --- */

static uint32_t send_question(struct bench *b, enum ask_kind kind, const void *body, size_t size,
			      int fd)
{
	const struct ask head = {.kind = (uint16_t)kind,
				 .slot = SLOT_WORKER,
				 .generation = GENERATION,
				 .tag = ++b->tag,
				 .session = b->session};

	assert_int_equal(ask_send(b->ask, &head, body, (uint32_t)size, NULL, 0, fd), 0);
	return b->tag;
}

struct got {
	struct ask head;
	char body[4096];
};

static void receive(struct bench *b, struct got *got_r)
{
	struct pollfd wait = {.fd = b->answers, .events = POLLIN};
	int fd;

	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_int_equal(ask_receive(b->answers, &got_r->head, got_r->body, sizeof(got_r->body), &fd), 1);
	assert_int_equal(fd, -1);
	assert_int_equal(got_r->head.tag, b->tag);
	assert_int_equal(got_r->head.session, b->session);
}

/* A question from a new session, and its answer's code. */
static int put(struct bench *b, enum ask_kind kind, const void *body, size_t size, int fd,
	       struct got *got_r)
{
	b->session++;
	send_question(b, kind, body, size, fd);
	receive(b, got_r);
	return got_r->head.code;
}

static int plain(struct bench *b, const char *name, const char *password, struct got *got_r)
{
	char body[256];
	const int size = snprintf(body, sizeof(body), "127.0.0.1:21400%cPLAIN%c%c%s%c%s", 0, 0, 0,
				  name, 0, password);

	return put(b, ASK_AUTH_START, body, (size_t)size, -1, got_r);
}

static int resume(struct bench *b, const char *token, size_t length, struct got *got_r)
{
	char body[256] = "[::1]:21401";

	memcpy(body + 12, token, length);
	return put(b, ASK_AUTH_RESUME, body, 12 + length, -1, got_r);
}

/* --- The sequencer's side. --- */

static const struct command *take(struct bench *b)
{
	const uint64_t until = clock_mono() + WAIT_MS * 1000;
	const struct command *command;

	while (mailbox_take(&b->mail, &command) != MAILBOX_COMMAND) {
		assert_true(clock_mono() < until);
		usleep(1000);
	}
	return command;
}

/* Takes the command that opened the newest session. */
static struct command take_open(struct bench *b, struct command_session *session_r)
{
	const struct command *command = take(b);

	assert_int_equal(command->type, COMMAND_SESSION_OPEN);
	assert_int_equal(command->origin.slot, SLOT_WORKER);
	assert_int_equal(command->origin.generation, GENERATION);
	assert_int_equal(command->origin.session, b->session);
	memcpy(session_r, command + 1, sizeof(*session_r));
	return *command;
}

static void publish(struct bench *b)
{
	const uint64_t one = 1;

	mailbox_publish(&b->mail);
	assert_int_equal(write(b->event, &one, sizeof(one)), sizeof(one));
}

static void refuse(struct bench *b, const struct command *command, int code)
{
	const struct answer answer = {
		.number = command->number, .origin = command->origin, .code = code};

	mailbox_put_answer(&b->mail, &answer);
	publish(b);
}

/* Applies what COMMAND_REKEY becomes. */
static void set_epoch(struct bench *b, uint32_t epoch)
{
	struct {
		struct record record;
		uint8_t payload[256];
	} event = {.record = {.lsn = b->lsn, .type = EVENT_PRINCIPAL}};
	const struct event_principal principal = alice(epoch);
	struct err err;

	event.record.payload = event_principal_put(&principal, event.payload, sizeof(event.payload));
	assert_true(event.record.payload > 0);
	event.record.length =
		(uint32_t)(sizeof(event.record) + event.record.payload + 7) & ~UINT32_C(7);
	assert_int_equal(apply_record(&b->shared, &event.record, &err), 0);
	b->lsn += event.record.length;
}

/* A connection that was accepted from the administration socket, with us at its other end. */
static int admin_connection(struct bench *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int accepted;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock", b->directory);
	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	accepted = accept(listener, NULL, NULL);
	assert_true(accepted >= 0);
	close(listener);
	close(client);
	return accepted;
}

static void open_admin(struct bench *b)
{
	struct command_session session;
	struct got got;
	const int fd = admin_connection(b);

	assert_int_equal(put(b, ASK_AUTH_LOCAL, "", 0, fd, &got), CODE_OK);
	assert_int_equal(take_open(b, &session).flags, EVENT_ADMIN);
	assert_int_equal(session.principal, 0);
	publish(b);
	close(fd);
}

static uint32_t ask_password(struct bench *b, const char *name, const char *password)
{
	char body[256];
	const int size = snprintf(body, sizeof(body), "%s%c%s", name, 0, password);

	return send_question(b, ASK_AUTH_PASSWORD, body, (size_t)size, -1);
}

/* --- The tests. --- */

static void token_of(const struct got *got, char token[AUTH_TOKEN_LENGTH])
{
	struct ask_signed_in head;

	memcpy(&head, got->body, sizeof(head));
	assert_int_equal(head.token_size, AUTH_TOKEN_LENGTH);
	assert_int_equal(got->head.size, sizeof(head) + head.final_size + head.token_size);
	assert_true(head.expires > clock_utc());
	memcpy(token, got->body + sizeof(head) + head.final_size, AUTH_TOKEN_LENGTH);
}

static void test_sign_in_opens_a_session_and_its_token_another(void **state)
{
	struct bench *b = *state;
	struct command_session session;
	char token[AUTH_TOKEN_LENGTH];
	struct command open;
	struct got got;

	assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_OK);
	assert_int_equal(got.head.principal, ALICE);
	open = take_open(b, &session);
	assert_int_equal(open.origin.request, b->tag);
	assert_int_equal(open.flags, 0);
	assert_int_equal(session.principal, ALICE);
	assert_int_equal(session.epoch, 1);
	publish(b);
	token_of(&got, token);
	assert_int_equal(resume(b, token, sizeof(token), &got), CODE_OK);
	assert_int_equal(got.head.principal, ALICE);
	take_open(b, &session);
	assert_int_equal(session.principal, ALICE);
	publish(b);
	token_of(&got, token);
	set_epoch(b, 2);
	assert_int_equal(resume(b, token, sizeof(token), &got), CODE_INVALID_TOKEN);
	set_epoch(b, 1);
}

static void test_failed_attempts_are_answered_late(void **state)
{
	struct bench *b = *state;
	const uint64_t before = clock_mono();
	const struct command *command;
	struct got got;

	assert_int_equal(plain(b, "alice", "correct horsf", &got), CODE_AUTHENTICATION_FAILED);
	assert_true(clock_mono() - before >= 1000000);
	assert_int_equal(plain(b, "nobody", PASSWORD, &got), CODE_AUTHENTICATION_FAILED);
	assert_true(clock_mono() - before >= 2000000);
	assert_int_equal(mailbox_take(&b->mail, &command), MAILBOX_EMPTY);
}

static void test_refusal_of_the_sequencer_is_a_second_answer(void **state)
{
	struct bench *b = *state;
	struct command_session session;
	struct command open;
	struct got got;

	assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_OK);
	open = take_open(b, &session);
	refuse(b, &open, CODE_LIMIT_EXCEEDED);
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_LIMIT_EXCEEDED);
}

static void test_nobody_asks_in_the_name_of_another_worker(void **state)
{
	struct bench *b = *state;
	static const char body[] = "127.0.0.1:21400\0PLAIN\0\0alice\0correct horse";
	struct ask head = {.kind = ASK_AUTH_START, .slot = SLOT_WORKER, .generation = GENERATION - 1};
	const struct command *command;
	struct got got;

	assert_int_equal(ask_send(b->ask, &head, body, sizeof(body) - 1, NULL, 0, -1), 0);
	head.slot = SLOT_READER;
	assert_int_equal(ask_send(b->ask, &head, body, sizeof(body) - 1, NULL, 0, -1), 0);
	head.slot = SLOT_WORKER + 1;
	head.generation = GENERATION;
	assert_int_equal(ask_send(b->ask, &head, body, sizeof(body) - 1, NULL, 0, -1), 0);
	assert_int_equal(put(b, ASK_AUTH_STEP, "", 0, -1, &got), CODE_INVALID_FLOW_OF_OPERATIONS);
	assert_int_equal(mailbox_take(&b->mail, &command), MAILBOX_EMPTY);
}

static void test_only_the_administration_socket_makes_administrators(void **state)
{
	struct bench *b = *state;
	struct got got;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(put(b, ASK_AUTH_LOCAL, "", 0, pair[0], &got), CODE_ERROR_PERMISSION);
	assert_int_equal(put(b, ASK_AUTH_LOCAL, "", 0, -1, &got), CODE_ERROR_PERMISSION);
	close(pair[0]);
	close(pair[1]);
	open_admin(b);
}

static unsigned count_lines(const struct bench *b, const char *with)
{
	char path[128], line[1024];
	unsigned count = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", b->directory);
	in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		count += strstr(line, with) != NULL;
	fclose(in);
	return count;
}

/* So many a second are told one by one. */
enum { TOLD = LOG_LIMIT };

static unsigned seconds_since(uint64_t begun)
{
	return (unsigned)((clock_mono() - begun) / 1000000) + 1;
}

static void test_whoever_signs_in_often_does_not_fill_the_log_either(void **state)
{
	enum { SIGN_INS = 200 };
	const uint64_t begun = clock_mono();
	struct bench *b = *state;
	struct command_session session;
	struct got got;

	for (unsigned i = 0; i < SIGN_INS; i++) {
		assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_OK);
		take_open(b, &session);
	}
	assert_in_range(count_lines(b, " signed in from "), TOLD, seconds_since(begun) * TOLD + TOLD);
}

static void test_whoever_is_refused_does_not_fill_the_log(void **state)
{
	enum { ATTEMPTS = 2000 };
	const uint64_t begun = clock_mono();
	struct bench *b = *state;
	unsigned seconds, told;
	struct got got;

	for (unsigned i = 0; i < ATTEMPTS; i++)
		assert_int_equal(put(b, ASK_AUTH_LOCAL, "", 0, -1, &got), CODE_ERROR_PERMISSION);
	seconds = seconds_since(begun);
	told = count_lines(b, "was refused");
	assert_in_range(told, TOLD, seconds * TOLD + TOLD);
	poll(NULL, 0, 1000);
	assert_int_equal(put(b, ASK_AUTH_LOCAL, "", 0, -1, &got), CODE_ERROR_PERMISSION);
	assert_in_range(count_lines(b, "more sign-ins were refused"), 1, seconds + 1);
}

static void test_administrator_changes_a_password(void **state)
{
	struct bench *b = *state;
	struct command_session session;
	struct command_rekey rekey;
	const struct command *command;
	struct got got;

	open_admin(b);
	ask_password(b, "Alice", "battery staple");
	command = take(b);
	assert_int_equal(command->type, COMMAND_REKEY);
	memcpy(&rekey, command + 1, sizeof(rekey));
	assert_int_equal(rekey.principal, ALICE);
	set_epoch(b, 2);
	publish(b);
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_OK);
	assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_AUTHENTICATION_FAILED);
	assert_int_equal(plain(b, "alice", "battery staple", &got), CODE_OK);
	take_open(b, &session);
	assert_int_equal(session.epoch, 2);
	publish(b);
}

/* Out of an archive, say: the process would be busy with it for minutes. */
static void test_a_secret_of_too_many_rounds_is_none(void **state)
{
	struct bench *b = *state;
	struct got got;

	keep_secret(b, INT32_MAX);
	assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_AUTHENTICATION_FAILED);
}

static void test_nobody_else_changes_a_password(void **state)
{
	struct bench *b = *state;
	struct got got;

	b->session++;
	ask_password(b, "alice", "battery staple");
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_ERROR_PERMISSION);
	open_admin(b);
	send_question(b, ASK_AUTH_CANCEL, "", 0, -1);
	ask_password(b, "alice", "battery staple");
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_ERROR_PERMISSION);
}

static void test_password_of_somebody_new_is_kept(void **state)
{
	struct bench *b = *state;
	const struct command *command;
	struct got got;

	open_admin(b);
	ask_password(b, "bob", "short");
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_INVALID_ARGUMENT);
	ask_password(b, "bob", "long enough");
	receive(b, &got);
	assert_int_equal(got.head.code, CODE_OK);
	assert_int_equal(mailbox_take(&b->mail, &command), MAILBOX_EMPTY);
}

static void test_full_mailbox_is_busy(void **state)
{
	struct bench *b = *state;
	const struct command *command;
	char token[AUTH_TOKEN_LENGTH];
	int code = CODE_OK;
	unsigned opened = 0;
	struct got got;

	assert_int_equal(plain(b, "alice", PASSWORD, &got), CODE_OK);
	token_of(&got, token);
	while (code == CODE_OK && opened++ < 5000)
		code = resume(b, token, sizeof(token), &got);
	assert_int_equal(code, CODE_BUSY);
	while (mailbox_take(&b->mail, &command) == MAILBOX_COMMAND)
		continue;
	publish(b);
	assert_int_equal(resume(b, token, sizeof(token), &got), CODE_OK);
}

static void test_nothing_is_known_while_the_sequencer_loads(void **state)
{
	struct bench *b = *state;
	struct proc_page *sequencer = b->sequencer.base;
	struct got got;

	atomic_store(&sequencer->state, PROC_LOADING);
	assert_int_equal(plain(b, "nobody", PASSWORD, &got), CODE_UNAVAILABLE);
}

static void test_it_ends_when_it_is_told(void **state)
{
	struct bench *b = *state;
	const struct control stop = {.type = CONTROL_STOP};
	int status;

	assert_int_equal(send(b->control, &stop, sizeof(stop), 0), sizeof(stop));
	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	b->pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define WITH_PROCESS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCESS(test_sign_in_opens_a_session_and_its_token_another),
		WITH_PROCESS(test_failed_attempts_are_answered_late),
		WITH_PROCESS(test_refusal_of_the_sequencer_is_a_second_answer),
		WITH_PROCESS(test_nobody_asks_in_the_name_of_another_worker),
		WITH_PROCESS(test_only_the_administration_socket_makes_administrators),
		cmocka_unit_test_setup_teardown(
			test_whoever_signs_in_often_does_not_fill_the_log_either, setup_with_log,
			teardown),
		cmocka_unit_test_setup_teardown(test_whoever_is_refused_does_not_fill_the_log,
						setup_with_log, teardown),
		WITH_PROCESS(test_administrator_changes_a_password),
		WITH_PROCESS(test_a_secret_of_too_many_rounds_is_none),
		WITH_PROCESS(test_nobody_else_changes_a_password),
		WITH_PROCESS(test_password_of_somebody_new_is_kept),
		WITH_PROCESS(test_full_mailbox_is_busy),
		WITH_PROCESS(test_nothing_is_known_while_the_sequencer_loads),
		WITH_PROCESS(test_it_ends_when_it_is_told),
	};

	return cmocka_run_group_tests_name("pchat-auth", tests, NULL, NULL);
}
