/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FFmpeg's libraries read, decode, encode and write, because they keep what a file is made of
 * besides pictures: exact timestamps, tracks copied packet for packet, chapters, side data. In the
 * middle a GStreamer pipeline enlarges. Three threads overlap: the main one reads and decodes, that
 * of appsrc enlarges, a third encodes and writes.
 */
#include "job.h"
#include "colour.h"
#include "decoder.h"
#include "job-private.h"
#include "launch.h"
#include "message.h"
#include "partjob.h"
#include "progress.h"
#include "target.h"
#include "tempfile.h"

#include <libavutil/pixdesc.h>

/* So many are enough to tell how long all would take. */
#define DRY_FRAMES 30

/* The third thread: what comes out of the pipeline is encoded and written. */
static gpointer
encode_frames (gpointer data)
{
  Job *job = data;
  AVFrame *frame;
  gboolean ok = TRUE;

  while (ok && (frame = tc_upscale_pull (job->upscale)) != NULL) {
    ok = job->parts != NULL ? tc_parts_write (job->parts, job->video, frame, &job->encoding_error)
                            : tc_video_encode (job->video, frame, &job->encoding_error);
    av_frame_free (&frame);
    if (!job->quiet)
      tc_progress_frame (tc_video_count_frames (job->video));
  }
  tc_upscale_finish (job->upscale, !ok);
  return NULL;
}

/* As gst-launch-1.0 would do the same. */
static void
print_launch (const Job *job, const AVFrame *first, enum AVPixelFormat work,
              const TcEncoderChoice *choice)
{
  GstVideoFormat encode = tc_format_from_av (choice->format);
  GString *middle = g_string_new (NULL);
  char *encoder = tc_encoder_describe (choice, job->options), *text;

  text = tc_deinterlace_describe (job->options);
  g_string_append (middle, text);
  g_free (text);
  if (first->format != (int) work)
    g_string_append_printf (middle, "videoconvert ! video/x-raw,format=%s ! ",
                            gst_video_format_to_string (tc_format_from_av (work)));
  text = tc_upscale_describe (job->options, first, TRUE);
  g_string_append (middle, text);
  g_free (text);
  if (choice->format != work && encode != GST_VIDEO_FORMAT_UNKNOWN)
    g_string_append_printf (middle, " ! videoconvert ! video/x-raw,format=%s",
                            gst_video_format_to_string (encode));
  else if (choice->format != work)
    g_string_append (middle, " ! videoconvert");
  tc_launch_print (job->options, &job->input, middle->str, encoder,
                   tc_muxer_get_format (job->muxer));
  g_string_free (middle, TRUE);
  g_free (encoder);
}

/* With the first frame it is known what the pipeline and the encoder are to be. */
static gboolean
start (Job *job, const AVFrame *first, GError **error)
{
  const char *name = av_get_pix_fmt_name (first->format);
  AVRational time_base = tc_deinterlace_get_time_base (job->deinterlace);
  AVRational frame_rate = tc_deinterlace_get_frame_rate (job->deinterlace);
  enum AVPixelFormat work;
  TcEncoderChoice choice;
  gint64 n_frames = job->n_total > 0 ? job->n_total : tc_input_count_frames (&job->input);
  gint64 total =
      (gint64) ((double) n_frames * av_q2d (frame_rate) / av_q2d (job->input.frame_rate));

  tc_decoder_warn (job->input.video);
  if (!tc_encoder_choose (&choice, job->options, tc_muxer_get_format (job->muxer), first, error))
    return FALSE;
  work = tc_format_for_element (first, choice.format);
  if (work == AV_PIX_FMT_NONE) {
    tc_encoder_choice_clear (&choice);
    return tc_fail (error, "%s: its pixel format %s is not handled", job->options->in, name);
  }
  tc_video_set_encoder (job->video, &choice, time_base, frame_rate);
  if (!job->quiet)
    print_launch (job, first, work, &choice);

  job->upscale = tc_upscale_new (job->options, first, work, time_base, frame_rate, error);
  if (job->upscale == NULL)
    return FALSE;
  if (!job->quiet)
    tc_progress_start (job->options->frames > 0 && (total == 0 || job->options->frames < total)
                           ? job->options->frames
                           : total);
  job->encoding = g_thread_new ("encoding", encode_frames, job);
  return TRUE;
}

static gboolean
is_complete (const Job *job)
{
  return job->parts == NULL && job->options->frames > 0 && job->n_pushed >= job->options->frames;
}

/* Passes on the frames that are whole. */
static gboolean
push_whole (Job *job, GError **error)
{
  gboolean ok = TRUE;

  while (ok && !is_complete (job) && tc_deinterlace_pull (job->deinterlace, job->frame)) {
    AVRational aspect =
        av_guess_sample_aspect_ratio (job->input.format, job->input.video, job->frame);

    if (job->parts != NULL && !tc_parts_want (job->parts, job->frame)) {
      av_frame_unref (job->frame);
      continue;
    }
    if (job->upscale == NULL)
      ok = start (job, job->frame, error);
    if (ok)
      ok = tc_upscale_push (job->upscale, job->frame, aspect, error);
    job->n_pushed += ok;
    av_frame_unref (job->frame);
  }
  return ok;
}

gboolean
tc_job_push (Job *job, AVFrame *frame, GError **error)
{
  gboolean ok = tc_deinterlace_push (job->deinterlace, frame, error);

  if (frame != NULL)
    av_frame_unref (frame);
  return ok && push_whole (job, error);
}

/* Passes on the frames that the decoder has. */
static gboolean
push_frames (Job *job, GError **error)
{
  gboolean ok = TRUE;

  while (ok && !is_complete (job) && tc_input_receive (&job->input, job->frame))
    ok = tc_job_push (job, job->frame, error);
  return ok;
}

static gboolean
read_all (Job *job, GError **error)
{
  gboolean ok = TRUE;

  while (ok && !is_complete (job) && tc_input_read (&job->input, job->packet)) {
    if (job->packet->stream_index == job->input.video->index) {
      tc_input_send (&job->input, job->packet);
      ok = push_frames (job, error);
    } else {
      ok = tc_tracks_push (job->tracks, job->packet, error);
    }
    av_packet_unref (job->packet);
  }
  if (ok && !is_complete (job)) {
    tc_input_send (&job->input, NULL);
    ok = push_frames (job, error) && tc_job_push (job, NULL, error);
  }
  if (ok && job->upscale == NULL)
    return tc_fail (error, "%s: not one frame of its video could be decoded%s", job->options->in,
                    job->input.video->codecpar->codec_id == AV_CODEC_ID_WEBP
                        ? "; FFmpeg knows no animated WebP, which webpmux takes apart"
                        : "");
  return ok && tc_tracks_end (job->tracks, error);
}

/* What went wrong first is told. */
gboolean
tc_job_end (Job *job, gboolean ok, GError **error)
{
  GError *pipeline_error = NULL;

  if (job->encoding == NULL)
    return ok;
  if (ok)
    tc_upscale_push_end (job->upscale);
  else
    tc_upscale_finish (job->upscale, TRUE);
  ok &= tc_upscale_wait (job->upscale, &pipeline_error);
  g_thread_join (g_steal_pointer (&job->encoding));
  if (job->encoding_error != NULL)
    tc_fail (error, "%s", job->encoding_error->message);
  if (pipeline_error != NULL)
    tc_fail (error, "%s", pipeline_error->message);
  g_clear_error (&pipeline_error);
  return ok;
}

/* IN must not be what is written to, by its final name or by the one it has until then. */
static gboolean
check_paths (const TcOptions *options, GError **error)
{
  char *temp = tc_temp_name (options->out);
  gboolean ok = TRUE;

  if (tc_is_same_file (options->in, options->out))
    ok = tc_fail (error, "%s and %s are the same file", options->in, options->out);
  else if (tc_is_same_file (options->in, temp))
    ok = tc_fail (error, "%s would be written over: %s has that name until it is complete",
                  options->in, options->out);
  g_free (temp);
  return ok;
}

void
tc_job_tell_end (const TcOptions *options, const TcInput *input)
{
  char *end = options->frames > 0 ? NULL : tc_input_describe_end (input);

  if (end != NULL)
    tc_note ("%s %s: cut off? what could be decoded was kept", options->in, end);
  g_free (end);
}

void
tc_job_tell_damage (const TcOptions *options, const TcInput *input)
{
  if (input->n_damaged > 0)
    tc_note ("%s: %" G_GINT64_FORMAT " damaged packets or frames on the way", options->in,
             input->n_damaged);
  if (input->n_moved > 0)
    tc_note ("%s: %" G_GINT64_FORMAT " non-monotonic timestamps were adjusted", options->in,
             input->n_moved);
}

static void
fill_result (const Job *job, TcJobResult *result)
{
  result->n_frames = tc_video_count_frames (job->video);
  result->seconds = tc_progress_seconds ();
  tc_video_get_size (job->video, &result->width, &result->height);
}

gboolean
tc_job_open (Job *job, GError **error)
{
  AVStream *stream;

  if (!tc_input_open (&job->input, job->options, error))
    return FALSE;
  if (job->muxer == NULL) {
    job->muxer = tc_muxer_new (job->options, job->input.format->iformat, error);
    if (job->muxer == NULL)
      return FALSE;
    job->tracks = tc_tracks_new (job->options, &job->input, job->muxer, error);
    if (job->tracks == NULL)
      return FALSE;
    stream = tc_tracks_get_video (job->tracks);
  } else {
    stream = tc_muxer_add_stream (job->muxer, job->input.video, FALSE);
  }
  job->video = tc_video_new (job->options, &job->input, job->muxer, stream);
  job->deinterlace =
      tc_deinterlace_new (job->options, job->input.video->time_base, job->input.frame_rate);
  job->packet = av_packet_alloc ();
  job->frame = av_frame_alloc ();
  return TRUE;
}

void
tc_job_clear (Job *job)
{
  tc_upscale_free (job->upscale);
  tc_deinterlace_free (job->deinterlace);
  tc_video_free (job->video);
  tc_tracks_free (job->tracks);
  tc_muxer_free (job->muxer);
  tc_parts_free (job->parts);
  tc_input_close (&job->input);
  av_packet_free (&job->packet);
  av_frame_free (&job->frame);
  g_clear_error (&job->encoding_error);
}

/* What would become of each track, and how long it would take. */
static void
tell_plan (const Job *job, const TcJobResult *result)
{
  const AVStream *video = job->input.video;
  double rate = result->seconds > 0 ? (double) result->n_frames / result->seconds : 0;
  gint64 left = rate > 0 ? (gint64) ((double) job->n_total / rate + 0.5) : 0;

  tc_note ("track %d (video, %s %dx%d) is enlarged to %dx%d and encoded by %s", video->index,
           avcodec_get_name (video->codecpar->codec_id), video->codecpar->width,
           video->codecpar->height, result->width, result->height,
           tc_video_get_encoder_name (job->video));
  tc_tracks_tell (job->tracks);
  if (job->n_total > 0)
    tc_note ("%s: about %" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT ":%02" G_GINT64_FORMAT
             " for %" G_GINT64_FORMAT " frames (%.2f fps)",
             job->options->out, left / 3600, left / 60 % 60, left % 60, job->n_total, rate);
  else
    tc_note ("%s: %.2f fps, and IN does not tell how many frames it has", job->options->out, rate);
}

/* Some frames are done to nowhere. */
static gboolean
dry_run (const TcOptions *options, GError **error)
{
  TcOptions own = *options;
  TcJobResult result = {0};
  Job job = {.options = &own, .quiet = TRUE};
  gboolean ok;

  own.frames = options->frames > 0 ? MIN (options->frames, DRY_FRAMES) : DRY_FRAMES;
  ok = tc_job_open (&job, error);
  tc_progress_start (0);
  if (ok) {
    ok = read_all (&job, error);
    ok = tc_job_end (&job, ok, error);
    ok = ok && tc_video_encode (job.video, NULL, error);
  }
  if (ok) {
    fill_result (&job, &result);
    job.n_total = tc_input_count_frames (&job.input);
    if (options->frames > 0 && (job.n_total == 0 || options->frames < job.n_total))
      job.n_total = options->frames;
    tell_plan (&job, &result);
  }
  tc_job_clear (&job);
  return ok;
}

static gboolean
run (const TcOptions *options, TcJobResult *result, GError **error)
{
  Job job = {.options = options};
  gboolean ok = tc_job_open (&job, error);

  if (ok) {
    ok = read_all (&job, error);
    ok = tc_job_end (&job, ok, error);
    ok = ok && tc_video_encode (job.video, NULL, error) && tc_muxer_commit (job.muxer, error);
  }
  if (ok) {
    tc_job_tell_end (options, &job.input);
    tc_job_tell_damage (options, &job.input);
    fill_result (&job, result);
  }
  tc_job_clear (&job);
  return ok;
}

gboolean
tc_job_run (const TcOptions *options, TcJobResult *result, GError **error)
{
  gboolean ok, in_parts = FALSE;

  *result = (TcJobResult){0};
  tc_log_start ();
  if (options->dry_run) {
    ok = check_paths (options, error) && dry_run (options, error);
    tc_progress_stop ();
    return ok;
  }
  /* Where there may be parts IN is read several times, and says the same each time. */
  tc_note_once (TRUE);
  ok = check_paths (options, error) && tc_partjob_run (options, result, &in_parts, error) &&
       (in_parts || run (options, result, error));
  tc_note_once (FALSE);
  if (!ok && error != NULL && *error == NULL)
    tc_fail (error, "stopped for an unknown reason");
  tc_progress_stop ();
  return ok;
}
