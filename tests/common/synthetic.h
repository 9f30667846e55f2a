/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TEST_SYNTHETIC_H
#define TEST_SYNTHETIC_H

#include <glib.h>

/* Networks of random weights, as the files that real ones come in: for what can be tested without
 * anybody's trained weights. */

typedef struct {
  const char *architecture; /* "rfdn" or "reprfn" */
  guint features, blocks, scale, channels;
  gboolean attention; /* of reprfn; rfdn always has it */
  guint32 seed;
} SyntheticNetwork;

/* A safetensors file. The weights are such that the output stays in about the input's range. */
GBytes *synthetic_network_new (const SyntheticNetwork *network);

/* A safetensors file of one tensor after the other, for files that are wrong on purpose. */
typedef struct {
  const char *name;
  guint n_dims;
  gsize shape[4];
  float *values; /* owned */
} SyntheticTensor;

GBytes *synthetic_file_new (const SyntheticTensor *tensors, guint n, const char *metadata_json);

#endif
