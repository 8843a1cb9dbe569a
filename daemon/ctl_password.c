#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/ctl.h"

/* All of a file, up to one byte more than a password can have. -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t used = 0;
	ssize_t n = 1;

	while (used < size && n != 0) {
		n = read(fd, buffer + used, size - used);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			used += (size_t)n;
	}
	return (ssize_t)used;
}

/* Without the end of its line: "\n" or "\r\n". */
static size_t without_newline(const char *text, size_t length)
{
	if (length > 0 && text[length - 1] == '\n')
		length--;
	if (length > 0 && text[length - 1] == '\r')
		length--;
	return length;
}

static int from_file(const struct ctl *ctl, int fd, char *password_r)
{
	char text[CTL_PASSWORD_MAX + 3];
	const ssize_t size = read_all(fd, text, sizeof(text));
	int code = EX_OK;
	size_t length;

	if (size == -1)
		return ctl_fail(ctl, EX_IOERR, "could not read %s: %s", ctl->option[CTL_PASSWORD_FILE],
				strerror(errno));
	length = without_newline(text, (size_t)size);
	if (length == 0 || length > CTL_PASSWORD_MAX || memchr(text, '\0', length) ||
	    memchr(text, '\n', length)) {
		code = ctl_fail(ctl, EX_DATAERR, "%s is not one line of at most %d bytes",
				ctl->option[CTL_PASSWORD_FILE], CTL_PASSWORD_MAX);
	} else {
		memcpy(password_r, text, length);
		password_r[length] = '\0';
	}
	explicit_bzero(text, sizeof(text));
	return code;
}

static int from_terminal(const struct ctl *ctl, char *password_r)
{
	char again[CTL_PASSWORD_MAX + 1];
	bool same;

	if (!readpassphrase("New password: ", password_r, CTL_PASSWORD_MAX + 1, RPP_REQUIRE_TTY) ||
	    !readpassphrase("Again: ", again, sizeof(again), RPP_REQUIRE_TTY)) {
		explicit_bzero(password_r, CTL_PASSWORD_MAX + 1);
		return ctl_fail(ctl, EX_USAGE,
				"there is no terminal to ask for the password, and no --password-file");
	}
	same = strcmp(password_r, again) == 0;
	explicit_bzero(again, sizeof(again));
	if (same)
		return EX_OK;
	explicit_bzero(password_r, CTL_PASSWORD_MAX + 1);
	return ctl_fail(ctl, EX_DATAERR, "the two passwords are not the same");
}

int ctl_password(const struct ctl *ctl, char password_r[CTL_PASSWORD_MAX + 1])
{
	int code, fd = STDIN_FILENO;

	if (!ctl->option[CTL_PASSWORD_FILE])
		return from_terminal(ctl, password_r);
	if (strcmp(ctl->option[CTL_PASSWORD_FILE], "-") != 0)
		fd = open(ctl->option[CTL_PASSWORD_FILE], O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return ctl_fail(ctl, EX_NOINPUT, "could not open %s: %s", ctl->option[CTL_PASSWORD_FILE],
				strerror(errno));
	code = from_file(ctl, fd, password_r);
	if (fd != STDIN_FILENO)
		close(fd);
	return code;
}
