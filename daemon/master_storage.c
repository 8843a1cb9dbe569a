#include "daemon/master_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/clock.h"
#include "conf/log.h"
#include "shm/layout.h"

enum { TOKEN_KEY_SIZE = 32, LOCK_RETRY_US = 50000, PIECE_SIZE = 64 << 10 };

/* Bytes of a new journal that are written at once; what is behind is when it is reached. */
static const off_t WRITTEN_MAX = 1 << 30;

/* By a descriptor: where it was made others may write, who could have put a link in its place. */
static int give_directory(const char *path, const struct account *owner, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result = 0;

	if (fd == -1 || fchown(fd, owner->uid, owner->gid) == -1)
		result = err_errno(err, "could not set the owner of %s", path);
	if (fd != -1)
		close(fd);
	return result;
}

static int make_directory(const char *path, mode_t mode, const struct account *owner,
			  struct err *err)
{
	const mode_t mask = umask(0);
	const int made = mkdir(path, mode);

	umask(mask);
	if (made == -1)
		return errno == EEXIST ? 0 : err_errno(err, "could not make the directory %s", path);
	return owner->change ? give_directory(path, owner, err) : 0;
}

int storage_directories(const struct conf *conf, const struct account *owner,
			const struct account *compliance, struct err *err)
{
	const struct account nobody = {.change = false};
	char path[PATH_MAX];

	if (make_directory(conf->run_directory, 0755, &nobody, err) == -1)
		return -1;
	if (make_directory(conf->state_directory, 0750, owner, err) == -1)
		return -1;
	if (*conf->files.directory &&
	    make_directory(conf->files.directory, 0700, owner, err) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/compliance", conf->state_directory);
	return conf->compliance.enabled ? make_directory(path, 0700, compliance, err) : 0;
}

static int sync_directory_of(const char *path, struct err *err)
{
	char copy[PATH_MAX];
	const char *name;
	int fd, result;

	snprintf(copy, sizeof(copy), "%s", path);
	name = dirname(copy);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return err_errno(err, "could not open %s", name);
	result = fsync(fd) == -1 ? err_errno(err, "could not sync %s", name) : 0;
	close(fd);
	return result;
}

static int check_file(int fd, const char *path, struct stat *st, struct err *err)
{
	if (fstat(fd, st) == -1)
		return err_errno(err, "could not examine %s", path);
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return err_set(err, "%s is not a plain file with one name", path);
	if (st->st_uid != geteuid())
		return err_set(err, "%s belongs to user %u, not to %u", path, st->st_uid, geteuid());
	if (st->st_mode & 077)
		return err_set(err, "%s is open to others: its mode is %03o, not 600", path,
			       st->st_mode & 0777);
	return 0;
}

static int write_zeros(int fd, off_t size)
{
	static const char zeros[PIECE_SIZE];

	for (off_t at = 0; at < size;) {
		const off_t left = size - at;
		const ssize_t written =
			pwrite(fd, zeros, left < PIECE_SIZE ? (size_t)left : PIECE_SIZE, at);

		if (written == -1)
			return -1;
		at += written;
	}
	return 0;
}

/*
 * Reserved as a whole, so that it is known at once if there is no room for it, and written, as it is
 * when the ring has gone round: file systems note of each place that was only reserved when it is
 * written for the first time, and until then a sync takes up to twice as long.
 */
static int fill_zeros(int fd, const void *arg)
{
	const off_t size = *(const off_t *)arg;
	const int error = posix_fallocate(fd, 0, size);

	if (error == 0)
		return write_zeros(fd, size < WRITTEN_MAX ? size : WRITTEN_MAX);
	errno = error;
	return -1;
}

static int fill_random(int fd, const void *arg)
{
	uint8_t key[TOKEN_KEY_SIZE];

	(void)arg;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -1;
	return write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) ? 0 : -1;
}

/* Made under another name and renamed when it is whole and on disk: there is never half a file. */
static int make_file(const char *path, int (*fill)(int fd, const void *arg), const void *arg,
		     struct err *err)
{
	char fresh[PATH_MAX];
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_errno(err, "could not make %s", fresh);
	if (fill(fd, arg) == -1 || fsync(fd) == -1 || rename(fresh, path) == -1) {
		err_errno(err, "could not make %s", path);
		unlink(fresh);
		close(fd);
		return -1;
	}
	close(fd);
	return sync_directory_of(path, err);
}

static int open_journal(const struct conf *conf, int *rw_r, int *ro_r, struct err *err)
{
	const char *path = conf->journal.file;
	const off_t size = JOURNAL_HEADER + (off_t)conf->journal.size;
	struct stat st;

	*rw_r = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (*rw_r == -1 && errno == ENOENT) {
		log_notice("making the journal %s of %" PRIu64 " bytes", path, conf->journal.size);
		if (make_file(path, fill_zeros, &size, err) == -1)
			return -1;
		*rw_r = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	}
	*ro_r = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*rw_r == -1 || *ro_r == -1)
		return err_errno(err, "could not open the journal %s", path);
	if (check_file(*rw_r, path, &st, err) == -1)
		return -1;
	if (st.st_size != size)
		return err_set(err,
			       "journal.size is %" PRIu64 ", but %s was made with %lld: "
			       "set journal.size back to that",
			       conf->journal.size, path, (long long)st.st_size - JOURNAL_HEADER);
	return 0;
}

static int lock_journal(int fd, const char *path, uint64_t wait, struct err *err)
{
	const uint64_t end = clock_mono() + wait;
	bool said = false;

	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			return err_errno(err, "could not lock the journal %s", path);
		if (clock_mono() >= end)
			return err_set(err, "the journal %s is in use by another sequencer", path);
		if (!said)
			log_notice("waiting for an earlier master's sequencer to end");
		said = true;
		usleep(LOCK_RETRY_US);
	}
	return 0;
}

int storage_journal(const struct conf *conf, uint64_t wait, int *rw_r, int *ro_r, struct err *err)
{
	*rw_r = *ro_r = -1;
	if (open_journal(conf, rw_r, ro_r, err) == 0 &&
	    lock_journal(*rw_r, conf->journal.file, wait, err) == 0)
		return 0;
	if (*rw_r != -1)
		close(*rw_r);
	if (*ro_r != -1)
		close(*ro_r);
	*rw_r = *ro_r = -1;
	return -1;
}

static void token_key_path(const struct conf *conf, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/token.key", conf->state_directory);
}

int storage_token_key(const struct conf *conf, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	token_key_path(conf, path);
	if (access(path, F_OK) == -1 && errno == ENOENT &&
	    make_file(path, fill_random, NULL, err) == -1)
		return -1;
	fd = storage_open_token_key(conf, err);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int storage_open_token_key(const struct conf *conf, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	token_key_path(conf, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return err_errno(err, "could not open %s", path);
	if (check_file(fd, path, &st, err) == 0) {
		if (st.st_size == TOKEN_KEY_SIZE)
			return fd;
		err_set(err, "%s has %lld bytes, not %d", path, (long long)st.st_size,
			TOKEN_KEY_SIZE);
	}
	close(fd);
	return -1;
}
