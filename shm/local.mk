noinst_LIBRARIES += shm/libshm.a
shm_libshm_a_SOURCES = \
	shm/admin_role.c shm/admin_role.h \
	shm/apply.c shm/apply.h \
	shm/ask.c shm/ask.h \
	shm/attempt.c shm/attempt.h \
	shm/cache.c shm/cache.h \
	shm/cache_object.c shm/cache_person.c \
	shm/cache_scoped.c \
	shm/child.c shm/child.h \
	shm/command.h \
	shm/counter.c shm/counter.h \
	shm/crc32c.c shm/crc32c.h \
	shm/event.c shm/event.h \
	shm/event_file.c \
	shm/event_message.c \
	shm/event_object.c \
	shm/event_scoped.c \
	shm/event_session.c \
	shm/event_wire.c shm/event_wire.h \
	shm/fdpass.c shm/fdpass.h \
	shm/find.c shm/find.h \
	shm/hash.c shm/hash.h \
	shm/journal.c shm/journal.h \
	shm/layout.h \
	shm/mailbox.c shm/mailbox.h \
	shm/object.c shm/object.h \
	shm/person.c shm/person.h \
	shm/proc.c shm/proc.h \
	shm/recent.c shm/recent.h \
	shm/role.c shm/role.h \
	shm/sandbox.c shm/sandbox.h \
	shm/schedule.c shm/schedule.h \
	shm/scoped.c shm/scoped.h \
	shm/scoped_key.c \
	shm/segment.c shm/segment.h \
	shm/table.c shm/table.h \
	shm/user_uri.c shm/user_uri.h
shm_libshm_a_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
SHM_LIBS = shm/libshm.a $(CONF_LIBS) $(UNISTRING_LIBS) $(UNISTRING_LIBS)
EXTRA_DIST += shm/README
