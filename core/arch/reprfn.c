/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arch.h"

/* RepRFN: Reparameterized Residual Feature Network (Deng et al., NTIRE 2023 efficient
 * super-resolution), after re-parameterisation: every RepBlock is the one 3x3 convolution that its
 * branches add up to. Input range 0..1. The attention may be absent: then it is a smaller, purely
 * convolutional network with the same tensor names. */

static const char *const esa_middle[] = {"conv3", NULL};

static RfdnSlice
read_block (RfdnBuilder *builder, guint k, gboolean attention, RfdnSlice in)
{
  RfdnGraph *graph = builder->graph;
  RfdnSlice x = in;

  for (guint i = 1; i <= 3; i++) {
    g_autofree char *name = g_strdup_printf ("reprfb%u.repblock%u.rbr_reparam", k, i);
    RfdnSlice next = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, in.n);
    rfdn_builder_conv (
        builder, name,
        &(RfdnLayer){.op = &rfdn_op_conv3x3, .in = x, .out = next, .function = RFDN_LEAKY});
    x = next;
  }

  g_autofree char *last = g_strdup_printf ("reprfb%u.conv3", k);
  RfdnSlice sum = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, in.n);
  rfdn_builder_conv (
      builder, last,
      &(RfdnLayer){
          .op = &rfdn_op_conv3x3, .in = x, .out = sum, .function = RFDN_LEAKY, .plus = in});
  if (!attention)
    return sum;

  g_autofree char *esa = g_strdup_printf ("reprfb%u.esa", k);
  RfdnSlice out = rfdn_graph_add_activation (graph, RFDN_GRID_FRAME, in.n);
  rfdn_builder_esa (builder, esa, esa_middle, sum, out);
  return out;
}

static RfdnGraph *
reprfn_read (const RfdnTensorFile *file, RfdnArchShape *shape, GError **error)
{
  RfdnBuilder builder = {.file = file};
  rfdn_builder_shape (&builder, "fea_conv", "upsampler.conv", shape);
  shape->blocks = rfdn_builder_count (&builder, "reprfb%u.repblock1.rbr_reparam.weight");
  shape->attention = rfdn_tensor_file_get (file, "reprfb1.esa.conv1.weight") != NULL;
  if (builder.error != NULL) {
    g_propagate_error (error, builder.error);
    return NULL;
  }

  const RfdnSlice features = rfdn_builder_begin (&builder, shape);
  RfdnSlice x = features;
  for (guint k = 1; k <= shape->blocks; k++)
    x = read_block (&builder, k, shape->attention, x);
  return rfdn_builder_end (&builder, shape, "lr_conv", "upsampler.conv", features, x, error);
}

const RfdnArch rfdn_arch_reprfn = {
    .name = "reprfn",
    .signature = "reprfb1.repblock1.rbr_reparam.weight",
    .input_range = 1,
    .read = reprfn_read,
};
