#ifndef PCHAT_BENCH_DATABASE_FILE_H
#define PCHAT_BENCH_DATABASE_FILE_H

/* Removes a file of SQLite's, with those that it makes beside it. */
void database_file_remove(const char *file);

#endif
