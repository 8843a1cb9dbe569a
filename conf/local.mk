noinst_LIBRARIES += conf/libconf.a
conf_libconf_a_SOURCES = \
	conf/bug.c conf/bug.h \
	conf/clock.c conf/clock.h \
	conf/code.c conf/code.h \
	conf/conf.c conf/conf.h \
	conf/err.c conf/err.h \
	conf/fault.c conf/fault.h \
	conf/log.c conf/log.h \
	conf/scan.c conf/scan.h \
	conf/setting.c conf/setting.h
conf_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(CONFUSE_CFLAGS) $(BSD_CFLAGS)
CONF_LIBS = conf/libconf.a $(CONFUSE_LIBS) $(BSD_LIBS)
EXTRA_DIST += conf/README conf/pchatd.conf.sample
