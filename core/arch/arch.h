/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_ARCH_H
#define RFDN_ARCH_H

#include "../graph.h"
#include "../ops/ops.h"
#include "../safetensors.h"

/* A published network: which tensors it is stored in and which layers it is made of. One file
 * each, one entry in rfdn_archs (arch.c). */

/* What the tensors' shapes tell, set by read(). */
typedef struct {
  guint in_channels, out_channels; /* colours: 1 or 3 */
  guint scale;
  guint features;
  guint blocks;
  gboolean attention;
  /* What else files with a list of layers say (see models/LAYERS.md); zeros where they do not. */
  float input_range;      /* 0: the architecture's */
  float mean[3], gain[3]; /* gain (v - mean) of a colour; a gain of 0 stands for 1 */
  guint unshuffle;        /* 0: 1 */
  guint extend;
} RfdnArchShape;

typedef struct {
  const char *name;
  /* A tensor that this network has and no other; NULL: its files have a list of layers. */
  const char *signature;
  /* Largest sample value that the authors' training code used. */
  float input_range;
  /* The layers, with weights; NULL with RFDN_ERROR_MODEL set when a tensor is missing or has
   * another shape than the rest asks for, or with RFDN_ERROR_NO_MEMORY. */
  RfdnGraph *(*read) (const RfdnTensorFile *file, RfdnArchShape *shape, GError **error);
} RfdnArch;

extern const RfdnArch rfdn_arch_rfdn;
extern const RfdnArch rfdn_arch_reprfn;

/* Whatever the metadata `layers` say. */
extern const RfdnArch rfdn_arch_layers;

/* The networks that are known by a tensor; ends with NULL. */
extern const RfdnArch *const rfdn_archs[];

/* ---- what the networks' files share ---------------------------------------------------------- */

#define RFDN_MAX_CHANNELS 1024
#define RFDN_MAX_BLOCKS 64

/* The LeakyReLU of these networks. */
#define RFDN_LEAKY ((RfdnFunction){RFDN_FUNCTION_LEAKY, 0.05f, 0})

/* Builds a graph from a file. After the first failure `error` is set and all calls do nothing, so
 * that a network reads as a list and asks once, at its end. */
typedef struct {
  const RfdnTensorFile *file;
  RfdnGraph *graph;
  GError *error;
} RfdnBuilder;

/* Appends the convolution whose tensors are PREFIX.weight and PREFIX.bias; in, out, op, and the
 * rest are those of `layer`. The tensors must have the shapes that in and out ask for. */
void rfdn_builder_conv (RfdnBuilder *builder, const char *prefix, const RfdnLayer *layer);

/* The same for some input channels of a wider 1x1 convolution: columns first..first + in.n of its
 * weights, and its bias only where `with_bias`. */
void rfdn_builder_conv_columns (RfdnBuilder *builder, const char *prefix, guint first, guint total,
                                gboolean with_bias, const RfdnLayer *layer);

/* Enhanced spatial attention (RFANet, Liu et al., CVPR 2020, section 3.3): out = in gated by what
 * its own low-resolution, pooled view makes of it. `middle` names the 3x3 convolutions on the
 * pooled grid: each is followed by a ReLU but the last. */
void rfdn_builder_esa (RfdnBuilder *builder, const char *prefix, const char *const *middle,
                       RfdnSlice in, RfdnSlice out);

/* What both ends of these networks have in common. begin() makes the graph and its first layer,
 * fea_conv, whose output it returns; not to be called after a failure. end() appends the 3x3
 * convolution `smooth` of x, to which the first features are added, and the one that makes the
 * output, `last`; it returns the graph, or NULL with @error set if anything failed since `builder`
 * was made. */
RfdnSlice rfdn_builder_begin (RfdnBuilder *builder, const RfdnArchShape *shape);
RfdnGraph *rfdn_builder_end (RfdnBuilder *builder, const RfdnArchShape *shape, const char *smooth,
                             const char *last, RfdnSlice features, RfdnSlice x, GError **error);

/* Says what is wrong, unless something was before. */
void rfdn_builder_fail (RfdnBuilder *builder, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The same where it is memory that is wanting. */
void rfdn_builder_fail_memory (RfdnBuilder *builder);

/* A tensor of floating-point numbers, NULL after a failure; and whether `n` of its numbers are all
 * finite. */
const RfdnTensor *rfdn_builder_tensor (RfdnBuilder *builder, const char *name);
gboolean rfdn_builder_check_finite (RfdnBuilder *builder, const char *name, const float *values,
                                    gsize n);

/* "16x3x3x3", to be freed. */
char *rfdn_describe_shape (const gsize *shape, guint n_dims);

/* Out channels (axis 0) or in channels (axis 1) of PREFIX.weight, 1 to RFDN_MAX_CHANNELS; 0 after
 * a failure. */
guint rfdn_builder_channels (RfdnBuilder *builder, const char *prefix, guint axis);

/* Out channels of a convolution that makes less of a network's `features`: its distilled or
 * attended part. No more than those, or a small file could ask for any amount of scratch memory,
 * which grows with channels where files grow with their products. 0 after a failure. */
guint rfdn_builder_narrow_channels (RfdnBuilder *builder, const char *prefix, guint features);

/* Number of blocks: the largest k for which the tensor FORMAT (k) is there, from 1 on. */
guint rfdn_builder_count (RfdnBuilder *builder, const char *format);

/* Reads colours and scale off the first and the last convolution. */
void rfdn_builder_shape (RfdnBuilder *builder, const char *first, const char *last,
                         RfdnArchShape *shape);

#endif
