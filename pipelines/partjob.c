/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "partjob.h"
#include "job-private.h"
#include "join.h"
#include "manifest.h"
#include "message.h"
#include "partfile.h"
#include "plan.h"
#include "progress.h"
#include "target.h"
#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* More threads make an encoder look less far for motion. */
#define MAX_ENCODER_THREADS 16

/* ---- whether to work in parts ---------------------------------------------------------------- */

static gboolean
is_made_of_files (const TcOptions *options)
{
  const AVOutputFormat *container = tc_target_get_container (options, NULL, NULL);
  struct stat in, out;

  return !g_str_equal (options->out, "-") && stat (options->in, &in) == 0 && S_ISREG (in.st_mode) &&
         (stat (options->out, &out) != 0 || S_ISREG (out.st_mode)) && container != NULL &&
         !(container->flags & AVFMT_NOFILE) && !tc_target_holds_pictures (container);
}

/* As far as the file says; one that does not is read as a whole to know. */
static gboolean
may_be_long (const TcOptions *options, gboolean *may, GError **error)
{
  TcInput input;
  gboolean ok = tc_input_open (&input, options, error);
  gint64 duration = ok ? input.format->duration : 0;

  *may = duration <= 0 || duration == AV_NOPTS_VALUE ||
         duration > options->part_length * (gint64) AV_TIME_BASE * 3 / 2;
  tc_input_close (&input);
  return ok;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static gboolean
fill_made (char **made, const TcOptions *options, GError **error)
{
  char *hash = tc_hash_file (options->in, FALSE, error);
  unsigned version = avcodec_version ();
  struct stat status = {0};

  if (hash == NULL)
    return FALSE;
  stat (options->in, &status);
  made[TC_MADE_OF_INPUT] =
      g_strdup_printf ("%.16s of %" G_GINT64_FORMAT " bytes", hash, (gint64) status.st_size);
  g_free (hash);
  made[TC_MADE_WITH_OPTIONS] = tc_options_describe (options);
  made[TC_MADE_WITH_MODEL] = tc_describe_model (options->model, error);
  made[TC_MADE_WITH_PLUGIN] = tc_describe_plugin (error);
  made[TC_MADE_WITH_ENCODER] =
      g_strdup_printf ("libavcodec %u.%u.%u", AV_VERSION_MAJOR (version),
                       AV_VERSION_MINOR (version), AV_VERSION_MICRO (version));
  return made[TC_MADE_WITH_MODEL] != NULL && made[TC_MADE_WITH_PLUGIN] != NULL;
}

static gboolean
make_plan (TcManifest *manifest, const TcOptions *options, GError **error)
{
  TcTimes times;
  gboolean ok;

  *manifest = (TcManifest){0};
  if (!tc_times_scan (&times, options, error))
    return FALSE;
  ok = TRUE;
  if (options->plan > 0)
    tc_plan_by_number (manifest, &times, (guint) options->plan);
  else
    ok = tc_plan_by_length (manifest, &times, options->part_length, error);
  manifest->encoder_threads = options->threads > 0
                                  ? (guint) options->threads
                                  : MIN (g_get_num_processors (), MAX_ENCODER_THREADS);
  tc_times_clear (&times);
  return ok && fill_made (manifest->made, options, error);
}

/* The plan that there is, and the options as they are in it where the command line gives none. */
static gboolean
load_plan (TcManifest *manifest, TcOptions *options, GError **error)
{
  char *given = tc_options_describe (options), *made[TC_N_MADE] = {NULL}, *difference = NULL;
  gboolean ok = tc_manifest_load (manifest, options->out, error);

  if (ok && given[0] == '\0')
    ok = tc_options_read (options, manifest->made[TC_MADE_WITH_OPTIONS], error);
  ok = ok && fill_made (made, options, error);
  if (ok && (difference = tc_made_compare (manifest->made, made)) != NULL)
    ok = tc_fail (error, "%s.parts is of another job (%s); remove it to begin anew", options->out,
                  difference);
  options->encoder_threads = (int) manifest->encoder_threads;
  tc_made_clear (made);
  g_free (difference);
  g_free (given);
  return ok;
}

/* Which parts are yet to be made; how many are not. */
static guint
find_missing (const TcManifest *manifest, const char *out, gboolean *missing, gboolean sum)
{
  guint n_whole = 0;

  for (guint i = 0; i < manifest->n_parts; i++) {
    TcPartRecord record;
    GError *error = NULL;
    TcPartState state = tc_part_check (manifest, out, i, sum, &record, &error);

    missing[i] = state != TC_PART_WHOLE;
    n_whole += state == TC_PART_WHOLE;
    if (state == TC_PART_DAMAGED || state == TC_PART_FOREIGN)
      tc_note ("%s; it is made again", error->message);
    tc_part_record_clear (&record);
    g_clear_error (&error);
  }
  return n_whole;
}

/* Never discard hours of work unless asked to. */
static gboolean
refuse_finished (const TcOptions *options, GError **error)
{
  TcManifest old;
  gboolean *missing;
  guint n;

  if (!tc_manifest_load (&old, options->out, NULL))
    return TRUE;
  missing = g_new0 (gboolean, old.n_parts);
  n = find_missing (&old, options->out, missing, FALSE);
  if (n > 0)
    tc_fail (error,
             "%s.parts has %u of %u parts of a job that was stopped: --resume goes on with it; "
             "remove it to begin anew",
             options->out, n, old.n_parts);
  g_free (missing);
  tc_manifest_clear (&old);
  return n == 0;
}

/* ---- making parts ---------------------------------------------------------------------------- */

/* Enlarges the film's first frame and opens the encoder for it: what comes out of that is known
 * then for all parts, and what would not work has failed. */
static gboolean
try_first_frame (Job *job, const TcManifest *manifest, GError **error)
{
  gboolean *none = g_new0 (gboolean, manifest->n_parts), ok;

  job->quiet = TRUE;
  ok = tc_job_open (job, error);
  if (ok)
    job->parts = tc_parts_new (job->options, manifest, none, error);
  ok = ok && job->parts != NULL;
  if (ok)
    tc_parts_set_time_base (job->parts, tc_deinterlace_get_time_base (job->deinterlace));
  ok = ok && tc_parts_read (job->parts, job->frame, error) &&
       tc_job_push (job, job->frame, error) && tc_job_push (job, NULL, error);
  ok = tc_job_end (job, ok, error);
  g_free (none);
  return ok;
}

static gboolean
make_parts (const TcOptions *options, const TcManifest *manifest, const gboolean *wanted,
            GError **error)
{
  Job job = {.options = options};
  GError *own_error = NULL;
  gboolean ok = FALSE;

  for (guint i = 0; i < manifest->n_parts; i++)
    job.n_total += wanted[i] ? manifest->parts[i].n_frames : 0;
  job.parts = tc_parts_new (options, manifest, wanted, &own_error);
  if (job.parts != NULL)
    job.muxer = tc_muxer_new_sink (options, tc_parts_add_packet, job.parts, &own_error);
  if (job.muxer != NULL)
    ok = tc_job_open (&job, &own_error);
  if (ok)
    tc_parts_set_time_base (job.parts, tc_deinterlace_get_time_base (job.deinterlace));
  while (ok && tc_parts_read (job.parts, job.frame, &own_error))
    ok = tc_job_push (&job, job.frame, &own_error);
  ok = ok && own_error == NULL && tc_job_push (&job, NULL, &own_error);
  ok = tc_job_end (&job, ok, &own_error);
  ok = ok && tc_parts_write (job.parts, job.video, NULL, &own_error);
  if (job.parts != NULL)
    tc_job_tell_damage (options, tc_parts_get_input (job.parts));
  if (job.parts != NULL && tc_parts_were_stopped (job.parts)) {
    g_clear_error (&own_error);
    g_set_error (&own_error, g_quark_from_static_string (TC_NAME), TC_STATUS_STOPPED,
                 "%s: stopped by SIGTERM; finished parts are kept, --resume goes on with them",
                 options->out);
  }
  tc_job_clear (&job);
  if (own_error != NULL)
    g_propagate_error (error, own_error);
  return ok;
}

/* ---- joining --------------------------------------------------------------------------------- */

typedef struct {
  Job *job;
  TcJoin *join;
  const AVCodecContext *encoder;
  AVPacket *packet; /* read, but not yet its turn */
  gboolean pending, ended;
} Film;

/* Writes what of the film is decoded before `dts`, so that all tracks go on at the same pace. */
static gboolean
write_film (Film *film, gint64 dts, AVRational base, GError **error)
{
  Job *job = film->job;
  int result;

  while (!film->ended) {
    if (!film->pending) {
      result = tc_join_next (film->join, film->packet, error);
      if (result < 0)
        return FALSE;
      film->pending = result > 0;
      film->ended = result == 0;
      continue;
    }
    if (dts != AV_NOPTS_VALUE &&
        av_compare_ts (film->packet->dts, film->encoder->time_base, dts, base) > 0)
      break;
    film->pending = FALSE;
    if (!tc_muxer_write (job->muxer, film->packet, tc_tracks_get_video (job->tracks),
                         film->encoder->time_base, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_tracks (Film *film, const TcManifest *manifest, GError **error)
{
  Job *job = film->job;
  gint64 end = manifest->parts[manifest->n_parts - 1].end;
  gboolean ok = TRUE, more = TRUE;

  while (ok && more && tc_input_read (&job->input, job->packet)) {
    if (job->packet->stream_index == job->input.video->index) {
      if (job->packet->dts != AV_NOPTS_VALUE) {
        ok = write_film (film, job->packet->dts, job->input.video->time_base, error);
        more = job->packet->dts < end;
      }
    } else {
      ok = tc_tracks_push (job->tracks, job->packet, error);
    }
    av_packet_unref (job->packet);
  }
  return ok && write_film (film, AV_NOPTS_VALUE, job->input.video->time_base, error) &&
         tc_tracks_end (job->tracks, error);
}

static gboolean
join_parts (const TcOptions *options, const TcManifest *manifest, TcJobResult *result,
            GError **error)
{
  Job job = {.options = options};
  Film film = {.job = &job, .packet = av_packet_alloc ()};
  gboolean ok = try_first_frame (&job, manifest, error);

  if (ok) {
    film.encoder = tc_video_get_encoder (job.video);
    film.join = tc_join_new (manifest, options->out, film.encoder, error);
    ok = film.join != NULL && write_tracks (&film, manifest, error) &&
         tc_muxer_commit (job.muxer, error);
  }
  if (ok) {
    tc_job_tell_end (options, &job.input);
    result->n_frames = tc_join_count_packets (film.join);
    result->seconds = tc_progress_seconds ();
    tc_video_get_size (job.video, &result->width, &result->height);
    tc_parts_remove (options->out);
  }
  tc_join_free (film.join);
  av_packet_free (&film.packet);
  tc_job_clear (&job);
  return ok;
}

/* ---- what is asked for ----------------------------------------------------------------------- */

/* Work on the same parts by two runs, one of which tidies up, is told of. Where the file system
 * knows no locks it is up to the user. */
static int
lock_parts (const char *out, int how, GError **error)
{
  char *folder = tc_parts_folder (out);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && flock (fd, how | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    tc_fail (error, "%s: is being worked on by another run", folder);
    close (fd);
    fd = -2;
  }
  g_free (folder);
  return fd;
}

static gboolean
is_planned (const TcManifest *manifest, const char *out)
{
  TcManifest old;
  gboolean same = tc_manifest_load (&old, out, NULL);

  same = same && old.n_parts == manifest->n_parts &&
         memcmp (old.parts, manifest->parts, old.n_parts * sizeof *old.parts) == 0;
  for (int i = 0; same && i < TC_N_MADE; i++)
    same = g_str_equal (old.made[i], manifest->made[i]);
  tc_manifest_clear (&old);
  return same;
}

/* The same plan again leaves what is finished. */
static gboolean
plan (const TcOptions *options, GError **error)
{
  Job job = {.options = options};
  TcManifest manifest;
  gboolean ok = make_plan (&manifest, options, error);

  if (ok && !is_planned (&manifest, options->out))
    ok = refuse_finished (options, error) && try_first_frame (&job, &manifest, error) &&
         tc_manifest_save (&manifest, options->out, error);
  if (ok) {
    printf ("%u\n", manifest.n_parts);
    fflush (stdout);
    tc_note ("%s.parts: planned as %u parts", options->out, manifest.n_parts);
  }
  tc_job_clear (&job);
  tc_manifest_clear (&manifest);
  return ok;
}

/* The number of a part as the engine that runs the job tells it. */
static gboolean
find_number (const char *text, guint *number, GError **error)
{
  static const struct {
    const char *variable;
    guint first;
  } engines[] = {{"SLURM_ARRAY_TASK_ID", 0}, {"PARALLEL_SEQ", 1}};
  guint64 value = 0;

  for (guint i = 0; i < G_N_ELEMENTS (engines) && g_str_equal (text, "auto"); i++) {
    const char *set = g_getenv (engines[i].variable);

    if (set == NULL)
      continue;
    if (!g_ascii_string_to_unsigned (set, 10, engines[i].first, TC_MAX_PARTS, &value, NULL))
      return tc_fail (error, "%s=%s is not the number of a part", engines[i].variable, set);
    *number = (guint) value - engines[i].first;
    return TRUE;
  }
  if (!g_ascii_string_to_unsigned (text, 10, 0, TC_MAX_PARTS, &value, NULL))
    return tc_fail (error, "--part=auto: neither Slurm nor GNU parallel tells which");
  *number = (guint) value;
  return TRUE;
}

static gboolean
make_one (TcOptions *options, GError **error)
{
  TcManifest manifest;
  TcPartRecord record;
  gboolean *wanted, ok = load_plan (&manifest, options, error);
  guint part = 0;
  int lock = -1;

  ok = ok && find_number (options->part, &part, error);
  if (ok && part >= manifest.n_parts)
    ok = tc_fail (error, "--part=%u: there are %u, counted from 0", part, manifest.n_parts);
  if (ok && (lock = lock_parts (options->out, LOCK_SH, error)) == -2)
    ok = FALSE;
  if (ok && tc_part_check (&manifest, options->out, part, TRUE, &record, NULL) == TC_PART_WHOLE) {
    tc_note ("part %u of %s is already complete", part, options->out);
    tc_part_record_clear (&record);
  } else if (ok) {
    tc_signals_keep_parts ("this part is not finished");
    wanted = g_new0 (gboolean, manifest.n_parts);
    wanted[part] = TRUE;
    ok = make_parts (options, &manifest, wanted, error);
    g_free (wanted);
    /* All that was asked for is done. */
    if (!ok && error != NULL && (*error)->code == TC_STATUS_STOPPED) {
      g_clear_error (error);
      ok = TRUE;
    }
    if (ok)
      tc_note ("part %u of %s is made", part, options->out);
  }
  if (lock >= 0)
    close (lock);
  tc_manifest_clear (&manifest);
  return ok;
}

static gboolean
join_planned (TcOptions *options, TcJobResult *result, GError **error)
{
  TcManifest manifest;
  gboolean ok = load_plan (&manifest, options, error);

  if (ok)
    tc_progress_start (0);
  ok = ok && join_parts (options, &manifest, result, error);
  tc_manifest_clear (&manifest);
  return ok;
}

/* A plan of this run's own, tried out and saved. `in_parts` FALSE: there is but one part. */
static gboolean
begin (TcManifest *manifest, TcOptions *options, gboolean *in_parts, GError **error)
{
  Job job = {.options = options};
  gboolean ok;

  if (!refuse_finished (options, error))
    return FALSE;
  tc_parts_remove (options->out);
  if (!may_be_long (options, in_parts, error))
    return FALSE;
  if (!*in_parts)
    return TRUE;
  if (!make_plan (manifest, options, error))
    return FALSE;
  *in_parts = manifest->n_parts > 1;
  if (!*in_parts)
    return TRUE;
  options->encoder_threads = (int) manifest->encoder_threads;
  ok = try_first_frame (&job, manifest, error) && tc_manifest_save (manifest, options->out, error);
  tc_job_clear (&job);
  return ok;
}

static gboolean
run_all (TcOptions *options, TcJobResult *result, gboolean *in_parts, GError **error)
{
  char *path = tc_parts_path (options->out, "manifest.json");
  gboolean resume = options->resume && g_file_test (path, G_FILE_TEST_EXISTS), *missing = NULL, ok;
  TcManifest manifest = {0};
  guint n_whole;
  int lock = -1;

  *in_parts = TRUE;
  g_free (path);
  if ((lock = lock_parts (options->out, LOCK_EX, error)) == -2)
    return FALSE;
  ok = resume ? load_plan (&manifest, options, error) : begin (&manifest, options, in_parts, error);
  if (ok && *in_parts) {
    if (lock < 0 && (lock = lock_parts (options->out, LOCK_EX, error)) == -2) {
      tc_manifest_clear (&manifest);
      return FALSE;
    }
    tc_signals_keep_parts ("finished parts are kept, --resume goes on with them");
    tc_parts_clean (options->out);
    missing = g_new0 (gboolean, manifest.n_parts);
    n_whole = find_missing (&manifest, options->out, missing, TRUE);
    if (resume)
      tc_note ("%u of %u parts are there already", n_whole, manifest.n_parts);
    if (n_whole < manifest.n_parts)
      ok = make_parts (options, &manifest, missing, error);
    else
      tc_progress_start (0);
    ok = ok && join_parts (options, &manifest, result, error);
    g_free (missing);
  }
  if (lock >= 0)
    close (lock);
  tc_manifest_clear (&manifest);
  return ok;
}

gboolean
tc_partjob_run (const TcOptions *given, TcJobResult *result, gboolean *in_parts, GError **error)
{
  TcOptions options;
  gboolean ok;

  *in_parts = given->plan > 0 || given->part != NULL || given->join;
  if (!*in_parts && (given->part_length == 0 || !is_made_of_files (given)))
    return TRUE;
  tc_options_copy (&options, given, given->in, given->out);
  if (options.join)
    ok = join_planned (&options, result, error);
  else if (options.part != NULL)
    ok = make_one (&options, error);
  else if (options.plan > 0)
    ok = plan (&options, error);
  else
    ok = run_all (&options, result, in_parts, error);
  tc_signals_keep_parts (NULL);
  tc_options_clear (&options);
  return ok;
}
