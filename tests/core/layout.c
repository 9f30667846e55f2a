/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layout of tiles: they cover the frame once, and every region can be computed from its inputs.
 */

#include "layout.h"
#include "model.h"
#include "network.h"
#include "ops/ops.h"
#include "picture.h"
#include "schedule.h"

/* Values that fit the caches, unless a test says otherwise: 4 MiB of floats. */
#define CACHE (1u << 20)

static gboolean
contains (const RfdnRect *outer, const RfdnRect *inner)
{
  return outer->x0 <= inner->x0 && outer->y0 <= inner->y0 && outer->x1 >= inner->x1 &&
         outer->y1 >= inner->y1;
}

static void
assert_regions (const RfdnLayout *layout, const RfdnGraph *graph, guint tile)
{
  guint n = graph->activations->len;
  g_autofree RfdnRect *regions = g_new (RfdnRect, n);
  rfdn_layout_get_regions (layout, graph, tile, regions);

  for (guint i = 0; i < n; i++) {
    RfdnRect extent = rfdn_grid_get_extent (rfdn_graph_activation (graph, i)->grid, layout->width,
                                            layout->height);
    g_assert_true (contains (&extent, &regions[i]));
    g_assert_cmpint (rfdn_rect_width (&regions[i]), >, 0);
    g_assert_cmpint (rfdn_rect_height (&regions[i]), >, 0);
  }
  for (guint i = 0; i < graph->layers->len; i++) {
    const RfdnLayer *layer = rfdn_graph_layer (graph, i);
    const RfdnRect *out = &regions[layer->out.activation];
    RfdnRect in = regions[layer->in.activation];
    if (layer->op == &rfdn_op_max_pool)
      g_assert_true (3 * out->x0 >= in.x0 && 3 * (out->x1 - 1) + 7 <= in.x1);
    if (layer->op == &rfdn_op_conv3x3_stride2)
      g_assert_true (2 * out->y0 >= in.y0 && 2 * (out->y1 - 1) + 3 <= in.y1);
    if (layer->add.n)
      g_assert_true (contains (&regions[layer->add.activation], out));
    if (layer->times.n)
      g_assert_true (contains (&regions[layer->times.activation], out));
  }
}

static void
test_cover (void)
{
  for (guint round = 0; round < 300; round++) {
    gboolean attention = g_test_rand_bit ();
    g_autoptr (RfdnModel) model =
        make_model (attention ? "rfdn" : "reprfn", 4, 2, 2, 1, FALSE, NULL);
    const RfdnGraph *graph = rfdn_model_get_graph (model);
    gint least = attention ? RFDN_ATTENTION_MIN_SIZE : 1;
    gint width = g_test_rand_int_range (least, 300), height = g_test_rand_int_range (least, 200);
    guint tile_size = g_test_rand_bit () ? (guint) g_test_rand_int_range (1, 100) : 0;
    RfdnLayout layout;
    rfdn_layout_init (&layout, graph, width, height, 0, 1 + round % 5, tile_size,
                      (guint) g_test_rand_int_range (0, 50),
                      g_test_rand_bit () ? g_test_rand_int_range (0, 80) : -1,
                      (gsize) g_test_rand_int_range (0, 200000));

    g_autofree guint8 *covered = g_malloc0 ((gsize) width * height);
    guint n = (guint) (layout.columns * layout.rows);
    for (guint tile = 0; tile < n; tile++) {
      RfdnRect rect = rfdn_layout_get_tile (&layout, tile);
      g_assert_cmpint (rfdn_rect_width (&rect), >, 0);
      for (gint y = rect.y0; y < rect.y1; y++) {
        for (gint x = rect.x0; x < rect.x1; x++)
          covered[y * width + x]++;
      }
      if (n < 50 || tile % 17 == 0 || tile == n - 1)
        assert_regions (&layout, graph, tile);
    }
    for (gint i = 0; i < width * height; i++)
      g_assert_cmpuint (covered[i], ==, 1);
  }
}

static void
test_extremes (void)
{
  static const gint sizes[][2] = {{1, 1}, {32768, 1}, {1, 32768}, {32768, 32768}, {15, 4000}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (guint attention = 0; attention < 2; attention++) {
      g_autoptr (RfdnModel) model =
          make_model (attention ? "rfdn" : "reprfn", 4, 1, 2, 1, FALSE, NULL);
      const RfdnGraph *graph = rfdn_model_get_graph (model);
      gint least = attention ? RFDN_ATTENTION_MIN_SIZE : 1;
      RfdnLayout layout;
      rfdn_layout_init (&layout, graph, MAX (sizes[i][0], least), MAX (sizes[i][1], least), 0, 2, 0,
                        0, -1, CACHE);
      assert_regions (&layout, graph, 0);
      assert_regions (&layout, graph, (guint) (layout.columns * layout.rows) - 1);
    }
  }
}

/* Half-pixel centres, as in PyTorch's interpolate (align_corners=False). */
static void
test_bilinear (void)
{
  static const struct {
    gint at, frame, size, first, second;
    float weight;
  } cases[] = {
      {0, 60, 10, 0, 1, 0},          {3, 60, 10, 0, 1, 1 / 12.0f}, {30, 60, 10, 4, 5, 7 / 12.0f},
      {59, 60, 10, 9, 9, 5 / 12.0f}, {7, 15, 1, 0, 0, 0},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint first, second;
    float weight;
    rfdn_bilinear_at (cases[i].at, cases[i].frame, cases[i].size, &first, &second, &weight);
    g_assert_cmpint (first, ==, cases[i].first);
    g_assert_cmpint (second, ==, cases[i].second);
    g_assert_cmpfloat_with_epsilon (weight, cases[i].weight, 1e-5f);
  }
}

/* ---- what is chosen -------------------------------------------------------------------------- */

enum { E_RFDN, LIVE, N_MODELS };

static RfdnModel *
make_known (guint which)
{
  return which == E_RFDN ? make_model ("rfdn", 50, 4, 4, 3, TRUE, NULL)
                         : rfdn_model_new_builtin ("live", 2, NULL);
}

/* Tasks of the first tile, and its pages of all kinds. */
static char *
describe (const RfdnLayout *layout, const RfdnGraph *graph)
{
  g_autoptr (RfdnArray) groups = rfdn_find_groups (graph);
  g_autofree RfdnRect *regions = g_new (RfdnRect, graph->activations->len);
  g_autofree char *text = rfdn_layout_describe (layout);
  guint pages = 0;

  rfdn_layout_get_regions (layout, graph, 0, regions);
  RfdnSchedule *schedule = rfdn_schedule_new (graph, groups, layout, regions);
  for (guint k = 0; k < schedule->kinds->len; k++)
    pages += schedule->n_pages[k];
  char *all = g_strdup_printf ("%s; %u tasks, %u pages", text, schedule->tasks->len, pages);
  rfdn_schedule_free (schedule);
  return all;
}

/* Shows every change of the layout: measure its effect on speed and memory. */
static void
test_choice (void)
{
  static const struct {
    guint model, n_threads, tile_size;
    gint width, height;
    const char *want;
  } cases[] = {
      {E_RFDN, 1, 0, 320, 180,
       "1x1 tiles of 320x180, all threads together in steps of 16 rows and 1 chunks; "
       "1442 tasks, 233 pages"},
      {E_RFDN, 2, 0, 320, 180,
       "1x1 tiles of 320x180, all threads together in steps of 16 rows and 1 chunks; "
       "1442 tasks, 241 pages"},
      {E_RFDN, 1, 0, 640, 360,
       "1x1 tiles of 640x360, all threads together in steps of 16 rows and 1 chunks; "
       "2922 tasks, 338 pages"},
      {E_RFDN, 2, 0, 640, 360,
       "1x1 tiles of 640x360, all threads together in steps of 16 rows and 1 chunks; "
       "2922 tasks, 347 pages"},
      {E_RFDN, 8, 0, 640, 360,
       "1x1 tiles of 640x360, all threads together in steps of 16 rows and 5 chunks; "
       "11202 tasks, 354 pages"},
      {E_RFDN, 2, 0, 1920, 1080,
       "2x1 tiles of 960x1080 with overlap 48, all threads together in steps of 16 rows and 1 "
       "chunks; "
       "8802 tasks, 348 pages"},
      {E_RFDN, 64, 0, 1920, 1080,
       "2x1 tiles of 960x1080 with overlap 48, all threads together in steps of 80 rows and 7 "
       "chunks; "
       "45213 tasks, 794 pages"},
      {E_RFDN, 2, 256, 640, 360,
       "3x2 tiles of 256x256 with overlap 48, all threads together in steps of 16 rows and 1 "
       "chunks; "
       "2454 tasks, 335 pages"},
      {E_RFDN, 2, 0, 15, 15,
       "1x1 tiles of 15x15, all threads together in steps of 16 rows and 1 chunks; "
       "120 tasks, 40 pages"},
      {LIVE, 1, 0, 640, 360,
       "1x1 tiles of 640x360, a thread each; "
       "720 tasks, 21 pages"},
      {LIVE, 2, 0, 640, 360,
       "1x2 tiles of 640x180 with overlap 28, a thread each; "
       "388 tasks, 21 pages"},
      {LIVE, 8, 0, 640, 360,
       "1x1 tiles of 640x360, all threads together in steps of 16 rows and 5 chunks; "
       "3240 tasks, 34 pages"},
      {LIVE, 2, 0, 1920, 1080,
       "4x2 tiles of 480x540 with overlap 28, a thread each; "
       "1108 tasks, 21 pages"},
      {LIVE, 64, 0, 1920, 1080,
       "1x1 tiles of 1920x1080, all threads together in steps of 40 rows and 15 chunks; "
       "28620 tasks, 57 pages"},
      {LIVE, 2, 100, 640, 360,
       "7x4 tiles of 100x100 with overlap 28, a thread each; "
       "228 tasks, 21 pages"},
      {LIVE, 2, 0, 1, 1,
       "1x1 tiles of 1x1, a thread each; "
       "8 tasks, 4 pages"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (RfdnModel) model = make_known (cases[i].model);
    const RfdnGraph *graph = rfdn_model_get_graph (model);
    RfdnLayout layout;
    rfdn_layout_init (&layout, graph, cases[i].width, cases[i].height, 0, cases[i].n_threads,
                      cases[i].tile_size, 0, -1, CACHE);
    g_autofree char *got = describe (&layout, graph);
    g_assert_cmpstr (got, ==, cases[i].want);
  }
}

/* Without attention, tiles are as narrow as the caches want if that gains more than their halo
 * costs; with attention caches do not matter. */
static void
test_caches (void)
{
  static const struct {
    guint model;
    gint width;
    gsize cache;
    gint columns;
  } cases[] = {
      {LIVE, 1920, 16 << 20, 1}, {LIVE, 1920, 1200 << 10, 2}, {LIVE, 1920, 800 << 10, 4},
      {LIVE, 1920, 1 << 10, 1},  {LIVE, 640, 1 << 20, 1},     {LIVE, 640, 1 << 10, 1},
      {LIVE, 1, 0, 1},           {E_RFDN, 1920, 1 << 10, 2},  {E_RFDN, 1920, 16 << 20, 2},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (RfdnModel) model = make_known (cases[i].model);
    RfdnLayout layout;
    rfdn_layout_init (&layout, rfdn_model_get_graph (model), cases[i].width, 1080, 0, 2, 0, 0, -1,
                      cases[i].cache);
    g_test_message ("model %u, %d wide, %u numbers: %d columns", cases[i].model, cases[i].width,
                    (guint) cases[i].cache, layout.columns);
    g_assert_cmpint (layout.columns, ==, cases[i].columns);
  }
}

/* MiB of scratch memory, of all threads. */
static double
get_memory (guint which, gint width, gint height, guint n_threads)
{
  g_autoptr (RfdnModel) model = make_known (which);
  RfdnLayout layout;

  rfdn_layout_init (&layout, rfdn_model_get_graph (model), width, height, 0, n_threads, 0, 0, -1,
                    CACHE);
  g_autoptr (RfdnNetwork) network = rfdn_network_new (
      model, rfdn_kernels_get (RFDN_CPU_AUTO, RFDN_PRECISION_FLOAT32, NULL), &layout);
  const guint n_tiles = (guint) (layout.columns * layout.rows);
  const gsize size = layout.together
                         ? rfdn_network_get_scratch_size (network, n_threads)
                         : rfdn_network_get_scratch_size (network, 1) * MIN (n_threads, n_tiles);
  return (double) size / (1 << 20);
}

static void
test_memory (void)
{
  static const struct {
    guint model, n_threads;
    gint width, height;
    double most;
  } cases[] = {
      {E_RFDN, 2, 640, 360, 180},   {E_RFDN, 2, 1920, 1080, 300}, {E_RFDN, 8, 640, 360, 200},
      {E_RFDN, 8, 1920, 1080, 300}, {E_RFDN, 64, 640, 360, 400},  {E_RFDN, 64, 1920, 1080, 700},
      {E_RFDN, 2, 3840, 2160, 300}, {LIVE, 2, 640, 360, 10},      {LIVE, 2, 3840, 2160, 10},
      {LIVE, 64, 1920, 1080, 300},
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const double size =
        get_memory (cases[i].model, cases[i].width, cases[i].height, cases[i].n_threads);
    g_test_message ("model %u, %dx%d, %u threads: %.1f MiB", cases[i].model, cases[i].width,
                    cases[i].height, cases[i].n_threads, size);
    g_assert_cmpfloat (size, <, cases[i].most);
  }
}

/* With attention, memory does not depend on a frame's height: rows roll. */
static void
test_height (void)
{
  const double low = get_memory (E_RFDN, 320, 500, 2), high = get_memory (E_RFDN, 320, 8000, 2);

  g_assert_cmpfloat (high, <, 1.01 * low);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layout/cover", test_cover);
  g_test_add_func ("/layout/extremes", test_extremes);
  g_test_add_func ("/layout/bilinear", test_bilinear);
  g_test_add_func ("/layout/choice", test_choice);
  g_test_add_func ("/layout/caches", test_caches);
  g_test_add_func ("/layout/memory", test_memory);
  g_test_add_func ("/layout/height", test_height);
  return g_test_run ();
}
