#include "shm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/log.h"

/* Nobody asks for these by mistake: the process dies. */
static const int of_programs[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
};

static const int deadly[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(reboot),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
};

/* A library might: they fail. */
static const int refused[] = {
	SCMP_SYS(listen),
	SCMP_SYS(creat),
	SCMP_SYS(truncate),
	SCMP_SYS(link),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(mkdir),
	SCMP_SYS(rmdir),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(fchownat),
	SCMP_SYS(lchown),
	SCMP_SYS(open),
	SCMP_SYS(openat2),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(tkill),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	/* It does what it is told behind the filter's back. */
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
};

/* These, too, but for whoever keeps files. */
static const int of_files[] = {
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(linkat),
	SCMP_SYS(mkdirat),
	SCMP_SYS(memfd_create),
	/* So SQLite gives all its files the mode and the owner of the first. */
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
};

/* And these, but for whoever starts programs. */
static const int of_children[] = {
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(pidfd_open),
};

/* Drivers find their servers by these. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

#define ADD_LIST(filter, action, list) \
	add_list(filter, action, list, sizeof(list) / sizeof((list)[0]))
#define ADD_CONDITIONAL(filter, rules) \
	add_conditional(filter, rules, sizeof(rules) / sizeof((rules)[0]))

static int add_list(scmp_filter_ctx filter, uint32_t action, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = seccomp_rule_add(filter, action, list[i], 0);

		if (result != 0)
			return result;
	}
	return 0;
}

/* Calls that are refused for some values of one argument. */
struct conditional {
	int call;
	struct scmp_arg_cmp test;
};

static int add_conditional(scmp_filter_ctx filter, const struct conditional *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), rules[i].call, 1,
						    &rules[i].test);

		if (result != 0)
			return result;
	}
	return 0;
}

/* The kernel looks at the lower half of a request of ioctl only. */
static int add_terminal(scmp_filter_ctx filter)
{
	static const struct conditional rules[] = {
		{SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI}},
		{SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCLINUX}},
	};

	return ADD_CONDITIONAL(filter, rules);
}

/* What would reach other processes, and what would make them. */
static int add_processes(scmp_filter_ctx filter)
{
	const uint64_t self = (uint64_t)getpid();
	const struct conditional rules[] = {
		{SCMP_SYS(kill), {0, SCMP_CMP_NE, self, 0}},
		{SCMP_SYS(tgkill), {0, SCMP_CMP_NE, self, 0}},
		{SCMP_SYS(prlimit64), {0, SCMP_CMP_NE, 0, 0}},
		/* By this fork() is made; threads may be. */
		{SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0}},
	};
	int result = ADD_LIST(filter, SCMP_ACT_KILL_PROCESS, of_programs);

	if (result == 0)
		result = ADD_LIST(filter, SCMP_ACT_ERRNO(EPERM), of_children);
	return result != 0 ? result : ADD_CONDITIONAL(filter, rules);
}

static int add_unix_only(scmp_filter_ctx filter)
{
	static const struct conditional rules[] = {
		{SCMP_SYS(socket), {0, SCMP_CMP_NE, AF_UNIX, 0}},
	};

	return ADD_CONDITIONAL(filter, rules);
}

static bool is_for_drivers(int family)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i] == family)
			return true;
	return false;
}

/* An argument can be compared once only: so each of the others by itself. */
static int add_families(scmp_filter_ctx filter)
{
	const struct conditional beyond = {SCMP_SYS(socket), {0, SCMP_CMP_GE, AF_MAX, 0}};
	int result = add_conditional(filter, &beyond, 1);

	for (int family = 0; family < AF_MAX && result == 0; family++) {
		const struct conditional rule = {SCMP_SYS(socket),
						 {0, SCMP_CMP_EQ, (scmp_datum_t)family, 0}};

		if (!is_for_drivers(family))
			result = add_conditional(filter, &rule, 1);
	}
	return result;
}

/* A file can be made or emptied by who only reads it, too. */
static int add_writing(scmp_filter_ctx filter)
{
	static const struct conditional rules[] = {
		{SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY}},
		{SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR}},
		{SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT}},
		{SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC}},
	};
	const int result = ADD_LIST(filter, SCMP_ACT_ERRNO(EPERM), of_files);

	return result != 0 ? result : ADD_CONDITIONAL(filter, rules);
}

static int add_by_needs(scmp_filter_ctx filter, unsigned needs)
{
	int result = needs & SANDBOX_NETWORK ? add_families(filter) : add_unix_only(filter);

	if (result == 0 && !(needs & (SANDBOX_BINDS | SANDBOX_NETWORK)))
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bind), 0);
	if (result == 0 && !(needs & SANDBOX_FILES))
		result = add_writing(filter);
	if (result == 0 && !(needs & SANDBOX_PROGRAMS))
		result = add_processes(filter);
	return result;
}

int sandbox_enter(unsigned needs, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result;

	if (filter == NULL)
		return err_set(err, "could not make the filter of system calls");
	result = ADD_LIST(filter, SCMP_ACT_KILL_PROCESS, deadly);
	if (result == 0)
		result = ADD_LIST(filter, SCMP_ACT_ERRNO(EPERM), refused);
	/* Its flags stand where no filter can see them: the C library then takes clone. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (result == 0)
		result = add_terminal(filter);
	if (result == 0)
		result = add_by_needs(filter, needs);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result != 0)
		return err_set(err, "could not install the filter of system calls: %s",
			       strerror(-result));
	return 0;
}

void sandbox_try(unsigned needs)
{
#if defined(PCHAT_SANITIZERS) || defined(PCHAT_FAULTS)
	(void)needs;
#else
	struct err err;

	if (sandbox_enter(needs, &err) == -1)
		log_warning("%s", err.text);
#endif
}
