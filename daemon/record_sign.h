#ifndef PCHAT_DAEMON_RECORD_SIGN_H
#define PCHAT_DAEMON_RECORD_SIGN_H

#include <stdio.h>

#include "odbc/record.h"

/*
 * Signatures of checkpoints and of the cursor row, with any key that OpenSSL signs with; Ed25519 is
 * the natural one. What is signed is in pchat-compliance(7).
 */
struct record_signer;

/* How many keys may have followed each other. */
enum { RECORD_KEYS = 64 };

/*
 * Keys in PEM: a private one, and the public ones of those that were used before it; for verifying
 * public ones alone are enough. What is signed by any of them is right.
 */
struct record_signer *record_signer_new(FILE *file, struct err *err);
void record_signer_free(struct record_signer **signer);

/* By what the key is known: the SHA-256 of its public part in DER, in hexadecimal digits. */
int record_signer_name(const struct record_signer *signer, char name_r[RECORD_HEX],
		       struct err *err);

/* Set the signature. */
int record_sign(const struct record_signer *signer, struct record_checkpoint *checkpoint,
		struct err *err);
int record_sign_cursor(const struct record_signer *signer, struct record_cursor *cursor,
		       struct err *err);

/* Whether the signature is right. */
bool record_signed(const struct record_signer *signer, const struct record_checkpoint *checkpoint);
bool record_signed_cursor(const struct record_signer *signer, const struct record_cursor *cursor);

#endif
