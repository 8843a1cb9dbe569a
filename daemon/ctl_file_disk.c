#include "daemon/ctl_file_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "conf/hex.h"

enum { BUFFER = 65536, PATH = 4096 };

static const char DESCRIPTION[] = ".json";

static int path_of(const char *directory, const uint8_t uuid[16], const char *suffix,
		   char path[PATH], struct err *err)
{
	char text[HEX_UUID];
	int length;

	hex_uuid_encode(uuid, text);
	length = snprintf(path, PATH, "%s/%.2s/%s%s", directory, text, text, suffix);
	return length > 0 && length < PATH ? 0 : err_set(err, "the path %s is too long", directory);
}

/* 1: it is there; 0: it is not. */
static int look(const char *path, uint64_t *size_r, struct err *err)
{
	struct stat stat;

	if (lstat(path, &stat) == 0) {
		*size_r = (uint64_t)stat.st_size;
		return S_ISREG(stat.st_mode) ? 1 : 0;
	}
	return errno == ENOENT ? 0 : err_errno(err, "could not look at %s", path);
}

int ctl_file_look(const char *directory, const uint8_t uuid[16], struct ctl_file_disk *disk_r,
		  struct err *err)
{
	int content = -1, described = -1;
	uint64_t ignored;
	char path[PATH];

	*disk_r = (struct ctl_file_disk){0};
	if (path_of(directory, uuid, "", path, err) == 0)
		content = look(path, &disk_r->size, err);
	if (content != -1 && path_of(directory, uuid, DESCRIPTION, path, err) == 0)
		described = look(path, &ignored, err);
	disk_r->content = content == 1;
	disk_r->described = described == 1;
	return described == -1 ? -1 : 0;
}

/* --- Contents. --- */

static int read_all(FILE *in, FILE *copy, EVP_MD_CTX *context, uint64_t *size_r, struct err *err)
{
	uint8_t buffer[BUFFER];
	size_t size;

	*size_r = 0;
	while ((size = fread(buffer, 1, sizeof(buffer), in)) > 0) {
		*size_r += size;
		if (!EVP_DigestUpdate(context, buffer, size))
			return err_set(err, "could not work out a hash");
		if (copy && fwrite(buffer, 1, size, copy) != size)
			return err_errno(err, "could not write");
	}
	return ferror(in) ? err_errno(err, "could not read") : 0;
}

int ctl_file_digest(FILE *in, FILE *copy, uint8_t sha256_r[CONTENT_FILE_HASH], uint64_t *size_r,
		    struct err *err)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	int result = -1;

	if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		err_set(err, "could not work out a hash");
	else
		result = read_all(in, copy, context, size_r, err);
	if (result == 0 && !EVP_DigestFinal_ex(context, hash, NULL))
		result = err_set(err, "could not work out a hash");
	if (result == 0)
		memcpy(sha256_r, hash, CONTENT_FILE_HASH);
	EVP_MD_CTX_free(context);
	return result;
}

int ctl_file_read(const char *directory, const uint8_t uuid[16], FILE *copy,
		  uint8_t sha256_r[CONTENT_FILE_HASH], uint64_t *size_r, struct err *err)
{
	char path[PATH];
	FILE *in = NULL;
	int fd, result;

	if (path_of(directory, uuid, "", path, err) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1)
		in = fdopen(fd, "r");
	if (!in) {
		err_errno(err, "could not open %s", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	result = ctl_file_digest(in, copy, sha256_r, size_r, err);
	fclose(in);
	return result;
}

/* --- All of them. --- */

/* A name that is a uuid, alone or with the suffix, but not both; what is called otherwise is
 * pchat-file's own. */
static bool is_file(int part, const char *name, uint8_t uuid_r[16])
{
	const size_t length = strlen(name);
	char content[HEX_UUID];

	if (length < HEX_UUID - 1 || !hex_uuid_decode(name, HEX_UUID - 1, uuid_r))
		return false;
	if (name[HEX_UUID - 1] == '\0')
		return true;
	hex_uuid_encode(uuid_r, content);
	return strcmp(name + HEX_UUID - 1, DESCRIPTION) == 0 &&
	       faccessat(part, content, F_OK, AT_SYMLINK_NOFOLLOW) == -1;
}

static int walk_part(const char *path, ctl_file_take *take, void *arg, bool *more, struct err *err)
{
	DIR *part = opendir(path);
	struct dirent *entry;
	uint8_t uuid[16];

	if (!part)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_errno(err, "could not read the directory %s", path);
	while (*more && (entry = readdir(part)) != NULL)
		if (is_file(dirfd(part), entry->d_name, uuid))
			*more = take(arg, uuid);
	closedir(part);
	return 0;
}

int ctl_file_walk(const char *directory, ctl_file_take *take, void *arg, struct err *err)
{
	char path[PATH];
	bool more = true;
	int result = 0;

	if (access(directory, R_OK | X_OK) == -1)
		return err_errno(err, "could not read the directory %s", directory);
	for (unsigned i = 0; i < 256 && more && result == 0; i++) {
		const int length = snprintf(path, sizeof(path), "%s/%02x", directory, i);

		if (length < 0 || length >= PATH)
			return err_set(err, "the path %s is too long", directory);
		result = walk_part(path, take, arg, &more, err);
	}
	return result;
}
