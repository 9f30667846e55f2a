/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element's results compared with those of the networks' authors' own code, and the built-in
 * models' quality on Set5. */

#include "util.h"

#include "npy.h"
#include "shared.h"

#include <math.h>

static const struct {
  const char *folder, *name;
  float range;
} references[] = {
    {"rfdn_aim_x4", "bear_161x121", 255},   {"rfdn_aim_x4", "butterfly", 255},
    {"rfdn_aim_x4", "head", 255},           {"rfdn_aim_x4", "woman", 255},
    {"reprfn_ntire_x4", "bear_161x121", 1}, {"reprfn_ntire_x4", "butterfly", 1},
    {"reprfn_ntire_x4", "woman", 1},
};

/* 99.9% of the samples equal the rounded reference, and none is off by more than 1. */
static void
test_reference (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *folder =
      g_strdup_printf ("reference/%s/%s", references[i].folder, references[i].name);
  g_autofree char *model_in_folder =
      g_strdup_printf ("reference/%s/weights.safetensors", references[i].folder);
  g_autofree char *base = shared_path (folder);
  g_autofree char *model = shared_path (model_in_folder);
  g_autofree char *in_path = g_strconcat (base, ".in.png", NULL);
  g_autofree char *out_path = g_strconcat (base, ".out.npy", NULL);
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", model);
  g_autofree float *expected = NULL;
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) large = NULL;
  g_autoptr (GError) error = NULL;
  gsize shape[4], n, different = 0;

  if (!shared_or_skip (in_path))
    return;
  small = picture_load (in_path, "RGB");
  g_assert_nonnull (small);
  expected = npy_load_f32 (out_path, shape, NULL, &error);
  g_assert_no_error (error);

  large = upscale (small, properties);
  g_assert_cmpuint (shape[0], ==, 3);
  g_assert_cmpuint (shape[1], ==, picture_height (large, 0));
  g_assert_cmpuint (shape[2], ==, picture_width (large, 0));
  for (guint c = 0; c < 3; c++) {
    for (guint y = 0; y < shape[1]; y++) {
      for (guint x = 0; x < shape[2]; x++) {
        const float value = expected[(c * shape[1] + y) * shape[2] + x] * 255 / references[i].range;
        const gint d =
            (gint) picture_get (large, c, x, y) - (gint) lrintf (CLAMP (value, 0.0f, 255.0f));

        different += d != 0;
        g_assert_cmpint (ABS (d), <=, 1);
      }
    }
  }
  n = 3 * shape[1] * shape[2];
  g_test_message ("%" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " samples are off by 1", different, n);
  g_assert_cmpuint (different, <=, n / 1000);
}

/* ---- Set5 -------------------------------------------------------------------------------------
 */

static const char *const set5[] = {"baby", "bird", "butterfly", "head", "woman"};

/* Y as by MATLAB's rgb2ycbcr, which published scores use: BT.601, 16..235, rounded. */
static Picture *
get_luma (const Picture *rgb)
{
  Picture *gray =
      picture_new_printf ("format=GRAY8,width=%d,height=%d", rgb->info.width, rgb->info.height);

  for (guint y = 0; y < picture_height (rgb, 0); y++) {
    for (guint x = 0; x < picture_width (rgb, 0); x++)
      picture_set (gray, 0, x, y,
                   (guint) lround (16 + (65.481 * picture_get (rgb, 0, x, y) +
                                         128.553 * picture_get (rgb, 1, x, y) +
                                         24.966 * picture_get (rgb, 2, x, y)) /
                                            255));
  }
  return gray;
}

/* The upper left part of a picture. */
static Picture *
crop (const Picture *gray, guint width, guint height)
{
  Picture *part = picture_new_printf ("format=GRAY8,width=%u,height=%u", width, height);

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++)
      picture_set (part, 0, x, y, picture_get (gray, 0, x, y));
  }
  return part;
}

static double
cubic (double x)
{
  x = fabs (x);
  return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
}

/* One row or column, made @scale times shorter by antialiased bicubic; weights beyond its ends are
 * left out. */
static void
shrink_line (const double *in, guint in_stride, guint length, guint scale, double *out,
             guint out_stride)
{
  for (guint i = 0; i < length / scale; i++) {
    const double centre = (i + 0.5) * scale - 0.5;
    const gint first = MAX (0, (gint) ceil (centre - 2.0 * scale));
    const gint last = MIN ((gint) length - 1, (gint) floor (centre + 2.0 * scale));
    double sum = 0, total = 0;

    for (gint k = first; k <= last; k++) {
      const double weight = cubic ((k - centre) / scale);

      sum += weight * in[(guint) k * in_stride];
      total += weight;
    }
    out[i * out_stride] = sum / total;
  }
}

/* A picture whose sides are multiples of @scale, made small by bicubic. */
static Picture *
shrink (const Picture *gray, guint scale)
{
  const guint width = picture_width (gray, 0), height = picture_height (gray, 0);
  const guint small_width = width / scale, small_height = height / scale, n = width * height;
  Picture *small =
      picture_new_printf ("format=GRAY8,width=%u,height=%u", small_width, small_height);
  g_autofree double *whole = g_new (double, n);
  g_autofree double *narrow = g_new (double, n);

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++)
      whole[y * width + x] = picture_get (gray, 0, x, y);
    shrink_line (whole + y * width, 1, width, scale, narrow + y * small_width, 1);
  }
  for (guint x = 0; x < small_width; x++)
    shrink_line (narrow + x, small_width, height, scale, whole + x, small_width);
  for (guint y = 0; y < small_height; y++) {
    for (guint x = 0; x < small_width; x++)
      picture_set (small, 0, x, y, (guint) lround (CLAMP (whole[y * small_width + x], 0, 255)));
  }
  return small;
}

/* The least that each built-in model must reach, a tenth of a dB below its result after training.
 * `live` and `balanced` are made for compressed video, and give up some uncompressed detail on
 * Set5 for it. */
static const struct {
  const char *model;
  guint scale;
  double psnr;
} qualities[] = {{"live", 2, 36.3},
                 {"live", 3, 32.55},
                 {"live", 4, 30.27},
                 {"live-clean", 2, 36.98},
                 {"live-clean", 3, 32.98},
                 {"live-clean", 4, 30.67},
                 {"balanced", 2, 37.09},
                 {"balanced", 3, 33.25},
                 {"balanced", 4, 30.94},
                 {"balanced-clean", 2, 37.45},
                 {"balanced-clean", 3, 33.68},
                 {"balanced-clean", 4, 31.31},
                 {"rfdn", 2, 37.55},
                 {"rfdn", 3, 33.89},
                 {"rfdn", 4, 31.63}};

/* The small pictures are MATLAB's, as in published scores; there are none for x3. */
static void
test_set5 (gconstpointer data)
{
  const guint number = GPOINTER_TO_UINT (data), scale = qualities[number].scale;
  g_autofree char *properties =
      g_strdup_printf ("model=\"%s\" scale=%u", qualities[number].model, scale);
  double psnr = 0, ssim = 0;

  for (guint i = 0; i < G_N_ELEMENTS (set5); i++) {
    g_autofree char *small_name = g_strdup_printf ("data/val/Set5_lr_x%u/%s.png", scale, set5[i]);
    g_autofree char *large_name = g_strdup_printf ("data/val/Set5/%s.png", set5[i]);
    g_autofree char *small_path = shared_path (small_name);
    g_autofree char *large_path = shared_path (large_name);
    g_autoptr (Picture) small_rgb = NULL;
    g_autoptr (Picture) large_rgb = NULL;
    g_autoptr (Picture) small = NULL;
    g_autoptr (Picture) got = NULL;
    g_autoptr (Picture) whole = NULL;
    g_autoptr (Picture) expected = NULL;
    double p, s;

    if (!shared_or_skip (large_path) || (scale != 3 && !shared_or_skip (small_path)))
      return;
    large_rgb = picture_load (large_path, "RGB");
    g_assert_nonnull (large_rgb);
    whole = get_luma (large_rgb);
    expected = crop (whole, picture_width (whole, 0) / scale * scale,
                     picture_height (whole, 0) / scale * scale);
    if (scale == 3) {
      small = shrink (expected, scale);
    } else {
      small_rgb = picture_load (small_path, "RGB");
      g_assert_nonnull (small_rgb);
      small = get_luma (small_rgb);
    }

    got = upscale (small, properties);
    g_assert_cmpuint (picture_width (got, 0), ==, picture_width (expected, 0));
    g_assert_cmpuint (picture_height (got, 0), ==, picture_height (expected, 0));
    p = picture_psnr (got, expected, 0, scale);
    s = picture_ssim (got, expected, 0, scale);
    g_test_message ("%s: %.2f dB, SSIM %.4f", set5[i], p, s);
    psnr += p / G_N_ELEMENTS (set5);
    ssim += s / G_N_ELEMENTS (set5);
  }
  g_test_message ("Set5 x%u, %s: PSNR-Y %.2f dB, SSIM %.4f", scale, qualities[number].model, psnr,
                  ssim);
  g_assert_cmpfloat (psnr, >=, qualities[number].psnr);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (references); i++) {
    g_autofree char *path =
        g_strdup_printf ("/references/%s/%s", references[i].folder, references[i].name);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_reference);
  }
  for (guint i = 0; i < G_N_ELEMENTS (qualities); i++) {
    g_autofree char *path =
        g_strdup_printf ("/references/set5/%s/x%u", qualities[i].model, qualities[i].scale);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_set5);
  }
  return test_run ();
}
