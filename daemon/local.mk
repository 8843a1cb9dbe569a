sbin_PROGRAMS += daemon/pchatd daemon/pchatctl
bin_PROGRAMS += daemon/pchat
pkglibexec_PROGRAMS += daemon/pchat-sequencer daemon/pchat-store daemon/pchat-reader daemon/pchat-auth \
	daemon/pchat-admin daemon/pchat-compliance daemon/pchat-adapter daemon/pchat-file

daemon_pchatd_SOURCES = daemon/pchatd.c \
	daemon/master.c daemon/master.h \
	daemon/master_account.c daemon/master_account.h \
	daemon/master_backoff.c daemon/master_backoff.h \
	daemon/master_control.c daemon/master_control.h \
	daemon/master_detach.c daemon/master_detach.h \
	daemon/master_grant.c daemon/master_grant.h \
	daemon/master_listener.c daemon/master_listener.h \
	daemon/master_pidfile.c daemon/master_pidfile.h \
	daemon/master_place.c daemon/master_place.h \
	daemon/master_reload.c daemon/master_reload.h \
	daemon/master_slot.h \
	daemon/master_spawn.c daemon/master_spawn.h \
	daemon/master_status.c daemon/master_status.h \
	daemon/master_stop.c daemon/master_stop.h \
	daemon/master_storage.c daemon/master_storage.h \
	daemon/master_supply.c daemon/master_supply.h \
	daemon/master_watch.c daemon/master_watch.h \
	daemon/status.h
daemon_pchatd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
daemon_pchatd_LDADD = $(SHM_LIBS) $(EVENT_LIBS)

# What decides: the tests and the fuzz targets link it, too.
noinst_LIBRARIES += daemon/libengine.a
daemon_libengine_a_SOURCES = \
	daemon/engine.c daemon/engine.h daemon/engine_ask.h \
	daemon/engine_compliance.c \
	daemon/engine_file.c \
	daemon/engine_import.c daemon/engine_import_history.c daemon/engine_import_person.c \
	daemon/engine_import_scoped.c daemon/engine_join.c daemon/engine_linger.c \
	daemon/engine_message.c daemon/engine_object.c daemon/engine_room.c \
	daemon/engine_group.c \
	daemon/engine_person.c daemon/engine_retention.c daemon/engine_scoped.c daemon/engine_strip.c \
	daemon/overload.c daemon/overload.h
ENGINE_LIBS = daemon/libengine.a $(SHM_LIBS)

daemon_pchat_sequencer_SOURCES = daemon/pchat-sequencer.c daemon/sequencer.h \
	daemon/sequencer_load.c
daemon_pchat_sequencer_LDADD = $(ENGINE_LIBS) $(SECCOMP_LIBS)

# What the tests and the benchmark of the store link, too.
noinst_LIBRARIES += daemon/libstore.a
daemon_libstore_a_SOURCES = \
	daemon/complaint.c daemon/complaint.h \
	daemon/fragment.c daemon/fragment.h \
	daemon/retention.c daemon/retention.h \
	daemon/store_audit.c daemon/store_audit.h \
	daemon/store_batch.c daemon/store_batch.h \
	daemon/store_object.c daemon/store_object.h \
	daemon/store_row.c daemon/store_row.h
STORE_LIBS = daemon/libstore.a $(ODBC_LIB) $(SHM_LIBS)

daemon_pchat_store_SOURCES = daemon/pchat-store.c daemon/store.h \
	daemon/store_drain.c \
	daemon/store_load.c \
	daemon/store_retention.c \
	daemon/upgrade.c daemon/upgrade.h
daemon_pchat_store_LDADD = $(STORE_LIBS) $(SECCOMP_LIBS)

# The chain of records: what writes and what verifies it, and the tests.
noinst_LIBRARIES += daemon/librecord.a
daemon_librecord_a_SOURCES = \
	daemon/compliance_batch.c daemon/compliance_batch.h \
	daemon/compliance_change.c \
	daemon/compliance_event.c daemon/compliance_file.c \
	daemon/compliance_message.c \
	daemon/compliance_object.c \
	daemon/compliance_order.c \
	daemon/compliance_orphan.c \
	daemon/compliance_session.c \
	daemon/compliance_state.c daemon/compliance_state.h \
	daemon/compliance_translation.c daemon/compliance_translation.h \
	daemon/fragment.c daemon/fragment.h \
	daemon/record_filter.c daemon/record_filter.h \
	daemon/record_anchor.c daemon/record_anchor.h \
	daemon/record_hash.c daemon/record_hash.h \
	daemon/record_line.c daemon/record_line.h \
	daemon/record_names.c daemon/record_names.h \
	daemon/record_pledge.c daemon/record_pledge.h \
	daemon/record_holds.c daemon/record_holds.h \
	daemon/record_order.c daemon/record_order.h \
	daemon/record_ranges.c daemon/record_ranges.h \
	daemon/record_run.c daemon/record_run.h \
	daemon/record_sign.c daemon/record_sign.h \
	daemon/record_verify.c daemon/record_verify.h \
	daemon/search_text.c daemon/search_text.h
daemon_librecord_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
RECORD_LIBS = daemon/librecord.a $(STORE_LIBS) $(SSL_LIBS) $(UNISTRING_LIBS)

daemon_pchat_compliance_SOURCES = daemon/pchat-compliance.c daemon/compliance.h \
	daemon/compliance_anchor.c \
	daemon/compliance_drain.c \
	daemon/compliance_expire.c daemon/compliance_expire.h \
	daemon/compliance_snapshot.c \
	daemon/upgrade.c daemon/upgrade.h
daemon_pchat_compliance_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(SSL_CFLAGS)
daemon_pchat_compliance_LDADD = $(RECORD_LIBS) $(SECCOMP_LIBS)

# What the tests of the reader link, too.
noinst_LIBRARIES += daemon/libreader.a
daemon_libreader_a_SOURCES = \
	daemon/complaint.c daemon/complaint.h \
	daemon/fragment.c daemon/fragment.h \
	daemon/reader_audit.c daemon/reader_audit.h \
	daemon/reader_exceeding.c daemon/reader_exceeding.h \
	daemon/reader_file.c daemon/reader_file.h \
	daemon/reader_page.c daemon/reader_page.h \
	daemon/reader_search.c daemon/reader_search.h \
	daemon/search_text.c daemon/search_text.h
daemon_libreader_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
READER_LIBS = daemon/libreader.a $(ODBC_LIB) $(SHM_LIBS)

# Compliance records become files; of the tests, too.
noinst_LIBRARIES += daemon/libadapter.a
daemon_libadapter_a_SOURCES = \
	daemon/adapter.c daemon/adapter.h \
	daemon/adapter_eml.c \
	daemon/adapter_exec.c daemon/adapter_exec.h \
	daemon/adapter_pack.c daemon/adapter_pack.h \
	daemon/adapter_plan.c daemon/adapter_plan.h \
	daemon/adapter_rows.c \
	daemon/adapter_run.c daemon/adapter_run.h \
	daemon/adapter_task.c daemon/adapter_task.h \
	daemon/adapter_writer.c daemon/adapter_writer.h \
	daemon/adapter_xml.c daemon/adapter_xml.h \
	daemon/adapter_xslt.c \
	daemon/fragment.c daemon/fragment.h
daemon_libadapter_a_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(XML_CFLAGS) $(XSLT_CFLAGS) $(SSL_CFLAGS)
ADAPTER_LIBS = daemon/libadapter.a $(ODBC_LIB) $(SHM_LIBS) $(XSLT_LIBS) $(XML_LIBS) $(SSL_LIBS) $(UNISTRING_LIBS) \
	$(SECCOMP_LIBS)

daemon_pchat_adapter_SOURCES = daemon/pchat-adapter.c daemon/complaint.c daemon/complaint.h
daemon_pchat_adapter_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
daemon_pchat_adapter_LDADD = $(ADAPTER_LIBS)

daemon_pchat_reader_SOURCES = daemon/pchat-reader.c
daemon_pchat_reader_LDADD = $(READER_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)

# The parts of pchat-auth that know of no other process: what the tests and fuzz targets link.
noinst_LIBRARIES += daemon/libauth.a
daemon_libauth_a_SOURCES = \
	daemon/auth_body.c daemon/auth_body.h \
	daemon/auth_delay.c daemon/auth_delay.h \
	daemon/auth_local.c daemon/auth_local.h \
	daemon/auth_relay.c daemon/auth_relay.h \
	daemon/auth_sasl.c daemon/auth_sasl.h \
	daemon/auth_secret.c daemon/auth_secret.h \
	daemon/auth_table.c daemon/auth_table.h \
	daemon/auth_token.c daemon/auth_token.h \
	daemon/relay_name.c daemon/relay_name.h
daemon_libauth_a_CPPFLAGS = $(AM_CPPFLAGS) $(GSASL_CFLAGS) $(SSL_CFLAGS)
AUTH_LIBS = daemon/libauth.a $(SHM_LIBS) $(GSASL_LIBS) $(SSL_LIBS) $(UNISTRING_LIBS)

daemon_pchat_auth_SOURCES = daemon/pchat-auth.c daemon/auth.h \
	daemon/auth_account.c \
	daemon/auth_answer.c \
	daemon/auth_credential.c daemon/auth_credential.h \
	daemon/auth_password.c \
	daemon/auth_question.c \
	daemon/auth_session.c
daemon_pchat_auth_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(GSASL_CFLAGS) $(SSL_CFLAGS)
daemon_pchat_auth_LDADD = $(ODBC_LIB) $(AUTH_LIBS) $(SECCOMP_LIBS)

# The parts of pchat-file that know of no other process: what the tests link, too.
noinst_LIBRARIES += daemon/libfile.a
daemon_libfile_a_SOURCES = \
	daemon/file_about.c daemon/file_about.h \
	daemon/file_grant.c daemon/file_grant.h \
	daemon/file_place.c daemon/file_place.h \
	daemon/file_upload.c daemon/file_upload.h
daemon_libfile_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(SSL_CFLAGS)
FILE_LIBS = daemon/libfile.a odbc/libodbc.a $(SHM_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)

daemon_pchat_file_SOURCES = daemon/pchat-file.c daemon/file.h \
	daemon/complaint.c daemon/complaint.h \
	daemon/file_answer.c \
	daemon/file_follow.c \
	daemon/file_question.c \
	daemon/file_receive.c
daemon_pchat_file_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
daemon_pchat_file_LDADD = $(FILE_LIBS) $(SECCOMP_LIBS)

daemon_pchatctl_SOURCES = daemon/pchatctl.c daemon/ctl.h \
	daemon/ctl_adapter.c \
	daemon/archive.h daemon/archive_read.c daemon/archive_write.c \
	daemon/ctl_audit.c \
	daemon/ctl_archive.c daemon/ctl_archive.h \
	daemon/ctl_call.c \
	daemon/ctl_case.c daemon/ctl_case.h \
	daemon/ctl_case_export.c \
	daemon/ctl_case_attach.c daemon/ctl_case_attach.h \
	daemon/ctl_case_files.c daemon/ctl_case_files.h \
	daemon/ctl_case_html.c daemon/ctl_case_html.h \
	daemon/ctl_check.c daemon/ctl_check.h \
	daemon/ctl_compliance.c \
	daemon/ctl_database.c \
	daemon/ctl_export.c daemon/ctl_export.h \
	daemon/ctl_export_file.c \
	daemon/ctl_export_message.c \
	daemon/ctl_export_scoped.c \
	daemon/ctl_export_table.c \
	daemon/ctl_failover.c \
	daemon/ctl_file.c \
	daemon/ctl_file_check.c \
	daemon/ctl_file_disk.c daemon/ctl_file_disk.h \
	daemon/fragment.c daemon/fragment.h \
	daemon/ctl_import.c daemon/ctl_import.h \
	daemon/ctl_import_secret.c \
	daemon/ctl_import_send.c \
	daemon/ctl_hold.c \
	daemon/ctl_link.c daemon/ctl_link.h \
	daemon/ctl_lag.c daemon/ctl_lag.h \
	daemon/ctl_list.c \
	daemon/ctl_message.c \
	daemon/ctl_object.c \
	daemon/ctl_option.c daemon/ctl_option.h \
	daemon/ctl_password.c daemon/ctl_pool.c \
	daemon/ctl_purge.c \
	daemon/ctl_scoped.c \
	daemon/ctl_rewrite.c daemon/ctl_rewrite.h \
	daemon/ctl_search.c \
	daemon/ctl_status.c daemon/ctl_status.h daemon/status.h \
	daemon/ctl_status_document.c \
	daemon/ctl_status_metrics.c \
	daemon/ctl_status_print.c \
	daemon/ctl_table.c daemon/ctl_table.h \
	daemon/ctl_test.c \
	daemon/ctl_topology.c \
	daemon/topology.c daemon/topology.h \
	daemon/ctl_user.c \
	daemon/ctl_verify.c \
	daemon/pchat_text.c daemon/pchat_text.h \
	daemon/record_json.c daemon/record_json.h
daemon_pchatctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(XML_CFLAGS) $(BSD_CFLAGS) $(ODBC_CFLAGS) \
	$(SSL_CFLAGS) $(ZLIB_CFLAGS)
daemon_pchatctl_LDADD = daemon/libadapter.a $(RECORD_LIBS) $(XSLT_LIBS) $(XML_LIBS) $(CLIENT_LIBS) \
	$(ZLIB_LIBS) $(UNISTRING_LIBS)

daemon_pchat_admin_SOURCES = daemon/pchat-admin.c daemon/relay.h \
	daemon/relay_link.c \
	daemon/relay_name.c daemon/relay_name.h \
	daemon/relay_peer.c \
	daemon/relay_tls.c
daemon_pchat_admin_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_SSL_CFLAGS) $(SSL_CFLAGS)
daemon_pchat_admin_LDADD = $(SHM_LIBS) $(EVENT_SSL_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) $(UNISTRING_LIBS)

# What a client of the JSON protocol is made of, without a face.
noinst_LIBRARIES += daemon/libclient.a
daemon_libclient_a_SOURCES = \
	daemon/client.c daemon/client.h \
	daemon/client_http.c daemon/client_http.h \
	daemon/client_link.c daemon/client_link.h \
	daemon/client_merge.c daemon/client_merge.h \
	daemon/client_post.c daemon/client_post.h \
	daemon/client_room.c daemon/client_room.h \
	daemon/client_rpc.c daemon/client_rpc.h \
	daemon/client_sasl.c daemon/client_sasl.h \
	daemon/client_session.c daemon/client_session.h \
	daemon/client_upgrade.c daemon/client_upgrade.h \
	daemon/client_url.c daemon/client_url.h \
	daemon/client_ws.c daemon/client_ws.h
daemon_libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS)
CLIENT_LIBS = daemon/libclient.a $(CONF_LIBS) $(SSL_LIBS) $(JANSSON_LIBS) $(GSASL_LIBS) \
	$(WSLAY_LIBS) $(HTTP_PARSER_LIBS)

# The parts of pchat that need no server: what the tests link.
noinst_LIBRARIES += daemon/libpchat.a
daemon_libpchat_a_SOURCES = \
	daemon/pchat_args.c daemon/pchat_args.h \
	daemon/pchat_command.c daemon/pchat_command.h \
	daemon/pchat_text.c daemon/pchat_text.h
daemon_libpchat_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

daemon_pchat_SOURCES = daemon/pchat.c \
	daemon/pchat_chat.c \
	daemon/pchat_download.c \
	daemon/pchat_find.c \
	daemon/pchat_history.c \
	daemon/pchat_password.c \
	daemon/pchat_post.c \
	daemon/pchat_rooms.c \
	daemon/pchat_run.c daemon/pchat_run.h \
	daemon/pchat_screen.c daemon/pchat_screen.h \
	daemon/pchat_tail.c \
	daemon/pchat_transfer.c daemon/pchat_transfer.h \
	daemon/pchat_upload.c
daemon_pchat_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS) $(BSD_CFLAGS) $(EDIT_CFLAGS)
daemon_pchat_LDADD = daemon/libpchat.a $(CLIENT_LIBS) $(EDIT_LIBS)
EXTRA_DIST += daemon/README
