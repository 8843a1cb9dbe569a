#ifndef PCHAT_WORKER_FILE_ANSWER_H
#define PCHAT_WORKER_FILE_ANSWER_H

#include "shm/ask.h"
#include "worker/file.h"

/* Takes an answer of pchat-file's that is a struct ask_file apart; the texts point into it. False:
 * it is malformed. */
bool file_answer(const struct ask *ask, const void *body, struct file_info *info_r);

#endif
