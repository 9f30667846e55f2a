/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "synthetic.h"

#include <math.h>
#include <string.h>

typedef struct {
  GArray *tensors;
  GRand *random;
  GPtrArray *names;
} Writer;

GBytes *
synthetic_file_new (const SyntheticTensor *tensors, guint n, const char *metadata_json)
{
  g_autoptr (GString) header = g_string_new ("{");
  GByteArray *file = g_byte_array_new ();
  gsize offset = 0;

  if (metadata_json)
    g_string_append_printf (header, "\"__metadata__\":%s%s", metadata_json, n ? "," : "");
  for (guint i = 0; i < n; i++) {
    gsize values = 1;
    g_string_append_printf (header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "",
                            tensors[i].name);
    for (guint d = 0; d < tensors[i].n_dims; d++) {
      g_string_append_printf (header, "%s%" G_GSIZE_FORMAT, d ? "," : "", tensors[i].shape[d]);
      values *= tensors[i].shape[d];
    }
    g_string_append_printf (header, "],\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}",
                            offset, offset + 4 * values);
    offset += 4 * values;
  }
  g_string_append_c (header, '}');

  guint64 length = GUINT64_TO_LE ((guint64) header->len);
  g_byte_array_append (file, (const guint8 *) &length, 8);
  g_byte_array_append (file, (const guint8 *) header->str, (guint) header->len);
  for (guint i = 0; i < n; i++) {
    gsize values = 1;
    for (guint d = 0; d < tensors[i].n_dims; d++)
      values *= tensors[i].shape[d];
    for (gsize k = 0; k < values; k++) {
      guint32 bits;
      memcpy (&bits, &tensors[i].values[k], 4);
      bits = GUINT32_TO_LE (bits);
      g_byte_array_append (file, (const guint8 *) &bits, 4);
    }
  }
  return g_byte_array_free_to_bytes (file);
}

static void
add_tensor (Writer *writer, char *name, guint n_dims, const gsize *shape, double spread,
            double centre)
{
  SyntheticTensor tensor = {.name = name, .n_dims = n_dims};
  gsize n = 1;

  for (guint d = 0; d < n_dims; d++) {
    tensor.shape[d] = shape[d];
    n *= shape[d];
  }
  tensor.values = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    tensor.values[i] = (float) (centre + g_rand_double_range (writer->random, -spread, spread));
  g_ptr_array_add (writer->names, name);
  g_array_append_val (writer->tensors, tensor);
}

/* A convolution that keeps the size of its input's values; `bias` is the middle of its biases. */
static void add_conv (Writer *writer, guint out, guint in, guint side, double bias,
                      const char *format, ...) G_GNUC_PRINTF (6, 7);

static void
add_conv (Writer *writer, guint out, guint in, guint side, double bias, const char *format, ...)
{
  gsize shape[4] = {out, in, side, side};
  va_list args;
  va_start (args, format);
  g_autofree char *prefix = g_strdup_vprintf (format, args);
  va_end (args);
  add_tensor (writer, g_strconcat (prefix, ".weight", NULL), 4, shape,
              sqrt (3.0 / (in * side * side)), 0);
  add_tensor (writer, g_strconcat (prefix, ".bias", NULL), 1, shape, 0.02, bias);
}

static void
add_esa (Writer *writer, const char *prefix, guint nf, guint f, gboolean three)
{
  add_conv (writer, f, nf, 1, 0, "%s.conv1", prefix);
  add_conv (writer, f, f, 1, 0, "%s.conv_f", prefix);
  add_conv (writer, f, f, 3, 0, "%s.conv2", prefix);
  if (three) {
    add_conv (writer, f, f, 3, 0, "%s.conv_max", prefix);
    add_conv (writer, f, f, 3, 0, "%s.conv3_", prefix);
  }
  add_conv (writer, f, f, 3, 0, "%s.conv3", prefix);
  add_conv (writer, nf, f, 1, 0, "%s.conv4", prefix);
}

static void
add_rfdn_block (Writer *writer, guint k, guint nf)
{
  g_autofree char *esa = g_strdup_printf ("B%u.esa", k);
  guint half = MAX (nf / 2, 1);

  for (guint i = 1; i <= 3; i++) {
    add_conv (writer, half, nf, 1, 0, "B%u.c%u_d", k, i);
    add_conv (writer, nf, nf, 3, 0, "B%u.c%u_r", k, i);
  }
  add_conv (writer, half, nf, 3, 0, "B%u.c4", k);
  add_conv (writer, nf, 4 * half, 1, 0, "B%u.c5", k);
  add_esa (writer, esa, nf, MAX (nf / 4, 1), TRUE);
}

static void
add_reprfn_block (Writer *writer, guint k, guint nf, gboolean attention)
{
  g_autofree char *esa = g_strdup_printf ("reprfb%u.esa", k);

  for (guint i = 1; i <= 3; i++)
    add_conv (writer, nf, nf, 3, 0, "reprfb%u.repblock%u.rbr_reparam", k, i);
  add_conv (writer, nf, nf, 3, 0, "reprfb%u.conv3", k);
  if (attention)
    add_esa (writer, esa, nf, MAX (nf / 4, 1), FALSE);
}

GBytes *
synthetic_network_new (const SyntheticNetwork *network)
{
  gboolean rfdn = g_str_equal (network->architecture, "rfdn");
  guint nf = network->features;
  Writer writer = {g_array_new (FALSE, FALSE, sizeof (SyntheticTensor)),
                   g_rand_new_with_seed (network->seed), g_ptr_array_new_with_free_func (g_free)};

  add_conv (&writer, nf, network->channels, 3, 0, "fea_conv");
  for (guint k = 1; k <= network->blocks; k++) {
    if (rfdn)
      add_rfdn_block (&writer, k, nf);
    else
      add_reprfn_block (&writer, k, nf, network->attention);
  }
  if (rfdn)
    add_conv (&writer, nf, nf * network->blocks, 1, 0, "c.0");
  add_conv (&writer, nf, nf, 3, 0, rfdn ? "LR_conv" : "lr_conv");
  add_conv (&writer, network->channels * network->scale * network->scale, nf, 3, 0.4,
            rfdn ? "upsampler.0" : "upsampler.conv");

  GBytes *bytes = synthetic_file_new ((SyntheticTensor *) (void *) writer.tensors->data,
                                      writer.tensors->len, "{\"input_range\":\"1\"}");
  for (guint i = 0; i < writer.tensors->len; i++)
    g_free (g_array_index (writer.tensors, SyntheticTensor, i).values);
  g_array_unref (writer.tensors);
  g_ptr_array_unref (writer.names);
  g_rand_free (writer.random);
  return bytes;
}
