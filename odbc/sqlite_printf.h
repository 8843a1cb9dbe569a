#ifndef PCHAT_ODBC_SQLITE_PRINTF_H
#define PCHAT_ODBC_SQLITE_PRINTF_H

/*
 * Every connection that SQLite opens from now on takes this PRINTF for the rows of pages instead of
 * its own, which does the same in three times as long. Where the library has not got what it takes
 * nothing happens. library: of dlopen, which stays open.
 */
void sqlite_printf_install(void *library);

#endif
