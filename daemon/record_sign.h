#ifndef PCHAT_DAEMON_RECORD_SIGN_H
#define PCHAT_DAEMON_RECORD_SIGN_H

#include <stdio.h>

#include "odbc/record.h"

/* Signatures of checkpoints, with any key that OpenSSL signs with; Ed25519 is the natural one. What
 * is signed is in pchat-compliance(7). */
struct record_signer;

/* A private key, or (for verifying only) a public one, in PEM. */
struct record_signer *record_signer_new(FILE *file, struct err *err);
void record_signer_free(struct record_signer **signer);

/* Sets the signature. */
int record_sign(const struct record_signer *signer, struct record_checkpoint *checkpoint,
		struct err *err);

/* Whether the signature is right. */
bool record_signed(const struct record_signer *signer, const struct record_checkpoint *checkpoint);

#endif
