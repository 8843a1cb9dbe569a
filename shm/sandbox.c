#include "shm/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Nobody asks for these by mistake: the process dies. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
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
	SCMP_SYS(fork),	      SCMP_SYS(vfork),
	SCMP_SYS(listen),
	SCMP_SYS(creat),      SCMP_SYS(truncate),
	SCMP_SYS(unlink),
	SCMP_SYS(rename),     SCMP_SYS(link),
	SCMP_SYS(linkat),     SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),  SCMP_SYS(mkdir),
	SCMP_SYS(rmdir),
	SCMP_SYS(mknod),      SCMP_SYS(mknodat),
	SCMP_SYS(chmod),      SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),   SCMP_SYS(chown),
	SCMP_SYS(fchown),     SCMP_SYS(fchownat),
	SCMP_SYS(lchown),     SCMP_SYS(open),
	SCMP_SYS(openat2),    SCMP_SYS(memfd_create),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(setuid),     SCMP_SYS(setgid),
	SCMP_SYS(setreuid),   SCMP_SYS(setregid),
	SCMP_SYS(setresuid),  SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(tkill),      SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	/* It does what it is told behind the filter's back. */
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),    SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
};

/* These, too, but for whoever keeps files. */
static const int of_files[] = {
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(mkdirat),
};

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

/* What would reach beyond this process: other processes, the network, the terminal. The kernel looks
 * at the lower half of a request of ioctl only. */
static int add_others(scmp_filter_ctx filter)
{
	const uint64_t self = (uint64_t)getpid();
	const struct conditional rules[] = {
		{SCMP_SYS(socket), {0, SCMP_CMP_NE, AF_UNIX, 0}},
		{SCMP_SYS(kill), {0, SCMP_CMP_NE, self, 0}},
		{SCMP_SYS(tgkill), {0, SCMP_CMP_NE, self, 0}},
		{SCMP_SYS(prlimit64), {0, SCMP_CMP_NE, 0, 0}},
		/* By this fork() is made; threads may be. */
		{SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0}},
		{SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI}},
		{SCMP_SYS(ioctl), {1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCLINUX}},
	};

	return add_conditional(filter, rules, sizeof(rules) / sizeof(rules[0]));
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
	const int result = add_list(filter, SCMP_ACT_ERRNO(EPERM), of_files,
				    sizeof(of_files) / sizeof(of_files[0]));

	return result != 0 ? result
			   : add_conditional(filter, rules, sizeof(rules) / sizeof(rules[0]));
}

int sandbox_enter(enum sandbox needs, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result;

	if (filter == NULL)
		return err_set(err, "could not make the filter of system calls");
	result =
		add_list(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof(deadly) / sizeof(deadly[0]));
	if (result == 0)
		result = add_list(filter, SCMP_ACT_ERRNO(EPERM), refused,
				  sizeof(refused) / sizeof(refused[0]));
	/* Its flags stand where no filter can see them: the C library then takes clone. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (result == 0 && needs != SANDBOX_BINDS)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bind), 0);
	if (result == 0)
		result = add_others(filter);
	if (result == 0 && needs != SANDBOX_FILES)
		result = add_writing(filter);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result != 0)
		return err_set(err, "could not install the filter of system calls: %s",
			       strerror(-result));
	return 0;
}
