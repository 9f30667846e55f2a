/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of any layout in memory give the same picture, and nothing outside of them is read or
 * written. */

#include "util.h"

#include "gstrfdnframe.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- strides and offsets --------------------------------------------------------------------- */

#define GUARD 0xa5

/* Whether samples share bytes or words, so that they have no addresses of their own. */
static gboolean
is_packed (const GstVideoInfo *info)
{
  return GST_VIDEO_FORMAT_INFO_IS_TILED (info->finfo) || GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) == 0;
}

static gsize
plane_size (const GstVideoInfo *info, guint p)
{
  return (p + 1 < GST_VIDEO_INFO_N_PLANES (info) ? GST_VIDEO_INFO_PLANE_OFFSET (info, p + 1)
                                                 : GST_VIDEO_INFO_SIZE (info)) -
         GST_VIDEO_INFO_PLANE_OFFSET (info, p);
}

/* A frame whose planes lie apart, in rows with padding where rows can have some, with guard bytes
 * all around. */
static Picture *
new_padded (const char *format, gint width, gint height, guint padding)
{
  g_autoptr (Picture) plain =
      picture_new_printf ("format=%s,width=%d,height=%d", format, width, height);
  const guint n = GST_VIDEO_INFO_N_PLANES (&plain->info);
  gsize offset[GST_VIDEO_MAX_PLANES] = {0}, size = 64;
  gint stride[GST_VIDEO_MAX_PLANES] = {0};
  GstBuffer *buffer;

  for (guint p = 0; p < n; p++) {
    gint components[GST_VIDEO_MAX_COMPONENTS];

    if (is_packed (&plain->info)) {
      stride[p] = GST_VIDEO_INFO_PLANE_STRIDE (&plain->info, p);
      offset[p] = size;
      size += plane_size (&plain->info, p) + 64;
      continue;
    }
    gst_video_format_info_component (plain->info.finfo, p, components);
    stride[p] = GST_VIDEO_INFO_PLANE_STRIDE (&plain->info, p) + (gint) padding;
    offset[p] = size;
    size += (gsize) stride[p] * picture_height (plain, (guint) components[0]) + 64;
  }
  buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_memset (buffer, 0, GUARD, size);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
                                  GST_VIDEO_INFO_FORMAT (&plain->info), (guint) width,
                                  (guint) height, n, offset, stride);
  return picture_new_from_buffer (buffer, &plain->info);
}

static void
copy_samples (const Picture *from, Picture *to)
{
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&from->info); c++) {
    for (guint y = 0; y < picture_height (from, c); y++) {
      for (guint x = 0; x < picture_width (from, c); x++)
        picture_set (to, c, x, y, picture_get (from, c, x, y));
    }
  }
}

/* Counts changed bytes that do not belong to a pixel. */
static guint
count_touched (Picture *picture)
{
  g_autofree guint8 *own = NULL;
  guint8 *data = picture->frame.map[0].data;
  const gsize size = picture->frame.map[0].size;
  guint touched = 0;

  own = g_new0 (guint8, size);
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&picture->info); p++) {
    const guint8 *start = GST_VIDEO_FRAME_PLANE_DATA (&picture->frame, p);

    if (is_packed (&picture->info)) {
      memset (own + (start - data), 1, plane_size (&picture->info, p));
      continue;
    }
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&picture->info); c++) {
      if ((guint) GST_VIDEO_INFO_COMP_PLANE (&picture->info, c) != p)
        continue;
      for (guint y = 0; y < picture_height (picture, c); y++)
        memset (
            own + (start - data) + (gssize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&picture->frame, p),
            1,
            picture_width (picture, c) * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (&picture->frame, c));
    }
  }
  for (gsize i = 0; i < size; i++)
    touched += !own[i] && data[i] != GUARD;
  return touched;
}

/* Strides, offsets and odd sizes: the same picture, and no byte outside of it is written. */
static void
test_layout (gconstpointer data)
{
  const char *format = data;
  const gint width = (gint) good_width (format, 35);
  const GstRfdnSettings settings = {.n_threads = 2, .tile_overlap = -1, .guides_chroma = TRUE};
  const GstRfdnStrength strength = {.network = 1};

  for (guint channels = 1; channels <= 3; channels += 2) {
    for (guint scale = 2; scale <= 3; scale++) {
      g_autoptr (RfdnModel) model = load_model (random_model ("reprfn", channels, scale, FALSE));
      g_autofree char *properties =
          g_strdup_printf ("model=\"%s\"", random_model ("reprfn", channels, scale, FALSE));
      g_autoptr (Picture) plain =
          picture_new_printf ("format=%s,width=%d,height=13", format, width);
      g_autoptr (Picture) expected = NULL;
      g_autoptr (Picture) through = NULL;
      g_autoptr (Picture) small = new_padded (format, width, 13, 52);
      g_autoptr (Picture) large = new_padded (format, width * (gint) scale, 13 * (gint) scale, 4);
      g_autoptr (GstRfdnPlan) plan = NULL;
      GstRfdnWork work;

      picture_fill_scene (plain, scale);
      copy_samples (plain, small);
      expected = upscale (plain, properties);

      plan = gst_rfdn_plan_new (model, &small->info, &large->info, &settings, NULL);
      g_assert_nonnull (plan);
      g_assert_true (
          gst_rfdn_plan_run (plan, &small->frame, &large->frame, G_MAXINT64, &strength, &work));
      g_assert_true (picture_is_equal (large, expected));
      g_assert_cmpuint (count_touched (large), ==, 0);
      g_assert_cmpuint (count_touched (small), ==, 0);

      /* The same buffer through the element, which sees its layout in the meta. */
      through = upscale (small, properties);
      g_assert_true (picture_is_equal (through, expected));
    }
  }
}

/* ---- where memory ends ----------------------------------------------------------------------- */

/* A frame that ends, to the byte, where the process may no longer read nor write. */
typedef struct {
  guint8 *pages;
  gsize n_bytes;
  GstVideoInfo info;
  GstVideoFrame frame;
} Edge;

static void
edge_init (Edge *self, const char *format, guint width, guint height)
{
  const gsize page = (gsize) sysconf (_SC_PAGESIZE);
  GstBuffer *buffer;
  gsize room;

  g_assert_true (gst_video_info_set_format (&self->info, gst_video_format_from_string (format),
                                            width, height));
  room = (GST_VIDEO_INFO_SIZE (&self->info) + page - 1) / page * page;
  self->n_bytes = room + page;
  self->pages =
      mmap (NULL, self->n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (self->pages != MAP_FAILED);
  g_assert_cmpint (mprotect (self->pages + room, page, PROT_NONE), ==, 0);
  buffer = gst_buffer_new_wrapped_full (0, self->pages + room - GST_VIDEO_INFO_SIZE (&self->info),
                                        GST_VIDEO_INFO_SIZE (&self->info), 0,
                                        GST_VIDEO_INFO_SIZE (&self->info), NULL, NULL);
  g_assert_true (gst_video_frame_map (&self->frame, &self->info, buffer, GST_MAP_READWRITE));
  gst_buffer_unref (buffer);
}

static void
edge_clear (Edge *self)
{
  gst_video_frame_unmap (&self->frame);
  munmap (self->pages, self->n_bytes);
}

/* Nothing beyond a frame is read or written; odd widths may be refused instead. Widths that end
 * anywhere in groups of 2, 4, 6, 8 and 32 pixels. */
static void
test_edge (gconstpointer format)
{
  static const guint widths[] = {1, 2, 3, 4, 5, 8, 9, 15, 17, 19, 20};
  const GstRfdnSettings settings = {.n_threads = 1, .tile_overlap = -1, .reuse = TRUE};
  const GstRfdnStrength strength = {.network = 1};

  for (guint channels = 1; channels <= 3; channels += 2) {
    g_autoptr (RfdnModel) model = load_model (nearest_model (channels, 3));

    for (guint i = 0; i < G_N_ELEMENTS (widths); i++) {
      const guint width = widths[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (GstRfdnPlan) plan = NULL;
      GstRfdnWork work;
      Edge small, large;

      edge_init (&small, format, width, 3);
      edge_init (&large, format, 3 * width, 9);
      plan = gst_rfdn_plan_new (model, &small.info, &large.info, &settings, &error);
      if (plan != NULL) {
        for (guint n = 0; n < 2; n++)
          g_assert_true (
              gst_rfdn_plan_run (plan, &small.frame, &large.frame, G_MAXINT64, &strength, &work));
      } else {
        g_assert_error (error, RFDN_ERROR, RFDN_ERROR_PARAMS);
        g_assert_cmpuint (width % 2, ==, 1);
        g_assert_nonnull (strstr (error->message, format));
      }
      edge_clear (&small);
      edge_clear (&large);
    }
  }
}

/* The element gives an error message instead of crashing. */
static void
test_refused (void)
{
  static const char *const pipelines[] = {
      "format=UYVP,width=17,height=4 ! rfdnupscale ! video/x-raw,width=51,height=12",
      "format=NV12_10LE32,width=15,height=4 ! rfdnupscale",
  };

  for (guint i = 0; i < G_N_ELEMENTS (pipelines); i++) {
    g_autofree char *whole =
        g_strdup_printf ("videotestsrc num-buffers=2 ! video/x-raw,%s ! fakesink", pipelines[i]);
    guint n_errors = 0;
    g_autofree char *said = run_pipeline (whole, &n_errors);

    g_assert_nonnull (said);
    g_assert_cmpuint (n_errors, ==, 1);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (const char *const *format = all_formats (); *format != NULL; format++) {
    g_autofree char *layout = g_strconcat ("/memory/layout/", *format, NULL);
    g_autofree char *edge = g_strconcat ("/memory/edge/", *format, NULL);

    g_test_add_data_func (layout, *format, test_layout);
    g_test_add_data_func (edge, *format, test_edge);
  }
  g_test_add_func ("/memory/edge-refused", test_refused);
  return test_run ();
}
