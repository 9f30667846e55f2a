/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "muxer.h"
#include "compat.h"
#include "message.h"
#include "tempfile.h"

#include <string.h>

struct _TcMuxer {
  char *out, *temp;
  AVFormatContext *format;

  /* Two threads write. Until the encoder is open there is no header, and packets wait. */
  GMutex lock;
  GQueue waiting;
  gboolean header_written;
};

/* ---- the file ------------------------------------------------------------------------------- */

static gboolean
open_file (TcMuxer *self, GError **error)
{
  const char *out = self->out;
  const AVOutputFormat *container = av_guess_format (NULL, out, NULL);
  char *url;
  int result;

  if (container == NULL || (container->flags & AVFMT_NOFILE) ||
      container->video_codec == AV_CODEC_ID_NONE)
    return tc_fail (error, "%s: the extension names no container for video (mkv, mp4, webm, ...)",
                    out);
  result = avformat_alloc_output_context2 (&self->format, container, NULL, out);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be made", out);
  if (!tc_temp_open (out, &self->temp, error))
    return FALSE;
  url = g_strconcat ("file:", self->temp, NULL);
  result = avio_open (&self->format->pb, url, AVIO_FLAG_WRITE);
  g_free (url);
  if (result < 0)
    return tc_fail_av (error, result, "%s: cannot be written", out);
  return TRUE;
}

TcMuxer *
tc_muxer_new (const char *out, GError **error)
{
  TcMuxer *self = g_new0 (TcMuxer, 1);

  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  self->out = g_strdup (out);
  if (!open_file (self, error)) {
    tc_muxer_free (self);
    return NULL;
  }
  return self;
}

static void
free_packet (gpointer data)
{
  AVPacket *packet = data;

  av_packet_free (&packet);
}

void
tc_muxer_free (TcMuxer *self)
{
  if (self == NULL)
    return;
  if (self->format != NULL) {
    avio_closep (&self->format->pb);
    avformat_free_context (self->format);
  }
  tc_temp_discard ();
  g_queue_clear_full (&self->waiting, free_packet);
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
copy_side_data (AVStream *to, const AVStream *from)
{
  int n;
  const AVPacketSideData *list = tc_stream_list_side_data (from, &n);

  for (int i = 0; i < n; i++) {
    const AVPacketSideData *data = &list[i];
    uint8_t *copy;

    /* These tell of the bits, which are others now. */
    if (data->type == AV_PKT_DATA_CPB_PROPERTIES || data->type == AV_PKT_DATA_NEW_EXTRADATA ||
        data->type == AV_PKT_DATA_DOVI_CONF)
      continue;
    copy = tc_stream_new_side_data (to, data->type, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

AVStream *
tc_muxer_add_stream (TcMuxer *self, const AVStream *from)
{
  AVStream *stream = avformat_new_stream (self->format, NULL);

  stream->time_base = from->time_base;
  stream->disposition = from->disposition;
  stream->avg_frame_rate = from->avg_frame_rate;
  stream->r_frame_rate = from->r_frame_rate;
  stream->sample_aspect_ratio = from->sample_aspect_ratio;
  av_dict_copy (&stream->metadata, from->metadata, 0);
  copy_side_data (stream, from);
  return stream;
}

/* ---- writing -------------------------------------------------------------------------------- */

static gboolean
fail_write (TcMuxer *self, int code, GError **error)
{
  /* The muxer's own code says little when it was the disk that refused. */
  if (self->format->pb != NULL && self->format->pb->error < 0)
    code = self->format->pb->error;
  return tc_fail_av (error, code, "%s: writing failed", self->out);
}

/* Under the lock; takes what the packet holds. */
static gboolean
write_now (TcMuxer *self, AVPacket *packet, GError **error)
{
  int result = av_interleaved_write_frame (self->format, packet);

  if (result < 0 || self->format->pb->error < 0)
    return fail_write (self, result, error);
  return TRUE;
}

gboolean
tc_muxer_write (TcMuxer *self, AVPacket *packet, const AVStream *stream, AVRational base,
                GError **error)
{
  gboolean ok = TRUE;

  packet->stream_index = stream->index;
  packet->pos = -1;
  g_mutex_lock (&self->lock);
  if (self->header_written) {
    av_packet_rescale_ts (packet, base, stream->time_base);
    ok = write_now (self, packet, error);
  } else {
    AVPacket *kept = av_packet_alloc ();

    av_packet_move_ref (kept, packet);
    kept->time_base = base;
    g_queue_push_tail (&self->waiting, kept);
  }
  g_mutex_unlock (&self->lock);
  return ok;
}

gboolean
tc_muxer_write_header (TcMuxer *self, AVRational base, GError **error)
{
  AVDictionary *settings = NULL;
  AVPacket *packet;
  gboolean ok = TRUE;
  int result;

  if (base.num == 1)
    av_dict_set_int (&settings, "video_track_timescale", base.den, 0);
  g_mutex_lock (&self->lock);
  result = avformat_write_header (self->format, &settings);
  av_dict_free (&settings);
  if (result < 0 || self->format->pb->error < 0)
    ok = fail_write (self, result, error);
  self->header_written = ok;
  while (ok && (packet = g_queue_pop_head (&self->waiting)) != NULL) {
    AVStream *stream = self->format->streams[packet->stream_index];

    av_packet_rescale_ts (packet, packet->time_base, stream->time_base);
    ok = write_now (self, packet, error);
    av_packet_free (&packet);
  }
  g_mutex_unlock (&self->lock);
  return ok;
}

gboolean
tc_muxer_commit (TcMuxer *self, GError **error)
{
  int result = av_write_trailer (self->format);

  if (result >= 0)
    avio_flush (self->format->pb);
  if (result < 0 || self->format->pb->error < 0)
    return fail_write (self, result, error);
  result = avio_closep (&self->format->pb);
  if (result < 0)
    return tc_fail_av (error, result, "%s: writing failed", self->out);
  return tc_temp_commit (self->temp, self->out, error);
}
