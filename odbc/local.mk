noinst_LIBRARIES += odbc/libodbc.a
odbc_libodbc_a_SOURCES = odbc/db.c odbc/db.h
odbc_libodbc_a_CPPFLAGS = $(AM_CPPFLAGS) $(ODBC_CFLAGS)
ODBC_LIB = odbc/libodbc.a $(ODBC_LIBS)
EXTRA_DIST += odbc/README
