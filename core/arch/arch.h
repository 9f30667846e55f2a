/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_ARCH_H
#define RFDN_ARCH_H

#include "../graph.h"
#include "../ops/ops.h"
#include "../safetensors.h"

/* A published network: which tensors it is stored in and which layers it is made of. One file
 * each, one entry in rfdn_archs (arch.c). */

/* What is known from the tensors' shapes; set by read(). */
typedef struct {
  guint in_channels, out_channels; /* colours: 1 or 3 */
  guint scale;
  guint features;
  guint blocks;
  gboolean attention;
  /* Further metadata of files with a list of layers (see models/LAYERS.md); zeros where absent. */
  float input_range;      /* 0: the architecture's */
  float mean[3], gain[3]; /* gain (v - mean) of a colour; a gain of 0 stands for 1 */
  guint unshuffle;        /* 0: 1 */
  guint extend;
} RfdnArchShape;

typedef struct {
  const char *name;
  /* A tensor that only this network has; NULL: its files have a list of layers. */
  const char *signature;
  /* Largest sample value that the authors' training code used. */
  float input_range;
  /* The layers, with weights; NULL with RFDN_ERROR_MODEL set when a tensor is missing or its shape
   * does not fit the rest, or with RFDN_ERROR_NO_MEMORY. */
  RfdnGraph *(*read) (const RfdnTensorFile *file, RfdnArchShape *shape, GError **error);
} RfdnArch;

extern const RfdnArch rfdn_arch_rfdn;
extern const RfdnArch rfdn_arch_reprfn;

/* The network that the metadata `layers` describe. */
extern const RfdnArch rfdn_arch_layers;

/* The networks that are recognised by a tensor; ends with NULL. */
extern const RfdnArch *const rfdn_archs[];

/* ---- what the networks' files share ---------------------------------------------------------- */

#define RFDN_MAX_CHANNELS 1024
#define RFDN_MAX_BLOCKS 64

/* The LeakyReLU of these networks. */
#define RFDN_LEAKY ((RfdnFunction){RFDN_FUNCTION_LEAKY, 0.05f, 0})

/* Builds a graph from a file. After the first failure `error` is set and all calls do nothing, so
 * that a network reads as a list and checks once, at its end. */
typedef struct {
  const RfdnTensorFile *file;
  RfdnGraph *graph;
  GError *error;
} RfdnBuilder;

/* Appends the convolution whose tensors are PREFIX.weight and PREFIX.bias; in, out, op, and the
 * rest are those of `layer`. The tensors must have the shapes that in and out ask for. */
void rfdn_builder_conv (RfdnBuilder *builder, const char *prefix, const RfdnLayer *layer);

/* The same for some input channels of a wider 1x1 convolution: columns first..first + in.n of its
 * weights, and its bias only if `with_bias`. */
void rfdn_builder_conv_columns (RfdnBuilder *builder, const char *prefix, guint first, guint total,
                                gboolean with_bias, const RfdnLayer *layer);

/* Enhanced spatial attention (RFANet, Liu et al., CVPR 2020, section 3.3): out = in, gated by a
 * pooled, low-resolution view of itself. `middle` names the 3x3 convolutions on the pooled grid:
 * all but the last are followed by a ReLU. */
void rfdn_builder_esa (RfdnBuilder *builder, const char *prefix, const char *const *middle,
                       RfdnSlice in, RfdnSlice out);

/* Both ends of these networks. begin() makes the graph and its first layer, fea_conv, whose output
 * it returns; not to be called after a failure. end() appends the 3x3 convolution `smooth` of x, to
 * which the first features are added, and the one that makes the output, `last`; it returns the
 * graph, or NULL with @error set if anything failed since `builder` was made. */
RfdnSlice rfdn_builder_begin (RfdnBuilder *builder, const RfdnArchShape *shape);
RfdnGraph *rfdn_builder_end (RfdnBuilder *builder, const RfdnArchShape *shape, const char *smooth,
                             const char *last, RfdnSlice features, RfdnSlice x, GError **error);

/* Sets the error, unless one is set already. */
void rfdn_builder_fail (RfdnBuilder *builder, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The same when memory is short. */
void rfdn_builder_fail_memory (RfdnBuilder *builder);

/* A tensor of floating-point numbers, NULL after a failure; and whether all `n` numbers are
 * finite. */
const RfdnTensor *rfdn_builder_tensor (RfdnBuilder *builder, const char *name);
gboolean rfdn_builder_check_finite (RfdnBuilder *builder, const char *name, const float *values,
                                    gsize n);

/* "16x3x3x3", to be freed. */
char *rfdn_describe_shape (const gsize *shape, guint n_dims);

/* Out channels (axis 0) or in channels (axis 1) of PREFIX.weight, 1 to RFDN_MAX_CHANNELS; 0 after
 * a failure. */
guint rfdn_builder_channels (RfdnBuilder *builder, const char *prefix, guint axis);

/* Out channels of a convolution that reduces a network's `features`: its distilled or attended
 * part. No more than those, or a small file could ask for any amount of scratch memory: that grows
 * with the number of channels, files with the product of two of them. 0 after a failure. */
guint rfdn_builder_narrow_channels (RfdnBuilder *builder, const char *prefix, guint features);

/* Number of blocks: the largest k such that tensors FORMAT (1) to FORMAT (k) exist. */
guint rfdn_builder_count (RfdnBuilder *builder, const char *format);

/* Derives colours and scale from the first and the last convolution. */
void rfdn_builder_shape (RfdnBuilder *builder, const char *first, const char *last,
                         RfdnArchShape *shape);

#endif
