pkglibexec_PROGRAMS += worker/pchat-worker
worker_pchat_worker_SOURCES = worker/main.c
worker_pchat_worker_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS)
worker_pchat_worker_LDADD = $(SHM_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(JANSSON_LIBS) $(WSLAY_LIBS) $(HTTP_PARSER_LIBS) $(SECCOMP_LIBS)
EXTRA_DIST += worker/README
