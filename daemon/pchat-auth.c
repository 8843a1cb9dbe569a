#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "daemon/auth.h"
#include "shm/sandbox.h"
#include "shm/schedule.h"

/*
 * pchat-auth: checks who wants to sign in, and tells the sequencer. It alone has the token key and
 * reads the users' secrets. It takes a question, deals with it, and answers; the database is the
 * only thing that it waits for. It interrupts nobody: where thousands come back at once and it
 * shares a processor with their worker, it takes the questions of a turn together.
 */
enum {
	TICK_US = 1000000,
	REKEY_TICK_US = 5000, /* the sequencer's wake-up comes before or after the cache's change */
	QUESTIONS_PER_TURN = 64,
	EXCHANGES_MAX = 16384,
	ADMINS_MAX = 256,
	DELAYED_MAX = 4096,
};

static int read_key(struct auth *auth, struct err *err)
{
	const ssize_t size = pread(FD_TOKEN_KEY, auth->key, sizeof(auth->key), 0);

	if (size == -1)
		return err_errno(err, "could not read the token key");
	if (size != sizeof(auth->key))
		return err_set(err, "could not read the token key: it has %zd bytes instead of %zu",
			       size, sizeof(auth->key));
	return 0;
}

static int open_all(struct auth *auth, struct err *err)
{
	const struct conf *conf = auth->child.conf;

	auth_local_init(&auth->local, conf);
	auth_table_init(&auth->exchanges, EXCHANGES_MAX);
	auth_table_init(&auth->admins, ADMINS_MAX);
	if (read_key(auth, err) == -1 ||
	    mailbox_open(&auth->mailbox, FD_MAIL + SLOT_AUTH, FD_MAIL_BACK + SLOT_AUTH,
			 conf->workers.mailbox, err) == -1)
		return -1;
	auth->sasl = auth_sasl_new(&conf->auth.mechanisms, auth_account_find, auth, err);
	if (!auth->sasl)
		return -1;
	auth->delay = auth_delay_new(DELAYED_MAX);
	auth->credentials = auth_credentials_new(conf, &auth->child.proc);
	auth->signer = auth_signer_new(auth->key);
	if (!auth->delay || !auth->credentials || !auth->signer || !auth_session_init(auth))
		return err_set(err, "could not get memory for the sign-ins");
	schedule_batch();
	sandbox_try(SANDBOX_DATABASE);
	return 0;
}

static void close_all(struct auth *auth)
{
	auth_table_fini(&auth->exchanges);
	auth_table_fini(&auth->admins);
	auth_sasl_free(&auth->sasl);
	auth_delay_free(&auth->delay);
	auth_credentials_free(&auth->credentials);
	auth_signer_free(&auth->signer);
	auth_session_fini(auth);
	if (auth->mailbox.out)
		mailbox_close(&auth->mailbox);
	cache_free(&auth->cache);
	explicit_bzero(auth->key, sizeof(auth->key));
	conf_free(&auth->child.conf);
}

/* One worker could otherwise have a session opened in the slot of another, too. */
static bool is_from(const struct auth *auth, const struct ask *question, pid_t sender)
{
	return proc_is_worker(&auth->child.proc, question->slot, question->generation, sender);
}

static void drop_question(struct auth *auth, const struct ask *question, pid_t sender, int fd)
{
	ask_dropped(&auth->child.proc, &auth->dropped, question, sender);
	if (fd != -1)
		close(fd);
}

static bool take_questions(struct auth *auth)
{
	struct ask question;
	int fd, got = 0, i;
	pid_t sender;

	for (i = 0; i < QUESTIONS_PER_TURN; i++) {
		got = ask_receive_from(FD_AUTH, &question, auth->body, sizeof(auth->body), &fd,
				       &sender);
		if (got == 0)
			break;
		if (got == 1 && !is_from(auth, &question, sender))
			drop_question(auth, &question, sender, fd);
		else if (got == 1)
			auth_question(auth, &question, auth->body, fd);
		else
			proc_count(&auth->child.proc, COUNTER_REFUSED_INVALID, 1);
	}
	return i > 0;
}

static void tick(struct auth *auth, uint64_t *next)
{
	const uint64_t now = clock_mono();
	const uint64_t age = auth->child.conf->json.handshake_timeout;

	if (now < *next)
		return;
	*next = now + TICK_US;
	auth_table_sweep(&auth->exchanges, now > age ? now - age : 0, &auth->child.proc);
	auth_table_sweep(&auth->admins, 0, &auth->child.proc);
}

/* Sleeps until there is something to do or the time until has come (clock_mono). */
static int sleep_until(struct auth *auth, uint64_t until)
{
	struct pollfd wait[] = {{.fd = FD_CONTROL, .events = POLLIN},
				{.fd = FD_AUTH, .events = POLLIN},
				{.fd = auth->child.proc.event[SLOT_AUTH], .events = POLLIN}};
	const uint64_t now = clock_mono();
	const int timeout = until > now ? (int)((until - now) / 1000 + 1) : 0;

	return poll(wait, sizeof(wait) / sizeof(wait[0]), timeout) == -1 && errno != EINTR ? -1 : 0;
}

static uint64_t wake_time(const struct auth *auth, uint64_t tick)
{
	const uint64_t due = auth_delay_next(auth->delay);
	const uint64_t rekey = auth->rekeys_pending ? clock_mono() + REKEY_TICK_US : tick;
	const uint64_t first = due < tick ? due : tick;

	return rekey < first ? rekey : first;
}

static bool should_stop(struct auth *auth)
{
	struct control control;
	int got;

	while ((got = child_control(&auth->child, &control, NULL, NULL)) == 1) {
		if (control.type == CONTROL_STOP)
			return true;
	}
	return got == -1;
}

static int serve(struct auth *auth, struct err *err)
{
	uint64_t next = 0;

	while (!should_stop(auth)) {
		bool busy;

		proc_heartbeat(&auth->child.proc);
		tick(auth, &next);
		busy = auth_session_refusals(auth);
		busy = take_questions(auth) || busy;
		auth_password_settle(auth);
		auth_answer_due(auth);
		if (busy)
			continue;
		proc_arm(&auth->child.proc);
		if (!auth_session_refusals(auth) &&
		    sleep_until(auth, wake_time(auth, next)) == -1)
			return err_errno(err, "could not wait for questions");
		proc_woken(&auth->child.proc);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct auth auth;
	struct err err;
	int code = child_start(&auth.child, argc, argv);

	if (code != 0)
		return code;
	if (open_all(&auth, &err) == -1 || child_ready(&auth.child, PROC_READY, &err) == -1 ||
	    serve(&auth, &err) == -1) {
		log_error("%s", err.text);
		code = EX_OSERR;
	}
	close_all(&auth);
	return code;
}
