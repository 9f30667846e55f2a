/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pictures for which there is not enough time: which tiles the network does, and what lies beneath
 * the others. The times given to the forecast are made up, not measured, and there is always an
 * hour left: nothing depends on how fast the machine is. */

#include "live.h"
#include "mosaic.h"

#include "gstrfdnsmaller.h"
#include "shared.h"

#define WIDTH 704
#define HEIGHT 128
#define N_TILES 8 /* 4 by 2, of 176x64 */

/* ---- helpers -------------------------------------------------------------------------------- */

static RfdnModel *
load_file (const char *path)
{
  char *contents;
  gsize size;
  g_autoptr (GBytes) bytes = NULL;
  RfdnModel *model;

  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  bytes = g_bytes_new_take (contents, size);
  model = rfdn_model_new (bytes, NULL);
  g_assert_nonnull (model);
  return model;
}

/* A network without attention, so that the result of any tile is known; its pictures and those of
 * the two grounds. */
typedef struct {
  RfdnModel *model, *small;
  Picture *in, *out, *network, *ground[2]; /* plain, small */
  GstRfdnMosaic *mosaic;
} Fixture;

/* Noise, more of it from tile to tile. */
static void
draw (Picture *in, const guint *amplitudes)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint y = 0; y < HEIGHT; y++) {
    for (guint x = 0; x < WIDTH; x++) {
      const guint amplitude = amplitudes[x / 176 + 4 * (y / 64)];

      picture_set (in, 0, x, y, (guint) (128 + g_rand_double_range (rand, -1, 1) * amplitude));
    }
  }
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const guint amplitudes[N_TILES] = {50, 55, 60, 65, 70, 75, 80, 85};
  g_autoptr (GstRfdnMosaic) small = NULL;

  (void) data;
  f->model = load_file (random_model ("reprfn", 1, 2, FALSE));
  f->small = rfdn_model_new_builtin ("live", 2, NULL);
  f->in = new_gray (WIDTH, HEIGHT);
  draw (f->in, amplitudes);
  f->out = new_gray (2 * WIDTH, 2 * HEIGHT);
  f->network = new_gray (2 * WIDTH, 2 * HEIGHT);
  for (guint i = 0; i < 2; i++)
    f->ground[i] = new_gray (2 * WIDTH, 2 * HEIGHT);
  f->mosaic = new_mosaic (f->model, f->small, WIDTH, HEIGHT);
  g_assert_cmpuint (gst_rfdn_mosaic_get_n_tiles (f->mosaic), ==, N_TILES);
  small = new_mosaic (f->small, NULL, WIDTH, HEIGHT);
  run_by (f->mosaic, f->in, f->network, NULL, G_MAXINT64, 1);
  run_by (f->mosaic, f->in, f->ground[0], NULL, G_MAXINT64, 0);
  run_by (small, f->in, f->ground[1], NULL, G_MAXINT64, 1);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  (void) data;
  gst_rfdn_mosaic_free (f->mosaic);
  rfdn_model_unref (f->model);
  rfdn_model_unref (f->small);
  picture_free (f->in);
  picture_free (f->out);
  picture_free (f->network);
  picture_free (f->ground[0]);
  picture_free (f->ground[1]);
}

/* Mean difference in a part of tile @t: columns @x and on. */
static double
compare (const Picture *a, const Picture *b, guint t, guint x, guint n)
{
  guint sum = 0;

  for (guint row = 16; row < 112; row++) {
    for (guint column = x; column < x + n; column++) {
      const guint px = t % 4 * 352 + column, py = t / 4 * 128 + row;

      sum += (guint) ABS ((gint) picture_get (a, 0, px, py) - (gint) picture_get (b, 0, px, py));
    }
  }
  return (double) sum / (96 * n);
}

static gboolean
is_like (const Picture *a, const Picture *b, guint t)
{
  return compare (a, b, t, 16, 320) == 0;
}

/* ---- which network --------------------------------------------------------------------------- */

static void
test_choice (void)
{
  static const struct {
    const char *slow, *smaller;
  } pairs[] = {{"balanced", "live"}, {"balanced-clean", "live-clean"}, {"rfdn", "live-clean"}};
  static const char *const fast[] = {"live", "live-clean"};
  g_autoptr (RfdnModel) rgb = load_file (random_model ("rfdn", 3, 2, TRUE));

  for (guint scale = 2; scale <= 4; scale++) {
    for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
      g_autoptr (RfdnModel) model = rfdn_model_new_builtin (pairs[i].slow, scale, NULL);
      g_autoptr (RfdnModel) smaller = gst_rfdn_smaller_get (model);

      g_assert_nonnull (smaller);
      g_assert_cmpstr (rfdn_model_get_info (smaller)->name, ==, pairs[i].smaller);
      g_assert_cmpuint (rfdn_model_get_info (smaller)->scale, ==, scale);
    }
    for (guint i = 0; i < G_N_ELEMENTS (fast); i++) {
      g_autoptr (RfdnModel) model = rfdn_model_new_builtin (fast[i], scale, NULL);

      g_assert_null (gst_rfdn_smaller_get (model));
    }
  }
  g_assert_null (gst_rfdn_smaller_get (rgb));
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* Parts that the network has not done equal the ground, sample by sample, and all are counted. */
static void
test_grounds (Fixture *f, gconstpointer data)
{
  (void) data;
  for (guint small = 0; small < 2; small++) {
    for (guint most = 0; most < N_TILES; most += 3) {
      GstRfdnWork work;

      foretell (f->mosaic, most, small);
      gst_rfdn_mosaic_reset (f->mosaic);
      work = run_late (f->mosaic, f->in, f->out, NULL);
      g_assert_cmpuint (work.network, ==, most);
      g_assert_cmpuint (work.small, ==, small ? N_TILES - most : 0);
      g_assert_cmpuint (work.cheap, ==, small ? 0 : N_TILES - most);
      g_assert_cmpuint (work.reused, ==, 0);
      g_assert_cmpfloat (work.level, ==, (double) most / N_TILES);
      for (guint t = 0; t < N_TILES; t++)
        g_assert_true (is_like (f->out, t >= N_TILES - most ? f->network : f->ground[small], t));
    }
  }
}

/* A tile is blended into what lies next to it: its first column is nearly the ground's, and a few
 * pixels further it is the network's. */
static void
check_edge (const Fixture *f, const Picture *ground, guint t)
{
  const double all = compare (f->network, ground, t, 0, 1);
  double last = 0;

  g_assert_cmpfloat (all, >, 4);
  for (guint column = 0; column < 12; column++) {
    const double share =
        compare (f->out, ground, t, column, 1) / compare (f->network, ground, t, column, 1);

    if (column == 0)
      g_assert_cmpfloat (share, <, 0.2);
    else if (column < 6)
      g_assert_cmpfloat (share, <, 0.95);
    g_assert_cmpfloat (share, >, last - 0.1);
    last = share;
  }
  g_assert_cmpfloat (compare (f->out, f->network, t, 12, 1), ==, 0);
}

static void
test_edges (Fixture *f, gconstpointer data)
{
  (void) data;
  for (guint small = 0; small < 2; small++) {
    /* The lower right two; the left one of them has the ground on its left. */
    foretell (f->mosaic, 2, small);
    gst_rfdn_mosaic_reset (f->mosaic);
    run_late (f->mosaic, f->in, f->out, NULL);
    check_edge (f, f->ground[small], 6);
    /* Between two tiles of the network nothing is blended. */
    g_assert_cmpfloat (compare (f->out, f->network, 7, 0, 12), ==, 0);
  }
}

/* While nothing moves, no picture is worse than the one before, whatever the ground, and finally it
 * is the network's. */
static void
test_still (Fixture *f, gconstpointer data)
{
  gboolean same[N_TILES];
  GstRfdnWork work;

  (void) data;
  for (guint t = 0; t < N_TILES; t++)
    same[t] = TRUE;
  foretell (f->mosaic, 2, TRUE);
  work = run_late (f->mosaic, f->in, f->out, NULL);
  g_assert_cmpuint (work.small, ==, N_TILES - 2);

  /* Another ground: the tiles stay, but their edges are blended with the new one. */
  foretell (f->mosaic, 0, FALSE);
  work = run_late (f->mosaic, f->in, f->out, same);
  g_assert_cmpuint (work.reused, ==, 2);
  g_assert_cmpuint (work.cheap, ==, N_TILES - 2);
  g_assert_true (is_like (f->out, f->network, 7) && is_like (f->out, f->ground[0], 0));
  check_edge (f, f->ground[0], 6);
  g_assert_cmpfloat (compare (f->out, f->ground[0], 6, 0, 1), <,
                     0.5 * compare (f->ground[1], f->ground[0], 6, 0, 1) +
                         0.05 * compare (f->network, f->ground[0], 6, 0, 1));

  for (guint i = 0; i < 3; i++) {
    foretell (f->mosaic, 2, TRUE);
    work = run_late (f->mosaic, f->in, f->out, same);
    g_assert_cmpuint (work.network, ==, 2);
    g_assert_cmpuint (work.reused, ==, 2 + 2 * i);
    g_assert_cmpuint (work.small, ==, 4 - 2 * i);
  }
  g_assert_cmpfloat (work.level, ==, 1);
  for (guint i = 0; i < 4; i++) { /* what edges are still faded */
    foretell (f->mosaic, N_TILES, TRUE);
    run_late (f->mosaic, f->in, f->out, same);
  }
  g_assert_true (picture_is_equal (f->out, f->network));
}

/* Two tiles with nearly the same detail do not alternate. */
static void
test_inertia (Fixture *f, gconstpointer data)
{
  static const struct {
    guint first, second, sharp;
  } steps[] = {{60, 30, 0}, {50, 62, 0}, {30, 80, 5}, {62, 50, 5}, {80, 30, 0}};

  (void) data;
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    const guint amplitudes[N_TILES] = {steps[i].first, 0, 0, 0, 0, steps[i].second, 0, 0};

    draw (f->in, amplitudes);
    foretell (f->mosaic, 1, FALSE);
    run_by (f->mosaic, f->in, f->out, NULL, g_get_monotonic_time () + HOUR, 1);
    {
      g_autoptr (GstRfdnMosaic) whole = new_mosaic (f->model, NULL, WIDTH, HEIGHT);

      run_by (whole, f->in, f->network, NULL, G_MAXINT64, 1);
    }
    for (guint t = 0; t < N_TILES; t += 5)
      g_assert_true (is_like (f->out, f->network, t) == (t == steps[i].sharp));
  }
}

/* The strength goes for the ground, too. */
static void
test_strength (Fixture *f, gconstpointer data)
{
  (void) data;
  foretell (f->mosaic, 2, TRUE);
  run_by (f->mosaic, f->in, f->out, NULL, g_get_monotonic_time () + HOUR, 0.5);
  for (guint y = 0; y < 2 * HEIGHT; y++) {
    for (guint x = 0; x < 2 * WIDTH; x++) {
      const gboolean network = x >= 704 + 16 && y >= 128 + 16;
      const guint plain = picture_get (f->ground[0], 0, x, y);
      const guint other = picture_get (network ? f->network : f->ground[1], 0, x, y);
      const gint value = (gint) picture_get (f->out, 0, x, y);

      if (network || x < 704 || y < 128)
        g_assert_cmpint (ABS (2 * value - (gint) (plain + other)), <=, 3);
    }
  }
}

/* The very first picture does at most one tile's work before anything is known. */
static void
test_first (Fixture *f, gconstpointer data)
{
  GstRfdnForecast *forecast;
  g_autoptr (GstRfdnMosaic) mosaic = new_mosaic (f->model, f->small, WIDTH, HEIGHT);
  GstRfdnWork work;

  (void) data;
  forecast = gst_rfdn_mosaic_get_forecast (mosaic);
  forecast->small_ratio = 0.9 / N_TILES;
  work = run_late (mosaic, f->in, f->out, NULL);
  g_assert_cmpuint (work.small, ==, N_TILES);
  g_assert_true (picture_is_equal (f->out, f->ground[1]));

  gst_rfdn_mosaic_free (g_steal_pointer (&mosaic));
  mosaic = new_mosaic (f->model, f->small, WIDTH, HEIGHT);
  forecast = gst_rfdn_mosaic_get_forecast (mosaic);
  forecast->small_ratio = 1.1 / N_TILES;
  forecast->most = 1;
  work = run_late (mosaic, f->in, f->out, NULL);
  g_assert_cmpuint (work.cheap, ==, N_TILES - 1);
  g_assert_cmpuint (work.network, ==, 1);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  const RfdnPlane from = get_plane (f->in), to = get_plane (f->out);
  GstRfdnWork work;

  (void) data;
  foretell (f->mosaic, 2, TRUE);
  gst_rfdn_mosaic_set_cancelled (f->mosaic, TRUE);
  g_assert_false (
      gst_rfdn_mosaic_run (f->mosaic, &from, &to, NULL, g_get_monotonic_time () + HOUR, 1, &work));
  gst_rfdn_mosaic_set_cancelled (f->mosaic, FALSE);
  gst_rfdn_mosaic_reset (f->mosaic);
  foretell (f->mosaic, 2, TRUE);
  work = run_late (f->mosaic, f->in, f->out, NULL);
  g_assert_cmpuint (work.small, ==, N_TILES - 2);
  g_assert_true (is_like (f->out, f->ground[1], 0));
}

/* ---- how good it is -------------------------------------------------------------------------- */

/* How many times as long all tiles take as the whole picture. */
#define TILES_COST 1.4

/* The picture that there is time for if a whole one takes @deficit times as long as it may, and
 * others in proportion to their work. */
static double
measure (RfdnModel *model, RfdnModel *small, Picture *in, const Picture *network, double deficit,
         GstRfdnWork *work)
{
  const guint width = picture_width (in, 0), height = picture_height (in, 0);
  g_autoptr (GstRfdnMosaic) mosaic = new_mosaic (model, small, width, height);
  g_autoptr (Picture) out = new_gray (2 * width, 2 * height);
  GstRfdnForecast *forecast = gst_rfdn_mosaic_get_forecast (mosaic);
  const double whole = deficit * HOUR, tile = TILES_COST * whole / forecast->n_tiles;
  double share = small != NULL ? (double) rfdn_model_get_info (small)->macs /
                                     (double) rfdn_model_get_info (model)->macs
                               : 0;

  forecast->late = TRUE;
  forecast->whole.not_before = NEVER;
  forecast->whole_time = whole;
  forecast->tile_time = tile;
  forecast->small_time = share * whole;
  if (share * whole > HOUR)
    share = 0;
  forecast->most = (guint) ((HOUR - share * whole) / tile);
  *work = run_late (mosaic, in, out, NULL);
  return picture_psnr (out, network, 0, 0);
}

#define N_DEFICITS 2

/* What the smaller network must gain, in dB, where the time is short by each factor. In the forest
 * `live` is only a dB nearer to `balanced` than Lanczos's filter, less than the tiles are worth
 * that there would be time for without it. */
static const double deficits[N_DEFICITS] = {1.5, 3};

typedef struct {
  const char *path, *file, *model;
  double gains[N_DEFICITS];
} Clip;

static const Clip clips[] = {
    {"forest", "media/forest_h264_848x464_aac.mkv", "balanced", {-0.6, 0.1}},
    {"forest-clean", "media/forest_h264_848x464_aac.mkv", "balanced-clean", {1, 2}},
    {"foreman", "media/foreman_cif_mpeg4asp_352x288.mp4", "balanced", {4, 5}},
    {"foreman-clean", "media/foreman_cif_mpeg4asp_352x288.mp4", "balanced-clean", {6, 6}},
    {"traffic", "media/traffic_h264_1280x720_VFR.mp4", "balanced", {1.5, 2}},
};

static void
check_psnr (const Clip *clip, Picture *in)
{
  const guint width = picture_width (in, 0), height = picture_height (in, 0);
  g_autoptr (RfdnModel) model = rfdn_model_new_builtin (clip->model, 2, NULL);
  g_autoptr (RfdnModel) small = gst_rfdn_smaller_get (model);
  g_autoptr (Picture) network = new_gray (2 * width, 2 * height);
  g_autoptr (GstRfdnMosaic) mosaic = new_mosaic (model, NULL, width, height);
  GstRfdnWork with, without;

  run_by (mosaic, in, network, NULL, G_MAXINT64, 1);
  for (guint i = 0; i < N_DEFICITS; i++) {
    const double psnr = measure (model, small, in, network, deficits[i], &with);
    const double plain = measure (model, NULL, in, network, deficits[i], &without);

    g_test_message ("deficit %.1f: %.2f dB, level %.2f; without the smaller network %.2f dB, "
                    "level %.2f",
                    deficits[i], psnr, with.level, plain, without.level);
    g_assert_cmpuint (with.small, >, 0);
    g_assert_cmpuint (with.cheap, ==, 0);
    g_assert_cmpfloat (psnr, >, plain + clip->gains[i]);
  }
  /* No time even for that. */
  const double psnr = measure (model, small, in, network, 10, &with);
  const double plain = measure (model, NULL, in, network, 10, &without);
  g_assert_cmpuint (with.small, ==, 0);
  g_assert_cmpfloat (psnr, ==, plain);
}

static void
test_psnr_clip (gconstpointer data)
{
  const Clip *clip = data;
  g_autofree char *path = shared_path (clip->file);
  g_autoptr (Picture) in = NULL;

  if (!shared_or_skip (path))
    return;
  in = picture_load_frame (path, "I420", 30); /* GRAY8 would have the full range */
  g_assert_nonnull (in);
  check_psnr (clip, in);
}

/* ---- the element ----------------------------------------------------------------------------- */

static void
push (GstHarness *harness, guint n, GstClockTime duration)
{
  gst_harness_set_time (harness, n * duration);
  push_only (harness, new_frame (320, 240, n, n * duration, duration));
}

/* The slowest model, with a fifth of the time that it needs on this machine: `live-clean`
 * needs about a thirtieth, and does the other tiles, which do not count as the network's. */
static void
test_element (void)
{
  GstHarness *harness = upscale_harness ("model=rfdn scale=2 late-policy=never");
  g_autofree char *rate = NULL;
  guint64 small;
  double mean;

  gst_harness_set_src_caps_str (harness,
                                "video/x-raw,format=I420,width=320,height=240,framerate=1/1");
  for (guint n = 0; n < 3; n++)
    push (harness, n, GST_SECOND);
  mean = get_double (harness, "frame-ms-mean");
  g_assert_cmpuint (get_count (harness, "small-rectangles"), ==, 0);
  g_assert_cmpfloat (get_double (harness, "level"), ==, 1);
  gst_harness_teardown (g_steal_pointer (&harness));

  rate = g_strdup_printf ("%u/100", (guint) (100 * 5 * 1000 / mean));
  harness = live_harness ("model=rfdn scale=2", 320, 240, rate);
  gst_harness_query_latency (harness);
  small = 0;
  for (guint n = 0; n < 200 && small == 0; n++) {
    push (harness, n, (GstClockTime) (mean / 5 * GST_MSECOND));
    small = get_count (harness, "small-rectangles");
  }
  g_test_message ("%.0f ms; %" G_GUINT64_FORMAT " parts by the smaller network", mean, small);
  g_assert_cmpuint (small, >, 0);
  g_assert_cmpfloat (get_double (harness, "level"), <, 1);
  gst_harness_teardown (g_steal_pointer (&harness));
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*test) (Fixture *f, gconstpointer data);
  } tests[] = {
      {"grounds", test_grounds}, {"edges", test_edges},       {"still", test_still},
      {"inertia", test_inertia}, {"strength", test_strength}, {"first", test_first},
      {"cancel", test_cancel},
  };

  test_init (&argc, &argv);
  g_test_add_func ("/late-quality/choice", test_choice);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/late-quality/picture/", tests[i].path, NULL);

    g_test_add (path, Fixture, NULL, set_up, tests[i].test, tear_down);
  }
  for (guint i = 0; i < G_N_ELEMENTS (clips); i++) {
    g_autofree char *path = g_strconcat ("/late-quality/psnr/", clips[i].path, NULL);

    g_test_add_data_func (path, &clips[i], test_psnr_clip);
  }
  g_test_add_func ("/late-quality/element", test_element);
  return test_run ();
}
