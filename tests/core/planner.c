/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layout of tiles: it covers the frame once, and every region lies where it can be computed. */

#include "model.h"
#include "picture.h"
#include "planner.h"

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
    if (layer->kind == RFDN_LAYER_MAX_POOL)
      g_assert_true (3 * out->x0 >= in.x0 && 3 * (out->x1 - 1) + 7 <= in.x1);
    if (layer->kind == RFDN_LAYER_CONV_3X3_STRIDE2)
      g_assert_true (2 * out->y0 >= in.y0 && 2 * (out->y1 - 1) + 3 <= in.y1);
    if (layer->add.n)
      g_assert_true (contains (&regions[layer->add.activation], out));
    if (layer->gate.n)
      g_assert_true (contains (&regions[layer->gate.activation], out));
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
    rfdn_layout_init (&layout, graph, width, height, 1 + round % 5, tile_size,
                      g_test_rand_bit () ? g_test_rand_int_range (0, 80) : -1);

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
      rfdn_layout_init (&layout, graph, MAX (sizes[i][0], least), MAX (sizes[i][1], least), 2, 0,
                        -1);
      assert_regions (&layout, graph, 0);
      assert_regions (&layout, graph, (guint) (layout.columns * layout.rows) - 1);
    }
  }
}

/* Half-pixel centres, as PyTorch's interpolate (align_corners=False) has them. */
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/planner/cover", test_cover);
  g_test_add_func ("/planner/extremes", test_extremes);
  g_test_add_func ("/planner/bilinear", test_bilinear);
  return g_test_run ();
}
