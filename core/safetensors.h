/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_SAFETENSORS_H
#define RFDN_SAFETENSORS_H

#include "rfdn.h"

/* The safetensors container: 8 bytes of little-endian header length, a JSON object that maps names
 * to {dtype, shape, data_offsets}, then the data (https://github.com/huggingface/safetensors). */

#define RFDN_TENSOR_MAX_DIMS 4

/* An array of n_values floats in row-major order. `values` is NULL for a dtype without
 * floating-point numbers (counters that training leaves in a file): such a tensor exists, but no
 * network can use it. */
typedef struct {
  guint n_dims;
  gsize shape[RFDN_TENSOR_MAX_DIMS];
  gsize n_values;
  float *values;
} RfdnTensor;

typedef struct {
  GHashTable *tensors;  /* char * -> RfdnTensor * */
  GHashTable *metadata; /* char * -> char * */
} RfdnTensorFile;

/* Reads an untrusted file. F32, F16 and BF16 become floats: together at most twice the file's size,
 * since no byte belongs to two tensors. Returns NULL with RFDN_ERROR_FORMAT set when a length, an
 * offset or the JSON is wrong, or with RFDN_ERROR_NO_MEMORY. */
RfdnTensorFile *rfdn_tensor_file_new (GBytes *bytes, GError **error);
void rfdn_tensor_file_free (RfdnTensorFile *file);

/* NULL if there is no such tensor or metadata. The result belongs to the file. */
const RfdnTensor *rfdn_tensor_file_get (const RfdnTensorFile *file, const char *name);
const char *rfdn_tensor_file_get_metadata (const RfdnTensorFile *file, const char *key);

/* The beginning of a text from the file, to be quoted in a one-line message. */
char *rfdn_tensor_file_quote (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RfdnTensorFile, rfdn_tensor_file_free)

#endif
