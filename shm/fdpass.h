#ifndef PCHAT_SHM_FDPASS_H
#define PCHAT_SHM_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * One message of a SOCK_SEQPACKET or SOCK_STREAM unix socket, with descriptors beside it. A call
 * repeats on EINTR and never raises SIGPIPE. Received descriptors are close-on-exec.
 */
enum { FDPASS_MAX = 32 };

/* Returns the bytes sent, or -1 with errno. */
ssize_t fdpass_send(int sock, const void *data, size_t size, const int *fds, unsigned count);

/*
 * Returns the bytes received, 0 at the end, or -1 with errno; EMSGSIZE where data or descriptors
 * were cut off (what came is closed). *count_r is the number of descriptors stored in fds.
 */
ssize_t fdpass_receive(int sock, void *data, size_t size, int fds[FDPASS_MAX], unsigned *count_r);

#endif
