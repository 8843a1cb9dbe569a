#include "daemon/record_anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record_line.h"

static int read_line(struct record_anchor *anchor, FILE *file, struct err *err)
{
	struct record_checkpoint checkpoint;
	char line[RECORD_LINE];

	if (!fgets(line, sizeof(line), file) || !record_line_read(line, &checkpoint))
		return err_set(err, "could not understand %s: it is no checkpoint", anchor->path);
	anchor->number = checkpoint.number;
	memcpy(anchor->hash, checkpoint.hash, sizeof(anchor->hash));
	anchor->is_signed = *checkpoint.signature;
	return 0;
}

int record_anchor_load(struct record_anchor *anchor, const struct conf *conf, struct err *err)
{
	FILE *file;
	int result;

	*anchor = (struct record_anchor){0};
	result = snprintf(anchor->path, sizeof(anchor->path), "%s/compliance/anchor",
			  conf->state_directory);
	if (result < 0 || (size_t)result >= sizeof(anchor->path) - sizeof(".part"))
		return err_set(err, "the path state_directory is too long");
	file = fopen(anchor->path, "re");
	if (!file)
		return errno == ENOENT ? 0 : err_errno(err, "could not open %s", anchor->path);
	result = read_line(anchor, file, err);
	fclose(file);
	return result;
}

static int write_line(const char *path, const struct record_checkpoint *checkpoint)
{
	char line[RECORD_LINE];
	FILE *file = fopen(path, "we");
	int failed;

	if (!file)
		return -1;
	record_line_write(checkpoint, line);
	failed =
		fprintf(file, "%s\n", line) < 0 || fflush(file) == EOF || fsync(fileno(file)) == -1;
	return fclose(file) == EOF || failed ? -1 : 0;
}

static int sync_directory(const char *path)
{
	char directory[PATH_MAX];
	int fd, result;

	strcpy(directory, path);
	*strrchr(directory, '/') = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

int record_anchor_keep(struct record_anchor *anchor, const struct record_checkpoint *checkpoint,
		       struct err *err)
{
	char part[PATH_MAX + sizeof(".part")];

	snprintf(part, sizeof(part), "%s.part", anchor->path);
	if (write_line(part, checkpoint) == -1 || rename(part, anchor->path) == -1 ||
	    sync_directory(anchor->path) == -1)
		return err_errno(err, "could not write %s", anchor->path);
	anchor->is_signed = *checkpoint->signature;
	return 0;
}
