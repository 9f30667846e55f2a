/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that uses the engine as it is installed, for packages.sh: enlarges a grey picture. */

#include <rfdn.h>
#include <stdlib.h>

#define WIDTH 32
#define HEIGHT 24
#define GREY 128

int
main (void)
{
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  guint8 in[WIDTH * HEIGHT], out[4 * WIDTH * HEIGHT] = {0};
  RfdnPlane in_plane = {in, WIDTH, 1}, out_plane = {out, 2 * WIDTH, 1};
  RfdnUpscaler *upscaler = NULL;
  GError *error = NULL;
  RfdnModel *model;
  int worst = 0;

  for (gsize i = 0; i < sizeof in; i++)
    in[i] = GREY;
  params.width = WIDTH;
  params.height = HEIGHT;
  model = rfdn_model_new_builtin (rfdn_builtin_models ()[0].name, 2, &error);
  if (model != NULL)
    upscaler = rfdn_upscaler_new (model, &params, &error);
  if (upscaler == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  rfdn_upscaler_run (upscaler, &in_plane, &out_plane);
  for (gsize i = 0; i < sizeof out; i++)
    worst = MAX (worst, abs (out[i] - GREY));
  g_print ("%dx%d, off by %d at most\n", 2 * WIDTH, 2 * HEIGHT, worst);
  rfdn_upscaler_free (upscaler);
  rfdn_model_unref (model);
  return worst > 4;
}
