sbin_PROGRAMS += daemon/pchatd daemon/pchatctl
bin_PROGRAMS += daemon/pchat
pkglibexec_PROGRAMS += daemon/pchat-sequencer daemon/pchat-store daemon/pchat-reader daemon/pchat-auth

daemon_pchatd_SOURCES = daemon/pchatd.c
daemon_pchatd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
daemon_pchatd_LDADD = $(SHM_LIBS) $(EVENT_LIBS)

daemon_pchat_sequencer_SOURCES = daemon/pchat-sequencer.c
daemon_pchat_sequencer_LDADD = $(SHM_LIBS)

daemon_pchat_store_SOURCES = daemon/pchat-store.c
daemon_pchat_store_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
daemon_pchat_store_LDADD = $(ODBC_LIB) $(SHM_LIBS)

daemon_pchat_reader_SOURCES = daemon/pchat-reader.c
daemon_pchat_reader_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(JANSSON_CFLAGS)
daemon_pchat_reader_LDADD = $(ODBC_LIB) $(SHM_LIBS) $(JANSSON_LIBS)

daemon_pchat_auth_SOURCES = daemon/pchat-auth.c
daemon_pchat_auth_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS) $(GSASL_CFLAGS) $(SSL_CFLAGS)
daemon_pchat_auth_LDADD = $(ODBC_LIB) $(SHM_LIBS) $(GSASL_LIBS) $(SSL_LIBS)

daemon_pchatctl_SOURCES = daemon/pchatctl.c
daemon_pchatctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
daemon_pchatctl_LDADD = $(SHM_LIBS) $(JANSSON_LIBS)

daemon_pchat_SOURCES = daemon/pchat.c
daemon_pchat_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS) $(GSASL_CFLAGS) $(EDIT_CFLAGS)
daemon_pchat_LDADD = $(CONF_LIBS) $(SSL_LIBS) $(JANSSON_LIBS) $(GSASL_LIBS) $(EDIT_LIBS) $(WSLAY_LIBS) $(HTTP_PARSER_LIBS)
EXTRA_DIST += daemon/README
