/*
 * Asks the master for its status and says what came: a line "COUNT DESCRIPTORS", then one with the
 * pid in each slot's page. With a third argument it sends that instead of the request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/status.h"
#include "shm/fdpass.h"
#include "shm/segment.h"

static void print_pages(const int *fds)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		const struct proc_page *page;
		struct segment segment;
		struct err err;

		if (segment_map(&segment, fds[STATUS_PAGE + slot], false, &err) == -1)
			exit(EX_OSERR);
		page = segment.base;
		if (atomic_load(&page->pid) != 0)
			printf("%u %d\n", slot, atomic_load(&page->pid));
		if (segment_map(&segment, fds[STATUS_PAGE + slot], true, &err) == 0)
			printf("%u is writable\n", slot);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const char *request = argc > 2 ? argv[2] : STATUS_REQUEST;
	struct status_reply reply;
	int fds[FDPASS_MAX];
	unsigned count;

	if (argc < 2 || sock == -1)
		return EX_USAGE;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == -1)
		return EX_UNAVAILABLE;
	if (send(sock, request, strlen(request), MSG_NOSIGNAL) == -1)
		return EX_NOPERM;
	if (fdpass_receive(sock, &reply, sizeof(reply), fds, &count) != (ssize_t)sizeof(reply))
		return EX_NOPERM;
	printf("%u %u\n", reply.count, count);
	print_pages(fds);
	return EX_OK;
}
