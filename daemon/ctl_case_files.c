#include "daemon/ctl_case_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/hex.h"
#include "daemon/ctl_file_disk.h"

enum { PATH = 4096 };

int case_files_begin(struct case_files *files, const struct ctl *ctl, const char *directory)
{
	size_t length = strlen(directory);
	int written;

	while (length > 1 && directory[length - 1] == '/')
		length--;
	*files = (struct case_files){.ctl = ctl, .directory = directory};
	if (access(directory, F_OK) == 0)
		return ctl_fail(ctl, EX_CANTCREAT, "%s is there already", directory);
	written = snprintf(files->part, sizeof(files->part), "%.*s.XXXXXX", (int)length, directory);
	if (written < 0 || (size_t)written >= sizeof(files->part) || !mkdtemp(files->part)) {
		files->part[0] = '\0';
		return ctl_fail(ctl, EX_CANTCREAT, "could not make a directory beside %s: %s",
				directory, strerror(errno));
	}
	return EX_OK;
}

static bool path_of(const struct case_files *files, const char *name, char path[PATH])
{
	const int length = snprintf(path, PATH, "%s/%s", files->part, name);

	return length > 0 && length < PATH;
}

static int is_file(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void case_files_abandon(struct case_files *files)
{
	struct dirent **list = NULL;
	char path[PATH];
	int count;

	if (!*files->part)
		return;
	count = scandir(files->part, &list, is_file, alphasort);
	for (int i = 0; i < count; i++) {
		if (path_of(files, list[i]->d_name, path))
			unlink(path);
		free(list[i]);
	}
	free(list);
	rmdir(files->part);
	files->part[0] = '\0';
}

FILE *case_files_open(const struct case_files *files, const char *name)
{
	char path[PATH];
	FILE *file = NULL;
	int fd = -1;

	if (path_of(files, name, path))
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1)
		file = fdopen(fd, "w");
	if (!file) {
		ctl_fail(files->ctl, EX_CANTCREAT, "could not create %s: %s", name,
			 strerror(errno));
		if (fd != -1)
			close(fd);
	}
	return file;
}

int case_files_close(const struct case_files *files, FILE *file, const char *name)
{
	const bool failed = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) == -1;

	if (fclose(file) == 0 && !failed)
		return EX_OK;
	return ctl_fail(files->ctl, EX_IOERR, "could not write %s: %s", name, strerror(errno));
}

int case_files_hash(const struct case_files *files, const char *name, char hash_r[RECORD_HEX],
		    uint64_t *size_r)
{
	uint8_t hash[CONTENT_FILE_HASH];
	char path[PATH];
	FILE *in = path_of(files, name, path) ? fopen(path, "re") : NULL;
	struct err err;
	const bool done = in && ctl_file_digest(in, NULL, hash, size_r, &err) == 0;

	if (in)
		fclose(in);
	if (!done)
		return ctl_fail(files->ctl, EX_IOERR, "could not read %s again", name);
	hex_encode(hash, sizeof(hash), hash_r);
	return EX_OK;
}

void case_files_remove(const struct case_files *files, const char *name)
{
	char path[PATH];

	if (path_of(files, name, path))
		unlink(path);
}

int case_files_list(const struct case_files *files, json_t **list_r)
{
	struct dirent **list = NULL;
	const int count = scandir(files->part, &list, is_file, alphasort);
	int code = EX_OK;

	*list_r = json_array();
	if (count < 0)
		return ctl_fail(files->ctl, EX_IOERR, "could not read the directory: %s",
				strerror(errno));
	for (int i = 0; i < count; i++) {
		char hash[RECORD_HEX];
		uint64_t size = 0;

		if (code == EX_OK)
			code = case_files_hash(files, list[i]->d_name, hash, &size);
		if (code == EX_OK)
			json_array_append_new(*list_r,
					      json_pack("{s:s, s:I, s:s}", "name", list[i]->d_name,
							"size", (json_int_t)size, "sha256", hash));
		free(list[i]);
	}
	free(list);
	return code;
}

static int sync_directory(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int result = fd == -1 ? -1 : fsync(fd);

	if (fd != -1)
		close(fd);
	return result;
}

/* The directory in which the case stands: what is before the last slash. */
static int sync_parent(const struct case_files *files)
{
	char path[PATH];
	const char *slash = strrchr(files->part, '/');
	const size_t length = slash ? (size_t)(slash - files->part) : 0;

	if (!slash)
		return sync_directory(".");
	memcpy(path, files->part, length);
	path[length] = '\0';
	return sync_directory(length > 0 ? path : "/");
}

int case_files_end(struct case_files *files)
{
	if (sync_directory(files->part) == -1 ||
	    renameat2(AT_FDCWD, files->part, AT_FDCWD, files->directory, RENAME_NOREPLACE) == -1)
		return ctl_fail(files->ctl, EX_CANTCREAT, "could not make %s: %s", files->directory,
				strerror(errno));
	if (sync_parent(files) == -1)
		ctl_fail(files->ctl, EX_IOERR, "could not make sure that %s is durable: %s",
			 files->directory, strerror(errno));
	files->part[0] = '\0';
	return EX_OK;
}
