/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arch.h"

/* RFDN: Residual Feature Distillation Network (Liu, Tang and Wu, ECCV 2020 Workshops, section 3;
 * E-RFDN is the same with nf = 50 and four blocks). Input range 0..255. */

static const char *const esa_middle[] = {"conv_max", "conv3", "conv3_", NULL};

/* Three times {distil nf/2 channels; refine the features further}, then four distilled parts side
 * by side, fused to nf channels and attended to (figure 2 (c) of the paper). */
static RfdnSlice
read_block (RfdnBuilder *builder, guint k, RfdnSlice in)
{
  RfdnGraph *graph = builder->graph;
  g_autofree char *first = g_strdup_printf ("B%u.c1_d", k);
  guint nf = in.n, distilled = rfdn_builder_narrow_channels (builder, first, nf);
  if (distilled == 0)
    return in;

  RfdnSlice parts = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, 4 * distilled);
  RfdnSlice x = in;
  for (guint i = 1; i <= 3; i++) {
    g_autofree char *distil = g_strdup_printf ("B%u.c%u_d", k, i);
    g_autofree char *refine = g_strdup_printf ("B%u.c%u_r", k, i);
    rfdn_builder_conv (builder, distil,
                       &(RfdnLayer){.op = &rfdn_op_conv1x1,
                                    .in = x,
                                    .out = rfdn_slice (parts, (i - 1) * distilled, distilled),
                                    .function = RFDN_LEAKY});
    RfdnSlice refined = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, nf);
    rfdn_builder_conv (
        builder, refine,
        &(RfdnLayer){
            .op = &rfdn_op_conv3x3, .in = x, .out = refined, .add = x, .function = RFDN_LEAKY});
    x = refined;
  }

  g_autofree char *last = g_strdup_printf ("B%u.c4", k);
  g_autofree char *fuse = g_strdup_printf ("B%u.c5", k);
  g_autofree char *esa = g_strdup_printf ("B%u.esa", k);
  rfdn_builder_conv (builder, last,
                     &(RfdnLayer){.op = &rfdn_op_conv3x3,
                                  .in = x,
                                  .out = rfdn_slice (parts, 3 * distilled, distilled),
                                  .function = RFDN_LEAKY});
  RfdnSlice fused = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, nf);
  rfdn_builder_conv (
      builder, fuse,
      &(RfdnLayer){.op = &rfdn_op_conv1x1, .in = parts, .out = fused, .function = RFDN_LINEAR});
  RfdnSlice out = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, nf);
  rfdn_builder_esa (builder, esa, esa_middle, fused, out);
  return out;
}

static RfdnGraph *
rfdn_read (const RfdnTensorFile *file, RfdnArchShape *shape, GError **error)
{
  RfdnBuilder builder = {.file = file};
  rfdn_builder_shape (&builder, "fea_conv", "upsampler.0", shape);
  shape->blocks = rfdn_builder_count (&builder, "B%u.c1_d.weight");
  shape->attention = TRUE;
  if (builder.error != NULL) {
    g_propagate_error (error, builder.error);
    return NULL;
  }

  const guint nf = shape->features;
  const RfdnSlice features = rfdn_builder_begin (&builder, shape);
  /* The 1x1 convolution over all blocks' outputs is accumulated block by block, so that they need
   * not all be kept. */
  const RfdnSlice collected = rfdn_graph_add_activation (builder.graph, RFDN_GRID_FRAME, nf);
  RfdnSlice x = features;
  for (guint k = 1; k <= shape->blocks; k++) {
    x = read_block (&builder, k, x);
    rfdn_builder_conv_columns (
        &builder, "c.0", (k - 1) * nf, shape->blocks * nf, k == 1,
        &(RfdnLayer){.op = &rfdn_op_conv1x1,
                     .in = x,
                     .out = collected,
                     .add = k == 1 ? (RfdnSlice){0} : collected,
                     .function = k == shape->blocks ? RFDN_LEAKY : RFDN_LINEAR});
  }
  return rfdn_builder_end (&builder, shape, "LR_conv", "upsampler.0", features, collected, error);
}

const RfdnArch rfdn_arch_rfdn = {
    .name = "rfdn",
    .signature = "B1.c1_d.weight",
    .input_range = 255,
    .read = rfdn_read,
};
