/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "video.h"
#include "compat.h"
#include "message.h"

#include <string.h>

struct _TcVideo {
  const TcOptions *options;
  const TcInput *input;
  TcMuxer *muxer;
  AVStream *stream;
  TcEncoderChoice choice;
  AVCodecContext *encoder;
  AVPacket *packet;
  GHashTable *durations; /* of the frames in the encoder, by time */
  gint64 n_frames;
};

TcVideo *
tc_video_new (const TcOptions *options, const TcInput *input, TcMuxer *muxer, AVStream *stream)
{
  TcVideo *self = g_new0 (TcVideo, 1);

  self->options = options;
  self->input = input;
  self->muxer = muxer;
  self->stream = stream;
  self->packet = av_packet_alloc ();
  self->durations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return self;
}

void
tc_video_free (TcVideo *self)
{
  if (self == NULL)
    return;
  avcodec_free_context (&self->encoder);
  av_packet_free (&self->packet);
  g_hash_table_unref (self->durations);
  g_free (self);
}

void
tc_video_set_encoder (TcVideo *self, const TcEncoderChoice *choice)
{
  self->choice = *choice;
}

static void
add_hdr_side_data (AVStream *stream, const AVFrame *frame)
{
  static const struct {
    enum AVFrameSideDataType from;
    enum AVPacketSideDataType to;
  } kinds[] = {
      {AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA},
      {AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL},
      {AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_DATA_DISPLAYMATRIX},
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    AVFrameSideData *data = av_frame_get_side_data (frame, kinds[i].from);
    uint8_t *copy;

    if (data == NULL || tc_stream_get_side_data (stream, kinds[i].to, NULL) != NULL)
      continue;
    copy = tc_stream_new_side_data (stream, kinds[i].to, data->size);
    if (copy != NULL)
      memcpy (copy, data->data, data->size);
  }
}

static gboolean
start_video (TcVideo *self, const AVFrame *frame, GError **error)
{
  const AVOutputFormat *container = tc_muxer_get_format (self->muxer);

  self->encoder = tc_encoder_open (&self->choice, self->options, frame, self->input->video,
                                   self->input->frame_rate,
                                   (container->flags & AVFMT_GLOBALHEADER) != 0, error);
  if (self->encoder == NULL)
    return FALSE;
  tc_stream_set_encoder (self->stream, self->encoder);
  self->stream->sample_aspect_ratio = self->encoder->sample_aspect_ratio;
  /* The tag that players of Apple's insist on. */
  if (self->choice.codec->id == AV_CODEC_ID_HEVC && container->codec_tag != NULL &&
      av_codec_get_id (container->codec_tag, MKTAG ('h', 'v', 'c', '1')) == AV_CODEC_ID_HEVC)
    self->stream->codecpar->codec_tag = MKTAG ('h', 'v', 'c', '1');
  add_hdr_side_data (self->stream, frame);
  if (!g_str_equal (container->name, "mp4") && !g_str_equal (container->name, "mov") &&
      tc_stream_get_side_data (self->stream, AV_PKT_DATA_DISPLAYMATRIX, NULL) != NULL)
    tc_note ("%s cannot hold how the picture is rotated; mp4 can", container->name);
  /* Matroska tells when frames are shown, so that decoding times before 0, which reordering
   * brings about, are no reason to move everything. */
  if (strstr (container->name, "matroska") != NULL || strstr (container->name, "webm") != NULL)
    tc_muxer_get_context (self->muxer)->avoid_negative_ts = 0;
  return tc_muxer_write_header (self->muxer, self->input->video->time_base, error);
}

gboolean
tc_video_encode (TcVideo *self, AVFrame *frame, GError **error)
{
  gint64 *duration;
  int result;

  if (frame != NULL) {
    gint64 length = tc_frame_get_duration (frame);

    if (self->encoder == NULL && !start_video (self, frame, error))
      return FALSE;
    g_hash_table_insert (self->durations, g_memdup2 (&frame->pts, sizeof frame->pts),
                         g_memdup2 (&length, sizeof length));
    self->n_frames++;
  } else if (self->encoder == NULL) {
    return tc_fail (error, "no frame came out of the pipeline");
  }
  result = avcodec_send_frame (self->encoder, frame);
  if (result < 0)
    return tc_fail_av (error, result, "encoding failed");
  while ((result = avcodec_receive_packet (self->encoder, self->packet)) >= 0) {
    duration = g_hash_table_lookup (self->durations, &self->packet->pts);
    if (duration != NULL) {
      gint64 pts = self->packet->pts;

      self->packet->duration = *duration;
      g_hash_table_remove (self->durations, &pts);
    }
    if (!tc_muxer_write (self->muxer, self->packet, self->stream, self->encoder->time_base, error))
      return FALSE;
  }
  if (result != AVERROR (EAGAIN) && result != AVERROR_EOF)
    return tc_fail_av (error, result, "encoding failed");
  return TRUE;
}

gint64
tc_video_count_frames (const TcVideo *self)
{
  return self->n_frames;
}

void
tc_video_get_size (const TcVideo *self, int *width, int *height)
{
  *width = self->encoder->width;
  *height = self->encoder->height;
}
