/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each allocation that a model or a picture makes fails, by itself and with all that follow: the
 * error is RFDN_ERROR_NO_MEMORY, and nothing leaks (which the address sanitizer sees). */

#include "alloc.h"

#include <string.h>

#include "picture.h"
#include "rfdn-filters.h"
#include "synthetic.h"

static const SyntheticNetwork networks[] = {
    {"reprfn", 4, 2, 2, 1, FALSE, 1},
    {"reprfn", 5, 1, 3, 3, TRUE, 2},
    {"rfdn", 6, 3, 2, 3, TRUE, 3},
};

/* Of the allocations after begin_failing(), number `n_before` and the next `n_failing` - 1 fail. */
static guint n_asked, n_before, n_failing;

static gboolean
is_there_memory (void)
{
  const guint number = n_asked++;
  return number < n_before || number - n_before >= n_failing;
}

static void
begin_failing (guint before, guint failing)
{
  n_asked = 0;
  n_before = before;
  n_failing = failing;
  rfdn_alloc_set_hook (is_there_memory);
}

/* Whether any failed. */
static gboolean
end_failing (void)
{
  rfdn_alloc_set_hook (NULL);
  return n_asked > n_before && n_failing > 0;
}

/* Makes an object for free_it(); NULL can only mean that there is no memory. */
typedef struct {
  gpointer (*make) (gconstpointer data, GError **error);
  void (*free_it) (gpointer made);
} Maker;

/* Each allocation fails once by itself, and once with all that follow. */
static guint
fail_each (const Maker *maker, gconstpointer data)
{
  for (guint n = 0;; n++) {
    for (guint k = 0; k < 2; k++) {
      g_autoptr (GError) error = NULL;
      begin_failing (n, k ? G_MAXUINT : 1);
      gpointer made = maker->make (data, &error);
      if (end_failing ()) {
        g_assert_null (made);
        g_assert_error (error, RFDN_ERROR, RFDN_ERROR_NO_MEMORY);
        g_assert_null (strchr (error->message, '\n'));
        continue;
      }
      g_assert_no_error (error);
      g_assert_nonnull (made);
      maker->free_it (made);
      return n;
    }
  }
}

static gpointer
make_loaded (gconstpointer data, GError **error)
{
  return rfdn_model_new ((GBytes *) data, error);
}

static void
free_model (gpointer model)
{
  rfdn_model_unref (model);
}

static void
test_load (void)
{
  const Maker maker = {make_loaded, free_model};

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GBytes) bytes = synthetic_network_new (&networks[i]);
    const guint n = fail_each (&maker, bytes);
    g_test_message ("%s: %u allocations", networks[i].architecture, n);
    /* Tensors, and the weights and biases of layers. */
    g_assert_cmpuint (n, >, 4 * 9);
  }
}

static gpointer
make_sharpened (gconstpointer data, GError **error)
{
  return rfdn_model_sharpen ((RfdnModel *) data, 0.5f, error);
}

static void
test_sharpen (void)
{
  const Maker maker = {make_sharpened, free_model};
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin ("live", 2, NULL);

  g_assert_true (rfdn_model_get_info (model)->has_siblings);
  g_assert_true (rfdn_model_get_info (model)->has_steps);
  g_assert_cmpuint (fail_each (&maker, model), >, 3 * 14); /* tensors of all three networks */
}

/* An upscaler's parameters, and the file of its model: a fresh model packs its weights again. */
typedef struct {
  GBytes *file;
  RfdnUpscalerParams params;
} Plan;

static gpointer
make_upscaler (gconstpointer data, GError **error)
{
  const Plan *plan = data;

  rfdn_alloc_set_hook (NULL);
  g_autoptr (RfdnModel) model = rfdn_model_new (plan->file, NULL);
  rfdn_alloc_set_hook (is_there_memory);
  return rfdn_upscaler_new (model, &plan->params, error);
}

static void
free_upscaler (gpointer upscaler)
{
  rfdn_upscaler_free (upscaler);
}

static void
test_plan (void)
{
  static const guint sizes[][3] = {{96, 70, 0}, {17, 140, 0}, {150, 60, 48}}; /* and tiles' */
  const Maker maker = {make_upscaler, free_upscaler};

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++) {
      g_autoptr (GBytes) bytes = synthetic_network_new (&networks[i]);
      Plan plan = {bytes, RFDN_UPSCALER_PARAMS_INIT};
      plan.params.width = sizes[k][0];
      plan.params.height = sizes[k][1];
      plan.params.tile_size = sizes[k][2];
      plan.params.n_threads = 2;
      const guint n = fail_each (&maker, &plan);
      g_test_message ("%s, %ux%u: %u allocations", networks[i].architecture, sizes[k][0],
                      sizes[k][1], n);
      g_assert_cmpuint (n, >, 30);
    }
  }
}

static gpointer
make_resampler (gconstpointer data, GError **error)
{
  return rfdn_resampler_new (data, error);
}

static void
free_resampler (gpointer resampler)
{
  rfdn_resampler_free (resampler);
}

static void
test_resampler (void)
{
  const RfdnResamplerParams params = {.in_width = 40,
                                      .in_height = 30,
                                      .out_width = 80,
                                      .out_height = 60,
                                      .scale = 2,
                                      .format = {RFDN_SAMPLES_U8, 8, 0},
                                      .n_threads = 2};
  const Maker maker = {make_resampler, free_resampler};

  g_assert_cmpuint (fail_each (&maker, &params), ==, 1);
}

/* A frame allocates no memory. */
static void
test_run (void)
{
  const guint width = 70, height = 60, tile = 0;

  for (guint i = 0; i < G_N_ELEMENTS (networks); i++) {
    const guint channels = networks[i].channels, scale = networks[i].scale;
    g_autoptr (GBytes) bytes = synthetic_network_new (&networks[i]);
    g_autoptr (RfdnModel) model = rfdn_model_new (bytes, NULL);
    g_autofree guint8 *in = g_malloc0 (channels * width * height);
    g_autofree guint8 *out = g_malloc0 (channels * width * height * scale * scale);
    RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
    RfdnPlane from[3], to[3];
    RfdnArea area, seen;
    params.width = width;
    params.height = height;
    params.n_threads = 2;
    params.tile_size = 32;
    g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
    for (guint c = 0; c < channels; c++) {
      from[c] = (RfdnPlane){in + c * width * height, width, 1};
      to[c] = (RfdnPlane){out + c * width * height * scale * scale, width * scale, 1};
    }

    begin_failing (0, G_MAXUINT);
    g_assert_true (rfdn_upscaler_run (upscaler, from, to));
    g_assert_cmpuint (rfdn_upscaler_run_tiles (upscaler, from, to, &tile, 1, G_MAXINT64), ==, 1);
    rfdn_upscaler_get_tile (upscaler, tile, &area, &seen);
    g_assert_cmpfloat (rfdn_upscaler_get_work (upscaler), >, 0);
    rfdn_fade (&to[0], &to[0], &params.format, &(RfdnArea){0, 0, width, height},
               &(RfdnFade){0.5, 3, 3, 3, 3});
    g_assert_false (end_failing ());
    g_assert_cmpuint (n_asked, ==, 0);
  }
}

static void
test_array (void)
{
  g_autoptr (RfdnArray) array = rfdn_array_new (sizeof (guint), NULL);

  for (guint i = 0; i < 1000; i++)
    g_assert_true (rfdn_array_append (array, &i));
  rfdn_array_remove (array, 999);
  rfdn_array_remove (array, 0);
  g_assert_cmpuint (array->len, ==, 998);
  for (guint i = 0; i < array->len; i++)
    g_assert_cmpuint (g_array_index (array, guint, i), ==, i + 1);

  begin_failing (0, 1);
  while (rfdn_array_append (array, &(guint){7}))
    ;
  g_assert_true (end_failing ());
  /* A failed array stays failed, and keeps its contents. */
  g_assert_true (array->failed);
  g_assert_false (rfdn_array_append (array, &(guint){7}));
  g_assert_cmpuint (g_array_index (array, guint, 997), ==, 998);

  g_assert_null (rfdn_try_alloc (G_MAXSIZE / 2, 4));
  g_assert_null (rfdn_try_floats (G_MAXSIZE / 4));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/alloc/array", test_array);
  g_test_add_func ("/alloc/load", test_load);
  g_test_add_func ("/alloc/sharpen", test_sharpen);
  g_test_add_func ("/alloc/plan", test_plan);
  g_test_add_func ("/alloc/resampler", test_resampler);
  g_test_add_func ("/alloc/run", test_run);
  return g_test_run ();
}
