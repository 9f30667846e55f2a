/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audio.h"
#include "compat.h"
#include "message.h"

#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

/* A gap in the sound larger than this moves what follows; smaller ones are rounding. */
#define MAX_GAP_MS 50

struct _TcAudio {
  AVCodecContext *decoder, *encoder;
  SwrContext *resample;
  AVAudioFifo *fifo;
  AVFrame *decoded, *piece;
  AVPacket *packet;
  gint64 next_pts; /* of the first sample in the FIFO, in samples */
};

static int
nearest_rate (const AVCodec *codec, int rate)
{
  int best = 0;

  for (const int *r = tc_codec_get_sample_rates (codec); r != NULL && *r != 0; r++)
    if (best == 0 || ABS (*r - rate) < ABS (best - rate))
      best = *r;
  return best == 0 ? rate : best;
}

static gboolean
open_encoder (TcAudio *self, const AVCodec *codec, gboolean global_header, GError **error)
{
  AVCodecContext *encoder = self->encoder = avcodec_alloc_context3 (codec);
  const enum AVSampleFormat *formats = tc_codec_get_sample_formats (codec);
  int result, channels = MIN (self->decoder->ch_layout.nb_channels, 8);

  encoder->sample_rate = nearest_rate (codec, self->decoder->sample_rate);
  encoder->sample_fmt = formats != NULL ? formats[0] : AV_SAMPLE_FMT_FLTP;
  /* The usual layout for so many: others are refused by the encoders. */
  av_channel_layout_default (&encoder->ch_layout, channels);
  encoder->bit_rate = channels * (codec->id == AV_CODEC_ID_OPUS ? 72000 : 96000);
  encoder->time_base = (AVRational){1, encoder->sample_rate};
  if (global_header)
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  result = avcodec_open2 (encoder, codec, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "the encoder %s does not start", codec->name);
  return TRUE;
}

static gboolean
open_decoder (TcAudio *self, const AVStream *source, GError **error)
{
  const AVCodec *codec = avcodec_find_decoder (source->codecpar->codec_id);
  int result;

  if (codec == NULL)
    return tc_fail (error, "there is no decoder for the sound (%s)",
                    avcodec_get_name (source->codecpar->codec_id));
  self->decoder = avcodec_alloc_context3 (codec);
  avcodec_parameters_to_context (self->decoder, source->codecpar);
  self->decoder->pkt_timebase = source->time_base;
  result = avcodec_open2 (self->decoder, codec, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "the decoder %s does not start", codec->name);
  if (self->decoder->ch_layout.nb_channels <= 0 || self->decoder->sample_rate <= 0)
    return tc_fail (error, "the sound tells neither channels nor rate");
  if (self->decoder->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default (&self->decoder->ch_layout, self->decoder->ch_layout.nb_channels);
  return TRUE;
}

TcAudio *
tc_audio_new (const AVStream *source, enum AVCodecID codec_id, gboolean global_header,
              GError **error)
{
  TcAudio *self = g_new0 (TcAudio, 1);
  const AVCodec *codec = NULL;
  gboolean ok;

  if (codec_id == AV_CODEC_ID_OPUS)
    codec = avcodec_find_encoder_by_name ("libopus");
  if (codec == NULL)
    codec = avcodec_find_encoder (codec_id);
  if (codec == NULL)
    ok = tc_fail (error, "FFmpeg has no encoder for %s here", avcodec_get_name (codec_id));
  else
    ok = open_decoder (self, source, error) && open_encoder (self, codec, global_header, error);
  if (ok) {
    self->fifo =
        av_audio_fifo_alloc (self->encoder->sample_fmt, self->encoder->ch_layout.nb_channels, 4096);
    self->decoded = av_frame_alloc ();
    self->piece = av_frame_alloc ();
    self->packet = av_packet_alloc ();
    self->next_pts = AV_NOPTS_VALUE;
    if (swr_alloc_set_opts2 (&self->resample, &self->encoder->ch_layout, self->encoder->sample_fmt,
                             self->encoder->sample_rate, &self->decoder->ch_layout,
                             self->decoder->sample_fmt, self->decoder->sample_rate, 0, NULL) < 0 ||
        swr_init (self->resample) < 0)
      ok = tc_fail (error, "the sound cannot be converted for %s", codec->name);
  }
  if (!ok) {
    tc_audio_free (self);
    return NULL;
  }
  return self;
}

void
tc_audio_free (TcAudio *self)
{
  if (self == NULL)
    return;
  avcodec_free_context (&self->decoder);
  avcodec_free_context (&self->encoder);
  swr_free (&self->resample);
  if (self->fifo != NULL)
    av_audio_fifo_free (self->fifo);
  av_frame_free (&self->decoded);
  av_frame_free (&self->piece);
  av_packet_free (&self->packet);
  g_free (self);
}

const AVCodecContext *
tc_audio_get_encoder (const TcAudio *self)
{
  return self->encoder;
}

static gboolean
encode (TcAudio *self, AVFrame *frame, TcPacketFunc func, gpointer data, GError **error)
{
  int result = avcodec_send_frame (self->encoder, frame);

  if (result < 0)
    return tc_fail_av (error, result, "encoding the sound failed");
  while ((result = avcodec_receive_packet (self->encoder, self->packet)) >= 0)
    if (!func (data, self->packet, error))
      return FALSE;
  if (result != AVERROR (EAGAIN) && result != AVERROR_EOF)
    return tc_fail_av (error, result, "encoding the sound failed");
  return TRUE;
}

static gboolean
encode_fifo (TcAudio *self, gboolean all, TcPacketFunc func, gpointer data, GError **error)
{
  int size = self->encoder->frame_size > 0 ? self->encoder->frame_size : 1024;

  while (av_audio_fifo_size (self->fifo) >= (all ? 1 : size)) {
    AVFrame *piece = self->piece;
    gboolean ok;

    piece->nb_samples = MIN (size, av_audio_fifo_size (self->fifo));
    piece->format = self->encoder->sample_fmt;
    piece->sample_rate = self->encoder->sample_rate;
    av_channel_layout_copy (&piece->ch_layout, &self->encoder->ch_layout);
    if (av_frame_get_buffer (piece, 0) < 0)
      return tc_fail (error, "out of memory");
    av_audio_fifo_read (self->fifo, (void **) piece->data, piece->nb_samples);
    piece->pts = self->next_pts;
    self->next_pts += piece->nb_samples;
    ok = encode (self, piece, func, data, error);
    av_frame_unref (piece);
    if (!ok)
      return FALSE;
  }
  return TRUE;
}

/* `frame` NULL: what the resampler still holds. */
static gboolean
convert (TcAudio *self, const AVFrame *frame, GError **error)
{
  int n = swr_get_out_samples (self->resample, frame != NULL ? frame->nb_samples : 0);
  uint8_t **samples = NULL;

  if (n <= 0)
    return TRUE;
  if (av_samples_alloc_array_and_samples (&samples, NULL, self->encoder->ch_layout.nb_channels, n,
                                          self->encoder->sample_fmt, 0) < 0)
    return tc_fail (error, "out of memory");
  n = swr_convert (self->resample, samples, n,
                   frame != NULL ? (const uint8_t **) frame->extended_data : NULL,
                   frame != NULL ? frame->nb_samples : 0);
  if (n > 0)
    av_audio_fifo_write (self->fifo, (void **) samples, n);
  av_freep (&samples[0]);
  av_freep (&samples);
  return n >= 0 ? TRUE : tc_fail_av (error, n, "converting the sound failed");
}

static void
follow_time (TcAudio *self, const AVFrame *frame)
{
  int rate = self->encoder->sample_rate;
  gint64 pts, expected;

  if (frame->best_effort_timestamp == AV_NOPTS_VALUE) {
    if (self->next_pts == AV_NOPTS_VALUE)
      self->next_pts = 0;
    return;
  }
  pts = av_rescale_q (frame->best_effort_timestamp, self->decoder->pkt_timebase,
                      self->encoder->time_base);
  if (self->next_pts == AV_NOPTS_VALUE) {
    self->next_pts = pts;
    return;
  }
  expected =
      self->next_pts + av_audio_fifo_size (self->fifo) + swr_get_delay (self->resample, rate);
  if (pts - expected > rate * MAX_GAP_MS / 1000)
    self->next_pts += pts - expected;
}

gboolean
tc_audio_push (TcAudio *self, const AVPacket *packet, TcPacketFunc func, gpointer data,
               GError **error)
{
  gboolean ok = TRUE;

  /* A damaged packet is left out. */
  if (avcodec_send_packet (self->decoder, packet) < 0 && packet != NULL)
    return TRUE;
  while (ok && avcodec_receive_frame (self->decoder, self->decoded) >= 0) {
    follow_time (self, self->decoded);
    /* A change of format in the middle is what the resampler was not made for. */
    if (self->decoded->format == self->decoder->sample_fmt &&
        self->decoded->ch_layout.nb_channels == self->decoder->ch_layout.nb_channels)
      ok = convert (self, self->decoded, error) && encode_fifo (self, FALSE, func, data, error);
    av_frame_unref (self->decoded);
  }
  if (ok && packet == NULL && self->next_pts != AV_NOPTS_VALUE)
    ok = convert (self, NULL, error) && encode_fifo (self, TRUE, func, data, error) &&
         encode (self, NULL, func, data, error);
  return ok;
}
