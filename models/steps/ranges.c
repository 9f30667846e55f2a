/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How large a network's numbers get: pictures of 8-bit luma, one after the other on standard input,
 * go through it, and the largest magnitude of each channel is printed, a line for each map. */

#include <stdio.h>
#include <stdlib.h>

#include "ranges.h"

static RfdnModel *
load (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GBytes) bytes = file != NULL ? g_mapped_file_get_bytes (file) : NULL;

  return bytes != NULL ? rfdn_model_new (bytes, error) : NULL;
}

/* FALSE where the last picture is not whole. */
static gboolean
run_all (RfdnUpscaler *upscaler, guint scale, guint width, guint height)
{
  const gsize size = (gsize) width * height;
  g_autofree guint8 *in = g_malloc (size), *out = g_malloc (size * scale * scale);
  const RfdnPlane from = {in, width, 1}, to = {out, (gssize) width * scale, 1};
  gsize n;

  while ((n = fread (in, 1, size, stdin)) == size)
    rfdn_upscaler_run (upscaler, &from, &to);
  return n == 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;

  if (argc != 4 && argc != 5) {
    fprintf (stderr, "usage: rfdn-ranges MODEL WIDTH HEIGHT [SHARPNESS] < PICTURES\n");
    return 2;
  }
  params.width = (guint) strtoul (argv[2], NULL, 10);
  params.height = (guint) strtoul (argv[3], NULL, 10);
  params.n_threads = 1;
  const float sharpness = argc == 5 ? strtof (argv[4], NULL) : 0;
  g_autoptr (RfdnModel) own = load (argv[1], &error);
  g_autoptr (RfdnModel) model = own != NULL ? rfdn_model_sharpen (own, sharpness, &error) : NULL;
  g_autoptr (RfdnUpscaler) upscaler =
      model != NULL ? rfdn_upscaler_new (model, &params, &error) : NULL;
  if (upscaler == NULL) {
    fprintf (stderr, "rfdn-ranges: %s: %s\n", argv[1], error->message);
    return 1;
  }
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  if (info->channels != 1) {
    fprintf (stderr, "rfdn-ranges: %s: sees %u channels, not luma\n", argv[1], info->channels);
    return 1;
  }
  rfdn_upscaler_start_ranges (upscaler);
  if (!run_all (upscaler, info->scale, params.width, params.height)) {
    fprintf (stderr, "rfdn-ranges: the last picture is cut short\n");
    return 1;
  }
  g_autofree char *text = rfdn_upscaler_dup_ranges (upscaler);
  fputs (text, stdout);
  return 0;
}
