/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The engine's floating-point output, before any rounding, against what the networks' authors' own
 * code makes of the same pictures: at every CPU level, whole and in tiles. */

#include "floats.h"
#include "npy.h"
#include "shared.h"

static const struct {
  const char *folder, *name;
} references[] = {
    {"rfdn_aim_x4", "bear_161x121"},
    {"rfdn_aim_x4", "butterfly"},
    {"rfdn_aim_x4", "head"},
    {"rfdn_aim_x4", "woman"},
    {"reprfn_ntire_x4", "bear_161x121"},
    {"reprfn_ntire_x4", "butterfly"},
    {"reprfn_ntire_x4", "woman"},
};

static void
test_reference (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *name =
      g_strdup_printf ("reference/%s/%s", references[i].folder, references[i].name);
  g_autofree char *base = shared_path (name);
  g_autofree char *in_path = g_strconcat (base, ".in.png", NULL);
  g_autofree char *out_path = g_strconcat (base, ".out.npy", NULL);
  g_autoptr (GError) error = NULL;
  gsize shape[4];

  if (!shared_or_skip (in_path))
    return;
  g_autofree char *folder = g_path_get_dirname (in_path);
  g_autofree char *weights = g_build_filename (folder, "weights.safetensors", NULL);
  g_autoptr (RfdnModel) model = load_model (weights);
  g_autoptr (Picture) picture = picture_load (in_path, "RGB");
  g_autofree float *want = npy_load_f32 (out_path, shape, NULL, &error);
  g_assert_no_error (error);
  const gsize n = shape[0] * shape[1] * shape[2];
  const float range = rfdn_model_get_info (model)->input_range;

  for (RfdnCpu cpu = RFDN_CPU_SCALAR; rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    if (!rfdn_cpu_is_available (cpu))
      continue;
    g_autofree float *got = upscale_float (model, picture, cpu, 0);
    const double worst = worst_difference (got, want, n, range);
    g_test_message ("%s: at most %.5f of 255", rfdn_cpu_get_name (cpu), worst);
    g_assert_cmpfloat (worst, <=, 0.02);
  }

  /* Tiles see less of the attention's maps, but never by as much as a level. */
  static const guint tiles[] = {16, 33, 64};
  for (guint t = 0; t < G_N_ELEMENTS (tiles); t++) {
    g_autofree float *got = upscale_float (model, picture, RFDN_CPU_AUTO, tiles[t]);
    const double worst = worst_difference (got, want, n, range);
    g_test_message ("tiles of %u: at most %.5f of 255", tiles[t], worst);
    g_assert_cmpfloat (worst, <, 0.5);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (references); i++) {
    g_autofree char *path =
        g_strdup_printf ("/engine/%s/%s", references[i].folder, references[i].name);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_reference);
  }
  return test_run ();
}
