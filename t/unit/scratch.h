#ifndef PCHAT_UNIT_SCRATCH_H
#define PCHAT_UNIT_SCRATCH_H

/* Removes the scratch directory of a test, with everything in it. */
void scratch_remove(const char *directory);

#endif
