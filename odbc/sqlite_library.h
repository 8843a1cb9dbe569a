#ifndef PCHAT_ODBC_SQLITE_LIBRARY_H
#define PCHAT_ODBC_SQLITE_LIBRARY_H

/*
 * Before the driver of SQLite is loaded: a page of history is 150 pieces of memory to the library.
 * It need not count them, for which it takes a lock with each, and nobody here asks for it. And
 * a piece is made as large as a row of a page mostly becomes, so that it need not be moved as it
 * grows. Where there is no such library nothing happens.
 */
void sqlite_library_settle(void);

#endif
