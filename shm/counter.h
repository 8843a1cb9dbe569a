#ifndef PCHAT_SHM_COUNTER_H
#define PCHAT_SHM_COUNTER_H

/*
 * What the processes count, in their own pages (struct proc_page). Each process adds to its own
 * counters only; they outlive the process and are summed by whoever shows them. The names are
 * those of the metrics, so none may be that of a sum ("files_opened"). pchatctl(8) says what they count.
 */
#define COUNTER_LIST(X)                                                                            \
	X(CONNECTIONS_ACCEPTED, "connections_accepted")                                            \
	X(CONNECTIONS_OPEN, "connections_open")                                                    \
	X(CONNECTIONS_REFUSED, "connections_refused")                                              \
	X(CONNECTIONS_DROPPED_SLOW, "connections_dropped_slow")                                    \
	X(CONNECTIONS_DROPPED_PROTOCOL, "connections_dropped_protocol")                            \
	X(CONNECTIONS_DROPPED_IDLE, "connections_dropped_idle")                                    \
	X(SESSIONS_OPEN, "sessions_open")                                                          \
	X(REQUESTS, "requests")                                                                    \
	X(DELIVERIES, "deliveries")                                                                \
	X(BYTES_IN, "bytes_in")                                                                    \
	X(BYTES_OUT, "bytes_out")                                                                  \
	X(JOURNAL_RESETS, "journal_resets")                                                        \
	X(EVENTS, "events")                                                                        \
	X(BATCHES, "batches")                                                                      \
	X(COMMANDS, "commands")                                                                    \
	X(COMMANDS_INVALID, "commands_invalid")                                                    \
	X(ROWS_STORED, "rows_stored")                                                              \
	X(TRANSACTIONS, "transactions")                                                            \
	X(STORING_US, "storing_us") /* in transactions that worked */                              \
	X(COMMIT_US, "commit_us")   /* of that, waiting for the commits */                         \
	X(DEAD_LETTERS, "dead_letters")                                                            \
	X(DATABASE_ERRORS, "database_errors")                                                      \
	X(QUESTIONS, "questions")                                                                  \
	X(SEARCHES, "searches") /* for messages */                                                 \
	X(SEARCHES_INDEXED, "searches_indexed") /* of these: that asked the index of texts */      \
	X(SEARCH_ROWS, "search_rows")		/* messages that they looked at */                 \
	X(PURGED_BY_RETENTION, "purged_by_retention") /* rooms, of which something was purged */   \
	X(MESSAGES_INDEXED, "messages_indexed") /* that were there before the index */             \
	X(SIGN_INS, "sign_ins")                                                                    \
	X(SIGN_INS_REFUSED, "sign_ins_refused")                                                    \
	X(SESSIONS_BARRED, "sessions_barred") /* ended, because a policy does not allow them */    \
	X(SESSIONS_RESUMED, "sessions_resumed") /* lost ones, all of whose places were taken over */ \
	X(SESSIONS_EXPIRED, "sessions_expired") /* lost ones that ended otherwise */             \
	X(FEEDS_CUT, "feeds_cut")                                                                  \
	X(RECORDS_EXPIRED, "records_expired") /* compliance records that were deleted */           \
	X(ADAPTER_RECORDS, "adapter_records")                                                      \
	X(ADAPTER_FILES, "adapter_files")                                                          \
	X(ADAPTER_BATCHES, "adapter_batches")                                                      \
	X(ADAPTER_FAILURES, "adapter_failures")                                                    \
	X(ADAPTERS_FAILING, "failing_adapters") /* now */                                          \
	X(FILES_KEPT, "files_kept")	    /* there are now */                                 \
	X(FILE_BYTES_KEPT, "file_bytes_kept") /* in all of them, now */                           \
	X(FILE_GRANTS, "file_grants")	    /* tokens that are good, now */                        \
	X(FILE_TRANSFERS, "file_transfers") /* uploads under way, now */                          \
	X(FILES_STORED, "files_stored")                                                            \
	X(FILES_OPENED, "file_openings") /* for downloading */                                     \
	X(FILES_REMOVED, "file_removals")                                                          \
	X(FILE_BYTES_IN, "file_bytes_in")                                                          \
	X(FILE_BYTES_OUT, "file_bytes_out")                                                        \
	X(FILE_FAILURES, "file_failures") /* of the disk */                                        \
	X(REFUSED_BUSY, "refused_busy")                                                            \
	X(REFUSED_UNAVAILABLE, "refused_unavailable")                                              \
	X(REFUSED_TIMEOUT, "refused_timeout")                                                      \
	X(REFUSED_PERMISSION, "refused_permission")                                                \
	X(REFUSED_INVALID, "refused_invalid")                                                      \
	X(REFUSED_NO_SUCH, "refused_no_such")                                                      \
	X(REFUSED_LIMIT, "refused_limit")                                                          \
	X(REFUSED_OTHER, "refused_other")

enum counter {
#define X(id, name) COUNTER_##id,
	COUNTER_LIST(X)
#undef X
	COUNTERS
};

/* The metric's name. */
const char *counter_name(enum counter counter);

/* The counter in which a refusal with this code (conf/code.h) is counted. */
enum counter counter_of_code(int code);

#endif
