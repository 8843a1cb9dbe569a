# Every test program named *_test (unit tests, cmocka) or *_replay (fuzz corpora) and every script
# t/NN-name.t is run by t/run; there is no TESTS. To add one: a block, in the order of the names.
# A test of what a disk keeps is linked with t/unit/disk.c, which stands between it and the disk.
DISK_WRAPS = -Wl,--wrap=pwrite,--wrap=fdatasync,--wrap=clock_utc
MESSAGES = t/unit/messages.c t/unit/messages.h t/unit/disk.c t/unit/disk.h

WORKER_STUB = t/worker/stub.c t/worker/stub.h t/worker/stub_calls.h t/worker/stub_chat.c \
	t/worker/stub_file.c t/worker/stub_object.c

if HAVE_CMOCKA

# What several programs are made with: a database for a test, and an engine.
check_LIBRARIES = t/unit/libdatabase.a t/unit/libbench.a
t_unit_libdatabase_a_SOURCES = t/unit/database.c t/unit/database.h t/unit/place.c t/unit/place.h
t_unit_libdatabase_a_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_libbench_a_SOURCES = t/unit/engine_bench.c t/unit/engine_bench.h
t_unit_libbench_a_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
BENCH_LIBS = t/unit/libbench.a $(ENGINE_LIBS)

check_PROGRAMS += t/unit/admin_role_test
t_unit_admin_role_test_SOURCES = t/unit/admin_role_test.c
t_unit_admin_role_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_admin_role_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += t/unit/archive_test
t_unit_archive_test_SOURCES = t/unit/archive_test.c daemon/archive.h daemon/archive_read.c \
	daemon/archive_write.c
t_unit_archive_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(SSL_CFLAGS) $(ZLIB_CFLAGS)
t_unit_archive_test_LDADD = $(ODBC_LIB) $(CONF_LIBS) $(SSL_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)

ADAPTERS = t/unit/adapters.c t/unit/adapters.h

check_PROGRAMS += t/unit/adapter_test
t_unit_adapter_test_SOURCES = t/unit/adapter_test.c $(ADAPTERS)
t_unit_adapter_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_adapter_test_LDADD = t/unit/libdatabase.a $(ADAPTER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/adapter_exec_test
t_unit_adapter_exec_test_SOURCES = t/unit/adapter_exec_test.c $(ADAPTERS)
t_unit_adapter_exec_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_adapter_exec_test_LDADD = t/unit/libdatabase.a $(ADAPTER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/ask_test
t_unit_ask_test_SOURCES = t/unit/ask_test.c
t_unit_ask_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_ask_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/audit_test
t_unit_audit_test_SOURCES = t/unit/audit_test.c
t_unit_audit_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_audit_test_LDADD = t/unit/libdatabase.a $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/auth_process_test
t_unit_auth_process_test_SOURCES = t/unit/auth_process_test.c
t_unit_auth_process_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(GSASL_CFLAGS)
t_unit_auth_process_test_LDADD = $(AUTH_LIBS) $(ODBC_LIB) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/auth_sasl_test
t_unit_auth_sasl_test_SOURCES = t/unit/auth_sasl_test.c
t_unit_auth_sasl_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(GSASL_CFLAGS)
t_unit_auth_sasl_test_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/auth_table_test
t_unit_auth_table_test_SOURCES = t/unit/auth_table_test.c
t_unit_auth_table_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(GSASL_CFLAGS)
t_unit_auth_table_test_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/backoff_test
t_unit_backoff_test_SOURCES = t/unit/backoff_test.c daemon/master_backoff.c
t_unit_backoff_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_backoff_test_LDADD = $(CMOCKA_LIBS)

SCRATCH = t/unit/scratch.c t/unit/scratch.h

CACHE_BENCH = t/unit/cache_bench.c t/unit/cache_bench.h

check_PROGRAMS += t/unit/cache_test
t_unit_cache_test_SOURCES = t/unit/cache_test.c $(CACHE_BENCH)
t_unit_cache_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_cache_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/cache_crash_test
t_unit_cache_crash_test_SOURCES = t/unit/cache_crash_test.c $(CACHE_BENCH)
t_unit_cache_crash_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_cache_crash_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/client_merge_test
t_unit_client_merge_test_SOURCES = t/unit/client_merge_test.c
t_unit_client_merge_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_client_merge_test_LDADD = $(CLIENT_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/client_sasl_test
t_unit_client_sasl_test_SOURCES = t/unit/client_sasl_test.c
t_unit_client_sasl_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_client_sasl_test_LDADD = $(CLIENT_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/client_upgrade_test
t_unit_client_upgrade_test_SOURCES = t/unit/client_upgrade_test.c
t_unit_client_upgrade_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_client_upgrade_test_LDADD = $(CLIENT_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/clock_test
t_unit_clock_test_SOURCES = t/unit/clock_test.c
t_unit_clock_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_clock_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/code_test
t_unit_code_test_SOURCES = t/unit/code_test.c
t_unit_code_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_code_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/compliance_test
t_unit_compliance_test_SOURCES = t/unit/compliance_test.c
t_unit_compliance_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_compliance_test_LDADD = t/unit/libdatabase.a $(RECORD_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/conf_test
t_unit_conf_test_SOURCES = t/unit/conf_test.c
t_unit_conf_test_CPPFLAGS = $(AM_CPPFLAGS) -DPCHAT_SOURCE=\"$(abs_srcdir)\" $(CMOCKA_CFLAGS)
t_unit_conf_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/content_file_test
t_unit_content_file_test_SOURCES = t/unit/content_file_test.c
t_unit_content_file_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_content_file_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/content_object_test
t_unit_content_object_test_SOURCES = t/unit/content_object_test.c
t_unit_content_object_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_content_object_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/content_test
t_unit_content_test_SOURCES = t/unit/content_test.c
t_unit_content_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_content_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/control_test
t_unit_control_test_SOURCES = t/unit/control_test.c daemon/master_control.c daemon/master_control.h
t_unit_control_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_CFLAGS)
t_unit_control_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdpass_receive
t_unit_control_test_LDADD = $(SHM_LIBS) $(EVENT_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/counter_test
t_unit_counter_test_SOURCES = t/unit/counter_test.c
t_unit_counter_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_counter_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/crc32c_test
t_unit_crc32c_test_SOURCES = t/unit/crc32c_test.c
t_unit_crc32c_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_crc32c_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/db_test
t_unit_db_test_SOURCES = t/unit/db_test.c
t_unit_db_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_db_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/dialect_test
t_unit_dialect_test_SOURCES = t/unit/dialect_test.c
t_unit_dialect_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_dialect_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/driver_test
t_unit_driver_test_SOURCES = t/unit/driver_test.c
t_unit_driver_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_driver_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/engine_file_test
t_unit_engine_file_test_SOURCES = t/unit/engine_file_test.c
t_unit_engine_file_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_engine_file_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/engine_test
t_unit_engine_test_SOURCES = t/unit/engine_test.c
t_unit_engine_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_engine_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/err_test
t_unit_err_test_SOURCES = t/unit/err_test.c
t_unit_err_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_err_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/event_file_test
t_unit_event_file_test_SOURCES = t/unit/event_file_test.c
t_unit_event_file_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_event_file_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/event_test
t_unit_event_test_SOURCES = t/unit/event_test.c
t_unit_event_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_event_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

FAIL_DRIVER = t/unit/fail_driver.c t/unit/fail_driver.h t/shim/odbc.h

check_PROGRAMS += t/unit/fail_test
t_unit_fail_test_SOURCES = t/unit/fail_test.c $(FAIL_DRIVER)
t_unit_fail_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_fail_test_LDADD = t/unit/libdatabase.a $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/fanout_test
t_unit_fanout_test_SOURCES = t/unit/fanout_test.c
t_unit_fanout_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_fanout_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/fault_test
t_unit_fault_test_SOURCES = t/unit/fault_test.c
t_unit_fault_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_fault_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/file_follow_test
t_unit_file_follow_test_SOURCES = t/unit/file_follow_test.c $(SCRATCH) t/unit/disk.c t/unit/disk.h \
	daemon/complaint.c daemon/complaint.h daemon/file.h daemon/file_answer.c daemon/file_follow.c
t_unit_file_follow_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(SSL_CFLAGS)
t_unit_file_follow_test_LDFLAGS = $(AM_LDFLAGS) $(DISK_WRAPS) -Wl,--wrap=place_settle \
	-Wl,--wrap=mailbox_answer
t_unit_file_follow_test_LDADD = $(FILE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/file_grant_test
t_unit_file_grant_test_SOURCES = t/unit/file_grant_test.c
t_unit_file_grant_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
t_unit_file_grant_test_LDADD = $(FILE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/file_place_test
t_unit_file_place_test_SOURCES = t/unit/file_place_test.c $(SCRATCH)
t_unit_file_place_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
t_unit_file_place_test_LDADD = $(FILE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/fdpass_test
t_unit_fdpass_test_SOURCES = t/unit/fdpass_test.c
t_unit_fdpass_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_fdpass_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/full_test
t_unit_full_test_SOURCES = t/unit/full_test.c
t_unit_full_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_full_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/http_test
t_unit_http_test_SOURCES = t/unit/http_test.c $(WORKER_STUB)
t_unit_http_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_http_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/import_test
t_unit_import_test_SOURCES = t/unit/import_test.c
t_unit_import_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_import_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/journal_crash_test
t_unit_journal_crash_test_SOURCES = t/unit/journal_crash_test.c $(MESSAGES)
t_unit_journal_crash_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_journal_crash_test_LDFLAGS = $(AM_LDFLAGS) $(DISK_WRAPS)
t_unit_journal_crash_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/journal_model_test
t_unit_journal_model_test_SOURCES = t/unit/journal_model_test.c $(MESSAGES)
t_unit_journal_model_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_journal_model_test_LDFLAGS = $(AM_LDFLAGS) $(DISK_WRAPS)
t_unit_journal_model_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/journal_test
t_unit_journal_test_SOURCES = t/unit/journal_test.c t/unit/disk.c t/unit/disk.h
t_unit_journal_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_journal_test_LDFLAGS = $(AM_LDFLAGS) $(DISK_WRAPS)
t_unit_journal_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/freetds_test
t_unit_freetds_test_SOURCES = t/unit/freetds_test.c $(FAIL_DRIVER)
t_unit_freetds_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_freetds_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/group_test
t_unit_group_test_SOURCES = t/unit/group_test.c
t_unit_group_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_group_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/json_memory_test
t_unit_json_memory_test_SOURCES = t/unit/json_memory_test.c
t_unit_json_memory_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_json_memory_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/feed_test
t_unit_feed_test_SOURCES = t/unit/feed_test.c
t_unit_feed_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_feed_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/json_test
t_unit_json_test_SOURCES = t/unit/json_test.c $(WORKER_STUB)
t_unit_json_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_json_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/kept_test
t_unit_kept_test_SOURCES = t/unit/kept_test.c
t_unit_kept_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_kept_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/load_turn_test
t_unit_load_turn_test_SOURCES = t/unit/load_turn_test.c t/bench/load.h t/bench/load_plan.c
t_unit_load_turn_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_load_turn_test_LDADD = $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/load_wait_test
t_unit_load_wait_test_SOURCES = t/unit/load_wait_test.c t/bench/load.h t/bench/load_wait.c
t_unit_load_wait_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_load_wait_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/log_test
t_unit_log_test_SOURCES = t/unit/log_test.c
t_unit_log_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_log_test_LDADD = $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/mailbox_test
t_unit_mailbox_test_SOURCES = t/unit/mailbox_test.c
t_unit_mailbox_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_mailbox_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/mssql_test
t_unit_mssql_test_SOURCES = t/unit/mssql_test.c
t_unit_mssql_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_mssql_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/outq_test
t_unit_outq_test_SOURCES = t/unit/outq_test.c
t_unit_outq_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_outq_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/overload_test
t_unit_overload_test_SOURCES = t/unit/overload_test.c
t_unit_overload_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_overload_test_LDADD = $(ENGINE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/page_test
t_unit_page_test_SOURCES = t/unit/page_test.c
t_unit_page_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_page_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/pchat_test
t_unit_pchat_test_SOURCES = t/unit/pchat_test.c
t_unit_pchat_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_pchat_test_LDADD = daemon/libpchat.a $(CONF_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/pending_test
t_unit_pending_test_SOURCES = t/unit/pending_test.c
t_unit_pending_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_pending_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/postgresql_test
t_unit_postgresql_test_SOURCES = t/unit/postgresql_test.c
t_unit_postgresql_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_postgresql_test_LDADD = t/unit/libdatabase.a $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/person_test
t_unit_person_test_SOURCES = t/unit/person_test.c
t_unit_person_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_person_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/proc_test
t_unit_proc_test_SOURCES = t/unit/proc_test.c
t_unit_proc_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_proc_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/reader_test
t_unit_reader_test_SOURCES = t/unit/reader_test.c
t_unit_reader_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS) $(JANSSON_CFLAGS)
t_unit_reader_test_LDADD = t/unit/libdatabase.a $(READER_LIBS) $(CMOCKA_LIBS) $(JANSSON_LIBS)

check_PROGRAMS += t/unit/relay_test
t_unit_relay_test_SOURCES = t/unit/relay_test.c daemon/relay_peer.c
t_unit_relay_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_SSL_CFLAGS) $(SSL_CFLAGS)
t_unit_relay_test_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/record_test
t_unit_record_test_SOURCES = t/unit/record_test.c
t_unit_record_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_record_test_LDADD = $(RECORD_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/matrix_test
t_unit_matrix_test_SOURCES = t/unit/matrix_test.c
t_unit_matrix_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_matrix_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/model_test
t_unit_model_test_SOURCES = t/unit/model_test.c t/unit/model.h t/unit/model_own.c \
	t/unit/naive.c t/unit/naive.h t/unit/naive_own.c t/unit/naive_scoped.c
t_unit_model_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_model_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/readonly_test
t_unit_readonly_test_SOURCES = t/unit/readonly_test.c
t_unit_readonly_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_readonly_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/sandbox_test
t_unit_sandbox_test_SOURCES = t/unit/sandbox_test.c
t_unit_sandbox_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_sandbox_test_LDADD = $(SHM_LIBS) $(SECCOMP_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/scoped_test
t_unit_scoped_test_SOURCES = t/unit/scoped_test.c
t_unit_scoped_test_CPPFLAGS = $(AM_CPPFLAGS) -DPCHAT_SOURCE=\"$(abs_srcdir)\" $(CMOCKA_CFLAGS)
t_unit_scoped_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/contains_test
t_unit_contains_test_SOURCES = t/unit/contains_test.c
t_unit_contains_test_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_contains_test_LDADD = $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/gram_test
t_unit_gram_test_SOURCES = t/unit/gram_test.c
t_unit_gram_test_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_gram_test_LDADD = $(ODBC_LIB) $(CONF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/index_test
t_unit_index_test_SOURCES = t/unit/index_test.c
t_unit_index_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS) $(JANSSON_CFLAGS)
t_unit_index_test_LDADD = t/unit/libdatabase.a $(READER_LIBS) $(CMOCKA_LIBS) $(JANSSON_LIBS)

check_PROGRAMS += t/unit/retention_test
t_unit_retention_test_SOURCES = t/unit/retention_test.c
t_unit_retention_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_retention_test_LDADD = t/unit/libdatabase.a $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/scan_test
t_unit_scan_test_SOURCES = t/unit/scan_test.c
t_unit_scan_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_scan_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/schedule_test
t_unit_schedule_test_SOURCES = t/unit/schedule_test.c
t_unit_schedule_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_schedule_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/schedule_limit_test
t_unit_schedule_limit_test_SOURCES = t/unit/schedule_limit_test.c
t_unit_schedule_limit_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_schedule_limit_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getpriority,--wrap=setpriority \
	-Wl,--wrap=getrlimit,--wrap=setrlimit
t_unit_schedule_limit_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/search_test
t_unit_search_test_SOURCES = t/unit/search_test.c
t_unit_search_test_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_search_test_LDADD = $(READER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/segment_test
t_unit_segment_test_SOURCES = t/unit/segment_test.c
t_unit_segment_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_segment_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/storage_test
t_unit_storage_test_SOURCES = t/unit/storage_test.c $(SCRATCH) daemon/master_storage.c daemon/master_storage.h
t_unit_storage_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_storage_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mkdir
t_unit_storage_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/store_test
t_unit_store_test_SOURCES = t/unit/store_test.c
t_unit_store_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(ODBC_CFLAGS)
t_unit_store_test_LDADD = t/unit/libdatabase.a $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/token_test
t_unit_token_test_SOURCES = t/unit/token_test.c
t_unit_token_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(GSASL_CFLAGS)
t_unit_token_test_LDADD = $(AUTH_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/topology_test
t_unit_topology_test_SOURCES = t/unit/topology_test.c daemon/topology.c daemon/topology.h
t_unit_topology_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_topology_test_LDADD = $(JANSSON_LIBS) $(UNISTRING_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/user_uri_test
t_unit_user_uri_test_SOURCES = t/unit/user_uri_test.c
t_unit_user_uri_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_user_uri_test_LDADD = $(SHM_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/wheel_test
t_unit_wheel_test_SOURCES = t/unit/wheel_test.c
t_unit_wheel_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_wheel_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += t/unit/ws_test
t_unit_ws_test_SOURCES = t/unit/ws_test.c $(WORKER_STUB)
t_unit_ws_test_CPPFLAGS = $(WORKER_CPPFLAGS) $(CMOCKA_CFLAGS)
t_unit_ws_test_LDADD = $(WORKER_LIBS) $(CMOCKA_LIBS)

endif

# Writes what adapters make of some records, for t/83-adapters.t.
check_PROGRAMS += t/adapter/files
t_adapter_files_SOURCES = t/adapter/files.c t/adapter/records.c t/adapter/records.h
t_adapter_files_LDADD = $(ADAPTER_LIBS)

# A fuzz target t/fuzz/NAME_fuzz.c is also linked with replay.c, which feeds it t/fuzz/corpus/NAME.
DOCUMENTS = daemon/archive.h daemon/archive_read.c daemon/relay_name.c daemon/relay_name.h \
	daemon/topology.c daemon/topology.h
DOCUMENT_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(ODBC_CFLAGS) $(SSL_CFLAGS) $(ZLIB_CFLAGS)
DOCUMENT_LIBS = $(ADAPTER_LIBS) $(JANSSON_LIBS) $(SSL_LIBS) $(ZLIB_LIBS)
CLIENT_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
ENGINE_STAGE = t/fuzz/engine_stage.c t/fuzz/engine_stage.h
FUZZ_CORPUS = -DFUZZ_CORPUS=\"$(abs_srcdir)/t/fuzz/corpus

check_PROGRAMS += t/fuzz/auth_replay
t_fuzz_auth_replay_SOURCES = t/fuzz/auth_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_auth_replay_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CORPUS)/auth\"
t_fuzz_auth_replay_LDADD = $(AUTH_LIBS)

check_PROGRAMS += t/fuzz/client_replay
t_fuzz_client_replay_SOURCES = t/fuzz/client_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_client_replay_CPPFLAGS = $(CLIENT_CPPFLAGS) $(FUZZ_CORPUS)/client\"
t_fuzz_client_replay_LDADD = daemon/libpchat.a $(CLIENT_LIBS)

check_PROGRAMS += t/fuzz/document_replay
t_fuzz_document_replay_SOURCES = t/fuzz/document_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h $(DOCUMENTS)
t_fuzz_document_replay_CPPFLAGS = $(DOCUMENT_CPPFLAGS) $(FUZZ_CORPUS)/document\"
t_fuzz_document_replay_LDADD = $(DOCUMENT_LIBS)

check_PROGRAMS += t/fuzz/engine_replay
t_fuzz_engine_replay_SOURCES = t/fuzz/engine_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h $(ENGINE_STAGE)
t_fuzz_engine_replay_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CORPUS)/engine\"
t_fuzz_engine_replay_LDADD = $(ENGINE_LIBS)

check_PROGRAMS += t/fuzz/event_replay
t_fuzz_event_replay_SOURCES = t/fuzz/event_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_event_replay_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CORPUS)/event\"
t_fuzz_event_replay_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/journal_replay
t_fuzz_journal_replay_SOURCES = t/fuzz/journal_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_journal_replay_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CORPUS)/journal\"
t_fuzz_journal_replay_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/mailbox_replay
t_fuzz_mailbox_replay_SOURCES = t/fuzz/mailbox_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_mailbox_replay_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CORPUS)/mailbox\"
t_fuzz_mailbox_replay_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/ws_replay
t_fuzz_ws_replay_SOURCES = t/fuzz/ws_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h $(WORKER_STUB)
t_fuzz_ws_replay_CPPFLAGS = $(WORKER_CPPFLAGS) $(FUZZ_CORPUS)/ws\"
t_fuzz_ws_replay_LDADD = $(WORKER_LIBS)

if FUZZERS

check_PROGRAMS += t/fuzz/auth_fuzz
t_fuzz_auth_fuzz_SOURCES = t/fuzz/auth_fuzz.c t/fuzz/fuzz.h
t_fuzz_auth_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_auth_fuzz_LDADD = $(AUTH_LIBS)

check_PROGRAMS += t/fuzz/client_fuzz
t_fuzz_client_fuzz_SOURCES = t/fuzz/client_fuzz.c t/fuzz/fuzz.h
t_fuzz_client_fuzz_CPPFLAGS = $(CLIENT_CPPFLAGS)
t_fuzz_client_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_client_fuzz_LDADD = daemon/libpchat.a $(CLIENT_LIBS)

check_PROGRAMS += t/fuzz/document_fuzz
t_fuzz_document_fuzz_SOURCES = t/fuzz/document_fuzz.c t/fuzz/fuzz.h $(DOCUMENTS)
t_fuzz_document_fuzz_CPPFLAGS = $(DOCUMENT_CPPFLAGS)
t_fuzz_document_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_document_fuzz_LDADD = $(DOCUMENT_LIBS)

check_PROGRAMS += t/fuzz/engine_fuzz
t_fuzz_engine_fuzz_SOURCES = t/fuzz/engine_fuzz.c t/fuzz/fuzz.h $(ENGINE_STAGE)
t_fuzz_engine_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_engine_fuzz_LDADD = $(ENGINE_LIBS)

check_PROGRAMS += t/fuzz/event_fuzz
t_fuzz_event_fuzz_SOURCES = t/fuzz/event_fuzz.c t/fuzz/fuzz.h
t_fuzz_event_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_event_fuzz_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/journal_fuzz
t_fuzz_journal_fuzz_SOURCES = t/fuzz/journal_fuzz.c t/fuzz/fuzz.h
t_fuzz_journal_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_journal_fuzz_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/mailbox_fuzz
t_fuzz_mailbox_fuzz_SOURCES = t/fuzz/mailbox_fuzz.c t/fuzz/fuzz.h
t_fuzz_mailbox_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_mailbox_fuzz_LDADD = $(SHM_LIBS)

check_PROGRAMS += t/fuzz/ws_fuzz
t_fuzz_ws_fuzz_SOURCES = t/fuzz/ws_fuzz.c t/fuzz/fuzz.h $(WORKER_STUB)
t_fuzz_ws_fuzz_CPPFLAGS = $(WORKER_CPPFLAGS)
t_fuzz_ws_fuzz_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
t_fuzz_ws_fuzz_LDADD = $(WORKER_LIBS)

endif

# Measures, run by hand.
measures = t/bench/database t/bench/fan-out t/bench/journal t/bench/pchat-load \
	t/bench/peer-load t/bench/text
check_PROGRAMS += $(measures)

t_bench_database_SOURCES = t/bench/database.c t/bench/database_bare.c t/bench/database_bare.h \
	t/bench/database_file.c t/bench/database_file.h
t_bench_database_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
t_bench_database_LDADD = $(ODBC_LIB) $(CONF_LIBS)

t_bench_fan_out_SOURCES = t/bench/fan-out.c

t_bench_journal_SOURCES = t/bench/journal.c
t_bench_journal_LDADD = $(SHM_LIBS)

t_bench_peer_load_SOURCES = t/bench/peer-load.c t/bench/peer.h t/bench/peer_client.c \
	t/bench/peer_irc.c t/bench/peer_xmpp.c t/bench/load.h t/bench/load_histogram.c \
	t/bench/load_parent.c t/bench/load_plan.c t/bench/load_wait.c
t_bench_peer_load_LDADD = $(CONF_LIBS)

t_bench_pchat_load_SOURCES = t/bench/pchat-load.c t/bench/load.h \
	t/bench/load_check.c t/bench/load_check.h \
	t/bench/load_client.c t/bench/load_client.h \
	t/bench/load_connection.c t/bench/load_connection.h \
	t/bench/load_frame.c t/bench/load_frame.h \
	t/bench/load_histogram.c \
	t/bench/load_message.c \
	t/bench/load_parent.c \
	t/bench/load_plan.c \
	t/bench/load_post.c \
	t/bench/load_process.c \
	t/bench/load_wait.c
t_bench_pchat_load_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
t_bench_pchat_load_LDADD = $(CLIENT_LIBS)

t_bench_text_SOURCES = t/bench/text.c t/bench/database_file.c t/bench/database_file.h
t_bench_text_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
t_bench_text_LDADD = $(READER_LIBS)

# What the scripts about the master run instead of the real programs.
check_PROGRAMS += t/master/ask t/master/stub
t_master_ask_SOURCES = t/master/ask.c
t_master_ask_LDADD = $(SHM_LIBS)
t_master_stub_SOURCES = t/master/stub.c
t_master_stub_LDADD = $(SHM_LIBS)

# Preloaded into the sequencer by the scripts; never sanitized, because it comes first.
check_PROGRAMS += t/shim/fsync.so
t_shim_fsync_so_SOURCES = t/shim/fsync.c
t_shim_fsync_so_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -fPIC
t_shim_fsync_so_LDFLAGS = -shared

check_PROGRAMS += t/shim/clock.so
t_shim_clock_so_SOURCES = t/shim/clock.c
t_shim_clock_so_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -fPIC
t_shim_clock_so_LDFLAGS = -shared

# A driver for unixODBC that fails on demand (t/shim/odbc.h).
check_PROGRAMS += t/shim/odbc.so
t_shim_odbc_so_SOURCES = t/shim/odbc.c t/shim/odbc.h t/shim/freetds.c t/shim/freetds.h
t_shim_odbc_so_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -fPIC
t_shim_odbc_so_LDFLAGS = -shared

EXTRA_DIST += t/README t/run t/lib t/fuzz/corpus t/adapter/golden \
	t/bench/README t/bench/adapters t/bench/compliance t/bench/failover t/bench/history \
	t/bench/idle t/bench/join-storm t/bench/lag t/bench/million t/bench/overload \
	t/bench/pool-model t/bench/posts t/bench/room t/bench/rooms t/bench/sample-model \
	t/bench/scale t/bench/search t/bench/steered t/bench/store t/bench/table \
	t/bench/targets t/bench/versus

# All scripts, so that none can be forgotten.
dist-hook:
	cp -p $(srcdir)/t/[0-9]*.t $(distdir)/t

.PHONY: check-programs
check-programs: $(check_PROGRAMS)

check-local:
	PCHAT_BUILD=$(abs_builddir) $(srcdir)/t/run $(check_PROGRAMS)

# All measures in a short form, one line of JSON each.
.PHONY: bench
bench: all
	@$(MAKE) $(AM_MAKEFLAGS) $(measures) t/adapter/files$(EXEEXT)
	@for question in idle room rooms posts history join-storm failover store pool-model overload \
			million sample-model lag compliance search adapters; do \
		PCHAT_BUILD=$(abs_builddir) PCHAT_SOURCE=$(abs_srcdir) \
			perl $(srcdir)/t/bench/$$question || exit 1; \
	done
