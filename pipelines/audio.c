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
  /* What the resampler was made for. */
  AVChannelLayout in_layout;
  int in_format, in_rate;
  int number; /* of the track */
  gint64 n_lost;
  gboolean dead; /* nothing more can be made */
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

/* The channels as they are where the encoder takes them so, else as many of them as it takes in
 * their usual places. */
static void
choose_layout (AVChannelLayout *layout, const AVCodec *codec, const AVChannelLayout *source)
{
  int n = 0;

  for (const AVChannelLayout *l = tc_codec_get_layouts (codec); l != NULL && l->nb_channels > 0;
       l++) {
    if (av_channel_layout_compare (l, source) == 0) {
      av_channel_layout_copy (layout, l);
      return;
    }
    if (l->nb_channels <= source->nb_channels && l->nb_channels > n) {
      n = l->nb_channels;
      av_channel_layout_copy (layout, l);
    }
  }
  if (n == 0)
    av_channel_layout_default (layout, MIN (source->nb_channels, 8));
}

static gboolean
open_encoder (TcAudio *self, const AVCodec *codec, gboolean global_header, GError **error)
{
  AVCodecContext *encoder = self->encoder = avcodec_alloc_context3 (codec);
  const enum AVSampleFormat *formats = tc_codec_get_sample_formats (codec);
  int result, channels;

  encoder->sample_rate = nearest_rate (codec, self->decoder->sample_rate);
  encoder->sample_fmt = formats != NULL ? formats[0] : AV_SAMPLE_FMT_FLTP;
  choose_layout (&encoder->ch_layout, codec, &self->decoder->ch_layout);
  channels = encoder->ch_layout.nb_channels;
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
    return tc_fail (error, "there is no decoder for it");
  self->decoder = avcodec_alloc_context3 (codec);
  avcodec_parameters_to_context (self->decoder, source->codecpar);
  self->decoder->pkt_timebase = source->time_base;
  result = avcodec_open2 (self->decoder, codec, NULL);
  if (result < 0)
    return tc_fail_av (error, result, "the decoder %s does not start", codec->name);
  if (self->decoder->ch_layout.nb_channels <= 0 || self->decoder->sample_rate <= 0)
    return tc_fail (error, "the beginning of the file tells neither its channels nor its rate");
  if (self->decoder->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default (&self->decoder->ch_layout, self->decoder->ch_layout.nb_channels);
  return TRUE;
}

/* Makes the resampler for what comes in like this. */
static gboolean
set_input (TcAudio *self, const AVChannelLayout *layout, int format, int rate)
{
  swr_free (&self->resample);
  av_channel_layout_uninit (&self->in_layout);
  if (layout->nb_channels <= 0 || rate <= 0)
    return FALSE;
  if (layout->order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default (&self->in_layout, layout->nb_channels);
  else
    av_channel_layout_copy (&self->in_layout, layout);
  self->in_format = format;
  self->in_rate = rate;
  if (swr_alloc_set_opts2 (&self->resample, &self->encoder->ch_layout, self->encoder->sample_fmt,
                           self->encoder->sample_rate, &self->in_layout, format, rate, 0,
                           NULL) >= 0 &&
      swr_init (self->resample) >= 0)
    return TRUE;
  swr_free (&self->resample);
  return FALSE;
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
    self->number = source->index;
    if (!set_input (self, &self->decoder->ch_layout, self->decoder->sample_fmt,
                    self->decoder->sample_rate))
      ok = tc_fail (error, "it cannot be converted for %s", codec->name);
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
  av_channel_layout_uninit (&self->in_layout);
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

gint64
tc_audio_count_lost (const TcAudio *self)
{
  return self->n_lost;
}

/* Gives up the rest of this track; others go on. */
static gboolean
give_up (TcAudio *self, const char *what)
{
  if (!self->dead)
    tc_note ("track %d: %s; the rest of it is left out", self->number, what);
  self->dead = TRUE;
  return TRUE;
}

static gboolean
encode (TcAudio *self, AVFrame *frame, TcPacketFunc func, gpointer data, GError **error)
{
  int result = avcodec_send_frame (self->encoder, frame);

  if (result < 0)
    return give_up (self, "encoding the sound failed");
  while ((result = avcodec_receive_packet (self->encoder, self->packet)) >= 0)
    if (!func (data, self->packet, error))
      return FALSE;
  if (result != AVERROR (EAGAIN) && result != AVERROR_EOF)
    return give_up (self, "encoding the sound failed");
  return TRUE;
}

static gboolean
encode_fifo (TcAudio *self, gboolean all, TcPacketFunc func, gpointer data, GError **error)
{
  int size = self->encoder->frame_size > 0 ? self->encoder->frame_size : 1024;

  while (!self->dead && av_audio_fifo_size (self->fifo) >= (all ? 1 : size)) {
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
  int n = self->resample == NULL
              ? 0
              : swr_get_out_samples (self->resample, frame != NULL ? frame->nb_samples : 0);
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
  return n >= 0 ? TRUE : give_up (self, "converting the sound failed");
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

/* Follows a change midway. FALSE: what comes in now cannot be converted. */
static gboolean
adapt (TcAudio *self, const AVFrame *frame, GError **error)
{
  AVChannelLayout layout = {0};
  gboolean same;

  if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
    av_channel_layout_default (&layout, frame->ch_layout.nb_channels);
  else
    av_channel_layout_copy (&layout, &frame->ch_layout);
  same = self->resample != NULL && frame->format == self->in_format &&
         frame->sample_rate == self->in_rate &&
         av_channel_layout_compare (&layout, &self->in_layout) == 0;
  if (!same) {
    convert (self, NULL, error);
    same = set_input (self, &layout, frame->format, frame->sample_rate);
  }
  av_channel_layout_uninit (&layout);
  return same;
}

gboolean
tc_audio_push (TcAudio *self, const AVPacket *packet, TcPacketFunc func, gpointer data,
               GError **error)
{
  gboolean ok = TRUE;
  int result;

  if (self->dead)
    return TRUE;
  /* A damaged packet is left out. */
  result = avcodec_send_packet (self->decoder, packet);
  if (result < 0 && packet != NULL) {
    self->n_lost++;
    return TRUE;
  }
  while (ok && !self->dead) {
    result = avcodec_receive_frame (self->decoder, self->decoded);
    if (result == AVERROR (EAGAIN) || result == AVERROR_EOF)
      break;
    if (result < 0) {
      self->n_lost++;
      continue;
    }
    if (adapt (self, self->decoded, error)) {
      follow_time (self, self->decoded);
      ok = convert (self, self->decoded, error) && encode_fifo (self, FALSE, func, data, error);
    } else {
      self->n_lost++;
    }
    av_frame_unref (self->decoded);
  }
  if (ok && !self->dead && packet == NULL && self->next_pts != AV_NOPTS_VALUE)
    ok = convert (self, NULL, error) && encode_fifo (self, TRUE, func, data, error) &&
         (self->dead || encode (self, NULL, func, data, error));
  return ok;
}
