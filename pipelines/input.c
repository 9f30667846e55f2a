/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "input.h"
#include "compat.h"
#include "decoder.h"
#include "message.h"
#include "packet.h"
#include "target.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What a stream without timestamps and without a rate is taken for. */
static const AVRational fallback_rate = {25, 1};

static AVRational
guess_rate (AVFormatContext *format, AVStream *stream)
{
  AVRational rate = stream->avg_frame_rate;

  if (rate.num <= 0 || rate.den <= 0)
    rate = av_guess_frame_rate (format, stream, NULL);
  if (rate.num <= 0 || rate.den <= 0 || av_q2d (rate) > 1000)
    rate = fallback_rate;
  return rate;
}

/* ---- which track is the film --------------------------------------------------------------- */

/* A poster may be flagged as the default track, and nothing at the head of a file need tell that it
 * is but one picture: where there are several tracks, so much is read to count their packets. */
#define MAX_AHEAD 2000
#define MAX_AHEAD_BYTES (64 << 20)

static gboolean
may_be_film (const AVStream *stream)
{
  const int pictures =
      AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_STILL_IMAGE | AV_DISPOSITION_TIMED_THUMBNAILS;

  return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(stream->disposition & pictures);
}

static gboolean
read_raw (TcInput *input, AVPacket *packet)
{
  int result;

  do {
    result = av_read_frame (input->format, packet);
  } while (result == AVERROR (EAGAIN));
  if (result < 0 && result != AVERROR_EOF)
    input->read_error = result;
  return result >= 0;
}

static void
count_ahead (TcInput *input, guint *counts, guint n_counts)
{
  gsize n_bytes = 0;
  gboolean more = TRUE;

  while (more && input->ahead.length < MAX_AHEAD && n_bytes < MAX_AHEAD_BYTES) {
    AVPacket *packet = av_packet_alloc ();

    more = read_raw (input, packet);
    if (!more) {
      av_packet_free (&packet);
      break;
    }
    n_bytes += packet->size;
    if ((guint) packet->stream_index < n_counts)
      counts[packet->stream_index]++;
    g_queue_push_tail (&input->ahead, packet);
  }
}

/* Of two candidates. What moves goes before what does not, then what is flagged, then what takes
 * more bits and more pixels; then the first. */
static gboolean
is_rather (const AVStream *a, guint n_a, const AVStream *b, guint n_b)
{
  const AVCodecParameters *one = a->codecpar, *two = b->codecpar;
  gint64 area = (gint64) one->width * one->height, other = (gint64) two->width * two->height;

  if ((n_a > 1) != (n_b > 1))
    return n_a > 1;
  if ((a->disposition ^ b->disposition) & AV_DISPOSITION_DEFAULT)
    return (a->disposition & AV_DISPOSITION_DEFAULT) != 0;
  if (one->bit_rate != two->bit_rate)
    return one->bit_rate > two->bit_rate;
  return area > other;
}

/* NULL: there is none. `codec` NULL: none that can be decoded. */
static AVStream *
find_film (TcInput *input, const AVCodec **codec)
{
  guint n = input->format->nb_streams, n_candidates = 0;
  guint *counts = g_new0 (guint, n + 1);
  AVStream *film = NULL;

  for (guint i = 0; i < n; i++)
    n_candidates += may_be_film (input->format->streams[i]);
  if (n_candidates > 1)
    count_ahead (input, counts, n);
  *codec = NULL;
  for (guint i = 0; i < n; i++) {
    AVStream *stream = input->format->streams[i];
    const AVCodec *own;

    if (!may_be_film (stream))
      continue;
    own = avcodec_find_decoder (stream->codecpar->codec_id);
    if (film == NULL || (own != NULL && *codec == NULL) ||
        (own != NULL && is_rather (stream, counts[i], film, counts[film->index]))) {
      film = stream;
      *codec = own;
    }
  }
  g_free (counts);
  return film;
}

/* A lone picture, or text: FFmpeg draws any, if nothing but the name tells that it is some. */
static gboolean
is_still (const AVFormatContext *format)
{
  const char *name = format->iformat->name;

  return format->probe_score <= AVPROBE_SCORE_RETRY || g_str_equal (name, "image2") ||
         g_str_has_suffix (name, "_pipe");
}

gboolean
tc_input_has_film (const TcOptions *options)
{
  AVFormatContext *format = NULL;
  gboolean found = FALSE;

  if (tc_source_open (&format, options, NULL) && !is_still (format) &&
      avformat_find_stream_info (format, NULL) >= 0)
    for (guint i = 0; i < format->nb_streams; i++)
      found |= may_be_film (format->streams[i]);
  avformat_close_input (&format);
  return found;
}

gboolean
tc_input_open (TcInput *input, const TcOptions *options, GError **error)
{
  const char *path = options->in;
  const AVCodec *codec = NULL;
  int result;

  *input = (TcInput){.last_pts = AV_NOPTS_VALUE, .pixels = tc_pixels_new ()};
  g_queue_init (&input->ahead);
  if (!tc_source_open (&input->format, options, error))
    return FALSE;
  result = avformat_find_stream_info (input->format, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be read", path);
  input->video = find_film (input, &codec);
  if (input->video == NULL)
    return tc_fail (error, "%s: has no video track", path);
  if (codec == NULL)
    return tc_fail (error, "%s: there is no decoder for its video", path);

  codec = tc_decoder_with_alpha (input->video, codec);
  input->timeline = tc_timeline_new (input->format, input->video->index);
  input->frame_rate = guess_rate (input->format, input->video);
  input->decoder = avcodec_alloc_context3 (codec);
  avcodec_parameters_to_context (input->decoder, input->video->codecpar);
  input->decoder->pkt_timebase = input->video->time_base;
  input->decoder->framerate = input->frame_rate;
  input->decoder->thread_count = options->threads;
  result = avcodec_open2 (input->decoder, codec, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "%s: the decoder for %s does not start", path, codec->name);
  return TRUE;
}

void
tc_input_close (TcInput *input)
{
  g_queue_clear_full (&input->ahead, tc_packet_destroy);
  tc_timeline_free (input->timeline);
  avcodec_free_context (&input->decoder);
  tc_pixels_free (g_steal_pointer (&input->pixels));
  avformat_close_input (&input->format);
}

/* The next packet as the file has it. */
static gboolean
read_next (TcInput *input, AVPacket *packet)
{
  AVPacket *ahead = g_queue_pop_head (&input->ahead);

  if (ahead == NULL)
    return read_raw (input, packet);
  av_packet_move_ref (packet, ahead);
  av_packet_free (&ahead);
  return TRUE;
}

gboolean
tc_input_read (TcInput *input, AVPacket *packet)
{
  AVStream *stream;
  gint64 end;

  while (!tc_timeline_pull (input->timeline, packet)) {
    if (read_next (input, packet)) {
      tc_timeline_push (input->timeline, packet);
      continue;
    }
    tc_timeline_end (input->timeline);
    if (!tc_timeline_pull (input->timeline, packet))
      return FALSE;
    break;
  }
  stream = input->format->streams[packet->stream_index];
  if (packet->pts != AV_NOPTS_VALUE) {
    end = av_rescale_q (packet->pts + packet->duration, stream->time_base, AV_TIME_BASE_Q);
    input->last_seen = MAX (input->last_seen, end);
  }
  return TRUE;
}

void
tc_input_flush (TcInput *input)
{
  avcodec_flush_buffers (input->decoder);
  input->last_pts = AV_NOPTS_VALUE;
}

gboolean
tc_input_seek (TcInput *input, gint64 time)
{
  gint64 start = av_rescale_q (tc_timeline_get_start (input->timeline), AV_TIME_BASE_Q,
                               input->video->time_base);

  if (avformat_seek_file (input->format, input->video->index, G_MININT64, time + start,
                          time + start, 0) < 0)
    return FALSE;
  g_queue_clear_full (&input->ahead, tc_packet_destroy);
  tc_timeline_seek (input->timeline);
  tc_input_flush (input);
  return TRUE;
}

void
tc_input_send (TcInput *input, const AVPacket *packet)
{
  int result = avcodec_send_packet (input->decoder, packet);

  /* The frames before are taken out first, so that there is room (EAGAIN cannot be). */
  if (result < 0 && result != AVERROR_EOF)
    input->n_damaged++;
}

/* Gives `frame` a time where the file has none, and keeps times increasing, which encoding
 * requires. */
static void
complete_times (TcInput *input, AVFrame *frame)
{
  AVRational base = input->video->time_base;
  gint64 duration = tc_frame_get_duration (frame);

  if (duration <= 0)
    duration = av_rescale_q (1, av_inv_q (input->frame_rate), base);
  frame->pts = frame->best_effort_timestamp;
  if (frame->pts == AV_NOPTS_VALUE)
    frame->pts = input->last_pts == AV_NOPTS_VALUE ? 0 : input->last_pts + input->last_duration;
  if (input->last_pts != AV_NOPTS_VALUE && frame->pts <= input->last_pts) {
    frame->pts = input->last_pts + 1;
    input->n_moved++;
  }
  tc_frame_set_duration (frame, duration);
  input->last_pts = frame->pts;
  input->last_duration = duration;
}

gboolean
tc_input_receive (TcInput *input, AVFrame *frame)
{
  int result;

  for (;;) {
    result = avcodec_receive_frame (input->decoder, frame);
    if (result == AVERROR (EAGAIN) || result == AVERROR_EOF)
      return FALSE;
    if (result >= 0 && tc_pixels_unify (input->pixels, frame, NULL))
      break;
    av_frame_unref (frame);
    input->n_damaged++;
  }
  if (frame->decode_error_flags != 0)
    input->n_damaged++;
  complete_times (input, frame);
  input->n_frames++;
  return TRUE;
}

gint64
tc_input_count_frames (const TcInput *input)
{
  gint64 duration = input->video->duration;

  if (input->video->nb_frames > 0)
    return input->video->nb_frames;
  if (duration != AV_NOPTS_VALUE && duration > 0)
    return av_rescale_q (duration, input->video->time_base, av_inv_q (input->frame_rate));
  if (input->format->duration != AV_NOPTS_VALUE && input->format->duration > 0)
    return av_rescale_q (input->format->duration, AV_TIME_BASE_Q, av_inv_q (input->frame_rate));
  return 0;
}

char *
tc_input_describe_end (const TcInput *input)
{
  gint64 duration = input->format->duration, seen = input->last_seen;
  /* Some formats' durations are told from 0 on, where that is not the start. */
  gint64 end = seen + MAX (tc_timeline_get_start (input->timeline), 0);
  char text[AV_ERROR_MAX_STRING_SIZE];

  if (input->read_error != 0) {
    av_strerror (input->read_error, text, sizeof text);
    return g_strdup_printf ("reading failed after %.1f s (%s)", (double) seen / AV_TIME_BASE, text);
  }
  /* A duration estimated from the bit rate is useless, and so is one that spans several clocks. */
  if (duration > 0 && tc_timeline_count_joins (input->timeline) == 0 &&
      input->format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE &&
      end < duration - AV_TIME_BASE)
    return g_strdup_printf ("ends after %.1f of %.1f s", (double) seen / AV_TIME_BASE,
                            (double) duration / AV_TIME_BASE);
  if (tc_log_ended_early ())
    return g_strdup_printf ("ends in the middle of something after %.1f s",
                            (double) seen / AV_TIME_BASE);
  return NULL;
}
