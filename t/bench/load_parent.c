#include "config.h"

#include "t/bench/load.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/clock.h"

enum { READY_TIMEOUT_US = 600000000 };

void *load_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(EX_OSERR, "could not get memory");
	return memory;
}

void load_start(unsigned processes, void (*work)(void *ctx, unsigned process), void *ctx)
{
	for (unsigned i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(EX_OSERR, "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(ctx, i);
		}
	}
}

void load_stop(struct load_shared *shared)
{
	atomic_store(&shared->phase, LOAD_STOP);
	while (wait(NULL) > 0)
		;
}

void load_check_processes(void)
{
	int status;

	if (waitpid(-1, &status, WNOHANG) > 0)
		errx(EX_SOFTWARE, "a process of the load generator ended");
}

static unsigned sum_ready(const struct load_options *o, const struct load_shared *shared)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < o->processes; i++)
		sum += atomic_load(&shared->stats[i].ready);
	return sum;
}

void load_wait_ready(const struct load_options *o, const struct load_shared *shared)
{
	uint64_t start = clock_mono();

	while (sum_ready(o, shared) < o->connections) {
		usleep(1000);
		load_check_processes();
		if (clock_mono() - start > READY_TIMEOUT_US)
			errx(EX_TEMPFAIL, "only %u of %u connections could join",
			     sum_ready(o, shared), o->connections);
	}
}

bool load_drained(const struct load_options *o, const struct load_shared *shared)
{
	for (unsigned i = 0; i < o->processes; i++)
		if (atomic_load(&shared->stats[i].drained) == 0)
			return false;
	return true;
}

void load_begin(const struct load_options *o, struct load_shared *shared)
{
	uint64_t begin = clock_mono() + (uint64_t)(o->warmup * 1e6);

	atomic_store(&shared->end, begin + (uint64_t)(o->seconds * 1e6));
	atomic_store(&shared->begin, begin);
	atomic_store(&shared->phase, LOAD_RUN);
}

uint64_t load_cpu_used(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}
