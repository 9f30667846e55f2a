/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Colours in every format: solid ones, ramps and a real frame, compared with the same picture
 * converted by GStreamer; and caps without colorimetry. */

#include "util.h"

#include "rfdn-filters.h"
#include "shared.h"

#include <math.h>

static const struct {
  const char *name;
  guint8 r, g, b;
} colours[] = {
    {"black", 0, 0, 0},      {"white", 255, 255, 255}, {"gray", 128, 128, 128},
    {"dark", 10, 12, 9},     {"red", 255, 0, 0},       {"green", 0, 255, 0},
    {"blue", 0, 0, 255},     {"skin", 225, 172, 150},  {"moss", 64, 160, 96},
    {"violet", 90, 30, 200}, {"cream", 250, 245, 220},
};

static Picture *
solid (guint colour, guint width, guint height)
{
  Picture *picture = picture_new_printf ("format=RGB,width=%u,height=%u", width, height);

  picture_fill (picture, 0, colours[colour].r);
  picture_fill (picture, 1, colours[colour].g);
  picture_fill (picture, 2, colours[colour].b);
  return picture;
}

static gboolean
is_rgb (const char *format)
{
  return GST_VIDEO_FORMAT_INFO_IS_RGB (
      gst_video_format_get_info (gst_video_format_from_string (format)));
}

static guint
get_alpha_component (const Picture *picture)
{
  /* GStreamer has no flag for the alpha of some formats. */
  return GST_VIDEO_INFO_N_COMPONENTS (&picture->info) > GST_VIDEO_COMP_A ? GST_VIDEO_COMP_A
                                                                         : G_MAXUINT;
}

/* Flat pictures stay flat and keep their colour: exactly if frames need no conversion. */
static void
check_solids (const char *format, guint channels, guint scale)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (channels, scale));
  GstHarness *harness = upscale_harness (properties);
  const gboolean short_way = is_rgb (format) == (channels == 3);

  for (guint colour = 0; colour < G_N_ELEMENTS (colours); colour++) {
    g_autoptr (Picture) rgb = solid (colour, good_width (format, 23), 18);
    g_autoptr (Picture) small = picture_convert (rgb, "format=%s", format);
    g_autoptr (Picture) large = upscale_with (harness, small, NULL);

    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&small->info); c++) {
      const guint tolerance =
          short_way || c == get_alpha_component (small) ? 0 : picture_tolerance (small, c);
      guint worst = 0;

      for (guint y = 0; y < picture_height (large, c); y++) {
        for (guint x = 0; x < picture_width (large, c); x++) {
          const gint d = (gint) picture_get (large, c, x, y) - (gint) picture_get (small, c, 0, 0);

          worst = MAX (worst, (guint) ABS (d));
        }
      }
      if (worst > tolerance) {
        g_test_message ("%s %s, component %u: %u becomes %u at 0,0; off by up to %u", format,
                        colours[colour].name, c, picture_get (small, c, 0, 0),
                        picture_get (large, c, 0, 0), worst);
        g_test_fail ();
      }
    }
  }
  gst_harness_teardown (harness);
}

static void
test_solids (gconstpointer format)
{
  check_solids (format, 1, 2);
  check_solids (format, 1, 3);
  check_solids (format, 3, 2);
  check_solids (format, 3, 4);
}

/* Whether a pixel and all those around it that filters reach have one colour. */
static gboolean
is_flat (const Picture *picture, guint x, guint y)
{
  const gint reach = 9;
  const gint right = picture->info.width - 1, bottom = picture->info.height - 1;

  for (guint c = 0; c < 3; c++) {
    guint low = G_MAXUINT, high = 0;

    for (gint j = MAX ((gint) y - reach, 0); j <= MIN ((gint) y + reach, bottom); j++) {
      for (gint i = MAX ((gint) x - reach, 0); i <= MIN ((gint) x + reach, right); i++) {
        const guint value = picture_get (picture, c, (guint) i, (guint) j);

        low = MIN (low, value);
        high = MAX (high, value);
        if (high - low > 1)
          return FALSE;
      }
    }
  }
  return TRUE;
}

/* The worst difference over the area that a sample of the small picture becomes. */
static guint
difference_at (const Picture *a, const Picture *b, guint c, guint x, guint y, guint scale)
{
  guint worst = 0;

  for (guint j = y * scale; j < MIN ((y + 1) * scale, picture_height (a, c)); j++) {
    for (guint i = x * scale; i < MIN ((x + 1) * scale, picture_width (a, c)); i++) {
      const gint d = (gint) picture_get (a, c, i, j) - (gint) picture_get (b, c, i, j);

      worst = MAX (worst, (guint) ABS (d));
    }
  }
  return worst;
}

/* BT.601 in floating point, luma 16..235 and chroma 16..240 of 255. */
static void
rgb_to_yuv (const double rgb[3], double yuv[3])
{
  const double y = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];

  yuv[0] = 16 + 219.0 / 255 * y;
  yuv[1] = 128 + 224.0 / 255 * (rgb[2] - y) / 1.772;
  yuv[2] = 128 + 224.0 / 255 * (rgb[0] - y) / 1.402;
}

static void
yuv_to_rgb (const double yuv[3], double rgb[3])
{
  const double y = (yuv[0] - 16) * 255 / 219;

  rgb[0] = y + 1.402 * (yuv[2] - 128) * 255 / 224;
  rgb[2] = y + 1.772 * (yuv[1] - 128) * 255 / 224;
  rgb[1] = (y - 0.299 * rgb[0] - 0.114 * rgb[2]) / 0.587;
}

/* The expected result of a luma network for RGB. GStreamer's 8-bit conversions truncate several
 * times, so they are too inexact to check code values. Here Y goes through the element as GRAY16, U
 * and V through the engine's resampler. */
static Picture *
enlarge_rgb_exactly (const Picture *small, guint scale)
{
  const gint w = small->info.width, h = small->info.height;
  const RfdnResamplerParams params = {.in_width = (guint) w,
                                      .in_height = (guint) h,
                                      .out_width = (guint) w * scale,
                                      .out_height = (guint) h * scale,
                                      .scale = scale,
                                      .format = {RFDN_SAMPLES_U16, 16, 0}};
  RfdnResampler *resampler = rfdn_resampler_new (&params, NULL);
  Picture *large[3];
  Picture *result =
      picture_new_printf ("format=%s,width=%d,height=%d", GST_VIDEO_INFO_NAME (&small->info),
                          w * (gint) scale, h * (gint) scale);

  for (guint c = 0; c < 3; c++) {
    g_autoptr (Picture) plane = picture_new_printf ("format=GRAY16_LE,width=%d,height=%d", w, h);

    for (guint y = 0; y < (guint) h; y++) {
      for (guint x = 0; x < (guint) w; x++) {
        double rgb[3], yuv[3];

        for (guint i = 0; i < 3; i++)
          rgb[i] = picture_get (small, i, x, y) * 255.0 / picture_max (small, i);
        rgb_to_yuv (rgb, yuv);
        picture_set (plane, 0, x, y, (guint) lround (yuv[c] * 257));
      }
    }
    if (c == 0) {
      large[c] = upscale (plane, "");
    } else {
      RfdnPlane in = {GST_VIDEO_FRAME_PLANE_DATA (&plane->frame, 0),
                      GST_VIDEO_FRAME_PLANE_STRIDE (&plane->frame, 0), 2};
      RfdnPlane out;

      large[c] = picture_new_printf ("format=GRAY16_LE,width=%d,height=%d", w * (gint) scale,
                                     h * (gint) scale);
      out = (RfdnPlane){GST_VIDEO_FRAME_PLANE_DATA (&large[c]->frame, 0),
                        GST_VIDEO_FRAME_PLANE_STRIDE (&large[c]->frame, 0), 2};
      rfdn_resampler_run (resampler, &in, &out, 1);
    }
  }
  for (guint y = 0; y < picture_height (result, 0); y++) {
    for (guint x = 0; x < picture_width (result, 0); x++) {
      double rgb[3], yuv[3];

      for (guint i = 0; i < 3; i++)
        yuv[i] = picture_get (large[i], 0, x, y) / 257.0;
      yuv_to_rgb (yuv, rgb);
      for (guint i = 0; i < 3; i++)
        picture_set (result, i, x, y,
                     (guint) lround (CLAMP (rgb[i], 0, 255) * picture_max (result, i) / 255));
    }
  }
  if (GST_VIDEO_INFO_HAS_ALPHA (&result->info))
    picture_fill (result, 3, picture_max (result, 3));
  for (guint c = 0; c < 3; c++)
    picture_free (large[c]);
  rfdn_resampler_free (resampler);
  return result;
}

/* The worst difference of flat areas in code values of 8 bits. */
static guint
compare_flat_areas (const Picture *got, const Picture *expected, const Picture *base, guint scale)
{
  guint worst = 0, flat = 0;

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&expected->info); c++) {
    const guint unit = picture_tolerance (got, c);
    const guint sub_x = GST_VIDEO_FORMAT_INFO_W_SUB (got->info.finfo, c);
    const guint sub_y = GST_VIDEO_FORMAT_INFO_H_SUB (got->info.finfo, c);

    for (guint y = 0; y < picture_height (got, c) / scale; y++) {
      for (guint x = 0; x < picture_width (got, c) / scale; x++) {
        if (!is_flat (base, x << sub_x, y << sub_y))
          continue;
        flat++;
        worst = MAX (worst, (difference_at (got, expected, c, x, y, scale) + unit - 1) / unit);
      }
    }
  }
  g_assert_cmpuint (flat, >, 0);
  return worst;
}

/* The expected result of the default model, a luma network. */
static Picture *
enlarge_as_expected (const Picture *small, const char *format)
{
  g_autoptr (Picture) base = NULL;
  g_autoptr (Picture) large_base = NULL;

  if (is_rgb (format))
    return enlarge_rgb_exactly (small, 2);
  base = picture_convert (small, "format=%s",
                          GST_VIDEO_INFO_IS_GRAY (&small->info) ? "GRAY8" : "Y444");
  large_base = upscale (base, "precision=float32");
  return picture_convert (large_base, "format=%s", format);
}

/* Slow gray slopes: nowhere more than one code value from the expected result. */
static void
test_ramps (gconstpointer data)
{
  const char *format = data;
  g_autoptr (Picture) base = picture_new ("format=Y444,width=96,height=40");
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) large = NULL;
  g_autoptr (Picture) expected = NULL;

  for (guint y = 0; y < 40; y++) {
    for (guint x = 0; x < 96; x++)
      picture_set (base, 0, x, y, 20 + 2 * x + y / 4);
  }
  picture_fill (base, 1, 128);
  picture_fill (base, 2, 128);

  small = picture_convert (base, "format=%s", format);
  /* Integers work only with 8 bits, and are tested elsewhere. */
  large = upscale (small, "precision=float32");
  expected = enlarge_as_expected (small, format);
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&expected->info); c++) {
    const guint worst = picture_max_difference (large, expected, c, 0);

    if (worst > picture_tolerance (large, c)) {
      g_test_message ("component %u is off by %u", c, worst);
      g_test_fail ();
    }
  }
}

/* Ten-bit video keeps differences that eight bits would lose. */
static void
test_deep_ramp (void)
{
  g_autoptr (Picture) small =
      picture_new ("format=I420_10LE,width=600,height=16,colorimetry=bt2100-pq");
  g_autoptr (Picture) large = NULL;
  g_autoptr (GHashTable) values = g_hash_table_new (NULL, NULL);

  for (guint y = 0; y < 16; y++) {
    for (guint x = 0; x < 600; x++)
      picture_set (small, 0, x, y, 100 + x);
  }
  picture_fill (small, 1, 512);
  picture_fill (small, 2, 512);
  large = upscale (small, "");
  for (guint x = 0; x < 1200; x++)
    g_hash_table_add (values, GUINT_TO_POINTER (picture_get (large, 0, x, 16)));
  g_assert_cmpuint (g_hash_table_size (values), >, 550);
}

/* A real frame, of animation because of its flat areas: enlarged directly, and converted to the
 * format that needs no conversion, enlarged, and converted back; both are compared. */
static void
test_frame (gconstpointer format)
{
  g_autofree char *path = shared_path ("media/h264_444_320x180_anim.mkv");
  g_autoptr (Picture) frame = NULL;
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) large = NULL;
  g_autoptr (Picture) expected = NULL;
  double psnr = INFINITY, enough = 48;
  guint worst;

  if (!shared_or_skip (path))
    return;
  frame = picture_load_frame (path, "Y444", 30);
  g_assert_nonnull (frame);
  small = picture_convert (frame, "format=%s", (const char *) format);
  large = upscale (small, "");
  expected = enlarge_as_expected (small, format);

  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&expected->info); c++) {
    psnr = MIN (psnr, picture_psnr (large, expected, c, 0));
    /* With fewer bits, a code value is a larger step. */
    enough = MIN (enough, 48 - 6.02 * (8.0 - GST_VIDEO_INFO_COMP_DEPTH (&large->info, c)));
  }
  worst = compare_flat_areas (large, expected, frame, 2);
  g_test_message ("worst component %.1f dB, flat areas within %u", psnr, worst);
  g_assert_cmpuint (worst, <=, 1);
  g_assert_cmpfloat (psnr, >, enough);
}

/* ---- colorimetry ----------------------------------------------------------------------------- */

/* Caps without colorimetry. From more than 576 lines GStreamer would guess other colours. */
static void
test_untagged (void)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (1, 3));
  g_autoptr (Picture) rgb = picture_new ("format=RGB,width=320,height=240,framerate=30/1");
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) plain = NULL;
  g_autoptr (Picture) large = NULL;
  g_autoptr (Picture) large_rgb = NULL;
  GstHarness *harness = upscale_harness (properties);

  picture_fill (rgb, 0, 64);
  picture_fill (rgb, 1, 160);
  picture_fill (rgb, 2, 96);
  small = picture_convert (rgb, "format=I420");
  plain = picture_convert (small, "format=RGB");
  large =
      upscale_with (harness, small, "video/x-raw,format=I420,width=320,height=240,framerate=30/1");
  g_assert_cmpint (large->info.height, ==, 720);
  large_rgb = picture_convert (large, "format=RGB");
  for (guint c = 0; c < 3; c++) {
    g_test_message ("component %u: %u, not enlarged %u", c, picture_get (large_rgb, c, 400, 300),
                    picture_get (plain, c, 100, 100));
    g_assert_cmpint (
        ABS ((gint) picture_get (large_rgb, c, 400, 300) - (gint) picture_get (plain, c, 100, 100)),
        <=, 1);
  }
  gst_harness_teardown (harness);
}

/* ---- alpha ----------------------------------------------------------------------------------- */

/* An edge only in alpha does not change the colours, and vice versa. */
static void
test_alpha (gconstpointer channels)
{
  g_autofree char *properties =
      g_strdup_printf ("model=\"%s\"", nearest_model (GPOINTER_TO_UINT (channels), 2));
  g_autoptr (Picture) small = picture_new ("format=RGBA,width=32,height=16");
  g_autoptr (Picture) large = NULL;

  picture_fill (small, 0, 200);
  picture_fill (small, 1, 100);
  picture_fill (small, 2, 50);
  for (guint y = 0; y < 16; y++) {
    for (guint x = 0; x < 32; x++)
      picture_set (small, 3, x, y, x < 16 ? 0 : 255);
  }
  large = upscale (small, properties);
  for (guint y = 0; y < 32; y++) {
    for (guint x = 0; x < 64; x++) {
      g_assert_cmpint (ABS ((gint) picture_get (large, 0, x, y) - 200), <=, 1);
      g_assert_cmpint (ABS ((gint) picture_get (large, 1, x, y) - 100), <=, 1);
      g_assert_cmpint (ABS ((gint) picture_get (large, 2, x, y) - 50), <=, 1);
      if (x < 24 || x >= 40)
        g_assert_cmpint (picture_get (large, 3, x, y), ==, x < 32 ? 0 : 255);
    }
  }
}

/* The x of RGBx is written too, so that no old contents of a recycled buffer remain. */
static void
test_padding (gconstpointer channels)
{
  static const struct {
    const char *format;
    guint at;
  } formats[] = {{"RGBx", 3}, {"xRGB", 0}, {"BGRx", 3}, {"xBGR", 0}};
  g_autofree char *properties =
      g_strdup_printf ("model=\"%s\"", nearest_model (GPOINTER_TO_UINT (channels), 2));

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autoptr (Picture) small =
        picture_new_printf ("format=%s,width=9,height=7", formats[i].format);
    g_autoptr (Picture) large = upscale (small, properties);
    const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (&large->frame, 0);

    for (gint y = 0; y < 14; y++) {
      for (gint x = 0; x < 18; x++)
        g_assert_cmpuint (data[y * GST_VIDEO_FRAME_PLANE_STRIDE (&large->frame, 0) + 4 * x +
                               (gint) formats[i].at],
                          ==, 0xff);
    }
  }
}

/* ---- what is told --------------------------------------------------------------------------- */

#ifndef GST_DISABLE_GST_DEBUG
static void
collect (GstDebugCategory *category, GstDebugLevel level, const char *file, const char *function,
         gint line, GObject *object, GstDebugMessage *message, gpointer data)
{
  if (strcmp (gst_debug_category_get_name (category), "GST_PERFORMANCE") == 0 &&
      g_str_equal (function, "tell_conversion"))
    g_ptr_array_add (data, g_strdup (gst_debug_message_get (message)));
}

/* Frames of @formats, one after the other, give exactly the messages @told. */
static void
check_told (guint channels, const char *const *formats, const char *const *told)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (channels, 2));
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  GstHarness *harness;
  guint n = 0;

  gst_debug_add_log_function (collect, texts, NULL);
  harness = upscale_harness (properties);
  for (guint i = 0; formats[i] != NULL; i++) {
    g_autoptr (Picture) in =
        picture_new_printf ("format=%s,width=%u,height=20,framerate=30/1", formats[i], 20 + 2 * i);

    picture_free (upscale_with (harness, in, NULL));
  }
  gst_harness_teardown (harness);
  gst_debug_remove_log_function_by_data (texts);
  for (; told[n] != NULL; n++) {
    g_assert_cmpuint (n, <, texts->len);
    g_test_message ("%s", (const char *) texts->pdata[n]);
    g_assert_cmpstr (texts->pdata[n], ==, told[n]);
  }
  g_assert_cmpuint (texts->len, ==, n);
}
#endif

/* Conversions are reported, once while the format stays the same. */
static void
test_conversion_told (void)
{
#ifdef GST_DISABLE_GST_DEBUG
  g_test_skip ("this GStreamer has no logs");
#else
  static const char *const yuv[] = {"I420", "I420", "RGB", "I420", "NV12", NULL};
  static const char *const rgb[] = {"RGB", "BGRx", "BGRx", "I420", NULL};
  static const char *const yuv_told[] = {
      "the model works on RGB: each frame of I420 is converted to RGB (ARGB64) and back",
      "the model works on RGB: each frame of NV12 is converted to RGB (ARGB64) and back",
      NULL,
  };
  static const char *const rgb_told[] = {
      "the model works on luma: each frame of RGB is converted to YUV (AYUV64) and back",
      "the model works on luma: each frame of BGRx is converted to YUV (AYUV64) and back",
      NULL,
  };
  static const char *const nothing[] = {NULL};

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_set_threshold_for_name ("GST_PERFORMANCE", GST_LEVEL_INFO);
  check_told (3, yuv, yuv_told);
  check_told (1, rgb, rgb_told);
  check_told (1, yuv + 3, nothing);
  gst_debug_set_threshold_for_name ("GST_PERFORMANCE", GST_LEVEL_NONE);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
#endif
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *solids = g_strconcat ("/colour/solids/", *format, NULL);
    g_autofree char *ramps = g_strconcat ("/colour/ramps/", *format, NULL);
    g_autofree char *frame = g_strconcat ("/colour/frame/", *format, NULL);

    g_test_add_data_func (solids, *format, test_solids);
    g_test_add_data_func (ramps, *format, test_ramps);
    g_test_add_data_func (frame, *format, test_frame);
  }
  g_test_add_func ("/colour/deep-ramp", test_deep_ramp);
  g_test_add_func ("/colour/untagged", test_untagged);
  g_test_add_data_func ("/colour/alpha/luma", GUINT_TO_POINTER (1), test_alpha);
  g_test_add_data_func ("/colour/alpha/rgb", GUINT_TO_POINTER (3), test_alpha);
  g_test_add_data_func ("/colour/padding/luma", GUINT_TO_POINTER (1), test_padding);
  g_test_add_data_func ("/colour/padding/rgb", GUINT_TO_POINTER (3), test_padding);
  g_test_add_func ("/colour/conversion-told", test_conversion_told);
  return test_run ();
}
