#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <time.h>

#include "t/bench/load.h"

enum { NAP_MOST = 1000 }; /* so often both generators look at the clock anyway */

/* Microseconds; 0 where nothing is said. */
static unsigned nap_wanted(void)
{
	const char *text = getenv("PCHAT_BENCH_NAP");
	char *end;
	unsigned long nap;

	if (text == NULL || *text == '\0')
		return 0;
	nap = strtoul(text, &end, 10);
	if (*end != '\0' || nap > NAP_MOST)
		errx(EX_USAGE, "PCHAT_BENCH_NAP is a number of microseconds, at most %d", NAP_MOST);
	return (unsigned)nap;
}

void load_environment(struct load_options *options)
{
	options->spin = getenv("PCHAT_BENCH_SPIN") != NULL;
	options->mixed = getenv("PCHAT_BENCH_MIXED") != NULL;
	options->nap = nap_wanted();
}

/* Who sleeps elsewhere is not woken by a socket: what comes meanwhile is only noted. */
int load_wait(int epoll, struct epoll_event *events, int most, uint64_t limit, unsigned nap)
{
	struct timespec wait = {.tv_nsec = (long)limit * 1000};

	if (nap > 0 && limit > 0) {
		wait.tv_nsec = (long)(limit < nap ? limit : nap) * 1000;
		nanosleep(&wait, NULL);
		wait.tv_nsec = 0;
	}
	return epoll_pwait2(epoll, events, most, &wait, NULL);
}
