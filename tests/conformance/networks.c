/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published networks of many families, converted by models/convert.py as a user would, against what
 * their authors' own code makes of the same pictures: at every CPU level, whole and in tiles.
 * Others, of which there are no files, with random weights against PyTorch (made.py). */

#include "floats.h"
#include "npy.h"
#include "shared.h"

#include <glib/gstdio.h>

#define NETWORKS "reference/networks"

static const char *const networks[] = {
    "a2n_x2",          "abpn_m4c28_x3",   "acnet_hdn0_x2", "anime4k_s_x2",
    "animevideov3_x4", "bicubicpp_x3",    "cunny_fast_x2", "disp_x4",
    "dscf_x4",         "ecbsr_m4c16_x2",  "espcn_rgb_x2",  "esrcnn_c8_d9_s15_x2",
    "esrmax_k7_c1_x2", "esrtm_k7_c16_x2", "etds_m4c32_x3", "fsrcnn_rgb_x3",
    "idn_x2",          "imdn_rtc_x2",     "imdn_x2",       "ncnet_x3",
    "plainusr_u_x2",   "rlfn_ntire_x4",   "span_ch48_x2",  "waifu2x_upconv7_photo_x2",
};

static const struct {
  const char *name;
  double bound; /* of 255 */
} made[] = {
    {"drn_x2", 0.0055}, {"edsr_x4", 0.02},    {"mdsr_x3", 0.02},
    {"rcan_x4", 0.02},  {"rrdbnet_x4", 0.02},
};

static char *folder; /* of converted files, and of those that made.py makes */

/* The words of a command that runs Python; NULL at its end. */
static void
run_python (const char *const *words, int *status, char **errors)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (argv, (gpointer) PYTHON_SH);
  for (; *words != NULL; words++)
    g_ptr_array_add (argv, (gpointer) *words);
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                errors, status, &error);
  g_assert_no_error (error);
}

static gboolean
has_torch (void)
{
  static int status = -1;

  if (status == -1) {
    g_autofree char *missing = NULL;
    run_python ((const char *const[]){"-c", "import numpy, PIL, torch", NULL}, &status, &missing);
  }
  return status == 0;
}

/* A program of Python with two arguments. Skips the test where there is no PyTorch. */
static gboolean
run_or_skip (const char *program, const char *from, const char *to)
{
  g_autofree char *errors = NULL;
  int status;

  if (!has_torch ()) {
    g_test_skip ("no Python with numpy, pillow and torch (models/README.md)");
    return FALSE;
  }
  run_python ((const char *const[]){program, from, to, NULL}, &status, &errors);
  if (status != 0)
    g_error ("%s %s: %s", program, from, errors);
  return TRUE;
}

static void
compare (RfdnModel *model, const Picture *picture, const float *want, gsize n, RfdnCpu cpu,
         guint tile_size, double bound)
{
  const float range = rfdn_model_get_info (model)->input_range;
  g_autofree float *got = upscale_float (model, picture, cpu, tile_size);
  const double worst = worst_difference (got, want, n, range);

  g_test_message ("%s, tiles of %u: at most %.5f of 255", rfdn_cpu_get_name (cpu), tile_size,
                  worst);
  g_assert_cmpfloat (worst, <=, bound);
}

/* Everything within `exact`, but tiles of networks with attention. */
static void
check_picture (RfdnModel *model, const char *base, double exact, gboolean is_small)
{
  g_autofree char *in_path = g_strconcat (base, ".in.png", NULL);
  g_autofree char *out_path = g_strconcat (base, ".out.npy", NULL);
  const RfdnModelInfo *info = rfdn_model_get_info (model);
  g_autoptr (Picture) picture = picture_load (in_path, info->channels == 1 ? "GRAY8" : "RGB");
  g_autoptr (GError) error = NULL;
  gsize shape[4];
  g_autofree float *want = npy_load_f32 (out_path, shape, NULL, &error);
  g_assert_no_error (error);
  const gsize n = shape[0] * shape[1] * shape[2];
  /* Tiles see less of pooled maps, but never by as much as a level. */
  const double bound = info->attention ? 0.5 : exact;

  g_assert_cmpuint (shape[0], ==, info->channels);
  g_assert_cmpuint (shape[1], ==, info->scale * picture_height (picture, 0));
  compare (model, picture, want, n, RFDN_CPU_AUTO, 0, exact);
  for (guint tile_size = 12; tile_size < 60; tile_size += 21)
    compare (model, picture, want, n, RFDN_CPU_AUTO, tile_size, bound);
  for (RfdnCpu cpu = RFDN_CPU_SCALAR; is_small && rfdn_cpu_get_name (cpu) != NULL; cpu++) {
    if (rfdn_cpu_is_available (cpu))
      compare (model, picture, want, n, cpu, 0, exact);
  }
}

static void
test_network (gconstpointer data)
{
  const char *name = data;
  g_autofree char *path = g_strdup_printf (NETWORKS "/%s", name);
  g_autofree char *base = shared_path (path);
  g_autofree char *weights = g_build_filename (base, "weights.safetensors", NULL);
  g_autofree char *file = g_strdup_printf ("%s/%s.safetensors", folder, name);
  guint n = 0;

  if (!shared_or_skip (weights) || !run_or_skip (CONVERT_PY, weights, file))
    return;
  g_autoptr (RfdnModel) model = load_model (file);
  g_autoptr (GDir) dir = g_dir_open (base, 0, NULL);
  for (const char *entry; (entry = g_dir_read_name (dir)) != NULL;) {
    if (!g_str_has_suffix (entry, ".out.npy"))
      continue;
    g_autofree char *stem = g_strndup (entry, strlen (entry) - strlen (".out.npy"));
    g_autofree char *picture = g_build_filename (base, stem, NULL);
    check_picture (model, picture, 0.02, g_str_has_prefix (stem, "butterfly"));
    n++;
  }
  g_assert_cmpuint (n, ==, 2);
  g_remove (file);
}

static void
test_made (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *weights = g_build_filename (folder, "weights.safetensors", NULL);
  g_autofree char *file = g_build_filename (folder, "made.safetensors", NULL);
  g_autofree char *base = g_build_filename (folder, "noise", NULL);
  g_autofree char *in = g_strconcat (base, ".in.png", NULL);
  g_autofree char *out = g_strconcat (base, ".out.npy", NULL);

  if (!run_or_skip (MADE_PY, made[i].name, folder) || !run_or_skip (CONVERT_PY, weights, file))
    return;
  g_autoptr (RfdnModel) model = load_model (file);
  check_picture (model, base, made[i].bound, TRUE);
  g_remove (weights);
  g_remove (file);
  g_remove (in);
  g_remove (out);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  test_init (&argc, &argv);
  folder = g_dir_make_tmp ("rfdn-networks-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autofree char *path = g_strdup_printf ("/networks/%s", networks[i]);
    g_test_add_data_func (path, networks[i], test_network);
  }
  for (guint i = 0; i < G_N_ELEMENTS (made); i++) {
    g_autofree char *path = g_strdup_printf ("/networks/made/%s", made[i].name);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_made);
  }
  const int result = test_run ();
  g_rmdir (folder);
  return result;
}
