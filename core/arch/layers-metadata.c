/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers-metadata.h"

#include "layers-text.h"

#define MAX_EXTEND 32

/* Reports that a key's text is not what it should be. */
static void
refuse (RfdnBuilder *builder, const char *key, const char *text, const char *known)
{
  if (text == NULL) {
    rfdn_builder_fail (builder, "metadata %s is missing: %s", key, known);
    return;
  }
  g_autofree char *quoted = rfdn_tensor_file_quote (text);
  rfdn_builder_fail (builder, "metadata %s is '%s'; it should be %s", key, quoted, known);
}

static void
read_colour (RfdnBuilder *builder, RfdnArchShape *shape)
{
  const char *text = rfdn_tensor_file_get_metadata (builder->file, "colour");

  if (text != NULL && g_ascii_strcasecmp (text, "luma") == 0)
    shape->in_channels = 1;
  else if (text != NULL && g_ascii_strcasecmp (text, "rgb") == 0)
    shape->in_channels = 3;
  else
    refuse (builder, "colour", text, "rgb or luma");
  shape->out_channels = shape->in_channels;
}

static void
read_counts (RfdnBuilder *builder, RfdnArchShape *shape)
{
  const struct {
    const char *key, *without; /* NULL: it must be there */
    guint min, max;
    guint *count;
  } counts[] = {
      {"scale", NULL, 1, RFDN_MAX_SCALE, &shape->scale},
      {"unshuffle", "1", 1, RFDN_MAX_UNSHUFFLE, &shape->unshuffle},
      {"extend", "0", 0, MAX_EXTEND, &shape->extend},
  };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    const char *text = rfdn_tensor_file_get_metadata (builder->file, counts[i].key);
    const char *word = text != NULL ? text : counts[i].without;
    g_autofree char *known = g_strdup_printf ("%u to %u", counts[i].min, counts[i].max);
    if (word == NULL || !rfdn_text_get_count (word, counts[i].min, counts[i].max, counts[i].count))
      refuse (builder, counts[i].key, text, known);
  }
  if (shape->extend > 0 && shape->unshuffle > 1)
    refuse (builder, "extend", rfdn_tensor_file_get_metadata (builder->file, "extend"),
            "0 where the picture is unshuffled");
}

/* Numbers separated by blanks, `min` or `max` of them, where one stands for all; whether they are
 * there.
 */
static gboolean
read_numbers (RfdnBuilder *builder, const char *key, guint min, guint max, float *numbers)
{
  const char *text = rfdn_tensor_file_get_metadata (builder->file, key);
  g_autofree char *copy = g_strdup (text);
  char *rest = copy;
  guint n = 0;

  if (text == NULL || builder->error != NULL)
    return FALSE;
  for (const char *word; (word = rfdn_text_take_word (&rest)) != NULL; n++) {
    if (n == max || !rfdn_text_get_number (word, &numbers[n])) {
      n = 0;
      break;
    }
  }
  if (n != min && n != max) {
    g_autofree char *known = min == max ? g_strdup_printf ("%u number%s", max, max > 1 ? "s" : "")
                                        : g_strdup_printf ("%u or %u numbers", min, max);
    refuse (builder, key, text, known);
    return FALSE;
  }
  for (guint i = n; i < max; i++)
    numbers[i] = numbers[0];
  return TRUE;
}

static void
read_range (RfdnBuilder *builder, RfdnArchShape *shape)
{
  shape->input_range = 1;
  read_numbers (builder, "input_range", 1, 1, &shape->input_range);
  if (shape->input_range <= 0)
    refuse (builder, "input_range", rfdn_tensor_file_get_metadata (builder->file, "input_range"),
            "a number above 0");
}

/* One number or one a colour. */
static void
read_normalization (RfdnBuilder *builder, RfdnArchShape *shape)
{
  read_numbers (builder, "mean", 1, shape->in_channels, shape->mean);
  if (!read_numbers (builder, "gain", 1, shape->in_channels, shape->gain))
    return;
  for (guint c = 0; c < shape->in_channels; c++) {
    if (shape->gain[c] == 0)
      refuse (builder, "gain", rfdn_tensor_file_get_metadata (builder->file, "gain"),
              "other numbers than 0");
  }
}

static void
read_clip (RfdnBuilder *builder, RfdnFunction *clip)
{
  float bounds[2];

  if (!read_numbers (builder, "clip", 2, 2, bounds))
    return;
  *clip = (RfdnFunction){RFDN_FUNCTION_CLIP, bounds[0], bounds[1]};
  if (clip->a > clip->b)
    refuse (builder, "clip", rfdn_tensor_file_get_metadata (builder->file, "clip"),
            "the lower bound, then the upper one");
}

void
rfdn_layers_read_metadata (RfdnBuilder *builder, RfdnArchShape *shape, RfdnFunction *clip)
{
  *clip = RFDN_LINEAR;
  read_colour (builder, shape);
  read_counts (builder, shape);
  read_range (builder, shape);
  if (builder->error != NULL)
    return;
  read_normalization (builder, shape);
  read_clip (builder, clip);
}
