#ifndef PCHAT_ODBC_SQLITE_LIBRARY_H
#define PCHAT_ODBC_SQLITE_LIBRARY_H

/*
 * Before the driver of SQLite is loaded: the library need not count its memory, which nobody here
 * asks for. It takes a lock for it with every piece that it allocates, and a page of history
 * is 150 pieces; and rows of pages are made by a function of ours (odbc/sqlite_printf.c). Where
 * there is no such library nothing happens.
 */
void sqlite_library_settle(void);

#endif
