noinst_LIBRARIES += conf/libconf.a
conf_libconf_a_SOURCES = \
	conf/access.c conf/access.h \
	conf/bug.c conf/bug.h \
	conf/clock.c conf/clock.h \
	conf/plain.c conf/plain.h \
	conf/code.c conf/code.h \
	conf/conf.c conf/conf.h \
	conf/conf_adapter.c conf/conf_adapter.h \
	conf/err.c conf/err.h \
	conf/fault.c conf/fault.h \
	conf/hex.c conf/hex.h \
	conf/log.c conf/log.h \
	conf/scan.c conf/scan.h \
	conf/setting.c conf/setting.h
conf_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(CONFUSE_CFLAGS) $(BSD_CFLAGS)
CONF_LIBS = conf/libconf.a $(CONFUSE_LIBS) $(BSD_LIBS)

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	conf/logrotate.sample \
	conf/odbc.ini.sample \
	conf/odbcinst.ini.sample \
	conf/pchatctl.bash-completion \
	conf/pchat.sysusers.sample \
	conf/pchat.tmpfiles.sample \
	conf/pchatd.conf.sample
dist_pkgdata_DATA = conf/compliance.xsd conf/compliance-actiance.xsl
init_SCRIPTS = conf/init/pchatd
systemdsystemunit_DATA = conf/pchatd.service

# Made here and not by configure, which does not know what make will say the directories are.
CONF_EDIT = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'

conf/init/pchatd: conf/pchatd.init.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf/init && $(CONF_EDIT) $(srcdir)/conf/pchatd.init.in >$@.new && \
		chmod +x $@.new && mv $@.new $@

conf/pchatd.service: conf/pchatd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) conf && $(CONF_EDIT) $(srcdir)/conf/pchatd.service.in >$@.new && \
		mv $@.new $@

CLEANFILES += $(init_SCRIPTS) $(systemdsystemunit_DATA)
EXTRA_DIST += conf/README conf/pchatd.init.in conf/pchatd.service.in
