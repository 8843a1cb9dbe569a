#ifndef PCHAT_BENCH_DATABASE_BARE_H
#define PCHAT_BENCH_DATABASE_BARE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The driver's own limit: rows like those of pc_message into a table of the same key by ODBC calls
 * alone, 1,000 rows a transaction: a row a statement, 10 and 100 rows in VALUES, and arrays of 100
 * parameters. Prints "bare":[...], each for so many microseconds; failures end the program.
 */
void database_bare(const char *dsn, const char *body, size_t size, uint64_t time);

#endif
