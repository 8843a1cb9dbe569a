#include "daemon/complaint.h"

#include <string.h>

#include "conf/clock.h"
#include "conf/log.h"

enum { AGAIN_US = 60000000 };

void complaint_tell(struct complaint *complaint, const struct err *what)
{
	const uint64_t now = clock_mono();

	if (complaint->told != 0 && now - complaint->told < AGAIN_US &&
	    strcmp(complaint->what.text, what->text) == 0)
		return;
	complaint->told = now;
	complaint->what = *what;
	log_error("%s", what->text);
}

bool complaint_end(struct complaint *complaint)
{
	const bool was = complaint->told != 0;

	complaint->told = 0;
	return was;
}
