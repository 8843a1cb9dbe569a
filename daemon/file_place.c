#include "daemon/file_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/fault.h"
#include "conf/hex.h"
#include "daemon/file_about.h"

/* "removed/xx/" and a UUID with ".json" behind it. */
enum { FILE_PATH = 8 + 3 + HEX_UUID + 5, DIRECTORY_PATH = 8 + 3, ALIVE_EVERY = 1024 };

static const char incoming[] = "incoming", removed[] = "removed";

/* In the directory of its first two digits; in incoming the path behind them. */
static const char *path_of(const uint8_t file[16], const char *ending, char out[FILE_PATH])
{
	char uuid[HEX_UUID];

	hex_uuid_encode(file, uuid);
	snprintf(out, FILE_PATH, "%.2s/%s%s", uuid, uuid, ending);
	return out;
}

static const char *removed_path_of(const uint8_t file[16], const char *ending, char out[FILE_PATH])
{
	char path[FILE_PATH];

	snprintf(out, FILE_PATH, "%s/%.*s", removed, FILE_PATH - 9, path_of(file, ending, path));
	return out;
}

static const char *name_of(const uint8_t file[16], const char *ending, char out[FILE_PATH])
{
	return path_of(file, ending, out) + 3;
}

/* --- Opening. --- */

static int make_directory(int at, const char *name, struct err *err)
{
	if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_errno(err, "could not make the directory %s of files.directory", name);
}

static int open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int lock(struct file_place *place, struct err *err)
{
	place->lock = openat(place->directory, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			     0600);
	if (place->lock == -1)
		return err_errno(err, "could not make .lock in files.directory");
	if (flock(place->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, "files.directory is in use by another process");
	return err_errno(err, "could not lock files.directory");
}

static int make_parts(struct file_place *place, const char *above, struct err *err)
{
	char name[DIRECTORY_PATH + 1];

	for (unsigned first = 0; first < 256; first++) {
		snprintf(name, sizeof(name), "%s%02x", above, first);
		if (make_directory(place->directory, name, err) == -1)
			return -1;
	}
	return 0;
}

/* All of them at once: when the disk is full it is too late. */
static int make_directories(struct file_place *place, struct err *err)
{
	if (make_parts(place, "", err) == -1 ||
	    make_directory(place->directory, incoming, err) == -1)
		return -1;
	if (!place->keep)
		return 0;
	return make_directory(place->directory, removed, err) == -1
		       ? -1
		       : make_parts(place, "removed/", err);
}

int place_open(struct file_place *place, const char *path, bool keep, struct err *err)
{
	*place = (struct file_place){.directory = -1, .incoming = -1, .lock = -1, .keep = keep};
	place->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->directory == -1)
		return err_errno(err, "could not open files.directory %s", path);
	if (lock(place, err) == -1 || make_directories(place, err) == -1)
		goto fail;
	place->incoming = open_directory(place->directory, incoming);
	if (place->incoming != -1)
		return 0;
	err_errno(err, "could not open %s of files.directory", incoming);
fail:
	place_close(place);
	return -1;
}

static void close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void place_close(struct file_place *place)
{
	close_one(&place->incoming);
	close_one(&place->lock);
	close_one(&place->directory);
}

/* --- Walking. --- */

typedef int visit_fn(struct file_place *place, int at, const char *name, void *arg,
		     struct err *err);

/* Every name in a directory but those that begin with a dot; what visit returns other than 0 ends it. */
static int walk(struct file_place *place, const char *name, visit_fn *visit, void *arg,
		struct err *err)
{
	const int fd = open_directory(place->directory, name);
	const struct dirent *entry;
	int result = 0;
	DIR *dir;

	if (fd == -1 && errno == ENOENT)
		return 0;
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		err_errno(err, "could not open %s of files.directory", name);
		if (fd != -1)
			close(fd);
		return -1;
	}
	errno = 0;
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			result = visit(place, dirfd(dir), entry->d_name, arg, err);
		errno = 0;
	}
	if (result == 0 && errno != 0)
		result = err_errno(err, "could not read %s of files.directory", name);
	closedir(dir);
	return result;
}

struct count {
	void (*alive)(void *arg);
	void *arg;
	uint64_t seen, files, bytes;
};

static int count_one(struct file_place *place, int at, const char *name, void *arg, struct err *err)
{
	struct count *count = arg;
	struct stat st;
	uint8_t file[16];

	(void)place;
	(void)err;
	if (++count->seen % ALIVE_EVERY == 0)
		count->alive(count->arg);
	if (hex_uuid_decode(name, strlen(name), file) &&
	    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		count->files++;
		count->bytes += (uint64_t)st.st_size;
	}
	return 0;
}

static int count_parts(struct file_place *place, const char *above, struct count *count,
		       struct err *err)
{
	char name[DIRECTORY_PATH + 1];

	for (unsigned first = 0; first < 256; first++) {
		snprintf(name, sizeof(name), "%s%02x", above, first);
		if (walk(place, name, count_one, count, err) == -1)
			return -1;
		count->alive(count->arg);
	}
	return 0;
}

int place_count(struct file_place *place, void (*alive)(void *arg), void *arg, struct err *err)
{
	struct count there = {.alive = alive, .arg = arg}, gone = there;

	if (count_parts(place, "", &there, err) == -1 ||
	    count_parts(place, "removed/", &gone, err) == -1)
		return -1;
	place->files = there.files;
	place->bytes = there.bytes;
	place->removed = gone.bytes;
	return 0;
}

static int clear_one(struct file_place *place, int at, const char *name, void *arg, struct err *err)
{
	(void)place;
	(void)arg;
	if (unlinkat(at, name, 0) == -1 && errno != ENOENT)
		return err_errno(err, "could not remove an upload that was broken off");
	return 0;
}

int place_clear(struct file_place *place, struct err *err)
{
	return walk(place, incoming, clear_one, NULL, err);
}

/* --- What comes in. --- */

int place_create(struct file_place *place, const uint8_t file[16], uint64_t size, struct err *err)
{
	char name[FILE_PATH];
	int fd, error;

	place_discard(place, file);
	fd = openat(place->incoming, name_of(file, "", name),
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_errno(err, "could not begin to keep a file");
	error = size > 0 ? posix_fallocate(fd, 0, (off_t)size) : 0;
	if (error == 0)
		return fd;
	errno = error;
	err_errno(err, "could not get room for a file of %llu bytes", (unsigned long long)size);
	close(fd);
	place_discard(place, file);
	return -1;
}

static int write_about(struct file_place *place, const struct file_about *about, struct err *err)
{
	char name[FILE_PATH], *text = about_print(about);
	const size_t size = text ? strlen(text) : 0;
	int fd, result = -1;

	if (!text)
		return err_set(err, "could not write what a file is: out of memory");
	fd = openat(place->incoming, name_of(about->file, ".json", name),
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0)
		result = 0;
	else
		err_errno(err, "could not write what a file is");
	if (fd != -1)
		close(fd);
	about_free(&text);
	return result;
}

int place_complete(struct file_place *place, int fd, const struct file_about *about,
		   struct err *err)
{
	if (fsync(fd) == -1)
		return err_errno(err, "could not sync a file");
	fault_point("file.synced");
	if (write_about(place, about, err) == -1)
		return -1;
	if (fsync(place->incoming) == -1)
		return err_errno(err, "could not sync a directory of files");
	fault_point("file.complete");
	return 0;
}

/* The time stands at the beginning, and always takes as many bytes: nothing moves, and the disk need
 * not have room for anything. */
static int set_time(struct file_place *place, const char *name, uint64_t time, struct err *err)
{
	char text[ABOUT_TIME];
	int fd, result;

	fd = openat(place->incoming, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : err_errno(err, "could not open what a file is");
	about_time(time, text);
	result = pwrite(fd, text, ABOUT_TIME - 1, ABOUT_TIME_AT) == ABOUT_TIME - 1 &&
				 fdatasync(fd) == 0
			 ? 1
			 : err_errno(err, "could not write what a file is");
	close(fd);
	return result;
}

/* The one in which a path is. */
static int sync_directory(struct file_place *place, const char *path, struct err *err)
{
	char name[DIRECTORY_PATH + 1];
	int fd;

	snprintf(name, sizeof(name), "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = open_directory(place->directory, name);
	if (fd == -1 || fsync(fd) == -1)
		err_errno(err, "could not sync a directory of files");
	else
		name[0] = '\0';
	if (fd != -1)
		close(fd);
	return name[0] ? -1 : 0;
}

/* Where it was moved already, and what it is was not, a predecessor was killed in between. */
static int move(struct file_place *place, const uint8_t file[16], struct err *err)
{
	char from[FILE_PATH], to[FILE_PATH];

	path_of(file, "", to);
	if (renameat(place->incoming, name_of(file, "", from), place->directory, to) == -1 &&
	    (errno != ENOENT || faccessat(place->directory, to, F_OK, AT_SYMLINK_NOFOLLOW) == -1))
		return err_errno(err, "could not move a file to its place");
	fault_point("file.moved");
	if (renameat(place->incoming, name_of(file, ".json", from), place->directory,
		     path_of(file, ".json", to)) == -1)
		return err_errno(err, "could not move what a file is to its place");
	return sync_directory(place, to, err);
}

int place_settle(struct file_place *place, const uint8_t file[16], uint64_t time, struct err *err)
{
	struct file_about about;
	char name[FILE_PATH];
	int result = set_time(place, name_of(file, ".json", name), time, err);

	if (result == 0)
		return place_read(place, file, &about, err);
	if (result == -1 || move(place, file, err) == -1)
		return -1;
	result = place_read(place, file, &about, err);
	if (result == 1) {
		place->files++;
		place->bytes += about.size;
	}
	return result;
}

/* As place_read, of a descriptor, which it closes. */
static int read_about(int fd, const uint8_t file[16], struct file_about *about_r, struct err *err)
{
	char text[ABOUT_MAX];
	ssize_t size;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_errno(err, "could not open what a file is");
	size = pread(fd, text, sizeof(text), 0);
	close(fd);
	if (size == -1)
		return err_errno(err, "could not read what a file is");
	if (!about_parse(text, (size_t)size, about_r) || memcmp(about_r->file, file, 16) != 0)
		return err_set(err, "what a file is makes no sense");
	return 1;
}

/* One that is not complete yet may have no more than a part of its .json. */
static int adopt_one(struct file_place *place, int at, const char *name, void *arg, struct err *err)
{
	const uint64_t *time = arg;
	struct file_about about;
	uint8_t file[16];

	if (strlen(name) != HEX_UUID - 1 + strlen(".json") || strcmp(name + HEX_UUID - 1, ".json") != 0 ||
	    !hex_uuid_decode(name, HEX_UUID - 1, file) ||
	    read_about(openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), file, &about,
		       err) != 1)
		return 0;
	return place_settle(place, file, *time, err) == -1 ? -1 : 0;
}

int place_adopt(struct file_place *place, uint64_t time, struct err *err)
{
	return walk(place, incoming, adopt_one, &time, err);
}

void place_discard(struct file_place *place, const uint8_t file[16])
{
	char name[FILE_PATH];

	/* Nothing there is normal; what cannot be removed goes at the next start. */
	(void)unlinkat(place->incoming, name_of(file, ".json", name), 0);
	(void)unlinkat(place->incoming, name_of(file, "", name), 0);
}

/* --- What is there. --- */

static int open_file(struct file_place *place, const uint8_t file[16], const char *ending)
{
	char path[FILE_PATH];

	return openat(place->directory, path_of(file, ending, path),
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int place_read(struct file_place *place, const uint8_t file[16], struct file_about *about_r,
	       struct err *err)
{
	return read_about(open_file(place, file, ".json"), file, about_r, err);
}

ssize_t place_chunk(struct file_place *place, const uint8_t file[16], uint64_t offset, void *out,
		    size_t size, struct err *err)
{
	const int fd = open_file(place, file, "");
	size_t got = 0;
	ssize_t n = 0;

	if (fd == -1)
		return err_errno(err, "could not open a file");
	while (got < size) {
		n = pread(fd, (uint8_t *)out + got, size - got, (off_t)(offset + got));
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (n == -1)
		err_errno(err, "could not read a file");
	close(fd);
	return n == -1 ? -1 : (ssize_t)got;
}

bool place_has(struct file_place *place, const uint8_t file[16], uint64_t size)
{
	char path[FILE_PATH];
	struct stat st;

	return fstatat(place->directory, path_of(file, "", path), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* One of the two files of a file: away, or to where removed ones stay from now on. */
static int take_away(struct file_place *place, const uint8_t file[16], const char *ending,
		     struct err *err)
{
	char path[FILE_PATH], to[FILE_PATH];
	int result;

	path_of(file, ending, path);
	if (!place->keep) {
		result = unlinkat(place->directory, path, 0);
	} else {
		removed_path_of(file, ending, to);
		result = utimensat(place->directory, path, NULL, AT_SYMLINK_NOFOLLOW);
		if (result == 0)
			result = renameat(place->directory, path, place->directory, to);
	}
	if (result == -1 && errno != ENOENT)
		return err_errno(err, "could not remove a file");
	return 0;
}

static void lessen(uint64_t *bytes, uint64_t size)
{
	*bytes -= size < *bytes ? size : *bytes;
}

int place_remove(struct file_place *place, const uint8_t file[16], struct err *err)
{
	char path[FILE_PATH];
	struct stat st = {0};
	bool was;

	was = fstatat(place->directory, path_of(file, "", path), &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (take_away(place, file, "", err) == -1)
		return -1;
	fault_point("file.emptied");
	if (take_away(place, file, ".json", err) == -1)
		return -1;
	if (!was)
		return 0;
	place->files -= place->files > 0;
	lessen(&place->bytes, (uint64_t)st.st_size);
	if (place->keep)
		place->removed += (uint64_t)st.st_size;
	if (place->keep && sync_directory(place, removed_path_of(file, "", path), err) == -1)
		return -1;
	return sync_directory(place, path_of(file, "", path), err) == -1 ? -1 : 1;
}

struct sweep {
	const uint8_t (*rooms)[16];
	unsigned count;
	int removed;
};

/* A content may be gone already. */
static bool is_about(const char *name, uint8_t file_r[16])
{
	const size_t length = strlen(name);

	return length == HEX_UUID - 1 + 5 && strcmp(name + HEX_UUID - 1, ".json") == 0 &&
	       hex_uuid_decode(name, HEX_UUID - 1, file_r);
}

static int sweep_one(struct file_place *place, int at, const char *name, void *arg, struct err *err)
{
	struct sweep *sweep = arg;
	struct file_about about;
	struct err why;
	uint8_t file[16];

	(void)at;
	/* What cannot be read is not taken for somebody's: "pchatctl file check" tells of it. */
	if (!is_about(name, file) || place_read(place, file, &about, &why) != 1)
		return 0;
	for (unsigned i = 0; i < sweep->count; i++) {
		if (memcmp(sweep->rooms[i], about.room, 16) != 0)
			continue;
		if (place_remove(place, file, err) == -1)
			return -1;
		sweep->removed++;
		break;
	}
	return 0;
}

int place_sweep(struct file_place *place, uint8_t first, const uint8_t (*rooms)[16], unsigned count,
		struct err *err)
{
	struct sweep sweep = {rooms, count, 0};
	char name[3];

	snprintf(name, sizeof(name), "%02x", first);
	return walk(place, name, sweep_one, &sweep, err) == -1 ? -1 : sweep.removed;
}

/* --- What was removed. --- */

struct expire {
	uint64_t before;
	int deleted;
};

static uint64_t time_of(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000;
}

static int expire_one(struct file_place *place, int at, const char *name, void *arg,
		      struct err *err)
{
	struct expire *expire = arg;
	char content[HEX_UUID];
	uint8_t file[16];
	struct stat st;

	if (!is_about(name, file) || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    time_of(&st) >= expire->before)
		return 0;
	hex_uuid_encode(file, content);
	if (fstatat(at, content, &st, AT_SYMLINK_NOFOLLOW) == -1)
		st.st_size = 0;
	if ((unlinkat(at, content, 0) == -1 && errno != ENOENT) || unlinkat(at, name, 0) == -1)
		return err_errno(err, "could not delete a removed file");
	lessen(&place->removed, (uint64_t)st.st_size);
	expire->deleted++;
	return 0;
}

int place_expire(struct file_place *place, uint8_t first, uint64_t before, struct err *err)
{
	struct expire expire = {.before = before};
	char name[DIRECTORY_PATH + 1];

	snprintf(name, sizeof(name), "%s/%02x", removed, first);
	return walk(place, name, expire_one, &expire, err) == -1 ? -1 : expire.deleted;
}

/* --- The cursor. --- */

int place_cursor_get(struct file_place *place, struct file_cursor *cursor_r, struct err *err)
{
	const int fd = openat(place->directory, ".cursor", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[ABOUT_MAX];
	ssize_t size;

	*cursor_r = (struct file_cursor){0};
	if (fd == -1)
		return errno == ENOENT ? 0 : err_errno(err, "could not open .cursor");
	size = pread(fd, text, sizeof(text), 0);
	close(fd);
	if (size == -1)
		return err_errno(err, "could not read .cursor");
	if (!about_cursor_parse(text, (size_t)size, cursor_r))
		return err_set(err, ".cursor makes no sense");
	return 0;
}

int place_cursor_put(struct file_place *place, const struct file_cursor *cursor, struct err *err)
{
	char text[ABOUT_CURSOR];
	const int size = about_cursor_print(cursor, text);
	const int fd = openat(place->directory, ".cursor.new",
			      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result = -1;

	if (fd != -1 && write(fd, text, (size_t)size) == size && fsync(fd) == 0 &&
	    renameat(place->directory, ".cursor.new", place->directory, ".cursor") == 0 &&
	    fsync(place->directory) == 0)
		result = 0;
	else
		err_errno(err, "could not write .cursor in files.directory");
	if (fd != -1)
		close(fd);
	return result;
}
