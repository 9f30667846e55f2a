/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every installed element that changes video, before and after rfdnupscale, and the same with
 * videoscale, which ours replaces: what works with videoscale must work with ours, with as many
 * frames and no additional criticals. What fails with both (no GPU, no file, no second input) is
 * skipped, with the reason.
 *
 *   test-gst-neighbours [GLib's arguments] [ELEMENT...]      these elements, instead of all
 *
 * A neighbour may crash or hang the process. So each has its own process, which writes results to a
 * file, a line for each pipeline; after a crash another process continues at the missing line.
 * RFDN_TEST_VERBOSE=1 prints every result. */

#include "neighbour-pipeline.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define N_THREADS 2
#define SECONDS 8
#define SECONDS_AGAIN 30
#define N_AGAIN 3
/* If an element hangs with videoscale, the test only checks that it does not crash with ours. */
#define SECONDS_HOPELESS 1

enum { VIDEOSCALE, OURS, N_SCALERS };
static const char *const scalers[] = {"videoscale", "rfdnupscale"};

#define MAX_RUNS (N_NEIGHBOUR_PLACES * N_SCALERS)

/* Where ours must differ from videoscale: it refuses interlaced video, and buffers that are not
 * frames. */
static const char *const refused[] = {"chopmydata", "fieldanalysis", "interlace", "line21encoder"};

/* disparity asks for its second input what the first has agreed on, and refuses what was negotiated
 * before that: with videoscale too, as soon as there is a queue behind it. */
static const char *const chancy[] = {"disparity"};

/* The number of frames that these make depends on time, chance or bytes. */
static const char *const any_frames[] = {"chopmydata", "disparity", "netsim", "rawvideoparse",
                                         "videoparse"};

typedef struct {
  GstElementFactory *factory;
  guint n_places;
  gboolean done; /* under the lock */
  NeighbourResult results[N_NEIGHBOUR_PLACES][N_SCALERS];
} Neighbour;

typedef enum {
  VERDICT_WORKS,
  VERDICT_FAILS_WITH_BOTH, /* or by chance with each */
  VERDICT_REFUSED,
  VERDICT_FAILS,
  N_VERDICTS
} Verdict;

static GMutex lock;
static GCond changed;
static GThreadPool *pool;
static GPtrArray *neighbours;
static guint n_verdicts[N_VERDICTS], n_again; /* n_again under the lock */
static char *program, *folder;
static gboolean verbose;

/* ---- in a process of its own ----------------------------------------------------------------- */

static guint
read_results (const char *file, NeighbourResult *results)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return 0;
  for (lines = g_strsplit (text, "\n", -1); lines[n] != NULL && n < MAX_RUNS; n++) {
    guint outcome;

    if (sscanf (lines[n], "%u %u %u %255[^\n]", &outcome, &results[n].frames, &results[n].criticals,
                results[n].text) != 4)
      break;
    results[n].outcome = (Outcome) outcome;
  }
  return n;
}

static gboolean
append_result (const char *file, const NeighbourResult *result)
{
  FILE *stream = fopen (file, "a");

  if (stream == NULL)
    return FALSE;
  fprintf (stream, "%u %u %u %s\n", result->outcome, result->frames, result->criticals,
           result->text);
  return fclose (stream) == 0;
}

/* The first pipeline with videoscale that hung, or MAX_RUNS. */
static guint
find_hang (const NeighbourResult *results, guint n)
{
  for (guint i = VIDEOSCALE; i < n; i += N_SCALERS) {
    if (results[i].outcome == OUTCOME_HANGS)
      return i;
  }
  return MAX_RUNS;
}

/* --run NAME FILE SECONDS [PLACE]: what is missing in the file; or one place, with ours. */
static int
run_pipelines (char **arguments)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (arguments[0]);
  const guint seconds = (guint) g_ascii_strtoull (arguments[2], NULL, 10);
  const struct rlimit none = {0, 0};
  NeighbourResult results[MAX_RUNS] = {0};
  guint n = read_results (arguments[1], results);

  g_return_val_if_fail (factory != NULL, 1);
  setrlimit (RLIMIT_CORE, &none);
  if (arguments[3] != NULL) {
    neighbour_run (factory, scalers[OURS], (NeighbourPlace) atoi (arguments[3]), seconds, results);
    return append_result (arguments[1], results) ? 0 : 1;
  }
  for (; n < neighbour_n_places (factory) * N_SCALERS; n++) {
    const guint hung = find_hang (results, n);

    if (n > hung + OURS)
      results[n] = (NeighbourResult){.outcome = OUTCOME_HANGS, .text = "not tried after that"};
    else
      neighbour_run (factory, scalers[n % N_SCALERS], (NeighbourPlace) (n / N_SCALERS),
                     n > hung ? SECONDS_HOPELESS : seconds, &results[n]);
    if (!append_result (arguments[1], &results[n]))
      return 1;
  }
  return 0;
}

/* ---- starting them --------------------------------------------------------------------------- */

static void
in_child (gpointer data)
{
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGTERM);
#endif
}

/* Runs the program again, and records how the pipeline that it did not finish ended. */
static gboolean
run_process (const char *name, const char *file, guint seconds, const char *place,
             NeighbourResult *last)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  g_autofree char *log = g_strconcat (file, ".log", NULL);
  g_autofree char *limit = g_strdup_printf ("%u", seconds);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;

  g_subprocess_launcher_set_cwd (launcher, folder);
  g_subprocess_launcher_set_stderr_file_path (launcher, log);
  g_subprocess_launcher_setenv (launcher, "GST_REGISTRY_UPDATE", "no", TRUE);
  /* Leaks of neighbours do not count. */
  g_subprocess_launcher_unsetenv (launcher, "GST_TRACERS");
  process = g_subprocess_launcher_spawn (launcher, &error, program, "--run", name, file, limit,
                                         place, NULL);
  if (process != NULL && g_subprocess_wait_check (process, NULL, &error))
    return TRUE;

  *last = (NeighbourResult){.outcome = OUTCOME_CRASHES};
  g_strlcpy (last->text, error->message, sizeof last->text);
  if (process != NULL && g_subprocess_get_if_signaled (process) &&
      g_subprocess_get_term_sig (process) == SIGALRM)
    last->outcome = OUTCOME_HANGS;
  return FALSE;
}

static gboolean
is_one_of (const Neighbour *self, const char *const *names, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (g_str_equal (GST_OBJECT_NAME (self->factory), names[i]))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_worse (const Neighbour *self, NeighbourPlace place)
{
  const NeighbourResult *with = self->results[place];

  if (with[VIDEOSCALE].outcome != OUTCOME_WORKS)
    return with[OURS].outcome == OUTCOME_CRASHES && with[VIDEOSCALE].outcome != OUTCOME_CRASHES;
  return with[OURS].outcome != OUTCOME_WORKS ||
         (with[OURS].frames != with[VIDEOSCALE].frames &&
          !is_one_of (self, any_frames, G_N_ELEMENTS (any_frames))) ||
         with[OURS].criticals > with[VIDEOSCALE].criticals;
}

/* A worse result with ours counts only if it repeats in its own process, with enough time: before,
 * processors may have been busy, or the neighbour broken by earlier pipelines, which can
 * happen with either scaler (cverode reads outside its frame, which may crash or not). */
static void
run_again (Neighbour *self, NeighbourPlace place)
{
  const char *name = GST_OBJECT_NAME (self->factory);
  g_autofree char *where = g_strdup_printf ("%u", place);

  for (guint i = 0; i < N_AGAIN; i++) {
    g_autofree char *file = g_strdup_printf ("%s/%s-%u-%u", folder, name, place, i);
    NeighbourResult results[MAX_RUNS] = {0};

    if (run_process (name, file, SECONDS_AGAIN, where, results) &&
        read_results (file, results) == 0)
      g_strlcpy (results[0].text, "no result", sizeof results[0].text);
    self->results[place][OURS] = results[0];
    if (is_worse (self, place))
      break;
  }
  g_mutex_lock (&lock);
  n_again++;
  g_mutex_unlock (&lock);
}

static void
run_neighbour (gpointer data, gpointer nothing)
{
  Neighbour *self = data;
  const char *name = GST_OBJECT_NAME (self->factory);
  g_autofree char *file = g_build_filename (folder, name, NULL);
  NeighbourResult *results = self->results[0];
  const guint n_runs = self->n_places * N_SCALERS;
  guint n = 0;

  while (n < n_runs) {
    NeighbourResult last;
    const gboolean ended = !run_process (name, file, SECONDS, NULL, &last);

    n = read_results (file, results);
    if (n == n_runs)
      break;
    if (!ended || !append_result (file, &last)) {
      g_strlcpy (results[n].text, "the results cannot be read", sizeof results[n].text);
      results[n++].outcome = OUTCOME_CRASHES;
      break;
    }
  }
  for (guint place = 0; place < self->n_places; place++) {
    if (is_worse (self, place) && !is_one_of (self, chancy, G_N_ELEMENTS (chancy)))
      run_again (self, place);
  }
  g_mutex_lock (&lock);
  self->done = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void
tell (Neighbour *self, NeighbourPlace place)
{
  const NeighbourResult *results = self->results[place];

  for (guint i = 0; i < N_SCALERS; i++) {
    g_autofree char *text = neighbour_describe (self->factory, scalers[i], place);

    g_test_message ("%s: %s, %u frames, %u criticals: %s", text, outcome_name (results[i].outcome),
                    results[i].frames, results[i].criticals, results[i].text);
  }
}

static Verdict
judge (Neighbour *self, NeighbourPlace place)
{
  const NeighbourResult *results = self->results[place];

  if (!is_worse (self, place))
    return results[VIDEOSCALE].outcome == OUTCOME_WORKS ? VERDICT_WORKS : VERDICT_FAILS_WITH_BOTH;
  if (is_one_of (self, refused, G_N_ELEMENTS (refused)) && results[OURS].outcome == OUTCOME_FAILS)
    return VERDICT_REFUSED;
  if (is_one_of (self, chancy, G_N_ELEMENTS (chancy)) && results[OURS].outcome != OUTCOME_CRASHES)
    return VERDICT_FAILS_WITH_BOTH;
  return VERDICT_FAILS;
}

static void
test_neighbour (gconstpointer data)
{
  Neighbour *self = (Neighbour *) data;
  guint of_this[N_VERDICTS] = {0};

  g_mutex_lock (&lock);
  while (!self->done)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  for (guint place = 0; place < self->n_places; place++) {
    const Verdict verdict = judge (self, place);

    of_this[verdict]++;
    n_verdicts[verdict]++;
    if (verdict == VERDICT_FAILS || verbose)
      tell (self, place);
    if (verdict == VERDICT_FAILS) {
      g_test_message ("%s %s: fails only with %s", GST_OBJECT_NAME (self->factory),
                      neighbour_place_name (place), scalers[OURS]);
      g_test_fail ();
    }
  }
  if (of_this[VERDICT_FAILS_WITH_BOTH] == self->n_places) {
    g_autofree char *why =
        g_strdup_printf ("fails with videoscale too: %s", self->results[0][VIDEOSCALE].text);

    g_test_skip (why);
  }
}

static void
test_summary (void)
{
  g_test_message ("%u elements: in %u places all is as with videoscale, "
                  "in %u it fails with both, in %u ours refuses what it should, "
                  "in %u it fails only with ours; %u ran again",
                  neighbours->len, n_verdicts[VERDICT_WORKS], n_verdicts[VERDICT_FAILS_WITH_BOTH],
                  n_verdicts[VERDICT_REFUSED], n_verdicts[VERDICT_FAILS], n_again);
  g_assert_cmpuint (n_verdicts[VERDICT_WORKS], >, 0);
}

/* ---- which elements -------------------------------------------------------------------------- */

static gboolean
is_of_klass (GstElementFactory *factory)
{
  const char *klass = gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS);
  g_autofree char *lower = g_ascii_strdown (klass, -1);
  /* Generic ones (queues, selectors, tees) change nothing, but stand between all others. */
  static const char *const words[] = {"filter", "converter", "effect", "overlay", "generic"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    if (strstr (lower, words[i]) != NULL)
      return TRUE;
  }
  return FALSE;
}

static void
free_neighbour (gpointer data)
{
  Neighbour *self = data;

  gst_object_unref (self->factory);
  g_free (self);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (GST_OBJECT_NAME ((*(Neighbour **) a)->factory),
                 GST_OBJECT_NAME ((*(Neighbour **) b)->factory));
}

static void
find_neighbours (const char *const *names)
{
  GList *list = gst_registry_get_feature_list (gst_registry_get (), GST_TYPE_ELEMENT_FACTORY);

  neighbours = g_ptr_array_new_with_free_func (free_neighbour);
  for (GList *l = list; l != NULL; l = l->next) {
    const char *name = GST_OBJECT_NAME (l->data);
    Neighbour *self;

    if (g_str_equal (name, scalers[OURS]) || !is_of_klass (l->data) || !neighbour_is_fit (l->data))
      continue;
    if (*names != NULL && !g_strv_contains (names, name))
      continue;
    self = g_new0 (Neighbour, 1);
    self->factory = gst_object_ref (l->data);
    self->n_places = neighbour_n_places (self->factory);
    g_ptr_array_add (neighbours, self);
  }
  gst_plugin_feature_list_free (list);
  g_ptr_array_sort (neighbours, compare_names);
}

/* ---- a display for OpenGL -------------------------------------------------------------------- */

static GSubprocess *
start_display (void)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autofree char *path = g_find_program_in_path ("Xvfb");
  GSubprocess *process;
  char number[16] = ":";
  gsize n = 1;
  int fds[2];

  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL || path == NULL)
    return NULL;
  if (pipe (fds) != 0)
    return NULL;
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                        G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_set_child_setup (launcher, in_child, NULL, NULL);
  g_subprocess_launcher_take_fd (launcher, fds[1], 3);
  process = g_subprocess_launcher_spawn (launcher, NULL, path, "-displayfd", "3", "-screen", "0",
                                         "320x240x24", NULL);
  g_subprocess_launcher_close (launcher);
  /* It tells the number in several writes, and a line's end. */
  while (n < sizeof number - 1 && read (fds[0], number + n, 1) == 1 && number[n] != '\n')
    n++;
  close (fds[0]);
  number[n] = '\0';
  if (n > 1)
    g_setenv ("DISPLAY", number, TRUE);
  return process;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void
remove_folder (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_remove (path);
  }
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_autoptr (GSubprocess) display = NULL;
  int result;

  if (argc > 1 && g_str_equal (argv[1], "--run")) {
    gst_init (NULL, NULL);
    return run_pipelines (argv + 2);
  }
  g_test_init (&argc, &argv, NULL);
  g_test_set_nonfatal_assertions ();
  program = g_canonicalize_filename (argv[0], NULL);
  folder = g_dir_make_tmp ("rfdn-neighbours-XXXXXX", NULL);
  verbose = g_getenv ("RFDN_TEST_VERBOSE") != NULL;
  display = start_display ();
  gst_init (&argc, &argv);

  find_neighbours ((const char *const *) argv + 1);
  pool = g_thread_pool_new (run_neighbour, NULL, N_THREADS, TRUE, NULL);
  for (guint i = 0; i < neighbours->len; i++) {
    Neighbour *self = g_ptr_array_index (neighbours, i);
    g_autofree char *name = g_strconcat ("/neighbours/", GST_OBJECT_NAME (self->factory), NULL);

    g_test_add_data_func (name, self, test_neighbour);
    g_thread_pool_push (pool, self, NULL);
  }
  g_test_add_func ("/neighbours/SUMMARY", test_summary);
  result = g_test_run ();

  g_thread_pool_free (pool, FALSE, TRUE);
  if (display != NULL)
    g_subprocess_force_exit (display);
  remove_folder ();
  g_ptr_array_unref (neighbours);
  g_free (program);
  g_free (folder);
  gst_deinit ();
  return result;
}
