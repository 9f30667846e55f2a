/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element gives the same result as the engine, whatever the size, the tiles and the number of
 * threads. */

#include "util.h"

#include "gstrfdnframe.h"
#include "shared.h"

#include <string.h>

/* ---- the engine, called directly ------------------------------------------------------------- */

/* The bits by which a component's samples fill up those that the engine works on: formats of less
 * than 8 bits fill a byte. */
static guint
filling_of (const Picture *picture, guint c)
{
  const guint depth = MAX (GST_VIDEO_INFO_COMP_DEPTH (&picture->info, 0), 8);

  return depth - MIN (GST_VIDEO_INFO_COMP_DEPTH (&picture->info, c), depth);
}

/* A component as a plane of words. */
static RfdnPlane
plane_of (const Picture *picture, guint c)
{
  const guint width = picture_width (picture, c), height = picture_height (picture, c);
  guint16 *samples = g_new (guint16, (gsize) width * height);

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++)
      samples[y * width + x] =
          (guint16) (picture_get (picture, c, x, y) << filling_of (picture, c));
  }
  return (RfdnPlane){samples, 2 * (gssize) width, 2};
}

static void
set_component (Picture *picture, guint c, const RfdnPlane *plane)
{
  const guint filling = filling_of (picture, c), width = picture_width (picture, c);

  for (guint y = 0; y < picture_height (picture, c); y++) {
    for (guint x = 0; x < width; x++) {
      const guint value = ((const guint16 *) plane->data)[y * width + x];

      picture_set (picture, c, x, y,
                   MIN ((value + (1u << filling >> 1)) >> filling, picture_max (picture, c)));
    }
  }
}

/* The components that the network computes must be the same bit for bit. */
static void
check_against_engine (const Picture *small, const char *path, const char *properties)
{
  g_autoptr (RfdnModel) model = load_model (path);
  const guint scale = rfdn_model_get_info (model)->scale;
  const guint channels = rfdn_model_get_info (model)->channels;
  g_autofree char *with_model = path ? g_strdup_printf ("model=\"%s\" %s", path, properties)
                                     : g_strdup_printf ("precision=float32 %s", properties);
  g_autoptr (Picture) large = upscale (small, with_model);
  g_autoptr (Picture) expected =
      picture_new_printf ("format=%s,width=%d,height=%d", GST_VIDEO_INFO_NAME (&small->info),
                          small->info.width * (gint) scale, small->info.height * (gint) scale);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  RfdnUpscaler *upscaler;
  RfdnPlane in[3], out[3];

  params.width = (guint) small->info.width;
  params.height = (guint) small->info.height;
  params.format.samples = RFDN_SAMPLES_U16;
  params.format.depth = MAX (GST_VIDEO_INFO_COMP_DEPTH (&small->info, 0), 8);
  upscaler = rfdn_upscaler_new (model, &params, NULL);
  g_assert_nonnull (upscaler);
  for (guint c = 0; c < channels; c++) {
    in[c] = plane_of (small, c);
    out[c] = plane_of (expected, c);
  }
  rfdn_upscaler_run (upscaler, in, out);
  rfdn_upscaler_free (upscaler);

  for (guint c = 0; c < channels; c++) {
    set_component (expected, c, &out[c]);
    g_assert_cmpuint (picture_max_difference (large, expected, c, 0), ==, 0);
    g_free (in[c].data);
    g_free (out[c].data);
  }
}

static void
test_engine (gconstpointer data)
{
  const char *format = data;
  const GstVideoFormatInfo *info =
      gst_video_format_get_info (gst_video_format_from_string (format));
  const gboolean rgb = GST_VIDEO_FORMAT_INFO_IS_RGB (info);
  static const guint sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {3, 3}, {17, 5}, {16, 16}, {61, 47}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (Picture) small = picture_new_printf ("format=%s,width=%u,height=%u", format,
                                                    good_width (format, sizes[i][0]), sizes[i][1]);

    picture_fill_scene (small, i);
    if (!rgb)
      check_against_engine (small, NULL, "");
    for (guint scale = 2; scale <= 4; scale++) {
      check_against_engine (small, random_model ("reprfn", rgb ? 3 : 1, scale, FALSE), "");
      check_against_engine (small, random_model ("rfdn", rgb ? 3 : 1, scale, TRUE), "");
    }
  }
}

/* A model that repeats pixels: each is in its place, with any conversion. */
static void
test_places (void)
{
  g_autoptr (Picture) small = picture_new ("format=I420,width=161,height=121");

  picture_fill_noise (small, 1);
  for (guint scale = 2; scale <= 4; scale++) {
    g_autofree char *properties = g_strdup_printf ("model=\"%s\"", nearest_model (1, scale));
    g_autoptr (Picture) large = upscale (small, properties);

    g_assert_cmpuint (picture_width (large, 1), ==, (161 * scale + 1) / 2);
    for (guint y = 0; y < picture_height (large, 0); y++) {
      for (guint x = 0; x < picture_width (large, 0); x++)
        g_assert_cmpuint (picture_get (large, 0, x, y), ==,
                          picture_get (small, 0, x / scale, y / scale));
    }
  }
}

/* Sizes for which something could go out of bounds, in every format, both ways. */
static void
test_sizes (gconstpointer format)
{
  static const guint sizes[][2] = {{1, 1}, {1, 9},   {9, 1},  {2, 2},
                                   {3, 3}, {15, 14}, {16, 1}, {33, 2}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (guint channels = 1; channels <= 3; channels += 2) {
      g_autofree char *properties =
          g_strdup_printf ("model=\"%s\"", nearest_model (channels, 2 + i % 3));
      g_autofree char *attention =
          g_strdup_printf ("model=\"%s\"", random_model ("rfdn", channels, 2, TRUE));
      g_autoptr (Picture) small =
          picture_new_printf ("format=%s,width=%u,height=%u", (const char *) format,
                              good_width (format, sizes[i][0]), sizes[i][1]);
      g_autoptr (Picture) large = NULL;
      g_autoptr (Picture) other = NULL;

      picture_fill (small, 0, picture_max (small, 0) / 2);
      large = upscale (small, properties);
      g_assert_cmpint (large->info.width, ==, small->info.width * (gint) (2 + i % 3));
      g_assert_cmpint (large->info.height, ==, small->info.height * (gint) (2 + i % 3));
      other = upscale (small, attention);
    }
  }
}

/* ---- threads and tiles ------------------------------------------------------------------------
 */

static void
test_threads (gconstpointer format)
{
  static const guint counts[] = {2, 3, 7, 0};
  g_autoptr (Picture) small =
      picture_new_printf ("format=%s,width=171,height=93", (const char *) format);

  picture_fill_scene (small, 5);
  for (guint channels = 1; channels <= 3; channels += 2) {
    const char *models[] = {random_model ("reprfn", channels, 2, FALSE),
                            random_model ("rfdn", channels, 3, TRUE)};

    for (guint m = 0; m < G_N_ELEMENTS (models); m++) {
      for (guint tile = 0; tile <= 40; tile += 40) {
        g_autofree char *one =
            g_strdup_printf ("model=\"%s\" n-threads=1 tile-size=%u", models[m], tile);
        g_autoptr (Picture) expected = upscale (small, one);

        for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
          g_autofree char *many = g_strdup_printf ("model=\"%s\" n-threads=%u tile-size=%u",
                                                   models[m], counts[i], tile);
          g_autoptr (Picture) got = upscale (small, many);

          g_assert_true (picture_is_equal (got, expected));
        }
      }
    }
  }
}

/* Properties change between frames, but no pixel does. */
static void
test_change_threads (void)
{
  g_autoptr (Picture) small = picture_new ("format=I420,width=64,height=48,framerate=30/1");
  g_autoptr (Picture) expected = NULL;
  GstHarness *harness = upscale_harness ("");

  picture_fill_scene (small, 3);
  expected = upscale_with (harness, small, NULL);
  for (guint i = 0; i < 12; i++) {
    g_autoptr (Picture) got = NULL;

    g_object_set (harness->element, "n-threads", i % 4, "tile-size", (i % 3) * 16, "tile-overlap",
                  (gint) (i % 5) * 8 - 1, NULL);
    got = upscale_with (harness, small, NULL);
    g_assert_cmpuint (picture_max_difference (got, expected, 0, 0), <=, 1);
    g_assert_cmpuint (picture_max_difference (got, expected, 1, 0), ==, 0);
  }
  gst_harness_teardown (harness);
}

/* Counts samples that differ; none may by more than 1. */
static guint
count_different (const Picture *a, const Picture *b, guint components)
{
  guint n = 0;

  for (guint c = 0; c < components; c++) {
    g_assert_cmpuint (picture_max_difference (a, b, c, 0), <=, 1);
    for (guint y = 0; y < picture_height (a, c); y++) {
      for (guint x = 0; x < picture_width (a, c); x++)
        n += picture_get (a, c, x, y) != picture_get (b, c, x, y);
    }
  }
  return n;
}

static const guint tile_sizes[] = {16, 33, 64};

static void
test_tiles (gconstpointer cpu)
{
  static const char *const media = "media/forest_h264_848x464_aac.mkv";
  g_autofree char *path = shared_path (media);
  const gboolean scalar = g_str_equal (cpu, "scalar");
  g_autoptr (Picture) frame = NULL;
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) whole = NULL;

  if (!shared_or_skip (path))
    return;
  frame = picture_load_frame (path, "GRAY8", 10);
  g_assert_nonnull (frame);
  /* The scalar kernels take their time. */
  small = picture_new_printf ("format=GRAY8,width=%d,height=%d", scalar ? 201 : frame->info.width,
                              scalar ? 133 : frame->info.height);
  for (guint y = 0; y < picture_height (small, 0); y++) {
    for (guint x = 0; x < picture_width (small, 0); x++)
      picture_set (small, 0, x, y, picture_get (frame, 0, x, y));
  }
  if (scalar)
    g_setenv ("RFDN_CPU", "scalar", TRUE);
  whole = upscale (small, "tile-size=32768");
  for (guint i = 0; i < G_N_ELEMENTS (tile_sizes); i++) {
    g_autofree char *properties = g_strdup_printf ("tile-size=%u", tile_sizes[i]);
    g_autoptr (Picture) tiled = upscale (small, properties);
    const guint n = count_different (tiled, whole, 1);
    const guint samples = picture_width (whole, 0) * picture_height (whole, 0);

    g_test_message ("tiles of %u: %u of %u samples differ", tile_sizes[i], n, samples);
    g_assert_cmpuint (n, <=, scalar ? 0 : samples / 100000);
  }
  g_unsetenv ("RFDN_CPU");
}

/* The authors' network has attention, which sees beyond any overlap: nearly the same result. */
static void
test_attention_tiles (void)
{
  g_autofree char *weights = shared_path ("reference/rfdn_aim_x4/weights.safetensors");
  g_autofree char *path = shared_path ("reference/rfdn_aim_x4/woman.in.png");
  g_autoptr (Picture) small = NULL;
  g_autoptr (Picture) whole = NULL;
  g_autofree char *one = g_strdup_printf ("model=\"%s\" tile-size=32768", weights);

  if (!shared_or_skip (weights) || !shared_or_skip (path))
    return;
  small = picture_load (path, "RGB");
  whole = upscale (small, one);
  for (guint i = 0; i < G_N_ELEMENTS (tile_sizes); i++) {
    g_autofree char *properties =
        g_strdup_printf ("model=\"%s\" tile-size=%u", weights, tile_sizes[i]);
    g_autoptr (Picture) tiled = upscale (small, properties);

    g_test_message ("tiles of %u: %u samples differ, none by more than 1", tile_sizes[i],
                    count_different (tiled, whole, 3));
  }
}

/* Tiny pictures through the authors' network, whose attention needs 15 pixels. */
static void
test_attention_sizes (void)
{
  static const guint sizes[][2] = {{1, 1}, {1, 7}, {3, 3}, {17, 5}, {14, 15}, {15, 15}};
  g_autofree char *weights = shared_path ("reference/rfdn_aim_x4/weights.safetensors");
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", weights);

  if (!shared_or_skip (weights))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (Picture) small =
        picture_new_printf ("format=RGB,width=%u,height=%u", sizes[i][0], sizes[i][1]);
    g_autoptr (Picture) large = NULL;

    for (guint c = 0; c < 3; c++)
      picture_fill (small, c, 100 + 20 * c);
    large = upscale (small, properties);
    /* Of one colour in the middle, or where there is no middle, near it. */
    for (guint c = 0; c < 3; c++) {
      const gint d =
          (gint) picture_get (large, c, sizes[i][0] * 2, sizes[i][1] * 2) - (gint) (100 + 20 * c);

      g_assert_cmpint (ABS (d), <=, 40);
    }
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *engine = g_strconcat ("/pixels/engine/", *format, NULL);
    g_autofree char *sizes = g_strconcat ("/pixels/sizes/", *format, NULL);

    g_test_add_data_func (engine, *format, test_engine);
    g_test_add_data_func (sizes, *format, test_sizes);
  }
  g_test_add_func ("/pixels/places", test_places);
  g_test_add_data_func ("/pixels/threads/I420", "I420", test_threads);
  g_test_add_data_func ("/pixels/threads/RGBA", "RGBA", test_threads);
  g_test_add_func ("/pixels/threads/change", test_change_threads);
  g_test_add_data_func ("/pixels/tiles/fast", "fast", test_tiles);
  g_test_add_data_func ("/pixels/tiles/scalar", "scalar", test_tiles);
  g_test_add_func ("/pixels/tiles/attention", test_attention_tiles);
  g_test_add_func ("/pixels/sizes/attention", test_attention_sizes);
  return test_run ();
}
