/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts of pictures: single tiles, and fading one picture into another. */

#include <string.h>

#include "picture.h"
#include "rfdn-filters.h"
#include "safetensors.h"
#include "synthetic.h"

#define WIDTH 131
#define HEIGHT 97
#define SCALE 2
#define TILE 32

/* A picture and an upscaler that divides it into tiles. */
typedef struct {
  RfdnModel *model;
  RfdnUpscaler *tiles;
  guint8 *in;
  guint8 *out, *whole;
  RfdnPlane from, to, to_whole;
} Fixture;

static const RfdnSampleFormat bytes = {.samples = RFDN_SAMPLES_U8, .depth = 8};

static RfdnUpscaler *
make_upscaler (RfdnModel *model, guint tile_size)
{
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  g_autoptr (GError) error = NULL;
  RfdnUpscaler *upscaler;

  params.width = WIDTH;
  params.height = HEIGHT;
  params.tile_size = tile_size;
  params.n_threads = 2;
  upscaler = rfdn_upscaler_new (model, &params, &error);
  g_assert_no_error (error);
  return upscaler;
}

static void
set_up (Fixture *f, gconstpointer attention)
{
  g_autoptr (RfdnUpscaler) upscaler = NULL;
  const gsize n = SCALE * WIDTH * SCALE * HEIGHT;

  f->model = make_model ("reprfn", 8, 1, SCALE, 1, attention != NULL, NULL);
  f->tiles = make_upscaler (f->model, TILE);
  f->in = g_malloc (WIDTH * HEIGHT);
  for (guint i = 0; i < WIDTH * HEIGHT; i++)
    f->in[i] = (guint8) g_test_rand_int_range (0, 256);
  f->out = g_malloc0 (n);
  f->whole = g_malloc0 (n);
  f->from = (RfdnPlane){f->in, WIDTH, 1};
  f->to = (RfdnPlane){f->out, SCALE * WIDTH, 1};
  f->to_whole = (RfdnPlane){f->whole, SCALE * WIDTH, 1};
  upscaler = make_upscaler (f->model, 0);
  rfdn_upscaler_run (upscaler, &f->from, &f->to_whole);
}

static void
tear_down (Fixture *f, gconstpointer attention)
{
  rfdn_upscaler_free (f->tiles);
  rfdn_model_unref (f->model);
  g_free (f->in);
  g_free (f->out);
  g_free (f->whole);
}

static gboolean
is_inside (const RfdnArea *area, guint x, guint y)
{
  return x >= area->x && x < area->x + area->width && y >= area->y && y < area->y + area->height;
}

static void
test_cover (Fixture *f, gconstpointer attention)
{
  guint covered[HEIGHT][WIDTH] = {{0}};

  for (guint t = 0; t < rfdn_upscaler_get_n_tiles (f->tiles); t++) {
    RfdnArea area, seen;
    rfdn_upscaler_get_tile (f->tiles, t, &area, &seen);
    g_assert_true (is_inside (&seen, area.x, area.y));
    g_assert_true (is_inside (&seen, area.x + area.width - 1, area.y + area.height - 1));
    for (guint y = 0; y < HEIGHT; y++) {
      for (guint x = 0; x < WIDTH; x++)
        covered[y][x] += is_inside (&area, x, y);
    }
  }
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmpuint (covered[y][x], ==, 1);
  }
  g_assert_cmpfloat (rfdn_upscaler_get_work (f->tiles), >,
                     (double) rfdn_model_get_info (f->model)->macs * WIDTH * HEIGHT * 0.99);
}

/* The requested tiles, in any order, equal those of the whole picture; nothing else is written. */
static void
test_some (Fixture *f, gconstpointer attention)
{
  const guint tiles[] = {7, 0, 19, 12, 4};

  g_assert_cmpuint (rfdn_upscaler_get_n_tiles (f->tiles), ==, 20);
  memset (f->out, 99, SCALE * WIDTH * SCALE * HEIGHT);
  g_assert_cmpuint (
      rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, G_N_ELEMENTS (tiles), G_MAXINT64),
      ==, G_N_ELEMENTS (tiles));
  g_assert_cmpfloat (rfdn_upscaler_get_tile_time (f->tiles), >, 0);
  for (guint y = 0; y < SCALE * HEIGHT; y++) {
    for (guint x = 0; x < SCALE * WIDTH; x++) {
      const guint at = y * SCALE * WIDTH + x;
      gboolean wanted = FALSE;
      for (guint t = 0; t < G_N_ELEMENTS (tiles); t++) {
        RfdnArea area;
        rfdn_upscaler_get_tile (f->tiles, tiles[t], &area, NULL);
        wanted |= is_inside (&area, x / SCALE, y / SCALE);
      }
      if (!wanted)
        g_assert_cmpuint (f->out[at], ==, 99);
      else if (!attention)
        g_assert_cmpuint (f->out[at], ==, f->whole[at]);
    }
  }
}

/* Pixels that a tile does not see do not change it. */
static void
test_seen (Fixture *f, gconstpointer attention)
{
  const guint tile = 6;
  g_autofree guint8 *before = NULL;
  RfdnArea area, seen;

  rfdn_upscaler_get_tile (f->tiles, tile, &area, &seen);
  g_assert_cmpuint (seen.width * seen.height, <, WIDTH * HEIGHT);
  rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, &tile, 1, G_MAXINT64);
  before = g_memdup2 (f->out, SCALE * WIDTH * SCALE * HEIGHT);
  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++) {
      if (!is_inside (&seen, x, y))
        f->in[y * WIDTH + x] ^= 0xff;
    }
  }
  rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, &tile, 1, G_MAXINT64);
  g_assert_cmpmem (before, SCALE * WIDTH * SCALE * HEIGHT, f->out, SCALE * WIDTH * SCALE * HEIGHT);
}

static void
test_deadline (Fixture *f, gconstpointer attention)
{
  guint tiles[20];
  const gint64 now = g_get_monotonic_time ();

  for (guint t = 0; t < G_N_ELEMENTS (tiles); t++)
    tiles[t] = t;
  g_assert_cmpuint (rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 20, now - 1), ==,
                    0);
  for (guint i = 0; i < SCALE * WIDTH * SCALE * HEIGHT; i++)
    g_assert_cmpuint (f->out[i], ==, 0);
  g_assert_cmpuint (
      rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 20, now + 600 * G_USEC_PER_SEC),
      ==, 20);
  rfdn_upscaler_set_cancelled (f->tiles, TRUE);
  g_assert_cmpuint (rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 20, G_MAXINT64), ==,
                    0);
}

/* The time that tiles took is gradually forgotten while none is tried, so that a single slow one
 * does not stop tiles forever. */
static void
test_slow_once (Fixture *f, gconstpointer attention)
{
  const guint tiles[] = {0, 1, 2, 3};

  g_assert_cmpuint (rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 4, G_MAXINT64), ==,
                    4);
  const double slow = rfdn_upscaler_get_tile_time (f->tiles);
  for (guint i = 0; i < 100; i++) {
    const double before = rfdn_upscaler_get_tile_time (f->tiles);
    g_assert_cmpuint (rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 4, 0), ==, 0);
    g_assert_cmpfloat (rfdn_upscaler_get_tile_time (f->tiles), <, before);
    g_assert_cmpfloat (rfdn_upscaler_get_tile_time (f->tiles), >, 0.9 * before);
  }
  g_assert_cmpfloat (rfdn_upscaler_get_tile_time (f->tiles), <, slow / 4);

  /* In the end one is tried, although there is only half the time that it took. */
  const gint64 time = (gint64) (slow / 2 * G_USEC_PER_SEC);
  guint done = 0;
  for (guint i = 0; done == 0 && i < 2000; i++)
    done = rfdn_upscaler_run_tiles (f->tiles, &f->from, &f->to, tiles, 4,
                                    g_get_monotonic_time () + time);
  g_assert_cmpuint (done, >, 0);
}

/* ---- the edges of pooled maps -----------------------------------------------------------------
 */

/* A network of averaging filters whose convolutions on the frame see one pixel each, so that only
 * its pooled maps have edges. The last convolution on those is negative: zeros around them would
 * make the mask larger at edges, and the next block's pooling would spread that. */
static void
set_pointwise (const char *name, const RfdnTensor *tensor)
{
  const gboolean is_attention = strstr (name, ".esa.") != NULL;
  const gboolean is_last =
      g_str_has_suffix (name, ".esa.conv3_.weight") ||
      (g_str_has_prefix (name, "reprfb") && g_str_has_suffix (name, ".esa.conv3.weight"));
  const gboolean is_centre = !is_attention && tensor->n_dims == 4 && tensor->shape[2] == 3;
  const float mean =
      tensor->n_dims == 4 ? (float) tensor->shape[0] / (float) tensor->n_values : 0.1f;

  for (gsize i = 0; i < tensor->n_values; i++)
    tensor->values[i] = is_last ? -mean : !is_centre ? mean : i % 9 == 4 ? 9 * mean : 0;
}

static RfdnModel *
make_pointwise_model (const char *architecture)
{
  const SyntheticNetwork network = {architecture, 8, 3, SCALE, 1, TRUE, 11};
  g_autoptr (GBytes) original = synthetic_network_new (&network);
  g_autoptr (RfdnTensorFile) file = rfdn_tensor_file_new (original, NULL);
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (SyntheticTensor));
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, file->tensors);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const RfdnTensor *from = value;
    SyntheticTensor tensor = {.name = name, .n_dims = from->n_dims, .values = from->values};
    memcpy (tensor.shape, from->shape, sizeof from->shape);
    g_array_append_val (tensors, tensor);
    set_pointwise (name, from);
  }
  g_autoptr (GBytes) changed = synthetic_file_new ((SyntheticTensor *) (void *) tensors->data,
                                                   tensors->len, "{\"input_range\":\"1\"}");
  RfdnModel *model = rfdn_model_new (changed, &error);
  g_assert_no_error (error);
  return model;
}

/* Within a uniform picture, a pooled map is continued unchanged beyond what a tile sees of it: the
 * tile comes out uniform. */
static void
test_pooled_edges (gconstpointer architecture)
{
  enum { SIZE = 300, SIDE = 20 };
  g_autoptr (RfdnModel) model = make_pointwise_model (architecture);
  g_autoptr (Map) in = map_new (1, SIZE, SIZE), out = map_new (1, SCALE * SIZE, SCALE * SIZE);
  RfdnUpscalerParams params = RFDN_UPSCALER_PARAMS_INIT;
  guint n_inside = 0;

  params.width = params.height = SIZE;
  params.format.samples = RFDN_SAMPLES_F32;
  params.tile_size = SIDE;
  params.tile_overlap = 0; /* the smallest possible */
  params.n_threads = 1;
  g_autoptr (RfdnUpscaler) upscaler = rfdn_upscaler_new (model, &params, NULL);
  for (guint i = 0; i < SIZE * SIZE; i++)
    in->values[i] = 0.7f;
  g_assert_true (rfdn_upscaler_run (upscaler, &(RfdnPlane){in->values, 4 * SIZE, 4},
                                    &(RfdnPlane){out->values, 4 * SCALE * SIZE, 4}));

  for (guint t = 0; t < rfdn_upscaler_get_n_tiles (upscaler); t++) {
    RfdnArea area, seen;
    rfdn_upscaler_get_tile (upscaler, t, &area, &seen);
    /* At the frame's own edge the pooled map is padded with zeros. */
    if (seen.x < 50 || seen.y < 50 || seen.x + seen.width > SIZE - 50 ||
        seen.y + seen.height > SIZE - 50)
      continue;
    n_inside++;
    for (guint y = SCALE * area.y; y < SCALE * (area.y + area.height); y++) {
      for (guint x = SCALE * area.x; x < SCALE * (area.x + area.width); x++) {
        const float want = out->values[(SIZE + y % SCALE) * SCALE * SIZE + SIZE + x % SCALE];
        g_assert_cmpfloat_with_epsilon (out->values[y * SCALE * SIZE + x], want, 1e-5f * want);
      }
    }
  }
  g_assert_cmpuint (n_inside, >=, 4);
}

/* ---- fading ------------------------------------------------------------------------------- */

static void
check_fade (const RfdnSampleFormat *format, guint pixel_stride, guint a, guint b)
{
  enum { N = 12 };
  const RfdnFade none = {.weight = 1}, all = {.weight = 0}, half = {.weight = 0.5};
  const RfdnFade edges = {.weight = 1, .left = 4, .bottom = 4};
  const RfdnArea area = {1, 1, N - 2, N - 2};
  const RfdnFade *fades[] = {&none, &all, &half, &edges};

  for (guint k = 0; k < G_N_ELEMENTS (fades); k++) {
    guint16 one[N * N * 2], other[N * N * 2];
    const gsize size = format->samples == RFDN_SAMPLES_U8 ? 1 : 2;
    const RfdnPlane to = {one, (gssize) (N * pixel_stride * size), pixel_stride * size};
    const RfdnPlane from = {other, (gssize) (N * pixel_stride * size), pixel_stride * size};

    for (guint i = 0; i < N * N * pixel_stride; i++) {
      if (size == 1) {
        ((guint8 *) one)[i] = (guint8) a;
        ((guint8 *) other)[i] = (guint8) b;
      } else {
        one[i] = (guint16) (a << format->shift);
        other[i] = (guint16) (b << format->shift);
      }
    }
    rfdn_fade (&to, &from, format, &area, fades[k]);
    for (guint y = 0; y < N; y++) {
      for (guint x = 0; x < N * pixel_stride; x++) {
        const guint at = y * N * pixel_stride + x;
        const guint px = x / pixel_stride;
        const guint got = size == 1 ? ((guint8 *) one)[at] : (guint) one[at] >> format->shift;
        double weight = fades[k]->weight;

        if (size == 2 && format->shift > 0)
          g_assert_cmpuint (one[at] & ((1u << format->shift) - 1), ==, 0);
        if (x % pixel_stride != 0 || !is_inside (&area, px, y))
          weight = 1;
        else if (k == 3)
          weight = (px < 5 ? (px - 0.5) / 4 : 1) * (y > 6 ? (N - 1.5 - y) / 4 : 1);
        g_assert_cmpfloat_with_epsilon (got, b + weight * ((double) a - b),
                                        0.5 + ABS ((double) a - b) / 200);
      }
    }
  }
}

/* Wide areas whose ramps may overlap: every sample is faded once. */
static void
test_fade_wide (void)
{
  enum { N = 5000 };
  static const guint ramps[][2] = {{0, 0}, {1500, 700}, {3, 2049}, {4000, 3000}, {N, N}};
  const RfdnArea area = {0, 0, N, 2};

  for (guint k = 0; k < G_N_ELEMENTS (ramps); k++) {
    const guint left = ramps[k][0], right = ramps[k][1];
    const RfdnFade fade = {.weight = 1, .left = left, .right = right};
    guint8 one[2 * N], other[2 * N];

    memset (one, 200, sizeof one);
    memset (other, 0, sizeof other);
    rfdn_fade (&(RfdnPlane){one, N, 1}, &(RfdnPlane){other, N, 1}, &bytes, &area, &fade);
    for (guint x = 0; x < N; x++) {
      const double rise = x < left ? (x + 0.5) / left : 1;
      const double fall = N - 1 - x < right ? (N - 0.5 - x) / right : 1;
      g_assert_cmpfloat_with_epsilon (one[x], 200 * MIN (rise, fall), 1.5);
      g_assert_cmpuint (one[x], ==, one[N + x]);
    }
  }
}

static void
test_fade (void)
{
  const RfdnSampleFormat ten = {.samples = RFDN_SAMPLES_U16, .depth = 10};
  const RfdnSampleFormat high = {.samples = RFDN_SAMPLES_U16, .depth = 10, .shift = 6};
  const RfdnSampleFormat full = {.samples = RFDN_SAMPLES_U16, .depth = 16};

  for (guint stride = 1; stride <= 2; stride++) {
    check_fade (&bytes, stride, 250, 3);
    check_fade (&bytes, stride, 77, 77);
    check_fade (&ten, stride, 1023, 0);
    check_fade (&high, stride, 5, 1000);
    check_fade (&full, stride, 65535, 1);
  }
}

/* ---- detail ------------------------------------------------------------------------------- */

static void
test_detail (void)
{
  const RfdnSampleFormat formats[] = {
      {.samples = RFDN_SAMPLES_U8, .depth = 8},
      {.samples = RFDN_SAMPLES_U16, .depth = 10},
      {.samples = RFDN_SAMPLES_U16, .depth = 10, .shift = 6},
  };
  enum { N = 64 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    const gboolean wide = formats[f].samples == RFDN_SAMPLES_U16;
    const RfdnArea left = {0, 0, N / 2, N}, right = {N / 2, 0, N / 2, N}, thin = {0, 0, 2, N};
    guint16 samples[N * N];
    const RfdnPlane plane = {samples, wide ? 2 * N : N, wide ? 2 : 1};

    /* A ramp on the left, and alternating black and white on the right. */
    for (guint y = 0; y < N; y++) {
      for (guint x = 0; x < N; x++) {
        const guint max = (1u << formats[f].depth) - 1;
        const guint v = x < N / 2 ? x + y : (x + y) % 2 * max;
        if (wide)
          samples[y * N + x] = (guint16) (v << formats[f].shift);
        else
          ((guint8 *) samples)[y * N + x] = (guint8) v;
      }
    }
    g_assert_cmpfloat (rfdn_measure_detail (&plane, &formats[f], &left), ==, 0);
    g_assert_cmpfloat_with_epsilon (rfdn_measure_detail (&plane, &formats[f], &right), 4, 1e-4);
    g_assert_cmpfloat (rfdn_measure_detail (&plane, &formats[f], &thin), ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint a = 0; a < 2; a++) {
    const gpointer attention = GINT_TO_POINTER (a);
    const char *kind = a ? "attention" : "convolutions";
    const struct {
      const char *name;
      void (*test) (Fixture *f, gconstpointer attention);
    } tests[] = {{"cover", test_cover},
                 {"some", test_some},
                 {"seen", test_seen},
                 {"deadline", test_deadline},
                 {"slow-once", test_slow_once}};

    for (guint t = 0; t < G_N_ELEMENTS (tests); t++) {
      g_autofree char *path = g_strdup_printf ("/tiles/%s/%s", kind, tests[t].name);
      g_test_add (path, Fixture, attention, set_up, tests[t].test, tear_down);
    }
  }
  g_test_add_data_func ("/pooled-edges/rfdn", "rfdn", test_pooled_edges);
  g_test_add_data_func ("/pooled-edges/reprfn", "reprfn", test_pooled_edges);
  g_test_add_func ("/fade", test_fade);
  g_test_add_func ("/fade-wide", test_fade_wide);
  g_test_add_func ("/detail", test_detail);
  return g_test_run ();
}
