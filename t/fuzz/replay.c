/*
 * Calls a fuzz target with every file of its corpus, FUZZ_CORPUS or the files named as arguments,
 * and counts them as tests. The last file named before a death is the one that caused it.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

enum { FILE_MAX = 1 << 22 };

static int replay(const char *path, unsigned number)
{
	uint8_t *data = malloc(FILE_MAX), *copy;
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!data || !file) {
		printf("not ok %u - could not read %s\n", number, path);
		free(data);
		return 1;
	}
	size = fread(data, 1, FILE_MAX, file);
	fclose(file);
	printf("# %s\n", path);
	fflush(stdout);
	/* In a block of its very size, so that a sanitizer sees a byte read behind it. */
	copy = malloc(size ? size : 1);
	if (copy) {
		memcpy(copy, data, size);
		LLVMFuzzerTestOneInput(copy, size);
	}
	printf("%s %u - %s leads to nothing bad\n", copy ? "ok" : "not ok", number,
	       strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	free(copy);
	free(data);
	return copy ? 0 : 1;
}

static int replay_directory(const char *name, unsigned *number)
{
	struct dirent **entries;
	int failed = 0, count = scandir(name, &entries, NULL, alphasort);
	char path[4096];

	if (count < 0) {
		printf("not ok %u - could not read %s\n", ++*number, name);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", name, entries[i]->d_name);
			failed |= replay(path, ++*number);
		}
		free(entries[i]);
	}
	free(entries);
	return failed;
}

int main(int argc, char **argv)
{
	unsigned number = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i], ++number);
	if (argc < 2)
		failed = replay_directory(FUZZ_CORPUS, &number);
	printf("1..%u\n", number);
	return failed;
}
