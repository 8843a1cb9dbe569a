noinst_LIBRARIES += odbc/libodbc.a
odbc_libodbc_a_SOURCES = \
	odbc/backoff.c odbc/backoff.h \
	odbc/content.c odbc/content.h \
	odbc/content_credential.c \
	odbc/content_object.c \
	odbc/content_read.c \
	odbc/db.c odbc/db.h \
	odbc/dialect.c odbc/dialect.h \
	odbc/fold.c odbc/fold.h \
	odbc/hex.c odbc/hex.h \
	odbc/schema.c odbc/schema.h \
	odbc/sqlite.c \
	odbc/sqlite_schema.c odbc/sqlite_schema.h \
	odbc/statement.h
odbc_libodbc_a_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
ODBC_LIB = odbc/libodbc.a $(ODBC_LIBS) $(UNISTRING_LIBS)
EXTRA_DIST += odbc/README
