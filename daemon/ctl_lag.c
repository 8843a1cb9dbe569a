#include "daemon/ctl_lag.h"

bool ctl_lag(const struct ctl_view *view, uint64_t from, uint64_t to, struct ctl_lag *lag_r)
{
	const struct proc_page *sequencer = view->page[SLOT_SEQUENCER];
	enum journal_read read = JOURNAL_END;
	const struct record *record;
	uint64_t lsn = from;

	*lag_r = (struct ctl_lag){0};
	if (!view->journal.header || !sequencer)
		return false;
	while (lsn < to) {
		read = journal_read(&view->journal, &lsn, to, &sequencer->tail, &record);
		if (read != JOURNAL_RECORD)
			break;
		if (lag_r->events++ == 0)
			lag_r->oldest = record->time;
	}
	return read == JOURNAL_RECORD || read == JOURNAL_END;
}
