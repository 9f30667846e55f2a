/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a list of layers, over tensors that are always the same; where it makes a small
 * network, a picture goes through it as well. The first byte chooses the other metadata.
 * With libFuzzer: fuzz-layers CORPUS. Without: fuzz-layers FILE ... replays files (replay.c).
 * Built with READ_ONLY, as fuzz-layers-read, the file around the list is read once and no network
 * is run: many more lists in the same time. */

#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "listed.h"
#include "replay.h"
#include "rfdn.h"

static const char *const metadata[][11] = {
    {NULL},
    {"scale", "1", "clip", "-1 1", NULL},
    {"colour", "rgb", "mean", "0.5 0.25 0.125", "gain", "2", "input_range", "255", NULL},
    {"unshuffle", "2", "scale", "1", "extend", "3", "clip", "0 1", NULL},
    {"scale", "4", "unshuffle", "1", NULL},
};

/* One message of one line, or a result. */
static void
check_outcome (gboolean has_result, const GError *error)
{
  if (has_result != (error == NULL))
    abort ();
  if (error != NULL &&
      (error->code == RFDN_ERROR_FORMAT || strchr (error->message, '\n') != NULL)) {
    g_printerr ("%s\n", error->message);
    abort ();
  }
}

#ifdef READ_ONLY

static void
try_list (const char *text, guint variant)
{
  static RfdnTensorFile *files[G_N_ELEMENTS (metadata)];
  RfdnTensorFile **file = &files[variant];
  g_autoptr (GError) error = NULL;
  RfdnArchShape shape = {0};

  if (*file == NULL) {
    g_autoptr (GBytes) bytes = listed_file_new ("", metadata[variant]);
    *file = rfdn_tensor_file_new (bytes, NULL);
  }
  g_hash_table_replace ((*file)->metadata, g_strdup ("layers"), g_strdup (text));
  RfdnGraph *graph = rfdn_arch_layers.read (*file, &shape, &error);
  check_outcome (graph != NULL, error);
  rfdn_graph_free (graph);
}

#else

#define WIDTH 40
#define HEIGHT 9

/* In tiles where they are not too much work: most of what can go wrong between layers does so
 * there. */
static void
run (RfdnModel *model)
{
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  const gboolean in_tiles = info->macs < 2000;
  const guint width = in_tiles ? WIDTH : 4, height = in_tiles ? HEIGHT : 5, scale = info->scale;
  g_autofree guint8 *in = g_malloc0 (3 * width * height);
  g_autofree guint8 *out = g_malloc (3 * width * height * scale * scale);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  RfdnPlane from[3], to[3];

  memcpy (in, (const guint8[]){1, 2, 3, 250}, 4);
  params.width = width;
  params.height = height;
  params.n_threads = 1;
  params.tile_size = in_tiles ? 4 : 0;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  if (upscaler == NULL)
    return;
  for (guint c = 0; c < 3; c++) {
    from[c] = (RfdnPlane){in + c * width * height, width, 1};
    to[c] = (RfdnPlane){out + c * width * height * scale * scale, width * scale, 1};
  }
  rfdn_upscaler_run (upscaler, from, to);
}

static void
try_list (const char *text, guint variant)
{
  g_autoptr (GBytes) file = listed_file_new (text, metadata[variant]);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) model = rfdn_model_new (file, &error);

  check_outcome (model != NULL, error);
  if (model != NULL && rfdn_model_get_info (model)->macs <= 100000)
    run (model);
}

#endif

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  /* What is not UTF-8 never gets as far as the list. */
  g_autofree char *bytes = g_strndup ((const char *) data + 1, size - 1);
  g_autofree char *text = g_utf8_make_valid (bytes, -1);

  try_list (text, data[0] % G_N_ELEMENTS (metadata));
  return 0;
}
