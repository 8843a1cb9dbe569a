#include "shm/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/code.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

union control_space { /* room for one descriptor, aligned as the kernel wants it */
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

union arrival_space { /* the same and the sender's credentials */
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static void put_descriptor(struct msghdr *msg, union control_space *space, int fd)
{
	struct cmsghdr *cmsg;

	memset(space, 0, sizeof(*space));
	msg->msg_control = space->bytes;
	msg->msg_controllen = sizeof(space->bytes);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

/* Sends one message, or fails with errno at once: shm/fdpass.h would wait, and cannot gather. */
static int send_now(int sock, const struct ask *head, const struct iovec *body, unsigned parts,
		    int fd)
{
	union control_space space;
	struct iovec iov[3] = {{(void *)head, sizeof(*head)}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1 + parts};
	ssize_t n;

	for (unsigned i = 0; i < parts; i++)
		iov[1 + i] = body[i];
	if (fd != -1)
		put_descriptor(&msg, &space, fd);
	do
		n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM ||
	       error == ETOOMANYREFS;
}

int ask_send(int sock, const struct ask *head, const void *body, uint32_t size, const void *more,
	     uint32_t more_size, int fd)
{
	const struct iovec parts[2] = {{(void *)body, size}, {(void *)more, more_size}};
	struct ask sent = *head;

	if (size > ASK_BODY_MAX || more_size > ASK_BODY_MAX - size)
		return CODE_TOO_LARGE;
	sent.size = size + more_size;
	sent.asked = clock_mono();
	if (send_now(sock, &sent, parts, 2, fd) == 0)
		return 0;
	return is_full(errno) ? CODE_BUSY : CODE_UNAVAILABLE;
}

/* Keeps the first descriptor that came and closes whatever else a faulty peer may have sent. */
static int take_descriptor(struct msghdr *msg)
{
	int kept = -1;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (kept == -1)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

static pid_t sender_of(struct msghdr *msg)
{
	struct ucred sender = {.pid = 0};

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_CREDENTIALS &&
		    cmsg->cmsg_len == CMSG_LEN(sizeof(sender)))
			memcpy(&sender, CMSG_DATA(cmsg), sizeof(sender));
	return sender.pid;
}

static bool is_sound(const struct ask *head, ssize_t came, const struct msghdr *msg, int fd)
{
	if (came < (ssize_t)sizeof(*head) || (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return false;
	if (head->flags & ASK_FILE)
		return came == (ssize_t)sizeof(*head) && fd != -1;
	return head->size == (size_t)came - sizeof(*head);
}

int ask_know_senders(int sock, struct err *err)
{
	const int on = 1;

	return setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0
		       ? 0
		       : err_errno(err, "could not have the kernel say who asks");
}

int ask_receive(int sock, struct ask *head_r, void *body, uint32_t size, int *fd_r)
{
	pid_t sender;

	return ask_receive_from(sock, head_r, body, size, fd_r, &sender);
}

int ask_receive_from(int sock, struct ask *head_r, void *body, uint32_t size, int *fd_r,
		     pid_t *sender_r)
{
	union arrival_space space;
	struct iovec iov[2] = {{head_r, sizeof(*head_r)}, {body, size}};
	struct msghdr msg = {.msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = space.bytes,
			     .msg_controllen = sizeof(space.bytes)};
	ssize_t n;

	*fd_r = -1;
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	*fd_r = take_descriptor(&msg);
	*sender_r = sender_of(&msg);
	if (n == 0 && *fd_r == -1)
		return 0; /* the other side is gone: nothing will come */
	if (is_sound(head_r, n, &msg, *fd_r))
		return 1;
	if (*fd_r != -1)
		close(*fd_r);
	*fd_r = -1;
	return -1;
}

static int write_all(int fd, const uint8_t *data, uint32_t size)
{
	while (size > 0) {
		const ssize_t n = write(fd, data, size);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		size -= (uint32_t)n;
	}
	return 0;
}

/* A sealed memory file with the body: whoever maps it can rely on its size and bytes. */
static int body_file(const void *body, uint32_t size, struct err *err)
{
	const int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return err_errno(err, "could not make a memory file for an answer");
	if (write_all(fd, body, size) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	err_errno(err, "could not write an answer of %u bytes to a memory file", size);
	close(fd);
	return -1;
}

static int send_waiting(int sock, const struct ask *head, const struct iovec *body, unsigned parts,
			int fd, struct err *err)
{
	const uint64_t end = clock_mono() + ASK_REPLY_WAIT_US;

	while (send_now(sock, head, body, parts, fd) == -1) {
		struct pollfd wait = {.fd = sock, .events = POLLOUT};
		const uint64_t now = clock_mono();

		if (!is_full(errno))
			return err_errno(err, "could not send an answer to slot %u", head->slot);
		if (now >= end)
			return err_set(err, "dropped an answer: slot %u takes none", head->slot);
		poll(&wait, 1, (int)((end - now) / 1000 + 1));
	}
	return 0;
}

int ask_reply(int reply, const struct ask *question, int code, uint32_t flags, const void *body,
	      uint32_t size, struct err *err)
{
	const struct iovec part = {(void *)body, size};
	struct ask head = *question;
	int fd, result;

	head.size = size;
	head.code = code;
	head.flags = flags & ~(uint32_t)ASK_FILE;
	if (size <= ASK_INLINE_MAX)
		return send_waiting(reply, &head, &part, 1, -1, err);
	fd = body_file(body, size, err);
	if (fd == -1)
		return -1;
	head.flags |= ASK_FILE;
	result = send_waiting(reply, &head, NULL, 0, fd, err);
	close(fd);
	return result;
}

const void *ask_map(int fd, uint32_t size, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *body;

	if (seals == -1 || (seals & SEALS) != SEALS) {
		err_set(err, "could not map an answer: it is no sealed memory file");
		return NULL;
	}
	if (fstat(fd, &st) == -1 || size == 0 || st.st_size < (off_t)size) {
		err_set(err, "could not map an answer: its file is smaller than it says");
		return NULL;
	}
	body = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (body == MAP_FAILED) {
		err_errno(err, "could not map an answer of %u bytes", size);
		return NULL;
	}
	return body;
}

void ask_unmap(const void *body, uint32_t size)
{
	if (body)
		munmap((void *)body, size);
}

void ask_dropped(struct proc *proc, struct log_limit *limit, const struct ask *question, pid_t sender)
{
	const struct proc_page *master = proc->page[SLOT_MASTER];

	proc_count(proc, COUNTER_REFUSED_INVALID, 1);
	if (master != NULL && question->slot < SLOTS &&
	    atomic_load(&master->slots[question->slot].generation) != question->generation)
		return;
	if (log_within(limit, "questions were dropped"))
		log_warning("dropped a question that process %d asked in the name of slot %u",
			    (int)sender, question->slot);
}
