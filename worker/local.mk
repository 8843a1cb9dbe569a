noinst_LIBRARIES += worker/libworker.a
worker_libworker_a_SOURCES = \
	worker/accept.c worker/accept.h \
	worker/admin.c \
	worker/audit.c \
	worker/chat.h \
	worker/conn.c worker/conn.h \
	worker/core.c worker/core.h \
	worker/directory.c \
	worker/eligible.c \
	worker/exceeding.c worker/exceeding.h \
	worker/fanout.c worker/fanout.h \
	worker/feed.c worker/feed.h \
	worker/file.c worker/file.h worker/file_answer.h \
	worker/file_list.c \
	worker/file_token.c worker/file_token.h \
	worker/frame.c worker/frame.h \
	worker/http.c worker/http.h \
	worker/http_answer.c worker/http_answer.h \
	worker/http_head.c worker/http_head.h \
	worker/import.c worker/import.h \
	worker/import_file.c \
	worker/join.c \
	worker/json_audit.c \
	worker/json_answer.c \
	worker/json_category.c \
	worker/json_compliance.c \
	worker/json_client.c worker/json_client.h \
	worker/json_edit.c worker/json_edit.h \
	worker/json_feed.c \
	worker/json_file.c worker/json_file.h \
	worker/json_import.c \
	worker/json_memory.c worker/json_memory.h \
	worker/json_manage.c \
	worker/json_message.c \
	worker/json_object.c worker/json_object.h \
	worker/json_peer.h \
	worker/json_person.c \
	worker/json_pool.c \
	worker/json_principal.c \
	worker/json_request.c \
	worker/json_role.c \
	worker/json_room.c \
	worker/json_scoped.c \
	worker/json_session.c \
	worker/json_text.c worker/json_text.h \
	worker/kept.c worker/kept.h \
	worker/local_client.c worker/local_client.h \
	worker/lookup.c worker/lookup.h \
	worker/match.c worker/match.h \
	worker/names.c worker/names.h \
	worker/people.c worker/people.h \
	worker/person.c worker/person.h worker/person_feed.c \
	worker/pool.c worker/pool.h \
	worker/net.c worker/net.h \
	worker/note.c worker/note.h \
	worker/object.h \
	worker/object_category.c \
	worker/object_find.c worker/object_find.h \
	worker/object_get.c \
	worker/object_group.c \
	worker/object_list.c \
	worker/object_role.c \
	worker/object_room.c \
	worker/object_send.c worker/object_send.h \
	worker/outq.c worker/outq.h \
	worker/page.c worker/page.h \
	worker/pending.c worker/pending.h \
	worker/removal.c \
	worker/rooms.c \
	worker/roster.c worker/roster.h \
	worker/scoped.c worker/scoped.h \
	worker/scan.c worker/scan.h \
	worker/search.c \
	worker/session.c worker/session.h \
	worker/sign_in.c \
	worker/tail.c worker/tail.h \
	worker/transfer.c worker/transfer.h \
	worker/upgrade.c worker/upgrade.h \
	worker/view.c worker/view.h \
	worker/wheel.c worker/wheel.h \
	worker/ws.c worker/ws.h
WORKER_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)
worker_libworker_a_CPPFLAGS = $(WORKER_CPPFLAGS)
WORKER_LIBS = worker/libworker.a $(SHM_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(JANSSON_LIBS) \
	$(WSLAY_LIBS) $(HTTP_PARSER_LIBS) $(SECCOMP_LIBS) $(UNISTRING_LIBS)

pkglibexec_PROGRAMS += worker/pchat-worker
worker_pchat_worker_SOURCES = worker/main.c
worker_pchat_worker_CPPFLAGS = $(WORKER_CPPFLAGS)
worker_pchat_worker_LDADD = $(WORKER_LIBS)
EXTRA_DIST += worker/README
