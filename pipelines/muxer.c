/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "muxer.h"
#include "compat.h"
#include "container.h"
#include "message.h"
#include "packet.h"
#include "tempfile.h"

#include <string.h>

/* How far other tracks may be ahead of a silent one, in microseconds. */
#define MAX_AHEAD (10 * (gint64) AV_TIME_BASE)

typedef struct {
  AVStream *stream;
  int number; /* of the track in the input */
  GQueue packets;
  gint64 delay;       /* what is added to all times, in the stream's time base */
  gint64 last_dts;    /* AV_NOPTS_VALUE: none yet */
  gint64 n_moved;     /* packets with non-monotonic times */
  gint64 most_moved;  /* by how much at most, in the stream's time base */
  gint64 n_refused;   /* packets that the muxer refused */
  int refused_result; /* what it said of the first */
} Lane;

struct _TcMuxer {
  char *out, *temp;
  TcTarget target;
  AVFormatContext *format;
  TcMuxerFunc sink; /* where packets go instead of into a file, or NULL */
  gpointer sink_data;

  /* Two threads write. Until the encoder is open there is no header, and packets wait. */
  GMutex lock;
  GArray *lanes; /* Lane, by the stream's index */
  int film;      /* the index of its lane */
  gboolean header_written;
};

/* ---- the file ------------------------------------------------------------------------------- */

static TcMuxer *
new_muxer (const TcOptions *options, const AVInputFormat *source, TcMuxerFunc func, gpointer data,
           GError **error)
{
  TcMuxer *self = g_new0 (TcMuxer, 1);

  self->sink = func;
  self->sink_data = data;
  self->target = func != NULL ? TC_TARGET_SINK : TC_TARGET_FILE;
  g_mutex_init (&self->lock);
  self->lanes = g_array_new (FALSE, TRUE, sizeof (Lane));
  self->out = g_strdup (options->out);
  if (!tc_target_open (&self->target, &self->format, &self->temp, options, source, error)) {
    tc_muxer_free (self);
    return NULL;
  }
  return self;
}

TcMuxer *
tc_muxer_new (const TcOptions *options, const AVInputFormat *source, GError **error)
{
  return new_muxer (options, source, NULL, NULL, error);
}

TcMuxer *
tc_muxer_new_sink (const TcOptions *options, TcMuxerFunc func, gpointer data, GError **error)
{
  return new_muxer (options, NULL, func, data, error);
}

void
tc_muxer_free (TcMuxer *self)
{
  if (self == NULL)
    return;
  if (self->format != NULL) {
    if (self->format->pb != NULL)
      avio_closep (&self->format->pb);
    avformat_free_context (self->format);
  }
  if (self->sink == NULL)
    tc_temp_discard ();
  for (guint i = 0; i < self->lanes->len; i++)
    g_queue_clear_full (&g_array_index (self->lanes, Lane, i).packets, tc_packet_destroy);
  g_array_unref (self->lanes);
  g_mutex_clear (&self->lock);
  g_free (self->temp);
  g_free (self->out);
  g_free (self);
}

const AVOutputFormat *
tc_muxer_get_format (const TcMuxer *self)
{
  return self->format->oformat;
}

AVFormatContext *
tc_muxer_get_context (TcMuxer *self)
{
  return self->format;
}

/* ---- tracks --------------------------------------------------------------------------------- */

static void
copy_side_data (AVStream *to, const AVStream *from, gboolean same_bits)
{
  int n;
  const AVPacketSideData *list = tc_stream_list_side_data (from, &n);

  for (int i = 0; i < n; i++) {
    const AVPacketSideData *data = &list[i];
    uint8_t *copy;

    if (!same_bits &&
        (data->type == AV_PKT_DATA_CPB_PROPERTIES || data->type == AV_PKT_DATA_NEW_EXTRADATA ||
         data->type == AV_PKT_DATA_DOVI_CONF))
      continue;
    copy = tc_stream_new_side_data (to, data->type, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

AVStream *
tc_muxer_add_stream (TcMuxer *self, const AVStream *from, gboolean same_bits)
{
  AVStream *stream = avformat_new_stream (self->format, NULL);
  Lane lane = {.stream = stream, .number = from->index, .last_dts = AV_NOPTS_VALUE};

  stream->time_base = from->time_base;
  stream->disposition = from->disposition;
  stream->avg_frame_rate = from->avg_frame_rate;
  stream->r_frame_rate = from->r_frame_rate;
  stream->sample_aspect_ratio = from->sample_aspect_ratio;
  av_dict_copy (&stream->metadata, from->metadata, 0);
  copy_side_data (stream, from, same_bits);
  g_queue_init (&lane.packets);
  g_array_append_val (self->lanes, lane);
  return stream;
}

void
tc_muxer_set_film (TcMuxer *self, const AVStream *stream)
{
  self->film = stream->index;
}

static Lane *
lane_at (TcMuxer *self, guint index)
{
  return &g_array_index (self->lanes, Lane, index);
}

/* ---- times ---------------------------------------------------------------------------------- */

/* Adjusts the times to what the muxer accepts, by as little as possible. */
static void
make_grow (TcMuxer *self, Lane *lane, AVPacket *packet)
{
  enum AVMediaType type = lane->stream->codecpar->codec_type;
  gboolean strict = !(self->format->oformat->flags & AVFMT_TS_NONSTRICT) &&
                    type != AVMEDIA_TYPE_SUBTITLE && type != AVMEDIA_TYPE_DATA;
  gint64 least = lane->last_dts == AV_NOPTS_VALUE ? G_MININT64 : lane->last_dts + strict;
  gint64 pts = packet->pts, dts;

  if (packet->dts == AV_NOPTS_VALUE)
    packet->dts = pts != AV_NOPTS_VALUE              ? pts
                  : lane->last_dts == AV_NOPTS_VALUE ? 0
                                                     : MAX (lane->last_dts, least);
  dts = packet->dts;
  if (pts != AV_NOPTS_VALUE && pts < dts && pts >= least)
    packet->dts = pts;
  packet->dts = MAX (packet->dts, least);
  if (pts != AV_NOPTS_VALUE && pts < packet->dts)
    packet->pts = packet->dts;
  if (pts == AV_NOPTS_VALUE && type != AVMEDIA_TYPE_VIDEO)
    packet->pts = packet->dts;
  if (packet->dts != dts || (pts != AV_NOPTS_VALUE && packet->pts != pts)) {
    gint64 by = MAX (ABS (packet->dts - dts), pts == AV_NOPTS_VALUE ? 0 : packet->pts - pts);

    lane->n_moved++;
    lane->most_moved = MAX (lane->most_moved, by);
  }
  lane->last_dts = packet->dts;
}

static void
tell_changes (TcMuxer *self)
{
  char words[AV_ERROR_MAX_STRING_SIZE];

  for (guint i = 0; i < self->lanes->len; i++) {
    const Lane *lane = lane_at (self, i);

    if (lane->n_moved > 0)
      tc_note ("track %d: the times of %" G_GINT64_FORMAT
               " packets were not monotonic, as %s requires; they were adjusted by at most %.3f s",
               lane->number, lane->n_moved, self->format->oformat->name,
               (double) lane->most_moved * av_q2d (lane->stream->time_base));
    if (lane->n_refused > 0) {
      av_strerror (lane->refused_result, words, sizeof words);
      tc_note ("track %d: %" G_GINT64_FORMAT " packets are left out, which %s did not take (%s)",
               lane->number, lane->n_refused, self->format->oformat->name, words);
    }
  }
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Pictures have no stream of their own that could fail. */
static int
io_error (const TcMuxer *self)
{
  return self->format->pb != NULL ? self->format->pb->error : 0;
}

static gboolean
fail_write (TcMuxer *self, int code, GError **error)
{
  /* The muxer's error code says little when writing to the disk has failed. */
  if (self->target == TC_TARGET_PICTURES && code == AVERROR (EINVAL) && !tc_is_sequence (self->out))
    return tc_fail (error, "%s: holds one picture; a name with %%05d in it would hold all",
                    self->out);
  if (io_error (self) < 0)
    code = io_error (self);
  return tc_fail_av (error, code, "%s: writing failed", self->out);
}

static gint64
time_of (const AVPacket *packet)
{
  return av_rescale_q (packet->dts, packet->time_base, AV_TIME_BASE_Q);
}

/* The lane whose turn it is, or NULL while one of which more must come has nothing. */
static Lane *
choose_lane (TcMuxer *self, gboolean all)
{
  Lane *first = NULL;
  gboolean film_missing = FALSE, other_missing = FALSE;
  gint64 earliest = G_MAXINT64, latest = G_MININT64;

  for (guint i = 0; i < self->lanes->len; i++) {
    Lane *lane = lane_at (self, i);
    const AVPacket *head = g_queue_peek_head (&lane->packets);

    if (head == NULL) {
      film_missing |= (int) i == self->film;
      other_missing |= (int) i != self->film && !tc_stream_is_sparse (lane->stream);
      continue;
    }
    if (time_of (head) < earliest) {
      earliest = time_of (head);
      first = lane;
    }
    latest = MAX (latest, time_of (g_queue_peek_tail (&lane->packets)));
  }
  /* The film comes late, since its encoder looks ahead; the rest comes in the order of the file. */
  if (!all && (film_missing || (other_missing && latest - earliest < MAX_AHEAD)))
    return NULL;
  return first;
}

/* Some muxers cut packets anew, and have to see to the order themselves. */
static gboolean
interleaves_itself (const AVOutputFormat *container)
{
  return g_str_has_prefix (container->name, "mxf") || g_str_equal (container->name, "gxf");
}

/* Under the lock: writes what can be written. */
static gboolean
write_ready (TcMuxer *self, gboolean all, GError **error)
{
  Lane *lane;

  while ((lane = choose_lane (self, all)) != NULL) {
    AVPacket *packet = g_queue_pop_head (&lane->packets);
    int result;

    if (interleaves_itself (self->format->oformat))
      result = av_interleaved_write_frame (self->format, packet);
    else
      result = av_write_frame (self->format, packet);
    av_packet_free (&packet);
    if (io_error (self) < 0 || (result < 0 && lane->stream->index == self->film))
      return fail_write (self, result, error);
    if (result < 0 && lane->n_refused++ == 0)
      lane->refused_result = result;
  }
  return TRUE;
}

/* Under the lock; takes the packet, whose times are in its own time base. */
static void
enqueue (TcMuxer *self, Lane *lane, AVPacket *packet)
{
  av_packet_rescale_ts (packet, packet->time_base, lane->stream->time_base);
  if (packet->pts != AV_NOPTS_VALUE)
    packet->pts += lane->delay;
  if (packet->dts != AV_NOPTS_VALUE)
    packet->dts += lane->delay;
  packet->time_base = lane->stream->time_base;
  make_grow (self, lane, packet);
  g_queue_push_tail (&lane->packets, packet);
}

gboolean
tc_muxer_write (TcMuxer *self, AVPacket *packet, const AVStream *stream, AVRational base,
                GError **error)
{
  AVPacket *own;
  gboolean ok = TRUE;
  Lane *lane;

  if (self->sink != NULL)
    return self->sink (self->sink_data, packet, error);
  own = av_packet_alloc ();
  av_packet_move_ref (own, packet);
  own->stream_index = stream->index;
  own->pos = -1;
  own->time_base = base;
  g_mutex_lock (&self->lock);
  lane = lane_at (self, stream->index);
  if (self->header_written) {
    enqueue (self, lane, own);
    ok = write_ready (self, FALSE, error);
  } else {
    g_queue_push_tail (&lane->packets, own);
  }
  g_mutex_unlock (&self->lock);
  return ok;
}

/* Readers of Matroska take a track's CodecDelay off its times. FFmpeg 5.1 writes it for Opus, but
 * does not add it to what it writes, as later ones do: sound would be early by so much. */
static gint64
delay_of (const TcMuxer *self, const AVStream *stream)
{
#if LIBAVFORMAT_VERSION_MAJOR < 60
  const AVCodecParameters *codec = stream->codecpar;

  if (codec->codec_id == AV_CODEC_ID_OPUS && tc_container_is_matroska (self->format->oformat))
    return av_rescale_q (codec->initial_padding, (AVRational){1, 48000}, stream->time_base);
#endif
  return 0;
}

gboolean
tc_muxer_write_header (TcMuxer *self, AVRational base, GError **error)
{
  AVDictionary *settings = NULL;
  gboolean ok = TRUE;
  int result;

  if (self->sink != NULL)
    return TRUE;
  if (base.num == 1)
    av_dict_set_int (&settings, "video_track_timescale", base.den, 0);
  g_mutex_lock (&self->lock);
  result = avformat_write_header (self->format, &settings);
  av_dict_free (&settings);
  if (result < 0 || io_error (self) < 0)
    ok = fail_write (self, result, error);
  self->header_written = ok;
  for (guint i = 0; ok && i < self->lanes->len; i++) {
    Lane *lane = lane_at (self, i);

    lane->delay = delay_of (self, lane->stream);
    for (guint n = lane->packets.length; n > 0; n--)
      enqueue (self, lane, g_queue_pop_head (&lane->packets));
  }
  ok = ok && write_ready (self, FALSE, error);
  g_mutex_unlock (&self->lock);
  return ok;
}

gboolean
tc_muxer_commit (TcMuxer *self, GError **error)
{
  int result;
  gboolean ok;

  g_mutex_lock (&self->lock);
  ok = write_ready (self, TRUE, error);
  g_mutex_unlock (&self->lock);
  if (!ok)
    return FALSE;
  result = av_write_trailer (self->format);
  if (result >= 0 && self->format->pb != NULL)
    avio_flush (self->format->pb);
  if (result < 0 || io_error (self) < 0)
    return fail_write (self, result, error);
  result = self->format->pb != NULL ? avio_closep (&self->format->pb) : 0;
  if (result < 0)
    return tc_fail_av (error, result, "%s: writing failed", self->out);
  tell_changes (self);
  return tc_target_commit (self->temp, self->out, error);
}
